/* libcurl as we use it, against a TLS server on the loopback: what is verified, what is not followed, what ends when.
 */
#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/thread.h"
#include "http/http.h"
#include "raw_server.h"
#include "support/cmocka_all.h"
#include "support/memory_gate.h"
#include "support/tls_server.h"

#define NAME "vault.example"
#define CA_FILE "test_http_curl_ca.pem"
#define OTHER_CA_FILE "test_http_curl_other_ca.pem"

enum { CALL_MS = 20000, SHORT_MS = 300, DAY_S = 86400 };

static ekm_crypto *crypto;
static tls_server *server;
static ekm_http *http;
static char ca_path[4096];
static char other_ca_path[4096];

static tls_server *start_server(const char *name, int64_t lifetime_s, uint16_t port) {
  ekm_err err = {0};
  tls_server *s = NULL;
  tls_server_options options = {name, ekm_clock_wall_s(ekm_clock_system()) + lifetime_s, port};
  if (!tls_server_start(crypto, &options, &s, &err)) fail_msg("%s", err.detail);
  return s;
}

static void write_ca(const tls_server *s, const char *file, char path[4096]) {
  ekm_err err = {0};
  char folder[4000];
  assert_non_null(getcwd(folder, sizeof folder));
  (void)snprintf(path, 4096, "%s/%s", folder, file);
  if (!ekm_file_write_public(path, tls_server_ca_pem(s), &err)) fail_msg("%s", err.detail);
}

static int setup(void **state) {
  ekm_err err = {0};
  (void)state;
  (void)setenv("https_proxy", "http://127.0.0.1:1", 1); /* nobody is there: whoever listens to it fails */
  (void)setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
  (void)setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  if (!ekm_crypto_new(&crypto, &err)) return 1;
  server = start_server(NAME, DAY_S, 0);
  write_ca(server, CA_FILE, ca_path);
  tls_server *other = start_server(NAME, DAY_S, 0);
  write_ca(other, OTHER_CA_FILE, other_ca_path);
  tls_server_stop(&other);
  return ekm_http_curl_new(ekm_clock_system(), "openekm-test", EKM_HTTP_MAX_AGE_S, &http, &err) ? 0 : 1;
}

static int teardown(void **state) {
  (void)state;
  ekm_http_free(&http);
  tls_server_stop(&server);
  ekm_crypto_free(&crypto);
  (void)remove(ca_path);
  (void)remove(other_ca_path);
  return 0;
}

static ekm_http_route route_to(uint16_t port) {
  return (ekm_http_route){.address = "127.0.0.1", .port = port, .ca_file = ca_path};
}

/* Perform; the error's id. */
static ekm_err_id perform(const ekm_http_request *request, ekm_http_response *response, ekm_err *err) {
  ekm_err_clear(err);
  bool ok = ekm_http_perform(http, request, response, err);
  if (!ok) {
    assert_int_equal(response->status, 0);
    assert_int_equal(response->body.len, 0);
    assert_true(err->detail[0] != '\0');
  }
  return ok ? EKM_E_OK : err->id;
}

static ekm_err_id get(const char *url, const ekm_http_route *route, int64_t ms) {
  ekm_http_response response;
  ekm_err err = {0};
  ekm_http_request request = {
      .method = "GET", .url = url, .route = route, .deadline = ekm_deadline_in(ekm_clock_system(), ms)};
  ekm_http_response_init(&response);
  ekm_err_id id = perform(&request, &response, &err);
  ekm_http_response_clear(&response);
  return id;
}

/* --- what is sent ------------------------------------------------------------------------------------------------- */

static void expect_echo(ekm_http_request *request, const char *expected) {
  ekm_http_response response;
  ekm_err err = {0};
  ekm_http_route route = route_to(tls_server_port(server));
  request->url = "https://" NAME "/echo";
  request->route = &route;
  request->deadline = ekm_deadline_in(ekm_clock_system(), CALL_MS);
  ekm_http_response_init(&response);
  if (perform(request, &response, &err) != EKM_E_OK) fail_msg("%s", err.detail);
  assert_int_equal(response.status, 200);
  assert_string_equal(ekm_buf_text(&response.body), expected);
  assert_string_equal(ekm_buf_text(&response.content_type), "application/json");
  assert_string_equal(ekm_buf_text(&response.request_id), "the-request-id");
  assert_true(response.date.len > 0);
  ekm_http_response_clear(&response);
}

