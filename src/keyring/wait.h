/* Waiting for another thread for as long as a call of the engine may last, which can be cancelled meanwhile.
 *
 *   while (!happened && keyring_wait(call, clock, &cond, &lock)) continue;
 *   if (!happened) return keyring_fail_waiting(call, "while another thread did it", err);
 *
 * Threads: no state. */
#ifndef EKM_KEYRING_WAIT_H
#define EKM_KEYRING_WAIT_H

#include "base/mutex.h"
#include "keyring/keyring.h"

/* keyring_is_cancelled(call): was it? */
bool keyring_is_cancelled(const keyring_call *call);

/* keyring_wait(call, clock, cond, lock):
 * With ${lock} held, wait until somebody wakes ${cond}, or for a while. False without a wait once ${call} is over. */
bool keyring_wait(const keyring_call *call, const ekm_clock *clock, ekm_cond *cond, ekm_mutex *lock);

/* keyring_fail_waiting(call, during, err): CANCELLED or DEADLINE; always false. */
bool keyring_fail_waiting(const keyring_call *call, const char *during, ekm_err *err);

#endif
