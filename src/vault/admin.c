#include "vault/admin.h"

#include <stdio.h>

#include "vault/store_manage.h"

enum { ANSWER_MAX_BYTES = 256 * 1024 * 1024, TIME_MAX_BYTES = 64 };

static const admin_command commands[] = {
    {"init", "--data", "--tenant --name --master-key-in-token", "make a folder with a master key and a first vault",
     admin_init, true},
    {"serve", "--data",
     "--listen --ready-file --threads --tls-certificate --tls-private-key --trouble --fake-identity --fake-header "
     "--fake-arc",
     "serve the folder's vaults over TLS until SIGTERM", admin_serve, false},
    {"vault add", "--data --name", "--tenant --suffix --retention-days --hsm --roles --purge-protection",
     "add a vault, or a Managed HSM", admin_vault_add, false},
    {"vault list", "--data", "", "the vaults", admin_vault_list, false},
    {"app add", "--data --name", "--tenant --secret-file --secret-stdin --expires-days",
     "register an application; its secret is shown once", admin_app_add, false},
    {"app list", "--data", "", "the applications", admin_app_list, false},
    {"app remove", "--data --app", "", "forget an application, its credentials and rights", admin_app_remove, false},
    {"app certificate-add", "--data --app --certificate", "", "let an application sign in by a certificate",
     admin_certificate_add, false},
    {"app certificate-remove", "--data --app --certificate-id", "", "take a certificate away from an application",
     admin_certificate_remove, false},
    {"app federation-add", "--data --app --issuer --subject --keys", "--audience",
     "let an application sign in by tokens of another issuer", admin_federation_add, false},
    {"app federation-remove", "--data --app --federation-id", "", "take such an identity away from an application",
     admin_federation_remove, false},
    {"secret add", "--data --app", "--secret-file --secret-stdin --expires-days",
     "add a secret, beside those that there are", admin_secret_add, false},
    {"secret remove", "--data --app --secret-id", "", "take a secret away", admin_secret_remove, false},
    {"policy set", "--data --app --permissions", "--vault", "say what an application may do with a vault's keys",
     admin_policy_set, false},
    {"policy show", "--data", "--vault", "who may do what", admin_policy_show, false},
    {"policy remove", "--data --app", "--vault", "take all rights in a vault away", admin_policy_remove, false},
    {"role add", "--data --app --role", "--vault --key", "give an application a role in a vault that goes by roles",
     admin_role_add, false},
    {"role list", "--data", "--vault", "who has which role, and which roles there are", admin_role_list, false},
    {"role remove", "--data --app --role", "--vault --key", "take a role away", admin_role_remove, false},
    {"audit show", "--data", "--vault --key --app --operation --since --failed --last",
     "who did what to which key, and who administered", admin_audit_show, true},
    {"config show", "--data", "", "the settings of the folder's file, and where each comes from", admin_config_show,
     true},
    {"backup create", "--data --file", "--passphrase-file --passphrase-stdin",
     "write all that there is into one sealed file", admin_backup_create, false},
    {"backup show", "--file", "", "what a backup says of itself", admin_backup_show, true},
    {"backup restore", "--data --file", "--passphrase-file --passphrase-stdin --master-key-in-token",
     "make a new folder of a backup, with a master key of its own", admin_backup_restore, true},
    {"master rotate", "--data", "--master-key-in-token", "seal everything anew under a new master key",
     admin_master_rotate, false},
    {"key create", "--data --name", "--vault --bits", "make an RSA key, or a new version of one", admin_key_create,
     false},
    {"key list", "--data", "--vault --deleted", "the keys of a vault", admin_key_list, false},
    {"key show", "--data --name", "--vault --key-version",
     "one version of a key with its thumbprint, and the names of all", admin_key_show, false},
    {"key enable", "--data --name", "--vault --key-version", "let a version be used (the newest if none is named)",
     admin_key_enable, false},
    {"key disable", "--data --name", "--vault --key-version",
     "keep a version from being used (the newest if none is named)", admin_key_disable, false},
    {"key delete", "--data --name", "--vault", "delete all versions of a key softly", admin_key_delete, false},
    {"key recover", "--data --name", "--vault", "take a deletion back", admin_key_recover, false},
    {"key purge", "--data --name", "--vault --yes", "destroy all versions of a deleted key for good", admin_key_purge,
     false},
};

