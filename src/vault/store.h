/* What akvd keeps: vaults, applications, grants and keys, in one folder that survives power loss and that nobody
 * changes unnoticed without the master key.
 *
 *   DIR/vault.db      SQLite (WAL, synchronous=FULL): what a call confirmed is on the disk
 *   DIR/master.key    32 random bytes, mode 0600; may live elsewhere (master_key.h)
 *   DIR/tls/          certificates (tls_files.h)
 *
 * What the seals promise, and what not, is written in seal.h. What is small and read at every request (vaults,
 * applications, grants) comes as one immutable snapshot (store_directory.h); keys come one by one, through a bounded
 * cache. A typical request:
 *
 *   vault_store_directory(store, &dir, err)                     a look at the database's change counter, no more
 *   vault = vault_directory_vault_by_host(dir, host)
 *   vault_directory_granted(dir, vault, app->client_id, name)
 *   vault_store_key_get(store, vault->id, name, version, &key, err)    no SQL for a key that was used lately
 *   ... key->material ...
 *   vault_key_release(&key); vault_directory_release(&dir);
 *
 * Changes of another process (the admin commands of akvd) are seen by the next vault_store_directory, which then drops
 * cached keys too; begin every request with it.
 *
 * Errors everywhere: STORE when the disk or database fails, STORE_BUSY when another program holds it for longer than
 * ten seconds (the call did nothing; the next one works again when the cause is gone), STORE_BROKEN when it is no
 * database any more, STORE_TAMPERED when a seal does not match, OUT_OF_MEMORY, CRYPTO.
 * Threads: all functions may be called by all threads. Key objects and snapshots are immutable. */
#ifndef EKM_VAULT_STORE_H
#define EKM_VAULT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "crypto/keys.h"
#include "vault/material.h"
#include "vault/rotation.h"
#include "vault/store_directory.h"
#include "vault/store_rights.h"

typedef struct vault_store vault_store;

/* Texts are copied; crypto, clock and log are borrowed until the store is closed. */
typedef struct vault_store_options {
  const char *folder;
  const char *master_key_file; /* NULL: master.key in the folder */
  const ekm_crypto *crypto;
  const ekm_clock *clock;
  ekm_token *token;              /* where some private keys are; NULL: none is */
  bool master_key_in_token;      /* a new master key is wrapped by a key in the token (master_key.h) */
  ekm_log *log;                  /* NULL: no log */
  size_t cached_keys;            /* 0: VAULT_STORE_CACHED_KEYS */
  size_t max_keys, max_versions; /* of a vault, of a key; 0: the limits below */
} vault_store_options;

enum {
  VAULT_STORE_CACHED_KEYS = 512, /* keys whose private part is in memory at once */
  VAULT_STORE_KEYS_MAX = 250000, /* deleted ones too */
  VAULT_STORE_VERSIONS_MAX = EKM_LIMIT_VERSIONS_PER_KEY,
  VAULT_STORE_HSM_VERSIONS_MAX = 100, /* of a key of a Managed HSM (section 1.3) */
  VAULT_STORE_PAGE_MAX = 25           /* items of one page of a list; the service's own limit */
};

/* vault_store_create(options, err):
 * Make folder, master key, database and the key that tokens are signed with (RSA-2048, about 0.1 s). EXISTS if the
 * folder holds a database already. What an earlier try left that was cut short (a full disk) is used; so is a master
 * key without a database. */
EKM_MUST_USE bool vault_store_create(const vault_store_options *options, ekm_err *err);

/* vault_store_open(options, out_store, err):
 * ABSENT if the folder was never made (the message names 'akvd init'); MASTER_KEY for a master key of another folder;
 * STORE_TAMPERED if the set of rows is not the one that was last written. */
EKM_MUST_USE bool vault_store_open(const vault_store_options *options, vault_store **out_store, ekm_err *err);

/* vault_store_verify(store, err):
 * Read every row once, on a connection of its own, whether it fits its MAC: seconds for 100,000 keys, in which others
 * work. STORE_TAMPERED if one does not; from then on so is every call. */
EKM_MUST_USE bool vault_store_verify(vault_store *store, ekm_err *err);

