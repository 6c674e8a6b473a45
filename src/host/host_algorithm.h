/* The algorithms of a provider: SqlCryptGetNextAlgorithmId from 0 to NotFound, SqlCryptGetAlgorithmInfo twice each.
 *
 * Threads: any. */
#ifndef EKM_HOST_ALGORITHM_H
#define EKM_HOST_ALGORITHM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "host/module.h"

enum { HOST_ALGORITHM_MAX = 64, HOST_ALGORITHM_TAG_CHARS = SQLCP_MAX_ALG_TAG_BYTES / 2 * 3 };

typedef struct host_algorithm {
  SqlCpAlgId id;
  char tag[HOST_ALGORITHM_TAG_CHARS + 1]; /* "RSA_2048" */
  SqlCpKeyType type;
  uint32_t bits;
  uint32_t iv_bytes;
} host_algorithm;

typedef struct host_algorithm_list {
  host_algorithm rows[HOST_ALGORITHM_MAX];
  size_t count;
} host_algorithm_list;

/* host_algorithm_enumerate(module, out_list, result, err):
 * All of them, in the provider's order. CONFORMANCE if the list does not end, or not with NotFound; LIMIT beyond
 * HOST_ALGORITHM_MAX; what host_result_take raises. */
EKM_MUST_USE bool host_algorithm_enumerate(const host_module *module, host_algorithm_list *out_list,
                                           host_result *result, ekm_err *err);

/* host_algorithm_find(list, tag): the row of ${tag}, case ignored, or NULL. */
const host_algorithm *host_algorithm_find(const host_algorithm_list *list, const char *tag);

/* host_algorithm_by_id(list, id): the row of ${id}, or NULL. */
const host_algorithm *host_algorithm_by_id(const host_algorithm_list *list, SqlCpAlgId id);

#endif
