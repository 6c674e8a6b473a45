/* Another master key: everything is there as before, the old key opens nothing, other connections follow, and a
 * rotation that was cut short leaves a folder that opens. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/thread.h"
#include "support/cmocka_all.h"
#include "support/store_fixture.h"

enum { FILE_MAX_BYTES = 4096, BLOB_MAX_BYTES = 64 * 1024, ROUNDS = 6 };

static char versions[2][EKM_LIMIT_KEY_VERSION_CHARS + 1];

static int set_up(void **state) {
  ekm_err err = {0};
  const vault_key *gone = NULL;
  if (store_fixture_set_up(state) != 0) return -1;
  store_fixture *f = *state;
  bool ok = store_fixture_add(f, f->store, f->local, "alpha", versions[0], &err) &&
            store_fixture_add(f, f->store, f->local, "alpha", versions[1], &err) &&
            store_fixture_add(f, f->store, f->other, "beta", NULL, &err) &&
            store_fixture_add(f, f->store, f->local, "gone", NULL, &err) &&
            vault_store_key_delete(f->store, f->local, "gone", &gone, &err);
  vault_key_release(&gone);
  return ok ? 0 : -1;
}

static void rotate(vault_store *store) {
  ekm_err err = {0};
  if (!vault_store_master_rotate(store, NULL, &err)) {
    fail_msg("%s: %s", ekm_err_info_of(err.id)->name, err.detail);
  }
}

static void master_key(store_fixture *f, ekm_buf *out) {
  ekm_err err = {0};
  ekm_buf_init(out, FILE_MAX_BYTES);
  assert_true(ekm_file_read(store_fixture_path(f, "master.key"), out, &err));
}

static void put(store_fixture *f, const char *name, const ekm_buf *content) {
  ekm_err err = {0};
  assert_true(ekm_file_write_private(store_fixture_path(f, name), ekm_buf_view(content), &err));
}

static void check_secret(vault_store *store, const char *client_id, const char *secret) {
  ekm_err err = {0};
  vault_secret_check check;
  const vault_directory *dir = NULL;
  assert_true(vault_store_directory(store, &dir, &err));
  assert_true(
      vault_store_check_secret(store, vault_directory_app(dir, client_id), ekm_view_text(secret), &check, &err));
  assert_int_equal(check, VAULT_SECRET_RIGHT);
  vault_directory_release(&dir);
}

/* All that there is can be used. */
static void check_all(store_fixture *f, vault_store *store) {
  ekm_err err = {0};
  const vault_key *gone = NULL;
  check_secret(store, f->app_a, STORE_SECRET_A);
  check_secret(store, f->app_b, STORE_SECRET_B);
  assert_true(store_fixture_use(store, f->local, "alpha", versions[0], &err));
  assert_true(store_fixture_use(store, f->local, "alpha", versions[1], &err));
  assert_true(store_fixture_use(store, f->other, "beta", NULL, &err));
  assert_true(vault_store_deleted_get(store, f->local, "gone", &gone, &err));
  vault_key_release(&gone);
}

static void everything_is_there_under_the_new_key(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  ekm_buf old, new;
  char kid[64];
  master_key(f, &old);
  (void)snprintf(kid, sizeof kid, "%s", vault_store_signer_kid(f->store));
  rotate(f->store);
  master_key(f, &new);
  assert_int_equal(old.len, new.len);
  assert_memory_not_equal(old.ptr, new.ptr, old.len);
  assert_false(ekm_file_exists(store_fixture_path(f, "master.key.new")));
  check_all(f, f->store); /* the store that did it */
  store_fixture_reopen(f);
  check_all(f, f->store);
  assert_string_equal(vault_store_signer_kid(f->store), kid);
  vault_store_close(&f->store);
  put(f, "master.key", &old);
  assert_false(store_fixture_try(f, &f->store, &err));
  assert_int_equal(err.id, EKM_E_MASTER_KEY);
  put(f, "master.key", &new);
  store_fixture_reopen(f);
  ekm_buf_clear(&old);
  ekm_buf_clear(&new);
}

static void changes_are_made_under_the_new_key(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  rotate(f->store);
  assert_true(store_fixture_add(f, f->store, f->local, "later", NULL, &err));
  assert_true(store_fixture_enable(f->store, f->local, "alpha", versions[0], false, &err));
  assert_true(store_fixture_enable(f->store, f->local, "alpha", versions[0], true, &err));
  store_fixture_reopen(f);
  check_all(f, f->store);
  assert_true(store_fixture_use(f->store, f->local, "later", NULL, &err));
}

static void another_connection_follows(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  vault_store *server = NULL;
  assert_true(store_fixture_try(f, &server, &err));
  check_all(f, server);
  for (int i = 0; i < ROUNDS; i++) {
    char name[32];
    rotate(f->store);
    /* Whatever it does first: reading, listing, writing. */
    vault_key_page page = {0};
    (void)snprintf(name, sizeof name, "round-%d", i);
    bool ok = i % 3 == 0   ? store_fixture_use(server, f->local, "alpha", versions[0], &err)
              : i % 3 == 1 ? vault_store_key_list(server, f->local, NULL, 25, &page, &err)
                           : store_fixture_add(f, server, f->local, name, NULL, &err);
    if (!ok) fail_msg("round %d: %s", i, err.detail);
    vault_key_page_clear(&page);
    check_all(f, server);
    check_all(f, f->store);
  }
  vault_store_close(&server);
}

