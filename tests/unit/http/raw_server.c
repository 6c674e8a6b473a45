#include "raw_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/cmocka_all.h"

static void serve(void *arg) {
  raw_server *server = arg;
  char ignored[4096];
  for (;;) {
    int client = accept(server->socket, NULL, NULL);
    if (client < 0) return;
    if (recv(client, ignored, sizeof ignored, 0) > 0)
      (void)send(client, server->text, strlen(server->text), MSG_NOSIGNAL);
    (void)shutdown(client, SHUT_WR);
    while (recv(client, ignored, sizeof ignored, 0) > 0) {
    }
    (void)close(client);
  }
}

void raw_server_start(raw_server *server, const char *text) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof at;
  ekm_err err = {0};
  *server = (raw_server){.text = text};
  server->socket = socket(AF_INET, SOCK_STREAM, 0);
  assert_true(server->socket >= 0);
  assert_int_equal(bind(server->socket, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(listen(server->socket, 16), 0);
  assert_int_equal(getsockname(server->socket, (struct sockaddr *)&at, &len), 0);
  server->port = ntohs(at.sin_port);
  if (text != NULL) assert_true(ekm_thread_start(&server->thread, serve, server, &err));
}

void raw_server_stop(raw_server *server) {
  (void)shutdown(server->socket, SHUT_RDWR);
  if (server->thread != NULL) ekm_thread_join(&server->thread);
  (void)close(server->socket);
}
