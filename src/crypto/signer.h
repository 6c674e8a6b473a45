/* A certificate's private key that signs: what proves a client certificate to a sign-in service.
 *
 *   file --> certificate (thumbprint, dates) + RSA private key --> signatures under PS256
 *
 * Two files implement it: signer_openssl.c with signer_file_openssl.c, and signer_cng.c, which refuses.
 *
 * Each signer has a library context of its own, made and freed with it, so that nothing is left in the host's context
 * or in its threads. Threads: a signer belongs to the thread that opened it. */
#ifndef EKM_CRYPTO_SIGNER_H
#define EKM_CRYPTO_SIGNER_H

#include "crypto/crypto.h"

enum { EKM_SIGNER_FILE_MAX_BYTES = 128 * 1024 /* a key, and a chain of certificates in its longest usual form */ };

typedef struct ekm_signer ekm_signer;

/* What is told about the certificate. */
typedef struct ekm_signer_info {
  uint8_t sha256[EKM_SHA256_BYTES]; /* of its DER form: the thumbprint x5t#S256 (RFC 7515 section 4.1.8) */
  int64_t not_before_wall_s, not_after_wall_s;
} ekm_signer_info;

/* ekm_signer_open(file, password, out_signer, err):
 * ${file} is the content of a PEM or a PFX (PKCS#12) file. It has one private key, RSA of 2048 to 4096 bits; of several
 * certificates that of the key counts. ${password} opens an encrypted key or a PFX file, and is a text without NUL;
 * empty: none. Nothing is asked about dates.
 * CERT_FILE for what cannot be used, CERT_NO_KEY without a private key or with somebody else's, CERT_PASSWORD,
 * NOT_SUPPORTED where the platform has no such signer. */
EKM_MUST_USE bool ekm_signer_open(ekm_view file, ekm_view password, ekm_signer **out_signer, ekm_err *err);

/* ekm_signer_free(signer): wipe and free it; NULL is fine; sets the caller's pointer to NULL. */
void ekm_signer_free(ekm_signer **signer);

/* ekm_signer_about(signer): what is told about its certificate. Borrowed. */
const ekm_signer_info *ekm_signer_about(const ekm_signer *signer);

/* ekm_signer_sign(signer, bytes, out_signature, err):
 * Append the signature of ${bytes} under PS256: RSASSA-PSS, SHA-256, MGF1 of it, a salt of 32 bytes (RFC 7518 section
 * 3.5). */
EKM_MUST_USE bool ekm_signer_sign(ekm_signer *signer, ekm_view bytes, ekm_buf *out_signature, ekm_err *err);

#endif
