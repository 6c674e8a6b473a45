/* One search at a time in each vault, whoever's: a vault limits the requests of all its clients together.
 *
 * Threads: any. */
#ifndef EKM_KEYRING_TURNS_H
#define EKM_KEYRING_TURNS_H

#include "keyring/keyring.h"

/* keyring_turns_new(clock, out, err): ${clock} is borrowed. keyring_turns_free(turns): nobody may search. NULL is fine;
 * sets the caller's pointer to NULL. */
EKM_MUST_USE bool keyring_turns_new(const ekm_clock *clock, keyring_turns **out_turns, ekm_err *err);
void keyring_turns_free(keyring_turns **turns);

/* keyring_turns_take(turns, host, call, err):
 * Wait until nobody searches ${host}, which must stay where it is until keyring_turns_give(turns, host). DEADLINE or
 * CANCELLED. */
EKM_MUST_USE bool keyring_turns_take(keyring_turns *turns, const char *host, const keyring_call *call, ekm_err *err);
void keyring_turns_give(keyring_turns *turns, const char *host);

#endif
