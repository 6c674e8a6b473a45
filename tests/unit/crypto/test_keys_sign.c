/* ECDSA signatures: those of the standards (ec_vectors.h), and everything that must be none. */
#include <string.h>

#include "base/b64url.h"
#include "base/thread.h"
#include "crypto/keys.h"
#include "support/cmocka_all.h"
#include "support/vectors.h"
#include "unit/crypto/ec_fixture.h"

static void published_signatures_verify_and_no_other_does(void **state) {
  (void)state;
  for (size_t i = 0; i < EC_CURVES; i++) {
    ec_loaded l;
    ec_load(&ec_cases[i], &l);
    ekm_key *key = ec_import(ec_cases[i].curve, ec_part(&l, EC_SIGNER_X), ec_part(&l, EC_SIGNER_Y), ec_none);
    ekm_buf *signature = &l.parts[EC_SIGNATURE];
    assert_int_equal(signature->len, 2 * ec_cases[i].field_bytes);
    assert_true(ec_verifies(key, ec_cases[i].alg, ec_part(&l, EC_DIGEST), ekm_buf_view(signature)));
    assert_false(ec_verifies(ec_own[i], ec_cases[i].alg, ec_part(&l, EC_DIGEST), ekm_buf_view(signature)));
    for (size_t bit = 0; bit < signature->len * 8; bit += 7) {
      signature->ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
      assert_false(ec_verifies(key, ec_cases[i].alg, ec_part(&l, EC_DIGEST), ekm_buf_view(signature)));
      signature->ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    l.parts[EC_DIGEST].ptr[0] ^= 1;
    assert_false(ec_verifies(key, ec_cases[i].alg, ec_part(&l, EC_DIGEST), ekm_buf_view(signature)));
    ekm_key_free(&key);
    ec_unload(&l);
  }
}

static void the_examples_of_jws(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof jws_cases / sizeof jws_cases[0]; i++) {
    const char *const texts[] = {jws_cases[i].x, jws_cases[i].y, jws_cases[i].d, jws_cases[i].signature};
    ekm_err err = {0};
    ekm_buf b[4];
    ekm_buf digest;
    ekm_buf_init(&digest, 64);
    vectors_hex(jws_cases[i].digest, &digest);
    for (size_t j = 0; j < 4; j++) {
      ekm_buf_init(&b[j], EC_RAW_MAX);
      assert_true(ekm_b64url_decode(texts[j], strlen(texts[j]), &b[j], "a vector", &err));
    }
    ekm_key *key = ec_import(jws_cases[i].curve, ekm_buf_view(&b[0]), ekm_buf_view(&b[1]), ekm_buf_view(&b[2]));
    assert_true(ec_verifies(key, jws_cases[i].alg, ekm_buf_view(&digest), ekm_buf_view(&b[3])));
    ekm_key_free(&key);
    for (size_t j = 0; j < 4; j++) ekm_buf_clear(&b[j]);
    ekm_buf_clear(&digest);
  }
}

static void signatures_go_there_and_back(void **state) {
  (void)state;
  for (size_t i = 0; i < EC_CURVES; i++) {
    ekm_err err = {0};
    ekm_view digest = ekm_view_of(ec_message, ec_cases[i].hash_bytes);
    ekm_buf first;
    ekm_buf second;
    ekm_buf_init(&first, EC_RAW_MAX);
    ekm_buf_init(&second, 6 + EC_RAW_MAX);
    ekm_buf_append_text(&second, "before");
    assert_true(ekm_key_sign(ec_own[i], ec_cases[i].alg, digest, &first, &err));
    assert_true(ekm_key_sign(ec_own[i], ec_cases[i].alg, digest, &second, &err));
    assert_int_equal(first.len, 2 * ec_cases[i].field_bytes);
    assert_int_equal(second.len, 6 + 2 * ec_cases[i].field_bytes);
    assert_memory_equal(second.ptr, "before", 6);
    assert_memory_not_equal(first.ptr, second.ptr + 6, first.len);
    assert_true(ec_verifies(ec_own[i], ec_cases[i].alg, digest, ekm_buf_view(&first)));
    assert_true(ec_verifies(ec_own[i], ec_cases[i].alg, digest, ekm_view_of(second.ptr + 6, second.len - 6)));
    assert_false(
        ec_verifies(ec_own[i], ec_cases[i].alg, ekm_view_of(ec_message + 1, digest.len), ekm_buf_view(&first)));
    ekm_buf_clear(&first);
    ekm_buf_clear(&second);
  }
}

