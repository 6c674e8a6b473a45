#include "base/system_log.h"

#include <windows.h>

#include "base/mem.h"
#include "base/utf16.h"

enum { LINE_MAX_BYTES = 2 * 31839 }; /* of one string of an event */

struct ekm_system_log {
  HANDLE source;
};

bool ekm_system_log_open(const char *path, const char *name, ekm_system_log **out, ekm_err *err) {
  (void)path, (void)name; /* the source's name is what its registration says */
  *out = NULL;
  ekm_system_log *log = ekm_mem_alloc(sizeof *log, err);
  if (log == NULL) return false;
  log->source = RegisterEventSourceW(NULL, L"OpenEKM");
  *out = log;
  if (log->source != NULL) return true;
  (void)EKM_FAIL(err, EKM_E_FILE_WRITE, "the Application log: Windows error %lu", GetLastError());
  ekm_system_log_close(out);
  return false;
}

static WORD type_of(ekm_severity severity) {
  switch (severity) {
    case EKM_SEVERITY_ERROR: return EVENTLOG_ERROR_TYPE;
    case EKM_SEVERITY_WARNING: return EVENTLOG_WARNING_TYPE;
    default: return EVENTLOG_INFORMATION_TYPE;
  }
}

bool ekm_system_log_send(ekm_system_log *log, ekm_severity severity, uint32_t code, int64_t wall_s, ekm_view line) {
  ekm_err ignored = {0};
  ekm_buf text, wide;
  (void)wall_s; /* Windows notes when */
  ekm_buf_init(&text, LINE_MAX_BYTES);
  ekm_buf_init(&wide, LINE_MAX_BYTES);
  ekm_buf_append_view(&text, line);
  bool ok = ekm_buf_ok(&text, "a line", &ignored) && ekm_utf16_from_utf8(ekm_buf_text(&text), &wide, &ignored);
  ekm_buf_append(&wide, "\0", 2);
  if (ok && ekm_buf_ok(&wide, "a line", &ignored)) {
    LPCWSTR strings[] = {(LPCWSTR)(const void *)wide.ptr};
    ok = ReportEventW(log->source, type_of(severity), 0, code, NULL, 1, 0, strings, NULL);
  }
  ekm_buf_clear(&text);
  ekm_buf_clear(&wide);
  return ok;
}

void ekm_system_log_close(ekm_system_log **log) {
  if (*log == NULL) return;
  if ((*log)->source != NULL) (void)DeregisterEventSource((*log)->source);
  ekm_mem_free(*log);
  *log = NULL;
}
