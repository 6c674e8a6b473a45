/* wrapKey and unwrapKey. */
#include <string.h>

#include "keyvault_fixture.h"
#include "support/fake_rng.h"
#include "support/memory_gate.h"

#define WRAP_URL BASE "/keys/k/" VERSION "/wrapkey?api-version=7.4"
#define UNWRAP_URL BASE "/keys/k/" VERSION "/unwrapkey?api-version=7.4"
#define RESULT(kid, value) "{\"kid\":\"" kid "\",\"value\":\"" value "\"}"

static const akv_wrap_key wrap_key = {"k", VERSION, "RSA-OAEP-256"};

static void wraps_and_unwraps(void **state) {
  const scripted_step steps[] = {
      SIGN_IN,
      {"POST", WRAP_URL, "{\"alg\":\"RSA-OAEP-256\",\"value\":\"AQID\"}", TOKEN, .status = 200,
       .answer = RESULT(KID, "BAUG")},
      {"POST", UNWRAP_URL, "{\"alg\":\"RSA-OAEP-256\",\"value\":\"BAUG\"}", TOKEN, .status = 200,
       .answer = RESULT("https://V.VAULT.azure.net:8443/keys/K/" VERSION, "AQID")},
      {"POST", UNWRAP_URL, "BAUG", TOKEN, .status = 200, .answer = RESULT(KID, "")}};
  keyvault_fixture f;
  ekm_buf out;
  (void)state;
  START(&f, steps);
  ekm_buf_init(&out, 100);
  assert_true(akv_wrap(f.client, &wrap_key, ekm_view_of("\1\2\3", 3), &f.call, &out, &f.err));
  assert_true(ekm_view_equal(ekm_buf_view(&out), ekm_view_of("\4\5\6", 3)));
  assert_false(f.script.saw_send_once);
  ekm_buf_reset(&out);
  assert_true(akv_unwrap(f.client, &wrap_key, ekm_view_of("\4\5\6", 3), &f.call, &out, &f.err));
  assert_true(ekm_view_equal(ekm_buf_view(&out), ekm_view_of("\1\2\3", 3)));
  ekm_buf_reset(&out);
  assert_true(akv_unwrap(f.client, &wrap_key, ekm_view_of("\4\5\6", 3), &f.call, &out, &f.err));
  assert_int_equal(out.len, 0);
  ekm_buf_clear(&out);
  keyvault_fixture_end(&f);
}

#define LONG_TOKEN "planted.token.that.is.as.long.as.a.short.one"

/* A vault, or a gateway before it, that repeats what it was told. */
static void what_comes_back_is_in_no_error(void **state) {
  static const struct {
    const char *answer, *id, *leak;
  } rows[] = {
      {"{\"error\":{\"code\":\"BadParameter\",\"message\":\"bad value WlpaWlpaWlpaWlpaWlpaWg\"}}", "ok", "WlpaWl"},
      {"{\"error\":{\"code\":\"WlpaWlpaWlpaWlpaWlpaWg\",\"message\":\"no\"}}", "ok", "WlpaWl"},
      {"{\"error\":{\"code\":\"BadParameter\",\"message\":\"not Bearer " LONG_TOKEN "\"}}", "ok", "planted"},
      {"{\"error\":{\"code\":\"BadParameter\",\"message\":\"no\"}}", LONG_TOKEN, "planted"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const scripted_step steps[] = {
        ASK_CHALLENGE,
        {"POST", TOKEN_URL, SECRET, NULL, .status = 200, .answer = TOKEN_ANSWER(LONG_TOKEN)},
        {"POST", WRAP_URL, "WlpaWl", LONG_TOKEN, .status = 400, .answer = rows[i].answer, .request_id = rows[i].id}};
    keyvault_fixture f;
    ekm_buf out;
    START(&f, steps);
    ekm_buf_init(&out, 100);
    assert_false(akv_wrap(f.client, &wrap_key, ekm_view_text("ZZZZZZZZZZZZZZZZ"), &f.call, &out, &f.err));
    assert_int_equal(f.err.id, EKM_E_VAULT_BAD_REQUEST);
    assert_int_equal(f.err.http_status, 400);
    assert_null(strstr(f.err.detail, rows[i].leak));
    assert_null(strstr(f.err.request_id, rows[i].leak));
    ekm_buf_clear(&out);
    keyvault_fixture_end(&f);
  }
}

/* The vault answers an unwrap with ${answer}: EKM_E_OK and the bytes 1, 2, 3, or this error and nothing. */
static void expect_unwrap(const char *answer, ekm_err_id expected) {
  const scripted_step steps[] = {SIGN_IN, {"POST", UNWRAP_URL, "AQID", TOKEN, .status = 200, .answer = answer}};
  keyvault_fixture f;
  ekm_buf out;
  START(&f, steps);
  ekm_buf_init(&out, 100);
  bool ok = akv_unwrap(f.client, &wrap_key, ekm_view_of("\1\2\3", 3), &f.call, &out, &f.err);
  ekm_err_id id = ok ? EKM_E_OK : f.err.id;
  if (id != expected) fail_msg("%s: %s", answer, ekm_err_info_of(id)->name);
  assert_true(ekm_view_equal(ekm_buf_view(&out), ekm_view_of("\1\2\3", ok ? 3 : 0)));
  ekm_buf_clear(&out);
  keyvault_fixture_end(&f);
}

/* Whatever the answer looks like that says the same. */
static void answers_need_not_be_the_usual_ones(void **state) {
  static const char *const answers[] = {
      "{\"value\":\"AQID\",\"kid\":\"" KID "\"}",
      "{ \"kid\": \"" KID "\", \"value\": \"AQID\" }\n",
      RESULT(KID, "AQID\",\"iv\":\"AAAA"),
      RESULT("https:\\/\\/" HOST "\\/keys\\/k\\/" VERSION, "AQID"),
      RESULT(KID, "\\u0041QID"),
      RESULT(BASE "/keys/K/" VERSION, "AQID"),
  };
  (void)state;
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) expect_unwrap(answers[i], EKM_E_OK);
}

