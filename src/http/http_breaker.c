/* A host that is down is not asked by each call until the call's deadline:
 *
 *   closed --- so many failures in a row ---> open --- open_ms later ---> one call may try ---> closed, or open again
 *                                              |
 *                                              +-- all others fail at once: HOST_DOWN
 *
 * A failure is an exchange without an answer, whatever the reason but the caller's own cancellation, and an answer of
 * 500 and more. An answer of less, 429 too, is a sign of life. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "http/http.h"

enum { HOSTS = 64 }; /* the one that was asked longest ago makes room */

typedef struct host_state {
  char host[EKM_LIMIT_HOST_BYTES + 1]; /* "" for a free place */
  unsigned failures;                   /* in a row */
  int64_t open_until_ms;
  bool is_tried; /* one call tries whether it is up again */
  int64_t used_ms;
  ekm_err_id last;
  int status; /* of the last failure that had an answer */
} host_state;

typedef struct http_breaker {
  ekm_http base;
  ekm_http *lower;
  ekm_http_breaker_options options;
  ekm_mutex lock;
  host_state hosts[HOSTS];
} http_breaker;

/* The host of a URL as it is written; the caller's URLs are always written alike. Empty for what is no https URL. */
static ekm_view host_of(const char *url) {
  static const char scheme[] = "https://";
  if (strncmp(url, scheme, sizeof scheme - 1) != 0) return ekm_view_of(NULL, 0);
  const char *host = url + sizeof scheme - 1;
  size_t len = strcspn(host, ":/?#");
  return ekm_view_of(host, len > EKM_LIMIT_HOST_BYTES ? 0 : len);
}

static bool is_host(const host_state *state, ekm_view host) {
  return ekm_view_equal(ekm_view_text(state->host), host);
}

static host_state *find_locked(http_breaker *http, ekm_view host) {
  host_state *oldest = &http->hosts[0];
  for (size_t i = 0; i < HOSTS; i++) {
    host_state *each = &http->hosts[i];
    if (each->host[0] == '\0' || is_host(each, host)) {
      oldest = each;
      break;
    }
    if (each->used_ms < oldest->used_ms) oldest = each;
  }
  if (!is_host(oldest, host)) {
    *oldest = (host_state){0};
    memcpy(oldest->host, host.ptr, host.len);
  }
  oldest->used_ms = ekm_clock_mono_ms(http->options.clock);
  return oldest;
}

static bool is_open(const http_breaker *http, const host_state *state) {
  return state->failures >= http->options.failures;
}

static bool refuse(const host_state *state, int64_t left_ms, ekm_err *err) {
  char why[128];
  if (state->status != 0) (void)snprintf(why, sizeof why, "it answered %d", state->status);
  if (state->status == 0) (void)snprintf(why, sizeof why, "%s", ekm_err_info_of(state->last)->text);
  return EKM_FAIL(err, EKM_E_HOST_DOWN, "'%s': %u times in a row, the last time because %s; tried again in %lld s",
                  state->host, state->failures, why, (long long)(left_ms + 999) / 1000);
}

/* May this call go? If the host is to be tried, this is the one that does. */
static bool may_go(http_breaker *http, ekm_view host, ekm_err *err) {
  bool ok = true;
  ekm_mutex_lock(&http->lock);
  host_state *state = find_locked(http, host);
  if (is_open(http, state)) {
    int64_t left_ms = state->open_until_ms - ekm_clock_mono_ms(http->options.clock);
    ok = left_ms <= 0 && !state->is_tried;
    if (ok) state->is_tried = true;
    if (!ok) (void)refuse(state, left_ms > 0 ? left_ms : 0, err);
  }
  ekm_mutex_unlock(&http->lock);
  return ok;
}

static void note(http_breaker *http, ekm_view host, bool answered, int status, const ekm_err *err) {
  bool failed = answered ? status >= 500 : err->id != EKM_E_CANCELLED;
  bool told = answered || err->id != EKM_E_CANCELLED;
  ekm_mutex_lock(&http->lock);
  host_state *state = find_locked(http, host);
  bool was_open = is_open(http, state);
  state->is_tried = false;
  if (failed) {
    if (state->failures < http->options.failures) state->failures++;
    state->last = answered ? EKM_E_OK : err->id;
    state->status = answered ? status : 0;
    state->open_until_ms = ekm_clock_mono_ms(http->options.clock) + http->options.open_ms;
  } else if (told) {
    state->failures = 0;
  }
  bool opens = !was_open && is_open(http, state);
  bool closes = was_open && !is_open(http, state);
  if (opens) EKM_LOG(http->options.log, EKM_LOG_WARN, "http.down", EKM_LOG_TEXT("host", state->host));
  if (closes) EKM_LOG(http->options.log, EKM_LOG_INFO, "http.up", EKM_LOG_TEXT("host", state->host));
  ekm_mutex_unlock(&http->lock);
}

static bool breaker_perform(ekm_http *self, const ekm_http_request *request, ekm_http_response *response,
                            ekm_err *err) {
  http_breaker *http = (http_breaker *)self;
  ekm_view host = host_of(request->url);
  if (host.len == 0) return ekm_http_perform(http->lower, request, response, err);
  if (!may_go(http, host, err)) return false;
  bool ok = ekm_http_perform(http->lower, request, response, err);
  note(http, host, ok, response->status, err);
  return ok;
}

static void breaker_destroy(ekm_http *self) {
  http_breaker *http = (http_breaker *)self;
  ekm_http_free(&http->lower);
  ekm_mem_free(http);
}

bool ekm_http_breaker_new(ekm_http *lower, const ekm_http_breaker_options *options, ekm_http **out_http, ekm_err *err) {
  *out_http = NULL;
  http_breaker *http = ekm_mem_alloc(sizeof *http, err);
  if (http == NULL) {
    ekm_http_free(&lower);
    return false;
  }
  http->base = (ekm_http){breaker_perform, breaker_destroy};
  http->lower = lower;
  http->options = *options;
  ekm_mutex_init(&http->lock);
  *out_http = &http->base;
  return true;
}
