/* 64 threads on the same and on different keys and sessions, with sessions closed under running calls. */
#include <stdatomic.h>

#include "base/thread.h"
#include "provider_fixture.h"

enum { THREADS = 64, ROUNDS = 40, KEYS = 8 };

static SqlCpByte thumbs[KEYS][20];
static atomic_int failures;

static bool round_trip(SqlCpSession *on, size_t which, SqlCpByte value) {
  SqlCpByte plain[32], sealed[256], opened[256];
  SqlCpKeyThumbprint key = {20, thumbs[which % KEYS]};
  memset(plain, value, sizeof plain);
  SqlCpData in = {32, plain}, wrapped = {sizeof sealed, sealed}, out = {sizeof opened, opened};
  return SqlCryptEncrypt(on, &key, 1, NULL, 0, &in, &wrapped) == 0 &&
         SqlCryptDecrypt(on, &key, 1, NULL, 0, &wrapped, &out) == 0 && out.cb == 32 && memcmp(opened, plain, 32) == 0;
}

static bool one_round(size_t me, size_t round) {
  engine_key_info room;
  SqlCpSession mine = NULL;
  SqlCpKeyId id = 0;
  SqlCpKeyThumbprint key = {20, thumbs[(me + round) % KEYS]};
  bool ok = engine_open("memory", ENGINE_GOOD_SECRET, &mine) == 0;
  ok = ok && round_trip(&mine, me, (SqlCpByte)round) && round_trip(&session, round, (SqlCpByte)me);
  ok = ok && SqlCryptGetKeyInfoByThumb(&mine, &key, engine_key_info_room(&room)) == 0;
  ok = ok && SqlCryptGetNextKeyId(&mine, &id) == 0;
  ok = ok && SqlCryptGetKeyInfoByKeyId(&mine, id, engine_key_info_room(&room)) == 0;
  return ok && SqlCryptCloseSession(&mine, (SqlCpBoolean)(round & 1)) == 0;
}

static void work(void *arg) {
  size_t me = (size_t)(uintptr_t)arg;
  for (size_t round = 0; round < ROUNDS; round++) {
    if (!one_round(me, round)) atomic_fetch_add(&failures, 1);
  }
}

static void sixty_four_threads_share_sessions_and_keys(void **state) {
  ekm_thread *threads[THREADS];
  ekm_err err = {0};
  (void)state;
  for (size_t i = 0; i < KEYS; i++) {
    char name[] = "key-0";
    name[4] = (char)('0' + i);
    create_key(name, thumbs[i]);
  }
  for (size_t i = 0; i < THREADS; i++) assert_true(ekm_thread_start(&threads[i], work, (void *)(uintptr_t)i, &err));
  for (size_t i = 0; i < THREADS; i++) ekm_thread_join(&threads[i]);
  assert_int_equal(atomic_load(&failures), 0);
}

static atomic_bool stop;

static void hammer(void *arg) {
  SqlCpSession shared = *(SqlCpSession *)arg;
  while (!atomic_load(&stop)) (void)round_trip(&shared, 0, 1);
}

/* The engine kills connections: CloseSession comes while calls run on the same session. */
static void sessions_may_be_closed_under_running_calls(void **state) {
  ekm_err err = {0};
  (void)state;
  create_key("key-0", thumbs[0]);
  for (int round = 0; round < 50; round++) {
    SqlCpSession victim = NULL;
    ekm_thread *threads[4];
    assert_int_equal(engine_open("memory", ENGINE_GOOD_SECRET, &victim), scp_err_Success);
    atomic_store(&stop, false);
    for (size_t i = 0; i < 4; i++) assert_true(ekm_thread_start(&threads[i], hammer, &victim, &err));
    assert_true(round_trip(&victim, 0, 2));
    assert_int_equal(SqlCryptCloseSession(&victim, (SqlCpBoolean)(round & 1)), scp_err_Success);
    assert_false(round_trip(&victim, 0, 3));
    atomic_store(&stop, true);
    for (size_t i = 0; i < 4; i++) ekm_thread_join(&threads[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(sixty_four_threads_share_sessions_and_keys, set_up, tear_down),
      cmocka_unit_test_setup_teardown(sessions_may_be_closed_under_running_calls, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
