/* The handlers of the Keys API, by operation; which path leads where is in routes.c.
 *
 * All are called behind authentication and authorisation, with x->vault, x->key_name and x->key_version set, and follow
 * the rules of exchange.h. Shapes and texts: facts/azure-key-vault.md sections 1.2 to 1.7 and the published
 * OpenAPI 7.5.
 *
 * Threads: any. */
#ifndef EKM_VAULT_KEYS_API_H
#define EKM_VAULT_KEYS_API_H

#include <stdbool.h>

#include "vault/exchange.h"

/* keys_api_read.c */
bool vault_keys_get(vault_exchange *x);
bool vault_keys_list(vault_exchange *x);
bool vault_keys_versions(vault_exchange *x);
bool vault_deleted_get(vault_exchange *x);
bool vault_deleted_list(vault_exchange *x);

/* keys_api_write.c */
bool vault_keys_create(vault_exchange *x);
bool vault_keys_import(vault_exchange *x);
bool vault_keys_update(vault_exchange *x);
bool vault_keys_delete(vault_exchange *x);
bool vault_deleted_recover(vault_exchange *x);
bool vault_deleted_purge(vault_exchange *x);

/* keys_api_backup.c */
bool vault_keys_backup(vault_exchange *x);
bool vault_keys_restore(vault_exchange *x);

/* keys_api_release.c */
bool vault_keys_release(vault_exchange *x);

/* keys_api_random.c */
bool vault_random(vault_exchange *x);

/* keys_api_rotation.c */
bool vault_keys_rotate(vault_exchange *x);
bool vault_policy_get(vault_exchange *x);
bool vault_policy_put(vault_exchange *x);

/* keys_api_crypto.c */
bool vault_keys_encrypt(vault_exchange *x);
bool vault_keys_decrypt(vault_exchange *x);
bool vault_keys_wrap(vault_exchange *x);
bool vault_keys_unwrap(vault_exchange *x);
bool vault_keys_sign(vault_exchange *x);
bool vault_keys_verify(vault_exchange *x);

/* vault_keys_failed(x): what the store raised, as the client's fault where it is (no such key, a deleted name ...).
 * vault_deleted_failed(x): the same where a deleted key was looked for. Always false. */
bool vault_keys_failed(vault_exchange *x);
bool vault_deleted_failed(vault_exchange *x);

#endif
