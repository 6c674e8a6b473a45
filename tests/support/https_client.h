/* An HTTPS client for tests of akvd: libcurl as it is, so that what a test sees does not come from our own client.
 *
 * Every host name leads to 127.0.0.1 and the given port; the URL, and so the Host header, has no port. */
#ifndef EKM_TESTS_SUPPORT_HTTPS_CLIENT_H
#define EKM_TESTS_SUPPORT_HTTPS_CLIENT_H

#include <curl/curl.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"

typedef struct https_client {
  CURL *curl;
  struct curl_slist *route;
  ekm_buf ca_pem;
} https_client;

/* Strings may be NULL. */
typedef struct https_request {
  const char *method; /* "GET" */
  const char *host;   /* "local.vault.localhost" */
  const char *path;   /* "/keys?api-version=7.5" */
  const char *bearer;
  const char *body;
  const char *const *headers; /* more of them, "Name: value", NULL at the end */
} https_request;

typedef struct https_answer {
  long status; /* 0: no answer came; see why */
  CURLcode why;
  ekm_buf headers; /* as they came */
  ekm_buf body;
  json_t *doc; /* the body, if it is a JSON object, else NULL */
} https_answer;

/* https_client_open(client, port, ca_pem), https_client_close(client): one kept-alive connection. */
void https_client_open(https_client *client, uint16_t port, ekm_view ca_pem);
void https_client_close(https_client *client);

/* https_client_send(client, request, out): one request; give the answer back with https_answer_clear. */
void https_client_send(https_client *client, const https_request *request, https_answer *out);
void https_answer_clear(https_answer *answer);

/* https_answer_header(answer, name, out): the value of a header, "" if absent. */
void https_answer_header(const https_answer *answer, const char *name, char out[512]);

/* https_client_new_connections(client): how many connections the last request had to open. */
long https_client_new_connections(const https_client *client);

#endif
