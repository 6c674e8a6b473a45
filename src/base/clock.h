/* Time, injected: whoever needs it is given an ekm_clock, and a test gives one that stands still.
 *
 * The wall clock (seconds since 1970, UTC) is for what others compare: token and key times. The monotonic
 * clock (milliseconds from an arbitrary start) is for durations and deadlines.
 * Platform code: posix/clock.c, windows/clock.c. Threads: the system's clock may be read by all. */
#ifndef EKM_BASE_CLOCK_H
#define EKM_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

typedef struct ekm_clock ekm_clock;
struct ekm_clock {
  int64_t (*wall_s)(const ekm_clock *self);
  int64_t (*mono_ms)(const ekm_clock *self);
};

/* ekm_clock_system(): the clocks of this machine. Static. */
const ekm_clock *ekm_clock_system(void);

/* ekm_clock_wall_s(clock), ekm_clock_mono_ms(clock): seconds since 1970 in UTC; milliseconds that never go back. */
int64_t ekm_clock_wall_s(const ekm_clock *clock);
int64_t ekm_clock_mono_ms(const ekm_clock *clock);

/* When a call must have ended, on the monotonic clock. Pass it down; never restart it. */
typedef struct ekm_deadline {
  int64_t at_ms;
} ekm_deadline;

/* ekm_deadline_in(clock, ms): ${ms} from now. */
ekm_deadline ekm_deadline_in(const ekm_clock *clock, int64_t ms);

/* ekm_deadline_left_ms(deadline, clock): what is left, 0 when it has passed. */
int64_t ekm_deadline_left_ms(ekm_deadline deadline, const ekm_clock *clock);

/* ekm_clock_cpu_ns(): processor time of the whole process, in nanoseconds; for benchmarks. */
int64_t ekm_clock_cpu_ns(void);

/* ekm_clock_mono_ns(): the monotonic clock of this machine in nanoseconds; for measuring single calls. */
int64_t ekm_clock_mono_ns(void);

/* ekm_clock_days(year, month, day), ekm_clock_date(days, year, month, day): days since 1970-01-01 of a date of the
 * Gregorian calendar, and back. */
int64_t ekm_clock_days(int year, int month, int day);
void ekm_clock_date(int64_t days, int *year, int *month, int *day);

/* ekm_clock_parse_date(text, out_wall_s):
 * The first second, in UTC, of a day written as "2027-03-01" (ISO 8601), from 1970 on; false for anything else. */
bool ekm_clock_parse_date(const char *text, int64_t *out_wall_s);

/* ekm_clock_append_http_date(wall_s, out): append "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7). */
void ekm_clock_append_http_date(int64_t wall_s, ekm_buf *out);

/* ekm_clock_append_iso(wall_s, out): append "2026-11-24T08:00:00Z". */
void ekm_clock_append_iso(int64_t wall_s, ekm_buf *out);

/* ekm_clock_parse_http_date(text, out_wall_s):
 * Read "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7); false for anything else. */
bool ekm_clock_parse_http_date(const char *text, int64_t *out_wall_s);

#endif
