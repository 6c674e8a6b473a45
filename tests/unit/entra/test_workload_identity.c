/* Workload identities: what is sent, and what is said where something is missing. */
#include "entra/workload_identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/memory_gate.h"
#include "support/scripted_http.h"

#define ID "01234567-89ab-cdef-0123-456789abcdef"
#define OTHER_ID "11234567-89ab-cdef-0123-456789abcdef"
#define URL "https://login.microsoftonline.com/tenant/oauth2/v2.0/token"
#define FORM(id, assertion)                                                                 \
  "client_id=" id                                                                           \
  "&scope=https%3A%2F%2Fvault.azure.net%2F.default&grant_type=client_credentials"           \
  "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer" \
  "&client_assertion=" assertion
#define GOOD .status = 200, .answer = "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"tok\"}"

static char folder[64], path[96];
static const char *client_id_variable, *file_variable;

static const char *get(const ekm_env *self, const char *name) {
  (void)self;
  if (strcmp(name, "AZURE_CLIENT_ID") == 0) return client_id_variable;
  return strcmp(name, "AZURE_FEDERATED_TOKEN_FILE") == 0 ? file_variable : NULL;
}

static const ekm_env env = {get};
static fake_clock clock_of_test;

static int set_up(void **state) {
  (void)state;
  fake_clock_init(&clock_of_test);
  client_id_variable = NULL;
  (void)snprintf(folder, sizeof folder, "%s/openekm-workload-XXXXXX", P_tmpdir);
  assert_non_null(mkdtemp(folder));
  (void)snprintf(path, sizeof path, "%s/token", folder);
  file_variable = path;
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  (void)unlink(path);
  return rmdir(folder);
}

static void put(const char *assertion) {
  ekm_err err = {0};
  assert_true(ekm_file_write_private(path, ekm_view_text(assertion), &err));
}

static bool fetch_with(scripted_http *script, const char *client_id, ekm_err *err) {
  entra_source *source = NULL;
  entra_token *token = NULL;
  const entra_target target = {.authority_host = "login.microsoftonline.com",
                               .authority_port = 443,
                               .tenant = "tenant",
                               .resource = "https://vault.azure.net"};
  const entra_call call = {.deadline = ekm_deadline_in(&clock_of_test.base, 10000)};
  bool ok = entra_workload_identity_new(&script->base, &env, client_id, &source, err) &&
            entra_source_fetch(source, &target, &call, &token, err);
  if (ok) assert_true(ekm_view_equal(ekm_secret_reveal(entra_token_secret(token)), ekm_view_text("tok")));
  entra_token_unref(&token);
  entra_source_free(&source);
  return ok;
}

static ekm_err_id fetch(scripted_http *script, const char *client_id) {
  ekm_err err = {0};
  (void)fetch_with(script, client_id, &err);
  assert_string_equal(scripted_http_complaint(script), "");
  assert_null(strstr(err.detail, "first"));
  return err.id;
}

static void the_file_is_read_each_time(void **state) {
  static const scripted_step steps[] = {{"POST", URL, FORM(ID, "first"), NULL, GOOD},
                                        {"POST", URL, FORM(ID, "second"), NULL, GOOD}};
  scripted_http script;
  (void)state;
  SCRIPT(&script, steps);
  script.step_count = 1;
  put("first\r\n");
  assert_int_equal(fetch(&script, ID), EKM_E_OK);
  script.step_count = 2;
  put("second");
  client_id_variable = OTHER_ID; /* the credential's own comes first */
  assert_int_equal(fetch(&script, ID), EKM_E_OK);
}

static void the_environment_may_say_whose(void **state) {
  static const scripted_step steps[] = {{"POST", URL, FORM(OTHER_ID, "first"), NULL, GOOD}};
  scripted_http script;
  (void)state;
  SCRIPT(&script, steps);
  put("first");
  client_id_variable = OTHER_ID;
  assert_int_equal(fetch(&script, ""), EKM_E_OK);
}

static void what_is_missing_is_said(void **state) {
  scripted_http script;
  (void)state;
  scripted_http_init(&script, NULL, 0);
  put("first");
  assert_int_equal(fetch(&script, ""), EKM_E_SECRET_CLIENT_ID);
  put("\n");
  assert_int_equal(fetch(&script, ID), EKM_E_FILE_READ);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(fetch(&script, ID), EKM_E_FILE_READ);
  file_variable = "relative";
  assert_int_equal(fetch(&script, ID), EKM_E_FILE_READ);
  file_variable = NULL;
  assert_int_equal(fetch(&script, ID), EKM_E_FILE_READ);
}

/* Refused for good, and the assertion that the answer repeats is not in the error. */
static void a_refusal_is_one(void **state) {
  static const scripted_step steps[] = {
      {"POST", URL, FORM(ID, "first"), NULL, .status = 401,
       .answer =
           "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS700213: first\",\"error_codes\":[700213]}"}};
  scripted_http script;
  (void)state;
  SCRIPT(&script, steps);
  put("first");
  assert_int_equal(fetch(&script, ID), EKM_E_TOKEN_REFUSED);
}

static void memory_that_runs_out_is_said(void **state) {
  static const scripted_step steps[] = {{"POST", URL, FORM(ID, "first"), NULL, GOOD}};
  scripted_http script;
  memory_gate gate = {0};
  (void)state;
  put("first");
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_err err = {0};
    SCRIPT(&script, steps);
    bool ok = fetch_with(&script, ID, &err);
    memory_gate_check(&gate, ok, &err);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_file_is_read_each_time, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_environment_may_say_whose, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_missing_is_said, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_refusal_is_one, set_up, tear_down),
      cmocka_unit_test_setup_teardown(memory_that_runs_out_is_said, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
