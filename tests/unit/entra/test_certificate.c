/* Client certificates: the assertion that is sent, the file that is read each time, and what is said of its end. */
#include "entra/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/fake_rng.h"
#include "support/memory_gate.h"
#include "support/scripted_http.h"
#include "support/vectors.h"

#define ID "01234567-89ab-cdef-0123-456789abcdef"
#define URL "https://login.microsoftonline.com/tenant/oauth2/v2.0/token"
#define PASSWORD "p\xc3\xa4ssword"
#define ENTRY "0123456789abcdef0123456789abcdef01234567"
#define OTHER_ENTRY "1123456789abcdef0123456789abcdef01234567"
#define FORM                                                                                \
  "client_id=" ID                                                                           \
  "&scope=https%3A%2F%2Fvault.azure.net%2F.default&grant_type=client_credentials"           \
  "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer" \
  "&client_assertion="
/* {"alg":"PS256","typ":"JWT","x5t#S256":"9AJWqy1eFx_IVwdW3hTDwsWrdX1Yyp0Dx82hp6CtVNY"} */
#define HEADER \
  "eyJhbGciOiJQUzI1NiIsInR5cCI6IkpXVCIsIng1dCNTMjU2IjoiOUFKV3F5MWVGeF9JVndkVzNoVER3c1dyZFgxWXlwMER4ODJocDZDdFZOWSJ9"
/* {"aud":"https://login.microsoftonline.com/tenant/oauth2/v2.0/token","iss":ID,"sub":ID,
 *  "jti":"00010203-0405-4607-8809-0a0b0c0d0e0f","nbf":1795507185,"iat":1795507200,"exp":1795507785} */
#define CLAIMS                                                                       \
  "eyJhdWQiOiJodHRwczovL2xvZ2luLm1pY3Jvc29mdG9ubGluZS5jb20vdGVuYW50L29hdXRoMi92Mi4w" \
  "L3Rva2VuIiwiaXNzIjoiMDEyMzQ1NjctODlhYi1jZGVmLTAxMjMtNDU2Nzg5YWJjZGVmIiwic3ViIjoi" \
  "MDEyMzQ1NjctODlhYi1jZGVmLTAxMjMtNDU2Nzg5YWJjZGVmIiwianRpIjoiMDAwMTAyMDMtMDQwNS00" \
  "NjA3LTg4MDktMGEwYjBjMGQwZTBmIiwibmJmIjoxNzk1NTA3MTg1LCJpYXQiOjE3OTU1MDcyMDAsImV4" \
  "cCI6MTc5NTUwNzc4NX0"
#define GOOD .status = 200, .answer = "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"tok\"}"
#define GOOD_STEP \
  { "POST", URL, FORM HEADER ".", NULL, GOOD }

enum { NOT_BEFORE = 1793491200, NOT_AFTER = 2109110400, DAY_S = 86400 }; /* of tests/vectors/signer/certificate.pem */

static char folder[64], path[96], lines[4096];
static fake_clock clock_of_test;

static int set_up(void **state) {
  (void)state;
  fake_clock_init(&clock_of_test);
  lines[0] = '\0';
  (void)snprintf(folder, sizeof folder, "%s/openekm-certificate-XXXXXX", P_tmpdir);
  assert_non_null(mkdtemp(folder));
  (void)snprintf(path, sizeof path, "%s/app.pem", folder);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  (void)unlink(path);
  return rmdir(folder);
}

/* Make the file that of tests/vectors/signer. */
static void put(const char *name) {
  char from[64];
  ekm_buf content;
  ekm_err err = {0};
  ekm_buf_init(&content, EKM_SIGNER_FILE_MAX_BYTES);
  (void)snprintf(from, sizeof from, "signer/%s", name);
  vectors_read(from, &content);
  assert_true(ekm_file_write_private(path, ekm_buf_view(&content), &err));
  ekm_buf_clear(&content);
}

static void take_line(void *arg, const char *line, size_t len) {
  size_t used = strlen(lines);
  (void)arg;
  assert_true(used + len < sizeof lines);
  memcpy(lines + used, line, len);
  lines[used + len] = '\0';
}

static bool fetch_with(scripted_http *script, const char *password, ekm_err *err) {
  entra_source *source = NULL;
  entra_token *token = NULL;
  ekm_log *log = NULL;
  ekm_secret secret = {0};
  const entra_target target = {.authority_host = "login.microsoftonline.com",
                               .authority_port = 443,
                               .tenant = "tenant",
                               .resource = "https://vault.azure.net"};
  const entra_call call = {.deadline = ekm_deadline_in(&clock_of_test.base, 10000)};
  const entra_certificate_file file = {ID, path, &secret, NULL};
  bool ok = ekm_secret_set(&secret, ekm_view_text(password), err) &&
            ekm_log_open_sink(take_line, NULL, EKM_LOG_WARN, &clock_of_test.base, &log, err);
  const entra_certificate_options options = {&script->base, &clock_of_test.base, fake_rng_static(), log};
  ok = ok && entra_certificate_new(&options, &file, &source, err) &&
       entra_source_fetch(source, &target, &call, &token, err);
  if (ok) assert_true(ekm_view_equal(ekm_secret_reveal(entra_token_secret(token)), ekm_view_text("tok")));
  entra_token_unref(&token);
  entra_source_free(&source);
  ekm_log_close(&log);
  ekm_secret_clear(&secret);
  return ok;
}

