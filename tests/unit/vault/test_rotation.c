/* Rotation policies: durations by the calendar, what is a policy and what is none, and when a key is due. */
#include <string.h>

#include "support/cmocka_all.h"
#include "vault/rotation.h"

/* 2024-01-31T12:00:00Z, and others; from `date -u -d ... +%s`. */
enum {
  JAN_31_2024 = 1706702400,
  FEB_29_2024 = 1709208000,
  MAR_31_2024 = 1711886400,
  JAN_31_2025 = 1738324800,
  DEC_31_2023 = 1704024000,
  FEB_28_2023 = 1677585600,
  DAY = 86400
};

static void durations_follow_the_calendar(void **state) {
  static const struct {
    const char *text;
    int sign;
    int64_t from, to;
  } cases[] = {
      {"P1M", 1, JAN_31_2024, FEB_29_2024},
      {"P2M", 1, JAN_31_2024, MAR_31_2024},
      {"P1Y", 1, JAN_31_2024, JAN_31_2025},
      {"P1M", -1, JAN_31_2024, DEC_31_2023},
      {"P11M", -1, JAN_31_2024, FEB_28_2023},
      {"P12M", 1, JAN_31_2024, JAN_31_2025},
      {"P30D", 1, JAN_31_2024, JAN_31_2024 + 30 * (int64_t)DAY},
      {"P2W", -1, JAN_31_2024, JAN_31_2024 - 14 * (int64_t)DAY},
      {"PT36H", 1, JAN_31_2024, JAN_31_2024 + 36 * 3600},
      {"P1DT1H1M1S", 1, JAN_31_2024, JAN_31_2024 + DAY + 3661},
      {"P1M", 1, 0, 31 * DAY},
      {"P1Y", -1, 0, -365 * DAY},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    vault_duration duration;
    if (!vault_duration_parse(cases[i].text, &duration)) fail_msg("%s", cases[i].text);
    int64_t to = vault_duration_add(cases[i].from, &duration, cases[i].sign);
    if (to != cases[i].to) fail_msg("%s from %lld: %lld", cases[i].text, (long long)cases[i].from, (long long)to);
  }
}

static void what_is_no_duration_is_refused(void **state) {
  static const char *const texts[] = {
      "",     "P",    "PT",   "30D",   "P30",   "P0D",   "P1H",     "PT1D",      "P1D1M",       "P1M1M",
      "P1DT", "p30d", "P-1D", "P1.5D", "P30D ", "P101Y", "PT1HT1M", "P1234567D", "ninety days", "P1Y2M3W4DT5H6M7S8",
      "T1H"};
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    vault_duration ignored;
    if (vault_duration_parse(texts[i], &ignored)) fail_msg("'%s'", texts[i]);
  }
}

static bool read(const char *text, int min_days, vault_rotation *out, const char **wrong) {
  ekm_err err = {0};
  json_t *doc = NULL;
  assert_true(ekm_json_parse(ekm_view_text(text), &doc, &err));
  bool ok = vault_rotation_read(doc, min_days, out, wrong);
  ekm_json_free(&doc);
  return ok;
}

#define ACTION(trigger, duration, type) \
  "{\"trigger\":{\"" trigger "\":\"" duration "\"},\"action\":{\"type\":\"" type "\"}}"
#define AFTER(duration) ACTION("timeAfterCreate", duration, "Rotate")
#define BEFORE(duration) ACTION("timeBeforeExpiry", duration, "rotate")
#define NOTIFY(duration) ACTION("timeBeforeExpiry", duration, "NOTIFY")
#define ACTIONS(list) "{\"lifetimeActions\":[" list "]}"
#define LIVES(expiry, list) "{\"lifetimeActions\":[" list "],\"attributes\":{\"expiryTime\":\"" expiry "\"}}"

