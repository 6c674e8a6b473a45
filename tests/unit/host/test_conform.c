/* The conformance suite on the mock modules: each breaks exactly the rules of its row in mock_faults.def, and every
 * rule is broken by one of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "host/conform.h"

typedef struct findings {
  char broken[256]; /* ids, separated by spaces */
  char seen[512];   /* of the last one */
} findings;

static const struct {
  const char *name, *rules;
} faults[] = {
#define MOCK_FAULT_ROW(name, rules) {#name, rules},
#include "mock_modules/mock_faults.def"
#undef MOCK_FAULT_ROW
};
enum { FAULT_COUNT = sizeof faults / sizeof faults[0] };

static void keep(void *arg, const conform_rule *rule, conform_verdict verdict, const char *seen) {
  findings *found = arg;
  size_t len = strlen(found->broken);
  if (verdict == CONFORM_OK) assert_string_equal(seen, "");
  if (verdict != CONFORM_BROKEN) return;
  assert_true(strlen(seen) > 0 && strlen(seen) < sizeof found->seen);
  (void)snprintf(found->broken + len, sizeof found->broken - len, "%s%s", len == 0 ? "" : " ", rule->id);
  memcpy(found->seen, seen, strlen(seen) + 1);
}

static conform_totals run(const char *path, const char *key_name, findings *out) {
  ekm_secret secret = {0};
  conform_totals totals = {0};
  ekm_err err = {0};
  memset(out, 0, sizeof *out);
  assert_true(ekm_secret_set(&secret, ekm_view_text("mock-secret"), &err));
  const conform_options options = {
      .path = path, .identity = key_name == NULL ? NULL : "mock", .secret = &secret, .key_name = key_name};
  const conform_listener listener = {.ends = keep, .arg = out};
  assert_true(conform_run(&options, &listener, &totals, &err));
  ekm_secret_clear(&secret);
  return totals;
}

static unsigned rule_count(void) {
  size_t count = 0;
  (void)conform_rules(&count);
  return (unsigned)count;
}

static void the_good_module_breaks_no_rule(void **state) {
  findings found;
  (void)state;
  conform_totals totals = run(MOCK_NONE_PATH, "mock-two", &found);
  assert_string_equal(found.seen, "");
  assert_int_equal(totals.ok, rule_count());
}

static void each_module_breaks_exactly_the_rules_of_its_row(void **state) {
  unsigned wrong = 0;
  (void)state;
  for (size_t i = 0; i < FAULT_COUNT; i++) {
    char path[1024];
    findings found;
    (void)snprintf(path, sizeof path, "%s/mock_%s.so", MOCK_FOLDER, faults[i].name);
    (void)run(path, "mock-two", &found);
    if (strcmp(found.broken, faults[i].rules) == 0) continue;
    print_error("mock_%s broke '%s' and not '%s': %s\n", faults[i].name, found.broken, faults[i].rules, found.seen);
    wrong++;
  }
  assert_int_equal(wrong, 0);
}

/* Who names the one key for which the fault is no fault is told of it by the others of the list. */
static void a_key_that_is_always_the_answer_is_noticed_by_the_others(void **state) {
  findings found;
  (void)state;
  (void)run(MOCK_FOLDER "/mock_first_key_always.so", "mock-one", &found);
  assert_string_equal(found.broken, "key-same");
}

/* Is ${id} one of the words of ${rules}? */
static bool names_rule(const char *rules, const char *id) {
  size_t len = strlen(id);
  for (const char *at = strstr(rules, id); at != NULL; at = strstr(at + 1, id)) {
    if ((at == rules || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0')) return true;
  }
  return false;
}

static void every_rule_has_been_seen_to_fail(void **state) {
  size_t count = 0;
  const conform_rule *rules = conform_rules(&count);
  (void)state;
  for (size_t i = 0; i < count; i++) {
    bool seen = false;
    for (size_t j = 0; j < FAULT_COUNT && !seen; j++) seen = names_rule(faults[j].rules, rules[i].id);
    if (!seen) fail_msg("no row of mock_faults.def breaks the rule %s", rules[i].id);
  }
}

static void a_missing_export_breaks_the_first_rule_and_skips_the_others(void **state) {
  findings found;
  (void)state;
  conform_totals totals = run(MOCK_NO_EXPORT_PATH, "mock-one", &found);
  assert_string_equal(found.broken, "exports");
  assert_non_null(strstr(found.seen, "SqlCryptDropKey"));
  assert_int_equal(totals.broken, 1);
  assert_int_equal(totals.skipped, rule_count() - 1);
}

static void without_a_credential_rules_are_skipped_and_none_breaks(void **state) {
  findings found;
  (void)state;
  conform_totals totals = run(MOCK_NONE_PATH, NULL, &found);
  assert_int_equal(totals.broken, 0);
  assert_true(totals.skipped > 0 && totals.ok > 0);
  assert_int_equal(totals.ok + totals.skipped, rule_count());
}

static void ids_are_unique_and_every_rule_has_text_and_source(void **state) {
  size_t count = 0;
  const conform_rule *rules = conform_rules(&count);
  (void)state;
  for (size_t i = 0; i < count; i++) {
    assert_true(strlen(rules[i].text) > 0 && strlen(rules[i].source) > 0);
    for (size_t j = 0; j < i; j++) assert_string_not_equal(rules[i].id, rules[j].id);
  }
}

static void what_cannot_be_loaded_is_an_error_and_no_verdict(void **state) {
  findings found = {0};
  conform_totals totals;
  ekm_err err = {0};
  (void)state;
  const conform_options options = {.path = "/nonexistent/provider.so"};
  const conform_listener listener = {.ends = keep, .arg = &found};
  assert_false(conform_run(&options, &listener, &totals, &err));
  assert_int_equal(err.id, EKM_E_MODULE_LOAD);
  assert_int_equal(totals.ok + totals.broken + totals.skipped, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_good_module_breaks_no_rule),
      cmocka_unit_test(each_module_breaks_exactly_the_rules_of_its_row),
      cmocka_unit_test(a_key_that_is_always_the_answer_is_noticed_by_the_others),
      cmocka_unit_test(every_rule_has_been_seen_to_fail),
      cmocka_unit_test(a_missing_export_breaks_the_first_rule_and_skips_the_others),
      cmocka_unit_test(without_a_credential_rules_are_skipped_and_none_breaks),
      cmocka_unit_test(ids_are_unique_and_every_rule_has_text_and_source),
      cmocka_unit_test(what_cannot_be_loaded_is_an_error_and_no_verdict),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