#define COMMON_TAIL "Accept: application/json\nUser-Agent: openekm-test\n"
#define HOST_LINE "Host: " NAME "\n"

/* All methods on one connection, in an order that would show what a call leaves behind for the next. */
static void each_request_is_what_it_says(void **state) {
  ekm_secret bearer = {0};
  ekm_err err = {0};
  (void)state;
  int before = tls_server_connections(server);
  assert_true(ekm_secret_set(&bearer, ekm_view_text("the.token"), &err));
  for (int round = 0; round < 2; round++) {
    expect_echo(&(ekm_http_request){.method = "GET"}, "GET\n" COMMON_TAIL HOST_LINE "\n");
    expect_echo(&(ekm_http_request){.method = "POST",
                                    .bearer = &bearer,
                                    .content_type = "application/json",
                                    .body = ekm_view_text("{\"a\":1}"),
                                    .client_request_id = "guid"},
                "POST\nAuthorization: Bearer the.token\nContent-Type: application/json\nContent-Length: 7\n" COMMON_TAIL
                "x-ms-client-request-id: guid\n" HOST_LINE "\n{\"a\":1}");
    expect_echo(&(ekm_http_request){.method = "GET"}, "GET\n" COMMON_TAIL HOST_LINE "\n");
    expect_echo(&(ekm_http_request){.method = "POST"}, "POST\nContent-Length: 0\n" COMMON_TAIL HOST_LINE "\n");
    expect_echo(&(ekm_http_request){.method = "DELETE"}, "DELETE\n" COMMON_TAIL HOST_LINE "\n");
    expect_echo(&(ekm_http_request){.method = "PATCH", .content_type = "text/plain", .body = ekm_view_text("p")},
                "PATCH\nContent-Type: text/plain\nContent-Length: 1\n" COMMON_TAIL HOST_LINE "\np");
    expect_echo(&(ekm_http_request){.method = "DELETE"}, "DELETE\n" COMMON_TAIL HOST_LINE "\n");
    expect_echo(&(ekm_http_request){.method = "PUT", .body = ekm_view_text("q")},
                "PUT\nContent-Length: 1\n" COMMON_TAIL HOST_LINE "\nq");
    expect_echo(&(ekm_http_request){.method = "GET", .client_request_id = ""}, "GET\n" COMMON_TAIL HOST_LINE "\n");
  }
  assert_int_equal(tls_server_connections(server), before + 1);
  ekm_secret_clear(&bearer);
}

static void send_once_makes_a_connection_of_its_own(void **state) {
  (void)state;
  expect_echo(&(ekm_http_request){.method = "GET"}, "GET\n" COMMON_TAIL HOST_LINE "\n");
  int before = tls_server_connections(server);
  expect_echo(&(ekm_http_request){.method = "GET", .send_once = true}, "GET\n" COMMON_TAIL HOST_LINE "\n");
  assert_int_equal(tls_server_connections(server), before + 1);
  expect_echo(&(ekm_http_request){.method = "GET"}, "GET\n" COMMON_TAIL HOST_LINE "\n");
  assert_int_equal(tls_server_connections(server), before + 1);
}

/* --- who is trusted ----------------------------------------------------------------------------------------------- */

static void strangers_are_not_trusted(void **state) {
  ekm_http_route route = route_to(tls_server_port(server));
  (void)state;
  route.ca_file = other_ca_path;
  assert_int_equal(get("https://" NAME "/echo", &route, CALL_MS), EKM_E_TLS_UNTRUSTED);
  route.ca_file = NULL; /* the system's authorities */
  assert_int_equal(get("https://" NAME "/echo", &route, CALL_MS), EKM_E_TLS_UNTRUSTED);
}

