/* A clock that stands still until a test moves it. May be read and moved by all threads. */
#ifndef EKM_TESTS_SUPPORT_FAKE_CLOCK_H
#define EKM_TESTS_SUPPORT_FAKE_CLOCK_H

#include <stdatomic.h>

#include "base/clock.h"

typedef struct fake_clock {
  ekm_clock base; /* give &clock.base to whoever wants an ekm_clock */
  _Atomic int64_t wall_s;
  _Atomic int64_t mono_ms;
} fake_clock;

/* fake_clock_init(clock): 2026-11-24T08:00:00Z, and a million milliseconds since the start. */
void fake_clock_init(fake_clock *clock);

/* fake_clock_pass(clock, ms): let time pass on both clocks. */
void fake_clock_pass(fake_clock *clock, int64_t ms);

#endif
