/* Finding a key version by nothing but its thumbprint.
 *
 *   steps   0 .. n-1     the newest version of each name
 *           n .. 2n-1    the older versions of each name
 *
 *   workers take the steps in their order; each request has its turn, so that a vault's limits are kept
 *
 * A vault answers 4,000 reads in 10 seconds (facts/azure-key-vault.md section 1.9), and other servers may search it at
 * the same time. */
#ifndef EKM_KEYRING_SEARCH_H
#define EKM_KEYRING_SEARCH_H

#include "keyring/key.h"

typedef struct keyring_pace {
  const ekm_clock *clock;
  unsigned workers; /* threads at once, with the caller's; 0: only that */
  unsigned per_s;   /* requests; 0: no limit */
} keyring_pace;

/* What a search does with each key version that it reads: remember it, and say whether it is the one. Called by several
 * threads at once. */
typedef struct keyring_visit {
  /* Is this version known, and so not worth a request? */
  bool (*seen)(void *arg, const char *name, const char *version);
  bool (*visit)(void *arg, const keyring_record *record, bool *out_found, ekm_err *err);
  void *arg;
} keyring_visit;

/* keyring_search(backend, pace, visitor, call, resume_at, out_found, err):
 * Walk through the vault until ${visitor} finds its key: the newest version of each name first, because that is what
 * most databases use, then the older ones. Names that vanish during the walk are passed over. So are keys that may not
 * be read; then the first of these refusals is the error if nothing was found. Any other error ends the walk.
 * *${resume_at} is 0 at first; a walk that ends with an error leaves there where the next one begins, which goes round
 * from there: a vault that is too large for the time of one call, or that throttles, is searched by several. Threads
 * that it starts have ended when it returns; ${call} is looked at by all of them. Requests that still run when the key
 * is found are cancelled. */
EKM_MUST_USE bool keyring_search(keyring_backend *backend, const keyring_pace *pace, const keyring_visit *visitor,
                                 const keyring_call *call, size_t *resume_at, bool *out_found, ekm_err *err);

#endif
