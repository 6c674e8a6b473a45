/* Managed identities that are none: what each place of Azure would answer. */
#include "vault/fake_identity.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "support/cmocka_all.h"
#include "support/memory_gate.h"
#include "support/store_fixture.h"
#include "vault/fake_arc.h"
#include "vault/jwt.h"
#include "vault/store_manage.h"

#define TOKEN_PATH "/metadata/identity/oauth2/token"
#define RESOURCE "https://vault.localhost"
#define HEADER "853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a"
#define NOBODY "00000000-0000-4000-8000-00000000dead"

typedef struct fixture {
  store_fixture *store;
  fake_identity *full;  /* all three places */
  fake_identity *plain; /* IMDS only */
  char object_id[VAULT_GUID_CHARS + 1], arc_folder[512];
} fixture;

static int set_up(void **state) {
  static fixture f;
  void *store = NULL;
  ekm_err err = {0};
  const vault_directory *dir = NULL;
  *state = &f;
  if (store_fixture_set_up(&store) != 0) return -1;
  f.store = store;
  (void)snprintf(f.arc_folder, sizeof f.arc_folder, "%s", store_fixture_path(f.store, "arc"));
  fake_identity_options options = {
      .store = f.store->store, .crypto = f.store->crypto, .clock = &f.store->clock.base, .client_id = f.store->app_a};
  if (!fake_identity_new(&options, &f.plain, &err)) return -1;
  options.header = ekm_view_text(HEADER);
  options.arc_folder = f.arc_folder;
  if (!fake_identity_new(&options, &f.full, &err) || !vault_store_directory(f.store->store, &dir, &err)) return -1;
  (void)snprintf(f.object_id, sizeof f.object_id, "%s", vault_directory_app(dir, f.store->app_a)->object_id);
  vault_directory_release(&dir);
  return 0;
}

static size_t files(const fixture *f) {
  size_t count = 0;
  const struct dirent *entry;
  DIR *dir = opendir(f->arc_folder);
  assert_non_null(dir);
  while ((entry = readdir(dir)) != NULL) count += entry->d_name[0] != '.';
  (void)closedir(dir);
  return count;
}

static int tear_down(void **state) {
  fixture *f = *state;
  void *store = f->store;
  fake_identity_free(&f->plain);
  fake_identity_free(&f->full);
  if (files(f) != 0 || remove(f->arc_folder) != 0) return -1; /* the identity takes its files along */
  return store_fixture_tear_down(&store);
}

/* What a good request to IMDS has, where a test says nothing else; "-" is absent. */
static fake_request filled(const fake_request *given) {
  fake_request r = *given;
  if (r.method == NULL) r.method = "GET";
  if (r.path == NULL) r.path = TOKEN_PATH;
  if (r.metadata == NULL) r.metadata = "true";
  if (r.api_version == NULL) r.api_version = "2018-02-01";
  if (r.resource == NULL) r.resource = RESOURCE;
  const char **const members[] = {&r.metadata, &r.api_version, &r.resource};
  for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
    if (strcmp(*members[i], "-") == 0) *members[i] = NULL;
  }
  return r;
}

static json_t *ask(fake_identity *identity, const fake_request *given, fake_answer *answer) {
  json_t *doc = NULL;
  ekm_err err = {0};
  const fake_request request = filled(given);
  fake_answer_init(answer);
  fake_identity_answer(identity, &request, answer);
  assert_true(ekm_json_parse(ekm_buf_view(&answer->body), &doc, &err));
  return doc;
}

/* The status; and, of an error, what it says. */
static int status_of(fake_identity *identity, const fake_request *given, const char *says) {
  fake_answer answer;
  json_t *doc = ask(identity, given, &answer);
  const char *text = ekm_json_text(doc, "error_description");
  if (text == NULL) text = ekm_json_text(doc, "message");
  if (says != NULL && (text == NULL || strstr(text, says) == NULL)) {
    fail_msg("%s instead of %s", ekm_buf_text(&answer.body), says);
  }
  assert_int_equal(ekm_json_text(doc, "access_token") != NULL, answer.status == 200);
  ekm_json_free(&doc);
  fake_answer_clear(&answer);
  return answer.status;
}

