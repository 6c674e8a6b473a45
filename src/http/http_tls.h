/* What libcurl does not let be said in its own options about TLS. For http_curl_handle.c only. */
#ifndef EKM_HTTP_HTTP_TLS_H
#define EKM_HTTP_HTTP_TLS_H

/* http_tls_log_no_keys(context):
 * Take out of an OpenSSL SSL_CTX what libcurl put in because the variable SSLKEYLOGFILE is set: the host's environment
 * must not make the keys of our connections readable. */
void http_tls_log_no_keys(void *context);

/* http_tls_pin(context, sha1):
 * Have an OpenSSL SSL_CTX take the one certificate whose SHA-1 is ${sha1}, 40 hexadecimal digits, whoever signed it and
 * whatever it says, and no other. ${sha1} is borrowed for the life of the SSL_CTX. */
void http_tls_pin(void *context, char *sha1);

#endif