/* Not the server's fault, so not said like it: an administrator is to look at the file. */
static void a_file_of_authorities_must_be_one(void **state) {
  char no_pem[sizeof ca_path + sizeof ".no-pem"];
  ekm_err err = {0};
  (void)state;
  (void)snprintf(no_pem, sizeof no_pem, "%s.no-pem", ca_path);
  if (!ekm_file_write_public(no_pem, ekm_view_text("no PEM\n"), &err)) fail_msg("%s", err.detail);
  const char *const files[] = {"/no/such/file.pem", "/", no_pem};
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    ekm_http_route route = route_to(tls_server_port(server));
    ekm_http_request request = {.method = "GET",
                                .url = "https://" NAME "/echo",
                                .route = &route,
                                .deadline = ekm_deadline_in(ekm_clock_system(), CALL_MS)};
    ekm_http_response response;
    route.ca_file = files[i];
    ekm_http_response_init(&response);
    assert_int_equal(perform(&request, &response, &err), EKM_E_CA_FILE);
    if (strstr(err.detail, files[i]) == NULL) fail_msg("'%s' is not named: %s", files[i], err.detail);
    ekm_http_response_clear(&response);
  }
  (void)remove(no_pem);
}

static void a_name_must_match(void **state) {
  ekm_http_route route = route_to(tls_server_port(server));
  (void)state;
  assert_int_equal(get("https://other.example/echo", &route, CALL_MS), EKM_E_TLS_HANDSHAKE);
  assert_int_equal(get("https://sub." NAME "/echo", &route, CALL_MS), EKM_E_TLS_HANDSHAKE);
}

static void a_certificate_must_be_in_time(void **state) {
  tls_server *old = start_server(NAME, -DAY_S, 0);
  char path[4096];
  ekm_http_route route = route_to(tls_server_port(old));
  (void)state;
  write_ca(old, "test_http_curl_old_ca.pem", path);
  route.ca_file = path;
  assert_int_equal(get("https://" NAME "/echo", &route, CALL_MS), EKM_E_TLS_HANDSHAKE);
  (void)remove(path);
  tls_server_stop(&old);
}

/* Its authority is not trusted here, nor is the name its own. */
static void a_pinned_certificate_is_the_only_one(void **state) {
  char sha1[41];
  tls_server *other = start_server("else.where", -DAY_S, 0);
  ekm_err err = {0};
  (void)state;
  assert_true(tls_server_sha1(other, crypto, sha1, &err));
  ekm_http_route route = {.address = "127.0.0.1", .port = tls_server_port(other), .certificate_sha1 = sha1};
  assert_int_equal(get("https://" NAME "/echo", &route, CALL_MS), EKM_E_OK);
  for (char *at = sha1; *at != '\0'; at++) *at = (char)toupper((unsigned char)*at);
  assert_int_equal(get("https://" NAME "/echo", &route, CALL_MS), EKM_E_OK);
  sha1[0] = sha1[0] == '0' ? '1' : '0';
  assert_int_equal(get("https://" NAME "/echo", &route, CALL_MS), EKM_E_TLS_UNTRUSTED);
  ekm_http_route trusted = route_to(tls_server_port(server)); /* a pin counts, not the authority */
  trusted.certificate_sha1 = sha1;
  assert_int_equal(get("https://" NAME "/echo", &trusted, CALL_MS), EKM_E_TLS_UNTRUSTED);
  tls_server_stop(&other);
}

static void only_https(void **state) {
  ekm_http_route route = route_to(tls_server_port(server));
  (void)state;
  assert_int_equal(get("http://" NAME "/echo", &route, CALL_MS), EKM_E_INTERNAL);
  assert_int_equal(get("file:///etc/passwd", &route, CALL_MS), EKM_E_INTERNAL);
}

static void redirects_are_not_followed(void **state) {
  ekm_http_response response;
  ekm_err err = {0};
  ekm_http_route route = route_to(tls_server_port(server));
  ekm_http_request request = {.method = "GET",
                              .url = "https://" NAME "/redirect",
                              .route = &route,
                              .deadline = ekm_deadline_in(ekm_clock_system(), CALL_MS)};
  (void)state;
  ekm_http_response_init(&response);
  assert_int_equal(perform(&request, &response, &err), EKM_E_OK);
  assert_int_equal(response.status, 301);
  assert_string_equal(ekm_buf_text(&response.body), "{}");
  ekm_http_response_clear(&response);
}

/* --- what goes wrong ---------------------------------------------------------------------------------------------- */

