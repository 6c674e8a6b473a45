/* Whoever holds the folder without the master key can change nothing in it that is then believed: every column of every
 * row, every row that is taken away, moved or put back is noticed, at the opening or at the first use. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "support/cmocka_all.h"
#include "support/store_fixture.h"
#include "vault/store_db.h"
#include "vault/store_manage.h"

enum { COLUMNS_MAX = 20, ROWS_MAX = 64, SQL_MAX_BYTES = 1024 };

/* What the fixture's database holds, so that everything can be used. */
#define POLICY "{\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":\"P60D\"},\"action\":{\"type\":\"Rotate\"}}]}"
static char versions[3][EKM_LIMIT_KEY_VERSION_CHARS + 1]; /* two of "alpha", one of "beta" */

static int set_up(void **state) {
  ekm_err err = {0};
  if (store_fixture_set_up(state) != 0) return -1;
  store_fixture *f = *state;
  bool ok = store_fixture_add(f, f->store, f->local, "Alpha", versions[0], &err) &&
            store_fixture_add(f, f->store, f->local, "alpha", versions[1], &err) &&
            store_fixture_add(f, f->store, f->other, "beta", versions[2], &err) &&
            vault_store_policy_set(f->store, f->local, "alpha", POLICY, &err);
  store_fixture_save(f);
  return ok ? 0 : -1;
}

/* ---- using everything -------------------------------------------------------------------------------------------- */

static bool check_secrets(store_fixture *f, vault_store *store, const vault_directory *dir, ekm_err *err) {
  vault_secret_check a = VAULT_SECRET_WRONG;
  vault_secret_check b = VAULT_SECRET_WRONG;
  const vault_app *app_a = vault_directory_app(dir, f->app_a);
  const vault_app *app_b = vault_directory_app(dir, f->app_b);
  bool ok = app_a != NULL && app_b != NULL &&
            vault_store_check_secret(store, app_a, ekm_view_text(STORE_SECRET_A), &a, err) &&
            vault_store_check_secret(store, app_b, ekm_view_text(STORE_SECRET_B), &b, err);
  return ok && a == VAULT_SECRET_RIGHT && b == VAULT_SECRET_RIGHT;
}

static bool use_keys(store_fixture *f, vault_store *store, ekm_err *err) {
  vault_key_page page;
  bool ok = store_fixture_use(store, f->local, "alpha", versions[0], err) &&
            store_fixture_use(store, f->local, "alpha", versions[1], err) &&
            store_fixture_use(store, f->local, "alpha", "", err) &&
            store_fixture_use(store, f->other, "beta", versions[2], err) &&
            vault_store_key_list(store, f->local, NULL, 25, &page, err);
  if (!ok) return false;
  ok = page.count == 1;
  vault_key_page_clear(&page);
  return ok;
}

/* Open, and use all that there is: the error; OK if all is as it should be, INTERNAL if it is not and none said so. */
static ekm_err_id use_all(store_fixture *f) {
  ekm_err err = {0};
  vault_store *store = NULL;
  const vault_directory *dir = NULL;
  bool ok = store_fixture_try(f, &store, &err) && vault_store_verify(store, &err) &&
            vault_store_directory(store, &dir, &err) && check_secrets(f, store, dir, &err) &&
            vault_directory_granted(dir, vault_directory_vault_by_id(dir, f->local), f->app_b, NULL) ==
                (VAULT_MAY_GET | VAULT_MAY_LIST) &&
            use_keys(f, store, &err);
  vault_directory_release(&dir);
  vault_store_close(&store);
  if (ok) return EKM_E_OK;
  return err.id == EKM_E_OK ? EKM_E_INTERNAL : err.id;
}

/* ---- changing the database behind the store's back --------------------------------------------------------------- */

static void run(sqlite3 *db, const char *sql) {
  char *why = NULL;
  if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) fail_msg("%s: %s", sql, why);
}

static sqlite3 *open_plain(store_fixture *f) {
  sqlite3 *db = NULL;
  store_fixture_restore(f);
  assert_int_equal(sqlite3_open(store_fixture_path(f, "vault.db"), &db), SQLITE_OK);
  run(db, "PRAGMA ignore_check_constraints = ON; PRAGMA synchronous = OFF");
  return db;
}

