/* SIGPIPE without touching the host's handlers. Platform code: posix/sigpipe.c, windows/sigpipe.c.
 *
 * OpenSSL writes to sockets in a way that raises SIGPIPE when the other side is gone, and its default action would
 * end the host process. A library must not set a handler; so the calling thread blocks the signal, and takes back
 * what it caused.
 *
 *   ekm_sigpipe guard = ekm_sigpipe_hold();
 *   ... write to sockets ...
 *   ekm_sigpipe_release(guard);
 *
 * Threads: only the calling thread is concerned. */
#ifndef EKM_BASE_SIGPIPE_H
#define EKM_BASE_SIGPIPE_H

#include <stdbool.h>

typedef struct ekm_sigpipe {
  bool held; /* we blocked it, and have to give it back */
} ekm_sigpipe;

/* ekm_sigpipe_hold(): block SIGPIPE in this thread. ekm_sigpipe_release(guard): take back what is pending, and
 * unblock. */
ekm_sigpipe ekm_sigpipe_hold(void);
void ekm_sigpipe_release(ekm_sigpipe guard);

#endif
