#include "support/fake_rng.h"

#include <stdatomic.h>

static atomic_uchar next;

static bool fill(const ekm_rng *self, void *out, size_t len, ekm_err *err) {
  unsigned char *bytes = out;
  (void)self;
  (void)err;
  for (size_t i = 0; i < len; i++) bytes[i] = atomic_fetch_add(&next, 1);
  return true;
}

const ekm_rng *fake_rng_static(void) {
  static const ekm_rng rng = {fill};
  return &rng;
}
