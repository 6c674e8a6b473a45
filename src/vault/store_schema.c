#include "vault/store_schema.h"

#include <stddef.h>

static const store_table_info tables[STORE_TABLES] = {
    [STORE_VAULT] = {"vault", 10, 1, "id = ?1", "id"},
    [STORE_APP] = {"app", 5, 1, "client_id = ?1", "client_id"},
    [STORE_SECRET] = {"app_secret", 7, 2, "client_id = ?1 AND id = ?2", "client_id, id"},
    [STORE_CERTIFICATE] = {"app_certificate", 8, 2, "client_id = ?1 AND id = ?2", "client_id, id"},
    [STORE_FEDERATION] = {"app_federation", 7, 2, "client_id = ?1 AND id = ?2", "client_id, id"},
    [STORE_PERMISSION] = {"permission", 4, 2, "vault_id = ?1 AND client_id = ?2", "vault_id, client_id"},
    [STORE_ROLE] = {"role_assignment", 5, 4, "vault_id = ?1 AND client_id = ?2 AND role = ?3 AND scope = ?4",
                    "vault_id, client_id, role, scope"},
    [STORE_KEY_NAME] = {"key_name", 9, 2, "vault_id = ?1 AND name = ?2", "vault_id, name"},
    [STORE_KEY_VERSION] = {"key_version", 17, 3, "vault_id = ?1 AND name = ?2 AND version = ?3",
                           "vault_id, name, version"},
    [STORE_DUE] = {"due", 4, 4, "due_at = ?1 AND vault_id = ?2 AND name = ?3 AND what = ?4",
                   "due_at, vault_id, name, what"},
};

static const char *const plain[] = {
    [STORE_BEGIN - STORE_PLAIN] = "BEGIN IMMEDIATE",
    [STORE_BEGIN_READ - STORE_PLAIN] = "BEGIN",
    [STORE_COMMIT - STORE_PLAIN] = "COMMIT",
    [STORE_ROLLBACK - STORE_PLAIN] = "ROLLBACK",
    [STORE_CHANGES - STORE_PLAIN] = "PRAGMA data_version",
    [STORE_OBJECTS - STORE_PLAIN] = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid",
    [STORE_META_GET - STORE_PLAIN] =
        "SELECT database_id, check_value, signer_kid, signer_sealed, lasting_sealed, root FROM meta WHERE id = 1",
    [STORE_META_PUT - STORE_PLAIN] = "INSERT INTO meta VALUES(1, ?1, ?2, ?3, ?4, ?5, ?6)",
    [STORE_META_RESEAL - STORE_PLAIN] =
        "UPDATE meta SET check_value = ?1, signer_sealed = ?2, lasting_sealed = ?3 WHERE id = 1",
    [STORE_ROOT_PUT - STORE_PLAIN] = "UPDATE meta SET root = ?1 WHERE id = 1",
    [STORE_NAME_MACS - STORE_PLAIN] = "SELECT mac FROM key_name",
    [STORE_VERSION_MACS - STORE_PLAIN] = "SELECT mac FROM key_version",
    [STORE_NAMES - STORE_PLAIN] = "SELECT * FROM key_name WHERE vault_id = ?1 AND name > ?2 ORDER BY name",
    [STORE_VERSIONS - STORE_PLAIN] =
        "SELECT * FROM key_version WHERE vault_id = ?1 AND name = ?2 AND version > ?3 ORDER BY version LIMIT ?4",
    [STORE_NEXT_DUE - STORE_PLAIN] = "SELECT * FROM due ORDER BY due_at, vault_id, name, what LIMIT 1",
    [STORE_COPY - STORE_PLAIN] = "VACUUM INTO ?1",
    [STORE_COUNT_KEYS - STORE_PLAIN] = "SELECT count(*) FROM key_name WHERE vault_id = ?1",
    [STORE_COUNT_VERSIONS - STORE_PLAIN] = "SELECT count(*) FROM key_version WHERE vault_id = ?1 AND name = ?2",
    [STORE_MATERIAL_GET - STORE_PLAIN] =
        "SELECT sealed FROM key_material WHERE vault_id = ?1 AND name = ?2 AND version = ?3",
    [STORE_MATERIAL_PUT - STORE_PLAIN] = "INSERT OR REPLACE INTO key_material VALUES(?1, ?2, ?3, ?4)",
    [STORE_MATERIAL_REMOVE - STORE_PLAIN] =
        "DELETE FROM key_material WHERE vault_id = ?1 AND name = ?2 AND version = ?3",
};
_Static_assert(sizeof plain / sizeof plain[0] == STORE_QUERIES - STORE_PLAIN, "a text for each statement");

