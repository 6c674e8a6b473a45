/* Unwraps that run and answers that are kept: who asks, who waits, what an outage and what a refusal do. */
#include "keyring/unwraps.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mutex.h"
#include "base/thread.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/memory_gate.h"

#define VERSION "0123456789abcdef0123456789abcdef"

enum { KEEP_MS = 60000, GRACE_MS = 600000, THREADS = 16 };

/* A vault that answers with what it is told to. */
typedef struct vault {
  atomic_int asked;
  _Atomic ekm_err_id refuses_with; /* OK: it answers */
  atomic_int refuses_status;
  atomic_int method;            /* what it reports as the one that worked */
  atomic_int told;              /* the method that it was told */
  ekm_mutex lock;               /* held by a test that wants it to hang */
  void (*meanwhile)(void *arg); /* what happens elsewhere while it thinks; may be NULL */
  void *meanwhile_arg;
} vault;

typedef struct fixture {
  ekm_crypto *crypto;
  fake_clock clock;
  keyring_unwraps *unwraps;
  vault vault;
  keyring_call call;
  ekm_err err;
} fixture;

static bool ask(void *arg, int *method, ekm_buf *out, ekm_err *err) {
  vault *v = arg;
  atomic_fetch_add(&v->asked, 1);
  atomic_store(&v->told, *method);
  ekm_mutex_lock(&v->lock);
  ekm_mutex_unlock(&v->lock);
  if (v->meanwhile != NULL) v->meanwhile(v->meanwhile_arg);
  *method = atomic_load(&v->method);
  err->http_status = atomic_load(&v->refuses_status);
  if (atomic_load(&v->refuses_with) != EKM_E_OK) return EKM_FAIL(err, atomic_load(&v->refuses_with), "as it was told");
  ekm_buf_append_text(out, "the DEK");
  return ekm_buf_ok(out, "a plaintext", err);
}

static void make(fixture *f, int64_t keep_ms, int64_t grace_ms) {
  keyring_unwraps_free(&f->unwraps);
  assert_true(keyring_unwraps_new(f->crypto, &f->clock.base, NULL, keep_ms, grace_ms, &f->unwraps, &f->err));
}

static int set_up(void **state) {
  fixture *f = test_calloc(1, sizeof *f);
  assert_true(ekm_crypto_new(&f->crypto, &f->err));
  fake_clock_init(&f->clock);
  ekm_mutex_init(&f->vault.lock);
  f->call.deadline = ekm_deadline_in(&f->clock.base, INT64_C(1) << 40);
  make(f, KEEP_MS, GRACE_MS);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  keyring_unwraps_free(&f->unwraps);
  ekm_crypto_free(&f->crypto);
  test_free(f);
  return 0;
}

static ekm_err_id run_named(fixture *f, const char *name, const char *ciphertext, const keyring_call *call) {
  ekm_err err = {0};
  ekm_buf out;
  const keyring_unwraps_asker asker = {ask, &f->vault};
  const keyring_unwraps_question asked = {name, VERSION, ekm_view_text(ciphertext)};
  ekm_buf_init(&out, 64);
  bool ok = keyring_unwraps_run(f->unwraps, &asked, &asker, call, &out, &err);
  if (ok) assert_string_equal(ekm_buf_text(&out), "the DEK");
  ekm_buf_clear(&out);
  return ok ? EKM_E_OK : err.id;
}

static ekm_err_id run(fixture *f, const char *ciphertext) {
  return run_named(f, "key", ciphertext, &f->call);
}

static int asked_times(fixture *f) {
  return atomic_exchange(&f->vault.asked, 0);
}

static void without_keeping_each_is_asked(void **state) {
  fixture *f = *state;
  make(f, 0, 0);
  assert_int_equal(run(f, "a"), EKM_E_OK);
  assert_int_equal(run(f, "a"), EKM_E_OK);
  assert_int_equal(asked_times(f), 2);
  atomic_store(&f->vault.refuses_with, EKM_E_CONNECT);
  assert_int_equal(run(f, "a"), EKM_E_CONNECT);
}