static void broken_answers_have_their_errors(void **state) {
  static const struct {
    const char *path;
    ekm_err_id expected;
  } rows[] = {
      {"/truncated", EKM_E_HTTP_RECEIVE},      {"/big/1048576", EKM_E_OK},
      {"/big/1048577", EKM_E_ANSWER_TOO_BIG},  {"/header/8192", EKM_E_OK},
      {"/header/8193", EKM_E_ANSWER_TOO_BIG},  {"/headers/500", EKM_E_OK},
      {"/headers/1000", EKM_E_ANSWER_TOO_BIG}, {"/status/500", EKM_E_OK},
  };
  ekm_http_route route = route_to(tls_server_port(server));
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char url[200];
    (void)snprintf(url, sizeof url, "https://" NAME "%s", rows[i].path);
    ekm_err_id id = get(url, &route, CALL_MS);
    if (id != rows[i].expected) fail_msg("%s: %s", rows[i].path, ekm_err_info_of(id)->name);
    assert_int_equal(get("https://" NAME "/echo", &route, CALL_MS), EKM_E_OK);
  }
}

static void nobody_there(void **state) {
  raw_server gone;
  ekm_http_route route = {.address = "127.0.0.1", .ca_file = ca_path};
  (void)state;
  raw_server_start(&gone, NULL);
  route.port = gone.port;
  raw_server_stop(&gone); /* nothing listens there any more */
  assert_int_equal(get("https://" NAME "/echo", &route, CALL_MS), EKM_E_CONNECT);
}

static void a_name_that_does_not_exist(void **state) {
  (void)state;
  ekm_err_id id = get("https://no-such-vault.invalid/", NULL, CALL_MS);
  assert_true(id == EKM_E_DNS);
}

static void no_tls_there(void **state) {
  raw_server plain;
  ekm_http_route route = {.address = "127.0.0.1", .ca_file = ca_path};
  (void)state;
  raw_server_start(&plain, "HTTP/1.1 400 Bad Request\r\n\r\n");
  route.port = plain.port;
  assert_int_equal(get("https://" NAME "/echo", &route, CALL_MS), EKM_E_TLS_HANDSHAKE);
  raw_server_stop(&plain);
}

