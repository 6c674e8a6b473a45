/* RSA and elliptic-curve keys over OpenSSL, for akvd, ekmctl, ekmsql and tests; the connector itself needs none of it.
 * AES-GCM is in gcm.h, which this header brings along; the symmetric keys of a vault are in cipher.h. Names of
 * algorithms and curves are Key Vault's (JSON Web Algorithms, RFC 7518; P-256K is secp256k1, RFC 8812).
 *
 * A key holds no reference to the ekm_crypto that it was made with: free the keys first.
 * Threads: an ekm_key is immutable after it is made and may be used by all threads. */
#ifndef EKM_CRYPTO_KEYS_H
#define EKM_CRYPTO_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/crypto.h"
#include "crypto/gcm.h"

typedef struct ekm_key ekm_key;

/* The numbers of an RSA key, big-endian, as in a JWK (RFC 7518 section 6.3). Leading zeros are allowed in and never
 * given out. Views are empty where a number is absent; d absent means a public key; the five CRT numbers (p to qi) come
 * all or none, and are found from n, e and d where they are absent. */
typedef struct ekm_rsa_numbers {
  ekm_view n, e, d, p, q, dp, dq, qi;
} ekm_rsa_numbers;

/* The numbers of an EC key, big-endian, as in a JWK (RFC 7518 section 6.2). They may be shorter or have more leading
 * zeros than the field is long; they are given out as long as the field. d is empty for a public key. */
typedef struct ekm_ec_numbers {
  ekm_view x, y, d;
} ekm_ec_numbers;

/* ekm_key_generate_rsa(crypto, bits, public_exponent, out_key, err): 2048, 3072 or 4096 bits, else KEY_TYPE;
 * exponent odd, >= 3, else BAD_ARGUMENT. A 4096-bit key takes about a second. */
EKM_MUST_USE bool ekm_key_generate_rsa(const ekm_crypto *crypto, unsigned bits, uint32_t public_exponent,
                                       ekm_key **out_key, ekm_err *err);

/* ekm_key_import_rsa(crypto, numbers, out_key, err):
 * Make a key of its numbers. A private key is checked (primes, n = pq, CRT, a trial operation; tens of milliseconds):
 * CRYPTO if it is none. KEY_TYPE for a modulus that has not 2048, 3072 or 4096 bits. */
EKM_MUST_USE bool ekm_key_import_rsa(const ekm_crypto *crypto, const ekm_rsa_numbers *numbers, ekm_key **out_key,
                                     ekm_err *err);

/* ekm_key_generate_ec(crypto, curve, out_key, err): "P-256", "P-384", "P-521" or "P-256K", else KEY_KIND. */
EKM_MUST_USE bool ekm_key_generate_ec(const ekm_crypto *crypto, const char *curve, ekm_key **out_key, ekm_err *err);

/* ekm_key_import_ec(crypto, curve, numbers, out_key, err):
 * Make a key of its numbers, which are checked: x and y on the curve, d in 1 to n-1, d times the base point = (x, y).
 * CRYPTO if they are none; KEY_KIND for another curve. */
EKM_MUST_USE bool ekm_key_import_ec(const ekm_crypto *crypto, const char *curve, const ekm_ec_numbers *numbers,
                                    ekm_key **out_key, ekm_err *err);

/* ekm_key_from_pkcs8(crypto, der, out_key, err), ekm_key_to_pkcs8(key, out_der, err): RFC 5958, unencrypted, to be
 * sealed by the caller; RSA and EC. What is read is not checked as an import is: it is for what ekm_key_to_pkcs8 wrote
 * and a seal protected. CRYPTO for what is no such DER, KEY_TYPE for another RSA size, KEY_KIND for a key of another
 * kind or curve; BAD_ARGUMENT to write a public key. */
EKM_MUST_USE bool ekm_key_from_pkcs8(const ekm_crypto *crypto, ekm_view der, ekm_key **out_key, ekm_err *err);
EKM_MUST_USE bool ekm_key_to_pkcs8(const ekm_key *key, ekm_buf *out_der, ekm_err *err);

/* ekm_key_from_public_der(crypto, der, out_key, err): an RSA key as PKCS#1 RSAPublicKey or SubjectPublicKeyInfo;
 * CRYPTO for anything else, and for bytes behind it. */
EKM_MUST_USE bool ekm_key_from_public_der(const ekm_crypto *crypto, ekm_view der, ekm_key **out_key, ekm_err *err);

/* ekm_key_free(key): wipe and free; NULL is fine; sets the caller's pointer to NULL. */
void ekm_key_free(ekm_key **key);

/* ekm_key_bits(key): length of the modulus, or of the order of the curve, in bits. */
unsigned ekm_key_bits(const ekm_key *key);

/* ekm_key_curve(key): the name of the curve, static; NULL for an RSA key. */
const char *ekm_key_curve(const ekm_key *key);

/* ekm_key_public(key, out_n, out_e, err): append modulus and exponent in shortest form. KEY_KIND for an EC key. */
EKM_MUST_USE bool ekm_key_public(const ekm_key *key, ekm_buf *out_n, ekm_buf *out_e, ekm_err *err);

/* ekm_key_public_ec(key, out_x, out_y, err): append the coordinates, each as long as the field (32, 48, 66, 32 bytes).
 * KEY_KIND for an RSA key. */
EKM_MUST_USE bool ekm_key_public_ec(const ekm_key *key, ekm_buf *out_x, ekm_buf *out_y, ekm_err *err);

/* Encryption: "RSA-OAEP-256" (SHA-256 and MGF1-SHA-256), "RSA-OAEP" (SHA-1), "RSA1_5". NOT_SUPPORTED otherwise, and
 * for an EC key.
 * DATA_TOO_LONG for a plaintext that does not fit; BAD_ARGUMENT to decrypt or sign with a public key. The buffer is as
 * it was if they fail.
 * Decryption gives one and the same UNWRAP_REFUSED for every fault of the ciphertext, in the same time as far as
 * OpenSSL can; so for RSA1_5 too, where OpenSSL 3.2 and later answer a bad padding with random bytes instead of an
 * error. */
EKM_MUST_USE bool ekm_key_encrypt(const ekm_key *key, const char *alg, ekm_view plaintext, ekm_buf *out_ciphertext,
                                  ekm_err *err);
EKM_MUST_USE bool ekm_key_decrypt(const ekm_key *key, const char *alg, ekm_view ciphertext, ekm_buf *out_plaintext,
                                  ekm_err *err);

/* Signatures over a digest: "RS256", "RS384", "RS512", "PS256", "PS384", "PS512" (salt as long as the hash), and each
 * for its one curve "ES256" (P-256), "ES384" (P-384), "ES512" (P-521), "ES256K" (P-256K). An ECDSA signature is r and s
 * behind each other, each as long as the order (RFC 7518 section 3.4): 64, 96, 132, 64 bytes; s is not forced into the
 * lower half. NOT_SUPPORTED for another algorithm, and for one that is not of this key's kind or curve; a digest of
 * another length than the hash is BAD_ARGUMENT; a signature that is none is not an error but *${out_valid} = false. */
EKM_MUST_USE bool ekm_key_sign(const ekm_key *key, const char *alg, ekm_view digest, ekm_buf *out_signature,
                               ekm_err *err);
EKM_MUST_USE bool ekm_key_verify(const ekm_key *key, const char *alg, ekm_view digest, ekm_view signature,
                                 bool *out_valid, ekm_err *err);

#endif
