/* What the files of the store share: the state behind vault_store, and how a call gets at it.
 *
 *   reading:   lock -> cached or SQL -> unlock
 *   writing:   store_write_begin (lock, BEGIN IMMEDIATE, check what others wrote) -> ... -> store_write_end (COMMIT or
 *              ROLLBACK, unlock)
 *
 * Whenever another connection has written, everything is read and checked again before it is believed; so is the
 * directory after a change of our own. Keys that we change ourselves are only forgotten one by one.
 *
 * Threads: what is below lock belongs to the thread that holds it. */
#ifndef EKM_VAULT_STORE_STATE_H
#define EKM_VAULT_STORE_STATE_H

#include "base/mutex.h"
#include "vault/seal.h"
#include "vault/store.h"
#include "vault/store_cache.h"
#include "vault/store_db.h"
#include "vault/store_load.h"

enum {
  STORE_GUID_BYTES = VAULT_GUID_CHARS + 1,
  STORE_KID_BYTES = 33,
  STORE_SEALED_MAX_BYTES = 16 * 1024,
  STORE_RETIRED_MAX = 64
};

struct vault_store {
  const ekm_crypto *crypto;
  vault_workshop shop; /* the same, and the token */
  const ekm_clock *clock;
  ekm_log *log;
  char *path, *master_key;  /* of the database; of the master key */
  bool master_key_in_token; /* the next one, too if the present one is not */
  vault_seal *seal;         /* of the master key; below lock, but for reading what is never freed before the end */
  vault_seal *lasting;      /* store_master.h */
  vault_seal *retired[STORE_RETIRED_MAX];
  size_t retired_count;
  ekm_key *signer;
  char signer_kid[STORE_KID_BYTES];
  char database_id[STORE_GUID_BYTES];

  ekm_mutex lock;
  store_db *db;
  store_cache *cache;
  uint64_t epoch; /* grows whenever a cached key, or what is due, may have become wrong */
  vault_due due;  /* what is due next, as of ${due_epoch} */
  uint64_t due_epoch;
  size_t max_keys, max_versions;
  int64_t counted_vault; /* how many names this vault has, live or deleted, is known: */
  size_t counted;        /* counting costs a look at each of them. 0: of none */
  vault_directory *dir;  /* of the state 'seen' */
  int64_t seen;          /* store_db_changes when everything was checked */
  bool is_checked;
  bool is_tampered; /* vault_store_verify found it out */
};

/* store_write_begin(store, err): when it fails, nothing is locked. */
EKM_MUST_USE bool store_write_begin(vault_store *store, ekm_err *err);

/* store_read_begin(store, err): with the lock held: the same state for several reads, checked if others wrote it, by
 * the right seal; ends with store_db_rollback. When it fails there is no transaction. */
EKM_MUST_USE bool store_read_begin(vault_store *store, ekm_err *err);

/* store_write_end(store, ok, err): commit if ${ok}, else roll back; unlock. Returns whether all is on the disk. */
EKM_MUST_USE bool store_write_end(vault_store *store, bool ok, ekm_err *err);

/* store_sync(store, err): with the lock held and no transaction: see what others wrote. */
EKM_MUST_USE bool store_sync(vault_store *store, ekm_err *err);

/* Which key is meant, in the store's own terms. */
typedef struct store_key_id {
  int64_t vault_id;
  const char *lower;   /* the name in lower case */
  const char *version; /* "": the newest */
} store_key_id;

/* store_key_load(store, id, deleted, out_key, err): with the lock held: a key without its private part, of a live or of
 * a deleted name. KEY_NOT_FOUND. */
EKM_MUST_USE bool store_key_load(vault_store *store, const store_key_id *id, bool deleted, const vault_key **out_key,
                                 ekm_err *err);

/* store_check_room(store, id, is_new_name, is_hsm, err): is there room for a new name in the vault, or for one more
 * version of an old one? LIMIT. */
EKM_MUST_USE bool store_check_room(vault_store *store, const store_key_id *id, bool is_new_name, bool is_hsm,
                                   ekm_err *err);

/* store_reckon_rotation(store, id, key, err): in a write: ${key} changed; if it is the newest, the policy counts from
 * its times. */
EKM_MUST_USE bool store_reckon_rotation(vault_store *store, const store_key_id *id, const vault_key *key, ekm_err *err);

/* store_change_end(store, ok, err): store_write_end of a change of the directory, which is then read again by the next
 * call: such changes are rare. */
EKM_MUST_USE bool store_change_end(vault_store *store, bool ok, ekm_err *err);

/* store_app_find(store, client_id, out_app, err): with the lock held; ABSENT. Borrowed from the directory. */
EKM_MUST_USE bool store_app_find(const vault_store *store, const char *client_id, const vault_app **out_app,
                                 ekm_err *err);

/* store_guid(crypto, out, err): a new random GUID (RFC 9562 version 4). */
EKM_MUST_USE bool store_guid(const ekm_crypto *crypto, char out[STORE_GUID_BYTES], ekm_err *err);

#endif
