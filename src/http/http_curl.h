/* One connection over libcurl: a handle of one origin and one route, with every option that never changes. For
 * http_curl*.c only.
 *
 * Threads: one at a time. */
#ifndef EKM_HTTP_HTTP_CURL_H
#define EKM_HTTP_HTTP_CURL_H

#include <curl/curl.h>

#include "base/buf.h"
#include "http/http.h"
#include "http/http_headers.h"
#include "http/http_tls.h"

/* The headers that we send, at most; the nodes are ours, so no call allocates a list. Each costs libcurl a dozen
 * comparisons. */
enum {
  HTTP_CURL_SENT_ACCEPT,
  HTTP_CURL_SENT_CONTENT_TYPE,
  HTTP_CURL_SENT_BEARER,
  HTTP_CURL_SENT_REQUEST_ID,
  HTTP_CURL_SENT_FIELDS,
  HTTP_CURL_SENT_COUNT = HTTP_CURL_SENT_FIELDS + EKM_HTTP_FIELDS
};

typedef enum http_curl_method { HTTP_CURL_NONE, HTTP_CURL_GET, HTTP_CURL_POST, HTTP_CURL_OTHER } http_curl_method;

/* One exchange while it runs. */
typedef struct http_curl_exchange {
  const ekm_http_request *request;
  ekm_http_response *response;
  http_headers headers;
  const ekm_clock *clock;
  bool too_big;
} http_curl_exchange;

typedef struct http_curl_handle {
  CURL *easy;
  struct http_curl_handle *below;             /* in the stack of idle ones */
  char *origin;                               /* "host:port" as written in the URL */
  char *address, *ca_file, *certificate_sha1; /* the route; NULL where it says nothing */
  http_tls tls;                               /* of ca_file and certificate_sha1 */
  char *proxy, *proxy_user, *proxy_password_file, *proxy_exceptions;
  bool uses_proxy; /* false for a host that is excepted */
  uint16_t port;
  bool local_http;
  struct curl_slist *connect_to;
  http_curl_method method;
  bool has_verb; /* CURLOPT_CUSTOMREQUEST is set */
  bool is_fresh; /* CURLOPT_FRESH_CONNECT is set */
  bool is_spent; /* not to be used again */
  bool is_kept;  /* its last exchange went well, and left a connection */
  ekm_buf url, content_type, bearer, request_id;
  struct curl_slist sent[HTTP_CURL_SENT_COUNT];
  char words[CURL_ERROR_SIZE];
  http_curl_exchange now;
} http_curl_handle;

/* HTTP_CURL_SET(option, value): set an option of ${easy}; the first failure stays in ${rc}, both of the function. */
#define HTTP_CURL_SET(option, value)                                \
  do {                                                              \
    if (rc == CURLE_OK) rc = curl_easy_setopt(easy, option, value); \
  } while (0)

/* What all handles of one ekm_http have in common. Borrowed. */
typedef struct http_curl_options {
  const char *user_agent;
  int64_t max_age_s; /* of connections */
} http_curl_options;

/* http_curl_handle_new(options, origin, route, out, err):
 * ${origin} is "host:port" as the URL has it; it and ${route} (may be NULL) are copied. Reads the proxy's password.
 * OUT_OF_MEMORY, LIMIT, FILE_READ, INTERNAL. Free with http_curl_handle_free; NULL is fine there. */
EKM_MUST_USE bool http_curl_handle_new(const http_curl_options *options, ekm_view origin, const ekm_http_route *route,
                                       http_curl_handle **out, ekm_err *err);
void http_curl_handle_free(http_curl_handle *h);

/* http_curl_handle_fits(handle, origin, route): is it for these? */
bool http_curl_handle_fits(const http_curl_handle *h, ekm_view origin, const ekm_http_route *route);

#endif
