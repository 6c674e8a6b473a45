/* The master key: 32 random bytes in a text file of its own, so that it can be kept, backed up and protected apart from
 * the database that it opens.
 *
 *   openekm-master-key v1
 *   4f1c...  64 hexadecimal digits
 *
 * The file must belong to nobody else: group and others may neither read nor write it.
 *
 * Instead of a path there may stand "credential:NAME": the file of that name in the folder that systemd made for this
 * service (LoadCredential=, LoadCredentialEncrypted=; systemd.exec(5)), whose permissions are systemd's affair. */
#ifndef EKM_VAULT_MASTER_KEY_H
#define EKM_VAULT_MASTER_KEY_H

#include <stdbool.h>

#include "base/err.h"
#include "base/rng.h"
#include "base/secret.h"

enum { VAULT_MASTER_KEY_BYTES = 32 };

/* vault_master_key_make(path, rng, err): write a new one; EXISTS if there is a file already; BAD_ARGUMENT for a
 * credential of systemd. */
EKM_MUST_USE bool vault_master_key_make(const char *path, const ekm_rng *rng, ekm_err *err);

/* vault_master_key_write(path, key, err): write this one; EXISTS as above. */
EKM_MUST_USE bool vault_master_key_write(const char *path, const ekm_secret *key, ekm_err *err);

/* vault_master_key_is_file(path, err): BAD_ARGUMENT for a credential of systemd, which only systemd can replace. */
EKM_MUST_USE bool vault_master_key_is_file(const char *path, ekm_err *err);

/* vault_master_key_read(path, out_key, err): FILE_READ if it is missing or open to others; MASTER_KEY if it is not a
 * master key. */
EKM_MUST_USE bool vault_master_key_read(const char *path, ekm_secret *out_key, ekm_err *err);

#endif
