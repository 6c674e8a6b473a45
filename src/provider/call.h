/* What surrounds the work of every entry point, written once: is the provider initialised, is the session open, by when
 * must the call end, what is logged, which code goes back to the engine.
 *
 *   SqlCpError SqlCryptDropKey(session, thumb) {
 *     provider_call call;
 *     bool ok = call_begin_session(&call, "SqlCryptDropKey", session) && keys_drop(&call, thumb);
 *     return call_end(&call, ok);
 *   }
 *
 * Threads: a call belongs to the thread that made it. */
#ifndef EKM_PROVIDER_CALL_H
#define EKM_PROVIDER_CALL_H

#include "openekm/sqlcrypt_abi.h"
#include "provider/instance.h"

typedef struct provider_call {
  const char *function;
  provider_instance *instance; /* referenced */
  provider_session *session;   /* referenced; NULL where the function has none */
  keyring_call outside;        /* handed down to the keyring */
  int64_t started_ms;
  ekm_err err;
} provider_call;

/* call_begin(call, function): for functions without a session. False with the reason in call->err; call_end in any
 * case. */
EKM_MUST_USE bool call_begin(provider_call *call, const char *function);

/* call_begin_session(call, function, session): the same, and find the session. */
EKM_MUST_USE bool call_begin_session(provider_call *call, const char *function, const SqlCpSession *session);

/* call_end(call, ok): log, give back references, and return the code for the engine. */
SqlCpError call_end(provider_call *call, bool ok);

/* call_code(err, opens_session):
 * The engine's view of an error: the table's code. Only OpenSession may answer AuthFailure, because the engine shuts
 * databases down on it (KB2927779), and only when the sign-in service definitely refused the credential. */
SqlCpError call_code(const ekm_err *err, bool opens_session);

#endif
