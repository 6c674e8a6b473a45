/* The token cache on a clock that stands still: when it asks, who waits, and what failures do. */
#include <stdatomic.h>
#include <string.h>

#include "base/mutex.h"
#include "base/thread.h"
#include "entra/token_cache.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/memory_gate.h"

enum { THREADS = 16 };

/* A service whose answers the test decides. A fetch can be held until the test lets it go. */
typedef struct service {
  fake_clock clock;
  atomic_int fetches;
  atomic_int inside; /* fetches that run at this moment */
  atomic_int most_inside;
  int64_t lifetime_s;
  ekm_err_id fails;
  ekm_mutex lock;
  ekm_cond changed;
  bool held;
  int64_t last_left_ms; /* what the last fetch had of its deadline */
} service;

static bool fetch(void *arg, const entra_call *call, entra_token **out_token, ekm_err *err) {
  service *s = arg;
  int inside = atomic_fetch_add(&s->inside, 1) + 1;
  if (inside > atomic_load(&s->most_inside)) atomic_store(&s->most_inside, inside);
  atomic_fetch_add(&s->fetches, 1);
  ekm_mutex_lock(&s->lock);
  s->last_left_ms = ekm_deadline_left_ms(call->deadline, &s->clock.base);
  while (s->held) ekm_cond_wait(&s->changed, &s->lock, 1000);
  ekm_err_id fails = s->fails;
  ekm_mutex_unlock(&s->lock);
  atomic_fetch_sub(&s->inside, 1);
  *out_token = NULL;
  if (fails != EKM_E_OK) return EKM_FAIL(err, fails, "by the test");
  return entra_token_new(ekm_view_text("token"), s->lifetime_s, 0, out_token, err);
}

static void hold(service *s, bool held) {
  ekm_mutex_lock(&s->lock);
  s->held = held;
  ekm_cond_wake_all(&s->changed);
  ekm_mutex_unlock(&s->lock);
}

static entra_cache *start(service *s) {
  entra_cache *cache = NULL;
  ekm_err err = {0};
  memset(s, 0, sizeof *s);
  fake_clock_init(&s->clock);
  ekm_mutex_init(&s->lock);
  ekm_cond_init(&s->changed);
  s->lifetime_s = 3600;
  assert_true(entra_cache_new(fetch, s, &s->clock.base, NULL, &cache, &err));
  return cache;
}

static ekm_err_id get_id(service *s, entra_cache *cache, entra_token **out_token) {
  entra_call call = {.deadline = ekm_deadline_in(&s->clock.base, 30000)};
  ekm_err err = {0};
  return entra_cache_get(cache, &call, out_token, &err) ? EKM_E_OK : err.id;
}

/* Get and give back; the error's id. */
static ekm_err_id get(service *s, entra_cache *cache) {
  entra_token *token = NULL;
  ekm_err_id id = get_id(s, cache, &token);
  assert_int_equal(token != NULL, id == EKM_E_OK);
  entra_token_unref(&token);
  return id;
}

static void renews_at_half_life(void **state) {
  service s;
  entra_cache *cache = start(&s);
  (void)state;
  for (int i = 0; i < 3; i++) assert_int_equal(get(&s, cache), EKM_E_OK);
  assert_int_equal(s.fetches, 1);
  fake_clock_pass(&s.clock, 1799 * 1000);
  assert_int_equal(get(&s, cache), EKM_E_OK);
  assert_int_equal(s.fetches, 1);
  fake_clock_pass(&s.clock, 1000);
  assert_int_equal(get(&s, cache), EKM_E_OK);
  assert_int_equal(s.fetches, 2);
  assert_true(s.last_left_ms <= 5000);
  entra_cache_free(&cache);
}

static void wall_clock_does_not_matter(void **state) {
  service s;
  entra_cache *cache = start(&s);
  (void)state;
  assert_int_equal(get(&s, cache), EKM_E_OK);
  atomic_fetch_add(&s.clock.wall_s, 10 * 365 * 86400);
  assert_int_equal(get(&s, cache), EKM_E_OK);
  assert_int_equal(s.fetches, 1);
  entra_cache_free(&cache);
}

static void old_token_serves_while_renewal_fails(void **state) {
  service s;
  entra_cache *cache = start(&s);
  (void)state;
  assert_int_equal(get(&s, cache), EKM_E_OK);
  fake_clock_pass(&s.clock, 1800 * 1000);
  s.fails = EKM_E_TOKEN_REFUSED;
  for (int i = 0; i < 5; i++) assert_int_equal(get(&s, cache), EKM_E_OK);
  assert_int_equal(s.fetches, 2); /* one failure, and then a pause */
  fake_clock_pass(&s.clock, 30 * 1000);
  assert_int_equal(get(&s, cache), EKM_E_OK);
  assert_int_equal(s.fetches, 3);
  fake_clock_pass(&s.clock, (1800 - 30 - 61) * 1000);
  assert_int_equal(get(&s, cache), EKM_E_OK);
  fake_clock_pass(&s.clock, 1000); /* the last minute is not used */
  assert_int_equal(get(&s, cache), EKM_E_TOKEN_REFUSED);
  entra_cache_free(&cache);
}

