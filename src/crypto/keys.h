/* RSA and AES-GCM over OpenSSL, for akvd, ekmctl, ekmsql and tests; the connector itself needs none of it.
 * Names of algorithms are Key Vault's (JSON Web Algorithms, RFC 7518).
 *
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

typedef struct ekm_key ekm_key;

/* The numbers of an RSA key, big-endian, as in a JWK (RFC 7518 section 6.3). Leading zeros are allowed in and never
 * given out. Views are empty where a number is absent; d absent means a public key; the five CRT numbers come all or
 * none. */
typedef struct ekm_rsa_numbers {
  ekm_view n, e, d, p, q, dp, dq, qi;
} ekm_rsa_numbers;

/* ekm_key_generate_rsa(crypto, bits, public_exponent, out_key, err): 2048, 3072 or 4096 bits; exponent odd, >= 3. */
EKM_MUST_USE bool ekm_key_generate_rsa(const ekm_crypto *crypto, unsigned bits, uint32_t public_exponent,
                                       ekm_key **out_key, ekm_err *err);

/* ekm_key_import_rsa(crypto, numbers, out_key, err):
 * Make a key of its numbers. A private key is checked (n = pq, CRT, a trial operation): CRYPTO if it is none. */
EKM_MUST_USE bool ekm_key_import_rsa(const ekm_crypto *crypto, const ekm_rsa_numbers *numbers, ekm_key **out_key,
                                     ekm_err *err);

/* ekm_key_from_pkcs8(crypto, der, out_key, err), ekm_key_to_pkcs8(key, out_der, err): RFC 5958, unencrypted, to be
 * sealed by the caller. */
EKM_MUST_USE bool ekm_key_from_pkcs8(const ekm_crypto *crypto, ekm_view der, ekm_key **out_key, ekm_err *err);
EKM_MUST_USE bool ekm_key_to_pkcs8(const ekm_key *key, ekm_buf *out_der, ekm_err *err);

/* ekm_key_from_public_der(crypto, der, out_key, err): PKCS#1 RSAPublicKey or SubjectPublicKeyInfo. */
EKM_MUST_USE bool ekm_key_from_public_der(const ekm_crypto *crypto, ekm_view der, ekm_key **out_key, ekm_err *err);

/* ekm_key_free(key): wipe and free; NULL is fine; sets the caller's pointer to NULL. */
void ekm_key_free(ekm_key **key);

/* ekm_key_bits(key): length of the modulus in bits. */
unsigned ekm_key_bits(const ekm_key *key);

/* ekm_key_public(key, out_n, out_e, err): append modulus and exponent in shortest form. */
EKM_MUST_USE bool ekm_key_public(const ekm_key *key, ekm_buf *out_n, ekm_buf *out_e, ekm_err *err);

/* Encryption: "RSA-OAEP-256" (SHA-256 and MGF1-SHA-256), "RSA-OAEP" (SHA-1), "RSA1_5". NOT_SUPPORTED otherwise.
 * Decryption gives one and the same UNWRAP_REFUSED for every fault of the ciphertext, in the same time as far as
 * OpenSSL can; for RSA1_5 too. */
EKM_MUST_USE bool ekm_key_encrypt(const ekm_key *key, const char *alg, ekm_view plaintext, ekm_buf *out_ciphertext,
                                  ekm_err *err);
EKM_MUST_USE bool ekm_key_decrypt(const ekm_key *key, const char *alg, ekm_view ciphertext, ekm_buf *out_plaintext,
                                  ekm_err *err);

/* Signatures over a digest: "RS256", "RS384", "RS512", "PS256", "PS384", "PS512" (salt as long as the hash).
 * A digest of another length than the hash is BAD_ARGUMENT. */
EKM_MUST_USE bool ekm_key_sign(const ekm_key *key, const char *alg, ekm_view digest, ekm_buf *out_signature, ekm_err *err);
EKM_MUST_USE bool ekm_key_verify(const ekm_key *key, const char *alg, ekm_view digest, ekm_view signature,
                                 bool *out_valid, ekm_err *err);

/* AES-256-GCM (NIST SP 800-38D). A nonce must never be used twice under one key: the caller's duty. */
enum { EKM_GCM_KEY_BYTES = 32, EKM_GCM_NONCE_BYTES = 12, EKM_GCM_TAG_BYTES = 16 };

/* ekm_gcm_seal(crypto, key, nonce, aad, plaintext, out, err): append ciphertext and tag. */
EKM_MUST_USE bool ekm_gcm_seal(const ekm_crypto *crypto, const ekm_secret *key, const uint8_t nonce[EKM_GCM_NONCE_BYTES],
                               ekm_view aad, ekm_view plaintext, ekm_buf *out, ekm_err *err);

/* ekm_gcm_open(crypto, key, nonce, aad, sealed, out, err):
 * Append the plaintext of ciphertext and tag. MISMATCH, and nothing appended, if anything was changed. */
EKM_MUST_USE bool ekm_gcm_open(const ekm_crypto *crypto, const ekm_secret *key, const uint8_t nonce[EKM_GCM_NONCE_BYTES],
                               ekm_view aad, ekm_view sealed, ekm_buf *out, ekm_err *err);

#endif
