/* The master key opens its own folder and no other, and without it the files of the folder give no secret away. */
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "support/cmocka_all.h"
#include "support/store_fixture.h"
#include "vault/store_manage.h"

enum { FILE_MAX_BYTES = 4096, DATABASE_MAX_BYTES = 16 * 1024 * 1024, NEEDLE_BYTES = 32 };

#define HEAD "openekm-master-key v1\n"
#define DIGITS_31 "00112233445566778899aabbccddeeff00112233445566778899aabbccddee"

static int set_up(void **state) {
  ekm_err err = {0};
  if (store_fixture_set_up(state) != 0) return -1;
  store_fixture *f = *state;
  bool ok = store_fixture_add(f, f->store, f->local, "alpha", NULL, &err);
  store_fixture_save(f);
  return ok ? 0 : -1;
}

/* ---- the key's file ---------------------------------------------------------------------------------------------- */

static ekm_err_id open_with(store_fixture *f, const char *content) {
  ekm_err err = {0};
  ekm_err_id id = EKM_E_OK;
  const char *path = store_fixture_path(f, "master.key");
  assert_true(ekm_file_write_private(path, ekm_view_text(content), &err));
  if (!store_fixture_try(f, &f->store, &err)) id = err.id;
  vault_store_close(&f->store);
  return id;
}

static void read_master_key(store_fixture *f, ekm_buf *out) {
  ekm_err err = {0};
  ekm_buf_init(out, FILE_MAX_BYTES);
  assert_true(ekm_file_read(store_fixture_path(f, "master.key"), out, &err));
}

static void only_its_own_master_key_opens_a_folder(void **state) {
  store_fixture *f = *state;
  ekm_buf right, almost;
  static const char *const wrong[] = {"",
                                      "\n",
                                      HEAD,
                                      HEAD DIGITS_31,
                                      HEAD DIGITS_31 "f",
                                      HEAD DIGITS_31 "fg\n",
                                      HEAD DIGITS_31 "ff\n",
                                      HEAD DIGITS_31 "ff00\n",
                                      "openekm-master-key v2\n" DIGITS_31 "ff\n",
                                      DIGITS_31 "ff\n"};
  read_master_key(f, &right);
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    if (open_with(f, wrong[i]) != EKM_E_MASTER_KEY) fail_msg("the folder was opened with '%s'", wrong[i]);
  }
  ekm_buf_init(&almost, FILE_MAX_BYTES);
  ekm_buf_append_view(&almost, ekm_buf_view(&right));
  uint8_t *digit = &almost.ptr[almost.len - 2]; /* before the line's end */
  *digit = *digit == '0' ? '1' : '0';
  assert_int_equal(open_with(f, ekm_buf_text(&almost)), EKM_E_MASTER_KEY);
  assert_int_equal(open_with(f, ekm_buf_text(&right)), EKM_E_OK);
  ekm_buf_clear(&right);
  ekm_buf_clear(&almost);
}

static void a_master_key_must_be_there_and_private(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  char path[512], aside[512];
  (void)snprintf(path, sizeof path, "%s", store_fixture_path(f, "master.key"));
  (void)snprintf(aside, sizeof aside, "%s", store_fixture_path(f, "elsewhere"));
  static const mode_t modes[] = {0644, 0640, 0604, 0620, 0602};
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    assert_int_equal(chmod(path, modes[i]), 0);
    assert_false(store_fixture_try(f, &f->store, &err));
    assert_int_equal(err.id, EKM_E_FILE_READ);
    assert_non_null(strstr(err.detail, path));
  }
  assert_int_equal(chmod(path, 0600), 0);
  assert_int_equal(rename(path, aside), 0);
  assert_false(store_fixture_try(f, &f->store, &err));
  assert_int_equal(err.id, EKM_E_FILE_READ);

  vault_store_options options = {
      .folder = f->folder, .master_key_file = aside, .crypto = f->crypto, .clock = &f->clock.base};
  assert_true(vault_store_open(&options, &f->store, &err)); /* it may live elsewhere */
  vault_store_close(&f->store);
  options.master_key_file = NULL;
  assert_false(vault_store_create(&options, &err)); /* a database does not get a second master key */
  assert_int_equal(err.id, EKM_E_EXISTS);
  assert_false(ekm_file_exists(path));
  assert_int_equal(rename(aside, path), 0);
  assert_false(vault_store_create(&options, &err));
  assert_int_equal(err.id, EKM_E_EXISTS);
  store_fixture_reopen(f);
  vault_store_close(&f->store);
}