/* vault_store_copy(store, path, err): a copy of the database as it is now, sealed as it is, in a new file.
 * vault_store_count_keys(store, out, err): the names of all vaults, deleted ones too. */
EKM_MUST_USE bool vault_store_copy(vault_store *store, const char *path, ekm_err *err);
EKM_MUST_USE bool vault_store_count_keys(vault_store *store, size_t *out, ekm_err *err);

/* How long work goes on: ${say} is called now and then with how many rows are done. */
typedef struct vault_progress {
  void (*say)(void *arg, size_t rows);
  void *arg;
} vault_progress;

/* vault_store_master_rotate(store, progress, err):
 * Seal everything anew under a new master key, which takes the place of the old one in its file; all or nothing
 * (store_master.h). Others wait as long as it takes: a second for 20,000 keys. ${progress} may be NULL. BAD_ARGUMENT if
 * the master key is not a file that could be replaced. */
EKM_MUST_USE bool vault_store_master_rotate(vault_store *store, const vault_progress *progress, ekm_err *err);

/* vault_store_use_clock(store, clock): from now on, by that one; while no other thread uses the store. */
void vault_store_use_clock(vault_store *store, const ekm_clock *clock);

/* vault_store_close(store): close all; objects that were handed out stay valid until released. NULL is fine. */
void vault_store_close(vault_store **store);

/* vault_store_directory(store, out_dir, err):
 * The vaults, applications and grants of now, a reference that the caller gives back with vault_directory_release. */
EKM_MUST_USE bool vault_store_directory(vault_store *store, const vault_directory **out_dir, ekm_err *err);

/* vault_store_signer(store), vault_store_signer_kid(store): the RSA-2048 key that signs access tokens, the same over
 * restarts, and the kid of its JWT header (hexadecimal). Borrowed until the store is closed. */
const ekm_key *vault_store_signer(const vault_store *store);
const char *vault_store_signer_kid(const vault_store *store);

/* vault_store_check_secret(store, app, secret, out_check, err):
 * Is ${secret} one of ${app}'s secrets? Constant-time in the secret. */
typedef enum vault_secret_check { VAULT_SECRET_WRONG = 0, VAULT_SECRET_EXPIRED, VAULT_SECRET_RIGHT } vault_secret_check;
EKM_MUST_USE bool vault_store_check_secret(const vault_store *store, const vault_app *app, ekm_view secret,
                                           vault_secret_check *out_check, ekm_err *err);

/* ---- keys -------------------------------------------------------------------------------------------------------- */

/* Seconds since 1970. */
typedef struct vault_key_attributes {
  bool enabled;
  bool has_nbf, has_exp;
  int64_t nbf, exp;
  int64_t created, updated; /* set by the store */
} vault_key_attributes;

/* One version of a key. Immutable, counted by references; give it back with vault_key_release. */
typedef struct vault_key {
  const char *name; /* as it was spelled when the name was created */
  char version[EKM_LIMIT_KEY_VERSION_CHARS + 1];
  char kty[16]; /* "RSA", "RSA-HSM", "EC", "EC-HSM" or "oct-HSM" */
  char crv[16]; /* of an EC key: "P-256"; else "" */
  vault_key_attributes attributes;
  vault_key_ops ops;
  const char *tags;           /* a JSON object as text, or NULL if never set */
  ekm_view n, e;              /* the public numbers of an RSA key; n as it was written at its import, else in shortest
                                   form */
  ekm_view x, y;              /* those of an EC key, as long as the field */
  bool exportable;            /* it may leave under ${release_policy} */
  const char *release_policy; /* a JSON object as text, or NULL */
  bool in_token;              /* the private key is in a PKCS#11 token */
  const vault_material *material; /* the private key; only of a key that comes from get or add, else NULL */
  int64_t deleted_at, purge_at;   /* of a deleted key, else 0 */
} vault_key;

/* vault_key_release(key): NULL is fine; sets the caller's pointer to NULL. */
void vault_key_release(const vault_key **key);

