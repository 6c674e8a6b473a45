/* Random bytes, injected: the real source is in crypto, a test brings a repeatable one. */
#ifndef EKM_BASE_RNG_H
#define EKM_BASE_RNG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

typedef struct ekm_rng ekm_rng;
struct ekm_rng {
  /* Fill ${len} bytes at ${out} with unpredictable ones; CRYPTO if the source fails. Any thread. */
  bool (*fill)(const ekm_rng *self, void *out, size_t len, ekm_err *err);
};

#endif
