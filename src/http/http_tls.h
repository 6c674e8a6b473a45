/* What libcurl does not let be said in its own options about TLS. For http_curl_handle.c only. */
#ifndef EKM_HTTP_HTTP_TLS_H
#define EKM_HTTP_HTTP_TLS_H

/* http_tls_log_no_keys(context):
 * Take out of an OpenSSL SSL_CTX what libcurl put in because the variable SSLKEYLOGFILE is set: the host's environment
 * must not make the keys of our connections readable. */
void http_tls_log_no_keys(void *context);

#endif
