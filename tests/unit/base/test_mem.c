#include "base/mem.h"

#include <string.h>

#include "base/text.h"
#include "support/cmocka_all.h"
#include "support/memory_gate.h"

static void memory_comes_zeroed_and_wipes(void **state) {
  ekm_err err = {0};
  (void)state;
  uint8_t *bytes = ekm_mem_alloc(1000, &err);
  assert_non_null(bytes);
  for (size_t i = 0; i < 1000; i++) assert_int_equal(bytes[i], 0);
  memset(bytes, 0xAB, 1000);
  ekm_mem_wipe(bytes + 1, 998);
  assert_int_equal(bytes[0], 0xAB);
  for (size_t i = 1; i < 999; i++) assert_int_equal(bytes[i], 0);
  assert_int_equal(bytes[999], 0xAB);
  ekm_mem_wipe(NULL, 0);
  ekm_mem_free(bytes);
  ekm_mem_free(NULL);
}

static void sizes_that_overflow_are_refused(void **state) {
  static const struct {
    size_t count, size;
  } rows[] = {{SIZE_MAX, 2}, {2, SIZE_MAX}, {SIZE_MAX / 2 + 1, 2}, {(size_t)1 << 33, (size_t)1 << 33}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    assert_null(ekm_mem_array(rows[i].count, rows[i].size, &err));
    assert_int_equal(err.id, EKM_E_OUT_OF_MEMORY);
  }
}

static void growing_keeps_the_old_and_zeroes_the_new(void **state) {
  ekm_err err = {0};
  (void)state;
  uint32_t *few = ekm_mem_grow(NULL, 0, 2, sizeof *few, &err);
  assert_non_null(few);
  few[0] = 1;
  few[1] = 2;
  uint32_t *many = ekm_mem_grow(few, 2, 100, sizeof *few, &err);
  assert_non_null(many);
  assert_int_equal(many[0], 1);
  assert_int_equal(many[1], 2);
  for (size_t i = 2; i < 100; i++) assert_int_equal(many[i], 0);
  assert_null(ekm_mem_grow(many, 100, SIZE_MAX / 2, sizeof *many, &err));
  assert_int_equal(many[1], 2); /* still ours after a failure */
  ekm_mem_free(many);
}

static void equal_compares_every_byte(void **state) {
  uint8_t a[40];
  uint8_t b[40];
  (void)state;
  memset(a, 7, sizeof a);
  memcpy(b, a, sizeof b);
  assert_true(ekm_mem_equal(a, b, sizeof a));
  assert_true(ekm_mem_equal(NULL, NULL, 0));
  for (size_t bit = 0; bit < sizeof a * 8; bit++) {
    b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_false(ekm_mem_equal(a, b, sizeof a));
    b[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
}

static void the_gate_fails_every_way_to_memory(void **state) {
  memory_gate gate = {0};
  size_t rounds = 0;
  (void)state;
  for (size_t n = 0; memory_gate_next(&gate, n); n++, rounds++) {
    ekm_err err = {0};
    void *a = ekm_mem_alloc(1, &err);
    void *b = a == NULL ? NULL : ekm_mem_array(2, 3, &err);
    void *c = b == NULL ? NULL : ekm_mem_grow(NULL, 0, 1, 1, &err);
    char *d = c == NULL ? NULL : ekm_text_dup("d", &err);
    memory_gate_check(&gate, d != NULL, &err);
    ekm_mem_free(a);
    ekm_mem_free(b);
    ekm_mem_free(c);
    ekm_mem_free(d);
  }
  assert_int_equal(rounds, 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(memory_comes_zeroed_and_wipes),
      cmocka_unit_test(sizes_that_overflow_are_refused),
      cmocka_unit_test(growing_keeps_the_old_and_zeroes_the_new),
      cmocka_unit_test(equal_compares_every_byte),
      cmocka_unit_test(the_gate_fails_every_way_to_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
