/* What the files behind keys.h share; nobody else includes it.
 *
 *   keys_openssl.c        a key of any kind: free, DER
 *   keys_rsa_openssl.c    RSA: generate, numbers, encryption
 *   keys_ec_openssl.c     elliptic curves: generate, numbers
 *   keys_sign_openssl.c   signatures of both
 *
 * OpenSSL's error queue is the thread's: every function of keys.h leaves it as it was (ERR_set_mark, ERR_pop_to_mark),
 * so that the reason why a padding was bad is not left lying about either. */
#ifndef EKM_CRYPTO_KEYS_OPENSSL_H
#define EKM_CRYPTO_KEYS_OPENSSL_H

#include "crypto/crypto_openssl.h"
#include "crypto/keys.h"

typedef struct key_curve {
  const char *name;  /* Key Vault's */
  const char *group; /* OpenSSL's */
  size_t bytes;      /* of a coordinate, and of the order */
} key_curve;

enum { KEY_EC_BYTES_MAX = 66 };

struct ekm_key {
  const ekm_crypto *crypto;
  EVP_PKEY *pkey;
  const key_curve *curve; /* NULL: RSA */
  unsigned bits;
  bool has_private;
};

/* key_adopt(crypto, pkey, has_private, out_key, err):
 * Take over ${pkey}, if it is a key that we serve: KEY_TYPE for another RSA size, KEY_KIND for another kind of key or
 * curve. */
EKM_MUST_USE bool key_adopt(const ekm_crypto *crypto, EVP_PKEY **pkey, bool has_private, ekm_key **out_key,
                            ekm_err *err);

/* key_generate(crypto, kind, params, out_key, err): a new key pair of OpenSSL's ${kind}, "RSA" or "EC". */
EKM_MUST_USE bool key_generate(const ekm_crypto *crypto, const char *kind, const OSSL_PARAM *params, ekm_key **out_key,
                               ekm_err *err);

/* key_curve_of(pkey): the curve of an EC key; NULL for one that we do not serve. */
const key_curve *key_curve_of(const EVP_PKEY *pkey);

/* key_shortest(number): without its leading zeros. */
ekm_view key_shortest(ekm_view number);

/* key_append_number(key, name, width, out, err): append a number of ${key} as long as ${width}, 0: in shortest form. */
EKM_MUST_USE bool key_append_number(const ekm_key *key, const char *name, size_t width, ekm_buf *out, ekm_err *err);

/* key_text_param(name, text): a parameter for OpenSSL, whose arrays are not const; it does not write through a text. */
OSSL_PARAM key_text_param(const char *name, const char *text);

#endif
