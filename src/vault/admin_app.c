/* Applications, their secrets and their rights. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "vault/admin.h"
#include "vault/store_manage.h"

enum { SECONDS_PER_DAY = 86400, PERMISSIONS_MAX_BYTES = 1024 };
enum { SECRET_FILE_MAX_BYTES = 1024 + 2 }; /* the longest secret and its line end */

/* --- secrets ------------------------------------------------------------------------------------------------------ */

static void drop_line_end(ekm_buf *text) {
  while (text->len > 0 && (text->ptr[text->len - 1] == '\n' || text->ptr[text->len - 1] == '\r')) {
    ekm_buf_truncate(text, text->len - 1);
  }
}

/* Without the buffer of the C library, which would keep the secret. */
static bool read_line(ekm_buf *out, ekm_err *err) {
  int c;
  (void)setvbuf(stdin, NULL, _IONBF, 0);
  for (size_t i = 0; i <= SECRET_FILE_MAX_BYTES && (c = fgetc(stdin)) != EOF && c != '\n'; i++) {
    ekm_buf_append_char(out, (char)c);
  }
  if (ferror(stdin) != 0) return EKM_FAIL(err, EKM_E_FILE_READ, "the standard input");
  return ekm_buf_ok(out, "a secret", err);
}

bool admin_secret(const char *file, bool from_stdin, ekm_secret *out, ekm_err *err) {
  ekm_buf text;
  if (file != NULL && from_stdin) return EKM_FAIL(err, EKM_E_USAGE, "a file and the standard input exclude each other");
  ekm_buf_init(&text, SECRET_FILE_MAX_BYTES);
  bool ok = file != NULL ? ekm_file_is_private(file, err) && ekm_file_read(file, &text, err) : read_line(&text, err);
  drop_line_end(&text);
  if (ok && text.len == 0) ok = EKM_FAIL(err, EKM_E_USAGE, "the secret is empty");
  ok = ok && ekm_secret_set(out, ekm_buf_view(&text), err);
  ekm_buf_clear(&text);
  return ok;
}

/* The secret that the administrator brings; empty if one is to be made. */
static bool read_secret(const vault_settings *s, ekm_secret *out, ekm_err *err) {
  if (s->secret_file == NULL && !s->secret_stdin) return true;
  return admin_secret(s->secret_file, s->secret_stdin, out, err);
}

static int64_t expiry_of(const admin *a) {
  int64_t days = a->settings->expires_days;
  return days == 0 ? 0 : ekm_clock_wall_s(a->options.clock) + days * SECONDS_PER_DAY;
}

static bool print_secret(const admin *a, const char *client_id, const char *tenant, const char *id,
                         const ekm_secret *shown, ekm_err *err) {
  json_t *doc = json_pack("{s:s, s:s, s:s}", "client_id", client_id, "tenant", tenant, "secret_id", id);
  if (shown != NULL) {
    ekm_view text = ekm_secret_reveal(shown);
    admin_set(&doc, "secret", json_stringn((const char *)text.ptr, text.len));
  }
  return admin_print(a, &doc, err);
}

/* A secret that was made here is shown, this once, and taken back if it could not be; one that was brought is known to
 * who brought it. */
static bool add_and_print(admin *a, const char *client_id, const char *tenant, ekm_err *err) {
  bool ok = false;
  ekm_secret secret = {0};
  char id[VAULT_GUID_CHARS + 1];

  EKM_TRY(read_secret(a->settings, &secret, err));
  bool is_made = secret.len == 0;
  EKM_TRY(vault_store_secret_add(a->store, client_id, &secret, expiry_of(a), id, err));
  if (!print_secret(a, client_id, tenant, id, is_made ? &secret : NULL, err)) {
    ekm_err ignored = {0};
    if (is_made) (void)!vault_store_secret_remove(a->store, client_id, id, &ignored);
    goto done;
  }
  ok = true;
done:
  ekm_secret_clear(&secret);
  return ok;
}

bool admin_secret_add(admin *a, ekm_err *err) {
  const vault_directory *dir = NULL;
  if (!vault_store_directory(a->store, &dir, err)) return false;
  const vault_app *app = vault_directory_app(dir, a->settings->app);
  bool ok = app != NULL ? add_and_print(a, app->client_id, app->tenant, err)
                        : EKM_FAIL(err, EKM_E_ABSENT, "application '%s'", a->settings->app);
  vault_directory_release(&dir);
  return ok;
}

bool admin_secret_remove(admin *a, ekm_err *err) {
  const vault_settings *s = a->settings;
  if (!vault_store_secret_remove(a->store, s->app, s->secret_id, err)) return false;
  json_t *doc = json_pack("{s:s, s:s, s:b}", "client_id", s->app, "secret_id", s->secret_id, "removed", 1);
  return admin_print(a, &doc, err);
}

/* --- applications ------------------------------------------------------------------------------------------------- */

/* The tenant of a new application: the one that was given, else that of the vault or vaults, if it is the same. */
static bool choose_tenant(const admin *a, const vault_directory *dir, const char **out, ekm_err *err) {
  size_t count;
  const vault_info *vaults = vault_directory_vaults(dir, &count);
  *out = a->settings->tenant;
  if (*out != NULL) return true;
  for (size_t i = 0; i < count; i++) {
    if (strcmp(vaults[i].tenant, vaults[0].tenant) != 0) count = 0;
  }
  if (count == 0) return EKM_FAIL(err, EKM_E_USAGE, "the vaults have several tenants, or none; say which by --tenant");
  *out = vaults[0].tenant;
  return true;
}

