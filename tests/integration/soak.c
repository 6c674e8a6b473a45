/* The connector for minutes under 32 threads, in weather that changes every second: every result is right or an honest
 * error, every call ends in time, and each ten seconds, when all is closed and unloaded, nothing is left.
 *
 *   DURATION=600 SEED=1 soak
 *
 * A line for each span of ten seconds; at its end the weather is fair, and the connector has to work again at once. */
#include "soak.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "support/cmocka_all.h"
#include "support/process_size.h"

enum {
  DURATION_S = 600,
  SPAN_MS = 10000,
  SPANS_MIN = 3,      /* of a shorter soak */
  CHANGE_MS = 1000,   /* of the weather; ten times in a span at least */
  WARM_UP_SPANS = 12, /* then memory counts */
  GROWTH_MAX_KB = 4096,
  SLACK_MS = 3000,        /* of a call's deadline: 32 threads and a vault share what processors there are */
  SHORT_SLACK_MS = 15000, /* the same where sanitizers may look on */
  LONG_MS = 60000,
  FILES_WAIT_MS = 10000
};

static int64_t now_ms(void) {
  return ekm_clock_mono_ms(ekm_clock_system());
}

static uint64_t number_of(const char *variable, uint64_t fallback) {
  const char *text = getenv(variable);
  return text == NULL || text[0] == '\0' ? fallback : strtoull(text, NULL, 10);
}

/* --- counting ----------------------------------------------------------------------------------------------------- */

static soak the_soak;

static void count_call(const host_hook *self, host_call *call) {
  soak_count *count = &the_soak.counts[call->fn];
  long ms = (long)((ekm_clock_mono_ns() - call->started_ns) / 1000000);
  long longest = atomic_load(&count->longest_ms);
  (void)self;
  atomic_fetch_add(&count->calls, 1);
  if (call->code == 0) atomic_fetch_add(&count->successes, 1);
  while (ms > longest && !atomic_compare_exchange_weak(&count->longest_ms, &longest, ms)) {
  }
}

static const host_hook counting = {.after = count_call};

/* --- a span: load, work, unload ----------------------------------------------------------------------------------- */

/* The cache of unwrapped keys is on in every second span. */
static void load(soak *s, int span) {
  ekm_err err = {0};
  connector_configure(
      &s->f->connector,
      "call_timeout_ms = %d\nretries = 3\nretry_delay_ms = 20\nretry_max_delay_ms = 500\nbreaker_failures = 10\n"
      "breaker_open_s = 1\nconnection_max_age_s = 3\nallow_drop_key = yes\nunwrap_cache_s = %d\nunwrap_grace_s = %d\n"
      "[vault " END_TO_END_HOST
      "]\naddress = 127.0.0.1\nport = %u\nca_file = %s/tls/ca.pem\n"
      "authority = https://login.localhost\nauthority_address = 127.0.0.1\nauthority_port = %u\n",
      SOAK_CALL_MS, span % 2, span % 2, (unsigned)relay_port(s->vault), s->f->akvd.data,
      (unsigned)relay_port(s->sign_in));
  if (!host_module_load(EKM_TEST_PROVIDER, &counting, &s->module, NULL, &err)) fail_msg("%s", err.detail);
}

/* A key that is always there, and what it wraps. */
static void prepare_key(soak_key *k, const host_session *session) {
  ekm_err err = {0};
  assert_true(host_key_by_name(session, k->name, &k->key, NULL, &err));
  assert_true(
      host_key_encrypt(session, host_key_thumb(&k->key), ekm_view_text(END_TO_END_DEK), &k->wrapped, NULL, &err));
  assert_true(host_key_export(session, host_key_thumb(&k->key), &k->exported, NULL, &err));
}

/* In the first span, before anything is busy. */
static void prepare_keys(soak *s) {
  ekm_err err = {0};
  ekm_secret secret = {0};
  host_session *session = NULL;
  assert_true(ekm_secret_set(&secret, ekm_view_text(s->apps[0].credential), &err));
  assert_true(host_session_open(s->module, END_TO_END_HOST, &secret, &session, NULL, &err));
  ekm_secret_clear(&secret);
  for (size_t i = 0; i < SOAK_KEYS; i++) prepare_key(&s->keys[i], session);
  host_session_close(&session);
}

