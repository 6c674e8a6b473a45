#include "base/mutex.h"

#include <time.h>

void ekm_mutex_init(ekm_mutex *mutex) {
  *mutex = (ekm_mutex)EKM_MUTEX_INIT;
}

void ekm_mutex_lock(ekm_mutex *mutex) {
  (void)pthread_mutex_lock(&mutex->m);
}

void ekm_mutex_unlock(ekm_mutex *mutex) {
  (void)pthread_mutex_unlock(&mutex->m);
}

void ekm_cond_init(ekm_cond *cond) {
  *cond = (ekm_cond)EKM_COND_INIT;
}

/* The static initialiser means CLOCK_REALTIME: a clock that is set makes a wait shorter or longer once, and the
 * caller's loop over its own monotonic deadline bounds it; waits are capped at a second for that reason. */
void ekm_cond_wait(ekm_cond *cond, ekm_mutex *mutex, int64_t timeout_ms) {
  struct timespec until;
  if (timeout_ms > 1000) timeout_ms = 1000;
  if (timeout_ms < 0) timeout_ms = 0;
  (void)clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += timeout_ms / 1000;
  until.tv_nsec += (timeout_ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_nsec -= 1000000000;
    until.tv_sec++;
  }
  (void)pthread_cond_timedwait(&cond->c, &mutex->m, &until);
}

void ekm_cond_wake_all(ekm_cond *cond) {
  (void)pthread_cond_broadcast(&cond->c);
}
