/* 64 threads on one provider, and a vault that is killed under them. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "end_to_end_fixture.h"
#include "support/cmocka_all.h"

enum { THREADS = 64, ROUNDS = 6, KEYS = 4, CONFIRMED_MAX = 64, WAIT_MS = 15000 };

/* --- 64 threads -----------------------------------------------------------------------------------------------------
 */

typedef struct crowd {
  end_to_end_fixture *f;
  host_session *shared[2];
  host_key keys[KEYS];
  ekm_buf wrapped[KEYS];
  atomic_int next_number;
  atomic_int failures;
  atomic_uint first_failure;
} crowd;

static void count(crowd *c, uint32_t code) {
  unsigned none = 0;
  if (code == 0) return;
  atomic_fetch_add(&c->failures, 1);
  atomic_compare_exchange_strong(&c->first_failure, &none, code);
}

/* A plaintext may come back as another thread's; asserts belong to the main thread. */
static uint32_t unwrap_one(crowd *c, const host_session *session, size_t key) {
  ekm_buf plain;
  ekm_buf_init(&plain, 4096);
  uint32_t code = connector_unwrap(session, &c->keys[key], ekm_buf_view(&c->wrapped[key]), &plain);
  if (code == 0 && (plain.len != 32 || plain.ptr[0] != (uint8_t)key)) code = UINT32_MAX;
  ekm_buf_clear(&plain);
  return code;
}

/* Even threads share a session, odd ones open their own in each round. */
static void one_of_the_crowd(void *arg) {
  crowd *c = arg;
  size_t number = (size_t)atomic_fetch_add(&c->next_number, 1);
  for (size_t round = 0; round < ROUNDS; round++) {
    host_session *own = NULL;
    host_key key;
    char name[16];
    size_t at = (number + round) % KEYS;
    if (number % 2 == 1) count(c, end_to_end_open(c->f, &c->f->app, &own));
    const host_session *session = own != NULL ? own : c->shared[number / 2 % 2];
    (void)snprintf(name, sizeof name, "crowd-%zu", at);
    count(c, unwrap_one(c, session, at));
    count(c, connector_by_thumb(session, host_key_thumb(&c->keys[at]), &key));
    if (round == 0) count(c, connector_by_name(session, name, &key));
    host_session_close(&own);
  }
}

static void sixty_four_threads_get_what_is_theirs(void **state) {
  static crowd c;
  ekm_thread *threads[THREADS];
  ekm_err err = {0};
  c.f = *state;
  for (size_t i = 0; i < KEYS; i++) {
    char name[16];
    (void)snprintf(name, sizeof name, "crowd-%zu", i);
    akvd_process_key(&c.f->akvd, "create", name);
  }
  for (size_t i = 0; i < 2; i++) connector_assert(end_to_end_open(c.f, &c.f->app, &c.shared[i]), EKM_E_OK);
  for (size_t i = 0; i < KEYS; i++) {
    char name[16];
    uint8_t dek[32] = {(uint8_t)i};
    (void)snprintf(name, sizeof name, "crowd-%zu", i);
    ekm_buf_init(&c.wrapped[i], 4096);
    connector_assert(connector_by_name(c.shared[0], name, &c.keys[i]), EKM_E_OK);
    connector_assert(connector_wrap(c.shared[0], &c.keys[i], ekm_view_of(dek, sizeof dek), &c.wrapped[i]), EKM_E_OK);
  }
  for (size_t i = 0; i < 2; i++) host_session_close(&c.shared[i]);
  end_to_end_reload(c.f, ""); /* cold: 64 threads want the same token and the same keys at once */
  for (size_t i = 0; i < 2; i++) connector_assert(end_to_end_open(c.f, &c.f->app, &c.shared[i]), EKM_E_OK);
  for (size_t i = 0; i < THREADS; i++) assert_true(ekm_thread_start(&threads[i], one_of_the_crowd, &c, &err));
  for (size_t i = 0; i < THREADS; i++) ekm_thread_join(&threads[i]);
  for (size_t i = 0; i < 2; i++) host_session_close(&c.shared[i]);
  for (size_t i = 0; i < KEYS; i++) ekm_buf_clear(&c.wrapped[i]);
  if (c.failures > 0) fail_msg("%d calls failed, the first with %u", c.failures, c.first_failure);
}

