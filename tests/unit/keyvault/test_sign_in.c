/* Who is believed, and where secrets and tokens go. */
#include <stdio.h>
#include <string.h>

#include "keyvault_fixture.h"

static void cold_costs_two_warm_none(void **state) {
  const scripted_step steps[] = {SIGN_IN};
  keyvault_fixture f;
  (void)state;
  START(&f, steps);
  for (int i = 0; i < 5; i++) assert_true(akv_client_sign_in(f.client, &f.call, &f.err));
  keyvault_fixture_end(&f);
}

/* A challenge that must not be followed: the only request is the one that asked for it, and nothing secret was in it.
 */
static void refuse(const akv_vault *vault, const char *challenge, ekm_err_id expected) {
  const scripted_step steps[] = {{"GET", CHALLENGE_URL, NULL, NULL, .status = 401, .challenge = challenge}};
  keyvault_fixture f;
  keyvault_fixture_start(&f, vault, steps, 1);
  f.script.forbidden = SECRET;
  assert_false(akv_client_sign_in(f.client, &f.call, &f.err));
  if (f.err.id != expected) fail_msg("%s: %s", challenge, ekm_err_info_of(f.err.id)->name);
  assert_int_equal(f.script.at, 1);
  assert_false(f.script.saw_forbidden);
  keyvault_fixture_end(&f);
}

static void foreign_authorities_get_nothing(void **state) {
  static const char *const authorities[] = {
      "https://evil.example/t",
      "https://login.microsoftonline.com.evil.example/t",
      "https://evil-login.microsoftonline.com/t",
      "https://login.microsoftonline.us/t", /* another cloud's */
      "https://login.microsoftonline.com:8443/t",
      "https://v.vault.azure.net/t",
  };
  char challenge[300];
  (void)state;
  for (size_t i = 0; i < sizeof authorities / sizeof authorities[0]; i++) {
    (void)snprintf(challenge, sizeof challenge, "Bearer authorization=\"%s\", resource=\"https://vault.azure.net\"",
                   authorities[i]);
    refuse(NULL, challenge, EKM_E_AUTHORITY_FOREIGN);
  }
}

static void foreign_resources_get_nothing(void **state) {
  static const char *const resources[] = {
      "https://evil.example",
      "https://ault.azure.net",
      "https://graph.microsoft.com",
      "https://v.vault.azure.net", /* itself is not below itself */
      "https://managedhsm.azure.net",
      "https://azure.net", /* above the parent: whose service is that? */
      "https://net",
  };
  char challenge[300];
  (void)state;
  for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++) {
    (void)snprintf(challenge, sizeof challenge,
                   "Bearer authorization=\"https://login.microsoftonline.com/t\", resource=\"%s\"", resources[i]);
    refuse(NULL, challenge, EKM_E_RESOURCE_FOREIGN);
  }
}

/* A host deeper in its cloud than usual names its cloud's resource like the others. */
static void the_resource_of_the_cloud_is_good_for_all_its_hosts(void **state) {
  static const akv_vault vault = {.host = "h.region.managedhsm.azure.net"};
  const scripted_step steps[] = {
      {"GET", "https://h.region.managedhsm.azure.net/keys?api-version=7.4&maxresults=1", NULL, NULL, .status = 401,
       .challenge = "Bearer authorization=\"https://login.microsoftonline.com/tenant.example\", "
                    "resource=\"https://managedhsm.azure.net\""},
      {"POST", TOKEN_URL, "scope=https%3A%2F%2Fmanagedhsm.azure.net%2F.default&", NULL, .status = 200,
       .answer = TOKEN_ANSWER(TOKEN)},
  };
  keyvault_fixture f;
  (void)state;
  keyvault_fixture_start(&f, &vault, steps, 2);
  assert_true(akv_client_sign_in(f.client, &f.call, &f.err));
  keyvault_fixture_end(&f);
}