static void wait_ms(int64_t ms) {
  ekm_mutex lock = EKM_MUTEX_INIT;
  ekm_cond never = EKM_COND_INIT;
  ekm_deadline end = ekm_deadline_in(ekm_clock_system(), ms);
  ekm_mutex_lock(&lock);
  while (ekm_deadline_left_ms(end, ekm_clock_system()) > 0) {
    ekm_cond_wait(&never, &lock, ekm_deadline_left_ms(end, ekm_clock_system()));
  }
  ekm_mutex_unlock(&lock);
}

static void work_for(soak *s, int64_t span_ms) {
  ekm_err err = {0};
  ekm_thread *threads[SOAK_WORKERS];
  int64_t change_ms = span_ms / 10 < CHANGE_MS ? span_ms / 10 : CHANGE_MS;
  atomic_store(&s->stopping, false);
  for (size_t i = 0; i < SOAK_WORKERS; i++) assert_true(ekm_thread_start(&threads[i], soak_work, &s->workers[i], &err));
  for (int64_t passed = 0; passed < span_ms; passed += change_ms) {
    (void)soak_weather_change(s);
    wait_ms(change_ms);
  }
  soak_weather_calm(s);
  atomic_store(&s->stopping, true);
  for (size_t i = 0; i < SOAK_WORKERS; i++) ekm_thread_join(&threads[i]);
}

/* What the relays still hold of connections that the provider has closed goes in a moment. */
static process_size settled_size(soak *s, int files) {
  ekm_deadline deadline = ekm_deadline_in(ekm_clock_system(), FILES_WAIT_MS);
  relay_end_all(s->vault, RELAY_RESET);
  relay_end_all(s->sign_in, RELAY_RESET);
  (void)malloc_trim(0);
  process_size size = process_size_now();
  while (size.files > files && ekm_deadline_left_ms(deadline, ekm_clock_system()) > 0) {
    ekm_thread_yield();
    size = process_size_now();
  }
  return size;
}

/* --- what is told ------------------------------------------------------------------------------------------------- */

static long longest_ms(const soak *s) {
  long longest = 0;
  for (size_t i = 0; i < SOAK_FUNCTIONS; i++) {
    long each = atomic_load(&s->counts[i].longest_ms);
    if (each > longest) longest = each;
  }
  return longest;
}

static long calls_of(const soak *s) {
  long calls = 0;
  for (size_t i = 0; i < SOAK_FUNCTIONS; i++) calls += atomic_load(&s->counts[i].calls);
  return calls;
}

static void tell_span(const soak *s, int64_t at_ms, const process_size *size) {
  print_message("%4" PRId64 " s: %ld calls, %ld right, %ld wrong, longest %ld ms; %ld kB, %d files, %d threads;",
                at_ms / 1000, calls_of(s), atomic_load(&s->right), atomic_load(&s->wrong), longest_ms(s),
                size->resident_kb, size->files, size->threads);
  for (int i = 0; i < EKM_ERR_COUNT; i++) {
    long count = atomic_load(&s->faults[i]);
    if (count > 0) print_message(" %s %ld", ekm_err_info_of((ekm_err_id)i)->name, count);
  }
  print_message("\n");
}

