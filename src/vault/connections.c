#include "vault/connections.h"

#include <stddef.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/mutex.h"
#include "base/thread.h"

enum { WATCH_EVERY_MS = 250 };

struct vault_connection {
  vault_connection *prev, *next;
  int socket;
  int64_t ends_at_ms;
};

struct vault_connections {
  const ekm_clock *clock;
  int64_t idle_ms;
  int64_t request_ms;
  ekm_thread *watch;
  ekm_mutex lock;
  ekm_cond stopped; /* for the thread, which only looks at times: not woken by requests */
  ekm_cond drained; /* the last request that ran has ended */
  bool stopping;
  unsigned running;
  vault_connection *first;
};

static void shut_late_ones(vault_connections *connections) {
  int64_t now = ekm_clock_mono_ms(connections->clock);
  for (vault_connection *each = connections->first; each != NULL; each = each->next) {
    if (now < each->ends_at_ms) continue;
    (void)shutdown(each->socket, SHUT_RDWR); /* the descriptor stays the library's: it is closed after _close here */
    each->ends_at_ms = INT64_MAX;
  }
}

static void watch(void *arg) {
  vault_connections *connections = arg;
  ekm_mutex_lock(&connections->lock);
  while (!connections->stopping) {
    ekm_cond_wait(&connections->stopped, &connections->lock, WATCH_EVERY_MS);
    shut_late_ones(connections);
  }
  ekm_mutex_unlock(&connections->lock);
}

bool vault_connections_start(const ekm_clock *clock, int64_t idle_ms, int64_t request_ms,
                             vault_connections **out_connections, ekm_err *err) {
  *out_connections = NULL;
  vault_connections *connections = ekm_mem_alloc(sizeof *connections, err);
  if (connections == NULL) return false;
  connections->clock = clock;
  connections->idle_ms = idle_ms;
  connections->request_ms = request_ms;
  ekm_mutex_init(&connections->lock);
  ekm_cond_init(&connections->stopped);
  ekm_cond_init(&connections->drained);
  if (!ekm_thread_start(&connections->watch, watch, connections, err)) {
    ekm_mem_free(connections);
    return false;
  }
  *out_connections = connections;
  return true;
}

void vault_connections_stop(vault_connections **connections) {
  if (*connections == NULL) return;
  ekm_mutex_lock(&(*connections)->lock);
  (*connections)->stopping = true;
  ekm_cond_wake_all(&(*connections)->stopped);
  ekm_mutex_unlock(&(*connections)->lock);
  ekm_thread_join(&(*connections)->watch);
  ekm_mem_free(*connections);
  *connections = NULL;
}

static int64_t idle_end(const vault_connections *connections) {
  return ekm_clock_mono_ms(connections->clock) + connections->idle_ms + connections->request_ms;
}

vault_connection *vault_connections_open(vault_connections *connections, int socket) {
  ekm_err ignored = {0};
  vault_connection *connection = ekm_mem_alloc(sizeof *connection, &ignored);
  if (connection == NULL) return NULL;
  connection->socket = socket;
  connection->ends_at_ms = idle_end(connections);
  ekm_mutex_lock(&connections->lock);
  connection->next = connections->first;
  if (connections->first != NULL) connections->first->prev = connection;
  connections->first = connection;
  ekm_mutex_unlock(&connections->lock);
  return connection;
}

void vault_connections_close(vault_connections *connections, vault_connection *connection) {
  if (connection == NULL) return;
  ekm_mutex_lock(&connections->lock);
  if (connection->next != NULL) connection->next->prev = connection->prev;
  if (connection->prev != NULL) {
    connection->prev->next = connection->next;
  } else {
    connections->first = connection->next;
  }
  ekm_mutex_unlock(&connections->lock);
  ekm_mem_free(connection);
}

void vault_connections_begin(vault_connections *connections, vault_connection *connection) {
  int64_t end = ekm_clock_mono_ms(connections->clock) + connections->request_ms;
  ekm_mutex_lock(&connections->lock);
  connections->running++;
  if (connection != NULL) connection->ends_at_ms = end;
  ekm_mutex_unlock(&connections->lock);
}

void vault_connections_end(vault_connections *connections, vault_connection *connection) {
  int64_t end = idle_end(connections);
  ekm_mutex_lock(&connections->lock);
  connections->running--;
  if (connection != NULL && connection->ends_at_ms != INT64_MAX) connection->ends_at_ms = end;
  if (connections->running == 0) ekm_cond_wake_all(&connections->drained);
  ekm_mutex_unlock(&connections->lock);
}

bool vault_connections_drain(vault_connections *connections, int64_t timeout_ms) {
  ekm_deadline deadline = ekm_deadline_in(connections->clock, timeout_ms);
  ekm_mutex_lock(&connections->lock);
  while (connections->running > 0 && ekm_deadline_left_ms(deadline, connections->clock) > 0) {
    ekm_cond_wait(&connections->drained, &connections->lock, WATCH_EVERY_MS);
  }
  bool drained = connections->running == 0;
  ekm_mutex_unlock(&connections->lock);
  return drained;
}
