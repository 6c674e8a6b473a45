/* How the provider behaves itself: how often it asks, what it does with connections that died, what it writes into its
 * log when others put secrets into their words, and how it takes a head that never ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "hostile_vault_fixture.h"
#include "support/cmocka_all.h"

#define KEY_LOG "test_hostile_manners.keys"

enum { SHORT_MS = 1000, LOG_MAX_BYTES = 16 * 1024 * 1024 };

/* --- how often it asks ---------------------------------------------------------------------------------------------
 */

/* Requests since the last question. */
static int asked(hostile_vault_fixture *f) {
  static int before;
  int now = hostile_server_requests(f->server);
  int count = now >= before ? now - before : now;
  before = now;
  return count;
}

static void cold(hostile_vault_fixture *f) {
  hostile_vault_fresh(f);
  (void)asked(f);
}

static SqlCpError probe(const host_session *session, const host_key *key, bool wraps, uint32_t in_len,
                        uint32_t *out_len) {
  const host_calls *calls = host_module_calls(host_session_module(session));
  SqlCpByte in[512] = {0}, thumb[SQLCP_MAX_THUMBPRINT_BYTES];
  memcpy(thumb, key->thumb, sizeof thumb);
  const SqlCpKeyThumbprint print = {(uint32_t)key->thumb_len, thumb};
  const SqlCpData input = {in_len, in};
  SqlCpData output = {0, NULL};
  SqlCpError code = wraps ? calls->Encrypt(host_session_handle(session), &print, 1, NULL, 0, &input, &output)
                          : calls->Decrypt(host_session_handle(session), &print, 1, NULL, 0, &input, &output);
  *out_len = output.cb;
  return code;
}

static void a_session_asks_no_more_than_it_must(void **state) {
  hostile_vault_fixture *f = *state;
  host_session *session = NULL, *second = NULL;
  host_key key, again;
  ekm_buf wrapped, out;
  ekm_err err = {0};
  uint32_t len = 0;
  ekm_buf_init(&wrapped, 4096);
  ekm_buf_init(&out, 4096);
  cold(f);
  connector_assert(hostile_vault_open(f, &session), EKM_E_OK);
  assert_int_equal(asked(f), 2); /* challenge and token */
  connector_assert(connector_by_name(session, HOSTILE_KEY_NAME, &key), EKM_E_OK);
  assert_int_equal(asked(f), 1); /* probe and fill */
  connector_assert(connector_by_name(session, HOSTILE_KEY_NAME, &again), EKM_E_OK);
  assert_int_equal(asked(f), 1); /* a name is always asked for */
  connector_assert(connector_by_thumb(session, host_key_thumb(&key), &again), EKM_E_OK);
  assert_true(host_key_export(session, host_key_thumb(&key), &out, NULL, &err));
  assert_int_equal(probe(session, &key, true, 32, &len), scp_err_InsufficientBuffer);
  assert_int_equal(len, 256);
  assert_int_equal(probe(session, &key, false, 256, &len), scp_err_InsufficientBuffer);
  assert_in_range(len, 1, 256);
  connector_assert(hostile_vault_open(f, &second), EKM_E_OK);
  connector_assert(connector_by_thumb(second, host_key_thumb(&key), &again), EKM_E_OK);
  assert_int_equal(asked(f), 0); /* all of that is known */
  connector_assert(connector_wrap(session, &key, ekm_view_text(HOSTILE_DEK), &wrapped), EKM_E_OK);
  assert_int_equal(asked(f), 1);
  for (int i = 0; i < 3; i++) {
    ekm_buf_reset(&out);
    connector_assert(connector_unwrap(second, &key, ekm_buf_view(&wrapped), &out), EKM_E_OK);
    assert_int_equal(asked(f), 1);
  }
  host_session_close(&session);
  host_session_close(&second);
  ekm_buf_clear(&wrapped);
  ekm_buf_clear(&out);
}

static void ids_are_known_after_the_enumeration(void **state) {
  hostile_vault_fixture *f = *state;
  host_session *session = NULL;
  host_key key, again;
  SqlCpKeyId id = 0, first = 0;
  bool more = true;
  ekm_err err = {0};
  cold(f);
  connector_assert(hostile_vault_open(f, &session), EKM_E_OK);
  while (more) {
    assert_true(host_key_next(session, &id, &more, NULL, &err));
    if (first == 0) first = id;
  }
  (void)asked(f);
  assert_true(host_key_by_id(session, first, &key, NULL, &err));
  assert_string_equal(key.name, HOSTILE_KEY_NAME);
  connector_assert(connector_by_thumb(session, host_key_thumb(&key), &again), EKM_E_OK);
  assert_int_equal(asked(f), 0);
  host_session_close(&session);
}

