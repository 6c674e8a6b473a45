/* akvd.conf: what the command line would say again and again, in the file that config/config.h reads.
 *
 *   listen = 127.0.0.1:8443
 *   audit = /var/log/akvd/audit.log
 *
 * It is DIR/akvd.conf, if there is one, or what --config names, and holds for all commands on the folder. An option on
 * the command line wins. All of its settings are in docs/akvd.conf, which is made of the same table.
 *
 * Threads: one. */
#ifndef EKM_VAULT_SERVE_CONFIG_H
#define EKM_VAULT_SERVE_CONFIG_H

#include "config/config.h"
#include "vault/settings.h"

/* vault_serve_schema(): the settings. Static. */
const ekm_config_schema *vault_serve_schema(void);

/* vault_serve_config(settings, out_config, err):
 * Fill in what the command line left open. *${out_config}, which the caller frees when ${settings} are of no more use,
 * holds the texts; NULL if there is no file. */
EKM_MUST_USE bool vault_serve_config(vault_settings *settings, ekm_config **out_config, ekm_err *err);

#endif
