/* The network as it really is: late, lossy, broken off, silent, gone; and back again. A relay stands between the
 * connector and akvd, one for the vault and one for the sign-in.
 *
 * Whatever happens to the network is told as what it is, ends by the deadline, leaves nothing in the process, and is
 * forgotten when the network is back. It is never an AuthFailure, which SQL Server takes for the end of a credential.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "end_to_end_fixture.h"
#include "support/cmocka_all.h"
#include "support/process_size.h"
#include "support/relay.h"

enum {
  SHORT_MS = 2000, /* call_timeout_ms where it is to be met; after it all has to work within as much */
  SLACK_MS = 2000, /* machines are busy; a deadline that did not hold would be missed by much more */
  GROWTH_MAX_KB = 1024,
  PIECES = 6 /* of an exchange over a new connection: at most so many one way */
};

typedef struct network {
  end_to_end_fixture *f;
  relay *vault, *sign_in;
  int apps;
  akvd_app app; /* the one of now */
} network;

static network net;

/* --- the fixture -------------------------------------------------------------------------------------------------- */

static int set_up(void **state) {
  if (end_to_end_set_up(state) != 0) return 1;
  net.f = *state;
  net.app = net.f->app;
  return 0;
}

static int start(void **state) {
  (void)state;
  net.vault = relay_start(&(relay_options){.target = net.f->akvd.port});
  net.sign_in = relay_start(&(relay_options){.target = net.f->akvd.port});
  return 0;
}

static int stop(void **state) {
  (void)state;
  connector_unload(&net.f->connector);
  relay_stop(&net.vault);
  relay_stop(&net.sign_in);
  return 0;
}

static void load(const char *settings) {
  connector_unload(&net.f->connector);
  connector_configure(&net.f->connector,
                      "log_file = %s/provider.log\nlog_level = trace\n%s\n[vault " END_TO_END_HOST
                      "]\n"
                      "address = 127.0.0.1\nport = %u\nca_file = %s/tls/ca.pem\nauthority = https://login.localhost\n"
                      "authority_address = 127.0.0.1\nauthority_port = %u\n",
                      net.f->connector.folder, settings, (unsigned)relay_port(net.vault), net.f->akvd.data,
                      (unsigned)relay_port(net.sign_in));
  connector_load(&net.f->connector);
}

#define ONE_TRY "call_timeout_ms = 2000\nretries = 0\nbreaker_failures = 0\n"
#define PATIENT "call_timeout_ms = 20000\nretries = 5\nretry_delay_ms = 10\nbreaker_failures = 0\n"

static int64_t now_ms(void) {
  return ekm_clock_mono_ms(ekm_clock_system());
}

/* A session with a key and something wrapped; a new one each, so that the sign-in is asked, if there is one. */
typedef struct work {
  host_session *session;
  host_key key;
  ekm_buf wrapped;
} work;

static void work_begin(work *w) {
  *w = (work){0};
  ekm_buf_init(&w->wrapped, 4096);
  connector_assert(end_to_end_open(net.f, &net.f->app, &w->session), EKM_E_OK);
  connector_assert(connector_by_name(w->session, END_TO_END_KEY, &w->key), EKM_E_OK);
  connector_assert(connector_wrap(w->session, &w->key, ekm_view_text(END_TO_END_DEK), &w->wrapped), EKM_E_OK);
}

static uint32_t work_unwrap(const work *w) {
  return end_to_end_unwrap(w->session, &w->key, ekm_buf_view(&w->wrapped));
}

static uint32_t work_find(const work *w) {
  host_key key;
  return connector_by_name(w->session, END_TO_END_KEY, &key);
}

static void work_end(work *w) {
  host_session_close(&w->session);
  ekm_buf_clear(&w->wrapped);
}

/* A credential that the provider has not seen: its session needs the sign-in. */
static void new_app(void) {
  char name[32];
  (void)snprintf(name, sizeof name, "app-%d", net.apps++);
  akvd_process_app(&net.f->akvd, name, NULL, &net.app);
  akvd_process_permit(&net.f->akvd, &net.app, END_TO_END_RIGHTS);
}

static uint32_t open_app(host_session **out_session) {
  return end_to_end_open(net.f, &net.app, out_session);
}

static bool is_code(uint32_t code, ekm_err_id id) {
  return code == ekm_err_info_of(id)->code;
}

