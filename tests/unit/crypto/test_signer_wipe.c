/* Is anything left in the heap of the private key of a certificate file, when its signer is gone? The host's memory is
 * not wiped when it is freed, so nothing may be there. What is looked for is kept masked here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "crypto/signer.h"
#include "support/cmocka_all.h"
#include "support/heap_search.h"

/* Of the key of tests/vectors/signer: the middles of d, p and q, and a line of its PEM text. */
static const uint8_t masked_d[32] = {0xe6, 0x96, 0x44, 0x6d, 0xf9, 0x9f, 0x95, 0x2f, 0xea, 0x44, 0xb1,
                                     0x6a, 0xba, 0xd1, 0x46, 0xc4, 0x82, 0xfc, 0x15, 0xc9, 0xce, 0xb3,
                                     0x3b, 0xef, 0xf9, 0xa7, 0x91, 0xe3, 0x88, 0x69, 0xb3, 0x50};
static const uint8_t masked_p[32] = {0x97, 0x43, 0x91, 0xaa, 0x66, 0xaa, 0xf2, 0x8d, 0x41, 0x9a, 0xcf,
                                     0x7c, 0x95, 0x08, 0x24, 0x6c, 0x02, 0xf9, 0xec, 0x57, 0x82, 0xeb,
                                     0xab, 0x19, 0x8e, 0x18, 0x61, 0x72, 0x08, 0x7a, 0x49, 0xad};
static const uint8_t masked_q[32] = {0x18, 0xfa, 0x26, 0x94, 0x27, 0x69, 0xf3, 0xfc, 0x2e, 0xf8, 0xb3,
                                     0xa8, 0xe5, 0x14, 0x89, 0x03, 0x42, 0xc5, 0x5e, 0x46, 0x39, 0x24,
                                     0x99, 0xaa, 0x60, 0x9d, 0xcf, 0x60, 0xde, 0xe2, 0xf5, 0x18};
static const uint8_t masked_line[32] = {0x75, 0x6d, 0x31, 0x6b, 0x02, 0x38, 0x2c, 0x3f, 0x2d, 0x35, 0x3c,
                                        0x08, 0x0f, 0x36, 0x6c, 0x69, 0x37, 0x00, 0x1c, 0x0c, 0x6d, 0x29,
                                        0x2a, 0x71, 0x6b, 0x6b, 0x36, 0x11, 0x69, 0x68, 0x08, 0x63};

enum { PATTERN_BYTES = 32 };
static const uint8_t *const patterns[] = {masked_d, masked_p, masked_q, masked_line};
enum { PATTERNS = sizeof patterns / sizeof patterns[0] };

/* As it is in DER, or backwards, as OpenSSL's numbers are. */
static int count_in_heap(void) {
  int found = 0;
  for (size_t i = 0; i < PATTERNS; i++) {
    found += heap_search(patterns[i], PATTERN_BYTES) + heap_search_backwards(patterns[i], PATTERN_BYTES);
  }
  return found;
}

static void nothing_is_left_of_a_file(void **state) {
  static const char *const names[] = {"pkcs8.pem", "pkcs1-chain.pem", "encrypted.pem", "aes.pfx", "rc2.pfx"};
  int seen = 0;
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    ekm_err err = {0};
    ekm_signer *signer = NULL;
    ekm_buf file, signature;
    char path[sizeof EKM_TEST_VECTORS + 40];
    (void)snprintf(path, sizeof path, "%s/signer/%s", EKM_TEST_VECTORS, names[i]);
    ekm_buf_init(&file, EKM_SIGNER_FILE_MAX_BYTES);
    ekm_buf_init(&signature, 1024);
    assert_true(ekm_file_read(path, &file, &err));
    assert_true(ekm_signer_open(ekm_buf_view(&file), ekm_view_text("p\xc3\xa4ssword"), &signer, &err));
    assert_true(ekm_signer_sign(signer, ekm_view_text("text"), &signature, &err));
    seen += count_in_heap(); /* the search finds something while the key is there */
    ekm_signer_free(&signer);
    ekm_buf_clear(&file);
    ekm_buf_clear(&signature);
    int left = count_in_heap();
    if (left != 0) fail_msg("%s: %d", names[i], left);
  }
  assert_true(seen >= 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_left_of_a_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
