/* Trouble on demand: what a client meets in the field, for the tests of clients. Off unless the server was started with
 * it, and then asked for by clients on the same machine only:
 *
 *   PUT https://localhost:PORT/_akvd/trouble      replaces what is asked for; an empty list ends it
 *   {"trouble":[{"operation":"key_unwrap","kind":"throttle","times":2,"retry_after_s":1}, ...]}
 *
 *   operation      of routes.h; "" or absent: every one but these two
 *   kind           throttle 429 | error 500 | unavailable 503 | html 502 | expired_token 401 | claims 401 |
 *                  policy, role, firewall, private_link, public_access: the five ways of 403 |
 *                  truncate (the real answer, but half of it) | reset (the connection instead of an answer) | none
 *   times          how many requests meet it; 0 or absent: all of them
 *   retry_after_s  a Retry-After header; absent: none, as the real service's 429 has none
 *   delay_ms       wait so long first, at most ten minutes; that holds one of the server's threads
 *
 *   Beside "trouble" there may be two numbers, which are 0 when they are absent:
 *
 *   slow_delete_s  so long after a delete the deleted key is not to be found yet, after a recover the key is not, and
 *                  after a purge its name is not free: the real service takes 20 to 35 seconds
 *                  (facts/azure-key-vault.md section 1.8)
 *   clock_shift_s  the server's clock, with everything that depends on it, goes ahead (or behind) by so much: tokens,
 *                  the Date header, nbf and exp, rotation, retention
 *
 *   GET https://localhost:PORT/_akvd/trouble      the same, with the times that are left
 *
 * The first row that fits a request counts. Every request is authenticated and authorised before it meets trouble.
 *
 * Threads: all functions may be called from any thread. */
#ifndef EKM_VAULT_TROUBLE_H
#define EKM_VAULT_TROUBLE_H

#include "vault/exchange.h"

typedef struct vault_trouble vault_trouble;

/* vault_trouble_new(clock, out, err): none yet; ${clock} is borrowed. vault_trouble_free(trouble): NULL is fine; sets
 * the caller's pointer to NULL. */
EKM_MUST_USE bool vault_trouble_new(const ekm_clock *clock, vault_trouble **out_trouble, ekm_err *err);
void vault_trouble_free(vault_trouble **trouble);

/* vault_trouble_meet(trouble, x): true if the answer is there already. ${trouble} NULL: there is none. */
bool vault_trouble_meet(vault_trouble *trouble, vault_exchange *x);

/* vault_trouble_clock(trouble): the clock that it was given, shifted as is asked for. */
const ekm_clock *vault_trouble_clock(const vault_trouble *trouble);

/* vault_trouble_note(trouble, x): a handler answered; what is slow begins here. NULL is fine. */
void vault_trouble_note(vault_trouble *trouble, const vault_exchange *x);

/* vault_trouble_end(trouble): delays end at once, now and from now on; before the server stops. NULL is fine. */
void vault_trouble_end(vault_trouble *trouble);

/* The handlers of the two requests. */
bool vault_trouble_put(vault_exchange *x);
bool vault_trouble_get(vault_exchange *x);

#endif
