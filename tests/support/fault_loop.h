/* Every operation of a layer, with each of its allocations failing once and each of its exchanges failing once, in each
 * of the ways of paper_fault:
 *
 *   for each row of the table
 *     make a subject, without faults
 *     run the row with fault number N         it fails with the right error, or did without what failed ("forgives")
 *     run it again on the same subject        it works
 *     free it                                 nothing leaks (under AddressSanitizer)
 *   for N = 0, 1, 2 ... until nothing fails any more
 *
 * Threads: for tests of one thread. */
#ifndef EKM_TESTS_SUPPORT_FAULT_LOOP_H
#define EKM_TESTS_SUPPORT_FAULT_LOOP_H

#include "base/err.h"
#include "support/paper_vault.h"

enum { FORGIVES_NOTHING = 0, FORGIVES_MEMORY = 1, FORGIVES_EXCHANGES = 2 };

typedef struct fault_row {
  const char *name;
  /* One operation. It fails the test by itself if a success gave something wrong, or a failure touched an output. */
  bool (*run)(void *subject, ekm_err *err);
  int forgives; /* it may succeed although an allocation, or an exchange, failed */
} fault_row;

typedef struct fault_layer {
  paper_vault *vault;
  void *(*make)(paper_vault *vault);
  void (*clear)(void *subject);
  const fault_row *rows;
  size_t row_count;
} fault_layer;

/* fault_loop_memory(layer): OUT_OF_MEMORY is the only right error; but for a creation that left, of which
 * CREATION_UNSURE must be said. */
void fault_loop_memory(const fault_layer *layer);

/* fault_loop_exchanges(layer): what is right depends on the fault; a refusal, or a word about the key, never is. A
 * creation is sent once at most, and once it was, CREATION_UNSURE must be said. */
void fault_loop_exchanges(const fault_layer *layer);

#endif
