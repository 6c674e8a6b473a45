/* Elliptic-curve keys: those of the standards (ec_vectors.h), and everything that must be none. */
#include <string.h>

#include "crypto/keys.h"
#include "support/cmocka_all.h"
#include "support/memory_gate.h"
#include "support/vectors.h"
#include "unit/crypto/ec_fixture.h"

static void refuse_import(const char *curve, ekm_view x, ekm_view y, ekm_view d, ekm_err_id id) {
  ekm_err err = {0};
  ekm_key *key = NULL;
  const ekm_ec_numbers numbers = {x, y, d};
  assert_false(ekm_key_import_ec(ec_crypto, curve, &numbers, &key, &err));
  assert_int_equal(err.id, id);
  assert_null(key);
}

static void assert_public(const ekm_key *key, ekm_view x, ekm_view y) {
  ekm_err err = {0};
  ekm_buf out_x;
  ekm_buf out_y;
  ekm_buf_init(&out_x, EC_FIELD_MAX);
  ekm_buf_init(&out_y, EC_FIELD_MAX);
  assert_true(ekm_key_public_ec(key, &out_x, &out_y, &err));
  assert_true(ekm_view_equal(ekm_buf_view(&out_x), x));
  assert_true(ekm_view_equal(ekm_buf_view(&out_y), y));
  ekm_buf_clear(&out_x);
  ekm_buf_clear(&out_y);
}

static void published_keys_are_taken_and_given_back(void **state) {
  (void)state;
  for (size_t i = 0; i < EC_CURVES; i++) {
    ec_loaded l;
    ec_load(&ec_cases[i], &l);
    ekm_key *pair = ec_import(ec_cases[i].curve, ec_part(&l, EC_X), ec_part(&l, EC_Y), ec_part(&l, EC_D));
    ekm_key *public_part = ec_import(ec_cases[i].curve, ec_part(&l, EC_X), ec_part(&l, EC_Y), ec_none);
    assert_string_equal(ekm_key_curve(pair), ec_cases[i].curve);
    assert_int_equal(ekm_key_bits(pair), ec_cases[i].bits);
    assert_int_equal(l.parts[EC_X].len, ec_cases[i].field_bytes);
    assert_public(pair, ec_part(&l, EC_X), ec_part(&l, EC_Y));
    assert_public(public_part, ec_part(&l, EC_X), ec_part(&l, EC_Y));
    ekm_key_free(&pair);
    ekm_key_free(&public_part);
    ec_unload(&l);
  }
}

/* A JWK's writer may have left zeros away or put one in front (RFC 7518 forbids both); we never do. */
static void lengths_are_mended(void **state) {
  ec_loaded l;
  (void)state;
  ec_load(&ec_cases[2], &l);
  assert_int_equal(l.parts[EC_Y].ptr[0], 0);
  assert_int_equal(l.parts[EC_D].ptr[0], 0);
  ekm_view short_y = ekm_view_of(l.parts[EC_Y].ptr + 1, l.parts[EC_Y].len - 1);
  ekm_view short_d = ekm_view_of(l.parts[EC_D].ptr + 1, l.parts[EC_D].len - 1);
  uint8_t long_x[EC_FIELD_MAX + 3] = {0};
  memcpy(long_x + 3, l.parts[EC_X].ptr, l.parts[EC_X].len);
  ekm_key *key = ec_import("P-521", ekm_view_of(long_x, sizeof long_x), short_y, short_d);
  assert_public(key, ec_part(&l, EC_X), ec_part(&l, EC_Y));
  ekm_key_free(&key);
  long_x[0] = 1;
  refuse_import("P-521", ekm_view_of(long_x, sizeof long_x), short_y, short_d, EKM_E_CRYPTO);
  ec_unload(&l);
}

/* Three of four points of P-521 have a coordinate with a byte 0 in front. */
static void short_coordinates_are_padded(void **state) {
  bool found_x = false;
  bool found_y = false;
  (void)state;
  for (size_t tries = 0; tries < 200 && !(found_x && found_y); tries++) {
    ekm_err err = {0};
    ekm_key *key = NULL;
    ekm_buf x;
    ekm_buf y;
    ekm_buf_init(&x, EC_FIELD_MAX);
    ekm_buf_init(&y, EC_FIELD_MAX);
    assert_true(ekm_key_generate_ec(ec_crypto, "P-521", &key, &err));
    assert_true(ekm_key_public_ec(key, &x, &y, &err));
    assert_int_equal(x.len, EC_FIELD_MAX);
    assert_int_equal(y.len, EC_FIELD_MAX);
    found_x = found_x || x.ptr[0] == 0;
    found_y = found_y || y.ptr[0] == 0;
    ekm_key_free(&key);
    ekm_buf_clear(&x);
    ekm_buf_clear(&y);
  }
  assert_true(found_x && found_y);
}

