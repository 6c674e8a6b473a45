#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "base/mem.h"

struct ekm_thread {
  pthread_t id;
  void (*run)(void *arg);
  void *arg;
};

static void *trampoline(void *self) {
  ekm_thread *thread = self;
  thread->run(thread->arg);
  return NULL;
}

bool ekm_thread_start(ekm_thread **out_thread, void (*run)(void *arg), void *arg, ekm_err *err) {
  *out_thread = NULL;
  ekm_thread *thread = ekm_mem_alloc(sizeof *thread, err);
  if (thread == NULL) return false;
  thread->run = run;
  thread->arg = arg;
  if (pthread_create(&thread->id, NULL, trampoline, thread) != 0) {
    ekm_mem_free(thread);
    return EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "no thread could be started");
  }
  *out_thread = thread;
  return true;
}

void ekm_thread_join(ekm_thread **thread) {
  if (*thread == NULL) return;
  (void)pthread_join((*thread)->id, NULL);
  ekm_mem_free(*thread);
  *thread = NULL;
}

int64_t ekm_thread_cpu_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void ekm_thread_yield(void) {
  (void)sched_yield();
}
