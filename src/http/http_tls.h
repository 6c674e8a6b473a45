/* What depends on the library that libcurl has below it for TLS. For http_curl*.c only; http_tls_openssl.c is the one
 * of POSIX systems, http_tls_schannel.c that of Windows. */
#ifndef EKM_HTTP_HTTP_TLS_H
#define EKM_HTTP_HTTP_TLS_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/err.h"

typedef struct http_tls {
  const char *ca_file; /* its authorities are trusted and no others; NULL: those of the system */
  const char *sha1;    /* 40 hexadecimal digits, or NULL: the one certificate that is trusted, whatever it says */
  bool begun;          /* a connection was made, and its handshake begun; never set by Schannel: it does not say */
} http_tls;

/* http_tls_set(easy, tls):
 * Tell a new handle whom it trusts. Nothing of the host's environment may make the keys of our connections readable.
 * ${tls} and its texts are borrowed for the life of the handle. Returns the first failure of an option, and
 * CURLE_NOT_BUILT_IN where no certificate can be pinned. */
CURLcode http_tls_set(CURL *easy, http_tls *tls);

/* http_tls_refusal(easy, words):
 * libcurl has one code for everything that is wrong with a certificate, CURLE_PEER_FAILED_VERIFICATION. TLS_UNTRUSTED
 * for the certificate of an authority that is a stranger, TLS_HANDSHAKE for a wrong name or date; ${words} are
 * libcurl's own. */
ekm_err_id http_tls_refusal(CURL *easy, const char *words);

#endif
