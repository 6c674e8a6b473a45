/* The real wiring: from a file on disk to a connector, and back to nothing, with and without memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "provider/wire.h"
#include "support/cmocka_all.h"
#include "support/memory_gate.h"

#define SECRET_TEXT "0123456789abcdef0123456789abcdefsecret"

static char conf_path[4200];
static char log_path[4200];

static int setup(void **state) {
  char folder[4096];
  (void)state;
  if (getcwd(folder, sizeof folder) == NULL) return 1;
  (void)snprintf(conf_path, sizeof conf_path, "%s/test_wire.conf", folder);
  (void)snprintf(log_path, sizeof log_path, "%s/test_wire.log", folder);
  return setenv("OPENEKM_CONF", conf_path, 1);
}

static int teardown(void **state) {
  (void)state;
  (void)remove(conf_path);
  (void)remove(log_path);
  return 0;
}

static void write_conf(const char *log_file, const char *rest) {
  ekm_buf text;
  ekm_err err = {0};
  ekm_buf_init(&text, 10000);
  ekm_buf_append_fmt(&text, "log_file = %s\n%s", log_file, rest);
  assert_true(ekm_file_write_public(conf_path, ekm_buf_view(&text), &err));
  ekm_buf_clear(&text);
}

static void everything_is_there_and_goes_again(void **state) {
  provider_wiring wiring;
  ekm_err err = {0};
  (void)state;
  write_conf(log_path,
             "call_timeout_ms = 1500\nallow_drop_key = yes\npublic_key_format = cng\n"
             "[vault v.vault.localhost]\naddress = 127.0.0.1\nauthority = https://login.localhost\n");
  for (int round = 0; round < 3; round++) {
    if (!provider_wire(&wiring, &err)) fail_msg("%s", err.detail);
    assert_int_equal(wiring.call_timeout_ms, 1500);
    assert_true(wiring.allow_drop_key);
    assert_int_equal(wiring.public_key_format, KEYRING_BLOB_CNG);
    assert_ptr_equal(wiring.clock, ekm_clock_system());
    assert_non_null(wiring.log);
    assert_non_null(wiring.crypto);
    assert_non_null(wiring.http);
    assert_non_null(wiring.connector);
    provider_unwire(&wiring);
    assert_null(wiring.connector);
    assert_null(wiring.rest);
    provider_unwire(&wiring); /* twice is fine */
  }
}

static bool nobody_waits(void *arg) {
  (void)arg;
  return true;
}

/* The configured vault reaches the connector (whose call is cancelled before its first request), others do not. */
static void the_connector_knows_the_vaults(void **state) {
  provider_wiring wiring;
  keyring *ring = NULL;
  ekm_secret secret = {0};
  ekm_err err = {0};
  (void)state;
  write_conf(log_path, "[vault v.vault.localhost]\naddress = 127.0.0.1\nauthority = https://login.localhost\n");
  assert_true(provider_wire(&wiring, &err));
  assert_true(ekm_secret_set(&secret, ekm_view_text(SECRET_TEXT), &err));
  keyring_call call = {.deadline = ekm_deadline_in(wiring.clock, 10000), .is_cancelled = nobody_waits};
  assert_false(wiring.connector->connect(wiring.connector, "v.vault.localhost", &secret, &call, &ring, &err));
  assert_int_equal(err.id, EKM_E_CANCELLED);
  assert_false(wiring.connector->connect(wiring.connector, "w.vault.localhost", &secret, &call, &ring, &err));
  assert_int_equal(err.id, EKM_E_CLOUD_UNKNOWN);
  assert_null(ring);
  ekm_secret_clear(&secret);
  provider_unwire(&wiring);
}

/* Databases do not stay closed because a folder of logs is gone. */
static void a_log_that_cannot_be_opened_stops_nothing(void **state) {
  provider_wiring wiring;
  ekm_err err = {0};
  (void)state;
  write_conf("/no/such/folder/openekm.log", "");
  assert_true(provider_wire(&wiring, &err));
  assert_null(wiring.log);
  assert_non_null(wiring.connector);
  provider_unwire(&wiring);
}

/* The system's log takes the lines of the provider, also those of a configuration that cannot be understood; nobody
 * there stops nothing. */
