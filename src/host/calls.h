/* The 17 functions of a loaded provider, and the hooks around them.
 *
 *   host_session, host_key ...          one HOST_CALL per call
 *          |
 *     host_call_begin   --> hook.before, outermost first; one of them may answer instead of the provider
 *     calls->Decrypt(...)
 *     host_call_end     --> hook.after, innermost first; may look at the code or change it
 *
 * A hook is the decorator of this layer: decor_log.c is one. It sees the function, the code and the time, and
 * nothing of the arguments, so that no hook can leak them.
 *
 * Threads: a table is filled once and then only read; hooks must be safe to call from any thread. */
#ifndef EKM_HOST_CALLS_H
#define EKM_HOST_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/dynlib.h"
#include "base/err.h"
#include "openekm/sqlcrypt_abi.h"

/* HOST_FN_OpenSession and so on, in the order of the ABI; + 1 is the state of SQL Server's error 33085. */
typedef enum host_fn {
#define HOST_FN_ID(name, parameters) HOST_FN_##name,
  SQLCRYPT_FUNCTIONS(HOST_FN_ID)
#undef HOST_FN_ID
} host_fn;

/* One call on its way. */
typedef struct host_call {
  host_fn fn;
  bool answered; /* a hook took the provider's place */
  SqlCpError code;
  int64_t started_ns; /* ekm_clock_mono_ns */
} host_call;

typedef struct host_hook host_hook;
struct host_hook {
  const host_hook *next; /* nearer to the provider, or NULL */
  /* Before the call; false: the provider is not called, and call->code is the answer. May be NULL. */
  bool (*before)(const host_hook *self, host_call *call);
  /* After it. May be NULL. */
  void (*after)(const host_hook *self, host_call *call);
};

typedef struct host_calls {
#define HOST_FN_POINTER(name, parameters) SqlCrypt##name##_fn *name;
  SQLCRYPT_FUNCTIONS(HOST_FN_POINTER)
#undef HOST_FN_POINTER
  const host_hook *hooks; /* outermost, or NULL; borrowed */
} host_calls;

/* HOST_CALL(code, calls, Name, (arguments)): call SqlCryptName through the hooks. */
#define HOST_CALL(code_out, calls, name, arguments)                  \
  do {                                                               \
    host_call one_call = host_call_begin((calls), HOST_FN_##name);   \
    if (!one_call.answered) one_call.code = (calls)->name arguments; \
    (code_out) = host_call_end((calls), &one_call);                  \
  } while (0)

/* host_call_begin(calls, fn), host_call_end(calls, call): what stands before and after a call; use HOST_CALL. */
host_call host_call_begin(const host_calls *calls, host_fn fn);
SqlCpError host_call_end(const host_calls *calls, host_call *call);

/* host_calls_resolve(lib, path, hooks, out_calls, err):
 * Find all 17 exports of ${lib}. MODULE_ABI names the first that is missing with the state of SQL Server's error
 * 33085; ${path} is for the message, ${hooks} is borrowed for the life of the table. */
EKM_MUST_USE bool host_calls_resolve(const ekm_dynlib *lib, const char *path, const host_hook *hooks,
                                     host_calls *out_calls, ekm_err *err);

/* host_fn_name(fn): "SqlCryptOpenSession". Static. */
const char *host_fn_name(host_fn fn);

#endif