static const char all_tables[] =
    "CREATE TABLE meta(id INTEGER PRIMARY KEY CHECK(id = 1), database_id TEXT NOT NULL, check_value BLOB NOT NULL,"
    " signer_kid TEXT NOT NULL, signer_sealed BLOB NOT NULL, lasting_sealed BLOB NOT NULL, root BLOB NOT NULL) STRICT;"
    "CREATE TABLE vault(id INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, host TEXT NOT NULL, tenant TEXT NOT NULL,"
    " resource TEXT NOT NULL, retention_days INTEGER NOT NULL, created INTEGER NOT NULL, is_hsm INTEGER NOT NULL,"
    " purge_protection INTEGER NOT NULL, by_roles INTEGER NOT NULL, mac BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE app(client_id TEXT NOT NULL PRIMARY KEY, tenant TEXT NOT NULL, object_id TEXT NOT NULL,"
    " name TEXT NOT NULL, created INTEGER NOT NULL, mac BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE app_secret(client_id TEXT NOT NULL, id TEXT NOT NULL, hint TEXT NOT NULL, created INTEGER NOT NULL,"
    " expires INTEGER NOT NULL, salt BLOB NOT NULL, hash BLOB NOT NULL, mac BLOB NOT NULL,"
    " PRIMARY KEY(client_id, id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE app_certificate(client_id TEXT NOT NULL, id TEXT NOT NULL, created INTEGER NOT NULL,"
    " begins INTEGER NOT NULL, ends INTEGER NOT NULL, x5t BLOB NOT NULL, x5t_s256 BLOB NOT NULL,"
    " public_key BLOB NOT NULL, mac BLOB NOT NULL, PRIMARY KEY(client_id, id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE app_federation(client_id TEXT NOT NULL, id TEXT NOT NULL, created INTEGER NOT NULL,"
    " issuer TEXT NOT NULL, subject TEXT NOT NULL, audience TEXT NOT NULL, keys TEXT NOT NULL, mac BLOB NOT NULL,"
    " PRIMARY KEY(client_id, id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE permission(vault_id INTEGER NOT NULL, client_id TEXT NOT NULL, permissions INTEGER NOT NULL,"
    " updated INTEGER NOT NULL, mac BLOB NOT NULL, PRIMARY KEY(vault_id, client_id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE role_assignment(vault_id INTEGER NOT NULL, client_id TEXT NOT NULL, role TEXT NOT NULL,"
    " scope TEXT NOT NULL, created INTEGER NOT NULL, mac BLOB NOT NULL,"
    " PRIMARY KEY(vault_id, client_id, role, scope)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE key_name(vault_id INTEGER NOT NULL, name TEXT NOT NULL, spelling TEXT NOT NULL, newest TEXT NOT NULL,"
    " created INTEGER NOT NULL, deleted_at INTEGER NOT NULL, purge_at INTEGER NOT NULL,"
    " rotate_at INTEGER NOT NULL, policy TEXT NOT NULL, mac BLOB NOT NULL, PRIMARY KEY(vault_id, name))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE key_version(vault_id INTEGER NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, kty TEXT NOT NULL,"
    " crv TEXT NOT NULL, a BLOB NOT NULL, b BLOB NOT NULL, enabled INTEGER NOT NULL, nbf INTEGER NOT NULL,"
    " exp INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, ops INTEGER NOT NULL, tags TEXT NOT "
    "NULL,"
    " exportable INTEGER NOT NULL, release_policy TEXT NOT NULL, in_token INTEGER NOT NULL, mac BLOB NOT NULL,"
    " PRIMARY KEY(vault_id, name, version)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE due(due_at INTEGER NOT NULL, vault_id INTEGER NOT NULL, name TEXT NOT NULL, what INTEGER NOT NULL,"
    " mac BLOB NOT NULL, PRIMARY KEY(due_at, vault_id, name, what)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE key_material(vault_id INTEGER NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,"
    " sealed BLOB NOT NULL, PRIMARY KEY(vault_id, name, version)) STRICT;";
static const char marks[] =
    "PRAGMA application_id = 0x614b5644;"
    "PRAGMA user_version = 3;";

const store_table_info *store_schema_table(store_table table) {
  return &tables[table];
}

const char *store_schema_tables(void) {
  return all_tables;
}

const char *store_schema_marks(void) {
  return marks;
}

static void append_put(const store_table_info *table, ekm_buf *out) {
  ekm_buf_append_fmt(out, "INSERT OR REPLACE INTO %s VALUES(?1", table->name);
  for (int i = 2; i <= table->columns + 1; i++) ekm_buf_append_fmt(out, ", ?%d", i);
  ekm_buf_append_text(out, ")");
}

void store_schema_sql(store_query query, ekm_buf *out) {
  if (query >= STORE_PLAIN) {
    ekm_buf_append_text(out, plain[query - STORE_PLAIN]);
    return;
  }
  const store_table_info *table = &tables[query / 4];
  switch (query % 4) {
    case 0: ekm_buf_append_fmt(out, "SELECT * FROM %s WHERE %s", table->name, table->keys_are); break;
    case 1: append_put(table, out); break;
    case 2: ekm_buf_append_fmt(out, "DELETE FROM %s WHERE %s", table->name, table->keys_are); break;
    default: ekm_buf_append_fmt(out, "SELECT * FROM %s ORDER BY %s", table->name, table->order);
  }
}
