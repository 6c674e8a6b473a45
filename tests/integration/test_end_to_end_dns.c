/* Names that are not answered, and names that move: the connector in a network of its own, with a name service that
 * says what the test wants. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/thread.h"
#include "end_to_end_fixture.h"
#include "support/cmocka_all.h"
#include "support/dns_server.h"
#include "support/namespace.h"
#include "support/process_size.h"
#include "support/relay.h"

enum { TIMEOUT_MS = 1000, SLACK_MS = 2000, PATIENT_MS = 20000 };

static end_to_end_fixture *f;
static dns_server *dns;

static int set_up(void **state) {
  if (end_to_end_set_up(state) != 0) return 1;
  f = *state;
  namespace_resolve_here(f->connector.folder);
  dns = dns_server_start();
  return 0;
}

/* Whatever a test leaves behind, the next one has a name service that speaks. */
static int speak(void **state) {
  (void)state;
  dns_server_set(dns, "127.0.0.1");
  dns_server_hold(dns, false);
  dns_server_release(dns);
  return 0;
}

static int tear_down(void **state) {
  dns_server_stop(&dns);
  return end_to_end_tear_down(state);
}

/* Vault and sign-in are reached by names that the test answers, at this port. */
static void configure(const char *settings, uint16_t port) {
  connector_unload(&f->connector);
  connector_configure(&f->connector,
                      "log_file = %s/provider.log\nlog_level = trace\nbreaker_failures = 0\n%s"
                      "[vault " END_TO_END_HOST
                      "]\naddress = vault.test\nport = %u\nca_file = %s/tls/ca.pem\n"
                      "authority = https://login.localhost\nauthority_address = login.test\nauthority_port = %u\n",
                      f->connector.folder, settings, (unsigned)port, f->akvd.data, (unsigned)port);
}

static int64_t now_ms(void) {
  return ekm_clock_mono_ms(ekm_clock_system());
}

static void open_and_find(host_session **out_session, host_key *out_key) {
  connector_assert(end_to_end_open(f, &f->app, out_session), EKM_E_OK);
  connector_assert(connector_by_name(*out_session, END_TO_END_KEY, out_key), EKM_E_OK);
}

static void it_works(void) {
  host_session *session = NULL;
  host_key key;
  open_and_find(&session, &key);
  host_session_close(&session);
}

static bool is_mapped(const char *path) {
  ekm_buf maps;
  ekm_err err = {0};
  ekm_buf_init(&maps, 1024 * 1024);
  assert_true(ekm_file_read("/proc/self/maps", &maps, &err));
  bool mapped = strstr(ekm_buf_text(&maps), path) != NULL;
  ekm_buf_clear(&maps);
  return mapped;
}

static void a_name_that_does_not_exist_is_no_AuthFailure(void **state) {
  host_session *session = NULL;
  (void)state;
  configure("retries = 0\n", f->akvd.port);
  connector_load(&f->connector);
  dns_server_set(dns, NULL);
  connector_assert(end_to_end_open(f, &f->app, &session), EKM_E_DNS);
  dns_server_set(dns, "127.0.0.1");
  it_works();
}

/* libcurl would wait for its thread that looks the name up. It must not; and the library that this thread still runs in
 * must stay where it is, however far away the host believes it to be. */
static void a_silent_name_service_ends_at_the_deadline(void **state) {
  host_session *session = NULL;
  (void)state;
  configure("call_timeout_ms = 1000\n", f->akvd.port);
  connector_unload(&f->connector);
  int threads = process_size_now().threads;
  connector_load(&f->connector);
  dns_server_hold(dns, true);
  int64_t started_ms = now_ms();
  connector_assert(end_to_end_open(f, &f->app, &session), EKM_E_DEADLINE);
  int64_t ms = now_ms() - started_ms;
  print_message("a deadline of %d ms took %d ms\n", TIMEOUT_MS, (int)ms);
  assert_in_range(ms, TIMEOUT_MS - 100, TIMEOUT_MS + SLACK_MS);

  connector_unload(&f->connector);
  assert_true(process_size_now().threads > threads); /* the lookup goes on, and so does the process */
  assert_true(is_mapped(EKM_TEST_PROVIDER));
  dns_server_hold(dns, false);
  dns_server_release(dns);
  process_size_wait_threads(threads);
  configure("", f->akvd.port);
  connector_load(&f->connector);
  it_works();
}

