/* ekmctl sql: the T-SQL of the common jobs, with the names filled in (facts/sql-server-connector.md sections 1.3, 1.4
 * and 2). It is printed, never run: whoever runs it reads it first. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "cli/command.h"
#include "cli/sql_template.h"

enum { SCRIPT_MAX_BYTES = 64 * 1024, NAME_MAX_BYTES = 4 * SQL_NAME_MAX_CHARS + 32 };

#define ENABLE                                      \
  "EXEC sp_configure 'show advanced options', 1;\n" \
  "RECONFIGURE;\n"                                  \
  "EXEC sp_configure 'EKM provider enabled', 1;\n"  \
  "RECONFIGURE;\n"                                  \
  "GO\n"

#define PROVIDER                                                                            \
  "CREATE CRYPTOGRAPHIC PROVIDER $[provider]\n"                                             \
  "  FROM FILE = $'file';\n"                                                                \
  "GO\n"                                                                                    \
  "SELECT name, version, guid FROM sys.cryptographic_providers WHERE name = $'provider';\n" \
  "GO\n"

/* The credential goes to the administrator, who makes the key known, and then to the key's own login, by which the
 * engine opens the database when it starts. A login has one credential for a provider. */
#define KEY                                                                         \
  "CREATE CREDENTIAL $[credential]\n"                                               \
  "  WITH IDENTITY = $'identity', SECRET = $'secret'\n"                             \
  "  FOR CRYPTOGRAPHIC PROVIDER $[provider];\n"                                     \
  "ALTER LOGIN $[admin] ADD CREDENTIAL $[credential];\n"                            \
  "GO\n"                                                                            \
  "CREATE ASYMMETRIC KEY $[key]\n"                                                  \
  "  FROM PROVIDER $[provider]\n"                                                   \
  "  WITH PROVIDER_KEY_NAME = $'key_name', CREATION_DISPOSITION = OPEN_EXISTING;\n" \
  "GO\n"                                                                            \
  "CREATE LOGIN $[login] FROM ASYMMETRIC KEY $[key];\n"                             \
  "ALTER LOGIN $[admin] DROP CREDENTIAL $[credential];\n"                           \
  "ALTER LOGIN $[login] ADD CREDENTIAL $[credential];\n"                            \
  "GO\n"

#define STATE                                                                                                       \
  "-- encryption_state: 2 encryption runs, 3 encrypted, 4 a key is being changed. The thumbprints must be equal.\n" \
  "SELECT d.name, e.encryption_state, e.percent_complete, e.encryptor_type, e.encryptor_thumbprint, k.thumbprint\n" \
  "FROM sys.dm_database_encryption_keys e\n"                                                                        \
  "JOIN sys.databases d ON d.database_id = e.database_id\n"                                                         \
  "LEFT JOIN master.sys.asymmetric_keys k ON k.name = $'key'\n"                                                     \
  "WHERE d.name = $'database';\n"                                                                                   \
  "GO\n"

#define REKEY                                                                   \
  "USE $[database];\n"                                                          \
  "GO\n"                                                                        \
  "ALTER DATABASE ENCRYPTION KEY ENCRYPTION BY SERVER ASYMMETRIC KEY $[key];\n" \
  "GO\n" STATE

static const char setup[] =
    "-- Set up a key in Azure Key Vault for SQL Server, and encrypt a database with it (TDE).\n"
    "-- Afterwards back up the key in the vault: without it no backup of the database can be restored.\n"
    "USE [master];\n"
    "GO\n" ENABLE PROVIDER KEY
    "USE $[database];\n"
    "GO\n"
    "CREATE DATABASE ENCRYPTION KEY WITH ALGORITHM = AES_256\n"
    "  ENCRYPTION BY SERVER ASYMMETRIC KEY $[key];\n"
    "GO\n"
    "ALTER DATABASE $[database] SET ENCRYPTION ON;\n"
    "GO\n" STATE;

static const char rotate[] =
    "-- Move a database to another key, or to a new version of its key. The new version is there already:\n"
    "-- a version that is made in the vault changes nothing by itself.\n"
    "-- Keep the old version enabled: older backups, and the log until it has turned over, still need it.\n"
    "USE [master];\n"
    "GO\n" KEY REKEY
    "-- Parts of the log that another key still protects; a log backup or CHECKPOINT lets them go in time.\n"
    "SELECT DISTINCT l.vlf_encryptor_thumbprint FROM sys.dm_db_log_info(DB_ID($'database')) l;\n"
    "GO\n";

