/* Hostile and clumsy HTTP against akvd: limits, deadlines, garbage, threads, a full disk, and the orderly end. */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/thread.h"
#include "support/cmocka_all.h"
#include "support/vault_fixture.h"

enum { PATIENCE_MS = 20000, REQUEST_MS = 2000, IDLE_MS = 120000 };

/* ---- bytes over TLS, without an HTTP client ---------------------------------------------------------------------- */

static CURL *raw_open(vault_fixture *f, long tls_version) {
  struct curl_blob ca = {f->ca_pem.ptr, f->ca_pem.len, CURL_BLOB_COPY};
  CURL *curl = curl_easy_init();
  assert_non_null(curl);
  curl_easy_setopt(curl, CURLOPT_URL, "https://" FIXTURE_HOST "/");
  curl_easy_setopt(curl, CURLOPT_CONNECT_TO, f->client.route);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &ca);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, tls_version);
  curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
  assert_int_equal(curl_easy_perform(curl), CURLE_OK);
  return curl;
}

static int raw_socket(CURL *curl) {
  curl_socket_t socket = CURL_SOCKET_BAD;
  curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &socket);
  return socket;
}

static bool wait_for(CURL *curl, short events) {
  struct pollfd fd = {.fd = raw_socket(curl), .events = events};
  return poll(&fd, 1, PATIENCE_MS) == 1;
}

/* Send all of it, or as much as the server lets us. */
static void raw_send(CURL *curl, const char *bytes, size_t len) {
  while (len > 0) {
    size_t sent = 0;
    CURLcode code = curl_easy_send(curl, bytes, len, &sent);
    if (code == CURLE_AGAIN && wait_for(curl, POLLOUT)) continue;
    if (code != CURLE_OK) return;
    bytes += sent;
    len -= sent;
  }
}

static void raw_send_text(CURL *curl, const char *text) {
  raw_send(curl, text, strlen(text));
}

/* Read to the end of the stream, or until ${until} came. False if neither happens in time. */
static bool raw_receive(CURL *curl, const char *until, ekm_buf *out) {
  char part[4096];
  for (;;) {
    size_t len = 0;
    CURLcode code = curl_easy_recv(curl, part, sizeof part, &len);
    if (code == CURLE_AGAIN) {
      if (!wait_for(curl, POLLIN)) return false;
      continue;
    }
    if (code != CURLE_OK || len == 0) return true;
    ekm_buf_append(out, part, len);
    if (until != NULL && strstr(ekm_buf_text(out), until) != NULL) return true;
  }
}

/* Send ${text} and give back the status of the answer, 0 if the connection just ended. */
static int raw_status(vault_fixture *f, const char *text, size_t len) {
  int status = 0;
  ekm_buf answer;
  ekm_buf_init(&answer, 1 << 20);
  CURL *curl = raw_open(f, CURL_SSLVERSION_DEFAULT);
  raw_send(curl, text, len);
  assert_true(raw_receive(curl, "\r\n\r\n", &answer));
  if (answer.len > 0) assert_int_equal(sscanf(ekm_buf_text(&answer), "HTTP/1.%*d %d", &status), 1);
  curl_easy_cleanup(curl);
  ekm_buf_clear(&answer);
  return status;
}

