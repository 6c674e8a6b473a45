/* The symmetric keys of a vault (kty oct-HSM): AES with 128, 192 or 256 bits, under Key Vault's names of algorithms.
 * OpenSSL only, as keys.h; what they sign with is in mac.h.
 *
 *   algorithm                                     iv                        tag   plaintext       ciphertext
 *   A128GCM A192GCM A256GCM (SP 800-38D)          12, made here             16    any             as long
 *   A128CBC A192CBC A256CBC (SP 800-38A)          16, given or made here    -     multiple of 16  as long
 *   A128CBCPAD A192CBCPAD A256CBCPAD (PKCS#7)     16, given or made here    -     any             1 to 16 longer
 *   A128KW A192KW A256KW CKM_AES_KEY_WRAP         that of RFC 3394          -     multiple of 8,  8 longer
 *                                                                                 16 at least
 *   A128KWPAD A192KWPAD A256KWPAD                 that of RFC 5649          -     1 at least      8 to 15 longer
 *   CKM_AES_KEY_WRAP_PAD
 *
 * The number in a name is the length of the key; the CKM names take a key of any length. Only GCM, KW and KWPAD notice
 * a change. CBCPAD tells a good padding from a bad one, as it must, and CBC tells nothing: whoever can ask for
 * decryptions of CBCPAD can find a plaintext byte by byte, so a caller must say who may.
 *
 * GCM nonces are random: at most 2^32 encryptions under one key (SP 800-38D section 8.3).
 *
 * Threads: all functions from all threads; a key only for reading. */
#ifndef EKM_CRYPTO_CIPHER_H
#define EKM_CRYPTO_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rng.h"
#include "base/secret.h"
#include "crypto/crypto.h"

enum { EKM_CIPHER_GCM_IV_BYTES = 12, EKM_CIPHER_CBC_IV_BYTES = 16, EKM_CIPHER_TAG_BYTES = 16 };

/* What goes in. Views are empty where a part is absent. */
typedef struct ekm_cipher_input {
  ekm_view value; /* plaintext to encrypt, ciphertext to decrypt */
  ekm_view iv;
  ekm_view aad; /* GCM only */
  ekm_view tag; /* GCM, to decrypt */
} ekm_cipher_input;

/* What an encryption gives: lengths are 0 where the algorithm has no such part. ${value} is the caller's, who has
 * called ekm_buf_init for it. */
typedef struct ekm_cipher_output {
  ekm_buf value;
  uint8_t iv[EKM_CIPHER_CBC_IV_BYTES];
  size_t iv_len;
  uint8_t tag[EKM_CIPHER_TAG_BYTES];
  size_t tag_len;
} ekm_cipher_output;

/* ekm_cipher_key_generate(rng, bits, out_key, err): 128, 192 or 256 random bits; KEY_KIND for another number. */
EKM_MUST_USE bool ekm_cipher_key_generate(const ekm_rng *rng, unsigned bits, ekm_secret *out_key, ekm_err *err);

/* ekm_cipher_key_import(bytes, out_key, err): a key of 16, 24 or 32 bytes; KEY_KIND for another number. */
EKM_MUST_USE bool ekm_cipher_key_import(ekm_view bytes, ekm_secret *out_key, ekm_err *err);

/* ekm_cipher_encrypt(crypto, rng, key, alg, in, out, err):
 * Append the ciphertext to ${out}->value and set the other parts; ${rng} makes the iv where none is given.
 * NOT_SUPPORTED for another algorithm, or one for keys of another length. BAD_ARGUMENT for a plaintext of a length that
 * the algorithm does not take, and for parts that it does not take: an iv for GCM, KW and KWPAD, associated data
 * without GCM, a tag. ${out} is as it was if it fails, and must not hold what ${in} points to. */
EKM_MUST_USE bool ekm_cipher_encrypt(const ekm_crypto *crypto, const ekm_rng *rng, const ekm_secret *key,
                                     const char *alg, const ekm_cipher_input *in, ekm_cipher_output *out, ekm_err *err);

/* ekm_cipher_decrypt(crypto, key, alg, in, out_plaintext, err):
 * Append the plaintext. NOT_SUPPORTED and BAD_ARGUMENT as above; GCM needs its iv and its whole tag, CBC its iv. Every
 * fault of the ciphertext, its length too, is one and the same UNWRAP_REFUSED. The buffer is as it was if it fails. */
EKM_MUST_USE bool ekm_cipher_decrypt(const ekm_crypto *crypto, const ekm_secret *key, const char *alg,
                                     const ekm_cipher_input *in, ekm_buf *out_plaintext, ekm_err *err);

#endif
