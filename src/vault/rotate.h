/* Rotation of a key: a new version of the same kind, size and rights as the newest; the old ones stay as they are.
 *
 *   new version = same kty, size or curve, exponent, key_ops, tags, release policy
 *                 enabled, no nbf, exp as the key's rotation policy says (none: never)
 *
 * Threads: any. */
#ifndef EKM_VAULT_ROTATE_H
#define EKM_VAULT_ROTATE_H

#include "vault/store.h"

/* What keys are made with and kept in; borrowed. */
typedef struct vault_rotor {
  vault_store *store;
  vault_workshop shop;
  const ekm_clock *clock;
} vault_rotor;

/* vault_rotate(rotor, vault_id, name, out_key, err): KEY_NOT_FOUND; KEY_DELETED; LIMIT if the key has all the versions
 * that it may have; EXISTS if others added versions all the time. */
EKM_MUST_USE bool vault_rotate(const vault_rotor *rotor, int64_t vault_id, const char *name, const vault_key **out_key,
                               ekm_err *err);

/* vault_rotate_if_due(rotor, due, err): the same, if the rotation policy still says so; else nothing, and true. */
EKM_MUST_USE bool vault_rotate_if_due(const vault_rotor *rotor, const vault_due *due, ekm_err *err);

#endif
