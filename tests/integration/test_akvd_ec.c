/* Elliptic-curve keys in the vault: their JWK, the key of RFC 7515 appendix A.3 with the signature that is printed
 * there, and what an algorithm says to a key that is not for it. */
#include <stdio.h>
#include <string.h>

#include "base/b64url.h"
#include "support/cmocka_all.h"
#include "support/vault_fixture.h"

/* RFC 7515 appendix A.3.1: the key, the SHA-256 of the signing input, and the signature of the example. */
#define RFC7515_KEY                                                                         \
  "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
  "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\""
#define RFC7515_INPUT     \
  "eyJhbGciOiJFUzI1NiJ9." \
  "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define RFC7515_SIGNATURE "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

static void call(vault_fixture *f, const char *method, const char *path, const char *body, https_answer *out) {
  vault_fixture_call(f, FIXTURE_FULL, method, path, body, out);
}

static void refused(vault_fixture *f, const char *method, const char *path, const char *body, const char *message) {
  https_answer answer;
  call(f, method, path, body, &answer);
  vault_fixture_expect(&answer, 400, "BadParameter", NULL);
  const char *said = ekm_json_text(ekm_json_object(answer.doc, "error"), "message");
  if (strstr(said, message) == NULL) fail_msg("%s %s: %s", method, path, said);
  https_answer_clear(&answer);
}

static const struct {
  const char *crv, *alg;
  size_t number_chars, digest_bytes, signature_chars;
} curves[] = {{"P-256", "ES256", 43, 32, 86},
              {"P-384", "ES384", 64, 48, 128},
              {"P-521", "ES512", 88, 64, 176},
              {"P-256K", "ES256K", 43, 32, 86}};

/* A digest of ${bytes} zero bytes. */
static void zero_digest(size_t bytes, char out[100]) {
  size_t chars = (bytes * 8 + 5) / 6;
  memset(out, 'A', chars);
  out[chars] = '\0';
}

