#include "support/namespace.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "support/cmocka_all.h"

static const char variable[] = "OPENEKM_TEST_OUTER_NETWORK";

static void give_up(const char *what) {
  perror(what);
  exit(1);
}

static void own_network(char out[64]) {
  ssize_t len = readlink("/proc/self/ns/net", out, 63);
  if (len < 0) give_up("/proc/self/ns/net");
  out[len] = '\0';
}

static void raise_loopback(void) {
  struct ifreq request = {.ifr_name = "lo"};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) != 0) give_up("the loopback");
  request.ifr_flags |= IFF_UP;
  if (ioctl(fd, SIOCSIFFLAGS, &request) != 0) give_up("the loopback");
  (void)close(fd);
}

/* unshare(1) and not unshare(2): a sanitizer's thread runs before main, and a program with two threads cannot change
 * its user namespace. */
void namespace_enter(char **argv) {
  char self[4096], network[64];
  const char *outer = getenv(variable);
  own_network(network);
  if (outer != NULL && strcmp(outer, network) != 0) {
    raise_loopback();
    return;
  }
  if (outer != NULL) {
    (void)fprintf(stderr, "%s: still in the network %s\n", argv[0], network);
    exit(1);
  }
  ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
  if (len < 0 || setenv(variable, network, 1) != 0) give_up("/proc/self/exe");
  self[len] = '\0';
  (void)execlp("unshare", "unshare", "--map-root-user", "--net", "--mount", "--", self, (char *)NULL);
  give_up("unshare");
}

static void stand_for(const char *path, const char *folder, const char *name, const char *text) {
  char file[512];
  ekm_err err = {0};
  (void)snprintf(file, sizeof file, "%s/%s", folder, name);
  assert_true(ekm_file_write_public(file, ekm_view_text(text), &err));
  if (mount(file, path, NULL, MS_BIND, NULL) != 0) fail_msg("%s cannot be replaced", path);
}

void namespace_resolve_here(const char *folder) {
  stand_for("/etc/resolv.conf", folder, "resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n");
  stand_for("/etc/nsswitch.conf", folder, "nsswitch.conf", "hosts: files dns\n");
}
