/* Dates of HTTP headers, compared with the calendar of the C library; and the dates that we write. */
#include <time.h>

#include "base/clock.h"
#include "fuzz/fuzz.h"

static const int64_t last_time = 253402300799; /* the end of the year 9999 */

static void check_written(int64_t wall_s) {
  struct tm tm;
  char expected[64];
  ekm_buf text;
  const time_t time = (time_t)wall_s;
  FUZZ_CHECK(gmtime_r(&time, &tm) != NULL);
  (void)snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
  ekm_buf_init(&text, sizeof expected);
  ekm_clock_append_iso(wall_s, &text);
  FUZZ_CHECK(strcmp(ekm_buf_text(&text), expected) == 0);
  ekm_buf_clear(&text);
}

/* The day of the week is not looked at; a leap second is the first one of the next minute. */
static void check_read(const char *text, int64_t wall_s) {
  static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  struct tm tm;
  char expected[64];
  bool is_leap = strncmp(text + 23, "60", 2) == 0;
  const time_t time = (time_t)(is_leap ? wall_s - 1 : wall_s);
  FUZZ_CHECK(wall_s >= 0 && wall_s <= last_time + 1 && gmtime_r(&time, &tm) != NULL);
  (void)snprintf(expected, sizeof expected, "%.3s, %02d %s %04d %02d:%02d:%02d GMT", text, tm.tm_mday,
                 months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec + (is_leap ? 1 : 0));
  FUZZ_CHECK(strcmp(text, expected) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int64_t wall_s = 0;
  char *text = fuzz_text(data, size);
  if (ekm_clock_parse_http_date(text, &wall_s)) {
    check_read(text, wall_s);
    check_written(wall_s);
  }
  free(text);
  if (size == sizeof wall_s) {
    memcpy(&wall_s, data, sizeof wall_s);
    check_written(wall_s % last_time);
  }
  return 0;
}
