/* What an administrator is told when the database cannot be used: what is wrong, with which file, and whether waiting
 * helps. Advice that loses keys is worse than none. */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/cmocka_all.h"
#include "support/store_fixture.h"

/* ---- damage ------------------------------------------------------------------------------------------------------ */

enum { PAGE_BYTES = 4096, WHOLE_FILE = -1 };

typedef struct damage {
  const char *what;
  long at;         /* where zeros are written */
  long len;        /* WHOLE_FILE: nothing is left */
  ekm_err_id told; /* at the opening */
  const char *words;
} damage;

static void inflict(const char *path, const damage *d) {
  static const char zeros[2 * PAGE_BYTES] = {0};
  if (d->len == WHOLE_FILE) {
    assert_int_equal(truncate(path, 0), 0);
    return;
  }
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  assert_int_equal(fseek(file, d->at, SEEK_SET), 0);
  assert_int_equal(fwrite(zeros, 1, (size_t)d->len, file), d->len);
  assert_int_equal(fclose(file), 0);
}

static void a_damaged_database_is_called_so(void **state) {
  static const damage rows[] = {
      {"its first bytes", 0, 4, EKM_E_STORE_BROKEN, "vault.db': file is not a database"},
      {"its first page", 0, PAGE_BYTES, EKM_E_STORE_BROKEN, "vault.db': file is not a database"},
      {"its tables", PAGE_BYTES, 2 * PAGE_BYTES, EKM_E_STORE_BROKEN, "vault.db': database disk image is malformed"},
      {"all of it", 0, WHOLE_FILE, EKM_E_ABSENT,
       "vault.db' holds no vault: if there were keys in it, restore a backup of the folder; if not, run: akvd init"},
  };
  store_fixture *f = *state;
  store_fixture_save(f);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    inflict(store_fixture_path(f, "vault.db"), &rows[i]);
    bool ok = store_fixture_try(f, &f->store, &err);
    if (ok || err.id != rows[i].told || strstr(err.detail, rows[i].words) == NULL) {
      fail_msg("%s: error %d, %s", rows[i].what, (int)err.id, err.detail);
    }
    store_fixture_restore(f);
  }
  store_fixture_reopen(f);
}

/* ---- what passes ------------------------------------------------------------------------------------------------- */

static void limit_files(rlim_t bytes) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_is_called_so(void **state) {
  static const rlim_t limits[] = {0, 1024};
  store_fixture *f = *state;
  for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
    ekm_err err = {0};
    vault_store_close(&f->store);
    limit_files(limits[i]);
    bool ok = store_fixture_try(f, &f->store, &err);
    limit_files(RLIM_INFINITY);
    assert_false(ok);
    assert_int_equal(err.id, EKM_E_STORE);
    assert_non_null(strstr(err.detail, "vault.db': no space is left"));
    store_fixture_reopen(f);
  }
}

static void a_full_disk_at_a_change_is_called_so(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  limit_files(1024);
  bool ok = store_fixture_add(f, f->store, f->local, "full", NULL, &err);
  limit_files(RLIM_INFINITY);
  assert_false(ok);
  assert_int_equal(err.id, EKM_E_STORE);
  assert_non_null(strstr(err.detail, "vault.db': no space is left"));
}

static int slept_ms;

static int sleep_at_once(sqlite3_vfs *vfs, int microseconds) {
  (void)vfs;
  slept_ms += microseconds / 1000;
  return microseconds;
}

static void another_program_that_holds_it_is_called_so(void **state) {
  store_fixture *f = *state;
  sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
  int (*usual_sleep)(sqlite3_vfs *, int) = vfs->xSleep;
  sqlite3 *other = NULL;
  ekm_err err = {0};

  assert_int_equal(sqlite3_open(store_fixture_path(f, "vault.db"), &other), SQLITE_OK);
  assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
  slept_ms = 0;
  vfs->xSleep = sleep_at_once;
  bool ok = store_fixture_add(f, f->store, f->local, "held", NULL, &err);
  vfs->xSleep = usual_sleep;
  assert_int_equal(sqlite3_close(other), SQLITE_OK);
  assert_false(ok);
  assert_in_range(slept_ms, 9000, 11000); /* and not at once */
  assert_int_equal(err.id, EKM_E_STORE_BUSY);
  assert_non_null(strstr(err.detail, "vault.db': database is locked"));
  assert_true(store_fixture_add(f, f->store, f->local, "held", NULL, &err));
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, store_fixture_set_up, store_fixture_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      EACH(a_damaged_database_is_called_so),
      EACH(a_full_disk_is_called_so),
      EACH(a_full_disk_at_a_change_is_called_so),
      EACH(another_program_that_holds_it_is_called_so),
  };
  (void)signal(SIGXFSZ, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
