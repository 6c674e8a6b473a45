/* Client secrets: made, and hashed for the database (why with one HMAC: seal.h). */
#ifndef EKM_VAULT_STORE_SECRET_H
#define EKM_VAULT_STORE_SECRET_H

#include "base/rng.h"
#include "base/secret.h"
#include "vault/seal.h"
#include "vault/store_directory.h"

enum {
  VAULT_SECRET_MADE_CHARS = 40, /* of 64 characters: 240 bits */
  VAULT_SECRET_MIN_CHARS = 16,  /* of a secret that a person gives */
  VAULT_SECRET_MAX_CHARS = 1024
};

/* store_secret_hash(seal, client_id, salt, secret, out, err): HMAC(SECRET, client id | salt | secret). */
EKM_MUST_USE bool store_secret_hash(const vault_seal *seal, const char *client_id,
                                    const uint8_t salt[VAULT_SECRET_SALT_BYTES], ekm_view secret,
                                    uint8_t out[VAULT_SECRET_HASH_BYTES], ekm_err *err);

/* store_secret_make(rng, out, err): a random one, in characters that need no quoting. */
EKM_MUST_USE bool store_secret_make(const ekm_rng *rng, ekm_secret *out, ekm_err *err);

#endif
