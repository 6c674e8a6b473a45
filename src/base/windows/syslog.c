/* Windows has no syslog. */
#include "base/syslog.h"

bool ekm_syslog_is_here(void) {
  return false;
}

bool ekm_syslog_open(const char *path, const char *name, ekm_syslog **out, ekm_err *err) {
  (void)path, (void)name;
  *out = NULL;
  return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "there is no syslog on Windows");
}

bool ekm_syslog_send(ekm_syslog *log, ekm_syslog_severity severity, int64_t wall_s, ekm_view line) {
  (void)log, (void)severity, (void)wall_s, (void)line;
  return false;
}

void ekm_syslog_close(ekm_syslog **log) {
  *log = NULL;
}
