/* Searching a vault by several requests at a time: their number, their distance, their end, and what none may read. */
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "keyring/foreign.h"
#include "keyring_fixture.h"
#include "support/memory_gate.h"

/* A vault that notes how many of its gets run at the same time, and lets the first wait for a second. */
static atomic_int running, most_running;

static bool crowded_get(keyring_backend *self, const char *name, const char *version, const keyring_call *call,
                        keyring_record *out, ekm_err *err) {
  counting_backend *b = (counting_backend *)(void *)self;
  int now = atomic_fetch_add(&running, 1) + 1;
  int most = atomic_load(&most_running);
  while (now > most && !atomic_compare_exchange_weak(&most_running, &most, now)) continue;
  ekm_deadline patience = ekm_deadline_in(ekm_clock_system(), 5000);
  while (atomic_load(&most_running) < 2 && ekm_deadline_left_ms(patience, ekm_clock_system()) > 0) ekm_thread_yield();
  atomic_fetch_add(&b->gets, 1);
  bool ok = b->lower->get(b->lower, name, version, call, out, err);
  atomic_fetch_sub(&running, 1);
  return ok;
}

static void some_requests_at_a_time_see_everything(void **state) {
  enum { NAMES = 40, WORKERS = 4 };
  fixture *f = *state;
  fill(f, NAMES);
  keyring *ring = forgetful_ring_with(f, (keyring_options){.search_workers = WORKERS});
  f->vault->base.get = crowded_get;
  atomic_store(&most_running, 0);
  expect_missing(f, ring, EKM_E_KEY_NOT_FOUND);
  assert_in_range(atomic_load(&most_running), 2, WORKERS);
  /* The only versions were seen as the newest ones, but for some that were just being read at the end of these. */
  assert_in_range(atomic_load(&f->vault->gets), NAMES, NAMES + WORKERS - 1);
  assert_int_equal(atomic_load(&f->vault->version_lists), NAMES);
  keyring_unref(&ring);
}

static void requests_keep_their_distance(void **state) {
  enum { NAMES = 20, PER_S = 500 };
  fixture *f = *state;
  fill(f, NAMES);
  keyring *ring = forgetful_ring_with(f, (keyring_options){.search_workers = 8, .search_per_s = PER_S});
  int64_t begin = ekm_clock_mono_ms(ekm_clock_system());
  expect_missing(f, ring, EKM_E_KEY_NOT_FOUND);
  int64_t took = ekm_clock_mono_ms(ekm_clock_system()) - begin;
  assert_true(took >= (2 * NAMES - 2) * 1000 / PER_S); /* gets and lists of versions */
  keyring_unref(&ring);
}

/* What would end behind the deadline is not waited for. */
static void a_turn_behind_the_deadline_is_not_waited_for(void **state) {
  fixture *f = *state;
  fill(f, 4);
  keyring *ring = forgetful_ring_with(f, (keyring_options){.search_per_s = 1});
  f->call.deadline = ekm_deadline_in(ekm_clock_system(), 900);
  int64_t begin = ekm_clock_mono_ms(ekm_clock_system());
  expect_missing(f, ring, EKM_E_SEARCH_UNFINISHED);
  assert_true(ekm_clock_mono_ms(ekm_clock_system()) - begin < 900);
  keyring_unref(&ring);
}

/* A worker that is in the middle of a long list of versions ends it when another one has found the key. */
static void who_finds_the_key_ends_the_work_of_all(void **state) {
  enum { VERSIONS = 400 };
  fixture *f = *state;
  keyring_key *found = NULL;
  keyring_key *many = create(f, "a-many");
  keyring_key *key = create(f, "tde");
  for (int i = 0; i < VERSIONS; i++) assert_true(keyring_memory_rotate(f->vault->lower, "a-many", &f->err));
  assert_true(keyring_memory_rotate(f->vault->lower, "tde", &f->err));
  keyring *ring = forgetful_ring_with(f, (keyring_options){.search_workers = 2, .search_per_s = VERSIONS});
  atomic_store(&f->vault->gets, 0);
  assert_true(keyring_by_thumb(ring, keyring_key_thumb(key), &f->call, &found, &f->err));
  assert_true(atomic_load(&f->vault->gets) < VERSIONS / 2); /* a handful, with a machine that does nothing else */
  keyring_key_unref(&found);
  keyring_key_unref(&many);
  keyring_key_unref(&key);
  keyring_unref(&ring);
}

/* A request that is not answered, as over a connection that a firewall forgot; it ends when its call does. */
static atomic_bool asked_silence, was_cancelled;

static bool silent_get(keyring_backend *self, const char *name, const char *version, const keyring_call *call,
                       keyring_record *out, ekm_err *err) {
  counting_backend *b = (counting_backend *)(void *)self;
  if (strcmp(name, "silent") != 0) {
    wait_until(&asked_silence);
    return b->lower->get(b->lower, name, version, call, out, err);
  }
  atomic_store(&asked_silence, true);
  ekm_deadline patience = ekm_deadline_in(ekm_clock_system(), 5000);
  while (!call->is_cancelled(call->cancel_arg) && ekm_deadline_left_ms(patience, ekm_clock_system()) > 0) {
    ekm_thread_yield();
  }
  atomic_store(&was_cancelled, call->is_cancelled(call->cancel_arg));
  return EKM_FAIL(err, EKM_E_CANCELLED, "'%s'", name);
}

