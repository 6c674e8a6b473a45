/* Deadlines of connections: the clock stands still until the test moves it, and a socket pair shows the shutdown. */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/thread.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "vault/connections.h"

enum { IDLE_MS = 60000, REQUEST_MS = 10000, PATIENCE_MS = 10000 };

typedef struct fixture {
  fake_clock clock;
  vault_connections *connections;
  vault_connection *connection;
  int pair[2];
} fixture;

static int set_up(void **state) {
  static fixture f;
  ekm_err err = {0};
  *state = &f;
  fake_clock_init(&f.clock);
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, f.pair) != 0) return -1;
  if (!vault_connections_start(&f.clock.base, IDLE_MS, REQUEST_MS, &f.connections, &err)) return -1;
  f.connection = vault_connections_open(f.connections, f.pair[0]);
  return f.connection == NULL ? -1 : 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  vault_connections_close(f->connections, f->connection);
  vault_connections_stop(&f->connections);
  (void)close(f->pair[0]);
  (void)close(f->pair[1]);
  return f->connections == NULL ? 0 : -1;
}

/* Does the peer see the end within ${ms}? */
static bool is_shut(const fixture *f, int ms) {
  struct pollfd fd = {.fd = f->pair[1], .events = POLLIN};
  return poll(&fd, 1, ms) == 1 && (fd.revents & (POLLIN | POLLHUP)) != 0;
}

/* Two rounds of the watching thread have passed when a new connection, late from its start, was shut. */
static void let_it_look(fixture *f) {
  int pair[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  fixture probe = {.pair = {pair[0], pair[1]}};
  atomic_fetch_sub(&f->clock.mono_ms, 100 * IDLE_MS);
  vault_connection *late = vault_connections_open(f->connections, pair[0]);
  atomic_fetch_add(&f->clock.mono_ms, 100 * IDLE_MS);
  assert_true(is_shut(&probe, PATIENCE_MS));
  vault_connections_close(f->connections, late);
  (void)close(pair[0]);
  (void)close(pair[1]);
}

static void a_silent_connection_is_shut(void **state) {
  fixture *f = *state;
  fake_clock_pass(&f->clock, IDLE_MS + REQUEST_MS - 1);
  let_it_look(f);
  assert_false(is_shut(f, 0));
  fake_clock_pass(&f->clock, 1);
  assert_true(is_shut(f, PATIENCE_MS));
}

static void a_slow_request_is_shut(void **state) {
  fixture *f = *state;
  vault_connections_begin(f->connections, f->connection);
  fake_clock_pass(&f->clock, REQUEST_MS - 1);
  let_it_look(f);
  assert_false(is_shut(f, 0));
  fake_clock_pass(&f->clock, 1);
  assert_true(is_shut(f, PATIENCE_MS));
  vault_connections_end(f->connections, f->connection);
}

static void an_answered_request_leaves_time_for_the_next(void **state) {
  fixture *f = *state;
  for (int i = 0; i < 3; i++) {
    vault_connections_begin(f->connections, f->connection);
    fake_clock_pass(&f->clock, REQUEST_MS - 1);
    vault_connections_end(f->connections, f->connection);
    fake_clock_pass(&f->clock, IDLE_MS);
    let_it_look(f);
    assert_false(is_shut(f, 0));
  }
}

static void end_request(void *arg) {
  fixture *f = arg;
  vault_connections_end(f->connections, f->connection);
}

static void draining_waits_for_what_runs(void **state) {
  fixture *f = *state;
  ekm_thread *thread = NULL;
  ekm_err err = {0};
  assert_true(vault_connections_drain(f->connections, 0));
  vault_connections_begin(f->connections, f->connection);
  assert_false(vault_connections_drain(f->connections, 0));
  assert_true(ekm_thread_start(&thread, end_request, f, &err));
  assert_true(vault_connections_drain(f->connections, INT32_MAX));
  ekm_thread_join(&thread);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_silent_connection_is_shut, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_slow_request_is_shut, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_answered_request_leaves_time_for_the_next, set_up, tear_down),
      cmocka_unit_test_setup_teardown(draining_waits_for_what_runs, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
