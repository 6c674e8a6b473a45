/* Peers that say nothing, too slowly, or nothing that TLS understands; certificates that are not to be trusted; and
 * sessions that are aborted meanwhile. No call outlives its deadline. */
#include "base/clock.h"
#include "base/thread.h"
#include "hostile_vault_fixture.h"
#include "support/cmocka_all.h"

enum {
  SHORT_MS = 1000,
  /* the least that the configuration allows */ SLACK_MS = 2000,
  LONG_MS = 60000,
  SOON_MS = 5000
};

#define DAY_S ((int64_t)24 * 3600)

static int64_t now_ms(void) {
  return ekm_clock_mono_ms(ekm_clock_system());
}

/* --- silence ------------------------------------------------------------------------------------------------------ */

static void walk_must_end_in_time(hostile_vault_fixture *f, hostile_step step) {
  int64_t started_ms = now_ms();
  connector_assert(hostile_vault_walk(f, step), EKM_E_DEADLINE);
  int64_t ms = now_ms() - started_ms;
  assert_in_range(ms, SHORT_MS - 100, SHORT_MS + SLACK_MS);
}

static void try_trick(hostile_vault_fixture *f, hostile_trick trick, hostile_step step) {
  const hostile_play play = {.trick = trick};
  hostile_vault_patience(f, SHORT_MS);
  hostile_vault_fresh(f);
  hostile_server_play(f->server, step, &play);
  walk_must_end_in_time(f, step);
}

static void a_silent_answer_ends_at_the_deadline(void **state) {
  try_trick(*state, HOSTILE_SILENT, HOSTILE_TOKEN);
  try_trick(*state, HOSTILE_SILENT, HOSTILE_UNWRAP);
}

static void an_answer_that_stops_or_drips_ends_at_the_deadline(void **state) {
  try_trick(*state, HOSTILE_STALL, HOSTILE_KEY);
  try_trick(*state, HOSTILE_DRIP, HOSTILE_TOKEN);
}

static void a_silent_handshake_ends_at_the_deadline(void **state) {
  hostile_vault_fixture *f = *state;
  hostile_vault_patience(f, SHORT_MS);
  hostile_vault_fresh(f);
  hostile_server_hang_up(f->server);
  hostile_server_socket(f->server, HOSTILE_SOCKET_SILENT);
  walk_must_end_in_time(f, HOSTILE_CHALLENGE);
}

/* What timed out works again without a new session as soon as the peer speaks. Silence on a connection that was kept is
 * met by a second try on a new one. */
static void a_session_survives_a_deadline(void **state) {
  static const hostile_play silent = {.trick = HOSTILE_SILENT};
  static const hostile_play silent_once = {.trick = HOSTILE_SILENT, .times = 1};
  hostile_vault_fixture *f = *state;
  host_session *session = NULL;
  host_key key;
  hostile_vault_patience(f, SHORT_MS);
  hostile_vault_fresh(f);
  connector_assert(hostile_vault_open(f, &session), EKM_E_OK);
  hostile_server_play(f->server, HOSTILE_KEY, &silent_once);
  connector_assert(connector_by_name(session, HOSTILE_KEY_NAME, &key), EKM_E_OK);
  hostile_server_play(f->server, HOSTILE_KEY, &silent);
  connector_assert(connector_by_name(session, HOSTILE_KEY_NAME, &key), EKM_E_DEADLINE);
  hostile_server_play(f->server, HOSTILE_KEY, NULL);
  connector_assert(connector_by_name(session, HOSTILE_KEY_NAME, &key), EKM_E_OK);
  host_session_close(&session);
}

/* --- no TLS, no server -------------------------------------------------------------------------------------------- */

static void what_is_no_TLS_has_an_error_of_its_own(void **state) {
  static const hostile_socket behaviours[] = {HOSTILE_SOCKET_PLAIN, HOSTILE_SOCKET_CLOSE};
  hostile_vault_fixture *f = *state;
  for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++) {
    hostile_vault_patience(f, LONG_MS);
    hostile_vault_fresh(f);
    hostile_server_socket(f->server, behaviours[i]);
    connector_assert(hostile_vault_walk(f, HOSTILE_CHALLENGE), EKM_E_TLS_HANDSHAKE);
  }
}

/* A provider against a server with these properties. */
static uint32_t open_against(hostile_options options) {
  connector c;
  host_session *session = NULL;
  connector_set_up(&c);
  options.folder = c.folder;
  options.secret = HOSTILE_SECRET;
  hostile_server *server = hostile_server_start(&options);
  connector_configure(&c,
                      "[vault " HOSTILE_HOST
                      "]\naddress = 127.0.0.1\nport = %u\nca_file = %s/authority.pem\n"
                      "authority = https://" HOSTILE_AUTHORITY_HOST
                      "\nauthority_address = 127.0.0.1\n"
                      "authority_port = %u\n",
                      hostile_server_port(server), c.folder, hostile_server_port(server));
  connector_load(&c);
  uint32_t code = connector_open(&c, HOSTILE_HOST, HOSTILE_CLIENT_ID HOSTILE_SECRET, &session);
  host_session_close(&session);
  if (code != 0) assert_int_equal(hostile_server_requests(server), 0);
  connector_unload(&c);
  hostile_server_stop(&server);
  connector_tear_down(&c);
  return code;
}

