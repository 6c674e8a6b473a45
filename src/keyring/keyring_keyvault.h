/* Keyrings over Key Vault: from the credential of SQL Server to a vault and an identity.
 *
 *   IDENTITY  myvault | myvault.vault.azure.net | https://myvault.vault.azure.net/    --> the vault's host
 *             https://HOST:PORT/, if PORT is the one of the section [vault HOST]
 *   SECRET    who asks, and by what (credential.h)                                   --> client id and what proves it
 *
 *   IDENTITY  Managed Identity                        Microsoft's form: the default vault of the configuration, and
 *   SECRET    empty                                   the machine's own identity
 *
 * Equal credentials share one keyring, and so its token and its keys; different ones never do. A keyring is remembered
 * from its first sign-in on; a credential that is refused is forgotten at once. Beyond EKM_LIMIT_IDENTITIES the one
 * that was used longest ago is forgotten; sessions that use it keep it alive. */
#ifndef EKM_KEYRING_KEYRING_KEYVAULT_H
#define EKM_KEYRING_KEYRING_KEYVAULT_H

#include "keyring/credential.h"
#include "keyring/keyring.h"
#include "keyvault/client.h"

typedef struct keyring_keyvault_options {
  ekm_http *http;           /* all borrowed, and outlive the connector and its keyrings */
  const char *vault_suffix; /* what a bare name is completed with: "vault.azure.net" */
  const akv_vault *vaults;  /* what the configuration says about some vaults; hosts in lower case */
  size_t vault_count;
  keyring_applications applications; /* what it says about some applications */
  const char *default_vault;         /* of the IDENTITY "Managed Identity"; NULL: there is none */
  const ekm_env *env;                /* where managed identities look; NULL: the process's */
  const akv_vault *others;           /* what it says about all the other ones; its host is not looked at */
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

/* keyring_keyvault_credential(identity, text, out, err):
 * SECRET, taken apart by keyring_credential_parse; in Microsoft's form of a managed identity it is empty. */
EKM_MUST_USE bool keyring_keyvault_credential(const char *identity, const ekm_secret *text, keyring_credential *out,
                                              ekm_err *err);

#endif
