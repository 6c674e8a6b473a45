/* Who does what is due without anybody's asking: rotations by policy, purges at the end of retention. On the vault's
 * clock, not on a timer's: before a request is handled what is due by then is done, so that a client never sees a key
 * that should have been rotated or be gone; and a thread looks once a minute for when nobody asks.
 *
 * A rotation that cannot be done (the key has all the versions that it may have) is logged and put off for a day;
 * what fails for the machine's reasons is tried again after a minute.
 *
 * Threads: any; one at a time works, the others do not wait for it. */
#ifndef EKM_VAULT_CARETAKER_H
#define EKM_VAULT_CARETAKER_H

#include "base/log.h"
#include "vault/rotate.h"

typedef struct vault_caretaker vault_caretaker;

/* vault_caretaker_start(rotor, log, out, err): start the thread. The store stays open until vault_caretaker_stop, which
 * waits for its end; NULL is fine. */
EKM_MUST_USE bool vault_caretaker_start(const vault_rotor *rotor, ekm_log *log, vault_caretaker **out_caretaker,
                                        ekm_err *err);
void vault_caretaker_stop(vault_caretaker **caretaker);

/* vault_caretaker_work(caretaker): do what is due now; nothing if another thread is at it. NULL is fine. */
void vault_caretaker_work(vault_caretaker *caretaker);

#endif