static void garbage_ends_in_an_error(void **state) {
  static const struct {
    const char *text;
    int status;
  } cases[] = {
      {"GET /keys HTTP/1.1\r\n\r\n", 400}, /* no Host */
      {"GET /keys HTTP/1.1\r\nHost: elsewhere\r\n\r\n", 404},
      {"GET /keys HTTP/1.1\r\nHost: vault.localhost\r\n\r\n", 404},
      {"GET /keys HTTP/1.1\r\nHost: x.local.vault.localhost\r\n\r\n", 404},
      {"GET /keys HTTP/1.1\r\nHost: :\r\n\r\n", 404},
      {"GET /keys HTTP/1.1\r\nHost: [\r\n\r\n", 404},
      {"GET /keys HTTP/1.1\r\nHost: LOCAL.vault.localhost:1\r\n\r\n", 401},
      {"BREW /keys HTTP/1.1\r\nHost: " FIXTURE_HOST "\r\n\r\n", 401},
      {"GET /keys HTTP/1.1\r\nHost: " FIXTURE_HOST "\r\nAuthorization: Basic x\r\n\r\n", 401},
      {"GET /keys HTTP/1.1\r\nHost: " FIXTURE_HOST "\r\nAuthorization: Bearer\r\n\r\n", 401},
      {"POST /keys HTTP/1.1\r\nHost: " FIXTURE_HOST "\r\nExpect: 100-continue\r\nContent-Length: 65537\r\n\r\n", 413},
      {"POST /keys HTTP/1.1\r\nHost: " FIXTURE_HOST "\r\nContent-Length: 1048577\r\n\r\n", 413},
      {"POST /keys HTTP/1.1\r\nHost: " FIXTURE_HOST "\r\nContent-Length: 99999999999999999999\r\n\r\n", 413},
  };
  static const char *const nonsense[] = {"\r\n\r\n\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n",
                                         "x x x x x x\r\n\r\n"};
  vault_fixture *f = *state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int status = raw_status(f, cases[i].text, strlen(cases[i].text));
    if (status != cases[i].status) print_error("case %zu\n", i);
    assert_int_equal(status, cases[i].status);
  }
  for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
    CURL *curl = raw_open(f, CURL_SSLVERSION_DEFAULT);
    raw_send_text(curl, nonsense[i]); /* whatever comes of it, the server lives on */
    curl_easy_cleanup(curl);
  }
  const char fine[] = "GET /keys HTTP/1.1\r\nHost: " FIXTURE_HOST "\r\n\r\n";
  assert_int_equal(raw_status(f, fine, sizeof fine - 1), 401);
}

static void headers_have_a_limit(void **state) {
  vault_fixture *f = *state;
  ekm_buf text;
  ekm_buf_init(&text, 1 << 20);
  ekm_buf_append_text(&text, "GET /keys HTTP/1.1\r\nHost: " FIXTURE_HOST "\r\nAuthorization: Bearer ");
  memset(ekm_buf_extend(&text, 100000), 'A', 100000);
  ekm_buf_append_text(&text, "\r\n\r\n");
  int status = raw_status(f, ekm_buf_text(&text), text.len);
  assert_true(status == 431 || status == 0);
  ekm_buf_reset(&text);
  ekm_buf_append_text(&text, "GET /");
  memset(ekm_buf_extend(&text, 2000), 'A', 2000);
  ekm_buf_append_text(&text, " HTTP/1.1\r\nHost: login.localhost\r\n\r\n");
  assert_int_equal(raw_status(f, ekm_buf_text(&text), text.len), 414);
  ekm_buf_clear(&text);
}

static void bodies_have_a_limit(void **state) {
  vault_fixture *f = *state;
  static char body[EKM_LIMIT_HTTP_REQUEST_BYTES + 2];
  https_answer answer;
  memset(body, ' ', sizeof body);
  body[EKM_LIMIT_HTTP_REQUEST_BYTES + 1] = '\0';
  vault_fixture_call(f, FIXTURE_FULL, "PATCH", "/keys/k", body, &answer);
  vault_fixture_expect(&answer, 413, "RequestEntityTooLarge", NULL);
  https_answer_clear(&answer);
  memcpy(body, "{}", 2);
  body[EKM_LIMIT_HTTP_REQUEST_BYTES] = '\0';
  vault_fixture_call(f, FIXTURE_FULL, "PATCH", "/keys/absent", body, &answer);
  vault_fixture_expect(&answer, 404, "KeyNotFound", NULL);
  https_answer_clear(&answer);
}

/* A length that nobody announced: chunks. */
static void send_chunks(CURL *curl, const vault_fixture *f, size_t count) {
  char chunk[1 + 6 + 1024 + 2];
  int len = snprintf(chunk, sizeof chunk, "400\r\n%1024s\r\n", "");
  ekm_buf head;
  ekm_buf_init(&head, 8192);
  ekm_buf_append_fmt(&head,
                     "PATCH /keys/k?api-version=7.5 HTTP/1.1\r\nHost: " FIXTURE_HOST
                     "\r\nTransfer-Encoding: chunked\r\nAuthorization: Bearer %s\r\n\r\n",
                     f->apps[FIXTURE_FULL].token);
  raw_send(curl, ekm_buf_text(&head), head.len);
  for (size_t i = 0; i < count; i++) raw_send(curl, chunk, (size_t)len);
  raw_send_text(curl, "0\r\n\r\n");
  ekm_buf_clear(&head);
}

