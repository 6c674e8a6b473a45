/* get, create and delete. */
#include <stdio.h>
#include <string.h>

#include "keyvault_fixture.h"
#include "support/memory_gate.h"

#define BUNDLE_OF(kid, kty, rest) \
  "{\"key\":{\"kid\":\"" kid "\",\"kty\":\"" kty "\"" rest "},\"attributes\":{\"enabled\":false}}"
#define NUMBERS ",\"n\":\"AMAB\",\"e\":\"AQAB\""
#define GET_URL BASE "/keys/k/?api-version=7.4"
#define VERSION_URL BASE "/keys/k/" VERSION "?api-version=7.4"
#define LIST_URL BASE "/keys/k/versions?api-version=7.4&maxresults=25"
#define CREATE_URL BASE "/keys/k/create?api-version=7.4"
#define NOT_FOUND "{\"error\":{\"code\":\"KeyNotFound\",\"message\":\"A key with (name/id) k was not found\"}}"
#define ITEM(version) "{\"kid\":\"" BASE "/keys/k/" version "\"}"

static void a_key_is_read_whole(void **state) {
  const scripted_step steps[] = {
      SIGN_IN,
      {"GET", GET_URL, NULL, TOKEN, .status = 200,
       .answer = BUNDLE_OF("https://V.vault.azure.net:443/keys/K/" VERSION, "RSA-HSM", NUMBERS)},
      {"GET", VERSION_URL, NULL, TOKEN, .status = 200, .answer = BUNDLE_OF(KID, "EC", ",\"crv\":\"P-256\"")}};
  keyvault_fixture f;
  akv_key key;
  char first_id[64];
  (void)state;
  START(&f, steps);
  akv_key_init(&key);
  assert_true(akv_get_key(f.client, "k", NULL, &f.call, &key, &f.err));
  assert_string_equal(key.name, "K"); /* as spelt at creation */
  assert_string_equal(key.version, VERSION);
  assert_true(key.is_rsa);
  assert_false(key.enabled);
  assert_true(ekm_view_equal(ekm_buf_view(&key.n), ekm_view_of("\x00\xc0\x01", 3)));
  assert_true(ekm_view_equal(ekm_buf_view(&key.e), ekm_view_of("\x01\x00\x01", 3)));
  assert_int_equal(strlen(f.script.last_request_id), 36);
  memcpy(first_id, f.script.last_request_id, sizeof first_id);
  assert_true(akv_get_key(f.client, "k", VERSION, &f.call, &key, &f.err));
  assert_false(key.is_rsa);
  assert_int_equal(key.n.len, 0);
  assert_string_not_equal(first_id, f.script.last_request_id);
  akv_key_clear(&key);
  keyvault_fixture_end(&f);
}

