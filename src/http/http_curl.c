/* HTTPS over libcurl.
 *
 *   idle --> [handle]-->[handle]-->[handle]     last in, first out; each with its own connection, kept alive
 *              |
 *              one origin (host and port of the URL) and one route: a handle never serves another
 *
 * A call takes the topmost idle handle of its origin and route, or makes one; while it runs the handle is its own, so a
 * connection is never shared between threads. Last in, first out keeps the warm ones warm and lets the others age.
 *
 * What never changes is set once, when a handle is made; a call sets only what differs from the last one: no
 * curl_easy_reset, no header list to allocate. The bearer is copied once, into a buffer that is wiped after the call
 * (libcurl makes a copy for the wire that we cannot reach).
 *
 * The environment of the host process decides nothing: the proxy is always set, if only to "", netrc is off, and
 * SSLKEYLOGFILE gets no keys.
 *
 * libcurl is initialised once and never torn down: other code in the process may use it too. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "base/sigpipe.h"
#include "base/text.h"
#include "http/http.h"
#include "http/http_headers.h"
#include "http/http_proxy.h"
#include "http/http_tls.h"

enum {
  IDLE_MAX = 128,                 /* handles that are kept between calls */
  CONNECT_TIMEOUT_MS = 10 * 1000, /* to reach a server and finish its handshake; the call's deadline may be shorter */
  LOCAL_CONNECT_TIMEOUT_MS =
      2 * 1000,                /* the same on this machine: where no metadata service is, nobody answers at all */
  CONNECTION_MAX_IDLE_S = 100, /* firewalls forget silent connections after a few minutes */
  DEADLINE_SLACK_MS = 50,      /* libcurl's clock and ours round differently */
  UPLOAD_BUFFER_BYTES = 16 * 1024,
  KEPT_SHARE = 3,                  /* a connection that was kept gets so much of the time to answer, a third */
  FIRST_WITHOUT_SIGPIPE = 0x075700 /* libcurl 7.87.0 */
};

/* The headers that we send, at most; the nodes are ours, so no call allocates a list. Each costs libcurl a dozen
 * comparisons. */
enum {
  SENT_ACCEPT,
  SENT_CONTENT_TYPE,
  SENT_BEARER,
  SENT_REQUEST_ID,
  SENT_FIELDS,
  SENT_COUNT = SENT_FIELDS + EKM_HTTP_FIELDS
};

typedef enum handle_method { METHOD_NONE, METHOD_GET, METHOD_POST, METHOD_OTHER } handle_method;

/* One exchange while it runs. */
typedef struct exchange {
  const ekm_http_request *request;
  ekm_http_response *response;
  http_headers headers;
  const ekm_clock *clock;
  bool too_big;
} exchange;

typedef struct handle {
  CURL *easy;
  struct handle *below;    /* in the stack of idle ones */
  char *origin;            /* "host:port" as written in the URL */
  char *address, *ca_file; /* the route; NULL where it says nothing */
  char *proxy, *proxy_user, *proxy_password_file, *proxy_exceptions;
  bool uses_proxy; /* false for a host that is excepted */
  uint16_t port;
  bool local_http;
  struct curl_slist *connect_to;
  handle_method method;
  bool has_verb; /* CURLOPT_CUSTOMREQUEST is set */
  bool is_fresh; /* CURLOPT_FRESH_CONNECT is set */
  bool is_spent; /* not to be used again */
  bool is_kept;  /* its last exchange went well, and left a connection */
  ekm_buf url, content_type, bearer, request_id;
  struct curl_slist sent[SENT_COUNT];
  char words[CURL_ERROR_SIZE];
  exchange now;
} handle;

typedef struct http_curl {
  ekm_http base;
  const ekm_clock *clock;
  char *user_agent;
  int64_t max_age_s;   /* of connections */
  bool raises_sigpipe; /* this libcurl, when the other side is gone */
  ekm_mutex lock;      /* guards idle and idle_count; never held during an exchange */
  handle *idle;
  size_t idle_count;
} http_curl;

/* --- the library -------------------------------------------------------------------------------------------------- */

