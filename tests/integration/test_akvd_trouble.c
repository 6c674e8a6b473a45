/* Trouble on demand: each kind as a client meets it, as often as it was asked for, and no longer. */
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "support/cmocka_all.h"
#include "support/vault_fixture.h"

static const char wrap_path[] = "/keys/troubled/wrapkey";
static const char wrap_body[] = "{\"alg\":\"RSA-OAEP-256\",\"value\":\"AAECAw\"}";

static void ask(vault_fixture *f, const char *method, const char *body, https_answer *out) {
  https_client_send(
      &f->client, &(https_request){.method = method, .host = "localhost", .path = "/_akvd/trouble", .body = body}, out);
}

static void want(vault_fixture *f, const char *rows) {
  https_answer answer;
  char body[512];
  (void)snprintf(body, sizeof body, "{\"trouble\":[%s]}", rows);
  ask(f, "PUT", body, &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
}

static void wrap(vault_fixture *f, https_answer *out) {
  vault_fixture_call(f, FIXTURE_FULL, "POST", wrap_path, wrap_body, out);
}

static long wrap_status(vault_fixture *f) {
  https_answer answer;
  wrap(f, &answer);
  https_answer_clear(&answer);
  return answer.status;
}

static int set_up(void **state) {
  https_answer answer;
  if (vault_fixture_set_up(state) != 0) return -1;
  vault_fixture_call(*state, FIXTURE_FULL, "POST", "/keys/troubled/create", "{\"kty\":\"RSA\"}", &answer);
  https_answer_clear(&answer);
  return answer.status == 200 ? 0 : -1;
}

static void it_comes_as_often_as_asked(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  char value[512];
  want(f, "{\"operation\":\"key_wrap\",\"kind\":\"throttle\",\"times\":2,\"retry_after_s\":7}");
  wrap(f, &answer);
  vault_fixture_expect(&answer, 429, "Throttled", NULL);
  https_answer_header(&answer, "Retry-After", value);
  assert_string_equal(value, "7");
  https_answer_clear(&answer);
  vault_fixture_call(f, FIXTURE_FULL, "GET", "/keys/troubled", NULL, &answer); /* another operation */
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);

  ask(f, "GET", NULL, &answer);
  json_t *row = json_array_get(ekm_json_array(answer.doc, "trouble"), 0);
  assert_int_equal(ekm_json_int(row, "times", -1), 1);
  assert_string_equal(ekm_json_text(row, "operation"), "key_wrap");
  https_answer_clear(&answer);
  assert_int_equal(wrap_status(f), 429);
  assert_int_equal(wrap_status(f), 200);
  ask(f, "GET", NULL, &answer);
  assert_int_equal(json_array_size(ekm_json_array(answer.doc, "trouble")), 0);
  https_answer_clear(&answer);
}

static void rows_are_met_in_their_order(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  char value[512];
  want(f, "{\"kind\":\"error\",\"times\":1},{\"kind\":\"unavailable\",\"times\":1},{\"kind\":\"throttle\"}");
  assert_int_equal(wrap_status(f), 500);
  assert_int_equal(wrap_status(f), 503);
  for (int i = 0; i < 3; i++) assert_int_equal(wrap_status(f), 429);
  wrap(f, &answer);
  https_answer_header(&answer, "Retry-After", value);
  assert_string_equal(value, ""); /* as at Azure */
  https_answer_clear(&answer);
  want(f, "");
  assert_int_equal(wrap_status(f), 200);
}

static void refusals_of_tokens_have_their_challenge(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  char value[512];
  want(f, "{\"kind\":\"expired_token\",\"times\":1},{\"kind\":\"claims\",\"times\":1}");
  wrap(f, &answer);
  vault_fixture_expect(&answer, 401, "Unauthorized", NULL);
  https_answer_header(&answer, "WWW-Authenticate", value);
  assert_non_null(strstr(value, "Bearer authorization=\"https://login.localhost/"));
  assert_null(strstr(value, "claims"));
  https_answer_clear(&answer);
  wrap(f, &answer);
  vault_fixture_expect(&answer, 401, "Unauthorized", NULL);
  https_answer_header(&answer, "WWW-Authenticate", value);
  assert_non_null(strstr(value, "resource=\"https://vault.localhost\", error=\"insufficient_claims\", claims=\"eyJ"));
  https_answer_clear(&answer);
}

