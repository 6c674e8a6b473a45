/* How an application proves at the token endpoint that it is itself: by a secret, by an assertion that the key of one
 * of its certificates has signed, or by one of an issuer that is trusted with its identity (assertion.h).
 *
 *   client_secret=...
 *   client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer & client_assertion=...
 *
 * Threads: any. */
#ifndef EKM_VAULT_PROOF_H
#define EKM_VAULT_PROOF_H

#include <stdbool.h>

#include "vault/exchange.h"
#include "vault/form.h"

/* vault_proof_check(x, form, app): is the sender of ${form} ${app}? Else refused, with Entra's words. */
EKM_MUST_USE bool vault_proof_check(vault_exchange *x, const vault_form *form, const vault_app *app);

#endif
