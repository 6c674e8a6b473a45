/* Memory that runs out when a test says so: the gate of base/mem.h.
 *
 *   for (size_t n = 0; memory_gate_next(&gate, n); n++) {     fail the n-th allocation, until none fails any more
 *     bool ok = thing_new(&thing, &err);
 *     memory_gate_check(&gate, ok, &err);                     it failed exactly if an allocation did
 *     thing_free(&thing);
 *   }
 *
 * Threads: those between memory_gate_next and memory_gate_rest or _check, or the end of the round, may allocate; the
 * rest is for one thread. */
#ifndef EKM_TESTS_SUPPORT_MEMORY_GATE_H
#define EKM_TESTS_SUPPORT_MEMORY_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

typedef struct memory_gate {
  atomic_size_t asked; /* allocations of this round */
  size_t fail_at;      /* the one that fails */
  atomic_bool failed;
  bool done; /* the round before went through without a failure */
} memory_gate;

/* memory_gate_next(gate, round): close the gate for allocation number ${round}; false, and no gate any more, once a
 * round has succeeded. */
bool memory_gate_next(memory_gate *gate, size_t round);

/* memory_gate_rest(gate), memory_gate_go_on(gate): allocations in between are neither counted nor failed. */
void memory_gate_rest(memory_gate *gate);
void memory_gate_go_on(memory_gate *gate);

/* memory_gate_check(gate, ok, err): fails the test if success and memory do not agree, or the error is another one. */
void memory_gate_check(memory_gate *gate, bool ok, const ekm_err *err);

#endif
