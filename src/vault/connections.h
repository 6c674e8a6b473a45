/* The open connections of the server and the time that each has left.
 *
 *            open            begin                end
 *   accepted ----> waiting ---------> running ----------> waiting ...
 *                  idle_ms +          request_ms          idle_ms + request_ms
 *                  request_ms
 *
 * An idle timeout alone, as libmicrohttpd has one, is renewed by every byte: a client that sends one byte a second
 * holds a connection for ever. So each state has an absolute end, and a thread shuts down the sockets that are past
 * theirs; the HTTP library then sees the end of the stream and cleans up by itself.
 *
 * Threads: all functions may be called from any thread, except that start and stop belong to one. */
#ifndef EKM_VAULT_CONNECTIONS_H
#define EKM_VAULT_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

typedef struct vault_connections vault_connections;
typedef struct vault_connection vault_connection;

/* vault_connections_start(clock, idle_ms, request_ms, out, err): an empty table and its thread. */
EKM_MUST_USE bool vault_connections_start(const ekm_clock *clock, int64_t idle_ms, int64_t request_ms,
                                          vault_connections **out_connections, ekm_err *err);

/* vault_connections_stop(connections): end the thread and free; every connection must be closed by then. NULL is fine;
 * sets the caller's pointer to NULL. */
void vault_connections_stop(vault_connections **connections);

/* vault_connections_open(connections, socket): a new one, or NULL without memory (then nothing watches it). */
vault_connection *vault_connections_open(vault_connections *connections, int socket);

/* vault_connections_close(connections, connection): forget it, before its socket is closed. NULL is fine. */
void vault_connections_close(vault_connections *connections, vault_connection *connection);

/* vault_connections_begin(connections, connection), vault_connections_end(connections, connection):
 * A request came in; it was answered or given up. In pairs; NULL connections count for the drain only. */
void vault_connections_begin(vault_connections *connections, vault_connection *connection);
void vault_connections_end(vault_connections *connections, vault_connection *connection);

/* vault_connections_drain(connections, timeout_ms): wait until no request runs; false if some still do. */
bool vault_connections_drain(vault_connections *connections, int64_t timeout_ms);

#endif
