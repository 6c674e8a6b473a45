/* Authenticated encryption: AES-256-GCM (NIST SP 800-38D). OpenSSL only, as keys.h.
 *
 *   sealed  [ ciphertext, as long as the plaintext ][ tag, 16 bytes ]
 *
 * A nonce must never be used twice under one key: the caller's duty. Threads: all functions from all threads. */
#ifndef EKM_CRYPTO_GCM_H
#define EKM_CRYPTO_GCM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/crypto.h"

enum { EKM_GCM_KEY_BYTES = 32, EKM_GCM_NONCE_BYTES = 12, EKM_GCM_TAG_BYTES = 16 };

/* ekm_gcm_seal(crypto, key, nonce, aad, plaintext, out, err): append ciphertext and tag.
 * BAD_ARGUMENT if ${key} has not 32 bytes. ${out} must not hold what ${plaintext} or ${aad} point to. */
EKM_MUST_USE bool ekm_gcm_seal(const ekm_crypto *crypto, const ekm_secret *key,
                               const uint8_t nonce[EKM_GCM_NONCE_BYTES], ekm_view aad, ekm_view plaintext, ekm_buf *out,
                               ekm_err *err);

/* ekm_gcm_open(crypto, key, nonce, aad, sealed, out, err):
 * Append the plaintext of ciphertext and tag. MISMATCH, and nothing appended, if anything was changed. */
EKM_MUST_USE bool ekm_gcm_open(const ekm_crypto *crypto, const ekm_secret *key,
                               const uint8_t nonce[EKM_GCM_NONCE_BYTES], ekm_view aad, ekm_view sealed, ekm_buf *out,
                               ekm_err *err);

#endif
