/* A vault and its sign-in service that lie: a small TLS server on a free port of 127.0.0.1, honest unless a test says
 * otherwise, step by step.
 *
 *   no token              --> 401, challenge: https://login.localhost/TENANT, resource https://vault.localhost
 *   POST .../oauth2/...   --> a token                             HOSTILE_TOKEN
 *   GET /keys             --> one page with the one key           HOSTILE_LIST
 *   GET /keys/K/versions  --> one page with its one version       HOSTILE_VERSIONS
 *   GET /keys/K           --> the public key, a real RSA-2048     HOSTILE_KEY
 *   POST .../wrapkey      --> RSA-OAEP-256                        HOSTILE_WRAP
 *   POST .../unwrapkey    --> the same backwards                  HOSTILE_UNWRAP
 *
 * It is all hosts at once: what a client would send to a foreign host arrives here as well, with that host's name.
 * OpenSSL and plain sockets, because no HTTP library would break the rules that are to be broken.
 *
 * Threads: start, play and stop from one thread; the server runs on threads of its own. */
#ifndef EKM_TESTS_SUPPORT_HOSTILE_SERVER_H
#define EKM_TESTS_SUPPORT_HOSTILE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define HOSTILE_HOST "local.vault.localhost"
#define HOSTILE_AUTHORITY_HOST "login.localhost"
#define HOSTILE_TENANT "11111111-2222-3333-4444-555555555555"
#define HOSTILE_KEY_NAME "the-key"
#define HOSTILE_KEY_VERSION "0123456789abcdef0123456789abcdef"
#define HOSTILE_ACCESS_TOKEN "eyJhb.canary-access-token.c2ln"

typedef enum hostile_step {
  HOSTILE_CHALLENGE,
  HOSTILE_TOKEN,
  HOSTILE_LIST,
  HOSTILE_VERSIONS,
  HOSTILE_KEY,
  HOSTILE_WRAP,
  HOSTILE_UNWRAP,
  HOSTILE_OTHER, /* 404 */
  HOSTILE_STEPS
} hostile_step;

typedef enum hostile_trick {
  HOSTILE_SAY,         /* status, headers and body of the play */
  HOSTILE_CUT,         /* the same, but the connection ends ten bytes before Content-Length is reached */
  HOSTILE_CLOSE,       /* end the connection without an answer */
  HOSTILE_SILENT,      /* read the request and say nothing */
  HOSTILE_STALL,       /* the head of an answer, a part of the body, then nothing */
  HOSTILE_DRIP,        /* a byte of the body whenever the client has taken the last one, without end */
  HOSTILE_ENDLESS,     /* chunk after chunk, as fast as it goes */
  HOSTILE_BIG,         /* 10 MB of JSON, well-formed */
  HOSTILE_LONG_HEADER, /* a header of 100 kB */
  HOSTILE_HEADERS,     /* header after header without end */
  HOSTILE_CONTINUE,    /* 100 Continue, again and again without end */
  HOSTILE_DEEP,        /* 100,000 opening brackets */
  HOSTILE_MANY_KEYS,   /* pages of 25 names each: 11,000 names */
  HOSTILE_LOOP         /* a page that names itself as the next one */
} hostile_trick;

/* What one step does instead of being honest. In headers and body stand for themselves: $host, $name, $kid (the honest
 * key's), $n, $e, $value (what an honest answer to this request would hold). */
typedef struct hostile_play {
  hostile_trick trick;
  int status;          /* 0: 200 */
  const char *headers; /* "Name: value\r\n" each; NULL: none but Content-Type and Content-Length */
  const char *body;    /* NULL: empty, and for the tricks that need none */
  int times;           /* so often, then honest; 0: always */
} hostile_play;

/* What the server does before HTTP. */
typedef enum hostile_socket {
  HOSTILE_SOCKET_TLS,
  HOSTILE_SOCKET_SILENT, /* accept, and never answer the handshake */
  HOSTILE_SOCKET_PLAIN,  /* answer the handshake with plain HTTP */
  HOSTILE_SOCKET_CLOSE   /* accept and close */
} hostile_socket;

typedef struct hostile_options {
  const char *folder;       /* authority.pem is written here; must exist */
  const char *secret;       /* what no foreign host may see: see hostile_server_secret_hosts */
  const char *const *names; /* of the certificate; NULL: local.vault.localhost, login.localhost and some foreign ones */
  size_t name_count;
  int64_t not_after_wall_s;      /* of the certificate; 0: tomorrow */
  const char *foreign_authority; /* authority.pem is of this name, and did not sign; the one that did is named
                                    "hostile authority"; NULL: it is that one */
} hostile_options;

typedef struct hostile_server hostile_server;

/* hostile_server_start(options), hostile_server_stop(server): fail the test if that is not possible; stop sets the
 * caller's pointer to NULL. */
hostile_server *hostile_server_start(const hostile_options *options);
void hostile_server_stop(hostile_server **server);

uint16_t hostile_server_port(const hostile_server *server);

/* hostile_server_play(server, step, play): from now on ${step} goes so; NULL: honest. */
void hostile_server_play(hostile_server *server, hostile_step step, const hostile_play *play);

/* hostile_server_socket(server, behaviour): for connections that come from now on. */
void hostile_server_socket(hostile_server *server, hostile_socket behaviour);

/* hostile_server_forget(server): all steps honest, counters 0. hostile_server_hang_up(server): end all connections. */
void hostile_server_forget(hostile_server *server);
void hostile_server_hang_up(hostile_server *server);

/* hostile_server_seen(server, step), hostile_server_requests(server): requests of one step; of all. */
int hostile_server_seen(hostile_server *server, hostile_step step);
int hostile_server_requests(hostile_server *server);

/* hostile_server_wait(server, step, count): until ${count} requests of ${step} have arrived; at most ten seconds,
 * then the test fails. */
void hostile_server_wait(hostile_server *server, hostile_step step, int count);

/* hostile_server_wait_connections(server, count): the same for connections since the last hostile_server_hang_up. */
void hostile_server_wait_connections(hostile_server *server, int count);

/* hostile_server_secret_hosts(server), hostile_server_token_hosts(server):
 * The hosts, each followed by a space, to which a request with the secret in it came, or one with a bearer token. */
const char *hostile_server_secret_hosts(hostile_server *server);
const char *hostile_server_token_hosts(hostile_server *server);

/* hostile_server_last_token_body(server): of the last request of HOSTILE_TOKEN. Borrowed. */
const char *hostile_server_last_token_body(hostile_server *server);

#endif
