#include "vault/store_manage.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/url.h"
#include "base/utf16.h"
#include "vault/store_key.h"
#include "vault/store_secret.h"
#include "vault/store_state.h"

enum { RETENTION_MIN_DAYS = 7, RETENTION_MAX_DAYS = 90 };

bool store_change_end(vault_store *store, bool ok, ekm_err *err) {
  store->is_checked = false;
  return store_write_end(store, ok, err);
}

static bool lower_guid(const char *text, char out[VAULT_GUID_CHARS + 1], const char *what, ekm_err *err) {
  static const char shape[] = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
  size_t len = strlen(text);
  bool ok = len == VAULT_GUID_CHARS;
  for (size_t i = 0; ok && i < len; i++) {
    ok = shape[i] == '-' ? text[i] == '-'
                         : text[i] != '-' && ekm_text_is_made_of(&text[i], 1, "") &&
                               strchr("0123456789abcdefABCDEF", text[i]) != NULL;
  }
  if (!ok) return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "%s '%s' is not a GUID", what, text);
  memcpy(out, text, len + 1);
  ekm_text_lower(out);
  return true;
}

/* ---- vaults ------------------------------------------------------------------------------------------------------ */

/* All of it but a tenant that was not given. */
static bool describe_vault(const vault_spec *spec, vault_info *out, ekm_err *err) {
  const char *usual = spec->is_hsm ? VAULT_HSM_SUFFIX : VAULT_DEFAULT_SUFFIX;
  const char *suffix = spec->suffix == NULL ? usual : spec->suffix;
  size_t len = strlen(spec->name);
  memset(out, 0, sizeof *out);
  out->is_hsm = spec->is_hsm;
  out->purge_protection = spec->purge_protection;
  out->by_roles = spec->by_roles || spec->is_hsm; /* a Managed HSM has no access policies */
  out->retention_days = spec->retention_days == 0 ? RETENTION_MAX_DAYS : spec->retention_days;
  if (len < VAULT_NAME_MIN_CHARS || len > VAULT_NAME_MAX_CHARS || !ekm_text_is_made_of(spec->name, len, "-")) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "vault name '%s' is not 3 to 24 letters, digits and hyphens", spec->name);
  }
  if (out->retention_days < RETENTION_MIN_DAYS || out->retention_days > RETENTION_MAX_DAYS) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "retention of %u days is not 7 to 90", out->retention_days);
  }
  memcpy(out->name, spec->name, len + 1);
  int host = snprintf(out->host, sizeof out->host, "%s.%s", spec->name, suffix);
  int resource = snprintf(out->resource, sizeof out->resource, "https://%s", suffix);
  bool fits = host > 0 && (size_t)host < sizeof out->host && resource > 0 && (size_t)resource < sizeof out->resource;
  if (!fits || !ekm_url_host_is_valid(out->host)) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "'%s.%s' is not a host name", spec->name, suffix);
  }
  if (ekm_text_ieq(out->host, VAULT_LOGIN_HOST) || strcmp(out->host, "127.0.0.1") == 0) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "'%s' is where applications sign in; use another name", out->host);
  }
  ekm_text_lower(out->host);
  ekm_text_lower(out->resource);
  return spec->tenant == NULL || lower_guid(spec->tenant, out->tenant, "tenant", err);
}

bool vault_spec_check(const vault_spec *spec, ekm_err *err) {
  vault_info ignored;
  return describe_vault(spec, &ignored, err);
}

static bool put_vault(vault_store *store, vault_info *vault, ekm_err *err) {
  const vault_directory *dir = store->dir;
  if (vault_directory_vault_by_name(dir, vault->name) != NULL) {
    return EKM_FAIL(err, EKM_E_EXISTS, "vault '%s'", vault->name);
  }
  vault->id = 1;
  for (size_t i = 0; i < dir->vault_count; i++) {
    if (dir->vaults[i].id >= vault->id) vault->id = dir->vaults[i].id + 1;
  }
  const store_value values[] = {store_int(vault->id),
                                store_text(vault->name),
                                store_text(vault->host),
                                store_text(vault->tenant),
                                store_text(vault->resource),
                                store_int(vault->retention_days),
                                store_int(ekm_clock_wall_s(store->clock)),
                                store_int(vault->is_hsm ? 1 : 0),
                                store_int(vault->purge_protection ? 1 : 0),
                                store_int(vault->by_roles ? 1 : 0)};
  return store_db_put(store->db, STORE_VAULT, values, err);
}

