/* What is repeated and what is not, how long it waits; and when a host is not asked any more. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mutex.h"
#include "base/thread.h"
#include "http/http.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/fake_rng.h"
#include "support/memory_gate.h"
#include "support/scripted_http.h"

#define URL "https://v.example/keys/k/unwrapkey"
#define OTHER_URL "https://w.example/keys/k/unwrapkey"
#define FAILS(id) \
  { "POST", URL, "body", NULL, .fails = (id) }
#define ANSWERS(code, after) \
  { "POST", URL, "body", NULL, .status = (code), .answer = "{}", .retry_after = (after) }

enum { RETRIES = 3, DELAY_MS = 500, MAX_DELAY_MS = 1500, FAILURES = 3, OPEN_MS = 10000 };

typedef struct fixture {
  fake_clock clock;
  scripted_http script;
  ekm_http *http;
  int64_t waited_ms;
  atomic_bool cancelled;
  ekm_err err;
  ekm_http_response response;
} fixture;

static void pass(void *arg, int64_t ms) {
  fixture *f = arg;
  f->waited_ms += ms;
  fake_clock_pass(&f->clock, ms);
}

static int set_up(void **state) {
  fixture *f = test_calloc(1, sizeof *f);
  fake_clock_init(&f->clock);
  ekm_http_response_init(&f->response);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  ekm_http_free(&f->http);
  ekm_http_response_clear(&f->response);
  test_free(f);
  return 0;
}

static void script(fixture *f, const scripted_step *steps, size_t count) {
  scripted_http_init(&f->script, steps, count);
}
#define STEPS(f, steps) script((f), (steps), sizeof(steps) / sizeof((steps)[0]))

static void make_retry(fixture *f, unsigned retries) {
  const ekm_http_retry_options options = {.clock = &f->clock.base,
                                          .rng = fake_rng_static(),
                                          .retries = retries,
                                          .delay_ms = DELAY_MS,
                                          .max_delay_ms = MAX_DELAY_MS,
                                          .wait = pass,
                                          .wait_arg = f};
  ekm_http_free(&f->http);
  assert_true(ekm_http_retry_new(&f->script.base, &options, &f->http, &f->err));
}

static bool is_cancelled(void *arg) {
  return atomic_load((atomic_bool *)arg);
}

static bool perform_at(fixture *f, const char *url, int64_t within_ms, bool send_once) {
  const ekm_http_request request = {.method = "POST",
                                    .url = url,
                                    .body = ekm_view_text("body"),
                                    .client_request_id = "ours",
                                    .send_once = send_once,
                                    .deadline = ekm_deadline_in(&f->clock.base, within_ms),
                                    .is_cancelled = is_cancelled,
                                    .cancel_arg = &f->cancelled};
  ekm_http_response_clear(&f->response);
  ekm_http_response_init(&f->response);
  ekm_err_clear(&f->err);
  f->waited_ms = 0;
  return ekm_http_perform(f->http, &request, &f->response, &f->err);
}

static bool perform(fixture *f) {
  return perform_at(f, URL, 60000, false);
}

static void check_script(fixture *f) {
  assert_string_equal(scripted_http_complaint(&f->script), "");
}

static void passing_faults_are_repeated(void **state) {
  static const scripted_step steps[] = {FAILS(EKM_E_CONNECT), ANSWERS(503, NULL), FAILS(EKM_E_DNS), ANSWERS(200, NULL)};
  fixture *f = *state;
  STEPS(f, steps);
  make_retry(f, RETRIES);
  assert_true(perform(f));
  assert_int_equal(f->response.status, 200);
  assert_int_equal(f->err.id, EKM_E_OK);
  check_script(f);
  assert_string_equal(f->script.last_request_id, "ours"); /* the same for all tries */
  /* 500, 1000 and 1500 at most, each at least half of it. */
  assert_in_range(f->waited_ms, (DELAY_MS + 2 * DELAY_MS + MAX_DELAY_MS) / 2, DELAY_MS + 2 * DELAY_MS + MAX_DELAY_MS);
}

