/* What sign-in libraries ask before they ask for a token: metadata of the authority and the public signing key
 * (OpenID Connect Discovery 1.0, RFC 7517).
 *
 * Threads: any. */
#ifndef EKM_VAULT_DISCOVERY_H
#define EKM_VAULT_DISCOVERY_H

#include <stdbool.h>

#include "vault/exchange.h"

/* vault_discovery_instance(x): the names of this cloud's sign-in host. */
bool vault_discovery_instance(vault_exchange *x);

/* vault_discovery_configuration(x): endpoints, issuer and algorithm of a tenant. */
bool vault_discovery_configuration(vault_exchange *x);

/* vault_discovery_keys(x): the JSON Web Key Set with which a tenant's tokens are checked. */
bool vault_discovery_keys(vault_exchange *x);

#endif
