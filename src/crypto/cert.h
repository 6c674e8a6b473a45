/* X.509 certificates. Those that akvd makes for itself, an authority of its own and a server certificate, are ECDSA
 * P-256 (a TLS handshake of a GnuTLS server costs 0.45 ms of CPU with P-256, 2.1 ms with RSA-2048, as measured for the
 * design); those of others are only looked at. OpenSSL only. */
#ifndef EKM_CRYPTO_CERT_H
#define EKM_CRYPTO_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/crypto.h"

typedef struct ekm_cert_request {
  const char *common_name;  /* of the new certificate */
  const char *const *names; /* subjectAltName entries; a name of digits and dots, or with ':', is an IP address */
  size_t name_count;
  int64_t not_before_wall_s;
  int64_t not_after_wall_s;
} ekm_cert_request;

/* ekm_cert_make_authority(crypto, request, out_cert_pem, out_key_pem, err):
 * A self-signed authority (basicConstraints CA, keyUsage keyCertSign, name constraints are not set). */
EKM_MUST_USE bool ekm_cert_make_authority(const ekm_crypto *crypto, const ekm_cert_request *request,
                                          ekm_buf *out_cert_pem, ekm_buf *out_key_pem, ekm_err *err);

/* ekm_cert_make_server(crypto, request, ca_cert_pem, ca_key_pem, out_cert_pem, out_key_pem, err):
 * A TLS server certificate (extendedKeyUsage serverAuth) signed by the authority. */
EKM_MUST_USE bool ekm_cert_make_server(const ekm_crypto *crypto, const ekm_cert_request *request, ekm_view ca_cert_pem,
                                       ekm_view ca_key_pem, ekm_buf *out_cert_pem, ekm_buf *out_key_pem, ekm_err *err);

/* What is told about somebody's certificate. Initialise the buffers with ekm_cert_info_init. */
typedef struct ekm_cert_info {
  ekm_buf der;        /* the whole of it: what a thumbprint is the hash of */
  ekm_buf public_key; /* SubjectPublicKeyInfo, for ekm_key_from_public_der */
  int64_t not_before_wall_s, not_after_wall_s;
} ekm_cert_info;

/* ekm_cert_info_init(info), ekm_cert_info_clear(info). */
void ekm_cert_info_init(ekm_cert_info *info);
void ekm_cert_info_clear(ekm_cert_info *info);

/* ekm_cert_read(crypto, cert_pem, out, err):
 * The first certificate of a PEM text; a private key in it is not looked at. Nothing is verified. CRYPTO if there is
 * none. */
EKM_MUST_USE bool ekm_cert_read(const ekm_crypto *crypto, ekm_view cert_pem, ekm_cert_info *out, ekm_err *err);

/* ekm_cert_not_after(crypto, cert_pem, out_wall_s, err): when the first certificate of a PEM text ends. */
EKM_MUST_USE bool ekm_cert_not_after(const ekm_crypto *crypto, ekm_view cert_pem, int64_t *out_wall_s, ekm_err *err);

/* ekm_cert_covers(crypto, cert_pem, name, out_covers, err): is ${name} one of its subjectAltNames (wildcards too)? */
EKM_MUST_USE bool ekm_cert_covers(const ekm_crypto *crypto, ekm_view cert_pem, const char *name, bool *out_covers,
                                  ekm_err *err);

#endif