bool vault_store_vault_add(vault_store *store, const vault_spec *spec, ekm_err *err) {
  vault_info vault;
  if (!describe_vault(spec, &vault, err)) return false;
  if (spec->tenant == NULL && !store_guid(store->crypto, vault.tenant, err)) return false;
  if (!store_write_begin(store, err)) return false;
  if (!store_change_end(store, put_vault(store, &vault, err), err)) return false;
  EKM_LOG(store->log, EKM_LOG_INFO, "vault.vault.add", EKM_LOG_TEXT("host", vault.host),
          EKM_LOG_TEXT("tenant", vault.tenant));
  return true;
}

/* ---- applications ------------------------------------------------------------------------------------------------ */

/* It is shown to administrators in lists, at terminals and in JSON: UTF-8 without the control characters C0 and C1. */
static bool is_app_name(const char *name) {
  size_t len = strlen(name);
  if (len == 0 || len > VAULT_APP_NAME_MAX_BYTES || !ekm_utf16_is_utf8(name, len)) return false;
  for (const char *at = name; *at != '\0'; at++) {
    uint8_t byte = (uint8_t)*at;
    if (byte < 0x20 || byte == 0x7F || (byte == 0xC2 && (uint8_t)at[1] < 0xA0)) return false;
  }
  return true;
}

bool vault_store_app_add(vault_store *store, const char *tenant, const char *name,
                         char out_client_id[VAULT_GUID_CHARS + 1], ekm_err *err) {
  char in_tenant[STORE_GUID_BYTES], client_id[STORE_GUID_BYTES], object_id[STORE_GUID_BYTES];
  out_client_id[0] = '\0';
  if (!is_app_name(name)) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "an application's name is 1 to %d bytes without control characters",
                    VAULT_APP_NAME_MAX_BYTES);
  }
  if (!lower_guid(tenant, in_tenant, "tenant", err) || !store_guid(store->crypto, client_id, err) ||
      !store_guid(store->crypto, object_id, err)) {
    return false;
  }
  const store_value values[] = {store_text(client_id), store_text(in_tenant), store_text(object_id), store_text(name),
                                store_int(ekm_clock_wall_s(store->clock))};
  if (!store_write_begin(store, err)) return false;
  if (!store_change_end(store, store_db_put(store->db, STORE_APP, values, err), err)) return false;
  memcpy(out_client_id, client_id, sizeof client_id);
  EKM_LOG(store->log, EKM_LOG_INFO, "vault.app.add", EKM_LOG_TEXT("client_id", client_id));
  return true;
}

bool store_app_find(const vault_store *store, const char *client_id, const vault_app **out_app, ekm_err *err) {
  *out_app = vault_directory_app(store->dir, client_id);
  return *out_app != NULL || EKM_FAIL(err, EKM_E_ABSENT, "application '%s'", client_id);
}

static bool remove_assignment(vault_store *store, const vault_assignment *assignment, ekm_err *err) {
  const store_value keys[] = {store_int(assignment->vault_id), store_text(assignment->client_id),
                              store_text(assignment->role->name), store_text(assignment->scope)};
  return store_db_remove(store->db, STORE_ROLE, keys, err);
}

static bool remove_app(vault_store *store, const char *client_id, ekm_err *err) {
  const vault_app *app;
  if (!store_app_find(store, client_id, &app, err)) return false;
  const store_value id = store_text(app->client_id);
  for (size_t i = 0; i < app->secret_count; i++) {
    const store_value keys[] = {id, store_text(app->secrets[i].id)};
    if (!store_db_remove(store->db, STORE_SECRET, keys, err)) return false;
  }
  for (size_t i = 0; i < app->certificate_count; i++) {
    const store_value keys[] = {id, store_text(app->certificates[i].id)};
    if (!store_db_remove(store->db, STORE_CERTIFICATE, keys, err)) return false;
  }
  for (size_t i = 0; i < app->federation_count; i++) {
    const store_value keys[] = {id, store_text(app->federations[i].id)};
    if (!store_db_remove(store->db, STORE_FEDERATION, keys, err)) return false;
  }
  for (size_t i = 0; i < store->dir->grant_count; i++) {
    const vault_grant *grant = &store->dir->grants[i];
    const store_value keys[] = {store_int(grant->vault_id), id};
    bool is_its = strcmp(grant->client_id, app->client_id) == 0;
    if (is_its && !store_db_remove(store->db, STORE_PERMISSION, keys, err)) return false;
  }
  for (size_t i = 0; i < store->dir->assignment_count; i++) {
    const vault_assignment *each = &store->dir->assignments[i];
    bool is_its = strcmp(each->client_id, app->client_id) == 0;
    if (is_its && !remove_assignment(store, each, err)) return false;
  }
  return store_db_remove(store->db, STORE_APP, &id, err);
}

