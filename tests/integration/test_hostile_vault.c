/* A vault, or somebody in its place, that answers badly: every lie has its code, and none makes the provider use what
 * it should not, hang or break. */
#include "hostile_vault_fixture.h"
#include "support/cmocka_all.h"

static void an_honest_vault_is_used(void **state) {
  hostile_vault_fixture *f = *state;
  for (int step = HOSTILE_CHALLENGE; step < HOSTILE_OTHER; step++) {
    hostile_vault_fresh(f);
    connector_assert(hostile_vault_walk(f, (hostile_step)step), HOSTILE_HONEST_RESULT(step));
    hostile_vault_assert_discreet(f);
    assert_int_equal(hostile_server_seen(f->server, (hostile_step)step), 1);
    assert_int_equal(hostile_server_seen(f->server, HOSTILE_TOKEN), 1);
  }
}

/* The same at every step that a token opens. */
static void every_step_survives_rubbish(void **state) {
  static const hostile_case cases[] = {
      {"HTML", HOSTILE_CHALLENGE, {.headers = HOSTILE_HTML_TYPE, .body = HOSTILE_HTML}, EKM_E_ANSWER_NOT_JSON},
      {"nothing", HOSTILE_CHALLENGE, {.status = 200}, EKM_E_ANSWER_NOT_JSON},
      {"garbage", HOSTILE_CHALLENGE, {.body = "{\"value\":[{\"kid\":\"https://"}, EKM_E_ANSWER_NOT_JSON},
      {"bad UTF-8", HOSTILE_CHALLENGE, {.body = "{\"value\":\"\xc3\x28\",\"key\":{}}"}, EKM_E_ANSWER_NOT_JSON},
      {"100,000 levels", HOSTILE_CHALLENGE, {.trick = HOSTILE_DEEP}, EKM_E_ANSWER_NOT_JSON},
      {"bytes behind it", HOSTILE_CHALLENGE, {.body = "{}{}"}, EKM_E_ANSWER_NOT_JSON},
      {"10 MB", HOSTILE_CHALLENGE, {.trick = HOSTILE_BIG}, EKM_E_ANSWER_TOO_BIG},
      {"chunks without end", HOSTILE_CHALLENGE, {.trick = HOSTILE_ENDLESS}, EKM_E_ANSWER_TOO_BIG},
      {"cut", HOSTILE_CHALLENGE, {.trick = HOSTILE_CUT}, EKM_E_HTTP_RECEIVE},
      {"closed", HOSTILE_CHALLENGE, {.trick = HOSTILE_CLOSE}, EKM_E_HTTP_RECEIVE},
      {"a long header", HOSTILE_CHALLENGE, {.trick = HOSTILE_LONG_HEADER}, EKM_E_ANSWER_TOO_BIG},
      {"403",
       HOSTILE_CHALLENGE,
       {.status = 403, .body = HOSTILE_INNER("Forbidden", "ForbiddenByPolicy")},
       EKM_E_VAULT_FORBIDDEN},
      {"403 of the firewall",
       HOSTILE_CHALLENGE,
       {.status = 403, .body = HOSTILE_INNER("Forbidden", "ForbiddenByFirewall")},
       EKM_E_VAULT_FIREWALL},
      {"404 with HTML",
       HOSTILE_CHALLENGE,
       {.status = 404, .headers = HOSTILE_HTML_TYPE, .body = HOSTILE_HTML},
       EKM_E_VAULT_NOT_FOUND},
      {"409", HOSTILE_CHALLENGE, {.status = 409, .body = HOSTILE_ERROR("Conflict", "words")}, EKM_E_VAULT_CONFLICT},
      {"418", HOSTILE_CHALLENGE, {.status = 418, .body = HOSTILE_ERROR("Teapot", "words")}, EKM_E_VAULT_CLIENT_ERROR},
      {"429", HOSTILE_CHALLENGE, {.status = 429, .body = HOSTILE_ERROR("Throttled", "words")}, EKM_E_VAULT_THROTTLED},
      {"500",
       HOSTILE_CHALLENGE,
       {.status = 500, .body = HOSTILE_ERROR("InternalServerError", "words")},
       EKM_E_VAULT_SERVER_ERROR},
      {"503 with HTML", HOSTILE_CHALLENGE, {.status = 503, .body = HOSTILE_HTML}, EKM_E_VAULT_SERVER_ERROR},
  };
  for (int step = HOSTILE_LIST; step < HOSTILE_OTHER; step++) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
      hostile_case one = cases[i];
      one.step = (hostile_step)step;
      hostile_vault_run(*state, &one, 1);
    }
  }
}

