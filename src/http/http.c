#include "http/http.h"

#include "base/limits.h"

void ekm_http_response_init(ekm_http_response *response) {
  response->status = 0;
  response->silent_ms = 0;
  ekm_buf_init(&response->body, EKM_LIMIT_HTTP_BODY_BYTES);
  ekm_buf_init(&response->content_type, EKM_LIMIT_HTTP_HEADER_BYTES);
  ekm_buf_init(&response->www_authenticate, EKM_LIMIT_HTTP_HEADER_BYTES);
  ekm_buf_init(&response->www_basic, EKM_LIMIT_HTTP_HEADER_BYTES);
  ekm_buf_init(&response->request_id, EKM_LIMIT_HTTP_HEADER_BYTES);
  ekm_buf_init(&response->retry_after, EKM_LIMIT_HTTP_HEADER_BYTES);
  ekm_buf_init(&response->date, EKM_LIMIT_HTTP_HEADER_BYTES);
}

void ekm_http_response_clear(ekm_http_response *response) {
  response->status = 0;
  response->silent_ms = 0;
  ekm_buf_clear(&response->body);
  ekm_buf_clear(&response->content_type);
  ekm_buf_clear(&response->www_authenticate);
  ekm_buf_clear(&response->www_basic);
  ekm_buf_clear(&response->request_id);
  ekm_buf_clear(&response->retry_after);
  ekm_buf_clear(&response->date);
}

bool ekm_http_perform(ekm_http *http, const ekm_http_request *request, ekm_http_response *response, ekm_err *err) {
  return http->perform(http, request, response, err);
}

void ekm_http_free(ekm_http **http) {
  if (*http != NULL) (*http)->destroy(*http);
  *http = NULL;
}