static void policies_are_read_as_they_are_written(void **state) {
  static const struct {
    const char *text;
    const char *after, *before, *notify, *expiry;
  } cases[] = {
      {"{}", "", "", "P30D", ""},
      {"{\"lifetimeActions\":null,\"attributes\":null}", "", "", "P30D", ""},
      {ACTIONS(AFTER("P60D")), "P60D", "", "P30D", ""},
      {ACTIONS(AFTER("P7D")), "P7D", "", "P30D", ""},
      {LIVES("P90D", NOTIFY("P10D") "," BEFORE("P30D")), "", "P30D", "P10D", "P90D"},
      {LIVES("P28D", ""), "", "", "P30D", "P28D"},
      {LIVES("P37D", BEFORE("P30D")), "", "P30D", "P30D", "P37D"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    vault_rotation got;
    const char *wrong;
    if (!read(cases[i].text, 7, &got, &wrong)) fail_msg("%s: %s", cases[i].text, wrong);
    assert_string_equal(got.rotate_after, cases[i].after);
    assert_string_equal(got.rotate_before, cases[i].before);
    assert_string_equal(got.notify_before, cases[i].notify);
    assert_string_equal(got.expiry, cases[i].expiry);
  }
}

static void what_is_no_policy_is_refused(void **state) {
  static const struct {
    const char *text, *wrong;
    int min_days;
  } cases[] = {
      {LIVES("P27D", ""), "expiryTime", 7},
      {LIVES("soon", ""), "expiryTime", 7},
      {"{\"attributes\":{\"expiryTime\":90}}", "expiryTime", 7},
      {"{\"attributes\":[]}", "attributes", 7},
      {"{\"lifetimeActions\":{}}", "lifetimeActions", 7},
      {ACTIONS("{}"), "lifetimeActions", 7},
      {ACTIONS("1"), "lifetimeActions", 7},
      {ACTIONS(AFTER("P6D")), "lifetimeActions", 7},
      {ACTIONS(AFTER("P27D")), "lifetimeActions", 28},
      {ACTIONS(AFTER("P30D") "," AFTER("P40D")), "lifetimeActions", 7},
      {ACTIONS(AFTER("P30D") "," BEFORE("P40D")), "lifetimeActions", 7},
      {ACTIONS(NOTIFY("P30D") "," NOTIFY("P40D")), "lifetimeActions", 7},
      {ACTIONS(AFTER("P30D") "," NOTIFY("P30D") "," NOTIFY("P40D")), "lifetimeActions", 7},
      {ACTIONS(ACTION("timeAfterCreate", "P30D", "Notify")), "lifetimeActions", 7},
      {ACTIONS(ACTION("timeAfterCreate", "P30D", "Explode")), "lifetimeActions", 7},
      {ACTIONS("{\"trigger\":{},\"action\":{\"type\":\"Rotate\"}}"), "lifetimeActions", 7},
      {ACTIONS("{\"trigger\":{\"timeAfterCreate\":\"P30D\",\"timeBeforeExpiry\":\"P30D\"},"
               "\"action\":{\"type\":\"Rotate\"}}"),
       "lifetimeActions", 7},
      {LIVES("P36D", BEFORE("P30D")), "lifetimeActions", 7},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    vault_rotation got;
    const char *wrong = NULL;
    if (read(cases[i].text, cases[i].min_days, &got, &wrong)) fail_msg("%s", cases[i].text);
    assert_string_equal(wrong, cases[i].wrong);
  }
}

static void what_is_written_reads_the_same(void **state) {
  vault_rotation rotation, again;
  const char *wrong;
  (void)state;
  assert_true(read(LIVES("P90D", NOTIFY("P10D") "," BEFORE("P30D")), 7, &rotation, &wrong));
  rotation.created = 5;
  rotation.updated = 7;
  json_t *doc = vault_rotation_json(&rotation);
  assert_non_null(doc);
  assert_true(vault_rotation_read(doc, 7, &again, &wrong));
  assert_memory_equal(&rotation, &again, sizeof rotation);
  ekm_json_free(&doc);
}

static void a_key_is_due_when_its_policy_says(void **state) {
  int64_t exp;
  (void)state;
  assert_int_equal(vault_rotation_due(ACTIONS(AFTER("P1M")), JAN_31_2024, false, 0), FEB_29_2024);
  assert_int_equal(vault_rotation_due(ACTIONS(BEFORE("P30D")), 0, true, JAN_31_2024), JAN_31_2024 - 30 * (int64_t)DAY);
  assert_int_equal(vault_rotation_due(ACTIONS(BEFORE("P30D")), 0, false, 0), 0);
  assert_int_equal(vault_rotation_due(ACTIONS(NOTIFY("P30D")), 0, true, JAN_31_2024), 0);
  assert_int_equal(vault_rotation_due("", 0, true, JAN_31_2024), 0);
  assert_int_equal(vault_rotation_due("{", 0, true, JAN_31_2024), 0);
  assert_true(vault_rotation_expiry(LIVES("P1Y", ""), JAN_31_2024, &exp));
  assert_int_equal(exp, JAN_31_2025);
  assert_false(vault_rotation_expiry(ACTIONS(AFTER("P1M")), JAN_31_2024, &exp));
  assert_false(vault_rotation_expiry("", JAN_31_2024, &exp));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(durations_follow_the_calendar),         cmocka_unit_test(what_is_no_duration_is_refused),
      cmocka_unit_test(policies_are_read_as_they_are_written), cmocka_unit_test(what_is_no_policy_is_refused),
      cmocka_unit_test(what_is_written_reads_the_same),        cmocka_unit_test(a_key_is_due_when_its_policy_says),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
