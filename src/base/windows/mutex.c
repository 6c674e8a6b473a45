#include "base/mutex.h"

#include <windows.h>

_Static_assert(sizeof(SRWLOCK) == sizeof(ekm_mutex), "an ekm_mutex is an SRWLOCK");
_Static_assert(sizeof(CONDITION_VARIABLE) == sizeof(ekm_cond), "an ekm_cond is a CONDITION_VARIABLE");

void ekm_mutex_init(ekm_mutex *mutex) {
  InitializeSRWLock((SRWLOCK *)mutex);
}

void ekm_mutex_lock(ekm_mutex *mutex) {
  AcquireSRWLockExclusive((SRWLOCK *)mutex);
}

void ekm_mutex_unlock(ekm_mutex *mutex) {
  ReleaseSRWLockExclusive((SRWLOCK *)mutex);
}

void ekm_cond_init(ekm_cond *cond) {
  InitializeConditionVariable((CONDITION_VARIABLE *)cond);
}

void ekm_cond_wait(ekm_cond *cond, ekm_mutex *mutex, int64_t timeout_ms) {
  if (timeout_ms > 1000) timeout_ms = 1000;
  if (timeout_ms < 0) timeout_ms = 0;
  (void)SleepConditionVariableSRW((CONDITION_VARIABLE *)cond, (SRWLOCK *)mutex, (DWORD)timeout_ms, 0);
}

void ekm_cond_wake_all(ekm_cond *cond) {
  WakeAllConditionVariable((CONDITION_VARIABLE *)cond);
}