/* --- keys ------------------------------------------------------------------------------------------------------------
 */

#define KEY_BUNDLE(kid, rest) "{\"key\":{\"kid\":\"" kid "\"," rest "},\"attributes\":{\"enabled\":true}}"
#define RSA "\"kty\":\"RSA\",\"n\":\"$n\",\"e\":\"$e\""
#define COORDINATE "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\""
#define B64_128 /* 96 bytes of 0xff */                               \
  "________________________________________________________________" \
  "________________________________________________________________"

static void keys_that_cannot_be_used(void **state) {
  static const hostile_case cases[] = {
      {"EC",
       HOSTILE_KEY,
       {.body = KEY_BUNDLE("$kid", "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":" COORDINATE ",\"y\":" COORDINATE)},
       EKM_E_KEY_TYPE},
      {"oct", HOSTILE_KEY, {.body = KEY_BUNDLE("$kid", "\"kty\":\"oct\"")}, EKM_E_KEY_TYPE},
      {"a type of tomorrow",
       HOSTILE_KEY,
       {.body = KEY_BUNDLE("$kid", "\"kty\":\"AKP\",\"pub\":\"AAAA\"")},
       EKM_E_KEY_TYPE},
      {"RSA-1024",
       HOSTILE_KEY,
       {.body = KEY_BUNDLE(
            "$kid", "\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"" B64_128 "__________________________________________8\"")},
       EKM_E_KEY_TYPE},
      {"disabled",
       HOSTILE_KEY,
       {.body = "{\"key\":{\"kid\":\"$kid\"," RSA "},\"attributes\":{\"enabled\":false}}"},
       EKM_E_KEY_DISABLED},
      {"RSA-HSM is as good as RSA",
       HOSTILE_KEY,
       {.body = KEY_BUNDLE("$kid", "\"kty\":\"RSA-HSM\",\"n\":\"$n\",\"e\":\"$e\"")},
       EKM_E_OK},
      {"404 of the key",
       HOSTILE_KEY,
       {.status = 404, .body = HOSTILE_ERROR("KeyNotFound", "A key was not found")},
       EKM_E_KEY_NOT_FOUND},
  };
  HOSTILE_RUN(state, cases);
}

static void descriptions_of_keys_that_are_none(void **state) {
  static const hostile_case cases[] = {
      {"an empty object", HOSTILE_KEY, {.body = "{}"}, EKM_E_KEY_ANSWER},
      {"no kid", HOSTILE_KEY, {.body = "{\"key\":{" RSA "}}"}, EKM_E_KEY_ANSWER},
      {"key is a text", HOSTILE_KEY, {.body = "{\"key\":\"$kid\"}"}, EKM_E_KEY_ANSWER},
      {"no n", HOSTILE_KEY, {.body = KEY_BUNDLE("$kid", "\"kty\":\"RSA\",\"e\":\"$e\"")}, EKM_E_KEY_ANSWER},
      {"no e", HOSTILE_KEY, {.body = KEY_BUNDLE("$kid", "\"kty\":\"RSA\",\"n\":\"$n\"")}, EKM_E_KEY_ANSWER},
      {"e of nothing",
       HOSTILE_KEY,
       {.body = KEY_BUNDLE("$kid", "\"kty\":\"RSA\",\"n\":\"$n\",\"e\":\"\"")},
       EKM_E_KEY_ANSWER},
      {"e of zeros",
       HOSTILE_KEY,
       {.body = KEY_BUNDLE("$kid", "\"kty\":\"RSA\",\"n\":\"$n\",\"e\":\"AAAA\"")},
       EKM_E_KEY_ANSWER},
      {"n that is no base64url",
       HOSTILE_KEY,
       {.body = KEY_BUNDLE("$kid", "\"kty\":\"RSA\",\"n\":\"!!!!\",\"e\":\"AQAB\"")},
       EKM_E_KEY_ANSWER},
      {"n in base64",
       HOSTILE_KEY,
       {.body = KEY_BUNDLE("$kid", "\"kty\":\"RSA\",\"n\":\"++++++//\",\"e\":\"AQAB\"")},
       EKM_E_KEY_ANSWER},
      {"another host",
       HOSTILE_KEY,
       {.body = KEY_BUNDLE("https://other.vault.localhost/keys/the-key/" HOSTILE_KEY_VERSION, RSA)},
       EKM_E_KEY_ANSWER},
      {"another name",
       HOSTILE_KEY,
       {.body = KEY_BUNDLE("https://$host/keys/another-key/" HOSTILE_KEY_VERSION, RSA)},
       EKM_E_KEY_ANSWER},
      {"no version", HOSTILE_KEY, {.body = KEY_BUNDLE("https://$host/keys/the-key", RSA)}, EKM_E_KEY_ANSWER},
      {"a version that bends the path",
       HOSTILE_KEY,
       {.body = KEY_BUNDLE("https://$host/keys/the-key/..%2f..%2fsecrets", RSA)},
       EKM_E_KEY_ANSWER},
      {"a version with a query", HOSTILE_KEY, {.body = KEY_BUNDLE("$kid?x=y", RSA)}, EKM_E_KEY_ANSWER},
      {"a secret's id",
       HOSTILE_KEY,
       {.body = KEY_BUNDLE("https://$host/secrets/the-key/" HOSTILE_KEY_VERSION, RSA)},
       EKM_E_KEY_ANSWER},
      {"kid without TLS",
       HOSTILE_KEY,
       {.body = KEY_BUNDLE("http://$host/keys/the-key/" HOSTILE_KEY_VERSION, RSA)},
       EKM_E_KEY_ANSWER},
  };
  HOSTILE_RUN(state, cases);
}

