/* A challenge that leads astray, a sign-in service that is none, a token that is rejected: the secret goes to the
 * configured host only, a token to the vault only, and AuthFailure means that the credential was refused. */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "hostile_vault_fixture.h"
#include "support/cmocka_all.h"

#define CHALLENGE(authority, resource) \
  "WWW-Authenticate: Bearer authorization=\"" authority "\", resource=\"" resource "\"\r\n"
#define AT_HOME "https://login.localhost/" HOSTILE_TENANT
#define RESOURCE "https://vault.localhost"

/* --- where secret and token may go -------------------------------------------------------------------------------- */

static void a_challenge_cannot_lead_the_secret_away(void **state) {
  static const hostile_case cases[] = {
      {"another host",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = CHALLENGE("https://evil.localhost/t", RESOURCE)},
       EKM_E_AUTHORITY_FOREIGN},
      {"a host that begins like the right one",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = CHALLENGE("https://login.localhost.evil.localhost/t", RESOURCE)},
       EKM_E_AUTHORITY_FOREIGN},
      {"a host that ends like the right one",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = CHALLENGE("https://evil-login.localhost/t", RESOURCE)},
       EKM_E_AUTHORITY_FOREIGN},
      {"the vault itself",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = CHALLENGE("https://" HOSTILE_HOST "/t", RESOURCE)},
       EKM_E_AUTHORITY_FOREIGN},
      {"an address",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = CHALLENGE("https://127.0.0.1/t", RESOURCE)},
       EKM_E_AUTHORITY_FOREIGN},
      {"Azure's sign-in, which is not the configured one",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = CHALLENGE("https://login.microsoftonline.com/t", RESOURCE)},
       EKM_E_AUTHORITY_FOREIGN},
      {"a user name in front of the host",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = CHALLENGE("https://login.localhost@evil.localhost/t", RESOURCE)},
       EKM_E_CHALLENGE_BAD},
      {"a backslash in the host",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = CHALLENGE("https://evil.localhost\\\\.login.localhost/t", RESOURCE)},
       EKM_E_CHALLENGE_BAD},
      {"no TLS",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = CHALLENGE("http://login.localhost/t", RESOURCE)},
       EKM_E_CHALLENGE_BAD},
      {"a tenant that bends the path",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = CHALLENGE("https://login.localhost/..%2f..%2fsteal", RESOURCE)},
       EKM_E_CHALLENGE_BAD},
      {"no tenant",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = CHALLENGE("https://login.localhost/", RESOURCE)},
       EKM_E_CHALLENGE_BAD},
      {"a foreign authority behind a good one",
       HOSTILE_CHALLENGE,
       {.status = 401,
        .headers = "WWW-Authenticate: Bearer authorization=\"" AT_HOME
                   "\", authorization=\"https://evil.localhost/t\", resource=\"" RESOURCE "\"\r\n"},
       EKM_E_CHALLENGE_BAD},
  };
  HOSTILE_RUN(state, cases);
}

static void a_resource_that_is_not_the_vaults_gets_no_token(void **state) {
  static const hostile_case cases[] = {
      {"another one",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = CHALLENGE(AT_HOME, "https://evil.localhost")},
       EKM_E_RESOURCE_FOREIGN},
      {"Azure's",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = CHALLENGE(AT_HOME, "https://vault.azure.net")},
       EKM_E_RESOURCE_FOREIGN},
      {"the end of a label",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = CHALLENGE(AT_HOME, "https://ault.localhost")},
       EKM_E_RESOURCE_FOREIGN},
      {"more than the vault's host",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = CHALLENGE(AT_HOME, "https://x." HOSTILE_HOST)},
       EKM_E_RESOURCE_FOREIGN},
      {"a user name in front",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = CHALLENGE(AT_HOME, "https://evil.localhost@vault.localhost")},
       EKM_E_CHALLENGE_BAD},
      {"none",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = "WWW-Authenticate: Bearer authorization=\"" AT_HOME "\"\r\n"},
       EKM_E_CHALLENGE_BAD},
  };
  hostile_vault_fixture *f = *state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    hostile_vault_run(f, &cases[i], 1);
    assert_int_equal(hostile_server_seen(f->server, HOSTILE_TOKEN), 0);
  }
}

