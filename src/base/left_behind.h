/* What Microsoft's connector left on this machine, so that its databases open through ours. Only ever read.
 *
 *   HKLM\SOFTWARE\Microsoft\SQL Server Cryptographic Provider\Azure Key Vault     facts/sql-server-connector.md 3.2
 *       \VAULT            one for each vault, however it is spelt
 *           \THUMBPRINT   hexadecimal digits, with or without 0x
 *               KeyUri    https://VAULT/keys/NAME/VERSION
 *
 * Its thumbprints of 20 bytes are a hash of the key whose recipe is not published, so that this may be the only way
 * from one to its key. Platform code: posix/left_behind.c, which knows of none, windows/left_behind.c. */
#ifndef EKM_BASE_LEFT_BEHIND_H
#define EKM_BASE_LEFT_BEHIND_H

#include <stdbool.h>

#include "base/buf.h"

/* ekm_left_behind_key(thumb, out_uri): append the URI that was noted for a thumbprint; false if there is none, or it
 * cannot be read. Nothing of it is checked. Threads: any. */
bool ekm_left_behind_key(ekm_view thumb, ekm_buf *out_uri);

#endif
