#include "support/hostile_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "crypto/cert.h"
#include "support/cmocka_all.h"
#include "support/hostile_answer.h"

enum { MAX_CONNECTIONS = 512, REQUEST_MAX_BYTES = 256 * 1024, DAY_S = 24 * 3600, WAIT_MS = 10000, BACKLOG = 128 };

typedef struct connection {
  hostile_server *server;
  ekm_thread *thread;
  int fd; /* -1: ended */
  SSL *ssl;
  hostile_socket behaviour;
} connection;

/* What a step does now; a copy, so that no thread of the server reads what the test owns. */
typedef struct scene {
  bool plays;
  hostile_play play;
  int played;
  ekm_buf headers, body;
} scene;

struct hostile_server {
  hostile_keys keys;
  SSL_CTX *tls;
  ekm_thread *thread;
  int listen_fd;
  uint16_t port;
  char secret[256];

  ekm_mutex lock; /* everything below */
  ekm_cond news;
  hostile_socket behaviour;
  scene scenes[HOSTILE_STEPS];
  int seen[HOSTILE_STEPS];
  int connected;
  bool stopping;
  ekm_buf secret_hosts, token_hosts, token_body;
  connection connections[MAX_CONNECTIONS];
};

/* --- one connection ----------------------------------------------------------------------------------------------- */

static bool wire_send(void *arg, const void *bytes, size_t len) {
  connection *c = arg;
  const char *at = bytes;
  while (len > 0) {
    size_t part = len > 16384 ? 16384 : len;
    int sent = SSL_write(c->ssl, at, (int)part);
    if (sent <= 0) return false;
    at += sent;
    len -= (size_t)sent;
  }
  return true;
}

/* Only the end of the connection ends the wait, whoever brings it about. */
static bool wire_pass(void *arg, int ms) {
  const connection *c = arg;
  struct pollfd ended = {.fd = c->fd, .events = POLLRDHUP};
  return poll(&ended, 1, ms) == 0;
}

/* The value of a header in a request's head, "" if absent. */
static void take_header(const char *head, const char *name, char *out, size_t out_bytes) {
  size_t name_len = strlen(name);
  out[0] = '\0';
  for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
    line += 2;
    if (strncasecmp(line, name, name_len) != 0 || line[name_len] != ':') continue;
    const char *value = line + name_len + 1 + strspn(line + name_len + 1, " ");
    (void)snprintf(out, out_bytes, "%.*s", (int)strcspn(value, "\r"), value);
    return;
  }
}

static hostile_step step_of(const hostile_request *request, bool is_post) {
  const char *path = request->target;
  size_t len = strcspn(path, "?");
  if (is_post && strstr(path, "/oauth2/") != NULL) return HOSTILE_TOKEN;
  if (strncmp(path, "/keys", 5) != 0) return HOSTILE_OTHER;
  if (!request->has_token) return HOSTILE_CHALLENGE;
  if (is_post && len > 10 && strncasecmp(path + len - 10, "/unwrapkey", 10) == 0) return HOSTILE_UNWRAP;
  if (is_post && len > 8 && strncasecmp(path + len - 8, "/wrapkey", 8) == 0) return HOSTILE_WRAP;
  if (is_post) return HOSTILE_OTHER;
  if (len == 5 || (len == 6 && path[5] == '/')) return HOSTILE_LIST;
  return len > 9 && strncmp(path + len - 9, "/versions", 9) == 0 ? HOSTILE_VERSIONS : HOSTILE_KEY;
}

static bool read_until(connection *c, hostile_request *request, size_t len) {
  while (request->raw.len < len) {
    char part[16384];
    int got = SSL_read(c->ssl, part, sizeof part);
    if (got <= 0) return false;
    ekm_buf_append(&request->raw, part, (size_t)got);
    if (request->raw.too_long) return false;
  }
  return true;
}

static bool read_request(connection *c, hostile_request *request) {
  char text[256];
  const char *end = NULL;
  while (end == NULL) {
    if (!read_until(c, request, request->raw.len + 1)) return false;
    end = strstr(ekm_buf_text(&request->raw), "\r\n\r\n");
  }
  request->head_len = (size_t)(end - ekm_buf_text(&request->raw)) + 4;
  take_header(ekm_buf_text(&request->raw), "Content-Length", text, sizeof text);
  if (!read_until(c, request, request->head_len + strtoul(text, NULL, 10))) return false;
  const char *head = ekm_buf_text(&request->raw);
  take_header(head, "Authorization", text, sizeof text);
  request->has_token = strncasecmp(text, "Bearer ", 7) == 0;
  take_header(head, "Host", request->host, sizeof request->host);
  request->host[strcspn(request->host, ":")] = '\0';
  const char *target = head + strcspn(head, " ") + 1;
  (void)snprintf(request->target, sizeof request->target, "%.*s", (int)strcspn(target, " \r"), target);
  request->step = step_of(request, strncmp(head, "POST ", 5) == 0);
  return true;
}

