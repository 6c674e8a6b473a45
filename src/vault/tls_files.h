/* The certificates of akvd: an authority of its own and a server certificate, made on first start.
 *
 *   DIR/tls/ca.pem       for clients: what they set as ca_file
 *   DIR/tls/ca.key       0600
 *   DIR/tls/server.pem   for localhost, login.localhost, *.vault.localhost, every vault's host, 127.0.0.1, ::1
 *   DIR/tls/server.key   0600
 *
 * The server's is made anew when it ends within 30 days or lacks a host; the authority stays until it ends within the
 * same time, so that clients do not have to be told. */
#ifndef EKM_VAULT_TLS_FILES_H
#define EKM_VAULT_TLS_FILES_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "vault/store_directory.h"

enum { VAULT_TLS_PEM_MAX_BYTES = 64 * 1024 };

typedef struct vault_tls_options {
  const char *folder; /* the vault's */
  const vault_directory *dir;
  const ekm_crypto *crypto;
  const ekm_clock *clock;
  ekm_log *log;
} vault_tls_options;

/* vault_tls_files_ready(options, out_cert_pem, out_key_pem, err):
 * Append the server's certificate and key, made or renewed if need be. FILE_READ, FILE_WRITE, CRYPTO. */
EKM_MUST_USE bool vault_tls_files_ready(const vault_tls_options *options, ekm_buf *out_cert_pem, ekm_buf *out_key_pem,
                                        ekm_err *err);

/* vault_tls_files_own(options, cert_path, key_path, out_cert_pem, out_key_pem, err):
 * A certificate of the administrator's own instead. SERVE if it has expired or is none; names of vaults that it does
 * not cover are logged as a warning, since clients will refuse them. The key's file must be nobody else's. */
EKM_MUST_USE bool vault_tls_files_own(const vault_tls_options *options, const char *cert_path, const char *key_path,
                                      ekm_buf *out_cert_pem, ekm_buf *out_key_pem, ekm_err *err);

#endif
