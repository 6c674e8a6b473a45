/* A Managed HSM beside the vaults, and a vault that goes by roles: what is different there, in the answers' shape too.
 *
 *   tenant A   vault "pool", a Managed HSM   app FULL: Managed HSM Crypto User
 *              vault "roles"                 app FULL: Key Vault Crypto Officer for the key "mine"
 *                                            app READER: Key Vault Crypto Service Encryption User */
#include <stdio.h>
#include <string.h>

#include "support/cmocka_all.h"
#include "support/vault_fixture.h"
#include "vault/store_manage.h"

#define HSM_HOST "pool.managedhsm.localhost"
#define HSM_RESOURCE "https://managedhsm.localhost"
#define ROLES_HOST "roles.vault.localhost"

static char hsm_token[4096];

static int64_t add_vault(vault_fixture *f, const vault_spec *spec) {
  ekm_err err = {0};
  const vault_directory *dir = NULL;
  assert_true(vault_store_vault_add(f->store, spec, &err));
  assert_true(vault_store_directory(f->store, &dir, &err));
  int64_t id = vault_directory_vault_by_name(dir, spec->name)->id;
  vault_directory_release(&dir);
  return id;
}

static void add_role(vault_fixture *f, int64_t vault_id, fixture_app app, const char *role, const char *key) {
  ekm_err err = {0};
  assert_non_null(vault_role_named(role));
  if (!vault_store_role_add(f->store, vault_id, f->apps[app].client_id, vault_role_named(role), key, &err)) {
    fail_msg("%s", err.detail);
  }
}

static void take_hsm_token(vault_fixture *f) {
  https_answer answer;
  char path[128], body[1024];
  const fixture_credential *app = &f->apps[FIXTURE_FULL];
  (void)snprintf(path, sizeof path, "/%s/oauth2/v2.0/token", app->tenant);
  (void)snprintf(body, sizeof body,
                 "grant_type=client_credentials&client_id=%s&client_secret=%s&scope=" HSM_RESOURCE "/.default",
                 app->client_id, app->secret);
  https_client_send(&f->client,
                    &(https_request){.method = "POST", .host = "login.localhost", .path = path, .body = body}, &answer);
  assert_int_equal(answer.status, 200);
  (void)snprintf(hsm_token, sizeof hsm_token, "%s", ekm_json_text(answer.doc, "access_token"));
  https_answer_clear(&answer);
}

static int set_up(void **state) {
  if (vault_fixture_set_up(state) != 0) return -1;
  vault_fixture *f = *state;
  const char *tenant = f->apps[FIXTURE_FULL].tenant;
  int64_t pool = add_vault(f, &(vault_spec){.name = "pool", .tenant = tenant, .is_hsm = true});
  int64_t roles =
      add_vault(f, &(vault_spec){.name = "roles", .tenant = tenant, .by_roles = true, .purge_protection = true});
  add_role(f, pool, FIXTURE_FULL, "Managed HSM Crypto User", "");
  add_role(f, roles, FIXTURE_FULL, "Key Vault Crypto Officer", "Mine");
  add_role(f, roles, FIXTURE_READER, "Key Vault Crypto Service Encryption User", "");
  take_hsm_token(f);
  return 0;
}

static void call(vault_fixture *f, const char *host, const char *token, const char *method, const char *path,
                 const char *body, https_answer *out) {
  char full[512];
  (void)snprintf(full, sizeof full, "%s%sapi-version=7.6", path, strchr(path, '?') == NULL ? "?" : "&");
  https_client_send(&f->client,
                    &(https_request){.method = method, .host = host, .path = full, .bearer = token, .body = body}, out);
}

static void hsm(vault_fixture *f, const char *method, const char *path, const char *body, long status,
                https_answer *out) {
  call(f, HSM_HOST, hsm_token, method, path, body, out);
  if (out->status != status) fail_msg("%s %s: %ld %s", method, path, out->status, ekm_buf_text(&out->body));
}