static bool use_libcurl(ekm_err *err) {
  static ekm_mutex lock = EKM_MUTEX_INIT;
  static bool ready;
  ekm_mutex_lock(&lock);
  if (!ready) ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  bool ok = ready;
  ekm_mutex_unlock(&lock);
  return ok || EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "libcurl cannot be initialised");
}

/* --- what libcurl calls back -------------------------------------------------------------------------------------- */

static size_t on_header(char *line, size_t one, size_t len, void *arg) {
  handle *h = arg;
  if (http_headers_line(&h->now.headers, line, len * one, ekm_clock_wall_s(h->now.clock))) return len * one;
  h->now.too_big = true;
  return 0;
}

static size_t on_body(char *bytes, size_t one, size_t len, void *arg) {
  handle *h = arg;
  ekm_buf *body = &h->now.response->body;
  ekm_buf_append(body, bytes, len * one);
  if (!body->too_long && !body->no_memory) return len * one;
  h->now.too_big = body->too_long;
  return 0;
}

static int on_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up) {
  handle *h = arg;
  const ekm_http_request *request = h->now.request;
  (void)down_total, (void)down, (void)up_total, (void)up;
  return request->is_cancelled != NULL && request->is_cancelled(request->cancel_arg) ? 1 : 0;
}

/* --- handles ------------------------------------------------------------------------------------------------------ */

static void handle_free(handle *h) {
  if (h == NULL) return;
  ekm_sigpipe guard = ekm_sigpipe_hold(); /* the goodbye of TLS is a write, too */
  if (h->easy != NULL) curl_easy_cleanup(h->easy);
  ekm_sigpipe_release(guard);
  curl_slist_free_all(h->connect_to);
  ekm_buf_clear(&h->url);
  ekm_buf_clear(&h->content_type);
  ekm_buf_clear(&h->bearer);
  ekm_buf_clear(&h->request_id);
  ekm_mem_free(h->origin);
  ekm_mem_free(h->address);
  ekm_mem_free(h->ca_file);
  ekm_mem_free(h->proxy);
  ekm_mem_free(h->proxy_user);
  ekm_mem_free(h->proxy_password_file);
  ekm_mem_free(h->proxy_exceptions);
  ekm_mem_free(h);
}

/* Set options that never change; CURLE_OK or the first failure. */
static CURLcode set_safety(CURL *easy, const handle *h) {
  CURLcode rc = CURLE_OK;
#define SET(option, value)                                          \
  do {                                                              \
    if (rc == CURLE_OK) rc = curl_easy_setopt(easy, option, value); \
  } while (0)
  SET(CURLOPT_PROTOCOLS_STR, h->local_http ? "http" : "https");
  SET(CURLOPT_FOLLOWLOCATION, 0L);
  SET(CURLOPT_SSL_VERIFYPEER, 1L);
  SET(CURLOPT_SSL_VERIFYHOST, 2L);
  SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  SET(CURLOPT_PROXY, h->uses_proxy ? h->proxy : "");
  SET(CURLOPT_NOPROXY, "");
  SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  SET(CURLOPT_NOSIGNAL, 1L);
  if (h->ca_file != NULL) {
    SET(CURLOPT_CAINFO, h->ca_file);
    SET(CURLOPT_CAPATH, NULL);
#if LIBCURL_VERSION_NUM >= 0x075700
    SET(CURLOPT_CA_CACHE_TIMEOUT, 0L); /* a file that was replaced counts from the next connection on */
#endif
  }
  return rc;
}

static CURLcode set_transport(CURL *easy, handle *h, const http_curl *http) {
  CURLcode rc = CURLE_OK;
  SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  SET(CURLOPT_USERAGENT, http->user_agent);
  SET(CURLOPT_ERRORBUFFER, h->words);
  SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(h->local_http ? LOCAL_CONNECT_TIMEOUT_MS : CONNECT_TIMEOUT_MS));
  SET(CURLOPT_MAXLIFETIME_CONN, (long)http->max_age_s);
  SET(CURLOPT_DNS_CACHE_TIMEOUT, 0L); /* what a name was says nothing to the next connection: it may have moved */
  SET(CURLOPT_MAXAGE_CONN, (long)CONNECTION_MAX_IDLE_S);
  SET(CURLOPT_TCP_KEEPALIVE, 1L);
  SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER_BYTES);
  SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)EKM_LIMIT_HTTP_BODY_BYTES);
  SET(CURLOPT_HEADERFUNCTION, on_header);
  SET(CURLOPT_HEADERDATA, h);
  SET(CURLOPT_WRITEFUNCTION, on_body);
  SET(CURLOPT_WRITEDATA, h);
  SET(CURLOPT_XFERINFOFUNCTION, on_progress);
  SET(CURLOPT_XFERINFODATA, h);
  SET(CURLOPT_NOPROGRESS, 0L);
  if (h->connect_to != NULL) SET(CURLOPT_CONNECT_TO, h->connect_to);
