/* Who does what is due without anybody's asking: rotations by policy, purges at the end of retention. On the vault's
 * clock, not on a timer's: before a request is handled, what is due with its key is done, so that a client never gets a
 * version that should have been rotated or a key that should be gone; a thread does the others, at once when a request
 * finds that there are some, and else it looks once a minute. Before that, it reads the whole database once.
 *
 * A rotation that cannot be done (the key has all the versions that it may have) is logged and put off for a day;
 * what fails for the machine's reasons is tried again after a minute.
 *
 * Threads: any. Two that rotate the same key at once make one new version: vault_key_spec's ${follows}. */
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

/* vault_caretaker_look(caretaker, vault_id, name):
 * If anything is due, do what concerns this key (${name} NULL: no key) now, and wake the thread for the rest. No SQL if
 * nothing is due. ${caretaker} NULL is fine. */
void vault_caretaker_look(vault_caretaker *caretaker, int64_t vault_id, const char *name);

#endif
