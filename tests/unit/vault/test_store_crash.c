/* What a call confirmed is there after a SIGKILL at any moment; a full disk and a folder that may only be read are said
 * as such, lose nothing, and are forgotten when they are over. */
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/cmocka_all.h"
#include "support/store_fixture.h"
#include "vault/store_manage.h"

enum { ROUNDS = 200, CONFIRMED_MAX = 8192, KEYS_PER_CHILD = 20 };

/* ---- SIGKILL ----------------------------------------------------------------------------------------------------- */

/* What a child tells before it goes on: the key is there, it is disabled, it is deleted. */
typedef struct report {
  enum { ADDED, DISABLED, DELETED } what;
  int round, index;
} report;

static const char *name_of(const report *r) {
  static char name[64];
  (void)snprintf(name, sizeof name, "k-%d-%d", r->round, r->index);
  return name;
}

static bool do_one(store_fixture *f, const report *r, ekm_err *err) {
  const vault_key *key = NULL;
  bool ok;
  switch (r->what) {
    case ADDED: return store_fixture_add(f, f->store, f->local, name_of(r), NULL, err);
    case DISABLED: return store_fixture_enable(f->store, f->local, name_of(r), NULL, false, err);
    default:
      ok = vault_store_key_delete(f->store, f->local, name_of(r), &key, err);
      vault_key_release(&key);
      return ok;
  }
}

/* Every second key is disabled, every fourth deleted. */
static bool write_keys(store_fixture *f, int round, int out) {
  ekm_err err = {0};
  if (!store_fixture_try(f, &f->store, &err)) return false;
  for (int i = 0; i < KEYS_PER_CHILD; i++) {
    for (int what = ADDED; what <= (i % 4 == 3 ? DELETED : i % 2 == 1 ? DISABLED : ADDED); what++) {
      report r;
      memset(&r, 0, sizeof r);
      r.what = (unsigned)what;
      r.round = round;
      r.index = i;
      if (!do_one(f, &r, &err) || write(out, &r, sizeof r) != (ssize_t)sizeof r) return false;
    }
  }
  return true;
}

static report confirmed[CONFIRMED_MAX];
static int confirmed_count;

static bool take_report(int in) {
  assert_in_range(confirmed_count, 0, CONFIRMED_MAX - 1);
  ssize_t got = read(in, &confirmed[confirmed_count], sizeof confirmed[0]);
  if (got == (ssize_t)sizeof confirmed[0]) confirmed_count++;
  return got == (ssize_t)sizeof confirmed[0];
}

/* Kill it after some reports, and a little later: in another place of its work each round. */
static void kill_a_writer(store_fixture *f, int round) {
  int ends[2];
  int status = 0;
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    bool ok = write_keys(f, round, ends[1]);
    while (ok) (void)pause(); /* on a busy machine it may be done before it is killed */
    _exit(1);
  }
  (void)close(ends[1]);
  for (int i = 0; i < round % 7; i++) assert_true(take_report(ends[0]));
  for (int i = 0; i < round * 37 % 400; i++) (void)sched_yield();
  assert_int_equal(kill(child, SIGKILL), 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status)); /* it did not fail */
  while (take_report(ends[0])) continue;
  (void)close(ends[0]);
}

static void check_confirmed(store_fixture *f, const report *r) {
  ekm_err err = {0};
  const vault_key *key = NULL;
  if (r->what == DELETED) {
    if (!vault_store_deleted_get(f->store, f->local, name_of(r), &key, &err)) fail_msg("%s is not deleted", name_of(r));
  } else if (vault_store_deleted_get(f->store, f->local, name_of(r), &key, &err)) {
    /* The next step was on the disk already, and not reported any more. */
    assert_int_equal(r->index % 4, 3);
  } else {
    if (!store_fixture_use(f->store, f->local, name_of(r), NULL, &err)) fail_msg("%s: %s", name_of(r), err.detail);
    assert_true(vault_store_key_get(f->store, f->local, name_of(r), NULL, &key, &err));
    if (r->what == DISABLED) assert_false(key->attributes.enabled);
  }
  vault_key_release(&key);
}

static void what_was_confirmed_survives_a_kill(void **state) {
  store_fixture *f = *state;
  vault_store_close(&f->store);
  for (int round = 0; round < ROUNDS; round++) {
    int before = confirmed_count;
    kill_a_writer(f, round);
    store_fixture_reopen(f); /* which checks every row and the set */
    for (int i = before; i < confirmed_count; i++) check_confirmed(f, &confirmed[i]);
    vault_store_close(&f->store);
  }
  assert_true(confirmed_count >= ROUNDS); /* the writers were not killed before they wrote anything */
  store_fixture_reopen(f);
  for (int i = 0; i < confirmed_count; i++) check_confirmed(f, &confirmed[i]);
}

/* ---- a full disk ------------------------------------------------------------------------------------------------- */

