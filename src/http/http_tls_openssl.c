#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/hex.h"
#include "base/text.h"
#include "http/http_tls.h"

enum { SHA1_BYTES = 20 };

/* Instead of OpenSSL's own verification. */
static int check_pin(X509_STORE_CTX *store, void *arg) {
  const http_tls *tls = arg;
  uint8_t digest[EVP_MAX_MD_SIZE];
  char text[2 * SHA1_BYTES + 1] = "";
  unsigned len = 0;
  const X509 *certificate = X509_STORE_CTX_get0_cert(store);
  bool is_it = certificate != NULL && X509_digest(certificate, EVP_sha1(), digest, &len) == 1 && len == SHA1_BYTES;
  if (is_it) ekm_hex_text(ekm_view_of(digest, SHA1_BYTES), text, sizeof text);
  is_it = is_it && ekm_text_ieq(text, tls->sha1);
  X509_STORE_CTX_set_error(store, is_it ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
  return is_it ? 1 : 0;
}

/* libcurl put in what writes the keys to a file, if the variable SSLKEYLOGFILE is set: out with it. */
static CURLcode on_context(CURL *easy, void *context, void *arg) {
  http_tls *tls = arg;
  (void)easy;
  tls->begun = true;
  SSL_CTX_set_keylog_callback(context, NULL);
  if (tls->sha1 != NULL) SSL_CTX_set_cert_verify_callback(context, check_pin, tls);
  return CURLE_OK;
}

/* libcurl with another library for TLS would give on_context something else, and has no such option. */
static bool has_openssl(void) {
  const char *library = curl_version_info(CURLVERSION_NOW)->ssl_version;
  return library != NULL && ekm_text_starts_i(library, "OpenSSL/");
}

CURLcode http_tls_set(CURL *easy, http_tls *tls) {
  CURLcode rc = CURLE_OK;
  if (tls->ca_file != NULL) {
    rc = curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca_file);
    if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* a file that was replaced counts from the next connection on */
    if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
#endif
  }
  if (!has_openssl()) return rc == CURLE_OK && tls->sha1 != NULL ? CURLE_NOT_BUILT_IN : rc;
  if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
  return rc == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, tls) : rc;
}

/* OpenSSL's numbers: 0 and 1 are "nothing" (the name is libcurl's own check), 9 and 10 the dates, 62 the name. */
ekm_err_id http_tls_refusal(CURL *easy, const char *words) {
  long why = 0;
  (void)words;
  (void)curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &why);
  return why == 0 || why == 1 || why == 9 || why == 10 || why == 62 ? EKM_E_TLS_HANDSHAKE : EKM_E_TLS_UNTRUSTED;
}
