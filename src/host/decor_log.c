#include "host/decor_log.h"

#include "base/clock.h"

static ekm_log_level level_of(SqlCpError code) {
  switch (code) {
    case scp_err_Success:
    case scp_err_InsufficientBuffer:
    case scp_err_NotFound: return EKM_LOG_DEBUG;
    default: return EKM_LOG_INFO;
  }
}

static void log_after(const host_hook *self, host_call *call) {
  const decor_log *decor = (const decor_log *)self;
  EKM_LOG(decor->log, level_of(call->code), "host.call", EKM_LOG_TEXT("function", host_fn_name(call->fn)),
          EKM_LOG_INT("code", call->code), EKM_LOG_INT("us", (ekm_clock_mono_ns() - call->started_ns) / 1000));
}

decor_log decor_log_make(ekm_log *log, const host_hook *next) {
  return (decor_log){.hook = {.next = next, .after = log_after}, .log = log};
}
