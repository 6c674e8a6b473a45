/* A caller's buffer with a fence behind it: did the provider keep to the rule of the caller's memory?
 *
 *   mem   [ ........ cap bytes ........ ][ A5 A5 A5 ... 32 fence bytes ]
 *
 * After the call the struct must still hold the caller's pointer, cb must be at most cap, and the fence must stand. A
 * provider that stores a pointer of its own is refused by SQL Server 2025 (error 33029, code 0).
 *
 * Threads: one thread at a time. */
#ifndef EKM_HOST_GUARD_H
#define EKM_HOST_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "host/calls.h"

/* Zero-initialise: host_guard guard = {0}. */
typedef struct host_guard {
  uint8_t *mem;
  uint32_t cap;
} host_guard;

/* host_guard_take(guard, cap, err): a zeroed buffer of ${cap} bytes, aligned for every type. */
EKM_MUST_USE bool host_guard_take(host_guard *guard, uint32_t cap, ekm_err *err);

/* What a provider left in a struct behind a call. */
typedef struct host_guard_seen {
  host_fn fn;
  const char *what; /* "the key name" */
  const void *ptr;
  uint32_t cb;
} host_guard_seen;

/* host_guard_check(guard, seen, err): CONFORMANCE says which part of the rule is broken, by which function. */
EKM_MUST_USE bool host_guard_check(const host_guard *guard, const host_guard_seen *seen, ekm_err *err);

/* host_guard_need(seen, code, max, err):
 * The size answer of a first call: InsufficientBuffer with 1 to ${max} bytes, or Success with none. CONFORMANCE if it
 * is another size or Success with bytes that nobody made room for. Other codes are the caller's to handle before. */
EKM_MUST_USE bool host_guard_need(const host_guard_seen *seen, SqlCpError code, uint32_t max, ekm_err *err);

/* host_guard_drop(guard): wipe and free. */
void host_guard_drop(host_guard *guard);

#endif
