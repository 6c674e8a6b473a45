/* Cryptography of akvd over TLS: Azure's recorded answers bit by bit, round trips, and who may use a key when. */
#include <stdio.h>
#include <string.h>

#include "base/b64url.h"
#include "support/cmocka_all.h"
#include "support/vault_fixture.h"
#include "support/vectors.h"

enum { DAY_S = 24 * 3600 };

static void call(vault_fixture *f, const char *method, const char *path, const char *body, https_answer *out) {
  vault_fixture_call(f, FIXTURE_FULL, method, path, body, out);
}

static void must(vault_fixture *f, const char *method, const char *path, const char *body) {
  https_answer answer;
  call(f, method, path, body, &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
}

static void operate(vault_fixture *f, const char *key, const char *operation, const char *alg, const char *value,
                    https_answer *out) {
  char path[256];
  ekm_buf body;
  ekm_buf_init(&body, 8192);
  (void)snprintf(path, sizeof path, "/keys/%s/%s", key, operation);
  ekm_buf_append_fmt(&body, "{\"alg\":\"%s\",\"value\":\"%s\"}", alg, value);
  call(f, "POST", path, ekm_buf_text(&body), out);
  ekm_buf_clear(&body);
}

static void refused(vault_fixture *f, const char *key, const char *operation, const char *alg, const char *value,
                    long status, const char *code, const char *inner) {
  https_answer answer;
  operate(f, key, operation, alg, value, &answer);
  vault_fixture_expect(&answer, status, code, inner);
  https_answer_clear(&answer);
}

static void dump(const json_t *doc, ekm_buf *out) {
  ekm_err err = {0};
  ekm_buf_init(out, 65536);
  assert_true(ekm_json_write(doc, out, &err));
}

/* ---- Azure's recorded answers ------------------------------------------------------------------------------------ */

/* The version of the API that the answers were recorded with, or one that has the same members. */
#define THEN "?api-version=7.3"

static void an_imported_key_looks_as_at_azure(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  ekm_buf request, expected;
  json_t *doc = vectors_load("azure-rsa.json");
  json_t *recorded = vectors_member(doc, "import_response");
  dump(vectors_member(doc, "import_request"), &request);
  call(f, "PUT", "/keys/azure" THEN, ekm_buf_text(&request), &answer);
  assert_int_equal(answer.status, 200);

  /* Only the name and the times are ours. */
  json_t *attributes = ekm_json_object(recorded, "attributes");
  json_object_set(ekm_json_object(recorded, "key"), "kid", json_object_get(ekm_json_object(answer.doc, "key"), "kid"));
  json_object_set_new(attributes, "created", json_integer(f->clock.wall_s));
  json_object_set_new(attributes, "updated", json_integer(f->clock.wall_s));
  dump(recorded, &expected);
  assert_string_equal(ekm_buf_text(&answer.body), ekm_buf_text(&expected));
  https_answer_clear(&answer);

  call(f, "GET", "/keys/azure" THEN, NULL, &answer); /* and stays so */
  assert_string_equal(ekm_buf_text(&answer.body), ekm_buf_text(&expected));
  https_answer_clear(&answer);
  vault_fixture_restart(f);
  call(f, "GET", "/keys/azure" THEN, NULL, &answer);
  assert_string_equal(ekm_buf_text(&answer.body), ekm_buf_text(&expected));
  https_answer_clear(&answer);
  ekm_buf_clear(&request);
  ekm_buf_clear(&expected);
  ekm_json_free(&doc);
}

static void check_recorded(vault_fixture *f, json_t *doc, const char *operation) {
  char path[64];
  https_answer answer;
  ekm_buf body;
  (void)snprintf(path, sizeof path, "%s.request", operation);
  dump(vectors_member(doc, path), &body);
  (void)snprintf(path, sizeof path, "/keys/azure/%s", operation);
  call(f, "POST", path, ekm_buf_text(&body), &answer);
  assert_int_equal(answer.status, 200);
  (void)snprintf(path, sizeof path, "%s.response", operation);
  assert_true(json_equal(json_object_get(answer.doc, "value"), json_object_get(vectors_member(doc, path), "value")));
  https_answer_clear(&answer);
  ekm_buf_clear(&body);
}

static void operations_answer_as_azure_did(void **state) {
  json_t *doc = vectors_load("azure-rsa.json");
  check_recorded(*state, doc, "decrypt");
  check_recorded(*state, doc, "sign");
  check_recorded(*state, doc, "verify");
  ekm_json_free(&doc);
}

/* ---- round trips ------------------------------------------------------------------------------------------------- */

static void what_is_wrapped_is_unwrapped(void **state) {
  static const char *const algs[] = {"RSA-OAEP-256", "RSA-OAEP", "RSA1_5"};
  static const char *const pairs[][2] = {{"encrypt", "decrypt"}, {"wrapKey", "unwrapKey"}, {"encrypt", "unwrapkey"}};
  static const char value[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
  vault_fixture *f = *state;
  for (size_t i = 0; i < 3; i++) {
    for (size_t j = 0; j < 3; j++) {
      https_answer there, back;
      operate(f, "azure", pairs[j][0], algs[i], value, &there);
      assert_int_equal(there.status, 200);
      assert_int_equal(json_object_size(there.doc), 2);
      assert_string_not_equal(ekm_json_text(there.doc, "value"), value);
      operate(f, "azure", pairs[j][1], algs[i], ekm_json_text(there.doc, "value"), &back);
      assert_int_equal(back.status, 200);
      assert_string_equal(ekm_json_text(back.doc, "value"), value);
      assert_string_equal(ekm_json_text(back.doc, "kid"), ekm_json_text(there.doc, "kid"));
      https_answer_clear(&there);
      https_answer_clear(&back);
    }
  }
}

static void verify(vault_fixture *f, const char *alg, const char *digest, const char *signature, https_answer *out) {
  ekm_buf body;
  ekm_buf_init(&body, 8192);
  ekm_buf_append_fmt(&body, "{\"alg\":\"%s\",\"digest\":\"%s\",\"value\":\"%s\"}", alg, digest, signature);
  call(f, "POST", "/keys/azure/verify", ekm_buf_text(&body), out);
  ekm_buf_clear(&body);
}

static void signatures_are_verified(void **state) {
  static const struct {
    const char *alg;
    size_t bytes;
  } algs[] = {{"RS256", 32}, {"RS384", 48}, {"RS512", 64}, {"PS256", 32}, {"PS384", 48}, {"PS512", 64}};
  vault_fixture *f = *state;
  for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
    uint8_t bytes[64];
    https_answer signature, answer;
    ekm_buf digest, other;
    memset(bytes, 0x5A, sizeof bytes);
    ekm_buf_init(&digest, 128);
    ekm_buf_init(&other, 128);
    ekm_b64url_encode(ekm_view_of(bytes, algs[i].bytes), &digest);
    bytes[0] = 0;
    ekm_b64url_encode(ekm_view_of(bytes, algs[i].bytes), &other);
    operate(f, "azure", "sign", algs[i].alg, ekm_buf_text(&digest), &signature);
    assert_int_equal(signature.status, 200);
    verify(f, algs[i].alg, ekm_buf_text(&digest), ekm_json_text(signature.doc, "value"), &answer);
    assert_string_equal(ekm_buf_text(&answer.body), "{\"value\":true}");
    https_answer_clear(&answer);
    verify(f, algs[i].alg, ekm_buf_text(&other), ekm_json_text(signature.doc, "value"), &answer);
    assert_string_equal(ekm_buf_text(&answer.body), "{\"value\":false}");
    https_answer_clear(&answer);
    verify(f, algs[i].alg, ekm_buf_text(&digest), "AAAA", &answer);
    assert_string_equal(ekm_buf_text(&answer.body), "{\"value\":false}");
    https_answer_clear(&answer);
    https_answer_clear(&signature);
    ekm_buf_clear(&digest);
    ekm_buf_clear(&other);
  }
}

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

static void message_is(vault_fixture *f, const char *operation, const char *alg, const char *value,
                       const char *message) {
  https_answer answer;
  operate(f, "azure", operation, alg, value, &answer);
  vault_fixture_expect(&answer, 400, "BadParameter", NULL);
  assert_string_equal(ekm_json_text(ekm_json_object(answer.doc, "error"), "message"), message);
  https_answer_clear(&answer);
}

static void bad_data_is_refused(void **state) {
  vault_fixture *f = *state;
  char digits[700];
  memset(digits, 'A', sizeof digits);
  digits[342] = '\0'; /* 256 bytes: a ciphertext of the right length */
  static const char *const paths[] = {"decrypt", "unwrapkey"};
  for (size_t i = 0; i < 2; i++) {
    message_is(f, paths[i], "RSA-OAEP-256", digits, "The parameter is incorrect.\r\n");
    message_is(f, paths[i], "RSA-OAEP", digits, "The parameter is incorrect.\r\n");
    message_is(f, paths[i], "RSA-OAEP", "AAAA", "Property  has invalid value\r\n");
    message_is(f, paths[i], "RSA-OAEP", "", "Property  has invalid value\r\n");
    message_is(f, paths[i], "RSA-OAEP", "A+/A", "Property  has invalid value\r\n");
    message_is(f, paths[i], "RSA-OAEP", "A", "Property  has invalid value\r\n");
    message_is(f, paths[i], "RSA-OAEP", "AB", "Property  has invalid value\r\n"); /* bits over */
  }
  digits[255] = '\0'; /* 191 bytes: one more than OAEP-256 takes */
  message_is(f, "encrypt", "RSA-OAEP-256", digits, "Property  has invalid value\r\n");
  memset(digits, 'A', sizeof digits - 1);
  digits[sizeof digits - 1] = '\0';
  message_is(f, "encrypt", "RSA-OAEP", digits, "Property  has invalid value\r\n");
  message_is(f, "sign", "RS256", "AAAA", "Property  has invalid value\r\n");
  message_is(f, "sign", "RSA-OAEP", "AAAA", "Key and encryption algorithm are incompatible: RSA-OAEP");
  message_is(f, "encrypt", "RS256", "AAAA", "Key and encryption algorithm are incompatible: RS256");
  message_is(f, "encrypt", "RSA-OAEP-512", "AAAA", "Key and encryption algorithm are incompatible: RSA-OAEP-512");
}

static void incomplete_bodies_are_refused(void **state) {
  static const char *const bodies[] = {"",
                                       "{}",
                                       "[]",
                                       "x",
                                       "{\"alg\":\"RSA-OAEP\"}",
                                       "{\"value\":\"AAAA\"}",
                                       "{\"alg\":1,\"value\":\"AAAA\"}",
                                       "{\"alg\":\"RSA-OAEP\",\"value\":1}",
                                       "{\"alg\":\"RSA-OAEP\",\"value\":null}"};
  vault_fixture *f = *state;
  for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
    https_answer answer;
    call(f, "POST", "/keys/azure/encrypt", bodies[i], &answer);
    vault_fixture_expect(&answer, 400, "BadParameter", NULL);
    https_answer_clear(&answer);
  }
  https_answer answer;
  call(f, "POST", "/keys/azure/verify", "{\"alg\":\"RS256\",\"value\":\"AAAA\"}", &answer);
  vault_fixture_expect(&answer, 400, "BadParameter", NULL);
  https_answer_clear(&answer);
}