/* No file may become longer than this, as if the disk were full. Writing gives EFBIG then. */
static void limit_files(rlim_t bytes) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_is_said_and_gets_over(void **state) {
  store_fixture *f = *state;
  char name[32];
  int added = 0;
  bool ok = true;
  ekm_err err = {0};
  store_fixture_reopen(f);
  limit_files(256 * 1024);
  while (ok && added < 500) {
    (void)snprintf(name, sizeof name, "full-%d", added);
    ok = store_fixture_add(f, f->store, f->local, name, NULL, &err);
    if (ok) added++;
  }
  ekm_err again = {0};
  bool ok_again = vault_store_grant_set(f->store, f->local, f->app_b, VAULT_MAY_SIGN, &again);
  bool used = added > 0 && store_fixture_use(f->store, f->local, "full-0", NULL, &(ekm_err){0});
  limit_files(RLIM_INFINITY);
  assert_false(ok);
  assert_in_range(added, 1, 499);
  assert_int_equal(err.id, EKM_E_STORE);
  assert_true(ok_again || again.id == EKM_E_STORE);
  assert_true(used); /* reading goes on */

  assert_true(store_fixture_add(f, f->store, f->local, name, NULL, &err)); /* the one that failed */
  assert_true(store_fixture_add(f, f->store, f->local, "after", NULL, &err));
  store_fixture_reopen(f);
  for (int i = 0; i <= added; i++) {
    (void)snprintf(name, sizeof name, "full-%d", i);
    assert_true(store_fixture_use(f->store, f->local, name, NULL, &err));
  }
  assert_true(store_fixture_use(f->store, f->local, "after", NULL, &err));
}

static void a_full_disk_at_the_opening_is_said(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  vault_store_close(&f->store);
  limit_files(0);
  bool ok = store_fixture_try(f, &f->store, &err);
  limit_files(RLIM_INFINITY);
  assert_false(ok);
  assert_int_equal(err.id, EKM_E_STORE);
  store_fixture_reopen(f);
}

/* 'akvd init' on a disk that becomes full at any point, and once more when there is room. */
static void a_creation_that_was_cut_short_is_made_good(void **state) {
  store_fixture *f = *state;
  static const rlim_t limits[] = {0, 16, 4096, 20000, 40000};
  char folder[512];
  ekm_err err = {0};
  (void)snprintf(folder, sizeof folder, "%s", store_fixture_path(f, "new"));
  const vault_store_options options = {.folder = folder, .crypto = f->crypto, .clock = &f->clock.base};
  for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
    vault_store *store = NULL;
    err = (ekm_err){0};
    limit_files(limits[i]);
    bool ok = vault_store_create(&options, &err);
    limit_files(RLIM_INFINITY);
    assert_false(ok);
    assert_true(err.id == EKM_E_STORE || err.id == EKM_E_FILE_WRITE);
    assert_false(vault_store_open(&options, &store, &err));
    assert_int_equal(err.id, EKM_E_ABSENT); /* there is no vault, and the message says what to run */
  }
  vault_store *store = NULL;
  assert_true(vault_store_create(&options, &err));
  assert_true(vault_store_open(&options, &store, &err));
  vault_store_close(&store);
  assert_int_equal(unlink(store_fixture_path(f, "new/vault.db")), 0);
  assert_int_equal(unlink(store_fixture_path(f, "new/master.key")), 0);
  assert_int_equal(rmdir(folder), 0);
}

/* ---- a folder that may only be read ------------------------------------------------------------------------------ */

static const char *const files[] = {"vault.db", "master.key"};

static void let_it_be_written(store_fixture *f, bool writable) {
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    assert_int_equal(chmod(store_fixture_path(f, files[i]), writable ? 0600 : 0400), 0);
  }
  assert_int_equal(chmod(f->folder, writable ? 0700 : 0500), 0);
}

/* Root without capabilities is an owner like any other, whom modes concern. */
static bool drop_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
  return syscall(SYS_capset, &header, none) == 0;
}

/* Fails at the opening, or opens and fails to write; always with the store's error. */
static int open_and_write(store_fixture *f) {
  ekm_err err = {0};
  if (!drop_capabilities() || access(f->folder, W_OK) == 0) return 3;
  if (store_fixture_try(f, &f->store, &err)) {
    if (store_fixture_add(f, f->store, f->local, "never", NULL, &err)) return 1;
    vault_store_close(&f->store);
  }
  return err.id == EKM_E_STORE ? 0 : 2;
}

static void a_folder_that_is_read_only_is_said(void **state) {
  store_fixture *f = *state;
  int status = 0;
  ekm_err err = {0};
  vault_store_close(&f->store);
  let_it_be_written(f, false);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) _exit(open_and_write(f));
  assert_int_equal(waitpid(child, &status, 0), child);
  let_it_be_written(f, true);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  store_fixture_reopen(f);
  assert_true(store_fixture_use(f->store, f->local, "after", NULL, &err));
  assert_false(store_fixture_use(f->store, f->local, "never", NULL, &err));
  assert_int_equal(err.id, EKM_E_KEY_NOT_FOUND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_confirmed_survives_a_kill),
      cmocka_unit_test(a_full_disk_is_said_and_gets_over),
      cmocka_unit_test(a_full_disk_at_the_opening_is_said),
      cmocka_unit_test(a_creation_that_was_cut_short_is_made_good),
      cmocka_unit_test(a_folder_that_is_read_only_is_said),
  };
  (void)signal(SIGXFSZ, SIG_IGN); /* EFBIG instead */
  return cmocka_run_group_tests(tests, store_fixture_set_up, store_fixture_tear_down);
}