static void answers_about_other_things_are_refused(void **state) {
  static const struct {
    const char *answer;
    ekm_err_id expected;
  } rows[] = {
      {BUNDLE_OF(BASE "/keys/other/" VERSION, "RSA", NUMBERS), EKM_E_KEY_ANSWER},
      {BUNDLE_OF(BASE "/keys/k/" OTHER_VERSION, "RSA", NUMBERS), EKM_E_KEY_ANSWER},
      {BUNDLE_OF("https://evil.example/keys/k/" VERSION, "RSA", NUMBERS), EKM_E_KEY_ANSWER},
      {BUNDLE_OF("http://" HOST "/keys/k/" VERSION, "RSA", NUMBERS), EKM_E_KEY_ANSWER},
      {BUNDLE_OF(BASE "/secrets/k/" VERSION, "RSA", NUMBERS), EKM_E_KEY_ANSWER},
      {BUNDLE_OF(BASE "/keys/k", "RSA", NUMBERS), EKM_E_KEY_ANSWER},
      {BUNDLE_OF(BASE "/keys/k/abc", "RSA", NUMBERS), EKM_E_KEY_ANSWER},
      {BUNDLE_OF(KID "/x", "RSA", NUMBERS), EKM_E_KEY_ANSWER},
      {BUNDLE_OF("", "RSA", NUMBERS), EKM_E_KEY_ANSWER},
      {BUNDLE_OF(KID, "RSA", ""), EKM_E_KEY_ANSWER},
      {BUNDLE_OF(KID, "RSA", ",\"n\":\"\",\"e\":\"AQAB\""), EKM_E_KEY_ANSWER},
      {BUNDLE_OF(KID, "RSA", ",\"n\":\"!!\",\"e\":\"AQAB\""), EKM_E_KEY_ANSWER},
      {"{}", EKM_E_KEY_ANSWER},
      {"{\"key\":{}}", EKM_E_KEY_ANSWER},
      {"{\"key\":\"text\"}", EKM_E_KEY_ANSWER},
      {"<html>portal</html>", EKM_E_ANSWER_NOT_JSON},
      {"{\"key\":{\"kid\":\"" KID, EKM_E_ANSWER_NOT_JSON},
      {"", EKM_E_ANSWER_NOT_JSON},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const scripted_step steps[] = {SIGN_IN, {"GET", VERSION_URL, NULL, TOKEN, .status = 200, .answer = rows[i].answer}};
    keyvault_fixture f;
    akv_key key;
    START(&f, steps);
    akv_key_init(&key);
    assert_false(akv_get_key(f.client, "k", VERSION, &f.call, &key, &f.err));
    if (f.err.id != rows[i].expected) fail_msg("%s: %s", rows[i].answer, ekm_err_info_of(f.err.id)->name);
    akv_key_clear(&key);
    keyvault_fixture_end(&f);
  }
}

static void an_oversized_number_is_refused(void **state) {
  char answer[3000];
  scripted_step steps[] = {SIGN_IN, {"GET", VERSION_URL, NULL, TOKEN, .status = 200, .answer = answer}};
  keyvault_fixture f;
  akv_key key;
  (void)state;
  (void)snprintf(answer, sizeof answer, BUNDLE_OF(KID, "RSA", ",\"n\":\"%02000d\",\"e\":\"AQAB\""), 0);
  START(&f, steps);
  akv_key_init(&key);
  assert_false(akv_get_key(f.client, "k", VERSION, &f.call, &key, &f.err));
  assert_int_equal(f.err.id, EKM_E_KEY_ANSWER);
  akv_key_clear(&key);
  keyvault_fixture_end(&f);
}

static void bad_names_never_reach_a_url(void **state) {
  static const struct {
    const char *name, *version;
    ekm_err_id expected;
  } rows[] = {
      {"", NULL, EKM_E_KEY_NAME_BAD},
      {"a/b", NULL, EKM_E_KEY_NAME_BAD},
      {"..", NULL, EKM_E_KEY_NAME_BAD},
      {"k?x=y", NULL, EKM_E_KEY_NAME_BAD},
      {"k\r\n", NULL, EKM_E_KEY_NAME_BAD},
      {"k_1", NULL, EKM_E_KEY_NAME_BAD},
      {"sch\xc3\xb6n", NULL, EKM_E_KEY_NAME_BAD},
      {"k", "", EKM_E_KEY_NAME_BAD},
      {"k", "xyz", EKM_E_KEY_NAME_BAD},
      {"k", VERSION "0", EKM_E_KEY_NAME_BAD},
  };
  char longest[EKM_LIMIT_KEY_NAME_CHARS + 2];
  keyvault_fixture f;
  akv_key key;
  (void)state;
  keyvault_fixture_start(&f, NULL, NULL, 0);
  akv_key_init(&key);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    assert_false(akv_get_key(f.client, rows[i].name, rows[i].version, &f.call, &key, &f.err));
    assert_int_equal(f.err.id, rows[i].expected);
  }
  memset(longest, 'k', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  assert_false(akv_create_key(f.client, longest, AKV_RSA, 2048, &f.call, &key, &f.err));
  assert_int_equal(f.err.id, EKM_E_KEY_NAME_TOO_LONG);
  assert_false(akv_delete_key(f.client, "a/b", &f.call, &f.err));
  assert_int_equal(f.err.id, EKM_E_KEY_NAME_BAD);
  akv_key_clear(&key);
  keyvault_fixture_end(&f);
}