static void who_finds_the_key_waits_for_no_answer(void **state) {
  fixture *f = *state;
  keyring_key *found = NULL;
  keyring_key *other = create(f, "silent");
  keyring_key *key = create(f, "tde");
  keyring *ring = forgetful_ring_with(f, (keyring_options){.search_workers = 2});
  f->vault->base.get = silent_get;
  assert_true(keyring_by_thumb(ring, keyring_key_thumb(key), &f->call, &found, &f->err));
  assert_true(atomic_load(&was_cancelled));
  keyring_key_unref(&found);
  keyring_key_unref(&other);
  keyring_key_unref(&key);
  keyring_unref(&ring);
}

/* A vault of which this application may read only the keys whose names end in 3. */
static bool choosy_get(keyring_backend *self, const char *name, const char *version, const keyring_call *call,
                       keyring_record *out, ekm_err *err) {
  counting_backend *b = (counting_backend *)(void *)self;
  atomic_fetch_add(&b->gets, 1);
  if (name[strlen(name) - 1] != '3') return EKM_FAIL(err, EKM_E_VAULT_FORBIDDEN, "'%s'", name);
  return b->lower->get(b->lower, name, version, call, out, err);
}

static void keys_that_may_not_be_read_are_passed_by(void **state) {
  fixture *f = *state;
  keyring_key *found = NULL;
  fill(f, 23);
  keyring_key *key = create(f, "tde-3");
  keyring *ring = forgetful_ring(f);
  f->vault->base.get = choosy_get;
  assert_true(keyring_by_thumb(ring, keyring_key_thumb(key), &f->call, &found, &f->err));
  assert_string_equal(keyring_key_name(found), "tde-3");
  expect_missing(f, ring, EKM_E_VAULT_FORBIDDEN);
  keyring_key_unref(&found);
  keyring_key_unref(&key);
  keyring_unref(&ring);
}

static void where_nothing_may_be_read_few_are_tried(void **state) {
  fixture *f = *state;
  fill(f, 60);
  keyring *ring = forgetful_ring(f);
  f->vault->base.get = choosy_get;
  atomic_store(&f->vault->gets, 0);
  for (int i = 3; i < 60; i += 10) { /* nor those */
    char name[16];
    (void)snprintf(name, sizeof name, "key-%d", i);
    keyring_key *key = NULL;
    assert_true(keyring_by_name(f->ring, name, NULL, &f->call, &key, &f->err));
    assert_true(keyring_drop(f->ring, key, &f->call, &f->err));
    keyring_key_unref(&key);
  }
  atomic_store(&f->vault->gets, 0);
  expect_missing(f, ring, EKM_E_VAULT_FORBIDDEN);
  assert_int_equal(atomic_load(&f->vault->gets), 8);
  keyring_unref(&ring);
}

/* Whichever allocation fails, of whichever thread: the key is found, or it is said that there was no memory; then it is
 * found. What cannot be told by name is read again, and a thread that cannot be started is done without. */
static void several_workers_without_memory(void **state) {
  enum { NAMES = 8 };
  fixture *f = *state;
  memory_gate gate = {0};
  ekm_buf foreign;
  fill(f, NAMES);
  keyring_key *key = create(f, "tde");
  assert_true(keyring_memory_rotate(f->vault->lower, "tde", &f->err));
  ekm_buf_init(&foreign, EKM_SHA1_BYTES);
  assert_true(keyring_foreign_hash(f->crypto, key, KEYRING_BLOB_CNG, &foreign, &f->err));
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    keyring_key *found = NULL;
    ekm_err err = {0};
    memory_gate_rest(&gate);
    keyring *ring = forgetful_ring_with(f, (keyring_options){.search_workers = 4, .search_again_ms = 60000});
    memory_gate_go_on(&gate);
    bool ok = keyring_by_thumb(ring, ekm_buf_view(&foreign), &f->call, &found, &err);
    memory_gate_rest(&gate);
    gate.done = !gate.failed;
    if (!ok) assert_int_equal(err.id, EKM_E_OUT_OF_MEMORY);
    if (!ok) assert_true(gate.failed);
    if (ok) assert_string_equal(keyring_key_version(found), keyring_key_version(key));
    keyring_key_unref(&found);
    ekm_err_clear(&err);
    assert_true(keyring_by_thumb(ring, ekm_buf_view(&foreign), &f->call, &found, &err));
    keyring_key_unref(&found);
    keyring_unref(&ring);
  }
  ekm_buf_clear(&foreign);
  keyring_key_unref(&key);
}
int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(some_requests_at_a_time_see_everything, set_up, tear_down),
      cmocka_unit_test_setup_teardown(requests_keep_their_distance, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_turn_behind_the_deadline_is_not_waited_for, set_up, tear_down),
      cmocka_unit_test_setup_teardown(who_finds_the_key_ends_the_work_of_all, set_up, tear_down),
      cmocka_unit_test_setup_teardown(who_finds_the_key_waits_for_no_answer, set_up, tear_down),
      cmocka_unit_test_setup_teardown(keys_that_may_not_be_read_are_passed_by, set_up, tear_down),
      cmocka_unit_test_setup_teardown(where_nothing_may_be_read_few_are_tried, set_up, tear_down),
      cmocka_unit_test_setup_teardown(several_workers_without_memory, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("search_workers", tests, NULL, NULL);
}
