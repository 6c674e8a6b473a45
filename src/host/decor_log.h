/* A hook that logs every call of a provider: function, code and duration, never an argument. */
#ifndef EKM_HOST_DECOR_LOG_H
#define EKM_HOST_DECOR_LOG_H

#include "base/log.h"
#include "host/calls.h"

typedef struct decor_log {
  host_hook hook; /* first: give &decor.hook to host_module_load */
  ekm_log *log;
} decor_log;

/* decor_log_make(log, next): a hook that writes events host.call to ${log} (borrowed; NULL logs nothing): debug for a
 * call that is right or asks for a buffer or ends a list, else info. */
decor_log decor_log_make(ekm_log *log, const host_hook *next);

#endif
