#include "base/thread.h"

#include <process.h>
#include <windows.h>

#include "base/mem.h"

struct ekm_thread {
  HANDLE handle;
  void (*run)(void *arg);
  void *arg;
};

static unsigned __stdcall trampoline(void *self) {
  ekm_thread *thread = self;
  thread->run(thread->arg);
  return 0;
}

bool ekm_thread_start(ekm_thread **out_thread, void (*run)(void *arg), void *arg, ekm_err *err) {
  *out_thread = NULL;
  ekm_thread *thread = ekm_mem_alloc(sizeof *thread, err);
  if (thread == NULL) return false;
  thread->run = run;
  thread->arg = arg;
  thread->handle = (HANDLE)_beginthreadex(NULL, 0, trampoline, thread, 0, NULL);
  if (thread->handle == NULL) {
    ekm_mem_free(thread);
    return EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "no thread could be started");
  }
  *out_thread = thread;
  return true;
}

void ekm_thread_join(ekm_thread **thread) {
  if (*thread == NULL) return;
  (void)WaitForSingleObject((*thread)->handle, INFINITE);
  (void)CloseHandle((*thread)->handle);
  ekm_mem_free(*thread);
  *thread = NULL;
}

int64_t ekm_thread_cpu_ns(void) {
  FILETIME created, ended, kernel, user;
  if (!GetThreadTimes(GetCurrentThread(), &created, &ended, &kernel, &user)) return 0;
  int64_t k = (int64_t)kernel.dwHighDateTime << 32 | kernel.dwLowDateTime;
  int64_t u = (int64_t)user.dwHighDateTime << 32 | user.dwLowDateTime;
  return (k + u) * 100;
}

void ekm_thread_yield(void) {
  (void)SwitchToThread();
}
