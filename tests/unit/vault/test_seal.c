/* The seals of the store against known answers, computed with another implementation (Python's hmac and cryptography):
 * what is on disks today must be opened by every later akvd. */
#include <string.h>

#include "support/cmocka_all.h"
#include "support/memory_gate.h"
#include "support/vectors.h"
#include "vault/seal.h"

enum { BYTES_MAX = 4096 };

static const char known_mac[] = "fa9e6022ad22613a2158bedb24ab08dc26698c8e5a8ce807ae1a8ad155ed8ff5";
static const char known_sum[] = "cbf683be44253d6ff53492db0c325da7";
static const char known_sealed[] = "000102030405060708090a0b391b44ec59298698e45298bd1d0e754361ce0a342a6187823908aec5a3";

typedef struct fixture {
  ekm_crypto *crypto;
  vault_seal *seal; /* under the master key 00 01 02 ... 1f */
} fixture;

static bool make(const ekm_crypto *crypto, uint8_t first, vault_seal **out_seal, ekm_err *err) {
  uint8_t bytes[32];
  ekm_secret key = {0};
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(first + i);
  bool ok = ekm_secret_set(&key, ekm_view_of(bytes, sizeof bytes), err) && vault_seal_new(crypto, &key, out_seal, err);
  ekm_secret_clear(&key);
  return ok;
}

static int set_up(void **state) {
  static fixture f;
  ekm_err err = {0};
  *state = &f;
  return ekm_crypto_new(&f.crypto, &err) && make(f.crypto, 0, &f.seal, &err) ? 0 : -1;
}

static int tear_down(void **state) {
  fixture *f = *state;
  vault_seal_free(&f->seal);
  vault_seal_free(&f->seal); /* NULL is fine */
  ekm_crypto_free(&f->crypto);
  return 0;
}

static void expect_hex(const void *bytes, size_t len, const char *digits) {
  ekm_buf expected;
  ekm_buf_init(&expected, BYTES_MAX);
  vectors_hex(digits, &expected);
  assert_int_equal(len, expected.len);
  assert_memory_equal(bytes, expected.ptr, len);
  ekm_buf_clear(&expected);
}

static void macs_are_the_known_ones_and_each_purpose_has_its_own(void **state) {
  const fixture *f = *state;
  ekm_err err = {0};
  uint8_t macs[VAULT_SEAL_PURPOSES][VAULT_SEAL_MAC_BYTES];
  for (int i = 0; i < VAULT_SEAL_PURPOSES; i++) {
    assert_true(vault_seal_mac(f->seal, (vault_seal_purpose)i, ekm_view_text("a row"), macs[i], &err));
    for (int k = 0; k < i; k++) assert_memory_not_equal(macs[i], macs[k], VAULT_SEAL_MAC_BYTES);
  }
  expect_hex(macs[VAULT_SEAL_ROW], VAULT_SEAL_MAC_BYTES, known_mac);
}

static bool open_hex(const fixture *f, const char *identity, const char *aad, ekm_view sealed, ekm_err *err) {
  ekm_buf plain;
  ekm_buf_init(&plain, BYTES_MAX);
  bool ok = vault_seal_open(f->seal, ekm_view_text(identity), ekm_view_text(aad), sealed, &plain, err);
  if (ok) assert_string_equal(ekm_buf_text(&plain), "a private key");
  if (!ok) assert_int_equal(plain.len, 0);
  ekm_buf_clear(&plain);
  return ok;
}

static void expect_tampered(const fixture *f, const char *identity, const char *aad, ekm_view sealed) {
  ekm_err err = {0};
  assert_false(open_hex(f, identity, aad, sealed, &err));
  assert_int_equal(err.id, EKM_E_STORE_TAMPERED);
}

