#include "vault/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>

#include "base/mem.h"

/* Statuses that are answered; all others are counted in the last column. */
static const int statuses[] = {200, 204, 400, 401, 403, 404, 405, 409, 413, 414, 429, 500, 503};

/* Upper ends of the histogram's buckets, in microseconds and as the label says them; behind them is "+Inf". */
static const struct {
  int64_t us;
  const char *label;
} buckets[] = {{250, "0.00025"}, {500, "0.0005"},  {1000, "0.001"}, {2500, "0.0025"}, {5000, "0.005"},
               {10000, "0.01"},  {25000, "0.025"}, {100000, "0.1"}, {500000, "0.5"},  {2500000, "2.5"}};

enum {
  STATUSES = sizeof statuses / sizeof statuses[0],
  BUCKETS = sizeof buckets / sizeof buckets[0],
  OPERATIONS_MAX = 64
};

typedef struct operation_counts {
  atomic_uint_least64_t by_status[STATUSES + 1];
  atomic_uint_least64_t in_bucket[BUCKETS + 1];
  atomic_uint_least64_t us;
} operation_counts;

struct vault_metrics {
  const vault_route *routes;
  size_t route_count;
  operation_counts operations[OPERATIONS_MAX + 1]; /* by row of the route table; behind the last row: none */
};

bool vault_metrics_new(vault_metrics **out_metrics, ekm_err *err) {
  *out_metrics = ekm_mem_alloc(sizeof **out_metrics, err);
  if (*out_metrics == NULL) return false;
  (*out_metrics)->routes = vault_route_table(&(*out_metrics)->route_count);
  if ((*out_metrics)->route_count <= OPERATIONS_MAX) return true;
  vault_metrics_free(out_metrics);
  return EKM_FAIL(err, EKM_E_INTERNAL, "there are more operations than metrics.c can count");
}

void vault_metrics_free(vault_metrics **metrics) {
  ekm_mem_free(*metrics);
  *metrics = NULL;
}

void vault_metrics_count(vault_metrics *metrics, const vault_route *route, int status, int64_t us) {
  size_t column = 0, bucket = 0;
  if (metrics == NULL) return;
  size_t row = route == NULL ? metrics->route_count : (size_t)(route - metrics->routes);
  while (column < STATUSES && statuses[column] != status) column++;
  while (bucket < BUCKETS && us > buckets[bucket].us) bucket++;
  operation_counts *counts = &metrics->operations[row];
  (void)atomic_fetch_add_explicit(&counts->by_status[column], 1, memory_order_relaxed);
  (void)atomic_fetch_add_explicit(&counts->in_bucket[bucket], 1, memory_order_relaxed);
  (void)atomic_fetch_add_explicit(&counts->us, us < 0 ? 0 : (uint64_t)us, memory_order_relaxed);
}

static uint64_t read(atomic_uint_least64_t *counter) {
  return atomic_load_explicit(counter, memory_order_relaxed);
}

static const char *operation_name(const vault_metrics *metrics, size_t row) {
  return row == metrics->route_count ? "none" : metrics->routes[row].operation;
}

static void write_statuses(vault_metrics *metrics, size_t row, ekm_buf *out) {
  for (size_t i = 0; i <= STATUSES; i++) {
    uint64_t count = read(&metrics->operations[row].by_status[i]);
    if (count == 0) continue;
    ekm_buf_append_fmt(out, "akvd_requests_total{operation=\"%s\",status=\"", operation_name(metrics, row));
    if (i < STATUSES) {
      ekm_buf_append_fmt(out, "%d", statuses[i]);
    } else {
      ekm_buf_append_text(out, "other");
    }
    ekm_buf_append_fmt(out, "\"} %" PRIu64 "\n", count);
  }
}

/* Buckets are cumulative in the format, not in the counters. */
static void write_histogram(vault_metrics *metrics, size_t row, ekm_buf *out) {
  operation_counts *counts = &metrics->operations[row];
  const char *name = operation_name(metrics, row);
  uint64_t below = 0, all = 0;
  for (size_t i = 0; i <= BUCKETS; i++) all += read(&counts->in_bucket[i]);
  if (all == 0) return;
  for (size_t i = 0; i < BUCKETS; i++) {
    below += read(&counts->in_bucket[i]);
    ekm_buf_append_fmt(out, "akvd_request_seconds_bucket{operation=\"%s\",le=\"%s\"} %" PRIu64 "\n", name,
                       buckets[i].label, below > all ? all : below);
  }
  ekm_buf_append_fmt(out, "akvd_request_seconds_bucket{operation=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, all);
  uint64_t us = read(&counts->us);
  ekm_buf_append_fmt(out, "akvd_request_seconds_sum{operation=\"%s\"} %" PRIu64 ".%06" PRIu64 "\n", name, us / 1000000,
                     us % 1000000);
  ekm_buf_append_fmt(out, "akvd_request_seconds_count{operation=\"%s\"} %" PRIu64 "\n", name, all);
}

void vault_metrics_write(vault_metrics *metrics, ekm_buf *out) {
  ekm_buf_append_text(out,
                      "# HELP akvd_requests_total Requests that were answered.\n"
                      "# TYPE akvd_requests_total counter\n");
  for (size_t row = 0; row <= metrics->route_count; row++) write_statuses(metrics, row, out);
  ekm_buf_append_text(out,
                      "# HELP akvd_request_seconds Time from a request's headers to the end of its answer.\n"
                      "# TYPE akvd_request_seconds histogram\n");
  for (size_t row = 0; row <= metrics->route_count; row++) write_histogram(metrics, row, out);
}
