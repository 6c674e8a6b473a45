/* Applications that sign in with an assertion, their own or another issuer's: what akvd takes, what it refuses, and in
 * whose words. */
#include <stdio.h>
#include <string.h>

#include "support/assertion_maker.h"
#include "support/cmocka_all.h"
#include "support/vault_fixture.h"
#include "support/vectors.h"
#include "vault/assertion.h"
#include "vault/certificate.h"
#include "vault/federation.h"

#define JWT_BEARER "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
#define BY_SHA1 "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5t\":\"" ASSERTION_X5T "\"}"
#define BY_SHA256 "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"x5t#S256\":\"" ASSERTION_X5T_S256 "\"}"

enum { DAY_S = 24 * 3600, BODY_MAX_BYTES = 64 * 1024 };

typedef struct fixture {
  vault_fixture *vault;
  ekm_key *key; /* of the certificate */
  ekm_key *other_key;
  vault_certificate certificate;
  char certificate_id[VAULT_GUID_CHARS + 1];
} fixture;

#define ISSUER "https://issuer.example"
#define SUBJECT "system:serviceaccount:default:sql"
#define BY_ISSUER "{\"alg\":\"RS256\",\"kid\":\"k1\"}"

/* OTHER trusts SUBJECT of ISSUER, whose key is the one of the vectors. */
static bool add_federation(fixture *f, ekm_err *err) {
  char id[VAULT_GUID_CHARS + 1];
  ekm_buf jwks, keys;
  json_t *doc = vectors_load("azure-rsa.json");
  const json_t *jwk = vectors_member(doc, "import_request.key");
  vault_federation federation = {.issuer = ISSUER, .subject = SUBJECT, .audience = VAULT_FEDERATION_AUDIENCE};
  ekm_buf_init(&jwks, VAULT_FEDERATION_JWKS_BYTES);
  ekm_buf_init(&keys, VAULT_FEDERATION_KEYS_BYTES);
  ekm_buf_append_fmt(&jwks, "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"k1\",\"n\":\"%s\",\"e\":\"%s\"}]}",
                     ekm_json_text(jwk, "n"), ekm_json_text(jwk, "e"));
  bool ok = vault_federation_keys(f->vault->crypto, ekm_buf_view(&jwks), &keys, err);
  federation.keys = ekm_buf_text(&keys);
  ok = ok && vault_store_federation_add(f->vault->store, f->vault->apps[FIXTURE_OTHER].client_id, &federation, id, err);
  ekm_json_free(&doc);
  ekm_buf_clear(&jwks);
  ekm_buf_clear(&keys);
  return ok;
}

static int set_up(void **state) {
  static fixture f;
  void *vault = NULL;
  ekm_err err = {0};
  ekm_buf pem;
  *state = &f;
  if (vault_fixture_set_up(&vault) != 0) return -1;
  f.vault = vault;
  f.key = assertion_key(f.vault->crypto);
  ekm_buf_init(&pem, 8192);
  vectors_read("client-certificate.pem", &pem);
  bool ok = ekm_key_generate_rsa(f.vault->crypto, 2048, 65537, &f.other_key, &err) &&
            vault_certificate_read(f.vault->crypto, ekm_buf_view(&pem), &f.certificate, &err) &&
            vault_store_certificate_add(f.vault->store, f.vault->apps[FIXTURE_FULL].client_id, &f.certificate,
                                        f.certificate_id, &err) &&
            add_federation(&f, &err);
  ekm_buf_clear(&pem);
  return ok ? 0 : -1;
}

static int tear_down(void **state) {
  fixture *f = *state;
  void *vault = f->vault;
  ekm_key_free(&f->key);
  ekm_key_free(&f->other_key);
  return vault_fixture_tear_down(&vault);
}

/* One try to sign in. What is left out is what a good one has. */
typedef struct attempt {
  const char *header;   /* BY_SHA256 */
  const char *alg;      /* PS256: what it is signed with in truth */
  const char *audience; /* of v2 at login.localhost; %s is the tenant */
  const char *issuer, *subject;
  int64_t from, until; /* from now on; 0 and 600 */
  bool by_other_key;
  fixture_app app;         /* FULL */
  const char *host, *path; /* login.localhost, v2; %s is the tenant */
  const char *const *headers;
  int code; /* of AADSTS; 0: there is a token */
} attempt;

