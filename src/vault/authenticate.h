/* Who asks, and may he: bearer tokens (RFC 6750) and permissions.
 *
 * Threads: any. */
#ifndef EKM_VAULT_AUTHENTICATE_H
#define EKM_VAULT_AUTHENTICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "vault/exchange.h"

/* vault_issuer(tenant, out): the issuer of tokens of ${tenant}: "https://sts.windows.net/<tenant>/". */
void vault_issuer(const char *tenant, char out[VAULT_JWT_TEXT_BYTES]);

/* vault_challenge(x, more): let the answer say where to sign in for x->vault, and ${more} behind it (", error=..."). */
void vault_challenge(vault_exchange *x, const char *more);

/* vault_authenticate(x):
 * Check the request's token and fill x->caller; else refuse with 401 and the challenge
 *   Bearer authorization="https://login.localhost/<tenant>", resource="https://vault.localhost" */
EKM_MUST_USE bool vault_authenticate(vault_exchange *x);

/* vault_authorize(x): does the caller have the permission of x->route in x->vault? Else refuse with 403. */
EKM_MUST_USE bool vault_authorize(vault_exchange *x);

/* vault_forbid(x, fault): refuse with 403 as if the caller had no permission (FORBIDDEN), no role (FORBIDDEN_BY_ROLE),
 * or stood on the wrong side of the network (FORBIDDEN_BY_FIREWALL, FORBIDDEN_BY_LINK, FORBIDDEN_BY_PUBLIC). Always
 * false. */
bool vault_forbid(vault_exchange *x, vault_fault fault);

#endif