static void answers_are_broken(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  char value[512];
  want(f, "{\"kind\":\"html\",\"times\":1},{\"kind\":\"truncate\",\"times\":1},{\"kind\":\"reset\",\"times\":1}");
  wrap(f, &answer);
  assert_int_equal(answer.status, 502);
  https_answer_header(&answer, "Content-Type", value);
  assert_string_equal(value, "text/html");
  assert_null(answer.doc);
  https_answer_clear(&answer);
  wrap(f, &answer);
  assert_int_not_equal(answer.why, CURLE_OK);
  https_answer_header(&answer, "Content-Length", value);
  assert_true(answer.body.len > 0);
  assert_int_equal(answer.body.len, strtoul(value, NULL, 10) / 2);
  https_answer_clear(&answer);
  wrap(f, &answer);
  assert_int_equal(answer.status, 0);
  assert_int_not_equal(answer.why, CURLE_OK);
  https_answer_clear(&answer);
  assert_int_equal(wrap_status(f), 200);
}

static void answers_are_late(void **state) {
  enum { DELAY_MS = 60 };
  vault_fixture *f = *state;
  want(f, "{\"operation\":\"key_wrap\",\"kind\":\"none\",\"delay_ms\":60,\"times\":1}");
  int64_t start_ns = ekm_clock_mono_ns();
  assert_int_equal(wrap_status(f), 200);
  assert_true(ekm_clock_mono_ns() - start_ns >= (int64_t)DELAY_MS * 1000000);
}

static void signing_in_has_trouble_too(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  want(f, "{\"operation\":\"token_v2\",\"kind\":\"unavailable\",\"times\":1}");
  vault_fixture_token(f, FIXTURE_FULL, 2, &answer);
  assert_int_equal(answer.status, 503);
  assert_string_equal(ekm_json_text(answer.doc, "error"), "temporarily_unavailable");
  https_answer_clear(&answer);
}

static void wrap_elsewhere(void *arg) {
  vault_fixture *f = arg;
  https_client client;
  https_answer answer;
  https_client_open(&client, vault_server_port(f->server), ekm_buf_view(&f->ca_pem));
  https_client_send(&client,
                    &(https_request){.method = "POST",
                                     .host = FIXTURE_HOST,
                                     .path = "/keys/troubled/wrapkey?api-version=7.5",
                                     .bearer = f->apps[FIXTURE_FULL].token,
                                     .body = wrap_body},
                    &answer);
  https_answer_clear(&answer);
  https_client_close(&client);
}

static void a_delay_does_not_outlive_the_server(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  ekm_thread *thread = NULL;
  ekm_err err = {0};
  size_t left = 1;
  want(f, "{\"operation\":\"key_wrap\",\"kind\":\"none\",\"delay_ms\":600000,\"times\":1}");
  assert_true(ekm_thread_start(&thread, wrap_elsewhere, f, &err));
  while (left > 0) { /* until it is met */
    ask(f, "GET", NULL, &answer);
    left = json_array_size(ekm_json_array(answer.doc, "trouble"));
    https_answer_clear(&answer);
  }
  vault_fixture_restart(f);
  ekm_thread_join(&thread);
  assert_int_equal(wrap_status(f), 200);
}

static void want_more(vault_fixture *f, int slow_s, long long shift_s) {
  https_answer answer;
  char body[128];
  (void)snprintf(body, sizeof body, "{\"trouble\":[],\"slow_delete_s\":%d,\"clock_shift_s\":%lld}", slow_s, shift_s);
  ask(f, "PUT", body, &answer);
  assert_int_equal(answer.status, 200);
  assert_int_equal(ekm_json_int(answer.doc, "slow_delete_s", -1), slow_s);
  assert_int_equal(ekm_json_int(answer.doc, "clock_shift_s", -1), shift_s);
  https_answer_clear(&answer);
}

static void meet(vault_fixture *f, const char *method, const char *path, long status, const char *code) {
  https_answer answer;
  const char *body = strcmp(method, "POST") == 0 ? "{\"kty\":\"EC\"}" : NULL;
  vault_fixture_call(f, FIXTURE_FULL, method, path, body, &answer);
  if (answer.status != status) fail_msg("%s %s: %ld %s", method, path, answer.status, ekm_buf_text(&answer.body));
  if (code != NULL) assert_non_null(strstr(ekm_buf_text(&answer.body), code));
  https_answer_clear(&answer);
}