static void only_what_was_sealed_is_opened(void **state) {
  const fixture *f = *state;
  ekm_err err = {0};
  ekm_buf sealed;
  fixture other = {.crypto = f->crypto};
  ekm_buf_init(&sealed, BYTES_MAX);
  vectors_hex(known_sealed, &sealed);
  ekm_view whole = ekm_buf_view(&sealed);
  assert_true(open_hex(f, "key 1 alpha v", "its row", whole, &err));
  expect_tampered(f, "key 1 alpha w", "its row", whole);
  expect_tampered(f, "key 1 alpha ", "its row", whole);
  expect_tampered(f, "key 1 alpha v", "its ro", whole);
  expect_tampered(f, "key 1 alpha v", "", whole);
  for (size_t len = 0; len < whole.len; len++) {
    expect_tampered(f, "key 1 alpha v", "its row", ekm_view_of(whole.ptr, len));
  }
  for (size_t bit = 0; bit < 8 * whole.len; bit++) {
    sealed.ptr[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    expect_tampered(f, "key 1 alpha v", "its row", whole);
    sealed.ptr[bit / 8] ^= (uint8_t)(1u << (bit % 8));
  }
  assert_true(make(f->crypto, 1, &other.seal, &err));
  expect_tampered(&other, "key 1 alpha v", "its row", whole);
  assert_true(open_hex(f, "key 1 alpha v", "its row", whole, &err));
  vault_seal_free(&other.seal);
  ekm_buf_clear(&sealed);
}

static void the_same_plaintext_is_sealed_differently_each_time(void **state) {
  const fixture *f = *state;
  ekm_err err = {0};
  ekm_buf a, b;
  ekm_view identity = ekm_view_text("key 1 alpha v");
  ekm_buf_init(&a, BYTES_MAX);
  ekm_buf_init(&b, BYTES_MAX);
  ekm_view plain = ekm_view_text("a private key");
  assert_true(vault_seal_close(f->seal, identity, ekm_view_text("its row"), plain, &a, &err));
  assert_true(vault_seal_close(f->seal, identity, ekm_view_text("its row"), plain, &b, &err));
  assert_int_equal(a.len, b.len);
  assert_int_equal(a.len, strlen(known_sealed) / 2);
  assert_memory_not_equal(a.ptr, b.ptr, 12); /* another nonce */
  assert_true(open_hex(f, "key 1 alpha v", "its row", ekm_buf_view(&a), &err));
  assert_true(open_hex(f, "key 1 alpha v", "its row", ekm_buf_view(&b), &err));
  ekm_buf_clear(&a);
  ekm_buf_clear(&b);
}

static void a_set_is_its_rows_in_any_order(void **state) {
  const fixture *f = *state;
  ekm_err err = {0};
  uint8_t one[VAULT_SEAL_MAC_BYTES], two[VAULT_SEAL_MAC_BYTES];
  ekm_prf *counter = NULL;
  vault_seal_set a = {0};
  vault_seal_set b = {0};
  static const vault_seal_set empty = {0};
  assert_true(vault_seal_counter(f->seal, &counter, &err));
  memset(one, 1, sizeof one);
  memset(two, 2, sizeof two);
  assert_true(vault_seal_set_add(counter, &a, one, &err) && vault_seal_set_add(counter, &a, two, &err));
  assert_true(vault_seal_set_add(counter, &b, two, &err) && vault_seal_set_add(counter, &b, one, &err));
  assert_int_equal(a.count, 2);
  assert_int_equal(b.count, 2);
  expect_hex(a.sum, sizeof a.sum, known_sum);
  expect_hex(b.sum, sizeof b.sum, known_sum);

  /* The same row twice leaves the sum, not the number. */
  assert_true(vault_seal_set_add(counter, &b, one, &err) && vault_seal_set_add(counter, &b, one, &err));
  expect_hex(b.sum, sizeof b.sum, known_sum);
  assert_int_equal(b.count, 4);
  assert_true(vault_seal_set_remove(counter, &a, two, &err) && vault_seal_set_remove(counter, &a, one, &err));
  assert_int_equal(a.count, 0);
  assert_memory_equal(a.sum, empty.sum, sizeof a.sum);
  ekm_prf_free(&counter);
}

static void memory_that_runs_out_is_said(void **state) {
  const fixture *f = *state;
  memory_gate gate = {0};
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_err err = {0};
    vault_seal *seal = NULL;
    ekm_buf sealed, plain;
    ekm_buf_init(&sealed, BYTES_MAX);
    ekm_buf_init(&plain, BYTES_MAX);
    ekm_view text = ekm_view_text("a private key");
    bool ok = make(f->crypto, 9, &seal, &err) && vault_seal_close(seal, text, text, text, &sealed, &err) &&
              vault_seal_open(seal, text, text, ekm_buf_view(&sealed), &plain, &err);
    memory_gate_check(&gate, ok, &err);
    vault_seal_free(&seal);
    ekm_buf_clear(&sealed);
    ekm_buf_clear(&plain);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(macs_are_the_known_ones_and_each_purpose_has_its_own),
      cmocka_unit_test(only_what_was_sealed_is_opened),
      cmocka_unit_test(the_same_plaintext_is_sealed_differently_each_time),
      cmocka_unit_test(a_set_is_its_rows_in_any_order),
      cmocka_unit_test(memory_that_runs_out_is_said),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
