#include "provider/call.h"

#include <string.h>

#include "provider/argument.h"

bool call_begin(provider_call *call, const char *function) {
  memset(call, 0, sizeof *call);
  call->function = function;
  call->instance = instance_acquire(&call->err);
  if (call->instance == NULL) return false;
  const provider_wiring *wiring = &call->instance->wiring;
  call->started_ms = ekm_clock_mono_ms(wiring->clock);
  call->outside.deadline.at_ms = call->started_ms + wiring->call_timeout_ms;
  return true;
}

bool call_begin_session(provider_call *call, const char *function, const SqlCpSession *session) {
  if (!call_begin(call, function)) return false;
  if (!argument_pointer(session, _Alignof(SqlCpSession), "the session pointer", &call->err)) return false;
  call->session = session_find(&call->instance->sessions, (uint64_t)(uintptr_t)*session, &call->err);
  if (call->session == NULL) return false;
  call->outside.is_cancelled = session_is_aborted;
  call->outside.cancel_arg = call->session;
  return true;
}

SqlCpError call_code(const ekm_err *err, bool opens_session) {
  if (opens_session && err->id == EKM_E_TOKEN_REFUSED) return scp_err_AuthFailure;
  return ekm_err_info_of(err->id)->code;
}

/* Probing for a size and reaching the end of a list are how the interface works, not faults. */
static bool is_ordinary(const ekm_err *err) {
  return err->id == EKM_E_BUFFER_TOO_SMALL || err->id == EKM_E_END_OF_LIST;
}

static void log_call(const provider_call *call, bool ok, SqlCpError code) {
  const provider_wiring *wiring = &call->instance->wiring;
  if (!ok && !is_ordinary(&call->err)) ekm_log_err(wiring->log, EKM_LOG_ERROR, call->function, &call->err);
  EKM_LOG(wiring->log, EKM_LOG_DEBUG, "provider.call", EKM_LOG_TEXT("function", call->function),
          EKM_LOG_INT("code", code), EKM_LOG_INT("ms", ekm_clock_mono_ms(wiring->clock) - call->started_ms));
}

SqlCpError call_end(provider_call *call, bool ok) {
  bool opens_session = strcmp(call->function, "SqlCryptOpenSession") == 0;
  SqlCpError code = ok ? scp_err_Success : call_code(&call->err, opens_session);
  if (call->instance != NULL) log_call(call, ok, code);
  session_unref(&call->session);
  instance_release(&call->instance);
  return code;
}
