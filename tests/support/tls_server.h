/* An HTTPS server on a free port of 127.0.0.1 that answers well or badly, by path:
 *
 *   /echo        200, a line for the method, each header of interest and the body of the request
 *   /status/N    the status N
 *   /redirect    301 to /echo
 *   /truncated   promises 1000 bytes, sends 10 and closes
 *   /big/N       N bytes
 *   /header/N    a WWW-Authenticate header of N bytes
 *   /headers/N   N other headers of 100 bytes
 *   /retry       the headers of a busy service
 *   /wait        answers when tls_server_release is called */
#ifndef EKM_TESTS_SUPPORT_TLS_SERVER_H
#define EKM_TESTS_SUPPORT_TLS_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/crypto.h"

typedef struct tls_server tls_server;

/* A certificate of the server, and the authority that signed it. */
typedef struct tls_server_options {
  const char *name; /* what it is for: "vault.example" */
  int64_t not_after_wall_s;
  uint16_t port; /* 0: any free one */
} tls_server_options;

/* tls_server_start(crypto, options, out, err): runs until tls_server_stop. */
EKM_MUST_USE bool tls_server_start(const ekm_crypto *crypto, const tls_server_options *options, tls_server **out,
                                   ekm_err *err);
void tls_server_stop(tls_server **server);

uint16_t tls_server_port(const tls_server *server);

/* tls_server_ca_pem(server): the authority, for a client's ca_file. Borrowed. */
ekm_view tls_server_ca_pem(const tls_server *server);

/* tls_server_sha1(server, crypto, out, err): the SHA-1 of its own certificate, in hexadecimal digits. */
EKM_MUST_USE bool tls_server_sha1(const tls_server *server, const ekm_crypto *crypto, char out[41], ekm_err *err);

/* tls_server_connections(server): connections that were made so far. */
int tls_server_connections(const tls_server *server);

/* tls_server_waiting(server): requests for /wait that are there now. tls_server_release(server): let them go. */
int tls_server_waiting(const tls_server *server);
void tls_server_release(tls_server *server);

#endif
