/* akvd without sockets: from a request to an answer.
 *
 *   head (before the body is looked at)                      rest (with the body)
 *   path -> host -> [sign-in: route]                         handler -> answer
 *                -> [vault: token -> api-version -> route -> name -> permission]
 *
 * Threads: a service may be used by all threads. */
#ifndef EKM_VAULT_SERVICE_H
#define EKM_VAULT_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "vault/exchange.h"
#include "vault/jwt.h"
#include "vault/store.h"
#include "vault/token_cache.h"

enum { VAULT_TOKEN_SECONDS = 3599 };

struct vault_metrics;
struct vault_trouble;
struct vault_caretaker;
struct vault_audit;

/* All but tokens, metrics, trouble and caretaker is borrowed. */
typedef struct vault_service {
  vault_store *store;
  const ekm_crypto *crypto;
  vault_workshop shop;
  const ekm_rng *rng;
  const ekm_clock *clock;
  ekm_log *log;
  vault_jwt_signer signer;
  vault_token_cache *tokens;
  struct vault_audit *audit;         /* NULL: nobody is watched; borrowed */
  struct vault_metrics *metrics;     /* NULL: nothing is counted */
  struct vault_trouble *trouble;     /* NULL: none can be asked for */
  struct vault_caretaker *caretaker; /* NULL: what is due is not done */
  int64_t token_seconds;
} vault_service;

/* vault_service_head(service, request, x):
 * Start an exchange with all that can be decided without the body. False if it is answered already (x->answer); the
 * body is then to be thrown away. End every exchange that was started with vault_service_end. */
bool vault_service_head(const vault_service *service, const vault_request *request, vault_exchange *x);

/* vault_service_rest(x, body): let the handler answer; x->answer is complete afterwards. */
void vault_service_rest(vault_exchange *x, ekm_view body);

/* vault_service_audit(x): the answer is about to leave; what was done is in the audit log before anybody learns of it.
 */
void vault_service_audit(vault_exchange *x);

/* vault_service_end(x): log one line and free what the exchange holds. */
void vault_service_end(vault_exchange *x);

#endif
