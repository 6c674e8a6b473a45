/* Backups of the whole: what comes back on another machine, what a wrong passphrase says, and that no byte can be
 * changed unnoticed. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "support/cmocka_all.h"
#include "support/store_fixture.h"
#include "vault/archive.h"

enum { FILE_MAX_BYTES = 32 * 1024 * 1024, FILLERS = 40 };
#define PASSPHRASE "correct horse battery staple"

static char version[EKM_LIMIT_KEY_VERSION_CHARS + 1];
static ekm_buf whole; /* the backup of all tests */

static void secret_of(const char *text, ekm_secret *out) {
  ekm_err err = {0};
  assert_true(ekm_secret_set(out, ekm_view_text(text), &err));
}

static const char *backup_path(store_fixture *f) {
  return store_fixture_path(f, "backup");
}

static void write_backup(store_fixture *f) {
  ekm_err err = {0};
  json_t *head = NULL;
  ekm_secret secret = {0};
  secret_of(PASSPHRASE, &secret);
  if (!vault_archive_write(f->store, f->crypto, &secret, backup_path(f), &head, &err)) fail_msg("%s", err.detail);
  assert_int_equal(ekm_json_int(head, "vaults", 0), 3);
  assert_int_equal(ekm_json_int(head, "keys", 0), 2 + FILLERS);
  ekm_json_free(&head);
  ekm_secret_clear(&secret);
}

static int set_up(void **state) {
  ekm_err err = {0};
  if (store_fixture_set_up(state) != 0) return -1;
  store_fixture *f = *state;
  ekm_buf_init(&whole, FILE_MAX_BYTES);
  if (!store_fixture_add(f, f->store, f->local, "alpha", version, &err) ||
      !store_fixture_add(f, f->store, f->other, "beta", NULL, &err)) {
    return -1;
  }
  for (int i = 0; i < FILLERS; i++) { /* so that there is more than one chunk */
    char name[32];
    (void)snprintf(name, sizeof name, "filler-%d", i);
    if (!store_fixture_add(f, f->store, f->local, name, NULL, &err)) return -1;
  }
  write_backup(f);
  return ekm_file_read(backup_path(f), &whole, &err) ? 0 : -1;
}

static int tear_down(void **state) {
  ekm_buf_clear(&whole);
  return store_fixture_tear_down(state);
}

/* ---- a folder of its own ----------------------------------------------------------------------------------------- */

static char folder[600];

static void new_folder(store_fixture *f) {
  (void)snprintf(folder, sizeof folder, "%s", store_fixture_path(f, "restored"));
}

static void drop_folder(void) {
  static const char *const names[] = {"vault.db", "vault.db-wal", "vault.db-shm", "master.key", "master.key.new"};
  char path[700];
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    (void)unlink(path);
  }
  (void)rmdir(folder);
}

static ekm_err_id restore(store_fixture *f, const char *passphrase) {
  ekm_err err = {0};
  ekm_secret secret = {0};
  new_folder(f);
  secret_of(passphrase, &secret);
  bool ok = vault_archive_restore(f->crypto, NULL, backup_path(f), &secret, folder, &err);
  ekm_secret_clear(&secret);
  if (ok) return EKM_E_OK;
  assert_int_not_equal(err.id, EKM_E_OK);
  return err.id;
}

static void everything_comes_back(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  vault_store *store = NULL;
  vault_secret_check check;
  const vault_directory *dir = NULL;
  struct stat info;
  assert_int_equal(restore(f, PASSPHRASE), EKM_E_OK);
  const vault_store_options options = {.folder = folder, .crypto = f->crypto, .clock = &f->clock.base};
  if (!vault_store_open(&options, &store, &err)) fail_msg("%s", err.detail);
  assert_true(store_fixture_use(store, f->local, "alpha", version, &err));
  assert_true(store_fixture_use(store, f->other, "beta", NULL, &err));
  assert_true(vault_store_directory(store, &dir, &err));
  assert_true(
      vault_store_check_secret(store, vault_directory_app(dir, f->app_a), ekm_view_text(STORE_SECRET_A), &check, &err));
  assert_int_equal(check, VAULT_SECRET_RIGHT);
  assert_string_equal(vault_store_signer_kid(store), vault_store_signer_kid(f->store));
  vault_directory_release(&dir);
  vault_store_close(&store);
  assert_int_equal(restore(f, PASSPHRASE), EKM_E_EXISTS); /* never over what is there */
  char path[700];
  (void)snprintf(path, sizeof path, "%s/vault.db", folder);
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  drop_folder();
}

static void a_wrong_passphrase_gives_nothing(void **state) {
  store_fixture *f = *state;
  static const char *const wrong[] = {"correct horse battery stapl", "correct horse battery staple ", "x"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    char path[700];
    assert_int_equal(restore(f, wrong[i]), EKM_E_MISMATCH);
    (void)snprintf(path, sizeof path, "%s/vault.db", folder);
    assert_false(ekm_file_exists(path));
    (void)snprintf(path, sizeof path, "%s/master.key", folder);
    assert_false(ekm_file_exists(path));
    drop_folder();
  }
}

