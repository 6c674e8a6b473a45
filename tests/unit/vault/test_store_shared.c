/* Several who use one folder: what one store changes the other sees at its next call, and threads of one store get
 * whole keys while others change them. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "support/cmocka_all.h"
#include "support/store_fixture.h"
#include "vault/store_manage.h"

static vault_store *second;

static int set_up(void **state) {
  ekm_err err = {0};
  if (store_fixture_set_up(state) != 0) return -1;
  store_fixture *f = *state;
  bool ok = store_fixture_add(f, f->store, f->local, "alpha", NULL, &err) && store_fixture_try(f, &second, &err);
  return ok ? 0 : -1;
}

static int tear_down(void **state) {
  vault_store_close(&second);
  return store_fixture_tear_down(state);
}

/* The beginning of every request. */
static const vault_directory *begin(vault_store *store) {
  ekm_err err = {0};
  const vault_directory *dir = NULL;
  if (!vault_store_directory(store, &dir, &err)) fail_msg("%s: %s", ekm_err_info_of(err.id)->name, err.detail);
  return dir;
}

static vault_permissions granted(vault_store *store, int64_t vault_id, const char *app) {
  const vault_directory *dir = begin(store);
  vault_permissions may = vault_directory_granted(dir, vault_directory_vault_by_id(dir, vault_id), app, NULL);
  vault_directory_release(&dir);
  return may;
}

static vault_secret_check check_secret(vault_store *store, const char *client_id, ekm_view secret) {
  ekm_err err = {0};
  vault_secret_check check = VAULT_SECRET_WRONG;
  const vault_directory *dir = begin(store);
  assert_true(vault_store_check_secret(store, vault_directory_app(dir, client_id), secret, &check, &err));
  vault_directory_release(&dir);
  return check;
}

/* Is the key there, and enabled? */
typedef enum seen { GONE, DISABLED, ENABLED } seen;
static seen see(vault_store *store, int64_t vault_id, const char *name) {
  ekm_err err = {0};
  const vault_key *key = NULL;
  const vault_directory *dir = begin(store);
  bool ok = vault_store_key_get(store, vault_id, name, NULL, &key, &err);
  seen what = !ok ? GONE : key->attributes.enabled ? ENABLED : DISABLED;
  if (!ok) assert_int_equal(err.id, EKM_E_KEY_NOT_FOUND);
  vault_key_release(&key);
  vault_directory_release(&dir);
  return what;
}

static void rights_and_secrets_of_one_are_seen_by_the_other(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  char id[VAULT_GUID_CHARS + 1];
  ekm_secret made = {0};
  assert_int_equal(granted(second, f->local, f->app_a), VAULT_MAY_ALL);
  assert_true(vault_store_grant_set(f->store, f->local, f->app_a, VAULT_MAY_GET, &err));
  assert_int_equal(granted(second, f->local, f->app_a), VAULT_MAY_GET);
  assert_true(vault_store_grant_set(second, f->local, f->app_a, 0, &err));
  assert_int_equal(granted(f->store, f->local, f->app_a), 0);
  assert_true(vault_store_grant_set(f->store, f->local, f->app_a, VAULT_MAY_ALL, &err));
  assert_int_equal(granted(second, f->local, f->app_a), VAULT_MAY_ALL);

  assert_true(vault_store_secret_add(second, f->app_a, &made, 0, id, &err));
  assert_int_equal(check_secret(f->store, f->app_a, ekm_secret_reveal(&made)), VAULT_SECRET_RIGHT);
  assert_int_equal(check_secret(f->store, f->app_b, ekm_secret_reveal(&made)), VAULT_SECRET_WRONG);
  assert_true(vault_store_secret_remove(second, f->app_a, id, &err));
  assert_int_equal(check_secret(f->store, f->app_a, ekm_secret_reveal(&made)), VAULT_SECRET_WRONG);
  assert_int_equal(check_secret(f->store, f->app_a, ekm_view_text(STORE_SECRET_A)), VAULT_SECRET_RIGHT);
  ekm_secret_clear(&made);
}

static void keys_of_one_are_seen_by_the_other(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  const vault_key *key = NULL;
  char newer[EKM_LIMIT_KEY_VERSION_CHARS + 1];
  assert_int_equal(see(second, f->local, "alpha"), ENABLED); /* in its cache now */
  assert_true(store_fixture_enable(f->store, f->local, "alpha", NULL, false, &err));
  assert_int_equal(see(second, f->local, "alpha"), DISABLED);
  assert_true(store_fixture_enable(second, f->local, "alpha", NULL, true, &err));
  assert_int_equal(see(f->store, f->local, "alpha"), ENABLED);

  assert_true(store_fixture_add(f, f->store, f->local, "alpha", newer, &err));
  const vault_directory *dir = begin(second);
  assert_true(vault_store_key_get(second, f->local, "alpha", NULL, &key, &err));
  assert_string_equal(key->version, newer);
  vault_key_release(&key);
  vault_directory_release(&dir);

  assert_int_equal(see(second, f->other, "beta"), GONE);
  assert_true(store_fixture_add(f, f->store, f->other, "beta", NULL, &err));
  assert_int_equal(see(second, f->other, "beta"), ENABLED);
  assert_true(vault_store_key_delete(f->store, f->other, "beta", &key, &err));
  vault_key_release(&key);
  assert_int_equal(see(second, f->other, "beta"), GONE);
  assert_true(vault_store_deleted_recover(second, f->other, "beta", &key, &err));
  vault_key_release(&key);
  assert_int_equal(see(f->store, f->other, "beta"), ENABLED);
  assert_true(store_fixture_use(second, f->other, "beta", NULL, &err));
}