static void the_last_failure_is_told(void **state) {
  static const scripted_step steps[] = {FAILS(EKM_E_CONNECT), FAILS(EKM_E_CONNECT), FAILS(EKM_E_DNS),
                                        ANSWERS(502, NULL),   ANSWERS(500, NULL),   FAILS(EKM_E_CONNECT)};
  fixture *f = *state;
  STEPS(f, steps);
  make_retry(f, RETRIES);
  assert_true(perform(f));
  assert_int_equal(f->response.status, 502);
  make_retry(f, 1);
  assert_false(perform(f));
  assert_int_equal(f->err.id, EKM_E_CONNECT);
  check_script(f);
}

static void what_says_when_is_obeyed(void **state) {
  static const scripted_step steps[] = {ANSWERS(429, "7000"), ANSWERS(503, "1"), ANSWERS(429, "0"), ANSWERS(200, NULL)};
  fixture *f = *state;
  STEPS(f, steps);
  make_retry(f, RETRIES);
  assert_true(perform(f));
  assert_int_equal(f->response.status, 200);
  assert_int_equal(f->waited_ms, 7001);
  check_script(f);
}

static void nothing_waits_beyond_the_deadline(void **state) {
  static const scripted_step steps[] = {ANSWERS(429, "5000"), FAILS(EKM_E_CONNECT),
                                        ANSWERS(429, "99999999999999999999")};
  fixture *f = *state;
  STEPS(f, steps);
  make_retry(f, RETRIES);
  assert_true(perform_at(f, URL, 5000, false));
  assert_int_equal(f->response.status, 429);
  assert_string_equal(ekm_buf_text(&f->response.retry_after), "5000");
  assert_int_equal(f->waited_ms, 0);
  assert_false(perform_at(f, URL, DELAY_MS / 2, false));
  assert_int_equal(f->err.id, EKM_E_CONNECT);
  assert_true(perform(f));
  assert_int_equal(f->response.status, 429);
  assert_int_equal(f->waited_ms, 0);
  check_script(f);
}

static void what_must_not_be_repeated_is_not(void **state) {
  static const scripted_step steps[] = {FAILS(EKM_E_HTTP_RECEIVE), ANSWERS(503, NULL)};
  fixture *f = *state;
  STEPS(f, steps);
  make_retry(f, RETRIES);
  assert_false(perform_at(f, URL, 60000, true));
  assert_true(perform_at(f, URL, 60000, true));
  check_script(f);
}

/* A metadata service goes away in its own way: three steps of a second and more after 404, ten seconds after 410. */
static bool perform_metadata(fixture *f, int64_t within_ms) {
  const ekm_http_request request = {.method = "POST",
                                    .url = URL,
                                    .body = ekm_view_text("body"),
                                    .is_metadata = true,
                                    .deadline = ekm_deadline_in(&f->clock.base, within_ms)};
  ekm_http_response_clear(&f->response);
  ekm_http_response_init(&f->response);
  ekm_err_clear(&f->err);
  f->waited_ms = 0;
  return ekm_http_perform(f->http, &request, &f->response, &f->err);
}

