#include "host/guard.h"

#include <string.h>

#include "base/mem.h"

enum { FENCE_BYTES = 32, FENCE = 0xA5 };

bool host_guard_take(host_guard *guard, uint32_t cap, ekm_err *err) {
  guard->mem = ekm_mem_alloc((size_t)cap + FENCE_BYTES, err);
  guard->cap = cap;
  if (guard->mem == NULL) return false;
  memset(guard->mem + cap, FENCE, FENCE_BYTES);
  return true;
}

static bool fence_stands(const host_guard *guard) {
  for (size_t i = 0; i < FENCE_BYTES; i++) {
    if (guard->mem[guard->cap + i] != FENCE) return false;
  }
  return true;
}

bool host_guard_check(const host_guard *guard, const host_guard_seen *seen, ekm_err *err) {
  const char *fn = host_fn_name(seen->fn);
  if (!fence_stands(guard)) {
    return EKM_FAIL(err, EKM_E_CONFORMANCE, "%s wrote behind the %u bytes of the caller's buffer for %s", fn,
                    guard->cap, seen->what);
  }
  if (seen->ptr != guard->mem) {
    return EKM_FAIL(err, EKM_E_CONFORMANCE, "%s replaced the caller's buffer for %s by a pointer of its own", fn,
                    seen->what);
  }
  if (seen->cb > guard->cap) {
    return EKM_FAIL(err, EKM_E_CONFORMANCE, "%s succeeded with %u bytes for %s in a buffer of %u", fn, seen->cb,
                    seen->what, guard->cap);
  }
  return true;
}

bool host_guard_need(const host_guard_seen *seen, SqlCpError code, uint32_t max, ekm_err *err) {
  const char *fn = host_fn_name(seen->fn);
  if (code == scp_err_Success && seen->cb != 0) {
    return EKM_FAIL(err, EKM_E_CONFORMANCE, "%s succeeded without a buffer for %s instead of asking for one", fn,
                    seen->what);
  }
  if (seen->cb > max) {
    return EKM_FAIL(err, EKM_E_CONFORMANCE, "%s asks for %u bytes for %s; at most %u are allowed", fn, seen->cb,
                    seen->what, max);
  }
  return true;
}

void host_guard_drop(host_guard *guard) {
  if (guard->mem != NULL) ekm_mem_wipe(guard->mem, (size_t)guard->cap + FENCE_BYTES);
  ekm_mem_free(guard->mem);
  *guard = (host_guard){0};
}