bool admin_app_add(admin *a, ekm_err *err) {
  bool ok = false;
  const vault_directory *dir = NULL;
  const char *tenant;
  char client_id[VAULT_GUID_CHARS + 1];

  EKM_TRY(vault_store_directory(a->store, &dir, err));
  EKM_TRY(choose_tenant(a, dir, &tenant, err));
  EKM_TRY(vault_store_app_add(a->store, tenant, a->settings->name, client_id, err));
  if (!add_and_print(a, client_id, tenant, err)) {
    ekm_err ignored = {0};
    (void)!vault_store_app_remove(a->store, client_id, &ignored); /* nobody could sign in as it */
    goto done;
  }
  ok = true;
done:
  vault_directory_release(&dir);
  return ok;
}

bool admin_app_remove(admin *a, ekm_err *err) {
  if (!vault_store_app_remove(a->store, a->settings->app, err)) return false;
  json_t *doc = json_pack("{s:s, s:b}", "client_id", a->settings->app, "removed", 1);
  return admin_print(a, &doc, err);
}

static json_t *secret_rows(const vault_app *app) {
  json_t *rows = json_array();
  for (size_t i = 0; i < app->secret_count; i++) {
    const vault_secret *secret = &app->secrets[i];
    admin_append(&rows, json_pack("{s:s, s:s, s:o, s:o}", "secret_id", secret->id, "hint", secret->hint, "created",
                                  admin_time(secret->created), "expires",
                                  secret->expires == 0 ? json_string("never") : admin_time(secret->expires)));
  }
  return rows;
}

bool admin_app_list(admin *a, ekm_err *err) {
  const vault_directory *dir = NULL;
  size_t count;
  if (!vault_store_directory(a->store, &dir, err)) return false;
  const vault_app *apps = vault_directory_apps(dir, &count);
  json_t *rows = json_array();
  for (size_t i = 0; i < count; i++) {
    admin_append(&rows,
                 json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "client_id", apps[i].client_id, "name", apps[i].name,
                           "tenant", apps[i].tenant, "secrets", secret_rows(&apps[i]), "certificates",
                           admin_certificate_rows(&apps[i]), "federations", admin_federation_rows(&apps[i])));
  }
  vault_directory_release(&dir);
  return admin_print_list(a, "applications", &rows, err);
}

/* --- rights ------------------------------------------------------------------------------------------------------- */

static bool no_permission(const char *name, size_t len, ekm_err *err) {
  ekm_buf known;
  ekm_buf_init(&known, PERMISSIONS_MAX_BYTES);
  vault_permissions_append(VAULT_MAY_ALL, &known);
  (void)EKM_FAIL(err, EKM_E_USAGE, "there is no permission '%.*s'; there are all, or %s", (int)len, name,
                 ekm_buf_text(&known));
  ekm_buf_clear(&known);
  return false;
}

/* "get,list,wrapKey" or "all". */
static bool parse_permissions(const char *list, vault_permissions *out, ekm_err *err) {
  *out = 0;
  if (strcmp(list, "all") == 0) {
    *out = VAULT_MAY_ALL;
    return true;
  }
  for (const char *at = list;; at++) {
    size_t len = strcspn(at, ",");
    vault_permissions bit = vault_permission_of(at, len);
    if (bit == 0) return no_permission(at, len, err);
    *out |= bit;
    at += len;
    if (*at == '\0') return true;
  }
}

static json_t *grant_row(const vault_info *vault, const char *client_id, vault_permissions permissions) {
  json_t *row = NULL;
  ekm_err ignored = {0}; /* there is one way to fail, and NULL tells it */
  ekm_buf names;
  ekm_buf_init(&names, PERMISSIONS_MAX_BYTES);
  vault_permissions_append(permissions, &names);
  if (ekm_buf_ok(&names, "permissions", &ignored)) {
    row = json_pack("{s:s, s:s, s:s}", "vault", vault->name, "app", client_id, "permissions", ekm_buf_text(&names));
  }
  ekm_buf_clear(&names);
  return row;
}

static bool set_grant(admin *a, vault_permissions permissions, ekm_err *err) {
  bool ok = false;
  const vault_directory *dir = NULL;
  const vault_info *vault;

  EKM_TRY(vault_store_directory(a->store, &dir, err));
  EKM_TRY(admin_vault(a, dir, &vault, err));
  EKM_TRY(vault_store_grant_set(a->store, vault->id, a->settings->app, permissions, err));
  json_t *doc = grant_row(vault, a->settings->app, permissions);
  ok = admin_print(a, &doc, err);
done:
  vault_directory_release(&dir);
  return ok;
}

bool admin_policy_set(admin *a, ekm_err *err) {
  vault_permissions permissions;
  return parse_permissions(a->settings->permissions, &permissions, err) && set_grant(a, permissions, err);
}

bool admin_policy_remove(admin *a, ekm_err *err) {
  return set_grant(a, 0, err);
}

static json_t *grant_rows(const vault_directory *dir, const vault_info *only) {
  size_t count;
  const vault_grant *grants = vault_directory_grants(dir, &count);
  json_t *rows = json_array();
  for (size_t i = 0; i < count; i++) {
    const vault_info *vault = vault_directory_vault_by_id(dir, grants[i].vault_id);
    if (vault == NULL || (only != NULL && vault != only)) continue;
    admin_append(&rows, grant_row(vault, grants[i].client_id, grants[i].permissions));
  }
  return rows;
}

bool admin_policy_show(admin *a, ekm_err *err) {
  bool ok = false;
  const vault_directory *dir = NULL;
  const vault_info *only = NULL;

  EKM_TRY(vault_store_directory(a->store, &dir, err));
  if (a->settings->vault != NULL) EKM_TRY(admin_vault(a, dir, &only, err));
  json_t *rows = grant_rows(dir, only);
  ok = admin_print_list(a, "grants", &rows, err);
done:
  vault_directory_release(&dir);
  return ok;
}
