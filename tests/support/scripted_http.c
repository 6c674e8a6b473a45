#include "support/scripted_http.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"

static bool holds(ekm_view bytes, const char *part) {
  size_t len = strlen(part);
  for (size_t i = 0; i + len <= bytes.len; i++) {
    if (memcmp(bytes.ptr + i, part, len) == 0) return true;
  }
  return false;
}

static bool complain(scripted_http *script, const char *what, const char *is, const char *expected) {
  if (script->complaint[0] == '\0') {
    (void)snprintf(script->complaint, sizeof script->complaint, "request %zu: %s is '%.200s', expected '%.200s'",
                   script->at, what, is, expected);
  }
  return false;
}

static bool check(scripted_http *script, const scripted_step *step, const ekm_http_request *request) {
  ekm_view bearer = request->bearer == NULL ? (ekm_view){NULL, 0} : ekm_secret_reveal(request->bearer);
  const char *expected_bearer = step->bearer == NULL ? "" : step->bearer;
  if (strcmp(request->method, step->method) != 0) return complain(script, "method", request->method, step->method);
  if (strcmp(request->url, step->url) != 0) return complain(script, "url", request->url, step->url);
  if (step->body == NULL && request->body.len > 0) return complain(script, "body", "there", "none");
  if (step->body != NULL && !holds(request->body, step->body)) return complain(script, "body", "another", step->body);
  if (!ekm_view_equal(bearer, ekm_view_text(expected_bearer))) {
    return complain(script, "bearer", bearer.len == 0 ? "" : (const char *)bearer.ptr, expected_bearer);
  }
  for (int i = 0; i < EKM_HTTP_FIELDS; i++) {
    const char *sent = request->fields[i] == NULL ? "" : request->fields[i];
    const char *expected = step->fields[i] == NULL ? "" : step->fields[i];
    if (strcmp(sent, expected) != 0) return complain(script, "header", sent, expected);
  }
  const char *pin = request->route == NULL ? NULL : request->route->certificate_sha1;
  bool is_pinned = pin == step->certificate_sha1 ||
                   (pin != NULL && step->certificate_sha1 != NULL && strcmp(pin, step->certificate_sha1) == 0);
  if (!is_pinned) return complain(script, "certificate", pin == NULL ? "any" : pin, "another");
  return true;
}

static void look_for_forbidden(scripted_http *script, const ekm_http_request *request) {
  if (script->forbidden == NULL) return;
  if (holds(request->body, script->forbidden) || strstr(request->url, script->forbidden) != NULL ||
      (request->bearer != NULL && holds(ekm_secret_reveal(request->bearer), script->forbidden))) {
    script->saw_forbidden = true;
  }
}

static void append(ekm_buf *buf, const char *text) {
  ekm_buf_reset(buf);
  if (text != NULL) ekm_buf_append_text(buf, text);
}

static bool answer(const scripted_step *step, ekm_http_response *response, ekm_err *err) {
  if (step->fails != EKM_E_OK) return EKM_FAIL(err, step->fails, "by the script");
  response->status = step->status;
  response->silent_ms = step->silent_ms;
  append(&response->body, step->answer);
  bool is_basic = step->challenge != NULL && ekm_text_starts_i(step->challenge, "basic");
  append(is_basic ? &response->www_basic : &response->www_authenticate, step->challenge);
  append(&response->date, step->date);
  append(&response->request_id, step->request_id);
  append(&response->retry_after, step->retry_after);
  return ekm_buf_ok(&response->body, "an answer", err) && ekm_buf_ok(&response->www_authenticate, "an answer", err) &&
         ekm_buf_ok(&response->www_basic, "an answer", err) && ekm_buf_ok(&response->date, "an answer", err) &&
         ekm_buf_ok(&response->request_id, "an answer", err) && ekm_buf_ok(&response->retry_after, "an answer", err);
}

static bool perform(ekm_http *self, const ekm_http_request *request, ekm_http_response *response, ekm_err *err) {
  scripted_http *script = (scripted_http *)self;
  const scripted_step *step = NULL;
  ekm_http_response_clear(response);
  ekm_mutex_lock(&script->lock);
  look_for_forbidden(script, request);
  if (script->at >= script->step_count) {
    (void)complain(script, "url", request->url, "no further request");
  } else if (check(script, &script->steps[script->at], request)) {
    step = &script->steps[script->at];
  }
  script->at++;
  script->saw_send_once = request->send_once;
  script->saw_metadata = request->is_metadata;
  (void)snprintf(script->last_request_id, sizeof script->last_request_id, "%s",
                 request->client_request_id == NULL ? "" : request->client_request_id);
  ekm_mutex_unlock(&script->lock);
  if (step == NULL) return EKM_FAIL(err, EKM_E_INTERNAL, "not in the script");
  if (step->then != NULL) step->then(step->arg);
  return answer(step, response, err);
}

static void destroy(ekm_http *self) {
  (void)self;
}

void scripted_http_init(scripted_http *script, const scripted_step *steps, size_t count) {
  memset(script, 0, sizeof *script);
  script->base = (ekm_http){perform, destroy};
  ekm_mutex_init(&script->lock);
  script->steps = steps;
  script->step_count = count;
}

const char *scripted_http_complaint(scripted_http *script) {
  if (script->complaint[0] == '\0' && script->at < script->step_count) {
    (void)snprintf(script->complaint, sizeof script->complaint, "request %zu was never made", script->at);
  }
  return script->complaint;
}