#define LOOK \
  { "GET", GET_URL, NULL, TOKEN, .status = 404, .answer = NOT_FOUND }
#define CREATE_BODY "{\"kty\":\"RSA\",\"key_size\":3072,\"key_ops\":[\"wrapKey\",\"unwrapKey\"]}"
#define CREATE \
  { "POST", CREATE_URL, CREATE_BODY, TOKEN, .status = 200, .answer = BUNDLE_OF(KID, "RSA", NUMBERS) }

/* Create a key under a script; the error's id. */
static ekm_err_id create(const scripted_step *steps, size_t count) {
  keyvault_fixture f;
  akv_key key;
  keyvault_fixture_start(&f, NULL, steps, count);
  akv_key_init(&key);
  bool ok = akv_create_key(f.client, "k", AKV_RSA, 3072, &f.call, &key, &f.err);
  assert_int_equal(ok, key.name[0] != '\0');
  akv_key_clear(&key);
  keyvault_fixture_end(&f);
  return ok ? EKM_E_OK : f.err.id;
}

#define CREATE_WITH(steps) create(steps, sizeof(steps) / sizeof((steps)[0]))

static void a_free_name_is_created(void **state) {
  const scripted_step alone[] = {
      SIGN_IN,
      LOOK,
      CREATE,
      {"GET", LIST_URL, NULL, TOKEN, .status = 200, .answer = "{\"value\":[" ITEM(VERSION) "]}"}};
  const scripted_step blind[] = {SIGN_IN, LOOK, CREATE, {"GET", LIST_URL, NULL, TOKEN, .status = 403}};
  (void)state;
  assert_int_equal(CREATE_WITH(alone), EKM_E_OK);
  assert_int_equal(CREATE_WITH(blind), EKM_E_OK);
}

static void a_taken_name_is_left_alone(void **state) {
  const scripted_step exists[] = {SIGN_IN,
                                  {"GET", GET_URL, NULL, TOKEN, .status = 200, .answer = BUNDLE_OF(KID, "EC", "")}};
  const scripted_step hidden[] = {SIGN_IN, {"GET", GET_URL, NULL, TOKEN, .status = 403}};
  const scripted_step deleted[] = {
      SIGN_IN,
      LOOK,
      {"POST", CREATE_URL, CREATE_BODY, TOKEN, .status = 409,
       .answer = "{\"error\":{\"code\":\"Conflict\",\"innererror\":{\"code\":\"ObjectIsDeletedButRecoverable\"}}}"}};
  const scripted_step raced[] = {SIGN_IN,
                                 LOOK,
                                 CREATE,
                                 {"GET", LIST_URL, NULL, TOKEN, .status = 200,
                                  .answer = "{\"value\":[" ITEM(VERSION) "," ITEM(OTHER_VERSION) "]}"}};
  (void)state;
  assert_int_equal(CREATE_WITH(exists), EKM_E_KEY_EXISTS);
  assert_int_equal(CREATE_WITH(hidden), EKM_E_VAULT_DENIED);
  assert_int_equal(CREATE_WITH(deleted), EKM_E_KEY_DELETED);
  assert_int_equal(CREATE_WITH(raced), EKM_E_KEY_EXISTS);
}