static const char *or_else(const char *given, const char *usual) {
  return given != NULL ? given : usual;
}

/* ${pattern} with the tenant for its %s. */
static void with_tenant(const char *pattern, const char *tenant, char out[256]) {
  const char *at = strstr(pattern, "%s");
  int len = at == NULL ? (int)strlen(pattern) : (int)(at - pattern);
  (void)snprintf(out, 256, "%.*s%s%s", len, pattern, at == NULL ? "" : tenant, at == NULL ? "" : at + 2);
}

static void write_claims(const fixture *f, const attempt *a, ekm_buf *out) {
  const fixture_credential *app = &f->vault->apps[a->app];
  int64_t now = f->vault->clock.wall_s;
  char audience[256];
  with_tenant(or_else(a->audience, "https://login.localhost/%s/oauth2/v2.0/token"), app->tenant, audience);
  ekm_buf_append_fmt(out,
                     "{\"aud\":\"%s\",\"iss\":\"%s\",\"sub\":\"%s\",\"jti\":\"4f0c2e4a\",\"nbf\":%lld,\"exp\":%lld}",
                     audience, or_else(a->issuer, app->client_id), or_else(a->subject, app->client_id),
                     (long long)(now + a->from), (long long)(now + (a->until == 0 ? 600 : a->until)));
}

static void sign_in(const fixture *f, const attempt *a, const char *more, const char *assertion, https_answer *out) {
  const fixture_credential *app = &f->vault->apps[a->app];
  char path[256];
  ekm_buf body;
  ekm_buf_init(&body, BODY_MAX_BYTES);
  with_tenant(or_else(a->path, "/%s/oauth2/v2.0/token"), app->tenant, path);
  ekm_buf_append_fmt(&body,
                     "grant_type=client_credentials&client_id=%s&%s&client_assertion=%s&resource=https%%3A%%2F%%2F"
                     "vault.localhost&scope=https%%3A%%2F%%2Fvault.localhost%%2F.default",
                     app->client_id, more, assertion);
  https_client_send(&f->vault->client,
                    &(https_request){.method = "POST",
                                     .host = or_else(a->host, "login.localhost"),
                                     .path = path,
                                     .body = ekm_buf_text(&body),
                                     .headers = a->headers},
                    out);
  ekm_buf_clear(&body);
}

static void try(const fixture *f, const attempt *a, https_answer *out) {
  ekm_buf claims, token;
  ekm_buf_init(&claims, BODY_MAX_BYTES);
  ekm_buf_init(&token, BODY_MAX_BYTES);
  write_claims(f, a, &claims);
  assertion_make(f->vault->crypto, a->by_other_key ? f->other_key : f->key, or_else(a->alg, "PS256"),
                 or_else(a->header, BY_SHA256), ekm_buf_text(&claims), &token);
  sign_in(f, a, "client_assertion_type=" JWT_BEARER, ekm_buf_text(&token), out);
  ekm_buf_clear(&claims);
  ekm_buf_clear(&token);
}

static void expect_code(const https_answer *answer, int code, size_t row) {
  int got = (int)json_integer_value(json_array_get(ekm_json_array(answer->doc, "error_codes"), 0));
  bool has_token = ekm_json_text(answer->doc, "access_token") != NULL;
  if (got != code || has_token != (code == 0) || (answer->status == 200) != (code == 0)) {
    fail_msg("attempt %zu: %ld, AADSTS%d instead of %d", row, answer->status, got, code);
  }
}

static void try_all(const fixture *f, const attempt *attempts, size_t count) {
  for (size_t i = 0; i < count; i++) {
    https_answer answer;
    try(f, &attempts[i], &answer);
    expect_code(&answer, attempts[i].code, i);
    https_answer_clear(&answer);
  }
}

