#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/hex.h"
#include "base/text.h"
#include "http/http_tls.h"

enum { SHA1_BYTES = 20 };

void http_tls_log_no_keys(void *context) {
  SSL_CTX_set_keylog_callback(context, NULL);
}

/* Instead of OpenSSL's own verification. */
static int check_pin(X509_STORE_CTX *store, void *sha1) {
  uint8_t digest[EVP_MAX_MD_SIZE];
  char text[2 * SHA1_BYTES + 1] = "";
  unsigned len = 0;
  const X509 *certificate = X509_STORE_CTX_get0_cert(store);
  bool is_it = certificate != NULL && X509_digest(certificate, EVP_sha1(), digest, &len) == 1 && len == SHA1_BYTES;
  if (is_it) ekm_hex_text(ekm_view_of(digest, SHA1_BYTES), text, sizeof text);
  is_it = is_it && ekm_text_ieq(text, sha1);
  X509_STORE_CTX_set_error(store, is_it ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
  return is_it ? 1 : 0;
}

void http_tls_pin(void *context, char *sha1) {
  SSL_CTX_set_cert_verify_callback(context, check_pin, sha1);
}
