/* A backup of all that a folder holds, in one sealed file that opens on another machine by its passphrase.
 *
 *   "akvd backup 1\n"
 *   one line of JSON, in clear: created, database, vaults, keys; n, r, p and salt of scrypt; nonce
 *   chunks: AES-256-GCM over 65,536 bytes each, the last one shorter or empty
 *
 *     key     scrypt(passphrase, salt, n, r, p)
 *     nonce   7 bytes of the head | number of the chunk, 4 bytes big-endian | 1 for the last chunk, else 0
 *     aad     the two lines of the head
 *     inside  the master key, 32 bytes | vault.db
 *
 * So no chunk can be changed, exchanged, taken away or cut off (STREAM: Hoang, Reyhanitabar, Rogaway, Vizar, CRYPTO
 * 2015). The database in it is sealed under its master key as ever; whoever has the passphrase has both. Keys in a
 * PKCS#11 token are not in it, and not what is beside the database: certificates for TLS, logs, configuration.
 *
 * Threads: one. */
#ifndef EKM_VAULT_ARCHIVE_H
#define EKM_VAULT_ARCHIVE_H

#include "base/json.h"
#include "base/secret.h"
#include "vault/store.h"

enum { VAULT_ARCHIVE_HEAD_BYTES = 4096, VAULT_PASSPHRASE_MIN_CHARS = 12 };

/* vault_archive_write(store, crypto, passphrase, path, out_head, err):
 * Back ${store} up into a new file at ${path}; a running server goes on meanwhile. *${out_head} is the head, which the
 * caller frees. BAD_ARGUMENT for a passphrase of less than VAULT_PASSPHRASE_MIN_CHARS. */
EKM_MUST_USE bool vault_archive_write(vault_store *store, const ekm_crypto *crypto, const ekm_secret *passphrase,
                                      const char *path, json_t **out_head, ekm_err *err);

/* vault_archive_head(path, out_head, err): what the file says of itself, unchecked; the caller frees it. MISMATCH if it
 * is no backup. */
EKM_MUST_USE bool vault_archive_head(const char *path, json_t **out_head, ekm_err *err);

/* vault_archive_restore(crypto, token, path, passphrase, folder, err):
 * Make ${folder} with master key, wrapped by ${token} unless that is NULL, and database; EXISTS if it has one of
 * them. MISMATCH for a wrong passphrase and for a file that was changed; then there is no database. */
EKM_MUST_USE bool vault_archive_restore(const ekm_crypto *crypto, ekm_token *token, const char *path,
                                        const ekm_secret *passphrase, const char *folder, ekm_err *err);

#endif