static void kept_answers_are_used_while_fresh(void **state) {
  fixture *f = *state;
  assert_int_equal(run(f, "a"), EKM_E_OK);
  fake_clock_pass(&f->clock, KEEP_MS - 1);
  assert_int_equal(run(f, "a"), EKM_E_OK);
  assert_int_equal(run_named(f, "KEY", "a", &f->call), EKM_E_OK); /* the same key */
  assert_int_equal(asked_times(f), 1);
  assert_int_equal(run(f, "b"), EKM_E_OK);
  assert_int_equal(run_named(f, "other", "a", &f->call), EKM_E_OK);
  assert_int_equal(asked_times(f), 2);
  fake_clock_pass(&f->clock, 1);
  assert_int_equal(run(f, "a"), EKM_E_OK);
  assert_int_equal(asked_times(f), 1);
  assert_int_equal(run(f, "a"), EKM_E_OK); /* and fresh again */
  assert_int_equal(asked_times(f), 0);
}

static void outages_are_bridged_for_a_while(void **state) {
  static const ekm_err_id outages[] = {
      EKM_E_DNS,      EKM_E_CONNECT,         EKM_E_TLS_HANDSHAKE,      EKM_E_HTTP_SEND,
      EKM_E_DEADLINE, EKM_E_VAULT_THROTTLED, EKM_E_VAULT_SERVER_ERROR, EKM_E_HTTP_RECEIVE,
      EKM_E_PROXY,    EKM_E_TOKEN_FAILED,    EKM_E_HOST_DOWN,          EKM_E_PROXY_AUTH};
  fixture *f = *state;
  for (size_t i = 0; i < sizeof outages / sizeof outages[0]; i++) {
    make(f, KEEP_MS, GRACE_MS);
    atomic_store(&f->vault.refuses_with, EKM_E_OK);
    assert_int_equal(run(f, "a"), EKM_E_OK);
    atomic_store(&f->vault.refuses_with, outages[i]);
    fake_clock_pass(&f->clock, KEEP_MS + GRACE_MS - 1);
    (void)asked_times(f);
    assert_int_equal(run(f, "a"), EKM_E_OK);
    assert_int_equal(run(f, "a"), EKM_E_OK); /* not asked anew at each call */
    assert_int_equal(asked_times(f), 1);
    assert_int_equal(run(f, "b"), outages[i]); /* what was never kept */
    fake_clock_pass(&f->clock, 1);
    assert_int_equal(run(f, "a"), outages[i]); /* the hard end */
  }
}

/* Not every 4xx of a sign-in service is known to be for good, but each is about who asks. */
static void a_sign_in_service_that_answers_is_not_away(void **state) {
  static const struct {
    int status;
    bool is_away;
  } rows[] = {{0, true},   {400, false}, {401, false}, {403, false}, {404, true}, {408, true},
              {410, true}, {413, false}, {429, true},  {500, true},  {503, true}, {599, true}};
  fixture *f = *state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    make(f, KEEP_MS, GRACE_MS);
    atomic_store(&f->vault.refuses_with, EKM_E_OK);
    assert_int_equal(run(f, "a"), EKM_E_OK);
    fake_clock_pass(&f->clock, KEEP_MS);
    atomic_store(&f->vault.refuses_status, rows[i].status);
    atomic_store(&f->vault.refuses_with, EKM_E_TOKEN_FAILED);
    if (run(f, "a") != (rows[i].is_away ? EKM_E_OK : EKM_E_TOKEN_FAILED)) fail_msg("%d", rows[i].status);
  }
}

static void an_outage_is_asked_about_again(void **state) {
  fixture *f = *state;
  assert_int_equal(run(f, "a"), EKM_E_OK);
  fake_clock_pass(&f->clock, KEEP_MS);
  atomic_store(&f->vault.refuses_with, EKM_E_CONNECT);
  assert_int_equal(run(f, "a"), EKM_E_OK);
  atomic_store(&f->vault.refuses_with, EKM_E_KEY_DISABLED);
  fake_clock_pass(&f->clock, 5000);
  assert_int_equal(run(f, "a"), EKM_E_KEY_DISABLED);
  atomic_store(&f->vault.refuses_with, EKM_E_CONNECT);
  assert_int_equal(run(f, "a"), EKM_E_CONNECT); /* nothing is kept any more */
}

