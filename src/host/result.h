/* What a provider answered, and how it becomes an error of ours.
 *
 *   code        error                the detail names the function, the code and the subject
 *   0           none
 *   1           PROVIDER_FAILURE
 *   2           CONFORMANCE          it asked for a larger buffer than it had asked for before
 *   3, 5, 6     NOT_SUPPORTED, AUTH_FAILURE, BAD_ARGUMENT
 *   4           KEY_NOT_FOUND
 *   7..2048     CONFORMANCE          reserved for the engine
 *   > 2048      the row of that code if the provider is OpenEKM, else PROVIDER_CODE: codes of other makers have
 *               meanings of their own */
#ifndef EKM_HOST_RESULT_H
#define EKM_HOST_RESULT_H

#include <stdbool.h>

#include "base/err.h"
#include "host/calls.h"

/* The provider's own word on the last call of a host function; fn and code are set by every call. */
typedef struct host_result {
  host_fn fn;
  SqlCpError code;
} host_result;

/* host_result_name(code): "NotFound" for a standard code, "provider's own code" above 2048, else "reserved code". */
const char *host_result_name(SqlCpError code);

/* Who answered, and about what. */
typedef struct host_question {
  host_fn fn;
  bool openekm;        /* the provider is OpenEKM: its codes are rows of our table */
  const char *subject; /* "key 'name'", "" if there is none; never a secret */
} host_question;

/* host_result_take(question, code, result, err):
 * Keep the code in ${result} (may be NULL); true for Success, else raise what it means. */
EKM_MUST_USE bool host_result_take(const host_question *question, SqlCpError code, host_result *result, ekm_err *err);

#endif
