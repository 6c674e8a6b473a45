/* Rules about sessions. */
#include <string.h>

#include "host/conform_arguments.h"
#include "host/conform_probe.h"

enum { MANY_SESSIONS = 32 };

static bool open_another(conform_state *state, host_session **out_session, ekm_err *err) {
  return host_session_open(state->module, state->options->identity, state->options->secret, out_session, NULL, err);
}

conform_verdict conform_session_closed(conform_state *state) {
  host_session *session = NULL;
  ekm_err err = {0};
  CONFORM_EXPECT(state, open_another(state, &session, &err), "a second session: %s", err.detail);
  SqlCpSession closed = *host_session_handle(session);
  host_session_close(&session);

  conform_answer answer = conform_call_all(state, &closed);
  CONFORM_EXPECT(state, answer.refused, "%s with a closed session answered %u (%s)", host_fn_name(answer.fn),
                 answer.code, host_result_name(answer.code));
  return CONFORM_OK;
}

conform_verdict conform_session_forged(conform_state *state) {
  static uint64_t nothing[32];
  SqlCpSession ours = *conform_handle(state);
  const uintptr_t forged[] = {0, 1, (uintptr_t)nothing, (uintptr_t)ours ^ (uintptr_t)1 << 40,
                              (uintptr_t)ours + sizeof(void *)};
  for (size_t i = 0; i < sizeof forged / sizeof forged[0]; i++) {
    SqlCpSession handle;
    memcpy(&handle, &forged[i], sizeof handle);
    conform_answer answer = conform_call_all(state, &handle);
    CONFORM_EXPECT(state, answer.refused, "%s with forged handle %zu answered %u (%s)", host_fn_name(answer.fn), i,
                   answer.code, host_result_name(answer.code));
  }
  return CONFORM_OK;
}

static conform_verdict check_handles(conform_state *state, host_session **sessions) {
  ekm_err err = {0};
  for (size_t i = 0; i < MANY_SESSIONS; i++) {
    CONFORM_EXPECT(state, open_another(state, &sessions[i], &err), "session %zu: %s", i + 1, err.detail);
    for (size_t j = 0; j < i; j++) {
      CONFORM_EXPECT(state, *host_session_handle(sessions[i]) != *host_session_handle(sessions[j]),
                     "sessions %zu and %zu have one handle", j + 1, i + 1);
    }
  }
  return CONFORM_OK;
}

conform_verdict conform_session_count(conform_state *state) {
  host_session *sessions[MANY_SESSIONS] = {NULL};
  conform_verdict verdict = check_handles(state, sessions);
  for (size_t i = 0; i < MANY_SESSIONS; i++) host_session_close(&sessions[i]);
  return verdict;
}

conform_verdict conform_session_credential(conform_state *state) {
  SqlCpError code;
  SqlCpWchar room[SQLCP_MAX_NAME_BYTES / 2];
  SqlCpSession session = NULL;
  SqlCpProviderInfo info = {.name = {sizeof room, room}};
  HOST_CALL(code, state->calls, GetProviderInfo, (&info));
  if (code != scp_err_Success || info.authType != SQLCP_AUTH_BASIC) {
    return conform_skipped(state, "the provider's authentication is not Basic");
  }
  HOST_CALL(code, state->calls, OpenSession, (NULL, &session));
  CONFORM_EXPECT(state, code != scp_err_Success, "SqlCryptOpenSession without a credential opened a session");
  return CONFORM_OK;
}
