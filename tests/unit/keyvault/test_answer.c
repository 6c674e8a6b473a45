/* Every row of what a vault's refusal means. */
#include <string.h>

#include "keyvault/answer.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"

#define BODY(code, message) "{\"error\":{\"code\":\"" code "\",\"message\":\"" message "\"}}"
#define INNER(code, inner) \
  "{\"error\":{\"code\":\"" code "\",\"message\":\"words of the vault\",\"innererror\":{\"code\":\"" inner "\"}}}"

static void fill(ekm_http_response *answer, int status, const char *body) {
  ekm_http_response_init(answer);
  answer->status = status;
  ekm_buf_append_text(&answer->body, body);
  ekm_buf_append_text(&answer->request_id, "11111111-2222-3333-4444-555555555555");
}

static void each_refusal_has_its_error(void **state) {
  static const struct {
    int status;
    bool is_unwrap;
    const char *body;
    ekm_err_id expected;
  } rows[] = {
      {400, false, BODY("BadParameter", "Property  has invalid value"), EKM_E_VAULT_BAD_REQUEST},
      {400, true, BODY("BadParameter", "The parameter is incorrect."), EKM_E_UNWRAP_REFUSED},
      {401, false, BODY("Unauthorized", "AKV10032: Invalid issuer"), EKM_E_TOKEN_REJECTED},
      {403, false, INNER("Forbidden", "KeyDisabled"), EKM_E_KEY_DISABLED},
      {403, true, INNER("Forbidden", "KeyDisabled"), EKM_E_KEY_DISABLED},
      {403, false, INNER("Forbidden", "KeyNotYetValid"), EKM_E_KEY_NOT_IN_TIME},
      {403, false, INNER("Forbidden", "KeyExpired"), EKM_E_KEY_NOT_IN_TIME},
      {403, false, INNER("Forbidden", "KeyOperationForbidden"), EKM_E_KEY_OPERATION},
      {403, false, INNER("Forbidden", "ForbiddenByPolicy"), EKM_E_VAULT_FORBIDDEN},
      {403, false, INNER("Forbidden", "AccessDenied"), EKM_E_VAULT_FORBIDDEN},
      {403, false, INNER("Forbidden", "ForbiddenByRbac"), EKM_E_VAULT_ROLE},
      {403, false, INNER("Forbidden", "ForbiddenByFirewall"), EKM_E_VAULT_FIREWALL},
      {403, false, INNER("Forbidden", "ForbiddenByConnection"), EKM_E_VAULT_PRIVATE_LINK},
      {403, false, INNER("Forbidden", "SomethingNew"), EKM_E_VAULT_DENIED},
      {403, false, BODY("Forbidden", "only that"), EKM_E_VAULT_DENIED},
      {403, true, "<html>gateway</html>", EKM_E_VAULT_DENIED},
      {403, false, BODY("KeyDisabled", "outer"), EKM_E_KEY_DISABLED},
      {403, false, "{\"error\":{\"innererror\":{\"innererror\":{\"code\":\"KeyDisabled\"}}}}", EKM_E_KEY_DISABLED},
      {404, false, BODY("KeyNotFound", "A key with (name/id) k was not found"), EKM_E_KEY_NOT_FOUND},
      {404, false, BODY("NotFound", "?"), EKM_E_VAULT_NOT_FOUND},
      {409, false, INNER("Conflict", "ObjectIsDeletedButRecoverable"), EKM_E_KEY_DELETED},
      {409, false, INNER("Conflict", "ObjectIsBeingDeleted"), EKM_E_VAULT_CONFLICT},
      {409, false, BODY("Conflict", "concurrent"), EKM_E_VAULT_CONFLICT},
      {429, false, BODY("Throttled", "too many"), EKM_E_VAULT_THROTTLED},
      {408, false, "", EKM_E_VAULT_SERVER_ERROR},
      {500, false, BODY("InternalServerError", "?"), EKM_E_VAULT_SERVER_ERROR},
      {503, true, BODY("ServiceUnavailable", "?"), EKM_E_VAULT_SERVER_ERROR},
      {405, false, "", EKM_E_VAULT_CLIENT_ERROR},
      {301, false, "", EKM_E_VAULT_CLIENT_ERROR},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    akv_question question = {"v.vault.azure.net", "unwrapKey", "k", rows[i].is_unwrap};
    ekm_http_response answer;
    ekm_err err = {0};
    fill(&answer, rows[i].status, rows[i].body);
    assert_false(akv_answer_fail(&answer, &question, &err));
    if (err.id != rows[i].expected) fail_msg("%d %s: %s", rows[i].status, rows[i].body, ekm_err_info_of(err.id)->name);
    assert_int_equal(err.http_status, rows[i].status);
    assert_string_equal(err.request_id, "11111111-2222-3333-4444-555555555555");
    assert_non_null(strstr(err.detail, "v.vault.azure.net"));
    assert_non_null(strstr(err.detail, "unwrapKey of 'k'"));
    ekm_http_response_clear(&answer);
  }
}

