#include "keyring/wait.h"

enum { STEP_MS = 100 }; /* between looks at whether a waiting call was cancelled */

bool keyring_is_cancelled(const keyring_call *call) {
  return call->is_cancelled != NULL && call->is_cancelled(call->cancel_arg);
}

bool keyring_wait(const keyring_call *call, const ekm_clock *clock, ekm_cond *cond, ekm_mutex *lock) {
  int64_t left_ms = ekm_deadline_left_ms(call->deadline, clock);
  if (left_ms == 0 || keyring_is_cancelled(call)) return false;
  ekm_cond_wait(cond, lock, left_ms < STEP_MS ? left_ms : STEP_MS);
  return true;
}

bool keyring_fail_waiting(const keyring_call *call, const char *during, ekm_err *err) {
  return EKM_FAIL(err, keyring_is_cancelled(call) ? EKM_E_CANCELLED : EKM_E_DEADLINE, "%s", during);
}
