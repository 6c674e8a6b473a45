#include "base/text.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "support/cmocka_all.h"

static void case_of_ascii_letters_only(void **state) {
  static const struct {
    const char *a, *b;
    bool same;
  } rows[] = {{"", "", true},
              {"aZ", "Az", true},
              {"a", "ab", false},
              {"ab", "a", false},
              {"@", "`", false},
              {"[", "{", false},
              {"\xc3\xa4", "\xc3\x84", false},
              {"k", "\xe2\x84\xaa", false}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    assert_int_equal(ekm_text_ieq(rows[i].a, rows[i].b), rows[i].same);
}

static void order_of_texts(void **state) {
  static const char *const sorted[] = {"", "-", "1", "A", "aB", "ac", "B", "\xc3\xa4"};
  (void)state;
  for (int i = 0; i < 8; i++) {
    for (int k = 0; k < 8; k++) {
      int order = ekm_text_compare_i(sorted[i], sorted[k]);
      assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
    }
  }
}

static void starts_and_ends(void **state) {
  (void)state;
  assert_true(ekm_text_starts_i("Bearer x", "bearer "));
  assert_true(ekm_text_starts_i("x", ""));
  assert_true(ekm_text_starts_i("", ""));
  assert_false(ekm_text_starts_i("Bear", "bearer"));
  assert_false(ekm_text_starts_i("", "b"));
  assert_true(ekm_text_ends_i("a.NET", ".net"));
  assert_true(ekm_text_ends_i("a", ""));
  assert_false(ekm_text_ends_i("net", ".net"));
  assert_false(ekm_text_ends_i("a.net.", ".net"));
}

static void made_of(void **state) {
  (void)state;
  assert_true(ekm_text_is_made_of("azAZ09-", 7, "-"));
  assert_true(ekm_text_is_made_of("", 0, ""));
  assert_false(ekm_text_is_made_of("a-", 2, ""));
  assert_false(ekm_text_is_made_of("a\0b", 3, "-"));
  assert_false(ekm_text_is_made_of("\xc3\xa4", 2, "-"));
  assert_true(ekm_text_is_made_of("a b", 1, ""));
}

static void guids(void **state) {
  (void)state;
  assert_true(ekm_text_starts_guid("01234567-89ab-CDEF-0123-456789abcdef"));
  assert_true(ekm_text_starts_guid("01234567-89ab-cdef-0123-456789abcdef and more"));
  assert_false(ekm_text_starts_guid("01234567-89ab-cdef-0123-456789abcde"));
  assert_false(ekm_text_starts_guid("01234567-89ab-cdef-0123_456789abcdef"));
  assert_false(ekm_text_starts_guid("g1234567-89ab-cdef-0123-456789abcdef"));
  assert_false(ekm_text_starts_guid("01234567"));
  assert_false(ekm_text_starts_guid(""));
}

static void copies_fit_or_fail(void **state) {
  char dst[4] = "old";
  ekm_err err = {0};
  (void)state;
  assert_true(ekm_text_copy(dst, sizeof dst, "abc", "x", &err));
  assert_string_equal(dst, "abc");
  assert_false(ekm_text_copy(dst, sizeof dst, "abcd", "the name", &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
  assert_string_equal(dst, "abc");
  assert_true(ekm_text_copy(dst, 1, "", "x", &err));
  assert_false(ekm_text_copy(dst, 0, "", "x", &err));
  char *dup = ekm_text_dup("", &err);
  assert_string_equal(dup, "");
  ekm_mem_free(dup);
}

static void lower_case(void **state) {
  char text[] = "AZ@[`{az09\xc3\x84";
  (void)state;
  ekm_text_lower(text);
  assert_string_equal(text, "az@[`{az09\xc3\x84");
}

static void cut_characters_are_dropped(void **state) {
  static const struct {
    const char *text, *trimmed;
  } rows[] = {
      {"", ""},
      {"a", "a"},
      {"a\xc3", "a"},
      {"a\xc3\xa4", "a\xc3\xa4"},
      {"a\xe2\x82", "a"},
      {"a\xe2", "a"},
      {"\xe2\x82\xac", "\xe2\x82\xac"},
      {"a\xf0\x9f\x98", "a"},
      {"a\xf0\x9f", "a"},
      {"a\xf0", "a"},
      {"a\xf0\x9f\x98\x80", "a\xf0\x9f\x98\x80"},
      {"\xc3", ""},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char text[16];
    (void)snprintf(text, sizeof text, "%s", rows[i].text);
    ekm_text_trim_partial_utf8(text);
    assert_string_equal(text, rows[i].trimmed);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(case_of_ascii_letters_only),
      cmocka_unit_test(order_of_texts),
      cmocka_unit_test(starts_and_ends),
      cmocka_unit_test(made_of),
      cmocka_unit_test(guids),
      cmocka_unit_test(copies_fit_or_fail),
      cmocka_unit_test(lower_case),
      cmocka_unit_test(cut_characters_are_dropped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
