#include "keyvault/vault.h"

#include "entra/cloud.h"

bool akv_vault_check_cloud(const char *host, ekm_err *err) {
  const entra_cloud *cloud = entra_cloud_of_vault(host);
  if (cloud == NULL) return EKM_FAIL(err, EKM_E_CLOUD_UNKNOWN, "'%s'", host);
  return !cloud->closed || EKM_FAIL(err, EKM_E_CLOUD_UNKNOWN, "'%s': %s was closed", host, cloud->name);
}
