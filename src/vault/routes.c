#include "vault/routes.h"

#include <string.h>

#include "vault/discovery.h"
#include "vault/keys_api.h"
#include "vault/token_endpoint.h"
#include "vault/trouble.h"
#include "vault/watch.h"

/* Rows of a face in the order in which they are tried: literals before {version?}. */
static const vault_route routes[] = {
    {"key_list", VAULT_FACE_KEYS, "GET", "keys", VAULT_MAY_LIST, vault_keys_list, 0},
    {"key_versions", VAULT_FACE_KEYS, "GET", "keys/{name}/versions", VAULT_MAY_LIST, vault_keys_versions, 0},
    {"policy_get", VAULT_FACE_KEYS, "GET", "keys/{name}/rotationpolicy", VAULT_MAY_GET_ROTATION_POLICY,
     vault_policy_get, 0},
    {"key_get", VAULT_FACE_KEYS, "GET", "keys/{name}/{version?}", VAULT_MAY_GET, vault_keys_get, 0},
    {"key_create", VAULT_FACE_KEYS, "POST", "keys/{name}/create", VAULT_MAY_CREATE, vault_keys_create, 0},
    {"key_import", VAULT_FACE_KEYS, "PUT", "keys/{name}", VAULT_MAY_IMPORT, vault_keys_import, 0},
    {"key_update", VAULT_FACE_KEYS, "PATCH", "keys/{name}/{version?}", VAULT_MAY_UPDATE, vault_keys_update, 0},
    {"key_delete", VAULT_FACE_KEYS, "DELETE", "keys/{name}", VAULT_MAY_DELETE, vault_keys_delete, 0},
    {"key_restore", VAULT_FACE_KEYS, "POST", "keys/restore", VAULT_MAY_RESTORE, vault_keys_restore,
     EKM_LIMIT_RESTORE_BYTES},
    {"key_backup", VAULT_FACE_KEYS, "POST", "keys/{name}/backup", VAULT_MAY_BACKUP, vault_keys_backup, 0},
    {"key_rotate", VAULT_FACE_KEYS, "POST", "keys/{name}/rotate", VAULT_MAY_ROTATE, vault_keys_rotate, 0},
    {"policy_put", VAULT_FACE_KEYS, "PUT", "keys/{name}/rotationpolicy", VAULT_MAY_SET_ROTATION_POLICY,
     vault_policy_put, 0},
    {"key_encrypt", VAULT_FACE_KEYS, "POST", "keys/{name}/{version?}/encrypt", VAULT_MAY_ENCRYPT, vault_keys_encrypt,
     0},
    {"key_decrypt", VAULT_FACE_KEYS, "POST", "keys/{name}/{version?}/decrypt", VAULT_MAY_DECRYPT, vault_keys_decrypt,
     0},
    {"key_wrap", VAULT_FACE_KEYS, "POST", "keys/{name}/{version?}/wrapkey", VAULT_MAY_WRAP, vault_keys_wrap, 0},
    {"key_unwrap", VAULT_FACE_KEYS, "POST", "keys/{name}/{version?}/unwrapkey", VAULT_MAY_UNWRAP, vault_keys_unwrap, 0},
    {"key_sign", VAULT_FACE_KEYS, "POST", "keys/{name}/{version?}/sign", VAULT_MAY_SIGN, vault_keys_sign, 0},
    {"key_verify", VAULT_FACE_KEYS, "POST", "keys/{name}/{version?}/verify", VAULT_MAY_VERIFY, vault_keys_verify, 0},
    {"key_release", VAULT_FACE_KEYS, "POST", "keys/{name}/{version?}/release", VAULT_MAY_RELEASE, vault_keys_release,
     0},
    {"random", VAULT_FACE_KEYS, "POST", "rng", VAULT_MAY_RANDOM, vault_random, 0}, /* of a Managed HSM only */
    {"deleted_list", VAULT_FACE_KEYS, "GET", "deletedkeys", VAULT_MAY_LIST, vault_deleted_list, 0},
    {"deleted_get", VAULT_FACE_KEYS, "GET", "deletedkeys/{name}", VAULT_MAY_GET, vault_deleted_get, 0},
    {"deleted_purge", VAULT_FACE_KEYS, "DELETE", "deletedkeys/{name}", VAULT_MAY_PURGE, vault_deleted_purge, 0},
    {"deleted_recover", VAULT_FACE_KEYS, "POST", "deletedkeys/{name}/recover", VAULT_MAY_RECOVER, vault_deleted_recover,
     0},

    {"token_v2", VAULT_FACE_SIGN_IN, "POST", "{tenant}/oauth2/v2.0/token", 0, vault_token_v2, 0},
    {"token_v1", VAULT_FACE_SIGN_IN, "POST", "{tenant}/oauth2/token", 0, vault_token_v1, 0},
    {"discover_instance", VAULT_FACE_SIGN_IN, "GET", "common/discovery/instance", 0, vault_discovery_instance, 0},
    {"discover_v2", VAULT_FACE_SIGN_IN, "GET", "{tenant}/v2.0/.well-known/openid-configuration", 0,
     vault_discovery_configuration, 0},
    {"discover", VAULT_FACE_SIGN_IN, "GET", "{tenant}/.well-known/openid-configuration", 0,
     vault_discovery_configuration, 0},
    {"discover_keys_v2", VAULT_FACE_SIGN_IN, "GET", "{tenant}/discovery/v2.0/keys", 0, vault_discovery_keys, 0},
    {"discover_keys", VAULT_FACE_SIGN_IN, "GET", "{tenant}/discovery/keys", 0, vault_discovery_keys, 0},
    {"health", VAULT_FACE_SIGN_IN, "GET", "healthz", 0, vault_watch_health, 0},
    {"trouble_get", VAULT_FACE_SIGN_IN, "GET", "_akvd/trouble", 0, vault_trouble_get, 0},
    {"trouble_put", VAULT_FACE_SIGN_IN, "PUT", "_akvd/trouble", 0, vault_trouble_put, 0},
    {"metrics", VAULT_FACE_SIGN_IN, "GET", "metrics", 0, vault_watch_metrics, 0},
};

const vault_route *vault_route_table(size_t *out_count) {
  *out_count = sizeof routes / sizeof routes[0];
  return routes;
}

const vault_route *vault_route_find(vault_face face, const char *method, const vault_path *path,
                                    vault_path_match *out_match, bool *out_path_known) {
  *out_path_known = false;
  for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
    if (routes[i].face != face || !vault_path_matches(path, routes[i].pattern, out_match)) continue;
    *out_path_known = true;
    if (strcmp(routes[i].method, method) == 0) return &routes[i];
  }
  memset(out_match, 0, sizeof *out_match);
  return NULL;
}