typedef struct worker {
  store_fixture *f;
  vault_store *store;
  size_t failures;
  atomic_bool *stop;
} worker;

static void use_without_end(void *arg) {
  worker *w = arg;
  for (int i = 0; !atomic_load(w->stop); i++) {
    ekm_err err = {0};
    char name[32];
    const vault_directory *dir = NULL;
    (void)snprintf(name, sizeof name, "busy-%d", i % 8);
    bool ok = vault_store_directory(w->store, &dir, &err) &&
              store_fixture_use(w->store, w->f->local, "alpha", versions[i % 2], &err) &&
              (i % 16 != 0 || store_fixture_add(w->f, w->store, w->f->local, name, NULL, &err));
    vault_directory_release(&dir);
    if (!ok) {
      w->failures++;
      print_error("%s: %s\n", ekm_err_info_of(err.id)->name, err.detail);
    }
  }
}

static void those_who_work_meanwhile_notice_nothing(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  atomic_bool stop;
  vault_store *server = NULL;
  ekm_thread *threads[2];
  worker workers[2];
  atomic_init(&stop, false);
  assert_true(store_fixture_try(f, &server, &err));
  for (int i = 0; i < 2; i++) {
    workers[i] = (worker){.f = f, .store = server, .stop = &stop};
    assert_true(ekm_thread_start(&threads[i], use_without_end, &workers[i], &err));
  }
  for (int i = 0; i < ROUNDS; i++) rotate(f->store);
  atomic_store(&stop, true);
  for (int i = 0; i < 2; i++) {
    ekm_thread_join(&threads[i]);
    assert_int_equal(workers[i].failures, 0);
  }
  vault_store_close(&server);
}

static void a_rotation_that_was_cut_short_is_finished(void **state) {
  store_fixture *f = *state;
  ekm_buf old, new, now;
  master_key(f, &old);
  rotate(f->store);
  master_key(f, &new);
  vault_store_close(&f->store);
  /* Cut behind the transaction: the file is still the old one, the new one lies beside it. */
  put(f, "master.key", &old);
  put(f, "master.key.new", &new);
  store_fixture_reopen(f);
  check_all(f, f->store);
  master_key(f, &now);
  assert_memory_equal(now.ptr, new.ptr, new.len);
  assert_false(ekm_file_exists(store_fixture_path(f, "master.key.new")));
  ekm_buf_clear(&now);
  /* Cut before it: a new key that opens nothing lies beside the right one. */
  vault_store_close(&f->store);
  put(f, "master.key.new", &old);
  store_fixture_reopen(f);
  check_all(f, f->store);
  rotate(f->store);
  store_fixture_reopen(f);
  check_all(f, f->store);
  assert_false(ekm_file_exists(store_fixture_path(f, "master.key.new")));
  ekm_buf_clear(&old);
  ekm_buf_clear(&new);
}

static void a_backup_of_a_key_outlives_the_master_key(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  const vault_key *key = NULL;
  ekm_buf blob;
  ekm_buf_init(&blob, BLOB_MAX_BYTES);
  assert_true(vault_store_key_backup(f->store, f->other, "beta", &blob, &err));
  rotate(f->store);
  assert_true(vault_store_key_restore(f->store, f->local, ekm_buf_view(&blob), &key, &err));
  vault_key_release(&key);
  assert_true(store_fixture_use(f->store, f->local, "beta", NULL, &err));
  ekm_buf_clear(&blob);
}

static void say(void *arg, size_t rows) {
  *(size_t *)arg = rows;
}

static void a_folder_that_cannot_be_written_stays_as_it_was(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  size_t rows = 0;
  const vault_progress progress = {say, &rows};
  if (geteuid() == 0) {
    /* root writes everywhere: what fails is a file in the way, which is a folder with something in it */
    assert_int_equal(mkdir(store_fixture_path(f, "master.key.new"), 0700), 0);
    assert_int_equal(mkdir(store_fixture_path(f, "master.key.new/x"), 0700), 0);
  } else {
    assert_int_equal(chmod(f->folder, 0500), 0);
  }
  assert_false(vault_store_master_rotate(f->store, &progress, &err));
  assert_true(err.id == EKM_E_FILE_WRITE || err.id == EKM_E_EXISTS);
  (void)chmod(f->folder, 0700);
  (void)rmdir(store_fixture_path(f, "master.key.new/x"));
  (void)rmdir(store_fixture_path(f, "master.key.new"));
  check_all(f, f->store);
  store_fixture_reopen(f);
  check_all(f, f->store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(everything_is_there_under_the_new_key, set_up, store_fixture_tear_down),
      cmocka_unit_test_setup_teardown(changes_are_made_under_the_new_key, set_up, store_fixture_tear_down),
      cmocka_unit_test_setup_teardown(another_connection_follows, set_up, store_fixture_tear_down),
      cmocka_unit_test_setup_teardown(those_who_work_meanwhile_notice_nothing, set_up, store_fixture_tear_down),
      cmocka_unit_test_setup_teardown(a_rotation_that_was_cut_short_is_finished, set_up, store_fixture_tear_down),
      cmocka_unit_test_setup_teardown(a_backup_of_a_key_outlives_the_master_key, set_up, store_fixture_tear_down),
      cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_written_stays_as_it_was, set_up, store_fixture_tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
