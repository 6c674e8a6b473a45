#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t keep_answer(char *bytes, size_t one, size_t len, void *arg) {
  bench_client *client = arg;
  char *grown = realloc(client->answer, client->answer_len + len * one + 1);
  if (grown == NULL) return 0;
  memcpy(grown + client->answer_len, bytes, len * one);
  client->answer = grown;
  client->answer_len += len * one;
  grown[client->answer_len] = '\0';
  return len * one;
}

bool client_open(bench_client *client, const bench_target *target, const char *host) {
  char connect_to[128];
  memset(client, 0, sizeof *client);
  client->easy = curl_easy_init();
  (void)snprintf(connect_to, sizeof connect_to, "%s:443:127.0.0.1:%u", host, target->port);
  client->connect_to = curl_slist_append(NULL, connect_to);
  client->headers = curl_slist_append(NULL, "Accept: application/json");
  if (target->token[0] != '\0') {
    client->headers = curl_slist_append(client->headers, "Content-Type: application/json");
    client->headers = curl_slist_append(client->headers, target->token);
  }
  CURL *easy = client->easy;
  if (easy == NULL || client->connect_to == NULL || client->headers == NULL) return false;
  (void)curl_easy_setopt(easy, CURLOPT_CONNECT_TO, client->connect_to);
  (void)curl_easy_setopt(easy, CURLOPT_CAINFO, target->ca_file);
  (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
  (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30000L);
  (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_answer);
  (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, client);
  (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers);
  return true;
}

void client_close(bench_client *client) {
  curl_easy_cleanup(client->easy);
  curl_slist_free_all(client->headers);
  curl_slist_free_all(client->connect_to);
  free(client->answer);
  memset(client, 0, sizeof *client);
}

long client_send(bench_client *client, const char *method, const char *url, const char *body) {
  long status = 0;
  client->answer_len = 0;
  (void)curl_easy_setopt(client->easy, CURLOPT_URL, url);
  (void)curl_easy_setopt(client->easy, CURLOPT_CUSTOMREQUEST, method);
  if (body != NULL) {
    (void)curl_easy_setopt(client->easy, CURLOPT_POSTFIELDS, body);
  } else {
    (void)curl_easy_setopt(client->easy, CURLOPT_HTTPGET, 1L);
  }
  if (curl_easy_perform(client->easy) != CURLE_OK) return 0;
  (void)curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

bool client_member(const bench_client *client, const char *name, char *out, size_t out_bytes) {
  char quoted[64];
  (void)snprintf(quoted, sizeof quoted, "\"%s\":\"", name);
  const char *start = client->answer == NULL ? NULL : strstr(client->answer, quoted);
  if (start == NULL) return false;
  start += strlen(quoted);
  size_t len = strcspn(start, "\"");
  if (len >= out_bytes) return false;
  memcpy(out, start, len);
  out[len] = '\0';
  return true;
}

static bool sign_in(bench_target *target) {
  static const char prefix[] = "Authorization: Bearer ";
  char url[512], body[1024];
  bench_client client;
  bool ok = client_open(&client, target, "login.localhost");
  char *secret = ok ? curl_easy_escape(client.easy, target->client_secret, 0) : NULL;

  (void)snprintf(url, sizeof url, "https://login.localhost/%s/oauth2/v2.0/token", target->tenant);
  (void)snprintf(body, sizeof body,
                 "grant_type=client_credentials&scope=https%%3A%%2F%%2Fvault.localhost%%2F.default&client_id=%s"
                 "&client_secret=%s",
                 target->client_id, secret == NULL ? "" : secret);
  ok = ok && client_send(&client, "POST", url, body) == 200;
  memcpy(target->token, prefix, sizeof prefix);
  ok = ok && client_member(&client, "access_token", target->token + sizeof prefix - 1,
                           sizeof target->token - sizeof prefix + 1);
  curl_free(secret);
  client_close(&client);
  return ok;
}

bool target_read(bench_target *out) {
  const struct {
    const char *name;
    const char **value;
  } wanted[] = {{"EKM_IDENTITY", &out->host},
                {"BENCH_CA", &out->ca_file},
                {"BENCH_CLIENT_ID", &out->client_id},
                {"BENCH_CLIENT_SECRET", &out->client_secret},
                {"BENCH_TENANT", &out->tenant}};
  memset(out, 0, sizeof *out);
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    *wanted[i].value = getenv(wanted[i].name);
    if (*wanted[i].value == NULL) {
      (void)fprintf(stderr, "bench: the environment has no %s; bench/bench.sh sets it\n", wanted[i].name);
      return false;
    }
  }
  const char *port = getenv("BENCH_PORT");
  out->port = port == NULL ? 0 : (unsigned)strtoul(port, NULL, 10);
  if (sign_in(out)) return true;
  (void)fprintf(stderr, "bench: the vault at port %u gave no token\n", out->port);
  return false;
}
