#include "base/clock.h"

#include <string.h>

int64_t ekm_clock_wall_s(const ekm_clock *clock) {
  return clock->wall_s(clock);
}

int64_t ekm_clock_mono_ms(const ekm_clock *clock) {
  return clock->mono_ms(clock);
}

ekm_deadline ekm_deadline_in(const ekm_clock *clock, int64_t ms) {
  return (ekm_deadline){ekm_clock_mono_ms(clock) + ms};
}

int64_t ekm_deadline_left_ms(ekm_deadline deadline, const ekm_clock *clock) {
  int64_t left = deadline.at_ms - ekm_clock_mono_ms(clock);
  return left > 0 ? left : 0;
}

/* Years count from March, so that the leap day is a year's last. */
int64_t ekm_clock_days(int year, int month, int day) {
  int64_t y = month <= 2 ? year - 1 : year;
  int64_t shifted_month = month > 2 ? month - 3 : month + 9;
  int64_t era = y / 400;
  int64_t year_of_era = y - era * 400;
  int64_t day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

void ekm_clock_date(int64_t days, int *year, int *month, int *day) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t day_of_era = days - era * 146097;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t shifted_month = (5 * day_of_year + 2) / 153;
  *day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  *month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  *year = (int)(year_of_era + era * 400 + (*month <= 2 ? 1 : 0));
}

/* A moment in the parts that are written. */
typedef struct moment {
  int64_t days;
  int year, month, day, hour, minute, second;
} moment;

static moment moment_of(int64_t wall_s) {
  moment m;
  bool before = wall_s % 86400 < 0; /* C rounds towards zero, a calendar downwards */
  m.days = wall_s / 86400 - (before ? 1 : 0);
  int second = (int)(wall_s % 86400 + (before ? 86400 : 0));
  ekm_clock_date(m.days, &m.year, &m.month, &m.day);
  m.hour = second / 3600;
  m.minute = second / 60 % 60;
  m.second = second % 60;
  return m;
}

void ekm_clock_append_iso(int64_t wall_s, ekm_buf *out) {
  const moment m = moment_of(wall_s);
  ekm_buf_append_fmt(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", m.year, m.month, m.day, m.hour, m.minute, m.second);
}

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void ekm_clock_append_http_date(int64_t wall_s, ekm_buf *out) {
  static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
  const moment m = moment_of(wall_s);
  int weekday = (int)((m.days % 7 + 7) % 7);
  ekm_buf_append_fmt(out, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * weekday, m.day,
                     months + 3 * (m.month - 1), m.year, m.hour, m.minute, m.second);
}

/* Does ${text} have the form of ${pattern}: 'd' a digit, 'a' a letter, everything else itself? */
static bool has_form(const char *text, const char *pattern) {
  for (; *pattern != '\0'; text++, pattern++) {
    bool digit = *text >= '0' && *text <= '9';
    bool letter = (*text >= 'A' && *text <= 'Z') || (*text >= 'a' && *text <= 'z');
    if (*pattern == 'd' ? !digit : *pattern == 'a' ? !letter : *text != *pattern) return false;
  }
  return *text == '\0';
}

static int number_at(const char *text, int digits) {
  int number = 0;
  for (int i = 0; i < digits; i++) number = number * 10 + (text[i] - '0');
  return number;
}

bool ekm_clock_parse_date(const char *text, int64_t *out_wall_s) {
  int again_year, again_month, again_day; /* a day that the month does not have comes back as another */
  *out_wall_s = 0;
  if (!has_form(text, "dddd-dd-dd")) return false;
  int year = number_at(text, 4), month = number_at(text + 5, 2), day = number_at(text + 8, 2);
  if (year < 1970 || month < 1 || month > 12 || day < 1) return false;
  int64_t days = ekm_clock_days(year, month, day);
  ekm_clock_date(days, &again_year, &again_month, &again_day);
  if (again_day != day) return false;
  *out_wall_s = days * 86400;
  return true;
}

bool ekm_clock_parse_http_date(const char *text, int64_t *out_wall_s) {
  int month = 0;
  if (!has_form(text, "aaa, dd aaa dddd dd:dd:dd GMT")) return false;
  while (month < 12 && memcmp(months + 3 * month, text + 8, 3) != 0) month++;
  int day = number_at(text + 5, 2), year = number_at(text + 12, 4);
  int hour = number_at(text + 17, 2), minute = number_at(text + 20, 2), second = number_at(text + 23, 2);
  if (month == 12 || year < 1970 || day < 1 || hour > 23 || minute > 59 || second > 60) return false;

  int again_year, again_month, again_day; /* a day that the month does not have comes back as another */
  int64_t days = ekm_clock_days(year, month + 1, day);
  ekm_clock_date(days, &again_year, &again_month, &again_day);
  if (again_day != day) return false;
  *out_wall_s = days * 86400 + (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
  return true;
}