const admin_command *admin_commands(size_t *out_count) {
  *out_count = sizeof commands / sizeof commands[0];
  return commands;
}

/* --- printing ----------------------------------------------------------------------------------------------------- */

static void print_value(const json_t *value) {
  if (json_is_string(value)) (void)printf("%s", json_string_value(value));
  if (json_is_integer(value)) (void)printf("%lld", (long long)json_integer_value(value));
  if (json_is_boolean(value)) (void)printf("%s", json_is_true(value) ? "yes" : "no");
}

/* An item of a list on one line, its members in their order; the items of a list in it below, further in. */
static void print_row(json_t *row, int indent) {
  const char *name;
  json_t *value, *item;
  const char *gap = "";
  size_t i;
  (void)printf("%*s", indent, "");
  print_value(row);
  json_object_foreach(row, name, value) {
    if (json_is_array(value)) continue;
    (void)printf("%s", gap);
    print_value(value);
    gap = "  ";
  }
  (void)printf("\n");
  json_object_foreach(row, name, value) {
    json_array_foreach(value, i, item) print_row(item, indent + 2);
  }
}

static void print_lines(json_t *doc) {
  const char *name;
  json_t *value, *row;
  size_t i;
  json_object_foreach(doc, name, value) {
    if (json_is_array(value)) {
      json_array_foreach(value, i, row) print_row(row, 0);
    } else {
      (void)printf("%-14s ", name);
      print_value(value);
      (void)printf("\n");
    }
  }
}

void admin_set(json_t **doc, const char *name, json_t *value) {
  if (json_object_set_new(*doc, name, value) != 0) ekm_json_free(doc);
}

void admin_append(json_t **rows, json_t *row) {
  if (json_array_append_new(*rows, row) != 0) ekm_json_free(rows);
}

static int append_part(const char *part, size_t len, void *text) {
  ekm_buf_append(text, part, len);
  return 0;
}

/* The text as a whole before its first byte is shown. */
static bool print_object(const json_t *doc, ekm_err *err) {
  bool ok = false;
  ekm_buf text;

  ekm_buf_init(&text, ANSWER_MAX_BYTES);
  if (json_dump_callback(doc, append_part, &text, JSON_INDENT(2)) != 0)
    EKM_BAIL(err, EKM_E_OUT_OF_MEMORY, "for a text");
  EKM_TRY(ekm_buf_ok(&text, "an answer", err));
  (void)printf("%s\n", ekm_buf_text(&text));
  ok = true;
done:
  ekm_buf_clear(&text);
  return ok;
}

bool admin_print(const admin *a, json_t **doc, ekm_err *err) {
  bool ok = true;
  if (*doc == NULL) return EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "for an answer");
  if (a->settings->json) {
    ok = print_object(*doc, err);
  } else {
    print_lines(*doc);
  }
  ekm_json_free(doc);
  if (ok && (fflush(stdout) != 0 || ferror(stdout) != 0)) {
    ok = EKM_FAIL(err, EKM_E_FILE_WRITE, "the standard output");
  }
  return ok;
}

bool admin_print_list(const admin *a, const char *name, json_t **rows, ekm_err *err) {
  json_t *doc = json_object();
  admin_set(&doc, name, *rows);
  *rows = NULL;
  return admin_print(a, &doc, err);
}

