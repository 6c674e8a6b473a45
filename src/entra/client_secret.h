/* The identity of an application with a client secret (token_request.h). */
#ifndef EKM_ENTRA_CLIENT_SECRET_H
#define EKM_ENTRA_CLIENT_SECRET_H

#include "base/log.h"
#include "entra/token_request.h"

/* entra_client_secret_new(http, client_id, secret, out_source, err):
 * ${client_id} is a GUID with hyphens. ${secret} is copied; ${http} is borrowed and outlives the source. */
EKM_MUST_USE bool entra_client_secret_new(ekm_http *http, const char *client_id, const ekm_secret *secret,
                                          entra_source **out_source, ekm_err *err);

/* entra_client_secret_warn(source, expires_wall_s, clock, log):
 * From ENTRA_EXPIRY_WARN_DAYS before that time on each request leaves a line of level warn, entra.secret_expiry, in
 * ${log}, which may be NULL. 0: nobody knows when it ends. Before the first request; both are borrowed. */
void entra_client_secret_warn(entra_source *source, int64_t expires_wall_s, const ekm_clock *clock, ekm_log *log);

/* entra_client_secret_is(source, client_id, secret):
 * Is this source, made by entra_client_secret_new, the one of this identity? The secret is compared in constant time.
 */
bool entra_client_secret_is(const entra_source *source, const char *client_id, const ekm_secret *secret);

#endif
