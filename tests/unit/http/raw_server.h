/* A TCP server on a free port of 127.0.0.1 that knows no protocol: it says nothing at all, or one text to whoever
 * speaks first. */
#ifndef EKM_TESTS_UNIT_HTTP_RAW_SERVER_H
#define EKM_TESTS_UNIT_HTTP_RAW_SERVER_H

#include <stdint.h>

#include "base/thread.h"

typedef struct raw_server {
  int socket;
  uint16_t port;
  const char *text; /* NULL: connections are not even accepted */
  ekm_thread *thread;
} raw_server;

/* raw_server_start(server, text): ${text} is borrowed. Fails the test if it cannot. */
void raw_server_start(raw_server *server, const char *text);
void raw_server_stop(raw_server *server);

#endif