static void a_redirect_is_not_followed(void **state) {
  static const int statuses[] = {301, 302, 303, 307, 308};
  hostile_vault_fixture *f = *state;
  for (int step = HOSTILE_CHALLENGE; step < HOSTILE_OTHER; step++) {
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
      hostile_play play = {
          .status = statuses[i], .headers = "Location: https://evil.localhost/oauth2/v2.0/token\r\n", .body = "{}"};
      hostile_vault_fresh(f);
      hostile_server_play(f->server, (hostile_step)step, &play);
      assert_true(hostile_vault_walk(f, (hostile_step)step) > SQLCP_LAST_RESERVED_ERROR);
      hostile_vault_assert_discreet(f);
      assert_int_equal(hostile_server_seen(f->server, (hostile_step)step), 1);
    }
  }
}

/* --- answers that are none ---------------------------------------------------------------------------------------- */

static void challenges_that_are_none(void **state) {
  static const hostile_case cases[] = {
      {"200 with HTML", HOSTILE_CHALLENGE, {.headers = HOSTILE_HTML_TYPE, .body = HOSTILE_HTML}, EKM_E_CHALLENGE_BAD},
      {"200 with an honest key", HOSTILE_CHALLENGE, {.body = "{\"key\":{\"kid\":\"$kid\"}}"}, EKM_E_CHALLENGE_BAD},
      {"401 without a challenge", HOSTILE_CHALLENGE, {.status = 401, .body = "{}"}, EKM_E_CHALLENGE_BAD},
      {"401 of a proxy",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = "WWW-Authenticate: Basic realm=\"guest\"\r\n", .body = HOSTILE_HTML},
       EKM_E_CHALLENGE_BAD},
      {"401 with an empty challenge",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = "WWW-Authenticate: Bearer\r\n"},
       EKM_E_CHALLENGE_BAD},
      {"an open quote",
       HOSTILE_CHALLENGE,
       {.status = 401, .headers = "WWW-Authenticate: Bearer authorization=\"https://login.localhost/t\r\n"},
       EKM_E_CHALLENGE_BAD},
      {"403 of the firewall",
       HOSTILE_CHALLENGE,
       {.status = 403, .body = HOSTILE_INNER("Forbidden", "ForbiddenByFirewall")},
       EKM_E_VAULT_FIREWALL},
      {"429", HOSTILE_CHALLENGE, {.status = 429, .body = HOSTILE_ERROR("Throttled", "words")}, EKM_E_VAULT_THROTTLED},
      {"500",
       HOSTILE_CHALLENGE,
       {.status = 500, .body = HOSTILE_ERROR("InternalServerError", "words")},
       EKM_E_VAULT_SERVER_ERROR},
      {"503 with HTML", HOSTILE_CHALLENGE, {.status = 503, .body = HOSTILE_HTML}, EKM_E_VAULT_SERVER_ERROR},
      {"10 MB", HOSTILE_CHALLENGE, {.trick = HOSTILE_BIG}, EKM_E_ANSWER_TOO_BIG},
      {"chunks without end", HOSTILE_CHALLENGE, {.trick = HOSTILE_ENDLESS}, EKM_E_ANSWER_TOO_BIG},
      {"closed without an answer", HOSTILE_CHALLENGE, {.trick = HOSTILE_CLOSE}, EKM_E_HTTP_RECEIVE},
      {"cut", HOSTILE_CHALLENGE, {.trick = HOSTILE_CUT}, EKM_E_HTTP_RECEIVE},
      {"a long header", HOSTILE_CHALLENGE, {.trick = HOSTILE_LONG_HEADER, .status = 401}, EKM_E_ANSWER_TOO_BIG},
  };
  HOSTILE_RUN(state, cases);
}

#define AADSTS(code, number) \
  "{\"error\":\"" code "\",\"error_description\":\"AADSTS" #number ": words\",\"error_codes\":[" #number "]}"
#define TOKEN(token, more) "{\"token_type\":\"Bearer\",\"access_token\":\"" token "\"" more "}"