static const char migrate[] =
    "-- Move a database from Microsoft's connector to OpenEKM, with the same key in the same vault.\n"
    "-- Both providers stay: backups that were made through the other one need it, or OpenEKM, which finds keys by\n"
    "-- its thumbprints too. Repeat from USE on for each database.\n"
    "USE [master];\n"
    "GO\n" PROVIDER KEY REKEY;

static const char cleanup[] =
    "-- Take a database's encryption and all that setup made away again, in the order that SQL Server demands.\n"
    "-- The key stays in the vault: backups of the encrypted database need it.\n"
    "USE [master];\n"
    "GO\n"
    "ALTER DATABASE $[database] SET ENCRYPTION OFF;\n"
    "GO\n"
    "-- Go on when encryption_state is 1.\n"
    "SELECT encryption_state, percent_complete FROM sys.dm_database_encryption_keys\n"
    "WHERE database_id = DB_ID($'database');\n"
    "GO\n"
    "USE $[database];\n"
    "GO\n"
    "DROP DATABASE ENCRYPTION KEY;\n"
    "GO\n"
    "USE [master];\n"
    "GO\n"
    "ALTER LOGIN $[login] DROP CREDENTIAL $[credential];\n"
    "DROP LOGIN $[login];\n"
    "DROP ASYMMETRIC KEY $[key];\n"
    "DROP CREDENTIAL $[credential];\n"
    "DROP CRYPTOGRAPHIC PROVIDER $[provider];\n"
    "GO\n";

static const char inventory[] =
    "-- Which keys this instance needs, and for what. Save the result with its heading, for ekmctl rotate:\n"
    "--   sqlcmd -S SERVER -i THIS-FILE -s , -W -o inventory.csv\n"
    "-- The log's keys are known from SQL Server 2019 on. Certificates are left out: they are in no vault.\n"
    "SELECT 'asymmetric key' AS kind, k.name AS name, CONVERT(varchar(70), k.thumbprint, 1) AS thumbprint,\n"
    "  CONVERT(varchar(30), k.modify_date, 126) AS at\n"
    "FROM master.sys.asymmetric_keys k WHERE k.provider_type = 'CRYPTOGRAPHIC PROVIDER'\n"
    "UNION ALL\n"
    "SELECT 'database', DB_NAME(e.database_id), CONVERT(varchar(70), e.encryptor_thumbprint, 1),\n"
    "  CONVERT(varchar(30), e.set_date, 126)\n"
    "FROM sys.dm_database_encryption_keys e WHERE e.encryptor_type = 'ASYMMETRIC KEY'\n"
    "UNION ALL\n"
    "SELECT DISTINCT 'log', d.name, CONVERT(varchar(70), l.vlf_encryptor_thumbprint, 1), NULL\n"
    "FROM sys.databases d CROSS APPLY sys.dm_db_log_info(d.database_id) l\n"
    "WHERE l.vlf_encryptor_thumbprint <> 0x AND NOT EXISTS\n"
    "  (SELECT 1 FROM master.sys.certificates c WHERE c.thumbprint = l.vlf_encryptor_thumbprint)\n"
    "UNION ALL\n"
    "SELECT 'backup', b.database_name, CONVERT(varchar(70), b.encryptor_thumbprint, 1),\n"
    "  CONVERT(varchar(30), b.backup_finish_date, 126)\n"
    "FROM msdb.dbo.backupset b WHERE b.encryptor_thumbprint IS NOT NULL AND NOT EXISTS\n"
    "  (SELECT 1 FROM master.sys.certificates c WHERE c.thumbprint = b.encryptor_thumbprint)\n"
    "ORDER BY kind, name, at;\n"
    "GO\n";

/* --- the names ---------------------------------------------------------------------------------------------------- */

/* Names that nobody gave are made of the key's. */
typedef struct names {
  char key[NAME_MAX_BYTES], login[NAME_MAX_BYTES], credential[NAME_MAX_BYTES];
} names;

static const char *or_else(const char *text, const char *otherwise) {
  return text == NULL ? otherwise : text;
}

