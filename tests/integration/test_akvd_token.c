/* Keys marked HSM in a token of SoftHSM's: made there, used there, gone with their purge; all others as ever. */
#include <stdio.h>
#include <string.h>

#include "support/cmocka_all.h"
#include "support/soft_token.h"
#include "support/vault_fixture.h"

static void open_token(vault_fixture *f) {
  ekm_err err = {0};
  ekm_secret pin = {0};
  assert_true(ekm_secret_set(&pin, ekm_view_text(SOFT_TOKEN_PIN), &err));
  const ekm_token_options options = {soft_token_module(), SOFT_TOKEN_LABEL, &pin, f->crypto};
  if (!ekm_token_open(&options, &f->token, &err)) fail_msg("%s", err.detail);
  ekm_secret_clear(&pin);
}

static int set_up(void **state) {
  soft_token_make();
  if (vault_fixture_set_up(state) != 0) return -1;
  open_token(*state);
  vault_fixture_restart(*state);
  return 0;
}

static int tear_down(void **state) {
  vault_fixture *f = *state;
  ekm_token *token = f->token;
  f->token = NULL;
  vault_fixture_restart(f); /* without it, so that it can be closed */
  ekm_token_close(&token);
  soft_token_remove();
  return vault_fixture_tear_down(state);
}

static void call(vault_fixture *f, const char *method, const char *path, const char *body, https_answer *out) {
  vault_fixture_call(f, FIXTURE_FULL, method, path, body, out);
}

static void ok(vault_fixture *f, const char *method, const char *path, const char *body, long status) {
  https_answer answer;
  call(f, method, path, body, &answer);
  if (answer.status != status) fail_msg("%s %s: %ld %s", method, path, answer.status, ekm_buf_text(&answer.body));
  https_answer_clear(&answer);
}

static void platform_is(vault_fixture *f, const char *path, const char *platform) {
  https_answer answer;
  call(f, "GET", path, NULL, &answer);
  assert_int_equal(answer.status, 200);
  assert_string_equal(ekm_json_text(ekm_json_object(answer.doc, "attributes"), "hsmPlatform"), platform);
  https_answer_clear(&answer);
}

/* What the vault wraps it unwraps: one half of it outside of the token, the other within. */
static void wraps(vault_fixture *f, const char *name, const char *alg) {
  https_answer wrapped, answer;
  char path[64], body[2048];
  (void)snprintf(path, sizeof path, "/keys/%s/wrapkey", name);
  (void)snprintf(body, sizeof body, "{\"alg\":\"%s\",\"value\":\"c2VjcmV0\"}", alg);
  call(f, "POST", path, body, &wrapped);
  assert_int_equal(wrapped.status, 200);
  (void)snprintf(path, sizeof path, "/keys/%s/unwrapkey", name);
  (void)snprintf(body, sizeof body, "{\"alg\":\"%s\",\"value\":\"%s\"}", alg, ekm_json_text(wrapped.doc, "value"));
  call(f, "POST", path, body, &answer);
  if (answer.status != 200) fail_msg("%s: %s", alg, ekm_buf_text(&answer.body));
  assert_string_equal(ekm_json_text(answer.doc, "value"), "c2VjcmV0");
  https_answer_clear(&answer);
  https_answer_clear(&wrapped);
}

static void keys_marked_hsm_live_in_the_token(void **state) {
  vault_fixture *f = *state;
  static const char *const algs[] = {"RSA-OAEP-256", "RSA-OAEP", "RSA1_5"};
  ok(f, "POST", "/keys/hard/create", "{\"kty\":\"RSA-HSM\"}", 200);
  ok(f, "POST", "/keys/soft/create", "{\"kty\":\"RSA\"}", 200);
  platform_is(f, "/keys/hard", "1");
  platform_is(f, "/keys/soft", "0");
  for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) wraps(f, "hard", algs[i]);
  vault_fixture_restart(f);
  wraps(f, "hard", "RSA-OAEP-256");
  platform_is(f, "/keys/hard", "1");
}

static void what_is_wrong_is_refused_as_ever(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  char body[512];
  int len = snprintf(body, sizeof body, "{\"alg\":\"RSA-OAEP-256\",\"value\":\"");
  memset(body + len, 'A', 342);
  (void)snprintf(body + len + 342, sizeof body - (size_t)len - 342, "\"}");
  call(f, "POST", "/keys/hard/unwrapkey", body, &answer);
  vault_fixture_expect(&answer, 400, "BadParameter", NULL);
  assert_non_null(strstr(ekm_buf_text(&answer.body), "The parameter is incorrect."));
  https_answer_clear(&answer);
}