bool vault_store_app_remove(vault_store *store, const char *client_id, ekm_err *err) {
  if (!store_write_begin(store, err)) return false;
  if (!store_change_end(store, remove_app(store, client_id, err), err)) return false;
  EKM_LOG(store->log, EKM_LOG_INFO, "vault.app.remove", EKM_LOG_TEXT("client_id", client_id));
  return true;
}

/* ---- secrets ----------------------------------------------------------------------------------------------------- */

static bool make_or_check(const vault_store *store, ekm_secret *secret, ekm_err *err) {
  if (secret->len == 0) return store_secret_make(ekm_crypto_rng(store->crypto), secret, err);
  if (secret->len < VAULT_SECRET_MIN_CHARS || secret->len > VAULT_SECRET_MAX_CHARS) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "a secret of %zu characters; use %d to %d", secret->len,
                    VAULT_SECRET_MIN_CHARS, VAULT_SECRET_MAX_CHARS);
  }
  ekm_view text = ekm_secret_reveal(secret);
  for (size_t i = 0; i < text.len; i++) {
    if (text.ptr[i] < 0x21 || text.ptr[i] > 0x7E) {
      return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "a secret may only have printable ASCII characters without spaces");
    }
  }
  return true;
}

static bool put_secret(vault_store *store, const char *client_id, vault_secret *secret, ekm_view text, ekm_err *err) {
  const vault_app *app;
  const ekm_rng *rng = ekm_crypto_rng(store->crypto);
  if (!store_app_find(store, client_id, &app, err) || !rng->fill(rng, secret->salt, sizeof secret->salt, err) ||
      !store_secret_hash(store->lasting, app->client_id, secret->salt, text, secret->hash, err)) {
    return false;
  }
  const store_value values[] = {store_text(app->client_id),
                                store_text(secret->id),
                                store_text(secret->hint),
                                store_int(secret->created),
                                store_int(secret->expires),
                                store_blob(ekm_view_of(secret->salt, sizeof secret->salt)),
                                store_blob(ekm_view_of(secret->hash, sizeof secret->hash))};
  return store_db_put(store->db, STORE_SECRET, values, err);
}

bool vault_store_secret_add(vault_store *store, const char *client_id, ekm_secret *secret, int64_t expires,
                            char out_id[VAULT_GUID_CHARS + 1], ekm_err *err) {
  vault_secret row = {.created = ekm_clock_wall_s(store->clock), .expires = expires};
  out_id[0] = '\0';
  if (!make_or_check(store, secret, err) || !store_guid(store->crypto, row.id, err)) return false;
  ekm_view text = ekm_secret_reveal(secret);
  memcpy(row.hint, text.ptr, sizeof row.hint - 1);
  if (!store_write_begin(store, err)) return false;
  if (!store_change_end(store, put_secret(store, client_id, &row, text, err), err)) return false;
  memcpy(out_id, row.id, sizeof row.id);
  EKM_LOG(store->log, EKM_LOG_INFO, "vault.secret.add", EKM_LOG_TEXT("client_id", client_id),
          EKM_LOG_TEXT("id", row.id));
  return true;
}

static bool remove_secret(vault_store *store, const char *client_id, const char *secret_id, ekm_err *err) {
  const vault_app *app;
  if (!store_app_find(store, client_id, &app, err)) return false;
  for (size_t i = 0; i < app->secret_count; i++) {
    if (!ekm_text_ieq(app->secrets[i].id, secret_id)) continue;
    const store_value keys[] = {store_text(app->client_id), store_text(app->secrets[i].id)};
    return store_db_remove(store->db, STORE_SECRET, keys, err);
  }
  return EKM_FAIL(err, EKM_E_ABSENT, "secret '%s'", secret_id);
}

bool vault_store_secret_remove(vault_store *store, const char *client_id, const char *secret_id, ekm_err *err) {
  return store_write_begin(store, err) && store_change_end(store, remove_secret(store, client_id, secret_id, err), err);
}

/* ---- grants ------------------------------------------------------------------------------------------------------ */

static bool put_grant(vault_store *store, int64_t vault_id, const char *client_id, vault_permissions permissions,
                      ekm_err *err) {
  const vault_app *app;
  const vault_info *vault = vault_directory_vault_by_id(store->dir, vault_id);
  if (vault == NULL) return EKM_FAIL(err, EKM_E_ABSENT, "the vault is not known");
  if (vault->by_roles) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "vault '%s' goes by roles, not by access policies; use: akvd role add",
                    vault->name);
  }
  if ((permissions & ~(vault_permissions)VAULT_MAY_ALL) != 0) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "unknown permissions");
  }
  if (!store_app_find(store, client_id, &app, err)) return false;
  const store_value values[] = {store_int(vault_id), store_text(app->client_id), store_int(permissions),
                                store_int(ekm_clock_wall_s(store->clock))};
  return permissions == 0 ? store_db_remove(store->db, STORE_PERMISSION, values, err)
                          : store_db_put(store->db, STORE_PERMISSION, values, err);
}