#if LIBCURL_VERSION_NUM >= 0x075700
  SET(CURLOPT_QUICK_EXIT, 1L); /* a name lookup that is given up at the deadline is not waited for */
#endif
  return rc;
}

/* "::address:port" sends every connection of the handle there; an empty part means: as in the URL. */
static bool make_connect_to(handle *h, ekm_err *err) {
  ekm_buf text;
  if (h->address == NULL && h->port == 0) return true;
  ekm_buf_init(&text, EKM_LIMIT_HOST_BYTES + 32);
  bool is_ipv6 = h->address != NULL && strchr(h->address, ':') != NULL && h->address[0] != '[';
  ekm_buf_append_fmt(&text, is_ipv6 ? "::[%s]:" : "::%s:", h->address == NULL ? "" : h->address);
  if (h->port != 0) ekm_buf_append_fmt(&text, "%u", (unsigned)h->port);
  if (ekm_buf_ok(&text, "the address of a route", err)) {
    h->connect_to = curl_slist_append(NULL, ekm_buf_text(&text));
    if (h->connect_to == NULL) (void)EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "for the address of a route");
  }
  ekm_buf_clear(&text);
  return h->connect_to != NULL;
}

static bool copy_text(const char *text, char **out, ekm_err *err) {
  *out = text == NULL ? NULL : ekm_text_dup(text, err);
  return text == NULL || *out != NULL;
}

/* "host:port" without the port. */
static ekm_view host_of(ekm_view origin) {
  size_t len = 0;
  while (len < origin.len && origin.ptr[len] != ':') len++;
  return ekm_view_of(origin.ptr, len);
}

static bool copy_proxy(handle *h, const ekm_http_proxy *proxy, ekm_err *err) {
  if (proxy == NULL) return true;
  h->uses_proxy = http_proxy_serves(proxy, host_of(ekm_view_text(h->origin)));
  return copy_text(proxy->url, &h->proxy, err) && copy_text(proxy->user, &h->proxy_user, err) &&
         copy_text(proxy->password_file, &h->proxy_password_file, err) &&
         copy_text(proxy->exceptions, &h->proxy_exceptions, err);
}

static bool copy_key(handle *h, ekm_view origin, const ekm_http_route *route, ekm_err *err) {
  h->origin = ekm_mem_alloc(origin.len + 1, err);
  if (h->origin == NULL) return false;
  memcpy(h->origin, origin.ptr, origin.len);
  if (route == NULL) return true;
  h->port = route->port;
  h->local_http = route->local_http;
  return copy_text(route->address, &h->address, err) && copy_text(route->ca_file, &h->ca_file, err) &&
         copy_proxy(h, route->proxy, err);
}

static CURLcode on_tls(CURL *easy, void *context, void *arg) {
  (void)easy, (void)arg;
  http_tls_log_no_keys(context);
  return CURLE_OK;
}

/* libcurl with another library for TLS would give on_tls something else, and has no such option. */
static CURLcode set_tls(CURL *easy) {
  CURLcode rc = CURLE_OK;
  const char *library = curl_version_info(CURLVERSION_NOW)->ssl_version;
  if (library != NULL && ekm_text_starts_i(library, "OpenSSL/")) SET(CURLOPT_SSL_CTX_FUNCTION, on_tls);
  return rc;
}

