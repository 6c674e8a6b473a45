/* The baseline: a bare libcurl client of the same vault. One easy handle, one connection, kept alive; the same
 * connection options as src/http/http_curl.c (TLS, authority, address, no proxy), and nothing else of OpenEKM.
 *
 * Threads: a client belongs to one thread; a target is read by all. */
#ifndef EKM_BENCH_CLIENT_H
#define EKM_BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include <curl/curl.h>

enum { CLIENT_TOKEN_BYTES = 8192 };

/* Where the vault is and who asks; from the environment that bench.sh sets. */
typedef struct bench_target {
  const char *host; /* local.vault.localhost */
  const char *ca_file;
  const char *client_id;
  const char *client_secret;
  const char *tenant;
  unsigned port;
  char token[CLIENT_TOKEN_BYTES]; /* "Authorization: Bearer ..." */
} bench_target;

/* target_read(out): false, with a message, if the environment lacks something. Signs in. */
bool target_read(bench_target *out);

typedef struct bench_client {
  CURL *easy;
  struct curl_slist *headers, *connect_to;
  char *answer; /* the last one, NUL behind it */
  size_t answer_len;
} bench_client;

/* client_open(client, target, host): ${host} is the vault's or the sign-in service's. */
bool client_open(bench_client *client, const bench_target *target, const char *host);
void client_close(bench_client *client);

/* client_send(client, method, url, body): the status, 0 for none. ${body} may be NULL. */
long client_send(bench_client *client, const char *method, const char *url, const char *body);

/* client_member(client, name, out, out_bytes): a text member of the last answer, found by its name alone. */
bool client_member(const bench_client *client, const char *name, char *out, size_t out_bytes);

#endif
