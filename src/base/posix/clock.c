#include "base/clock.h"

#include <time.h>

static int64_t system_wall_s(const ekm_clock *self) {
  struct timespec now;
  (void)self;
  (void)clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec;
}

static int64_t system_mono_ms(const ekm_clock *self) {
  struct timespec now;
  (void)self;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const ekm_clock *ekm_clock_system(void) {
  static const ekm_clock system_clock = {system_wall_s, system_mono_ms};
  return &system_clock;
}

int64_t ekm_clock_cpu_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t ekm_clock_mono_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