/* libcurl makes a copy of the password that we cannot reach. */
static CURLcode set_proxy_login(CURL *easy, const char *user, const ekm_secret *password) {
  CURLcode rc = CURLE_OK;
  SET(CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
  SET(CURLOPT_PROXYUSERNAME, user);
  SET(CURLOPT_PROXYPASSWORD, password->len == 0 ? "" : (const char *)ekm_secret_reveal(password).ptr);
  return rc;
}

static bool configure(const http_curl *http, handle *h, ekm_err *err) {
  ekm_secret password = {0};
  bool has_login = h->uses_proxy && h->proxy_user != NULL;
  if (has_login && h->proxy_password_file != NULL && !http_proxy_password(h->proxy_password_file, &password, err)) {
    return false;
  }
  h->easy = curl_easy_init();
  CURLcode rc = h->easy == NULL ? CURLE_OUT_OF_MEMORY : set_safety(h->easy, h);
  if (rc == CURLE_OK) rc = set_tls(h->easy);
  if (rc == CURLE_OK) rc = set_transport(h->easy, h, http);
  if (rc == CURLE_OK && has_login) rc = set_proxy_login(h->easy, h->proxy_user, &password);
  ekm_secret_clear(&password);
  if (rc == CURLE_OK) return true;
  return EKM_FAIL(err, rc == CURLE_OUT_OF_MEMORY ? EKM_E_OUT_OF_MEMORY : EKM_E_INTERNAL,
                  "libcurl refused an option: %s", curl_easy_strerror(rc));
}

static bool handle_new(const http_curl *http, ekm_view origin, const ekm_http_route *route, handle **out,
                       ekm_err *err) {
  *out = NULL;
  handle *h = ekm_mem_alloc(sizeof *h, err);
  if (h == NULL) return false;
  ekm_buf_init(&h->url, EKM_LIMIT_URL_BYTES);
  ekm_buf_init(&h->content_type, EKM_LIMIT_HTTP_HEADER_BYTES);
  ekm_buf_init(&h->bearer, EKM_LIMIT_TOKEN_BYTES + 64);
  ekm_buf_init(&h->request_id, EKM_LIMIT_HTTP_HEADER_BYTES);
  if (!copy_key(h, origin, route, err) || !make_connect_to(h, err) || !configure(http, h, err)) {
    handle_free(h);
    return false;
  }
  *out = h;
  return true;
}

/* --- the pool ----------------------------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b) {
  return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_proxy(const handle *h, const ekm_http_proxy *proxy) {
  static const ekm_http_proxy nothing;
  if (proxy == NULL) proxy = &nothing;
  return same_text(h->proxy, proxy->url) && same_text(h->proxy_user, proxy->user) &&
         same_text(h->proxy_password_file, proxy->password_file) && same_text(h->proxy_exceptions, proxy->exceptions);
}

static bool handle_fits(const handle *h, ekm_view origin, const ekm_http_route *route) {
  static const ekm_http_route nothing;
  if (route == NULL) route = &nothing;
  return ekm_view_equal(ekm_view_text(h->origin), origin) && h->port == route->port &&
         h->local_http == route->local_http && same_text(h->address, route->address) &&
         same_text(h->ca_file, route->ca_file) && same_proxy(h, route->proxy);
}

/* The topmost idle handle that fits, or NULL. */
static handle *pool_take(http_curl *http, ekm_view origin, const ekm_http_route *route) {
  ekm_mutex_lock(&http->lock);
  handle **link = &http->idle;
  while (*link != NULL && !handle_fits(*link, origin, route)) link = &(*link)->below;
  handle *h = *link;
  if (h != NULL) {
    *link = h->below;
    http->idle_count--;
  }
  ekm_mutex_unlock(&http->lock);
  return h;
}

/* Take the handle at the bottom out of a full pool: the one that was used longest ago. */
static handle *pool_evict_locked(http_curl *http) {
  handle **link = &http->idle;
  if (http->idle_count <= IDLE_MAX) return NULL;
  while ((*link)->below != NULL) link = &(*link)->below;
  handle *oldest = *link;
  *link = NULL;
  http->idle_count--;
  return oldest;
}

static void pool_give(http_curl *http, handle *h) {
  if (h->is_spent) {
    handle_free(h);
    return;
  }
  ekm_mutex_lock(&http->lock);
  h->below = http->idle;
  http->idle = h;
  http->idle_count++;
  handle *oldest = pool_evict_locked(http);
  ekm_mutex_unlock(&http->lock);
  handle_free(oldest);
}

/* --- one exchange ------------------------------------------------------------------------------------------------- */

static CURLcode set_method(handle *h, const ekm_http_request *request) {
  CURL *easy = h->easy;
  CURLcode rc = CURLE_OK;
  bool is_get = strcmp(request->method, "GET") == 0;
  bool is_post = strcmp(request->method, "POST") == 0;
  bool has_body = is_post || request->body.len > 0;
  handle_method method = is_get ? METHOD_GET : is_post ? METHOD_POST : METHOD_OTHER;

  if (has_body) {
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    SET(CURLOPT_POSTFIELDS, request->body.len == 0 ? "" : (const char *)request->body.ptr);
  } else if (h->method != METHOD_GET) {
    SET(CURLOPT_HTTPGET, 1L);
  }
  if (method == METHOD_OTHER || h->has_verb) {
    SET(CURLOPT_CUSTOMREQUEST, method == METHOD_OTHER ? request->method : NULL);
    h->has_verb = method == METHOD_OTHER;
  }
  h->method = method;
  return rc;
}

static void add_header(handle *h, struct curl_slist **tail, int node, const char *line) {
  struct curl_slist *fresh = &h->sent[node];
  memcpy(&fresh->data, &line, sizeof line); /* libcurl only reads it, but its struct has no const */
  fresh->next = NULL;
  if (*tail != NULL) (*tail)->next = fresh;
  *tail = fresh;
}

/* Fill the header nodes; a failed append shows in the buffers. */
static void build_headers(handle *h, const ekm_http_request *request) {
  struct curl_slist *tail = NULL;
  ekm_buf_reset(&h->content_type); /* and forget what failed in an earlier call */
  ekm_buf_reset(&h->bearer);
  ekm_buf_reset(&h->request_id);
  add_header(h, &tail, SENT_ACCEPT, "Accept: application/json");

  if (request->content_type != NULL || strcmp(request->method, "GET") != 0) {
    ekm_buf_append_text(&h->content_type, "Content-Type:"); /* alone it takes libcurl's own out */
    if (request->content_type != NULL) ekm_buf_append_char(&h->content_type, ' ');
    if (request->content_type != NULL) ekm_buf_append_text(&h->content_type, request->content_type);
    add_header(h, &tail, SENT_CONTENT_TYPE, ekm_buf_text(&h->content_type));
  }
  if (request->bearer != NULL) {
    ekm_buf_append_text(&h->bearer, "Authorization: Bearer ");
    ekm_buf_append_view(&h->bearer, ekm_secret_reveal(request->bearer));
    add_header(h, &tail, SENT_BEARER, ekm_buf_text(&h->bearer));
  }
  for (int i = 0; i < EKM_HTTP_FIELDS; i++) {
    if (request->fields[i] != NULL) add_header(h, &tail, SENT_FIELDS + i, request->fields[i]);
  }
  if (request->client_request_id != NULL && request->client_request_id[0] != '\0') {
    ekm_buf_append_text(&h->request_id, "x-ms-client-request-id: ");
    ekm_buf_append_text(&h->request_id, request->client_request_id);
    add_header(h, &tail, SENT_REQUEST_ID, ekm_buf_text(&h->request_id));
  }
}

static CURLcode set_url(handle *h, const char *url) {
  ekm_view text = ekm_view_text(url);
  if (ekm_view_equal(ekm_buf_view(&h->url), text)) return CURLE_OK;
  ekm_buf_reset(&h->url);
  CURLcode rc = curl_easy_setopt(h->easy, CURLOPT_URL, url);
  if (rc == CURLE_OK) ekm_buf_append_view(&h->url, text); /* a failure only means that it is set again next time */
  return rc;
}

static bool prepare(handle *h, const ekm_http_request *request, ekm_err *err) {
  CURL *easy = h->easy;
  CURLcode rc = set_url(h, request->url);
  build_headers(h, request);
  if (!ekm_buf_ok(&h->content_type, "a content type", err) || !ekm_buf_ok(&h->bearer, "an access token", err) ||
      !ekm_buf_ok(&h->request_id, "a request id", err)) {
    return false;
  }
  if (rc == CURLE_OK) rc = set_method(h, request);
  SET(CURLOPT_HTTPHEADER, h->sent);
  if (rc == CURLE_OK) return true;
  return EKM_FAIL(err, rc == CURLE_OUT_OF_MEMORY ? EKM_E_OUT_OF_MEMORY : EKM_E_INTERNAL,
                  "libcurl refused a request: %s", curl_easy_strerror(rc));
}

static const struct {
  CURLcode code;
  ekm_err_id id;
} failure_table[] = {
    {CURLE_COULDNT_RESOLVE_HOST, EKM_E_DNS},
    {CURLE_COULDNT_RESOLVE_PROXY, EKM_E_PROXY},
    {CURLE_PROXY, EKM_E_PROXY},
    {CURLE_COULDNT_CONNECT, EKM_E_CONNECT},
    {CURLE_INTERFACE_FAILED, EKM_E_CONNECT},
    {CURLE_SSL_CACERT_BADFILE, EKM_E_CA_FILE},
    {CURLE_SSL_ISSUER_ERROR, EKM_E_TLS_UNTRUSTED},
    {CURLE_SSL_CONNECT_ERROR, EKM_E_TLS_HANDSHAKE},
    {CURLE_SSL_CIPHER, EKM_E_TLS_HANDSHAKE},
    {CURLE_SSL_CERTPROBLEM, EKM_E_TLS_HANDSHAKE},
    {CURLE_SEND_ERROR, EKM_E_HTTP_SEND},
    {CURLE_SEND_FAIL_REWIND, EKM_E_HTTP_SEND},
    {CURLE_FILESIZE_EXCEEDED, EKM_E_ANSWER_TOO_BIG},
    {CURLE_ABORTED_BY_CALLBACK, EKM_E_CANCELLED},
    {CURLE_OUT_OF_MEMORY, EKM_E_OUT_OF_MEMORY},
    {CURLE_URL_MALFORMAT, EKM_E_INTERNAL},
    {CURLE_UNSUPPORTED_PROTOCOL, EKM_E_INTERNAL},
};

/* libcurl has one code for everything that is wrong with a certificate. What OpenSSL said tells a stranger's authority
 * from a wrong name or date: 0 and 1 are "nothing" (the name is libcurl's own check), 9 and 10 the dates, 62 the name.
 */
static ekm_err_id certificate_failure(CURL *easy) {
  long why = 0;
  (void)curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &why);
  return why == 0 || why == 1 || why == 9 || why == 10 || why == 62 ? EKM_E_TLS_HANDSHAKE : EKM_E_TLS_UNTRUSTED;
}