static void ec_keys_sign_there(void **state) {
  vault_fixture *f = *state;
  https_answer signature, answer;
  char body[512];
  ok(f, "POST", "/keys/curve/create", "{\"kty\":\"EC-HSM\",\"crv\":\"P-384\"}", 200);
  platform_is(f, "/keys/curve", "1");
  const char *digest = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  (void)snprintf(body, sizeof body, "{\"alg\":\"ES384\",\"value\":\"%s\"}", digest);
  call(f, "POST", "/keys/curve/sign", body, &signature);
  assert_int_equal(signature.status, 200);
  (void)snprintf(body, sizeof body, "{\"alg\":\"ES384\",\"digest\":\"%s\",\"value\":\"%s\"}", digest,
                 ekm_json_text(signature.doc, "value"));
  call(f, "POST", "/keys/curve/verify", body, &answer);
  assert_true(ekm_json_bool(answer.doc, "value", false));
  https_answer_clear(&answer);
  https_answer_clear(&signature);
}

static void rotation_and_attributes_work_there(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  ok(f, "PATCH", "/keys/hard", "{\"attributes\":{\"enabled\":false}}", 200);
  ok(f, "PATCH", "/keys/hard", "{\"attributes\":{\"enabled\":true}}", 200);
  wraps(f, "hard", "RSA-OAEP-256");
  ok(f, "POST", "/keys/hard/rotate", "", 200);
  platform_is(f, "/keys/hard", "1");
  wraps(f, "hard", "RSA-OAEP-256");
  call(f, "POST", "/keys/hard/backup", "", &answer);
  vault_fixture_expect(&answer, 400, "BadParameter", NULL);
  assert_non_null(strstr(ekm_buf_text(&answer.body), "A backup of a key in a token"));
  https_answer_clear(&answer);
}

static void without_the_token_its_keys_do_nothing(void **state) {
  vault_fixture *f = *state;
  ekm_token *token = f->token;
  f->token = NULL;
  vault_fixture_restart(f);
  ok(f, "POST", "/keys/hard/unwrapkey", "{\"alg\":\"RSA-OAEP-256\",\"value\":\"AAAA\"}", 503);
  wraps(f, "soft", "RSA-OAEP-256");
  ok(f, "GET", "/keys", NULL, 200);
  assert_non_null(strstr(ekm_buf_text(&f->log_text), "--token-module"));
  f->token = token;
  vault_fixture_restart(f);
  wraps(f, "hard", "RSA-OAEP-256");
}

static void a_purge_ends_them_in_the_token_too(void **state) {
  vault_fixture *f = *state;
  ekm_err err = {0};
  const vault_key *key = NULL;
  ekm_buf out;
  uint8_t digest[48] = {0};
  const vault_directory *dir = NULL;
  ekm_buf_init(&out, 1024);
  assert_true(vault_store_directory(f->store, &dir, &err));
  int64_t local = vault_directory_vault_by_name(dir, "local")->id;
  vault_directory_release(&dir);
  assert_true(vault_store_key_get(f->store, local, "curve", NULL, &key, &err));
  assert_true(vault_material_in_token(key->material));
  ekm_view view = ekm_view_of(digest, sizeof digest);
  assert_true(vault_material_sign(key->material, "ES384", view, &out, &err));
  ok(f, "DELETE", "/keys/curve", NULL, 200);
  assert_true(vault_material_sign(key->material, "ES384", view, &out, &err)); /* it may come back */
  ok(f, "DELETE", "/deletedkeys/curve", NULL, 204);
  assert_false(vault_material_sign(key->material, "ES384", view, &out, &err));
  assert_int_equal(err.id, EKM_E_TOKEN);
  vault_key_release(&key);
  ekm_buf_clear(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keys_marked_hsm_live_in_the_token),
      cmocka_unit_test(what_is_wrong_is_refused_as_ever),
      cmocka_unit_test(ec_keys_sign_there),
      cmocka_unit_test(rotation_and_attributes_work_there),
      cmocka_unit_test(without_the_token_its_keys_do_nothing),
      cmocka_unit_test(a_purge_ends_them_in_the_token_too),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