static void a_definite_no_ends_what_is_kept(void **state) {
  static const ekm_err_id noes[] = {EKM_E_KEY_NOT_FOUND,   EKM_E_KEY_DISABLED,       EKM_E_KEY_NOT_IN_TIME,
                                    EKM_E_VAULT_FORBIDDEN, EKM_E_TOKEN_REFUSED,      EKM_E_TOKEN_REJECTED,
                                    EKM_E_UNWRAP_REFUSED,  EKM_E_VAULT_FIREWALL,     EKM_E_TLS_UNTRUSTED,
                                    EKM_E_VAULT_ROLE,      EKM_E_VAULT_PRIVATE_LINK, EKM_E_VAULT_DENIED};
  fixture *f = *state;
  for (size_t i = 0; i < sizeof noes / sizeof noes[0]; i++) {
    make(f, KEEP_MS, GRACE_MS);
    atomic_store(&f->vault.refuses_with, EKM_E_OK);
    assert_int_equal(run(f, "a"), EKM_E_OK);
    fake_clock_pass(&f->clock, KEEP_MS);
    atomic_store(&f->vault.refuses_with, noes[i]);
    assert_int_equal(run(f, "a"), noes[i]);
    atomic_store(&f->vault.refuses_with, EKM_E_CONNECT);
    assert_int_equal(run(f, "a"), EKM_E_CONNECT);
  }
}

/* What is disabled or gone is so for all that was wrapped by it, and for nothing else. */
static void a_no_about_a_key_ends_all_of_it(void **state) {
  static const ekm_err_id noes[] = {EKM_E_KEY_NOT_FOUND, EKM_E_KEY_DISABLED, EKM_E_KEY_NOT_IN_TIME, EKM_E_KEY_OPERATION,
                                    EKM_E_VAULT_NOT_FOUND};
  fixture *f = *state;
  for (size_t i = 0; i < sizeof noes / sizeof noes[0]; i++) {
    make(f, KEEP_MS, GRACE_MS);
    atomic_store(&f->vault.refuses_with, EKM_E_OK);
    assert_int_equal(run(f, "a"), EKM_E_OK);
    assert_int_equal(run(f, "b"), EKM_E_OK);
    assert_int_equal(run_named(f, "other", "b", &f->call), EKM_E_OK);
    atomic_store(&f->vault.refuses_with, noes[i]);
    assert_int_equal(run(f, "c"), noes[i]);
    atomic_store(&f->vault.refuses_with, EKM_E_CONNECT);
    assert_int_equal(run(f, "a"), EKM_E_CONNECT);
    assert_int_equal(run(f, "b"), EKM_E_CONNECT);
    assert_int_equal(run_named(f, "other", "b", &f->call), EKM_E_OK);
  }
}

static void refuse_all(void *arg) {
  const ekm_err err = {.id = EKM_E_VAULT_FORBIDDEN};
  keyring_unwraps_note(((fixture *)arg)->unwraps, NULL, NULL, &err);
}

static void disable(void *arg) {
  keyring_unwraps_forget(((fixture *)arg)->unwraps, "key", VERSION);
}

static void delete_key(void *arg) {
  const ekm_err err = {.id = EKM_E_KEY_NOT_FOUND};
  keyring_unwraps_note(((fixture *)arg)->unwraps, "Key", NULL, &err);
}

/* The vault gave the answer before it said no to another: it must not outlive that no. */
static void an_answer_that_a_no_overtook_is_not_kept(void **state) {
  static void (*const noes[])(void *arg) = {refuse_all, disable, delete_key};
  fixture *f = *state;
  f->vault.meanwhile_arg = f;
  for (size_t i = 0; i < sizeof noes / sizeof noes[0]; i++) {
    make(f, KEEP_MS, GRACE_MS);
    atomic_store(&f->vault.refuses_with, EKM_E_OK);
    f->vault.meanwhile = noes[i];
    assert_int_equal(run(f, "a"), EKM_E_OK);
    f->vault.meanwhile = NULL;
    atomic_store(&f->vault.refuses_with, EKM_E_CONNECT);
    assert_int_equal(run(f, "a"), EKM_E_CONNECT);
  }
}

static void think_long(void *arg) {
  fake_clock_pass(&((fixture *)arg)->clock, KEEP_MS - 1);
}

/* What the vault allowed at the end of a long wait it may have revoked at its beginning. */
static void time_counts_from_the_question(void **state) {
  fixture *f = *state;
  f->vault.meanwhile = think_long;
  f->vault.meanwhile_arg = f;
  assert_int_equal(run(f, "a"), EKM_E_OK);
  f->vault.meanwhile = NULL;
  assert_int_equal(run(f, "a"), EKM_E_OK);
  assert_int_equal(asked_times(f), 1);
  fake_clock_pass(&f->clock, 1);
  assert_int_equal(run(f, "a"), EKM_E_OK);
  assert_int_equal(asked_times(f), 1);
}

