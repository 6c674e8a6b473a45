/* Azure's clouds: which hosts are vaults of which cloud, and who may sign in for them.
 *
 *   myvault.vault.azure.net --> AzureCloud --> login.microsoftonline.com and its three other names
 *
 * A vault's own word (its 401 challenge) is not enough to decide where a client secret goes: a host that merely answers
 * in a vault's name could name a sign-in host of its own. So the sign-in host must be one of the vault's cloud.
 *
 * Sources: Azure Key Vault and Microsoft Entra national-cloud pages, as of August 2026.
 * Threads: everything is constant. */
#ifndef EKM_ENTRA_CLOUD_H
#define EKM_ENTRA_CLOUD_H

#include <stdbool.h>

enum { ENTRA_CLOUD_AUTHORITIES_MAX = 4 };

typedef struct entra_cloud {
  const char *name;
  const char *vault_suffix;                             /* "vault.azure.net" */
  const char *hsm_suffix;                               /* "managedhsm.azure.net" */
  const char *authorities[ENTRA_CLOUD_AUTHORITIES_MAX]; /* the usual one first; NULL where there are fewer */
} entra_cloud;

/* entra_cloud_of_vault(host): the cloud whose vault or managed HSM ${host} is by its name, or NULL. */
const entra_cloud *entra_cloud_of_vault(const char *host);

/* entra_cloud_has_authority(cloud, host): is ${host} a sign-in host of ${cloud}? Case ignored. */
bool entra_cloud_has_authority(const entra_cloud *cloud, const char *host);

#endif