/* A folder that another database was copied into: both keys are good, each for its own. */
static void the_database_of_another_folder_is_not_opened(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  ekm_buf right, foreign;
  read_master_key(f, &right);
  assert_int_equal(unlink(store_fixture_path(f, "master.key")), 0);
  assert_int_equal(unlink(store_fixture_path(f, "vault.db")), 0);
  const vault_store_options options = {.folder = f->folder, .crypto = f->crypto, .clock = &f->clock.base};
  assert_true(vault_store_create(&options, &err));
  read_master_key(f, &foreign);
  assert_int_equal(open_with(f, ekm_buf_text(&right)), EKM_E_MASTER_KEY);
  assert_int_equal(open_with(f, ekm_buf_text(&foreign)), EKM_E_OK);
  store_fixture_restore(f);
  assert_int_equal(open_with(f, ekm_buf_text(&foreign)), EKM_E_MASTER_KEY);
  assert_int_equal(open_with(f, ekm_buf_text(&right)), EKM_E_OK);
  ekm_buf_clear(&right);
  ekm_buf_clear(&foreign);
}

/* ---- what the files give away ------------------------------------------------------------------------------------ */

static bool has(ekm_view hay, ekm_view needle) {
  for (size_t at = 0; at + needle.len <= hay.len; at++) {
    if (hay.ptr[at] == needle.ptr[0] && memcmp(hay.ptr + at, needle.ptr, needle.len) == 0) return true;
  }
  return false;
}

/* In how many files of the folder, but for the master key's, are these bytes? */
static int files_with(store_fixture *f, ekm_view needle) {
  int count = 0;
  ekm_err err = {0};
  const struct dirent *entry;
  DIR *dir = opendir(f->folder);
  assert_non_null(dir);
  while ((entry = readdir(dir)) != NULL) {
    ekm_buf file;
    if (entry->d_name[0] == '.') continue;
    ekm_buf_init(&file, DATABASE_MAX_BYTES);
    assert_true(ekm_file_read(store_fixture_path(f, entry->d_name), &file, &err));
    if (has(ekm_buf_view(&file), needle)) count++;
    ekm_buf_clear(&file);
  }
  (void)closedir(dir);
  return count;
}

/* Some bytes out of the middle of a number: no header and no leading zero. */
static ekm_view middle(const ekm_buf *number) {
  assert_true(number->len > 2 * NEEDLE_BYTES);
  return ekm_view_of(number->ptr + number->len / 2, NEEDLE_BYTES);
}

static void expect_no_secret(store_fixture *f, ekm_view made_secret) {
  const ekm_view needles[] = {
      middle(&f->d), middle(&f->p), middle(&f->q), ekm_view_text(STORE_SECRET_A), ekm_view_text(STORE_SECRET_B),
      made_secret};
  for (size_t i = 0; i < sizeof needles / sizeof needles[0]; i++) {
    if (files_with(f, needles[i]) != 0) fail_msg("secret %zu is in a file", i);
  }
}

static void no_file_holds_a_secret(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  char id[VAULT_GUID_CHARS + 1];
  ekm_secret made = {0};
  store_fixture_restore(f);
  store_fixture_reopen(f);
  assert_true(vault_store_secret_add(f->store, f->app_b, &made, 0, id, &err));
  assert_int_equal(made.len, 40);
  assert_true(store_fixture_add(f, f->store, f->local, "alpha", NULL, &err));
  assert_true(store_fixture_add(f, f->store, f->other, "gamma", NULL, &err));
  assert_true(store_fixture_enable(f->store, f->other, "gamma", NULL, false, &err));
  assert_true(store_fixture_use(f->store, f->local, "alpha", NULL, &err));

  assert_true(ekm_file_exists(store_fixture_path(f, "vault.db-wal")));
  assert_true(files_with(f, middle(&f->modulus)) >=
              2); /* the search finds what is there: in the database and its log */
  expect_no_secret(f, ekm_secret_reveal(&made));
  vault_store_close(&f->store);
  assert_int_equal(files_with(f, middle(&f->modulus)), 1);
  expect_no_secret(f, ekm_secret_reveal(&made));

  /* What the search would find if a secret were written: the test would fail. */
  assert_true(ekm_file_write_private(store_fixture_path(f, "leak"), ekm_buf_view(&f->der), &err));
  assert_int_equal(files_with(f, middle(&f->d)), 1);
  assert_int_equal(files_with(f, middle(&f->p)), 1);
  assert_int_equal(unlink(store_fixture_path(f, "leak")), 0);
  ekm_secret_clear(&made);
}