static void the_systems_log_is_used(void **state) {
  char folder[] = "test_wire_XXXXXX", more[300], got[2048];
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  provider_wiring wiring;
  ekm_err err = {0};
  (void)state;
  assert_non_null(mkdtemp(folder));
  (void)snprintf(at.sun_path, sizeof at.sun_path, "/proc/self/cwd/%s/log", folder); /* absolute, and short */
  (void)snprintf(more, sizeof more, "log_to = system\nsyslog_socket = %s\n", at.sun_path);
  write_conf(log_path, more);
  (void)remove(log_path);
  assert_true(provider_wire(&wiring, &err)); /* nobody listens yet */
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
  EKM_LOG(wiring.log, EKM_LOG_WARN, "a.b", EKM_LOG_INT("i", 1));
  ssize_t len = recv(fd, got, sizeof got - 1, MSG_DONTWAIT);
  assert_true(len > 0);
  got[len] = '\0';
  assert_memory_equal(got, "<28>", 4);
  assert_non_null(strstr(got, " openekm["));
  assert_int_equal(access(log_path, F_OK), -1); /* not into the file as well */
  provider_unwire(&wiring);

  write_conf(log_path, "colour = red\n");
  assert_int_equal(setenv("OPENEKM_LOG_TO", "system", 1) | setenv("OPENEKM_SYSLOG_SOCKET", at.sun_path, 1), 0);
  assert_false(provider_wire(&wiring, &err));
  len = recv(fd, got, sizeof got - 1, MSG_DONTWAIT);
  assert_int_equal(unsetenv("OPENEKM_LOG_TO") | unsetenv("OPENEKM_SYSLOG_SOCKET"), 0);
  assert_true(len > 0);
  got[len] = '\0';
  assert_non_null(strstr(got, "provider.initialize"));
  assert_non_null(strstr(got, "colour"));
  (void)close(fd);
  assert_int_equal(remove(at.sun_path), 0);
  assert_int_equal(rmdir(folder), 0);
}

static void what_cannot_be_is_told(void **state) {
  provider_wiring wiring;
  ekm_err err = {0};
  (void)state;
  write_conf(log_path, "call_timeout = 5\n");
  assert_false(provider_wire(&wiring, &err));
  assert_non_null(strstr(err.detail, "line 2"));
  (void)remove(conf_path);
  assert_false(provider_wire(&wiring, &err));
  assert_int_equal(err.id, EKM_E_CONFIG_READ);
}

static void survives_without_memory(void **state) {
  memory_gate gate = {0};
  (void)state;
  write_conf(
      log_path,
      "hint_file = /nowhere/hints\nproxy = http://proxy.example:8080\nproxy_user = me\nproxy_password_file = /p\n"
      "no_proxy = a.example, b.example\nunwrap_cache_s = 60\ndefault_vault = v.vault.localhost\n"
      "[vault v.vault.localhost]\naddress = 127.0.0.1\nauthority = https://login.localhost\n"
      "resource = https://vault.localhost\nkeys = one, two\nreplicas = w.vault.localhost\n"
      "[vault w.vault.localhost]\nport = 8443\n"
      "[application 01234567-89ab-cdef-0123-456789abcdef]\nsecret_expires = 2027-03-01\n");
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    provider_wiring wiring;
    ekm_err err = {0};
    bool ok = provider_wire(&wiring, &err);
    memory_gate_check(&gate, ok, &err);
    provider_unwire(&wiring);
  }
}

/* A mistake stays one: without memory it is told, or that there was none, and nothing starts. */
static void a_mistake_without_memory(void **state) {
  static const char *const mistakes[] = {"unknown = 1\n", "retries = many\n", "[vault v.vault.localhost]\nport = 0\n",
                                         "[vault v.vault.localhost]\ntenant = a/b\n", "no equals sign\n"};
  (void)state;
  for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
    bool failed = true;
    write_conf(log_path, mistakes[i]);
    for (size_t n = 0; failed; n++) {
      memory_gate gate = {0};
      provider_wiring wiring;
      ekm_err err = {0};
      assert_true(memory_gate_next(&gate, n));
      assert_false(provider_wire(&wiring, &err));
      memory_gate_rest(&gate);
      failed = gate.failed;
      bool is_right = err.id == EKM_E_CONFIG_VALUE || err.id == EKM_E_CONFIG_SYNTAX;
      if (!is_right && !(failed && err.id == EKM_E_OUT_OF_MEMORY)) fail_msg("%s: %s", mistakes[i], err.detail);
      assert_null(wiring.connector);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everything_is_there_and_goes_again),
      cmocka_unit_test(the_connector_knows_the_vaults),
      cmocka_unit_test(a_log_that_cannot_be_opened_stops_nothing),
      cmocka_unit_test(the_systems_log_is_used),
      cmocka_unit_test(what_cannot_be_is_told),
      cmocka_unit_test(survives_without_memory),
      cmocka_unit_test(a_mistake_without_memory),
  };
  return cmocka_run_group_tests_name("wire", tests, setup, teardown);
}
