#include "measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

measure_value measure_median(double *samples, size_t count) {
  qsort(samples, count, sizeof samples[0], compare_doubles);
  /* The number of samples below the median is binomial(n, 1/2): 0.98 sqrt(n) ranks to each side hold 95 %. */
  size_t spread = (size_t)ceil(0.98 * sqrt((double)count));
  size_t middle = count / 2;
  double median = count % 2 == 1 ? samples[middle] : (samples[middle - 1] + samples[middle]) / 2;
  size_t low = middle > spread ? middle - spread : 0;
  size_t high = middle + spread < count ? middle + spread : count - 1;
  return (measure_value){median, samples[low], samples[high]};
}

static bool run_pair(const measure_side *a, const measure_side *b, size_t count, bool a_first, double *out_a,
                     double *out_b) {
  int64_t first = a_first ? a->run(a->arg, count) : b->run(b->arg, count);
  int64_t second = a_first ? b->run(b->arg, count) : a->run(a->arg, count);
  if (first < 0 || second < 0) return false;
  *out_a = (double)(a_first ? first : second) / 1000.0 / (double)count;
  *out_b = (double)(a_first ? second : first) / 1000.0 / (double)count;
  return true;
}

bool measure_pairs(const measure_side *a, const measure_side *b, size_t count, measure_result *out) {
  double a_us[MEASURE_PAIRS], b_us[MEASURE_PAIRS], differences[MEASURE_PAIRS], ratios[MEASURE_PAIRS];
  double warm_a, warm_b;

  if (!run_pair(a, b, count, true, &warm_a, &warm_b)) return false;
  for (size_t i = 0; i < MEASURE_PAIRS; i++) {
    if (!run_pair(a, b, count, i % 2 == 0, &a_us[i], &b_us[i])) return false;
    differences[i] = a_us[i] - b_us[i];
    ratios[i] = a_us[i] / b_us[i];
  }
  out->pairs = MEASURE_PAIRS;
  out->a_us = measure_median(a_us, MEASURE_PAIRS);
  out->b_us = measure_median(b_us, MEASURE_PAIRS);
  out->difference_us = measure_median(differences, MEASURE_PAIRS);
  out->ratio = measure_median(ratios, MEASURE_PAIRS);
  return true;
}

static void print_value(const char *name, measure_value value, const char *unit) {
  (void)printf("  %-44s %10.2f %-3s  [%.2f .. %.2f]\n", name, value.median, unit, value.low, value.high);
}

void measure_print(const char *title, const measure_side *a, const measure_side *b, const measure_result *result) {
  (void)printf("%s (%zu pairs, CPU time, medians with 95 %% confidence)\n", title, result->pairs);
  print_value(a->name, result->a_us, "us");
  print_value(b->name, result->b_us, "us");
  print_value("difference", result->difference_us, "us");
  print_value("ratio", result->ratio, "");
  (void)fflush(stdout);
}

bool measure_promise(const char *what, double value, double limit, const char *unit) {
  bool kept = value <= limit;
  (void)printf("%-8s %s: %.2f %s, at most %.2f promised\n", kept ? "kept" : "BROKEN", what, value, unit, limit);
  (void)fflush(stdout);
  return kept;
}