/* Bodies that are no error of a vault: the status alone decides, and nothing crashes. */
static void any_body_will_do(void **state) {
  static const char *const bodies[] = {
      "",
      "<html><body>404</body></html>",
      "[]",
      "{}",
      "null",
      "{\"error\":null}",
      "{\"error\":\"text\"}",
      "{\"error\":{\"code\":7,\"message\":[]}}",
      "{\"error\":{\"code\":\"Forbidden\",\"innererr",
      ("{\"error\":{\"innererror\":{\"innererror\":{\"innererror\":{\"innererror\":{\"innererror\":{\"innererror\":{"
       "\"innererror\":{\"innererror\":{\"innererror\":{\"innererror\":{\"code\":\"x\"}}}}}}}}}}}}"),
      "\xff\xfe\x00",
  };
  static const struct {
    int status;
    ekm_err_id expected;
  } rows[] = {{403, EKM_E_VAULT_DENIED},
              {404, EKM_E_VAULT_NOT_FOUND},
              {409, EKM_E_VAULT_CONFLICT},
              {429, EKM_E_VAULT_THROTTLED},
              {500, EKM_E_VAULT_SERVER_ERROR}};
  (void)state;
  for (size_t b = 0; b < sizeof bodies / sizeof bodies[0]; b++) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
      akv_question question = {"v.vault.azure.net", "get", "", false};
      ekm_http_response answer;
      ekm_err err = {0};
      fill(&answer, rows[i].status, bodies[b]);
      assert_false(akv_answer_fail(&answer, &question, &err));
      assert_int_equal(err.id, rows[i].expected);
      ekm_http_response_clear(&answer);
    }
  }
}

static void words_are_bounded_and_clean(void **state) {
  akv_question question = {"v.vault.azure.net", "get", "k", false};
  ekm_http_response answer;
  ekm_err err = {0};
  (void)state;
  fill(&answer, 403, "{\"error\":{\"code\":\"Forbidden\",\"message\":\"one\\u0007two\\r\\nthree\"}}");
  assert_false(akv_answer_fail(&answer, &question, &err));
  assert_non_null(strstr(err.detail, "Forbidden: one?two"));
  assert_null(strstr(err.detail, "three"));
  ekm_http_response_clear(&answer);

  fill(&answer, 403, "{\"error\":{\"code\":\"Forbidden\",\"message\":\"");
  for (int i = 0; i < 500; i++) ekm_buf_append_text(&answer.body, "\xc3\xa9");
  ekm_buf_append_text(&answer.body, "\"}}");
  assert_false(akv_answer_fail(&answer, &question, &err));
  assert_true(strlen(err.detail) < sizeof err.detail);
  ekm_http_response_clear(&answer);
}

/* Of the lines behind the first only those that help. */
static void helpful_lines_are_kept(void **state) {
  static const struct {
    const char *message, *words, *without;
  } rows[] = {{"Client address is not authorized.\\r\\nClient address: 192.0.2.7\\r\\nCaller: me",
               "authorized. Client address: "
               "192.0.2.7",
               "me"},
              {"Caller is not authorized.\\r\\nCaller: me\\nAction: 'keys/read'\\r\\nResource: r",
               "authorized. Action: 'keys/read'", "me"},
              {"Action: first", "Forbidden: Action: first", "me"},
              {"words\\n\\n\\nAction: \\u0007", "words Action: ?", "me"},
              {"\\n", "Forbidden", "Action"}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    akv_question question = {"v.vault.azure.net", "get", "k", false};
    ekm_http_response answer;
    ekm_err err = {0};
    fill(&answer, 403, "{\"error\":{\"code\":\"Forbidden\",\"message\":\"");
    ekm_buf_append_text(&answer.body, rows[i].message);
    ekm_buf_append_text(&answer.body, "\"}}");
    assert_false(akv_answer_fail(&answer, &question, &err));
    if (strstr(err.detail, rows[i].words) == NULL) fail_msg("%s", err.detail);
    assert_null(strstr(err.detail, rows[i].without));
    ekm_http_response_clear(&answer);
  }
}

static void skew_is_theirs_minus_ours(void **state) {
  fake_clock clock;
  ekm_http_response answer;
  (void)state;
  fake_clock_init(&clock);
  fill(&answer, 401, "");
  assert_int_equal(akv_answer_skew_s(&answer, &clock.base), 0);
  ekm_buf_append_text(&answer.date, "Tue, 24 Nov 2026 08:10:00 GMT");
  assert_int_equal(akv_answer_skew_s(&answer, &clock.base), 600);
  ekm_http_response_clear(&answer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_refusal_has_its_error),  cmocka_unit_test(any_body_will_do),
      cmocka_unit_test(words_are_bounded_and_clean), cmocka_unit_test(helpful_lines_are_kept),
      cmocka_unit_test(skew_is_theirs_minus_ours),
  };
  return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
