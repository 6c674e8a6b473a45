/* Tokens and permissions of akvd over TLS: how they are got, what is refused and in which words. */
#include <stdio.h>
#include <string.h>

#include "base/b64url.h"
#include "crypto/keys.h"
#include "support/cmocka_all.h"
#include "support/vault_fixture.h"

enum { HOUR_MS = 3600 * 1000 };

static void v2_gives_a_token_with_numbers(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  vault_fixture_token(f, FIXTURE_FULL, 2, &answer);
  assert_int_equal(answer.status, 200);
  assert_int_equal(json_object_size(answer.doc), 4);
  assert_string_equal(ekm_json_text(answer.doc, "token_type"), "Bearer");
  assert_true(json_is_integer(json_object_get(answer.doc, "expires_in")));
  assert_int_equal(ekm_json_int(answer.doc, "expires_in", 0), 3599);
  assert_int_equal(ekm_json_int(answer.doc, "ext_expires_in", 0), 3599);
  assert_non_null(ekm_json_text(answer.doc, "access_token"));
  https_answer_clear(&answer);
}

static void v1_gives_a_token_with_texts(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  char now[24];
  char expires[24];
  (void)snprintf(now, sizeof now, "%lld", (long long)f->clock.wall_s - 300);
  (void)snprintf(expires, sizeof expires, "%lld", (long long)f->clock.wall_s + 3600);
  vault_fixture_token(f, FIXTURE_FULL, 1, &answer);
  assert_int_equal(answer.status, 200);
  assert_string_equal(ekm_json_text(answer.doc, "token_type"), "Bearer");
  assert_string_equal(ekm_json_text(answer.doc, "expires_in"), "3599");
  assert_string_equal(ekm_json_text(answer.doc, "ext_expires_in"), "3599");
  assert_string_equal(ekm_json_text(answer.doc, "expires_on"), expires);
  assert_string_equal(ekm_json_text(answer.doc, "not_before"), now);
  assert_string_equal(ekm_json_text(answer.doc, "resource"), FIXTURE_RESOURCE);
  https_answer_clear(&answer);
}

/* Claims of a token, without a look at its signature. */
static json_t *claims_of(const char *token) {
  const char *start = strchr(token, '.') + 1;
  ekm_buf text;
  ekm_err err = {0};
  json_t *doc = NULL;
  ekm_buf_init(&text, 8192);
  assert_true(ekm_b64url_decode(start, strcspn(start, "."), &text, "claims", &err));
  assert_true(ekm_json_parse(ekm_buf_view(&text), &doc, &err));
  ekm_buf_clear(&text);
  return doc;
}

static void tokens_say_what_entras_say(void **state) {
  vault_fixture *f = *state;
  const fixture_credential *app = &f->apps[FIXTURE_FULL];
  char issuer[128];
  json_t *claims = claims_of(app->token);
  (void)snprintf(issuer, sizeof issuer, "https://sts.windows.net/%s/", app->tenant);
  assert_string_equal(ekm_json_text(claims, "aud"), FIXTURE_RESOURCE);
  assert_string_equal(ekm_json_text(claims, "iss"), issuer);
  assert_string_equal(ekm_json_text(claims, "tid"), app->tenant);
  assert_string_equal(ekm_json_text(claims, "appid"), app->client_id);
  assert_string_equal(ekm_json_text(claims, "oid"), app->object_id);
  assert_string_equal(ekm_json_text(claims, "sub"), app->object_id);
  assert_string_equal(ekm_json_text(claims, "idtyp"), "app");
  assert_string_equal(ekm_json_text(claims, "ver"), "1.0");
  ekm_json_free(&claims);
}

typedef struct refusal {
  const char *path; /* %s is the tenant */
  const char *body; /* %1 client id, %2 secret, %3 expired secret */
  long status;
  const char *error;
  int code;
} refusal;

#define V2 "/%s/oauth2/v2.0/token"
#define V1 "/%s/oauth2/token"
#define GRANT "grant_type=client_credentials&"
#define SCOPE "&scope=https%3A%2F%2Fvault.localhost%2F.default"

