/* The database under the store: SQLite, with a MAC on every row and the set of all rows under one more.
 *
 *   meta          one row: database id, check value of the master key, the sealed signing key and lasting key, the
 *                 root of the set
 *   vault         id | name host tenant resource retention_days created is_hsm purge_protection by_roles      | mac
 *   app           client_id | tenant object_id name created                                                   | mac
 *   app_secret    client_id id | hint created expires salt hash                                               | mac
 *   app_certificate  client_id id | created begins ends x5t x5t_s256 public_key                           | mac
 *   app_federation   client_id id | created issuer subject audience keys                                  | mac
 *                 keys: of the issuer, as JSON
 *   permission    vault_id client_id | permissions updated                                                    | mac
 *   role_assignment  vault_id client_id role scope | created                                                 | mac
 *   key_name      vault_id name | spelling newest created deleted_at purge_at rotate_at policy                | mac
 *   key_version   vault_id name version | kty crv a b enabled nbf exp created updated ops tags exportable
 *                 release_policy in_token                                                                     | mac
 *                 a and b: the public numbers, n and e of an RSA key or x and y of an EC key
 *   due           due_at vault_id name what |                                                                 | mac
 *                 what is to be done with a name at a time: its rotation or its purge (store_name.h keeps it)
 *   key_material  vault_id name version | sealed    (bound to its key_version row by the seal; no row of the set)
 *
 * The ten tables in the middle are "sealed tables": WITHOUT ROWID, so that no index beside the table can disagree
 * with it. None can be added either: another schema is refused, since SQLite scans an index that has all columns
 * instead of its table, and the set would be counted in one and rows be read from the other. Left of the bar is the
 * primary key, the last column is the MAC. They are only written with store_db_put and store_db_remove, which keep the
 * set. A row is read as an array of values; what a cursor yields has a valid MAC.
 *
 *   store_db_begin -> put, remove, run ... -> store_db_commit (writes the root) | store_db_rollback
 *
 * One connection: a writer waits for its disk while it holds the store's lock, and readers of what is not cached wait
 * too. Keys are written seldom; that is worth a simple rule about who sees what when.
 *
 * Threads: one at a time; the store's lock sees to it. */
#ifndef EKM_VAULT_STORE_DB_H
#define EKM_VAULT_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "vault/seal.h"

typedef struct store_db store_db;

typedef enum store_table {
  STORE_VAULT,
  STORE_APP,
  STORE_SECRET,
  STORE_CERTIFICATE,
  STORE_FEDERATION,
  STORE_PERMISSION,
  STORE_ROLE,
  STORE_KEY_NAME,
  STORE_KEY_VERSION,
  STORE_DUE,
  STORE_TABLES
} store_table;

/* Every statement: four for each sealed table (get, put, remove, scan), and these. */
typedef enum store_query {
  STORE_PLAIN = STORE_TABLES * 4, /* the first of the others */
  STORE_BEGIN = STORE_PLAIN,
  STORE_BEGIN_READ,
  STORE_COMMIT,
  STORE_ROLLBACK,
  STORE_CHANGES, /* PRAGMA data_version: has another connection written? */
  STORE_OBJECTS, /* the text of every table, index, view and trigger */
  STORE_META_GET,
  STORE_META_PUT,
  STORE_META_RESEAL,
  STORE_ROOT_PUT,
  STORE_NAME_MACS, /* of key_name */
  STORE_VERSION_MACS,
  STORE_NAMES,    /* vault_id, after; live and deleted, since a row is believed only when it was read */
  STORE_VERSIONS, /* vault_id, name, after, limit */
  STORE_NEXT_DUE,
  STORE_COPY,            /* path */
  STORE_COUNT_KEYS,      /* vault_id */
  STORE_COUNT_VERSIONS,  /* vault_id, name */
  STORE_MATERIAL_GET,    /* vault_id, name, version */
  STORE_MATERIAL_PUT,    /* vault_id, name, version, sealed */
  STORE_MATERIAL_REMOVE, /* vault_id, name, version */
  STORE_QUERIES
} store_query;
#define STORE_SCAN(table) ((store_query)((table)*4 + 3))

enum { STORE_COLUMNS_MAX = 18 };

typedef struct store_value {
  enum { STORE_INT, STORE_TEXT, STORE_BLOB } type;
  int64_t number;
  ekm_view bytes; /* of a text: without its NUL, which is there */
} store_value;

/* A row that was read: borrowed until the next step of its cursor. */
typedef struct store_row {
  store_value values[STORE_COLUMNS_MAX];
  uint8_t mac[VAULT_SEAL_MAC_BYTES];
} store_row;

/* store_int(number), store_text(text), store_blob(bytes): a value to bind; what it points to is borrowed. */
store_value store_int(int64_t number);
store_value store_text(const char *text);
store_value store_blob(ekm_view bytes);