typedef struct vault_key_spec {
  const char *name;
  const char *kty;                 /* as in vault_key; the curve is the material's */
  vault_key_attributes attributes; /* created and updated are ignored */
  vault_key_ops ops;
  const char *tags; /* NULL: none */
  bool exportable;
  const char *release_policy; /* NULL: none */
  const char *follows; /* the version that must be the newest of a live name (EXISTS if it is another, KEY_NOT_FOUND if
                          there is no such name), for a rotation; NULL: the name may be new */
  ekm_view n; /* the modulus as an import wrote it, leading zeros and all: the service echoes it unchanged. Empty:
                       the shortest form of the material's */
} vault_key_spec;

/* vault_store_key_add(store, vault_id, spec, material, out_key, err):
 * A new version, and a new name if it is one; for create and import, since keys are made before and outside of the
 * store. The store takes *${material} over and sets it to NULL, also when it fails. The version's name is made here.
 * KEY_NAME_BAD, KEY_NAME_TOO_LONG; LIMIT if the vault or the key is full; KEY_DELETED if a deleted key holds the name;
 * ABSENT for an unknown vault. */
EKM_MUST_USE bool vault_store_key_add(vault_store *store, int64_t vault_id, const vault_key_spec *spec,
                                      vault_material **material, const vault_key **out_key, ekm_err *err);

/* vault_store_key_get(store, vault_id, name, version, out_key, err):
 * ${version} NULL or "": the newest. KEY_NOT_FOUND, also for a deleted key and for a name no key can have. */
EKM_MUST_USE bool vault_store_key_get(vault_store *store, int64_t vault_id, const char *name, const char *version,
                                      const vault_key **out_key, ekm_err *err);

/* What vault_store_key_update changes: the members that ${set} names. */
enum {
  VAULT_SET_ENABLED = 1 << 0,
  VAULT_SET_NBF = 1 << 1,
  VAULT_SET_EXP = 1 << 2,
  VAULT_SET_OPS = 1 << 3,
  VAULT_SET_TAGS = 1 << 4,
  VAULT_SET_RELEASE = 1 << 5
};

typedef struct vault_key_change {
  unsigned set;                    /* VAULT_SET_* */
  vault_key_attributes attributes; /* nbf and exp can also be taken away: has_nbf = false */
  vault_key_ops ops;
  const char *tags;
  const char *release_policy;
} vault_key_change;

/* vault_store_key_update(store, vault_id, name, version, change, out_key, err):
 * Change one version (NULL or "": the newest) and give it as it is now. KEY_NOT_FOUND. */
EKM_MUST_USE bool vault_store_key_update(vault_store *store, int64_t vault_id, const char *name, const char *version,
                                         const vault_key_change *change, const vault_key **out_key, ekm_err *err);

/* A page of a list. Zero-initialise; give it back with vault_key_page_clear. */
typedef struct vault_key_page {
  const vault_key *items[VAULT_STORE_PAGE_MAX]; /* without material */
  size_t count;
  char next[EKM_LIMIT_KEY_NAME_CHARS + 1]; /* the marker of the next page, "" at the end */
} vault_key_page;
void vault_key_page_clear(vault_key_page *page);

/* vault_store_key_list(store, vault_id, after, max, out_page, err):
 * Live names in ascending order, each as its newest version, behind the marker ${after} (NULL or "": from the start).
 * ${max} is 1 ... VAULT_STORE_PAGE_MAX. */
EKM_MUST_USE bool vault_store_key_list(vault_store *store, int64_t vault_id, const char *after, size_t max,
                                       vault_key_page *out_page, ekm_err *err);

/* vault_store_key_versions(store, vault_id, name, after, max, out_page, err):
 * All versions of a live name, in ascending order of their random names (the service's order is unspecified).
 * An empty page for a name that does not exist. */
EKM_MUST_USE bool vault_store_key_versions(vault_store *store, int64_t vault_id, const char *name, const char *after,
                                           size_t max, vault_key_page *out_page, ekm_err *err);

/* vault_store_key_delete(store, vault_id, name, out_key, err):
 * Soft: all versions go out of use, the name stays taken until it is recovered or purged. The newest version is given,
 * with deleted_at and purge_at. KEY_NOT_FOUND. */
EKM_MUST_USE bool vault_store_key_delete(vault_store *store, int64_t vault_id, const char *name,
                                         const vault_key **out_key, ekm_err *err);

/* The deleted ones: get and list as above, but only deleted names; recover gives the live key back; purge destroys all
 * versions for good. KEY_NOT_FOUND if no deleted key has the name. */
