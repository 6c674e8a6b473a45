#include "base/clock.h"

#include <string.h>
#include <time.h>

#include "support/cmocka_all.h"

typedef struct fake_clock {
  ekm_clock base;
  int64_t wall_s, mono_ms;
} fake_clock;

static int64_t fake_wall(const ekm_clock *self) {
  return ((const fake_clock *)self)->wall_s;
}

static int64_t fake_mono(const ekm_clock *self) {
  return ((const fake_clock *)self)->mono_ms;
}

static void deadlines(void **state) {
  fake_clock clock = {{fake_wall, fake_mono}, 0, 1000};
  (void)state;
  ekm_deadline deadline = ekm_deadline_in(&clock.base, 50);
  assert_int_equal(ekm_deadline_left_ms(deadline, &clock.base), 50);
  clock.mono_ms = 1049;
  assert_int_equal(ekm_deadline_left_ms(deadline, &clock.base), 1);
  clock.mono_ms = 1050;
  assert_int_equal(ekm_deadline_left_ms(deadline, &clock.base), 0);
  clock.mono_ms = 999999;
  assert_int_equal(ekm_deadline_left_ms(deadline, &clock.base), 0);
  assert_int_equal(ekm_deadline_left_ms(ekm_deadline_in(&clock.base, -5), &clock.base), 0);
}

static void iso(void **state) {
  static const struct {
    int64_t wall_s;
    const char *text;
  } rows[] = {
      {0, "1970-01-01T00:00:00Z"},
      {-1, "1969-12-31T23:59:59Z"},
      {-86400, "1969-12-31T00:00:00Z"},
      {951782399, "2000-02-28T23:59:59Z"},
      {951782400, "2000-02-29T00:00:00Z"},
      {1709164800, "2024-02-29T00:00:00Z"},
      {4107542400, "2100-03-01T00:00:00Z"},
      {4107542399, "2100-02-28T23:59:59Z"},
      {253402300799, "9999-12-31T23:59:59Z"},
      {-62135596800, "0001-01-01T00:00:00Z"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_buf out;
    ekm_buf_init(&out, 40);
    ekm_clock_append_iso(rows[i].wall_s, &out);
    assert_string_equal(ekm_buf_text(&out), rows[i].text);
    ekm_buf_clear(&out);
  }
  /* Numbers from an answer: whatever comes out, nothing overflows on the way. */
  static const int64_t extremes[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX};
  for (size_t i = 0; i < sizeof extremes / sizeof extremes[0]; i++) {
    ekm_buf out;
    ekm_buf_init(&out, 60);
    ekm_clock_append_iso(extremes[i], &out);
    assert_true(out.len >= 20);
    ekm_buf_clear(&out);
  }
}

/* The C library's own calendar agrees, day by day from 1970 to 2105, in both directions. */
static void calendar_of_the_c_library(void **state) {
  (void)state;
  for (int64_t wall_s = 0; wall_s < INT64_C(4260000000); wall_s += 86400 * 3 + 3601) {
    time_t t = (time_t)wall_s;
    struct tm tm;
    char iso_text[40];
    char http_text[40];
    int64_t back = -1;
    ekm_buf out;
    ekm_buf_init(&out, 40);
    assert_non_null(gmtime_r(&t, &tm));
    assert_true(strftime(iso_text, sizeof iso_text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
    assert_true(strftime(http_text, sizeof http_text, "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0);
    ekm_clock_append_iso(wall_s, &out);
    assert_string_equal(ekm_buf_text(&out), iso_text);
    assert_true(ekm_clock_parse_http_date(http_text, &back));
    assert_int_equal(back, wall_s);
    ekm_buf_clear(&out);
  }
}

static void dates_that_are_none(void **state) {
  static const char *const rows[] = {
      "",
      "Sun, 06 Nov 1994 08:49:37",
      "Sun, 06 Nov 1994 08:49:37 UTC",
      "Sun, 06 Nov 1994 08:49:37 GMT ",
      "Sun, 06 Nov 1994 08:49:37 GMTx",
      " Sun, 06 Nov 1994 08:49:37 GMT",
      "Sun, 6 Nov 1994 08:49:37 GMT",
      "Sun, +6 Nov 1994 08:49:37 GMT",
      "Sun,  6 Nov 1994 08:49:37 GMT",
      "Sun, 00 Nov 1994 08:49:37 GMT",
      "Sun, 32 Nov 1994 08:49:37 GMT",
      "Sun, 31 Nov 1994 08:49:37 GMT",
      "Sun, 29 Feb 2023 08:49:37 GMT",
      "Sun, 30 Feb 2024 08:49:37 GMT",
      "Sun, 06 Nox 1994 08:49:37 GMT",
      "Sun, 06 ovD 1994 08:49:37 GMT",
      "Sun, 06 nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1969 08:49:37 GMT",
      "Sun, 06 Nov 1994 24:49:37 GMT",
      "Sun, 06 Nov 1994 08:60:37 GMT",
      "Sun, 06 Nov 1994 08:49:61 GMT",
      "Sun, 06 Nov -199 08:49:37 GMT",
      "Sunday, 06-Nov-94 08:49:37 GMT",
      "Sun Nov  6 08:49:37 1994",
      "120",
  };
  int64_t wall_s = 7;
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (ekm_clock_parse_http_date(rows[i], &wall_s)) fail_msg("accepted '%s'", rows[i]);
    assert_int_equal(wall_s, 7);
  }
  assert_true(ekm_clock_parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", &wall_s));
  assert_int_equal(wall_s, 784111777); /* RFC 9110's own example */
  assert_true(ekm_clock_parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT", &wall_s));
  assert_int_equal(wall_s, 1483228800);
}

static void days_are_read_strictly(void **state) {
  static const struct {
    const char *text;
    int64_t expected; /* -1: refused */
  } rows[] = {
      {"1970-01-01", 0},     {"2027-03-01", 1803859200}, {"2024-02-29", 1709164800}, {"9999-12-31", 253402214400},
      {"2023-02-29", -1},    {"2027-04-31", -1},         {"2027-13-01", -1},         {"2027-00-01", -1},
      {"2027-01-00", -1},    {"1969-12-31", -1},         {"2027-3-1", -1},           {"2027-03-01 ", -1},
      {" 2027-03-01", -1},   {"2027/03/01", -1},         {"27-03-01", -1},           {"+027-03-01", -1},
      {"2027-03-01T00", -1}, {"01.03.2027", -1},         {"20270301", -1},           {"", -1},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int64_t wall_s = 7;
    bool ok = ekm_clock_parse_date(rows[i].text, &wall_s);
    if (ok != (rows[i].expected >= 0) || wall_s != (ok ? rows[i].expected : 0)) fail_msg("'%s'", rows[i].text);
  }
}

static void the_system_has_clocks(void **state) {
  const ekm_clock *clock = ekm_clock_system();
  int64_t mono = ekm_clock_mono_ms(clock);
  int64_t cpu = ekm_clock_cpu_ns();
  (void)state;
  assert_true(ekm_clock_wall_s(clock) > 1700000000);
  while (ekm_clock_cpu_ns() == cpu) {
  }
  assert_true(ekm_clock_cpu_ns() > cpu);
  assert_true(ekm_clock_mono_ms(clock) >= mono);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(deadlines),
      cmocka_unit_test(iso),
      cmocka_unit_test(calendar_of_the_c_library),
      cmocka_unit_test(dates_that_are_none),
      cmocka_unit_test(days_are_read_strictly),
      cmocka_unit_test(the_system_has_clocks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