static void a_metadata_service_is_waited_for(void **state) {
  static const scripted_step steps[] = {
      ANSWERS(404, NULL), ANSWERS(500, NULL), ANSWERS(404, NULL), ANSWERS(404, NULL), /* three more, and no more */
      ANSWERS(410, NULL), ANSWERS(410, NULL), ANSWERS(410, NULL), ANSWERS(410, NULL),
      ANSWERS(410, NULL), ANSWERS(410, NULL), ANSWERS(410, NULL), ANSWERS(200, NULL), /* 70 seconds */
      ANSWERS(410, NULL), ANSWERS(410, NULL), ANSWERS(410, NULL), /* the third would end behind the deadline */
      ANSWERS(410, NULL), ANSWERS(400, NULL)};
  fixture *f = *state;
  STEPS(f, steps);
  make_retry(f, RETRIES);
  assert_true(perform_metadata(f, 120000));
  assert_int_equal(f->response.status, 404);
  assert_in_range(f->waited_ms, (1000 + 1500 + 1500) / 2, 1000 + 1500 + 1500); /* MAX_DELAY_MS is 1500 */
  assert_true(perform_metadata(f, 120000));
  assert_int_equal(f->response.status, 200);
  assert_int_equal(f->waited_ms, 70000);
  assert_true(perform_metadata(f, 30000));
  assert_int_equal(f->response.status, 410);
  assert_int_equal(f->waited_ms, 20000);
  make_retry(f, 0); /* who wants nothing repeated gets nothing repeated */
  assert_true(perform_metadata(f, 120000));
  assert_int_equal(f->response.status, 410);
  assert_true(perform_metadata(f, 120000));
  assert_int_equal(f->response.status, 400);
  check_script(f);
}

static void definite_answers_are_final(void **state) {
  static const scripted_step steps[] = {ANSWERS(200, "1"),     ANSWERS(400, "1"),          ANSWERS(401, "1"),
                                        ANSWERS(403, "1"),     ANSWERS(404, "1"),          ANSWERS(409, "1"),
                                        ANSWERS(501, "1"),     FAILS(EKM_E_TLS_UNTRUSTED), FAILS(EKM_E_CANCELLED),
                                        FAILS(EKM_E_DEADLINE), FAILS(EKM_E_OUT_OF_MEMORY)};
  fixture *f = *state;
  STEPS(f, steps);
  make_retry(f, RETRIES);
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    assert_int_equal(perform(f), steps[i].status != 0);
    assert_int_equal(f->script.at, i + 1);
  }
  check_script(f);
}

static void cancel(void *arg) {
  atomic_store((atomic_bool *)arg, true);
}

static void a_cancelled_call_waits_no_longer(void **state) {
  fixture *f = *state;
  const scripted_step steps[] = {
      {"POST", URL, "body", NULL, .fails = EKM_E_CONNECT, .then = cancel, .arg = &f->cancelled}};
  STEPS(f, steps);
  make_retry(f, RETRIES);
  assert_false(perform(f));
  assert_int_equal(f->err.id, EKM_E_CONNECT);
  assert_int_equal(f->waited_ms, 0);
  check_script(f);
}

/* ---- a host that is down ----------------------------------------------------------------------------------------- */

static void make_breaker(fixture *f) {
  const ekm_http_breaker_options options = {.clock = &f->clock.base, .failures = FAILURES, .open_ms = OPEN_MS};
  ekm_http_free(&f->http);
  assert_true(ekm_http_breaker_new(&f->script.base, &options, &f->http, &f->err));
}

static void a_host_that_is_down_is_not_asked(void **state) {
  static const scripted_step steps[] = {FAILS(EKM_E_CONNECT),
                                        ANSWERS(503, NULL),
                                        FAILS(EKM_E_DEADLINE), /* down */
                                        {"POST", OTHER_URL, "body", NULL, .status = 200, .answer = "{}"},
                                        FAILS(EKM_E_CONNECT), /* tried, and still down */
                                        ANSWERS(200, NULL),
                                        ANSWERS(200, NULL)};
  fixture *f = *state;
  STEPS(f, steps);
  make_breaker(f);
  for (int i = 0; i < FAILURES; i++) (void)perform(f);
  assert_false(perform(f));
  assert_int_equal(f->err.id, EKM_E_HOST_DOWN);
  assert_non_null(strstr(f->err.detail, "'v.example': 3 times in a row"));
  assert_non_null(strstr(f->err.detail, "tried again in 10 s"));
  assert_true(perform_at(f, OTHER_URL, 60000, false)); /* others are another matter */
  fake_clock_pass(&f->clock, OPEN_MS - 1);
  assert_false(perform(f));
  assert_int_equal(f->err.id, EKM_E_HOST_DOWN);
  fake_clock_pass(&f->clock, 1);
  assert_false(perform(f));
  assert_int_equal(f->err.id, EKM_E_CONNECT);
  assert_false(perform(f));
  assert_int_equal(f->err.id, EKM_E_HOST_DOWN);
  fake_clock_pass(&f->clock, OPEN_MS);
  assert_true(perform(f));
  assert_true(perform(f));
  check_script(f);
}

