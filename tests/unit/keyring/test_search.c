/* Finding a key by its thumbprint: who searches, who waits, and what a search is worth. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "keyring/foreign.h"
#include "keyring/turns.h"
#include "keyring_fixture.h"
#include "support/fake_clock.h"

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

enum { LEFT_BEHIND_BYTE = 0xEE };

/* Another connector noted one thumbprint, which nothing else explains. */
static bool left_behind(ekm_view thumb, ekm_buf *out_uri) {
  if (thumb.ptr[0] != LEFT_BEHIND_BYTE) return false;
  ekm_buf_append_text(out_uri, "https://v.vault.localhost/keys/tde");
  return true;
}

static keyring *slow_ring_with(fixture *f, slow_vault *vault, keyring_turns *turns) {
  keyring *ring = NULL;
  keyring_options options = {.host = "v.vault.localhost",
                             .crypto = f->crypto,
                             .clock = ekm_clock_system(),
                             .wrap_alg = "RSA-OAEP-256",
                             .turns = turns,
                             .left_behind = left_behind};
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

static keyring *slow_ring(fixture *f, slow_vault *vault) {
  return slow_ring_with(f, vault, NULL);
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

/* Many wait while one searches. Then the next of them searches in vain, which is the answer for all; but what it saw is
 * compared with what they want. It is luck who is the next: hence many. */
static void a_search_for_another_finds_foreign_thumbprints_too(void **state) {
  enum { OTHERS = 15, FOREIGN = 12, LEFT_BEHIND = 8 };
  fixture *f = *state;
  slow_vault vault;
  keyring *ring = slow_ring(f, &vault);
  watched_call watched[OTHERS + 1];
  uint8_t missing[OTHERS + 1][KEYRING_THUMB_BYTES] = {{0}};
  waiter waiters[OTHERS + 1];
  ekm_thread *first, *threads[OTHERS + 1];
  ekm_buf foreign;
  const uint8_t none[KEYRING_THUMB_BYTES] = {1};

  keyring_key *key = create(f, "tde");
  ekm_buf_init(&foreign, EKM_SHA1_BYTES);
  assert_true(keyring_foreign_hash(f->crypto, key, KEYRING_BLOB_SPKI, &foreign, &f->err));
  waiter early = {.ring = ring, .thumb = ekm_view_of(none, sizeof none), .call = f->call};
  assert_true(ekm_thread_start(&first, wait_for_key, &early, &f->err));
  wait_until(&vault.listed);
  for (size_t i = 0; i <= OTHERS; i++) {
    watched[i] = (watched_call){0};
    missing[i][0] = (uint8_t)(2 + i);
    waiters[i] = early;
    if (i == LEFT_BEHIND) missing[i][0] = LEFT_BEHIND_BYTE;
    waiters[i].thumb = i == FOREIGN ? ekm_buf_view(&foreign) : ekm_view_of(missing[i], sizeof missing[i]);
    waiters[i].call.is_cancelled = watch_call;
    waiters[i].call.cancel_arg = &watched[i];
    assert_true(ekm_thread_start(&threads[i], wait_for_key, &waiters[i], &f->err));
    wait_until(&watched[i].waits);
  }
  atomic_store(&vault.released, true);
  ekm_thread_join(&first);
  for (size_t i = 0; i <= OTHERS; i++) {
    ekm_thread_join(&threads[i]);
    assert_int_equal(waiters[i].found, i == FOREIGN || i == LEFT_BEHIND);
  }
  ekm_buf_clear(&foreign);
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
  } while (f->err.id == EKM_E_SEARCH_UNFINISHED && ++calls < 2 * NAMES);
  assert_non_null(found);
  assert_true(calls <= NAMES / REQUESTS + 1);
  keyring_key_unref(&found);
  keyring_key_unref(&key);
  keyring_unref(&ring);
}

/* The same material under two names, the first of them disabled. */
static void of_two_copies_the_enabled_one_is_found(void **state) {
  fixture *f = *state;
  keyring_record copy;
  keyring_key *found = NULL;
  keyring_key *key = create(f, "a-first");
  keyring_record_init(&copy);
  (void)snprintf(copy.name, sizeof copy.name, "z-copy");
  (void)snprintf(copy.version, sizeof copy.version, "0123456789abcdef0123456789abcdef");
  copy.is_rsa = copy.enabled = true;
  ekm_buf_append_view(&copy.n, keyring_key_n(key));
  ekm_buf_append_view(&copy.e, keyring_key_e(key));
  assert_true(keyring_memory_add(f->vault->lower, &copy, &f->err));
  assert_true(keyring_memory_enable(f->vault->lower, "a-first", false, &f->err));
  keyring *ring = forgetful_ring(f);
  assert_true(keyring_by_thumb(ring, keyring_key_thumb(key), &f->call, &found, &f->err));
  assert_string_equal(keyring_key_name(found), "z-copy");
  keyring_key_unref(&found);
  keyring_unref(&ring);

  assert_true(keyring_memory_enable(f->vault->lower, "z-copy", false, &f->err));
  ring = forgetful_ring(f); /* better a disabled one, which has an error of its own, than none */
  assert_true(keyring_by_thumb(ring, keyring_key_thumb(key), &f->call, &found, &f->err));
  keyring_key_unref(&found);
  keyring_unref(&ring);
  keyring_record_clear(&copy);
  keyring_key_unref(&key);
}

static void what_is_missing_is_not_searched_again_for_a_while(void **state) {
  fixture *f = *state;
  fake_clock clock;
  fake_clock_init(&clock);
  fill(f, 3);
  f->call.deadline = ekm_deadline_in(&clock.base, 60000);
  keyring *ring = forgetful_ring_with(f, (keyring_options){.clock = &clock.base, .search_again_ms = 10000});
  expect_missing(f, ring, EKM_E_KEY_NOT_FOUND);
  int calls = counting_backend_calls(f->vault);
  fake_clock_pass(&clock, 9999);
  expect_missing(f, ring, EKM_E_KEY_NOT_FOUND);
  assert_int_equal(counting_backend_calls(f->vault), calls);
  fake_clock_pass(&clock, 1);
  expect_missing(f, ring, EKM_E_KEY_NOT_FOUND);
  assert_true(counting_backend_calls(f->vault) > calls);
  keyring_unref(&ring);
}

/* It is made, and named, right after it was missed. */
static void a_missing_key_that_comes_is_there_at_once(void **state) {
  fixture *f = *state;
  keyring_key *found = NULL;
  keyring *ring = forgetful_ring_with(f, (keyring_options){.search_again_ms = 60000});
  keyring_key *key = create(f, "tde");
  assert_true(keyring_drop(f->ring, key, &f->call, &f->err));
  assert_false(keyring_by_thumb(ring, keyring_key_thumb(key), &f->call, &found, &f->err));
  keyring_record again;
  keyring_record_init(&again);
  (void)snprintf(again.name, sizeof again.name, "again");
  (void)snprintf(again.version, sizeof again.version, "0123456789abcdef0123456789abcdef");
  again.is_rsa = again.enabled = true;
  ekm_buf_append_view(&again.n, keyring_key_n(key));
  ekm_buf_append_view(&again.e, keyring_key_e(key));
  assert_true(keyring_memory_add(f->vault->lower, &again, &f->err));
  ekm_err_clear(&f->err);
  assert_true(keyring_by_name(ring, "again", NULL, &f->call, &found, &f->err));
  keyring_key_unref(&found);
  assert_true(keyring_by_thumb(ring, keyring_key_thumb(key), &f->call, &found, &f->err));
  keyring_key_unref(&found);
  keyring_key_unref(&key);
  keyring_record_clear(&again);
  keyring_unref(&ring);
}

/* Of another provider, or of a longer hash: what was asked for stands in the message. */
static void a_long_thumbprint_is_named(void **state) {
  static const uint8_t other[32] = {0xAB, [31] = 0xCD};
  fixture *f = *state;
  keyring_key *key = NULL;
  assert_false(keyring_by_thumb(f->ring, ekm_view_of(other, sizeof other), &f->call, &key, &f->err));
  assert_int_equal(f->err.id, EKM_E_KEY_NOT_FOUND);
  assert_non_null(strstr(f->err.detail, "ab00"));
  assert_non_null(strstr(f->err.detail, "00cd"));
}

static void names_that_are_worth_it_come_first(void **state) {
  fixture *f = *state;
  keyring_key *found = NULL;
  fill(f, 20);
  keyring_key *key = create(f, "tde");
  keyring *ring = forgetful_ring_with(f, (keyring_options){.first_names = "not-there, key-1 tde"});
  atomic_store(&f->vault->name_lists, 0);
  atomic_store(&f->vault->gets, 0);
  assert_true(keyring_by_thumb(ring, keyring_key_thumb(key), &f->call, &found, &f->err));
  assert_int_equal(atomic_load(&f->vault->gets), 3);
  assert_int_equal(atomic_load(&f->vault->name_lists), 0);
  keyring_key_unref(&found);
  keyring_key_unref(&key);
  keyring_unref(&ring);
}

/* Two credentials of one vault: the second search begins when the first has ended. */
static void a_vault_is_searched_by_one_credential_at_a_time(void **state) {
  fixture *f = *state;
  slow_vault vault;
  watched_call watched = {0};
  ekm_thread *first, *second;
  keyring_turns *turns = NULL;
  const uint8_t none[KEYRING_THUMB_BYTES] = {1};

  assert_true(keyring_turns_new(ekm_clock_system(), &turns, &f->err));
  keyring_key *key = create(f, "tde");
  keyring *slow = slow_ring_with(f, &vault, turns);
  keyring *other = forgetful_ring_with(f, (keyring_options){.host = "v.vault.localhost", .turns = turns});
  waiter early = {.ring = slow, .thumb = ekm_view_of(none, sizeof none), .call = f->call};
  waiter late = {.ring = other, .thumb = keyring_key_thumb(key), .call = f->call};
  late.call.is_cancelled = watch_call;
  late.call.cancel_arg = &watched;
  assert_true(ekm_thread_start(&first, wait_for_key, &early, &f->err));
  wait_until(&vault.listed);
  atomic_store(&f->vault->name_lists, 0);
  assert_true(ekm_thread_start(&second, wait_for_key, &late, &f->err));
  wait_until(&watched.waits);
  assert_int_equal(atomic_load(&f->vault->name_lists), 0);
  atomic_store(&vault.released, true);
  ekm_thread_join(&first);
  ekm_thread_join(&second);
  assert_true(late.found);
  keyring_unref(&slow);
  keyring_unref(&other);
  keyring_key_unref(&key);
  keyring_turns_free(&turns);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(threads_share_one_search, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_search_that_began_earlier_is_no_proof, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_search_for_another_finds_foreign_thumbprints_too, set_up, tear_down),
      cmocka_unit_test_setup_teardown(who_waits_for_a_search_can_be_cancelled, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_recovered_older_version_is_found_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_dropped_key_stays_forgotten_while_others_come, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_large_vault_is_searched_by_several_calls, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_two_copies_the_enabled_one_is_found, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_missing_is_not_searched_again_for_a_while, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_missing_key_that_comes_is_there_at_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_long_thumbprint_is_named, set_up, tear_down),
      cmocka_unit_test_setup_teardown(names_that_are_worth_it_come_first, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_vault_is_searched_by_one_credential_at_a_time, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}
