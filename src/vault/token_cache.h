/* Access tokens that were checked already, by the SHA-256 of their text: checking an RSA signature at every request
 * would cost more than everything else but the key operation itself.
 *
 * A token is what it was when it was checked: nothing invalidates an entry but its end (and the end of the process).
 * Permissions are not part of it; they are looked up at each request. Bounded: a new token takes the place of the one
 * in its set that ends first.
 *
 * Threads: internally locked. */
#ifndef EKM_VAULT_TOKEN_CACHE_H
#define EKM_VAULT_TOKEN_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/crypto.h"
#include "vault/jwt.h"

enum { VAULT_TOKEN_CACHE_SETS = 64, VAULT_TOKEN_CACHE_WAYS = 4 };

typedef struct vault_token_cache vault_token_cache;

/* vault_token_cache_new(out, err), vault_token_cache_free(cache): NULL is fine; sets the caller's pointer to NULL. */
EKM_MUST_USE bool vault_token_cache_new(vault_token_cache **out_cache, ekm_err *err);
void vault_token_cache_free(vault_token_cache **cache);

/* vault_token_cache_get(cache, digest, out_claims): the claims of a token that was put. Times are the caller's to
 * check. */
bool vault_token_cache_get(vault_token_cache *cache, const uint8_t digest[EKM_SHA256_BYTES], vault_claims *out_claims);

/* vault_token_cache_put(cache, digest, claims): remember a token that was found good. */
void vault_token_cache_put(vault_token_cache *cache, const uint8_t digest[EKM_SHA256_BYTES],
                           const vault_claims *claims);

#endif
