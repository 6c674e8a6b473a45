#include "support/memory_gate.h"

#include "base/mem.h"
#include "support/cmocka_all.h"

enum { ROUNDS_MAX = 10000 };

static bool ask(void *arg) {
  memory_gate *gate = arg;
  if (gate->asked++ != gate->fail_at) return true;
  gate->failed = true;
  return false;
}

bool memory_gate_next(memory_gate *gate, size_t round) {
  ekm_mem_set_gate(NULL, NULL);
  if (gate->done) return false;
  assert_true(round < ROUNDS_MAX);
  *gate = (memory_gate){.fail_at = round};
  ekm_mem_set_gate(ask, gate);
  return true;
}

void memory_gate_rest(memory_gate *gate) {
  (void)gate;
  ekm_mem_set_gate(NULL, NULL);
}

void memory_gate_go_on(memory_gate *gate) {
  ekm_mem_set_gate(ask, gate);
}

void memory_gate_check(memory_gate *gate, bool ok, const ekm_err *err) {
  ekm_mem_set_gate(NULL, NULL);
  assert_int_equal(ok, !gate->failed);
  if (!ok) assert_int_equal(err->id, EKM_E_OUT_OF_MEMORY);
  gate->done = ok;
}