static ekm_err_id classify(const handle *h, CURLcode rc) {
  if (rc == CURLE_COULDNT_CONNECT && h->uses_proxy) return EKM_E_PROXY;
  if (h->now.too_big) return EKM_E_ANSWER_TOO_BIG;
  if (rc == CURLE_WRITE_ERROR) return EKM_E_OUT_OF_MEMORY;
  if (rc == CURLE_PEER_FAILED_VERIFICATION) return certificate_failure(h->easy);
  if (rc == CURLE_OPERATION_TIMEDOUT) {
    int64_t left_ms = ekm_deadline_left_ms(h->now.request->deadline, h->now.clock);
    return left_ms > DEADLINE_SLACK_MS ? EKM_E_CONNECT : EKM_E_DEADLINE;
  }
  for (size_t i = 0; i < sizeof failure_table / sizeof failure_table[0]; i++) {
    if (failure_table[i].code == rc) return failure_table[i].id;
  }
  return EKM_E_HTTP_RECEIVE;
}

/* What a proxy says to CONNECT in place of 200. A password may have been replaced in its file meanwhile: the next
 * connection reads it again. */
static bool judge_proxy(handle *h, int status, ekm_err *err) {
  static const struct {
    long bit;
    const char *name;
  } schemes[] = {{CURLAUTH_BASIC, "Basic"},
                 {CURLAUTH_DIGEST, "Digest"},
                 {CURLAUTH_NTLM, "NTLM"},
                 {CURLAUTH_NEGOTIATE, "Negotiate"}};
  char offered[64] = "";
  long offers = 0;
  h->is_spent = true;
  err->http_status = status;
  if (status != 407) return EKM_FAIL(err, EKM_E_PROXY, "'%s': %s answered %d to CONNECT", h->origin, h->proxy, status);
  (void)curl_easy_getinfo(h->easy, CURLINFO_PROXYAUTH_AVAIL, &offers);
  for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
    if ((offers & schemes[i].bit) == 0) continue;
    size_t len = strlen(offered);
    (void)snprintf(offered + len, sizeof offered - len, "%s%s", len == 0 ? "; it offers " : ", ", schemes[i].name);
  }
  if (h->proxy_user == NULL) {
    return EKM_FAIL(err, EKM_E_PROXY_AUTH, "'%s': %s wants a user and a password%s", h->origin, h->proxy, offered);
  }
  return EKM_FAIL(err, EKM_E_PROXY_AUTH, "'%s': %s does not take the user '%s' with the password of '%s'%s", h->origin,
                  h->proxy, h->proxy_user, h->proxy_password_file == NULL ? "" : h->proxy_password_file, offered);
}