/* --- lists -------------------------------------------------------------------------------------------------------- */

#define PAGE(kid, next) "{\"value\":[{\"kid\":\"" kid "\",\"attributes\":{\"enabled\":true}}],\"nextLink\":" next "}"

static void lists_that_are_none(void **state) {
  static const hostile_case cases[] = {
      {"no value", HOSTILE_LIST, {.body = "{\"nextLink\":null}"}, EKM_E_KEY_ANSWER},
      {"value is a text", HOSTILE_LIST, {.body = "{\"value\":\"keys\"}"}, EKM_E_KEY_ANSWER},
      {"a list of numbers", HOSTILE_LIST, {.body = "{\"value\":[1,2]}"}, EKM_E_KEY_ANSWER},
      {"no kid", HOSTILE_LIST, {.body = "{\"value\":[{}]}"}, EKM_E_KEY_ANSWER},
      {"another host's key",
       HOSTILE_LIST,
       {.body = PAGE("https://other.vault.localhost/keys/the-key", "null")},
       EKM_E_KEY_ANSWER},
      {"a name that bends the path",
       HOSTILE_LIST,
       {.body = PAGE("https://$host/keys/..%2fsecrets", "null")},
       EKM_E_KEY_ANSWER},
      {"nextLink to another host",
       HOSTILE_LIST,
       {.body = PAGE("https://$host/keys/x", "\"https://evil.localhost/keys?api-version=7.4\"")},
       EKM_E_KEY_ANSWER},
      {"nextLink with a user name",
       HOSTILE_LIST,
       {.body = PAGE("https://$host/keys/x", "\"https://$host@evil.localhost/keys?api-version=7.4\"")},
       EKM_E_KEY_ANSWER},
      {"nextLink without TLS",
       HOSTILE_LIST,
       {.body = PAGE("https://$host/keys/x", "\"http://$host/keys?api-version=7.4\"")},
       EKM_E_KEY_ANSWER},
      {"nextLink to another path",
       HOSTILE_LIST,
       {.body = PAGE("https://$host/keys/x", "\"https://$host/secrets?api-version=7.4\"")},
       EKM_E_KEY_ANSWER},
      {"nextLink that is an object", HOSTILE_LIST, {.body = PAGE("https://$host/keys/x", "{}")}, EKM_E_KEY_ANSWER},
      {"no keys", HOSTILE_LIST, {.body = "{\"value\":[],\"nextLink\":null}"}, EKM_E_KEY_NOT_FOUND},
      {"no versions", HOSTILE_VERSIONS, {.body = "{\"value\":[],\"nextLink\":null}"}, EKM_E_KEY_NOT_FOUND},
      {"versions of another key",
       HOSTILE_VERSIONS,
       {.body = PAGE("https://$host/keys/other/" HOSTILE_KEY_VERSION, "null")},
       EKM_E_KEY_ANSWER},
      {"versions without end",
       HOSTILE_VERSIONS,
       {.body = PAGE("$kid", "\"https://$host/keys/the-key/versions?p=1\"")},
       EKM_E_LIMIT},
  };
  HOSTILE_RUN(state, cases);
}

static void lists_without_end(void **state) {
  static const hostile_case cases[] = {
      {"a page that leads to itself", HOSTILE_LIST, {.trick = HOSTILE_LOOP}, EKM_E_LIMIT},
      {"11,000 keys", HOSTILE_LIST, {.trick = HOSTILE_MANY_KEYS}, EKM_E_LIMIT},
  };
  HOSTILE_RUN(state, cases);
}

