/* The token endpoint: what is sent, and what each answer means. */
#include <string.h>

#include "entra/client_secret.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/memory_gate.h"
#include "support/scripted_http.h"

#define URL "https://login.microsoftonline.com/tenant.example/oauth2/v2.0/token"
#define CLIENT_ID "01234567-89ab-cdef-0123-456789abcdef"
#define SECRET "planted~secret+with/odd=chars&"
#define GOOD "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"ext_expires_in\":3599,\"access_token\":\"abc.def-_\"}"

static fake_clock fake;
static const entra_target target = {.authority_host = "login.microsoftonline.com",
                                    .authority_port = 443,
                                    .tenant = "tenant.example",
                                    .resource = "https://vault.azure.net"};

static entra_source *new_source(ekm_http *http) {
  entra_source *source = NULL;
  ekm_secret secret = {0};
  ekm_err err = {0};
  assert_true(ekm_secret_set(&secret, ekm_view_text(SECRET), &err));
  assert_true(entra_client_secret_new(http, CLIENT_ID, &secret, &source, &err));
  assert_true(entra_client_secret_is(source, CLIENT_ID, &secret));
  assert_false(entra_client_secret_is(source, "11234567-89ab-cdef-0123-456789abcdef", &secret));
  ekm_secret_bytes(&secret)[3] ^= 1;
  assert_false(entra_client_secret_is(source, CLIENT_ID, &secret));
  ekm_secret_clear(&secret);
  return source;
}

static entra_call call_now(void) {
  fake_clock_init(&fake);
  return (entra_call){.deadline = ekm_deadline_in(&fake.base, 1000)};
}

static void asks_as_the_endpoint_expects(void **state) {
  const scripted_step steps[] = {
      {"POST", URL,
       "client_id=" CLIENT_ID
       "&scope=https%3A%2F%2Fvault.azure.net%2F.default&grant_type=client_credentials&client_secret="
       "planted~secret%2Bwith%2Fodd%3Dchars%26",
       NULL, .status = 200, .answer = GOOD},
      {"POST", URL, "client_secret=planted", NULL, .status = 200,
       .answer =
           "{\"token_type\":\"bearer\",\"expires_in\":\"86399\",\"refresh_in\":\"43200\",\"access_token\":\"x\"}"},
  };
  scripted_http script;
  entra_token *token = NULL;
  ekm_err err = {0};
  entra_call call = call_now();
  (void)state;
  SCRIPT(&script, steps);
  entra_source *source = new_source(&script.base);
  assert_true(entra_source_fetch(source, &target, &call, &token, &err));
  assert_int_equal(entra_token_lifetime_s(token), 3599);
  assert_int_equal(entra_token_refresh_s(token), 1799);
  assert_true(ekm_view_equal(ekm_secret_reveal(entra_token_secret(token)), ekm_view_text("abc.def-_")));
  entra_token_unref(&token);
  assert_true(entra_source_fetch(source, &target, &call, &token, &err));
  assert_int_equal(entra_token_lifetime_s(token), 86399);
  assert_int_equal(entra_token_refresh_s(token), 43200);
  entra_token_unref(&token);
  entra_source_free(&source);
  assert_string_equal(scripted_http_complaint(&script), "");
}

#define ERROR(word, description, code) \
  "{\"error\":\"" word "\",\"error_description\":\"" description "\",\"error_codes\":[" code "],\"trace_id\":\"x\"}"

