/* Measuring two things against each other on a noisy machine.
 *
 *   pairs      A B | B A | A B | B A ...    at least 31, so that drift of the machine hits both alike
 *   clock      CPU time of the calling thread, or of another process: not wall time
 *   result     the median of the differences A - B, with a 95 % confidence interval from order statistics
 *
 * Nothing here judges: it prints. Threads: one. */
#ifndef EKM_BENCH_MEASURE_H
#define EKM_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MEASURE_PAIRS = 31 };

/* One side: do the thing ${count} times and return the CPU nanoseconds of all of it; negative if it failed. */
typedef struct measure_side {
  const char *name;
  int64_t (*run)(void *arg, size_t count);
  void *arg;
} measure_side;

typedef struct measure_value {
  double median, low, high; /* low and high bound the median with 95 % confidence */
} measure_value;

typedef struct measure_result {
  measure_value a_us, b_us; /* microseconds per operation */
  measure_value difference_us;
  measure_value ratio; /* A / B */
  size_t pairs;
} measure_result;

/* measure_pairs(a, b, count, out): MEASURE_PAIRS interleaved pairs of ${count} operations; one more pair warms up
 * and is not counted. False if a side failed. */
bool measure_pairs(const measure_side *a, const measure_side *b, size_t count, measure_result *out);

/* measure_print(title, a, b, result): one block of lines. */
void measure_print(const char *title, const measure_side *a, const measure_side *b, const measure_result *result);

/* measure_median(samples, count): with its interval; sorts ${samples}. */
measure_value measure_median(double *samples, size_t count);

/* measure_promise(what, value, limit, unit): print a figure beside the limit that is promised for it;
 * returns whether it is kept. */
bool measure_promise(const char *what, double value, double limit, const char *unit);

#endif
