/* The row of a key's name, as one value: how it is spelled, which version is the newest, whether it is deleted, how it
 * is rotated; and with it, always in the same transaction, what is due and when.
 *
 *   a live name with a policy that rotates    due: (rotate_at, vault, name, STORE_DUE_ROTATION)
 *   a deleted name                            due: (purge_at,  vault, name, STORE_DUE_PURGE)
 *
 * Threads: with the store's lock held. */
#ifndef EKM_VAULT_STORE_NAME_H
#define EKM_VAULT_STORE_NAME_H

#include "vault/rotation.h"
#include "vault/store_state.h"

typedef enum store_due { STORE_DUE_ROTATION = 0, STORE_DUE_PURGE = 1 } store_due;

typedef struct store_name {
  char spelling[EKM_LIMIT_KEY_NAME_CHARS + 1];
  char newest[EKM_LIMIT_KEY_VERSION_CHARS + 1];
  int64_t created;
  int64_t deleted_at, purge_at;           /* 0 of a live name */
  int64_t rotate_at;                      /* when the newest version is to be rotated; 0: never */
  char policy[VAULT_ROTATION_TEXT_BYTES]; /* as rotation.h writes it; "" for none */
} store_name;

/* store_name_get(store, id, out, out_found, err): live or deleted. */
EKM_MUST_USE bool store_name_get(vault_store *store, const store_key_id *id, store_name *out, bool *out_found,
                                 ekm_err *err);

/* store_name_put(store, id, old, new, err): write ${new} in the place of ${old} (NULL: there was none). */
EKM_MUST_USE bool store_name_put(vault_store *store, const store_key_id *id, const store_name *old,
                                 const store_name *new, ekm_err *err);

/* store_name_remove(store, id, old, err): the row goes; its versions are the caller's affair. */
EKM_MUST_USE bool store_name_remove(vault_store *store, const store_key_id *id, const store_name *old, ekm_err *err);

#endif
