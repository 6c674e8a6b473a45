/* Finding a key by its thumbprint: who searches, who waits, and what a search is worth. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "keyring_fixture.h"

typedef struct seeker {
  fixture *f;
  keyring *ring;
  ekm_view thumb;
  bool found;
} seeker;

static void seek(void *arg) {
  seeker *s = arg;
  ekm_err err = {0};
  keyring_key *key = NULL;
  s->found = keyring_by_thumb(s->ring, s->thumb, &s->f->call, &key, &err);
  keyring_key_unref(&key);
}

static void threads_share_one_search(void **state) {
  enum { SEEKERS = 16 };
  fixture *f = *state;
  keyring_key *key = create(f, "tde");
  keyring *ring = forgetful_ring(f);
  seeker seekers[SEEKERS];
  ekm_thread *threads[SEEKERS];

  for (size_t i = 0; i < SEEKERS; i++) {
    seekers[i] = (seeker){f, ring, keyring_key_thumb(key), false};
    assert_true(ekm_thread_start(&threads[i], seek, &seekers[i], &f->err));
  }
  for (size_t i = 0; i < SEEKERS; i++) ekm_thread_join(&threads[i]);
  for (size_t i = 0; i < SEEKERS; i++) assert_true(seekers[i].found);
  assert_int_equal(atomic_load(&f->vault->name_lists), 1);
  keyring_key_unref(&key);
  keyring_unref(&ring);
}

static void wait_until(const atomic_bool *happened) {
  ekm_deadline deadline = ekm_deadline_in(ekm_clock_system(), 5000);
  while (!atomic_load(happened) && ekm_deadline_left_ms(deadline, ekm_clock_system()) > 0) ekm_thread_yield();
}

/* A vault that holds back its list of names, so that a search lasts as long as a test wants. */
typedef struct slow_vault {
  counting_backend count; /* first: the keyring sees no more of it */
  keyring_backend *real;
  atomic_bool listed, released;
} slow_vault;

static bool slow_list_names(keyring_backend *self, const keyring_call *call, keyring_list *out, ekm_err *err) {
  slow_vault *vault = (slow_vault *)(void *)self;
  bool ok = vault->real->list_names(vault->real, call, out, err);
  atomic_store(&vault->listed, true);
  wait_until(&vault->released);
  return ok;
}

static void leave_alone(keyring_backend *self) {
  (void)self;
}

static keyring *slow_ring(fixture *f, slow_vault *vault) {
  keyring *ring = NULL;
  keyring_options options = {.crypto = f->crypto, .clock = ekm_clock_system(), .wrap_alg = "RSA-OAEP-256"};
  counting_backend *again = counting_backend_over(f->vault->lower);
  memset(vault, 0, sizeof *vault);
  vault->count = *again;
  ekm_mem_free(again);
  vault->count.borrowed = true;
  vault->real = f->vault->lower;
  vault->count.base.list_names = slow_list_names;
  vault->count.base.destroy = leave_alone;
  assert_true(keyring_new(&options, &vault->count.base, &ring, &f->err));
  return ring;
}

/* A call that notes that it is asked whether it was cancelled: it has begun, and waits. */
typedef struct watched_call {
  atomic_bool waits, cancelled;
} watched_call;

static bool watch_call(void *arg) {
  watched_call *watched = arg;
  atomic_store(&watched->waits, true);
  return atomic_load(&watched->cancelled);
}

typedef struct waiter {
  keyring *ring;
  ekm_view thumb;
  keyring_call call;
  ekm_err err;
  bool found;
} waiter;

static void wait_for_key(void *arg) {
  waiter *w = arg;
  keyring_key *key = NULL;
  w->found = keyring_by_thumb(w->ring, w->thumb, &w->call, &key, &w->err);
  keyring_key_unref(&key);
}

/* One thread searches in vain; while it does, the key that another one asks for is created. */
static void a_search_that_began_earlier_is_no_proof(void **state) {
  fixture *f = *state;
  slow_vault vault;
  keyring *ring = slow_ring(f, &vault);
  watched_call watched = {0};
  const uint8_t none[KEYRING_THUMB_BYTES] = {1};
  ekm_thread *first, *second;

  waiter early = {.ring = ring, .thumb = ekm_view_of(none, sizeof none), .call = f->call};
  assert_true(ekm_thread_start(&first, wait_for_key, &early, &f->err));
  wait_until(&vault.listed);
  keyring_key *key = create(f, "tde");
  waiter late = {.ring = ring, .thumb = keyring_key_thumb(key), .call = f->call};
  late.call.is_cancelled = watch_call;
  late.call.cancel_arg = &watched;
  assert_true(ekm_thread_start(&second, wait_for_key, &late, &f->err));
  wait_until(&watched.waits);
  atomic_store(&vault.released, true);
  ekm_thread_join(&first);
  ekm_thread_join(&second);
  assert_false(early.found);
  assert_int_equal(early.err.id, EKM_E_KEY_NOT_FOUND);
  assert_true(late.found);
  keyring_key_unref(&key);
  keyring_unref(&ring);
}