static const refusal refusals[] = {
    {"/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token", GRANT "client_id=%1&client_secret=%2" SCOPE, 400,
     "invalid_request", 90002},
    {"/no-tenant/oauth2/token", GRANT "client_id=%1&client_secret=%2" SCOPE, 400, "invalid_request", 90002},
    {V2, GRANT "client_id=11111111-2222-3333-4444-555555555555&client_secret=%2" SCOPE, 400, "unauthorized_client",
     700016},
    {V2, GRANT "client_id=nobody&client_secret=%2" SCOPE, 400, "unauthorized_client", 700016},
    {V2, GRANT "client_id=%4&client_secret=%2" SCOPE, 400, "unauthorized_client", 700016}, /* of another tenant */
    {V2, GRANT "client_id=%1&client_secret=wrong" SCOPE, 401, "invalid_client", 7000215},
    {V2, GRANT "client_id=%1&client_secret=%2x" SCOPE, 401, "invalid_client", 7000215},
    {V1, GRANT "client_id=%1&client_secret=wrong&resource=https%3A%2F%2Fvault.localhost", 401, "invalid_client",
     7000215},
    {V2, GRANT "client_id=%1&client_secret=%3" SCOPE, 401, "invalid_client", 7000222},
    {V2, GRANT "client_id=%1" SCOPE, 401, "invalid_client", 7000218},
    {V2, GRANT "client_id=%1&client_assertion=x" SCOPE, 400, "invalid_request", 900144},
    {V2, GRANT "client_secret=%2" SCOPE, 400, "invalid_request", 900144},
    {V2, GRANT "client_id=%1&client_secret=%2", 400, "invalid_request", 900144},
    {V1, GRANT "client_id=%1&client_secret=%2" SCOPE, 400, "invalid_request", 900144}, /* v1 wants a resource */
    {V2, "client_id=%1&client_secret=%2" SCOPE, 400, "invalid_request", 900144},
    {V2, "", 400, "invalid_request", 900144},
    {V2, "{\"grant_type\":\"client_credentials\"}", 400, "invalid_request", 900144},
    {V2, "grant_type=password&client_id=%1&client_secret=%2" SCOPE, 400, "unsupported_grant_type", 70003},
    {V2, GRANT "client_id=%1&client_secret=%2&scope=https%3A%2F%2Fvault.localhost", 400, "invalid_scope", 1002012},
    {V2, GRANT "client_id=%1&client_secret=%2&scope=.default", 400, "invalid_scope", 1002012},
    {V2, GRANT "client_id=%1&client_secret=%2&scope=a+b%2F.default", 400, "invalid_scope", 70011},
    {V2, GRANT "client_id=%1&client_secret=%2&scope=https%3A%2F%2Fgraph.localhost%2F.default", 400, "invalid_resource",
     500011},
    {V1, GRANT "client_id=%1&client_secret=%2&resource=https%3A%2F%2Fgraph.localhost", 400, "invalid_resource", 500011},
    {V2, GRANT GRANT "client_id=%1&client_secret=%2" SCOPE, 400, "invalid_request", 9002313},
    {V2, GRANT "client_id=%1&client_secret=%zz" SCOPE, 400, "invalid_request", 9002313},
};

static void fill(const vault_fixture *f, const char *pattern, ekm_buf *out) {
  const fixture_credential *app = &f->apps[FIXTURE_FULL];
  const char *values[] = {app->client_id, app->secret, app->expired_secret, f->apps[FIXTURE_FOREIGN].client_id};
  for (; *pattern != '\0'; pattern++) {
    if (*pattern == '%' && pattern[1] >= '1' && pattern[1] <= '4' &&
        (pattern[2] == '\0' || strchr("&x", pattern[2]) != NULL)) {
      ekm_buf_append_text(out, values[*++pattern - '1']);
    } else {
      ekm_buf_append_char(out, *pattern);
    }
  }
}

static void check_refusal(vault_fixture *f, const refusal *r) {
  char path[128];
  char code[32];
  https_answer answer;
  ekm_buf body;
  const char *slash = strchr(r->path, '%');
  (void)snprintf(path, sizeof path, "%.*s%s%s", slash == NULL ? (int)strlen(r->path) : (int)(slash - r->path), r->path,
                 slash == NULL ? "" : f->apps[FIXTURE_FULL].tenant, slash == NULL ? "" : slash + 2);
  ekm_buf_init(&body, 4096);
  fill(f, r->body, &body);
  https_client_send(
      &f->client,
      &(https_request){.method = "POST", .host = "login.localhost", .path = path, .body = ekm_buf_text(&body)},
      &answer);
  assert_int_equal(answer.status, r->status);
  assert_non_null(answer.doc);
  assert_string_equal(ekm_json_text(answer.doc, "error"), r->error);
  assert_int_equal(json_integer_value(json_array_get(ekm_json_array(answer.doc, "error_codes"), 0)), r->code);
  (void)snprintf(code, sizeof code, "AADSTS%d: ", r->code);
  const char *description = ekm_json_text(answer.doc, "error_description");
  assert_memory_equal(description, code, strlen(code));
  assert_non_null(strstr(description, "\r\nTrace ID: "));
  assert_non_null(strstr(description, "\r\nCorrelation ID: "));
  assert_non_null(strstr(description, "\r\nTimestamp: 2026-"));
  assert_non_null(strstr(description, ekm_json_text(answer.doc, "trace_id")));
  assert_null(ekm_json_text(answer.doc, "access_token"));
  https_answer_clear(&answer);
  ekm_buf_clear(&body);
}

