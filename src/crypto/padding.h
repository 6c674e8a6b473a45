/* What a token that only has the bare operation leaves to us: the padding of RSAES-OAEP (RFC 8017 section 7.1.2) and
 * the wrapping of keys with AES (RFC 3394, RFC 5649).
 *
 * Threads: pure. */
#ifndef EKM_CRYPTO_PADDING_H
#define EKM_CRYPTO_PADDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/crypto.h"

/* ekm_oaep_remove(crypto, with_sha256, encoded, out_plaintext, err):
 * Append the message of an encoded one as long as the modulus, with an empty label; SHA-1 or SHA-256 for hash and mask.
 * Every fault is one UNWRAP_REFUSED, found in a time that does not depend on which it is (Manger's attack). */
EKM_MUST_USE bool ekm_oaep_remove(const ekm_crypto *crypto, bool with_sha256, ekm_view encoded, ekm_buf *out_plaintext,
                                  ekm_err *err);

/* One block through AES, in place. */
typedef struct ekm_block_cipher {
  bool (*run)(void *arg, bool encrypt, uint8_t block[16], ekm_err *err);
  void *arg;
} ekm_block_cipher;

/* ekm_keywrap(cipher, padded, plaintext, out, err): RFC 3394, or RFC 5649 if ${padded}; BAD_ARGUMENT for a length that
 * it does not take. ekm_keyunwrap(cipher, padded, ciphertext, out, err): UNWRAP_REFUSED for every fault. */
EKM_MUST_USE bool ekm_keywrap(const ekm_block_cipher *cipher, bool padded, ekm_view plaintext, ekm_buf *out,
                              ekm_err *err);
EKM_MUST_USE bool ekm_keyunwrap(const ekm_block_cipher *cipher, bool padded, ekm_view ciphertext, ekm_buf *out,
                                ekm_err *err);

#endif
