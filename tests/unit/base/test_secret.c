#include "base/secret.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/thread.h"
#include "support/cmocka_all.h"
#include "support/memory_gate.h"

static void set_move_equal_clear(void **state) {
  ekm_err err = {0};
  ekm_secret a = {0};
  ekm_secret b = {0};
  (void)state;
  assert_true(ekm_secret_equal(&a, &b));
  assert_true(ekm_secret_set(&a, ekm_view_text("open sesame"), &err));
  assert_false(ekm_secret_equal(&a, &b));
  assert_string_equal((const char *)ekm_secret_reveal(&a).ptr, "open sesame"); /* a NUL follows */
  assert_true(ekm_secret_set(&b, ekm_secret_reveal(&a), &err));
  assert_true(ekm_secret_equal(&a, &b));
  ekm_secret_bytes(&b)[3] ^= 1;
  assert_false(ekm_secret_equal(&a, &b));
  assert_true(ekm_secret_set(&a, ekm_secret_reveal(&a), &err)); /* by itself */
  assert_string_equal((const char *)ekm_secret_reveal(&a).ptr, "open sesame");
  ekm_secret_move(&b, &a);
  assert_int_equal(a.len, 0);
  assert_null(ekm_secret_reveal(&a).ptr);
  assert_string_equal((const char *)ekm_secret_reveal(&b).ptr, "open sesame");
  assert_true(ekm_secret_set(&b, ekm_view_of(NULL, 0), &err));
  assert_int_equal(b.len, 0);
  ekm_secret_clear(&b);
  ekm_secret_clear(&b);
}

/* The locked pages are never given back, so what a cleared secret left in them can be looked at. */
static void what_goes_is_wiped(void **state) {
  ekm_err err = {0};
  ekm_secret a = {0};
  (void)state;
  assert_true(ekm_secret_resize(&a, 600, &err));
  uint8_t *was = ekm_secret_bytes(&a);
  for (size_t i = 0; i < 600; i++) assert_int_equal(was[i], 0);
  memset(was, 0x5A, 600);
  ekm_secret_clear(&a);
  for (size_t i = 0; i < 600; i++) assert_int_equal(was[i], 0);
  assert_true(ekm_secret_resize(&a, 600, &err));
  memset(ekm_secret_bytes(&a), 0x5A, 600);
  assert_true(ekm_secret_resize(&a, 10, &err));
  for (size_t i = 0; i < 10; i++) assert_int_equal(ekm_secret_bytes(&a)[i], 0);
  ekm_secret_clear(&a);
}

static void lengths_up_to_the_limit(void **state) {
  static const size_t lens[] = {0, 1, 254, 255, 256, 257, 511, 512, 65535, EKM_LIMIT_SECRET_BYTES};
  ekm_err err = {0};
  ekm_secret a = {0};
  (void)state;
  for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
    assert_true(ekm_secret_resize(&a, lens[i], &err));
    assert_int_equal(a.len, lens[i]);
    memset(ekm_secret_bytes(&a), 0xFF, lens[i]);
    assert_int_equal(ekm_secret_bytes(&a)[lens[i]], 0);
  }
  assert_false(ekm_secret_resize(&a, EKM_LIMIT_SECRET_BYTES + 1, &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
  assert_int_equal(a.len, EKM_LIMIT_SECRET_BYTES); /* the old one is still there */
  ekm_secret_clear(&a);
}

/* More secrets than the locked pages hold: none overlaps another, none is lost. */
static void more_than_the_locked_pages_hold(void **state) {
  enum { COUNT = 1200 };
  static ekm_secret secrets[COUNT];
  ekm_err err = {0};
  (void)state;
  for (int round = 0; round < 2; round++) {
    for (size_t i = 0; i < COUNT; i++) {
      assert_true(ekm_secret_resize(&secrets[i], 100 + i % 400, &err));
      memset(ekm_secret_bytes(&secrets[i]), (int)(i % 251), secrets[i].len);
    }
    for (size_t i = 0; i < COUNT; i++) {
      ekm_view bytes = ekm_secret_reveal(&secrets[i]);
      for (size_t j = 0; j < bytes.len; j++) assert_int_equal(bytes.ptr[j], i % 251);
    }
    for (size_t i = 0; i < COUNT; i += 1 + (size_t)(round == 0)) ekm_secret_clear(&secrets[i]);
  }
}

static void run(void *arg) {
  bool *ok = arg;
  ekm_secret a = {0};
  ekm_err err = {0};
  *ok = true;
  for (int i = 0; i < 2000 && *ok; i++) {
    *ok = ekm_secret_set(&a, ekm_view_text("a secret of one thread"), &err) &&
          ekm_mem_equal(ekm_secret_reveal(&a).ptr, "a secret of one thread", 22);
    ekm_secret_clear(&a);
  }
}

static void threads_share_the_pages(void **state) {
  ekm_thread *threads[8];
  bool oks[8];
  ekm_err err = {0};
  (void)state;
  for (size_t i = 0; i < 8; i++) assert_true(ekm_thread_start(&threads[i], run, &oks[i], &err));
  for (size_t i = 0; i < 8; i++) {
    ekm_thread_join(&threads[i]);
    assert_true(oks[i]);
  }
}

static void a_lack_of_memory_keeps_the_old_secret(void **state) {
  static ekm_secret filler[4];
  memory_gate gate = {0};
  ekm_err err = {0};
  ekm_secret a = {0};
  (void)state;
  /* The pages are full, so that the next one asks for ordinary memory. */
  for (size_t i = 0; i < 4; i++) assert_true(ekm_secret_resize(&filler[i], EKM_LIMIT_SECRET_BYTES, &err));
  assert_true(ekm_secret_set(&a, ekm_view_text("old"), &err));
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    bool ok = ekm_secret_resize(&a, EKM_LIMIT_SECRET_BYTES, &err);
    memory_gate_check(&gate, ok, &err);
    if (!ok) assert_string_equal((const char *)ekm_secret_reveal(&a).ptr, "old");
  }
  ekm_secret_clear(&a);
  for (size_t i = 0; i < 4; i++) ekm_secret_clear(&filler[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(set_move_equal_clear),    cmocka_unit_test(what_goes_is_wiped),
      cmocka_unit_test(lengths_up_to_the_limit), cmocka_unit_test(more_than_the_locked_pages_hold),
      cmocka_unit_test(threads_share_the_pages), cmocka_unit_test(a_lack_of_memory_keeps_the_old_secret),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
