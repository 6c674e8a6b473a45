/* Finding a key version by nothing but its thumbprint. */
#ifndef EKM_KEYRING_SEARCH_H
#define EKM_KEYRING_SEARCH_H

#include "keyring/key.h"

/* What a search does with each key version that it reads: remember it, and say whether it is the one. */
typedef struct keyring_visit {
  /* Is this version known, and so not worth a request? */
  bool (*seen)(void *arg, const char *name, const char *version);
  bool (*visit)(void *arg, const keyring_record *record, bool *out_found, ekm_err *err);
  void *arg;
} keyring_visit;

/* keyring_search(backend, visitor, call, resume_at, out_found, err):
 * Walk through the vault until ${visitor} finds its key: the newest version of each name first, because that is what
 * most databases use, then the older ones. Names that vanish during the walk are passed over; any other error ends
 * it. *${resume_at} is 0 at first; a walk that ends with an error leaves there where the next one begins, which goes
 * round from there: a vault that is too large for the time of one call, or that throttles, is searched by several. */
EKM_MUST_USE bool keyring_search(keyring_backend *backend, const keyring_visit *visitor, const keyring_call *call,
                                 size_t *resume_at, bool *out_found, ekm_err *err);

#endif
