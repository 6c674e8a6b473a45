/* Schannel keeps no keys for a debugger: SSLKEYLOGFILE means nothing to it.
 *
 * Certificates of the public authorities are asked for at their lists of revoked ones, as far as those can be reached.
 * An authority of one's own, which is what ${ca_file} is for, has no such list as a rule: it is not asked for. */
#include <string.h>

#include "http/http_tls.h"

CURLcode http_tls_set(CURL *easy, http_tls *tls) {
  CURLcode rc = tls->sha1 == NULL ? CURLE_OK : CURLE_NOT_BUILT_IN;
  long revocation = tls->ca_file == NULL ? CURLSSLOPT_REVOKE_BEST_EFFORT : CURLSSLOPT_NO_REVOKE;
  if (rc == CURLE_OK && tls->ca_file != NULL) rc = curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca_file);
  if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_SSL_OPTIONS, revocation);
  return rc;
}

/* The only source are the words of libcurl's schannel.c and schannel_verify.c, which hold the names of Windows. */
ekm_err_id http_tls_refusal(CURL *easy, const char *words) {
  static const char *const strangers[] = {"UNTRUSTED_ROOT", "PARTIAL_CHAIN"};
  (void)easy;
  for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
    if (strstr(words, strangers[i]) != NULL) return EKM_E_TLS_UNTRUSTED;
  }
  return EKM_E_TLS_HANDSHAKE;
}
