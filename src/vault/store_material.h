/* The private part of a version: sealed in a row of its own, bound to all of the version's row by the seal.
 *
 * Threads: open and close from all threads; load and put with the store's lock held. */
#ifndef EKM_VAULT_STORE_MATERIAL_H
#define EKM_VAULT_STORE_MATERIAL_H

#include "vault/store_state.h"

/* store_material_close(seal, vault_id, lower, key, der, out_sealed, err), store_material_open(...): seal and unseal;
 * ${lower} is the name in lower case. STORE_TAMPERED. */
EKM_MUST_USE bool store_material_close(const vault_seal *seal, int64_t vault_id, const char *lower,
                                       const vault_key *key, ekm_view der, ekm_buf *out_sealed, ekm_err *err);
EKM_MUST_USE bool store_material_open(const vault_seal *seal, int64_t vault_id, const char *lower, const vault_key *key,
                                      ekm_view sealed, ekm_buf *out_der, ekm_err *err);

/* store_material_load(store, vault_id, lower, version, out, err): append the sealed bytes. */
EKM_MUST_USE bool store_material_load(vault_store *store, int64_t vault_id, const char *lower, const char *version,
                                      ekm_buf *out, ekm_err *err);

/* store_version_put(store, vault_id, lower, key, sealed, err): write the version's row and its private part. */
EKM_MUST_USE bool store_version_put(vault_store *store, int64_t vault_id, const char *lower, const vault_key *key,
                                    ekm_view sealed, ekm_err *err);

#endif
