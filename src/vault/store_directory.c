#include "vault/store_directory.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "vault/store_load.h"

const vault_directory *vault_directory_retain(vault_directory *dir) {
  (void)atomic_fetch_add_explicit(&dir->refs, 1, memory_order_relaxed);
  return dir;
}

void vault_directory_release(const vault_directory **dir) {
  vault_directory *own = (vault_directory *)(uintptr_t)*dir; /* the count is the one member that changes */
  *dir = NULL;
  if (own == NULL || atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel) != 1) return;
  ekm_mem_free(own->vaults);
  ekm_mem_free(own->apps);
  ekm_mem_free(own->secrets);
  ekm_mem_free(own->certificates);
  for (size_t i = 0; i < own->federation_count; i++) ekm_mem_free((char *)(uintptr_t)own->federations[i].keys);
  ekm_mem_free(own->federations);
  ekm_mem_free(own->grants);
  ekm_mem_free(own->assignments);
  ekm_mem_free(own);
}

const vault_info *vault_directory_vault_by_host(const vault_directory *dir, const char *host) {
  for (size_t i = 0; i < dir->vault_count; i++) {
    if (ekm_text_ieq(dir->vaults[i].host, host)) return &dir->vaults[i];
  }
  return NULL;
}

const vault_info *vault_directory_vault_by_name(const vault_directory *dir, const char *name) {
  for (size_t i = 0; i < dir->vault_count; i++) {
    if (ekm_text_ieq(dir->vaults[i].name, name)) return &dir->vaults[i];
  }
  return NULL;
}

const vault_info *vault_directory_vault_by_id(const vault_directory *dir, int64_t id) {
  for (size_t i = 0; i < dir->vault_count; i++) {
    if (dir->vaults[i].id == id) return &dir->vaults[i];
  }
  return NULL;
}

bool vault_directory_has_tenant(const vault_directory *dir, const char *tenant) {
  for (size_t i = 0; i < dir->vault_count; i++) {
    if (ekm_text_ieq(dir->vaults[i].tenant, tenant)) return true;
  }
  for (size_t i = 0; i < dir->app_count; i++) {
    if (ekm_text_ieq(dir->apps[i].tenant, tenant)) return true;
  }
  return false;
}

/* Client ids are stored in lower case, and the database gives rows in their order. */
static bool lower_id(char out[VAULT_GUID_CHARS + 1], const char *client_id) {
  if (strlen(client_id) != VAULT_GUID_CHARS) return false;
  memcpy(out, client_id, VAULT_GUID_CHARS + 1);
  ekm_text_lower(out);
  return true;
}

static int compare_app(const void *id, const void *app) {
  return strcmp(id, ((const vault_app *)app)->client_id);
}

static int compare_grant(const void *wanted, const void *grant) {
  const vault_grant *a = wanted;
  const vault_grant *b = grant;
  if (a->vault_id != b->vault_id) return a->vault_id < b->vault_id ? -1 : 1;
  return strcmp(a->client_id, b->client_id);
}

const vault_app *vault_directory_app(const vault_directory *dir, const char *client_id) {
  char id[VAULT_GUID_CHARS + 1];
  if (dir->app_count == 0 || !lower_id(id, client_id)) return NULL;
  return bsearch(id, dir->apps, dir->app_count, sizeof *dir->apps, compare_app);
}

static vault_permissions by_policy(const vault_directory *dir, int64_t vault_id, const char *client_id) {
  vault_grant wanted = {.vault_id = vault_id};
  if (dir->grant_count == 0 || !lower_id(wanted.client_id, client_id)) return 0;
  const vault_grant *grant = bsearch(&wanted, dir->grants, dir->grant_count, sizeof *dir->grants, compare_grant);
  return grant == NULL ? 0 : grant->permissions;
}

/* Few, and read in one go: a hundred assignments are a hundred comparisons of a number. */
static vault_permissions by_roles(const vault_directory *dir, const vault_info *vault, const char *client_id,
                                  const char *key_name) {
  vault_permissions granted = 0;
  for (size_t i = 0; i < dir->assignment_count; i++) {
    const vault_assignment *each = &dir->assignments[i];
    if (each->vault_id != vault->id || !ekm_text_ieq(each->client_id, client_id)) continue;
    bool applies = each->scope[0] == '\0' || (key_name != NULL && ekm_text_ieq(each->scope, key_name));
    if (applies) granted |= each->role->permissions;
  }
  return granted;
}

vault_permissions vault_directory_granted(const vault_directory *dir, const vault_info *vault, const char *client_id,
                                          const char *key_name) {
  return vault->by_roles ? by_roles(dir, vault, client_id, key_name) : by_policy(dir, vault->id, client_id);
}

const vault_info *vault_directory_vaults(const vault_directory *dir, size_t *out_count) {
  *out_count = dir->vault_count;
  return dir->vaults;
}

const vault_app *vault_directory_apps(const vault_directory *dir, size_t *out_count) {
  *out_count = dir->app_count;
  return dir->apps;
}

const vault_grant *vault_directory_grants(const vault_directory *dir, size_t *out_count) {
  *out_count = dir->grant_count;
  return dir->grants;
}

const vault_assignment *vault_directory_assignments(const vault_directory *dir, size_t *out_count) {
  *out_count = dir->assignment_count;
  return dir->assignments;
}
