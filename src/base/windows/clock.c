#include "base/clock.h"

#include <windows.h>

/* 100 ns steps between 1601-01-01, where a FILETIME starts, and 1970-01-01. */
static const int64_t FILETIME_OF_1970 = 116444736000000000;

static int64_t filetime_value(FILETIME time) {
  return (int64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
}

static int64_t system_wall_s(const ekm_clock *self) {
  FILETIME now;
  (void)self;
  GetSystemTimeAsFileTime(&now);
  return (filetime_value(now) - FILETIME_OF_1970) / 10000000;
}

static int64_t system_mono_ms(const ekm_clock *self) {
  (void)self;
  return (int64_t)GetTickCount64();
}

const ekm_clock *ekm_clock_system(void) {
  static const ekm_clock system_clock = {system_wall_s, system_mono_ms};
  return &system_clock;
}

int64_t ekm_clock_cpu_ns(void) {
  FILETIME created, ended, kernel, user;
  if (!GetProcessTimes(GetCurrentProcess(), &created, &ended, &kernel, &user)) return 0;
  return (filetime_value(kernel) + filetime_value(user)) * 100;
}

int64_t ekm_clock_mono_ns(void) {
  LARGE_INTEGER now, per_second;
  QueryPerformanceFrequency(&per_second);
  QueryPerformanceCounter(&now);
  return now.QuadPart / per_second.QuadPart * 1000000000 +
         now.QuadPart % per_second.QuadPart * 1000000000 / per_second.QuadPart;
}