static void other_requests_are_heard_too(void **state) {
  fixture *f = *state;
  ekm_err err = {.id = EKM_E_CONNECT};
  assert_int_equal(run(f, "a"), EKM_E_OK);
  keyring_unwraps_note(f->unwraps, NULL, NULL, &err);
  assert_int_equal(run(f, "a"), EKM_E_OK);
  assert_int_equal(asked_times(f), 1);
  err.id = EKM_E_VAULT_FORBIDDEN;
  keyring_unwraps_note(f->unwraps, NULL, NULL, &err);
  assert_int_equal(run(f, "a"), EKM_E_OK);
  assert_int_equal(asked_times(f), 1);
  keyring_unwraps_forget(f->unwraps, "key", "ffffffffffffffffffffffffffffffff");
  assert_int_equal(run(f, "a"), EKM_E_OK);
  assert_int_equal(asked_times(f), 0);
  keyring_unwraps_forget(f->unwraps, "KEY", VERSION);
  assert_int_equal(run(f, "a"), EKM_E_OK);
  assert_int_equal(asked_times(f), 1);
}

static void the_way_that_worked_is_remembered(void **state) {
  fixture *f = *state;
  make(f, 0, 0);
  atomic_store(&f->vault.method, 3);
  assert_int_equal(run(f, "a"), EKM_E_OK);
  assert_int_equal(atomic_load(&f->vault.told), -1);
  assert_int_equal(run(f, "a"), EKM_E_OK);
  assert_int_equal(atomic_load(&f->vault.told), 3);
  assert_int_equal(run(f, "b"), EKM_E_OK);
  assert_int_equal(atomic_load(&f->vault.told), -1);
  for (int other = 2; other >= 0; other -= 2) { /* another one worked since */
    atomic_store(&f->vault.method, other);
    assert_int_equal(run(f, "a"), EKM_E_OK);
    assert_int_equal(run(f, "a"), EKM_E_OK);
    assert_int_equal(atomic_load(&f->vault.told), other);
  }
  atomic_store(&f->vault.method, 3);
  for (int i = 0; i < KEYRING_UNWRAPS_METHODS; i++) { /* the oldest is forgotten in the end */
    char ciphertext[16];
    (void)snprintf(ciphertext, sizeof ciphertext, "c%d", i);
    assert_int_equal(run(f, ciphertext), EKM_E_OK);
  }
  assert_int_equal(run(f, "a"), EKM_E_OK);
  assert_int_equal(atomic_load(&f->vault.told), -1);
}

static void more_than_there_is_room_for(void **state) {
  fixture *f = *state;
  char ciphertext[16];
  for (int i = 0; i < KEYRING_UNWRAPS_KEPT + 1; i++) {
    (void)snprintf(ciphertext, sizeof ciphertext, "c%d", i);
    assert_int_equal(run(f, ciphertext), EKM_E_OK);
    fake_clock_pass(&f->clock, 1);
  }
  assert_int_equal(asked_times(f), KEYRING_UNWRAPS_KEPT + 1);
  assert_int_equal(run(f, ciphertext), EKM_E_OK); /* the newest is there */
  assert_int_equal(run(f, "c1"), EKM_E_OK);
  assert_int_equal(asked_times(f), 0);
  assert_int_equal(run(f, "c0"), EKM_E_OK); /* the oldest is not */
  assert_int_equal(asked_times(f), 1);
}

/* --- many at once ------------------------------------------------------------------------------------------------- */

typedef struct runner {
  fixture *f;
  keyring_call call;
  ekm_thread *thread;
  ekm_err_id result;
} runner;

static void run_thread(void *arg) {
  runner *me = arg;
  me->result = run_named(me->f, "key", "a", &me->call);
}

static void start(fixture *f, runner *all, size_t count) {
  for (size_t i = 0; i < count; i++) {
    all[i] = (runner){.f = f, .call = f->call};
    assert_true(ekm_thread_start(&all[i].thread, run_thread, &all[i], &f->err));
  }
}

static void join(runner *all, size_t count) {
  for (size_t i = 0; i < count; i++) ekm_thread_join(&all[i].thread);
}

/* Until somebody is at the vault. */
static void await_question(fixture *f) {
  while (atomic_load(&f->vault.asked) == 0) ekm_thread_yield();
}

