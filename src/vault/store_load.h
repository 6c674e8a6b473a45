/* How a snapshot of vaults, applications and grants comes out of the database: in one pass that checks the MAC of every
 * row and counts it into the set that the caller compares with the root.
 *
 * Threads: one at a time per database; the finished snapshot is for all. */
#ifndef EKM_VAULT_STORE_LOAD_H
#define EKM_VAULT_STORE_LOAD_H

#include <stdatomic.h>

#include "vault/store_db.h"
#include "vault/store_directory.h"

struct vault_directory {
  atomic_int refs;
  vault_info *vaults;
  vault_app *apps;
  vault_secret *secrets;           /* of all applications, in their order */
  vault_certificate *certificates; /* the same */
  vault_federation *federations;   /* the same */
  vault_grant *grants;
  vault_assignment *assignments;
  size_t vault_count, app_count, secret_count, certificate_count, federation_count, grant_count, assignment_count;
};

/* store_load_directory(db, set, out_dir, err): the caller is in a transaction; ${set} is added to. */
EKM_MUST_USE bool store_load_directory(store_db *db, vault_seal_set *set, vault_directory **out_dir, ekm_err *err);

/* store_load_keys(db, set, err): count the rows of all keys, and read what is due; nothing is kept.
 * store_load_rows(db, table, set, err): read all rows of a table, whether they fit their MACs; count them into ${set}
 * unless that is NULL. */
EKM_MUST_USE bool store_load_keys(store_db *db, vault_seal_set *set, ekm_err *err);
EKM_MUST_USE bool store_load_rows(store_db *db, store_table table, vault_seal_set *set, ekm_err *err);

/* vault_directory_retain(dir): one reference more. */
const vault_directory *vault_directory_retain(vault_directory *dir);

#endif
