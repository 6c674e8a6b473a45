/* What was once true is not true for ever: an old row with its old, valid seal that is put back after a revocation is
 * noticed; so is what is written under a running store, and a schema that answers with other rows than the table's. */
#include <sqlite3.h>
#include <unistd.h>

#include "support/cmocka_all.h"
#include "support/store_fixture.h"
#include "vault/certificate.h"
#include "vault/federation.h"
#include "vault/store_manage.h"

enum { SQL_MAX_BYTES = 2048 };

static int set_up(void **state) {
  ekm_err err = {0};
  if (store_fixture_set_up(state) != 0) return -1;
  store_fixture *f = *state;
  bool ok = store_fixture_add(f, f->store, f->local, "alpha", NULL, &err) &&
            store_fixture_add(f, f->store, f->local, "beta", NULL, &err);
  store_fixture_save(f);
  return ok ? 0 : -1;
}

static void run(store_fixture *f, const char *sql) {
  char *why = NULL;
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(store_fixture_path(f, "vault.db"), &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL), SQLITE_OK);
  if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) fail_msg("%s: %s", sql, why);
  (void)sqlite3_close(db);
}

static ekm_err_id open_again(store_fixture *f) {
  ekm_err err = {0};
  vault_store_close(&f->store);
  return store_fixture_try(f, &f->store, &err) ? EKM_E_OK : err.id;
}

static ekm_err_id look(store_fixture *f) {
  ekm_err err = {0};
  const vault_directory *dir = NULL;
  bool ok = vault_store_directory(f->store, &dir, &err);
  vault_directory_release(&dir);
  return ok ? EKM_E_OK : err.id;
}

/* ---- what an administrator took away ----------------------------------------------------------------------------- */

typedef struct revocation {
  const char *what;
  bool (*revoke)(store_fixture *f, ekm_err *err);
  const char *tables[3]; /* that it changes */
} revocation;

static bool revoke_rights(store_fixture *f, ekm_err *err) {
  return vault_store_grant_set(f->store, f->local, f->app_a, 0, err);
}

static bool reduce_rights(store_fixture *f, ekm_err *err) {
  return vault_store_grant_set(f->store, f->local, f->app_a, VAULT_MAY_GET, err);
}

static bool remove_app(store_fixture *f, ekm_err *err) {
  return vault_store_app_remove(f->store, f->app_b, err);
}

static bool remove_certificate(store_fixture *f, ekm_err *err) {
  return vault_store_certificate_remove(f->store, f->app_a, f->certificate_id, err);
}

static bool remove_federation(store_fixture *f, ekm_err *err) {
  return vault_store_federation_remove(f->store, f->app_a, f->federation_id, err);
}

static bool disable(store_fixture *f, ekm_err *err) {
  return store_fixture_enable(f->store, f->local, "alpha", "", false, err);
}

static bool rotate(store_fixture *f, ekm_err *err) {
  return store_fixture_add(f, f->store, f->local, "alpha", NULL, err);
}

static bool delete_key(store_fixture *f, ekm_err *err) {
  const vault_key *key = NULL;
  bool ok = vault_store_key_delete(f->store, f->local, "alpha", &key, err);
  vault_key_release(&key);
  return ok;
}

static bool purge(store_fixture *f, ekm_err *err) {
  return delete_key(f, err) && vault_store_deleted_purge(f->store, f->local, "alpha", err);
}

static const revocation revocations[] = {
    {"rights that were taken away", revoke_rights, {"permission"}},
    {"rights that were reduced", reduce_rights, {"permission"}},
    {"an application that was removed", remove_app, {"app", "app_secret", "permission"}},
    {"a certificate that was removed", remove_certificate, {"app_certificate"}},
    {"an issuer that was trusted", remove_federation, {"app_federation"}},
    {"a version that was disabled", disable, {"key_version", "key_material"}},
    {"a newer version", rotate, {"key_name"}},
    {"a key that was deleted", delete_key, {"key_name"}},
    {"a key that was purged", purge, {"key_name", "key_version", "key_material"}},
};

/* Tables as they are now, in a database beside vault.db; and back. */
static void each_table(store_fixture *f, const revocation *r, const char *aside, const char *sql) {
  ekm_buf all;
  ekm_buf_init(&all, SQL_MAX_BYTES);
  ekm_buf_append_fmt(&all, "ATTACH '%s' AS aside; BEGIN;", store_fixture_path(f, aside));
  for (size_t i = 0; i < 3 && r->tables[i] != NULL; i++) {
    for (const char *at = sql; *at != '\0'; at++) {
      if (*at == '$')
        ekm_buf_append_text(&all, r->tables[i]);
      else
        ekm_buf_append_char(&all, *at);
    }
  }
  ekm_buf_append_text(&all, "COMMIT;");
  run(f, ekm_buf_text(&all));
  ekm_buf_clear(&all);
}

static void put_aside(store_fixture *f, const revocation *r, const char *aside) {
  (void)unlink(store_fixture_path(f, aside));
  each_table(f, r, aside, "CREATE TABLE aside.$ AS SELECT * FROM main.$;");
}

