/* Keyrings over Key Vault: from the credential of SQL Server to a vault and an identity.
 *
 *   IDENTITY  myvault | myvault.vault.azure.net | https://myvault.vault.azure.net/    --> the vault's host
 *   SECRET    0123456789abcdef0123456789abcdef<client secret>                         --> client id and client secret
 *             01234567-89ab-cdef-0123-456789abcdef<client secret>      (hyphens left in: understood as well)
 *             managed-identity                                         --> the machine's own identity, no secret
 *             managed-identity:01234567-89ab-cdef-0123-456789abcdef    --> one that was assigned to it
 *             workload-identity[:CLIENT-ID]                            --> what another issuer vouches for, no secret
 *
 *   IDENTITY  Managed Identity                        Microsoft's form: the default vault of the configuration, and
 *   SECRET    empty                                   the machine's own identity
 *
 * Equal credentials share one keyring, and so its token and its keys; different ones never do. A keyring is remembered
 * from its first sign-in on; a credential that is refused is forgotten at once. Beyond EKM_LIMIT_IDENTITIES the one
 * that was used longest ago is forgotten; sessions that use it keep it alive. */
#ifndef EKM_KEYRING_KEYRING_KEYVAULT_H
#define EKM_KEYRING_KEYRING_KEYVAULT_H

#include "keyring/keyring.h"
#include "keyvault/client.h"

typedef struct keyring_keyvault_options {
  ekm_http *http;           /* all borrowed, and outlive the connector and its keyrings */
  const char *vault_suffix; /* what a bare name is completed with: "vault.azure.net" */
  const akv_vault *vaults;  /* what the configuration says about some vaults; hosts in lower case */
  size_t vault_count;
  const char *default_vault; /* of the IDENTITY "Managed Identity"; NULL: there is none */
  const ekm_env *env;        /* where managed identities look; NULL: the process's */
  const akv_vault *others;   /* what it says about all the other ones; its host is not looked at */
  keyring_options keyring;
} keyring_keyvault_options;

/* keyring_keyvault_connector_new(options, out_connector, err): no request. */
EKM_MUST_USE bool keyring_keyvault_connector_new(const keyring_keyvault_options *options,
                                                 keyring_connector **out_connector, ekm_err *err);

/* keyring_keyvault_backend_new(client, out_backend, err): a backend over ${client}, which it takes over, also on
 * failure. */
EKM_MUST_USE bool keyring_keyvault_backend_new(akv_client *client, keyring_backend **out_backend, ekm_err *err);

/* keyring_keyvault_host(options, identity, out_host, err):
 * The vault's host of an IDENTITY. IDENTITY_BAD, or CLOUD_UNKNOWN for a host that is neither configured nor a cloud's.
 */
EKM_MUST_USE bool keyring_keyvault_host(const keyring_keyvault_options *options, const char *identity,
                                        char out_host[EKM_LIMIT_HOST_BYTES + 1], ekm_err *err);

enum { KEYRING_KEYVAULT_CLIENT_ID_BYTES = 37 };

/* keyring_keyvault_secret(text, out_kind, out_client_id, out_secret, err):
 * Take a SECRET apart: a client id as a GUID with hyphens in lower case ("" for the machine's own identity), and the
 * rest. SECRET_SHORT, SECRET_CLIENT_ID. */
EKM_MUST_USE bool keyring_keyvault_secret(const ekm_secret *text, akv_identity_kind *out_kind,
                                          char out_client_id[KEYRING_KEYVAULT_CLIENT_ID_BYTES], ekm_secret *out_secret,
                                          ekm_err *err);

#endif
