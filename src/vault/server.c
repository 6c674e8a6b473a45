#include "vault/server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/url.h"
#include "vault/caretaker.h"
#include "vault/connections.h"
#include "vault/listen.h"
#include "vault/metrics.h"
#include "vault/service.h"
#include "vault/trouble.h"

/* TLS 1.2 and 1.3 only, with what GnuTLS calls normal strength. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

enum {
  DEFAULT_CONNECTIONS = 4096,
  DEFAULT_IDLE_S = 120,
  DEFAULT_REQUEST_MS = 20000,
  MIN_THREADS = 2,
  CONNECTION_BYTES = 24 * 1024, /* of a connection: all headers of a request must fit */
  SWALLOWED_BYTES =
      16 * EKM_LIMIT_HTTP_REQUEST_BYTES, /* of a body that is too long: whoever sends more gets no answer */
  QUERY_NAME_BYTES = 64,
  QUERY_VALUE_BYTES = 1024,
  PEM_MAX_BYTES = 256 * 1024,
  PEER_BYTES = INET6_ADDRSTRLEN
};

struct vault_server {
  vault_service service;
  vault_connections *connections;
  struct MHD_Daemon *daemon;
  uint16_t port;
  int64_t request_ms;
  const ekm_clock *real_clock; /* the one that was given */
  atomic_bool stopping;        /* answers close their connections from now on */
};

/* One request under way, from its headers to the end of its answer. */
typedef struct passage {
  vault_exchange x;
  bool head_ok; /* the answer waits for the body */
  bool too_long;
  size_t received;
  size_t max; /* of the body */
  ekm_buf body;
  char peer[PEER_BYTES];
  vault_connection *connection;
} passage;

/* ---- the request ------------------------------------------------------------------------------------------------- */

/* Leave percent-encoding as it is: vault/path.h decodes segment by segment, behind the split. */
static size_t keep_escapes(void *arg, struct MHD_Connection *connection, char *text) {
  (void)arg;
  (void)connection;
  return strlen(text);
}

typedef struct query_member {
  const char *name;
  size_t offset; /* of the member of vault_request */
} query_member;
static const query_member query_members[] = {
    {"api-version", offsetof(vault_request, api_version)},
    {"maxresults", offsetof(vault_request, max_results)},
    {"$skiptoken", offsetof(vault_request, skip_token)},
};

/* Names may be escaped, too: clients generated from the specification write "api%2Dversion". */
static bool is_named(const char *name, const char *wanted) {
  ekm_buf decoded;
  ekm_err ignored = {0};
  if (ekm_text_ieq(name, wanted)) return true;
  if (strchr(name, '%') == NULL) return false;
  ekm_buf_init(&decoded, QUERY_NAME_BYTES);
  bool ok =
      ekm_url_decode(name, strlen(name), true, &decoded, &ignored) && ekm_text_ieq(ekm_buf_text(&decoded), wanted);
  ekm_buf_clear(&decoded);
  return ok;
}

static enum MHD_Result take_query(void *arg, enum MHD_ValueKind kind, const char *name, const char *value) {
  (void)kind;
  for (size_t i = 0; i < sizeof query_members / sizeof query_members[0]; i++) {
    if (!is_named(name, query_members[i].name)) continue;
    const char **member = (const char **)((char *)arg + query_members[i].offset);
    if (*member == NULL && value != NULL && strlen(value) <= QUERY_VALUE_BYTES) *member = value;
  }
  return MHD_YES;
}

