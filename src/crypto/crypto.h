/* The cryptography that the connector needs on every platform: hashes and random bytes.
 * Two files implement it: crypto_openssl.c (its own OSSL_LIB_CTX, so that nothing of the host's OpenSSL is touched)
 * and crypto_cng.c. What only programs on Linux need is in keys.h and cert.h.
 *
 * Threads: an ekm_crypto is immutable after ekm_crypto_new and may be used by all threads. */
#ifndef EKM_CRYPTO_CRYPTO_H
#define EKM_CRYPTO_CRYPTO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rng.h"

enum { EKM_SHA256_BYTES = 32, EKM_SHA1_BYTES = 20 };

typedef struct ekm_crypto ekm_crypto;

/* ekm_crypto_new(out_crypto, err): CRYPTO if the library of the platform cannot be used. */
EKM_MUST_USE bool ekm_crypto_new(ekm_crypto **out_crypto, ekm_err *err);

/* ekm_crypto_free(crypto): free everything of it; sets the caller's pointer to NULL. */
void ekm_crypto_free(ekm_crypto **crypto);

/* ekm_crypto_rng(crypto): the random source of the platform; lives as long as ${crypto}. */
const ekm_rng *ekm_crypto_rng(const ekm_crypto *crypto);

/* ekm_crypto_sha256(crypto, data, out, err): FIPS 180-4. */
EKM_MUST_USE bool ekm_crypto_sha256(const ekm_crypto *crypto, ekm_view data, uint8_t out[EKM_SHA256_BYTES],
                                    ekm_err *err);

/* ekm_crypto_sha1(crypto, data, out, err): for x5t certificate thumbprints only, not for protection. */
EKM_MUST_USE bool ekm_crypto_sha1(const ekm_crypto *crypto, ekm_view data, uint8_t out[EKM_SHA1_BYTES], ekm_err *err);

/* ekm_crypto_hmac_sha256(crypto, key, data, out, err): RFC 2104. */
EKM_MUST_USE bool ekm_crypto_hmac_sha256(const ekm_crypto *crypto, ekm_view key, ekm_view data,
                                         uint8_t out[EKM_SHA256_BYTES], ekm_err *err);

#endif
