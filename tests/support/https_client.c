#include "support/https_client.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "support/cmocka_all.h"

enum { ANSWER_MAX_BYTES = 4 * 1024 * 1024, TIMEOUT_MS = 60000 };

void https_client_open(https_client *client, uint16_t port, ekm_view ca_pem) {
  char route[64];
  memset(client, 0, sizeof *client);
  ekm_buf_init(&client->ca_pem, ANSWER_MAX_BYTES);
  ekm_buf_append_view(&client->ca_pem, ca_pem);
  (void)snprintf(route, sizeof route, "::127.0.0.1:%u", (unsigned)port);
  client->route = curl_slist_append(NULL, route);
  client->curl = curl_easy_init();
  assert_non_null(client->route);
  assert_non_null(client->curl);
}

void https_client_close(https_client *client) {
  curl_easy_cleanup(client->curl);
  curl_slist_free_all(client->route);
  ekm_buf_clear(&client->ca_pem);
}

static size_t append(char *part, size_t size, size_t count, void *buf) {
  ekm_buf_append(buf, part, size * count);
  return size * count;
}

static struct curl_slist *request_headers(const https_request *request) {
  struct curl_slist *list = curl_slist_append(NULL, "Expect:");
  if (request->bearer != NULL) {
    ekm_buf line;
    ekm_buf_init(&line, 256 * 1024);
    ekm_buf_append_fmt(&line, "Authorization: Bearer %s", request->bearer);
    list = curl_slist_append(list, ekm_buf_text(&line));
    ekm_buf_clear(&line);
  }
  for (size_t i = 0; request->headers != NULL && request->headers[i] != NULL; i++) {
    list = curl_slist_append(list, request->headers[i]);
  }
  return list;
}

static void set_options(https_client *client, const https_request *request, const char *url, https_answer *out) {
  CURL *curl = client->curl;
  struct curl_blob ca = {client->ca_pem.ptr, client->ca_pem.len, CURL_BLOB_NOCOPY};
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECT_TO, client->route);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
  curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &ca);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &out->body);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, append);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &out->headers);
  if (request->body != NULL) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(request->body));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
  }
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

void https_client_send(https_client *client, const https_request *request, https_answer *out) {
  ekm_err ignored = {0};
  ekm_buf url;

  memset(out, 0, sizeof *out);
  ekm_buf_init(&out->headers, ANSWER_MAX_BYTES);
  ekm_buf_init(&out->body, ANSWER_MAX_BYTES);
  ekm_buf_init(&url, ANSWER_MAX_BYTES);
  ekm_buf_append_fmt(&url, "https://%s%s", request->host, request->path);
  struct curl_slist *headers = request_headers(request);
  set_options(client, request, ekm_buf_text(&url), out);
  curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
  out->why = curl_easy_perform(client->curl);
  curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &out->status);
  curl_slist_free_all(headers);
  ekm_buf_clear(&url);
  if (!ekm_json_parse(ekm_buf_view(&out->body), &out->doc, &ignored)) out->doc = NULL;
}

void https_answer_clear(https_answer *answer) {
  ekm_json_free(&answer->doc);
  ekm_buf_clear(&answer->headers);
  ekm_buf_clear(&answer->body);
}

void https_answer_header(const https_answer *answer, const char *name, char out[512]) {
  size_t name_len = strlen(name);
  out[0] = '\0';
  for (const char *line = ekm_buf_text(&answer->headers); *line != '\0';
       line += strcspn(line, "\n") + (strchr(line, '\n') != NULL)) {
    if (strncasecmp(line, name, name_len) != 0 || line[name_len] != ':') continue;
    const char *value = line + name_len + 1 + strspn(line + name_len + 1, " ");
    (void)snprintf(out, 512, "%.*s", (int)strcspn(value, "\r\n"), value);
    return;
  }
}

long https_client_new_connections(const https_client *client) {
  long count = -1;
  curl_easy_getinfo(client->curl, CURLINFO_NUM_CONNECTS, &count);
  return count;
}