static void an_error_says_which_number_is_wrong(void **state) {
  static const uint8_t zeros[32] = {0};
  ec_loaded l;
  (void)state;
  ec_load(&ec_cases[0], &l);
  uint8_t long_d[33] = {1};
  const struct {
    ekm_ec_numbers numbers;
    const char *words;
  } rows[] = {
      {{ec_none, ec_part(&l, EC_Y), ec_none}, "an EC key needs x and y"},
      {{ec_part(&l, EC_X), ec_none, ec_none}, "an EC key needs x and y"},
      {{ec_part(&l, EC_X), ec_part(&l, EC_Y), ekm_view_of(zeros, 32)}, "private number"},
      {{ec_part(&l, EC_X), ec_part(&l, EC_Y), ekm_view_of(long_d, 33)}, "private number"},
      {{ekm_view_of(long_d, 33), ec_part(&l, EC_Y), ec_none}, "longer than 32 bytes"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    ekm_key *key = NULL;
    assert_false(ekm_key_import_ec(ec_crypto, "P-256", &rows[i].numbers, &key, &err));
    assert_int_equal(err.id, EKM_E_CRYPTO);
    assert_non_null(strstr(err.detail, rows[i].words));
  }
  ec_unload(&l);
}

static void numbers_that_are_no_key_are_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < EC_CURVES; i++) {
    const char *curve = ec_cases[i].curve;
    size_t len = ec_cases[i].field_bytes;
    ec_loaded l;
    ec_load(&ec_cases[i], &l);
    uint8_t ones[EC_FIELD_MAX];
    memset(ones, 0xFF, sizeof ones);
    const uint8_t zeros[EC_FIELD_MAX] = {0};
    const ekm_view bad_coordinates[] = {ec_none, ekm_view_of(zeros, len), ekm_view_of(ones, len)};
    for (size_t j = 0; j < 3; j++) {
      refuse_import(curve, bad_coordinates[j], ec_part(&l, EC_Y), ec_none, EKM_E_CRYPTO);
      refuse_import(curve, ec_part(&l, EC_X), bad_coordinates[j], ec_none, EKM_E_CRYPTO);
      refuse_import(curve, bad_coordinates[j], bad_coordinates[j], ec_part(&l, EC_D), EKM_E_CRYPTO);
    }
    for (size_t which = EC_D; which <= EC_Y; which++) {
      l.parts[which].ptr[len - 1] ^= 2;
      refuse_import(curve, ec_part(&l, EC_X), ec_part(&l, EC_Y), ec_part(&l, EC_D), EKM_E_CRYPTO);
      l.parts[which].ptr[len - 1] ^= 2;
    }
    refuse_import(curve, ec_part(&l, EC_Y), ec_part(&l, EC_X), ec_none, EKM_E_CRYPTO);
    refuse_import(curve, ec_part(&l, EC_X), ec_part(&l, EC_Y), ekm_view_of(zeros, len), EKM_E_CRYPTO);
    refuse_import(curve, ec_part(&l, EC_X), ec_part(&l, EC_Y), ekm_view_of(ones, len), EKM_E_CRYPTO);
    refuse_import(curve, ec_part(&l, EC_X), ec_part(&l, EC_Y), ec_part(&l, EC_ORDER), EKM_E_CRYPTO);
    refuse_import(ec_cases[(i + 1) % EC_CURVES].curve, ec_part(&l, EC_X), ec_part(&l, EC_Y), ec_none, EKM_E_CRYPTO);
    ec_unload(&l);
  }
}

/* n + 1 times the base point is the base point, but n + 1 is no private key of secp256k1. */
static void a_private_key_above_the_order_is_refused(void **state) {
  ec_loaded l;
  (void)state;
  ec_load(&ec_cases[3], &l);
  l.parts[EC_ORDER].ptr[31]++;
  refuse_import("P-256K", ec_part(&l, EC_X), ec_part(&l, EC_Y), ec_part(&l, EC_ORDER), EKM_E_CRYPTO);
  ec_unload(&l);
}

