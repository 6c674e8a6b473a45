/* No value leaves its place. */
#include "cli/sql_template.h"

#include <string.h>

#include "support/cmocka_all.h"

static ekm_err_id fill(const char *template, const char *name, const char *text, const char *expected) {
  const sql_value values[] = {{"name", name}, {"text", text}};
  ekm_err err = {0};
  ekm_buf out;
  ekm_buf_init(&out, 4096);
  bool ok = sql_template_fill(template, values, 2, &out, &err);
  if (ok) assert_string_equal(ekm_buf_text(&out), expected);
  ekm_buf_clear(&out);
  return ok ? EKM_E_OK : err.id;
}

static void values_are_quoted(void **state) {
  static const struct {
    const char *name, *text, *expected;
  } cases[] = {{"a", "b", "USE [a]; SELECT 'b'; -- $ [x] '"},
               {"a]; DROP LOGIN [sa", "b", "USE [a]]; DROP LOGIN [sa]; SELECT 'b'; -- $ [x] '"},
               {"]]", "''", "USE []]]]]; SELECT ''''''; -- $ [x] '"},
               {"a'b", "c]d", "USE [a'b]; SELECT 'c]d'; -- $ [x] '"},
               {"a", "'; SHUTDOWN; --", "USE [a]; SELECT '''; SHUTDOWN; --'; -- $ [x] '"},
               {"$[text]", "$'name'", "USE [$[text]]]; SELECT '$''name'''; -- $ [x] '"},
               {"Schl\xc3\xbcssel", "\xc3\xa4", "USE [Schl\xc3\xbcssel]; SELECT N'\xc3\xa4'; -- $ [x] '"},
               {" ", "", "USE [ ]; SELECT ''; -- $ [x] '"}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    ekm_err_id id = fill("USE $[name]; SELECT $'text'; -- $ [x] '", cases[i].name, cases[i].text, cases[i].expected);
    assert_int_equal(id, EKM_E_OK);
  }
}

static void what_no_name_can_be(void **state) {
  char longest[SQL_NAME_MAX_CHARS + 2];
  (void)state;
  memset(longest, 'x', sizeof longest);
  longest[SQL_NAME_MAX_CHARS + 1] = '\0';
  assert_int_equal(fill("$[name]", longest, "", NULL), EKM_E_USAGE);
  assert_int_equal(fill("$[name]", "", "", NULL), EKM_E_USAGE);
  assert_int_equal(fill("$[name]", "a\nGO\nDROP", "", NULL), EKM_E_USAGE);
  assert_int_equal(fill("$'text'", "a", "b\r\nGO", NULL), EKM_E_USAGE);
  assert_int_equal(fill("$'text'", "a", "\x7f", NULL), EKM_E_USAGE);
}

static void places_have_values(void **state) {
  (void)state;
  assert_int_equal(fill("$[nobody]", "a", "b", NULL), EKM_E_INTERNAL);
  assert_int_equal(fill("$[name", "a", "b", NULL), EKM_E_INTERNAL);
  assert_int_equal(fill("$[]", "a", "b", NULL), EKM_E_INTERNAL);
  assert_int_equal(fill("$'", "a", "b", NULL), EKM_E_INTERNAL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_quoted),
      cmocka_unit_test(what_no_name_can_be),
      cmocka_unit_test(places_have_values),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
