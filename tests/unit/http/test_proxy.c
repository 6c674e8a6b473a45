/* Which hosts a proxy is for, and where its password comes from. */
#include "http/http_proxy.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "support/cmocka_all.h"
#include "support/memory_gate.h"

#define LABEL63 "123456789-123456789-123456789-123456789-123456789-123456789-123"
#define HOST253                   \
  LABEL63 "." LABEL63 "." LABEL63 \
          "."                     \
          "123456789-123456789-123456789-123456789-123456789-123456789-1"

static bool serves(const char *exceptions, const char *host) {
  const ekm_http_proxy proxy = {.url = "http://p.example:8080", .exceptions = exceptions};
  return http_proxy_serves(&proxy, ekm_view_text(host));
}

static void exceptions_are_names_and_all_below_them(void **state) {
  static const struct {
    const char *exceptions, *host;
    bool served;
  } rows[] = {
      {NULL, "v.example", true},
      {"", "v.example", true},
      {" , ,", "v.example", true},
      {"v.example", "v.example", false},
      {"V.Example", "v.EXAMPLE", false},
      {"example", "v.example", false},
      {".example", "v.example", false},
      {".example", "example", false},
      {"xample", "v.example", true},
      {"v.example", "example", true},
      {"v.example", "evil-v.example", true},
      {"v.example.org", "v.example", true},
      {"a.example,b.example", "b.example", false},
      {"a.example b.example", "b.example", false},
      {"a.example ,\t b.example,", "b.example", false},
      {"10.0.0.4", "10.0.0.4", false},
      {"10.0.0.4", "10.0.0.40", true},
      {"10.0.0.4", "110.0.0.4", true},
      {HOST253, HOST253, false},
      {HOST253, LABEL63 "." LABEL63, true},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (serves(rows[i].exceptions, rows[i].host) != rows[i].served) {
      fail_msg("'%s' of '%s'", rows[i].host, rows[i].exceptions == NULL ? "" : rows[i].exceptions);
    }
  }
}

static void without_a_proxy_there_is_none(void **state) {
  const ekm_http_proxy nothing = {0};
  (void)state;
  assert_false(http_proxy_serves(NULL, ekm_view_text("v.example")));
  assert_false(http_proxy_serves(&nothing, ekm_view_text("v.example")));
}

static void a_list_holds_hosts_only(void **state) {
  static const struct {
    const char *list;
    bool valid;
  } rows[] = {
      {"", true},           {"v.example", true},    {".example, 10.0.0.4\tlocalhost", true},
      {HOST253, true},      {HOST253 "x", false},   {"*", false},
      {"*.example", false}, {"10.0.0.0/8", false},  {"v.example:443", false},
      {"..example", false}, {"https://v", false},   {"a.example, ., b.example", false},
      {"[::1]", false},     {"v.example;w", false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (http_proxy_exceptions_are_valid(rows[i].list) != rows[i].valid) fail_msg("'%s'", rows[i].list);
  }
}

/* --- passwords ---------------------------------------------------------------------------------------------------- */

static char path[4096];

static int set_up(void **state) {
  char folder[4000];
  (void)state;
  assert_non_null(getcwd(folder, sizeof folder));
  (void)snprintf(path, sizeof path, "%s/test_http_proxy.password", folder);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  (void)remove(path);
  return 0;
}

static void the_first_line_is_the_password(void **state) {
  static const struct {
    const char *text, *password; /* NULL: FILE_READ */
  } rows[] = {{"secret", "secret"},
              {"secret\n", "secret"},
              {"secret\r\nmore\n", "secret"},
              {" with blanks \n", " with blanks "},
              {"", NULL},
              {"\nsecret\n", NULL}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    ekm_secret password = {0};
    assert_true(ekm_file_write_private(path, ekm_view_text(rows[i].text), &err));
    bool ok = http_proxy_password(path, &password, &err);
    assert_int_equal(ok, rows[i].password != NULL);
    if (!ok) assert_int_equal(err.id, EKM_E_FILE_READ);
    if (ok) assert_true(ekm_view_equal(ekm_secret_reveal(&password), ekm_view_text(rows[i].password)));
    ekm_secret_clear(&password);
  }
}

static void a_file_that_is_none_is_said(void **state) {
  char text[5000];
  ekm_err err = {0};
  ekm_secret password = {0};
  (void)state;
  memset(text, 'x', sizeof text);
  assert_true(ekm_file_write_private(path, ekm_view_of(text, sizeof text), &err));
  assert_false(http_proxy_password(path, &password, &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
  assert_int_equal(remove(path), 0);
  assert_false(http_proxy_password(path, &password, &err));
  assert_int_equal(err.id, EKM_E_FILE_READ);
}

static void memory_that_runs_out_is_said(void **state) {
  memory_gate gate = {0};
  ekm_err err = {0};
  (void)state;
  assert_true(ekm_file_write_private(path, ekm_view_text("secret\n"), &err));
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_secret password = {0};
    ekm_err_clear(&err);
    bool ok = http_proxy_password(path, &password, &err);
    memory_gate_check(&gate, ok, &err);
    ekm_secret_clear(&password);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exceptions_are_names_and_all_below_them),
      cmocka_unit_test(without_a_proxy_there_is_none),
      cmocka_unit_test(a_list_holds_hosts_only),
      cmocka_unit_test_teardown(the_first_line_is_the_password, tear_down),
      cmocka_unit_test_teardown(a_file_that_is_none_is_said, tear_down),
      cmocka_unit_test_teardown(memory_that_runs_out_is_said, tear_down),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