static int number_of(sqlite3 *db, const char *sql) {
  sqlite3_stmt *statement = NULL;
  assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  int number = sqlite3_column_int(statement, 0);
  (void)sqlite3_finalize(statement);
  return number;
}

/* One row: its values, and the name of every column. */
typedef struct row {
  const char *table;
  int columns;
  char names[COLUMNS_MAX][32];
  sqlite3_value *values[COLUMNS_MAX];
} row;

static void row_read(sqlite3 *db, const char *table, int index, row *out) {
  char sql[128];
  sqlite3_stmt *statement = NULL;
  (void)snprintf(sql, sizeof sql, "SELECT * FROM %s LIMIT 1 OFFSET %d", table, index);
  assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  *out = (row){.table = table, .columns = sqlite3_column_count(statement)};
  assert_in_range(out->columns, 1, COLUMNS_MAX);
  for (int i = 0; i < out->columns; i++) {
    (void)snprintf(out->names[i], sizeof out->names[i], "%s", sqlite3_column_name(statement, i));
    out->values[i] = sqlite3_value_dup(sqlite3_column_value(statement, i));
  }
  (void)sqlite3_finalize(statement);
}

static void row_clear(row *r) {
  for (int i = 0; i < r->columns; i++) sqlite3_value_free(r->values[i]);
}

static void row_run(sqlite3 *db, const row *r, const char *sql) {
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
  for (int i = 0; i < r->columns; i++) (void)sqlite3_bind_value(statement, i + 1, r->values[i]);
  if (sqlite3_step(statement) != SQLITE_DONE) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
  (void)sqlite3_finalize(statement);
}

static void row_delete(sqlite3 *db, const row *r) {
  ekm_buf sql;
  ekm_buf_init(&sql, SQL_MAX_BYTES);
  ekm_buf_append_fmt(&sql, "DELETE FROM %s WHERE 1", r->table);
  for (int i = 0; i < r->columns; i++) ekm_buf_append_fmt(&sql, " AND %s IS ?%d", r->names[i], i + 1);
  row_run(db, r, ekm_buf_text(&sql));
  assert_int_equal(sqlite3_changes(db), 1);
  ekm_buf_clear(&sql);
}

/* ${changed}: the column that gets another value; COLUMNS_MAX: none. */
static void row_insert(sqlite3 *db, const row *r, int changed) {
  ekm_buf sql;
  ekm_buf_init(&sql, SQL_MAX_BYTES);
  ekm_buf_append_fmt(&sql, "INSERT INTO %s VALUES(", r->table);
  for (int i = 0; i < r->columns; i++) {
    int type = i == changed ? sqlite3_value_type(r->values[i]) : SQLITE_NULL;
    ekm_buf_append_fmt(&sql, "%s?%d%s", i == 0 ? "" : ", ", i + 1,
                       type == SQLITE_INTEGER ? " + 1000"
                       : type == SQLITE_TEXT  ? " || 'x'"
                                              : "");
  }
  ekm_buf_append_char(&sql, ')');
  row_run(db, r, ekm_buf_text(&sql));
  ekm_buf_clear(&sql);
}

/* A blob with one bit changed; numbers and texts are changed by row_insert. */
static void flip_blob(row *r, int column, sqlite3 *db) {
  uint8_t bytes[4096];
  sqlite3_stmt *statement = NULL;
  if (sqlite3_value_type(r->values[column]) != SQLITE_BLOB) return;
  size_t len = (size_t)sqlite3_value_bytes(r->values[column]);
  assert_in_range(len, 1, sizeof bytes);
  memcpy(bytes, sqlite3_value_blob(r->values[column]), len);
  bytes[len - 1] ^= 1;
  assert_int_equal(sqlite3_prepare_v2(db, "SELECT ?1", -1, &statement, NULL), SQLITE_OK);
  (void)sqlite3_bind_blob(statement, 1, bytes, (int)len, SQLITE_STATIC);
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  sqlite3_value_free(r->values[column]);
  r->values[column] = sqlite3_value_dup(sqlite3_column_value(statement, 0));
  (void)sqlite3_finalize(statement);
}

