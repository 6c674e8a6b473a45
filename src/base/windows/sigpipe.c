/* Windows has no such signal. */
#include "base/sigpipe.h"

ekm_sigpipe ekm_sigpipe_hold(void) {
  return (ekm_sigpipe){false};
}

void ekm_sigpipe_release(ekm_sigpipe guard) {
  (void)guard;
}