static void short_lives_are_used_too(void **state) {
  service s;
  entra_cache *cache = start(&s);
  (void)state;
  s.lifetime_s = 40;
  assert_int_equal(get(&s, cache), EKM_E_OK);
  fake_clock_pass(&s.clock, 19 * 1000);
  assert_int_equal(get(&s, cache), EKM_E_OK);
  assert_int_equal(s.fetches, 1);
  entra_cache_free(&cache);
}

static void refusal_is_remembered_for_seconds(void **state) {
  service s;
  entra_cache *cache = start(&s);
  (void)state;
  s.fails = EKM_E_TOKEN_REFUSED;
  for (int i = 0; i < 100; i++) assert_int_equal(get(&s, cache), EKM_E_TOKEN_REFUSED);
  assert_int_equal(s.fetches, 1);
  fake_clock_pass(&s.clock, 5000);
  s.fails = EKM_E_OK;
  assert_int_equal(get(&s, cache), EKM_E_OK);
  assert_int_equal(s.fetches, 2);
  entra_cache_free(&cache);
}

static void other_failures_are_not_remembered(void **state) {
  service s;
  entra_cache *cache = start(&s);
  (void)state;
  s.fails = EKM_E_CONNECT;
  for (int i = 1; i <= 3; i++) {
    assert_int_equal(get(&s, cache), EKM_E_CONNECT);
    assert_int_equal(s.fetches, i);
  }
  entra_cache_free(&cache);
}

static void a_rejected_token_is_replaced_once(void **state) {
  service s;
  entra_cache *cache = start(&s);
  entra_token *first = NULL;
  (void)state;
  assert_int_equal(get_id(&s, cache, &first), EKM_E_OK);
  entra_cache_drop(cache, first);
  assert_int_equal(get(&s, cache), EKM_E_OK);
  entra_cache_drop(cache, first); /* somebody who had the old one is late */
  assert_int_equal(get(&s, cache), EKM_E_OK);
  assert_int_equal(s.fetches, 2);
  entra_token_unref(&first);
  entra_cache_free(&cache);
}

/* --- threads ------------------------------------------------------------------------------------------------------ */

typedef struct getter {
  service *s;
  entra_cache *cache;
  ekm_thread *thread;
  ekm_err_id id;
  atomic_bool done;
} getter;

static void run_getter(void *arg) {
  getter *g = arg;
  entra_token *token = NULL;
  g->id = get_id(g->s, g->cache, &token);
  entra_token_unref(&token);
  atomic_store(&g->done, true);
}

static void start_getters(getter *getters, int count, service *s, entra_cache *cache) {
  ekm_err err = {0};
  for (int i = 0; i < count; i++) {
    getters[i].s = s;
    getters[i].cache = cache;
    getters[i].id = EKM_E_INTERNAL;
    atomic_store(&getters[i].done, false);
    assert_true(ekm_thread_start(&getters[i].thread, run_getter, &getters[i], &err));
  }
}

static void join_getters(getter *getters, int count, ekm_err_id expected) {
  for (int i = 0; i < count; i++) {
    ekm_thread_join(&getters[i].thread);
    assert_int_equal(getters[i].id, expected);
  }
}

static void many_threads_make_one_flight(void **state) {
  service s;
  getter getters[THREADS];
  entra_cache *cache = start(&s);
  (void)state;
  hold(&s, true);
  start_getters(getters, THREADS, &s, cache);
  while (atomic_load(&s.inside) == 0) ekm_thread_yield();
  hold(&s, false);
  join_getters(getters, THREADS, EKM_E_OK);
  assert_int_equal(s.fetches, 1);
  assert_int_equal(s.most_inside, 1);
  entra_cache_free(&cache);
}

static void others_go_on_while_one_renews(void **state) {
  service s;
  getter renewer;
  entra_cache *cache = start(&s);
  (void)state;
  assert_int_equal(get(&s, cache), EKM_E_OK);
  fake_clock_pass(&s.clock, 1800 * 1000);
  hold(&s, true);
  start_getters(&renewer, 1, &s, cache);
  while (atomic_load(&s.inside) == 0) ekm_thread_yield();
  for (int i = 0; i < 10; i++) assert_int_equal(get(&s, cache), EKM_E_OK); /* would hang if it waited */
  assert_false(atomic_load(&renewer.done));
  hold(&s, false);
  join_getters(&renewer, 1, EKM_E_OK);
  assert_int_equal(s.fetches, 2);
  entra_cache_free(&cache);
}