static void chunked_bodies_have_the_same_limit(void **state) {
  vault_fixture *f = *state;
  static const struct {
    size_t chunks;
    const char *status;
  } cases[] = {{64, "HTTP/1.1 400 "}, {65, "HTTP/1.1 413 "}, {900, "HTTP/1.1 413 "}};
  ekm_buf answer;
  ekm_buf_init(&answer, 1 << 20);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    CURL *curl = raw_open(f, CURL_SSLVERSION_DEFAULT);
    send_chunks(curl, f, cases[i].chunks);
    assert_true(raw_receive(curl, "\r\n\r\n", &answer));
    assert_memory_equal(ekm_buf_text(&answer), cases[i].status, strlen(cases[i].status));
    ekm_buf_reset(&answer);
    curl_easy_cleanup(curl);
  }
  CURL *curl = raw_open(f, CURL_SSLVERSION_DEFAULT);
  send_chunks(curl, f, 1100); /* beyond what is swallowed: no answer, the end */
  assert_true(raw_receive(curl, NULL, &answer));
  assert_int_equal(answer.len, 0);
  curl_easy_cleanup(curl);
  ekm_buf_clear(&answer);
}

/* ---- deadlines --------------------------------------------------------------------------------------------------- */

/* Send ${text}, wait until the server has it, let ${ms} pass: the server ends the connection without an answer. */
static void expect_cut(vault_fixture *f, const char *text, const char *first, int64_t ms) {
  ekm_buf answer;
  ekm_buf_init(&answer, 65536);
  CURL *curl = raw_open(f, CURL_SSLVERSION_DEFAULT);
  raw_send_text(curl, text);
  if (first != NULL) assert_true(raw_receive(curl, first, &answer));
  ekm_buf_reset(&answer);
  fake_clock_pass(&f->clock, ms);
  assert_true(raw_receive(curl, NULL, &answer));
  assert_int_equal(answer.len, 0);
  curl_easy_cleanup(curl);
  ekm_buf_clear(&answer);
}

static void slow_clients_are_cut_off(void **state) {
  vault_fixture *f = *state;
  expect_cut(f, "", NULL, IDLE_MS + REQUEST_MS);
  expect_cut(f, "GET /keys HTTP/1.1\r\nHost: local", NULL, IDLE_MS + REQUEST_MS);
  expect_cut(f, "POST /keys HTTP/1.1\r\nHost: " FIXTURE_HOST "\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n",
             "100 Continue\r\n\r\n", REQUEST_MS);
  https_answer answer;
  vault_fixture_call(f, FIXTURE_FULL, "GET", "/keys", NULL, &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
}

static void connections_are_kept(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  vault_fixture_call(f, FIXTURE_FULL, "GET", "/keys", NULL, &answer);
  https_answer_clear(&answer);
  for (int i = 0; i < 3; i++) { /* also when an answer did not need the body */
    https_client_send(
        &f->client,
        &(https_request){.method = "POST", .host = FIXTURE_HOST, .path = "/keys/k/create", .body = "{\"a\":1}"},
        &answer);
    assert_int_equal(answer.status, 401);
    assert_int_equal(https_client_new_connections(&f->client), 0);
    https_answer_clear(&answer);
  }
}

/* The first byte that the server answers to a client's hello of ${version} (0x0302: TLS 1.1), made by hand, since
 * clients of today do not send old ones: 0x16 is a handshake, 0x15 an alert; 0 is the end of the stream. */
static uint8_t answer_to_hello(const vault_fixture *f, uint8_t minor_version) {
  uint8_t hello[] = {0x16, 0x03, 0x01, 0x00, 0x41,                /* record: handshake, 65 bytes */
                     0x01, 0x00, 0x00, 0x3D, 0x03, minor_version, /* client hello, 61 bytes, version */
                     1,    2,    3,    4,    5,    6,
                     7,    8,    9,    10,   11,   12,
                     13,   14,   15,   16,   17,   18,
                     19,   20,   21,   22,   23,   24,
                     25,   26,   27,   28,   29,   30,
                     31,   32, /* random */
                     0x00, 0x00, 0x04, 0xC0, 0x2B, 0xC0,
                     0x09, 0x01, 0x00, /* no session, two ECDSA suites, no compression */
                     0x00, 0x10, 0x00, 0x0A, 0x00, 0x04,
                     0x00, 0x02, 0x00, 0x17, /* extensions: P-256 */
                     0x00, 0x0D, 0x00, 0x04, 0x00, 0x02,
                     0x04, 0x03}; /* ECDSA with SHA-256 */
  uint8_t first = 0;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(vault_server_port(f->server))};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int plain = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(connect(plain, (const struct sockaddr *)&to, sizeof to), 0);
  assert_int_equal(send(plain, hello, sizeof hello, 0), sizeof hello);
  ssize_t len = recv(plain, &first, 1, 0);
  (void)close(plain);
  return len == 1 ? first : 0;
}

