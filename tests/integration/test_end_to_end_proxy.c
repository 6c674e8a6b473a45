/* The connector behind a proxy that demands a login, and hosts that are asked without it. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "end_to_end_fixture.h"
#include "support/cmocka_all.h"
#include "support/connect_proxy.h"

#define AUTHORITY "login.localhost"
#define USER "sql-server"
#define PASSWORD "canary proxy: p@ssword"
#define LOGIN "c3FsLXNlcnZlcjpjYW5hcnkgcHJveHk6IHBAc3N3b3Jk" /* base64 of USER:PASSWORD */
#define OTHER_LOGIN "c3FsLXNlcnZlcjphbm90aGVy"

typedef struct fixture {
  end_to_end_fixture *f;
  connect_proxy *proxy;
  char password_file[200];
} fixture;

static fixture here;

static int set_up(void **state) {
  if (end_to_end_set_up(state) != 0) return 1;
  here.f = *state;
  (void)snprintf(here.password_file, sizeof here.password_file, "%s/proxy-password", here.f->connector.folder);
  return 0;
}

static int start_proxy(void **state) {
  (void)state;
  here.proxy = connect_proxy_start(here.f->akvd.port);
  return 0;
}

static int stop_proxy(void **state) {
  (void)state;
  connector_unload(&here.f->connector);
  connect_proxy_stop(&here.proxy);
  return 0;
}

static void write_password(const char *text) {
  ekm_err err = {0};
  assert_true(ekm_file_write_private(here.password_file, ekm_view_text(text), &err));
}

/* The provider behind the proxy, which is told names: only hosts that are asked directly have an address. */
static void load_direct(const char *more, bool vault_directly, bool authority_directly) {
  unsigned port = here.f->akvd.port;
  char vault[64] = "", authority[80] = "";
  if (vault_directly) (void)snprintf(vault, sizeof vault, "address = 127.0.0.1\nport = %u\n", port);
  if (authority_directly) {
    (void)snprintf(authority, sizeof authority, "authority_address = 127.0.0.1\nauthority_port = %u\n", port);
  }
  connector_unload(&here.f->connector);
  connector_configure(&here.f->connector,
                      "log_file = %s/provider.log\nlog_level = trace\nproxy = http://127.0.0.1:%u\nretry_delay_ms = 1\n"
                      "breaker_failures = 0\n%s[vault " END_TO_END_HOST
                      "]\nca_file = %s/tls/ca.pem\n"
                      "authority = https://" AUTHORITY "\n%s%s",
                      here.f->connector.folder, (unsigned)connect_proxy_port(here.proxy), more, here.f->akvd.data,
                      vault, authority);
  connector_load(&here.f->connector);
}

static void load(const char *more) {
  load_direct(more, false, false);
}

static void load_with_login(void) {
  char login[300];
  (void)snprintf(login, sizeof login, "proxy_user = " USER "\nproxy_password_file = %s\n", here.password_file);
  load(login);
}

static uint32_t use_key(void) {
  host_session *session = NULL;
  host_key key;
  uint32_t code = end_to_end_open(here.f, &here.f->app, &session);
  if (code == 0) code = connector_by_name(session, END_TO_END_KEY, &key);
  host_session_close(&session);
  return code;
}

static void assert_log(const char *words, bool is_there) {
  char path[256];
  ekm_err err = {0};
  ekm_buf text;
  ekm_buf_init(&text, 16 * 1024 * 1024);
  (void)snprintf(path, sizeof path, "%s/provider.log", here.f->connector.folder);
  assert_true(ekm_file_read(path, &text, &err));
  if ((strstr(ekm_buf_text(&text), words) != NULL) != is_there) fail_msg("'%s' in the log", words);
  ekm_buf_clear(&text);
}

static void a_login_opens_the_proxy(void **state) {
  (void)state;
  connect_proxy_demand(here.proxy, LOGIN);
  write_password(PASSWORD "\r\nsecond line\n");
  load_with_login();
  connector_assert(use_key(), EKM_E_OK);
  assert_true(connect_proxy_asked(here.proxy, END_TO_END_HOST));
  assert_true(connect_proxy_asked(here.proxy, AUTHORITY));
  assert_int_equal(connect_proxy_refusals(here.proxy), 0);
  assert_log(PASSWORD, false);
  assert_log(LOGIN, false);
}