/* store_value_text(value): the text with its NUL, "" for another type. */
const char *store_value_text(const store_value *value);

/* store_db_open(path, create, seal, out_db, err):
 * ${seal} is borrowed. ${create}: make the tables if the file has none yet, EXISTS if it has; the caller is in a
 * transaction then and commits. Without: ABSENT if there is no database, or an empty one; STORE for one of another
 * version. */
EKM_MUST_USE bool store_db_open(const char *path, bool create, const vault_seal *seal, store_db **out_db, ekm_err *err);
void store_db_close(store_db **db);

/* store_db_changes(db, out, err): a number that differs whenever another connection has committed in between. */
EKM_MUST_USE bool store_db_changes(store_db *db, int64_t *out, ekm_err *err);

/* store_db_begin(db, err): for writing. store_db_begin_read(db, err): the same state for several reads.
 * store_db_commit(db, err): root and end of a writing one; when it fails, everything was rolled back.
 * store_db_rollback(db): also the end of a reading one; does nothing outside of a transaction. */
EKM_MUST_USE bool store_db_begin(store_db *db, ekm_err *err);
EKM_MUST_USE bool store_db_begin_read(store_db *db, ekm_err *err);
EKM_MUST_USE bool store_db_commit(store_db *db, ekm_err *err);
void store_db_rollback(store_db *db);

/* store_db_seal(db): what it was opened with. */
const vault_seal *store_db_seal(const store_db *db);

/* store_db_use_seal(db, seal, err): from now on by that one, which is borrowed; outside of a writing transaction. */
EKM_MUST_USE bool store_db_use_seal(store_db *db, const vault_seal *seal, ekm_err *err);

/* store_db_count(db, mac, set, err): a row into a set. store_db_count_all(db, macs, set, err): all rows of a table, by
 * one of the queries for MACs alone; whether they fit their MACs is not looked at. */
EKM_MUST_USE bool store_db_count(store_db *db, const uint8_t mac[VAULT_SEAL_MAC_BYTES], vault_seal_set *set,
                                 ekm_err *err);
EKM_MUST_USE bool store_db_count_all(store_db *db, store_query macs, vault_seal_set *set, ekm_err *err);

/* For another seal of everything: store_db_begin_anew(db, err) begins writing with an empty set,
 * store_db_put_anew(db, table, values, err) writes a row that is there already with its new MAC. */
EKM_MUST_USE bool store_db_begin_anew(store_db *db, ekm_err *err);
EKM_MUST_USE bool store_db_put_anew(store_db *db, store_table table, const store_value *values, ekm_err *err);

/* store_db_check_set(db, set, err): STORE_TAMPERED unless ${set}, as counted by a scan, is the one under the root of
 * the database, and the schema is the one that akvd makes; then it becomes this connection's. */
EKM_MUST_USE bool store_db_check_set(store_db *db, const vault_seal_set *set, ekm_err *err);

/* store_db_put(db, table, values, err): insert or replace a row; ${values} are its columns without the MAC. */
EKM_MUST_USE bool store_db_put(store_db *db, store_table table, const store_value *values, ekm_err *err);

/* store_db_remove(db, table, keys, err): remove the row of a primary key, if there is one. */
EKM_MUST_USE bool store_db_remove(store_db *db, store_table table, const store_value *keys, ekm_err *err);

/* store_db_get(db, table, keys, row, out_found, err):
 * The row of a primary key; borrowed until store_db_end(db, STORE_GET(table)), which the caller always calls. */
#define STORE_GET(table) ((store_query)((table)*4))
EKM_MUST_USE bool store_db_get(store_db *db, store_table table, const store_value *keys, store_row *row,
                               bool *out_found, ekm_err *err);

/* store_db_query(db, query, args, count, err) binds; store_db_next(db, query, table, row, out_found, err) steps through
 * rows of ${table}; store_db_end(db, query) ends, always. */
EKM_MUST_USE bool store_db_query(store_db *db, store_query query, const store_value *args, size_t count, ekm_err *err);
EKM_MUST_USE bool store_db_next(store_db *db, store_query query, store_table table, store_row *row, bool *out_found,
                                ekm_err *err);
void store_db_end(store_db *db, store_query query);

/* store_db_fetch(db, query, args, count, row, out_found, err): the first row of a plain query, without a
 * MAC; borrowed until store_db_end. store_db_run(db, query, args, count, err): a query without rows. */
EKM_MUST_USE bool store_db_fetch(store_db *db, store_query query, const store_value *args, size_t count, store_row *row,
                                 bool *out_found, ekm_err *err);
EKM_MUST_USE bool store_db_run(store_db *db, store_query query, const store_value *args, size_t count, ekm_err *err);

/* store_db_record(table, values, out): append the unambiguous form of a row that MAC and seal cover: the table's name,
 * then type, length and bytes of every column but the MAC. */
void store_db_record(store_table table, const store_value *values, ekm_buf *out);

#endif
