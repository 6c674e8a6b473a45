/* What a vault's 401 may say, and which sign-in hosts a cloud has. */
#include <stdio.h>
#include <string.h>

#include "entra/challenge.h"
#include "entra/cloud.h"
#include "support/cmocka_all.h"

static void understands_what_vaults_send(void **state) {
  static const char *const headers[] = {
      "Bearer authorization=\"https://login.microsoftonline.com/tenant.example\", resource=\"https://vault.azure.net\"",
      "Bearer authorization_uri=\"https://LOGIN.microsoftonline.com/tenant.example/oauth2/authorize\", "
      "scope=\"https://vault.azure.net/.default\"",
      "bearer authorization=https://login.microsoftonline.com:443/tenant.example,resource=https://vault.azure.net/",
      "Bearer authorization=\"https://login.microsoftonline.com/tenant.example\", "
      "resource=\"https://vault.azure.net//\"",
      "Bearer error=\"invalid_token\", authorization=\"https://login.microsoftonline.com/tenant.example\" "
      "resource=\"https://vault.azure.net\" scope=\"https://vault.azure.net/.default\"",
  };
  (void)state;
  for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
    entra_challenge challenge;
    ekm_err err = {0};
    if (!entra_challenge_parse(headers[i], &challenge, &err)) fail_msg("%s: %s", headers[i], err.detail);
    assert_string_equal(challenge.authority_host, "login.microsoftonline.com");
    assert_int_equal(challenge.authority_port, 443);
    assert_string_equal(challenge.tenant, "tenant.example");
    assert_string_equal(challenge.resource, "https://vault.azure.net");
    assert_string_equal(challenge.resource_host, "vault.azure.net");
  }
}

static void refuses_what_is_no_challenge(void **state) {
  static const char *const headers[] = {
      "",
      "Basic realm=\"x\"",
      "Bearer",
      "Bearer ",
      "Bearer nonsense",
      "Bearer authorization=\"https://login.microsoftonline.com/t\"",
      "Bearer resource=\"https://vault.azure.net\"",
      "Bearer authorization=\"http://login.microsoftonline.com/t\", resource=\"https://vault.azure.net\"",
      "Bearer authorization=\"https://login.microsoftonline.com/\", resource=\"https://vault.azure.net\"",
      "Bearer authorization=\"https://login.microsoftonline.com\", resource=\"https://vault.azure.net\"",
      "Bearer authorization=\"https://login.microsoftonline.com/..\", resource=\"https://vault.azure.net\"",
      "Bearer authorization=\"https://login.microsoftonline.com/t%2f\", resource=\"https://vault.azure.net\"",
      "Bearer authorization=\"https://a@evil.example/t\", resource=\"https://vault.azure.net\"",
      "Bearer authorization=\"https://login.microsoftonline.com/t, resource=https://vault.azure.net",
      "Bearer authorization=\"https://login.microsoftonline.com/t\", authorization_uri=\"https://evil.example/t\", "
      "resource=\"https://vault.azure.net\"",
      "Bearer authorization=\"https://login.microsoftonline.com/t\", resource=\"https://vault.azure.net\", "
      "scope=\"https://evil.example/.default\"",
      "Bearer authorization=\"https://login.microsoftonline.com/t\", resource=\"vault\"",
      "Bearer authorization=\"https://login.microsoftonline.com/t\\\"\", resource=\"https://vault.azure.net\"",
  };
  (void)state;
  for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
    entra_challenge challenge;
    ekm_err err = {0};
    if (entra_challenge_parse(headers[i], &challenge, &err)) fail_msg("accepted: %s", headers[i]);
    assert_int_equal(err.id, EKM_E_CHALLENGE_BAD);
    assert_true(err.detail[0] != '\0');
  }
}

static void refuses_what_is_too_long(void **state) {
  char header[4096];
  entra_challenge challenge;
  ekm_err err = {0};
  (void)state;
  (void)snprintf(header, sizeof header,
                 "Bearer authorization=\"https://login.microsoftonline.com/%01200d\", resource=\"x\"", 0);
  assert_false(entra_challenge_parse(header, &challenge, &err));
  assert_int_equal(err.id, EKM_E_CHALLENGE_BAD);
  (void)snprintf(
      header, sizeof header,
      "Bearer authorization=\"https://login.microsoftonline.com/t\", resource=\"https://vault.azure.net/%0600d\"", 0);
  assert_false(entra_challenge_parse(header, &challenge, &err));
  assert_int_equal(err.id, EKM_E_CHALLENGE_BAD);
}

static void clouds_know_their_own(void **state) {
  static const struct {
    const char *vault, *authority;
    bool ok;
  } rows[] = {
      {"v.vault.azure.net", "login.microsoftonline.com", true},
      {"V.VAULT.AZURE.NET", "LOGIN.WINDOWS.NET", true},
      {"h.managedhsm.azure.net", "sts.windows.net", true},
      {"v.vault.azure.cn", "login.partner.microsoftonline.cn", true},
      {"v.vault.usgovcloudapi.net", "login.microsoftonline.us", true},
      {"v.vault.azure.net", "login.microsoftonline.us", false},
      {"v.vault.azure.net", "evil.login.microsoftonline.com", false},
      {"v.vault.azure.net", "login.microsoftonline.com.evil.example", false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const entra_cloud *cloud = entra_cloud_of_vault(rows[i].vault);
    assert_non_null(cloud);
    assert_int_equal(entra_cloud_has_authority(cloud, rows[i].authority), rows[i].ok);
  }
  assert_null(entra_cloud_of_vault("vault.azure.net"));
  assert_null(entra_cloud_of_vault("evilvault.azure.net"));
  assert_null(entra_cloud_of_vault("v.vault.azure.net.evil.example"));
  assert_null(entra_cloud_of_vault("v.vault.microsoftazure.de")); /* closed */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(understands_what_vaults_send),
      cmocka_unit_test(refuses_what_is_no_challenge),
      cmocka_unit_test(refuses_what_is_too_long),
      cmocka_unit_test(clouds_know_their_own),
  };
  return cmocka_run_group_tests_name("challenge", tests, NULL, NULL);
}