/* What a broken exchange may be told as. */
static bool is_network_fault(uint32_t code) {
  static const ekm_err_id ids[] = {EKM_E_CONNECT, EKM_E_TLS_HANDSHAKE, EKM_E_HTTP_SEND, EKM_E_HTTP_RECEIVE,
                                   EKM_E_DEADLINE};
  for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
    if (is_code(code, ids[i])) return true;
  }
  return false;
}

static int count_in(const char *file, const char *words) {
  char path[256];
  ekm_err err = {0};
  ekm_buf text;
  int count = 0;
  ekm_buf_init(&text, 64 * 1024 * 1024);
  (void)snprintf(path, sizeof path, "%s/%s", net.f->connector.folder, file);
  assert_true(ekm_file_read(path, &text, &err));
  for (const char *at = ekm_buf_text(&text); (at = strstr(at, words)) != NULL; at++) count++;
  ekm_buf_clear(&text);
  return count;
}

/* --- slow --------------------------------------------------------------------------------------------------------- */

static void latency_and_losses_are_only_slow(void **state) {
  static const relay_weather bad = {.delay_ms = 5, .delay_spread_ms = 20, .stalls = 1000, .stall_ms = 200};
  work w;
  (void)state;
  load(PATIENT);
  relay_set_weather(net.vault, &bad);
  relay_set_weather(net.sign_in, &bad);
  work_begin(&w);
  for (int i = 0; i < 20; i++) connector_assert(work_unwrap(&w), EKM_E_OK);
  work_end(&w);
}

/* Slower than anybody waits: the deadline, and then all is well again in the same session. */
static void too_slow_is_a_deadline(void **state) {
  static const relay_weather crawling = {.delay_ms = 900};
  work w;
  (void)state;
  load(ONE_TRY);
  work_begin(&w);
  relay_set_weather(net.vault, &crawling);
  int64_t started_ms = now_ms();
  connector_assert(work_unwrap(&w), EKM_E_DEADLINE);
  assert_in_range(now_ms() - started_ms, SHORT_MS - 100, SHORT_MS + SLACK_MS);
  relay_set_weather(net.vault, NULL);
  connector_assert(work_unwrap(&w), EKM_E_OK);
  work_end(&w);
}

/* --- broken off --------------------------------------------------------------------------------------------------- */

/* Whichever piece of an exchange it is that gets lost: a passing fault that nobody notices. */
static void a_connection_that_breaks_once_is_not_noticed(void **state) {
  static const relay_end ends[] = {RELAY_RESET, RELAY_CLOSE};
  work w;
  (void)state;
  load(PATIENT);
  work_begin(&w);
  for (int at = 0; at < 4 * PIECES; at++) {
    relay_way way = (at & 1) != 0 ? RELAY_ANSWER : RELAY_REQUEST;
    if (at >= 2 * PIECES) relay_end_all(net.vault, RELAY_CLOSE); /* then with a handshake in front */
    relay_set_trap(net.vault, way, at / 2 % PIECES, ends[(at >> 1) & 1], 1);
    connector_assert(work_unwrap(&w), EKM_E_OK);
    connector_assert(work_find(&w), EKM_E_OK);
  }
  work_end(&w);
}

/* The same where nothing is repeated, and where each try breaks: the fault has its name. */
static void a_connection_that_breaks_always_has_its_error(void **state) {
  static const relay_end ends[] = {RELAY_RESET, RELAY_CLOSE};
  work w;
  (void)state;
  load(ONE_TRY);
  work_begin(&w);
  for (int at = 0; at < 4 * PIECES; at++) {
    relay_set_trap(net.vault, (at & 1) != 0 ? RELAY_ANSWER : RELAY_REQUEST, at / 2 % 3, ends[(at >> 1) & 1], 1000);
    uint32_t code = work_unwrap(&w);
    if (code != 0 && !is_network_fault(code)) fail_msg("piece %d: %u", at, code);
    code = work_find(&w);
    if (code != 0 && !is_network_fault(code)) fail_msg("piece %d: %u", at, code);
    relay_set_trap(net.vault, RELAY_ANSWER, 0, RELAY_RESET, 0);
    connector_assert(work_unwrap(&w), EKM_E_OK);
  }
  work_end(&w);
}

