/* The 401 challenge of a vault: where to sign in, and for what.
 *
 * WWW-Authenticate: Bearer authorization="https://login.microsoftonline.com/TENANT", resource="https://vault.azure.net"
 *                          |                      \____ authority host ____/ \____/ |
 *                          or authorization_uri                              tenant or scope="RESOURCE/.default"
 *
 * Quotes may be missing. What is read here is only understood, not believed: whether the authority and the resource are
 * proper ones for the vault is decided in keyvault/sign_in.c. */
#ifndef EKM_ENTRA_CHALLENGE_H
#define EKM_ENTRA_CHALLENGE_H

#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

enum { ENTRA_TENANT_MAX_CHARS = 253, ENTRA_RESOURCE_MAX_CHARS = 511 };

typedef struct entra_challenge {
  char authority_host[EKM_LIMIT_HOST_BYTES + 1]; /* lower-case */
  uint16_t authority_port;
  char tenant[ENTRA_TENANT_MAX_CHARS + 1];      /* a GUID, or a domain name */
  char resource[ENTRA_RESOURCE_MAX_CHARS + 1];  /* an https URL without a slash at its end */
  char resource_host[EKM_LIMIT_HOST_BYTES + 1]; /* the host of it, lower-case */
} entra_challenge;

/* entra_challenge_parse(header, out, err): read the value of WWW-Authenticate. CHALLENGE_BAD for all that is wrong. */
EKM_MUST_USE bool entra_challenge_parse(const char *header, entra_challenge *out, ekm_err *err);

/* entra_tenant_is_valid(tenant): a GUID or the name of a domain: nothing that could bend a URL. */
bool entra_tenant_is_valid(const char *tenant);

#endif