static void refusals_are_entras(void **state) {
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) check_refusal(*state, &refusals[i]);
}

static void other_names_of_the_sign_in_host_work(void **state) {
  static const char *const hosts[] = {"localhost", "127.0.0.1", "LOGIN.localhost"};
  vault_fixture *f = *state;
  char path[128];
  (void)snprintf(path, sizeof path, "/%s/discovery/v2.0/keys", f->apps[FIXTURE_FULL].tenant);
  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
    https_answer answer;
    https_client_send(&f->client, &(https_request){.method = "GET", .host = hosts[i], .path = path}, &answer);
    assert_int_equal(answer.status, 200);
    https_answer_clear(&answer);
  }
}

/* Whoever reads the published key can check our tokens with it. */
static void the_published_key_checks_tokens(void **state) {
  vault_fixture *f = *state;
  const char *token = f->apps[FIXTURE_FULL].token;
  char path[128];
  uint8_t digest[EKM_SHA256_BYTES];
  bool valid = false;
  https_answer answer;
  ekm_err err = {0};
  ekm_key *key = NULL;
  ekm_buf n, e, signature;

  (void)snprintf(path, sizeof path, "/%s/discovery/v2.0/keys", f->apps[FIXTURE_FULL].tenant);
  https_client_send(&f->client, &(https_request){.method = "GET", .host = "login.localhost", .path = path}, &answer);
  assert_int_equal(answer.status, 200);
  json_t *jwk = json_array_get(ekm_json_array(answer.doc, "keys"), 0);
  ekm_buf_init(&n, 512);
  ekm_buf_init(&e, 16);
  ekm_buf_init(&signature, 512);
  assert_true(ekm_json_bytes(jwk, "n", &n, &err) && ekm_json_bytes(jwk, "e", &e, &err));
  const ekm_rsa_numbers numbers = {.n = ekm_buf_view(&n), .e = ekm_buf_view(&e)};
  assert_true(ekm_key_import_rsa(f->crypto, &numbers, &key, &err));
  const char *last_dot = strrchr(token, '.');
  assert_true(ekm_crypto_sha256(f->crypto, ekm_view_of(token, (size_t)(last_dot - token)), digest, &err));
  assert_true(ekm_b64url_decode(last_dot + 1, strlen(last_dot + 1), &signature, "signature", &err));
  assert_true(ekm_key_verify(key, "RS256", ekm_view_of(digest, sizeof digest), ekm_buf_view(&signature), &valid, &err));
  assert_true(valid);
  ekm_key_free(&key);
  ekm_buf_clear(&n);
  ekm_buf_clear(&e);
  ekm_buf_clear(&signature);
  https_answer_clear(&answer);
}

static void discovery_leads_to_the_endpoints(void **state) {
  vault_fixture *f = *state;
  char path[128];
  char endpoint[256];
  https_answer answer;
  (void)snprintf(path, sizeof path, "/%s/v2.0/.well-known/openid-configuration", f->apps[FIXTURE_FULL].tenant);
  (void)snprintf(endpoint, sizeof endpoint, "https://login.localhost/%s/oauth2/v2.0/token",
                 f->apps[FIXTURE_FULL].tenant);
  https_client_send(&f->client, &(https_request){.method = "GET", .host = "login.localhost", .path = path}, &answer);
  assert_int_equal(answer.status, 200);
  assert_string_equal(ekm_json_text(answer.doc, "token_endpoint"), endpoint);
  https_answer_clear(&answer);

  https_client_send(&f->client,
                    &(https_request){.method = "GET",
                                     .host = "login.localhost",
                                     .path = "/common/discovery/instance?api-version=1.1&authorization_endpoint=x"},
                    &answer);
  assert_int_equal(answer.status, 200);
  assert_non_null(ekm_json_text(answer.doc, "tenant_discovery_endpoint"));
  https_answer_clear(&answer);
}

/* ---- at the vault ------------------------------------------------------------------------------------------------ */

