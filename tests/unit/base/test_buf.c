#include "base/buf.h"

#include <string.h>

#include "support/cmocka_all.h"
#include "support/memory_gate.h"

static void appends_are_joined_and_ended(void **state) {
  ekm_err err = {0};
  ekm_buf buf;
  (void)state;
  ekm_buf_init(&buf, 100);
  assert_string_equal(ekm_buf_text(&buf), "");
  assert_null(buf.ptr);
  ekm_buf_append_text(&buf, "ab");
  ekm_buf_append_char(&buf, 'c');
  ekm_buf_append(&buf, "de\0f", 4);
  ekm_buf_append_view(&buf, ekm_view_text("g"));
  ekm_buf_append(&buf, NULL, 0);
  ekm_buf_append_view(&buf, ekm_view_of(NULL, 0));
  ekm_buf_append_fmt(&buf, "%d%s", 42, "h");
  assert_true(ekm_buf_ok(&buf, "x", &err));
  assert_int_equal(buf.len, 11);
  assert_memory_equal(buf.ptr, "abcde\0fg42h", 12);
  uint8_t *more = ekm_buf_extend(&buf, 3);
  assert_ptr_equal(more, buf.ptr + 11);
  assert_memory_equal(more, "\0\0\0", 4);
  ekm_buf_clear(&buf);
  assert_null(buf.ptr);
  assert_int_equal(buf.max, 100);
}

static void the_limit_is_exact_and_sticky(void **state) {
  (void)state;
  for (size_t max = 0; max < 200; max += 13) {
    ekm_err err = {0};
    ekm_buf buf;
    ekm_buf_init(&buf, max);
    for (size_t i = 0; i < max; i++) ekm_buf_append_char(&buf, 'x');
    assert_true(ekm_buf_ok(&buf, "x", &err));
    assert_int_equal(buf.len, max);
    ekm_buf_append_text(&buf, "");
    assert_true(ekm_buf_ok(&buf, "x", &err));
    ekm_buf_append_fmt(&buf, "%s", "yy");
    assert_false(ekm_buf_ok(&buf, "a thing", &err));
    assert_int_equal(err.id, EKM_E_LIMIT);
    assert_int_equal(buf.len, max);
    ekm_buf_truncate(&buf, 0);
    ekm_buf_append_text(&buf, "");
    ekm_buf_append_char(&buf, 'x');
    assert_int_equal(buf.len, 0); /* still failed: nothing was lost unnoticed */
    assert_null(ekm_buf_extend(&buf, 0));
    ekm_buf_reset(&buf);
    ekm_buf_append_text(&buf, "");
    assert_true(ekm_buf_ok(&buf, "x", &err));
    ekm_buf_clear(&buf);
  }
}

static void absurd_sizes_do_not_overflow(void **state) {
  static const size_t lens[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2, SIZE_MAX / 2 + 1};
  (void)state;
  for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
    ekm_err err = {0};
    ekm_buf buf;
    ekm_buf_init(&buf, SIZE_MAX);
    ekm_buf_append_char(&buf, 'x');
    assert_null(ekm_buf_extend(&buf, lens[i]));
    assert_false(ekm_buf_ok(&buf, "x", &err));
    assert_int_equal(buf.len, 1);
    ekm_buf_clear(&buf);
  }
}

static void what_is_let_go_is_wiped(void **state) {
  ekm_buf buf;
  (void)state;
  ekm_buf_init(&buf, 100);
  ekm_buf_append_text(&buf, "a secret text");
  ekm_buf_truncate(&buf, 2);
  assert_memory_equal(buf.ptr, "a \0\0\0\0\0\0\0\0\0\0\0", 14);
  ekm_buf_truncate(&buf, 50); /* longer than it is: nothing happens */
  assert_int_equal(buf.len, 2);
  ekm_buf_reset(&buf);
  assert_memory_equal(buf.ptr, "\0\0\0", 3);
  assert_int_equal(buf.len, 0);
  ekm_buf_clear(&buf);
}

static void views_compare_by_bytes(void **state) {
  (void)state;
  assert_true(ekm_view_equal(ekm_view_text(""), ekm_view_of(NULL, 0)));
  assert_true(ekm_view_equal(ekm_view_text("ab"), ekm_view_of("abc", 2)));
  assert_false(ekm_view_equal(ekm_view_text("ab"), ekm_view_text("abc")));
  assert_false(ekm_view_equal(ekm_view_text("ab"), ekm_view_text("aB")));
}

static void a_lack_of_memory_is_sticky_and_named(void **state) {
  memory_gate gate = {0};
  size_t rounds = 0;
  (void)state;
  for (size_t n = 0; memory_gate_next(&gate, n); n++, rounds++) {
    ekm_err err = {0};
    ekm_buf buf;
    ekm_buf_init(&buf, 10000);
    for (int i = 0; i < 100; i++) ekm_buf_append_fmt(&buf, "line %d\n", i);
    bool ok = ekm_buf_ok(&buf, "the lines", &err);
    memory_gate_check(&gate, ok, &err);
    if (!ok) assert_string_equal(err.detail, "for the lines");
    if (ok) assert_int_equal(buf.len, 10 * 7 + 90 * 8);
    ekm_buf_clear(&buf);
  }
  assert_true(rounds > 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(appends_are_joined_and_ended), cmocka_unit_test(the_limit_is_exact_and_sticky),
      cmocka_unit_test(absurd_sizes_do_not_overflow), cmocka_unit_test(what_is_let_go_is_wiped),
      cmocka_unit_test(views_compare_by_bytes),       cmocka_unit_test(a_lack_of_memory_is_sticky_and_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
