#include "base/err.h"

#include <string.h>

#include "base/utf16.h"
#include "support/cmocka_all.h"
#include "unit/base/golden_errors.h"

enum { GOLDEN_COUNT = sizeof golden_errors / sizeof golden_errors[0] };

static void rows_that_were_released_do_not_change(void **state) {
  (void)state;
  assert_int_equal(EKM_ERR_COUNT, GOLDEN_COUNT); /* a new row: add it at the end of golden_errors.h */
  for (size_t i = 0; i < GOLDEN_COUNT; i++) {
    const ekm_err_info *info = ekm_err_info_of((ekm_err_id)golden_errors[i].id);
    assert_int_equal(golden_errors[i].id, i);
    assert_int_equal(info->id, i);
    assert_string_equal(info->name, golden_errors[i].name);
    assert_int_equal(info->code, golden_errors[i].code);
    assert_int_equal(info->retry_later, golden_errors[i].retry_later);
  }
}

static bool is_standard(uint32_t code) {
  return code <= 6;
}

static void codes_tell_errors_apart(void **state) {
  (void)state;
  for (int i = 0; i < EKM_ERR_COUNT; i++) {
    const ekm_err_info *info = ekm_err_info_of((ekm_err_id)i);
    assert_true(is_standard(info->code) || (info->code > 2048 && info->code <= 4000) || info->code > 5000);
    for (int j = 0; j < i; j++) {
      const ekm_err_info *other = ekm_err_info_of((ekm_err_id)j);
      assert_string_not_equal(info->name, other->name);
      if (!is_standard(info->code)) assert_int_not_equal(info->code, other->code);
    }
    assert_int_equal(ekm_err_info_by_code(info->code)->code, info->code);
    if (!is_standard(info->code)) assert_ptr_equal(ekm_err_info_by_code(info->code), info);
  }
  assert_null(ekm_err_info_by_code(4999));
  assert_null(ekm_err_info_by_code(UINT32_MAX));
}

static void words_follow_the_house_rules(void **state) {
  (void)state;
  for (int i = 0; i < EKM_ERR_COUNT; i++) {
    const ekm_err_info *info = ekm_err_info_of((ekm_err_id)i);
    size_t text = strlen(info->text);
    size_t remedy = strlen(info->remedy);
    assert_true(text > 0 && remedy > 0);
    if (info->text[text - 1] == '.') fail_msg("%s: a full stop", info->name);
    if (info->remedy[remedy - 1] != '.') fail_msg("%s: the remedy is no sentence", info->name);
    assert_true(info->remedy[0] >= 'A' && info->remedy[0] <= 'Z');
  }
}

static void numbers_that_are_none(void **state) {
  (void)state;
  assert_int_equal(ekm_err_info_of(EKM_ERR_COUNT)->id, EKM_E_INTERNAL);
  assert_int_equal(ekm_err_info_of((ekm_err_id)100000)->id, EKM_E_INTERNAL);
}

static void raising_fills_and_keeps(void **state) {
  ekm_err err = {.http_status = 429, .request_id = "abc"};
  (void)state;
  assert_false(EKM_FAIL(&err, EKM_E_VAULT_THROTTLED, "key '%s'", "k"));
  assert_int_equal(err.id, EKM_E_VAULT_THROTTLED);
  assert_string_equal(err.detail, "key 'k'");
  assert_int_equal(err.http_status, 429);
  assert_string_equal(err.request_id, "abc");
  assert_true(err.line > 0);
  assert_non_null(strstr(err.file, "test_err.c"));
  ekm_err_clear(&err);
  static const ekm_err zero;
  assert_memory_equal(&err, &zero, sizeof err);
}

static void long_details_are_cut_at_a_character(void **state) {
  (void)state;
  for (size_t shift = 0; shift < 8; shift++) {
    char text[1000];
    ekm_err err = {0};
    memset(text, 'a', sizeof text);
    for (size_t i = shift; i + 5 < sizeof text; i += 4) memcpy(text + i, "\xf0\x9f\x98\x80", 4);
    text[sizeof text - 1] = '\0';
    (void)EKM_FAIL(&err, EKM_E_INTERNAL, "%s", text);
    assert_true(strlen(err.detail) > sizeof err.detail - 6);
    assert_true(ekm_utf16_is_utf8(err.detail, strlen(err.detail)));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_that_were_released_do_not_change),
      cmocka_unit_test(codes_tell_errors_apart),
      cmocka_unit_test(words_follow_the_house_rules),
      cmocka_unit_test(numbers_that_are_none),
      cmocka_unit_test(raising_fills_and_keeps),
      cmocka_unit_test(long_details_are_cut_at_a_character),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