static void get_keys(vault_fixture *f, const char *host, const char *bearer, https_answer *out) {
  https_client_send(&f->client,
                    &(https_request){.method = "GET", .host = host, .path = "/keys?api-version=7.5", .bearer = bearer},
                    out);
}

static void expect_challenge(const vault_fixture *f, const https_answer *answer, const char *message) {
  char challenge[512];
  char expected[512];
  (void)snprintf(expected, sizeof expected,
                 "Bearer authorization=\"https://login.localhost/%s\", resource=\"https://vault.localhost\"",
                 f->apps[FIXTURE_FULL].tenant);
  vault_fixture_expect(answer, 401, "Unauthorized", NULL);
  https_answer_header(answer, "WWW-Authenticate", challenge);
  assert_string_equal(challenge, expected);
  assert_non_null(strstr(ekm_json_text(ekm_json_object(answer->doc, "error"), "message"), message));
}

/* SDKs send their first request without token and body; whatever else is wrong with it is not looked at. */
static void without_a_token_there_is_a_challenge(void **state) {
  static const struct {
    const char *method, *path, *body;
  } requests[] = {
      {"GET", "/keys", NULL},
      {"POST", "/keys/k/create?api-version=7.5", ""},
      {"POST", "/keys/k/wrapkey?api-version=7.5", "garbage"},
      {"GET", "/", NULL},
      {"GET", "/keys/%zz/x/x/x/x/x/x", NULL},
  };
  vault_fixture *f = *state;
  for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
    https_answer answer;
    https_client_send(
        &f->client,
        &(https_request){
            .method = requests[i].method, .host = FIXTURE_HOST, .path = requests[i].path, .body = requests[i].body},
        &answer);
    expect_challenge(f, &answer, "AKV10000: Request is missing a Bearer or PoP token.");
    https_answer_clear(&answer);
  }
}

static void bad_tokens_are_refused(void **state) {
  static const char *const tokens[] = {"", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "....."};
  vault_fixture *f = *state;
  https_answer answer;
  char token[4096];
  for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
    get_keys(f, FIXTURE_HOST, tokens[i], &answer);
    expect_challenge(f, &answer, "");
    https_answer_clear(&answer);
  }
  (void)snprintf(token, sizeof token, "%s", f->apps[FIXTURE_FULL].token);
  char *signature = strrchr(token, '.') + 1;
  signature[10] = signature[10] == 'A' ? 'B' : 'A';
  get_keys(f, FIXTURE_HOST, token, &answer);
  expect_challenge(f, &answer, "AKV10046");
  https_answer_clear(&answer);
}

static void a_token_of_another_tenant_is_refused(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  get_keys(f, FIXTURE_HOST, f->apps[FIXTURE_FOREIGN].token, &answer);
  expect_challenge(f, &answer, "AKV10032: Invalid issuer. Expected one of https://sts.windows.net/");
  https_answer_clear(&answer);
}

/* As at Entra, the audience is what was asked for, to the letter; and a vault wants its own, to the letter. */
static void a_resource_with_a_slash_is_another_audience(void **state) {
  vault_fixture *f = *state;
  const fixture_credential *app = &f->apps[FIXTURE_FULL];
  char path[128];
  char body[512];
  https_answer token;
  https_answer answer;
  (void)snprintf(path, sizeof path, "/%s/oauth2/token", app->tenant);
  (void)snprintf(
      body, sizeof body,
      "grant_type=client_credentials&client_id=%s&client_secret=%s&resource=https%%3A%%2F%%2Fvault.localhost%%2F",
      app->client_id, app->secret);
  https_client_send(&f->client,
                    &(https_request){.method = "POST", .host = "login.localhost", .path = path, .body = body}, &token);
  assert_int_equal(token.status, 200);
  get_keys(f, FIXTURE_HOST, ekm_json_text(token.doc, "access_token"), &answer);
  expect_challenge(f, &answer,
                   "AKV10022: Invalid audience. Expected https://vault.localhost, found: https://vault.localhost/.");
  https_answer_clear(&answer);
  https_answer_clear(&token);
}

