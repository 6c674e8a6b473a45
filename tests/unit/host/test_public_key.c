/* Every encoding of an exported public key, right, cut short at each byte, and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/public_key.h"

enum { N_BYTES = 64 };

/* An odd number of 512 bits: nobody here needs its factors. */
static uint8_t modulus[N_BYTES];
static const uint8_t exponent[] = {0x01, 0x00, 0x01};

static int make_modulus(void **state) {
  (void)state;
  for (size_t i = 0; i < N_BYTES; i++) modulus[i] = (uint8_t)(0x9B + 5 * i);
  modulus[N_BYTES - 1] |= 1;
  return 0;
}

static void put(ekm_buf *out, const uint8_t *bytes, size_t len) {
  ekm_buf_append(out, bytes, len);
}
#define PUT(out, ...) put((out), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void make_pkcs1(ekm_buf *out) {
  PUT(out, 0x30, 0x48, 0x02, 0x41, 0x00);
  put(out, modulus, N_BYTES);
  PUT(out, 0x02, 0x03, 0x01, 0x00, 0x01);
}

static void make_spki(ekm_buf *out) {
  PUT(out, 0x30, 0x5C, 0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03,
      0x4B, 0x00);
  make_pkcs1(out);
}

static void make_cng(ekm_buf *out) {
  PUT(out, 'R', 'S', 'A', '1', 0x00, 0x02, 0, 0, 3, 0, 0, 0, N_BYTES, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  put(out, exponent, sizeof exponent);
  put(out, modulus, N_BYTES);
}

static void make_capi(ekm_buf *out) {
  PUT(out, 0x06, 0x02, 0, 0, 0x00, 0xA4, 0, 0, 'R', 'S', 'A', '1', 0x00, 0x02, 0, 0, 0x01, 0x00, 0x01, 0x00);
  for (size_t i = 0; i < N_BYTES; i++) put(out, &modulus[N_BYTES - 1 - i], 1);
}

static const struct {
  host_public_key_encoding encoding;
  void (*make)(ekm_buf *out);
} encodings[] = {{HOST_PUBLIC_KEY_PKCS1, make_pkcs1},
                 {HOST_PUBLIC_KEY_SPKI, make_spki},
                 {HOST_PUBLIC_KEY_CNG, make_cng},
                 {HOST_PUBLIC_KEY_CAPI, make_capi}};
enum { ENCODINGS = sizeof encodings / sizeof encodings[0] };

static void every_encoding_gives_the_same_key(void **state) {
  (void)state;
  for (size_t i = 0; i < ENCODINGS; i++) {
    ekm_buf blob;
    host_public_key key;
    ekm_err err = {0};
    ekm_buf_init(&blob, 4096);
    encodings[i].make(&blob);
    assert_true(host_public_key_parse(ekm_buf_view(&blob), &key, &err));
    assert_int_equal(key.encoding, encodings[i].encoding);
    assert_int_equal(key.bits, 512);
    assert_int_equal(key.n_len, N_BYTES);
    assert_memory_equal(key.n, modulus, N_BYTES);
    assert_int_equal(key.e_len, sizeof exponent);
    assert_memory_equal(key.e, exponent, sizeof exponent);
    assert_true(strlen(host_public_key_encoding_name(key.encoding)) > 0);
    ekm_buf_clear(&blob);
  }
}

/* The copy has its exact size on the heap, so that a sanitizer sees one byte too far. */
static void assert_refused(ekm_view blob) {
  ekm_buf exact;
  host_public_key key;
  ekm_err err = {0};
  ekm_buf_init(&exact, 8192);
  ekm_buf_append_view(&exact, blob);
  assert_false(host_public_key_parse(ekm_buf_view(&exact), &key, &err));
  assert_int_equal(err.id, EKM_E_MISMATCH);
  assert_true(strlen(err.detail) > 0);
  assert_int_equal(key.n_len, 0);
  ekm_buf_clear(&exact);
}

static void every_cut_and_every_addition_is_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < ENCODINGS; i++) {
    ekm_buf blob;
    ekm_buf_init(&blob, 4096);
    encodings[i].make(&blob);
    for (size_t len = 0; len < blob.len; len++) assert_refused(ekm_view_of(blob.ptr, len));
    ekm_buf_append_char(&blob, 'x');
    assert_refused(ekm_buf_view(&blob));
    ekm_buf_clear(&blob);
  }
}

