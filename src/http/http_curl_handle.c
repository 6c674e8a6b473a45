#include "http/http_curl.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/sigpipe.h"
#include "base/text.h"
#include "http/http_proxy.h"

enum {
  CONNECT_TIMEOUT_MS = 10 * 1000, /* to reach a server and finish its handshake; the call's deadline may be shorter */
  LOCAL_CONNECT_TIMEOUT_MS = 2 * 1000, /* on this machine: where no metadata service is, nobody answers at all */
  CONNECTION_MAX_IDLE_S = 100,         /* firewalls forget silent connections after a few minutes */
  UPLOAD_BUFFER_BYTES = 16 * 1024
};

/* --- what libcurl calls back -------------------------------------------------------------------------------------- */

static size_t on_header(char *line, size_t one, size_t len, void *arg) {
  http_curl_handle *h = arg;
  if (http_headers_line(&h->now.headers, line, len * one, ekm_clock_wall_s(h->now.clock))) return len * one;
  h->now.too_big = !http_headers_lack_memory(&h->now.headers);
  return 0;
}

static size_t on_body(char *bytes, size_t one, size_t len, void *arg) {
  http_curl_handle *h = arg;
  ekm_buf *body = &h->now.response->body;
  ekm_buf_append(body, bytes, len * one);
  if (!body->too_long && !body->no_memory) return len * one;
  h->now.too_big = body->too_long;
  return 0;
}

static int on_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up) {
  http_curl_handle *h = arg;
  const ekm_http_request *request = h->now.request;
  (void)down_total, (void)down, (void)up_total, (void)up;
  return request->is_cancelled != NULL && request->is_cancelled(request->cancel_arg) ? 1 : 0;
}

/* --- making one --------------------------------------------------------------------------------------------------- */

void http_curl_handle_free(http_curl_handle *h) {
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
  ekm_mem_free(h->certificate_sha1);
  ekm_mem_free(h->proxy);
  ekm_mem_free(h->proxy_user);
  ekm_mem_free(h->proxy_password_file);
  ekm_mem_free(h->proxy_exceptions);
  ekm_mem_free(h);
}

/* Set options that never change; CURLE_OK or the first failure. */
static CURLcode set_safety(CURL *easy, const http_curl_handle *h) {
  CURLcode rc = CURLE_OK;
  HTTP_CURL_SET(CURLOPT_PROTOCOLS_STR, h->local_http ? "http" : "https");
  HTTP_CURL_SET(CURLOPT_FOLLOWLOCATION, 0L);
  HTTP_CURL_SET(CURLOPT_SSL_VERIFYPEER, 1L);
  HTTP_CURL_SET(CURLOPT_SSL_VERIFYHOST, h->certificate_sha1 == NULL ? 2L : 0L); /* a pin says more than a name */
  HTTP_CURL_SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  HTTP_CURL_SET(CURLOPT_PROXY, h->uses_proxy ? h->proxy : "");
  HTTP_CURL_SET(CURLOPT_NOPROXY, "");
  HTTP_CURL_SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  HTTP_CURL_SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  HTTP_CURL_SET(CURLOPT_NOSIGNAL, 1L);
  return rc;
}

static CURLcode set_transport(CURL *easy, http_curl_handle *h, const http_curl_options *options) {
  CURLcode rc = CURLE_OK;
  HTTP_CURL_SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  HTTP_CURL_SET(CURLOPT_USERAGENT, options->user_agent);
  HTTP_CURL_SET(CURLOPT_ERRORBUFFER, h->words);
  HTTP_CURL_SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(h->local_http ? LOCAL_CONNECT_TIMEOUT_MS : CONNECT_TIMEOUT_MS));
  HTTP_CURL_SET(CURLOPT_MAXLIFETIME_CONN, (long)options->max_age_s);
  HTTP_CURL_SET(CURLOPT_DNS_CACHE_TIMEOUT,
                0L); /* what a name was says nothing to the next connection: it may have moved */
  HTTP_CURL_SET(CURLOPT_MAXAGE_CONN, (long)CONNECTION_MAX_IDLE_S);
  HTTP_CURL_SET(CURLOPT_TCP_KEEPALIVE, 1L);
  HTTP_CURL_SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER_BYTES);
  HTTP_CURL_SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)EKM_LIMIT_HTTP_BODY_BYTES);
  HTTP_CURL_SET(CURLOPT_HEADERFUNCTION, on_header);
  HTTP_CURL_SET(CURLOPT_HEADERDATA, h);
  HTTP_CURL_SET(CURLOPT_WRITEFUNCTION, on_body);
  HTTP_CURL_SET(CURLOPT_WRITEDATA, h);
  HTTP_CURL_SET(CURLOPT_XFERINFOFUNCTION, on_progress);
  HTTP_CURL_SET(CURLOPT_XFERINFODATA, h);
  HTTP_CURL_SET(CURLOPT_NOPROGRESS, 0L);
  if (h->connect_to != NULL) HTTP_CURL_SET(CURLOPT_CONNECT_TO, h->connect_to);
#if LIBCURL_VERSION_NUM >= 0x075700
  HTTP_CURL_SET(CURLOPT_QUICK_EXIT, 1L); /* a name lookup that is given up at the deadline is not waited for */
