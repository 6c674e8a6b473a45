/* Workload identity: another issuer, such as a Kubernetes cluster, has put a token into a file, and Entra trades it for
 * one of its own (facts/azure-key-vault.md section 2.4).
 *
 *   AZURE_FEDERATED_TOKEN_FILE   the file; read at each request, since it is replaced about every hour
 *   AZURE_CLIENT_ID              whose token is wanted, where the credential does not say
 *
 * The sign-in service and the tenant are those of the vault's challenge, as for all identities.
 *
 * Errors: those of token_request.h; FILE_READ, LIMIT; SECRET_CLIENT_ID where nobody says whose token is wanted. */
#ifndef EKM_ENTRA_WORKLOAD_IDENTITY_H
#define EKM_ENTRA_WORKLOAD_IDENTITY_H

#include "base/env.h"
#include "entra/token_request.h"

/* entra_workload_identity_new(http, env, client_id, out_source, err):
 * ${client_id} is copied, "" for that of the environment; the others are borrowed, and outlive the source. */
EKM_MUST_USE bool entra_workload_identity_new(ekm_http *http, const ekm_env *env, const char *client_id,
                                              entra_source **out_source, ekm_err *err);

#endif