static void one_application_cannot_see_anothers_vault(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  get_keys(f, FIXTURE_OTHER_HOST, f->apps[FIXTURE_FULL].token, &answer);
  vault_fixture_expect(&answer, 403, "Forbidden", "ForbiddenByPolicy");
  https_answer_clear(&answer);
  get_keys(f, FIXTURE_HOST, f->apps[FIXTURE_OTHER].token, &answer);
  vault_fixture_expect(&answer, 403, "Forbidden", "ForbiddenByPolicy");
  https_answer_clear(&answer);
  get_keys(f, FIXTURE_OTHER_HOST, f->apps[FIXTURE_OTHER].token, &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
}

static void permissions_are_asked_for_by_name(void **state) {
  static const struct {
    const char *method, *path, *body, *permission;
  } cases[] = {
      {"POST", "/keys/k/create", "{\"kty\":\"RSA\"}", "create"},
      {"PUT", "/keys/k", "{}", "import"},
      {"PATCH", "/keys/k", "{}", "update"},
      {"DELETE", "/keys/k", NULL, "delete"},
      {"POST", "/deletedkeys/k/recover", NULL, "recover"},
      {"DELETE", "/deletedkeys/k", NULL, "purge"},
      {"POST", "/keys/k/encrypt", "{}", "encrypt"},
      {"POST", "/keys/k/decrypt", "{}", "decrypt"},
      {"POST", "/keys/k/wrapkey", "{}", "wrapKey"},
      {"POST", "/keys/k/unwrapkey", "{}", "unwrapKey"},
      {"POST", "/keys/k/sign", "{}", "sign"},
      {"POST", "/keys/k/verify", "{}", "verify"},
  };
  vault_fixture *f = *state;
  const fixture_credential *app = &f->apps[FIXTURE_READER];
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    https_answer answer;
    ekm_buf start;
    ekm_buf_init(&start, 4096);
    vault_fixture_call(f, FIXTURE_READER, cases[i].method, cases[i].path, cases[i].body, &answer);
    vault_fixture_expect(&answer, 403, "Forbidden", "ForbiddenByPolicy");
    ekm_buf_append_fmt(
        &start,
        "The user, group or application 'appid=%s;oid=%s;iss=https://sts.windows.net/%s/' does not have keys "
        "%s permission on key vault 'local;location=local'.",
        app->client_id, app->object_id, app->tenant, cases[i].permission);
    const char *message = ekm_json_text(ekm_json_object(answer.doc, "error"), "message");
    assert_memory_equal(message, ekm_buf_text(&start), start.len);
    https_answer_clear(&answer);
    ekm_buf_clear(&start);
  }
}

static void tokens_survive_a_restart(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  vault_fixture_restart(f);
  get_keys(f, FIXTURE_HOST, f->apps[FIXTURE_FULL].token, &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
}

/* Last, because it moves the clock for good. Cached tokens end too. */
static void tokens_end(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  fake_clock_pass(&f->clock, HOUR_MS + 59 * 1000);
  get_keys(f, FIXTURE_HOST, f->apps[FIXTURE_FULL].token, &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
  fake_clock_pass(&f->clock, 1000);
  get_keys(f, FIXTURE_HOST, f->apps[FIXTURE_FULL].token, &answer);
  expect_challenge(f, &answer, "expired");
  https_answer_clear(&answer);
}

static void nothing_secret_was_logged(void **state) {
  vault_fixture *f = *state;
  vault_fixture_restart(f); /* the server logs a request after its answer: all lines are there when it has ended */
  assert_true(f->log_text.len > 0);
  assert_non_null(strstr(ekm_buf_text(&f->log_text), "vault.request"));
  for (size_t i = 0; i < FIXTURE_APPS; i++) {
    assert_null(strstr(ekm_buf_text(&f->log_text), f->apps[i].secret));
    assert_null(strstr(ekm_buf_text(&f->log_text), f->apps[i].token));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(v2_gives_a_token_with_numbers),
      cmocka_unit_test(v1_gives_a_token_with_texts),
      cmocka_unit_test(tokens_say_what_entras_say),
      cmocka_unit_test(refusals_are_entras),
      cmocka_unit_test(other_names_of_the_sign_in_host_work),
      cmocka_unit_test(the_published_key_checks_tokens),
      cmocka_unit_test(discovery_leads_to_the_endpoints),
      cmocka_unit_test(without_a_token_there_is_a_challenge),
      cmocka_unit_test(bad_tokens_are_refused),
      cmocka_unit_test(a_token_of_another_tenant_is_refused),
      cmocka_unit_test(a_resource_with_a_slash_is_another_audience),
      cmocka_unit_test(one_application_cannot_see_anothers_vault),
      cmocka_unit_test(permissions_are_asked_for_by_name),
      cmocka_unit_test(tokens_survive_a_restart),
      cmocka_unit_test(tokens_end),
      cmocka_unit_test(nothing_secret_was_logged),
  };
  return cmocka_run_group_tests(tests, vault_fixture_set_up, vault_fixture_tear_down);
}
