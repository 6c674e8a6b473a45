/* Opening and closing a session: from the engine's credential to a keyring and a handle.
 * Each function works on a call that has begun, and raises into call->err. */
#ifndef EKM_PROVIDER_CONNECT_H
#define EKM_PROVIDER_CONNECT_H

#include "provider/call.h"

/* connect_open(call, auth, session): *${session} is NULL on failure. */
EKM_MUST_USE bool connect_open(provider_call *call, const SqlCpCredential *auth, SqlCpSession *session);

/* connect_close(call, session, abort): calls that run on the session go on safely; with ${abort} they are told to stop.
 * *${session} is only read: another thread may be reading it too. */
EKM_MUST_USE bool connect_close(provider_call *call, SqlCpSession *session, bool abort);

#endif