static void who_waits_for_a_search_can_be_cancelled(void **state) {
  fixture *f = *state;
  slow_vault vault;
  keyring *ring = slow_ring(f, &vault);
  watched_call watched = {0};
  const uint8_t none[KEYRING_THUMB_BYTES] = {1};
  ekm_thread *first, *second;

  waiter searcher = {.ring = ring, .thumb = ekm_view_of(none, sizeof none), .call = f->call};
  waiter waiting = searcher;
  assert_true(ekm_thread_start(&first, wait_for_key, &searcher, &f->err));
  wait_until(&vault.listed);
  waiting.call.is_cancelled = watch_call;
  waiting.call.cancel_arg = &watched;
  assert_true(ekm_thread_start(&second, wait_for_key, &waiting, &f->err));
  wait_until(&watched.waits);
  atomic_store(&watched.cancelled, true);
  ekm_thread_join(&second); /* the search goes on meanwhile */
  assert_false(waiting.found);
  assert_int_equal(waiting.err.id, EKM_E_CANCELLED);
  atomic_store(&vault.released, true);
  ekm_thread_join(&first);
  keyring_unref(&ring);
}

/* Deleted and recovered, as an administrator does it; the database still needs the version before the last. */
static void a_recovered_older_version_is_found_again(void **state) {
  fixture *f = *state;
  keyring_key *key = create(f, "tde");
  keyring_key *found = NULL;
  uint8_t dek[32] = {7};
  ekm_buf wrapped, plain;

  ekm_buf_init(&wrapped, 512);
  ekm_buf_init(&plain, 512);
  assert_true(keyring_wrap(f->ring, key, ekm_view_of(dek, sizeof dek), &f->call, &wrapped, &f->err));
  assert_true(keyring_memory_rotate(f->vault->lower, "tde", &f->err));
  atomic_store(&f->vault->fail_with, EKM_E_KEY_NOT_FOUND);
  assert_false(keyring_unwrap(f->ring, key, ekm_buf_view(&wrapped), &f->call, &plain, &f->err));
  assert_false(keyring_by_thumb(f->ring, keyring_key_thumb(key), &f->call, &found, &f->err));
  assert_int_equal(f->err.id, EKM_E_KEY_NOT_FOUND);
  atomic_store(&f->vault->fail_with, 0);
  assert_true(keyring_by_thumb(f->ring, keyring_key_thumb(key), &f->call, &found, &f->err));
  assert_string_equal(keyring_key_version(found), keyring_key_version(key));
  assert_true(keyring_unwrap(f->ring, found, ekm_buf_view(&wrapped), &f->call, &plain, &f->err));
  keyring_key_unref(&found);
  keyring_key_unref(&key);
  ekm_buf_clear(&wrapped);
  ekm_buf_clear(&plain);
}

static void a_dropped_key_stays_forgotten_while_others_come(void **state) {
  fixture *f = *state;
  char name[16];
  keyring_key *dropped = create(f, "dropped");
  assert_true(keyring_drop(f->ring, dropped, &f->call, &f->err));
  for (int i = 0; i < 200; i++) {
    (void)snprintf(name, sizeof name, "key-%d", i);
    keyring_key *key = create(f, name);
    keyring_key_unref(&key);
    assert_null(keyring_peek(f->ring, keyring_key_thumb(dropped)));
  }
  keyring_key_unref(&dropped);
}

/* A vault that gives each call of the engine time for a few requests. */
static atomic_int requests_left;

static bool hurried_get(keyring_backend *self, const char *name, const char *version, const keyring_call *call,
                        keyring_record *out, ekm_err *err) {
  counting_backend *b = (counting_backend *)(void *)self;
  if (atomic_fetch_sub(&requests_left, 1) <= 0) return EKM_FAIL(err, EKM_E_DEADLINE, "'%s'", name);
  return b->lower->get(b->lower, name, version, call, out, err);
}

/* Each call has its own deadline, and all of them together find the last key. */
static void a_large_vault_is_searched_by_several_calls(void **state) {
  enum { NAMES = 10, REQUESTS = 3 };
  fixture *f = *state;
  keyring_key *key = NULL;
  keyring_key *found = NULL;
  char name[16];
  int calls = 0;

  for (int i = 0; i < NAMES; i++) {
    keyring_key_unref(&key);
    (void)snprintf(name, sizeof name, "key-%d", i);
    key = create(f, name);
  }
  keyring *ring = forgetful_ring(f);
  f->vault->base.get = hurried_get;
  do {
    atomic_store(&requests_left, REQUESTS);
    ekm_err_clear(&f->err);
    (void)!keyring_by_thumb(ring, keyring_key_thumb(key), &f->call, &found, &f->err);
  } while (f->err.id == EKM_E_DEADLINE && ++calls < 2 * NAMES);
  assert_non_null(found);
  assert_true(calls <= NAMES / REQUESTS + 1);
  keyring_key_unref(&found);
  keyring_key_unref(&key);
  keyring_unref(&ring);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(threads_share_one_search, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_search_that_began_earlier_is_no_proof, set_up, tear_down),
      cmocka_unit_test_setup_teardown(who_waits_for_a_search_can_be_cancelled, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_recovered_older_version_is_found_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_dropped_key_stays_forgotten_while_others_come, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_large_vault_is_searched_by_several_calls, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}