/* One signature in 128 has an r or an s that is a byte shorter than the order (of P-521, three in four): it must be as
 * long as the others. That none of 4,000 is short happens once in 10^13 runs. */
static void short_numbers_are_padded(void **state) {
  (void)state;
  for (size_t i = 0; i < EC_CURVES; i += 2) {
    ekm_view digest = ekm_view_of(ec_message, ec_cases[i].hash_bytes);
    bool found = false;
    for (size_t tries = 0; tries < 4000 && !found; tries++) {
      ekm_err err = {0};
      ekm_buf signature;
      ekm_buf_init(&signature, EC_RAW_MAX);
      assert_true(ekm_key_sign(ec_own[i], ec_cases[i].alg, digest, &signature, &err));
      assert_int_equal(signature.len, 2 * ec_cases[i].field_bytes);
      found = signature.ptr[0] == 0 || signature.ptr[ec_cases[i].field_bytes] == 0;
      if (found) assert_true(ec_verifies(ec_own[i], ec_cases[i].alg, digest, ekm_buf_view(&signature)));
      ekm_buf_clear(&signature);
    }
    assert_true(found);
  }
}

/* The cases of Wycheproof's p1363 files: another length, zero, the order and beyond it, DER. */
static void numbers_out_of_range_are_no_signature(void **state) {
  (void)state;
  for (size_t i = 0; i < EC_CURVES; i++) {
    ec_loaded l;
    ec_load(&ec_cases[i], &l);
    size_t half = ec_cases[i].field_bytes;
    ekm_key *key = ec_import(ec_cases[i].curve, ec_part(&l, EC_SIGNER_X), ec_part(&l, EC_SIGNER_Y), ec_none);
    uint8_t edges[6][EC_FIELD_MAX] = {{0}};
    edges[1][half - 1] = 1;
    for (size_t edge = 2; edge < 5; edge++) memcpy(edges[edge], l.parts[EC_ORDER].ptr, half);
    edges[3][half - 1]--;
    edges[4][half - 1]++;
    memset(edges[5], 0xFF, half);
    for (size_t r = 0; r < 6; r++) {
      for (size_t s = 0; s < 6; s++) {
        uint8_t raw[EC_RAW_MAX];
        memcpy(raw, edges[r], half);
        memcpy(raw + half, edges[s], half);
        assert_false(ec_verifies(key, ec_cases[i].alg, ec_part(&l, EC_DIGEST), ekm_view_of(raw, 2 * half)));
      }
      uint8_t mixed[EC_RAW_MAX];
      memcpy(mixed, l.parts[EC_SIGNATURE].ptr, 2 * half);
      memcpy(mixed, edges[r], half);
      assert_false(ec_verifies(key, ec_cases[i].alg, ec_part(&l, EC_DIGEST), ekm_view_of(mixed, 2 * half)));
      memcpy(mixed, l.parts[EC_SIGNATURE].ptr, half);
      memcpy(mixed + half, edges[r], half);
      assert_false(ec_verifies(key, ec_cases[i].alg, ec_part(&l, EC_DIGEST), ekm_view_of(mixed, 2 * half)));
    }
    ekm_key_free(&key);
    ec_unload(&l);
  }
}

static void signatures_of_another_length_are_none(void **state) {
  (void)state;
  for (size_t i = 0; i < EC_CURVES; i++) {
    ec_loaded l;
    ec_load(&ec_cases[i], &l);
    ekm_key *key = ec_import(ec_cases[i].curve, ec_part(&l, EC_SIGNER_X), ec_part(&l, EC_SIGNER_Y), ec_none);
    uint8_t longer[EC_RAW_MAX + 16] = {0};
    for (size_t len = 0; len < 2 * ec_cases[i].field_bytes; len++) {
      assert_false(
          ec_verifies(key, ec_cases[i].alg, ec_part(&l, EC_DIGEST), ekm_view_of(l.parts[EC_SIGNATURE].ptr, len)));
    }
    memcpy(longer, l.parts[EC_SIGNATURE].ptr, l.parts[EC_SIGNATURE].len);
    for (size_t len = l.parts[EC_SIGNATURE].len + 1; len <= sizeof longer; len++) {
      assert_false(ec_verifies(key, ec_cases[i].alg, ec_part(&l, EC_DIGEST), ekm_view_of(longer, len)));
    }
    ekm_key_free(&key);
    ec_unload(&l);
  }
}

