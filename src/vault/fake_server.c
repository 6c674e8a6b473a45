#include "vault/fake_server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "vault/listen.h"

enum { CONNECTIONS_MAX = 64, IDLE_S = 10, CONNECTION_BYTES = 24 * 1024 };

struct fake_server {
  struct MHD_Daemon *daemon;
  fake_identity *identity;
  uint16_t port;
};

/* ---- one request ------------------------------------------------------------------------------------------------- */

/* Where a header or a member of the query goes in fake_request. */
typedef struct place {
  const char *name;
  size_t offset;
} place;
#define PLACE(name, member) \
  { name, offsetof(fake_request, member) }

static const place headers[] = {
    PLACE("Metadata", metadata),
    PLACE("X-IDENTITY-HEADER", identity_header),
    PLACE("Authorization", authorization),
    PLACE("X-Forwarded-For", forwarded_for),
};

static const place members[] = {
    PLACE("api-version", api_version), PLACE("resource", resource),         PLACE("client_id", client_id),
    PLACE("object_id", object_id),     PLACE("principal_id", principal_id), PLACE("msi_res_id", msi_res_id),
    PLACE("mi_res_id", mi_res_id),
};

/* The library has decoded names and values. */
static void take(struct MHD_Connection *connection, enum MHD_ValueKind kind, const place *places, size_t count,
                 fake_request *out) {
  for (size_t i = 0; i < count; i++) {
    const char *value = MHD_lookup_connection_value(connection, kind, places[i].name);
    memcpy((uint8_t *)out + places[i].offset, &value, sizeof value);
  }
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, const fake_answer *answer) {
  struct MHD_Response *response =
      MHD_create_response_from_buffer(answer->body.len, answer->body.ptr, MHD_RESPMEM_MUST_COPY);
  if (response == NULL) return MHD_NO;
  bool ok =
      MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json; charset=utf-8") == MHD_YES &&
      MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") == MHD_YES &&
      (answer->challenge[0] == '\0' ||
       MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, answer->challenge) == MHD_YES);
  enum MHD_Result result = ok ? MHD_queue_response(connection, (unsigned)answer->status, response) : MHD_NO;
  MHD_destroy_response(response);
  return result;
}

/* Called with the headers, and again behind them. Nothing here has a body: other methods than GET, which may have one,
 * are answered before it is read. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *part, size_t *part_len, void **state) {
  static int seen;
  fake_server *server = arg;
  fake_request request = {.method = method, .path = url};
  fake_answer answer;
  (void)version;
  (void)part;

  if (*part_len > 0) return MHD_NO;
  if (*state == NULL) {
    *state = &seen;
    if (strcmp(method, MHD_HTTP_METHOD_GET) == 0) return MHD_YES;
  }
  take(connection, MHD_HEADER_KIND, headers, sizeof headers / sizeof headers[0], &request);
  take(connection, MHD_GET_ARGUMENT_KIND, members, sizeof members / sizeof members[0], &request);
  fake_answer_init(&answer);
  fake_identity_answer(server->identity, &request, &answer);
  enum MHD_Result result = send_answer(connection, &answer);
  fake_answer_clear(&answer);
  return result;
}

/* ---- start and stop ---------------------------------------------------------------------------------------------- */

static bool is_loopback(const char *address) {
  struct in_addr v4;
  struct in6_addr v6;
  if (inet_pton(AF_INET, address, &v4) == 1) return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
  return inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool fake_server_start(const char *address, uint16_t port, fake_identity *identity, fake_server **out_server,
                       ekm_err *err) {
  int socket = -1;
  *out_server = NULL;
  if (!is_loopback(address)) {
    return EKM_FAIL(err, EKM_E_SERVE, "'%s' is not an address of the loopback, and whoever asks gets a token", address);
  }
  fake_server *server = ekm_mem_alloc(sizeof *server, err);
  if (server == NULL) return false;
  server->identity = identity;
  if (!vault_listen(address, port, &socket, &server->port, err)) {
    fake_server_stop(&server);
    return false;
  }
  server->daemon = MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, socket,
      MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
  if (server->daemon == NULL) {
    (void)close(socket);
    fake_server_stop(&server);
    return EKM_FAIL(err, EKM_E_SERVE, "plain HTTP on '%s' cannot be started", address);
  }
  *out_server = server;
  return true;
}

uint16_t fake_server_port(const fake_server *server) {
  return server->port;
}

void fake_server_stop(fake_server **server) {
  if (*server == NULL) return;
  if ((*server)->daemon != NULL) MHD_stop_daemon((*server)->daemon);
  ekm_mem_free(*server);
  *server = NULL;
}