static void a_cold_start_asks_four_or_five_times(void **state) {
  hostile_vault_fixture *f = *state;
  host_session *session = NULL;
  host_key key;
  ekm_buf wrapped, out;
  ekm_buf_init(&wrapped, 4096);
  ekm_buf_init(&out, 4096);
  cold(f);
  connector_assert(hostile_vault_open(f, &session), EKM_E_OK);
  connector_assert(connector_by_name(session, HOSTILE_KEY_NAME, &key), EKM_E_OK);
  connector_assert(connector_wrap(session, &key, ekm_view_text(HOSTILE_DEK), &wrapped), EKM_E_OK);
  host_session_close(&session);
  for (int by_thumb = 0; by_thumb < 2; by_thumb++) {
    cold(f);
    connector_assert(hostile_vault_open(f, &session), EKM_E_OK);
    connector_assert(by_thumb ? connector_by_thumb(session, ekm_view_of(f->thumb, f->thumb_len), &key)
                              : connector_by_name(session, HOSTILE_KEY_NAME, &key),
                     EKM_E_OK);
    connector_assert(connector_unwrap(session, &key, ekm_buf_view(&wrapped), &out), EKM_E_OK);
    assert_in_range(asked(f), 4, by_thumb ? 5 : 4);
    host_session_close(&session);
  }
  ekm_buf_clear(&wrapped);
  ekm_buf_clear(&out);
}

/* A refused credential is tried once, however often the engine asks at once; and refused again when it asks again. */
static void a_refused_credential_is_not_hammered(void **state) {
  static const hostile_play refuse = {.status = 401,
                                      .body =
                                          "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: "
                                          "Invalid client secret provided.\",\"error_codes\":[7000215]}"};
  hostile_vault_fixture *f = *state;
  host_session *session = NULL;
  hostile_vault_fresh(f);
  hostile_server_play(f->server, HOSTILE_TOKEN, &refuse);
  for (int i = 0; i < 3; i++) connector_assert(hostile_vault_open(f, &session), EKM_E_AUTH_FAILURE);
  assert_int_equal(hostile_server_seen(f->server, HOSTILE_TOKEN), 1);
  hostile_server_play(f->server, HOSTILE_TOKEN, NULL);
  hostile_vault_fresh(f);
  connector_assert(hostile_vault_open(f, &session), EKM_E_OK);
  host_session_close(&session);
}

/* --- connections ---------------------------------------------------------------------------------------------------
 */

/* The test has no handler of SIGPIPE: a write to a dead connection must not raise it. */
static void a_kept_connection_that_died_is_replaced(void **state) {
  hostile_vault_fixture *f = *state;
  host_session *session = NULL;
  host_key key;
  ekm_buf wrapped, out;
  ekm_buf_init(&wrapped, 4096);
  ekm_buf_init(&out, 4096);
  hostile_vault_fresh(f);
  connector_assert(hostile_vault_open(f, &session), EKM_E_OK);
  hostile_server_hang_up(f->server);
  connector_assert(connector_by_name(session, HOSTILE_KEY_NAME, &key), EKM_E_OK);
  hostile_server_hang_up(f->server);
  connector_assert(connector_wrap(session, &key, ekm_view_text(HOSTILE_DEK), &wrapped), EKM_E_OK);
  hostile_server_hang_up(f->server);
  connector_assert(connector_unwrap(session, &key, ekm_buf_view(&wrapped), &out), EKM_E_OK);
  host_session_close(&session);
  ekm_buf_clear(&wrapped);
  ekm_buf_clear(&out);
}

static void a_head_without_end_is_given_up(void **state) {
  static const hostile_trick tricks[] = {HOSTILE_HEADERS, HOSTILE_CONTINUE};
  static const hostile_step steps[] = {HOSTILE_TOKEN, HOSTILE_KEY};
  hostile_vault_fixture *f = *state;
  hostile_vault_patience(f, SHORT_MS);
  for (size_t i = 0; i < 4; i++) {
    const hostile_play play = {.trick = tricks[i / 2]};
    hostile_vault_fresh(f);
    hostile_server_play(f->server, steps[i % 2], &play);
    uint32_t code = hostile_vault_walk(f, steps[i % 2]);
    if (code != ekm_err_info_of(EKM_E_DEADLINE)->code) connector_assert(code, EKM_E_ANSWER_TOO_BIG);
  }
}

