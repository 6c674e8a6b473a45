/* Managed identities: who is asked for which, what is sent, and what the answers mean. */
#include "entra/managed_identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/memory_gate.h"
#include "support/scripted_http.h"

#define ID "01234567-89ab-cdef-0123-456789abcdef"
#define RESOURCE "https%3A%2F%2Fvault.azure.net"
#define IMDS "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" RESOURCE
#define ARC "http://localhost:40342/metadata/identity/oauth2/token?api-version=2020-06-01&resource=" RESOURCE
#define TOKEN_ANSWER \
  "{\"access_token\":\"tok\",\"expires_in\":\"86399\",\"expires_on\":\"1\",\"token_type\":\"Bearer\"}"
#define METADATA .fields = {"Metadata: true"}

/* An environment of a few names. */
typedef struct few {
  ekm_env base;
  const char *const *pairs; /* name, value, ..., NULL */
} few;

static const char *few_get(const ekm_env *self, const char *name) {
  const few *env = (const few *)self;
  for (const char *const *at = env->pairs; at[0] != NULL; at += 2) {
    if (strcmp(at[0], name) == 0) return at[1];
  }
  return NULL;
}

static const char *const nothing[] = {NULL};

typedef struct fixture {
  fake_clock clock;
  scripted_http script;
  few env;
  char folder[64];
  char agent[80]; /* of Arc; a test makes it or not, whatever this machine has */
  ekm_err err;
} fixture;

static int set_up(void **state) {
  fixture *f = test_calloc(1, sizeof *f);
  fake_clock_init(&f->clock);
  f->env = (few){{few_get}, nothing};
  (void)snprintf(f->folder, sizeof f->folder, "%s/openekm-arc-XXXXXX", P_tmpdir);
  assert_non_null(mkdtemp(f->folder));
  (void)snprintf(f->agent, sizeof f->agent, "%s/himds", f->folder);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  char path[128];
  (void)snprintf(path, sizeof path, "%s/a.key", f->folder);
  (void)unlink(path);
  (void)unlink(f->agent);
  assert_int_equal(rmdir(f->folder), 0);
  test_free(f);
  return 0;
}

static entra_managed_identity_options options_of(fixture *f, const char *client_id) {
  return (entra_managed_identity_options){.http = &f->script.base,
                                          .clock = &f->clock.base,
                                          .env = &f->env.base,
                                          .client_id = client_id,
                                          .arc_agent = f->agent,
                                          .arc_folder = f->folder};
}

/* One fetch; the token's text or "". */
static ekm_err_id fetch(fixture *f, const char *client_id, int64_t *out_lifetime_s) {
  entra_source *source = NULL;
  entra_token *token = NULL;
  entra_target target = {.authority_host = "login.microsoftonline.com", .resource = "https://vault.azure.net"};
  const entra_call call = {.deadline = ekm_deadline_in(&f->clock.base, 10000)};
  const entra_managed_identity_options options = options_of(f, client_id);
  ekm_err_clear(&f->err);
  assert_true(entra_managed_identity_new(&options, &source, &f->err));
  bool ok = entra_source_fetch(source, &target, &call, &token, &f->err);
  if (ok) assert_true(ekm_view_equal(ekm_secret_reveal(entra_token_secret(token)), ekm_view_text("tok")));
  if (ok && out_lifetime_s != NULL) *out_lifetime_s = entra_token_lifetime_s(token);
  entra_token_unref(&token);
  entra_source_free(&source);
  assert_string_equal(scripted_http_complaint(&f->script), "");
  return ok ? EKM_E_OK : f->err.id;
}

static void a_virtual_machine_asks_its_metadata_service(void **state) {
  static const scripted_step steps[] = {
      {"GET", IMDS, NULL, NULL, METADATA, .status = 200, .answer = TOKEN_ANSWER},
      {"GET", IMDS "&client_id=" ID, NULL, NULL, METADATA, .status = 200, .answer = TOKEN_ANSWER}};
  fixture *f = *state;
  int64_t lifetime_s = 0;
  SCRIPT(&f->script, steps);
  f->script.step_count = 1;
  assert_int_equal(fetch(f, "", &lifetime_s), EKM_E_OK);
  assert_int_equal(lifetime_s, 86399);
  f->script.step_count = 2;
  assert_int_equal(fetch(f, ID, NULL), EKM_E_OK);
}

