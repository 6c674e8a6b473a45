/* Other people's numbers: the table is in order, and words follow the house's rules. */
#include "cli/known_codes.h"

#include <string.h>

#include "base/err.h"
#include "support/cmocka_all.h"

enum { LAST_CODE = 40000 };

static void words_follow_the_house_rules(void **state) {
  size_t seen = 0;
  (void)state;
  for (uint32_t code = 0; code <= LAST_CODE; code++) {
    for (int whose = 0; whose < KNOWN_CODE_WHOSE_COUNT; whose++) {
      const known_code *row = known_code_find((known_code_whose)whose, code);
      if (row == NULL) continue;
      seen++;
      assert_true(row->first <= code && code <= row->last);
      assert_true(row->meaning[0] != '\0' && row->meaning[strlen(row->meaning) - 1] != '.');
      if (row->advice[strlen(row->advice) - 1] != '.') fail_msg("%u: the advice is no sentence", code);
    }
  }
  assert_true(seen > 180);
}

/* A row that overlaps another would hide it. */
static void rows_do_not_overlap(void **state) {
  static const struct {
    uint32_t first, last;
  } rows[] = {
#define CONNECTOR(first, last, meaning, advice) {first, last},
#define SQL_SERVER(first, last, meaning, advice) {first, last},
#include "cli/known_codes.def"
#undef CONNECTOR
#undef SQL_SERVER
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    assert_true(rows[i].first <= rows[i].last);
    if (i > 0 && rows[i].first <= rows[i - 1].last) fail_msg("%u is out of order", rows[i].first);
  }
}

/* Where our number is Microsoft's, theirs must be explained as well. */
static void numbers_that_are_shared_are_known(void **state) {
  (void)state;
  for (int id = 0; id < EKM_ERR_COUNT; id++) {
    uint32_t code = ekm_err_info_of((ekm_err_id)id)->code;
    if (!known_code_is_near(code)) continue;
    if (known_code_find(KNOWN_CODE_CONNECTOR, code) == NULL) fail_msg("%u", code);
  }
  assert_null(known_code_find(KNOWN_CODE_SQL_SERVER, 3113));
  assert_null(known_code_find(KNOWN_CODE_CONNECTOR, 3124));
  assert_true(known_code_is_near(3124));
  assert_true(known_code_is_near(2054));
  assert_false(known_code_is_near(5042));
  assert_false(known_code_is_near(33111));
}

/* Codes of ours that the advice names must be ours. */
static void advice_names_codes_that_are_there(void **state) {
  (void)state;
  for (uint32_t code = 0; code <= LAST_CODE; code++) {
    for (int whose = 0; whose < KNOWN_CODE_WHOSE_COUNT; whose++) {
      const known_code *row = known_code_find((known_code_whose)whose, code);
      for (const char *c = row == NULL ? "" : row->advice; *c != '\0'; c++) {
        unsigned number = 0;
        int digits = 0;
        for (; *c >= '0' && *c <= '9'; c++, digits++) number = number * 10 + (unsigned)(*c - '0');
        if (digits == 4 && ekm_err_info_by_code(number) == NULL) fail_msg("%u names %u", code, number);
        if (*c == '\0') break;
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_follow_the_house_rules),
      cmocka_unit_test(rows_do_not_overlap),
      cmocka_unit_test(numbers_that_are_shared_are_known),
      cmocka_unit_test(advice_names_codes_that_are_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
