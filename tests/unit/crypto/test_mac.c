/* HMAC against RFC 4231 (test cases 1, 2 and 6), and everything that must not pass. */
#include "crypto/mac.h"

#include <string.h>

#include "support/cmocka_all.h"
#include "support/memory_gate.h"
#include "support/vectors.h"

enum { ALGS = 3, MAC_MAX = 64 };

static const char *const algs[ALGS] = {"HS256", "HS384", "HS512"};
static const size_t mac_bytes[ALGS] = {32, 48, 64};

typedef struct mac_case {
  const char *key; /* hexadecimal; one byte stands for key_bytes of it */
  size_t key_bytes;
  const char *data;
  const char *macs[ALGS];
} mac_case;

static const mac_case cases[] = {
    {"0b",
     20,
     "Hi There",
     {"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
      "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
      "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
      "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"}},
    {"4a656665",
     4,
     "what do ya want for nothing?",
     {"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
      "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"}},
    {"aa",
     131,
     "Test Using Larger Than Block-Size Key - Hash Key First",
     {"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
      "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
      "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
      "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"}},
};

enum { CASES = sizeof cases / sizeof cases[0] };

static ekm_crypto *crypto;

static int set_up(void **state) {
  ekm_err err = {0};
  (void)state;
  return ekm_crypto_new(&crypto, &err) ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  ekm_crypto_free(&crypto);
  return 0;
}

static void load_key(const mac_case *row, ekm_secret *key) {
  ekm_err err = {0};
  ekm_buf bytes;
  ekm_buf_init(&bytes, 256);
  vectors_hex(row->key, &bytes);
  while (bytes.len < row->key_bytes) ekm_buf_append_char(&bytes, (char)bytes.ptr[0]);
  assert_true(ekm_secret_set(key, ekm_buf_view(&bytes), &err));
  ekm_buf_clear(&bytes);
}

static bool verifies(const ekm_secret *key, const char *alg, ekm_view data, ekm_view mac) {
  ekm_err err = {0};
  bool valid = false;
  assert_true(ekm_mac_verify(crypto, key, alg, data, mac, &valid, &err));
  return valid;
}

static void it_is_the_specified_one(void **state) {
  (void)state;
  for (size_t i = 0; i < CASES; i++) {
    ekm_secret key = {0};
    load_key(&cases[i], &key);
    for (size_t j = 0; j < ALGS; j++) {
      ekm_err err = {0};
      ekm_buf expected;
      ekm_buf mac;
      ekm_buf_init(&expected, MAC_MAX);
      ekm_buf_init(&mac, mac_bytes[j]);
      vectors_hex(cases[i].macs[j], &expected);
      assert_true(ekm_mac_sign(crypto, &key, algs[j], ekm_view_text(cases[i].data), &mac, &err));
      assert_int_equal(mac.len, mac_bytes[j]);
      assert_true(ekm_view_equal(ekm_buf_view(&mac), ekm_buf_view(&expected)));
      assert_true(verifies(&key, algs[j], ekm_view_text(cases[i].data), ekm_buf_view(&expected)));
      ekm_buf_clear(&expected);
      ekm_buf_clear(&mac);
    }
    ekm_secret_clear(&key);
  }
}

/* Every bit and the length of the MAC, the data, the key and the algorithm count. */
static void nothing_else_passes(void **state) {
  (void)state;
  for (size_t j = 0; j < ALGS; j++) {
    ekm_view data = ekm_view_text(cases[0].data);
    ekm_secret key = {0};
    ekm_buf mac;
    ekm_buf_init(&mac, MAC_MAX);
    load_key(&cases[0], &key);
    vectors_hex(cases[0].macs[j], &mac);
    for (size_t bit = 0; bit < mac.len * 8; bit++) {
      mac.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
      assert_false(verifies(&key, algs[j], data, ekm_buf_view(&mac)));
      mac.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < mac.len; len++) assert_false(verifies(&key, algs[j], data, ekm_view_of(mac.ptr, len)));
    assert_false(verifies(&key, algs[j], data, ekm_view_of(mac.ptr, mac.len + 1))); /* with the NUL behind it */
    assert_false(verifies(&key, algs[j], ekm_view_of(data.ptr, data.len - 1), ekm_buf_view(&mac)));
    assert_false(verifies(&key, algs[(j + 1) % ALGS], data, ekm_buf_view(&mac)));
    ekm_secret_bytes(&key)[0] ^= 1;
    assert_false(verifies(&key, algs[j], data, ekm_buf_view(&mac)));
    ekm_secret_clear(&key);
    ekm_buf_clear(&mac);
  }
}

static void what_cannot_sign_is_refused(void **state) {
  static const struct {
    const char *alg;
    size_t key_bytes;
    size_t room;
    ekm_err_id id;
  } rows[] = {
      {"HS1", 32, MAC_MAX, EKM_E_NOT_SUPPORTED},
      {"hs256", 32, MAC_MAX, EKM_E_NOT_SUPPORTED},
      {"RS256", 32, MAC_MAX, EKM_E_NOT_SUPPORTED},
      {"none", 32, MAC_MAX, EKM_E_NOT_SUPPORTED},
      {"", 32, MAC_MAX, EKM_E_NOT_SUPPORTED},
      {"HS256", 0, MAC_MAX, EKM_E_BAD_ARGUMENT},
      {"HS512", 32, 63, EKM_E_LIMIT},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    ekm_secret key = {0};
    bool valid = true;
    ekm_buf mac;
    ekm_buf_init(&mac, rows[i].room);
    assert_true(ekm_secret_resize(&key, rows[i].key_bytes, &err));
    assert_false(ekm_mac_sign(crypto, &key, rows[i].alg, ekm_view_text("x"), &mac, &err));
    assert_int_equal(err.id, rows[i].id);
    assert_int_equal(mac.len, 0);
    if (rows[i].id != EKM_E_LIMIT) {
      assert_false(ekm_mac_verify(crypto, &key, rows[i].alg, ekm_view_text("x"), ekm_view_text("y"), &valid, &err));
      assert_int_equal(err.id, rows[i].id);
      assert_false(valid);
    }
    ekm_secret_clear(&key);
    ekm_buf_clear(&mac);
  }
}

static void a_lack_of_memory_is_an_error(void **state) {
  memory_gate gate = {0};
  ekm_secret key = {0};
  (void)state;
  load_key(&cases[0], &key);
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_err err = {0};
    bool valid = false;
    ekm_buf mac;
    ekm_buf_init(&mac, MAC_MAX);
    bool ok = ekm_mac_sign(crypto, &key, "HS384", ekm_view_text("x"), &mac, &err) &&
              ekm_mac_verify(crypto, &key, "HS384", ekm_view_text("x"), ekm_buf_view(&mac), &valid, &err);
    memory_gate_check(&gate, ok, &err);
    assert_int_equal(valid, ok);
    ekm_buf_clear(&mac);
  }
  ekm_secret_clear(&key);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_is_the_specified_one),
      cmocka_unit_test(nothing_else_passes),
      cmocka_unit_test(what_cannot_sign_is_refused),
      cmocka_unit_test(a_lack_of_memory_is_an_error),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