static void another_metadata_service_can_be_named(void **state) {
  static const char *const pairs[] = {"AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:4711/", NULL};
  static const scripted_step steps[] = {
      {"GET", "http://127.0.0.1:4711/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" RESOURCE, NULL,
       NULL, METADATA, .status = 200, .answer = TOKEN_ANSWER}};
  fixture *f = *state;
  f->env.pairs = pairs;
  SCRIPT(&f->script, steps);
  assert_int_equal(fetch(f, "", NULL), EKM_E_OK);
  assert_true(f->script.saw_metadata);
}

static void an_app_service_has_a_header(void **state) {
  static const char *const pairs[] = {"IDENTITY_ENDPOINT", "http://127.0.0.1:41/msi/token", "IDENTITY_HEADER", "proof",
                                      NULL};
  static const scripted_step steps[] = {
      {"GET", "http://127.0.0.1:41/msi/token?api-version=2019-08-01&resource=" RESOURCE "&client_id=" ID, NULL, NULL,
       .fields = {"X-IDENTITY-HEADER: proof"}, .status = 200,
       .answer = "{\"access_token\":\"tok\",\"expires_on\":\"1795507260\"}"}};
  fixture *f = *state;
  int64_t lifetime_s = 0;
  f->env.pairs = pairs;
  f->clock.wall_s = 1795507200;
  SCRIPT(&f->script, steps);
  assert_int_equal(fetch(f, ID, &lifetime_s), EKM_E_OK);
  assert_int_equal(lifetime_s, 60);
}

static const char *const arc_pairs[] = {"IDENTITY_ENDPOINT", "http://localhost:40342/metadata/identity/oauth2/token",
                                        "IMDS_ENDPOINT", "http://localhost:40342", NULL};

static void arc_wants_what_is_in_its_file(void **state) {
  fixture *f = *state;
  char path[128], challenge[160];
  (void)snprintf(path, sizeof path, "%s/a.key", f->folder);
  (void)snprintf(challenge, sizeof challenge, "Basic realm=%s", path);
  assert_true(ekm_file_write_private(path, ekm_view_text("file-proof"), &f->err));
  const scripted_step steps[] = {
      {"GET", ARC, NULL, NULL, METADATA, .status = 401, .answer = "", .challenge = challenge},
      {"GET", ARC, NULL, NULL, .fields = {"Metadata: true", "Authorization: Basic file-proof"}, .status = 200,
       .answer = TOKEN_ANSWER}};
  f->env.pairs = arc_pairs;
  SCRIPT(&f->script, steps);
  assert_int_equal(fetch(f, "", NULL), EKM_E_OK);
  scripted_http_init(&f->script, NULL, 0);
  assert_int_equal(fetch(f, ID, NULL), EKM_E_NOT_SUPPORTED);
}

/* Where a service has none of Arc's variables, its agent is known by being there; a named service comes before it. */
static void an_agent_that_is_there_is_asked(void **state) {
  static const char *const pod[] = {"AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:4711", NULL};
  static const scripted_step arc[] = {{"GET", ARC, NULL, NULL, METADATA, .status = 200, .answer = TOKEN_ANSWER}};
  static const scripted_step named[] = {
      {"GET", "http://127.0.0.1:4711/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" RESOURCE, NULL,
       NULL, METADATA, .status = 200, .answer = TOKEN_ANSWER}};
  fixture *f = *state;
  assert_true(ekm_file_write_private(f->agent, ekm_view_text(""), &f->err));
  SCRIPT(&f->script, arc);
  assert_int_equal(fetch(f, "", NULL), EKM_E_OK);
  f->env.pairs = pod;
  SCRIPT(&f->script, named);
  assert_int_equal(fetch(f, "", NULL), EKM_E_OK);
}

