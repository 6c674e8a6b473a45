/* Signatures of a vault's symmetric keys: HMAC (RFC 2104), under the names of RFC 7518 section 3.2. OpenSSL only, as
 * cipher.h, which makes the keys.
 *
 *   "HS256"  SHA-256, 32 bytes      "HS384"  SHA-384, 48 bytes      "HS512"  SHA-512, 64 bytes
 *
 * The bytes are authenticated as they are; that a vault calls them a digest, and how long it wants them, is its own
 * affair. Threads: all functions from all threads; a key only for reading. */
#ifndef EKM_CRYPTO_MAC_H
#define EKM_CRYPTO_MAC_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/crypto.h"

/* ekm_mac_sign(crypto, key, alg, data, out_mac, err):
 * Append the whole MAC. NOT_SUPPORTED for another algorithm, BAD_ARGUMENT for an empty key; the buffer is then as it
 * was. */
EKM_MUST_USE bool ekm_mac_sign(const ekm_crypto *crypto, const ekm_secret *key, const char *alg, ekm_view data,
                               ekm_buf *out_mac, ekm_err *err);

/* ekm_mac_verify(crypto, key, alg, data, mac, out_valid, err):
 * Compare in constant time. A MAC of another length or of other bytes is no error but *${out_valid} = false. */
EKM_MUST_USE bool ekm_mac_verify(const ekm_crypto *crypto, const ekm_secret *key, const char *alg, ekm_view data,
                                 ekm_view mac, bool *out_valid, ekm_err *err);

#endif
