#include "support/dns_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "support/cmocka_all.h"

/* RFC 1035 section 4.1: a header of 12 bytes, then the question, which an answer repeats. */
enum {
  PORT = 53,
  HEADER_BYTES = 12,
  MESSAGE_BYTES = 512,
  ANSWER_BYTES = 16,
  HELD_MAX = 4096,
  TYPE_A = 1,
  WAIT_MS = 10000
};

typedef struct question {
  struct sockaddr_in from;
  size_t len; /* up to the end of the question; what a resolver adds behind it is left out */
  uint8_t bytes[MESSAGE_BYTES];
} question;

struct dns_server {
  int fd;
  ekm_thread *thread;
  ekm_mutex lock; /* everything below */
  ekm_cond news;
  struct in_addr address;
  bool has_address, holds, stopping;
  int asked;
  size_t held_count;
  question held[HELD_MAX];
};

/* The end of the one question: its name, type and class. 0 for what is none. */
static size_t question_len(const uint8_t *bytes, size_t len) {
  size_t at = HEADER_BYTES;
  while (at < len && bytes[at] != 0) at += (size_t)bytes[at] + 1;
  return at + 5 <= len ? at + 5 : 0;
}

/* The lock is held. An AAAA is answered with nothing, as for a host that has IPv4 only. */
static void answer(const dns_server *server, const question *q) {
  static const uint8_t record[ANSWER_BYTES] = {0xC0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4};
  uint8_t out[MESSAGE_BYTES + ANSWER_BYTES];
  size_t len = q->len;
  bool is_a = q->bytes[q->len - 3] == TYPE_A && q->bytes[q->len - 4] == 0;
  memcpy(out, q->bytes, len);
  memset(out + 2, 0, HEADER_BYTES - 2);
  out[2] = 0x81;                                    /* an answer; recursion was desired ... */
  out[3] = server->has_address ? 0x80 : 0x80 | 0x3; /* ... and is there; 3: no such name */
  out[5] = 1;
  if (server->has_address && is_a) {
    out[7] = 1;
    memcpy(out + len, record, sizeof record);
    memcpy(out + len + 12, &server->address, 4);
    len += sizeof record;
  }
  (void)sendto(server->fd, out, len, MSG_NOSIGNAL, (const struct sockaddr *)&q->from, sizeof q->from);
}

static void take(dns_server *server, const question *q) {
  ekm_mutex_lock(&server->lock);
  server->asked++;
  if (!server->holds) answer(server, q);
  if (server->holds && server->held_count < HELD_MAX) server->held[server->held_count++] = *q;
  ekm_cond_wake_all(&server->news);
  ekm_mutex_unlock(&server->lock);
}

static void run(void *arg) {
  dns_server *server = arg;
  for (;;) {
    question q = {.len = 0};
    socklen_t from_len = sizeof q.from;
    ssize_t got = recvfrom(server->fd, q.bytes, sizeof q.bytes, 0, (struct sockaddr *)&q.from, &from_len);
    ekm_mutex_lock(&server->lock);
    bool stopping = server->stopping;
    ekm_mutex_unlock(&server->lock);
    if (stopping) return;
    if (got > 0) q.len = question_len(q.bytes, (size_t)got);
    if (q.len > 0) take(server, &q);
  }
}

dns_server *dns_server_start(void) {
  const struct sockaddr_in at = {
      .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  ekm_err err = {0};
  dns_server *server = ekm_mem_alloc(sizeof *server, &err);
  assert_non_null(server);
  ekm_mutex_init(&server->lock);
  ekm_cond_init(&server->news);
  dns_server_set(server, "127.0.0.1");
  server->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert_true(server->fd >= 0);
  assert_int_equal(bind(server->fd, (const struct sockaddr *)&at, sizeof at), 0);
  assert_true(ekm_thread_start(&server->thread, run, server, &err));
  return server;
}

/* A datagram to itself wakes the thread. */
static void wake(const dns_server *server) {
  struct sockaddr_in at;
  socklen_t len = sizeof at;
  (void)getsockname(server->fd, (struct sockaddr *)&at, &len);
  (void)sendto(server->fd, "", 1, MSG_NOSIGNAL, (const struct sockaddr *)&at, len);
}

void dns_server_stop(dns_server **server_at) {
  dns_server *server = *server_at;
  if (server == NULL) return;
  dns_server_release(server);
  ekm_mutex_lock(&server->lock);
  server->stopping = true;
  ekm_mutex_unlock(&server->lock);
  wake(server);
  ekm_thread_join(&server->thread);
  (void)close(server->fd);
  ekm_mem_free(server);
  *server_at = NULL;
}

void dns_server_set(dns_server *server, const char *address) {
  ekm_mutex_lock(&server->lock);
  server->has_address = address != NULL;
  if (address != NULL) assert_int_equal(inet_pton(AF_INET, address, &server->address), 1);
  ekm_mutex_unlock(&server->lock);
}

void dns_server_hold(dns_server *server, bool yes) {
  ekm_mutex_lock(&server->lock);
  server->holds = yes;
  ekm_mutex_unlock(&server->lock);
}

void dns_server_release(dns_server *server) {
  ekm_mutex_lock(&server->lock);
  for (size_t i = 0; i < server->held_count; i++) answer(server, &server->held[i]);
  server->held_count = 0;
  ekm_mutex_unlock(&server->lock);
}

void dns_server_wait(dns_server *server, int questions) {
  ekm_deadline deadline = ekm_deadline_in(ekm_clock_system(), WAIT_MS);
  ekm_mutex_lock(&server->lock);
  while (server->asked < questions && ekm_deadline_left_ms(deadline, ekm_clock_system()) > 0) {
    ekm_cond_wait(&server->news, &server->lock, ekm_deadline_left_ms(deadline, ekm_clock_system()));
  }
  int asked = server->asked;
  ekm_mutex_unlock(&server->lock);
  if (asked < questions) fail_msg("%d questions of %d", asked, questions);
}

void dns_server_forget(dns_server *server) {
  ekm_mutex_lock(&server->lock);
  server->asked = 0;
  ekm_mutex_unlock(&server->lock);
}