static void only_a_refused_credential_is_AuthFailure(void **state) {
  static const hostile_case cases[] = {
      {"wrong secret", HOSTILE_TOKEN, {.status = 401, .body = AADSTS("invalid_client", 7000215)}, EKM_E_AUTH_FAILURE},
      {"expired secret", HOSTILE_TOKEN, {.status = 401, .body = AADSTS("invalid_client", 7000222)}, EKM_E_AUTH_FAILURE},
      {"unknown client",
       HOSTILE_TOKEN,
       {.status = 400, .body = AADSTS("unauthorized_client", 700016)},
       EKM_E_AUTH_FAILURE},
      {"busy", HOSTILE_TOKEN, {.status = 503, .body = AADSTS("temporarily_unavailable", 90033)}, EKM_E_TOKEN_FAILED},
      {"401 of a proxy", HOSTILE_TOKEN, {.status = 401, .body = HOSTILE_HTML}, EKM_E_TOKEN_ANSWER},
      {"401 without a word", HOSTILE_TOKEN, {.status = 401}, EKM_E_TOKEN_ANSWER},
      {"401 with JSON of another kind",
       HOSTILE_TOKEN,
       {.status = 401, .body = "{\"message\":\"no\"}"},
       EKM_E_TOKEN_ANSWER},
      {"403 of a proxy", HOSTILE_TOKEN, {.status = 403, .body = HOSTILE_HTML}, EKM_E_TOKEN_ANSWER},
      {"500 with HTML", HOSTILE_TOKEN, {.status = 500, .body = HOSTILE_HTML}, EKM_E_TOKEN_FAILED},
      {"500 with words of a refusal",
       HOSTILE_TOKEN,
       {.status = 500, .body = AADSTS("invalid_client", 7000215)},
       EKM_E_TOKEN_FAILED},
      {"429", HOSTILE_TOKEN, {.status = 429, .body = "{}"}, EKM_E_TOKEN_FAILED},
      {"closed", HOSTILE_TOKEN, {.trick = HOSTILE_CLOSE}, EKM_E_HTTP_RECEIVE},
  };
  HOSTILE_RUN(state, cases);
}

static void tokens_that_are_none(void **state) {
  static const hostile_case cases[] = {
      {"HTML", HOSTILE_TOKEN, {.headers = HOSTILE_HTML_TYPE, .body = HOSTILE_HTML}, EKM_E_TOKEN_ANSWER},
      {"nothing", HOSTILE_TOKEN, {.status = 200}, EKM_E_TOKEN_ANSWER},
      {"garbage", HOSTILE_TOKEN, {.body = "{\"access_token\":\"\\u0"}, EKM_E_TOKEN_ANSWER},
      {"a list", HOSTILE_TOKEN, {.body = "[1,2,3]"}, EKM_E_TOKEN_ANSWER},
      {"100,000 levels", HOSTILE_TOKEN, {.trick = HOSTILE_DEEP}, EKM_E_TOKEN_ANSWER},
      {"no token", HOSTILE_TOKEN, {.body = "{\"token_type\":\"Bearer\",\"expires_in\":3599}"}, EKM_E_TOKEN_ANSWER},
      {"an empty token", HOSTILE_TOKEN, {.body = TOKEN("", ",\"expires_in\":3599")}, EKM_E_TOKEN_ANSWER},
      {"a token with a line end",
       HOSTILE_TOKEN,
       {.body = TOKEN("a\\r\\nX-Evil: 1", ",\"expires_in\":3599")},
       EKM_E_TOKEN_ANSWER},
      {"a token with a blank", HOSTILE_TOKEN, {.body = TOKEN("a b", ",\"expires_in\":3599")}, EKM_E_TOKEN_ANSWER},
      {"a token that is a number",
       HOSTILE_TOKEN,
       {.body = "{\"access_token\":5,\"expires_in\":3599}"},
       EKM_E_TOKEN_ANSWER},
      {"a token twice",
       HOSTILE_TOKEN,
       {.body = TOKEN("a", ",\"access_token\":\"b\",\"expires_in\":3599")},
       EKM_E_TOKEN_ANSWER},
      {"another kind of token",
       HOSTILE_TOKEN,
       {.body = "{\"token_type\":\"pop\",\"access_token\":\"a\",\"expires_in\":3599}"},
       EKM_E_TOKEN_ANSWER},
      {"no life", HOSTILE_TOKEN, {.body = TOKEN("a", "")}, EKM_E_TOKEN_ANSWER},
      {"a life of -1", HOSTILE_TOKEN, {.body = TOKEN("a", ",\"expires_in\":-1")}, EKM_E_TOKEN_ANSWER},
      {"10 MB", HOSTILE_TOKEN, {.trick = HOSTILE_BIG}, EKM_E_ANSWER_TOO_BIG},
      {"chunks without end", HOSTILE_TOKEN, {.trick = HOSTILE_ENDLESS}, EKM_E_ANSWER_TOO_BIG},
      {"cut", HOSTILE_TOKEN, {.trick = HOSTILE_CUT}, EKM_E_HTTP_RECEIVE},
  };
  HOSTILE_RUN(state, cases);
}

/* --- 401 behind the sign-in --------------------------------------------------------------------------------------- */

