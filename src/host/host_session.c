#include "host/host_session.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "host/text.h"

struct host_session {
  host_module *module;
  SqlCpSession handle;
  atomic_bool open;
};

/* The secret as the ABI wants it; a NUL inside it would silently shorten it. */
static bool secret_to_abi(const ekm_secret *secret, ekm_buf *units, SqlCpStr *out, ekm_err *err) {
  *out = (SqlCpStr){0};
  if (secret == NULL || secret->len == 0) return true;
  ekm_view bytes = ekm_secret_reveal(secret);
  if (memchr(bytes.ptr, 0, bytes.len) != NULL) return EKM_FAIL(err, EKM_E_TEXT_ENCODING, "the secret has a zero byte");
  return host_text_to_abi((const char *)bytes.ptr, units, out, err);
}

bool host_session_open(host_module *module, const char *identity, const ekm_secret *secret, host_session **out_session,
                       host_result *result, ekm_err *err) {
  bool ok = false;
  SqlCpError code;
  SqlCpCredential credential = {0};
  ekm_buf name_units, secret_units;
  host_session *session = NULL;
  char subject[128];
  ekm_buf_init(&name_units, EKM_LIMIT_CREDENTIAL_CHARS * 2);
  ekm_buf_init(&secret_units, EKM_LIMIT_CREDENTIAL_CHARS * 2);
  *out_session = NULL;

  session = ekm_mem_alloc(sizeof *session, err);
  EKM_TRY(session != NULL);
  session->module = module;
  if (identity != NULL) {
    EKM_TRY(host_text_to_abi(identity, &name_units, &credential.name, err));
    EKM_TRY(secret_to_abi(secret, &secret_units, &credential.password, err));
  }
  HOST_CALL(code, host_module_calls(module), OpenSession, (identity == NULL ? NULL : &credential, &session->handle));
  (void)snprintf(subject, sizeof subject, "identity '%.100s'", identity == NULL ? "" : identity);
  host_question question = host_module_question(module, HOST_FN_OpenSession, identity == NULL ? "" : subject);
  EKM_TRY(host_result_take(&question, code, result, err));
  atomic_store(&session->open, true);
  *out_session = session;
  session = NULL;
  ok = true;
done:
  ekm_buf_clear(&secret_units);
  ekm_buf_clear(&name_units);
  ekm_mem_free(session);
  return ok;
}

/* Close once, whoever comes first. A copy of the handle is given away: a provider may write to what it closes, and
 * other threads read ours. */
static void close_once(host_session *session, SqlCpBoolean abort) {
  SqlCpError code;
  SqlCpSession handle = session->handle;
  if (!atomic_exchange(&session->open, false)) return;
  HOST_CALL(code, host_module_calls(session->module), CloseSession, (&handle, abort));
  (void)code; /* nobody could do anything about it */
}

void host_session_close(host_session **session) {
  if (*session == NULL) return;
  close_once(*session, 0);
  ekm_mem_free(*session);
  *session = NULL;
}

void host_session_abort(host_session *session) {
  close_once(session, 1);
}

host_module *host_session_module(const host_session *session) {
  return session->module;
}

const SqlCpSession *host_session_handle(const host_session *session) {
  return &session->handle;
}
