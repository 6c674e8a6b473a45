/* The token of one identity for one vault, renewed by one thread while the others go on.
 *
 *   given out            renew              expires - margin      expires
 *      |------ fresh ------|----- valid --------|----- stale --------|
 *                          one caller renews    all callers wait for
 *                          the others go on     the one who asks
 *
 * - One flight at a time. Who needs no new token does not wait for it; who does waits for the one flight, bounded by
 * the deadline of his own call, and shares its failure, unless the failure was only the flyer's own deadline.
 * - A renewal that fails while the old token is valid is not an error; it is tried again later, and takes at most a few
 *   seconds of its caller's time.
 * - A definite refusal is remembered for seconds, so that a thousand calls do not become a thousand sign-ins.
 * - Durations count on the monotonic clock: a wall clock that jumps changes nothing.
 *
 * A cache belongs to one identity and one vault. A changed credential is another identity with a cache of its own.
 *
 * Threads: any. Nothing is asked of the network while the lock is held. */
#ifndef EKM_ENTRA_TOKEN_CACHE_H
#define EKM_ENTRA_TOKEN_CACHE_H

#include "base/log.h"
#include "entra/token.h"

typedef struct entra_cache entra_cache;

/* How a cache gets a new token; called without the lock, by one thread at a time. */
typedef bool entra_cache_fetch(void *arg, const entra_call *call, entra_token **out_token, ekm_err *err);

/* entra_cache_new(fetch, arg, clock, log, out_cache, err): all borrowed, and outlive the cache; ${log} may be NULL. */
EKM_MUST_USE bool entra_cache_new(entra_cache_fetch *fetch, void *arg, const ekm_clock *clock, ekm_log *log,
                                  entra_cache **out_cache, ekm_err *err);

/* entra_cache_free(cache): no call may run any more; NULL is fine; sets the caller's pointer to NULL. */
void entra_cache_free(entra_cache **cache);

/* entra_cache_get(cache, call, out_token, err):
 * A valid token, which the caller unrefs. Errors are those of the fetch, DEADLINE or CANCELLED. */
EKM_MUST_USE bool entra_cache_get(entra_cache *cache, const entra_call *call, entra_token **out_token, ekm_err *err);

/* entra_cache_drop(cache, token):
 * The vault rejected ${token}: forget it if it is still the current one (another thread may have replaced it already).
 */
void entra_cache_drop(entra_cache *cache, const entra_token *token);

#endif