static void a_sign_in_that_breaks_is_no_AuthFailure(void **state) {
  (void)state;
  load(ONE_TRY);
  for (int at = 0; at < 2 * PIECES; at++) {
    host_session *session = NULL;
    new_app();
    relay_set_trap(net.sign_in, (at & 1) != 0 ? RELAY_ANSWER : RELAY_REQUEST, at / 2, RELAY_RESET, 1);
    uint32_t code = open_app(&session);
    if (code != 0 && !is_network_fault(code)) fail_msg("piece %d: %u", at, code);
    relay_set_trap(net.sign_in, RELAY_ANSWER, 0, RELAY_RESET, 0);
    if (code != 0) connector_assert(open_app(&session), EKM_E_OK);
    host_session_close(&session);
  }
}

/* --- silent ------------------------------------------------------------------------------------------------------- */

static void a_black_hole_ends_at_the_deadline(void **state) {
  host_session *session = NULL;
  work w;
  (void)state;
  load(ONE_TRY);
  work_begin(&w);
  relay_set_hole(net.vault, true);
  int64_t started_ms = now_ms();
  connector_assert(work_unwrap(&w), EKM_E_DEADLINE);
  assert_in_range(now_ms() - started_ms, SHORT_MS - 100, SHORT_MS + SLACK_MS);
  relay_set_hole(net.vault, false);
  connector_assert(work_unwrap(&w), EKM_E_OK);

  new_app();
  relay_set_hole(net.sign_in, true);
  started_ms = now_ms();
  connector_assert(open_app(&session), EKM_E_DEADLINE);
  assert_in_range(now_ms() - started_ms, SHORT_MS - 100, SHORT_MS + SLACK_MS);
  connector_assert(work_unwrap(&w), EKM_E_OK); /* who has a token needs no sign-in */
  relay_set_hole(net.sign_in, false);
  connector_assert(open_app(&session), EKM_E_OK);
  host_session_close(&session);
  work_end(&w);
}

/* The server, or a firewall between, has forgotten the connection, and nobody was told. The call asks once more over a
 * new one, in time. */
static void a_half_open_connection_is_replaced_in_time(void **state) {
  work w;
  (void)state;
  load(ONE_TRY);
  work_begin(&w);
  for (int i = 0; i < 3; i++) {
    relay_end_all(net.vault, RELAY_SILENCE);
    int64_t started_ms = now_ms();
    connector_assert(i % 2 == 0 ? work_unwrap(&w) : work_find(&w), EKM_E_OK);
    assert_in_range(now_ms() - started_ms, SHORT_MS / 3 - 50, SHORT_MS);
  }
  assert_int_equal(count_in("provider.log", "\"event\":\"http.silent\""), 3);
  work_end(&w);
}

/* --- gone and back ------------------------------------------------------------------------------------------------ */

static void a_vault_that_is_gone_is_told_at_once(void **state) {
  host_session *session = NULL;
  work w;
  (void)state;
  load("call_timeout_ms = 20000\nretries = 0\nbreaker_failures = 0\n");
  work_begin(&w);
  new_app();
  relay_set_absent(net.vault, true);
  relay_end_all(net.vault, RELAY_RESET);
  int64_t started_ms = now_ms();
  connector_assert(work_unwrap(&w), EKM_E_CONNECT);
  connector_assert(open_app(&session), EKM_E_CONNECT);
  assert_in_range(now_ms() - started_ms, 0, 5000);
  relay_set_absent(net.vault, false);
  connector_assert(work_unwrap(&w), EKM_E_OK);
  connector_assert(open_app(&session), EKM_E_OK);
  host_session_close(&session);
  work_end(&w);
}

/* After so many failures nobody waits any more; and then it is tried, and found back. */
static void a_host_that_is_down_is_found_back(void **state) {
  ekm_deadline deadline = ekm_deadline_in(ekm_clock_system(), 20000);
  work w;
  (void)state;
  load("call_timeout_ms = 2000\nretries = 0\nbreaker_failures = 2\nbreaker_open_s = 1\n");
  work_begin(&w);
  relay_set_hole(net.vault, true);
  connector_assert(work_unwrap(&w), EKM_E_DEADLINE);
  connector_assert(work_unwrap(&w), EKM_E_DEADLINE);
  int64_t started_ms = now_ms();
  connector_assert(work_unwrap(&w), EKM_E_HOST_DOWN);
  assert_in_range(now_ms() - started_ms, 0, SHORT_MS - 500);
  relay_set_hole(net.vault, false);
  uint32_t code = work_unwrap(&w);
  while (is_code(code, EKM_E_HOST_DOWN) && ekm_deadline_left_ms(deadline, ekm_clock_system()) > 0) {
    code = work_unwrap(&w);
  }
  connector_assert(code, EKM_E_OK);
  work_end(&w);
}

