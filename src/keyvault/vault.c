#include "keyvault/vault.h"

#include "base/url.h"
#include "entra/cloud.h"

/* Hosts that people try, and that are no vault to be used: by their domain, each with what it is. */
static const struct {
  const char *domain, *what;
} unsuitable[] = {
    {"vault.microsoftazure.de", "it is of Azure Germany, which was closed on 29 October 2021"},
    {"managedhsm.microsoftazure.de", "it is of Azure Germany, which was closed on 29 October 2021"},
    {"cloudhsm.azure.net", "it is an Azure Cloud HSM, which is used by PKCS#11 and has no Keys API"},
    {"vaultcore.azure.net",
     "it is the name of a private link or of a region's servers; use the vault's own name, which leads there by DNS"},
    {"vault.cloudapi.eaglex.ic.gov",
     "it is of Azure Government Top Secret, whose sign-in hosts are not published; a section [vault HOST] with "
     "authority "
     "and resource can name them"},
    {"vault.cloudapi.microsoft.scloud",
     "it is of Azure Government Secret, whose sign-in hosts are not published; a section [vault HOST] with authority "
     "and "
     "resource can name them"},
};

bool akv_vault_check_cloud(const char *host, ekm_err *err) {
  for (size_t i = 0; i < sizeof unsuitable / sizeof unsuitable[0]; i++) {
    if (!ekm_url_host_is_under(host, unsuitable[i].domain)) continue;
    return EKM_FAIL(err, EKM_E_HOST_UNSUITABLE, "'%s': %s", host, unsuitable[i].what);
  }
  return entra_cloud_of_vault(host) != NULL || EKM_FAIL(err, EKM_E_CLOUD_UNKNOWN, "'%s'", host);
}
