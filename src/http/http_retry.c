/* Exchanges that failed in passing are repeated:
 *
 *   fault of the connection, 408, 429, 5xx
 *      |
 *      +-- retry_after in the answer?  wait as long as it says
 *      +-- otherwise                   delay_ms, then twice that, and so on up to max_delay_ms; of each a random part
 *                                      between half and all, so that many clients do not come back together
 *
 * A metadata service (is_metadata) is away in passing also when it answers 404, and 410 while its host is updated: it
 * is asked again a second later at the earliest, after 410 every ten seconds up to seven times
 * (facts/azure-key-vault.md section 2.5).
 *
 * Never: requests that must not be repeated (send_once), after a cancellation, or when the wait would end at or behind
 * the deadline; then the caller gets what there is at once. An answer that says when to come back counts for the caller
 * too: it is handed on. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/mutex.h"
#include "base/url.h"
#include "http/http.h"

enum {
  WAIT_STEP_MS = 100,  /* between looks at whether the call was cancelled */
  METADATA_MS = 1000,  /* before a metadata service is asked again */
  GONE_MS = 10 * 1000, /* the same after 410 */
  GONE_RETRIES = 7
};

typedef struct http_retry {
  ekm_http base;
  ekm_http *lower;
  ekm_http_retry_options options;
  ekm_mutex lock;
  ekm_cond never; /* nobody wakes it: a wait with an end */
} http_retry;

static bool is_passing_status(int status) {
  return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
}

/* A proxy may have answered, and then it is its status that counts. */
static bool is_passing_fault(const ekm_err *err) {
  static const ekm_err_id ids[] = {EKM_E_DNS,       EKM_E_CONNECT,      EKM_E_TLS_HANDSHAKE,
                                   EKM_E_HTTP_SEND, EKM_E_HTTP_RECEIVE, EKM_E_PROXY};
  for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
    if (ids[i] == err->id)
      return err->id != EKM_E_PROXY || err->http_status == 0 || is_passing_status(err->http_status);
  }
  return false;
}

static bool is_cancelled(const ekm_http_request *request) {
  return request->is_cancelled != NULL && request->is_cancelled(request->cancel_arg);
}

/* A random part of ${ms}, at least half of it; without random numbers all of it. */
static int64_t spread(const http_retry *http, int64_t ms) {
  uint32_t random = UINT32_MAX;
  ekm_err ignored = {0};
  (void)!http->options.rng->fill(http->options.rng, &random, sizeof random, &ignored);
  return ms / 2 + (int64_t)((uint64_t)(ms - ms / 2) * random / UINT32_MAX);
}

/* A metadata service whose host is updated. */
static bool is_gone(const ekm_http_request *request, const ekm_http_response *response) {
  return request->is_metadata && response->status == 410;
}

static bool is_passing_answer(const ekm_http_request *request, const ekm_http_response *response) {
  return is_passing_status(response->status) || is_gone(request, response) ||
         (request->is_metadata && response->status == 404);
}

/* Who repeats nothing does not repeat this either. */
static unsigned retries_of(const http_retry *http, const ekm_http_request *request, const ekm_http_response *response) {
  unsigned retries = http->options.retries;
  return is_gone(request, response) && retries > 0 && retries < GONE_RETRIES ? GONE_RETRIES : retries;
}

static int64_t delay_before(const http_retry *http, const ekm_http_request *request, unsigned try,
                            const ekm_http_response *response) {
  if (response->retry_after.len > 0) return strtoll(ekm_buf_text(&response->retry_after), NULL, 10);
  if (is_gone(request, response)) return GONE_MS;
  int64_t ms = http->options.delay_ms;
  if (request->is_metadata && ms < METADATA_MS) ms = METADATA_MS;
  for (unsigned i = 1; i < try && ms < http->options.max_delay_ms; i++) ms *= 2;
  return spread(http, ms < http->options.max_delay_ms ? ms : http->options.max_delay_ms);
}

static void wait_ms(void *arg, int64_t ms) {
  http_retry *http = arg;
  ekm_mutex_lock(&http->lock);
  ekm_cond_wait(&http->never, &http->lock, ms);
  ekm_mutex_unlock(&http->lock);
}

/* False if the call was cancelled. */
static bool wait_for(http_retry *http, const ekm_http_request *request, int64_t ms) {
  int64_t end = ekm_clock_mono_ms(http->options.clock) + ms;
  while (!is_cancelled(request)) {
    int64_t left = end - ekm_clock_mono_ms(http->options.clock);
    if (left <= 0) return true;
    http->options.wait(http->options.wait_arg, left < WAIT_STEP_MS ? left : WAIT_STEP_MS);
  }
  return false;
}

static void tell(const http_retry *http, const ekm_http_request *request, bool answered, int status, const ekm_err *err,
                 int64_t ms) {
  ekm_url url;
  ekm_err ignored = {0};
  bool is_url = ekm_url_parse(request->url, &url, "a URL", &ignored);
  EKM_LOG(http->options.log, EKM_LOG_INFO, "http.retry", EKM_LOG_TEXT("host", is_url ? url.host : ""),
          EKM_LOG_INT("status", answered ? status : 0),
          EKM_LOG_TEXT("error", answered ? "" : ekm_err_info_of(err->id)->name), EKM_LOG_INT("wait_ms", ms),
          EKM_LOG_TEXT("client_request_id", request->client_request_id));
}

/* After try number ${try}: is there another one? Then the wait is over. */
static bool comes_again(http_retry *http, const ekm_http_request *request, unsigned try, bool answered,
                        const ekm_http_response *response, const ekm_err *err) {
  bool passing = answered ? is_passing_answer(request, response) : is_passing_fault(err);
  if (!passing || request->send_once || try > retries_of(http, request, response)) return false;
  int64_t ms = delay_before(http, request, try, response);
  if (ms < 0 || ms >= ekm_deadline_left_ms(request->deadline, http->options.clock)) return false;
  tell(http, request, answered, response->status, err, ms);
  return wait_for(http, request, ms);
}

static bool retry_perform(ekm_http *self, const ekm_http_request *request, ekm_http_response *response, ekm_err *err) {
  http_retry *http = (http_retry *)self;
  for (unsigned try = 1;; try++) {
    bool answered = ekm_http_perform(http->lower, request, response, err);
    if (!comes_again(http, request, try, answered, response, err)) return answered;
    ekm_http_response_clear(response);
    ekm_http_response_init(response);
    ekm_err_clear(err);
  }
}

static void retry_destroy(ekm_http *self) {
  http_retry *http = (http_retry *)self;
  ekm_http_free(&http->lower);
  ekm_mem_free(http);
}

bool ekm_http_retry_new(ekm_http *lower, const ekm_http_retry_options *options, ekm_http **out_http, ekm_err *err) {
  *out_http = NULL;
  http_retry *http = ekm_mem_alloc(sizeof *http, err);
  if (http == NULL) {
    ekm_http_free(&lower);
    return false;
  }
  http->base = (ekm_http){retry_perform, retry_destroy};
  http->lower = lower;
  http->options = *options;
  ekm_mutex_init(&http->lock);
  ekm_cond_init(&http->never);
  if (options->wait == NULL) {
    http->options.wait = wait_ms;
    http->options.wait_arg = http;
  }
  *out_http = &http->base;
  return true;
}
