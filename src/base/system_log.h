/* The system's log, which is not ours and which every administrator knows.
 *
 * Linux: datagrams to a socket that syslogd or journald listens to, as syslog(3) sends them (RFC 3164 section 4.1,
 * without the name of the host):
 *
 *   <27>Nov 25 08:00:00 openekm[4711]: {"time":"2026-11-25T08:00:00Z","level":"error",...}
 *    |                                  \_ one line of the log
 *    \_ 8 * facility (3: a daemon) + severity (3: an error)
 *
 * Written here and not by syslog(3), because openlog(3) belongs to the process, and so to its host. The socket's
 * path is looked up for each line, so that a logger that is started anew, or late, is found.
 *
 * Windows: events of the Application log under the source OpenEKM. The number of an event is the code of its error,
 * 0 if it is about none; the line is its string, to which the message of that number adds what the table of errors says
 * (scripts/gen_messages.py).
 *
 * Nothing ever waits: a line that nobody takes is lost, and the logger counts it. Platform code: posix/system_log.c,
 * windows/system_log.c.
 *
 * Threads: one at a time. */
#ifndef EKM_BASE_SYSTEM_LOG_H
#define EKM_BASE_SYSTEM_LOG_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define EKM_SYSLOG_SOCKET "/dev/log"

/* A socket's path is short (sun_path of unix(7), with its NUL). */
enum { EKM_SYSLOG_PATH_BYTES = 108 };

/* Severities, as RFC 3164 section 4.1.1 counts them. */
typedef enum ekm_severity {
  EKM_SEVERITY_ERROR = 3,
  EKM_SEVERITY_WARNING = 4,
  EKM_SEVERITY_INFO = 6,
  EKM_SEVERITY_DEBUG = 7
} ekm_severity;

typedef struct ekm_system_log ekm_system_log;

/* ekm_system_log_open(path, name, out, err):
 * ${name}, which is static, stands before each line; ${path} is the socket, and nothing to Windows. That somebody
 * listens there is not asked. LIMIT for a path that is too long. */
EKM_MUST_USE bool ekm_system_log_open(const char *path, const char *name, ekm_system_log **out, ekm_err *err);

/* ekm_system_log_send(log, severity, code, wall_s, line):
 * Without its '\n'; ${code} is that of the error that the line is about, or 0. False if nobody took it. */
bool ekm_system_log_send(ekm_system_log *log, ekm_severity severity, uint32_t code, int64_t wall_s, ekm_view line);

/* ekm_system_log_close(log): NULL is fine; sets the caller's pointer to NULL. */
void ekm_system_log_close(ekm_system_log **log);

#endif