/* Whoever answers in the agent's place must not be told what is in other files. */
static void arc_reads_no_other_files(void **state) {
  static const char *const realms[] = {
      "Basic realm=/etc/passwd", "Basic realm=%s/../a.key", "Basic realm=%s/b/a.key", "Basic realm=%s/a.txt",
      "Basic realm=%s",          "Basic realm=%s/.key",     "Basic realm=",           "Basic",
      "Basic realm=%sx/a.key",   "Bearer realm=%s/a.key"};
  fixture *f = *state;
  f->env.pairs = arc_pairs;
  for (size_t i = 0; i < sizeof realms / sizeof realms[0]; i++) {
    char challenge[200] = "";
    const char *place = strstr(realms[i], "%s");
    size_t before = place == NULL ? strlen(realms[i]) : (size_t)(place - realms[i]);
    (void)snprintf(challenge, sizeof challenge, "%.*s%s%s", (int)before, realms[i], place == NULL ? "" : f->folder,
                   place == NULL ? "" : place + 2);
    const scripted_step steps[] = {
        {"GET", ARC, NULL, NULL, METADATA, .status = 401, .answer = "", .challenge = challenge}};
    SCRIPT(&f->script, steps);
    if (fetch(f, "", NULL) != EKM_E_TOKEN_ANSWER) fail_msg("%s: %s", challenge, f->err.detail);
  }
}

static void arc_files_have_a_limit(void **state) {
  fixture *f = *state;
  char path[128], challenge[160];
  ekm_buf content;
  ekm_buf_init(&content, 8192);
  for (int i = 0; i < 4097; i++) ekm_buf_append_char(&content, 'x');
  (void)snprintf(path, sizeof path, "%s/a.key", f->folder);
  (void)snprintf(challenge, sizeof challenge, "Basic realm=%s", path);
  const scripted_step steps[] = {
      {"GET", ARC, NULL, NULL, METADATA, .status = 401, .answer = "", .challenge = challenge}};
  f->env.pairs = arc_pairs;
  assert_true(ekm_file_write_private(path, ekm_buf_view(&content), &f->err));
  SCRIPT(&f->script, steps);
  assert_int_equal(fetch(f, "", NULL), EKM_E_LIMIT);
  assert_true(ekm_file_write_private(path, ekm_view_text("a\r\nX: y"), &f->err)); /* another header behind it */
  SCRIPT(&f->script, steps);
  assert_int_equal(fetch(f, "", NULL), EKM_E_TOKEN_ANSWER);
  ekm_buf_clear(&content);
}

#define FABRIC_SHA1 "0123456789abcdef0123456789ABCDEF01234567"

static void service_fabric_is_asked_by_its_certificate(void **state) {
  static const char *const pairs[] = {"IDENTITY_ENDPOINT",
                                      "https://127.0.0.1:2377/metadata/identity/oauth2/token",
                                      "IDENTITY_HEADER",
                                      "s3cret",
                                      "IDENTITY_SERVER_THUMBPRINT",
                                      FABRIC_SHA1,
                                      NULL};
  static const scripted_step steps[] = {
      {"GET", "https://127.0.0.1:2377/metadata/identity/oauth2/token?api-version=2019-07-01-preview&resource=" RESOURCE,
       NULL, NULL, .fields = {"Secret: s3cret"}, .certificate_sha1 = FABRIC_SHA1, .status = 200,
       .answer = TOKEN_ANSWER}};
  fixture *f = *state;
  f->env.pairs = pairs;
  SCRIPT(&f->script, steps);
  assert_int_equal(fetch(f, "", NULL), EKM_E_OK);
  scripted_http_init(&f->script, NULL, 0);
  assert_int_equal(fetch(f, ID, NULL), EKM_E_NOT_SUPPORTED); /* the manifest chooses */
}

