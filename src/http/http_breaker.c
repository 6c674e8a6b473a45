/* A host that is down is not asked by each call until the call's deadline:
 *
 *   closed --- so many failures in a row ---> open --- open_ms later ---> one call may try ---> closed, or open again
 *                                              |
 *                                              +-- all others fail at once: HOST_DOWN
 *
 * A failure is an exchange that the host, or the way to it, did not answer, and an answer of 500 and more. An answer of
 * less, 429 too, is a sign of life, also one that is too big. What ends on this side says nothing of the host: a
 * cancelled call, one that came without any time left, memory, a limit. The call that tries stays the only one until it
 * ends itself; calls that began before the host went down and end meanwhile do not open the way for others. */
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

/* What an exchange says of its host. */
typedef enum verdict { SAYS_NOTHING, IS_ALIVE, HAS_FAILED } verdict;

static verdict verdict_of(bool answered, int status, const ekm_err *err) {
  static const ekm_err_id failures[] = {EKM_E_DNS,       EKM_E_CONNECT,      EKM_E_TLS_UNTRUSTED, EKM_E_TLS_HANDSHAKE,
                                        EKM_E_HTTP_SEND, EKM_E_HTTP_RECEIVE, EKM_E_PROXY,         EKM_E_DEADLINE};
  if (answered) return status >= 500 ? HAS_FAILED : IS_ALIVE;
  if (err->id == EKM_E_ANSWER_TOO_BIG) return IS_ALIVE;
  for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
    if (failures[i] == err->id) return HAS_FAILED;
  }
  return SAYS_NOTHING;
}

/* May this call go? If the host is to be tried, this is the one that does. */
static bool may_go(http_breaker *http, ekm_view host, bool *out_tries, ekm_err *err) {
  bool ok = true;
  *out_tries = false;
  ekm_mutex_lock(&http->lock);
  host_state *state = find_locked(http, host);
  if (is_open(http, state)) {
    int64_t left_ms = state->open_until_ms - ekm_clock_mono_ms(http->options.clock);
    ok = left_ms <= 0 && !state->is_tried;
    if (ok) *out_tries = state->is_tried = true;
    if (!ok) (void)refuse(state, left_ms > 0 ? left_ms : 0, err);
  }
  ekm_mutex_unlock(&http->lock);
  return ok;
}

static void note(http_breaker *http, ekm_view host, bool tries, verdict what, int status, const ekm_err *err) {
  ekm_mutex_lock(&http->lock);
  host_state *state = find_locked(http, host);
  bool was_open = is_open(http, state);
  if (tries) state->is_tried = false;
  if (what == HAS_FAILED) {
    if (state->failures < http->options.failures) state->failures++;
    state->last = err->id;
    state->status = status;
    state->open_until_ms = ekm_clock_mono_ms(http->options.clock) + http->options.open_ms;
  } else if (what == IS_ALIVE) {
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
  bool tries;
  ekm_view host = host_of(request->url);
  if (host.len == 0) return ekm_http_perform(http->lower, request, response, err);
  if (!may_go(http, host, &tries, err)) return false;
  bool has_time = ekm_deadline_left_ms(request->deadline, http->options.clock) > 0;
  bool ok = ekm_http_perform(http->lower, request, response, err);
  verdict what = has_time ? verdict_of(ok, response->status, err) : SAYS_NOTHING;
  note(http, host, tries, what, ok ? response->status : 0, err);
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