static void old_tls_is_refused(void **state) {
  static const long versions[] = {CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2, CURL_SSLVERSION_TLSv1_3};
  vault_fixture *f = *state;
  for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) curl_easy_cleanup(raw_open(f, versions[i]));
  assert_int_equal(answer_to_hello(f, 3), 0x16);
  for (uint8_t minor = 0; minor < 3; minor++) assert_int_not_equal(answer_to_hello(f, minor), 0x16);
}

static void headers_of_answers(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  char value[512];
  https_client_send(
      &f->client,
      &(https_request){
          .method = "GET",
          .host = FIXTURE_HOST,
          .path = "/keys?api-version=7.5",
          .bearer = f->apps[FIXTURE_FULL].token,
          .headers = (const char *[]){"x-ms-client-request-id: 11111111-2222-3333-4444-555555555555", NULL}},
      &answer);
  static const char *const expected[][2] = {{"x-ms-client-request-id", "11111111-2222-3333-4444-555555555555"},
                                            {"Content-Type", "application/json; charset=utf-8"},
                                            {"Cache-Control", "no-cache"},
                                            {"X-Content-Type-Options", "nosniff"},
                                            {"Strict-Transport-Security", "max-age=31536000;includeSubDomains"},
                                            {"x-ms-keyvault-region", "local"},
                                            {"WWW-Authenticate", ""}};
  for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
    https_answer_header(&answer, expected[i][0], value);
    assert_string_equal(value, expected[i][1]);
  }
  https_answer_header(&answer, "x-ms-request-id", value);
  assert_int_equal(strlen(value), 36);
  https_answer_header(&answer, "x-ms-keyvault-service-version", value);
  assert_true(value[0] != '\0');
  https_answer_clear(&answer);
}

static void get_near(vault_fixture *f, const char *host, const char *path, https_answer *out) {
  https_client_send(&f->client, &(https_request){.method = "GET", .host = host, .path = path}, out);
}

static void an_operator_can_watch(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  char value[512];
  get_near(f, "localhost", "/healthz", &answer);
  assert_int_equal(answer.status, 200);
  assert_string_equal(ekm_json_text(answer.doc, "status"), "ok");
  https_answer_clear(&answer);

  get_near(f, "localhost", "/metrics", &answer); /* on the same connection, so the other request has ended */
  assert_int_equal(answer.status, 200);
  https_answer_header(&answer, "Content-Type", value);
  assert_string_equal(value, "text/plain; version=0.0.4; charset=utf-8");
  assert_non_null(strstr(ekm_buf_text(&answer.body), "\nakvd_requests_total{operation=\"health\",status=\"200\"} "));
  https_answer_clear(&answer);

  get_near(f, FIXTURE_HOST, "/metrics", &answer); /* a vault has no such path */
  assert_int_equal(answer.status, 401);
  https_answer_clear(&answer);
}

/* ---- many at once, a full disk, the end -------------------------------------------------------------------------- */

enum { WORKERS = 8, ROUNDS = 40 };

typedef struct worker {
  vault_fixture *f;
  unsigned good;
} worker;

