/* Where the administrator of this machine configures OpenEKM, if no other place is said.
 *
 *   Linux     /etc/openekm/openekm.conf
 *   Windows   %ProgramData%\OpenEKM\openekm.conf; where that is not, the registry:
 *
 *             HKLM\SOFTWARE\OpenEKM                    values of the top: a text or a number each, named as in the file
 *                 \vault myvault.vault.azure.net       and of a section, named as in the file
 *
 * Platform code: posix/machine_config.c, windows/machine_config.c. */
#ifndef EKM_BASE_MACHINE_CONFIG_H
#define EKM_BASE_MACHINE_CONFIG_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* ekm_machine_config_path(): the file's path, which need not exist. Static. */
const char *ekm_machine_config_path(void);

/* ekm_machine_config_registry(): what stands for a path in messages about the registry. Static. */
const char *ekm_machine_config_registry(void);

/* ekm_machine_config_read(out, out_found, err):
 * Append the registry's key as the text of a file; *${out_found} is false where there is none. CONFIG_READ for a key
 * that cannot be read, CONFIG_VALUE for a value that is neither text nor number. */
EKM_MUST_USE bool ekm_machine_config_read(ekm_buf *out, bool *out_found, ekm_err *err);

#endif