/* Without the right pin the header would go to anybody. */
static void service_fabric_needs_a_whole_thumbprint_and_tls(void **state) {
  static const char *const cases[][7] = {
      {"IDENTITY_ENDPOINT", "https://127.0.0.1/", "IDENTITY_HEADER", "x", "IDENTITY_SERVER_THUMBPRINT", "00", NULL},
      {"IDENTITY_ENDPOINT", "https://127.0.0.1/", "IDENTITY_HEADER", "x", "IDENTITY_SERVER_THUMBPRINT",
       "0123456789abcdef0123456789abcdef0123456g", NULL},
      {"IDENTITY_ENDPOINT", "http://127.0.0.1/", "IDENTITY_HEADER", "x", "IDENTITY_SERVER_THUMBPRINT", FABRIC_SHA1,
       NULL}};
  fixture *f = *state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    f->env.pairs = cases[i];
    scripted_http_init(&f->script, NULL, 0);
    assert_int_equal(fetch(f, "", NULL), EKM_E_CONFIG_VALUE);
  }
}

/* What the environment says is not sent anywhere before it makes sense. */
static void a_broken_environment_is_said(void **state) {
  static const char *const cases[][8] = {
      {"IDENTITY_ENDPOINT", "127.0.0.1:8080/token", "IDENTITY_HEADER", "x", NULL},
      {"IDENTITY_ENDPOINT", "file:///etc/passwd", "IDENTITY_HEADER", "x", NULL},
      {"IDENTITY_ENDPOINT", "http://127.0.0.1/token", "IDENTITY_HEADER", "x\r\nHost: elsewhere", NULL},
      {"IDENTITY_ENDPOINT", "ftp://127.0.0.1/token", "IMDS_ENDPOINT", "x", NULL},
      {"AZURE_POD_IDENTITY_AUTHORITY_HOST", "127.0.0.1", NULL},
  };
  fixture *f = *state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    f->env.pairs = cases[i];
    scripted_http_init(&f->script, NULL, 0);
    if (fetch(f, "", NULL) != EKM_E_CONFIG_VALUE) fail_msg("%zu: %s", i, f->err.detail);
  }
}

static void answers_have_their_meaning(void **state) {
  static const char *const pairs[] = {"AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1", NULL};
  static const struct {
    int status;
    const char *answer;
    ekm_err_id expected;
  } cases[] = {
      {400, "{\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}", EKM_E_TOKEN_REFUSED},
      {400,
       "{\"statusCode\":400,\"message\":\"No User Assigned or Delegated Managed Identity found for specified "
       "ClientId/ResourceId/PrincipalId.\"}",
       EKM_E_TOKEN_REFUSED},
      {400, "{\"error\":\"invalid_resource\",\"error_description\":\"AADSTS500011: no such resource\"}",
       EKM_E_TOKEN_FAILED},          /* about something else */
      {400, "", EKM_E_TOKEN_FAILED}, /* a proxy's, or a portal's */
      {400, "<html>identity not found</html>", EKM_E_TOKEN_FAILED},
      {403, "", EKM_E_TOKEN_FAILED},
      {404, "", EKM_E_TOKEN_FAILED},
      {429, "", EKM_E_TOKEN_FAILED},
      {500, "x", EKM_E_TOKEN_FAILED},
      {200, "", EKM_E_TOKEN_ANSWER},
      {200, "{}", EKM_E_TOKEN_ANSWER},
      {200, "{\"access_token\":\"tok\"}", EKM_E_TOKEN_ANSWER},
      {200, "{\"access_token\":\"tok\",\"expires_in\":\"-1\"}", EKM_E_TOKEN_ANSWER},
      {200, "{\"access_token\":\"tok\",\"expires_in\":\"soon\"}", EKM_E_TOKEN_ANSWER},
      {200, "{\"access_token\":\"tok\",\"expires_in\":\"0\",\"expires_on\":\"-9223372036854775808\"}",
       EKM_E_TOKEN_ANSWER},
      {200, "{\"access_token\":\"tok\",\"expires_in\":-9223372036854775808,\"expires_on\":-9223372036854775807}",
       EKM_E_TOKEN_ANSWER},
      {200, "{\"access_token\":\"tok\",\"expires_in\":60,\"refresh_in\":\"9223372036854775807\"}", EKM_E_OK},
      {200, "{\"access_token\":\"tok\",\"expires_in\":60}", EKM_E_OK},
      {200, "{\"access_token\":\"tok\",\"expires_in\":\"99999999999999\"}", EKM_E_OK}};
  fixture *f = *state;
  f->env.pairs = pairs;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const scripted_step steps[] = {
        {"GET", "http://127.0.0.1/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" RESOURCE, NULL, NULL,
         METADATA, .status = cases[i].status, .answer = cases[i].answer}};
    SCRIPT(&f->script, steps);
    if (fetch(f, "", NULL) != cases[i].expected) fail_msg("%zu: %s", i, f->err.detail);
  }
}

