/* The token endpoints of Entra ID for applications: OAuth 2.0 client credentials (RFC 6749 section 4.4), with what
 * proof.h takes from them. v2 names a scope, v1 a resource and answers with numbers written as texts.
 *
 * Threads: any. */
#ifndef EKM_VAULT_TOKEN_ENDPOINT_H
#define EKM_VAULT_TOKEN_ENDPOINT_H

#include <stdbool.h>

#include "vault/exchange.h"

/* vault_token_v1(x): POST /{tenant}/oauth2/token, with resource=... */
bool vault_token_v1(vault_exchange *x);

/* vault_token_v2(x): POST /{tenant}/oauth2/v2.0/token, with scope=.../.default */
bool vault_token_v2(vault_exchange *x);

/* vault_token_is_resource(dir, tenant, resource): is it, but for a slash at its end, one of a vault of the tenant? */
bool vault_token_is_resource(const vault_directory *dir, const char *tenant, const char *resource);

/* vault_token_claims(app, now, seconds, out, err): the claims of a token of ${app}, all but the audience. */
EKM_MUST_USE bool vault_token_claims(const vault_app *app, int64_t now, int64_t seconds, vault_claims *out,
                                     ekm_err *err);

#endif
