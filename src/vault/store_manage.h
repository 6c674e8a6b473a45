/* Vaults, applications, secrets and grants: what an administrator writes. Reading them is store_directory.h.
 *
 * Errors, besides those of store.h: EXISTS, ABSENT, BAD_ARGUMENT for a value that is none (the message says which).
 * Threads: as store.h. */
#ifndef EKM_VAULT_STORE_MANAGE_H
#define EKM_VAULT_STORE_MANAGE_H

#include "base/secret.h"
#include "vault/store.h"

typedef struct vault_spec {
  const char *name;   /* 3 to 24 letters, digits and hyphens */
  const char *suffix; /* NULL: VAULT_DEFAULT_SUFFIX; the host is "<name>.<suffix>", the resource "https://<suffix>" */
  const char *tenant; /* GUID; NULL: a new one */
  unsigned retention_days; /* 7 ... 90; 0: 90 */
  bool is_hsm;             /* a Managed HSM: VAULT_HSM_SUFFIX is then the default, and rights come from roles */
  bool purge_protection;
  bool by_roles;
} vault_spec;

/* vault_spec_check(spec, err): could there be such a vault? For who has to make something before he can add it. */
EKM_MUST_USE bool vault_spec_check(const vault_spec *spec, ekm_err *err);

/* vault_store_vault_add(store, spec, err): a host at which applications sign in is none for a vault. */
EKM_MUST_USE bool vault_store_vault_add(vault_store *store, const vault_spec *spec, ekm_err *err);

/* vault_store_app_add(store, tenant, name, out_client_id, err):
 * Register an application in ${tenant}. Client id and object id are new GUIDs. It has no secret and no rights yet.
 * ${name} is 1 to VAULT_APP_NAME_MAX_BYTES of UTF-8 without control characters. */
EKM_MUST_USE bool vault_store_app_add(vault_store *store, const char *tenant, const char *name,
                                      char out_client_id[VAULT_GUID_CHARS + 1], ekm_err *err);

/* vault_store_app_remove(store, client_id, err): with all its credentials and grants. */
EKM_MUST_USE bool vault_store_app_remove(vault_store *store, const char *client_id, ekm_err *err);

/* vault_store_secret_add(store, client_id, secret, expires, out_id, err):
 * Add a secret to an application. If ${secret} is empty a random one is made and given in it, the only time that it
 * is seen; else it must have 16 to 1024 printable ASCII characters. ${expires} 0: never. */
EKM_MUST_USE bool vault_store_secret_add(vault_store *store, const char *client_id, ekm_secret *secret, int64_t expires,
                                         char out_id[VAULT_GUID_CHARS + 1], ekm_err *err);

/* vault_store_secret_remove(store, client_id, secret_id, err). */
EKM_MUST_USE bool vault_store_secret_remove(vault_store *store, const char *client_id, const char *secret_id,
                                            ekm_err *err);

/* vault_store_role_add(store, vault_id, client_id, role, scope, err), vault_store_role_remove(...):
 * Give an application a role in the whole vault (${scope} "") or for one key (its name), or take it away. BAD_ARGUMENT
 * for a role of the other kind of vault and for a vault that goes by access policies; ABSENT for a role that it does
 * not have. */
EKM_MUST_USE bool vault_store_role_add(vault_store *store, int64_t vault_id, const char *client_id,
                                       const vault_role *role, const char *scope, ekm_err *err);
EKM_MUST_USE bool vault_store_role_remove(vault_store *store, int64_t vault_id, const char *client_id,
                                          const vault_role *role, const char *scope, ekm_err *err);

/* vault_store_grant_set(store, vault_id, client_id, permissions, err): replace what it had; 0 takes the grant away.
 * BAD_ARGUMENT for a vault that goes by roles. */
EKM_MUST_USE bool vault_store_grant_set(vault_store *store, int64_t vault_id, const char *client_id,
                                        vault_permissions permissions, ekm_err *err);

#endif