static void put(store_fixture *f, ekm_view bytes) {
  ekm_err err = {0};
  assert_true(ekm_file_write_private(backup_path(f), bytes, &err));
}

static void refused(store_fixture *f, const char *what, size_t at) {
  ekm_err_id id = restore(f, PASSPHRASE);
  if (id != EKM_E_MISMATCH && id != EKM_E_LIMIT) fail_msg("%s at %zu: %s", what, at, ekm_err_info_of(id)->name);
  drop_folder();
}

/* Bytes of the head, of both ends of every chunk, and the last ones. */
static void every_change_is_noticed(void **state) {
  store_fixture *f = *state;
  size_t head = 0;
  for (int lines = 0; lines < 2; head++) lines += whole.ptr[head] == '\n';
  for (size_t i = 0; i < whole.len;) {
    whole.ptr[i] ^= 4;
    put(f, ekm_buf_view(&whole));
    refused(f, "changed", i);
    whole.ptr[i] ^= 4;
    i += i < head ? 37 : i + 1 < whole.len && i + 30011 >= whole.len ? whole.len - 1 - i : 30011;
  }
  put(f, ekm_buf_view(&whole));
}

static void every_cut_is_noticed(void **state) {
  store_fixture *f = *state;
  size_t chunk = 64 * 1024 + 16;
  size_t head = 0;
  for (int lines = 0; lines < 2; head++) lines += whole.ptr[head] == '\n';
  const size_t cuts[] = {0, 5, 14, head - 1, head, head + 1, head + 16, head + chunk, whole.len - 1, whole.len - 16};
  for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
    assert_true(cuts[i] < whole.len);
    put(f, ekm_view_of(whole.ptr, cuts[i]));
    refused(f, "cut off", cuts[i]);
  }
  ekm_buf_append_char(&whole, 'x');
  put(f, ekm_buf_view(&whole));
  refused(f, "longer", whole.len);
  ekm_buf_truncate(&whole, whole.len - 1);
  put(f, ekm_buf_view(&whole));
}

static void what_is_no_backup_has_no_head(void **state) {
  store_fixture *f = *state;
  static const char *const texts[] = {"",         "akvd backup 1\n",     "akvd backup 1\n{}", "akvd backup 2\n{}\n",
                                      "{}\n{}\n", "akvd backup 1\n[]\n", "akvd backup 1\nx\n"};
  json_t *head = NULL;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    ekm_err err = {0};
    put(f, ekm_view_text(texts[i]));
    assert_false(vault_archive_head(backup_path(f), &head, &err));
    assert_int_equal(err.id, EKM_E_MISMATCH);
    assert_null(head);
  }
  put(f, ekm_buf_view(&whole));
  ekm_err err = {0};
  assert_true(vault_archive_head(backup_path(f), &head, &err));
  assert_string_equal(ekm_json_text(head, "created"), "2026-11-24T08:00:00Z");
  ekm_json_free(&head);
}

/* A head may come from anybody: it must not make this machine work for ever. */
static void the_cost_of_a_passphrase_has_a_limit(void **state) {
  store_fixture *f = *state;
  static const char *const costs[] = {"\"n\":1073741824,\"r\":8,\"p\":1", "\"n\":65536,\"r\":8000000,\"p\":1",
                                      "\"n\":65536,\"r\":8,\"p\":1000000", "\"n\":65537,\"r\":8,\"p\":1",
                                      "\"n\":0,\"r\":8,\"p\":1"};
  for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++) {
    char text[512];
    (void)snprintf(text, sizeof text,
                   "akvd backup 1\n{%s,\"salt\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"nonce\":\"AAAAAAAAAA\"}\n1234567890123456",
                   costs[i]);
    put(f, ekm_view_text(text));
    refused(f, costs[i], i);
  }
  put(f, ekm_buf_view(&whole));
}

static void a_short_passphrase_is_refused(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  json_t *head = NULL;
  ekm_secret secret = {0};
  secret_of("hunter2", &secret);
  assert_false(vault_archive_write(f->store, f->crypto, &secret, store_fixture_path(f, "other"), &head, &err));
  assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
  assert_false(ekm_file_exists(store_fixture_path(f, "other")));
  assert_false(ekm_file_exists(store_fixture_path(f, "other.image")));
  ekm_secret_clear(&secret);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everything_comes_back),         cmocka_unit_test(a_wrong_passphrase_gives_nothing),
      cmocka_unit_test(every_change_is_noticed),       cmocka_unit_test(every_cut_is_noticed),
      cmocka_unit_test(what_is_no_backup_has_no_head), cmocka_unit_test(the_cost_of_a_passphrase_has_a_limit),
      cmocka_unit_test(a_short_passphrase_is_refused),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