/* No byte of the structure may be changed; only those of the two numbers and of CAPI's algorithm id are free. */
static void hostile_lengths_are_refused(void **state) {
  (void)state;
  static const uint8_t values[] = {0x00, 0x7F, 0x80, 0x81, 0x82, 0x83, 0x84, 0x88, 0xFE, 0xFF};
  static const struct {
    void (*make)(ekm_buf *out);
    size_t at;
  } places[] = {{make_pkcs1, 1}, {make_pkcs1, 3}, {make_pkcs1, 70}, {make_spki, 1},  {make_spki, 3},  {make_spki, 5},
                {make_spki, 18}, {make_spki, 21}, {make_cng, 5},    {make_cng, 8},   {make_cng, 9},   {make_cng, 11},
                {make_cng, 12},  {make_cng, 13},  {make_cng, 15},   {make_capi, 13}, {make_capi, 14}, {make_capi, 15}};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    for (size_t j = 0; j < sizeof values; j++) {
      ekm_buf blob;
      ekm_buf_init(&blob, 4096);
      places[i].make(&blob);
      if (blob.ptr[places[i].at] != values[j]) {
        blob.ptr[places[i].at] = values[j];
        assert_refused(ekm_buf_view(&blob));
      }
      ekm_buf_clear(&blob);
    }
  }
}

static void numbers_that_are_no_key_are_refused(void **state) {
  (void)state;
  ekm_buf blob;
  ekm_buf_init(&blob, 4096);
  make_pkcs1(&blob);
  blob.ptr[5 + N_BYTES - 1] ^= 1; /* an even modulus */
  assert_refused(ekm_buf_view(&blob));
  blob.ptr[5 + N_BYTES - 1] ^= 1;
  blob.ptr[blob.len - 1] = 0; /* an even exponent */
  assert_refused(ekm_buf_view(&blob));
  ekm_buf_reset(&blob);

  PUT(&blob, 0x30, 0x06, 0x02, 0x01, 0x0B, 0x02, 0x01, 0x03); /* a modulus of four bits */
  assert_refused(ekm_buf_view(&blob));
  ekm_buf_reset(&blob);
  PUT(&blob, 0x30, 0x06, 0x02, 0x01, 0x8B, 0x02, 0x01, 0x03); /* a negative one */
  assert_refused(ekm_buf_view(&blob));
  ekm_buf_reset(&blob);

  make_cng(&blob); /* primes belong to a private key */
  blob.ptr[16] = 1;
  assert_refused(ekm_buf_view(&blob));
  ekm_buf_clear(&blob);
}

/* CNG with a modulus of 4104 bits: one byte more than the ABI allows. */
static void a_modulus_beyond_the_limit_is_refused(void **state) {
  (void)state;
  ekm_buf blob;
  ekm_buf_init(&blob, 4096);
  PUT(&blob, 'R', 'S', 'A', '1', 0x08, 0x10, 0, 0, 1, 0, 0, 0, 0x01, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x03);
  for (size_t i = 0; i < 513; i++) PUT(&blob, 0xFF);
  assert_refused(ekm_buf_view(&blob));
  ekm_buf_clear(&blob);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_encoding_gives_the_same_key),
      cmocka_unit_test(every_cut_and_every_addition_is_refused),
      cmocka_unit_test(hostile_lengths_are_refused),
      cmocka_unit_test(numbers_that_are_no_key_are_refused),
      cmocka_unit_test(a_modulus_beyond_the_limit_is_refused),
  };
  return cmocka_run_group_tests(tests, make_modulus, NULL);
}