/* Each function was called, and in a long soak went well sometimes; ImportKey is refused always. */
static void tell_functions(const soak *s, bool is_long) {
  for (size_t i = 0; i < SOAK_FUNCTIONS; i++) {
    const soak_count *count = &s->counts[i];
    long calls = atomic_load(&count->calls), successes = atomic_load(&count->successes);
    print_message("  %-26s %9ld calls, %9ld successes, longest %ld ms\n", host_fn_name((host_fn)i), calls, successes,
                  atomic_load(&count->longest_ms));
    assert_true(calls > 0);
    if (i != HOST_FN_ImportKey && is_long) assert_true(successes > 0);
  }
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void begin(soak *s, end_to_end_fixture *f) {
  uint16_t port = f->akvd.port;
  s->f = f;
  connector_unload(&f->connector);
  akvd_process_stop(&f->akvd);
  f->akvd.log_level = "warn";
  akvd_process_start(&f->akvd, port);
  s->vault = relay_start(&(relay_options){.target = f->akvd.port, .seed = s->random});
  s->sign_in = relay_start(&(relay_options){.target = f->akvd.port, .seed = s->random + 1});
  for (unsigned i = 0; i < SOAK_APPS; i++) {
    char name[16];
    (void)snprintf(name, sizeof name, "app-%u", i);
    akvd_process_app(&f->akvd, name, NULL, &s->apps[i]);
    akvd_process_permit(&f->akvd, &s->apps[i], END_TO_END_RIGHTS ",create,delete");
  }
  for (unsigned i = 0; i < SOAK_KEYS; i++) {
    soak_key *k = &s->keys[i];
    (void)snprintf(k->name, sizeof k->name, "soak-%u", i);
    ekm_buf_init(&k->wrapped, 4096);
    ekm_buf_init(&k->exported, 4096);
    akvd_process_key(&f->akvd, "create", k->name);
  }
  for (unsigned i = 0; i < SOAK_WORKERS; i++) {
    s->workers[i] = (soak_worker){.s = s, .index = i, .random = s->random * (2 * i + 3) + i + 1};
    ekm_mutex_init(&s->workers[i].lock);
  }
}

static void end(soak *s) {
  for (size_t i = 0; i < SOAK_KEYS; i++) {
    ekm_buf_clear(&s->keys[i].wrapped);
    ekm_buf_clear(&s->keys[i].exported);
  }
  relay_stop(&s->vault);
  relay_stop(&s->sign_in);
}

static process_size one_span(soak *s, int span, int64_t span_ms, const process_size *before) {
  load(s, span);
  if (span == 0) prepare_keys(s);
  work_for(s, span_ms);
  if (!soak_recovers(s)) fail_msg("the network is back, and the connector does not work");
  host_module_unload(&s->module);
  process_size size = settled_size(s, before->files);
  if (size.files > before->files) fail_msg("%d descriptors, %d before", size.files, before->files);
  if (size.threads > before->threads) fail_msg("%d threads, %d before", size.threads, before->threads);
  return size;
}

static void every_result_is_right_or_an_honest_error(void **state) {
  soak *s = &the_soak;
  int64_t duration_ms = 1000 * (int64_t)number_of("DURATION", DURATION_S);
  uint64_t seed = number_of("SEED", (uint64_t)ekm_clock_wall_s(ekm_clock_system()));
  int64_t span_ms = duration_ms / SPANS_MIN < SPAN_MS ? duration_ms / SPANS_MIN : SPAN_MS;
  bool is_long = duration_ms >= LONG_MS;
  process_size warm = {0};
  print_message("soak: DURATION=%" PRId64 " SEED=%" PRIu64 "\n", duration_ms / 1000, seed);
  s->random = seed * 2 + 1;
  begin(s, *state);
  int64_t started_ms = now_ms();
  process_size before = process_size_now();
  for (int span = 0; now_ms() - started_ms < duration_ms; span++) {
    process_size size = one_span(s, span, span_ms, &before);
    tell_span(s, now_ms() - started_ms, &size);
    if (span == WARM_UP_SPANS) warm = size;
    if (warm.resident_kb > 0 && size.resident_kb > warm.resident_kb + GROWTH_MAX_KB) fail_msg("memory grows");
  }
  tell_functions(s, is_long);
  print_message("soak: %ld calls, %ld wrong, SEED=%" PRIu64 "\n", calls_of(s), atomic_load(&s->wrong), seed);
  assert_int_equal(atomic_load(&s->wrong), 0);
  assert_in_range(longest_ms(s), 0, SOAK_CALL_MS + (is_long ? SLACK_MS : SHORT_SLACK_MS));
  end(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_result_is_right_or_an_honest_error)};
  return cmocka_run_group_tests(tests, end_to_end_set_up, end_to_end_tear_down);
}
