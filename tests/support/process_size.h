/* How much of the machine this process holds: what must not grow. */
#ifndef EKM_TESTS_SUPPORT_PROCESS_SIZE_H
#define EKM_TESTS_SUPPORT_PROCESS_SIZE_H

typedef struct process_size {
  int threads, files; /* files: descriptors */
  long resident_kb;
} process_size;

/* process_size_now(): of this moment. */
process_size process_size_now(void);

/* process_size_wait_threads(threads): until so many are left, or fewer; fails the test after some seconds. */
void process_size_wait_threads(int threads);

/* process_size_assert(before, grown_max_kb): no more threads and descriptors than ${before}, and no more memory than
 * that allows; memory is not looked at under a sanitizer. */
void process_size_assert(const process_size *before, long grown_max_kb);

#endif