static void all_that_clients_send_is_taken(void **state) {
  static const attempt attempts[] = {
      {.header = BY_SHA256},
      {.header = BY_SHA1, .alg = "RS256"},
      {.header = "{\"alg\":\"RS256\",\"x5t#S256\":\"" ASSERTION_X5T_S256 "\"}", .alg = "RS256"},
      {.header =
           "{\"alg\":\"RS256\",\"kid\":\"E41DDD689A009F7AD1C39C5AB8AAB8EC6DC2EEBC\",\"x5t\":\"" ASSERTION_X5T "\"}",
       .alg = "RS256"},
      {.audience = "https://login.localhost/%s/oauth2/token"},
      {.audience = "https://login.localhost/%s/v2.0"},
      {.audience = "https://login.localhost/%s/"},
      {.audience = "https://LOGIN.localhost/%s"},
      {.path = "/%s/oauth2/token", .audience = "https://login.localhost/%s/oauth2/token"},
      {.path = "/%s/oauth2/token"},
      {.host = "127.0.0.1", .audience = "https://127.0.0.1/%s/oauth2/v2.0/token"},
      {.host = "127.0.0.1", .audience = "https://login.localhost/%s/oauth2/v2.0/token"},
      {.from = 300},
      {.from = -600, .until = -299},
      {.until = DAY_S + 300},
  };
  try_all(*state, attempts, sizeof attempts / sizeof attempts[0]);
}

/* A client that was told a port may write it, or leave it out. */
static void the_port_may_be_named(void **state) {
  static const char *const headers[] = {"Host: login.localhost:8443", NULL};
  static const attempt attempts[] = {
      {.headers = headers, .audience = "https://login.localhost:8443/%s/oauth2/v2.0/token"},
      {.headers = headers, .audience = "https://login.localhost/%s/oauth2/v2.0/token"},
      {.headers = headers, .audience = "https://login.localhost:8444/%s/oauth2/v2.0/token", .code = 700023},
  };
  try_all(*state, attempts, sizeof attempts / sizeof attempts[0]);
}

static void everything_else_is_refused(void **state) {
  static const attempt attempts[] = {
      {.by_other_key = true, .code = 700027},
      {.alg = "RS256", .code = 700027}, /* signed otherwise than its header says */
      {.app = FIXTURE_READER, .code = 700027},
      {.header = "{\"alg\":\"PS256\",\"x5t\":\"6B3daJoAn3rRw5xauKq47G3C7rw\"}", .code = 700027},
      {.header = "{\"alg\":\"PS256\",\"kid\":\"another\"}", .code = 700027},
      {.header = "{\"alg\":\"PS256\",\"typ\":\"JWT\"}", .code = 5002723},
      {.header = "{\"alg\":\"none\",\"x5t\":\"" ASSERTION_X5T "\"}", .code = 5002738},
      {.header = "{\"alg\":\"HS256\",\"x5t\":\"" ASSERTION_X5T "\"}", .code = 5002738},
      {.header = "{\"alg\":\"PS256\",\"typ\":\"at+jwt\",\"x5t\":\"" ASSERTION_X5T "\"}", .code = 5002727},
      {.header = "{\"alg\":\"PS256\",\"crit\":[\"exp\"],\"x5t\":\"" ASSERTION_X5T "\"}", .code = 50027},
      {.issuer = "11111111-2222-3333-4444-555555555555", .code = 700021},
      {.subject = "11111111-2222-3333-4444-555555555555", .code = 700021},
      {.issuer = "", .code = 90014},
      {.audience = "https://login.localhost/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token", .code = 700023},
      {.audience = "https://vault.localhost", .code = 700023},
      {.audience = "http://login.localhost/%s/oauth2/v2.0/token", .code = 700023},
      {.audience = "https://login.localhost.example.org/%s/oauth2/v2.0/token", .code = 700023},
      {.audience = "https://login.localhost:8443/%s/oauth2/v2.0/token", .code = 700023},
      {.from = 301, .code = 700024},
      {.from = -600, .until = -300, .code = 700024},
      {.until = DAY_S + 301, .code = 700024},
  };
  try_all(*state, attempts, sizeof attempts / sizeof attempts[0]);
}

