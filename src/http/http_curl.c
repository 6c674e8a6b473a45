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
#include "http/http_curl.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "base/sigpipe.h"
#include "base/text.h"

enum {
  IDLE_MAX = 128,                  /* handles that are kept between calls */
  DEADLINE_SLACK_MS = 50,          /* libcurl's clock and ours round differently */
  KEPT_SHARE = 3,                  /* a connection that was kept gets so much of the time to answer, a third */
  FIRST_WITHOUT_SIGPIPE = 0x075700 /* libcurl 7.87.0 */
};

typedef struct http_curl {
  ekm_http base;
  const ekm_clock *clock;
  char *user_agent;
  http_curl_options options;
  bool raises_sigpipe; /* this libcurl, when the other side is gone */
  ekm_mutex lock;      /* guards idle and idle_count; never held during an exchange */
  http_curl_handle *idle;
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

/* --- the pool ----------------------------------------------------------------------------------------------------- */

/* The topmost idle handle that fits, or NULL. */
static http_curl_handle *pool_take(http_curl *http, ekm_view origin, const ekm_http_route *route) {
  ekm_mutex_lock(&http->lock);
  http_curl_handle **link = &http->idle;
  while (*link != NULL && !http_curl_handle_fits(*link, origin, route)) link = &(*link)->below;
  http_curl_handle *h = *link;
  if (h != NULL) {
    *link = h->below;
    http->idle_count--;
  }
  ekm_mutex_unlock(&http->lock);
  return h;
}

/* Take the handle at the bottom out of a full pool: the one that was used longest ago. */
static http_curl_handle *pool_evict_locked(http_curl *http) {
  http_curl_handle **link = &http->idle;
  if (http->idle_count <= IDLE_MAX) return NULL;
  while ((*link)->below != NULL) link = &(*link)->below;
  http_curl_handle *oldest = *link;
  *link = NULL;
  http->idle_count--;
  return oldest;
}

static void pool_give(http_curl *http, http_curl_handle *h) {
  if (h->is_spent) {
    http_curl_handle_free(h);
    return;
  }
  ekm_mutex_lock(&http->lock);
  h->below = http->idle;
  http->idle = h;
  http->idle_count++;
  http_curl_handle *oldest = pool_evict_locked(http);
  ekm_mutex_unlock(&http->lock);
  http_curl_handle_free(oldest);
}

/* --- one exchange ------------------------------------------------------------------------------------------------- */

static CURLcode set_method(http_curl_handle *h, const ekm_http_request *request) {
  CURL *easy = h->easy;
  CURLcode rc = CURLE_OK;
  bool is_get = strcmp(request->method, "GET") == 0;
  bool is_post = strcmp(request->method, "POST") == 0;
  bool has_body = is_post || request->body.len > 0;
  http_curl_method method = is_get ? HTTP_CURL_GET : is_post ? HTTP_CURL_POST : HTTP_CURL_OTHER;

  if (has_body) {
    HTTP_CURL_SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    HTTP_CURL_SET(CURLOPT_POSTFIELDS, request->body.len == 0 ? "" : (const char *)request->body.ptr);
  } else if (h->method != HTTP_CURL_GET) {
    HTTP_CURL_SET(CURLOPT_HTTPGET, 1L);
  }
  if (method == HTTP_CURL_OTHER || h->has_verb) {
    HTTP_CURL_SET(CURLOPT_CUSTOMREQUEST, method == HTTP_CURL_OTHER ? request->method : NULL);
    h->has_verb = method == HTTP_CURL_OTHER;
  }
  h->method = method;
  return rc;
}

static void add_header(http_curl_handle *h, struct curl_slist **tail, int node, const char *line) {
  struct curl_slist *fresh = &h->sent[node];
  memcpy(&fresh->data, &line, sizeof line); /* libcurl only reads it, but its struct has no const */
  fresh->next = NULL;
  if (*tail != NULL) (*tail)->next = fresh;
  *tail = fresh;
}

/* Fill the header nodes; a failed append shows in the buffers. */
static void build_headers(http_curl_handle *h, const ekm_http_request *request) {
  struct curl_slist *tail = NULL;
  ekm_buf_reset(&h->content_type); /* and forget what failed in an earlier call */
  ekm_buf_reset(&h->bearer);
  ekm_buf_reset(&h->request_id);
  add_header(h, &tail, HTTP_CURL_SENT_ACCEPT, "Accept: application/json");

  if (request->content_type != NULL || strcmp(request->method, "GET") != 0) {
    ekm_buf_append_text(&h->content_type, "Content-Type:"); /* alone it takes libcurl's own out */
    if (request->content_type != NULL) ekm_buf_append_char(&h->content_type, ' ');
    if (request->content_type != NULL) ekm_buf_append_text(&h->content_type, request->content_type);
    add_header(h, &tail, HTTP_CURL_SENT_CONTENT_TYPE, ekm_buf_text(&h->content_type));
  }
  if (request->bearer != NULL) {
    ekm_buf_append_text(&h->bearer, "Authorization: Bearer ");
    ekm_buf_append_view(&h->bearer, ekm_secret_reveal(request->bearer));
    add_header(h, &tail, HTTP_CURL_SENT_BEARER, ekm_buf_text(&h->bearer));
  }
  for (int i = 0; i < EKM_HTTP_FIELDS; i++) {
    if (request->fields[i] != NULL) add_header(h, &tail, HTTP_CURL_SENT_FIELDS + i, request->fields[i]);
  }
  if (request->client_request_id != NULL && request->client_request_id[0] != '\0') {
    ekm_buf_append_text(&h->request_id, "x-ms-client-request-id: ");
    ekm_buf_append_text(&h->request_id, request->client_request_id);
    add_header(h, &tail, HTTP_CURL_SENT_REQUEST_ID, ekm_buf_text(&h->request_id));
  }
}

static CURLcode set_url(http_curl_handle *h, const char *url) {
  ekm_view text = ekm_view_text(url);
  if (ekm_view_equal(ekm_buf_view(&h->url), text)) return CURLE_OK;
  ekm_buf_reset(&h->url);
  CURLcode rc = curl_easy_setopt(h->easy, CURLOPT_URL, url);
  if (rc == CURLE_OK) ekm_buf_append_view(&h->url, text); /* a failure only means that it is set again next time */
  return rc;
}

static bool prepare(http_curl_handle *h, const ekm_http_request *request, ekm_err *err) {
  CURL *easy = h->easy;
  CURLcode rc = set_url(h, request->url);
  build_headers(h, request);
  if (!ekm_buf_ok(&h->content_type, "a content type", err) || !ekm_buf_ok(&h->bearer, "an access token", err) ||
      !ekm_buf_ok(&h->request_id, "a request id", err)) {
    return false;
  }
  if (rc == CURLE_OK) rc = set_method(h, request);
  HTTP_CURL_SET(CURLOPT_HTTPHEADER, h->sent);
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

/* libcurl gives up long before the deadline where a connection cannot be had. Which part of it was silent is told by
 * what it came to. */
static ekm_err_id silent_part(const http_curl_handle *h) {
  curl_off_t found_us = 0;
  if (h->tls.begun) return EKM_E_TLS_HANDSHAKE;
  if (h->uses_proxy) return EKM_E_PROXY;
  (void)curl_easy_getinfo(h->easy, CURLINFO_NAMELOOKUP_TIME_T, &found_us);
  return found_us > 0 ? EKM_E_CONNECT : EKM_E_DNS;
}

static ekm_err_id classify(const http_curl_handle *h, CURLcode rc) {
  if (rc == CURLE_COULDNT_CONNECT && h->uses_proxy) return EKM_E_PROXY;
  if (h->now.too_big) return EKM_E_ANSWER_TOO_BIG;
  if (rc == CURLE_WRITE_ERROR) return EKM_E_OUT_OF_MEMORY;
  if (rc == CURLE_PEER_FAILED_VERIFICATION) return http_tls_refusal(h->easy, h->words);
  if (rc == CURLE_OPERATION_TIMEDOUT) {
    int64_t left_ms = ekm_deadline_left_ms(h->now.request->deadline, h->now.clock);
    return left_ms > DEADLINE_SLACK_MS ? silent_part(h) : EKM_E_DEADLINE;
  }
  for (size_t i = 0; i < sizeof failure_table / sizeof failure_table[0]; i++) {
    if (failure_table[i].code == rc) return failure_table[i].id;
  }
  return EKM_E_HTTP_RECEIVE;
}

/* What a proxy says to CONNECT in place of 200. A password may have been replaced in its file meanwhile: the next
 * connection reads it again. */
static bool judge_proxy(http_curl_handle *h, int status, ekm_err *err) {
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

static bool judge(http_curl_handle *h, CURLcode rc, ekm_http_response *response, ekm_err *err) {
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
  if (memchr(host, '@', out->len) != NULL) return EKM_FAIL(err, EKM_E_LIMIT, "a URL has a user in front of its host");
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

static CURLcode perform_within(const http_curl *http, http_curl_handle *h, int64_t ms, bool is_fresh) {
  CURL *easy = h->easy;
  CURLcode rc = CURLE_OK;
  HTTP_CURL_SET(CURLOPT_TIMEOUT_MS, (long)ms);
  if (h->is_fresh != is_fresh) HTTP_CURL_SET(CURLOPT_FRESH_CONNECT, is_fresh ? 1L : 0L);
  h->is_fresh = is_fresh;
  return rc == CURLE_OK ? perform_quietly(http, easy) : rc;
}

/* A connection that was kept may be dead without anybody having been told: a firewall has forgotten it, or the machine
 * behind it is gone. It gets a part of the time, a new one then the rest. What must not be repeated never goes over one
 * that was kept. */
static CURLcode perform_in_time(const http_curl *http, http_curl_handle *h, int64_t left_ms) {
  const ekm_http_request *request = h->now.request;
  int64_t given_ms = left_ms;
  bool is_kept = h->is_kept && !request->send_once && left_ms >= KEPT_SHARE;
  CURLcode rc = perform_within(http, h, is_kept ? left_ms / KEPT_SHARE : left_ms, request->send_once);
  if (is_kept && rc == CURLE_OPERATION_TIMEDOUT) {
    left_ms = ekm_deadline_left_ms(request->deadline, http->clock);
    ekm_http_response_clear(h->now.response);
    http_headers_begin(&h->now.headers, h->now.response);
    if (left_ms > 0) rc = perform_within(http, h, left_ms, true);
    h->now.response->silent_ms = given_ms - left_ms;
  }
  h->is_kept = rc == CURLE_OK;
  return rc;
}

static bool curl_perform(ekm_http *self, const ekm_http_request *request, ekm_http_response *response, ekm_err *err) {
  http_curl *http = (http_curl *)self;
  bool ok = false;
  http_curl_handle *h = NULL;
  ekm_view origin;
  int64_t left_ms;

  ekm_http_response_clear(response);
  EKM_TRY(find_origin(request, &origin, err));
  EKM_TRY(check_bounds(http, request, origin, &left_ms, err));
  h = pool_take(http, origin, request->route);
  if (h == NULL) EKM_TRY(http_curl_handle_new(&http->options, origin, request->route, &h, err));

  h->now = (http_curl_exchange){.request = request, .response = response, .clock = http->clock};
  h->tls.begun = false;
  http_headers_begin(&h->now.headers, response);
  EKM_TRY(prepare(h, request, err));
  ok = judge(h, perform_in_time(http, h, left_ms), response, err);
done:
  if (h != NULL) {
    ekm_buf_reset(&h->bearer);
    h->now = (http_curl_exchange){0};
    pool_give(http, h);
  }
  return ok;
}

static void curl_destroy(ekm_http *self) {
  http_curl *http = (http_curl *)self;
  while (http->idle != NULL) {
    http_curl_handle *h = http->idle;
    http->idle = h->below;
    http_curl_handle_free(h);
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
  http->raises_sigpipe = curl_version_info(CURLVERSION_NOW)->version_num < FIRST_WITHOUT_SIGPIPE;
  ekm_mutex_init(&http->lock);
  http->user_agent = ekm_text_dup(user_agent, err);
  if (http->user_agent == NULL) {
    ekm_mem_free(http);
    return false;
  }
  http->options = (http_curl_options){http->user_agent, max_age_s};
  *out_http = &http->base;
  return true;
}