static void make_names(const cli_options *options, names *out) {
  const char *key = or_else(options->asymmetric_key, "OpenEKM_Key");
  (void)snprintf(out->key, sizeof out->key, "%s", key);
  (void)snprintf(out->login, sizeof out->login, "%s_Login", key);
  (void)snprintf(out->credential, sizeof out->credential, "%s_Credential", key);
}

static bool check_given(const cli *c, bool needs_key, ekm_err *err) {
  const cli_options *o = &c->options;
  const struct {
    const char *text, *option;
    bool needed;
  } rows[] = {{o->database, "--database", true},
              {o->key, "NAME, the key in the vault", needs_key},
              {o->admin, "--admin, the login that runs the script", needs_key},
              {c->identity, "--identity, the vault", needs_key}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (rows[i].needed && rows[i].text == NULL) return EKM_FAIL(err, EKM_E_USAGE, "needed: %s", rows[i].option);
  }
  return true;
}

/* --- the script --------------------------------------------------------------------------------------------------- */

/* A script is a file for another program: it is printed as it is. */
static bool print(const cli *c, json_t *doc, const ekm_buf *script, ekm_err *err) {
  if (c->options.json) {
    cli_set_text(doc, "script", ekm_buf_text(script));
    return true;
  }
  bool ok = fwrite(script->ptr, 1, script->len, stdout) == script->len && fflush(stdout) == 0;
  return ok || EKM_FAIL(err, EKM_E_FILE_WRITE, "standard output");
}

static const char no_secret[] =
    "<client id without hyphens, then the client secret; managed-identity; certificate:CLIENT-ID:PATH; or on Windows "
    "certificate:CLIENT-ID:store:THUMBPRINT>";

static bool write_script(cli *c, json_t *doc, const char *template, const char *secret, ekm_err *err) {
  names n;
  const cli_options *o = &c->options;
  make_names(o, &n);
  const sql_value values[] = {
      {"provider", or_else(o->provider_name, "OpenEKM")},
      {"file", or_else(o->provider_file, "C:\\Program Files\\OpenEKM\\openekm.dll")},
      {"credential", or_else(o->credential, n.credential)},
      {"login", or_else(o->login, n.login)},
      {"key", n.key},
      {"key_name", or_else(o->key, "")},
      {"admin", or_else(o->admin, "")},
      {"database", or_else(o->database, "")},
      {"identity", or_else(c->identity, "")},
      {"secret", secret},
  };
  ekm_buf script;
  ekm_buf_init(&script, SCRIPT_MAX_BYTES);
  bool ok = sql_template_fill(template, values, sizeof values / sizeof values[0], &script, err) &&
            print(c, doc, &script, err);
  ekm_buf_clear(&script);
  return ok;
}

/* With the secret only where that was asked for: scripts are mailed around and kept. */
static bool write_with_key(cli *c, json_t *doc, const char *template, ekm_err *err) {
  ekm_buf secret;
  if (!check_given(c, true, err)) return false;
  if (!c->options.with_secret) return write_script(c, doc, template, no_secret, err);
  if (c->secret.len == 0) {
    return EKM_FAIL(err, EKM_E_USAGE, "--with-secret needs --secret-file, --secret-stdin or EKMCTL_SECRET");
  }
  ekm_buf_init(&secret, EKM_LIMIT_SECRET_BYTES + 1);
  ekm_buf_append_view(&secret, ekm_secret_reveal(&c->secret));
  bool ok = ekm_buf_ok(&secret, "a secret", err) && write_script(c, doc, template, ekm_buf_text(&secret), err);
  ekm_buf_clear(&secret);
  return ok;
}

bool cli_sql_setup(cli *c, json_t *doc, ekm_err *err) {
  return write_with_key(c, doc, setup, err);
}

bool cli_sql_rotate(cli *c, json_t *doc, ekm_err *err) {
  if (c->options.asymmetric_key == NULL) {
    return EKM_FAIL(err, EKM_E_USAGE, "needed: --asymmetric-key, a new name in SQL Server for the new version");
  }
  return write_with_key(c, doc, rotate, err);
}

bool cli_sql_migrate(cli *c, json_t *doc, ekm_err *err) {
  return write_with_key(c, doc, migrate, err);
}

bool cli_sql_cleanup(cli *c, json_t *doc, ekm_err *err) {
  return check_given(c, false, err) && write_script(c, doc, cleanup, "", err);
}

bool cli_sql_inventory(cli *c, json_t *doc, ekm_err *err) {
  return write_script(c, doc, inventory, "", err);
}
