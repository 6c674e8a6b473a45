#include "support/fake_clock.h"

static int64_t wall_s(const ekm_clock *self) {
  return atomic_load(&((const fake_clock *)self)->wall_s);
}

static int64_t mono_ms(const ekm_clock *self) {
  return atomic_load(&((const fake_clock *)self)->mono_ms);
}

void fake_clock_init(fake_clock *clock) {
  clock->base = (ekm_clock){wall_s, mono_ms};
  atomic_store(&clock->wall_s, 1795507200);
  atomic_store(&clock->mono_ms, 1000000);
}

void fake_clock_pass(fake_clock *clock, int64_t ms) {
  atomic_fetch_add(&clock->mono_ms, ms);
  atomic_fetch_add(&clock->wall_s, ms / 1000);
}
