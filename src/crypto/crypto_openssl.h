/* What the OpenSSL files of this folder share; nobody else includes it. */
#ifndef EKM_CRYPTO_CRYPTO_OPENSSL_H
#define EKM_CRYPTO_CRYPTO_OPENSSL_H

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "crypto/crypto.h"

struct ekm_crypto {
  ekm_rng rng; /* first, so that a pointer to it is a pointer to its owner */
  OSSL_LIB_CTX *lib;
  EVP_MD *sha256;
  EVP_MD *sha1;
  EVP_MAC *hmac;
  EVP_CIPHER *aes_256_gcm;
  EVP_RAND_CTX *seed; /* the operating system's source */
  EVP_RAND_CTX *drbg; /* ours, fed by it; internally locked */
};

/* ekm_crypto_fail(err, what): raise CRYPTO with OpenSSL's reason for its last failure, if it left one. Returns false.
 * Use it between ERR_set_mark and ERR_pop_to_mark: the error queue belongs to the thread, which is the host's. */
bool ekm_crypto_fail(ekm_err *err, const char *what);

/* ekm_asn1_wall_s(time, out_wall_s): a date of a certificate in seconds since 1970; false if it is none. */
bool ekm_asn1_wall_s(const ASN1_TIME *time, int64_t *out_wall_s);

#endif
