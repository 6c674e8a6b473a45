#include "support/process_size.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "support/cmocka_all.h"

/* A sanitizer keeps what was freed for a while, so there memory says nothing. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MEMORY_COUNTS = 0 };
#else
enum { MEMORY_COUNTS = 1 };
#endif

enum { WAIT_MS = 20000 };

static int count_entries(const char *folder) {
  int count = 0;
  DIR *dir = opendir(folder);
  assert_non_null(dir);
  while (readdir(dir) != NULL) count++;
  (void)closedir(dir);
  return count - 2; /* "." and ".." */
}

static long resident_kb(void) {
  long size = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%ld %ld", &size, &resident), 2);
  (void)fclose(file);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

process_size process_size_now(void) {
  return (process_size){.threads = count_entries("/proc/self/task"),
                        .files = count_entries("/proc/self/fd"),
                        .resident_kb = resident_kb()};
}

void process_size_wait_threads(int threads) {
  ekm_deadline deadline = ekm_deadline_in(ekm_clock_system(), WAIT_MS);
  int now = count_entries("/proc/self/task");
  while (now > threads && ekm_deadline_left_ms(deadline, ekm_clock_system()) > 0) {
    ekm_thread_yield();
    now = count_entries("/proc/self/task");
  }
  if (now > threads) fail_msg("%d threads, expected %d", now, threads);
}

void process_size_assert(const process_size *before, long grown_max_kb) {
  process_size now = process_size_now();
  long grown = now.resident_kb - before->resident_kb;
  if (now.threads > before->threads) fail_msg("%d threads, %d before", now.threads, before->threads);
  if (now.files > before->files) fail_msg("%d descriptors, %d before", now.files, before->files);
  if (MEMORY_COUNTS && grown > grown_max_kb) fail_msg("%ld kB more", grown);
}