static void many_at_once_ask_once(void **state) {
  fixture *f = *state;
  runner all[THREADS];
  make(f, KEEP_MS, 0); /* who comes too late to wait finds the answer kept */
  ekm_mutex_lock(&f->vault.lock);
  start(f, all, THREADS);
  await_question(f);
  ekm_mutex_unlock(&f->vault.lock);
  join(all, THREADS);
  for (size_t i = 0; i < THREADS; i++) assert_int_equal(all[i].result, EKM_E_OK);
  assert_int_equal(asked_times(f), 1);
}

static bool is_cancelled(void *arg) {
  return atomic_load((atomic_bool *)arg);
}

static void who_waits_can_be_cancelled(void **state) {
  fixture *f = *state;
  runner first, second;
  atomic_bool cancelled = true;
  ekm_mutex_lock(&f->vault.lock);
  start(f, &first, 1);
  await_question(f);
  second = (runner){.f = f, .call = {f->call.deadline, is_cancelled, &cancelled}};
  run_thread(&second);
  assert_int_equal(second.result, EKM_E_CANCELLED);
  second.call = (keyring_call){.deadline = ekm_deadline_in(&f->clock.base, 0)};
  run_thread(&second);
  assert_int_equal(second.result, EKM_E_DEADLINE);
  ekm_mutex_unlock(&f->vault.lock);
  join(&first, 1);
  assert_int_equal(first.result, EKM_E_OK);
}

/* Who waits for one that has more time than he has waited for a silent vault: what is kept serves him. */
static void who_waits_in_vain_has_what_is_kept(void **state) {
  fixture *f = *state;
  runner first, second;
  assert_int_equal(run(f, "a"), EKM_E_OK);
  (void)asked_times(f);
  fake_clock_pass(&f->clock, KEEP_MS);
  ekm_mutex_lock(&f->vault.lock);
  start(f, &first, 1);
  await_question(f);
  second = (runner){.f = f, .call = {.deadline = ekm_deadline_in(&f->clock.base, 0)}};
  run_thread(&second);
  assert_int_equal(second.result, EKM_E_OK);
  ekm_mutex_unlock(&f->vault.lock);
  join(&first, 1);
  assert_int_equal(first.result, EKM_E_OK);
}

/* The one who asked ran out of time, the others did not: each of them asks. */
static void the_end_of_one_is_not_that_of_all(void **state) {
  fixture *f = *state;
  runner all[THREADS];
  make(f, 0, 0);
  atomic_store(&f->vault.refuses_with, EKM_E_DEADLINE);
  ekm_mutex_lock(&f->vault.lock);
  start(f, all, THREADS);
  await_question(f);
  ekm_mutex_unlock(&f->vault.lock);
  join(all, THREADS);
  for (size_t i = 0; i < THREADS; i++) assert_int_equal(all[i].result, EKM_E_DEADLINE);
  assert_int_equal(asked_times(f), THREADS);
}

/* --- everybody at once -------------------------------------------------------------------------------------------- */

enum { CROWD_ROUNDS = 400, CROWD_QUESTIONS = 5 };

typedef struct crowd {
  fixture *f;
  uint32_t seed;
  ekm_thread *thread;
  unsigned right, failed;
  bool wrong;
} crowd;

/* One question of a member of the crowd, and the only right answer to it. */
typedef struct crowd_question {
  crowd *who;
  char ciphertext[8];
} crowd_question;

static uint32_t next_random(crowd *c) {
  c->seed = c->seed * 1664525u + 1013904223u;
  return c->seed >> 8;
}

/* The vault: its answer tells for which ciphertext it is; now and then it refuses, or is away. */
static bool ask_crowded(void *arg, int *method, ekm_buf *out, ekm_err *err) {
  static const ekm_err_id moods[] = {EKM_E_OK, EKM_E_OK, EKM_E_OK, EKM_E_CONNECT, EKM_E_DEADLINE, EKM_E_UNWRAP_REFUSED};
  crowd_question *q = arg;
  ekm_err_id mood = moods[next_random(q->who) % (sizeof moods / sizeof moods[0])];
  *method = (int)(next_random(q->who) % 3);
  ekm_thread_yield();
  ekm_buf_append_fmt(out, "key of %s", q->ciphertext);
  return mood == EKM_E_OK ? ekm_buf_ok(out, "a plaintext", err) : EKM_FAIL(err, mood, "in its mood");
}

