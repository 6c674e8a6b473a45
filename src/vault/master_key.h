/* The master key: 32 random bytes in a text file of its own, so that it can be kept, backed up and protected apart from
 * the database that it opens.
 *
 *   openekm-master-key v1            in the clear
 *   4f1c...  64 hexadecimal digits
 *
 *   openekm-master-key v2            wrapped by a key that is in a PKCS#11 token, and never leaves it
 *   token 9a07...  32 digits: the name (CKA_ID) of that key, which is one of AES-256
 *   77e2...  80 digits: the 32 bytes, wrapped by A256KW (RFC 3394)
 *
 * Whoever has a file of version 2 without the token has nothing; whoever has neither a copy of it nor of the token has
 * lost the vault. Each file has a key of its own in the token.
 *
 * The file must belong to nobody else: group and others may neither read nor write it.
 *
 * Instead of a path there may stand "credential:NAME": the file of that name in the folder that systemd made for this
 * service (LoadCredential=, LoadCredentialEncrypted=; systemd.exec(5)), whose permissions are systemd's affair.
 *
 * Threads: those of the token and the random numbers. */
#ifndef EKM_VAULT_MASTER_KEY_H
#define EKM_VAULT_MASTER_KEY_H

#include <stdbool.h>

#include "base/err.h"
#include "base/rng.h"
#include "base/secret.h"
#include "crypto/token.h"

enum { VAULT_MASTER_KEY_BYTES = 32 };

/* vault_master_key_make(path, token, rng, err):
 * Write a new one, wrapped by a new key in ${token} unless that is NULL. EXISTS if there is a file already;
 * BAD_ARGUMENT for a credential of systemd. */
EKM_MUST_USE bool vault_master_key_make(const char *path, ekm_token *token, const ekm_rng *rng, ekm_err *err);

/* vault_master_key_write(path, token, key, err): write this one; otherwise as above. */
EKM_MUST_USE bool vault_master_key_write(const char *path, ekm_token *token, const ekm_secret *key, ekm_err *err);

/* vault_master_key_is_file(path, err): BAD_ARGUMENT for a credential of systemd, which only systemd can replace. */
EKM_MUST_USE bool vault_master_key_is_file(const char *path, ekm_err *err);

/* vault_master_key_read(path, token, out_key, err): FILE_READ if it is missing or open to others; MASTER_KEY if it is
 * not a master key, or wrapped by another one; TOKEN if it is wrapped and ${token} is NULL or has not got its key. */
EKM_MUST_USE bool vault_master_key_read(const char *path, ekm_token *token, ekm_secret *out_key, ekm_err *err);

/* vault_master_key_wrapped_by(path, out_key, out_is_wrapped, err): the key in the token that wraps the file, if any. */
EKM_MUST_USE bool vault_master_key_wrapped_by(const char *path, ekm_token_key *out_key, bool *out_is_wrapped,
                                              ekm_err *err);

#endif