static void two_that_write_in_turn_keep_one_set(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  char name[32];
  for (int i = 0; i < 20; i++) {
    (void)snprintf(name, sizeof name, "turn-%d", i);
    assert_true(store_fixture_add(f, i % 2 == 0 ? f->store : second, f->local, name, NULL, &err));
  }
  vault_store_close(&second);
  store_fixture_reopen(f); /* which counts */
  assert_true(store_fixture_try(f, &second, &err));
  for (int i = 0; i < 20; i++) {
    (void)snprintf(name, sizeof name, "turn-%d", i);
    assert_true(store_fixture_use(i % 2 == 0 ? second : f->store, f->local, name, NULL, &err));
  }
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

enum { UPDATES = 150, THREADS = 4, READERS_KEYS = 6 };

typedef struct crowd {
  store_fixture *f;
  vault_store *store;
  atomic_bool done;
  atomic_int failures, rounds;
  ekm_err first; /* of the thread that failed first */
} crowd;

static void note(crowd *c, bool ok, const ekm_err *err) {
  if (!ok && atomic_fetch_add(&c->failures, 1) == 0) c->first = *err;
}

static void read_until_done(void *arg) {
  crowd *c = arg;
  while (!atomic_load(&c->done)) {
    ekm_err err = {0};
    const vault_directory *dir = NULL;
    const vault_key *key = NULL;
    bool ok = vault_store_directory(c->store, &dir, &err) &&
              vault_store_key_get(c->store, c->f->local, "alpha", NULL, &key, &err);
    note(c, ok, &err);
    vault_key_release(&key);
    vault_directory_release(&dir);
    (void)atomic_fetch_add(&c->rounds, 1);
  }
}

static bool update_often(store_fixture *f, vault_store *store, crowd *c) {
  ekm_err err = {0};
  for (int i = 0; i < UPDATES || atomic_load(&c->rounds) < UPDATES; i++) {
    if (!store_fixture_enable(store, f->local, "alpha", NULL, i % 2 != 0, &err)) return false;
  }
  return true;
}

/* A version and its private key are two rows, sealed together: who reads them while another process changes both must
 * get two that belong to each other. */
static void a_reader_beside_another_writer_gets_whole_keys(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  ekm_thread *thread = NULL;
  crowd c = {.f = f, .store = f->store};
  assert_true(ekm_thread_start(&thread, read_until_done, &c, &err));
  bool ok = update_often(f, second, &c);
  atomic_store(&c.done, true);
  ekm_thread_join(&thread);
  assert_true(ok);
  if (atomic_load(&c.failures) > 0) fail_msg("%s: %s", ekm_err_info_of(c.first.id)->name, c.first.detail);
}

/* More keys than the cache has room for, so that keys come and go under everybody's hands. */
static void use_and_change(void *arg) {
  crowd *c = arg;
  int mine = atomic_fetch_add(&c->rounds, 1);
  for (int i = 0; i < 40; i++) {
    char name[32];
    ekm_err err = {0};
    (void)snprintf(name, sizeof name, "crowd-%d", (mine + i) % READERS_KEYS);
    note(c, store_fixture_use(c->store, c->f->local, name, NULL, &err), &err);
    if (i % 8 == mine) {
      note(c, store_fixture_enable(c->store, c->f->local, name, NULL, i % 16 == mine, &err), &err);
    }
    if (i % 13 == mine) {
      vault_key_page page;
      note(c, vault_store_key_list(c->store, c->f->local, NULL, 25, &page, &err), &err);
      vault_key_page_clear(&page);
    }
  }
}

static void threads_share_a_store(void **state) {
  store_fixture *f = *state;
  ekm_err err = {0};
  char name[32];
  ekm_thread *threads[THREADS] = {0};
  crowd c = {.f = f};
  f->cached_keys = 2;
  store_fixture_reopen(f);
  c.store = f->store;
  for (int i = 0; i < READERS_KEYS; i++) {
    (void)snprintf(name, sizeof name, "crowd-%d", i);
    assert_true(store_fixture_add(f, f->store, f->local, name, NULL, &err));
  }
  for (int i = 0; i < THREADS; i++) assert_true(ekm_thread_start(&threads[i], use_and_change, &c, &err));
  for (int i = 0; i < THREADS; i++) ekm_thread_join(&threads[i]);
  if (atomic_load(&c.failures) > 0) fail_msg("%s: %s", ekm_err_info_of(c.first.id)->name, c.first.detail);
  f->cached_keys = 0;
  store_fixture_reopen(f);
}

/* ---- a change between reading a key and remembering it ----------------------------------------------------------- */

/* Disables the key from within one allocation: as another thread would, just then. */
typedef struct meddler {
  store_fixture *f;
  size_t asked, at;
  bool did;
} meddler;

static bool meddle(void *arg) {
  meddler *m = arg;
  ekm_err err = {0};
  if (m->asked++ != m->at) return true;
  ekm_mem_set_gate(NULL, NULL); /* what follows allocates, too */
  m->did = store_fixture_enable(m->f->store, m->f->local, "alpha", NULL, false, &err);
  return true;
}

static bool get_meddled(meddler *m) {
  ekm_err err = {0};
  const vault_key *key = NULL;
  store_fixture_reopen(m->f); /* so that the key is not in the cache */
  assert_true(store_fixture_enable(m->f->store, m->f->local, "alpha", NULL, true, &err));
  const vault_directory *dir = begin(m->f->store);
  ekm_mem_set_gate(meddle, m);
  bool ok = vault_store_key_get(m->f->store, m->f->local, "alpha", NULL, &key, &err);
  ekm_mem_set_gate(NULL, NULL);
  if (!ok) fail_msg("%s", err.detail);
  bool enabled = key->attributes.enabled;
  vault_key_release(&key);
  vault_directory_release(&dir);
  return enabled;
}

static void an_old_key_is_not_remembered(void **state) {
  store_fixture *f = *state;
  meddler quiet = {.f = f, .at = SIZE_MAX};
  assert_true(get_meddled(&quiet));
  assert_int_equal(see(f->store, f->local, "alpha"), ENABLED);
  assert_true(quiet.asked > 1);
  meddler last = {.f = f, .at = quiet.asked - 1}; /* of the private key, behind the lock */
  assert_true(get_meddled(&last));                /* it was read before */
  assert_true(last.did);
  assert_int_equal(see(f->store, f->local, "alpha"), DISABLED);
  assert_int_equal(see(second, f->local, "alpha"), DISABLED);
}

/* ---- a purge by another process in the middle of a call ---------------------------------------------------------- */

static void make_deleted(store_fixture *f) {
  ekm_err err = {0};
  const vault_key *key = NULL;
  assert_true(store_fixture_add(f, second, f->local, "hard", NULL, &err));
  assert_true(vault_store_key_delete(second, f->local, "hard", &key, &err));
  vault_key_release(&key);
}

static bool purge(void *arg) {
  meddler *m = arg;
  ekm_err err = {0};
  if (m->asked++ != m->at) return true;
  ekm_mem_set_gate(NULL, NULL);
  m->did = vault_store_deleted_purge(second, m->f->local, "hard", &err);
  return true;
}

static bool look_at_one(store_fixture *f, ekm_err *err) {
  const vault_key *key = NULL;
  bool ok = vault_store_deleted_get(f->store, f->local, "hard", &key, err);
  vault_key_release(&key);
  return ok;
}

static bool look_at_all(store_fixture *f, ekm_err *err) {
  vault_key_page page;
  bool ok = vault_store_deleted_list(f->store, f->local, NULL, VAULT_STORE_PAGE_MAX, &page, err);
  vault_key_page_clear(&page);
  return ok;
}

/* Name and version are of one state of the database: a key is there or is not, and nobody has tampered. */
static void a_purge_in_between_is_no_tampering(void **state) {
  static bool (*const looks[])(store_fixture *, ekm_err *) = {look_at_one, look_at_all};
  store_fixture *f = *state;
  ekm_err err = {0};
  for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
    size_t purged = 0;
    meddler m = {.f = f, .did = true};
    for (size_t at = 0; m.did; at++) {
      m = (meddler){.f = f, .at = at};
      make_deleted(f);
      const vault_directory *dir = begin(f->store);
      ekm_mem_set_gate(purge, &m);
      err = (ekm_err){0};
      bool ok = looks[i](f, &err);
      ekm_mem_set_gate(NULL, NULL);
      if (!ok && err.id != EKM_E_KEY_NOT_FOUND) fail_msg("%zu: %s", at, err.detail);
      vault_directory_release(&dir);
      purged += m.did;
      if (!m.did) assert_true(vault_store_deleted_purge(second, f->local, "hard", &err));
    }
    assert_true(purged > 2);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rights_and_secrets_of_one_are_seen_by_the_other),
      cmocka_unit_test(keys_of_one_are_seen_by_the_other),
      cmocka_unit_test(two_that_write_in_turn_keep_one_set),
      cmocka_unit_test(a_reader_beside_another_writer_gets_whole_keys),
      cmocka_unit_test(threads_share_a_store),
      cmocka_unit_test(an_old_key_is_not_remembered),
      cmocka_unit_test(a_purge_in_between_is_no_tampering),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
