/* Which versions are taken: all that are written like one, from 7.0 on, also those that nobody has heard of. */
#include "support/cmocka_all.h"
#include "vault/api_version.h"

static void versions_from_7_0_on_are_taken(void **state) {
  static const char *const good[] = {"7.0",
                                     "7.1",
                                     "7.2",
                                     "7.3",
                                     "7.4",
                                     "7.5",
                                     "7.6",
                                     "7.6-preview.2",
                                     "7.4-preview",
                                     "7.3-preview.1",
                                     "7.10",
                                     "8.0",
                                     "10.2",
                                     "2025-06-01",
                                     "2025-07-01",
                                     "2026-12-31",
                                     "2026-03-01-preview"};
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    if (!vault_api_version_is_supported(good[i])) fail_msg("'%s' is refused", good[i]);
  }
}

static void others_are_refused(void **state) {
  static const char *const bad[] = {"",
                                    "7",
                                    "7.",
                                    ".7",
                                    "6.9",
                                    "2.0",
                                    "2015-06-01",
                                    "2016-10-01",
                                    "2024-12-31",
                                    "7.4.1",
                                    " 7.4",
                                    "7.4 ",
                                    "+7.4",
                                    "-7.4",
                                    "7,4",
                                    "7.x",
                                    "v7.4",
                                    "07.4",
                                    "7.04",
                                    "7.4-",
                                    "7.4-beta",
                                    "7.4-preview.",
                                    "7.4-preview.x",
                                    "7.4-Preview",
                                    "7.4-preview.1.1",
                                    "1000.0",
                                    "7.1000",
                                    "99999999999999999999.0",
                                    "2025-13-01",
                                    "2025-00-01",
                                    "2025-01-00",
                                    "2025-01-32",
                                    "2025-1-1",
                                    "2025-07-01T00:00:00Z",
                                    "latest",
                                    "7.4;7.5",
                                    "7.4,7.5",
                                    "7.4\n"};
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    if (vault_api_version_is_supported(bad[i])) fail_msg("'%s' is taken", bad[i]);
  }
}

/* By number, not by letter; dates are newer than all numbers. */
static void newer_is_by_number(void **state) {
  (void)state;
  assert_true(vault_api_version_has("7.5", 7, 5));
  assert_true(vault_api_version_has("7.10", 7, 5));
  assert_true(vault_api_version_has("8.0", 7, 5));
  assert_true(vault_api_version_has("2025-07-01", 7, 5));
  assert_true(vault_api_version_has("7.6-preview.1", 7, 5));
  assert_false(vault_api_version_has("7.4", 7, 5));
  assert_false(vault_api_version_has("7.0", 7, 5));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(versions_from_7_0_on_are_taken),
      cmocka_unit_test(others_are_refused),
      cmocka_unit_test(newer_is_by_number),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