/* One sign-in; the error, if any. */
static ekm_err fetch(const char *password) {
  static const scripted_step steps[] = {GOOD_STEP};
  scripted_http script;
  ekm_err err = {0};
  SCRIPT(&script, steps);
  if (fetch_with(&script, password, &err)) {
    assert_string_equal(scripted_http_complaint(&script), "");
  } else {
    assert_int_equal(script.at, 0); /* nothing was sent */
  }
  assert_null(strstr(err.detail, PASSWORD));
  assert_null(strstr(lines, PASSWORD));
  return err;
}

static void fails(const char *password, ekm_err_id id, const char *words) {
  ekm_err err = fetch(password);
  if (err.id != id || strstr(err.detail, words) == NULL) {
    fail_msg("%s: %s, expected '%s'", ekm_err_info_of(err.id)->name, err.detail, words);
  }
  assert_non_null(strstr(err.detail, path));
}

/* CLAIMS is what Python's base64url makes of them, at the time of the fake clock; jti is the fake rng's. */
static void the_assertion_is_as_entra_wants_it(void **state) {
  static const scripted_step steps[] = {{"POST", URL, FORM HEADER "." CLAIMS ".", NULL, GOOD}};
  scripted_http script;
  ekm_err err = {0};
  (void)state;
  put("pkcs8.pem");
  SCRIPT(&script, steps);
  bool ok = fetch_with(&script, "", &err);
  assert_string_equal(scripted_http_complaint(&script), "");
  assert_true(ok);
  assert_string_equal(lines, "");
}

static void the_file_is_read_each_time(void **state) {
  (void)state;
  put("pkcs8.pem");
  assert_int_equal(fetch("").id, EKM_E_OK);
  put("aes.pfx");
  fails("", EKM_E_CERT_PASSWORD, "none is given");
  assert_int_equal(fetch(PASSWORD).id, EKM_E_OK);
  put("ec.pem");
  fails(PASSWORD, EKM_E_CERT_FILE, "not RSA");
  put("no-key.pfx");
  fails(PASSWORD, EKM_E_CERT_NO_KEY, "none in it");
  put("rc2.pfx");
  assert_int_equal(fetch(PASSWORD).id, EKM_E_OK);
  assert_int_equal(unlink(path), 0);
  fails(PASSWORD, EKM_E_FILE_READ, "No such file");
}

static void nobody_else_may_read_the_file(void **state) {
  static const mode_t modes[] = {0640, 0604, 0620, 0602};
  (void)state;
  put("pkcs8.pem");
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    assert_int_equal(chmod(path, modes[i]), 0);
    fails("", EKM_E_FILE_READ, "chmod 600");
  }
  assert_int_equal(chmod(path, 0400), 0);
  assert_int_equal(fetch("").id, EKM_E_OK);
}

/* Reading a pipe would wait for a writer for ever. */
static void what_is_no_file_is_not_waited_for(void **state) {
  (void)state;
  assert_int_equal(mkfifo(path, 0600), 0);
  fails("", EKM_E_FILE_READ, "not an ordinary file");
  assert_int_equal(unlink(path), 0);
  assert_int_equal(mkdir(path, 0700), 0);
  fails("", EKM_E_FILE_READ, "is a folder");
  assert_int_equal(rmdir(path), 0);
}

static void dates_are_looked_at_before_anything_is_sent(void **state) {
  (void)state;
  put("pkcs8.pem");
  clock_of_test.wall_s = NOT_AFTER;
  fails("", EKM_E_CERT_EXPIRED, "it was valid until 2036-11-01T00:00:00Z");
  clock_of_test.wall_s = NOT_BEFORE - 1;
  fails("", EKM_E_CERT_EXPIRED, "it is valid from 2026-11-01T00:00:00Z");
}

static void the_end_is_announced_for_a_month(void **state) {
  static const char *const last[] = {"\"level\":\"warn\"", "\"event\":\"entra.certificate_expiry\"", "\"" ID "\"",
                                     "\"expires\":\"2036-11-01T00:00:00Z\"", "\"days_left\":29"};
  (void)state;
  put("pkcs8.pem");
  scripted_http script;
  static const scripted_step steps[] = {{"POST", URL, FORM, NULL, GOOD}};
  for (int64_t left_s = 30 * DAY_S + 1; left_s >= 30 * DAY_S; left_s--) {
    ekm_err err = {0};
    clock_of_test.wall_s = NOT_AFTER - left_s;
    SCRIPT(&script, steps);
    assert_true(fetch_with(&script, "", &err));
    if (left_s > 30 * DAY_S) assert_string_equal(lines, "");
  }
  for (size_t i = 0; i < sizeof last / sizeof last[0]; i++) {
    if (strstr(lines, last[i]) == NULL) fail_msg("%s is not in %s", last[i], lines);
  }
  assert_ptr_equal(strchr(lines, '\n'), lines + strlen(lines) - 1); /* one line */
}

