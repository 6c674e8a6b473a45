#include "base/sigpipe.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

static void only_sigpipe(sigset_t *set) {
  (void)sigemptyset(set);
  (void)sigaddset(set, SIGPIPE);
}

ekm_sigpipe ekm_sigpipe_hold(void) {
  sigset_t sigpipe, before;
  only_sigpipe(&sigpipe);
  if (pthread_sigmask(SIG_BLOCK, &sigpipe, &before) != 0) return (ekm_sigpipe){false};
  return (ekm_sigpipe){sigismember(&before, SIGPIPE) == 0};
}

/* It was not blocked before, so none can have been pending for this thread: one that is pending now is ours. */
void ekm_sigpipe_release(ekm_sigpipe guard) {
  static const struct timespec at_once = {0, 0};
  sigset_t sigpipe;
  if (!guard.held) return;
  only_sigpipe(&sigpipe);
  while (sigtimedwait(&sigpipe, NULL, &at_once) < 0 && errno == EINTR) {
  }
  (void)pthread_sigmask(SIG_UNBLOCK, &sigpipe, NULL);
}