/* --- and what must never be repeated ------------------------------------------------------------------------------ */

/* A key that is created while its answer gets lost is created once: not two versions. */
static void a_creation_is_never_sent_twice(void **state) {
  work w;
  int sent = 0;
  (void)state;
  akvd_process_permit(&net.f->akvd, &net.f->app, END_TO_END_RIGHTS ",create");
  load(PATIENT);
  work_begin(&w);
  for (int at = 0; at < 2 * PIECES; at++) {
    char name[32], path[64];
    ekm_err err = {0};
    host_result result = {0};
    host_key key;
    (void)snprintf(name, sizeof name, "created-%d", at);
    relay_end_all(net.vault, RELAY_CLOSE);
    relay_set_trap(net.vault, (at & 1) != 0 ? RELAY_ANSWER : RELAY_REQUEST, at / 2, RELAY_RESET, 1);
    (void)!host_key_create(w.session, &(host_key_wish){name, w.key.algorithm, SQLCP_KEY_SUPPORTED}, &key, &result,
                           &err);
    relay_set_trap(net.vault, RELAY_ANSWER, 0, RELAY_RESET, 0);
    (void)snprintf(path, sizeof path, "/keys/%s/create", name);
    int now = count_in("akvd.log", path);
    if (now > 1) fail_msg("%s was sent %d times", path, now);
    bool is_honest = result.code == 0 || is_network_fault(result.code) || is_code(result.code, EKM_E_CREATION_UNSURE);
    if (!is_honest) fail_msg("piece %d: %u", at, result.code);
    sent += now;
  }
  assert_true(sent > 0);
  work_end(&w);
  akvd_process_permit(&net.f->akvd, &net.f->app, END_TO_END_RIGHTS);
}

/* --- all of it, and nothing stays --------------------------------------------------------------------------------- */

static void one_bad_day(const work *w) {
  relay_set_trap(net.vault, RELAY_ANSWER, 0, RELAY_RESET, 1);
  (void)work_unwrap(w);
  relay_end_all(net.vault, RELAY_SILENCE);
  (void)work_unwrap(w);
  relay_set_absent(net.vault, true);
  relay_end_all(net.vault, RELAY_RESET);
  (void)work_unwrap(w);
  relay_set_absent(net.vault, false);
  connector_assert(work_unwrap(w), EKM_E_OK);
}

static void bad_days_leave_nothing(void **state) {
  work w;
  (void)state;
  load(ONE_TRY);
  work_begin(&w);
  for (int i = 0; i < 3; i++) one_bad_day(&w);
  process_size before = process_size_now();
  for (int i = 0; i < 12; i++) one_bad_day(&w);
  process_size_assert(&before, GROWTH_MAX_KB);
  work_end(&w);
}

int main(void) {
#define NETWORK_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
  const struct CMUnitTest tests[] = {
      NETWORK_TEST(latency_and_losses_are_only_slow),
      NETWORK_TEST(too_slow_is_a_deadline),
      NETWORK_TEST(a_connection_that_breaks_once_is_not_noticed),
      NETWORK_TEST(a_connection_that_breaks_always_has_its_error),
      NETWORK_TEST(a_sign_in_that_breaks_is_no_AuthFailure),
      NETWORK_TEST(a_black_hole_ends_at_the_deadline),
      NETWORK_TEST(a_half_open_connection_is_replaced_in_time),
      NETWORK_TEST(a_vault_that_is_gone_is_told_at_once),
      NETWORK_TEST(a_host_that_is_down_is_found_back),
      NETWORK_TEST(a_creation_is_never_sent_twice),
      NETWORK_TEST(bad_days_leave_nothing),
  };
  return cmocka_run_group_tests(tests, set_up, end_to_end_tear_down);
}
