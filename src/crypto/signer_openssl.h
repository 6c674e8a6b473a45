/* What signer_openssl.c and signer_file_openssl.c share; nobody else includes it. */
#ifndef EKM_CRYPTO_SIGNER_OPENSSL_H
#define EKM_CRYPTO_SIGNER_OPENSSL_H

#include <openssl/x509.h>

#include "crypto/crypto_openssl.h"
#include "crypto/signer.h"

/* What a file holds. */
typedef struct signer_file {
  OSSL_LIB_CTX *lib;      /* borrowed */
  ekm_view password;      /* borrowed */
  STACK_OF(X509) * certs; /* at least one, once it was read */
  ekm_buf rsa_key;        /* RSAPrivateKey (RFC 8017 appendix A.1.2) in DER */
  bool wants_legacy;      /* it could not be decrypted, though the password is right */
} signer_file;

/* signer_file_init(file, lib, password), signer_file_clear(file): clear wipes. */
void signer_file_init(signer_file *file, OSSL_LIB_CTX *lib, ekm_view password);
void signer_file_clear(signer_file *file);

/* signer_file_read(file, bytes, err): PEM or PKCS#12, by its first bytes. Errors of ekm_signer_open. */
EKM_MUST_USE bool signer_file_read(signer_file *file, ekm_view bytes, ekm_err *err);

#endif