static void no_login_or_another_has_its_error(void **state) {
  (void)state;
  connect_proxy_demand(here.proxy, LOGIN);
  load("");
  connector_assert(use_key(), EKM_E_PROXY_AUTH);
  assert_int_equal(connect_proxy_refusals(here.proxy), 1); /* it is not repeated */
  assert_log("wants a user and a password; it offers Basic, NTLM", true);

  write_password("another\n");
  load_with_login();
  connector_assert(use_key(), EKM_E_PROXY_AUTH);
  assert_log("does not take the user '" USER "'", true);
  assert_int_equal(connect_proxy_tunnels(here.proxy), 0);
}

/* A password that ran out is replaced in its file; nothing is restarted. */
static void a_changed_password_counts_at_once(void **state) {
  (void)state;
  connect_proxy_demand(here.proxy, LOGIN);
  write_password(PASSWORD);
  load_with_login();
  connector_assert(use_key(), EKM_E_OK);
  connect_proxy_demand(here.proxy, OTHER_LOGIN);
  connector_assert(use_key(), EKM_E_PROXY_AUTH);
  write_password("another");
  connector_assert(use_key(), EKM_E_OK);
}

static void a_password_file_that_is_gone_or_empty_is_named(void **state) {
  (void)state;
  write_password("\n");
  load_with_login();
  connector_assert(use_key(), EKM_E_FILE_READ);
  assert_int_equal(remove(here.password_file), 0);
  connector_assert(use_key(), EKM_E_FILE_READ);
  assert_log(here.password_file, true);
}

static void a_refusal_is_named_and_only_a_passing_one_repeated(void **state) {
  (void)state;
  load("retries = 2\n");
  connect_proxy_refuse(here.proxy, 403);
  connector_assert(use_key(), EKM_E_PROXY);
  assert_int_equal(connect_proxy_refusals(here.proxy), 1);
  assert_log("answered 403 to CONNECT", true);
  connect_proxy_refuse(here.proxy, 503);
  connector_assert(use_key(), EKM_E_PROXY);
  assert_int_equal(connect_proxy_refusals(here.proxy), 1 + 3);
  connect_proxy_refuse(here.proxy, 0);
  connector_assert(use_key(), EKM_E_OK);
}

static void exceptions_go_directly(void **state) {
  static const struct {
    const char *no_proxy;
    bool vault_asked, authority_asked;
  } rows[] = {
      {END_TO_END_HOST, false, true},
      {".vault.localhost", false, true},
      {"elsewhere.example, vault.localhost login.localhost", false, false},
      {"ocal.vault.localhost", true, true},
      {"localhost", false, false},
      {"a." END_TO_END_HOST, true, true},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char line[200];
    connect_proxy_stop(&here.proxy);
    here.proxy = connect_proxy_start(here.f->akvd.port);
    (void)snprintf(line, sizeof line, "no_proxy = %s\n", rows[i].no_proxy);
    load_direct(line, !rows[i].vault_asked, !rows[i].authority_asked);
    connector_assert(use_key(), EKM_E_OK);
    bool right = connect_proxy_asked(here.proxy, END_TO_END_HOST) == rows[i].vault_asked &&
                 connect_proxy_asked(here.proxy, AUTHORITY) == rows[i].authority_asked;
    if (!right) fail_msg("no_proxy = %s", rows[i].no_proxy);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_login_opens_the_proxy, start_proxy, stop_proxy),
      cmocka_unit_test_setup_teardown(no_login_or_another_has_its_error, start_proxy, stop_proxy),
      cmocka_unit_test_setup_teardown(a_changed_password_counts_at_once, start_proxy, stop_proxy),
      cmocka_unit_test_setup_teardown(a_password_file_that_is_gone_or_empty_is_named, start_proxy, stop_proxy),
      cmocka_unit_test_setup_teardown(a_refusal_is_named_and_only_a_passing_one_repeated, start_proxy, stop_proxy),
      cmocka_unit_test_setup_teardown(exceptions_go_directly, start_proxy, stop_proxy),
  };
  return cmocka_run_group_tests(tests, set_up, end_to_end_tear_down);
}