static void a_disabled_key_does_nothing(void **state) {
  static const char *const operations[] = {"encrypt", "decrypt", "wrapkey", "unwrapkey", "sign", "verify"};
  vault_fixture *f = *state;
  must(f, "PATCH", "/keys/azure", "{\"attributes\":{\"enabled\":false}}");
  for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
    refused(f, "azure", operations[i], "RSA-OAEP", "AAAA", 403, "Forbidden", "KeyDisabled");
  }
  must(f, "GET", "/keys/azure", NULL);
  must(f, "PATCH", "/keys/azure", "{\"attributes\":{\"enabled\":true}}");
  https_answer answer;
  operate(f, "azure", "wrapkey", "RSA-OAEP", "AAAA", &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
}

static void a_key_does_only_its_operations(void **state) {
  static const char *const operations[] = {"encrypt", "decrypt", "wrapkey", "unwrapkey", "sign"};
  vault_fixture *f = *state;
  must(f, "PATCH", "/keys/azure", "{\"key_ops\":[\"verify\"]}");
  for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
    refused(f, "azure", operations[i], "RSA-OAEP", "AAAA", 403, "Forbidden", "KeyOperationForbidden");
  }
  must(f, "PATCH", "/keys/azure",
       "{\"key_ops\":[\"encrypt\",\"decrypt\",\"sign\",\"verify\",\"wrapKey\",\"unwrapKey\"]}");
}

