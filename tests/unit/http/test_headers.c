/* Which header lines are kept, and how many are tolerated. */
#include <string.h>

#include "base/limits.h"
#include "http/http_headers.h"
#include "support/cmocka_all.h"

static ekm_http_response response;
static http_headers headers;

static int setup(void **state) {
  (void)state;
  ekm_http_response_init(&response);
  http_headers_begin(&headers, &response);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  ekm_http_response_clear(&response);
  return 0;
}

static void line(const char *text) {
  assert_true(http_headers_line(&headers, text, strlen(text), 1000));
}

static void keeps_what_is_looked_at(void **state) {
  (void)state;
  line("HTTP/1.1 401 Unauthorized\r\n");
  line("CONTENT-TYPE:   application/json; charset=utf-8 \r\n");
  line("WWW-Authenticate: Basic realm=x\r\n");
  line("www-authenticate: Bearer authorization=\"a\"\r\n");
  line("WWW-Authenticate: Bearer second\r\n");
  line("x-ms-request-id:id-1\r\n");
  line("Date: Tue, 24 Nov 2026 08:00:00 GMT\r\n");
  line("Content-Type-Not: y\r\n");
  line("\r\n");
  line("x-ms-request-id: a trailer\r\n");
  assert_string_equal(ekm_buf_text(&response.content_type), "application/json; charset=utf-8");
  assert_string_equal(ekm_buf_text(&response.www_authenticate), "Bearer authorization=\"a\"");
  assert_string_equal(ekm_buf_text(&response.request_id), "id-1");
  assert_string_equal(ekm_buf_text(&response.date), "Tue, 24 Nov 2026 08:00:00 GMT");
  assert_int_equal(response.retry_after.len, 0);
}

static void interim_answers_are_forgotten(void **state) {
  (void)state;
  line("HTTP/1.1 103 Early Hints\r\n");
  line("x-ms-request-id: early\r\n");
  line("\r\n");
  line("HTTP/1.1 200 OK\r\n");
  line("Date: later\r\n");
  assert_int_equal(response.request_id.len, 0);
  assert_string_equal(ekm_buf_text(&response.date), "later");
}

static void retry_after_is_in_milliseconds(void **state) {
  static const struct {
    const char *first, *second, *expected;
  } rows[] = {
      {"Retry-After: 7", "", "7000"},
      {"Retry-After: 7", "retry-after-ms: 20", "20"},
      {"retry-after-ms: 20", "Retry-After: 7", "20"},
      {"x-ms-retry-after-ms: 30", "retry-after-ms: 20", "20"},
      {"x-ms-retry-after-ms: 30", "Retry-After: 7", "30"},
      {"Retry-After: Thu, 01 Jan 1970 00:16:45 GMT", "", "5000"},
      {"Retry-After: Thu, 01 Jan 1970 00:00:00 GMT", "", "0"},
      {"Retry-After: 999999999", "", "3600000"},
      {"Retry-After: 99999999999999999999", "", ""},
      {"Retry-After: soon", "", ""},
      {"Retry-After: -1", "", ""},
      {"Retry-After:", "", ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    (void)setup(state);
    line("HTTP/1.1 429 Busy");
    line(rows[i].first);
    if (rows[i].second[0] != '\0') line(rows[i].second);
    assert_string_equal(ekm_buf_text(&response.retry_after), rows[i].expected);
    (void)teardown(state);
  }
}

static void a_kept_value_is_bounded(void **state) {
  static char text[EKM_LIMIT_HTTP_HEADER_BYTES + 100];
  (void)state;
  memset(text, 'x', sizeof text);
  memcpy(text, "Date: ", 6);
  line("HTTP/1.1 200 OK");
  assert_true(http_headers_line(&headers, text, EKM_LIMIT_HTTP_HEADER_BYTES + 6, 0));
  assert_int_equal(response.date.len, EKM_LIMIT_HTTP_HEADER_BYTES);
  line("HTTP/1.1 200 OK");
  assert_false(http_headers_line(&headers, text, EKM_LIMIT_HTTP_HEADER_BYTES + 7, 0));
}

static void all_together_are_bounded(void **state) {
  size_t count = 0;
  static char text[1000];
  (void)state;
  memset(text, 'x', sizeof text);
  text[1] = ':';
  line("HTTP/1.1 200 OK");
  while (count < 1000 && http_headers_line(&headers, text, sizeof text, 0)) count++;
  assert_int_equal(count, HTTP_HEADERS_MAX_BYTES / sizeof text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(keeps_what_is_looked_at, setup, teardown),
      cmocka_unit_test_setup_teardown(interim_answers_are_forgotten, setup, teardown),
      cmocka_unit_test(retry_after_is_in_milliseconds),
      cmocka_unit_test_setup_teardown(a_kept_value_is_bounded, setup, teardown),
      cmocka_unit_test_setup_teardown(all_together_are_bounded, setup, teardown),
  };
  return cmocka_run_group_tests_name("http_headers", tests, NULL, NULL);
}