static void roles(vault_fixture *f, fixture_app app, const char *method, const char *path, const char *body,
                  https_answer *out) {
  call(f, ROLES_HOST, f->apps[app].token, method, path, body, out);
}

/* ---- a Managed HSM ----------------------------------------------------------------------------------------------- */

static void header_is(const https_answer *answer, const char *name, const char *expected) {
  char value[512];
  https_answer_header(answer, name, value);
  assert_string_equal(value, expected);
}

static void its_challenge_has_no_body(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  char expected[256], value[512];
  static const char *const tokens[] = {NULL, "nonsense", ""};
  for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
    call(f, HSM_HOST, tokens[i], "GET", "/keys", NULL, &answer);
    assert_int_equal(answer.status, 401);
    assert_int_equal(answer.body.len, 0);
    (void)snprintf(expected, sizeof expected,
                   "Bearer authorization=\"https://login.localhost/%s\", resource=\"" HSM_RESOURCE "\"",
                   f->apps[FIXTURE_FULL].tenant);
    header_is(&answer, "WWW-Authenticate", expected);
    header_is(&answer, "Date", "");
    https_answer_header(&answer, "x-ms-server-latency", value);
    assert_true(value[0] != '\0' && strspn(value, "0123456789") == strlen(value));
    https_answer_clear(&answer);
  }
  call(f, HSM_HOST, f->apps[FIXTURE_FULL].token, "GET", "/keys", NULL, &answer); /* a vault's token */
  assert_int_equal(answer.status, 401);
  https_answer_clear(&answer);
}

static void vaults_say_when_they_answer(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  vault_fixture_call(f, FIXTURE_FULL, "GET", "/keys", NULL, &answer);
  header_is(&answer, "Date", "Tue, 24 Nov 2026 08:00:00 GMT"); /* the clock of the test */
  header_is(&answer, "x-ms-server-latency", "");
  https_answer_clear(&answer);
}

