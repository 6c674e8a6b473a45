/* Random bytes that repeat from run to run: a counter. */
#ifndef EKM_TESTS_SUPPORT_FAKE_RNG_H
#define EKM_TESTS_SUPPORT_FAKE_RNG_H

#include "base/rng.h"

/* fake_rng_static(): one for the whole program; any thread. */
const ekm_rng *fake_rng_static(void);

#endif