static void other_curves_are_refused(void **state) {
  static const char *const curves[] = {"",     "P-192",     "P-224",      "p-256",     "P-256 ",
                                       "P256", "secp256k1", "prime256v1", "SECP256K1", "Ed25519"};
  ec_loaded l;
  (void)state;
  ec_load(&ec_cases[0], &l);
  for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
    ekm_err err = {0};
    ekm_key *key = NULL;
    assert_false(ekm_key_generate_ec(ec_crypto, curves[i], &key, &err));
    assert_int_equal(err.id, EKM_E_KEY_KIND);
    assert_null(key);
    refuse_import(curves[i], ec_part(&l, EC_X), ec_part(&l, EC_Y), ec_none, EKM_E_KEY_KIND);
  }
  ec_unload(&l);
}

static void a_public_key_does_not_sign(void **state) {
  (void)state;
  for (size_t i = 0; i < EC_CURVES; i++) {
    ec_loaded l;
    ekm_err err = {0};
    ekm_buf out;
    ec_load(&ec_cases[i], &l);
    ekm_buf_init(&out, 512);
    ekm_key *key = ec_import(ec_cases[i].curve, ec_part(&l, EC_X), ec_part(&l, EC_Y), ec_none);
    assert_false(ekm_key_sign(key, ec_cases[i].alg, ec_part(&l, EC_DIGEST), &out, &err));
    assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
    assert_false(ekm_key_to_pkcs8(key, &out, &err));
    assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
    assert_int_equal(out.len, 0);
    ekm_key_free(&key);
    ekm_buf_clear(&out);
    ec_unload(&l);
  }
}

static void what_is_for_rsa_is_refused(void **state) {
  static const char *const names[] = {"RSA-OAEP-256", "RSA-OAEP", "RSA1_5"};
  ekm_key *rsa = NULL;
  ekm_err err = {0};
  ekm_buf out;
  (void)state;
  ekm_buf_init(&out, 512);
  assert_true(ekm_key_generate_rsa(ec_crypto, 2048, 65537, &rsa, &err));
  assert_null(ekm_key_curve(rsa));
  assert_false(ekm_key_public_ec(rsa, &out, &out, &err));
  assert_int_equal(err.id, EKM_E_KEY_KIND);
  for (size_t i = 0; i < EC_CURVES; i++) {
    assert_false(ekm_key_sign(rsa, ec_cases[i].alg, ekm_view_of(ec_message, ec_cases[i].hash_bytes), &out, &err));
    assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
    assert_false(ekm_key_public(ec_own[i], &out, &out, &err));
    assert_int_equal(err.id, EKM_E_KEY_KIND);
    for (size_t j = 0; j < 3; j++) {
      assert_false(ekm_key_encrypt(ec_own[i], names[j], ekm_view_of(ec_message, 1), &out, &err));
      assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
      assert_false(ekm_key_decrypt(ec_own[i], names[j], ekm_view_of(ec_message, 32), &out, &err));
      assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
    }
  }
  assert_int_equal(out.len, 0);
  ekm_key_free(&rsa);
  ekm_buf_clear(&out);
}

static void pkcs8_there_and_back(void **state) {
  (void)state;
  for (size_t i = 0; i < EC_CURVES; i++) {
    ekm_err err = {0};
    ekm_key *again = NULL;
    ekm_buf der;
    ekm_buf signature;
    ekm_buf_init(&der, 1024);
    ekm_buf_init(&signature, EC_RAW_MAX);
    assert_true(ekm_key_to_pkcs8(ec_own[i], &der, &err));
    assert_true(ekm_key_from_pkcs8(ec_crypto, ekm_buf_view(&der), &again, &err));
    assert_string_equal(ekm_key_curve(again), ec_cases[i].curve);
    assert_int_equal(ekm_key_bits(again), ec_cases[i].bits);
    assert_true(
        ekm_key_sign(again, ec_cases[i].alg, ekm_view_of(ec_message, ec_cases[i].hash_bytes), &signature, &err));
    assert_true(ec_verifies(ec_own[i], ec_cases[i].alg, ekm_view_of(ec_message, ec_cases[i].hash_bytes),
                            ekm_buf_view(&signature)));
    ekm_key_free(&again);
    for (size_t len = 0; len < der.len; len++) {
      assert_false(ekm_key_from_pkcs8(ec_crypto, ekm_view_of(der.ptr, len), &again, &err));
      assert_int_equal(err.id, EKM_E_CRYPTO);
      assert_null(again);
    }
    ekm_buf_append_char(&der, 'x');
    assert_false(ekm_key_from_pkcs8(ec_crypto, ekm_buf_view(&der), &again, &err));
    assert_int_equal(err.id, EKM_E_CRYPTO);
    ekm_buf_clear(&der);
    ekm_buf_clear(&signature);
  }
}

