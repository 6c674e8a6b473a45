/* The store and its master key: which seal opens the database, and how it gets another one.
 *
 *   master key --> seal --> rows' MACs, set, private keys, and in the row of meta:
 *                             the key that signs tokens
 *                             the lasting key --> "lasting" seal --> hashes of client secrets, backups of keys
 *
 * What has to outlive a master key (a hash whose secret nobody has, a backup that somebody put away) hangs on the
 * lasting key, which is random, made once, and only sealed anew.
 *
 * A new master key, so that a crash at any point leaves a folder that opens:
 *
 *   1  master.key.new is written and synced
 *   2  one transaction seals every row and private key anew       (before its end: the old key opens)
 *   3  master.key gets the content of master.key.new              (before: opening finds that .new fits, and does 3)
 *   4  master.key.new is removed
 *
 * A running server finds at its next look that the check value is not that of its seal, and reads the key again.
 *
 * Threads: with the store's lock held, but store_master_open, which is for a store that nobody else has. */
#ifndef EKM_VAULT_STORE_MASTER_H
#define EKM_VAULT_STORE_MASTER_H

#include "vault/store_state.h"

/* store_master_open(store, master_key, err):
 * Read master key and row of meta: sets seal, db, lasting, signer and the two ids. MASTER_KEY for that of another
 * folder. */
EKM_MUST_USE bool store_master_open(vault_store *store, const char *db_path, ekm_err *err);

/* store_master_follow(store, err): in a transaction: if the database has got another master key, take that. */
EKM_MUST_USE bool store_master_follow(vault_store *store, ekm_err *err);

/* store_master_write(db, crypto, lasting_out, err): the row of meta of a new database. */
EKM_MUST_USE bool store_master_write(store_db *db, const ekm_crypto *crypto, ekm_err *err);

/* store_master_close(store): free what store_master_open made. */
void store_master_close(vault_store *store);

#endif
