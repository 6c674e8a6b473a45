/* akvd without memory: every single allocation of a request fails once. The client is told to try again, nothing is
 * half done, nothing leaks (the sanitizer build looks), and the next request works. */
#include <stdio.h>
#include <string.h>

#include "support/assertion_maker.h"
#include "support/cmocka_all.h"
#include "support/memory_gate.h"
#include "support/vault_fixture.h"
#include "support/vectors.h"
#include "vault/certificate.h"
#include "vault/federation.h"
#include "vault/metrics.h"
#include "vault/service.h"

typedef struct no_memory {
  vault_fixture *f;
  vault_service service;
  char authorization[5000];
} no_memory;

static int set_up(void **state) {
  static no_memory t;
  ekm_err err = {0};
  if (vault_fixture_set_up(state) != 0) return -1;
  t.f = *state;
  vault_server_stop(&t.f->server); /* its threads would meet the memory gate, too */
  *state = &t;
  t.service = (vault_service){.store = t.f->store,
                              .crypto = t.f->crypto,
                              .shop = {.crypto = t.f->crypto},
                              .rng = ekm_crypto_rng(t.f->crypto),
                              .clock = &t.f->clock.base,
                              .log = NULL,
                              .token_seconds = VAULT_TOKEN_SECONDS};
  t.service.signer =
      (vault_jwt_signer){t.f->crypto, vault_store_signer(t.f->store), vault_store_signer_kid(t.f->store)};
  (void)snprintf(t.authorization, sizeof t.authorization, "Bearer %s", t.f->apps[FIXTURE_FULL].token);
  bool ok = vault_token_cache_new(&t.service.tokens, &err) && vault_metrics_new(&t.service.metrics, &err);
  return ok ? 0 : -1;
}

static int tear_down(void **state) {
  no_memory *t = *state;
  void *fixture = t->f;
  vault_token_cache_free(&t->service.tokens);
  vault_metrics_free(&t->service.metrics);
  return vault_fixture_tear_down(&fixture);
}

/* One request without sockets; its answer's status. */
static int request(no_memory *t, const char *method, const char *path, const char *body, ekm_buf *out_body) {
  bool is_sign_in = strstr(path, "oauth2") != NULL;
  const vault_request request = {.method = method,
                                 .path = path,
                                 .host = is_sign_in ? "login.localhost" : FIXTURE_HOST,
                                 .authorization = is_sign_in ? NULL : t->authorization,
                                 .api_version = "7.5"};
  static vault_exchange x;
  if (vault_service_head(&t->service, &request, &x)) vault_service_rest(&x, ekm_view_text(body));
  int status = x.answer.status;
  if (out_body != NULL) ekm_buf_append_view(out_body, ekm_buf_view(&x.answer.body));
  vault_service_end(&x);
  return status;
}

static void fail_each_allocation(no_memory *t, const char *method, const char *path, const char *body) {
  memory_gate gate = {0};
  size_t failures = 0;
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    int status = request(t, method, path, body, NULL);
    gate.done = !gate.failed;
    if (gate.failed) {
      failures++;
      if (status != 503 && status != 200) print_error("%s %s, allocation %zu: %d\n", method, path, n, status);
      assert_true(status == 503 || status == 200); /* 200: it was one that the answer could do without */
    } else {
      assert_int_equal(status, 200);
    }
  }
  assert_true(failures > 0);
}

static void every_operation_survives(void **state) {
  no_memory *t = *state;
  ekm_buf wrapped;
  ekm_buf_init(&wrapped, 8192);
  assert_int_equal(request(t, "POST", "/keys/k/create", "{\"kty\":\"RSA\",\"tags\":{\"a\":\"b\"}}", NULL), 200);
  fail_each_allocation(t, "GET", "/keys/k", "");
  fail_each_allocation(t, "GET", "/keys", "");
  fail_each_allocation(t, "GET", "/keys/k/versions", "");
  fail_each_allocation(t, "PATCH", "/keys/k",
                       "{\"tags\":{\"c\":\"d\"},\"key_ops\":[\"wrapKey\",\"unwrapKey\",\"sign\"]}");
  fail_each_allocation(t, "POST", "/keys/k/wrapkey", "{\"alg\":\"RSA-OAEP\",\"value\":\"AAAA\"}");
  fail_each_allocation(t, "POST", "/keys/k/sign",
                       "{\"alg\":\"RS256\",\"value\":\"vgZc0NQUb6WMKX___V2JntcFRO_vszKwSAj7R2rL1zg\"}");
  assert_int_equal(request(t, "POST", "/keys/k/wrapkey", "{\"alg\":\"RSA-OAEP\",\"value\":\"AAAA\"}", &wrapped), 200);
  char body[1024];
  json_t *doc = NULL;
  ekm_err err = {0};
  assert_true(ekm_json_parse(ekm_buf_view(&wrapped), &doc, &err));
  (void)snprintf(body, sizeof body, "{\"alg\":\"RSA-OAEP\",\"value\":\"%s\"}", ekm_json_text(doc, "value"));
  fail_each_allocation(t, "POST", "/keys/k/unwrapkey", body);
  assert_int_equal(request(t, "DELETE", "/keys/k", "", NULL), 200);
  fail_each_allocation(t, "GET", "/deletedkeys/k", "");
  fail_each_allocation(t, "GET", "/deletedkeys", "");
  ekm_json_free(&doc);
  ekm_buf_clear(&wrapped);
}

