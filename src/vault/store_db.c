#include "vault/store_db.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "vault/store_schema.h"

enum {
  SQL_MAX_BYTES = 1024,
  RECORD_MAX_BYTES = 1024 * 1024,
  BUSY_MS = 10000, /* how long another process may hold the database */
  SET_BYTES = 8 + EKM_PRF_OUT_BYTES,
  META_ROOT = 5 /* column of STORE_META_GET */
};

struct store_db {
  sqlite3 *handle;
  sqlite3_stmt *statements[STORE_QUERIES];
  const vault_seal *seal;
  ekm_prf *counter;         /* of the seal */
  vault_seal_set committed; /* what the disk has */
  vault_seal_set pending;   /* what the running transaction will leave */
  bool in_transaction;
};

store_value store_int(int64_t number) {
  return (store_value){.type = STORE_INT, .number = number};
}

store_value store_text(const char *text) {
  return (store_value){.type = STORE_TEXT, .bytes = ekm_view_text(text)};
}

store_value store_blob(ekm_view bytes) {
  return (store_value){.type = STORE_BLOB, .bytes = bytes};
}

const char *store_value_text(const store_value *value) {
  return value->type == STORE_TEXT && value->bytes.ptr != NULL ? (const char *)value->bytes.ptr : "";
}

/* Also a limit of the file's size, a quota, and shared memory (vault.db-shm) that cannot grow. Of a commit that fails
 * SQLite does not keep the system's reason. */
static bool is_disk_full(const store_db *db, int code) {
  int why = sqlite3_system_errno(db->handle) != 0 ? sqlite3_system_errno(db->handle) : errno;
  return (code & 0xFF) == SQLITE_FULL ||
         ((code & 0xFF) == SQLITE_IOERR && (why == ENOSPC || why == EDQUOT || why == EFBIG));
}

/* Of what SQLite calls errors, some pass by themselves, and some need a backup. */
static ekm_err_id id_of(int code) {
  switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return EKM_E_STORE_BROKEN;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return EKM_E_STORE_BUSY;
    default: return EKM_E_STORE;
  }
}

static bool fail(const store_db *db, ekm_err *err) {
  int code = sqlite3_extended_errcode(db->handle);
  const char *path = sqlite3_db_filename(db->handle, "main");
  const char *why = is_disk_full(db, code) ? "no space is left" : sqlite3_errmsg(db->handle);
  return EKM_FAIL(err, id_of(code), "'%s': %s (SQLite %d)", path == NULL ? "vault.db" : path, why, code);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* Nothing that somebody may have written into the schema is run: no trigger, no view, no function. */
static bool configure(store_db *db, ekm_err *err) {
  static const int switches[][2] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                    {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
                                    {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
                                    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0}};
  static const char pragmas[] =
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
      "PRAGMA cell_size_check = ON;";
  for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
    if (sqlite3_db_config(db->handle, switches[i][0], switches[i][1], NULL) != SQLITE_OK) return fail(db, err);
  }
  (void)sqlite3_busy_timeout(db->handle, BUSY_MS);
  return sqlite3_exec(db->handle, pragmas, NULL, NULL, NULL) == SQLITE_OK || fail(db, err);
}

static bool read_version(store_db *db, int *out_version, ekm_err *err) {
  sqlite3_stmt *statement = NULL;
  *out_version = 0;
  if (sqlite3_prepare_v2(db->handle, "PRAGMA user_version", -1, &statement, NULL) != SQLITE_OK) return fail(db, err);
  bool ok = sqlite3_step(statement) == SQLITE_ROW || fail(db, err);
  if (ok) *out_version = sqlite3_column_int(statement, 0);
  (void)sqlite3_finalize(statement);
  return ok;
}

static bool prepare_all(store_db *db, ekm_err *err) {
  bool ok = false;
  ekm_buf sql;

  ekm_buf_init(&sql, SQL_MAX_BYTES);
  for (int query = 0; query < STORE_QUERIES; query++) {
    ekm_buf_reset(&sql);
    store_schema_sql((store_query)query, &sql);
    EKM_TRY(ekm_buf_ok(&sql, "a statement", err));
    int code =
        sqlite3_prepare_v3(db->handle, ekm_buf_text(&sql), -1, SQLITE_PREPARE_PERSISTENT, &db->statements[query], NULL);
    if (code != SQLITE_OK) {
      (void)fail(db, err);
      goto done;
    }
  }
  for (int t = 0; t < STORE_TABLES; t++) {
    const store_table_info *info = store_schema_table((store_table)t);
    if (sqlite3_column_count(db->statements[STORE_GET(t)]) != info->columns + 1) {
      EKM_BAIL(err, EKM_E_STORE_TAMPERED, "table '%s' has other columns", info->name);
    }
  }
  ok = true;
done:
  ekm_buf_clear(&sql);
  return ok;
}