/* Fail each allocation of one way to a token, which ends with ${expected} if none fails. */
static void without_memory(fixture *f, const char *const *pairs, const scripted_step *steps, size_t count,
                           ekm_err_id expected) {
  memory_gate gate = {0};
  f->env.pairs = pairs;
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    entra_source *source = NULL;
    entra_token *token = NULL;
    ekm_err err = {0};
    entra_target target = {.resource = "https://vault.azure.net"};
    const entra_call call = {.deadline = ekm_deadline_in(&f->clock.base, 10000)};
    const entra_managed_identity_options options = options_of(f, "");
    scripted_http_init(&f->script, steps, count);
    bool ok =
        entra_managed_identity_new(&options, &source, &err) && entra_source_fetch(source, &target, &call, &token, &err);
    assert_int_equal(ok, token != NULL);
    memory_gate_check(&gate, ok || (expected != EKM_E_OK && err.id == expected), &err);
    entra_token_unref(&token);
    entra_source_free(&source);
  }
}

static void memory_that_runs_out_is_said(void **state) {
  static const char *const imds_pairs[] = {"AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1", NULL};
#define ASK_IMDS "GET", "http://127.0.0.1/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" RESOURCE
  fixture *f = *state;
  char path[128], challenge[160];
  (void)snprintf(path, sizeof path, "%s/a.key", f->folder);
  (void)snprintf(challenge, sizeof challenge, "Basic realm=%s", path);
  assert_true(ekm_file_write_private(path, ekm_view_text("file-proof"), &f->err));
  const scripted_step given[] = {{ASK_IMDS, NULL, NULL, METADATA, .status = 200, .answer = TOKEN_ANSWER}};
  const scripted_step refused[] = {
      {ASK_IMDS, NULL, NULL, METADATA, .status = 400,
       .answer = "{\"error\":\"invalid_request\",\"error_description\":\"Identity not found \\u0022at all\\u0022\"}"}};
  const scripted_step failed[] = {{ASK_IMDS, NULL, NULL, METADATA, .fails = EKM_E_HTTP_RECEIVE}};
  const scripted_step by_file[] = {
      {"GET", ARC, NULL, NULL, METADATA, .status = 401, .answer = "", .challenge = challenge},
      {"GET", ARC, NULL, NULL, .fields = {"Metadata: true", "Authorization: Basic file-proof"}, .status = 200,
       .answer = TOKEN_ANSWER}};
  without_memory(f, imds_pairs, given, 1, EKM_E_OK);
  without_memory(f, imds_pairs, refused, 1, EKM_E_TOKEN_REFUSED);
  without_memory(f, imds_pairs, failed, 1, EKM_E_HTTP_RECEIVE);
  without_memory(f, arc_pairs, by_file, 2, EKM_E_OK);
}

/* Whoever answers in the agent's place must not make the engine wait for a pipe that nobody writes to. */
static void arc_waits_for_no_pipe(void **state) {
  fixture *f = *state;
  char path[128], challenge[160];
  (void)snprintf(path, sizeof path, "%s/a.key", f->folder);
  (void)snprintf(challenge, sizeof challenge, "Basic realm=%s", path);
  assert_int_equal(mkfifo(path, 0600), 0);
  const scripted_step steps[] = {
      {"GET", ARC, NULL, NULL, METADATA, .status = 401, .answer = "", .challenge = challenge}};
  f->env.pairs = arc_pairs;
  SCRIPT(&f->script, steps);
  assert_int_equal(fetch(f, "", NULL), EKM_E_FILE_READ);
}