bool vault_store_grant_set(vault_store *store, int64_t vault_id, const char *client_id, vault_permissions permissions,
                           ekm_err *err) {
  if (!store_write_begin(store, err)) return false;
  if (!store_change_end(store, put_grant(store, vault_id, client_id, permissions, err), err)) return false;
  EKM_LOG(store->log, EKM_LOG_INFO, "vault.grant.set", EKM_LOG_INT("vault", vault_id),
          EKM_LOG_TEXT("client_id", client_id), EKM_LOG_INT("permissions", permissions));
  return true;
}

/* ---- roles ------------------------------------------------------------------------------------------------------- */

static bool describe_assignment(const vault_store *store, int64_t vault_id, const char *client_id,
                                const vault_role *role, const char *scope, vault_assignment *out, ekm_err *err) {
  const vault_app *app;
  ekm_err ignored = {0};
  const vault_info *vault = vault_directory_vault_by_id(store->dir, vault_id);
  memset(out, 0, sizeof *out);
  if (vault == NULL) return EKM_FAIL(err, EKM_E_ABSENT, "the vault is not known");
  if (!vault->by_roles) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "vault '%s' goes by access policies, not by roles; use: akvd policy set",
                    vault->name);
  }
  if (role->of_hsm != vault->is_hsm) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "role '%s' is none of %s", role->name,
                    vault->is_hsm ? "a Managed HSM" : "a vault");
  }
  if (!store_app_find(store, client_id, &app, err)) return false;
  if (scope[0] != '\0' && !store_key_name_is_valid(scope, out->scope, &ignored)) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "'%s' is not the name of a key", scope);
  }
  out->vault_id = vault_id;
  out->role = role;
  memcpy(out->client_id, app->client_id, sizeof out->client_id);
  return true;
}

static bool put_assignment(vault_store *store, const vault_assignment *assignment, ekm_err *err) {
  const store_value values[] = {store_int(assignment->vault_id), store_text(assignment->client_id),
                                store_text(assignment->role->name), store_text(assignment->scope),
                                store_int(ekm_clock_wall_s(store->clock))};
  return store_db_put(store->db, STORE_ROLE, values, err);
}

bool vault_store_role_add(vault_store *store, int64_t vault_id, const char *client_id, const vault_role *role,
                          const char *scope, ekm_err *err) {
  vault_assignment assignment;
  if (!store_write_begin(store, err)) return false;
  bool ok = describe_assignment(store, vault_id, client_id, role, scope, &assignment, err) &&
            put_assignment(store, &assignment, err);
  if (!store_change_end(store, ok, err)) return false;
  EKM_LOG(store->log, EKM_LOG_INFO, "vault.role.add", EKM_LOG_INT("vault", vault_id),
          EKM_LOG_TEXT("client_id", client_id), EKM_LOG_TEXT("role", role->name), EKM_LOG_TEXT("scope", scope));
  return true;
}

static bool has_assignment(const vault_store *store, const vault_assignment *wanted) {
  for (size_t i = 0; i < store->dir->assignment_count; i++) {
    const vault_assignment *each = &store->dir->assignments[i];
    if (each->vault_id == wanted->vault_id && each->role == wanted->role &&
        strcmp(each->client_id, wanted->client_id) == 0 && strcmp(each->scope, wanted->scope) == 0) {
      return true;
    }
  }
  return false;
}

bool vault_store_role_remove(vault_store *store, int64_t vault_id, const char *client_id, const vault_role *role,
                             const char *scope, ekm_err *err) {
  vault_assignment assignment;
  if (!store_write_begin(store, err)) return false;
  bool ok = describe_assignment(store, vault_id, client_id, role, scope, &assignment, err);
  if (ok && !has_assignment(store, &assignment)) ok = EKM_FAIL(err, EKM_E_ABSENT, "role '%s'", role->name);
  ok = ok && remove_assignment(store, &assignment, err);
  if (!store_change_end(store, ok, err)) return false;
  EKM_LOG(store->log, EKM_LOG_INFO, "vault.role.remove", EKM_LOG_INT("vault", vault_id),
          EKM_LOG_TEXT("client_id", client_id), EKM_LOG_TEXT("role", role->name), EKM_LOG_TEXT("scope", scope));
  return true;
}