static const char *copy_text(const char *text, ekm_buf *out) {
  if (text == NULL) return NULL;
  ekm_buf_append_text(out, text);
  return ekm_buf_text(out);
}

/* The lock is held. */
static void take_play(scene *from, hostile_request *request) {
  request->plays = from->plays && (from->play.times == 0 || from->played++ < from->play.times);
  request->play = from->play;
  request->play.headers = copy_text(from->play.headers, &request->play_headers);
  request->play.body = copy_text(from->play.body, &request->play_body);
}

/* Write the request down and choose what is done about it. */
static void note(hostile_server *server, hostile_request *request) {
  const char *raw = ekm_buf_text(&request->raw);
  ekm_mutex_lock(&server->lock);
  server->seen[request->step]++;
  if (server->secret[0] != '\0' && strstr(raw, server->secret) != NULL) {
    ekm_buf_append_fmt(&server->secret_hosts, "%s ", request->host);
  }
  if (request->has_token) ekm_buf_append_fmt(&server->token_hosts, "%s ", request->host);
  if (request->step == HOSTILE_TOKEN) {
    ekm_buf_reset(&server->token_body);
    ekm_buf_append_text(&server->token_body, raw + request->head_len);
  }
  take_play(&server->scenes[request->step], request);
  ekm_cond_wake_all(&server->news);
  ekm_mutex_unlock(&server->lock);
}

static bool serve_one(connection *c, const hostile_wire *wire) {
  hostile_request request = {0};
  ekm_buf_init(&request.raw, REQUEST_MAX_BYTES);
  ekm_buf_init(&request.play_headers, REQUEST_MAX_BYTES);
  ekm_buf_init(&request.play_body, REQUEST_MAX_BYTES);
  bool more = read_request(c, &request);
  if (more) {
    note(c->server, &request);
    more = hostile_answer_send(&c->server->keys, &request, wire);
  }
  ekm_buf_clear(&request.raw);
  ekm_buf_clear(&request.play_headers);
  ekm_buf_clear(&request.play_body);
  return more;
}

static void serve_https(connection *c) {
  const hostile_wire wire = {wire_send, wire_pass, c};
  c->ssl = SSL_new(c->server->tls);
  bool more = c->ssl != NULL && SSL_set_fd(c->ssl, c->fd) == 1 && SSL_accept(c->ssl) == 1;
  while (more) more = serve_one(c, &wire);
  SSL_free(c->ssl);
  c->ssl = NULL;
}

static void serve(void *arg) {
  static const char plain[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
  connection *c = arg;
  if (c->behaviour == HOSTILE_SOCKET_TLS) serve_https(c);
  if (c->behaviour == HOSTILE_SOCKET_SILENT) (void)wire_pass(c, -1);
  if (c->behaviour == HOSTILE_SOCKET_PLAIN) (void)send(c->fd, plain, sizeof plain - 1, MSG_NOSIGNAL);
  ekm_mutex_lock(&c->server->lock);
  (void)shutdown(c->fd, SHUT_RDWR);
  (void)close(c->fd);
  c->fd = -1;
  ekm_mutex_unlock(&c->server->lock);
}

/* --- the server --------------------------------------------------------------------------------------------------- */

/* A slot whose connection has ended, or NULL. The lock is held. */
static connection *free_slot(hostile_server *server) {
  for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
    connection *c = &server->connections[i];
    if (c->fd >= 0) continue;
    ekm_thread_join(&c->thread); /* it has let the lock go for the last time, or is about to return */
    return c;
  }
  return NULL;
}

static void take_connection(hostile_server *server, int fd) {
  ekm_err err = {0};
  ekm_mutex_lock(&server->lock);
  connection *c = server->stopping ? NULL : free_slot(server);
  if (c != NULL) {
    *c = (connection){.server = server, .fd = fd, .behaviour = server->behaviour};
    if (!ekm_thread_start(&c->thread, serve, c, &err)) {
      c->fd = -1;
      c = NULL;
    }
  }
  if (c == NULL) (void)close(fd);
  server->connected++;
  ekm_cond_wake_all(&server->news);
  ekm_mutex_unlock(&server->lock);
}

/* A write to a connection that the client has closed raises SIGPIPE: here only, so that the client's own would show. */
static void accept_all(void *arg) {
  hostile_server *server = arg;
  sigset_t pipe_signal;
  (void)sigemptyset(&pipe_signal);
  (void)sigaddset(&pipe_signal, SIGPIPE);
  (void)pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
  for (;;) {
    int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) return;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    take_connection(server, fd);
  }
}

