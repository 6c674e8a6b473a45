/* One question to a vault and its answer, with everything that all operations share: the token, the 401, the request
 * id, and what a refusal means. For the files of keyvault only. */
#ifndef EKM_KEYVAULT_EXCHANGE_H
#define EKM_KEYVAULT_EXCHANGE_H

#include <stdatomic.h>

#include "base/json.h"
#include "entra/client_secret.h"
#include "keyvault/client.h"
#include "keyvault/sign_in.h"

enum { AKV_GUID_BYTES = 16 };

struct akv_client {
  ekm_http *http;
  const ekm_clock *clock;
  ekm_log *log;
  uint8_t request_id[AKV_GUID_BYTES]; /* random; the calls count its last half on */
  atomic_uint_fast64_t calls;
  char host[EKM_LIMIT_HOST_BYTES + 1];
  akv_vault vault; /* its host is the one above */
  akv_identity_kind kind;
  char named_id[ENTRA_CLIENT_ID_CHARS + 1]; /* "" where none was named */
  entra_source *source;
  akv_sign_in *sign_in;
};

typedef struct akv_request {
  const char *method;
  const char *target;  /* path and query behind the host */
  ekm_view body;       /* JSON; empty for none */
  const char *doing;   /* for messages: "unwrapKey" */
  const char *subject; /* for messages: the key's name, or "" */
  bool is_unwrap;
  bool send_once;
  bool *out_sent; /* may be NULL: did it perhaps arrive, without a definite no? */
} akv_request;

/* akv_exchange(client, request, call, answer, err): true for an answer of 200, whose body is then in ${answer}. */
EKM_MUST_USE bool akv_exchange(akv_client *client, const akv_request *request, const akv_call *call,
                               ekm_http_response *answer, ekm_err *err);

/* akv_parse(client, answer, doing, out_doc, err): the JSON of an answer of 200; ANSWER_NOT_JSON names host and
 * question. */
EKM_MUST_USE bool akv_parse(const akv_client *client, const ekm_http_response *answer, const char *doing,
                            json_t **out_doc, ekm_err *err);

#endif
