/* One request and its answer, and what is found out in between. Handlers get an exchange, read the request from it and
 * put the answer into it; how the bytes travelled is the server's business.
 *
 * A handler returns true when it answered. It returns false for everything else, through the same EKM_TRY:
 *   - the client is at fault: vault_refuse(x, VAULT_FAULT_..., what) put the error answer in and set x->refused
 *   - the machine is at fault: a callee raised x->err; the service answers 500 or 503 and logs it
 *
 * Threads: an exchange belongs to one thread at a time. */
#ifndef EKM_VAULT_EXCHANGE_H
#define EKM_VAULT_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "vault/answer.h"
#include "vault/jwt.h"
#include "vault/path.h"
#include "vault/store.h"

struct vault_service;
struct vault_route;

/* What came, as it was written; borrowed from the server until the exchange ends. NULL is absent. */
typedef struct vault_request {
  const char *method;
  const char *path; /* percent-encoded, without the query */
  const char *host; /* the Host header */
  const char *authorization;
  const char *method_override; /* X-HTTP-METHOD */
  const char *client_request_id;
  const char *api_version; /* three members of the query, percent-encoded */
  const char *max_results;
  const char *skip_token;
  const char *peer;   /* where it came from, "127.0.0.1" */
  bool from_loopback; /* the client is on this machine */
} vault_request;

typedef struct vault_exchange {
  const struct vault_service *service;
  vault_request request;
  ekm_view body; /* behind authentication and authorisation only */

  const vault_directory *dir; /* the store's vaults, applications and grants during this request */
  const vault_info *vault;    /* which vault the host names; NULL at the sign-in host */
  const struct vault_route *route;
  const char *method; /* after X-HTTP-METHOD */
  vault_path path;
  const char *tenant; /* segments of the path, NULL where the route has none */
  const char *key_name;
  char key_version[EKM_LIMIT_KEY_VERSION_CHARS + 1];  /* lower-case; "" for the newest */
  char used_version[EKM_LIMIT_KEY_VERSION_CHARS + 1]; /* which one it was, once it is known; for the audit log */
  vault_claims caller;

  bool refused;      /* the answer is there and says that the client is at fault */
  const char *fault; /* why, for the log: a code of the service; "" if nothing is wrong */
  ekm_err err;       /* why the machine failed */
  vault_answer answer;
  bool is_audited;
  int64_t started_ns;
} vault_exchange;

/* vault_refuse(x, fault, what): answer with ${fault}, whose text has ${what} for %1. Always false. */
bool vault_refuse(vault_exchange *x, vault_fault fault, const char *what);

/* vault_refuse_with(x, fault, args): the same with all places of the text. */
bool vault_refuse_with(vault_exchange *x, vault_fault fault, const char *const args[VAULT_FAULT_ARGS]);

/* vault_exchange_uses(x, key): that is the version which the request is about. */
void vault_exchange_uses(vault_exchange *x, const vault_key *key);

/* vault_exchange_body(x, out_doc): the body as a JSON object, which the caller frees; refused if it is none. */
EKM_MUST_USE bool vault_exchange_body(vault_exchange *x, json_t **out_doc);

/* vault_exchange_port(x): ":8443" if the client named a port in the Host header, else "". Borrowed. */
const char *vault_exchange_port(const vault_exchange *x);

#endif
