/* What the configuration says about vaults, as keyvault wants to know it. */
#ifndef EKM_SETTINGS_VAULTS_H
#define EKM_SETTINGS_VAULTS_H

#include "keyvault/vault.h"
#include "settings/settings.h"

typedef struct settings_vaults {
  akv_vault *each; /* of the sections, in their order */
  size_t count;
  akv_vault others; /* every other one; its host is not set */
} settings_vaults;

/* settings_vaults_make(settings, out, err): ${settings} is borrowed for the life of ${out}, which is cleared with
 * settings_vaults_clear. */
EKM_MUST_USE bool settings_vaults_make(const provider_settings *settings, settings_vaults *out, ekm_err *err);
void settings_vaults_clear(settings_vaults *vaults);

#endif