#endif
  return rc;
}

/* "::address:port" sends every connection of the handle there; an empty part means: as in the URL. */
static bool make_connect_to(http_curl_handle *h, ekm_err *err) {
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

static bool copy_proxy(http_curl_handle *h, const ekm_http_proxy *proxy, ekm_err *err) {
  if (proxy == NULL) return true;
  h->uses_proxy = http_proxy_serves(proxy, host_of(ekm_view_text(h->origin)));
  return copy_text(proxy->url, &h->proxy, err) && copy_text(proxy->user, &h->proxy_user, err) &&
         copy_text(proxy->password_file, &h->proxy_password_file, err) &&
         copy_text(proxy->exceptions, &h->proxy_exceptions, err);
}

static bool copy_key(http_curl_handle *h, ekm_view origin, const ekm_http_route *route, ekm_err *err) {
  h->origin = ekm_mem_alloc(origin.len + 1, err);
  if (h->origin == NULL) return false;
  memcpy(h->origin, origin.ptr, origin.len);
  if (route == NULL) return true;
  h->port = route->port;
  h->local_http = route->local_http;
  return copy_text(route->address, &h->address, err) && copy_text(route->ca_file, &h->ca_file, err) &&
         copy_text(route->certificate_sha1, &h->certificate_sha1, err) && copy_proxy(h, route->proxy, err);
}

/* libcurl makes a copy of the password that we cannot reach. */
static CURLcode set_proxy_login(CURL *easy, const char *user, const ekm_secret *password) {
  CURLcode rc = CURLE_OK;
  HTTP_CURL_SET(CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
  HTTP_CURL_SET(CURLOPT_PROXYUSERNAME, user);
  HTTP_CURL_SET(CURLOPT_PROXYPASSWORD, password->len == 0 ? "" : (const char *)ekm_secret_reveal(password).ptr);
  return rc;
}

static bool configure(const http_curl_options *options, http_curl_handle *h, ekm_err *err) {
  ekm_secret password = {0};
  bool has_login = h->uses_proxy && h->proxy_user != NULL;
  if (has_login && h->proxy_password_file != NULL && !http_proxy_password(h->proxy_password_file, &password, err)) {
    return false;
  }
  h->easy = curl_easy_init();
  CURLcode rc = h->easy == NULL ? CURLE_OUT_OF_MEMORY : set_safety(h->easy, h);
  h->tls = (http_tls){.ca_file = h->ca_file, .sha1 = h->certificate_sha1};
  if (rc == CURLE_OK) rc = http_tls_set(h->easy, &h->tls);
  if (rc == CURLE_OK) rc = set_transport(h->easy, h, options);
  if (rc == CURLE_OK && has_login) rc = set_proxy_login(h->easy, h->proxy_user, &password);
  ekm_secret_clear(&password);
  if (rc == CURLE_OK) return true;
  if (rc == CURLE_NOT_BUILT_IN) return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "certificates are not pinned on this system");
  return EKM_FAIL(err, rc == CURLE_OUT_OF_MEMORY ? EKM_E_OUT_OF_MEMORY : EKM_E_INTERNAL,
                  "libcurl refused an option: %s", curl_easy_strerror(rc));
}

bool http_curl_handle_new(const http_curl_options *options, ekm_view origin, const ekm_http_route *route,
                          http_curl_handle **out, ekm_err *err) {
  *out = NULL;
  http_curl_handle *h = ekm_mem_alloc(sizeof *h, err);
  if (h == NULL) return false;
  ekm_buf_init(&h->url, EKM_LIMIT_URL_BYTES);
  ekm_buf_init(&h->content_type, EKM_LIMIT_HTTP_HEADER_BYTES);
  ekm_buf_init(&h->bearer, EKM_LIMIT_TOKEN_BYTES + 64);
  ekm_buf_init(&h->request_id, EKM_LIMIT_HTTP_HEADER_BYTES);
  if (!copy_key(h, origin, route, err) || !make_connect_to(h, err) || !configure(options, h, err)) {
    http_curl_handle_free(h);
    return false;
  }
  *out = h;
  return true;
}

static bool same_text(const char *a, const char *b) {
  return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_proxy(const http_curl_handle *h, const ekm_http_proxy *proxy) {
  static const ekm_http_proxy nothing;
  if (proxy == NULL) proxy = &nothing;
  return same_text(h->proxy, proxy->url) && same_text(h->proxy_user, proxy->user) &&
         same_text(h->proxy_password_file, proxy->password_file) && same_text(h->proxy_exceptions, proxy->exceptions);
}

bool http_curl_handle_fits(const http_curl_handle *h, ekm_view origin, const ekm_http_route *route) {
  static const ekm_http_route nothing;
  if (route == NULL) route = &nothing;
  return ekm_view_equal(ekm_view_text(h->origin), origin) && h->port == route->port &&
         h->local_http == route->local_http && same_text(h->address, route->address) &&
         same_text(h->ca_file, route->ca_file) && same_text(h->certificate_sha1, route->certificate_sha1) &&
         same_proxy(h, route->proxy);
}