static void listen_on_free_port(hostile_server *server) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(server->listen_fd >= 0);
  assert_int_equal(bind(server->listen_fd, (struct sockaddr *)&address, len), 0);
  assert_int_equal(listen(server->listen_fd, BACKLOG), 0);
  assert_int_equal(getsockname(server->listen_fd, (struct sockaddr *)&address, &len), 0);
  server->port = ntohs(address.sin_port);
}

static void use_certificate(hostile_server *server, const ekm_buf *cert_pem, const ekm_buf *key_pem) {
  BIO *cert_bio = BIO_new_mem_buf(cert_pem->ptr, (int)cert_pem->len);
  BIO *key_bio = BIO_new_mem_buf(key_pem->ptr, (int)key_pem->len);
  X509 *cert = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL);
  EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
  server->tls = SSL_CTX_new(TLS_server_method());
  assert_non_null(server->tls);
  assert_int_equal(SSL_CTX_use_certificate(server->tls, cert), 1);
  assert_int_equal(SSL_CTX_use_PrivateKey(server->tls, key), 1);
  X509_free(cert);
  EVP_PKEY_free(key);
  BIO_free(cert_bio);
  BIO_free(key_bio);
}

static void make_authority(const hostile_server *server, const char *name, int64_t now, ekm_buf *cert, ekm_buf *key) {
  ekm_err err = {0};
  const ekm_cert_request request = {
      .common_name = name, .not_before_wall_s = now - 10 * DAY_S, .not_after_wall_s = now + DAY_S};
  ekm_buf_init(cert, 16 * 1024);
  ekm_buf_init(key, 16 * 1024);
  assert_true(ekm_cert_make_authority(server->keys.crypto, &request, cert, key, &err));
}

static void make_certificate(hostile_server *server, const hostile_options *options) {
  static const char *const names[] = {HOSTILE_HOST,
                                      "other.vault.localhost",
                                      HOSTILE_AUTHORITY_HOST,
                                      "evil.localhost",
                                      "vault.localhost",
                                      "login.localhost.evil.localhost",
                                      "localhost",
                                      "127.0.0.1"};
  char path[512];
  ekm_err err = {0};
  ekm_buf ca_cert, ca_key, other_cert, other_key, cert, key;
  int64_t now = ekm_clock_wall_s(ekm_clock_system());
  ekm_cert_request request = {.common_name = "hostile server", .not_before_wall_s = now - 9 * DAY_S};
  request.names = options->names == NULL ? names : options->names;
  request.name_count = options->names == NULL ? sizeof names / sizeof names[0] : options->name_count;
  request.not_after_wall_s = options->not_after_wall_s == 0 ? now + DAY_S : options->not_after_wall_s;
  make_authority(server, "hostile authority", now, &ca_cert, &ca_key);
  make_authority(server, options->foreign_authority == NULL ? "other" : options->foreign_authority, now, &other_cert,
                 &other_key);
  ekm_buf_init(&cert, 16 * 1024);
  ekm_buf_init(&key, 16 * 1024);
  assert_true(ekm_cert_make_server(server->keys.crypto, &request, ekm_buf_view(&ca_cert), ekm_buf_view(&ca_key), &cert,
                                   &key, &err));
  use_certificate(server, &cert, &key);
  (void)snprintf(path, sizeof path, "%s/authority.pem", options->folder);
  assert_true(
      ekm_file_write_public(path, ekm_buf_view(options->foreign_authority != NULL ? &other_cert : &ca_cert), &err));
  ekm_buf *all[] = {&ca_cert, &ca_key, &other_cert, &other_key, &cert, &key};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) ekm_buf_clear(all[i]);
}

hostile_server *hostile_server_start(const hostile_options *options) {
  ekm_err err = {0};
  hostile_server *server = ekm_mem_alloc(sizeof *server, &err);
  assert_non_null(server);
  for (size_t i = 0; i < MAX_CONNECTIONS; i++) server->connections[i].fd = -1;
  ekm_mutex_init(&server->lock);
  ekm_cond_init(&server->news);
  for (size_t i = 0; i < HOSTILE_STEPS; i++) {
    ekm_buf_init(&server->scenes[i].headers, REQUEST_MAX_BYTES);
    ekm_buf_init(&server->scenes[i].body, REQUEST_MAX_BYTES);
  }
  ekm_buf_init(&server->secret_hosts, 64 * 1024);
  ekm_buf_init(&server->token_hosts, 1024 * 1024);
  ekm_buf_init(&server->token_body, 64 * 1024);
  if (options->secret != NULL) (void)snprintf(server->secret, sizeof server->secret, "%s", options->secret);
  hostile_keys_make(&server->keys);
  make_certificate(server, options);
  listen_on_free_port(server);
  assert_true(ekm_thread_start(&server->thread, accept_all, server, &err));
  return server;
}