/* The columns that the check value covers cannot be told from another master key. */
static ekm_err_id expected_of(const row *r, int column) {
  bool checked = strcmp(r->table, "meta") == 0 &&
                 (strcmp(r->names[column], "database_id") == 0 || strcmp(r->names[column], "check_value") == 0 ||
                  strcmp(r->names[column], "signer_kid") == 0);
  return checked ? EKM_E_MASTER_KEY : EKM_E_STORE_TAMPERED;
}

static void expect(store_fixture *f, const char *what, const char *table, int index, ekm_err_id id) {
  ekm_err_id got = use_all(f);
  if (got != id) {
    fail_msg("%s, row %d of %s: %s instead of %s", what, index, table, ekm_err_info_of(got)->name,
             ekm_err_info_of(id)->name);
  }
}

static void change_columns(store_fixture *f, const char *table, int index) {
  int columns = COLUMNS_MAX;
  for (int column = 0; column <= columns; column++) {
    row r;
    sqlite3 *db = open_plain(f);
    row_read(db, table, index, &r);
    columns = r.columns;
    row_delete(db, &r);
    bool none = column == columns;
    if (!none) flip_blob(&r, column, db);
    row_insert(db, &r, none ? COLUMNS_MAX : column);
    (void)sqlite3_close(db);
    /* The row that goes and comes back as it was is the control: it is not the writing that is noticed. */
    expect(f, none ? "nothing" : r.names[column], table, index, none ? EKM_E_OK : expected_of(&r, column));
    row_clear(&r);
  }
}

static void drop_row(store_fixture *f, const char *table, int index) {
  row r;
  sqlite3 *db = open_plain(f);
  row_read(db, table, index, &r);
  row_delete(db, &r);
  (void)sqlite3_close(db);
  expect(f, "the whole of it", table, index, EKM_E_STORE_TAMPERED);
  row_clear(&r);
}

typedef void (*row_attack)(store_fixture *f, const char *table, int index);