static void sign_and_verify(vault_fixture *f, size_t row) {
  https_answer signature, answer;
  char path[64], digest[100], body[512];
  zero_digest(curves[row].digest_bytes, digest);
  (void)snprintf(path, sizeof path, "/keys/ec-%zu/sign", row);
  (void)snprintf(body, sizeof body, "{\"alg\":\"%s\",\"value\":\"%s\"}", curves[row].alg, digest);
  call(f, "POST", path, body, &signature);
  assert_int_equal(signature.status, 200);
  const char *value = ekm_json_text(signature.doc, "value");
  assert_int_equal(strlen(value), curves[row].signature_chars);
  (void)snprintf(path, sizeof path, "/keys/ec-%zu/verify", row);
  for (int right = 0; right < 2; right++) {
    digest[0] = right ? 'A' : 'B';
    (void)snprintf(body, sizeof body, "{\"alg\":\"%s\",\"digest\":\"%s\",\"value\":\"%s\"}", curves[row].alg, digest,
                   value);
    call(f, "POST", path, body, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(ekm_json_bool(answer.doc, "value", false), right);
    https_answer_clear(&answer);
  }
  https_answer_clear(&signature);
}

static void keys_of_every_curve_sign(void **state) {
  vault_fixture *f = *state;
  for (size_t row = 0; row < sizeof curves / sizeof curves[0]; row++) {
    https_answer made, again;
    char path[64], body[128];
    (void)snprintf(path, sizeof path, "/keys/ec-%zu/create", row);
    (void)snprintf(body, sizeof body, "{\"kty\":\"EC\",\"crv\":\"%s\"}", curves[row].crv);
    call(f, "POST", path, body, &made);
    assert_int_equal(made.status, 200);
    const json_t *jwk = ekm_json_object(made.doc, "key");
    assert_string_equal(ekm_json_text(jwk, "kty"), "EC");
    assert_string_equal(ekm_json_text(jwk, "crv"), curves[row].crv);
    assert_int_equal(strlen(ekm_json_text(jwk, "x")), curves[row].number_chars);
    assert_int_equal(strlen(ekm_json_text(jwk, "y")), curves[row].number_chars);
    assert_null(json_object_get(jwk, "n"));
    assert_null(json_object_get(jwk, "d"));
    assert_int_equal(json_array_size(json_object_get(jwk, "key_ops")), 2);
    (void)snprintf(path, sizeof path, "/keys/ec-%zu", row);
    call(f, "GET", path, NULL, &again);
    assert_true(json_equal(made.doc, again.doc));
    https_answer_clear(&made);
    https_answer_clear(&again);
    sign_and_verify(f, row);
  }
  vault_fixture_restart(f);
  for (size_t row = 0; row < sizeof curves / sizeof curves[0]; row++) sign_and_verify(f, row);
}

static void an_imported_key_verifies_what_it_signed_elsewhere(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  uint8_t digest[EKM_SHA256_BYTES];
  ekm_err err = {0};
  ekm_buf body;
  call(f, "PUT", "/keys/rfc7515", "{\"key\":{" RFC7515_KEY "}}", &answer);
  assert_int_equal(answer.status, 200);
  assert_string_equal(ekm_json_text(ekm_json_object(answer.doc, "key"), "x"),
                      "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
  https_answer_clear(&answer);

  ekm_buf_init(&body, 4096);
  assert_true(ekm_crypto_sha256(f->crypto, ekm_view_text(RFC7515_INPUT), digest, &err));
  ekm_buf_append_text(&body, "{\"alg\":\"ES256\",\"value\":\"" RFC7515_SIGNATURE "\",\"digest\":\"");
  ekm_b64url_encode(ekm_view_of(digest, sizeof digest), &body);
  ekm_buf_append_text(&body, "\"}");
  call(f, "POST", "/keys/rfc7515/verify", ekm_buf_text(&body), &answer);
  assert_true(ekm_json_bool(answer.doc, "value", false));
  https_answer_clear(&answer);
  ekm_buf_clear(&body);
}

static void numbers_that_are_no_key_are_refused(void **state) {
  static const char jwk_message[] = "must be a valid JsonWebKey object";
  vault_fixture *f = *state;
  refused(f, "PUT", "/keys/bad", "{\"key\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\",\"d\":\"AQ\"}}",
          jwk_message);
  refused(f, "PUT", "/keys/bad", "{\"key\":{\"kty\":\"EC\",\"x\":\"AA\",\"y\":\"AA\",\"d\":\"AQ\"}}", jwk_message);
  refused(f, "PUT", "/keys/bad", "{\"key\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}}", jwk_message);
  refused(f, "PUT", "/keys/bad", "{\"key\":{\"kty\":\"EC\",\"crv\":\"P-9\",\"x\":\"AA\",\"y\":\"AA\",\"d\":\"AQ\"}}",
          "Invalid crv value: P-9");
}

static void algorithms_are_for_their_keys(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  call(f, "POST", "/keys/curve/create", "{\"kty\":\"EC\",\"key_ops\":[\"sign\",\"verify\",\"encrypt\"]}", &answer);
  assert_string_equal(ekm_json_text(ekm_json_object(answer.doc, "key"), "crv"), "P-256"); /* the default */
  https_answer_clear(&answer);
  call(f, "POST", "/keys/modulus/create", "{\"kty\":\"RSA\"}", &answer);
  https_answer_clear(&answer);
  refused(f, "POST", "/keys/curve/sign", "{\"alg\":\"ES256K\",\"value\":\"AAAA\"}",
          "uses curve 'P-256', and algorithm 'ES256K' can only be used with curve 'P-256K'.");
  refused(f, "POST", "/keys/curve/sign", "{\"alg\":\"RS256\",\"value\":\"AAAA\"}", "is of type 'EC'");
  refused(f, "POST", "/keys/curve/encrypt", "{\"alg\":\"RSA-OAEP\",\"value\":\"AAAA\"}", "is of type 'EC'");
  refused(f, "POST", "/keys/modulus/sign", "{\"alg\":\"ES256\",\"value\":\"AAAA\"}", "is of type 'RSA'");
  refused(f, "POST", "/keys/curve/sign", "{\"alg\":\"ES256\",\"value\":\"AAAA\"}", "has invalid value");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keys_of_every_curve_sign),
      cmocka_unit_test(an_imported_key_verifies_what_it_signed_elsewhere),
      cmocka_unit_test(numbers_that_are_no_key_are_refused),
      cmocka_unit_test(algorithms_are_for_their_keys),
  };
  return cmocka_run_group_tests(tests, vault_fixture_set_up, vault_fixture_tear_down);
}