static void knows_what_answers_mean(void **state) {
  static const struct {
    int status;
    const char *answer;
    ekm_err_id expected;
    const char *words; /* must be in the detail */
  } rows[] = {
      {401,
       ERROR("invalid_client", "AADSTS7000215: Invalid client secret provided. Ensure\\r\\nTrace ID: t", "7000215"),
       EKM_E_TOKEN_REFUSED, "AADSTS7000215: Invalid client secret provided."},
      {401, ERROR("invalid_client", "AADSTS7000222: The keys are expired.", "7000222"), EKM_E_TOKEN_REFUSED, "7000222"},
      {400, ERROR("unauthorized_client", "AADSTS700016: Application not found", "700016"), EKM_E_TOKEN_REFUSED,
       "700016"},
      {400, ERROR("invalid_request", "AADSTS90002: Tenant not found", "90002"), EKM_E_TOKEN_REFUSED, "90002"},
      {401, "{\"error\":\"invalid_client\"}", EKM_E_TOKEN_REFUSED, "invalid_client"},
      {401, ERROR("invalid_client", "AADSTS700024: assertion outside its time", "700024"), EKM_E_TOKEN_FAILED,
       "700024"},
      {400, ERROR("invalid_scope", "AADSTS70011: scope", "70011"), EKM_E_TOKEN_FAILED, "70011"},
      {403, "{\"error\":\"unauthorized_client\"}", EKM_E_TOKEN_FAILED, "403"},
      {503, ERROR("temporarily_unavailable", "AADSTS90033: busy", "90033"), EKM_E_TOKEN_FAILED, "90033"},
      {500, ERROR("invalid_client", "AADSTS7000215: no", "7000215"), EKM_E_TOKEN_FAILED, "500"},
      {429, ERROR("invalid_client", "AADSTS7000215: no", "7000215"), EKM_E_TOKEN_FAILED, "429"},
      {502, "<html>bad gateway</html>", EKM_E_TOKEN_FAILED, "502"},
      {404, "<html>not here</html>", EKM_E_TOKEN_ANSWER, "404"},
      {302, "", EKM_E_TOKEN_ANSWER, "302"},
      {400, "{}", EKM_E_TOKEN_ANSWER, "400"},
      {200, "<html>portal</html>", EKM_E_TOKEN_ANSWER, "login.microsoftonline.com"},
      {200, "", EKM_E_TOKEN_ANSWER, "empty"},
      {200, "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_to", EKM_E_TOKEN_ANSWER, ""},
      {200, "{\"token_type\":\"Bearer\",\"expires_in\":3599}", EKM_E_TOKEN_ANSWER, "no bearer token"},
      {200, "{\"token_type\":\"pop\",\"expires_in\":3599,\"access_token\":\"x\"}", EKM_E_TOKEN_ANSWER,
       "no bearer token"},
      {200, "{\"token_type\":\"Bearer\",\"access_token\":\"x\"}", EKM_E_TOKEN_ANSWER, "how long"},
      {200, "{\"token_type\":\"Bearer\",\"expires_in\":-5,\"access_token\":\"x\"}", EKM_E_TOKEN_ANSWER, "how long"},
      {200, "{\"token_type\":\"Bearer\",\"expires_in\":5,\"access_token\":\"x\\r\\nEvil: 1\"}", EKM_E_TOKEN_ANSWER,
       "characters"},
      {401, ERROR("invalid_client", "your secret is " SECRET, "7000215"), EKM_E_TOKEN_REFUSED, "repeat the secret"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const scripted_step step = {"POST", URL, "", NULL, .status = rows[i].status, .answer = rows[i].answer};
    scripted_http script;
    entra_token *token = NULL;
    ekm_err err = {0};
    entra_call call = call_now();
    scripted_http_init(&script, &step, 1);
    entra_source *source = new_source(&script.base);
    assert_false(entra_source_fetch(source, &target, &call, &token, &err));
    assert_null(token);
    if (err.id != rows[i].expected) fail_msg("%s: %s", rows[i].answer, ekm_err_info_of(err.id)->name);
    if (strstr(err.detail, rows[i].words) == NULL) fail_msg("'%s' is not in '%s'", rows[i].words, err.detail);
    assert_null(strstr(err.detail, SECRET));
    assert_int_equal(err.http_status, rows[i].status);
    entra_source_free(&source);
  }
}

/* A service, or a gateway before it, that repeats the form it was sent. */
static void a_secret_that_comes_back_is_in_no_error(void **state) {
  static const char odd_secret[] = "p~+/=q r%&";
  static const char *const answers[] = {
      "{\"error\":\"invalid_request\",\"error_description\":\"bad form: client_secret=p~%2B%2F%3Dq%20r%25%26\"}",
      "{\"error\":\"p~+/=q r%&\"}"};
  (void)state;
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    const scripted_step step = {
        "POST", URL, "", NULL, .status = 400, .answer = answers[i], .request_id = "id-p~+/=q r%&"};
    scripted_http script;
    entra_token *token = NULL;
    entra_source *source = NULL;
    ekm_secret secret = {0};
    ekm_err err = {0};
    entra_call call = call_now();
    scripted_http_init(&script, &step, 1);
    assert_true(ekm_secret_set(&secret, ekm_view_text(odd_secret), &err));
    assert_true(entra_client_secret_new(&script.base, CLIENT_ID, &secret, &source, &err));
    assert_false(entra_source_fetch(source, &target, &call, &token, &err));
    assert_int_equal(err.id, EKM_E_TOKEN_FAILED);
    assert_non_null(strstr(err.detail, "repeat the secret"));
    assert_null(strstr(err.detail, "p~"));
    assert_string_equal(err.request_id, "");
    ekm_secret_clear(&secret);
    entra_source_free(&source);
  }
}

static void transport_errors_pass(void **state) {
  static const ekm_err_id ids[] = {EKM_E_DNS, EKM_E_CONNECT, EKM_E_TLS_UNTRUSTED, EKM_E_DEADLINE, EKM_E_CANCELLED};
  (void)state;
  for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
    const scripted_step step = {"POST", URL, "", NULL, .fails = ids[i]};
    scripted_http script;
    entra_token *token = NULL;
    ekm_err err = {0};
    entra_call call = call_now();
    scripted_http_init(&script, &step, 1);
    entra_source *source = new_source(&script.base);
    assert_false(entra_source_fetch(source, &target, &call, &token, &err));
    assert_int_equal(err.id, ids[i]);
    entra_source_free(&source);
  }
}

/* What a refusal means does not depend on memory. */
static void survives_without_memory(void **state) {
  memory_gate gate = {0};
  (void)state;
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    const scripted_step step = {"POST",
                                URL,
                                "",
                                NULL,
                                .status = 401,
                                .request_id = "r",
                                .answer =
                                    "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: Invalid "
                                    "client secret \\u0022x\\u0022 "
                                    "provided.\",\"error_codes\":[7000215]}"};
    scripted_http script;
    entra_token *token = NULL;
    entra_source *source = NULL;
    ekm_secret secret = {0};
    ekm_err err = {0};
    entra_call call = call_now();
    scripted_http_init(&script, &step, 1);
    bool ok = ekm_secret_set(&secret, ekm_view_text(SECRET), &err) &&
              entra_client_secret_new(&script.base, CLIENT_ID, &secret, &source, &err) &&
              entra_source_fetch(source, &target, &call, &token, &err);
    assert_false(ok);
    memory_gate_check(&gate, err.id == EKM_E_TOKEN_REFUSED, &err);
    entra_source_free(&source);
    ekm_secret_clear(&secret);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(asks_as_the_endpoint_expects),
      cmocka_unit_test(knows_what_answers_mean),
      cmocka_unit_test(a_secret_that_comes_back_is_in_no_error),
      cmocka_unit_test(transport_errors_pass),
      cmocka_unit_test(survives_without_memory),
  };
  return cmocka_run_group_tests_name("client_secret", tests, NULL, NULL);
}
