/* AES-256-GCM against the test cases of its specification (McGrew and Viega, "The Galois/Counter Mode of Operation",
 * appendix B, cases 13 to 16; the same as in NIST's examples). */
#include "crypto/gcm.h"

#include <string.h>

#include "support/cmocka_all.h"
#include "support/vectors.h"

#define TEXT_64                                                                                                        \
  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba" \
  "63"                                                                                                                 \
  "7b39"
#define CIPHER_60                                                                                                      \
  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abc" \
  "c9"                                                                                                                 \
  "f662"

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

typedef struct gcm_case {
  const char *key, *nonce, *aad, *plaintext, *sealed;
} gcm_case;

static const char zero_key[] = "0000000000000000000000000000000000000000000000000000000000000000";
static const char real_key[] = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";

static const gcm_case cases[] = {
    {zero_key, "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {zero_key, "000000000000000000000000", "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {real_key, "cafebabefacedbaddecaf888", "", TEXT_64 "1aafd255",
     CIPHER_60 "898015ad"
               "b094dac5d93471bdec1a502270e3cc6c"},
    {real_key, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2", TEXT_64,
     CIPHER_60 "76fc6ece0f4e1768cddf8853bb2d551b"},
};

typedef struct loaded {
  ekm_secret key;
  ekm_buf nonce, aad, plaintext, sealed, out;
} loaded;

static void load(const gcm_case *row, loaded *l) {
  ekm_buf key;
  ekm_err err = {0};
  memset(l, 0, sizeof *l);
  ekm_buf_init(&key, 64);
  ekm_buf_init(&l->nonce, 64);
  ekm_buf_init(&l->aad, 64);
  ekm_buf_init(&l->plaintext, 256);
  ekm_buf_init(&l->sealed, 256);
  ekm_buf_init(&l->out, 256);
  vectors_hex(row->key, &key);
  vectors_hex(row->nonce, &l->nonce);
  vectors_hex(row->aad, &l->aad);
  vectors_hex(row->plaintext, &l->plaintext);
  vectors_hex(row->sealed, &l->sealed);
  assert_true(ekm_secret_set(&l->key, ekm_buf_view(&key), &err));
  ekm_buf_clear(&key);
}

static void unload(loaded *l) {
  ekm_secret_clear(&l->key);
  ekm_buf_clear(&l->nonce);
  ekm_buf_clear(&l->aad);
  ekm_buf_clear(&l->plaintext);
  ekm_buf_clear(&l->sealed);
  ekm_buf_clear(&l->out);
}

static bool open_it(loaded *l, ekm_err *err) {
  return ekm_gcm_open(crypto, &l->key, l->nonce.ptr, ekm_buf_view(&l->aad), ekm_buf_view(&l->sealed), &l->out, err);
}

static void assert_same(const ekm_buf *a, const ekm_buf *b) {
  assert_int_equal(a->len, b->len);
  if (a->len > 0) assert_memory_equal(a->ptr, b->ptr, a->len);
}

static void it_is_the_specified_one(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    loaded l;
    ekm_err err = {0};
    load(&cases[i], &l);
    assert_true(
        ekm_gcm_seal(crypto, &l.key, l.nonce.ptr, ekm_buf_view(&l.aad), ekm_buf_view(&l.plaintext), &l.out, &err));
    assert_same(&l.out, &l.sealed);
    ekm_buf_reset(&l.out);
    assert_true(open_it(&l, &err));
    assert_same(&l.out, &l.plaintext);
    unload(&l);
  }
}

/* Every single bit of key, nonce, associated data, ciphertext and tag counts; a refusal appends nothing. */
static void every_bit_counts(void **state) {
  loaded l;
  (void)state;
  load(&cases[3], &l);
  ekm_buf_append_text(&l.out, "before");
  const struct {
    uint8_t *ptr;
    size_t len;
  } parts[] = {{ekm_secret_bytes(&l.key), l.key.len},
               {l.nonce.ptr, EKM_GCM_NONCE_BYTES},
               {l.aad.ptr, l.aad.len},
               {l.sealed.ptr, l.sealed.len}};
  for (size_t part = 0; part < sizeof parts / sizeof parts[0]; part++) {
    for (size_t bit = 0; bit < parts[part].len * 8; bit++) {
      ekm_err err = {0};
      parts[part].ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
      assert_false(open_it(&l, &err));
      assert_int_equal(err.id, EKM_E_MISMATCH);
      assert_string_equal(ekm_buf_text(&l.out), "before");
      parts[part].ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
  }
  unload(&l);
}

static void every_length_counts(void **state) {
  loaded l;
  (void)state;
  load(&cases[3], &l);
  while (l.sealed.len > 0) {
    ekm_err err = {0};
    ekm_buf_truncate(&l.sealed, l.sealed.len - 1);
    assert_false(open_it(&l, &err));
    assert_int_equal(err.id, EKM_E_MISMATCH);
    assert_int_equal(l.out.len, 0);
  }
  unload(&l);
}

static void a_key_of_another_size_is_refused(void **state) {
  static const size_t sizes[] = {0, 16, 24, 31, 33};
  (void)state;
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    loaded l;
    ekm_err err = {0};
    load(&cases[3], &l);
    assert_true(ekm_secret_resize(&l.key, sizes[i], &err));
    assert_false(open_it(&l, &err));
    assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
    assert_false(
        ekm_gcm_seal(crypto, &l.key, l.nonce.ptr, ekm_buf_view(&l.aad), ekm_buf_view(&l.plaintext), &l.out, &err));
    assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
    assert_int_equal(l.out.len, 0);
    unload(&l);
  }
}

static void a_buffer_without_room_is_an_error(void **state) {
  loaded l;
  ekm_err err = {0};
  (void)state;
  load(&cases[3], &l);
  ekm_buf_init(&l.out, l.plaintext.len + EKM_GCM_TAG_BYTES - 1);
  assert_false(
      ekm_gcm_seal(crypto, &l.key, l.nonce.ptr, ekm_buf_view(&l.aad), ekm_buf_view(&l.plaintext), &l.out, &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
  ekm_buf_init(&l.out, l.plaintext.len - 1);
  assert_false(open_it(&l, &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
  unload(&l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_is_the_specified_one),
      cmocka_unit_test(every_bit_counts),
      cmocka_unit_test(every_length_counts),
      cmocka_unit_test(a_key_of_another_size_is_refused),
      cmocka_unit_test(a_buffer_without_room_is_an_error),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
