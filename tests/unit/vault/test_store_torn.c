/* Power cuts: the writes and syncs of a workload are replayed to every prefix, what was not synced is cut at
 * sectors, and each state opens with all that had been confirmed by then, and with nothing half. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "support/cmocka_all.h"
#include "support/recording_disk.h"
#include "support/store_fixture.h"
#include "vault/store_manage.h"

enum { CHANCES = 3, STEPS_MAX = 40, KEYS_MAX = 8, FILE_MAX_BYTES = 4096 };

/* What there is of one key after a step. */
typedef struct key_state {
  enum { NONE, LIVE, DELETED } state;
  size_t versions;
  bool enabled; /* the newest */
} key_state;

/* The whole after a step: keys "k0" to "k7" and what application B may do. */
typedef struct model {
  key_state keys[KEYS_MAX];
  vault_permissions granted;
} model;

static model models[STEPS_MAX];
static size_t steps;
static model now;

static const char *name_of(int key) {
  static char name[8];
  (void)snprintf(name, sizeof name, "k%d", key);
  return name;
}

/* ---- the workload ------------------------------------------------------------------------------------------------ */

static bool add(store_fixture *f, int key, ekm_err *err) {
  now.keys[key] = (key_state){LIVE, now.keys[key].versions + 1, true};
  return store_fixture_add(f, f->store, f->local, name_of(key), NULL, err);
}

static bool enable(store_fixture *f, int key, bool enabled, ekm_err *err) {
  now.keys[key].enabled = enabled;
  return store_fixture_enable(f->store, f->local, name_of(key), NULL, enabled, err);
}

static bool set_deleted(store_fixture *f, int key, bool deleted, ekm_err *err) {
  const vault_key *out = NULL;
  now.keys[key].state = deleted ? DELETED : LIVE;
  bool ok = deleted ? vault_store_key_delete(f->store, f->local, name_of(key), &out, err)
                    : vault_store_deleted_recover(f->store, f->local, name_of(key), &out, err);
  vault_key_release(&out);
  return ok;
}

static bool purge(store_fixture *f, int key, ekm_err *err) {
  now.keys[key] = (key_state){NONE, 0, false};
  return vault_store_deleted_purge(f->store, f->local, name_of(key), err);
}

static bool grant(store_fixture *f, vault_permissions permissions, ekm_err *err) {
  now.granted = permissions;
  return vault_store_grant_set(f->store, f->local, f->app_b, permissions, err);
}

static void confirmed(bool ok, const ekm_err *err) {
  if (!ok) fail_msg("step %zu: %s", steps, err->detail);
  disk_mark();
  assert_true(steps < STEPS_MAX);
  models[steps++] = now;
}

/* Opening and closing, which empties the log into the database, are steps of their own. */
static void reopen(store_fixture *f) {
  ekm_err err = {0};
  store_fixture_reopen(f);
  confirmed(true, &err);
}

#define STEP(call) confirmed(call, &err)