static void the_proxy_is_the_configured_one(void **state) {
  raw_server proxy, gone;
  ekm_http_route route = route_to(tls_server_port(server));
  char text[100];
  (void)state;
  raw_server_start(&proxy, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
  (void)snprintf(text, sizeof text, "http://127.0.0.1:%u", (unsigned)proxy.port);
  const ekm_http_proxy at = {.url = text};
  route.proxy = &at;
  assert_int_equal(get("https://" NAME "/echo", &route, CALL_MS), EKM_E_PROXY_AUTH);
  raw_server_stop(&proxy);

  raw_server_start(&gone, NULL);
  (void)snprintf(text, sizeof text, "http://127.0.0.1:%u", (unsigned)gone.port);
  raw_server_stop(&gone);
  assert_int_equal(get("https://" NAME "/echo", &route, CALL_MS), EKM_E_PROXY);
  route.proxy = NULL;
  assert_int_equal(get("https://" NAME "/echo", &route, CALL_MS), EKM_E_OK);
}

/* --- what ends when ----------------------------------------------------------------------------------------------- */

static void silence_ends_at_the_deadline(void **state) {
  raw_server silent;
  ekm_http_route route = {.address = "127.0.0.1", .ca_file = ca_path};
  (void)state;
  raw_server_start(&silent, NULL);
  route.port = silent.port;
  int64_t start_ms = ekm_clock_mono_ms(ekm_clock_system());
  assert_int_equal(get("https://" NAME "/echo", &route, SHORT_MS), EKM_E_DEADLINE);
  assert_true(ekm_clock_mono_ms(ekm_clock_system()) - start_ms < CALL_MS / 2);
  raw_server_stop(&silent);

  route = route_to(tls_server_port(server));
  assert_int_equal(get("https://" NAME "/echo", &route, 0), EKM_E_DEADLINE);
}

static bool is_cancelled(void *arg) {
  return atomic_load((atomic_bool *)arg);
}

typedef struct waiting_call {
  tls_server *server;
  atomic_bool cancelled;
  ekm_err_id id;
} waiting_call;

static void run_waiting(void *arg) {
  waiting_call *call = arg;
  ekm_http_response response;
  ekm_err err = {0};
  ekm_http_route route = route_to(tls_server_port(call->server));
  ekm_http_request request = {.method = "GET",
                              .url = "https://" NAME "/wait",
                              .route = &route,
                              .deadline = ekm_deadline_in(ekm_clock_system(), CALL_MS),
                              .is_cancelled = is_cancelled,
                              .cancel_arg = &call->cancelled};
  ekm_http_response_init(&response);
  call->id = ekm_http_perform(http, &request, &response, &err) ? EKM_E_OK : err.id;
  ekm_http_response_clear(&response);
}

static void a_call_is_cancelled_from_outside(void **state) {
  waiting_call call = {.server = server};
  ekm_thread *thread = NULL;
  ekm_err err = {0};
  (void)state;
  assert_true(ekm_thread_start(&thread, run_waiting, &call, &err));
  while (tls_server_waiting(server) == 0) ekm_thread_yield();
  atomic_store(&call.cancelled, true);
  ekm_thread_join(&thread);
  assert_int_equal(call.id, EKM_E_CANCELLED);
}

/* --- connections -------------------------------------------------------------------------------------------------- */

typedef struct many_calls {
  ekm_thread *thread;
  uint16_t port;
  int failed;
} many_calls;

static void run_many(void *arg) {
  many_calls *calls = arg;
  ekm_http_route route = route_to(calls->port);
  for (int i = 0; i < 20; i++) {
    if (get("https://" NAME "/echo", &route, CALL_MS) != EKM_E_OK) calls->failed++;
  }
}

static void threads_have_connections_of_their_own(void **state) {
  enum { THREADS = 8 };
  many_calls calls[THREADS] = {0};
  ekm_err err = {0};
  tls_server *fresh = start_server(NAME, DAY_S, 0);
  char path[4096];
  (void)state;
  write_ca(fresh, CA_FILE, path);
  for (int i = 0; i < THREADS; i++) {
    calls[i].port = tls_server_port(fresh);
    assert_true(ekm_thread_start(&calls[i].thread, run_many, &calls[i], &err));
  }
  for (int i = 0; i < THREADS; i++) {
    ekm_thread_join(&calls[i].thread);
    assert_int_equal(calls[i].failed, 0);
  }
  assert_true(tls_server_connections(fresh) <= THREADS);
  tls_server_stop(&fresh);
  write_ca(server, CA_FILE, path);
}

/* The server goes and another comes in its place, with another authority: the kept connection is found dead, the
 * request is made anew, and the replaced ca_file counts. TLS says goodbye on the dead connection, to nobody:
 * nothing here handles or blocks SIGPIPE, so it would end this process, as it would end a database engine. */
static void a_dead_connection_is_replaced(void **state) {
  tls_server *first = start_server(NAME, DAY_S, 0);
  uint16_t port = tls_server_port(first);
  char path[4096];
  ekm_http_route route = route_to(port);
  (void)state;
  write_ca(first, "test_http_curl_first_ca.pem", path);
  route.ca_file = path;
  assert_int_equal(get("https://" NAME "/echo", &route, CALL_MS), EKM_E_OK);
  tls_server_stop(&first);
  tls_server *second = start_server(NAME, DAY_S, port);
  write_ca(second, "test_http_curl_first_ca.pem", path);
  assert_int_equal(get("https://" NAME "/echo", &route, CALL_MS), EKM_E_OK);
  tls_server_stop(&second);
  (void)remove(path);
}

/* Without memory for a header or the body the answer is not "too big". */
static void survives_without_memory(void **state) {
  static const char answer[] =
      "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json; charset=utf-8; "
      "and=more-than-a-first-block-of-a-buffer\r\n"
      "WWW-Authenticate: Bearer authorization=\"https://login.example/t\", resource=\"https://vault.example\"\r\n"
      "x-ms-request-id: 01234567-89ab-cdef-0123-456789abcdef\r\nDate: Wed, 25 Nov 2026 20:00:00 GMT\r\nRetry-After: "
      "2\r\n"
      "Content-Length: 300\r\n\r\n"
      "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012"
      "34567890"
      "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012"
      "34567890"
      "123456789012345678901234567890123456789012345678901234567890";
  raw_server raw;
  char url[64];
  memory_gate gate = {0};
  (void)state;
  raw_server_start(&raw, answer);
  (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/token", (unsigned)raw.port);
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_err err = {0};
    ekm_http *own = NULL;
    ekm_http_response response;
    const ekm_http_route route = {.local_http = true};
    const ekm_http_request request = {.method = "GET",
                                      .url = url,
                                      .route = &route,
                                      .fields = {"Metadata: true"},
                                      .client_request_id = "ours",
                                      .deadline = ekm_deadline_in(ekm_clock_system(), CALL_MS)};
    ekm_http_response_init(&response);
    bool made = ekm_http_curl_new(ekm_clock_system(), "openekm-test", EKM_HTTP_MAX_AGE_S, &own, &err);
    bool ok = made && ekm_http_perform(own, &request, &response, &err);
    memory_gate_rest(&gate);
    if (ok) assert_int_equal(response.status, 401);
    if (ok) assert_int_equal(response.body.len, 300);
    if (!ok) assert_int_equal(response.body.len + response.date.len + response.www_authenticate.len, 0);
    if (!ok) assert_int_equal(err.id, EKM_E_OUT_OF_MEMORY);
    gate.done = !gate.failed; /* a URL that cannot be remembered is only set again */
    ekm_err_clear(&err);
    if (made) assert_true(ekm_http_perform(own, &request, &response, &err)); /* with the same handle */
    ekm_http_response_clear(&response);
    ekm_http_free(&own);
  }
  raw_server_stop(&raw);
}

/* Whatever an environment says, nothing but this machine and its metadata service is spoken to in the clear. */
static void http_stays_on_this_machine(void **state) {
  static const char *const urls[] = {"http://10.0.0.1/",
                                     "http://evil.invalid/",
                                     "http://127.0.0.1.evil.invalid/",
                                     "http://localhost.evil.invalid/",
                                     "http://169.254.169.254.evil.invalid/",
                                     "http://evil.invalid#127.0.0.1/",
                                     "http://evil.invalid?@127.0.0.1/",
                                     "http://127.0.0.1:80@evil.invalid/", /* a user and a password */
                                     "http://localhost:@evil.invalid:80/",
                                     "http://169.254.169.254:80@evil.invalid/token"};
  const ekm_http_route route = {.local_http = true};
  (void)state;
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    ekm_err err = {0};
    ekm_http *own = NULL;
    ekm_http_response response;
    const ekm_http_request request = {.method = "GET",
                                      .url = urls[i],
                                      .route = &route,
                                      .fields = {"X-IDENTITY-HEADER: secret"},
                                      .deadline = ekm_deadline_in(ekm_clock_system(), CALL_MS)};
    ekm_http_response_init(&response);
    assert_true(ekm_http_curl_new(ekm_clock_system(), "openekm-test", EKM_HTTP_MAX_AGE_S, &own, &err));
    assert_false(ekm_http_perform(own, &request, &response, &err));
    if (err.id != EKM_E_LIMIT) fail_msg("%s: %s", urls[i], err.detail);
    ekm_http_response_clear(&response);
    ekm_http_free(&own);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(http_stays_on_this_machine),
      cmocka_unit_test(survives_without_memory),
      cmocka_unit_test(each_request_is_what_it_says),
      cmocka_unit_test(send_once_makes_a_connection_of_its_own),
      cmocka_unit_test(strangers_are_not_trusted),
      cmocka_unit_test(a_file_of_authorities_must_be_one),
      cmocka_unit_test(a_name_must_match),
      cmocka_unit_test(a_certificate_must_be_in_time),
      cmocka_unit_test(a_pinned_certificate_is_the_only_one),
      cmocka_unit_test(only_https),
      cmocka_unit_test(redirects_are_not_followed),
      cmocka_unit_test(broken_answers_have_their_errors),
      cmocka_unit_test(nobody_there),
      cmocka_unit_test(a_name_that_does_not_exist),
      cmocka_unit_test(no_tls_there),
      cmocka_unit_test(the_proxy_is_the_configured_one),
      cmocka_unit_test(silence_ends_at_the_deadline),
      cmocka_unit_test(a_call_is_cancelled_from_outside),
      cmocka_unit_test(threads_have_connections_of_their_own),
      cmocka_unit_test(a_dead_connection_is_replaced),
  };
  return cmocka_run_group_tests_name("http_curl", tests, setup, teardown);
}