/* A second 401 is the end: a loop of challenges is walked once. */
static void arc_is_asked_twice_at_most(void **state) {
  fixture *f = *state;
  char path[128], challenge[160];
  (void)snprintf(path, sizeof path, "%s/a.key", f->folder);
  (void)snprintf(challenge, sizeof challenge, "Basic realm=%s", path);
  assert_true(ekm_file_write_private(path, ekm_view_text("file-proof"), &f->err));
  const scripted_step steps[] = {
      {"GET", ARC, NULL, NULL, METADATA, .status = 401, .answer = "", .challenge = challenge},
      {"GET", ARC, NULL, NULL, .fields = {"Metadata: true", "Authorization: Basic file-proof"}, .status = 401,
       .answer = "", .challenge = challenge}};
  f->env.pairs = arc_pairs;
  SCRIPT(&f->script, steps);
  assert_int_equal(fetch(f, "", NULL), EKM_E_TOKEN_FAILED);
  assert_string_equal(scripted_http_complaint(&f->script), "");
}

/* Errors go to logs, also those that somebody words who was told a secret. */
static void repeated_secrets_are_for_no_log(void **state) {
  static const char *const pairs[] = {"IDENTITY_ENDPOINT", "http://127.0.0.1:41/token", "IDENTITY_HEADER",
                                      "a-header-that-is-a-secret", NULL};
  static const scripted_step app_steps[] = {
      {"GET", "http://127.0.0.1:41/token?api-version=2019-08-01&resource=" RESOURCE, NULL, NULL,
       .fields = {"X-IDENTITY-HEADER: a-header-that-is-a-secret"}, .status = 400,
       .answer = "{\"message\":\"No Managed Identity found for a-header-that-is-a-secret\"}"}};
  fixture *f = *state;
  char path[128], challenge[160];
  (void)snprintf(path, sizeof path, "%s/a.key", f->folder);
  (void)snprintf(challenge, sizeof challenge, "Basic realm=%s", path);
  assert_true(ekm_file_write_private(path, ekm_view_text("a-proof-that-is-a-secret"), &f->err));
  const scripted_step arc_steps[] = {
      {"GET", ARC, NULL, NULL, METADATA, .status = 401, .answer = "", .challenge = challenge},
      {"GET", ARC, NULL, NULL, .fields = {"Metadata: true", "Authorization: Basic a-proof-that-is-a-secret"},
       .status = 403, .answer = "{\"error\":\"not with 'a-proof-that-is-a-secret'\"}"}};
  f->env.pairs = pairs;
  SCRIPT(&f->script, app_steps);
  assert_int_equal(fetch(f, "", NULL), EKM_E_TOKEN_REFUSED);
  assert_null(strstr(f->err.detail, "-secret"));
  f->env.pairs = arc_pairs;
  SCRIPT(&f->script, arc_steps);
  assert_int_equal(fetch(f, "", NULL), EKM_E_TOKEN_FAILED);
  assert_null(strstr(f->err.detail, "-secret"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_virtual_machine_asks_its_metadata_service, set_up, tear_down),
      cmocka_unit_test_setup_teardown(another_metadata_service_can_be_named, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_app_service_has_a_header, set_up, tear_down),
      cmocka_unit_test_setup_teardown(arc_wants_what_is_in_its_file, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_agent_that_is_there_is_asked, set_up, tear_down),
      cmocka_unit_test_setup_teardown(arc_reads_no_other_files, set_up, tear_down),
      cmocka_unit_test_setup_teardown(arc_files_have_a_limit, set_up, tear_down),
      cmocka_unit_test_setup_teardown(service_fabric_is_asked_by_its_certificate, set_up, tear_down),
      cmocka_unit_test_setup_teardown(service_fabric_needs_a_whole_thumbprint_and_tls, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_broken_environment_is_said, set_up, tear_down),
      cmocka_unit_test_setup_teardown(answers_have_their_meaning, set_up, tear_down),
      cmocka_unit_test_setup_teardown(memory_that_runs_out_is_said, set_up, tear_down),
      cmocka_unit_test_setup_teardown(arc_waits_for_no_pipe, set_up, tear_down),
      cmocka_unit_test_setup_teardown(arc_is_asked_twice_at_most, set_up, tear_down),
      cmocka_unit_test_setup_teardown(repeated_secrets_are_for_no_log, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