/* A session that is open when the name service goes silent, and a connection that breaks then. */
static void an_open_session_meets_a_silent_name_service(void **state) {
  host_session *session = NULL;
  host_key key;
  (void)state;
  relay *net = relay_start(&(relay_options){.target = f->akvd.port});
  configure("call_timeout_ms = 2000\n", relay_port(net));
  connector_load(&f->connector);
  open_and_find(&session, &key);
  dns_server_hold(dns, true);
  connector_assert(connector_by_name(session, END_TO_END_KEY, &key), EKM_E_OK); /* a connection needs no names */
  relay_end_all(net, RELAY_CLOSE);
  int64_t started_ms = now_ms();
  connector_assert(connector_by_name(session, END_TO_END_KEY, &key), EKM_E_DEADLINE);
  assert_in_range(now_ms() - started_ms, 2 * TIMEOUT_MS - 100, 2 * TIMEOUT_MS + SLACK_MS);
  dns_server_hold(dns, false);
  connector_assert(connector_by_name(session, END_TO_END_KEY, &key), EKM_E_OK);
  dns_server_release(dns);
  host_session_close(&session);
  connector_unload(&f->connector);
  relay_stop(&net);
}

/* --- names that move ---------------------------------------------------------------------------------------------- */

typedef struct two_places {
  relay *old_place, *new_place;
  host_session *session;
  host_key key;
  uint32_t code;
} two_places;

/* One port on two addresses; names are the old one, and the session has been there. */
static void settle(two_places *at, const char *settings) {
  *at = (two_places){.old_place = relay_start(&(relay_options){.target = f->akvd.port})};
  at->new_place =
      relay_start(&(relay_options){.address = "127.0.0.2", .port = relay_port(at->old_place), .target = f->akvd.port});
  configure(settings, relay_port(at->old_place));
  connector_load(&f->connector);
  open_and_find(&at->session, &at->key);
  assert_int_equal(relay_connections(at->new_place), 0);
}

static void leave(two_places *at) {
  host_session_close(&at->session);
  connector_unload(&f->connector);
  relay_stop(&at->old_place);
  relay_stop(&at->new_place);
}

/* The old place still answers, as a region does after a failover: only age leads away from it. */
static void a_moved_vault_is_found_by_the_age_of_connections(void **state) {
  two_places at;
  ekm_deadline deadline = ekm_deadline_in(ekm_clock_system(), PATIENT_MS);
  (void)state;
  settle(&at, "connection_max_age_s = 1\n");
  dns_server_set(dns, "127.0.0.2");
  connector_assert(connector_by_name(at.session, END_TO_END_KEY, &at.key), EKM_E_OK);
  while (relay_connections(at.new_place) == 0 && ekm_deadline_left_ms(deadline, ekm_clock_system()) > 0) {
    connector_assert(connector_by_name(at.session, END_TO_END_KEY, &at.key), EKM_E_OK);
  }
  assert_true(relay_connections(at.new_place) > 0);
  leave(&at);
}

/* The old place is gone: the next call finds the new one, whatever was known of the name a moment ago. */
static void a_moved_vault_is_found_when_its_connections_break(void **state) {
  two_places at;
  (void)state;
  settle(&at, "retries = 0\n");
  dns_server_set(dns, "127.0.0.2");
  relay_set_absent(at.old_place, true);
  relay_end_all(at.old_place, RELAY_RESET);
  connector_assert(connector_by_name(at.session, END_TO_END_KEY, &at.key), EKM_E_OK);
  assert_true(relay_connections(at.new_place) > 0);
  leave(&at);
}

/* The name does not exist for a moment: a call that is on its way repeats until it does. */
static void call_it(void *arg) {
  two_places *at = arg;
  at->code = connector_by_name(at->session, END_TO_END_KEY, &at->key);
}

static void a_call_follows_a_name_while_it_waits(void **state) {
  two_places at;
  ekm_err err = {0};
  ekm_thread *thread;
  (void)state;
  settle(&at, "retries = 10\nretry_delay_ms = 100\n");
  dns_server_set(dns, NULL);
  dns_server_forget(dns);
  relay_end_all(at.old_place, RELAY_RESET);
  assert_true(ekm_thread_start(&thread, call_it, &at, &err));
  dns_server_wait(dns, 2); /* A and AAAA */
  dns_server_set(dns, "127.0.0.2");
  ekm_thread_join(&thread);
  connector_assert(at.code, EKM_E_OK);
  assert_true(relay_connections(at.new_place) > 0);
  leave(&at);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(a_name_that_does_not_exist_is_no_AuthFailure, speak),
      cmocka_unit_test_teardown(a_silent_name_service_ends_at_the_deadline, speak),
      cmocka_unit_test_teardown(an_open_session_meets_a_silent_name_service, speak),
      cmocka_unit_test_teardown(a_moved_vault_is_found_by_the_age_of_connections, speak),
      cmocka_unit_test_teardown(a_moved_vault_is_found_when_its_connections_break, speak),
      cmocka_unit_test_teardown(a_call_follows_a_name_while_it_waits, speak),
  };
  (void)argc;
  namespace_enter(argv);
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