static void a_certificate_that_entra_does_not_know_is_refused(void **state) {
  static const scripted_step steps[] = {
      {"POST", URL, FORM, NULL, .status = 401,
       .answer = "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS700027: no\",\"error_codes\":[700027]}"}};
  scripted_http script;
  ekm_err err = {0};
  (void)state;
  put("pkcs8.pem");
  SCRIPT(&script, steps);
  assert_false(fetch_with(&script, "", &err));
  assert_int_equal(err.id, EKM_E_TOKEN_REFUSED);
  assert_non_null(strstr(err.detail, "AADSTS700027"));
}

static void equal_certificates_are_told_from_others(void **state) {
  static const struct {
    const char *client_id, *path, *password, *entry;
    bool expected;
  } rows[] = {
      {ID, "/a.pfx", "one", NULL, true},
      {"01234567-89AB-cdef-0123-456789abcdef", "/a.pfx", "one", NULL, true},
      {"11234567-89ab-cdef-0123-456789abcdef", "/a.pfx", "one", NULL, false},
      {ID, "/b.pfx", "one", NULL, false},
      {ID, "/A.pfx", "one", NULL, false},
      {ID, "/a.pfx", "two", NULL, false},
      {ID, "/a.pfx", "", NULL, false},
      {ID, "/a.pfx", "one", ENTRY, false},
  };
  entra_source *source = NULL;
  ekm_err err = {0};
  const entra_certificate_options options = {0};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_secret password = {0};
    assert_true(ekm_secret_set(&password, ekm_view_text(rows[i].password), &err));
    const entra_certificate_file file = {rows[i].client_id, rows[i].path, &password, rows[i].entry};
    if (i == 0) assert_true(entra_certificate_new(&options, &file, &source, &err));
    if (entra_certificate_is(source, &file) != rows[i].expected) fail_msg("row %zu", i);
    ekm_secret_clear(&password);
  }
  entra_source_free(&source);
}

static void equal_entries_are_told_from_others(void **state) {
  static const struct {
    const char *path, *entry;
    bool expected;
  } rows[] = {{"", ENTRY, true}, {"", OTHER_ENTRY, false}, {"", NULL, false}, {"/a.pfx", ENTRY, false}};
  entra_source *source = NULL;
  ekm_err err = {0};
  ekm_secret password = {0};
  const entra_certificate_options options = {0};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const entra_certificate_file file = {ID, rows[i].path, &password, rows[i].entry};
    if (i == 0) assert_true(entra_certificate_new(&options, &file, &source, &err));
    if (entra_certificate_is(source, &file) != rows[i].expected) fail_msg("row %zu", i);
  }
  entra_source_free(&source);
}

/* Its own error, and the sign-in service is not asked: the script has no step. */
static void an_entry_is_for_windows(void **state) {
  scripted_http script;
  entra_token *token = NULL;
  entra_source *source = NULL;
  ekm_err err = {0};
  ekm_secret password = {0};
  const entra_target target = {0};
  const entra_call call = {.deadline = ekm_deadline_in(&clock_of_test.base, 10000)};
  const entra_certificate_file file = {ID, "", &password, ENTRY};
  (void)state;
  scripted_http_init(&script, NULL, 0);
  const entra_certificate_options options = {&script.base, &clock_of_test.base, fake_rng_static(), NULL};
  assert_true(entra_certificate_new(&options, &file, &source, &err));
  assert_false(entra_source_fetch(source, &target, &call, &token, &err));
  assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
  assert_non_null(strstr(err.detail, "'" ENTRY "': there are no certificate stores but on Windows"));
  entra_source_free(&source);
}

static void memory_that_runs_out_is_said(void **state) {
  static const scripted_step steps[] = {{"POST", URL, FORM, NULL, GOOD}};
  scripted_http script;
  memory_gate gate = {0};
  (void)state;
  put("pkcs8.pem");
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_err err = {0};
    SCRIPT(&script, steps);
    bool ok = fetch_with(&script, "", &err);
    memory_gate_check(&gate, ok, &err);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_assertion_is_as_entra_wants_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_file_is_read_each_time, set_up, tear_down),
      cmocka_unit_test_setup_teardown(nobody_else_may_read_the_file, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_no_file_is_not_waited_for, set_up, tear_down),
      cmocka_unit_test_setup_teardown(dates_are_looked_at_before_anything_is_sent, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_end_is_announced_for_a_month, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_certificate_that_entra_does_not_know_is_refused, set_up, tear_down),
      cmocka_unit_test(equal_certificates_are_told_from_others),
      cmocka_unit_test(equal_entries_are_told_from_others),
      cmocka_unit_test_setup_teardown(an_entry_is_for_windows, set_up, tear_down),
      cmocka_unit_test_setup_teardown(memory_that_runs_out_is_said, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