static const char plain_value[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

static void send_operation(worker *w, https_client *client, const char *path, const char *value, https_answer *out) {
  ekm_buf body;
  ekm_buf_init(&body, 4096);
  ekm_buf_append_fmt(&body, "{\"alg\":\"RSA-OAEP-256\",\"value\":\"%s\"}", value);
  https_client_send(client,
                    &(https_request){.method = "POST",
                                     .host = FIXTURE_HOST,
                                     .path = path,
                                     .bearer = w->f->apps[FIXTURE_FULL].token,
                                     .body = ekm_buf_text(&body)},
                    out);
  ekm_buf_clear(&body);
}

static void work(void *arg) {
  worker *w = arg;
  https_client client;
  https_client_open(&client, vault_server_port(w->f->server), ekm_buf_view(&w->f->ca_pem));
  for (int i = 0; i < ROUNDS; i++) {
    https_answer there, back;
    send_operation(w, &client, "/keys/shared/wrapkey?api-version=7.5", plain_value, &there);
    const char *wrapped = there.doc == NULL ? "" : ekm_json_text(there.doc, "value");
    send_operation(w, &client, "/keys/shared/unwrapkey?api-version=7.5", wrapped, &back);
    const char *value = back.doc == NULL ? NULL : ekm_json_text(back.doc, "value");
    if (there.status == 200 && back.status == 200 && value != NULL && strcmp(value, plain_value) == 0) w->good++;
    https_answer_clear(&there);
    https_answer_clear(&back);
  }
  https_client_close(&client);
}

static void many_clients_are_served_at_once(void **state) {
  vault_fixture *f = *state;
  ekm_thread *threads[WORKERS];
  worker workers[WORKERS];
  https_answer answer;
  vault_fixture_call(f, FIXTURE_FULL, "POST", "/keys/shared/create", "{\"kty\":\"RSA\"}", &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
  for (size_t i = 0; i < WORKERS; i++) {
    ekm_err err = {0};
    workers[i] = (worker){.f = f};
    assert_true(ekm_thread_start(&threads[i], work, &workers[i], &err));
  }
  for (size_t i = 0; i < WORKERS; i++) {
    ekm_thread_join(&threads[i]);
    assert_int_equal(workers[i].good, ROUNDS);
  }
}

/* No file may grow: to SQLite that is a full disk. */
static void a_full_disk_loses_nothing(void **state) {
  vault_fixture *f = *state;
  struct rlimit was;
  https_answer answer;
  (void)signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = 0, .rlim_max = was.rlim_max}), 0);
  vault_fixture_call(f, FIXTURE_FULL, "POST", "/keys/on-full-disk/create", "{\"kty\":\"RSA\"}", &answer);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
  vault_fixture_expect(&answer, 503, "ServiceUnavailable", NULL);
  https_answer_clear(&answer);

  vault_fixture_call(f, FIXTURE_FULL, "GET", "/keys/on-full-disk", NULL, &answer);
  vault_fixture_expect(&answer, 404, "KeyNotFound", NULL);
  https_answer_clear(&answer);
  vault_fixture_call(f, FIXTURE_FULL, "POST", "/keys/on-full-disk/create", "{\"kty\":\"RSA\"}", &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
  vault_fixture_call(f, FIXTURE_FULL, "GET", "/keys/shared", NULL, &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
}

static void stop_server(void *arg) {
  vault_fixture *f = arg;
  vault_server_stop(&f->server);
}

/* A request whose body is on its way when the server is told to stop is answered before the server ends. */
static void a_running_request_is_finished(void **state) {
  vault_fixture *f = *state;
  ekm_thread *thread = NULL;
  ekm_err err = {0};
  ekm_buf text, answer;
  ekm_buf_init(&text, 8192);
  ekm_buf_init(&answer, 65536);
  CURL *curl = raw_open(f, CURL_SSLVERSION_DEFAULT);
  ekm_buf_append_fmt(&text,
                     "PATCH /keys/shared?api-version=7.5 HTTP/1.1\r\nHost: " FIXTURE_HOST
                     "\r\nExpect: 100-continue\r\nContent-Length: 2\r\nAuthorization: Bearer %s\r\n\r\n",
                     f->apps[FIXTURE_FULL].token);
  raw_send(curl, ekm_buf_text(&text), text.len);
  assert_true(raw_receive(curl, "100 Continue\r\n\r\n", &answer));
  ekm_buf_reset(&answer);
  assert_true(ekm_thread_start(&thread, stop_server, f, &err));
  raw_send_text(curl, "{}");
  assert_true(raw_receive(curl, NULL, &answer));
  assert_memory_equal(ekm_buf_text(&answer), "HTTP/1.1 200 ", 13);
  assert_non_null(strstr(ekm_buf_text(&answer), "\"kid\""));
  ekm_thread_join(&thread);
  assert_null(f->server);
  curl_easy_cleanup(curl);
  ekm_buf_clear(&text);
  ekm_buf_clear(&answer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(garbage_ends_in_an_error),  cmocka_unit_test(headers_have_a_limit),
      cmocka_unit_test(bodies_have_a_limit),       cmocka_unit_test(chunked_bodies_have_the_same_limit),
      cmocka_unit_test(slow_clients_are_cut_off),  cmocka_unit_test(connections_are_kept),
      cmocka_unit_test(old_tls_is_refused),        cmocka_unit_test(headers_of_answers),
      cmocka_unit_test(an_operator_can_watch),     cmocka_unit_test(many_clients_are_served_at_once),
      cmocka_unit_test(a_full_disk_loses_nothing), cmocka_unit_test(a_running_request_is_finished),
  };
  return cmocka_run_group_tests(tests, vault_fixture_set_up, vault_fixture_tear_down);
}
