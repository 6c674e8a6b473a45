/* Is a private number left in the heap when its key is gone? The number is only ever kept masked here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/keys.h"
#include "crypto/wipe.h"
#include "support/cmocka_all.h"
#include "support/heap_search.h"

/* d of the key of RFC 7515 appendix A.3, and the numbers that are public. */
static const uint8_t masked_d[32] = {0xd4, 0xc1, 0x4a, 0xc4, 0x2b, 0xca, 0xc2, 0xe5, 0xc2, 0x5e, 0xdd,
                                     0x85, 0x45, 0x07, 0x2d, 0xb3, 0x91, 0x73, 0x3a, 0x34, 0xe4, 0x88,
                                     0x7c, 0x61, 0x05, 0x0d, 0x98, 0x49, 0x85, 0xde, 0xae, 0xe8};
static const uint8_t x[32] = {0x7f, 0xcd, 0xce, 0x27, 0x70, 0xf6, 0xc4, 0x5d, 0x41, 0x83, 0xcb,
                              0xee, 0x6f, 0xdb, 0x4b, 0x7b, 0x58, 0x07, 0x33, 0x35, 0x7b, 0xe9,
                              0xef, 0x13, 0xba, 0xcf, 0x6e, 0x3c, 0x7b, 0xd1, 0x54, 0x45};
static const uint8_t y[32] = {0xc7, 0xf1, 0x44, 0xcd, 0x1b, 0xbd, 0x9b, 0x7e, 0x87, 0x2c, 0xdf,
                              0xed, 0xb9, 0xee, 0xb9, 0xf4, 0xb3, 0x69, 0x5d, 0x6e, 0xa9, 0x0b,
                              0x24, 0xad, 0x8a, 0x46, 0x23, 0x28, 0x85, 0x88, 0xe5, 0xad};

static void nothing_is_left_of_a_private_number(void **state) {
  ekm_crypto *crypto = NULL;
  ekm_key *key = NULL, *again = NULL;
  ekm_err err = {0};
  ekm_buf der, signature;
  uint8_t d[sizeof masked_d];
  (void)state;
  ekm_buf_init(&der, 4096);
  ekm_buf_init(&signature, 4096);
  assert_true(ekm_crypto_new(&crypto, &err));
  for (size_t i = 0; i < sizeof d; i++) d[i] = masked_d[i] ^ HEAP_SEARCH_MASK;
  const ekm_ec_numbers numbers = {ekm_view_of(x, sizeof x), ekm_view_of(y, sizeof y), ekm_view_of(d, sizeof d)};
  assert_true(ekm_key_import_ec(crypto, "P-256", &numbers, &key, &err));
  assert_true(ekm_key_to_pkcs8(key, &der, &err));
  assert_int_equal(heap_search(masked_d, sizeof masked_d), 1); /* the search finds it: in our buffer */
  assert_true(ekm_key_from_pkcs8(crypto, ekm_buf_view(&der), &again, &err));
  assert_true(ekm_key_sign(again, "ES256", ekm_view_of(x, sizeof x), &signature, &err));
  ekm_key_free(&key);
  ekm_key_free(&again);
  ekm_buf_clear(&der);
  assert_int_equal(heap_search(masked_d, sizeof masked_d), 0);
  assert_int_equal(heap_search_backwards(masked_d, sizeof masked_d), 0); /* as OpenSSL has its numbers */
  ekm_mem_wipe(d, sizeof d);
  ekm_buf_clear(&signature);
  ekm_crypto_free(&crypto);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_left_of_a_private_number),
  };
  if (!ekm_crypto_wipe_freed()) return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
