#include "support/tls_server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "crypto/cert.h"

enum { PEM_MAX_BYTES = 16384, BODY_MAX_BYTES = 65536, TEN = 10, PROMISED = 1000 };

struct tls_server {
  struct MHD_Daemon *daemon;
  ekm_buf ca_pem, cert_pem, key_pem;
  atomic_int connections;
  atomic_int waiting;
  ekm_mutex lock;
  ekm_cond changed;
  bool released;
};

/* A request while its body arrives. */
typedef struct request {
  ekm_buf body;
} request;

/* --- answers ------------------------------------------------------------------------------------------------------ */

static struct MHD_Response *text_answer(ekm_view text) {
  struct MHD_Response *response =
      MHD_create_response_from_buffer(text.len, (void *)(uintptr_t)text.ptr, MHD_RESPMEM_MUST_COPY);
  (void)MHD_add_response_header(response, "Content-Type", "application/json");
  (void)MHD_add_response_header(response, "x-ms-request-id", "the-request-id");
  return response;
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, unsigned status, struct MHD_Response *response) {
  enum MHD_Result result = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return result;
}

static enum MHD_Result echo(struct MHD_Connection *connection, const char *method, const request *r) {
  static const char *const names[] = {"Authorization",
                                      "Content-Type",
                                      "Content-Length",
                                      "Accept",
                                      "User-Agent",
                                      "Expect",
                                      "x-ms-client-request-id",
                                      "Host",
                                      "x-ms-return-client-request-id"};
  ekm_buf text;
  ekm_buf_init(&text, 2 * BODY_MAX_BYTES);
  ekm_buf_append_fmt(&text, "%s\n", method);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, names[i]);
    if (value != NULL) ekm_buf_append_fmt(&text, "%s: %s\n", names[i], value);
  }
  ekm_buf_append_char(&text, '\n');
  ekm_buf_append_view(&text, ekm_buf_view(&r->body));
  struct MHD_Response *response = text_answer(ekm_buf_view(&text));
  ekm_buf_clear(&text);
  return send_answer(connection, 200, response);
}

static ssize_t ten_bytes(void *arg, uint64_t at, char *out, size_t max) {
  (void)arg;
  if (at >= TEN || max < TEN) return MHD_CONTENT_READER_END_WITH_ERROR;
  memset(out, 'x', TEN);
  return TEN;
}

static enum MHD_Result truncated(struct MHD_Connection *connection) {
  return send_answer(connection, 200, MHD_create_response_from_callback(PROMISED, TEN, ten_bytes, NULL, NULL));
}

static enum MHD_Result big(struct MHD_Connection *connection, size_t len) {
  ekm_buf text;
  ekm_buf_init(&text, len + 1);
  (void)ekm_buf_extend(&text, len);
  struct MHD_Response *response = text_answer(ekm_buf_view(&text));
  ekm_buf_clear(&text);
  return send_answer(connection, 200, response);
}

static enum MHD_Result headers(struct MHD_Connection *connection, const char *name, size_t count, size_t len) {
  char *value = calloc(1, len + 8);
  struct MHD_Response *response = text_answer(ekm_view_text("{}"));
  if (value == NULL) return MHD_NO;
  memset(value, 'x', len);
  memcpy(value, "Bearer ", len < 7 ? len : 7);
  for (size_t i = 0; i < count; i++) (void)MHD_add_response_header(response, name, value);
  free(value);
  return send_answer(connection, 401, response);
}

static enum MHD_Result retry(struct MHD_Connection *connection) {
  struct MHD_Response *response = text_answer(ekm_view_text("{}"));
  (void)MHD_add_response_header(response, "Retry-After", "7");
  return send_answer(connection, 429, response);
}

static enum MHD_Result wait_for_release(tls_server *server, struct MHD_Connection *connection) {
  atomic_fetch_add(&server->waiting, 1);
  ekm_mutex_lock(&server->lock);
  while (!server->released) ekm_cond_wait(&server->changed, &server->lock, 1000);
  ekm_mutex_unlock(&server->lock);
  atomic_fetch_sub(&server->waiting, 1);
  return send_answer(connection, 200, text_answer(ekm_view_text("{}")));
}

static size_t number_behind(const char *path, const char *prefix) {
  return (size_t)strtoul(path + strlen(prefix), NULL, 10);
}

static enum MHD_Result answer(tls_server *server, struct MHD_Connection *connection, const char *path,
                              const char *method, const request *r) {
  if (strcmp(path, "/truncated") == 0) return truncated(connection);
  if (strcmp(path, "/retry") == 0) return retry(connection);
  if (strcmp(path, "/wait") == 0) return wait_for_release(server, connection);
  if (strncmp(path, "/big/", 5) == 0) return big(connection, number_behind(path, "/big/"));
  if (strncmp(path, "/header/", 8) == 0) {
    return headers(connection, "WWW-Authenticate", 1, number_behind(path, "/header/"));
  }
  if (strncmp(path, "/headers/", 9) == 0) return headers(connection, "X-Filler", number_behind(path, "/headers/"), 100);
  if (strncmp(path, "/status/", 8) == 0) {
    return send_answer(connection, (unsigned)number_behind(path, "/status/"), text_answer(ekm_view_text("{}")));
  }
  if (strcmp(path, "/redirect") == 0) {
    struct MHD_Response *response = text_answer(ekm_view_text("{}"));
    (void)MHD_add_response_header(response, "Location", "/echo");
    return send_answer(connection, 301, response);
  }
  return echo(connection, method, r);
}

