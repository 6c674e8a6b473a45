/* What is known about one vault before it is asked anything: from the configuration, or only its name. */
#ifndef EKM_KEYVAULT_VAULT_H
#define EKM_KEYVAULT_VAULT_H

#include <stdint.h>

#include "http/http.h"

/* The version of the Keys API that is spoken: the newest in which everything that is used here was seen in recorded
 * traffic. */
#define AKV_API_VERSION "7.4"

/* All texts are borrowed and outlive whoever is given the struct. NULL or 0: nothing is configured. */
typedef struct akv_vault {
  const char *host; /* lower-case */
  ekm_http_route route;
  const char *authority_host; /* the only sign-in host that is allowed; NULL: those of the vault's cloud */
  uint16_t authority_port;    /* of the URL of that host; 0: 443, as in every cloud */
  ekm_http_route authority_route;
  const char *resource; /* the only resource that is allowed; NULL: by the rule of the host name */
  const char *tenant;   /* sign in to this tenant, whatever the challenge says */

  /* For the keyring (keyring.h); lists are divided by spaces or commas. */
  const char *keys;     /* names that a search looks at first */
  const char *replicas; /* hosts of vaults that hold copies of the keys of this one */
} akv_vault;

/* akv_vault_check_cloud(host, err): is ${host} a vault of a known cloud, by its name? HOST_UNSUITABLE for what people
 * take for one (an Azure Cloud HSM, a closed cloud, a name of the private link), CLOUD_UNKNOWN otherwise. */
EKM_MUST_USE bool akv_vault_check_cloud(const char *host, ekm_err *err);

#endif