static void signs_of_life_count(void **state) {
  static const scripted_step steps[] = {FAILS(EKM_E_CONNECT),   FAILS(EKM_E_CONNECT),   ANSWERS(429, NULL),
                                        FAILS(EKM_E_CONNECT),   FAILS(EKM_E_CONNECT),   ANSWERS(403, NULL),
                                        FAILS(EKM_E_CANCELLED), FAILS(EKM_E_CANCELLED), FAILS(EKM_E_CANCELLED),
                                        ANSWERS(200, NULL)};
  fixture *f = *state;
  STEPS(f, steps);
  make_breaker(f);
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) assert_int_equal(perform(f), steps[i].status != 0);
  check_script(f);
}

/* While one call tries, the others are refused: seen from within that call. */
static void refused_meanwhile(void *arg) {
  fixture *f = arg;
  ekm_err err = {0};
  ekm_http_response response;
  const ekm_http_request request = {
      .method = "POST", .url = URL, .deadline = ekm_deadline_in(&f->clock.base, 1000), .client_request_id = "other"};
  ekm_http_response_init(&response);
  assert_false(ekm_http_perform(f->http, &request, &response, &err));
  assert_int_equal(err.id, EKM_E_HOST_DOWN);
  ekm_http_response_clear(&response);
}

static void one_call_tries(void **state) {
  fixture *f = *state;
  const scripted_step steps[] = {
      FAILS(EKM_E_CONNECT),
      FAILS(EKM_E_CONNECT),
      FAILS(EKM_E_CONNECT),
      {"POST", URL, "body", NULL, .status = 200, .answer = "{}", .then = refused_meanwhile, .arg = f},
      ANSWERS(200, NULL)};
  STEPS(f, steps);
  make_breaker(f);
  for (int i = 0; i < FAILURES; i++) assert_false(perform(f));
  fake_clock_pass(&f->clock, OPEN_MS);
  assert_true(perform(f));
  assert_true(perform(f));
  check_script(f);
}

/* What ends on this side says nothing of the host. */
static void own_faults_do_not_count(void **state) {
  static const scripted_step steps[] = {FAILS(EKM_E_CONNECT),  FAILS(EKM_E_CONNECT),  FAILS(EKM_E_OUT_OF_MEMORY),
                                        FAILS(EKM_E_LIMIT),    FAILS(EKM_E_CA_FILE),  FAILS(EKM_E_INTERNAL),
                                        FAILS(EKM_E_DEADLINE), FAILS(EKM_E_DEADLINE), FAILS(EKM_E_ANSWER_TOO_BIG),
                                        FAILS(EKM_E_CONNECT),  FAILS(EKM_E_CONNECT),  ANSWERS(200, NULL)};
  fixture *f = *state;
  STEPS(f, steps);
  make_breaker(f);
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    bool has_time = steps[i].fails != EKM_E_DEADLINE; /* these came when it was over already */
    assert_int_equal(perform_at(f, URL, has_time ? 60000 : 0, false), steps[i].status != 0);
    assert_int_equal(f->err.id, steps[i].fails);
  }
  check_script(f);
}

/* A call that began before the host went down, and ends while another tries. */
typedef struct early_call {
  fixture *f;
  ekm_mutex hangs; /* held as long as it shall hang */
  ekm_thread *thread;
} early_call;

static void hang(void *arg) {
  early_call *early = arg;
  ekm_mutex_lock(&early->hangs);
  ekm_mutex_unlock(&early->hangs);
}