static bool judge(handle *h, CURLcode rc, ekm_http_response *response, ekm_err *err) {
  long status = 0, proxy_status = 0;
  if (rc == CURLE_OK) {
    (void)curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
    response->status = (int)status;
    return true;
  }
  (void)curl_easy_getinfo(h->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
  if (proxy_status >= 300) {
    ekm_http_response_clear(response);
    return judge_proxy(h, (int)proxy_status, err);
  }
  ekm_err_id id = classify(h, rc);
  const char *words = h->words[0] != '\0' ? h->words : curl_easy_strerror(rc);
  ekm_http_response_clear(response);
  if (id == EKM_E_ANSWER_TOO_BIG) words = "the answer has more than 1 MB, or headers of unusual size";
  return EKM_FAIL(err, id, "'%s': %s", h->origin, words);
}

/* Where something else than https may be spoken: with this machine, and with the metadata service of its host. */
static bool is_local(ekm_view origin) {
  static const char *const hosts[] = {"127.", "localhost", "169.254.169.254"};
  const char *host = (const char *)origin.ptr;
  size_t len = 0;
  while (len < origin.len && host[len] != ':') len++;
  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
    size_t known = strlen(hosts[i]);
    if (len >= known && strncmp(host, hosts[i], known) == 0 && (i == 0 || len == known)) {
      return i != 0 || strspn(host, "0123456789.") >= len;
    }
  }
  return false;
}

