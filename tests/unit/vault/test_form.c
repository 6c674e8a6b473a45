/* Form bodies, as they come from token clients and from attackers. */
#include <string.h>

#include "support/cmocka_all.h"
#include "vault/form.h"

static void values_are_decoded(void **state) {
  vault_form form;
  ekm_err err = {0};
  (void)state;
  assert_true(vault_form_parse(ekm_view_text("a=1+2&b=%7E%2B%26%3D&&c&d=&%65=x&scope=https%3A%2F%2Fv%2F.default"),
                               &form, &err));
  assert_string_equal(vault_form_text(&form, "a"), "1 2");
  assert_string_equal(vault_form_text(&form, "b"), "~+&=");
  assert_string_equal(vault_form_text(&form, "c"), "");
  assert_string_equal(vault_form_text(&form, "d"), "");
  assert_string_equal(vault_form_text(&form, "e"), "x");
  assert_string_equal(vault_form_text(&form, "scope"), "https://v/.default");
  assert_string_equal(vault_form_text(&form, "absent"), "");
  assert_string_equal(vault_form_text(&form, "A"), "");
  vault_form_clear(&form);
  assert_true(vault_form_parse(ekm_view_text(""), &form, &err));
  assert_int_equal(form.count, 0);
}

static void what_is_no_form_is_refused(void **state) {
  static const char *const bad[] = {"a=1&a=2", "a=1&%61=2", "a=%",   "a=%0",    "a=%zz",
                                    "a=%00",   "%00=1",     "a=%ff", "a=%c3%28"};
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    vault_form form;
    ekm_err err = {0};
    assert_false(vault_form_parse(ekm_view_text(bad[i]), &form, &err));
    assert_int_equal(err.id, EKM_E_TEXT_ENCODING);
    assert_int_equal(form.count, 0);
  }
}

static void limits_hold(void **state) {
  static char text[2 * VAULT_FORM_VALUE_BYTES];
  vault_form form;
  ekm_err err = {0};
  ekm_buf many;
  (void)state;
  memset(text, 'x', sizeof text);
  text[1] = '=';
  assert_true(vault_form_parse(ekm_view_of(text, VAULT_FORM_VALUE_BYTES + 2), &form, &err));
  assert_int_equal(strlen(vault_form_text(&form, "x")), VAULT_FORM_VALUE_BYTES);
  vault_form_clear(&form);
  assert_false(vault_form_parse(ekm_view_of(text, VAULT_FORM_VALUE_BYTES + 3), &form, &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
  text[1] = 'x';
  assert_false(vault_form_parse(ekm_view_of(text, VAULT_FORM_NAME_BYTES), &form, &err));
  assert_int_equal(err.id, EKM_E_LIMIT);

  ekm_buf_init(&many, 4096);
  for (int i = 0; i < VAULT_FORM_FIELDS; i++) ekm_buf_append_fmt(&many, "f%d=v&", i);
  assert_true(vault_form_parse(ekm_buf_view(&many), &form, &err));
  assert_int_equal(form.count, VAULT_FORM_FIELDS);
  vault_form_clear(&form);
  ekm_buf_append_text(&many, "g=v");
  assert_false(vault_form_parse(ekm_buf_view(&many), &form, &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
  ekm_buf_clear(&many);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_decoded),
      cmocka_unit_test(what_is_no_form_is_refused),
      cmocka_unit_test(limits_hold),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