/* --- wrapped and unwrapped ------------------------------------------------------------------------------------------
 */

#define RESULT(kid, value) "{\"kid\":\"" kid "\",\"value\":\"" value "\"}"

static void results_that_are_none(void **state) {
  static const hostile_case cases[] = {
      {"wrap: no value", HOSTILE_WRAP, {.body = "{\"kid\":\"$kid\"}"}, EKM_E_WRAP_ANSWER},
      {"wrap: an empty value", HOSTILE_WRAP, {.body = RESULT("$kid", "")}, EKM_E_WRAP_ANSWER},
      {"wrap: a short value", HOSTILE_WRAP, {.body = RESULT("$kid", "AAAA")}, EKM_E_WRAP_ANSWER},
      {"wrap: a byte too many",
       HOSTILE_WRAP,
       {.body = RESULT("$kid", B64_128 B64_128 B64_128 "AA")},
       EKM_E_WRAP_ANSWER},
      {"wrap: no base64url", HOSTILE_WRAP, {.body = RESULT("$kid", "****")}, EKM_E_WRAP_ANSWER},
      {"wrap: a number", HOSTILE_WRAP, {.body = "{\"kid\":\"$kid\",\"value\":7}"}, EKM_E_WRAP_ANSWER},
      {"wrap: another key's",
       HOSTILE_WRAP,
       {.body = RESULT("https://$host/keys/other/" HOSTILE_KEY_VERSION, "$value")},
       EKM_E_WRAP_ANSWER},
      {"wrap: another host's",
       HOSTILE_WRAP,
       {.body = RESULT("https://other.vault.localhost/keys/the-key/" HOSTILE_KEY_VERSION, "$value")},
       EKM_E_WRAP_ANSWER},
      {"wrap: another version's",
       HOSTILE_WRAP,
       {.body = RESULT("https://$host/keys/the-key/ffffffffffffffffffffffffffffffff", "$value")},
       EKM_E_WRAP_ANSWER},
      {"unwrap: no value", HOSTILE_UNWRAP, {.body = "{\"kid\":\"$kid\"}"}, EKM_E_UNWRAP_ANSWER},
      {"unwrap: no base64url", HOSTILE_UNWRAP, {.body = RESULT("$kid", "****")}, EKM_E_UNWRAP_ANSWER},
      {"unwrap: longer than the modulus",
       HOSTILE_UNWRAP,
       {.body = RESULT("$kid", B64_128 B64_128 B64_128)},
       EKM_E_UNWRAP_ANSWER},
      {"unwrap: another key's",
       HOSTILE_UNWRAP,
       {.body = RESULT("https://$host/keys/other/" HOSTILE_KEY_VERSION, "$value")},
       EKM_E_UNWRAP_ANSWER},
      {"unwrap: another version's",
       HOSTILE_UNWRAP,
       {.body = RESULT("https://$host/keys/the-key/ffffffffffffffffffffffffffffffff", "$value")},
       EKM_E_UNWRAP_ANSWER},
      {"unwrap: refused",
       HOSTILE_UNWRAP,
       {.status = 400, .body = HOSTILE_ERROR("BadParameter", "The parameter is incorrect.\\r\\n")},
       EKM_E_UNWRAP_REFUSED},
      {"unwrap: 403 of a disabled key",
       HOSTILE_UNWRAP,
       {.status = 403, .body = HOSTILE_INNER("Forbidden", "KeyDisabled")},
       EKM_E_KEY_DISABLED},
      {"unwrap: 403 of the key's operations",
       HOSTILE_UNWRAP,
       {.status = 403, .body = HOSTILE_INNER("Forbidden", "KeyOperationForbidden")},
       EKM_E_KEY_OPERATION},
      {"unwrap: 404 of the key",
       HOSTILE_UNWRAP,
       {.status = 404, .body = HOSTILE_ERROR("KeyNotFound", "words")},
       EKM_E_KEY_NOT_FOUND},
      {"wrap: 400",
       HOSTILE_WRAP,
       {.status = 400, .body = HOSTILE_ERROR("BadParameter", "words")},
       EKM_E_VAULT_BAD_REQUEST},
  };
  HOSTILE_RUN(state, cases);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_honest_vault_is_used),  cmocka_unit_test(every_step_survives_rubbish),
      cmocka_unit_test(keys_that_cannot_be_used), cmocka_unit_test(descriptions_of_keys_that_are_none),
      cmocka_unit_test(lists_that_are_none),      cmocka_unit_test(lists_without_end),
      cmocka_unit_test(results_that_are_none),
  };
  return cmocka_run_group_tests(tests, hostile_vault_set_up, hostile_vault_tear_down);
}