static bool find_origin(const ekm_http_request *request, ekm_view *out, ekm_err *err) {
  bool is_http = request->route != NULL && request->route->local_http;
  const char *scheme = is_http ? "http://" : "https://";
  if (!ekm_text_starts_i(request->url, scheme)) return EKM_FAIL(err, EKM_E_INTERNAL, "a URL is not %s", scheme);
  const char *host = request->url + strlen(scheme);
  *out = ekm_view_of(host, strcspn(host, "/?#"));
  if (!is_http || is_local(*out)) return true;
  return EKM_FAIL(err, EKM_E_LIMIT, "'%.*s' is asked over https only", (int)out->len, host);
}

static bool check_bounds(const http_curl *http, const ekm_http_request *request, ekm_view origin, int64_t *out_left_ms,
                         ekm_err *err) {
  *out_left_ms = ekm_deadline_left_ms(request->deadline, http->clock);
  if (*out_left_ms == 0) {
    return EKM_FAIL(err, EKM_E_DEADLINE, "'%.*s': before the request", (int)origin.len, (const char *)origin.ptr);
  }
  if (request->is_cancelled != NULL && request->is_cancelled(request->cancel_arg)) {
    return EKM_FAIL(err, EKM_E_CANCELLED, "'%.*s': before the request", (int)origin.len, (const char *)origin.ptr);
  }
  if (*out_left_ms > INT32_MAX) *out_left_ms = INT32_MAX; /* a long of libcurl has 32 bits on Windows */
  return true;
}