static void read_sealed(store_fixture *f, ekm_buf *out) {
  sqlite3 *db = NULL;
  sqlite3_stmt *statement = NULL;
  ekm_buf_init(out, FILE_MAX_BYTES);
  assert_int_equal(sqlite3_open(store_fixture_path(f, "vault.db"), &db), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(db, "SELECT sealed FROM key_material WHERE name = 'alpha'", -1, &statement, NULL),
                   SQLITE_OK);
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  ekm_buf_append(out, sqlite3_column_blob(statement, 0), (size_t)sqlite3_column_bytes(statement, 0));
  (void)sqlite3_finalize(statement);
  (void)sqlite3_close(db);
}

/* Who has an old copy of the master key finds nothing to use it on. */
static void what_is_purged_is_overwritten(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  const vault_key *key = NULL;
  ekm_buf sealed;
  store_fixture_restore(f);
  read_sealed(f, &sealed);
  ekm_view needle = ekm_view_of(sealed.ptr, NEEDLE_BYTES);
  assert_int_equal(files_with(f, needle), 1);
  store_fixture_reopen(f);
  assert_true(vault_store_key_delete(f->store, f->local, "alpha", &key, &err));
  vault_key_release(&key);
  vault_store_close(&f->store);
  assert_int_equal(files_with(f, needle), 1);
  store_fixture_reopen(f);
  assert_true(vault_store_deleted_purge(f->store, f->local, "alpha", &err));
  vault_store_close(&f->store);
  assert_int_equal(files_with(f, needle), 0);
  ekm_buf_clear(&sealed);
}

static int private_files(const char *folder) {
  char path[1024];
  struct stat info;
  int count = 0;
  const struct dirent *entry;
  assert_int_equal(stat(folder, &info), 0);
  assert_int_equal(info.st_mode & 077, 0);
  DIR *dir = opendir(folder);
  assert_non_null(dir);
  while ((entry = readdir(dir)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    count++;
    (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    assert_int_equal(stat(path, &info), 0);
    if ((info.st_mode & 077) != 0) fail_msg("%s has mode %o", entry->d_name, (unsigned)info.st_mode);
  }
  (void)closedir(dir);
  return count;
}

/* In a folder that the store made alone: the fixture's own files are private because the fixture made them so. */
static void nobody_else_may_read_the_files(void **state) {
  store_fixture *f = *state;
  char folder[512];
  vault_store *store = NULL;
  ekm_err err = {0};
  const vault_spec spec = {.name = "fresh"};
  (void)snprintf(folder, sizeof folder, "%s", store_fixture_path(f, "fresh"));
  const vault_store_options options = {.folder = folder, .crypto = f->crypto, .clock = &f->clock.base};
  assert_true(vault_store_create(&options, &err));
  assert_int_equal(private_files(folder), 2); /* database, master key */
  assert_true(vault_store_open(&options, &store, &err));
  assert_true(vault_store_vault_add(store, &spec, &err));
  assert_int_equal(private_files(folder), 4); /* and log, its index */
  vault_store_close(&store);
  assert_int_equal(unlink(store_fixture_path(f, "fresh/vault.db")), 0);
  assert_int_equal(unlink(store_fixture_path(f, "fresh/master.key")), 0);
  assert_int_equal(rmdir(folder), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_its_own_master_key_opens_a_folder),
      cmocka_unit_test(a_master_key_must_be_there_and_private),
      cmocka_unit_test(the_database_of_another_folder_is_not_opened),
      cmocka_unit_test(no_file_holds_a_secret),
      cmocka_unit_test(what_is_purged_is_overwritten),
      cmocka_unit_test(nobody_else_may_read_the_files),
  };
  (void)umask(022); /* the usual one: what is private is so by itself */
  return cmocka_run_group_tests(tests, set_up, store_fixture_tear_down);
}
