/* Keys in a PKCS#11 token (PKCS#11 2.40, OASIS): made there, never read out, used there. Its module is loaded through
 * p11-kit, which keeps several users of one module apart and ends it before the process does.
 *
 *   ekm_token_open -> module, slot, login, a few sessions
 *   ekm_token_make / ekm_token_import -> ekm_token_key: a name of 16 bytes in the token (CKA_ID), and the public
 * numbers
 *   ekm_token_decrypt, ekm_token_sign, ...
 *
 * What needs no private key (encryption with and verification by a public key) is no affair of a token: crypto/keys.h
 * does it with the public numbers. Algorithms have Key Vault's names; what a token lacks is composed of what it has:
 * OAEP with SHA-256 of the bare RSA operation, if its own knows SHA-1 only (SoftHSM), key wrapping of AES in ECB. Both
 * are computed in constant time here.
 *
 * Errors: TOKEN, whose detail has the name of the CKR_ code; TOKEN_PIN for a wrong or locked PIN, which is never tried
 * twice, since tokens lock themselves; NOT_SUPPORTED for an algorithm or kind that the token or key does not have;
 * UNWRAP_REFUSED for every fault of a ciphertext.
 *
 * Threads: all functions may be called by all threads; more than EKM_TOKEN_SESSIONS at once wait for each other. */
#ifndef EKM_CRYPTO_TOKEN_H
#define EKM_CRYPTO_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/secret.h"
#include "crypto/cipher.h"
#include "crypto/keys.h"

enum { EKM_TOKEN_SESSIONS = 8, EKM_TOKEN_ID_BYTES = 16 };

typedef struct ekm_token ekm_token;

typedef struct ekm_token_options {
  const char *module; /* path of the module's library */
  const char *label;  /* of the token; NULL: the only one that there is */
  const ekm_secret *pin;
  const ekm_crypto *crypto; /* borrowed */
} ekm_token_options;

/* ekm_token_open(options, out_token, err): TOKEN if the module cannot be loaded or has no such token, or several.
 * ekm_token_close(token): log out and end the module. NULL is fine; sets the caller's pointer to NULL. */
EKM_MUST_USE bool ekm_token_open(const ekm_token_options *options, ekm_token **out_token, ekm_err *err);
void ekm_token_close(ekm_token **token);

typedef enum ekm_token_kind { EKM_TOKEN_RSA, EKM_TOKEN_EC, EKM_TOKEN_AES } ekm_token_kind;

/* A key in the token, by its name there. Of RSA keys a and b are n and e, of EC keys x and y, of AES keys empty. */
typedef struct ekm_token_key {
  ekm_token_kind kind;
  unsigned bits;     /* of the modulus, the order, the key */
  const char *curve; /* of an EC key; static */
  uint8_t id[EKM_TOKEN_ID_BYTES];
} ekm_token_key;

/* ekm_token_curve(name): the static text of a curve's name; NULL if there is no such curve. */
const char *ekm_token_curve(const char *name);

/* What a new key is to be like: bits and exponent of RSA, bits of AES, curve of EC. */
typedef struct ekm_token_spec {
  ekm_token_kind kind;
  unsigned bits;
  uint32_t exponent;
  const char *curve;
} ekm_token_spec;

/* ekm_token_make(token, spec, out_key, out_a, out_b, err):
 * Make a key in the token, which can be neither read nor taken out. Appends the public numbers. */
EKM_MUST_USE bool ekm_token_make(ekm_token *token, const ekm_token_spec *spec, ekm_token_key *out_key, ekm_buf *out_a,
                                 ekm_buf *out_b, ekm_err *err);

/* ekm_token_import_rsa, ekm_token_import_ec, ekm_token_import_aes: put a key that exists outside into the token. The
 * numbers of RSA are all eight. They are not checked: keys.h does that. */
EKM_MUST_USE bool ekm_token_import_rsa(ekm_token *token, const ekm_rsa_numbers *numbers, ekm_token_key *out_key,
                                       ekm_err *err);
EKM_MUST_USE bool ekm_token_import_ec(ekm_token *token, const char *curve, const ekm_ec_numbers *numbers,
                                      ekm_token_key *out_key, ekm_err *err);
EKM_MUST_USE bool ekm_token_import_aes(ekm_token *token, const ekm_secret *bytes, ekm_token_key *out_key, ekm_err *err);

/* ekm_token_destroy(token, key, err): for good; a key that is not there is no error. */
EKM_MUST_USE bool ekm_token_destroy(ekm_token *token, const ekm_token_key *key, ekm_err *err);

/* Use, as in keys.h and cipher.h. */
EKM_MUST_USE bool ekm_token_rsa_decrypt(ekm_token *token, const ekm_token_key *key, const char *alg,
                                        ekm_view ciphertext, ekm_buf *out_plaintext, ekm_err *err);
EKM_MUST_USE bool ekm_token_sign(ekm_token *token, const ekm_token_key *key, const char *alg, ekm_view digest,
                                 ekm_buf *out_signature, ekm_err *err);
EKM_MUST_USE bool ekm_token_aes_encrypt(ekm_token *token, const ekm_token_key *key, const char *alg,
                                        const ekm_cipher_input *in, ekm_cipher_output *out, ekm_err *err);
EKM_MUST_USE bool ekm_token_aes_decrypt(ekm_token *token, const ekm_token_key *key, const char *alg,
                                        const ekm_cipher_input *in, ekm_buf *out_plaintext, ekm_err *err);

#endif
