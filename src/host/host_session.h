/* A session with a provider: a credential, opened once and used by many calls.
 *
 * Threads: a session may be used by many threads at once, and aborted by another one meanwhile; it is closed when no
 * call uses it any more. */
#ifndef EKM_HOST_SESSION_H
#define EKM_HOST_SESSION_H

#include <stdbool.h>

#include "base/err.h"
#include "base/secret.h"
#include "host/module.h"

typedef struct host_session host_session;

/* host_session_open(module, identity, secret, out_session, result, err):
 * SqlCryptOpenSession with IDENTITY and SECRET of a SQL Server credential, both UTF-8; what was converted of the secret
 * is wiped after the call. ${identity} NULL: no credential, for a provider whose authentication is Other. AUTH_FAILURE
 * if the provider refused the credential; TEXT_ENCODING; what host_result_take raises. ${module} must outlive the
 * session; close it with host_session_close. */
EKM_MUST_USE bool host_session_open(host_module *module, const char *identity, const ekm_secret *secret,
                                    host_session **out_session, host_result *result, ekm_err *err);

/* host_session_close(session): close and free; NULL is fine; sets the caller's pointer to NULL. */
void host_session_close(host_session **session);

/* host_session_abort(session): close from another thread while calls run; they end with an error. The session must
 * still be given to host_session_close. */
void host_session_abort(host_session *session);

host_module *host_session_module(const host_session *session);

/* host_session_handle(session): what the 17 functions receive. Borrowed. */
const SqlCpSession *host_session_handle(const host_session *session);

#endif