/* ---- of another issuer ------------------------------------------------------------------------------------------- */

#define FEDERATED .app = FIXTURE_OTHER, .alg = "RS256", .issuer = ISSUER, .subject = SUBJECT
#define EXCHANGE .audience = VAULT_FEDERATION_AUDIENCE

static void tokens_of_a_trusted_issuer_are_taken(void **state) {
  static const attempt attempts[] = {
      {FEDERATED, EXCHANGE, .header = BY_ISSUER},
      {FEDERATED, EXCHANGE,
       .header = "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k1\",\"x5t\":\"" ASSERTION_X5T "\"}"},
      {FEDERATED, EXCHANGE, .header = BY_ISSUER, .path = "/%s/oauth2/token"},
      {FEDERATED, EXCHANGE, .header = BY_ISSUER, .until = 30 * DAY_S}, /* how long it lives is for its issuer to say */
  };
  try_all(*state, attempts, sizeof attempts / sizeof attempts[0]);
}

static void tokens_of_others_are_refused(void **state) {
  static const attempt attempts[] = {
      {.app = FIXTURE_FULL,
       .alg = "RS256",
       .issuer = ISSUER,
       .subject = SUBJECT,
       EXCHANGE,
       .header = BY_ISSUER,
       .code = 70021},
      {.app = FIXTURE_OTHER,
       .alg = "RS256",
       .issuer = ISSUER "/",
       .subject = SUBJECT,
       EXCHANGE,
       .header = BY_ISSUER,
       .code = 700211},
      {.app = FIXTURE_OTHER,
       .alg = "RS256",
       .issuer = "HTTPS://issuer.example",
       .subject = SUBJECT,
       EXCHANGE,
       .header = BY_ISSUER,
       .code = 700211},
      {.app = FIXTURE_OTHER,
       .alg = "RS256",
       .issuer = ISSUER,
       .subject = SUBJECT "x",
       EXCHANGE,
       .header = BY_ISSUER,
       .code = 700213},
      {.app = FIXTURE_OTHER,
       .alg = "RS256",
       .issuer = ISSUER,
       .subject = "System:serviceaccount:default:sql",
       EXCHANGE,
       .header = BY_ISSUER,
       .code = 7002138},
      {FEDERATED, .audience = "api://azureadtokenexchange", .header = BY_ISSUER, .code = 700212},
      {FEDERATED, .header = BY_ISSUER, .code = 700212},
      {FEDERATED, EXCHANGE, .header = "{\"alg\":\"RS256\",\"kid\":\"k2\"}", .code = 7000272},
      {FEDERATED, EXCHANGE, .header = "{\"alg\":\"RS256\"}", .code = 7000272},
      {FEDERATED, EXCHANGE, .header = "{\"alg\":\"RS256\",\"x5t\":\"" ASSERTION_X5T "\"}", .code = 7000272},
      {.app = FIXTURE_OTHER,
       .alg = "PS256",
       .issuer = ISSUER,
       .subject = SUBJECT,
       EXCHANGE,
       .header = "{\"alg\":\"PS256\",\"kid\":\"k1\"}",
       .code = 5002738},
      {FEDERATED, EXCHANGE, .header = BY_ISSUER, .by_other_key = true, .code = 700027},
      {FEDERATED, EXCHANGE, .header = BY_ISSUER, .from = 301, .code = 700024},
      {FEDERATED, EXCHANGE, .header = BY_ISSUER, .from = -600, .until = -300, .code = 700024},
      /* The certificate's key is the issuer's here, but the application has no certificate; and the other way round. */
      {.app = FIXTURE_OTHER, .code = 700027},
      {.app = FIXTURE_FULL, .issuer = ISSUER, .code = 70021},
  };
  try_all(*state, attempts, sizeof attempts / sizeof attempts[0]);
}