/* Never repeated; and whoever asked is told when the key may exist nevertheless. */
static void create_is_sent_once(void **state) {
  static const struct {
    ekm_err_id fails;
    int status;
    const char *answer;
    ekm_err_id expected;
  } rows[] = {
      {EKM_E_DNS, 0, NULL, EKM_E_DNS},
      {EKM_E_CONNECT, 0, NULL, EKM_E_CONNECT},
      {EKM_E_TLS_HANDSHAKE, 0, NULL, EKM_E_TLS_HANDSHAKE},
      {EKM_E_HOST_DOWN, 0, NULL, EKM_E_HOST_DOWN},
      {EKM_E_HTTP_SEND, 0, NULL, EKM_E_CREATION_UNSURE},
      {EKM_E_HTTP_RECEIVE, 0, NULL, EKM_E_CREATION_UNSURE},
      {EKM_E_DEADLINE, 0, NULL, EKM_E_CREATION_UNSURE},
      {EKM_E_CANCELLED, 0, NULL, EKM_E_CREATION_UNSURE},
      {EKM_E_OUT_OF_MEMORY, 0, NULL, EKM_E_CREATION_UNSURE},
      {EKM_E_OK, 408, NULL, EKM_E_CREATION_UNSURE},
      {EKM_E_OK, 500, NULL, EKM_E_CREATION_UNSURE},
      {EKM_E_OK, 503, NULL, EKM_E_CREATION_UNSURE},
      {EKM_E_OK, 200, "{\"key\":{\"kid\"", EKM_E_CREATION_UNSURE},
      {EKM_E_OK, 200, "<html></html>", EKM_E_CREATION_UNSURE},
      {EKM_E_OK, 200, BUNDLE_OF(BASE "/keys/other/" VERSION, "RSA", NUMBERS), EKM_E_CREATION_UNSURE},
      {EKM_E_OK, 400, NULL, EKM_E_VAULT_BAD_REQUEST},
      {EKM_E_OK, 403, NULL, EKM_E_VAULT_DENIED},
      {EKM_E_OK, 429, NULL, EKM_E_VAULT_THROTTLED},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const scripted_step steps[] = {SIGN_IN,
                                   LOOK,
                                   {"POST", CREATE_URL, CREATE_BODY, TOKEN, .fails = rows[i].fails,
                                    .status = rows[i].status, .answer = rows[i].answer}};
    keyvault_fixture f;
    akv_key key;
    START(&f, steps);
    akv_key_init(&key);
    assert_false(akv_create_key(f.client, "k", AKV_RSA, 3072, &f.call, &key, &f.err));
    if (f.err.id != rows[i].expected) fail_msg("%zu: %s", i, ekm_err_info_of(f.err.id)->name);
    assert_true(f.script.saw_send_once);
    akv_key_clear(&key);
    keyvault_fixture_end(&f);
  }
}

/* A 401 is a definite no: the creation goes out again, with a new token; without one nothing is in doubt. */
static void a_creation_that_was_rejected_was_none(void **state) {
  const scripted_step again[] = {SIGN_IN,   LOOK,   {"POST", CREATE_URL, CREATE_BODY, TOKEN, .status = 401},
                                 ASK_TOKEN, CREATE, {"GET", LIST_URL, NULL, TOKEN, .status = 403}};
  const scripted_step no_token[] = {SIGN_IN,
                                    LOOK,
                                    {"POST", CREATE_URL, CREATE_BODY, TOKEN, .status = 401},
                                    {"POST", TOKEN_URL, "", NULL, .fails = EKM_E_HTTP_RECEIVE}};
  (void)state;
  assert_int_equal(CREATE_WITH(again), EKM_E_OK);
  assert_int_equal(CREATE_WITH(no_token), EKM_E_HTTP_RECEIVE);
}

static void delete_deletes(void **state) {
  const scripted_step steps[] = {
      SIGN_IN,
      {"DELETE", BASE "/keys/k?api-version=7.4", NULL, TOKEN, .status = 200, .answer = "{}"},
      {"DELETE", BASE "/keys/k?api-version=7.4", NULL, TOKEN, .status = 404, .answer = NOT_FOUND}};
  keyvault_fixture f;
  (void)state;
  START(&f, steps);
  assert_true(akv_delete_key(f.client, "k", &f.call, &f.err));
  assert_true(f.script.saw_send_once); /* a second one would find nothing and say so */
  assert_false(akv_delete_key(f.client, "k", &f.call, &f.err));
  assert_int_equal(f.err.id, EKM_E_KEY_NOT_FOUND);
  keyvault_fixture_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_key_is_read_whole),
      cmocka_unit_test(answers_about_other_things_are_refused),
      cmocka_unit_test(an_oversized_number_is_refused),
      cmocka_unit_test(bad_names_never_reach_a_url),
      cmocka_unit_test(a_free_name_is_created),
      cmocka_unit_test(a_taken_name_is_left_alone),
      cmocka_unit_test(create_is_sent_once),
      cmocka_unit_test(a_creation_that_was_rejected_was_none),
      cmocka_unit_test(delete_deletes),
  };
  return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