/* --- the daemon --------------------------------------------------------------------------------------------------- */

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *part, size_t *part_len, void **state) {
  request *r = *state;
  ekm_err ignored = {0};
  (void)version;
  if (r == NULL) {
    r = ekm_mem_alloc(sizeof *r, &ignored);
    if (r == NULL) return MHD_NO;
    ekm_buf_init(&r->body, BODY_MAX_BYTES);
    *state = r;
    return MHD_YES;
  }
  if (*part_len > 0) {
    ekm_buf_append(&r->body, part, *part_len);
    *part_len = 0;
    return MHD_YES;
  }
  return answer(arg, connection, path, method, r);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code) {
  request *r = *state;
  (void)arg;
  (void)connection;
  (void)code;
  if (r == NULL) return;
  ekm_buf_clear(&r->body);
  ekm_mem_free(r);
  *state = NULL;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode code) {
  tls_server *server = arg;
  (void)connection;
  (void)state;
  if (code == MHD_CONNECTION_NOTIFY_STARTED) atomic_fetch_add(&server->connections, 1);
}

static bool make_certificates(tls_server *server, const ekm_crypto *crypto, const tls_server_options *options,
                              ekm_err *err) {
  bool ok = false;
  int64_t now_s = ekm_clock_wall_s(ekm_clock_system());
  ekm_buf ca_key;
  ekm_cert_request ca = {
      .common_name = "test authority", .not_before_wall_s = now_s - 86400 * 30, .not_after_wall_s = now_s + 86400 * 30};
  ekm_cert_request own = {.common_name = options->name,
                          .names = &options->name,
                          .name_count = 1,
                          .not_before_wall_s = now_s - 86400 * 20,
                          .not_after_wall_s = options->not_after_wall_s};
  ekm_buf_init(&ca_key, PEM_MAX_BYTES);
  EKM_TRY(ekm_cert_make_authority(crypto, &ca, &server->ca_pem, &ca_key, err));
  EKM_TRY(ekm_cert_make_server(crypto, &own, ekm_buf_view(&server->ca_pem), ekm_buf_view(&ca_key), &server->cert_pem,
                               &server->key_pem, err));
  ok = true;
done:
  ekm_buf_clear(&ca_key);
  return ok;
}

static bool start_daemon(tls_server *server, uint16_t port, ekm_err *err) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  server->daemon = MHD_start_daemon(
      MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_TLS, 0, NULL, NULL, on_request, server,
      MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&at, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_HTTPS_MEM_KEY,
      ekm_buf_text(&server->key_pem), MHD_OPTION_HTTPS_MEM_CERT, ekm_buf_text(&server->cert_pem),
      MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)512 * 1024, MHD_OPTION_END);
  return server->daemon != NULL || EKM_FAIL(err, EKM_E_SERVE, "port %u", (unsigned)port);
}

bool tls_server_start(const ekm_crypto *crypto, const tls_server_options *options, tls_server **out, ekm_err *err) {
  *out = NULL;
  tls_server *server = ekm_mem_alloc(sizeof *server, err);
  if (server == NULL) return false;
  ekm_buf_init(&server->ca_pem, PEM_MAX_BYTES);
  ekm_buf_init(&server->cert_pem, PEM_MAX_BYTES);
  ekm_buf_init(&server->key_pem, PEM_MAX_BYTES);
  ekm_mutex_init(&server->lock);
  ekm_cond_init(&server->changed);
  if (!make_certificates(server, crypto, options, err) || !start_daemon(server, options->port, err)) {
    tls_server_stop(&server);
    return false;
  }
  *out = server;
  return true;
}

void tls_server_stop(tls_server **server) {
  tls_server *s = *server;
  *server = NULL;
  if (s == NULL) return;
  tls_server_release(s);
  if (s->daemon != NULL) MHD_stop_daemon(s->daemon);
  ekm_buf_clear(&s->ca_pem);
  ekm_buf_clear(&s->cert_pem);
  ekm_buf_clear(&s->key_pem);
  ekm_mem_free(s);
}

uint16_t tls_server_port(const tls_server *server) {
  return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

ekm_view tls_server_ca_pem(const tls_server *server) {
  return ekm_buf_view(&server->ca_pem);
}

int tls_server_connections(const tls_server *server) {
  return atomic_load(&server->connections);
}

int tls_server_waiting(const tls_server *server) {
  return atomic_load(&server->waiting);
}

void tls_server_release(tls_server *server) {
  ekm_mutex_lock(&server->lock);
  server->released = true;
  ekm_cond_wake_all(&server->changed);
  ekm_mutex_unlock(&server->lock);
}

bool tls_server_sha1(const tls_server *server, const ekm_crypto *crypto, char out[41], ekm_err *err) {
  ekm_cert_info info;
  uint8_t sha1[EKM_SHA1_BYTES];
  ekm_cert_info_init(&info);
  bool ok = ekm_cert_read(crypto, ekm_buf_view(&server->cert_pem), &info, err) &&
            ekm_crypto_sha1(crypto, ekm_buf_view(&info.der), sha1, err);
  if (ok) ekm_hex_text(ekm_view_of(sha1, sizeof sha1), out, 41);
  ekm_cert_info_clear(&info);
  return ok;
}