static void check_token(const fixture *f, const json_t *doc) {
  const store_fixture *s = f->store;
  const vault_jwt_signer signer = {s->crypto, vault_store_signer(s->store), vault_store_signer_kid(s->store)};
  vault_claims claims;
  vault_jwt_verdict verdict;
  ekm_err err = {0};
  ekm_view token = ekm_view_text(ekm_json_text(doc, "access_token"));
  assert_true(vault_jwt_check(&signer, token, s->clock.wall_s, &claims, &verdict, &err));
  assert_int_equal(verdict, VAULT_JWT_GOOD);
  assert_string_equal(claims.audience, RESOURCE);
  assert_string_equal(claims.app_id, s->app_a);
  assert_int_equal(claims.expires, s->clock.wall_s + 86400);
}

static void imds_answers_in_texts(void **state) {
  fixture *f = *state;
  fake_answer answer;
  char expires[24];
  json_t *doc = ask(f->plain, &(fake_request){.method = NULL}, &answer);
  (void)snprintf(expires, sizeof expires, "%lld", (long long)f->store->clock.wall_s + 86399);
  assert_int_equal(answer.status, 200);
  assert_string_equal(answer.challenge, "");
  assert_string_equal(ekm_json_text(doc, "expires_in"), "86399");
  assert_string_equal(ekm_json_text(doc, "expires_on"), expires);
  assert_string_equal(ekm_json_text(doc, "resource"), RESOURCE);
  assert_string_equal(ekm_json_text(doc, "token_type"), "Bearer");
  assert_string_equal(ekm_json_text(doc, "client_id"), f->store->app_a);
  assert_non_null(ekm_json_text(doc, "not_before"));
  check_token(f, doc);
  ekm_json_free(&doc);
  fake_answer_clear(&answer);
}

static void imds_is_strict(void **state) {
  static const struct {
    fake_request request;
    int status;
    const char *says;
  } cases[] = {
      {{.metadata = "TRUE"}, 200, NULL},
      {{.api_version = "2021-02-01"}, 200, NULL},
      {{.api_version = "2020-06-01"}, 200, NULL}, /* without Arc its versions are IMDS's */
      {{.path = "/METADATA/identity/oauth2/token"}, 200, NULL},
      {{.path = TOKEN_PATH "/"}, 200, NULL}, /* as MSAL for JavaScript writes it */
      {{.path = TOKEN_PATH "//"}, 404, NULL},
      {{.path = TOKEN_PATH "x"}, 404, NULL},
      {{.resource = RESOURCE "/"}, 200, NULL},
      {{.metadata = "-"}, 400, "Required metadata header not specified"},
      {{.metadata = "false"}, 400, "Required metadata header not specified"},
      {{.forwarded_for = "10.0.0.1"}, 400, "X-Forwarded-For"},
      {{.api_version = "-"}, 400, "'api-version' is missing"},
      {{.api_version = "2017-12-01"}, 400, "not supported"},
      {{.api_version = "latest"}, 400, "not supported"},
      {{.resource = "-"}, 400, "'resource' is missing"},
      {{.resource = ""}, 400, "'resource' is missing"},
      {{.resource = "https://nothing.example"}, 400, "AADSTS500011"},
      {{.client_id = NOBODY}, 400, "Identity not found"},
      {{.object_id = NOBODY}, 400, "Identity not found"},
      {{.msi_res_id = "/subscriptions/x"}, 400, "Identity not found"},
      {{.method = "POST"}, 405, "GET"},
      {{.path = "/metadata/instance"}, 404, "/metadata/instance"},
      {{.path = "/msi/token"}, 404, "/msi/token"}, /* without a header there is no App Service */
      {{.path = ""}, 404, NULL},
  };
  fixture *f = *state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int status = status_of(f->plain, &cases[i].request, cases[i].says);
    if (status != cases[i].status) fail_msg("case %zu: %d", i, status);
  }
}

