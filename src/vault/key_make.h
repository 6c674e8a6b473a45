/* The kinds of keys that a vault has, as a table, and how a private key of a kind is made.
 *
 *   kty        where                        sizes or curves                     default key_ops
 *   RSA        vault                        2048, 3072, 4096                    all six
 *   RSA-HSM    vault, Managed HSM           the same                            all six
 *   EC         vault                        P-256, P-384, P-521, P-256K         sign, verify
 *   EC-HSM     vault, Managed HSM           the same                            sign, verify
 *
 *   oct-HSM    Managed HSM                  128, 192, 256                       encrypt to unwrapKey
 *
 * A Managed HSM makes the kind with "-HSM" of the one without (facts/azure-key-vault.md section 1.4).
 *
 * Threads: any. */
#ifndef EKM_VAULT_KEY_MAKE_H
#define EKM_VAULT_KEY_MAKE_H

#include "vault/store.h"

typedef enum vault_key_family { VAULT_KEY_RSA, VAULT_KEY_EC, VAULT_KEY_OCT } vault_key_family;

typedef struct vault_key_type {
  const char *name;
  const char *in_hsm; /* what it is in an HSM */
  vault_key_family family;
  vault_key_ops default_ops;
} vault_key_type;

/* vault_key_family_takes(family, bits): is it one of the sizes? Of EC keys none is. vault_key_family_sizes(family): all
 * of them as text, "2048, 3072, 4096". Static. */
bool vault_key_family_takes(vault_key_family family, int64_t bits);
const char *vault_key_family_sizes(vault_key_family family);

/* vault_key_type_named(name, in_hsm): the row of "RSA"; of "RSA-HSM" if the key is to be in an HSM. NULL if there is
 * none. What is in a Managed HSM only is for the caller to know: VAULT_KEY_OCT. */
const vault_key_type *vault_key_type_named(const char *name, bool in_hsm);

/* vault_key_type_is_hsm(type): is its name one with "-HSM"? */
bool vault_key_type_is_hsm(const vault_key_type *type);

/* What a new key is to be like; members that a family does not have are ignored. */
typedef struct vault_key_shape {
  vault_key_family family;
  unsigned bits;
  uint32_t exponent;
  const char *curve;
  bool in_hsm; /* in the token, if there is one */
} vault_key_shape;

/* vault_key_make(shop, shape, out_material, err): KEY_TYPE, KEY_KIND, BAD_ARGUMENT for what there is not. */
EKM_MUST_USE bool vault_key_make(const vault_workshop *shop, const vault_key_shape *shape,
                                 vault_material **out_material, ekm_err *err);

/* vault_key_make_like(shop, key, out_material, err): another one like ${key}, which has its
 * material. */
EKM_MUST_USE bool vault_key_make_like(const vault_workshop *shop, const vault_key *key, vault_material **out_material,
                                      ekm_err *err);

#endif
