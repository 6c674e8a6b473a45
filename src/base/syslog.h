/* The system's log: datagrams to a socket that syslogd or journald listens to, as syslog(3) sends them (RFC 3164
 * section 4.1, without the name of the host):
 *
 *   <27>Nov 25 08:00:00 openekm[4711]: {"time":"2026-11-25T08:00:00Z","level":"error",...}
 *    |                                  \_ one line of the log
 *    \_ 8 * facility (3: a daemon) + severity (3: an error)
 *
 * Written here and not by syslog(3), because openlog(3) belongs to the process, and so to its host.
 *
 * Nothing ever waits: a line that nobody takes is lost, and the logger counts it. The socket's path is looked up for
 * each line, so that a logger that is started anew, or late, is found. Platform code: posix/syslog.c,
 * windows/syslog.c, which has none.
 *
 * Threads: one at a time. */
#ifndef EKM_BASE_SYSLOG_H
#define EKM_BASE_SYSLOG_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define EKM_SYSLOG_SOCKET "/dev/log"

/* A socket's path is short (sun_path of unix(7), with its NUL). */
enum { EKM_SYSLOG_PATH_BYTES = 108 };

/* Severities, as RFC 3164 section 4.1.1 counts them. */
typedef enum ekm_syslog_severity {
  EKM_SYSLOG_ERROR = 3,
  EKM_SYSLOG_WARNING = 4,
  EKM_SYSLOG_INFO = 6,
  EKM_SYSLOG_DEBUG = 7
} ekm_syslog_severity;

typedef struct ekm_syslog ekm_syslog;

/* ekm_syslog_is_here(): does this platform have one? */
bool ekm_syslog_is_here(void);

/* ekm_syslog_open(path, name, out, err):
 * ${name}, which is static, stands before each line. That somebody listens at ${path} is not asked. LIMIT for a path
 * that is too long; NOT_SUPPORTED on a platform without. */
EKM_MUST_USE bool ekm_syslog_open(const char *path, const char *name, ekm_syslog **out, ekm_err *err);

/* ekm_syslog_send(log, severity, wall_s, line): without its '\n'. False if nobody took it. */
bool ekm_syslog_send(ekm_syslog *log, ekm_syslog_severity severity, int64_t wall_s, ekm_view line);

/* ekm_syslog_close(log): NULL is fine; sets the caller's pointer to NULL. */
void ekm_syslog_close(ekm_syslog **log);

#endif
