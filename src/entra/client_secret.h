/* The identity of an application with a client secret (token_request.h). */
#ifndef EKM_ENTRA_CLIENT_SECRET_H
#define EKM_ENTRA_CLIENT_SECRET_H

#include "entra/token_request.h"

/* entra_client_secret_new(http, client_id, secret, out_source, err):
 * ${client_id} is a GUID with hyphens. ${secret} is copied; ${http} is borrowed and outlives the source. */
EKM_MUST_USE bool entra_client_secret_new(ekm_http *http, const char *client_id, const ekm_secret *secret,
                                          entra_source **out_source, ekm_err *err);

/* entra_client_secret_is(source, client_id, secret):
 * Is this source, made by entra_client_secret_new, the one of this identity? The secret is compared in constant time.
 */
bool entra_client_secret_is(const entra_source *source, const char *client_id, const ekm_secret *secret);

#endif