static void waiters_share_a_failure(void **state) {
  service s;
  getter getters[THREADS];
  entra_cache *cache = start(&s);
  (void)state;
  s.fails = EKM_E_TOKEN_REFUSED;
  hold(&s, true);
  start_getters(getters, THREADS, &s, cache);
  while (atomic_load(&s.inside) == 0) ekm_thread_yield();
  hold(&s, false);
  join_getters(getters, THREADS, EKM_E_TOKEN_REFUSED);
  assert_int_equal(s.fetches, 1);
  entra_cache_free(&cache);
}

static void waiting_ends_at_ones_own_deadline(void **state) {
  service s;
  getter flyer;
  entra_token *token = NULL;
  ekm_err err = {0};
  entra_cache *cache = start(&s);
  (void)state;
  hold(&s, true);
  start_getters(&flyer, 1, &s, cache);
  while (atomic_load(&s.inside) == 0) ekm_thread_yield();
  entra_call over = {.deadline = ekm_deadline_in(&s.clock.base, 0)};
  assert_false(entra_cache_get(cache, &over, &token, &err));
  assert_int_equal(err.id, EKM_E_DEADLINE);
  hold(&s, false);
  join_getters(&flyer, 1, EKM_E_OK);
  entra_cache_free(&cache);
}

static bool always(void *arg) {
  (void)arg;
  return true;
}

static void waiting_ends_when_cancelled(void **state) {
  service s;
  getter flyer;
  entra_token *token = NULL;
  ekm_err err = {0};
  entra_cache *cache = start(&s);
  (void)state;
  hold(&s, true);
  start_getters(&flyer, 1, &s, cache);
  while (atomic_load(&s.inside) == 0) ekm_thread_yield();
  entra_call cancelled = {.deadline = ekm_deadline_in(&s.clock.base, 1000), .is_cancelled = always};
  assert_false(entra_cache_get(cache, &cancelled, &token, &err));
  assert_int_equal(err.id, EKM_E_CANCELLED);
  hold(&s, false);
  join_getters(&flyer, 1, EKM_E_OK);
  entra_cache_free(&cache);
}

static void anothers_deadline_is_not_ours(void **state) {
  service s;
  getter getters[THREADS];
  entra_cache *cache = start(&s);
  (void)state;
  s.fails = EKM_E_DEADLINE;
  hold(&s, true);
  start_getters(getters, THREADS, &s, cache);
  while (atomic_load(&s.inside) == 0) ekm_thread_yield();
  hold(&s, false);
  join_getters(getters, THREADS, EKM_E_DEADLINE);
  assert_int_equal(s.fetches, THREADS); /* each tried for himself, one after the other */
  assert_int_equal(s.most_inside, 1);
  entra_cache_free(&cache);
}

static void survives_without_memory(void **state) {
  memory_gate gate = {0};
  (void)state;
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    service s = {.lifetime_s = 100, .lock = EKM_MUTEX_INIT, .changed = EKM_COND_INIT};
    entra_cache *cache = NULL;
    entra_token *token = NULL;
    ekm_err err = {0};
    fake_clock_init(&s.clock);
    entra_call call = {.deadline = ekm_deadline_in(&s.clock.base, 30000)};
    bool ok =
        entra_cache_new(fetch, &s, &s.clock.base, NULL, &cache, &err) && entra_cache_get(cache, &call, &token, &err);
    memory_gate_check(&gate, ok, &err);
    entra_token_unref(&token);
    entra_cache_free(&cache);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(renews_at_half_life),
      cmocka_unit_test(wall_clock_does_not_matter),
      cmocka_unit_test(old_token_serves_while_renewal_fails),
      cmocka_unit_test(short_lives_are_used_too),
      cmocka_unit_test(refusal_is_remembered_for_seconds),
      cmocka_unit_test(other_failures_are_not_remembered),
      cmocka_unit_test(a_rejected_token_is_replaced_once),
      cmocka_unit_test(many_threads_make_one_flight),
      cmocka_unit_test(others_go_on_while_one_renews),
      cmocka_unit_test(waiters_share_a_failure),
      cmocka_unit_test(waiting_ends_at_ones_own_deadline),
      cmocka_unit_test(waiting_ends_when_cancelled),
      cmocka_unit_test(anothers_deadline_is_not_ours),
      cmocka_unit_test(survives_without_memory),
  };
  return cmocka_run_group_tests_name("token_cache", tests, NULL, NULL);
}