/* What makes new secrets stops at a key's end; what reads old ones goes on. */
static void times_stop_new_data_only(void **state) {
  static const char *const stopped[] = {"encrypt", "wrapkey", "sign"};
  static const char *const going_on[] = {"decrypt", "unwrapkey", "verify"};
  vault_fixture *f = *state;
  const int64_t now = f->clock.wall_s;
  char body[128];
  for (int late = 0; late < 2; late++) {
    (void)snprintf(body, sizeof body, "{\"attributes\":{\"nbf\":%lld,\"exp\":%lld}}",
                   (long long)(late ? 1 : now + DAY_S), (long long)(late ? now - DAY_S : now + 2 * DAY_S));
    must(f, "PATCH", "/keys/azure", body);
    for (size_t i = 0; i < 3; i++) {
      refused(f, "azure", stopped[i], "RSA-OAEP", "AAAA", 403, "Forbidden", late ? "KeyExpired" : "KeyNotYetValid");
      https_answer answer; /* past the rule, where the data is looked at */
      operate(f, "azure", going_on[i], i == 2 ? "RS256" : "RSA-OAEP", "AAAA", &answer);
      assert_int_equal(answer.status, 400);
      https_answer_clear(&answer);
    }
  }
  (void)snprintf(body, sizeof body, "{\"attributes\":{\"nbf\":1,\"exp\":%lld}}", (long long)now - 299); /* the leeway */
  must(f, "PATCH", "/keys/azure", body);
  https_answer answer;
  operate(f, "azure", "wrapkey", "RSA-OAEP", "AAAA", &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
}

static void bad_imports_are_refused(void **state) {
  vault_fixture *f = *state;
  json_t *doc = vectors_load("azure-rsa.json");
  json_t *good = vectors_member(doc, "import_request");
  static const char *const names[] = {"n", "e", "d", "p", "q", "dp", "dq", "qi"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) { /* a number missing, another number, no number */
    for (int how = 0; how < 3; how++) {
      https_answer answer;
      ekm_buf body;
      json_t *bad = json_deep_copy(good);
      json_t *key = ekm_json_object(bad, "key");
      if (how == 0) json_object_del(key, names[i]);
      if (how == 1) json_object_set_new(key, names[i], json_string("AQAD"));
      if (how == 2) json_object_set_new(key, names[i], json_string("!"));
      dump(bad, &body);
      call(f, "PUT", "/keys/bad", ekm_buf_text(&body), &answer);
      vault_fixture_expect(&answer, 400, "BadParameter", NULL);
      https_answer_clear(&answer);
      ekm_buf_clear(&body);
      json_decref(bad);
    }
  }
  static const char *const bodies[] = {"{}", "{\"key\":1}", "{\"key\":{}}", "{\"key\":{\"kty\":\"RSA\"}}",
                                       "{\"key\":{\"kty\":\"RSA-HSM\",\"key_hsm\":\"AAAA\"}}"};
  for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
    https_answer answer;
    call(f, "PUT", "/keys/bad", bodies[i], &answer);
    vault_fixture_expect(&answer, 400, "BadParameter", NULL);
    https_answer_clear(&answer);
  }
  https_answer answer;
  call(f, "PUT", "/keys/bad", "{\"key\":{\"kty\":\"oct\",\"k\":\"AAAA\"}}", &answer);
  vault_fixture_expect(&answer, 400, "BadParameter", "KeyTypeNotSupported");
  https_answer_clear(&answer);
  call(f, "GET", "/keys/bad", NULL, &answer);
  vault_fixture_expect(&answer, 404, "KeyNotFound", NULL);
  https_answer_clear(&answer);
  ekm_json_free(&doc);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_imported_key_looks_as_at_azure),
      cmocka_unit_test(operations_answer_as_azure_did),
      cmocka_unit_test(what_is_wrapped_is_unwrapped),
      cmocka_unit_test(signatures_are_verified),
      cmocka_unit_test(bad_data_is_refused),
      cmocka_unit_test(incomplete_bodies_are_refused),
      cmocka_unit_test(a_disabled_key_does_nothing),
      cmocka_unit_test(a_key_does_only_its_operations),
      cmocka_unit_test(times_stop_new_data_only),
      cmocka_unit_test(bad_imports_are_refused),
  };
  return cmocka_run_group_tests(tests, vault_fixture_set_up, vault_fixture_tear_down);
}