static void put_back(store_fixture *f, const revocation *r, const char *aside) {
  each_table(f, r, aside, "DELETE FROM main.$; INSERT INTO main.$ SELECT * FROM aside.$;");
}

static void check_revocation(store_fixture *f, const revocation *r) {
  ekm_err err = {0};
  store_fixture_restore(f);
  put_aside(f, r, "old.db");
  put_back(f, r, "old.db"); /* nothing happened in between: all is as it was */
  assert_int_equal(open_again(f), EKM_E_OK);
  if (!r->revoke(f, &err)) fail_msg("%s: %s", r->what, err.detail);
  put_aside(f, r, "new.db");

  put_back(f, r, "old.db");
  if (look(f) != EKM_E_STORE_TAMPERED) fail_msg("%s came back under a running store", r->what);
  if (revoke_rights(f, &err) || err.id != EKM_E_STORE_TAMPERED) fail_msg("%s: came back, and was sealed", r->what);
  if (open_again(f) != EKM_E_STORE_TAMPERED) fail_msg("%s came back at the next opening", r->what);

  put_back(f, r, "new.db");
  assert_int_equal(open_again(f), EKM_E_OK);
  put_back(f, r, "old.db");
  assert_int_equal(look(f), EKM_E_STORE_TAMPERED);
  put_back(f, r, "new.db"); /* without another opening, too */
  assert_int_equal(look(f), EKM_E_OK);
}

static void what_was_revoked_does_not_come_back(void **state) {
  for (size_t i = 0; i < sizeof revocations / sizeof revocations[0]; i++) check_revocation(*state, &revocations[i]);
}

/* ---- a schema with two truths ------------------------------------------------------------------------------------ */

/* SQLite scans an index that has all columns instead of its table. This one is made while the version is disabled, so
 * that the scan counts the set that the root says; it is hidden from SQLite while the table gets its old rows back. A
 * store that believed such a schema would find a good set, and a version that is enabled. */
#define ALL_COLUMNS "vault_id, name, version, kty, crv, a, b, enabled, nbf, exp, created, updated, ops, tags, mac"

static void an_index_does_not_answer_for_its_table(void **state) {
  store_fixture *f = *state;
  static const revocation disabling = {"a disabled version", disable, {"key_version", "key_material"}};
  ekm_err err = {0};
  store_fixture_restore(f);
  put_aside(f, &disabling, "old.db");
  assert_int_equal(open_again(f), EKM_E_OK);
  assert_true(disable(f, &err));
  vault_store_close(&f->store);
  run(f, "CREATE INDEX everything ON key_version(" ALL_COLUMNS
         "); CREATE TABLE hidden AS SELECT * FROM sqlite_schema WHERE name = 'everything';"
         "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'everything'");
  put_back(f, &disabling, "old.db");
  run(f, "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema SELECT * FROM hidden; DROP TABLE hidden");
  if (open_again(f) != EKM_E_STORE_TAMPERED) {
    const vault_key *key = NULL;
    assert_true(vault_store_key_get(f->store, f->local, "alpha", "", &key, &err));
    print_message("the disabled version is %s\n", key->attributes.enabled ? "enabled again" : "disabled");
    vault_key_release(&key);
    fail_msg("a schema that is not akvd's was believed");
  }
}

static void what_is_added_to_the_schema_is_refused(void **state) {
  store_fixture *f = *state;
  static const char *const additions[] = {
      "CREATE INDEX other ON permission(client_id)",
      "CREATE TABLE other(a)",
      "CREATE VIEW other AS SELECT * FROM permission",
      "CREATE TRIGGER other AFTER UPDATE ON meta BEGIN UPDATE permission SET permissions = 1; END",
  };
  for (size_t i = 0; i < sizeof additions / sizeof additions[0]; i++) {
    store_fixture_restore(f);
    assert_int_equal(open_again(f), EKM_E_OK);
    run(f, additions[i]);
    if (look(f) != EKM_E_STORE_TAMPERED) fail_msg("under a running store: %s", additions[i]);
    if (open_again(f) != EKM_E_STORE_TAMPERED) fail_msg("at the opening: %s", additions[i]);
  }
}

/* What an administrator may do with SQLite's own tools. */
static void upkeep_is_no_tampering(void **state) {
  store_fixture *f = *state;
  store_fixture_restore(f);
  assert_int_equal(open_again(f), EKM_E_OK);
  run(f, "PRAGMA wal_checkpoint(TRUNCATE); REINDEX; VACUUM");
  assert_int_equal(look(f), EKM_E_OK);
  assert_int_equal(open_again(f), EKM_E_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_revoked_does_not_come_back),
      cmocka_unit_test(an_index_does_not_answer_for_its_table),
      cmocka_unit_test(what_is_added_to_the_schema_is_refused),
      cmocka_unit_test(upkeep_is_no_tampering),
  };
  return cmocka_run_group_tests(tests, set_up, store_fixture_tear_down);
}