static void a_configured_vault_is_held_to_its_configuration(void **state) {
  static const akv_vault vault = {.host = HOST,
                                  .authority_host = "login.own.example",
                                  .authority_port = 8443,
                                  .resource = "https://own.example/vault/",
                                  .tenant = "pinned.example"};
  const scripted_step steps[] = {
      {"GET", CHALLENGE_URL, NULL, NULL, .status = 401,
       .challenge = "Bearer authorization=\"https://LOGIN.own.example:1/other.example\", "
                    "resource=\"https://own.example/vault\""},
      {"POST", "https://login.own.example:8443/pinned.example/oauth2/v2.0/token",
       "scope=https%3A%2F%2Fown.example%2Fvault%2F.default&", NULL, .status = 200, .answer = TOKEN_ANSWER(TOKEN)},
  };
  keyvault_fixture f;
  (void)state;
  keyvault_fixture_start(&f, &vault, steps, 2);
  assert_true(akv_client_sign_in(f.client, &f.call, &f.err));
  keyvault_fixture_end(&f);

  refuse(&vault, GOOD_CHALLENGE, EKM_E_AUTHORITY_FOREIGN);
  refuse(&vault, "Bearer authorization=\"https://login.own.example/t\", resource=\"https://vault.azure.net\"",
         EKM_E_RESOURCE_FOREIGN);
}

static void no_challenge_no_sign_in(void **state) {
  static const struct {
    int status;
    const char *answer, *challenge;
    ekm_err_id expected;
  } rows[] = {
      {401, "", NULL, EKM_E_CHALLENGE_BAD},
      {401, "", "Basic realm=x", EKM_E_CHALLENGE_BAD},
      {200, "{\"value\":[]}", GOOD_CHALLENGE, EKM_E_CHALLENGE_BAD},
      {302, "", GOOD_CHALLENGE, EKM_E_CHALLENGE_BAD},
      {403, "{\"error\":{\"code\":\"Forbidden\",\"innererror\":{\"code\":\"ForbiddenByFirewall\"}}}", NULL,
       EKM_E_VAULT_FIREWALL},
      {404, "<html>", NULL, EKM_E_VAULT_NOT_FOUND},
      {429, "", NULL, EKM_E_VAULT_THROTTLED},
      {503, "", NULL, EKM_E_VAULT_SERVER_ERROR},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const scripted_step steps[] = {{"GET", CHALLENGE_URL, NULL, NULL, .status = rows[i].status,
                                    .answer = rows[i].answer, .challenge = rows[i].challenge}};
    keyvault_fixture f;
    START(&f, steps);
    assert_false(akv_client_sign_in(f.client, &f.call, &f.err));
    assert_int_equal(f.err.id, rows[i].expected);
    keyvault_fixture_end(&f);
  }
}

#define GET_URL BASE "/keys/k/?api-version=7.4"
#define BUNDLE \
  "{\"key\":{\"kid\":\"" KID "\",\"kty\":\"RSA\",\"n\":\"_w\",\"e\":\"AQAB\"},\"attributes\":{\"enabled\":true}}"
#define GET(token, code, header) \
  { "GET", GET_URL, NULL, token, .status = code, .answer = BUNDLE, .challenge = header }
#define NEW_TOKEN \
  { "POST", TOKEN_URL, "client_secret=", NULL, .status = 200, .answer = TOKEN_ANSWER("new.token") }

static ekm_err_id get_key(keyvault_fixture *f) {
  akv_key key;
  akv_key_init(&key);
  bool ok = akv_get_key(f->client, "k", NULL, &f->call, &key, &f->err);
  akv_key_clear(&key);
  return ok ? EKM_E_OK : f->err.id;
}

static void a_rejected_token_is_replaced_once(void **state) {
  const scripted_step steps[] = {SIGN_IN, GET(TOKEN, 401, GOOD_CHALLENGE), NEW_TOKEN, GET("new.token", 200, NULL)};
  keyvault_fixture f;
  (void)state;
  START(&f, steps);
  assert_int_equal(get_key(&f), EKM_E_OK);
  keyvault_fixture_end(&f);
}

