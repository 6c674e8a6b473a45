/* Keys of imports: the recorded one comes through byte for byte, and what is no key does not. */
#include <stdio.h>
#include <string.h>

#include "support/cmocka_all.h"
#include "support/vectors.h"
#include "vault/jwk.h"

static void the_recorded_key_is_read_as_it_was_written(void **state) {
  ekm_err err = {0};
  vault_jwk jwk;
  ekm_buf n;
  ekm_crypto *crypto = NULL;
  ekm_key *key = NULL;
  (void)state;
  json_t *doc = vectors_load("azure-rsa.json");
  const json_t *recorded = vectors_member(doc, "import_request.key");

  vault_jwk_init(&jwk);
  ekm_buf_init(&n, 600);
  assert_true(vault_jwk_read(recorded, &jwk, &err));
  ekm_rsa_numbers numbers = vault_jwk_view(&jwk);
  vectors_bytes(recorded, "n", &n);
  assert_int_equal(numbers.n.len, 257); /* with its leading zero */
  assert_true(ekm_view_equal(numbers.n, ekm_buf_view(&n)));
  assert_int_equal(numbers.e.len, 3);
  assert_int_equal(numbers.qi.len, 129);

  assert_true(ekm_crypto_new(&crypto, &err));
  assert_true(ekm_key_import_rsa(crypto, &numbers, &key, &err));
  assert_int_equal(ekm_key_bits(key), 2048);
  ekm_key_free(&key);
  ekm_crypto_free(&crypto);
  vault_jwk_clear(&jwk);
  ekm_buf_clear(&n);
  ekm_json_free(&doc);
}

static void check_text(const char *text, bool good, ekm_err_id id) {
  ekm_err err = {0};
  json_t *doc = NULL;
  vault_jwk jwk;
  vault_jwk_init(&jwk);
  assert_true(ekm_json_parse(ekm_view_text(text), &doc, &err));
  assert_int_equal(vault_jwk_read(doc, &jwk, &err), good);
  assert_int_equal(err.id, id);
  vault_jwk_clear(&jwk);
  ekm_json_free(&doc);
}

static void incomplete_keys_are_refused(void **state) {
  (void)state;
  check_text("{\"n\":\"AQ\",\"e\":\"AQAB\",\"d\":\"AQ\"}", true, EKM_E_OK);
  check_text("{}", false, EKM_E_TEXT_ENCODING);
  check_text("{\"n\":\"AQ\",\"e\":\"AQAB\"}", false, EKM_E_TEXT_ENCODING);
  check_text("{\"n\":\"AQ\",\"e\":\"AQAB\",\"d\":\"AQ\",\"p\":\"AQ\"}", false, EKM_E_TEXT_ENCODING);
  check_text(
      "{\"n\":\"AQ\",\"e\":\"AQAB\",\"d\":\"AQ\",\"p\":\"AQ\",\"q\":\"AQ\",\"dp\":\"AQ\",\"dq\":\"AQ\",\"qi\":\"\"}",
      false, EKM_E_TEXT_ENCODING);
  check_text("{\"n\":\"AQ\",\"e\":\"AQAB\",\"d\":1}", false, EKM_E_TEXT_ENCODING);
  check_text("{\"n\":\"A+/Q\",\"e\":\"AQAB\",\"d\":\"AQ\"}", false, EKM_E_TEXT_ENCODING);
}

static void oversized_numbers_are_refused(void **state) {
  char text[2048];
  char digits[1100];
  ekm_err err = {0};
  json_t *doc = NULL;
  vault_jwk jwk;
  (void)state;
  memset(digits, 'A', sizeof digits);
  digits[1000] = '\0';
  vault_jwk_init(&jwk);
  (void)snprintf(text, sizeof text, "{\"n\":\"%s\",\"e\":\"AQAB\",\"d\":\"AQ\"}", digits);
  assert_true(ekm_json_parse(ekm_view_text(text), &doc, &err));
  assert_false(vault_jwk_read(doc, &jwk, &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
  vault_jwk_clear(&jwk);
  ekm_json_free(&doc);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_recorded_key_is_read_as_it_was_written),
      cmocka_unit_test(incomplete_keys_are_refused),
      cmocka_unit_test(oversized_numbers_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