static void deletions_are_slow(void **state) {
  vault_fixture *f = *state;
  meet(f, "POST", "/keys/slow/create", 200, NULL);
  meet(f, "POST", "/keys/other/create", 200, NULL);
  want_more(f, 20, 0);
  meet(f, "DELETE", "/keys/Slow", 200, NULL);
  fake_clock_pass(&f->clock, 19000);
  meet(f, "GET", "/deletedkeys/slow", 404, "Deleted Key not found");
  meet(f, "DELETE", "/deletedkeys/slow", 404, "Deleted Key not found");
  meet(f, "POST", "/deletedkeys/slow/recover", 404, "Deleted Key not found");
  meet(f, "POST", "/keys/slow/create", 409, "ObjectIsBeingDeleted");
  meet(f, "GET", "/keys/slow", 404, "KeyNotFound");
  meet(f, "GET", "/keys/other", 200, NULL);
  fake_clock_pass(&f->clock, 1000);
  meet(f, "GET", "/deletedkeys/slow", 200, NULL);
  meet(f, "POST", "/deletedkeys/slow/recover", 200, NULL);
  meet(f, "GET", "/keys/slow", 404, "KeyNotFound");
  meet(f, "POST", "/keys/slow/create", 409, "ObjectIsBeingRecovered");
  fake_clock_pass(&f->clock, 20000);
  meet(f, "GET", "/keys/slow", 200, NULL);
  meet(f, "DELETE", "/keys/slow", 200, NULL);
  want_more(f, 0, 0); /* over at once */
  meet(f, "GET", "/deletedkeys/slow", 200, NULL);
  want_more(f, 20, 0);
  meet(f, "DELETE", "/deletedkeys/slow", 204, NULL);
  meet(f, "POST", "/keys/slow/create", 409, "ObjectIsBeingDeleted");
  fake_clock_pass(&f->clock, 20000);
  meet(f, "POST", "/keys/slow/create", 200, NULL);
  want_more(f, 0, 0);
}

static void the_clock_goes_wrong(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  char before[512], date[512];
  vault_fixture_call(f, FIXTURE_FULL, "GET", "/keys", NULL, &answer);
  https_answer_header(&answer, "Date", before);
  https_answer_clear(&answer);
  want_more(f, 0, 4000);
  meet(f, "GET", "/keys", 401, "Unauthorized"); /* the token lives an hour */
  want_more(f, 0, -86400);
  meet(f, "GET", "/keys", 401, "Unauthorized"); /* it is not valid yet */
  vault_fixture_call(f, FIXTURE_FULL, "GET", "/keys", NULL, &answer);
  https_answer_header(&answer, "Date", date);
  assert_non_null(strstr(date, "23 Nov 2026"));
  https_answer_clear(&answer);
  want_more(f, 0, 0);
  vault_fixture_call(f, FIXTURE_FULL, "GET", "/keys", NULL, &answer);
  https_answer_header(&answer, "Date", date);
  assert_string_equal(date, before);
  https_answer_clear(&answer);
}

static void nonsense_is_refused(void **state) {
  static const char *const bodies[] = {"",
                                       "{}",
                                       "{\"trouble\":{}}",
                                       "{\"trouble\":[{}]}",
                                       "{\"trouble\":[7]}",
                                       "{\"trouble\":[{\"kind\":\"flood\"}]}",
                                       "{\"trouble\":[{\"kind\":\"reset\",\"operation\":\"key_eat\"}]}",
                                       "{\"trouble\":[{\"kind\":\"reset\",\"times\":-1}]}",
                                       "{\"trouble\":[{\"kind\":\"reset\",\"times\":\"1\"}]}",
                                       "{\"trouble\":[{\"kind\":\"none\",\"delay_ms\":600001}]}"};
  vault_fixture *f = *state;
  want(f, "{\"kind\":\"error\"}");
  for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
    https_answer answer;
    ask(f, "PUT", bodies[i], &answer);
    vault_fixture_expect(&answer, 400, "BadParameter", NULL);
    https_answer_clear(&answer);
  }
  assert_int_equal(wrap_status(f), 500); /* and changes nothing */
  want(f, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_comes_as_often_as_asked),
      cmocka_unit_test(rows_are_met_in_their_order),
      cmocka_unit_test(refusals_of_tokens_have_their_challenge),
      cmocka_unit_test(answers_are_broken),
      cmocka_unit_test(answers_are_late),
      cmocka_unit_test(signing_in_has_trouble_too),
      cmocka_unit_test(deletions_are_slow),
      cmocka_unit_test(the_clock_goes_wrong),
      cmocka_unit_test(nonsense_is_refused),
      cmocka_unit_test(a_delay_does_not_outlive_the_server),
  };
  return cmocka_run_group_tests(tests, set_up, vault_fixture_tear_down);
}
