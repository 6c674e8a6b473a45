/* The HTTPS face of akvd: sockets, TLS, threads, limits, deadlines and the orderly end.
 *
 *   socket -> TLS -> HTTP -> [server] -> service (which vault, who, what) -> keys_api_*, token_endpoint
 *
 * libmicrohttpd does TLS and HTTP on a pool of epoll threads. A request is read whole (at most
 * EKM_LIMIT_HTTP_REQUEST_BYTES, or what its route says, wiped afterwards) and answered whole. Each connection has an
 * absolute deadline, so that a client which sends a byte now and then cannot hold a connection.
 *
 * Threads: start and stop from one thread; what is given in the options must be usable by all threads. */
#ifndef EKM_VAULT_SERVER_H
#define EKM_VAULT_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "vault/store.h"

typedef struct vault_server vault_server;

/* Texts and views are copied by vault_server_start; store, crypto, clock, token, log and audit are borrowed until
 * vault_server_stop. A number that is 0 stands for the default. */
typedef struct vault_server_options {
  const char *address; /* "127.0.0.1", "::1", "0.0.0.0"; no names */
  uint16_t port;       /* 0: a free one, see vault_server_port */
  ekm_view cert_pem;   /* the server's certificate, followed by intermediate ones if any */
  ekm_view key_pem;    /* its private key */
  const char *files;   /* NULL, or what messages about the two say: where they come from */
  vault_store *store;
  const ekm_crypto *crypto;
  const ekm_clock *clock;
  ekm_token *token;          /* where keys of HSMs live; NULL: in the database, as others */
  ekm_log *log;              /* NULL: no log */
  struct vault_audit *audit; /* NULL: none */
  unsigned threads;          /* default: one per processor, at least two */
  unsigned max_connections;  /* default: 4096, shared evenly by the threads */
  unsigned idle_seconds;     /* default: 120; how long a connection may be silent between two requests */
  unsigned request_ms;       /* default: 20000; from a request's headers to the end of its answer */
  bool with_trouble;         /* clients of this machine may ask for trouble.h */
  unsigned token_seconds;    /* default: 3599; life of an access token */
} vault_server_options;

/* vault_server_start(options, out_server, err):
 * Listen and serve. When it returns true the socket is open. SERVE if the address cannot be bound or certificate and
 * key cannot be used; STORE if the store cannot give what tokens are signed with. */
EKM_MUST_USE bool vault_server_start(const vault_server_options *options, vault_server **out_server, ekm_err *err);

/* vault_server_port(server): the port that is listened on. */
uint16_t vault_server_port(const vault_server *server);

/* vault_server_stop(server): accept nothing new, let running requests finish (at most request_ms), close all
 * connections, free. NULL is fine; sets the caller's pointer to NULL. */
void vault_server_stop(vault_server **server);

#endif
