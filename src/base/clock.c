#include "base/clock.h"

#include <stdio.h>
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

/* Days since 1970-01-01 of a date of the Gregorian calendar, counting years from March. */
static int64_t days_from_civil(int year, int month, int day) {
  int64_t y = month <= 2 ? year - 1 : year;
  int64_t shifted_month = month > 2 ? month - 3 : month + 9;
  int64_t era = y / 400;
  int64_t year_of_era = y - era * 400;
  int64_t day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

/* The inverse of days_from_civil. */
static void civil_from_days(int64_t days, int *year, int *month, int *day) {
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

void ekm_clock_append_iso(int64_t wall_s, ekm_buf *out) {
  int year, month, day;
  int64_t days = wall_s >= 0 ? wall_s / 86400 : -((86399 - wall_s) / 86400);
  int64_t second = wall_s - days * 86400;
  civil_from_days(days, &year, &month, &day);
  ekm_buf_append_fmt(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day, (int)(second / 3600),
                     (int)(second / 60 % 60), (int)(second % 60));
}

bool ekm_clock_parse_http_date(const char *text, int64_t *out_wall_s) {
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  char month_name[4] = "";
  int day, year, hour, minute, second;
  int used = 0;

  if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &day, month_name, &year, &hour, &minute,
             &second, &used) != 6 ||
      used == 0) {
    return false;
  }
  const char *found = strstr(months, month_name);
  if (found == NULL || strlen(month_name) != 3 || (found - months) % 3 != 0) return false;
  if (year < 1970 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return false;
  if (hour < 0 || minute < 0 || second < 0) return false;
  int month = (int)(found - months) / 3 + 1;
  *out_wall_s = days_from_civil(year, month, day) * 86400 + (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
  return true;
}
