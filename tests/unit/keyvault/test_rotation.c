/* Rotation policies: does the vault make new versions by itself, and when? */
#include <string.h>

#include "keyvault_fixture.h"
#include "support/memory_gate.h"

#define POLICY_URL BASE "/keys/k/rotationpolicy?api-version=7.4"
#define ROTATE(trigger) "{\"trigger\":{" trigger "},\"action\":{\"type\":\"Rotate\"}}"
#define NOTIFY "{\"trigger\":{\"timeBeforeExpiry\":\"P30D\"},\"action\":{\"type\":\"Notify\"}}"
#define POLICY(actions) "{\"lifetimeActions\":[" actions "],\"attributes\":{\"expiryTime\":\"P1Y\",\"created\":1}}"
#define LONG "PT111111111111111111111111111111S" /* 33 characters */

static void policies_are_read(void **state) {
  static const struct {
    const char *answer;
    bool rotates;
    const char *after, *before, *expiry;
  } rows[] = {
      {POLICY(NOTIFY), false, "", "", "P1Y"},
      {POLICY(ROTATE("\"timeAfterCreate\":\"P90D\"") "," NOTIFY), true, "P90D", "", "P1Y"},
      {POLICY(NOTIFY "," ROTATE("\"timeBeforeExpiry\":\"P7D\"")), true, "", "P7D", "P1Y"},
      {POLICY("{\"trigger\":{\"timeAfterCreate\":\"P1D\"},\"action\":{\"type\":\"rotate\"}}"), true, "P1D", "", "P1Y"},
      {POLICY("{\"action\":{\"type\":\"Rotate\"}}"), true, "", "", "P1Y"},
      {POLICY("{\"trigger\":{}},7"), false, "", "", "P1Y"},
      {"{}", false, "", "", ""},
      {"{\"lifetimeActions\":null,\"attributes\":7}", false, "", "", ""}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const scripted_step steps[] = {SIGN_IN, {"GET", POLICY_URL, NULL, TOKEN, .status = 200, .answer = rows[i].answer}};
    keyvault_fixture f;
    akv_rotation_policy policy;
    START(&f, steps);
    if (!akv_get_rotation_policy(f.client, "k", &f.call, &policy, &f.err)) fail_msg("row %zu: %s", i, f.err.detail);
    assert_int_equal(policy.rotates, rows[i].rotates);
    assert_string_equal(policy.after_create, rows[i].after);
    assert_string_equal(policy.before_expiry, rows[i].before);
    assert_string_equal(policy.expiry, rows[i].expiry);
    keyvault_fixture_end(&f);
  }
}

static void what_is_no_policy_is_refused(void **state) {
  static const struct {
    int status;
    const char *answer;
    ekm_err_id expected;
  } rows[] = {{200, POLICY(ROTATE("\"timeAfterCreate\":\"" LONG "\"")), EKM_E_KEY_ANSWER},
              {200, POLICY(ROTATE("\"timeAfterCreate\":\"P1D\\r\\nX\"")), EKM_E_KEY_ANSWER},
              {200, "{\"attributes\":{\"expiryTime\":\"a b\"}}", EKM_E_KEY_ANSWER},
              {200, "<html>", EKM_E_ANSWER_NOT_JSON},
              {404, "{\"error\":{\"code\":\"KeyNotFound\"}}", EKM_E_KEY_NOT_FOUND}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const scripted_step steps[] = {
        SIGN_IN, {"GET", POLICY_URL, NULL, TOKEN, .status = rows[i].status, .answer = rows[i].answer}};
    keyvault_fixture f;
    akv_rotation_policy policy;
    START(&f, steps);
    assert_false(akv_get_rotation_policy(f.client, "k", &f.call, &policy, &f.err));
    if (f.err.id != rows[i].expected) fail_msg("row %zu: %s", i, f.err.detail);
    keyvault_fixture_end(&f);
  }
}

static void bad_names_are_not_asked(void **state) {
  const scripted_step steps[] = {{0}};
  keyvault_fixture f;
  akv_rotation_policy policy;
  (void)state;
  keyvault_fixture_start(&f, NULL, steps, 0);
  assert_false(akv_get_rotation_policy(f.client, "a/b", &f.call, &policy, &f.err));
  assert_int_equal(f.err.id, EKM_E_KEY_NAME_BAD);
  keyvault_fixture_end(&f);
}

static void survives_without_memory(void **state) {
  const scripted_step steps[] = {SIGN_IN, {"GET", POLICY_URL, NULL, TOKEN, .status = 200, .answer = POLICY(NOTIFY)}};
  memory_gate gate = {0};
  keyvault_fixture f;
  (void)state;
  START(&f, steps);
  assert_true(akv_client_sign_in(f.client, &f.call, &f.err));
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    akv_rotation_policy policy;
    ekm_err err = {0};
    f.script.at = 2;
    bool ok = akv_get_rotation_policy(f.client, "k", &f.call, &policy, &err);
    memory_gate_check(&gate, ok, &err);
  }
  keyvault_fixture_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(policies_are_read),
      cmocka_unit_test(what_is_no_policy_is_refused),
      cmocka_unit_test(bad_names_are_not_asked),
      cmocka_unit_test(survives_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
