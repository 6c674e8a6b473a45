#include "base/process.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include "base/env.h"

static void ignore(int signal_number) {
  struct sigaction action = {.sa_handler = SIG_IGN};
  (void)sigaction(signal_number, &action, NULL);
}

void ekm_process_begin(void) {}

void ekm_process_arguments(int *argc, char ***argv) {
  (void)argc, (void)argv;
}

bool ekm_process_harden(void) {
  const struct rlimit none = {0, 0};
  bool ok = setrlimit(RLIMIT_CORE, &none) == 0;
  ignore(SIGXFSZ);
#if defined(__linux__)
  ok = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && ok;
#endif
  return ok;
}

void ekm_process_many_files(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Pages are locked when they are first touched: a stack of which little is used costs little. */
bool ekm_process_lock_memory(void) {
  struct rlimit limit;
  bool allowed = geteuid() == 0 || (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY);
#if defined(MCL_ONFAULT)
  return allowed && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
#else
  return allowed && mlockall(MCL_CURRENT | MCL_FUTURE) == 0;
#endif
}

static void stop_signals(sigset_t *set) {
  (void)sigemptyset(set);
  (void)sigaddset(set, SIGTERM);
  (void)sigaddset(set, SIGINT);
}

/* Blocked and waited for rather than handled: no code runs in a signal handler. Threads inherit the mask. */
void ekm_process_catch_stop(void) {
  sigset_t set;
  stop_signals(&set);
  (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
  ignore(SIGPIPE);
}

void ekm_process_wait_stop(void) {
  sigset_t set;
  int signal_number;
  stop_signals(&set);
  while (sigwait(&set, &signal_number) != 0) {
  }
}

bool ekm_process_unset(const char *name) {
  return ekm_env_get(ekm_env_process(), name) != NULL && unsetenv(name) == 0;
}

void ekm_process_user(char out[EKM_PROCESS_USER_BYTES]) {
  struct passwd entry, *found = NULL;
  char texts[4096];
  bool named = getpwuid_r(getuid(), &entry, texts, sizeof texts, &found) == 0 && found != NULL;
  if (named && snprintf(out, EKM_PROCESS_USER_BYTES, "%s", entry.pw_name) < EKM_PROCESS_USER_BYTES) return;
  (void)snprintf(out, EKM_PROCESS_USER_BYTES, "uid %ld", (long)getuid());
}

int64_t ekm_process_id(void) {
  return (int64_t)getpid();
}
