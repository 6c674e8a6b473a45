/* What a server counts, in the text format of Prometheus (prometheus.io: Exposition formats, version 0.0.4):
 *
 *   # TYPE akvd_requests_total counter
 *   akvd_requests_total{operation="key_unwrap",status="200"} 17
 *   # TYPE akvd_request_seconds histogram
 *   akvd_request_seconds_bucket{operation="key_unwrap",le="0.001"} 15
 *   akvd_request_seconds_sum{operation="key_unwrap"} 0.0151
 *   akvd_request_seconds_count{operation="key_unwrap"} 17
 *
 * Operations are those of routes.h, and "none" for requests that led to none. No label comes from a request, so that
 * nobody can fill the memory with names, and no key, vault or application is named.
 *
 * Threads: all functions may be called from any thread. */
#ifndef EKM_VAULT_METRICS_H
#define EKM_VAULT_METRICS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "vault/routes.h"

typedef struct vault_metrics vault_metrics;

/* vault_metrics_new(out, err): all counters at 0. vault_metrics_free(metrics): NULL is fine; sets the caller's
 * pointer to NULL. */
EKM_MUST_USE bool vault_metrics_new(vault_metrics **out_metrics, ekm_err *err);
void vault_metrics_free(vault_metrics **metrics);

/* vault_metrics_count(metrics, route, status, us): one request has ended. ${metrics} NULL: nothing is counted;
 * ${route} NULL: it led to no operation. */
void vault_metrics_count(vault_metrics *metrics, const vault_route *route, int status, int64_t us);

/* vault_metrics_write(metrics, out): append all that is not 0. */
void vault_metrics_write(vault_metrics *metrics, ekm_buf *out);

#endif