static void a_token_that_is_rejected_is_renewed_once(void **state) {
  static const hostile_play for_ever = {.status = 401,
                                        .headers = CHALLENGE(AT_HOME, RESOURCE),
                                        .body = HOSTILE_ERROR("Unauthorized", "AKV10022: Invalid audience.")};
  static const hostile_play once = {.status = 401, .headers = CHALLENGE(AT_HOME, RESOURCE), .times = 1};
  hostile_vault_fixture *f = *state;
  for (int step = HOSTILE_LIST; step < HOSTILE_OTHER; step++) {
    hostile_vault_fresh(f);
    hostile_server_play(f->server, (hostile_step)step, &for_ever);
    connector_assert(hostile_vault_walk(f, (hostile_step)step), EKM_E_TOKEN_REJECTED);
    assert_int_equal(hostile_server_seen(f->server, (hostile_step)step), 2);
    assert_int_equal(hostile_server_seen(f->server, HOSTILE_TOKEN), 2);
    hostile_vault_assert_discreet(f);

    hostile_vault_fresh(f);
    hostile_server_play(f->server, (hostile_step)step, &once);
    connector_assert(hostile_vault_walk(f, (hostile_step)step), HOSTILE_HONEST_RESULT(step));
    assert_int_equal(hostile_server_seen(f->server, HOSTILE_TOKEN), 2);
  }
}

static void a_later_challenge_cannot_lead_the_secret_away(void **state) {
  static const hostile_case cases[] = {
      {"another authority",
       HOSTILE_KEY,
       {.status = 401, .headers = CHALLENGE("https://evil.localhost/t", RESOURCE), .body = "{}"},
       EKM_E_AUTHORITY_FOREIGN},
      {"another resource",
       HOSTILE_UNWRAP,
       {.status = 401, .headers = CHALLENGE(AT_HOME, "https://evil.localhost"), .body = "{}"},
       EKM_E_RESOURCE_FOREIGN},
  };
  HOSTILE_RUN(state, cases);
}

static void a_clock_that_is_wrong_has_an_error_of_its_own(void **state) {
  static const hostile_case cases[] = {
      {"years",
       HOSTILE_KEY,
       {.status = 401,
        .headers = CHALLENGE(AT_HOME, RESOURCE) "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
        .body = HOSTILE_ERROR("Unauthorized", "AKV10035: token is not yet valid")},
       EKM_E_CLOCK_SKEW},
  };
  HOSTILE_RUN(state, cases);
}

static void http_date(int64_t wall_s, char out[64]) {
  struct tm parts;
  time_t when = (time_t)wall_s;
  (void)gmtime_r(&when, &parts);
  (void)strftime(out, 64, "%a, %d %b %Y %H:%M:%S GMT", &parts);
}

static void ten_minutes_are_a_wrong_clock_and_one_is_none(void **state) {
  static const struct {
    int64_t off_s;
    ekm_err_id expected;
  } rows[] = {
      {600, EKM_E_CLOCK_SKEW}, {-600, EKM_E_CLOCK_SKEW}, {60, EKM_E_TOKEN_REJECTED}, {-60, EKM_E_TOKEN_REJECTED}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char date[64], headers[512];
    http_date(ekm_clock_wall_s(ekm_clock_system()) + rows[i].off_s, date);
    (void)snprintf(headers, sizeof headers, "%sDate: %s\r\n", CHALLENGE(AT_HOME, RESOURCE), date);
    const hostile_case one = {date, HOSTILE_KEY, {.status = 401, .headers = headers}, rows[i].expected};
    hostile_vault_run(*state, &one, 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_challenge_cannot_lead_the_secret_away),
      cmocka_unit_test(a_resource_that_is_not_the_vaults_gets_no_token),
      cmocka_unit_test(a_redirect_is_not_followed),
      cmocka_unit_test(challenges_that_are_none),
      cmocka_unit_test(only_a_refused_credential_is_AuthFailure),
      cmocka_unit_test(tokens_that_are_none),
      cmocka_unit_test(a_token_that_is_rejected_is_renewed_once),
      cmocka_unit_test(a_later_challenge_cannot_lead_the_secret_away),
      cmocka_unit_test(a_clock_that_is_wrong_has_an_error_of_its_own),
      cmocka_unit_test(ten_minutes_are_a_wrong_clock_and_one_is_none),
  };
  return cmocka_run_group_tests(tests, hostile_vault_set_up, hostile_vault_tear_down);
}