json_t *admin_time(int64_t wall_s) {
  ekm_buf text;
  ekm_err ignored = {0}; /* there is one way to fail, and NULL tells it */
  ekm_buf_init(&text, TIME_MAX_BYTES);
  ekm_clock_append_iso(wall_s, &text);
  json_t *value = ekm_buf_ok(&text, "a time", &ignored) ? json_string(ekm_buf_text(&text)) : NULL;
  ekm_buf_clear(&text);
  return value;
}

/* --- vaults ------------------------------------------------------------------------------------------------------- */

bool admin_vault(const admin *a, const vault_directory *dir, const vault_info **out_vault, ekm_err *err) {
  size_t count;
  const vault_info *vaults = vault_directory_vaults(dir, &count);
  const char *name = a->settings->vault;
  *out_vault = name != NULL ? vault_directory_vault_by_name(dir, name) : count == 1 ? vaults : NULL;
  if (*out_vault != NULL) return true;
  if (name == NULL) return EKM_FAIL(err, EKM_E_USAGE, "there are %zu vaults; say which by --vault", count);
  return EKM_FAIL(err, EKM_E_ABSENT, "vault '%s'", name);
}

static json_t *vault_row(const vault_info *vault) {
  return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:b}", "name", vault->name, "host", vault->host, "tenant",
                   vault->tenant, "resource", vault->resource, "retention_days", (int)vault->retention_days, "kind",
                   vault->is_hsm ? "managed-hsm" : "vault", "rights", vault->by_roles ? "roles" : "policies",
                   "purge_protection", (int)vault->purge_protection);
}

static bool print_vault(const admin *a, const char *name, ekm_err *err) {
  const vault_directory *dir = NULL;
  if (!vault_store_directory(a->store, &dir, err)) return false;
  const vault_info *vault = vault_directory_vault_by_name(dir, name);
  json_t *doc = vault == NULL ? NULL : vault_row(vault);
  bool ok = admin_print(a, &doc, err);
  vault_directory_release(&dir);
  return ok;
}

bool admin_vault_add(admin *a, ekm_err *err) {
  const vault_settings *s = a->settings;
  vault_spec spec = {.name = s->name,
                     .suffix = s->suffix,
                     .tenant = s->tenant,
                     .retention_days = s->retention_days,
                     .is_hsm = s->hsm,
                     .purge_protection = s->purge_protection,
                     .by_roles = s->roles};
  return vault_store_vault_add(a->store, &spec, err) && print_vault(a, s->name, err);
}

/* A folder without a vault is one whose init was cut short: this one goes on with it. */
static bool open_new(admin *a, ekm_err *err) {
  const vault_directory *dir = NULL;
  size_t count;
  ekm_err ignored = {0};
  if (vault_store_create(&a->options, err)) return vault_store_open(&a->options, &a->store, err);
  if (err->id != EKM_E_EXISTS || !vault_store_open(&a->options, &a->store, &ignored)) return false;
  if (!vault_store_directory(a->store, &dir, err)) return false;
  (void)vault_directory_vaults(dir, &count);
  vault_directory_release(&dir);
  return count == 0 || EKM_FAIL(err, EKM_E_EXISTS, "'%s' holds a vault; 'akvd vault add' adds one", a->settings->data);
}

bool admin_init(admin *a, ekm_err *err) {
  const char *name = a->settings->name == NULL ? "local" : a->settings->name;
  vault_spec spec = {.name = name, .tenant = a->settings->tenant};
  return vault_spec_check(&spec, err) && open_new(a, err) && vault_store_vault_add(a->store, &spec, err) &&
         print_vault(a, name, err);
}

bool admin_vault_list(admin *a, ekm_err *err) {
  const vault_directory *dir = NULL;
  size_t count;
  if (!vault_store_directory(a->store, &dir, err)) return false;
  const vault_info *vaults = vault_directory_vaults(dir, &count);
  json_t *rows = json_array();
  for (size_t i = 0; i < count; i++) admin_append(&rows, vault_row(&vaults[i]));
  vault_directory_release(&dir);
  return admin_print_list(a, "vaults", &rows, err);
}
