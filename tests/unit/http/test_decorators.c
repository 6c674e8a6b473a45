/* The log shows an exchange and nothing that is secret; the fault decorator makes one fail. */
#include <string.h>

#include "http/http.h"
#include "http/http_words.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/scripted_http.h"

static char written[4000];

static void sink(void *arg, const char *line, size_t len) {
  (void)arg;
  size_t at = strlen(written);
  if (at + len >= sizeof written) return;
  memcpy(written + at, line, len);
  written[at + len] = 0;
}

static void later(void *arg) {
  fake_clock_pass(arg, 12);
}

static void the_log_tells_what_and_not_how(void **state) {
  fake_clock clock;
  const scripted_step steps[] = {
      {"POST", "https://v.example/keys/k/unwrapkey?secret-query=1", "planted-body", "planted-token", .status = 403,
       .answer = "planted-answer", .request_id = "id-7", .then = later, .arg = &clock},
      {"GET", "https://v.example/keys", NULL, NULL, .fails = EKM_E_CONNECT},
      {"GET", "https://v.example/keys", NULL, NULL, .status = 200, .silent_ms = 1234}};
  scripted_http script;
  ekm_log *log = NULL;
  ekm_http *http = NULL;
  ekm_secret bearer = {0};
  ekm_http_response response;
  ekm_err err = {0};
  (void)state;
  fake_clock_init(&clock);
  SCRIPT(&script, steps);
  written[0] = '\0';
  ekm_http_response_init(&response);
  assert_true(ekm_log_open_sink(sink, NULL, EKM_LOG_TRACE, &clock.base, &log, &err));
  assert_true(ekm_http_log_new(&script.base, log, &clock.base, &http, &err));
  assert_true(ekm_secret_set(&bearer, ekm_view_text("planted-token"), &err));
  ekm_http_request request = {.method = "POST",
                              .url = steps[0].url,
                              .bearer = &bearer,
                              .body = ekm_view_text("planted-body"),
                              .client_request_id = "ours"};
  assert_true(ekm_http_perform(http, &request, &response, &err));
  assert_non_null(strstr(written,
                         "\"method\":\"POST\",\"host\":\"v.example\",\"path\":\"/keys/k/unwrapkey\",\"status\":403,"
                         "\"ms\":12,\"request_id\":\"id-7\",\"client_request_id\":\"ours\""));
  request = (ekm_http_request){.method = "GET", .url = steps[1].url};
  assert_false(ekm_http_perform(http, &request, &response, &err));
  assert_int_equal(err.id, EKM_E_CONNECT);
  assert_non_null(strstr(written, "\"event\":\"http.failure\",\"error\":\"CONNECT\""));
  assert_null(strstr(written, "http.silent"));
  assert_true(ekm_http_perform(http, &request, &response, &err));
  assert_non_null(strstr(written, "\"event\":\"http.silent\",\"host\":\"v.example\",\"ms\":1234"));
  assert_null(strstr(written, "planted"));
  assert_null(strstr(written, "secret-query"));
  ekm_http_response_clear(&response);
  ekm_secret_clear(&bearer);
  ekm_http_free(&http);
  ekm_log_close(&log);
  assert_string_equal(scripted_http_complaint(&script), "");
}

static bool fail_once(void *arg, const ekm_http_request *request, ekm_err *err) {
  int *left = arg;
  return (*left)-- <= 0 || EKM_FAIL(err, EKM_E_HTTP_SEND, "%s", request->url);
}

static void a_fault_comes_before_the_exchange(void **state) {
  const scripted_step steps[] = {{"GET", "https://v.example/", NULL, NULL, .status = 200}};
  int left = 1;
  scripted_http script;
  ekm_http *http = NULL;
  ekm_http_response response;
  ekm_err err = {0};
  ekm_http_request request = {.method = "GET", .url = "https://v.example/"};
  (void)state;
  SCRIPT(&script, steps);
  ekm_http_response_init(&response);
  assert_true(ekm_http_fault_new(&script.base, fail_once, &left, &http, &err));
  assert_false(ekm_http_perform(http, &request, &response, &err));
  assert_int_equal(err.id, EKM_E_HTTP_SEND);
  assert_true(ekm_http_perform(http, &request, &response, &err));
  ekm_http_response_clear(&response);
  ekm_http_free(&http);
  assert_string_equal(scripted_http_complaint(&script), "");
}

static void words_are_one_clean_line(void **state) {
  static const struct {
    const char *text, *expected;
  } rows[] = {{NULL, ""},
              {"", ""},
              {"plain", "plain"},
              {"one\r\ntwo", "one"},
              {"a\tb\x7f", "a?b?"},
              {"123456789", "1234567"},
              {"123456\xc3\xa9", "123456"}};
  char out[8];
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    http_words_copy(rows[i].text, out, sizeof out);
    assert_string_equal(out, rows[i].expected);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_log_tells_what_and_not_how),
      cmocka_unit_test(a_fault_comes_before_the_exchange),
      cmocka_unit_test(words_are_one_clean_line),
  };
  return cmocka_run_group_tests_name("http_decorators", tests, NULL, NULL);
}