static void a_certificate_that_is_not_to_be_trusted_ends_before_any_request(void **state) {
  static const char *const elsewhere[] = {"elsewhere.vault.localhost", "login.localhost"};
  static const char *const wildcard[] = {"*.localhost"};           /* one label only */
  connector_unload(&((hostile_vault_fixture *)*state)->connector); /* a library has one configuration at a time */
  connector_assert(open_against((hostile_options){.foreign_authority = "another authority"}), EKM_E_TLS_UNTRUSTED);
  connector_assert(open_against((hostile_options){.foreign_authority = "hostile authority"}), EKM_E_TLS_UNTRUSTED);
  connector_assert(open_against((hostile_options){.names = elsewhere, .name_count = 2}), EKM_E_TLS_HANDSHAKE);
  connector_assert(open_against((hostile_options){.names = wildcard, .name_count = 1}), EKM_E_TLS_HANDSHAKE);
  connector_assert(open_against((hostile_options){.not_after_wall_s = ekm_clock_wall_s(ekm_clock_system()) - DAY_S}),
                   EKM_E_TLS_HANDSHAKE);
}

/* --- aborted -------------------------------------------------------------------------------------------------------
 */

typedef struct caller {
  host_session *session;
  ekm_view thumb;
  uint32_t code;
  int64_t ms;
} caller;

static void look_by_thumb(void *arg) {
  caller *self = arg;
  host_key key;
  int64_t started_ms = now_ms();
  self->code = connector_by_thumb(self->session, self->thumb, &key);
  self->ms = now_ms() - started_ms;
}

static void open_two(hostile_vault_fixture *f, caller callers[2]) {
  hostile_vault_patience(f, LONG_MS);
  hostile_vault_fresh(f);
  for (size_t i = 0; i < 2; i++) {
    callers[i] = (caller){.thumb = ekm_view_of(f->thumb, f->thumb_len)};
    connector_assert(hostile_vault_open(f, &callers[i].session), EKM_E_OK);
  }
}

static void an_aborted_session_returns_soon(void **state) {
  static const hostile_play silent = {.trick = HOSTILE_SILENT};
  hostile_vault_fixture *f = *state;
  caller callers[2];
  ekm_err err = {0};
  ekm_thread *thread;
  open_two(f, callers);
  hostile_server_play(f->server, HOSTILE_LIST, &silent);
  assert_true(ekm_thread_start(&thread, look_by_thumb, &callers[0], &err));
  hostile_server_wait(f->server, HOSTILE_LIST, 1);
  int64_t started_ms = now_ms();
  host_session_abort(callers[0].session);
  ekm_thread_join(&thread);
  assert_in_range(now_ms() - started_ms, 0, SOON_MS);
  connector_assert(callers[0].code, EKM_E_CANCELLED);
  for (size_t i = 0; i < 2; i++) host_session_close(&callers[i].session);
}

static void an_aborted_session_in_the_handshake_returns_soon(void **state) {
  hostile_vault_fixture *f = *state;
  caller callers[2];
  ekm_err err = {0};
  ekm_thread *thread;
  open_two(f, callers);
  hostile_server_hang_up(f->server);
  hostile_server_socket(f->server, HOSTILE_SOCKET_SILENT);
  assert_true(ekm_thread_start(&thread, look_by_thumb, &callers[0], &err));
  hostile_server_wait_connections(f->server, 1);
  int64_t started_ms = now_ms();
  host_session_abort(callers[0].session);
  ekm_thread_join(&thread);
  assert_in_range(now_ms() - started_ms, 0, SOON_MS);
  connector_assert(callers[0].code, EKM_E_CANCELLED);
  for (size_t i = 0; i < 2; i++) host_session_close(&callers[i].session);
}

/* Both look for the same key; whoever leads the search and is aborted must not take the other one along. */
static void an_aborted_session_takes_no_other_along(void **state) {
  static const hostile_play silent_once = {.trick = HOSTILE_SILENT, .times = 1};
  hostile_vault_fixture *f = *state;
  caller callers[2];
  ekm_err err = {0};
  ekm_thread *threads[2];
  open_two(f, callers);
  hostile_server_play(f->server, HOSTILE_LIST, &silent_once);
  assert_true(ekm_thread_start(&threads[0], look_by_thumb, &callers[0], &err));
  hostile_server_wait(f->server, HOSTILE_LIST, 1);
  assert_true(ekm_thread_start(&threads[1], look_by_thumb, &callers[1], &err));
  for (int i = 0; i < 1000; i++) ekm_thread_yield(); /* likely enough, the second waits for the first by now */
  host_session_abort(callers[0].session);
  for (size_t i = 0; i < 2; i++) ekm_thread_join(&threads[i]);
  connector_assert(callers[0].code, EKM_E_CANCELLED);
  connector_assert(callers[1].code, EKM_E_OK);
  assert_in_range(callers[1].ms, 0, SOON_MS);
  for (size_t i = 0; i < 2; i++) host_session_close(&callers[i].session);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_silent_answer_ends_at_the_deadline),
      cmocka_unit_test(an_answer_that_stops_or_drips_ends_at_the_deadline),
      cmocka_unit_test(a_silent_handshake_ends_at_the_deadline),
      cmocka_unit_test(a_session_survives_a_deadline),
      cmocka_unit_test(what_is_no_TLS_has_an_error_of_its_own),
      cmocka_unit_test(a_certificate_that_is_not_to_be_trusted_ends_before_any_request),
      cmocka_unit_test(an_aborted_session_returns_soon),
      cmocka_unit_test(an_aborted_session_in_the_handshake_returns_soon),
      cmocka_unit_test(an_aborted_session_takes_no_other_along),
  };
  return cmocka_run_group_tests(tests, hostile_vault_set_up, hostile_vault_tear_down);
}