static void a_vault_may_move_to_another_tenant(void **state) {
  const scripted_step steps[] = {
      SIGN_IN,
      GET(TOKEN, 401,
          "Bearer authorization=\"https://login.windows.net/moved.example\", resource=\"https://vault.azure.net\""),
      {"POST", "https://login.windows.net/moved.example/oauth2/v2.0/token", "client_secret=", NULL, .status = 200,
       .answer = TOKEN_ANSWER("new.token")},
      GET("new.token", 200, NULL)};
  keyvault_fixture f;
  (void)state;
  START(&f, steps);
  assert_int_equal(get_key(&f), EKM_E_OK);
  keyvault_fixture_end(&f);
}

static void a_later_challenge_is_judged_too(void **state) {
  const scripted_step steps[] = {
      SIGN_IN,
      GET(TOKEN, 401, "Bearer authorization=\"https://evil.example/t\", resource=\"https://vault.azure.net\"")};
  keyvault_fixture f;
  (void)state;
  START(&f, steps);
  assert_int_equal(get_key(&f), EKM_E_AUTHORITY_FOREIGN);
  keyvault_fixture_end(&f);
}

static void two_rejections_are_final(void **state) {
  static const struct {
    const char *date;
    ekm_err_id expected;
    const char *words;
  } rows[] = {
      {NULL, EKM_E_TOKEN_REJECTED, "401"},
      {"Tue, 24 Nov 2026 08:03:59 GMT", EKM_E_TOKEN_REJECTED, "401"},
      {"Tue, 24 Nov 2026 08:10:00 GMT", EKM_E_CLOCK_SKEW, "600 seconds ahead"},
      {"Tue, 24 Nov 2026 07:50:00 GMT", EKM_E_CLOCK_SKEW, "600 seconds behind"},
      {"yesterday", EKM_E_TOKEN_REJECTED, "401"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const scripted_step steps[] = {SIGN_IN,
                                   GET(TOKEN, 401, NULL),
                                   NEW_TOKEN,
                                   {"GET", GET_URL, NULL, "new.token", .status = 401, .date = rows[i].date}};
    keyvault_fixture f;
    START(&f, steps);
    assert_int_equal(get_key(&f), rows[i].expected);
    if (strstr(f.err.detail, rows[i].words) == NULL) fail_msg("%s", f.err.detail);
    assert_int_equal(f.err.http_status, 401);
    keyvault_fixture_end(&f);
  }
}

static void a_refused_identity_is_refused(void **state) {
  const scripted_step steps[] = {
      ASK_CHALLENGE,
      {"POST", TOKEN_URL, "client_secret=", NULL, .status = 401,
       .answer =
           "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: no.\",\"error_codes\":[7000215]}"}};
  keyvault_fixture f;
  (void)state;
  START(&f, steps);
  assert_false(akv_client_sign_in(f.client, &f.call, &f.err));
  assert_int_equal(f.err.id, EKM_E_TOKEN_REFUSED);
  keyvault_fixture_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cold_costs_two_warm_none),
      cmocka_unit_test(foreign_authorities_get_nothing),
      cmocka_unit_test(foreign_resources_get_nothing),
      cmocka_unit_test(the_resource_of_the_cloud_is_good_for_all_its_hosts),
      cmocka_unit_test(a_configured_vault_is_held_to_its_configuration),
      cmocka_unit_test(no_challenge_no_sign_in),
      cmocka_unit_test(a_rejected_token_is_replaced_once),
      cmocka_unit_test(a_vault_may_move_to_another_tenant),
      cmocka_unit_test(a_later_challenge_is_judged_too),
      cmocka_unit_test(two_rejections_are_final),
      cmocka_unit_test(a_refused_identity_is_refused),
  };
  return cmocka_run_group_tests_name("sign_in", tests, NULL, NULL);
}