/* The signature of RFC 6979 A.2.5 as the SEQUENCE of two INTEGERs of RFC 3279. */
static void der_is_no_signature_of_jws(void **state) {
  static const char der_text[] =
      "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
      "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
  ec_loaded l;
  ekm_buf der;
  (void)state;
  ec_load(&ec_cases[0], &l);
  ekm_buf_init(&der, 128);
  vectors_hex(der_text, &der);
  ekm_key *key = ec_import("P-256", ec_part(&l, EC_X), ec_part(&l, EC_Y), ec_none);
  assert_false(ec_verifies(key, "ES256", ec_part(&l, EC_DIGEST), ekm_buf_view(&der)));
  ekm_key_free(&key);
  ekm_buf_clear(&der);
  ec_unload(&l);
}

static void an_algorithm_has_one_curve(void **state) {
  static const char *const others[] = {"RS256", "PS512", "ES256k", "ECDSA256", "RSNULL", "HS256", "", "none"};
  (void)state;
  for (size_t i = 0; i < EC_CURVES; i++) {
    const char *names[EC_CURVES + sizeof others / sizeof others[0]];
    size_t count = 0;
    for (size_t j = 0; j < EC_CURVES; j++) {
      if (j != i) names[count++] = ec_cases[j].alg;
    }
    for (size_t j = 0; j < sizeof others / sizeof others[0]; j++) names[count++] = others[j];
    for (size_t j = 0; j < count; j++) {
      static const size_t lens[] = {32, 48, 64};
      for (size_t k = 0; k < 3; k++) {
        ekm_err err = {0};
        bool valid = true;
        ekm_buf out;
        ekm_buf_init(&out, EC_RAW_MAX);
        assert_false(ekm_key_sign(ec_own[i], names[j], ekm_view_of(ec_message, lens[k]), &out, &err));
        assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
        assert_int_equal(out.len, 0);
        assert_false(ekm_key_verify(ec_own[i], names[j], ekm_view_of(ec_message, lens[k]), ec_none, &valid, &err));
        assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
        assert_false(valid);
        ekm_buf_clear(&out);
      }
    }
  }
}

static void digests_of_another_length_are_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < EC_CURVES; i++) {
    for (size_t len = 0; len <= sizeof ec_message; len++) {
      ekm_err err = {0};
      bool valid = true;
      ekm_buf out;
      if (len == ec_cases[i].hash_bytes) continue;
      ekm_buf_init(&out, EC_RAW_MAX);
      assert_false(ekm_key_sign(ec_own[i], ec_cases[i].alg, ekm_view_of(ec_message, len), &out, &err));
      assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
      assert_int_equal(out.len, 0);
      assert_false(ekm_key_verify(ec_own[i], ec_cases[i].alg, ekm_view_of(ec_message, len), ec_none, &valid, &err));
      assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
      assert_false(valid);
      ekm_buf_clear(&out);
    }
  }
}

typedef struct racer {
  ekm_thread *thread;
  bool ok;
} racer;

static void race(void *arg) {
  racer *r = arg;
  r->ok = true;
  for (size_t n = 0; n < 40 && r->ok; n++) {
    size_t i = n % EC_CURVES;
    ekm_err err = {0};
    ekm_view digest = ekm_view_of(ec_message, ec_cases[i].hash_bytes);
    bool valid = false;
    ekm_buf signature;
    ekm_buf_init(&signature, EC_RAW_MAX);
    r->ok = ekm_key_sign(ec_own[i], ec_cases[i].alg, digest, &signature, &err) &&
            ekm_key_verify(ec_own[i], ec_cases[i].alg, digest, ekm_buf_view(&signature), &valid, &err) && valid;
    ekm_buf_clear(&signature);
  }
}

static void keys_on_many_threads(void **state) {
  racer racers[8];
  ekm_err err = {0};
  (void)state;
  for (size_t i = 0; i < 8; i++) assert_true(ekm_thread_start(&racers[i].thread, race, &racers[i], &err));
  for (size_t i = 0; i < 8; i++) {
    ekm_thread_join(&racers[i].thread);
    assert_true(racers[i].ok);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(published_signatures_verify_and_no_other_does),
      cmocka_unit_test(the_examples_of_jws),
      cmocka_unit_test(signatures_go_there_and_back),
      cmocka_unit_test(short_numbers_are_padded),
      cmocka_unit_test(numbers_out_of_range_are_no_signature),
      cmocka_unit_test(signatures_of_another_length_are_none),
      cmocka_unit_test(der_is_no_signature_of_jws),
      cmocka_unit_test(an_algorithm_has_one_curve),
      cmocka_unit_test(digests_of_another_length_are_refused),
      cmocka_unit_test(keys_on_many_threads),
  };
  return cmocka_run_group_tests(tests, ec_set_up, ec_tear_down);
}
