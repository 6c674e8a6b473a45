/* Threads, for programs and tests; the provider starts some only for a search, and they end before it does. Platform
 * code: posix/thread.c, windows/thread.c. */
#ifndef EKM_BASE_THREAD_H
#define EKM_BASE_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

typedef struct ekm_thread ekm_thread;

/* ekm_thread_start(out, run, arg, err): run ${run}(${arg}) on a new thread; join it with ekm_thread_join. */
EKM_MUST_USE bool ekm_thread_start(ekm_thread **out_thread, void (*run)(void *arg), void *arg, ekm_err *err);

/* ekm_thread_join(thread): wait for its end and free it; sets the caller's pointer to NULL. */
void ekm_thread_join(ekm_thread **thread);

/* ekm_thread_cpu_ns(): CPU time of the calling thread, for benchmarks. */
int64_t ekm_thread_cpu_ns(void);

/* ekm_thread_yield(): let another thread run. */
void ekm_thread_yield(void);

#endif
