/* Role-based rights: who has which role in a vault that goes by roles. */
#include <string.h>

#include "vault/admin.h"
#include "vault/store_manage.h"

static bool find_role(const char *name, const vault_role **out, ekm_err *err) {
  *out = vault_role_named(name);
  return *out != NULL || EKM_FAIL(err, EKM_E_USAGE, "--role '%s' is none; 'akvd role list' shows all", name);
}

static json_t *assignment_row(const vault_info *vault, const char *app, const vault_role *role, const char *key) {
  json_t *row = json_pack("{s:s, s:s, s:s}", "vault", vault->name, "app", app, "role", role->name);
  if (key != NULL && key[0] != '\0') admin_set(&row, "key", json_string(key));
  return row;
}

typedef bool (*role_change)(vault_store *store, int64_t vault_id, const char *client_id, const vault_role *role,
                            const char *scope, ekm_err *err);

static bool change(admin *a, role_change do_it, ekm_err *err) {
  bool ok = false;
  const vault_settings *s = a->settings;
  const vault_directory *dir = NULL;
  const vault_info *vault;
  const vault_role *role;

  EKM_TRY(find_role(s->role, &role, err));
  EKM_TRY(vault_store_directory(a->store, &dir, err));
  EKM_TRY(admin_vault(a, dir, &vault, err));
  EKM_TRY(do_it(a->store, vault->id, s->app, role, s->key == NULL ? "" : s->key, err));
  json_t *doc = assignment_row(vault, s->app, role, s->key);
  ok = admin_print(a, &doc, err);
done:
  vault_directory_release(&dir);
  return ok;
}

bool admin_role_add(admin *a, ekm_err *err) {
  return change(a, vault_store_role_add, err);
}

bool admin_role_remove(admin *a, ekm_err *err) {
  return change(a, vault_store_role_remove, err);
}

static json_t *assignment_rows(const vault_directory *dir, const vault_info *only) {
  size_t count;
  const vault_assignment *all = vault_directory_assignments(dir, &count);
  json_t *rows = json_array();
  for (size_t i = 0; i < count; i++) {
    const vault_info *vault = vault_directory_vault_by_id(dir, all[i].vault_id);
    if (vault == NULL || (only != NULL && vault != only)) continue;
    admin_append(&rows, assignment_row(vault, all[i].client_id, all[i].role, all[i].scope));
  }
  return rows;
}

static json_t *role_rows(void) {
  json_t *rows = json_array();
  for (size_t i = 0; vault_role_at(i) != NULL; i++) {
    const vault_role *role = vault_role_at(i);
    admin_append(&rows, json_pack("{s:s, s:s}", "role", role->name, "of", role->of_hsm ? "managed-hsm" : "vault"));
  }
  return rows;
}

bool admin_role_list(admin *a, ekm_err *err) {
  bool ok = false;
  const vault_directory *dir = NULL;
  const vault_info *only = NULL;

  EKM_TRY(vault_store_directory(a->store, &dir, err));
  if (a->settings->vault != NULL) EKM_TRY(admin_vault(a, dir, &only, err));
  json_t *doc = json_object();
  admin_set(&doc, "assignments", assignment_rows(dir, only));
  admin_set(&doc, "roles", role_rows());
  ok = admin_print(a, &doc, err);
done:
  vault_directory_release(&dir);
  return ok;
}
