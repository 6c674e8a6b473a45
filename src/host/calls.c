#include "host/calls.h"

#include <string.h>

#include "base/clock.h"

/* The provider is the end of the chain, so the way back is the way in, reversed: recursion does it. The chains are
 * two or three hooks long. */
static void run_after(const host_hook *hook, host_call *call) {
  if (hook == NULL) return;
  run_after(hook->next, call);
  if (hook->after != NULL) hook->after(hook, call);
}

host_call host_call_begin(const host_calls *calls, host_fn fn) {
  host_call call = {.fn = fn, .code = scp_err_Success};
  for (const host_hook *hook = calls->hooks; hook != NULL && !call.answered; hook = hook->next) {
    if (hook->before != NULL && !hook->before(hook, &call)) call.answered = true;
  }
  call.started_ns = ekm_clock_mono_ns();
  return call;
}

SqlCpError host_call_end(const host_calls *calls, host_call *call) {
  run_after(calls->hooks, call);
  return call->code;
}

const char *host_fn_name(host_fn fn) {
  static const char *const names[] = {
#define HOST_FN_NAME(name, parameters) "SqlCrypt" #name,
      SQLCRYPT_FUNCTIONS(HOST_FN_NAME)
#undef HOST_FN_NAME
  };
  return (unsigned)fn < SQLCRYPT_FUNCTION_COUNT ? names[fn] : "an unknown function";
}

/* POSIX gives a data pointer for a function; C has no cast for that, so the bits are copied. */
static bool resolve(const ekm_dynlib *lib, host_fn fn, void *function_pointer) {
  void *address = ekm_dynlib_symbol(lib, host_fn_name(fn));
  memcpy(function_pointer, &address, sizeof address);
  return address != NULL;
}

bool host_calls_resolve(const ekm_dynlib *lib, const char *path, const host_hook *hooks, host_calls *out_calls,
                        ekm_err *err) {
  memset(out_calls, 0, sizeof *out_calls);
  out_calls->hooks = hooks;
#define RESOLVE(name, parameters)                                                                               \
  if (!resolve(lib, HOST_FN_##name, &out_calls->name)) {                                                        \
    return EKM_FAIL(err, EKM_E_MODULE_ABI, "'%s' does not export %s (SQL Server: error 33085, state %d)", path, \
                    host_fn_name(HOST_FN_##name), HOST_FN_##name + 1);                                          \
  }
  SQLCRYPT_FUNCTIONS(RESOLVE)
#undef RESOLVE
  return true;
}
