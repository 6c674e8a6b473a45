/* What a vault's refusal means: HTTP status and error codes to a row of our error table.
 *
 *   {"error":{"code":"Forbidden","message":"...","innererror":{"code":"KeyDisabled"}}}
 *
 * An answer need not be JSON: the service's front end and proxies send HTML. Then the status decides alone. */
#ifndef EKM_KEYVAULT_ANSWER_H
#define EKM_KEYVAULT_ANSWER_H

#include "base/err.h"
#include "http/http.h"

/* What was asked, for the message. */
typedef struct akv_question {
  const char *host;
  const char *doing;   /* "unwrapKey" */
  const char *subject; /* the key's name, or "" */
  bool is_unwrap;      /* then 400 means that the ciphertext is not this key's */
} akv_question;

/* akv_answer_fail(answer, question, err):
 * Raise what ${answer}, whose status is not the one hoped for, means; with http_status, request_id and the vault's own
 * words. Always false. */
bool akv_answer_fail(const ekm_http_response *answer, const akv_question *question, ekm_err *err);

/* akv_answer_skew_s(answer, clock): by how many seconds the server's clock (its Date) is ahead of ours; 0 if it does
 * not say. */
int64_t akv_answer_skew_s(const ekm_http_response *answer, const ekm_clock *clock);

#endif