static void call_early(void *arg) {
  early_call *early = arg;
  ekm_err err = {0};
  ekm_http_response response;
  const ekm_http_request request = {.method = "POST",
                                    .url = URL,
                                    .body = ekm_view_text("body"),
                                    .deadline = ekm_deadline_in(&early->f->clock.base, 60000)};
  ekm_http_response_init(&response);
  (void)!ekm_http_perform(early->f->http, &request, &response, &err);
  ekm_http_response_clear(&response);
}

static void end_early_call(void *arg) {
  early_call *early = arg;
  ekm_mutex_unlock(&early->hangs);
  ekm_thread_join(&early->thread);
  refused_meanwhile(early->f);
}

static void an_early_call_lets_no_second_try(void **state) {
  fixture *f = *state;
  early_call early = {.f = f};
  const scripted_step steps[] = {
      {"POST", URL, "body", NULL, .fails = EKM_E_CANCELLED, .then = hang, .arg = &early},
      FAILS(EKM_E_CONNECT),
      FAILS(EKM_E_CONNECT),
      FAILS(EKM_E_CONNECT),
      {"POST", URL, "body", NULL, .status = 200, .answer = "{}", .then = end_early_call, .arg = &early}};
  STEPS(f, steps);
  make_breaker(f);
  ekm_mutex_init(&early.hangs);
  ekm_mutex_lock(&early.hangs);
  assert_true(ekm_thread_start(&early.thread, call_early, &early, &f->err));
  for (bool is_there = false; !is_there; ekm_thread_yield()) {
    ekm_mutex_lock(&f->script.lock);
    is_there = f->script.at == 1;
    ekm_mutex_unlock(&f->script.lock);
  }
  for (int i = 0; i < FAILURES; i++) assert_false(perform(f));
  fake_clock_pass(&f->clock, OPEN_MS);
  assert_true(perform(f));
  check_script(f);
}

static void many_hosts_make_room(void **state) {
  fixture *f = *state;
  static scripted_step steps[200];
  static char urls[200][64];
  for (size_t i = 0; i < 200; i++) {
    (void)snprintf(urls[i], sizeof urls[i], "https://v%zu.example/", i);
    steps[i] = (scripted_step){"POST", urls[i], "body", NULL, .fails = EKM_E_DNS};
  }
  STEPS(f, steps);
  make_breaker(f);
  for (size_t i = 0; i < 200; i++) {
    assert_false(perform_at(f, urls[i], 1000, false));
    fake_clock_pass(&f->clock, 1);
  }
  check_script(f);
}

static void memory_that_runs_out_is_said(void **state) {
  fixture *f = *state;
  memory_gate gate = {0};
  const ekm_http_retry_options retry = {.clock = &f->clock.base, .rng = fake_rng_static()};
  const ekm_http_breaker_options breaker = {.clock = &f->clock.base, .failures = 1};
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_err err = {0};
    ekm_http *http = NULL;
    scripted_http_init(&f->script, NULL, 0);
    bool ok =
        ekm_http_retry_new(&f->script.base, &retry, &http, &err) && ekm_http_breaker_new(http, &breaker, &http, &err);
    memory_gate_check(&gate, ok, &err);
    ekm_http_free(&http);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(passing_faults_are_repeated, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_last_failure_is_told, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_says_when_is_obeyed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(nothing_waits_beyond_the_deadline, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_must_not_be_repeated_is_not, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_metadata_service_is_waited_for, set_up, tear_down),
      cmocka_unit_test_setup_teardown(definite_answers_are_final, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_cancelled_call_waits_no_longer, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_host_that_is_down_is_not_asked, set_up, tear_down),
      cmocka_unit_test_setup_teardown(signs_of_life_count, set_up, tear_down),
      cmocka_unit_test_setup_teardown(one_call_tries, set_up, tear_down),
      cmocka_unit_test_setup_teardown(own_faults_do_not_count, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_early_call_lets_no_second_try, set_up, tear_down),
      cmocka_unit_test_setup_teardown(many_hosts_make_room, set_up, tear_down),
      cmocka_unit_test_setup_teardown(memory_that_runs_out_is_said, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