static const char *header(struct MHD_Connection *connection, const char *name) {
  return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static void write_peer(const struct sockaddr *address, char out[PEER_BYTES]) {
  const void *bytes = address->sa_family == AF_INET
                          ? (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr
                          : (const void *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
  if (inet_ntop(address->sa_family, bytes, out, PEER_BYTES) == NULL) out[0] = '\0';
}

static bool is_loopback(const struct sockaddr *address) {
  if (address->sa_family == AF_INET) {
    return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  return address->sa_family == AF_INET6 &&
         IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

static void take_request(struct MHD_Connection *connection, const char *method, const char *url, char peer[PEER_BYTES],
                         vault_request *out) {
  memset(out, 0, sizeof *out);
  out->method = method;
  out->path = url;
  out->host = header(connection, "Host");
  out->authorization = header(connection, "Authorization");
  out->method_override = header(connection, "X-HTTP-METHOD");
  out->client_request_id = header(connection, "x-ms-client-request-id");
  if (out->client_request_id == NULL) out->client_request_id = header(connection, "client-request-id");
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  out->from_loopback = info != NULL && is_loopback(info->client_addr);
  if (info != NULL) write_peer(info->client_addr, peer);
  out->peer = peer;
  (void)MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, take_query, out);
}

static vault_connection *watched(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info == NULL ? NULL : info->socket_context;
}

/* How long a body may be: what the route says, once it is known that the client may take it. */
static size_t body_limit(const passage *p) {
  bool is_long = p->head_ok && p->x.route->body_bytes != 0;
  return is_long ? p->x.route->body_bytes : EKM_LIMIT_HTTP_REQUEST_BYTES;
}

/* What of a body that is too long is read all the same. */
static size_t swallowed(const passage *p) {
  return p->max == EKM_LIMIT_HTTP_REQUEST_BYTES ? SWALLOWED_BYTES : p->max + SWALLOWED_BYTES;
}

/* Does the client announce more than is read, and can it be told before it sends? It can if it asked (Expect:
 * 100-continue, RFC 9110 section 10.1.1). Else it may be sending already: a connection that is closed on unread bytes
 * is reset, and the reset can overtake the answer. So what is not monstrous is swallowed first. */
static bool announces_too_much(struct MHD_Connection *connection, const passage *p) {
  const char *text = header(connection, "Content-Length");
  size_t limit = header(connection, "Expect") == NULL ? swallowed(p) : p->max;
  size_t value = 0;
  for (; text != NULL && *text >= '0' && *text <= '9'; text++) {
    value = value * 10 + (size_t)(*text - '0');
    if (value > limit) return true;
  }
  return false;
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

/* Half of the body that the headers promise; then the connection ends. */
static ssize_t half_of_it(void *arg, uint64_t at, char *out, size_t max) {
  const ekm_buf *body = arg;
  size_t half = body->len / 2;
  if (at >= half) return MHD_CONTENT_READER_END_WITH_ERROR;
  size_t len = half - (size_t)at < max ? half - (size_t)at : max;
  memcpy(out, body->ptr + at, len);
  return (ssize_t)len;
}

/* The body stays the exchange's, which lives until the answer is sent. */
static struct MHD_Response *make_response(vault_answer *answer) {
  if (answer->cut == VAULT_CUT_HALF) {
    return MHD_create_response_from_callback(answer->body.len, answer->body.len, half_of_it, &answer->body, NULL);
  }
  return MHD_create_response_from_buffer(answer->body.len, answer->body.ptr, MHD_RESPMEM_PERSISTENT);
}

/* The socket is closed with a reset instead of an end. */
static enum MHD_Result reset(struct MHD_Connection *connection) {
  static const struct linger at_once = {1, 0};
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (info != NULL) (void)setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  return MHD_NO;
}

static enum MHD_Result send_answer(const vault_server *server, struct MHD_Connection *connection, passage *p,
                                   bool close_after) {
  vault_header headers[VAULT_ANSWER_HEADERS];
  vault_answer *answer = &p->x.answer;
  vault_answer_stamp(answer, ekm_clock_wall_s(server->service.clock), (ekm_clock_mono_ns() - p->x.started_ns) / 1000);
  size_t count = vault_answer_headers(answer, p->x.request.client_request_id, headers);

  vault_service_audit(&p->x);
  if (answer->cut == VAULT_CUT_ALL) return reset(connection);
  struct MHD_Response *response = make_response(answer);
  if (response == NULL) return MHD_NO;
  bool ok = true;
  for (size_t i = 0; i < count && ok; i++) {
    ok = MHD_add_response_header(response, headers[i].name, headers[i].value) == MHD_YES;
  }
  if (ok && (close_after || atomic_load(&server->stopping))) {
    ok = MHD_add_response_header(response, "Connection", "close") == MHD_YES;
  }
  enum MHD_Result result = ok ? MHD_queue_response(connection, (unsigned)answer->status, response) : MHD_NO;
  MHD_destroy_response(response);
  return result;
}

/* ---- libmicrohttpd's calls --------------------------------------------------------------------------------------- */

static passage *begin(vault_server *server, struct MHD_Connection *connection, const char *method, const char *url) {
  ekm_err ignored = {0};
  vault_request request;
  passage *p = ekm_mem_alloc(sizeof *p, &ignored);
  if (p == NULL) return NULL;
  p->connection = watched(connection);
  vault_connections_begin(server->connections, p->connection);
  take_request(connection, method, url, p->peer, &request);
  p->head_ok = vault_service_head(&server->service, &request, &p->x);
  p->max = body_limit(p);
  ekm_buf_init(&p->body, p->max);
  return p;
}

/* A part of the body. The library takes an answer before or behind a body, never within: so what nobody will read is
 * thrown away, within reason. */
static enum MHD_Result take_part(passage *p, const char *part, size_t len) {
  p->received += len;
  if (p->received > p->max) {
    p->too_long = true;
    ekm_buf_clear(&p->body);
  } else if (p->head_ok) {
    ekm_buf_append(&p->body, part, len);
  }
  return p->received > swallowed(p) ? MHD_NO : MHD_YES;
}

static enum MHD_Result finish(vault_server *server, struct MHD_Connection *connection, passage *p) {
  if (p->too_long) {
    vault_refuse(&p->x, VAULT_FAULT_BODY_TOO_LONG, "");
  } else if (p->head_ok && p->body.no_memory) {
    vault_refuse(&p->x, VAULT_FAULT_UNAVAILABLE, "");
  } else if (p->head_ok) {
    vault_service_rest(&p->x, ekm_buf_view(&p->body));
  }
  return send_answer(server, connection, p, p->too_long);
}

/* Called once with the headers, once for each part of the body, once at its end. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *part, size_t *part_len, void **state) {
  vault_server *server = arg;
  passage *p = *state;
  (void)version;

  if (p == NULL) {
    p = begin(server, connection, method, url);
    *state = p;
    if (p == NULL) return MHD_NO;
    if (!announces_too_much(connection, p)) return MHD_YES;
    p->too_long = true;
    return finish(server, connection, p);
  }
  if (*part_len > 0) {
    size_t len = *part_len;
    *part_len = 0;
    return take_part(p, part, len);
  }
  return finish(server, connection, p);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why) {
  vault_server *server = arg;
  passage *p = *state;
  (void)connection;
  (void)why;
  if (p == NULL) return;
  vault_connections_end(server->connections, p->connection);
  vault_service_end(&p->x);
  ekm_buf_clear(&p->body);
  ekm_mem_free(p);
  *state = NULL;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what) {
  vault_server *server = arg;
  if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
    vault_connections_close(server->connections, *context);
    *context = NULL;
    return;
  }
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  *context = info == NULL ? NULL : vault_connections_open(server->connections, info->connect_fd);
}

/* ---- start and stop ---------------------------------------------------------------------------------------------- */

static unsigned or_default(unsigned value, unsigned fallback) {
  return value == 0 ? fallback : value;
}

static unsigned thread_count(const vault_server_options *options) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  unsigned usual = processors > MIN_THREADS ? (unsigned)processors : MIN_THREADS;
  return or_default(options->threads, usual);
}

/* PEM as the text that libmicrohttpd wants. */
static bool take_pem(ekm_view pem, ekm_buf *out, ekm_err *err) {
  ekm_buf_append_view(out, pem);
  return ekm_buf_ok(out, "a certificate", err);
}

static bool is_text(const ekm_buf *pem) {
  return pem->len > 0 && strlen(ekm_buf_text(pem)) == pem->len;
}

static bool refuse_pem(const vault_server_options *options, ekm_err *err) {
  return EKM_FAIL(err, EKM_E_SERVE, "certificate and private key cannot be used for TLS%s%s",
                  options->files == NULL ? "" : ": ", options->files == NULL ? "" : options->files);
}

static bool start_daemon(vault_server *server, const vault_server_options *options, ekm_err *err) {
  bool ok = false;
  int socket = -1;
  ekm_buf cert;
  ekm_buf key;

  ekm_buf_init(&cert, PEM_MAX_BYTES);
  ekm_buf_init(&key, PEM_MAX_BYTES);
  EKM_TRY(take_pem(options->cert_pem, &cert, err));
  EKM_TRY(take_pem(options->key_pem, &key, err));
  if (!is_text(&cert) || !is_text(&key)) EKM_TRY(refuse_pem(options, err));
  EKM_TRY(vault_listen(options->address, options->port, &socket, &server->port, err));
  unsigned threads = thread_count(options);
  unsigned connections = or_default(options->max_connections, DEFAULT_CONNECTIONS);
  server->daemon = MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS | MHD_USE_ITC | MHD_USE_SUPPRESS_DATE_NO_CLOCK, 0, NULL, NULL,
      on_request, server, MHD_OPTION_LISTEN_SOCKET, socket, MHD_OPTION_HTTPS_MEM_CERT, ekm_buf_text(&cert),
      MHD_OPTION_HTTPS_MEM_KEY, ekm_buf_text(&key), MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITIES,
      MHD_OPTION_THREAD_POOL_SIZE, threads, MHD_OPTION_CONNECTION_LIMIT, connections < threads ? threads : connections,
      MHD_OPTION_CONNECTION_TIMEOUT, or_default(options->idle_seconds, DEFAULT_IDLE_S),
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1,
      MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
      MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_END);
  if (server->daemon == NULL) EKM_TRY(refuse_pem(options, err));
  socket = -1; /* the library's now */
  ok = true;
done:
  if (socket >= 0) (void)close(socket);
  ekm_buf_clear(&cert);
  ekm_buf_clear(&key);
  return ok;
}

/* Everything goes by the clock of the trouble that may be asked for, if any may. */
static bool start_clock(vault_service *service, const vault_server_options *options, ekm_err *err) {
  service->clock = options->clock;
  if (!options->with_trouble) return true;
  if (!vault_trouble_new(options->clock, &service->trouble, err)) return false;
  service->clock = vault_trouble_clock(service->trouble);
  vault_store_use_clock(options->store, service->clock);
  return true;
}

static bool start_service(vault_service *service, const vault_server_options *options, ekm_err *err) {
  service->store = options->store;
  service->crypto = options->crypto;
  service->shop = (vault_workshop){options->crypto, options->token};
  service->rng = ekm_crypto_rng(options->crypto);
  service->log = options->log;
  service->audit = options->audit;
  service->signer =
      (vault_jwt_signer){options->crypto, vault_store_signer(options->store), vault_store_signer_kid(options->store)};
  service->token_seconds = or_default(options->token_seconds, VAULT_TOKEN_SECONDS);
  if (!start_clock(service, options, err)) return false;
  const vault_rotor rotor = {options->store, service->shop, service->clock};
  return vault_token_cache_new(&service->tokens, err) && vault_metrics_new(&service->metrics, err) &&
         vault_caretaker_start(&rotor, options->log, &service->caretaker, err);
}

bool vault_server_start(const vault_server_options *options, vault_server **out_server, ekm_err *err) {
  *out_server = NULL;
  vault_server *server = ekm_mem_alloc(sizeof *server, err);
  if (server == NULL) return false;
  int64_t idle_ms = (int64_t)or_default(options->idle_seconds, DEFAULT_IDLE_S) * 1000;
  server->request_ms = or_default(options->request_ms, DEFAULT_REQUEST_MS);
  server->real_clock = options->clock;
  if (!start_service(&server->service, options, err) ||
      !vault_connections_start(options->clock, idle_ms, server->request_ms, &server->connections, err) ||
      !start_daemon(server, options, err)) {
    vault_server_stop(&server);
    return false;
  }
  *out_server = server;
  return true;
}

uint16_t vault_server_port(const vault_server *server) {
  return server->port;
}

void vault_server_stop(vault_server **server) {
  vault_server *s = *server;
  if (s == NULL) return;
  if (s->daemon != NULL) {
    atomic_store(&s->stopping, true);
    vault_trouble_end(s->service.trouble);
    MHD_socket listener = MHD_quiesce_daemon(s->daemon);
    (void)vault_connections_drain(s->connections, s->request_ms);
    MHD_stop_daemon(s->daemon);
    if (listener != MHD_INVALID_SOCKET) (void)close(listener);
  }
  vault_connections_stop(&s->connections);
  vault_caretaker_stop(&s->service.caretaker);
  if (s->service.trouble != NULL) vault_store_use_clock(s->service.store, s->real_clock);
  vault_token_cache_free(&s->service.tokens);
  vault_metrics_free(&s->service.metrics);
  vault_trouble_free(&s->service.trouble);
  ekm_mem_free(s);
  *server = NULL;
}
