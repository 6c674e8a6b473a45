/* Hashes, HMAC and random bytes against published answers. */
#include "crypto/crypto.h"

#include <openssl/err.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "support/cmocka_all.h"
#include "support/memory_gate.h"
#include "support/vectors.h"

static ekm_crypto *crypto;

static int set_up(void **state) {
  ekm_err err = {0};
  (void)state;
  return ekm_crypto_new(&crypto, &err) ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  ekm_crypto_free(&crypto);
  return crypto == NULL ? 0 : -1;
}

static void assert_hex(const uint8_t *bytes, const char *digits) {
  ekm_buf expected;
  ekm_buf_init(&expected, 64);
  vectors_hex(digits, &expected);
  assert_memory_equal(bytes, expected.ptr, expected.len);
  ekm_buf_clear(&expected);
}

/* ${text} repeated ${times}. */
static void repeat(const char *text, size_t times, ekm_buf *out) {
  ekm_buf_init(out, 1 << 20);
  for (size_t i = 0; i < times; i++) ekm_buf_append_text(out, text);
}

static void hashes_are_those_of_nist(void **state) {
  /* The examples for SHA-1 and SHA-256 of NIST's cryptographic standards site (FIPS 180-4). */
  static const struct {
    const char *text;
    size_t times;
    const char *sha1, *sha256;
  } rows[] = {
      {"", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709",
       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d",
       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {"a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    uint8_t out[EKM_SHA256_BYTES];
    ekm_err err = {0};
    ekm_buf data;
    repeat(rows[i].text, rows[i].times, &data);
    assert_true(ekm_crypto_sha1(crypto, ekm_buf_view(&data), out, &err));
    assert_hex(out, rows[i].sha1);
    assert_true(ekm_crypto_sha256(crypto, ekm_buf_view(&data), out, &err));
    assert_hex(out, rows[i].sha256);
    ekm_buf_clear(&data);
  }
}

static void hmac_is_that_of_rfc_4231(void **state) {
  static const struct {
    const char *key;
    size_t key_times;
    const char *data;
    const char *mac;
  } rows[] = {
      {"\x0b", 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", 1, "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {"\xaa", 131, "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {"\xaa", 131,
       "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
       "hashed before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
      /* Of an empty key and text: computed by Python's hmac. */
      {"", 1, "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    uint8_t out[EKM_SHA256_BYTES];
    ekm_err err = {0};
    ekm_buf key;
    repeat(rows[i].key, rows[i].key_times, &key);
    assert_true(ekm_crypto_hmac_sha256(crypto, ekm_buf_view(&key), ekm_view_text(rows[i].data), out, &err));
    assert_hex(out, rows[i].mac);
    ekm_buf_clear(&key);
  }
}

static void an_absent_view_is_an_empty_one(void **state) {
  uint8_t out[EKM_SHA256_BYTES];
  ekm_err err = {0};
  (void)state;
  assert_true(ekm_crypto_sha256(crypto, ekm_view_of(NULL, 0), out, &err));
  assert_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert_true(ekm_crypto_hmac_sha256(crypto, ekm_view_of(NULL, 0), ekm_view_of(NULL, 0), out, &err));
  assert_hex(out, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* Not a test of the generator, only that the whole buffer is filled, each time anew, also beyond one request. */
static void random_bytes_fill_the_buffer(void **state) {
  static uint8_t first[200001];
  static uint8_t second[200001];
  const ekm_rng *rng = ekm_crypto_rng(crypto);
  ekm_err err = {0};
  (void)state;
  memset(first, 0, sizeof first);
  memset(second, 0, sizeof second);
  assert_true(rng->fill(rng, first, sizeof first - 1, &err));
  assert_true(rng->fill(rng, second, sizeof second - 1, &err));
  for (size_t at = 0; at + 16 < sizeof first; at += 16) {
    static const uint8_t zeros[16];
    assert_memory_not_equal(first + at, zeros, 16);
    assert_memory_not_equal(first + at, second + at, 16);
  }
  assert_int_equal(first[sizeof first - 1], 0);
  assert_true(rng->fill(rng, first, 0, &err));
}

typedef struct racer {
  ekm_thread *thread;
  uint8_t random[16];
  bool ok;
} racer;

static void race(void *arg) {
  racer *r = arg;
  const ekm_rng *rng = ekm_crypto_rng(crypto);
  uint8_t hash[EKM_SHA256_BYTES];
  ekm_err err = {0};
  r->ok = true;
  for (int i = 0; i < 500; i++) {
    r->ok = r->ok && rng->fill(rng, r->random, sizeof r->random, &err) &&
            ekm_crypto_hmac_sha256(crypto, ekm_view_of(r->random, 16), ekm_view_text("x"), hash, &err);
  }
}

static void all_threads_may_use_it(void **state) {
  racer racers[8];
  ekm_err err = {0};
  (void)state;
  for (size_t i = 0; i < 8; i++) assert_true(ekm_thread_start(&racers[i].thread, race, &racers[i], &err));
  for (size_t i = 0; i < 8; i++) {
    ekm_thread_join(&racers[i].thread);
    assert_true(racers[i].ok);
    for (size_t j = 0; j < i; j++) assert_memory_not_equal(racers[i].random, racers[j].random, 16);
  }
}

/* What the host left in its thread's error queue is still there, and nothing of ours is. */
static void the_hosts_error_queue_is_left_alone(void **state) {
  ekm_err err = {0};
  uint8_t out[EKM_SHA256_BYTES];
  ekm_crypto *other = NULL;
  (void)state;
  ERR_clear_error();
  ERR_raise(ERR_LIB_USER, 42);
  assert_true(ekm_crypto_new(&other, &err));
  assert_true(ekm_crypto_sha256(other, ekm_view_text("abc"), out, &err));
  ekm_crypto_free(&other);
  assert_int_equal(ERR_GET_REASON(ERR_get_error()), 42);
  assert_int_equal(ERR_get_error(), 0);
}

static void making_one_survives_a_lack_of_memory(void **state) {
  memory_gate gate = {0};
  (void)state;
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_err err = {0};
    ekm_crypto *other = NULL;
    bool ok = ekm_crypto_new(&other, &err);
    memory_gate_check(&gate, ok, &err);
    assert_int_equal(ok, other != NULL);
    ekm_crypto_free(&other);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hashes_are_those_of_nist),
      cmocka_unit_test(hmac_is_that_of_rfc_4231),
      cmocka_unit_test(an_absent_view_is_an_empty_one),
      cmocka_unit_test(random_bytes_fill_the_buffer),
      cmocka_unit_test(all_threads_may_use_it),
      cmocka_unit_test(the_hosts_error_queue_is_left_alone),
      cmocka_unit_test(making_one_survives_a_lack_of_memory),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