/* --- kill -9 ------------------------------------------------------------------------------------------------------ */

typedef struct key_maker {
  end_to_end_fixture *f;
  host_session *session;
  host_key confirmed[CONFIRMED_MAX];
  atomic_size_t count;
  uint32_t last_code;
} key_maker;

static void make_keys(void *arg) {
  key_maker *maker = arg;
  uint32_t code = 0;
  for (size_t i = 0; i < CONFIRMED_MAX && code == 0; i++) {
    char name[32];
    ekm_err err = {0};
    host_result result = {0};
    (void)snprintf(name, sizeof name, "made-%zu", i);
    const host_key_wish wish = {.name = name, .algorithm = 1};
    code = host_key_create(maker->session, &wish, &maker->confirmed[i], &result, &err) ? 0 : result.code;
    if (code == 0) atomic_fetch_add(&maker->count, 1);
  }
  maker->last_code = code;
}

static bool is_of_the_network(uint32_t code) {
  static const ekm_err_id ids[] = {EKM_E_CONNECT, EKM_E_TLS_HANDSHAKE, EKM_E_HTTP_SEND, EKM_E_HTTP_RECEIVE};
  for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
    if (code == ekm_err_info_of(ids[i])->code) return true;
  }
  return false;
}

static void a_killed_vault_comes_back_with_every_confirmed_key(void **state) {
  static key_maker maker;
  end_to_end_fixture *f = *state;
  host_key key;
  ekm_buf wrapped;
  ekm_err err = {0};
  ekm_thread *thread;
  ekm_buf_init(&wrapped, 4096);
  akvd_process_permit(&f->akvd, &f->app, END_TO_END_RIGHTS ",create");
  connector_assert(end_to_end_open(f, &f->app, &maker.session), EKM_E_OK);
  connector_assert(connector_by_name(maker.session, END_TO_END_KEY, &key), EKM_E_OK);
  connector_assert(connector_wrap(maker.session, &key, ekm_view_text(END_TO_END_DEK), &wrapped), EKM_E_OK);
  assert_true(ekm_thread_start(&thread, make_keys, &maker, &err));
  ekm_deadline deadline = ekm_deadline_in(ekm_clock_system(), WAIT_MS);
  while (atomic_load(&maker.count) < 3 && ekm_deadline_left_ms(deadline, ekm_clock_system()) > 0) ekm_thread_yield();
  uint16_t port = f->akvd.port;
  akvd_process_kill(&f->akvd);
  ekm_thread_join(&thread);
  if (maker.count < CONFIRMED_MAX) assert_true(is_of_the_network(maker.last_code));
  assert_true(is_of_the_network(end_to_end_unwrap(maker.session, &key, ekm_buf_view(&wrapped))));

  akvd_process_start(&f->akvd, port);
  connector_assert(end_to_end_unwrap(maker.session, &key, ekm_buf_view(&wrapped)), EKM_E_OK);
  for (size_t i = 0; i < maker.count; i++) {
    host_key again;
    connector_assert(connector_by_name(maker.session, maker.confirmed[i].name, &again), EKM_E_OK);
    assert_true(ekm_view_equal(host_key_thumb(&again), host_key_thumb(&maker.confirmed[i])));
    ekm_buf_reset(&wrapped);
    connector_assert(connector_wrap(maker.session, &again, ekm_view_text(END_TO_END_DEK), &wrapped), EKM_E_OK);
    connector_assert(end_to_end_unwrap(maker.session, &again, ekm_buf_view(&wrapped)), EKM_E_OK);
  }
  host_session_close(&maker.session);
  ekm_buf_clear(&wrapped);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sixty_four_threads_get_what_is_theirs),
      cmocka_unit_test(a_killed_vault_comes_back_with_every_confirmed_key),
  };
  return cmocka_run_group_tests(tests, end_to_end_set_up, end_to_end_tear_down);
}
