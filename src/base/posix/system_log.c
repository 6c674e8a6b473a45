#include "base/system_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { FACILITY_DAEMON = 3, HEAD_BYTES = 96 };

struct ekm_system_log {
  int fd;
  const char *name;
  struct sockaddr_un to;
};

bool ekm_system_log_open(const char *path, const char *name, ekm_system_log **out, ekm_err *err) {
  *out = NULL;
  if (strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
    return EKM_FAIL(err, EKM_E_LIMIT, "'%.200s' is too long for the path of a socket", path);
  }
  ekm_system_log *log = ekm_mem_alloc(sizeof *log, err);
  if (log == NULL) return false;
  log->name = name;
  log->to.sun_family = AF_UNIX;
  memcpy(log->to.sun_path, path, strlen(path) + 1);
  log->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  *out = log;
  if (log->fd >= 0) return true;
  (void)EKM_FAIL(err, EKM_E_FILE_WRITE, "a socket for '%s': %s", path, strerror(errno));
  ekm_system_log_close(out);
  return false;
}

/* "<27>Nov 25 08:00:00 openekm[4711]: ", in local time, as the RFC wants it. */
static size_t write_head(const ekm_system_log *log, ekm_severity severity, int64_t wall_s, char out[HEAD_BYTES]) {
  static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  struct tm local;
  time_t now = (time_t)wall_s;
  if (localtime_r(&now, &local) == NULL) memset(&local, 0, sizeof local);
  int len = snprintf(out, HEAD_BYTES, "<%d>%s %2d %02d:%02d:%02d %.32s[%ld]: ", 8 * FACILITY_DAEMON + (int)severity,
                     months[local.tm_mon % 12], local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec, log->name,
                     (long)getpid());
  return len < 0 ? 0 : (size_t)len;
}

bool ekm_system_log_send(ekm_system_log *log, ekm_severity severity, uint32_t code, int64_t wall_s, ekm_view line) {
  (void)code; /* it stands in the line */
  char head[HEAD_BYTES];
  struct iovec parts[2] = {{head, write_head(log, severity, wall_s, head)}, {NULL, line.len}};
  memcpy(&parts[1].iov_base, &line.ptr, sizeof line.ptr); /* sendmsg only reads */
  struct msghdr message = {.msg_name = &log->to,
                           .msg_namelen = sizeof log->to,
                           .msg_iov = parts,
                           .msg_iovlen = sizeof parts / sizeof parts[0]};
  ssize_t sent;
  do {
    sent = sendmsg(log->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

void ekm_system_log_close(ekm_system_log **log) {
  if (*log == NULL) return;
  if ((*log)->fd >= 0) (void)close((*log)->fd);
  ekm_mem_free(*log);
  *log = NULL;
}