/* There is no socket here, so nobody is known to be near. */
static void only_neighbours_may_watch(void **state) {
  no_memory *t = *state;
  const vault_request far = {.method = "GET", .path = "/metrics", .host = "login.localhost"};
  const vault_request near = {.method = "GET", .path = "/metrics", .host = "login.localhost", .from_loopback = true};
  static vault_exchange x;
  assert_true(vault_service_head(&t->service, &far, &x));
  vault_service_rest(&x, ekm_view_text(""));
  assert_int_equal(x.answer.status, 404);
  vault_service_end(&x);
  assert_true(vault_service_head(&t->service, &near, &x));
  vault_service_rest(&x, ekm_view_text(""));
  assert_int_equal(x.answer.status, 200);
  vault_service_end(&x);
}

/* The service here was started without trouble. */
static void trouble_must_be_allowed(void **state) {
  no_memory *t = *state;
  static const char *const methods[] = {"GET", "PUT"};
  static vault_exchange x;
  for (size_t i = 0; i < 2; i++) {
    const vault_request request = {
        .method = methods[i], .path = "/_akvd/trouble", .host = "localhost", .from_loopback = true};
    assert_true(vault_service_head(&t->service, &request, &x));
    vault_service_rest(&x, ekm_view_text("{\"trouble\":[]}"));
    assert_int_equal(x.answer.status, 404);
    vault_service_end(&x);
  }
}

static void the_token_endpoint_survives(void **state) {
  no_memory *t = *state;
  const fixture_credential *app = &t->f->apps[FIXTURE_FULL];
  char path[128];
  ekm_buf body;
  ekm_buf_init(&body, 4096);
  (void)snprintf(path, sizeof path, "/%s/oauth2/v2.0/token", app->tenant);
  ekm_buf_append_fmt(
      &body,
      "grant_type=client_credentials&client_id=%s&client_secret=%s&scope=https%%3A%%2F%%2Fvault.localhost%%2F.default",
      app->client_id, app->secret);
  fail_each_allocation(t, "POST", path, ekm_buf_text(&body));
  ekm_buf_clear(&body);
}

static void trust(no_memory *t, const char *client_id) {
  vault_certificate certificate;
  vault_federation federation = {
      .issuer = "https://issuer.example", .subject = "sql", .audience = VAULT_FEDERATION_AUDIENCE};
  char id[VAULT_GUID_CHARS + 1];
  ekm_err err = {0};
  ekm_buf pem, jwks, keys;
  json_t *doc = vectors_load("azure-rsa.json");
  const json_t *jwk = vectors_member(doc, "import_request.key");
  ekm_buf_init(&pem, 8192);
  ekm_buf_init(&jwks, 8192);
  ekm_buf_init(&keys, 8192);
  vectors_read("client-certificate.pem", &pem);
  ekm_buf_append_fmt(&jwks, "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"k\",\"n\":\"%s\",\"e\":\"%s\"}]}",
                     ekm_json_text(jwk, "n"), ekm_json_text(jwk, "e"));
  assert_true(vault_certificate_read(t->f->crypto, ekm_buf_view(&pem), &certificate, &err));
  assert_true(vault_store_certificate_add(t->f->store, client_id, &certificate, id, &err));
  assert_true(vault_federation_keys(t->f->crypto, ekm_buf_view(&jwks), &keys, &err));
  federation.keys = ekm_buf_text(&keys);
  assert_true(vault_store_federation_add(t->f->store, client_id, &federation, id, &err));
  ekm_json_free(&doc);
  ekm_buf_clear(&pem);
  ekm_buf_clear(&jwks);
  ekm_buf_clear(&keys);
}

static void sign_in_by(no_memory *t, const char *header, const char *issuer, const char *subject,
                       const char *audience) {
  const fixture_credential *app = &t->f->apps[FIXTURE_FULL];
  char path[128], claims[1024];
  ekm_buf body;
  ekm_key *key = assertion_key(t->f->crypto);
  ekm_buf_init(&body, 16384);
  (void)snprintf(path, sizeof path, "/%s/oauth2/v2.0/token", app->tenant);
  (void)snprintf(claims, sizeof claims, "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"%s\",\"exp\":%lld}", issuer, subject,
                 audience, (long long)t->f->clock.wall_s + 600);
  ekm_buf_append_fmt(&body,
                     "grant_type=client_credentials&client_id=%s&scope=https%%3A%%2F%%2Fvault.localhost%%2F.default"
                     "&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion=",
                     app->client_id);
  assertion_make(t->f->crypto, key, "RS256", header, claims, &body);
  fail_each_allocation(t, "POST", path, ekm_buf_text(&body));
  ekm_key_free(&key);
  ekm_buf_clear(&body);
}

static void assertions_survive(void **state) {
  no_memory *t = *state;
  const fixture_credential *app = &t->f->apps[FIXTURE_FULL];
  char audience[128];
  trust(t, app->client_id);
  (void)snprintf(audience, sizeof audience, "https://login.localhost/%s/v2.0", app->tenant);
  sign_in_by(t, "{\"alg\":\"RS256\",\"x5t\":\"" ASSERTION_X5T "\"}", app->client_id, app->client_id, audience);
  sign_in_by(t, "{\"alg\":\"RS256\",\"kid\":\"k\"}", "https://issuer.example", "sql", VAULT_FEDERATION_AUDIENCE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_operation_survives), cmocka_unit_test(only_neighbours_may_watch),
      cmocka_unit_test(trouble_must_be_allowed),  cmocka_unit_test(the_token_endpoint_survives),
      cmocka_unit_test(assertions_survive),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