static void ask_in_crowd(crowd *c) {
  char expected[24];
  ekm_err err = {0};
  ekm_buf out;
  crowd_question q = {.who = c};
  (void)snprintf(q.ciphertext, sizeof q.ciphertext, "c%u", (unsigned)(next_random(c) % CROWD_QUESTIONS));
  (void)snprintf(expected, sizeof expected, "key of %s", q.ciphertext);
  const keyring_unwraps_asker asker = {ask_crowded, &q};
  const keyring_unwraps_question asked = {"key", VERSION, ekm_view_text(q.ciphertext)};
  ekm_buf_init(&out, 64);
  if (!keyring_unwraps_run(c->f->unwraps, &asked, &asker, &c->f->call, &out, &err)) {
    c->failed++;
  } else if (strcmp(ekm_buf_text(&out), expected) == 0) {
    c->right++;
  } else {
    c->wrong = true;
  }
  ekm_buf_clear(&out);
}

/* Questions, and now and then a no from elsewhere, or time that passes. */
static void be_in_crowd(void *arg) {
  crowd *c = arg;
  for (int i = 0; i < CROWD_ROUNDS; i++) {
    switch (next_random(c) % 16) {
      case 0: refuse_all(c->f); break;
      case 1: disable(c->f); break;
      case 2: keyring_unwraps_tidy(c->f->unwraps); break;
      case 3: fake_clock_pass(&c->f->clock, KEEP_MS); break;
      default: ask_in_crowd(c); break;
    }
  }
}

/* Whatever happens, nobody gets the key of another ciphertext. */
static void nobody_gets_the_key_of_another(void **state) {
  fixture *f = *state;
  crowd all[THREADS];
  unsigned right = 0, failed = 0;
  for (unsigned i = 0; i < THREADS; i++) {
    all[i] = (crowd){.f = f, .seed = i};
    assert_true(ekm_thread_start(&all[i].thread, be_in_crowd, &all[i], &f->err));
  }
  for (unsigned i = 0; i < THREADS; i++) {
    ekm_thread_join(&all[i].thread);
    assert_false(all[i].wrong);
    right += all[i].right;
    failed += all[i].failed;
  }
  assert_true(right > 0 && failed > 0);
}

/* What cannot be kept for want of memory is no failure, so nothing is kept here. */
static void memory_that_runs_out_is_said(void **state) {
  fixture *f = *state;
  memory_gate gate = {0};
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_err err = {0};
    ekm_buf out;
    keyring_unwraps *unwraps = NULL;
    const keyring_unwraps_asker asker = {ask, &f->vault};
    const keyring_unwraps_question asked = {"key", VERSION, ekm_view_text("a")};
    ekm_buf_init(&out, 64);
    bool ok = keyring_unwraps_new(f->crypto, &f->clock.base, NULL, 0, 0, &unwraps, &err) &&
              keyring_unwraps_run(unwraps, &asked, &asker, &f->call, &out, &err);
    if (ok) assert_string_equal(ekm_buf_text(&out), "the DEK");
    keyring_unwraps_free(&unwraps);
    ekm_buf_clear(&out);
    memory_gate_check(&gate, ok, &err);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(without_keeping_each_is_asked, set_up, tear_down),
      cmocka_unit_test_setup_teardown(kept_answers_are_used_while_fresh, set_up, tear_down),
      cmocka_unit_test_setup_teardown(outages_are_bridged_for_a_while, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_sign_in_service_that_answers_is_not_away, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_outage_is_asked_about_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_definite_no_ends_what_is_kept, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_no_about_a_key_ends_all_of_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_answer_that_a_no_overtook_is_not_kept, set_up, tear_down),
      cmocka_unit_test_setup_teardown(time_counts_from_the_question, set_up, tear_down),
      cmocka_unit_test_setup_teardown(other_requests_are_heard_too, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_way_that_worked_is_remembered, set_up, tear_down),
      cmocka_unit_test_setup_teardown(more_than_there_is_room_for, set_up, tear_down),
      cmocka_unit_test_setup_teardown(many_at_once_ask_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(who_waits_can_be_cancelled, set_up, tear_down),
      cmocka_unit_test_setup_teardown(who_waits_in_vain_has_what_is_kept, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_end_of_one_is_not_that_of_all, set_up, tear_down),
      cmocka_unit_test_setup_teardown(nobody_gets_the_key_of_another, set_up, tear_down),
      cmocka_unit_test_setup_teardown(memory_that_runs_out_is_said, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
