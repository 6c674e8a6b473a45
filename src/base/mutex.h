/* Mutex and condition variable over the system's own. Platform code: posix/mutex.c, windows/mutex.c.
 *
 * pthreads and not C11 threads: ThreadSanitizer understands them. Not recursive. A mutex may be
 * static (EKM_MUTEX_INIT) and needs no destruction. */
#ifndef EKM_BASE_MUTEX_H
#define EKM_BASE_MUTEX_H

#include <stdbool.h>
#include <stdint.h>

#if defined(_WIN32)
typedef struct ekm_mutex {
  void *srw; /* SRWLOCK */
} ekm_mutex;
typedef struct ekm_cond {
  void *cv; /* CONDITION_VARIABLE */
} ekm_cond;
/* clang-format off */
#define EKM_MUTEX_INIT {0}
#define EKM_COND_INIT {0}
/* clang-format on */
#else
#include <pthread.h>
typedef struct ekm_mutex {
  pthread_mutex_t m;
} ekm_mutex;
typedef struct ekm_cond {
  pthread_cond_t c;
} ekm_cond;
/* clang-format off */
#define EKM_MUTEX_INIT {PTHREAD_MUTEX_INITIALIZER}
#define EKM_COND_INIT {PTHREAD_COND_INITIALIZER}
/* clang-format on */
#endif

/* ekm_mutex_init(mutex), ekm_mutex_lock(mutex), ekm_mutex_unlock(mutex): for a mutex that is not static; enter; leave.
 */
void ekm_mutex_init(ekm_mutex *mutex);
void ekm_mutex_lock(ekm_mutex *mutex);
void ekm_mutex_unlock(ekm_mutex *mutex);

/* ekm_cond_init(cond): for a condition that is not static. */
void ekm_cond_init(ekm_cond *cond);

/* ekm_cond_wait(cond, mutex, timeout_ms): wait at most ${timeout_ms}; may wake early, so loop on the condition. */
void ekm_cond_wait(ekm_cond *cond, ekm_mutex *mutex, int64_t timeout_ms);

/* ekm_cond_wake_all(cond): wake all who wait for ${cond}. */
void ekm_cond_wake_all(ekm_cond *cond);

#endif