/* Without a SIGPIPE: CURLOPT_NOSIGNAL leaves that to us. Since 7.87 libcurl writes what OpenSSL has to say itself, with
 * MSG_NOSIGNAL; guarding it costs three system calls, which an unwrap can be spared. */
static CURLcode perform_quietly(const http_curl *http, CURL *easy) {
  if (!http->raises_sigpipe) return curl_easy_perform(easy);
  ekm_sigpipe guard = ekm_sigpipe_hold();
  CURLcode rc = curl_easy_perform(easy);
  ekm_sigpipe_release(guard);
  return rc;
}

static CURLcode perform_within(const http_curl *http, handle *h, int64_t ms, bool is_fresh) {
  CURL *easy = h->easy;
  CURLcode rc = CURLE_OK;
  SET(CURLOPT_TIMEOUT_MS, (long)ms);
  if (h->is_fresh != is_fresh) SET(CURLOPT_FRESH_CONNECT, is_fresh ? 1L : 0L);
  h->is_fresh = is_fresh;
  return rc == CURLE_OK ? perform_quietly(http, easy) : rc;
}

/* A connection that was kept may be dead without anybody having been told: a firewall has forgotten it, or the machine
 * behind it is gone. It gets a part of the time, a new one then the rest. What must not be repeated never goes over one
 * that was kept. */
static CURLcode perform_in_time(const http_curl *http, handle *h, int64_t left_ms) {
  const ekm_http_request *request = h->now.request;
  bool is_kept = h->is_kept && !request->send_once && left_ms >= KEPT_SHARE;
  CURLcode rc = perform_within(http, h, is_kept ? left_ms / KEPT_SHARE : left_ms, request->send_once);
  if (is_kept && rc == CURLE_OPERATION_TIMEDOUT) {
    left_ms = ekm_deadline_left_ms(request->deadline, http->clock);
    ekm_http_response_clear(h->now.response);
    http_headers_begin(&h->now.headers, h->now.response);
    if (left_ms > 0) rc = perform_within(http, h, left_ms, true);
  }
  h->is_kept = rc == CURLE_OK;
  return rc;
}

static bool curl_perform(ekm_http *self, const ekm_http_request *request, ekm_http_response *response, ekm_err *err) {
  http_curl *http = (http_curl *)self;
  bool ok = false;
  handle *h = NULL;
  ekm_view origin;
  int64_t left_ms;

  ekm_http_response_clear(response);
  EKM_TRY(find_origin(request, &origin, err));
  EKM_TRY(check_bounds(http, request, origin, &left_ms, err));
  h = pool_take(http, origin, request->route);
  if (h == NULL) EKM_TRY(handle_new(http, origin, request->route, &h, err));

  h->now = (exchange){.request = request, .response = response, .clock = http->clock};
  http_headers_begin(&h->now.headers, response);
  EKM_TRY(prepare(h, request, err));
  ok = judge(h, perform_in_time(http, h, left_ms), response, err);
done:
  if (h != NULL) {
    ekm_buf_reset(&h->bearer);
    h->now = (exchange){0};
    pool_give(http, h);
  }
  return ok;
}

static void curl_destroy(ekm_http *self) {
  http_curl *http = (http_curl *)self;
  while (http->idle != NULL) {
    handle *h = http->idle;
    http->idle = h->below;
    handle_free(h);
  }
  ekm_mem_free(http->user_agent);
  ekm_mem_free(http);
}

bool ekm_http_curl_new(const ekm_clock *clock, const char *user_agent, int64_t max_age_s, ekm_http **out_http,
                       ekm_err *err) {
  *out_http = NULL;
  if (!use_libcurl(err)) return false;
  http_curl *http = ekm_mem_alloc(sizeof *http, err);
  if (http == NULL) return false;
  http->base = (ekm_http){curl_perform, curl_destroy};
  http->clock = clock;
  http->max_age_s = max_age_s;
  http->raises_sigpipe = curl_version_info(CURLVERSION_NOW)->version_num < FIRST_WITHOUT_SIGPIPE;
  ekm_mutex_init(&http->lock);
  http->user_agent = ekm_text_dup(user_agent, err);
  if (http->user_agent == NULL) {
    ekm_mem_free(http);
    return false;
  }
  *out_http = &http->base;
  return true;
}
