#include "hostile_vault_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "support/cmocka_all.h"

enum { PATIENT_MS = 10000, LATE_MS = 15000 };

void hostile_vault_patience(hostile_vault_fixture *f, int timeout_ms) {
  connector_unload(&f->connector);
  connector_configure(
      &f->connector,
      "call_timeout_ms = %d\nretries = 0\nbreaker_failures = 0\nlog_file = %s/provider.log\nlog_level = trace\n"
      "[vault %s]\naddress = 127.0.0.1\nport = %u\nauthority = https://%s\n"
      "authority_address = 127.0.0.1\nauthority_port = %u\nca_file = %s/authority.pem\n",
      timeout_ms, f->connector.folder, HOSTILE_HOST, hostile_server_port(f->server), HOSTILE_AUTHORITY_HOST,
      hostile_server_port(f->server), f->connector.folder);
  connector_load(&f->connector);
}

uint32_t hostile_vault_open(hostile_vault_fixture *f, host_session **out_session) {
  return connector_open(&f->connector, HOSTILE_HOST, f->credential, out_session);
}

int hostile_vault_set_up(void **state) {
  ekm_err err = {0};
  host_session *session = NULL;
  host_key key;
  hostile_vault_fixture *f = ekm_mem_alloc(sizeof *f, &err);
  assert_non_null(f);
  connector_set_up(&f->connector);
  f->server = hostile_server_start(&(hostile_options){.folder = f->connector.folder, .secret = HOSTILE_SECRET});
  hostile_vault_patience(f, PATIENT_MS);
  hostile_vault_fresh(f);
  connector_assert(hostile_vault_open(f, &session), EKM_E_OK);
  connector_assert(connector_by_name(session, HOSTILE_KEY_NAME, &key), EKM_E_OK);
  host_session_close(&session);
  memcpy(f->thumb, key.thumb, key.thumb_len);
  f->thumb_len = key.thumb_len;
  *state = f;
  return 0;
}

int hostile_vault_tear_down(void **state) {
  hostile_vault_fixture *f = *state;
  connector_unload(&f->connector);
  hostile_server_stop(&f->server);
  connector_tear_down(&f->connector);
  ekm_mem_free(f);
  return 0;
}

void hostile_vault_fresh(hostile_vault_fixture *f) {
  hostile_server_forget(f->server);
  (void)snprintf(f->credential, sizeof f->credential, HOSTILE_CLIENT_ID HOSTILE_SECRET "%d", f->credentials++);
}

static uint32_t use_key(const host_session *session, hostile_step step) {
  host_key key;
  ekm_buf wrapped, plain;
  ekm_buf_init(&wrapped, 4096);
  ekm_buf_init(&plain, 4096);
  uint32_t code = connector_by_name(session, HOSTILE_KEY_NAME, &key);
  if (step != HOSTILE_KEY) {
    connector_assert(code, EKM_E_OK);
    code = connector_wrap(session, &key, ekm_view_text(HOSTILE_DEK), &wrapped);
  }
  if (step != HOSTILE_KEY && step != HOSTILE_WRAP) {
    connector_assert(code, EKM_E_OK);
    code = connector_unwrap(session, &key, ekm_buf_view(&wrapped), &plain);
    if (code == 0 && !ekm_view_equal(ekm_buf_view(&plain), ekm_view_text(HOSTILE_DEK))) code = HOSTILE_OTHER_PLAINTEXT;
  }
  ekm_buf_clear(&wrapped);
  ekm_buf_clear(&plain);
  return code;
}

uint32_t hostile_vault_walk(hostile_vault_fixture *f, hostile_step step) {
  host_session *session = NULL;
  host_key key;
  uint32_t code = hostile_vault_open(f, &session);
  if (step > HOSTILE_TOKEN) {
    connector_assert(code, EKM_E_OK);
    uint8_t thumb[SQLCP_MAX_THUMBPRINT_BYTES];
    memcpy(thumb, f->thumb, sizeof thumb);
    if (step == HOSTILE_VERSIONS) {
      thumb[0] ^= 1;
      thumb[f->thumb_len - 1] |= 1; /* by chance it would be a packed name: no request more */
    }
    code = step == HOSTILE_LIST || step == HOSTILE_VERSIONS
               ? connector_by_thumb(session, ekm_view_of(thumb, f->thumb_len), &key)
               : use_key(session, step);
  }
  host_session_close(&session);
  return code;
}

/* Is ${host} the only one in a list of hosts, each followed by a space? */
static bool only(const char *hosts, const char *host) {
  size_t len = strlen(host);
  for (; *hosts != '\0'; hosts += len + 1) {
    if (strncmp(hosts, host, len) != 0 || hosts[len] != ' ') return false;
  }
  return true;
}

void hostile_vault_assert_discreet(hostile_vault_fixture *f) {
  const char *secret_hosts = hostile_server_secret_hosts(f->server);
  const char *token_hosts = hostile_server_token_hosts(f->server);
  if (!only(secret_hosts, HOSTILE_AUTHORITY_HOST)) fail_msg("the secret went to: %s", secret_hosts);
  if (!only(token_hosts, HOSTILE_HOST)) fail_msg("a token went to: %s", token_hosts);
}

static const char *code_name(uint32_t code) {
  const ekm_err_info *info = ekm_err_info_by_code(code);
  return info == NULL ? "no code of ours" : info->name;
}

/* Did the case go as it should? */
static bool run_one(hostile_vault_fixture *f, const hostile_case *one) {
  const ekm_err_info *expected = ekm_err_info_of(one->expected);
  hostile_vault_fresh(f);
  hostile_server_play(f->server, one->step, &one->play);
  int64_t started_ms = ekm_clock_mono_ms(ekm_clock_system());
  uint8_t *last = &f->thumb[f->thumb_len - 1];
  const uint8_t honest = *last;
  if (one->step == HOSTILE_LIST || one->step == HOSTILE_VERSIONS)
    *last |= 1; /* no packed name, by chance: see foreign.h */
  uint32_t code = hostile_vault_walk(f, one->step);
  *last = honest;
  int64_t ms = ekm_clock_mono_ms(ekm_clock_system()) - started_ms;
  hostile_vault_assert_discreet(f);
  if (getenv("EKM_TEST_TALK") != NULL)
    print_message("%6u %-20s %5d ms  %s\n", code, code_name(code), (int)ms, one->what);
  if (code != expected->code) {
    print_error("%s: got %u (%s), expected %u (%s)\n", one->what, code, code_name(code), expected->code,
                expected->name);
  }
  if (ms > LATE_MS) print_error("%s: took %d ms\n", one->what, (int)ms);
  return code == expected->code && ms <= LATE_MS;
}

void hostile_vault_run(hostile_vault_fixture *f, const hostile_case *cases, size_t count) {
  size_t failures = 0;
  for (size_t i = 0; i < count; i++) {
    if (!run_one(f, &cases[i])) failures++;
  }
  assert_int_equal(failures, 0);
}