static void work(store_fixture *f) {
  ekm_err err = {0};
  confirmed(true, &err); /* the state in which it begins */
  STEP(add(f, 0, &err));
  STEP(add(f, 1, &err));
  STEP(enable(f, 0, false, &err));
  STEP(add(f, 0, &err));
  STEP(set_deleted(f, 1, true, &err));
  STEP(grant(f, VAULT_MAY_ALL, &err));
  reopen(f);
  STEP(set_deleted(f, 1, false, &err));
  STEP(add(f, 2, &err));
  STEP(set_deleted(f, 2, true, &err));
  STEP(purge(f, 2, &err));
  STEP(grant(f, 0, &err));
  STEP(add(f, 2, &err));
  reopen(f);
  STEP(enable(f, 1, false, &err));
  STEP(add(f, 3, &err));
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

static size_t count_versions(vault_store *store, int64_t vault_id, const char *name) {
  ekm_err err = {0};
  vault_key_page page = {0};
  size_t count =
      vault_store_key_versions(store, vault_id, name, NULL, VAULT_STORE_PAGE_MAX, &page, &err) ? page.count : 0;
  vault_key_page_clear(&page);
  return count;
}

static bool is_key(const store_fixture *f, vault_store *store, int number, const key_state *wanted) {
  ekm_err err = {0};
  const vault_key *key = NULL;
  const char *name = name_of(number);
  bool is_deleted = vault_store_deleted_get(store, f->local, name, &key, &err);
  vault_key_release(&key);
  ekm_err_clear(&err);
  bool is_live = vault_store_key_get(store, f->local, name, NULL, &key, &err);
  bool enabled = is_live && key->attributes.enabled;
  vault_key_release(&key);
  if (!is_live && err.id != EKM_E_KEY_NOT_FOUND) return false; /* half a key */
  switch (wanted->state) {
    case NONE: return !is_deleted && !is_live;
    case DELETED: return is_deleted && !is_live;
    default: break;
  }
  return is_live && !is_deleted && enabled == wanted->enabled &&
         count_versions(store, f->local, name) == wanted->versions;
}

static bool is_model(const store_fixture *f, vault_store *store, const model *wanted) {
  ekm_err err = {0};
  const vault_directory *dir = NULL;
  if (!vault_store_directory(store, &dir, &err)) return false;
  bool ok = vault_directory_granted(dir, vault_directory_vault_by_id(dir, f->local), f->app_b, NULL) == wanted->granted;
  vault_directory_release(&dir);
  for (int i = 0; ok && i < KEYS_MAX; i++) ok = is_key(f, store, i, &wanted->keys[i]);
  return ok;
}

static char folder[600];

/* Does the state open, whole, and is it what was confirmed, or what was about to be? */
static bool is_sound(const store_fixture *f, size_t prefix, const disk_cut *cut) {
  ekm_err err = {0};
  vault_store *store = NULL;
  size_t marks = disk_marks(prefix);
  disk_write_state(prefix, cut, folder);
  const vault_store_options options = {.folder = folder, .crypto = f->crypto, .clock = &f->clock.base};
  bool ok = vault_store_open(&options, &store, &err) && vault_store_verify(store, &err);
  ok = ok && (is_model(f, store, &models[marks - 1]) || (marks < steps && is_model(f, store, &models[marks])));
  vault_store_close(&store);
  return ok;
}

static void make_folder(store_fixture *f) {
  ekm_err err = {0};
  char path[700];
  ekm_buf key;
  ekm_buf_init(&key, FILE_MAX_BYTES);
  (void)snprintf(folder, sizeof folder, "%s", store_fixture_path(f, "state"));
  assert_true(ekm_file_make_folder(folder, &err));
  assert_true(ekm_file_read(store_fixture_path(f, "master.key"), &key, &err));
  (void)snprintf(path, sizeof path, "%s/master.key", folder);
  assert_true(ekm_file_write_private(path, ekm_buf_view(&key), &err));
  ekm_buf_clear(&key);
}

static void drop_folder(void) {
  static const char *const names[] = {"vault.db", "vault.db-wal", "vault.db-shm", "master.key"};
  char path[700];
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    (void)remove(path);
  }
  (void)remove(folder);
}

/* The operations before the first mark are those of the fixture, which is not yet there as a whole. */
static size_t first_prefix(void) {
  size_t prefix = 0;
  while (disk_marks(prefix) == 0) prefix++;
  return prefix;
}

static void check(const store_fixture *f, size_t prefix, disk_cut cut, size_t *states) {
  ++*states;
  if (!is_sound(f, prefix, &cut)) {
    fail_msg("operation %zu of %zu, %zu confirmed, cut %d (%zu bytes, seed %llu)", prefix, disk_length(),
             disk_marks(prefix), (int)cut.how, cut.bytes, (unsigned long long)cut.seed);
  }
}

static void every_power_cut_leaves_what_was_confirmed(void **state) {
  store_fixture *f = *state;
  size_t states = 0;
  for (size_t prefix = first_prefix(); prefix <= disk_length(); prefix++) {
    check(f, prefix, (disk_cut){.how = DISK_ALL}, &states);
    check(f, prefix, (disk_cut){.how = DISK_NONE}, &states);
    for (size_t bytes = DISK_SECTOR; bytes < disk_last_bytes(prefix); bytes += DISK_SECTOR) {
      check(f, prefix, (disk_cut){.how = DISK_TORN, .bytes = bytes}, &states);
    }
    for (uint64_t seed = 0; seed < CHANCES; seed++) {
      check(f, prefix, (disk_cut){.how = DISK_CHANCE, .seed = prefix * CHANCES + seed}, &states);
    }
  }
  print_message("%zu operations, %zu states of the disk\n", disk_length(), states);
}

/* The test can fail: on a disk whose syncs do nothing, something that was confirmed is lost. */
static void a_disk_that_lies_is_found_out(void **state) {
  store_fixture *f = *state;
  bool lost = false;
  for (size_t prefix = first_prefix(); !lost && prefix <= disk_length(); prefix++) {
    lost = !is_sound(f, prefix, &(disk_cut){.how = DISK_NONE, .lying = true});
  }
  assert_true(lost);
}

static int set_up(void **state) {
  disk_record();
  if (store_fixture_set_up(state) != 0) return -1;
  store_fixture *f = *state;
  now.granted = VAULT_MAY_GET | VAULT_MAY_LIST;
  work(f);
  disk_stop();
  vault_store_close(&f->store);
  make_folder(f);
  return 0;
}

static int tear_down(void **state) {
  disk_forget();
  drop_folder();
  return store_fixture_tear_down(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_power_cut_leaves_what_was_confirmed),
      cmocka_unit_test(a_disk_that_lies_is_found_out),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