static void what_is_no_assertion_is_said(void **state) {
  static const struct {
    const char *more, *assertion;
    int code;
  } cases[] = {
      {"client_assertion_type=" JWT_BEARER, "none", 50027},
      {"client_assertion_type=" JWT_BEARER, "a.b.c", 50027},
      {"client_assertion_type=" JWT_BEARER, "", 7000218},
      {"client_assertion_type=", "a.b.c", 900144},
      {"x=y", "a.b.c", 900144},
      {"client_assertion_type=saml2-bearer", "a.b.c", 9002313},
  };
  fixture *f = *state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    https_answer answer;
    sign_in(f, &(attempt){.host = NULL}, cases[i].more, cases[i].assertion, &answer);
    expect_code(&answer, cases[i].code, i);
    https_answer_clear(&answer);
  }
}

static void refusals_say_which_key_and_when(void **state) {
  fixture *f = *state;
  https_answer answer;
  try(f, &(attempt){.by_other_key = true}, &answer);
  const char *said = ekm_json_text(answer.doc, "error_description");
  assert_string_equal(ekm_json_text(answer.doc, "error"), "invalid_client");
  assert_int_equal(answer.status, 401);
  assert_non_null(strstr(said, "8D9C0012390C8B2214775F213D386167E0EEE40F505D257CA577ADACCA98BCAB"));
  assert_non_null(strstr(said, "'Start=2026-11-01T00:00:00Z, End=2026-12-24T00:00:00Z'"));
  https_answer_clear(&answer);
  try(f, &(attempt){.from = 301}, &answer);
  said = ekm_json_text(answer.doc, "error_description");
  assert_non_null(strstr(said, "Current time: 2026-11-24T08:00:00Z, assertion valid from 2026-11-24T08:05:01Z"));
  https_answer_clear(&answer);
}

static void a_token_of_a_certificate_opens_the_vault(void **state) {
  fixture *f = *state;
  https_answer token, answer;
  try(f, &(attempt){.header = BY_SHA256}, &token);
  https_client_send(&f->vault->client,
                    &(https_request){.method = "GET",
                                     .host = FIXTURE_HOST,
                                     .path = "/keys?api-version=7.5",
                                     .bearer = ekm_json_text(token.doc, "access_token")},
                    &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
  https_answer_clear(&token);
}

static void a_certificate_that_is_taken_away_is_unknown_at_once(void **state) {
  fixture *f = *state;
  const char *client_id = f->vault->apps[FIXTURE_FULL].client_id;
  const attempt good[] = {{.code = 0}}, refused[] = {{.code = 700027}};
  ekm_err err = {0};
  try_all(f, good, 1);
  assert_true(vault_store_certificate_remove(f->vault->store, client_id, f->certificate_id, &err));
  try_all(f, refused, 1);
  assert_true(vault_store_certificate_add(f->vault->store, client_id, &f->certificate, f->certificate_id, &err));
  try_all(f, good, 1);
}

/* Last: the clock goes to the certificate's end, and before its beginning. */
static void a_certificate_counts_in_its_time_only(void **state) {
  fixture *f = *state;
  static const attempt good[] = {{.code = 0}}, refused[] = {{.code = 700027}};
  f->vault->clock.wall_s = f->certificate.ends;
  try_all(f, good, 1);
  f->vault->clock.wall_s = f->certificate.ends + 1;
  try_all(f, refused, 1);
  f->vault->clock.wall_s = f->certificate.begins - 1;
  try_all(f, refused, 1);
  f->vault->clock.wall_s = f->certificate.begins;
  try_all(f, good, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_that_clients_send_is_taken),
      cmocka_unit_test(the_port_may_be_named),
      cmocka_unit_test(everything_else_is_refused),
      cmocka_unit_test(tokens_of_a_trusted_issuer_are_taken),
      cmocka_unit_test(tokens_of_others_are_refused),
      cmocka_unit_test(what_is_no_assertion_is_said),
      cmocka_unit_test(refusals_say_which_key_and_when),
      cmocka_unit_test(a_token_of_a_certificate_opens_the_vault),
      cmocka_unit_test(a_certificate_that_is_taken_away_is_unknown_at_once),
      cmocka_unit_test(a_certificate_counts_in_its_time_only),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