static void each_row(store_fixture *f, row_attack attack) {
  static const char *const tables[] = {"meta",
                                       "vault",
                                       "app",
                                       "app_secret",
                                       "app_certificate",
                                       "app_federation",
                                       "permission",
                                       "role_assignment",
                                       "key_name",
                                       "key_version",
                                       "due",
                                       "key_material"};
  char sql[128];
  sqlite3 *db = open_plain(f);
  int known = (int)(sizeof tables / sizeof tables[0]);
  assert_int_equal(number_of(db, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"), known);
  (void)sqlite3_close(db);
  for (int t = 0; t < known; t++) {
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", tables[t]);
    db = open_plain(f);
    int rows = number_of(db, sql);
    (void)sqlite3_close(db);
    assert_in_range(rows, 1, ROWS_MAX);
    for (int i = 0; i < rows; i++) attack(f, tables[t], i);
  }
  store_fixture_restore(f);
  assert_int_equal(use_all(f), EKM_E_OK);
}

static void every_column_of_every_row_is_sealed(void **state) {
  each_row(*state, change_columns);
}

static void every_row_is_missed(void **state) {
  each_row(*state, drop_row);
}

/* ---- attacks that somebody would want ---------------------------------------------------------------------------- */

typedef struct sql_attack {
  const char *what;
  const char *sql;
  ekm_err_id id;
} sql_attack;

static void attack_all(store_fixture *f, const sql_attack *attacks, size_t count) {
  for (size_t i = 0; i < count; i++) {
    sqlite3 *db = open_plain(f);
    run(db, attacks[i].sql);
    (void)sqlite3_close(db);
    expect(f, attacks[i].what, "the database", 0, attacks[i].id);
  }
  store_fixture_restore(f);
  assert_int_equal(use_all(f), EKM_E_OK);
}

static void rows_belong_where_they_are(void **state) {
  static const sql_attack attacks[] = {
      {"rights of A with the name of B",
       "UPDATE permission AS p SET (permissions, mac) = (SELECT permissions, mac FROM permission AS q"
       " WHERE q.vault_id = p.vault_id AND q.permissions > p.permissions) WHERE permissions = 3",
       EKM_E_STORE_TAMPERED},
      {"rights of one vault in another", "UPDATE permission SET vault_id = 2 WHERE vault_id = 1 AND permissions = 3",
       EKM_E_STORE_TAMPERED},
      {"a secret of another application",
       "UPDATE app_secret SET (salt, hash) = (SELECT salt, hash FROM app_secret AS other"
       " WHERE other.client_id <> app_secret.client_id)",
       EKM_E_STORE_TAMPERED},
      {"a whole row of secrets for another application",
       "INSERT INTO app_secret SELECT (SELECT client_id FROM app WHERE name = 'A'), id, hint, created, expires, salt,"
       " hash, mac FROM app_secret WHERE client_id = (SELECT client_id FROM app WHERE name = 'B')",
       EKM_E_STORE_TAMPERED},
      {"an application under another tenant",
       "UPDATE app SET tenant = '00000000-0000-4000-8000-000000000000' WHERE name = 'B'", EKM_E_STORE_TAMPERED},
      {"private keys exchanged between versions",
       "UPDATE key_material AS m SET sealed = (SELECT sealed FROM key_material AS o WHERE o.name = m.name"
       " AND o.version <> m.version) WHERE name = 'alpha'",
       EKM_E_STORE_TAMPERED},
      {"a private key of another vault",
       "UPDATE key_material SET sealed = (SELECT sealed FROM key_material WHERE name = 'alpha') WHERE name = 'beta'",
       EKM_E_STORE_TAMPERED},
      {"a version under another name",
       "INSERT INTO key_version SELECT 2, 'beta', version, kty, crv, a, b, enabled, nbf, exp, created, updated, ops, "
       "tags, exportable, release_policy, in_token, mac FROM key_version WHERE name = 'alpha'",
       EKM_E_STORE_TAMPERED},
      {"the older version as the newest",
       "UPDATE key_name SET newest = (SELECT version FROM key_version WHERE key_version.name = key_name.name"
       " AND version <> newest) WHERE name = 'alpha'",
       EKM_E_STORE_TAMPERED},
      {"a sealed key that is cut off", "UPDATE key_material SET sealed = substr(sealed, 1, 20)", EKM_E_STORE_TAMPERED},
      {"an empty sealed key", "UPDATE key_material SET sealed = x''", EKM_E_STORE_TAMPERED},
      {"an empty seal", "UPDATE vault SET mac = x''", EKM_E_STORE_TAMPERED},
      {"an empty root", "UPDATE meta SET root = x''", EKM_E_STORE_TAMPERED},
      {"the signing key of the folder as a key", "UPDATE key_material SET sealed = (SELECT signer_sealed FROM meta)",
       EKM_E_STORE_TAMPERED},
      {"a key as the signing key of the folder", "UPDATE meta SET signer_sealed = (SELECT sealed FROM key_material)",
       EKM_E_STORE_TAMPERED},
  };
  attack_all(*state, attacks, sizeof attacks / sizeof attacks[0]);
}

/* STRICT is the database's promise, not ours: the type of every value is under the seal. */
#define LAX_PERMISSIONS                                                                                     \
  "CREATE TABLE lax(vault_id, client_id TEXT, permissions, updated, mac, PRIMARY KEY(vault_id, client_id))" \
  " WITHOUT ROWID; INSERT INTO lax SELECT vault_id, client_id, CAST(permissions AS TEXT), updated, mac"     \
  " FROM permission; DROP TABLE permission; ALTER TABLE lax RENAME TO permission;"

static void a_broken_schema_is_refused(void **state) {
  static const sql_attack attacks[] = {
      {"a table is gone", "DROP TABLE permission", EKM_E_STORE},
      {"a column is gone", "ALTER TABLE app DROP COLUMN name", EKM_E_STORE},
      {"a column more", "ALTER TABLE app ADD COLUMN rights TEXT", EKM_E_STORE},
      {"a computed column more", "ALTER TABLE app ADD COLUMN rights TEXT GENERATED ALWAYS AS ('all') VIRTUAL",
       EKM_E_STORE_TAMPERED},
      {"a column of another name", "ALTER TABLE key_name RENAME COLUMN deleted_at TO deleted", EKM_E_STORE_TAMPERED},
      {"other types", LAX_PERMISSIONS, EKM_E_STORE_TAMPERED},
      {"a view for a table",
       "ALTER TABLE permission RENAME TO old; CREATE VIEW permission AS SELECT vault_id, client_id,"
       " 1048575 AS permissions, updated, mac FROM old",
       EKM_E_STORE},
      {"a later version", "PRAGMA user_version = 99", EKM_E_STORE},
      {"an earlier version", "PRAGMA user_version = 1", EKM_E_STORE},
      {"no version", "PRAGMA user_version = 0", EKM_E_ABSENT},
  };
  attack_all(*state, attacks, sizeof attacks / sizeof attacks[0]);
}

/* ---- what is under a row's seal ---------------------------------------------------------------------------------- */

static void different_rows_have_different_records(void **state) {
  (void)state;
  static const uint8_t zeros[8] = {0};
  const store_value one = store_int(1);
  const store_value rows[][3] = {
      /* A permission has two keys, a number and a time; the values in the middle are what differs. */
      {one, store_text(""), store_int(0)},
      {one, store_text(""), store_text("")},
      {one, store_text(""), store_blob(ekm_view_of(NULL, 0))},
      {one, store_int(0), store_text("")},
      {one, store_text("ab"), store_text("c")},
      {one, store_text("a"), store_text("bc")},
      {one, store_text("at"), store_text("b")},
      {one, store_text("a"), store_text("tb")},
      {one, store_blob(ekm_view_text("a")), store_text("bc")},
      {one, store_text("abc"), store_text("")},
      {one, store_text(""), store_text("abc")},
      {one, store_text(""), store_blob(ekm_view_of(zeros, sizeof zeros))},
      {one, store_int(-1), store_int(0)},
      {one, store_int(255), store_int(0)},
  };
  enum { COUNT = sizeof rows / sizeof rows[0] };
  ekm_buf records[COUNT];
  for (size_t i = 0; i < COUNT; i++) {
    const store_value values[] = {rows[i][0], rows[i][1], rows[i][2], one};
    ekm_buf_init(&records[i], SQL_MAX_BYTES);
    store_db_record(STORE_PERMISSION, values, &records[i]);
    for (size_t k = 0; k < i; k++) {
      if (ekm_view_equal(ekm_buf_view(&records[i]), ekm_buf_view(&records[k]))) fail_msg("rows %zu and %zu", k, i);
    }
  }
  for (size_t i = 0; i < COUNT; i++) ekm_buf_clear(&records[i]);
}

static void the_same_row_of_another_table_has_another_record(void **state) {
  (void)state;
  const store_value values[] = {store_int(1), store_text("a"), store_text("b"), store_text("c"),
                                store_int(2), store_int(3),    store_int(4)};
  ekm_buf secret, federation;
  ekm_buf_init(&secret, SQL_MAX_BYTES);
  ekm_buf_init(&federation, SQL_MAX_BYTES);
  store_db_record(STORE_SECRET, values, &secret);
  store_db_record(STORE_FEDERATION, values, &federation);
  assert_false(ekm_view_equal(ekm_buf_view(&secret), ekm_buf_view(&federation)));
  /* Both have seven columns: it is the name that differs. */
  assert_int_equal(secret.len - strlen("app_secret"), federation.len - strlen("app_federation"));
  ekm_buf_clear(&secret);
  ekm_buf_clear(&federation);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_column_of_every_row_is_sealed),
      cmocka_unit_test(every_row_is_missed),
      cmocka_unit_test(rows_belong_where_they_are),
      cmocka_unit_test(a_broken_schema_is_refused),
      cmocka_unit_test(different_rows_have_different_records),
      cmocka_unit_test(the_same_row_of_another_table_has_another_record),
  };
  return cmocka_run_group_tests(tests, set_up, store_fixture_tear_down);
}
