/* Access tokens and where they come from.
 *
 *   entra_target (which authority, tenant and resource) --> entra_source --> entra_token
 *
 * A source knows one identity: an application with a client secret (client_secret.c) or certificate (certificate.c), a
 * managed identity (managed_identity.c), a workload identity (workload_identity.c). */
#ifndef EKM_ENTRA_TOKEN_H
#define EKM_ENTRA_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/secret.h"
#include "entra/challenge.h"
#include "http/http.h"

/* What bounds a call; handed down to every exchange that it needs. */
typedef struct entra_call {
  ekm_deadline deadline;
  bool (*is_cancelled)(void *arg); /* may be NULL */
  void *cancel_arg;
} entra_call;

/* Where to ask for a token, after it was decided that it may be asked there. */
typedef struct entra_target {
  char authority_host[EKM_LIMIT_HOST_BYTES + 1];
  uint16_t authority_port;
  const ekm_http_route *route; /* to the authority; borrowed, may be NULL */
  char tenant[ENTRA_TENANT_MAX_CHARS + 1];
  char resource[ENTRA_RESOURCE_MAX_CHARS + 1];
} entra_target;

/* A token: immutable, reference-counted, wiped with its last reference. May be used by all threads. */
typedef struct entra_token entra_token;

/* entra_token_new(bytes, lifetime_s, refresh_in_s, out_token, err):
 * ${lifetime_s} > 0 and ${refresh_in_s} count from now; 0 for "not said". TOKEN_ANSWER for bytes that no header may
 * hold. */
EKM_MUST_USE bool entra_token_new(ekm_view bytes, int64_t lifetime_s, int64_t refresh_in_s, entra_token **out_token,
                                  ekm_err *err);

/* entra_token_ref(token), entra_token_unref(token): unref of NULL is fine and sets the caller's pointer to NULL. */
entra_token *entra_token_ref(entra_token *token);
void entra_token_unref(entra_token **token);

/* entra_token_secret(token): for ekm_http_request.bearer. */
const ekm_secret *entra_token_secret(const entra_token *token);

/* entra_token_lifetime_s(token): how long it was valid when it was given out.
 * entra_token_refresh_s(token): when after that it should be renewed: as the service said, else after half of it. */
int64_t entra_token_lifetime_s(const entra_token *token);
int64_t entra_token_refresh_s(const entra_token *token);

/* Where tokens come from. Threads: any; nothing is kept between calls. */
typedef struct entra_source entra_source;
struct entra_source {
  /* TOKEN_REFUSED only when the identity itself was definitely refused; TOKEN_FAILED, TOKEN_ANSWER or a transport error
   * otherwise. */
  bool (*fetch)(entra_source *self, const entra_target *target, const entra_call *call, entra_token **out_token,
                ekm_err *err);
  void (*destroy)(entra_source *self);
};

/* entra_source_fetch(source, target, call, out_token, err): the function of the table. */
EKM_MUST_USE bool entra_source_fetch(entra_source *source, const entra_target *target, const entra_call *call,
                                     entra_token **out_token, ekm_err *err);

/* entra_source_free(source): NULL is fine; sets the caller's pointer to NULL. */
void entra_source_free(entra_source **source);

#endif