static void its_keys_are_of_its_types(void **state) {
  vault_fixture *f = *state;
  static const struct {
    const char *asked, *kty;
  } cases[] = {{"{\"kty\":\"RSA\"}", "RSA-HSM"},
               {"{\"kty\":\"EC-HSM\",\"crv\":\"P-521\"}", "EC-HSM"},
               {"{\"kty\":\"EC\"}", "EC-HSM"},
               {"{\"kty\":\"oct\",\"key_size\":192}", "oct-HSM"},
               {"{\"kty\":\"oct-HSM\"}", "oct-HSM"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    https_answer answer;
    char path[64];
    (void)snprintf(path, sizeof path, "/keys/type-%zu/create", i);
    hsm(f, "POST", path, cases[i].asked, 200, &answer);
    assert_string_equal(ekm_json_text(ekm_json_object(answer.doc, "key"), "kty"), cases[i].kty);
    assert_string_equal(json_object_iter_key(json_object_iter(answer.doc)), "attributes"); /* they come first */
    const json_t *attributes = ekm_json_object(answer.doc, "attributes");
    assert_true(json_is_false(json_object_get(attributes, "exportable")));
    assert_string_equal(ekm_json_text(attributes, "hsmPlatform"), "0");
    https_answer_clear(&answer);
  }
}

static void bad_symmetric_keys_are_refused(void **state) {
  vault_fixture *f = *state;
  static const struct {
    const char *method, *path, *body, *message;
  } cases[] = {
      {"POST", "/keys/bad/create", "{\"kty\":\"oct\",\"key_size\":2048}",
       "Unsupported key size (2048). Supported sizes are [128, 192, 256]."},
      {"PUT", "/keys/bad", "{\"key\":{\"kty\":\"oct-HSM\"}}", "must be a valid JsonWebKey"},
      {"PUT", "/keys/bad", "{\"key\":{\"kty\":\"oct-HSM\",\"k\":\"AAAA\"}}", "Unsupported key size (24)."},
      {"PUT", "/keys/bad", "{\"key\":{\"kty\":\"oct-HSM\",\"k\":\"??\"}}", "must be a valid JsonWebKey"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    https_answer answer;
    hsm(f, cases[i].method, cases[i].path, cases[i].body, 400, &answer);
    if (strstr(ekm_buf_text(&answer.body), cases[i].message) == NULL) fail_msg("%s", ekm_buf_text(&answer.body));
    https_answer_clear(&answer);
  }
  https_answer answer;
  vault_fixture_call(f, FIXTURE_FULL, "POST", "/keys/bad/create", "{\"kty\":\"oct-HSM\"}", &answer);
  vault_fixture_expect(&answer, 400, "BadParameter", "KeyTypeNotSupported");
  https_answer_clear(&answer);
}

/* The key of RFC 3394 section 4.1, and what it wraps there. */
static void known_answers_of_symmetric_keys(void **state) {
  vault_fixture *f = *state;
  static const struct {
    const char *operation, *body, *member, *value;
  } cases[] = {
      {"wrapkey", "{\"alg\":\"A128KW\",\"value\":\"ABEiM0RVZneImaq7zN3u_w\"}", "value",
       "H6aLCoEStEeu80vY-1p7gp0-hiNx0s_l"},
      {"wrapkey", "{\"alg\":\"CKM_AES_KEY_WRAP\",\"value\":\"ABEiM0RVZneImaq7zN3u_w\"}", "value",
       "H6aLCoEStEeu80vY-1p7gp0-hiNx0s_l"},
      {"unwrapkey", "{\"alg\":\"A128KW\",\"value\":\"H6aLCoEStEeu80vY-1p7gp0-hiNx0s_l\"}", "value",
       "ABEiM0RVZneImaq7zN3u_w"},
      {"encrypt", "{\"alg\":\"A128CBC\",\"iv\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"value\":\"ABEiM0RVZneImaq7zN3u_w\"}", "alg",
       "A128CBC"},
  };
  https_answer answer;
  hsm(f, "PUT", "/keys/rfc3394", "{\"Hsm\":true,\"key\":{\"kty\":\"oct-HSM\",\"k\":\"AAECAwQFBgcICQoLDA0ODw\"}}", 200,
      &answer);
  assert_null(json_object_get(ekm_json_object(answer.doc, "key"), "k"));
  https_answer_clear(&answer);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char path[64];
    (void)snprintf(path, sizeof path, "/keys/rfc3394/%s", cases[i].operation);
    hsm(f, "POST", path, cases[i].body, 200, &answer);
    assert_string_equal(ekm_json_text(answer.doc, cases[i].member), cases[i].value);
    https_answer_clear(&answer);
  }
}

static void what_does_not_fit_a_symmetric_key_is_refused(void **state) {
  vault_fixture *f = *state;
  static const char *const cases[][2] = {
      {"encrypt", "{\"alg\":\"A256CBC\",\"value\":\"AAAAAAAAAAAAAAAAAAAAAA\"}"},           /* of another length */
      {"encrypt", "{\"alg\":\"A128KW\",\"value\":\"AAAAAAAAAAAAAAAAAAAAAA\"}"},            /* wraps */
      {"wrapkey", "{\"alg\":\"A128GCM\",\"value\":\"AAAAAAAAAAAAAAAAAAAAAA\"}"},           /* encrypts */
      {"encrypt", "{\"alg\":\"RSA-OAEP\",\"value\":\"AAAA\"}"},                            /* of another family */
      {"encrypt", "{\"alg\":\"A128GCM\",\"iv\":\"AAAAAAAAAAAAAAAA\",\"value\":\"AAAA\"}"}, /* its iv is the vault's */
      {"decrypt", "{\"alg\":\"A128GCM\",\"value\":\"AAAA\"}"},                             /* no iv, no tag */
      {"encrypt", "{\"alg\":\"A128CBC\",\"value\":\"AAAA\"}"},                             /* no whole block */
      {"unwrapkey", "{\"alg\":\"A128KW\",\"value\":\"AAAA\"}"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    https_answer answer;
    char path[64];
    (void)snprintf(path, sizeof path, "/keys/rfc3394/%s", cases[i][0]);
    hsm(f, "POST", path, cases[i][1], 400, &answer);
    vault_fixture_expect(&answer, 400, "BadParameter", NULL);
    https_answer_clear(&answer);
  }
}

static void its_lists_end_without_a_link(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  hsm(f, "GET", "/keys?maxresults=2", NULL, 200, &answer);
  const char *link = ekm_json_text(answer.doc, "nextLink");
  assert_non_null(link);
  assert_null(strstr(link, "api-version"));
  https_answer_clear(&answer);
  hsm(f, "GET", "/keys", NULL, 200, &answer);
  assert_null(json_object_get(answer.doc, "nextLink"));
  https_answer_clear(&answer);
}

static void random_bytes_are_counted(void **state) {
  vault_fixture *f = *state;
  static const struct {
    const char *body;
    long status;
    size_t chars;
  } cases[] = {{"{\"count\":1}", 200, 2},
               {"{\"count\":128}", 200, 171},
               {"{\"count\":0}", 400, 0},
               {"{\"count\":129}", 400, 0},
               {"{\"count\":-1}", 400, 0},
               {"{\"count\":\"8\"}", 400, 0},
               {"{}", 400, 0},
               {"", 400, 0}};
  https_answer answer;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    hsm(f, "POST", "/rng", cases[i].body, cases[i].status, &answer);
    if (cases[i].chars > 0) assert_int_equal(strlen(ekm_json_text(answer.doc, "value")), cases[i].chars);
    https_answer_clear(&answer);
  }
  vault_fixture_call(f, FIXTURE_FULL, "POST", "/rng", "{\"count\":8}", &answer);
  vault_fixture_expect(&answer, 404, "NotFound", NULL);
  https_answer_clear(&answer);
}

static void a_key_has_at_most_a_hundred_versions(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  for (int i = 0; i < 100; i++) {
    hsm(f, "POST", "/keys/many/create", "{\"kty\":\"oct-HSM\"}", 200, &answer);
    https_answer_clear(&answer);
  }
  hsm(f, "POST", "/keys/many/create", "{\"kty\":\"oct-HSM\"}", 403, &answer);
  vault_fixture_expect(&answer, 403, "Forbidden", "LimitReached");
  https_answer_clear(&answer);
  hsm(f, "POST", "/keys/many/rotate", "", 403, &answer);
  https_answer_clear(&answer);
}

static void policies_are_none_of_its(void **state) {
  vault_fixture *f = *state;
  ekm_err err = {0};
  const vault_directory *dir = NULL;
  const char *app = f->apps[FIXTURE_FULL].client_id;
  const vault_role *crypto_user = vault_role_named("Key Vault Crypto User");
  assert_true(vault_store_directory(f->store, &dir, &err));
  int64_t pool = vault_directory_vault_by_name(dir, "pool")->id;
  int64_t local = vault_directory_vault_by_name(dir, "local")->id;
  vault_directory_release(&dir);
  assert_false(vault_store_grant_set(f->store, pool, app, VAULT_MAY_ALL, &err));
  assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
  ekm_err_clear(&err);
  assert_false(vault_store_role_add(f->store, pool, app, crypto_user, "", &err)); /* a role of vaults */
  assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
  ekm_err_clear(&err);
  assert_false(vault_store_role_add(f->store, local, app, crypto_user, "", &err)); /* a vault with policies */
  assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
}

/* ---- a vault that goes by roles ---------------------------------------------------------------------------------- */

static void a_role_gives_its_rights_and_no_more(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  roles(f, FIXTURE_FULL, "POST", "/keys/mine/create", "{\"kty\":\"RSA\"}", &answer);
  assert_int_equal(answer.status, 200);
  assert_string_equal(ekm_json_text(ekm_json_object(answer.doc, "attributes"), "recoveryLevel"), "Recoverable");
  https_answer_clear(&answer);
  roles(f, FIXTURE_READER, "POST", "/keys/mine/wrapkey", "{\"alg\":\"RSA-OAEP\",\"value\":\"AAAA\"}", &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
  roles(f, FIXTURE_READER, "POST", "/keys/mine/sign", "{}", &answer);
  vault_fixture_expect(&answer, 403, "Forbidden", "ForbiddenByRbac");
  const char *message = ekm_json_text(ekm_json_object(answer.doc, "error"), "message");
  assert_non_null(strstr(message, "\r\nAction: 'Microsoft.KeyVault/vaults/keys/sign/action'\r\nResource: '"));
  assert_non_null(strstr(message, "/vaults/roles/keys/mine'\r\nAssignment: (not found)\r\n"));
  assert_non_null(strstr(message, f->apps[FIXTURE_READER].client_id));
  https_answer_clear(&answer);
}

static void a_role_for_a_key_is_for_that_key(void **state) {
  vault_fixture *f = *state;
  static const char *const others[][2] = {{"POST", "/keys/other/create"}, {"GET", "/keys"}, {"GET", "/keys/mine2"}};
  https_answer answer;
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    roles(f, FIXTURE_FULL, others[i][0], others[i][1], NULL, &answer);
    vault_fixture_expect(&answer, 403, "Forbidden", "ForbiddenByRbac");
    https_answer_clear(&answer);
  }
  roles(f, FIXTURE_FULL, "GET", "/keys/MINE", NULL, &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
}

static void purge_protection_holds_for_everybody(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  roles(f, FIXTURE_FULL, "DELETE", "/keys/mine", NULL, &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
  roles(f, FIXTURE_FULL, "DELETE", "/deletedkeys/mine", NULL, &answer);
  vault_fixture_expect(&answer, 403, "Forbidden", NULL);
  assert_non_null(strstr(ekm_buf_text(&answer.body), "purge protection is enabled for this vault"));
  https_answer_clear(&answer);
  roles(f, FIXTURE_FULL, "POST", "/deletedkeys/mine/recover", "", &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
}

static void a_role_that_is_taken_away_is_gone(void **state) {
  vault_fixture *f = *state;
  ekm_err err = {0};
  https_answer answer;
  const vault_directory *dir = NULL;
  const char *app = f->apps[FIXTURE_READER].client_id;
  const vault_role *role = vault_role_named("key vault crypto service encryption user");
  assert_true(vault_store_directory(f->store, &dir, &err));
  int64_t id = vault_directory_vault_by_name(dir, "roles")->id;
  vault_directory_release(&dir);
  assert_true(vault_store_role_remove(f->store, id, app, role, "", &err));
  roles(f, FIXTURE_READER, "GET", "/keys", NULL, &answer);
  vault_fixture_expect(&answer, 403, "Forbidden", "ForbiddenByRbac");
  https_answer_clear(&answer);
  assert_false(vault_store_role_remove(f->store, id, app, role, "", &err));
  assert_int_equal(err.id, EKM_E_ABSENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(its_challenge_has_no_body),
      cmocka_unit_test(vaults_say_when_they_answer),
      cmocka_unit_test(its_keys_are_of_its_types),
      cmocka_unit_test(bad_symmetric_keys_are_refused),
      cmocka_unit_test(known_answers_of_symmetric_keys),
      cmocka_unit_test(what_does_not_fit_a_symmetric_key_is_refused),
      cmocka_unit_test(its_lists_end_without_a_link),
      cmocka_unit_test(random_bytes_are_counted),
      cmocka_unit_test(a_key_has_at_most_a_hundred_versions),
      cmocka_unit_test(policies_are_none_of_its),
      cmocka_unit_test(a_role_gives_its_rights_and_no_more),
      cmocka_unit_test(a_role_for_a_key_is_for_that_key),
      cmocka_unit_test(purge_protection_holds_for_everybody),
      cmocka_unit_test(a_role_that_is_taken_away_is_gone),
  };
  return cmocka_run_group_tests(tests, set_up, vault_fixture_tear_down);
}
