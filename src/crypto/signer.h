/* A certificate's private key that signs: what proves a client certificate to a sign-in service.
 *
 *   file, or entry of a store --> certificate (thumbprint, dates) + RSA private key --> signatures under PS256
 *
 * Two implement it: signer_openssl.c with signer_file_openssl.c, and signer_cng.c.
 *
 * Nothing is left when a signer is freed: with OpenSSL each has a library context of its own, so that the host's, and
 * its threads, see nothing of it; on Windows no key is kept. Threads: a signer belongs to the thread that opened it. */
#ifndef EKM_CRYPTO_SIGNER_H
#define EKM_CRYPTO_SIGNER_H

#include "crypto/crypto.h"

enum {
  EKM_SIGNER_FILE_MAX_BYTES = 128 * 1024,     /* a key, and a chain of certificates in its longest usual form */
  EKM_SIGNER_ENTRY_CHARS = 2 * EKM_SHA1_BYTES /* the thumbprint by which Windows names an entry of a store */
};

typedef struct ekm_signer ekm_signer;

/* What is told about the certificate. */
typedef struct ekm_signer_info {
  uint8_t sha256[EKM_SHA256_BYTES]; /* of its DER form: the thumbprint x5t#S256 (RFC 7515 section 4.1.8) */
  int64_t not_before_wall_s, not_after_wall_s;
} ekm_signer_info;

/* ekm_signer_open(file, password, out_signer, err):
 * ${file} is the content of a PEM or a PFX (PKCS#12) file; on Windows of a PFX file. It has one private key, RSA of
 * 2048 to 4096 bits; of several certificates that of the key counts. ${password} opens an encrypted key or a PFX file,
 * and is a text without NUL; empty: none. Nothing is asked about dates.
 * CERT_FILE for what cannot be used, CERT_NO_KEY without a private key or with somebody else's, CERT_PASSWORD. */
EKM_MUST_USE bool ekm_signer_open(ekm_view file, ekm_view password, ekm_signer **out_signer, ekm_err *err);

/* ekm_signer_open_store(thumbprint, out_signer, err):
 * The entry of the machine's certificate store (Windows: Personal of the local computer) with this SHA-1 hash, as
 * EKM_SIGNER_ENTRY_CHARS hexadecimal digits. The store is only read.
 * CERT_STORE without such an entry, CERT_NO_KEY without a private key, CERT_KEY_DENIED for one that this account may
 * not use (some keys say so only to ekm_signer_sign), CERT_FILE for a key of another kind; NOT_SUPPORTED where there
 * are no such stores. */
EKM_MUST_USE bool ekm_signer_open_store(const char *thumbprint, ekm_signer **out_signer, ekm_err *err);

/* ekm_signer_free(signer): wipe and free it; NULL is fine; sets the caller's pointer to NULL. */
void ekm_signer_free(ekm_signer **signer);

/* ekm_signer_about(signer): what is told about its certificate. Borrowed. */
const ekm_signer_info *ekm_signer_about(const ekm_signer *signer);

/* ekm_signer_sign(signer, bytes, out_signature, err):
 * Append the signature of ${bytes} under PS256: RSASSA-PSS, SHA-256, MGF1 of it, a salt of 32 bytes (RFC 7518 section
 * 3.5). */
EKM_MUST_USE bool ekm_signer_sign(ekm_signer *signer, ekm_view bytes, ekm_buf *out_signature, ekm_err *err);

#endif
