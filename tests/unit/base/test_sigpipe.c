/* A write to a pipe that nobody reads: fatal without the guard, harmless with it, and nothing of the host's is changed.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sigpipe.h"
#include "support/cmocka_all.h"

static int write_to_nobody(void) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  (void)close(ends[0]);
  ssize_t put = write(ends[1], "x", 1);
  (void)close(ends[1]);
  return (int)put;
}

static int run_in_child(void (*work)(void)) {
  int status = 0;
  pid_t child = fork();
  if (child == 0) {
    (void)signal(SIGPIPE, SIG_DFL);
    work();
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  return status;
}

static void unguarded(void) {
  (void)write_to_nobody();
}

static void guarded_twice(void) {
  for (int i = 0; i < 2; i++) {
    ekm_sigpipe guard = ekm_sigpipe_hold();
    if (write_to_nobody() != -1) _exit(9);
    ekm_sigpipe_release(guard);
  }
}

static void nested(void) {
  ekm_sigpipe outer = ekm_sigpipe_hold();
  ekm_sigpipe inner = ekm_sigpipe_hold();
  (void)write_to_nobody();
  ekm_sigpipe_release(inner);
  (void)write_to_nobody();
  ekm_sigpipe_release(outer);
}

static void guard_is_needed_and_enough(void **state) {
  (void)state;
  int status = run_in_child(unguarded);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
  status = run_in_child(guarded_twice);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  status = run_in_child(nested);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void mask_is_as_before(void **state) {
  sigset_t before, after;
  (void)state;
  (void)pthread_sigmask(SIG_SETMASK, NULL, &before);
  ekm_sigpipe guard = ekm_sigpipe_hold();
  ekm_sigpipe_release(guard);
  (void)pthread_sigmask(SIG_SETMASK, NULL, &after);
  assert_int_equal(sigismember(&before, SIGPIPE), sigismember(&after, SIGPIPE));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(guard_is_needed_and_enough), cmocka_unit_test(mask_is_as_before)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
