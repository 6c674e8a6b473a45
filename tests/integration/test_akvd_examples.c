/* The example requests of the published OpenAPI 7.5 (tests/vectors/akv-7.5) against akvd: what is sent is theirs, and
 * what comes back has the members of their answer, in their order and of their types.
 *
 * Three things of theirs cannot be taken as they are: keys that only Azure has (the ciphertexts of decrypt and
 * unwrapKey, and signatures), names of versions, and verify-example, which has digest and value the wrong way round. */
#include <stdio.h>
#include <string.h>

#include "support/cmocka_all.h"
#include "support/vault_fixture.h"
#include "support/vectors.h"

static json_t *load(const char *name) {
  char path[128];
  (void)snprintf(path, sizeof path, "akv-7.5/examples/%s-example.json", name);
  return vectors_load(path);
}

/* Members that the real service sends and the older examples do not have. */
static bool is_newer(const char *name) {
  return strcmp(name, "recoverableDays") == 0 || strcmp(name, "hsmPlatform") == 0;
}

/* The same members of the same types in the same order; the values are ours. */
static void same_shape(json_t *ours, json_t *theirs) {
  assert_int_equal(json_typeof(ours), json_typeof(theirs));
  if (json_is_array(ours) && json_array_size(theirs) > 0 && json_array_size(ours) > 0) {
    same_shape(json_array_get(ours, 0), json_array_get(theirs, 0));
  }
  if (!json_is_object(ours)) return;
  void *each = json_object_iter(ours);
  for (void *other = json_object_iter(theirs); other != NULL; other = json_object_iter_next(theirs, other)) {
    while (each != NULL && is_newer(json_object_iter_key(each))) each = json_object_iter_next(ours, each);
    assert_non_null(each);
    assert_string_equal(json_object_iter_key(each), json_object_iter_key(other));
    same_shape(json_object_iter_value(each), json_object_iter_value(other));
    each = json_object_iter_next(ours, each);
  }
  while (each != NULL && is_newer(json_object_iter_key(each))) each = json_object_iter_next(ours, each);
  assert_null(each);
}

/* Send the body of ${example} (or ${body}, if there is one) to ${path} and compare the answer's shape with its own. */
static void replay(vault_fixture *f, const char *example, const char *method, const char *path, const json_t *body,
                   https_answer *out) {
  ekm_err err = {0};
  char full[512];
  ekm_buf text;
  json_t *doc = load(example);
  const json_t *parameters = vectors_member(doc, "parameters");
  const json_t *sent = body != NULL ? body : json_object_get(parameters, "parameters");
  ekm_buf_init(&text, 65536);
  if (sent != NULL) assert_true(ekm_json_write(sent, &text, &err));
  (void)snprintf(full, sizeof full, "%s%sapi-version=%s", path, strchr(path, '?') == NULL ? "?" : "&",
                 ekm_json_text(parameters, "api-version"));
  vault_fixture_call(f, FIXTURE_FULL, method, full, sent == NULL ? NULL : ekm_buf_text(&text), out);
  assert_int_equal(out->status, 200);
  same_shape(out->doc, vectors_member(doc, "responses.200.body"));
  ekm_buf_clear(&text);
  ekm_json_free(&doc);
}

static void examples_of_keys(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  replay(f, "CreateKey", "POST", "/keys/CreateSoftKeyTest/create", NULL, &answer);
  https_answer_clear(&answer);
  replay(f, "GetKey", "GET", "/keys/CreateSoftKeyTest/", NULL, &answer);
  https_answer_clear(&answer);
  replay(f, "ImportKey", "PUT", "/keys/ImportSoftKeyTest", NULL, &answer);
  json_t *doc = load("ImportKey");
  const json_t *theirs = vectors_member(doc, "responses.200.body.key");
  assert_true(json_equal(json_object_get(ekm_json_object(answer.doc, "key"), "n"), json_object_get(theirs, "n")));
  assert_true(
      json_equal(json_object_get(ekm_json_object(answer.doc, "key"), "key_ops"), json_object_get(theirs, "key_ops")));
  ekm_json_free(&doc);
  https_answer_clear(&answer);
}

