/* Load, use, unload, again and again, as SQL Server may: nothing of it stays in the process. */
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "base/thread.h"
#include "end_to_end_fixture.h"
#include "support/cmocka_all.h"

/* The first rounds fill caches of libraries that stay loaded. One OSSL_LIB_CTX that is not freed costs 180 kB a round,
 * one buffer of curl 16 kB: 80 rounds of either are above the bound. */
enum { WARM_UP_ROUNDS = 20, ROUNDS = 100, GROWTH_MAX_KB = 1024 };

static int count_entries(const char *folder) {
  int count = 0;
  DIR *dir = opendir(folder);
  assert_non_null(dir);
  while (readdir(dir) != NULL) count++;
  (void)closedir(dir);
  return count;
}

static long resident_kb(void) {
  long size = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%ld %ld", &size, &resident), 2);
  (void)fclose(file);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

typedef struct use {
  end_to_end_fixture *f;
  uint32_t code;
} use;

/* On a thread of its own, which ends while the provider is loaded, or after it is gone. */
static void use_key(void *arg) {
  use *u = arg;
  host_session *session = NULL;
  host_key key;
  ekm_buf wrapped;
  ekm_buf_init(&wrapped, 4096);
  u->code = end_to_end_open(u->f, &u->f->app, &session);
  if (u->code == 0) u->code = connector_by_name(session, END_TO_END_KEY, &key);
  if (u->code == 0) u->code = connector_wrap(session, &key, ekm_view_text(END_TO_END_DEK), &wrapped);
  if (u->code == 0) u->code = end_to_end_unwrap(session, &key, ekm_buf_view(&wrapped));
  host_session_close(&session);
  ekm_buf_clear(&wrapped);
}

static void one_round(end_to_end_fixture *f) {
  ekm_err err = {0};
  ekm_thread *thread;
  use here = {f, 0}, there = {f, 0};
  connector_load(&f->connector);
  assert_true(ekm_thread_start(&thread, use_key, &there, &err));
  use_key(&here);
  ekm_thread_join(&thread);
  connector_unload(&f->connector);
  connector_assert(here.code, EKM_E_OK);
  connector_assert(there.code, EKM_E_OK);
}

static void a_hundred_rounds_leave_nothing(void **state) {
  end_to_end_fixture *f = *state;
  connector_unload(&f->connector);
  for (int i = 0; i < WARM_UP_ROUNDS; i++) one_round(f);
  int threads = count_entries("/proc/self/task");
  int files = count_entries("/proc/self/fd");
  long kb = resident_kb();
  for (int i = WARM_UP_ROUNDS; i < ROUNDS; i++) one_round(f);
  assert_int_equal(count_entries("/proc/self/task"), threads);
  assert_int_equal(count_entries("/proc/self/fd"), files);
  long grown = resident_kb() - kb;
  if (grown > GROWTH_MAX_KB) fail_msg("%ld kB more after %d rounds", grown, ROUNDS - WARM_UP_ROUNDS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_hundred_rounds_leave_nothing),
  };
  return cmocka_run_group_tests(tests, end_to_end_set_up, end_to_end_tear_down);
}
