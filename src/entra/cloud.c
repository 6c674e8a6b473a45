#include "entra/cloud.h"

#include <stddef.h>

#include "base/text.h"
#include "base/url.h"

static const entra_cloud clouds[] = {
    {"AzureCloud",
     "vault.azure.net",
     "managedhsm.azure.net",
     {"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"}},
    {"AzureChinaCloud",
     "vault.azure.cn",
     "managedhsm.azure.cn",
     {"login.chinacloudapi.cn", "login.partner.microsoftonline.cn"}},
    {"AzureUSGovernment",
     "vault.usgovcloudapi.net",
     "managedhsm.usgovcloudapi.net",
     {"login.microsoftonline.us", "login.usgovcloudapi.net"}},
};

const entra_cloud *entra_cloud_of_vault(const char *host) {
  for (size_t i = 0; i < sizeof clouds / sizeof clouds[0]; i++) {
    if (ekm_url_host_is_under(host, clouds[i].vault_suffix)) return &clouds[i];
    if (ekm_url_host_is_under(host, clouds[i].hsm_suffix)) return &clouds[i];
  }
  return NULL;
}

bool entra_cloud_has_authority(const entra_cloud *cloud, const char *host) {
  for (size_t i = 0; i < ENTRA_CLOUD_AUTHORITIES_MAX && cloud->authorities[i] != NULL; i++) {
    if (ekm_text_ieq(cloud->authorities[i], host)) return true;
  }
  return false;
}