/* --- the log -------------------------------------------------------------------------------------------------------
 */

static void read_log(hostile_vault_fixture *f, ekm_buf *out) {
  char path[256];
  ekm_err err = {0};
  (void)snprintf(path, sizeof path, "%s/provider.log", f->connector.folder);
  ekm_buf_init(out, LOG_MAX_BYTES);
  assert_true(ekm_file_read(path, out, &err));
  assert_true(out->len > 0);
}

/* Whoever has seen a secret may say it in an error. */
static void words_of_others_bring_no_secret_into_the_log(void **state) {
  static char secret_words[1024];
  static const hostile_play plays[] = {
      {.status = 401, .body = secret_words},
      {.status = 400, .body = HOSTILE_ERROR("BadParameter", "\\u001b[2J\\r\\n{\\\"level\\\":\\\"forged\\\"}")},
  };
  static const hostile_step steps[] = {HOSTILE_TOKEN, HOSTILE_WRAP};
  hostile_vault_fixture *f = *state;
  ekm_buf log;
  for (size_t i = 0; i < sizeof plays / sizeof plays[0]; i++) {
    hostile_vault_fresh(f);
    (void)snprintf(secret_words, sizeof secret_words,
                   "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid secret '%s'\","
                   "\"error_codes\":[7000215]}",
                   f->credential + strlen(HOSTILE_CLIENT_ID));
    hostile_server_play(f->server, steps[i], &plays[i]);
    assert_true(hostile_vault_walk(f, steps[i]) != 0);
  }
  read_log(f, &log);
  assert_null(strstr(ekm_buf_text(&log), HOSTILE_SECRET));
  assert_null(strstr(ekm_buf_text(&log), HOSTILE_DEK));
  assert_null(strstr(ekm_buf_text(&log), HOSTILE_ACCESS_TOKEN));
  ekm_buf_clear(&log);
}

/* main set SSLKEYLOGFILE before libcurl was there: whatever a host is debugged with, its key log has none of ours. */
static void the_host_cannot_have_keys_logged(void **state) {
  hostile_vault_fixture *f = *state;
  ekm_err err = {0};
  ekm_buf keys;
  hostile_vault_fresh(f);
  connector_assert(hostile_vault_walk(f, HOSTILE_UNWRAP), EKM_E_OK);
  ekm_buf_init(&keys, LOG_MAX_BYTES);
  if (ekm_file_exists(KEY_LOG)) assert_true(ekm_file_read(KEY_LOG, &keys, &err));
  assert_int_equal(keys.len, 0);
  ekm_buf_clear(&keys);
  (void)remove(KEY_LOG);
}

static void every_line_of_the_log_is_one_object(void **state) {
  ekm_buf log;
  read_log(*state, &log);
  for (const char *line = ekm_buf_text(&log); *line != '\0';) {
    ekm_err err = {0};
    json_t *doc = NULL;
    size_t len = strcspn(line, "\n");
    assert_true(ekm_json_parse(ekm_view_of(line, len), &doc, &err));
    assert_non_null(ekm_json_text(doc, "event"));
    assert_string_not_equal(ekm_json_text(doc, "level"), "forged");
    for (size_t i = 0; i < len; i++) assert_true((unsigned char)line[i] >= ' ');
    ekm_json_free(&doc);
    line += len + (line[len] == '\n');
  }
  ekm_buf_clear(&log);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_session_asks_no_more_than_it_must),
      cmocka_unit_test(ids_are_known_after_the_enumeration),
      cmocka_unit_test(a_cold_start_asks_four_or_five_times),
      cmocka_unit_test(a_refused_credential_is_not_hammered),
      cmocka_unit_test(a_kept_connection_that_died_is_replaced),
      cmocka_unit_test(a_head_without_end_is_given_up),
      cmocka_unit_test(words_of_others_bring_no_secret_into_the_log),
      cmocka_unit_test(every_line_of_the_log_is_one_object),
      cmocka_unit_test(the_host_cannot_have_keys_logged),
  };
  (void)remove(KEY_LOG);
  if (setenv("SSLKEYLOGFILE", KEY_LOG, 1) != 0) return 1;
  return cmocka_run_group_tests(tests, hostile_vault_set_up, hostile_vault_tear_down);
}
