/* One line for each exchange, and one for each connection that was found dead:
 *
 *   {"event":"http.exchange","method":"POST","host":"...","path":"/keys/k/v/unwrapkey","status":200,"ms":12,...}
 *
 * The query is left out: a token endpoint or a paging link may carry what is nobody's business. */
#include "base/mem.h"
#include "base/url.h"
#include "http/http.h"

typedef struct http_log {
  ekm_http base;
  ekm_http *lower;
  ekm_log *log;
  const ekm_clock *clock;
} http_log;

static void log_exchange(http_log *http, const ekm_http_request *request, const ekm_http_response *response,
                         int64_t took_ms) {
  ekm_url url;
  ekm_err ignored = {0};
  bool is_wanted = ekm_log_wants(http->log, EKM_LOG_DEBUG) || response->silent_ms > 0;
  if (!is_wanted || !ekm_url_parse(request->url, &url, "a URL", &ignored)) return;
  if (response->silent_ms > 0) { /* somebody between here and there forgets connections */
    EKM_LOG(http->log, EKM_LOG_WARN, "http.silent", EKM_LOG_TEXT("host", url.host),
            EKM_LOG_INT("ms", response->silent_ms), EKM_LOG_TEXT("client_request_id", request->client_request_id));
  }
  EKM_LOG(http->log, EKM_LOG_DEBUG, "http.exchange", EKM_LOG_TEXT("method", request->method),
          EKM_LOG_TEXT("host", url.host), EKM_LOG_TEXT("path", url.path), EKM_LOG_INT("status", response->status),
          EKM_LOG_INT("ms", took_ms), EKM_LOG_TEXT("request_id", ekm_buf_text(&response->request_id)),
          EKM_LOG_TEXT("client_request_id", request->client_request_id));
}

static bool log_perform(ekm_http *self, const ekm_http_request *request, ekm_http_response *response, ekm_err *err) {
  http_log *http = (http_log *)self;
  int64_t start_ms = ekm_clock_mono_ms(http->clock);
  bool ok = ekm_http_perform(http->lower, request, response, err);
  if (ok) {
    log_exchange(http, request, response, ekm_clock_mono_ms(http->clock) - start_ms);
  } else {
    ekm_log_err(http->log, EKM_LOG_WARN, "http.failure", err);
  }
  return ok;
}

static void log_destroy(ekm_http *self) {
  http_log *http = (http_log *)self;
  ekm_http_free(&http->lower);
  ekm_mem_free(http);
}

bool ekm_http_log_new(ekm_http *lower, ekm_log *log, const ekm_clock *clock, ekm_http **out_http, ekm_err *err) {
  *out_http = NULL;
  http_log *http = ekm_mem_alloc(sizeof *http, err);
  if (http == NULL) {
    ekm_http_free(&lower);
    return false;
  }
  *http = (http_log){{log_perform, log_destroy}, lower, log, clock};
  *out_http = &http->base;
  return true;
}