static void answers_that_are_none_are_refused(void **state) {
  static const char *const answers[] = {
      "{}",
      "{\"kid\":\"" KID "\"}",
      "{\"value\":\"AQID\"}",
      RESULT(BASE "/keys/k/" OTHER_VERSION, "AQID"),
      RESULT(BASE "/keys/other/" VERSION, "AQID"),
      RESULT("https://evil.example/keys/k/" VERSION, "AQID"),
      RESULT(BASE "/keys/k", "AQID"),
      RESULT(KID, "A"),
      RESULT(KID, "AQ!D"),
      "{\"kid\":\"" KID "\",\"value\":7}",
      RESULT(KID, "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"), /* more than the buffer may hold */
  };
  (void)state;
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    const scripted_step steps[] = {SIGN_IN,
                                   {"POST", WRAP_URL, "AQID", TOKEN, .status = 200, .answer = answers[i]},
                                   {"POST", UNWRAP_URL, "AQID", TOKEN, .status = 200, .answer = answers[i]}};
    keyvault_fixture f;
    ekm_buf out;
    START(&f, steps);
    ekm_buf_init(&out, 16);
    assert_false(akv_wrap(f.client, &wrap_key, ekm_view_of("\1\2\3", 3), &f.call, &out, &f.err));
    if (f.err.id != EKM_E_WRAP_ANSWER) fail_msg("%s: %s", answers[i], ekm_err_info_of(f.err.id)->name);
    assert_int_equal(out.len, 0);
    ekm_buf_clear(&out);
    assert_false(akv_unwrap(f.client, &wrap_key, ekm_view_of("\1\2\3", 3), &f.call, &out, &f.err));
    assert_int_equal(f.err.id, EKM_E_UNWRAP_ANSWER);
    assert_int_equal(out.len, 0);
    ekm_buf_clear(&out);
    keyvault_fixture_end(&f);
  }
}

static void answers_that_are_nearly_the_usual_ones_are_no_json(void **state) {
  static const char *const answers[] = {RESULT(KID, "AQID\",\"value\":\"AQID"), RESULT(KID, "AQID") "\"}",
                                        RESULT(KID, "AQID") RESULT(KID, "AQID"), "{\"kid\":\"" KID "\",\"value\":\""};
  (void)state;
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) expect_unwrap(answers[i], EKM_E_ANSWER_NOT_JSON);
}

static void a_wrong_ciphertext_is_told_from_a_bad_request(void **state) {
  const scripted_step steps[] = {
      SIGN_IN,
      {"POST", WRAP_URL, "AQID", TOKEN, .status = 400, .answer = "{\"error\":{\"code\":\"BadParameter\"}}"},
      {"POST", UNWRAP_URL, "AQID", TOKEN, .status = 400, .answer = "<html>"}};
  keyvault_fixture f;
  ekm_buf out;
  (void)state;
  START(&f, steps);
  ekm_buf_init(&out, 16);
  assert_false(akv_wrap(f.client, &wrap_key, ekm_view_of("\1\2\3", 3), &f.call, &out, &f.err));
  assert_int_equal(f.err.id, EKM_E_VAULT_BAD_REQUEST);
  assert_false(akv_unwrap(f.client, &wrap_key, ekm_view_of("\1\2\3", 3), &f.call, &out, &f.err));
  assert_int_equal(f.err.id, EKM_E_UNWRAP_REFUSED);
  keyvault_fixture_end(&f);
}

/* The answer here is no JSON at all; see test_client_secret.c. */
static void survives_without_memory(void **state) {
  memory_gate gate = {0};
  (void)state;
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    const scripted_step steps[] = {{"GET", CHALLENGE_URL, NULL, NULL, .status = 401, .challenge = GOOD_CHALLENGE},
                                   {"POST", TOKEN_URL, "", NULL, .status = 503}};
    keyvault_fixture f = {0};
    ekm_secret secret = {0};
    ekm_buf out;
    fake_clock_init(&f.clock);
    SCRIPT(&f.script, steps);
    f.vault.host = HOST;
    f.call.deadline = ekm_deadline_in(&f.clock.base, 1000);
    ekm_buf_init(&out, 16);
    akv_options options = {.http = &f.script.base, .clock = &f.clock.base, .rng = fake_rng_static(), .vault = &f.vault};
    akv_identity identity = {
        .kind = AKV_CLIENT_SECRET, .client_id = "01234567-89ab-cdef-0123-456789abcdef", .secret = &secret};
    bool ok = ekm_secret_set(&secret, ekm_view_text(SECRET), &f.err) &&
              akv_client_new(&options, &identity, &f.client, &f.err) && akv_client_sign_in(f.client, &f.call, &f.err);
    assert_false(ok);
    memory_gate_check(&gate, f.err.id == EKM_E_TOKEN_FAILED, &f.err);
    akv_client_free(&f.client);
    ekm_secret_clear(&secret);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wraps_and_unwraps),
      cmocka_unit_test(what_comes_back_is_in_no_error),
      cmocka_unit_test(answers_need_not_be_the_usual_ones),
      cmocka_unit_test(answers_that_are_none_are_refused),
      cmocka_unit_test(answers_that_are_nearly_the_usual_ones_are_no_json),
      cmocka_unit_test(a_wrong_ciphertext_is_told_from_a_bad_request),
      cmocka_unit_test(survives_without_memory),
  };
  return cmocka_run_group_tests_name("wrap", tests, NULL, NULL);
}