/* PKCS#8 of keys that no vault has: Ed25519 (RFC 8410 section 10.3), and P-224 with d = 1. */
static void pkcs8_of_other_keys(void **state) {
  static const char *const rows[] = {
      "302e020100300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842",
      "303a020100301006072a8648ce3d020106052b810400210423302102"
      "0101041c00000000000000000000000000000000000000000000000000000001",
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    ekm_key *key = NULL;
    ekm_buf der;
    ekm_buf_init(&der, 256);
    vectors_hex(rows[i], &der);
    assert_false(ekm_key_from_pkcs8(ec_crypto, ekm_buf_view(&der), &key, &err));
    assert_int_equal(err.id, EKM_E_KEY_KIND);
    assert_null(key);
    ekm_buf_clear(&der);
  }
}

static void a_buffer_without_room_is_an_error(void **state) {
  (void)state;
  for (size_t i = 0; i < EC_CURVES; i++) {
    ekm_err err = {0};
    ekm_buf out;
    ekm_buf other;
    ekm_buf_init(&out, 2 * ec_cases[i].field_bytes - 1);
    ekm_buf_init(&other, ec_cases[i].field_bytes - 1);
    assert_false(ekm_key_sign(ec_own[i], ec_cases[i].alg, ekm_view_of(ec_message, ec_cases[i].hash_bytes), &out, &err));
    assert_int_equal(err.id, EKM_E_LIMIT);
    ekm_buf_reset(&out);
    assert_false(ekm_key_public_ec(ec_own[i], &out, &other, &err));
    assert_int_equal(err.id, EKM_E_LIMIT);
    ekm_buf_clear(&out);
    ekm_buf_clear(&other);
  }
}

static void a_lack_of_memory_is_an_error(void **state) {
  memory_gate gate = {0};
  ec_loaded l;
  (void)state;
  ec_load(&ec_cases[0], &l);
  const ekm_ec_numbers numbers = {ec_part(&l, EC_X), ec_part(&l, EC_Y), ec_part(&l, EC_D)};
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_err err = {0};
    ekm_key *keys[3] = {NULL};
    ekm_buf b[4];
    for (size_t i = 0; i < 4; i++) ekm_buf_init(&b[i], 512);
    bool ok = ekm_key_generate_ec(ec_crypto, "P-384", &keys[0], &err) &&
              ekm_key_import_ec(ec_crypto, "P-256", &numbers, &keys[1], &err) &&
              ekm_key_to_pkcs8(keys[1], &b[0], &err) &&
              ekm_key_from_pkcs8(ec_crypto, ekm_buf_view(&b[0]), &keys[2], &err) &&
              ekm_key_public_ec(keys[2], &b[1], &b[2], &err) &&
              ekm_key_sign(keys[2], "ES256", ec_part(&l, EC_DIGEST), &b[3], &err);
    memory_gate_check(&gate, ok, &err);
    for (size_t i = 0; i < 3; i++) ekm_key_free(&keys[i]);
    for (size_t i = 0; i < 4; i++) ekm_buf_clear(&b[i]);
  }
  ec_unload(&l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(published_keys_are_taken_and_given_back),
      cmocka_unit_test(lengths_are_mended),
      cmocka_unit_test(short_coordinates_are_padded),
      cmocka_unit_test(an_error_says_which_number_is_wrong),
      cmocka_unit_test(numbers_that_are_no_key_are_refused),
      cmocka_unit_test(a_private_key_above_the_order_is_refused),
      cmocka_unit_test(other_curves_are_refused),
      cmocka_unit_test(a_public_key_does_not_sign),
      cmocka_unit_test(what_is_for_rsa_is_refused),
      cmocka_unit_test(pkcs8_there_and_back),
      cmocka_unit_test(pkcs8_of_other_keys),
      cmocka_unit_test(a_buffer_without_room_is_an_error),
      cmocka_unit_test(a_lack_of_memory_is_an_error),
  };
  return cmocka_run_group_tests(tests, ec_set_up, ec_tear_down);
}
