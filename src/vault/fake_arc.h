/* The files by which Azure Arc finds out whether a client may read what the privileged of a machine may:
 *
 *   fake_arc_challenge --> DIR/<random>.key, 0600, 64 characters      fake_arc_take(what was in it) --> once
 *
 * At most FAKE_ARC_FILES are outstanding; the oldest goes when there is another.
 *
 * Threads: all functions may be called from any thread. */
#ifndef EKM_VAULT_FAKE_ARC_H
#define EKM_VAULT_FAKE_ARC_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/crypto.h"

enum {
  FAKE_ARC_FILES = 16,
  FAKE_ARC_PATH_BYTES = 4096 /* with its NUL */
};

typedef struct fake_arc fake_arc;

/* fake_arc_new(crypto, folder, out, err): ${folder} is made, or is there. LIMIT for too long a path. */
EKM_MUST_USE bool fake_arc_new(const ekm_crypto *crypto, const char *folder, fake_arc **out_arc, ekm_err *err);

/* fake_arc_free(arc): removes the files that are left; NULL is fine; sets the caller's pointer to NULL. */
void fake_arc_free(fake_arc **arc);

/* fake_arc_challenge(arc, out_path, err): a new file. */
EKM_MUST_USE bool fake_arc_challenge(fake_arc *arc, char out_path[FAKE_ARC_PATH_BYTES], ekm_err *err);

/* fake_arc_take(arc, content, out_is_right, err): was ${content} in one of the files? It then is no more. */
EKM_MUST_USE bool fake_arc_take(fake_arc *arc, ekm_view content, bool *out_is_right, ekm_err *err);

#endif