static void an_identity_can_be_named(void **state) {
  fixture *f = *state;
  char upper[VAULT_GUID_CHARS + 1];
  memcpy(upper, f->store->app_a, sizeof upper);
  for (char *at = upper; *at != '\0'; at++) {
    if (*at >= 'a' && *at <= 'f') *at = (char)(*at - 'a' + 'A');
  }
  assert_int_equal(status_of(f->plain, &(fake_request){.client_id = f->store->app_a}, NULL), 200);
  assert_int_equal(status_of(f->plain, &(fake_request){.client_id = upper}, NULL), 200);
  assert_int_equal(status_of(f->plain, &(fake_request){.object_id = f->object_id}, NULL), 200);
  assert_int_equal(status_of(f->plain, &(fake_request){.principal_id = f->object_id}, NULL), 200);
  assert_int_equal(status_of(f->plain, &(fake_request){.client_id = f->store->app_b}, "Identity not found"), 400);
}

#define APP_SERVICE .path = "/msi/token", .metadata = "-"

static void app_service_wants_its_header(void **state) {
  static const struct {
    fake_request request;
    int status;
    const char *says;
  } cases[] = {
      {{APP_SERVICE, .api_version = "2019-08-01", .identity_header = HEADER}, 200, NULL},
      {{APP_SERVICE, .api_version = "2019-08-01"}, 401, "X-IDENTITY-HEADER"},
      {{APP_SERVICE, .api_version = "2019-08-01", .identity_header = ""}, 401, "X-IDENTITY-HEADER"},
      {{APP_SERVICE, .api_version = "2019-08-01", .identity_header = HEADER "x"}, 401, "X-IDENTITY-HEADER"},
      {{APP_SERVICE, .api_version = "2017-09-01", .identity_header = HEADER}, 400, "api-version"},
      {{APP_SERVICE, .api_version = "-", .identity_header = HEADER}, 400, "api-version"},
      {{APP_SERVICE, .api_version = "2019-08-01", .identity_header = HEADER, .client_id = NOBODY},
       400,
       "No User Assigned or Delegated Managed Identity"},
      {{APP_SERVICE, .api_version = "2019-08-01", .identity_header = HEADER, .resource = "-"}, 400, "resource"},
  };
  fixture *f = *state;
  fake_answer answer;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int status = status_of(f->full, &cases[i].request, cases[i].says);
    if (status != cases[i].status) fail_msg("case %zu: %d", i, status);
  }
  json_t *doc = ask(f->full, &cases[0].request, &answer);
  assert_null(json_object_get(doc, "expires_in")); /* as there: a moment, no duration */
  assert_true(json_is_string(json_object_get(doc, "expires_on")));
  check_token(f, doc);
  ekm_json_free(&doc);
  fake_answer_clear(&answer);
  doc = ask(f->full, &cases[1].request, &answer);
  assert_int_equal(ekm_json_int(doc, "statusCode", 0), 401);
  ekm_json_free(&doc);
  fake_answer_clear(&answer);
}

/* ---- Azure Arc --------------------------------------------------------------------------------------------------- */

/* Ask, be challenged, and give what is in the file as the Authorization header. */
static void challenge(const fixture *f, const char *version, char header[256]) {
  static const char start[] = "Basic realm=";
  struct stat info;
  fake_answer answer;
  ekm_err err = {0};
  ekm_buf content;
  ekm_buf_init(&content, 4096);
  json_t *doc = ask(f->full, &(fake_request){.api_version = version}, &answer);
  assert_int_equal(answer.status, 401);
  assert_memory_equal(answer.challenge, start, sizeof start - 1);
  const char *path = answer.challenge + sizeof start - 1;
  assert_memory_equal(path, f->arc_folder, strlen(f->arc_folder));
  assert_string_equal(path + strlen(path) - 4, ".key");
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  assert_true(ekm_file_read(path, &content, &err) && content.len > 0);
  (void)snprintf(header, 256, "Basic %s", ekm_buf_text(&content));
  ekm_json_free(&doc);
  ekm_buf_clear(&content);
  fake_answer_clear(&answer);
}

