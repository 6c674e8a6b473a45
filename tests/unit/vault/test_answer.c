/* Answers: the bytes of Azure's errors, the headers, and that nothing of a request gets out in a harmful form. */
#include <string.h>

#include "support/cmocka_all.h"
#include "support/fake_rng.h"
#include "vault/answer.h"

static void check_body(vault_fault fault, const char *const args[VAULT_FAULT_ARGS], int status, const char *body) {
  vault_answer answer;
  vault_answer_init(&answer);
  vault_answer_fault(&answer, fault, args);
  assert_int_equal(answer.status, status);
  assert_string_equal(ekm_buf_text(&answer.body), body);
  vault_answer_clear(&answer);
}

static void errors_are_azures(void **state) {
  (void)state;
  check_body(
      VAULT_FAULT_NO_TOKEN, NULL, 401,
      "{\"error\":{\"code\":\"Unauthorized\",\"message\":\"AKV10000: Request is missing a Bearer or PoP token.\"}}");
  check_body(VAULT_FAULT_KEY_DISABLED, (const char *[VAULT_FAULT_ARGS]){"unwrapKey"}, 403,
             "{\"error\":{\"code\":\"Forbidden\",\"message\":\"Operation unwrapKey is not allowed on a disabled key.\","
             "\"innererror\":{\"code\":\"KeyDisabled\"}}}");
  check_body(VAULT_FAULT_VALUE, NULL, 400,
             "{\"error\":{\"code\":\"BadParameter\",\"message\":\"Property  has invalid value\\r\\n\"}}");
  check_body(VAULT_FAULT_KEY_TYPE, (const char *[VAULT_FAULT_ARGS]){"oct"}, 400,
             "{\"error\":{\"code\":\"BadParameter\",\"message\":\"Invalid kty value: oct\",\"innererror\":{\"code\":"
             "\"KeyTypeNotSupported\"}}}");
  check_body(
      VAULT_FAULT_FORBIDDEN, (const char *[VAULT_FAULT_ARGS]){"a", "o", "i", "get", "v"}, 403,
      "{\"error\":{\"code\":\"Forbidden\",\"message\":\"The user, group or application 'appid=a;oid=o;iss=i' does not "
      "have keys get permission on key vault 'v;location=local'. For help resolving this issue, please see "
      "https://go.microsoft.com/fwlink/?linkid=2125287\",\"innererror\":{\"code\":\"ForbiddenByPolicy\"}}}");
}

static void texts_of_a_request_are_made_harmless(void **state) {
  (void)state;
  check_body(VAULT_FAULT_NAME, (const char *[VAULT_FAULT_ARGS]){"a\r\nb\"\\\x80%1%2"}, 400,
             "{\"error\":{\"code\":\"BadParameter\",\"message\":\"The request URI contains an invalid name: "
             "a??b\\\"\\\\?%1%2\"}}");
}

static void long_texts_are_cut(void **state) {
  char text[5000];
  vault_answer answer;
  (void)state;
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = '\0';
  vault_answer_init(&answer);
  vault_answer_fault(&answer, VAULT_FAULT_NAME, (const char *[VAULT_FAULT_ARGS]){text});
  assert_true(answer.body.len > 512 && answer.body.len < 1000);
  vault_answer_clear(&answer);
}

/* Every row fills in completely, and says which status it has. */
static void every_row_can_be_answered(void **state) {
  const char *const args[VAULT_FAULT_ARGS] = {"a1", "a2", "a3", "a4", "a5"};
  vault_answer answer;
  (void)state;
  vault_answer_init(&answer);
  for (vault_fault fault = VAULT_FAULT_NONE + 1; fault < VAULT_FAULT_COUNT; fault++) {
    ekm_err err = {0};
    json_t *doc = NULL;
    vault_answer_fault(&answer, fault, args);
    assert_true(answer.status >= 400 && answer.status < 600);
    assert_true(ekm_json_parse(ekm_buf_view(&answer.body), &doc, &err));
    const char *message = ekm_json_text(ekm_json_object(doc, "error"), "message");
    assert_non_null(message);
    assert_null(strchr(message, '%'));
    ekm_json_free(&doc);
  }
  vault_answer_clear(&answer);
}

static const char *find(const vault_header *headers, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(headers[i].name, name) == 0) return headers[i].value;
  }
  return NULL;
}

static void headers_are_a_vaults(void **state) {
  vault_header headers[VAULT_ANSWER_HEADERS];
  vault_answer answer;
  ekm_err err = {0};
  (void)state;
  vault_answer_init(&answer);
  assert_true(vault_guid_new(fake_rng_static(), answer.request_id, &err));
  assert_true(vault_answer_json(&answer, 200, json_object(), &err));
  vault_answer_network(&answer, NULL);
  size_t count = vault_answer_headers(&answer, "my-id", headers);
  assert_null(find(headers, count, "x-ms-keyvault-network-info"));
  vault_answer_network(&answer, "192.0.2.7");
  count = vault_answer_headers(&answer, "my-id", headers);
  assert_string_equal(find(headers, count, "x-ms-keyvault-network-info"),
                      "conn_type=Ipv4;addr=192.0.2.7;act_addr_fam=InterNetwork;");
  assert_true(count <= VAULT_ANSWER_HEADERS);
  assert_string_equal(find(headers, count, "Content-Type"), "application/json; charset=utf-8");
  assert_string_equal(find(headers, count, "Cache-Control"), "no-cache");
  assert_string_equal(find(headers, count, "x-ms-keyvault-region"), "local");
  assert_string_equal(find(headers, count, "x-ms-client-request-id"), "my-id");
  assert_string_equal(find(headers, count, "x-ms-request-id"), answer.request_id);
  assert_true(vault_guid_is(answer.request_id, strlen(answer.request_id)));
  assert_null(find(headers, count, "WWW-Authenticate"));

  vault_answer_empty(&answer, 204);
  assert_int_equal(answer.body.len, 0);
  count = vault_answer_headers(&answer, NULL, headers);
  assert_null(find(headers, count, "Content-Type"));
  assert_string_equal(find(headers, count, "Cache-Control"), "no-cache");

  answer.from_sign_in = true;
  memcpy(answer.challenge, "Bearer x", sizeof "Bearer x");
  count = vault_answer_headers(&answer, "a\r\nb: c", headers);
  assert_string_equal(find(headers, count, "Cache-Control"), "no-store, no-cache");
  assert_string_equal(find(headers, count, "WWW-Authenticate"), "Bearer x");
  assert_null(find(headers, count, "client-request-id"));
  assert_null(find(headers, count, "x-ms-keyvault-region"));
  vault_answer_clear(&answer);
}

static void guids(void **state) {
  (void)state;
  assert_true(vault_guid_is("01234567-89ab-4def-8123-456789abcdef", 36));
  assert_false(vault_guid_is("01234567-89ab-4def-8123-456789abcdeg", 36));
  assert_false(vault_guid_is("01234567x89ab-4def-8123-456789abcdef", 36));
  assert_false(vault_guid_is("01234567-89ab-4def-8123-456789abcdef", 35));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(errors_are_azures),    cmocka_unit_test(texts_of_a_request_are_made_harmless),
      cmocka_unit_test(long_texts_are_cut),   cmocka_unit_test(every_row_can_be_answered),
      cmocka_unit_test(headers_are_a_vaults), cmocka_unit_test(guids),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