static bool make_tables(store_db *db, const char *path, int version, ekm_err *err) {
  if (version != 0) return EKM_FAIL(err, EKM_E_EXISTS, "'%s'", path);
  int code = sqlite3_exec(db->handle, "BEGIN IMMEDIATE", NULL, NULL, NULL);
  if (code == SQLITE_OK) code = sqlite3_exec(db->handle, store_schema_tables(), NULL, NULL, NULL);
  if (code == SQLITE_OK) code = sqlite3_exec(db->handle, store_schema_marks(), NULL, NULL, NULL);
  db->in_transaction = code == SQLITE_OK;
  return code == SQLITE_OK || fail(db, err);
}

static bool open_handle(store_db *db, const char *path, bool create, ekm_err *err) {
  int version = 0;
  /* An empty file of mode 0600 is a valid empty database; SQLite gives its mode to the log files beside it. */
  if (create && !ekm_file_exists(path) && !ekm_file_write_private(path, ekm_view_of(NULL, 0), err)) return false;
  if (!ekm_file_exists(path)) return EKM_FAIL(err, EKM_E_ABSENT, "no vault in '%s'; run: akvd init", path);
  int code = sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
  if (code != SQLITE_OK && db->handle == NULL) return EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "for the database");
  if (code != SQLITE_OK) return EKM_FAIL(err, EKM_E_STORE, "'%s': %s", path, sqlite3_errmsg(db->handle));
  (void)sqlite3_extended_result_codes(db->handle, 1);
  if (!configure(db, err) || !read_version(db, &version, err)) return false;
  if (create && !make_tables(db, path, version, err)) return false;
  if (!create && version == 0) {
    return EKM_FAIL(
        err, EKM_E_ABSENT,
        "'%s' holds no vault: if there were keys in it, restore a backup of the folder; if not, run: akvd init", path);
  }
  if (!create && version != STORE_SCHEMA_VERSION) {
    return EKM_FAIL(err, EKM_E_STORE, "'%s' has version %d, this akvd knows %d", path, version, STORE_SCHEMA_VERSION);
  }
  return prepare_all(db, err);
}

bool store_db_open(const char *path, bool create, const vault_seal *seal, store_db **out_db, ekm_err *err) {
  *out_db = NULL;
  store_db *db = ekm_mem_alloc(sizeof *db, err);
  if (db == NULL) return false;
  if (!store_db_use_seal(db, seal, err) || !open_handle(db, path, create, err)) {
    store_db_close(&db);
    return false;
  }
  *out_db = db;
  return true;
}