/* The lock is held. */
static void end_connections(hostile_server *server) {
  for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
    if (server->connections[i].fd >= 0) (void)shutdown(server->connections[i].fd, SHUT_RDWR);
  }
}

void hostile_server_stop(hostile_server **server_at) {
  hostile_server *server = *server_at;
  if (server == NULL) return;
  ekm_mutex_lock(&server->lock);
  server->stopping = true;
  end_connections(server);
  ekm_mutex_unlock(&server->lock);
  (void)shutdown(server->listen_fd, SHUT_RDWR);
  ekm_thread_join(&server->thread);
  for (size_t i = 0; i < MAX_CONNECTIONS; i++) ekm_thread_join(&server->connections[i].thread);
  (void)close(server->listen_fd);
  SSL_CTX_free(server->tls);
  hostile_keys_clear(&server->keys);
  for (size_t i = 0; i < HOSTILE_STEPS; i++) {
    ekm_buf_clear(&server->scenes[i].headers);
    ekm_buf_clear(&server->scenes[i].body);
  }
  ekm_buf_clear(&server->secret_hosts);
  ekm_buf_clear(&server->token_hosts);
  ekm_buf_clear(&server->token_body);
  ekm_mem_free(server);
  *server_at = NULL;
}

uint16_t hostile_server_port(const hostile_server *server) {
  return server->port;
}

/* --- what a test says and asks ------------------------------------------------------------------------------------ */

/* The lock is held. */
static void set_scene(scene *to, const hostile_play *play) {
  ekm_buf_reset(&to->headers);
  ekm_buf_reset(&to->body);
  to->played = 0;
  to->plays = play != NULL;
  to->play = play == NULL ? (hostile_play){0} : *play;
  to->play.headers = copy_text(to->play.headers, &to->headers);
  to->play.body = copy_text(to->play.body, &to->body);
}

void hostile_server_play(hostile_server *server, hostile_step step, const hostile_play *play) {
  ekm_mutex_lock(&server->lock);
  set_scene(&server->scenes[step], play);
  ekm_mutex_unlock(&server->lock);
}

void hostile_server_socket(hostile_server *server, hostile_socket behaviour) {
  ekm_mutex_lock(&server->lock);
  server->behaviour = behaviour;
  ekm_mutex_unlock(&server->lock);
}

void hostile_server_forget(hostile_server *server) {
  ekm_mutex_lock(&server->lock);
  for (size_t i = 0; i < HOSTILE_STEPS; i++) set_scene(&server->scenes[i], NULL);
  memset(server->seen, 0, sizeof server->seen);
  server->behaviour = HOSTILE_SOCKET_TLS;
  server->connected = 0;
  ekm_buf_reset(&server->secret_hosts);
  ekm_buf_reset(&server->token_hosts);
  ekm_buf_reset(&server->token_body);
  ekm_mutex_unlock(&server->lock);
}

void hostile_server_hang_up(hostile_server *server) {
  ekm_mutex_lock(&server->lock);
  end_connections(server);
  server->connected = 0;
  ekm_mutex_unlock(&server->lock);
}

int hostile_server_seen(hostile_server *server, hostile_step step) {
  ekm_mutex_lock(&server->lock);
  int count = server->seen[step];
  ekm_mutex_unlock(&server->lock);
  return count;
}

int hostile_server_requests(hostile_server *server) {
  int count = 0;
  for (int step = 0; step < HOSTILE_STEPS; step++) count += hostile_server_seen(server, (hostile_step)step);
  return count;
}

static void wait_for(hostile_server *server, const int *counter, int count) {
  ekm_deadline deadline = ekm_deadline_in(ekm_clock_system(), WAIT_MS);
  ekm_mutex_lock(&server->lock);
  while (*counter < count && ekm_deadline_left_ms(deadline, ekm_clock_system()) > 0) {
    ekm_cond_wait(&server->news, &server->lock, ekm_deadline_left_ms(deadline, ekm_clock_system()));
  }
  int got = *counter;
  ekm_mutex_unlock(&server->lock);
  assert_true(got >= count);
}

void hostile_server_wait(hostile_server *server, hostile_step step, int count) {
  wait_for(server, &server->seen[step], count);
}

void hostile_server_wait_connections(hostile_server *server, int count) {
  wait_for(server, &server->connected, count);
}

static const char *text_of(hostile_server *server, const ekm_buf *buf) {
  ekm_mutex_lock(&server->lock);
  const char *text = ekm_buf_text(buf);
  ekm_mutex_unlock(&server->lock);
  return text;
}

const char *hostile_server_secret_hosts(hostile_server *server) {
  return text_of(server, &server->secret_hosts);
}

const char *hostile_server_token_hosts(hostile_server *server) {
  return text_of(server, &server->token_hosts);
}

const char *hostile_server_last_token_body(hostile_server *server) {
  return text_of(server, &server->token_body);
}
