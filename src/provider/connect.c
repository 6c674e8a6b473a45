#include "provider/connect.h"

#include "provider/argument.h"

enum { CREDENTIAL_MAX_BYTES = 2 * EKM_LIMIT_CREDENTIAL_CHARS };

/* SECRET passes through a buffer that is wiped, into memory that is locked. */
static bool read_secret(const SqlCpStr *password, ekm_secret *out, ekm_err *err) {
  ekm_buf text;
  ekm_buf_init(&text, 3 * EKM_LIMIT_CREDENTIAL_CHARS);
  bool ok = true;
  if (password->cb > 0) ok = argument_text(password, CREDENTIAL_MAX_BYTES, "the credential's SECRET", &text, err);
  ok = ok && ekm_secret_set(out, ekm_buf_view(&text), err);
  ekm_buf_clear(&text);
  return ok;
}

bool connect_open(provider_call *call, const SqlCpCredential *auth, SqlCpSession *session) {
  bool ok = false;
  const provider_wiring *wiring = &call->instance->wiring;
  ekm_err *err = &call->err;
  uint64_t handle = 0;
  ekm_secret secret = {0};
  keyring *ring = NULL;
  ekm_buf identity;

  ekm_buf_init(&identity, 3 * EKM_LIMIT_CREDENTIAL_CHARS);
  EKM_TRY(argument_pointer(session, _Alignof(SqlCpSession), "the session pointer", err));
  *session = NULL;
  EKM_TRY(argument_pointer(auth, _Alignof(SqlCpCredential), "the credential", err));
  EKM_TRY(argument_text(&auth->name, CREDENTIAL_MAX_BYTES, "the credential's IDENTITY", &identity, err));
  EKM_TRY(read_secret(&auth->password, &secret, err));
  EKM_TRY(wiring->connector->connect(wiring->connector, ekm_buf_text(&identity), &secret, &call->outside, &ring, err));
  EKM_TRY(session_open(&call->instance->sessions, ekm_crypto_rng(wiring->crypto), ring, &handle, err));
  *session = (SqlCpSession)(uintptr_t)handle;
  ok = true;
done:
  keyring_unref(&ring);
  ekm_secret_clear(&secret);
  ekm_buf_clear(&identity);
  return ok;
}

bool connect_close(provider_call *call, SqlCpSession *session, bool abort) {
  if (!argument_pointer(session, _Alignof(SqlCpSession), "the session pointer", &call->err)) return false;
  return session_close(&call->instance->sessions, (uint64_t)(uintptr_t)*session, abort, &call->err);
}