EKM_MUST_USE bool vault_store_deleted_get(vault_store *store, int64_t vault_id, const char *name,
                                          const vault_key **out_key, ekm_err *err);
EKM_MUST_USE bool vault_store_deleted_list(vault_store *store, int64_t vault_id, const char *after, size_t max,
                                           vault_key_page *out_page, ekm_err *err);
EKM_MUST_USE bool vault_store_deleted_recover(vault_store *store, int64_t vault_id, const char *name,
                                              const vault_key **out_key, ekm_err *err);
EKM_MUST_USE bool vault_store_deleted_purge(vault_store *store, int64_t vault_id, const char *name, ekm_err *err);

/* ---- backups of single keys -------------------------------------------------------------------------------------- */

/* vault_store_key_backup(store, vault_id, name, out_blob, err):
 * Append a live key with all its versions, sealed, so that nobody but this folder can read it (store_backup.c has the
 * format). KEY_NOT_FOUND; NOT_SUPPORTED for a key in a token, which never leaves it; LIMIT if it is longer than
 * EKM_LIMIT_KEY_BACKUP_BYTES. */
EKM_MUST_USE bool vault_store_key_backup(vault_store *store, int64_t vault_id, const char *name, ekm_buf *out_blob,
                                         ekm_err *err);

/* vault_store_key_restore(store, vault_id, blob, out_key, err):
 * Make the key of a backup again, with its versions as they were, in the same vault or in another of the same tenant
 * and kind; the newest is given. MISMATCH for what is no backup of this folder, was changed or is of another tenant or
 * kind of vault; EXISTS or KEY_DELETED (the detail has the name) if a key has its name; LIMIT if the vault is full. */
EKM_MUST_USE bool vault_store_key_restore(vault_store *store, int64_t vault_id, ekm_view blob,
                                          const vault_key **out_key, ekm_err *err);

/* ---- rotation policies, and what is due -------------------------------------------------------------------------- */

/* vault_store_policy_get(store, vault_id, name, out_text, err), vault_store_policy_set(store, vault_id, name, text,
 * err):
 * The rotation policy of a live key as text that rotation.h writes and reads; "" for none. KEY_NOT_FOUND. */
EKM_MUST_USE bool vault_store_policy_get(vault_store *store, int64_t vault_id, const char *name,
                                         char out_text[VAULT_ROTATION_TEXT_BYTES], ekm_err *err);
EKM_MUST_USE bool vault_store_policy_set(vault_store *store, int64_t vault_id, const char *name, const char *text,
                                         ekm_err *err);

/* What has to be done with a key without anybody's asking: its rotation by its policy, or its purge when its retention
 * ends. */
typedef struct vault_due {
  int64_t at; /* seconds since 1970; INT64_MAX: nothing is due, ever */
  int64_t vault_id;
  bool is_purge;
  char name[EKM_LIMIT_KEY_NAME_CHARS + 1];
} vault_due;

/* vault_store_is_due(store, now, out_due, err): is anything? No SQL unless keys changed.
 * vault_store_next_due(store, out, err): what is due first.
 * vault_store_due_of(store, vault_id, name, now, out, out_due, err): is something due with this key?
 * vault_store_put_off(store, due, until, err): a rotation for which there is no room waits until then.
 * vault_store_purge_due(store, due, now, err): purge it, if its time has really come; else KEY_NOT_FOUND. Rotations are
 * the caller's: a new version whose ${follows} is the old one. */
EKM_MUST_USE bool vault_store_is_due(vault_store *store, int64_t now, bool *out_due, ekm_err *err);
EKM_MUST_USE bool vault_store_next_due(vault_store *store, vault_due *out, ekm_err *err);
EKM_MUST_USE bool vault_store_due_of(vault_store *store, int64_t vault_id, const char *name, int64_t now,
                                     vault_due *out, bool *out_due, ekm_err *err);
EKM_MUST_USE bool vault_store_put_off(vault_store *store, const vault_due *due, int64_t until, ekm_err *err);
EKM_MUST_USE bool vault_store_purge_due(vault_store *store, const vault_due *due, int64_t now, ekm_err *err);

#endif