static void examples_of_lists(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  vault_fixture_call(f, FIXTURE_FULL, "POST", "/keys/listkeyversionstest/create", "{\"kty\":\"RSA\"}", &answer);
  https_answer_clear(&answer);
  vault_fixture_call(f, FIXTURE_FULL, "POST", "/keys/listkeyversionstest/create", "{\"kty\":\"RSA\"}", &answer);
  https_answer_clear(&answer);
  replay(f, "GetKeyVersions", "GET", "/keys/listkeyversionstest/versions?maxresults=1", NULL, &answer);
  https_answer_clear(&answer);
  replay(f, "UpdateKey", "PATCH", "/keys/listkeyversionstest", NULL, &answer);
  const json_t *attributes = ekm_json_object(answer.doc, "attributes");
  assert_false(ekm_json_bool(attributes, "enabled", true));
  assert_int_equal(ekm_json_int(attributes, "nbf", 0), 631180800);
  assert_int_equal(ekm_json_int(attributes, "exp", 0), 662716800);
  https_answer_clear(&answer);
}

/* {"alg":..., "value": ${value}} of an example, and with a digest for verify. */
static json_t *body_with(const char *example, json_t *value, json_t *digest) {
  json_t *doc = load(example);
  json_t *body = json_deep_copy(vectors_member(doc, "parameters.parameters"));
  json_object_set(body, "value", value);
  if (digest != NULL) json_object_set(body, "digest", digest);
  ekm_json_free(&doc);
  return body;
}

/* There: as they sent it. Back: what we made of it, which gives their value again. */
static void there_and_back(vault_fixture *f, const char *there, const char *back) {
  char path[128];
  https_answer made, answer;
  json_t *doc = load(there);
  (void)snprintf(path, sizeof path, "/keys/ImportSoftKeyTest/%s", there);
  replay(f, there, "POST", path, NULL, &made);
  json_t *body = body_with(back, json_object_get(made.doc, "value"), NULL);
  json_object_set(body, "alg", json_object_get(vectors_member(doc, "parameters.parameters"), "alg"));
  (void)snprintf(path, sizeof path, "/keys/ImportSoftKeyTest/%s", back);
  replay(f, back, "POST", path, body, &answer);
  assert_true(json_equal(json_object_get(answer.doc, "value"),
                         json_object_get(vectors_member(doc, "parameters.parameters"), "value")));
  https_answer_clear(&made);
  https_answer_clear(&answer);
  json_decref(body);
  ekm_json_free(&doc);
}

static void examples_of_encryption(void **state) {
  there_and_back(*state, "encrypt", "decrypt");
  there_and_back(*state, "wrapKey", "unwrapKey");
}

static void examples_of_signatures(void **state) {
  vault_fixture *f = *state;
  https_answer signature, answer;
  json_t *doc = load("sign");
  replay(f, "sign", "POST", "/keys/ImportSoftKeyTest/sign", NULL, &signature);
  json_t *body = body_with("verify", json_object_get(signature.doc, "value"),
                           json_object_get(vectors_member(doc, "parameters.parameters"), "value"));
  replay(f, "verify", "POST", "/keys/ImportSoftKeyTest/verify", body, &answer);
  assert_true(ekm_json_bool(answer.doc, "value", false));
  https_answer_clear(&signature);
  https_answer_clear(&answer);
  json_decref(body);
  ekm_json_free(&doc);
}

/* Last, because a key is gone meanwhile. */
static void examples_of_deletion(void **state) {
  static const char *const steps[][3] = {{"DeleteKey", "DELETE", "/keys/CreateSoftKeyTest"},
                                         {"GetDeletedKey", "GET", "/deletedkeys/CreateSoftKeyTest"},
                                         {"GetDeletedKeys", "GET", "/deletedkeys?maxresults=1"},
                                         {"RecoverDeletedKey", "POST", "/deletedkeys/CreateSoftKeyTest/recover"}};
  https_answer answer;
  /* The first of the list has no tags, as in the example, and there is a page behind it. */
  vault_fixture_call(*state, FIXTURE_FULL, "POST", "/keys/A/create?api-version=7.5", "{\"kty\":\"RSA\"}", &answer);
  https_answer_clear(&answer);
  vault_fixture_call(*state, FIXTURE_FULL, "DELETE", "/keys/A?api-version=7.5", NULL, &answer);
  https_answer_clear(&answer);
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    replay(*state, steps[i][0], steps[i][1], steps[i][2], NULL, &answer);
    https_answer_clear(&answer);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(examples_of_keys),       cmocka_unit_test(examples_of_lists),
      cmocka_unit_test(examples_of_encryption), cmocka_unit_test(examples_of_signatures),
      cmocka_unit_test(examples_of_deletion),
  };
  return cmocka_run_group_tests(tests, vault_fixture_set_up, vault_fixture_tear_down);
}