void store_db_close(store_db **db) {
  if (*db == NULL) return;
  for (int i = 0; i < STORE_QUERIES; i++) (void)sqlite3_finalize((*db)->statements[i]);
  (void)sqlite3_close((*db)->handle);
  ekm_prf_free(&(*db)->counter);
  ekm_mem_free(*db);
  *db = NULL;
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

static int bind(sqlite3_stmt *statement, int at, const store_value *value) {
  switch (value->type) {
    case STORE_INT: return sqlite3_bind_int64(statement, at, value->number);
    case STORE_TEXT:
      return sqlite3_bind_text64(statement, at, value->bytes.ptr == NULL ? "" : (const char *)value->bytes.ptr,
                                 value->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
    default:
      if (value->bytes.len == 0) return sqlite3_bind_zeroblob(statement, at, 0);
      return sqlite3_bind_blob64(statement, at, value->bytes.ptr, value->bytes.len, SQLITE_STATIC);
  }
}

bool store_db_query(store_db *db, store_query query, const store_value *args, size_t count, ekm_err *err) {
  sqlite3_stmt *statement = db->statements[query];
  (void)sqlite3_reset(statement);
  for (size_t i = 0; i < count; i++) {
    if (bind(statement, (int)i + 1, &args[i]) != SQLITE_OK) return fail(db, err);
  }
  return true;
}

void store_db_end(store_db *db, store_query query) {
  (void)sqlite3_reset(db->statements[query]);
  (void)sqlite3_clear_bindings(db->statements[query]);
}

static store_value column_value(sqlite3_stmt *statement, int i) {
  int type = sqlite3_column_type(statement, i);
  if (type == SQLITE_INTEGER) return store_int(sqlite3_column_int64(statement, i));
  const void *bytes = type == SQLITE_TEXT ? sqlite3_column_text(statement, i) : sqlite3_column_blob(statement, i);
  ekm_view view = ekm_view_of(bytes, (size_t)sqlite3_column_bytes(statement, i));
  return (store_value){.type = type == SQLITE_TEXT ? STORE_TEXT : STORE_BLOB, .bytes = view};
}

static bool step(store_db *db, store_query query, store_row *row, bool *out_found, ekm_err *err) {
  sqlite3_stmt *statement = db->statements[query];
  *out_found = false;
  errno = 0;
  int code = sqlite3_step(statement);
  if (code == SQLITE_DONE) return true;
  if (code != SQLITE_ROW) return fail(db, err);
  int columns = sqlite3_column_count(statement);
  for (int i = 0; i < columns && i < STORE_COLUMNS_MAX; i++) row->values[i] = column_value(statement, i);
  *out_found = true;
  return true;
}

bool store_db_fetch(store_db *db, store_query query, const store_value *args, size_t count, store_row *row,
                    bool *out_found, ekm_err *err) {
  *out_found = false;
  return store_db_query(db, query, args, count, err) && step(db, query, row, out_found, err);
}

bool store_db_run(store_db *db, store_query query, const store_value *args, size_t count, ekm_err *err) {
  bool found;
  store_row row;
  bool ok = store_db_fetch(db, query, args, count, &row, &found, err);
  store_db_end(db, query);
  return ok;
}

bool store_db_changes(store_db *db, int64_t *out, ekm_err *err) {
  bool found = false;
  store_row row = {0};
  *out = 0;
  bool ok = store_db_fetch(db, STORE_CHANGES, NULL, 0, &row, &found, err);
  if (ok && found) *out = row.values[0].number;
  (void)sqlite3_reset(db->statements[STORE_CHANGES]);
  return ok;
}

/* ---- sealed rows ------------------------------------------------------------------------------------------------- */

static void append_number(uint64_t number, ekm_buf *out) {
  uint8_t bytes[8];
  for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(number >> (56 - 8 * i));
  ekm_buf_append(out, bytes, sizeof bytes);
}

void store_db_record(store_table table, const store_value *values, ekm_buf *out) {
  const store_table_info *info = store_schema_table(table);
  ekm_buf_append_text(out, info->name);
  ekm_buf_append_char(out, '\0');
  for (int i = 0; i < info->columns; i++) {
    ekm_buf_append_char(out, "itb"[values[i].type]);
    append_number(values[i].type == STORE_INT ? (uint64_t)values[i].number : values[i].bytes.len, out);
    if (values[i].type != STORE_INT) ekm_buf_append_view(out, values[i].bytes);
  }
}

static bool row_mac(store_db *db, store_table table, const store_value *values, uint8_t out[VAULT_SEAL_MAC_BYTES],
                    ekm_err *err) {
  ekm_buf record;
  ekm_buf_init(&record, RECORD_MAX_BYTES);
  store_db_record(table, values, &record);
  bool ok =
      ekm_buf_ok(&record, "a row", err) && vault_seal_mac(db->seal, VAULT_SEAL_ROW, ekm_buf_view(&record), out, err);
  ekm_buf_clear(&record);
  return ok;
}

bool store_db_next(store_db *db, store_query query, store_table table, store_row *row, bool *out_found, ekm_err *err) {
  uint8_t expected[VAULT_SEAL_MAC_BYTES];
  const store_table_info *info = store_schema_table(table);
  if (!step(db, query, row, out_found, err)) return false;
  if (!*out_found) return true;
  if (!row_mac(db, table, row->values, expected, err)) return false;
  const store_value *mac = &row->values[info->columns];
  if (mac->type != STORE_BLOB || mac->bytes.len != sizeof expected ||
      !ekm_mem_equal(mac->bytes.ptr, expected, sizeof expected)) {
    *out_found = false;
    return EKM_FAIL(err, EKM_E_STORE_TAMPERED, "a row of table '%s' was changed", info->name);
  }
  memcpy(row->mac, expected, sizeof expected);
  return true;
}

bool store_db_get(store_db *db, store_table table, const store_value *keys, store_row *row, bool *out_found,
                  ekm_err *err) {
  const store_table_info *info = store_schema_table(table);
  *out_found = false;
  if (!store_db_query(db, STORE_GET(table), keys, (size_t)info->keys, err)) return false;
  if (!store_db_next(db, STORE_GET(table), table, row, out_found, err)) return false;
  for (int i = 0; *out_found && i < info->keys; i++) {
    bool same = keys[i].type == row->values[i].type && keys[i].number == row->values[i].number &&
                ekm_view_equal(keys[i].bytes, row->values[i].bytes);
    if (!same) return EKM_FAIL(err, EKM_E_STORE_TAMPERED, "table '%s' is out of order", info->name);
  }
  return true;
}

/* The row that is there now leaves the set. */
static bool forget_old(store_db *db, store_table table, const store_value *keys, bool *out_found, ekm_err *err) {
  store_row row;
  bool ok = store_db_get(db, table, keys, &row, out_found, err) &&
            (!*out_found || vault_seal_set_remove(db->counter, &db->pending, row.mac, err));
  store_db_end(db, STORE_GET(table));
  return ok;
}

static bool write_row(store_db *db, store_table table, const store_value *values, uint8_t mac[VAULT_SEAL_MAC_BYTES],
                      ekm_err *err) {
  store_value all[STORE_COLUMNS_MAX];
  size_t columns = (size_t)store_schema_table(table)->columns;
  if (!row_mac(db, table, values, mac, err)) return false;
  memcpy(all, values, columns * sizeof *values);
  all[columns] = store_blob(ekm_view_of(mac, VAULT_SEAL_MAC_BYTES));
  return store_db_run(db, (store_query)(table * 4 + 1), all, columns + 1, err);
}

bool store_db_put(store_db *db, store_table table, const store_value *values, ekm_err *err) {
  bool found;
  uint8_t mac[VAULT_SEAL_MAC_BYTES];
  return forget_old(db, table, values, &found, err) && write_row(db, table, values, mac, err) &&
         vault_seal_set_add(db->counter, &db->pending, mac, err);
}

bool store_db_put_anew(store_db *db, store_table table, const store_value *values, ekm_err *err) {
  uint8_t mac[VAULT_SEAL_MAC_BYTES];
  return write_row(db, table, values, mac, err) && vault_seal_set_add(db->counter, &db->pending, mac, err);
}

bool store_db_remove(store_db *db, store_table table, const store_value *keys, ekm_err *err) {
  bool found;
  if (!forget_old(db, table, keys, &found, err)) return false;
  return !found || store_db_run(db, (store_query)(table * 4 + 2), keys, (size_t)store_schema_table(table)->keys, err);
}

/* ---- transactions and the root ----------------------------------------------------------------------------------- */

static bool begin(store_db *db, store_query how, ekm_err *err) {
  if (!store_db_run(db, how, NULL, 0, err)) return false;
  db->pending = db->committed;
  db->in_transaction = true;
  return true;
}

bool store_db_begin(store_db *db, ekm_err *err) {
  return begin(db, STORE_BEGIN, err);
}

bool store_db_begin_read(store_db *db, ekm_err *err) {
  return begin(db, STORE_BEGIN_READ, err);
}

static bool root_of(store_db *db, const vault_seal_set *set, uint8_t out[VAULT_SEAL_MAC_BYTES], ekm_err *err) {
  ekm_buf data;
  ekm_buf_init(&data, SET_BYTES);
  append_number(set->count, &data);
  ekm_buf_append(&data, set->sum, sizeof set->sum);
  bool ok =
      ekm_buf_ok(&data, "a root", err) && vault_seal_mac(db->seal, VAULT_SEAL_ROOT, ekm_buf_view(&data), out, err);
  ekm_buf_clear(&data);
  return ok;
}

bool store_db_commit(store_db *db, ekm_err *err) {
  uint8_t root[VAULT_SEAL_MAC_BYTES] = {0};
  store_value value = store_blob(ekm_view_of(root, sizeof root));
  bool ok = root_of(db, &db->pending, root, err) && store_db_run(db, STORE_ROOT_PUT, &value, 1, err) &&
            store_db_run(db, STORE_COMMIT, NULL, 0, err);
  if (!ok) {
    store_db_rollback(db);
    return false;
  }
  db->committed = db->pending;
  db->in_transaction = false;
  return true;
}

void store_db_rollback(store_db *db) {
  ekm_err ignored = {0};
  if (!db->in_transaction) return;
  db->in_transaction = false;
  /* After some errors SQLite has rolled back by itself; a second rollback would only be another error. */
  if (sqlite3_get_autocommit(db->handle) == 0) (void)!store_db_run(db, STORE_ROLLBACK, NULL, 0, &ignored);
}

bool store_db_use_seal(store_db *db, const vault_seal *seal, ekm_err *err) {
  ekm_prf *counter = NULL;
  if (!vault_seal_counter(seal, &counter, err)) return false;
  ekm_prf_free(&db->counter);
  db->counter = counter;
  db->seal = seal;
  return true;
}

bool store_db_count(store_db *db, const uint8_t mac[VAULT_SEAL_MAC_BYTES], vault_seal_set *set, ekm_err *err) {
  return vault_seal_set_add(db->counter, set, mac, err);
}

bool store_db_count_all(store_db *db, store_query macs, vault_seal_set *set, ekm_err *err) {
  store_row row;
  bool found = true;
  bool ok = store_db_query(db, macs, NULL, 0, err);
  while (ok && found) {
    ok = step(db, macs, &row, &found, err);
    if (!ok || !found) break;
    ekm_view mac = row.values[0].bytes;
    ok = mac.len == VAULT_SEAL_MAC_BYTES ? store_db_count(db, mac.ptr, set, err)
                                         : EKM_FAIL(err, EKM_E_STORE_TAMPERED, "a row has no MAC");
  }
  store_db_end(db, macs);
  return ok;
}

bool store_db_begin_anew(store_db *db, ekm_err *err) {
  if (!begin(db, STORE_BEGIN, err)) return false;
  db->pending = (vault_seal_set){0};
  return true;
}

const vault_seal *store_db_seal(const store_db *db) {
  return db->seal;
}

static bool check_schema(store_db *db, ekm_err *err) {
  bool ok = false;
  bool found = true;
  store_row row = {0};
  ekm_buf text;

  ekm_buf_init(&text, RECORD_MAX_BYTES);
  EKM_TRY(store_db_query(db, STORE_OBJECTS, NULL, 0, err));
  for (;;) {
    EKM_TRY(step(db, STORE_OBJECTS, &row, &found, err));
    if (!found) break;
    ekm_buf_append_view(&text, row.values[0].bytes);
    ekm_buf_append_char(&text, ';');
  }
  EKM_TRY(ekm_buf_ok(&text, "the schema", err));
  if (!ekm_view_equal(ekm_buf_view(&text), ekm_view_text(store_schema_tables()))) {
    EKM_BAIL(err, EKM_E_STORE_TAMPERED, "there are other tables or indexes than akvd makes");
  }
  ok = true;
done:
  store_db_end(db, STORE_OBJECTS);
  ekm_buf_clear(&text);
  return ok;
}

bool store_db_check_set(store_db *db, const vault_seal_set *set, ekm_err *err) {
  if (!check_schema(db, err)) return false;
  bool found = false;
  store_row row = {0};
  uint8_t root[VAULT_SEAL_MAC_BYTES];
  bool ok = root_of(db, set, root, err) && store_db_fetch(db, STORE_META_GET, NULL, 0, &row, &found, err);
  ekm_view stored = found ? row.values[META_ROOT].bytes : ekm_view_of(NULL, 0);
  if (ok && (stored.len != sizeof root || !ekm_mem_equal(stored.ptr, root, sizeof root))) {
    ok = EKM_FAIL(err, EKM_E_STORE_TAMPERED, "rows are missing, or old ones were put back");
  }
  store_db_end(db, STORE_META_GET);
  if (ok) db->committed = db->pending = *set;
  return ok;
}