static void arc_wants_what_is_in_a_file_once(void **state) {
  static const char *const versions[] = {"2019-11-01", "2020-06-01"};
  fixture *f = *state;
  for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
    char header[256];
    size_t before = files(f);
    challenge(f, versions[i], header);
    assert_int_equal(files(f), before + 1);
    const fake_request answered = {.api_version = versions[i], .authorization = header};
    assert_int_equal(status_of(f->full, &answered, NULL), 200);
    assert_int_equal(files(f), before);
    assert_int_equal(status_of(f->full, &answered, NULL), 401);
  }
  assert_int_equal(status_of(f->full, &(fake_request){.api_version = "2020-06-01", .metadata = "-"}, "metadata"), 400);
  assert_int_equal(status_of(f->full, &(fake_request){.api_version = "2020-06-01", .authorization = "Basic "}, NULL),
                   401);
  assert_int_equal(status_of(f->full, &(fake_request){.api_version = "2020-06-01", .authorization = "Bearer x"}, NULL),
                   401);
  assert_int_equal(status_of(f->full, &(fake_request){.api_version = "2018-02-01"}, NULL), 200); /* that is IMDS */
}

static void arc_keeps_the_newest_files(void **state) {
  fixture *f = *state;
  char first[256], last[256];
  challenge(f, "2020-06-01", first);
  for (int i = 0; i < FAKE_ARC_FILES - 1; i++) challenge(f, "2020-06-01", last);
  assert_int_equal(files(f), FAKE_ARC_FILES);
  challenge(f, "2020-06-01", last);
  assert_int_equal(files(f), FAKE_ARC_FILES);
  assert_int_equal(status_of(f->full, &(fake_request){.api_version = "2020-06-01", .authorization = first}, NULL), 401);
  assert_int_equal(status_of(f->full, &(fake_request){.api_version = "2020-06-01", .authorization = last}, NULL), 200);
}

/* ---- trouble ----------------------------------------------------------------------------------------------------- */

static void an_application_that_is_not_there_is_none(void **state) {
  fixture *f = *state;
  char client_id[VAULT_GUID_CHARS + 1];
  fake_identity *identity = NULL;
  ekm_err err = {0}, none = {0};
  fake_identity_options options = {
      .store = f->store->store, .crypto = f->store->crypto, .clock = &f->store->clock.base, .client_id = NOBODY};
  assert_false(fake_identity_new(&options, &identity, &err));
  assert_int_equal(err.id, EKM_E_ABSENT);
  assert_null(identity);
  assert_true(vault_store_app_add(f->store->store, "3f1b2c4d-0000-4000-8000-00000000a001", "short", client_id, &none));
  options.client_id = client_id;
  assert_true(fake_identity_new(&options, &identity, &none));
  assert_int_equal(status_of(identity, &(fake_request){.method = NULL}, NULL), 200);
  assert_true(vault_store_app_remove(f->store->store, client_id, &none));
  assert_int_equal(status_of(identity, &(fake_request){.method = NULL}, "Identity not found"), 400);
  fake_identity_free(&identity);
}

static void without_memory_the_answer_is_500_or_none(void **state) {
  fixture *f = *state;
  memory_gate gate = {0};
  size_t failures = 0;
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    const fake_request request = filled(&(fake_request){.method = NULL});
    fake_answer answer;
    fake_answer_init(&answer);
    fake_identity_answer(f->plain, &request, &answer);
    gate.done = !gate.failed;
    assert_int_equal(answer.status, gate.failed ? 500 : 200);
    failures += gate.failed;
    fake_answer_clear(&answer);
  }
  assert_true(failures > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(imds_answers_in_texts),
      cmocka_unit_test(imds_is_strict),
      cmocka_unit_test(an_identity_can_be_named),
      cmocka_unit_test(app_service_wants_its_header),
      cmocka_unit_test(arc_wants_what_is_in_a_file_once),
      cmocka_unit_test(arc_keeps_the_newest_files),
      cmocka_unit_test(an_application_that_is_not_there_is_none),
      cmocka_unit_test(without_memory_the_answer_is_500_or_none),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
