#include "vault/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

typedef union any_address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} any_address;

static bool fill_address(const char *text, uint16_t port, any_address *out, socklen_t *out_len) {
  memset(out, 0, sizeof *out);
  if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons(port);
    *out_len = sizeof out->v4;
    return true;
  }
  if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1) {
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons(port);
    *out_len = sizeof out->v6;
    return true;
  }
  return false;
}

static bool bound_port(int sock, uint16_t *out_port) {
  any_address bound = {0};
  socklen_t len = sizeof bound;
  if (getsockname(sock, &bound.any, &len) != 0) return false;
  *out_port = ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
  return true;
}

bool vault_listen(const char *address, uint16_t port, int *out_socket, uint16_t *out_port, ekm_err *err) {
  any_address where;
  socklen_t len;
  const int on = 1;
  char why[128];

  *out_socket = -1;
  *out_port = 0;
  if (!fill_address(address, port, &where, &len)) {
    return EKM_FAIL(err, EKM_E_SERVE, "'%s' is not a numeric IP address", address);
  }
  int sock = socket(where.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (sock >= 0 && setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      bind(sock, &where.any, len) == 0 && listen(sock, BACKLOG) == 0 && bound_port(sock, out_port)) {
    *out_socket = sock;
    return true;
  }
  const char *reason = strerror_r(errno, why, sizeof why);
  if (sock >= 0) (void)close(sock);
  return EKM_FAIL(err, EKM_E_SERVE, "cannot listen on '%s', port %u: %s", address, (unsigned)port, reason);
}
