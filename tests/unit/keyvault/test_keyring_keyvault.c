/* From SQL Server's credential to a keyring: what IDENTITY and SECRET may be, and who shares what. */
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "keyring/keyring_keyvault.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/scripted_http.h"

#define PLAIN_ID "0123456789abcdef0123456789ABCDEF"
#define GUID "01234567-89ab-cdef-0123-456789abcdef"
#define CHALLENGE "Bearer authorization=\"https://login.microsoftonline.com/t\", resource=\"https://vault.azure.net\""
#define TOKEN_URL "https://login.microsoftonline.com/t/oauth2/v2.0/token"
#define CHALLENGE_STEP(host) \
  { "GET", "https://" host "/keys?api-version=7.4&maxresults=1", NULL, NULL, .status = 401, .challenge = CHALLENGE }
#define TOKEN_STEP(secret)                                                                                         \
  {                                                                                                                \
    "POST", TOKEN_URL, "client_id=" GUID, NULL,                                                                    \
        .status = 200, .answer = "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"" secret "\"}" \
  }

static const akv_vault vaults[] = {{.host = "v.vault.localhost", .route = {.port = 8443}}, {.host = "vault.example"}};
static const akv_vault others = {.host = NULL};

static keyring_keyvault_options plain_options(void) {
  return (keyring_keyvault_options){
      .vault_suffix = "vault.azure.net", .vaults = vaults, .vault_count = 2, .others = &others};
}

static void identities_become_hosts(void **state) {
  static const struct {
    const char *identity, *host;
    ekm_err_id expected;
  } rows[] = {
      {"myvault", "myvault.vault.azure.net", EKM_E_OK},
      {"MyVault", "myvault.vault.azure.net", EKM_E_OK},
      {" myvault ", "myvault.vault.azure.net", EKM_E_OK},
      {"v.vault.usgovcloudapi.net", "v.vault.usgovcloudapi.net", EKM_E_OK},
      {"https://v.vault.azure.cn/", "v.vault.azure.cn", EKM_E_OK},
      {"HTTPS://h.managedhsm.azure.net:443//", "h.managedhsm.azure.net", EKM_E_OK},
      {"V.vault.localhost", "v.vault.localhost", EKM_E_OK},
      {"https://v.vault.localhost:8443/", "v.vault.localhost", EKM_E_OK},
      {"v.vault.localhost:08443", "v.vault.localhost", EKM_E_OK},
      {"v.vault.localhost:443", "v.vault.localhost", EKM_E_OK},
      {"vault.example:443", "vault.example", EKM_E_OK},
      {"v.vault.localhost:8444", "", EKM_E_IDENTITY_BAD},
      {"vault.example:8443", "", EKM_E_IDENTITY_BAD},
      {"v.vault.localhost:", "", EKM_E_IDENTITY_BAD},
      {"v.vault.localhost:0", "", EKM_E_IDENTITY_BAD},
      {"v.vault.localhost:65536", "", EKM_E_IDENTITY_BAD},
      {"v.vault.localhost:8443x", "", EKM_E_IDENTITY_BAD},
      {"v.vault.localhost:8443:8443", "", EKM_E_IDENTITY_BAD},
      {"myvault:443", "myvault.vault.azure.net", EKM_E_OK},
      {"w.vault.localhost", "", EKM_E_CLOUD_UNKNOWN},
      {"evil.example", "", EKM_E_CLOUD_UNKNOWN},
      {"v.vault.azure.net.evil.example", "", EKM_E_CLOUD_UNKNOWN},
      {"v.vault.microsoftazure.de", "", EKM_E_HOST_UNSUITABLE},
      {"hsm.managedhsm.microsoftazure.de", "", EKM_E_HOST_UNSUITABLE},
      {"hsm1.chsm-a-b.privatelink.cloudhsm.azure.net", "", EKM_E_HOST_UNSUITABLE},
      {"https://HSM1.CHSM-A-B.PRIVATELINK.CLOUDHSM.AZURE.NET/", "", EKM_E_HOST_UNSUITABLE},
      {"cloudhsm.azure.net", "", EKM_E_CLOUD_UNKNOWN},
      {"evilcloudhsm.azure.net", "", EKM_E_CLOUD_UNKNOWN},
      {"v.privatelink.vaultcore.azure.net", "", EKM_E_HOST_UNSUITABLE},
      {"data-prod-weu.vaultcore.azure.net", "", EKM_E_HOST_UNSUITABLE},
      {"v.vault.cloudapi.eaglex.ic.gov", "", EKM_E_HOST_UNSUITABLE},
      {"v.vault.cloudapi.microsoft.scloud", "", EKM_E_HOST_UNSUITABLE},
      {"", "", EKM_E_IDENTITY_BAD},
      {"https://", "", EKM_E_IDENTITY_BAD},
      {"http://v.vault.azure.net", "", EKM_E_IDENTITY_BAD},
      {"v.vault.azure.net/keys/k", "", EKM_E_IDENTITY_BAD},
      {"v.vault.azure.net:8443", "", EKM_E_IDENTITY_BAD},
      {"a b", "", EKM_E_IDENTITY_BAD},
      {"my_vault", "", EKM_E_IDENTITY_BAD},
      {"user@v.vault.azure.net", "", EKM_E_IDENTITY_BAD},
      {"Managed Identity", "", EKM_E_IDENTITY_BAD},
  };
  keyring_keyvault_options options = plain_options();
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char host[EKM_LIMIT_HOST_BYTES + 1];
    ekm_err err = {0};
    bool ok = keyring_keyvault_host(&options, rows[i].identity, host, &err);
    if (err.id != rows[i].expected) fail_msg("'%s': %s", rows[i].identity, ekm_err_info_of(err.id)->name);
    if (ok) assert_string_equal(host, rows[i].host);
  }
}

static void what_is_wrong_is_said(void **state) {
  static const struct {
    const char *identity, *words;
  } rows[] = {{"http://v.vault.localhost", "nothing but https://"},
              {"v.vault.localhost/keys/k", "PROVIDER_KEY_NAME"},
              {"my_vault", "letters, digits and hyphens"},
              {"v.vault.localhost:1", "port 1 is not the 8443 of the section [vault v.vault.localhost]"},
              {"vault.example:1", "port 1 is not the 443 of"},
              {"v.vault.azure.net:8443", "port 8443: only a vault with a section [vault v.vault.azure.net]"}};
  keyring_keyvault_options options = plain_options();
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char host[EKM_LIMIT_HOST_BYTES + 1];
    ekm_err err = {0};
    assert_false(keyring_keyvault_host(&options, rows[i].identity, host, &err));
    if (strstr(err.detail, rows[i].words) == NULL) fail_msg("'%s': %s", rows[i].identity, err.detail);
  }
}

/* IDENTITY and SECRET are swapped easily; what goes into the log then has nothing of it. */
static void a_secret_in_the_wrong_place_is_not_shown(void **state) {
  static const char *const rows[] = {PLAIN_ID "hunter2", PLAIN_ID "h.unter2", GUID "hunter2", GUID "~hunter2.x",
                                     "Certificate:" GUID ":/a.pfx|hunter2"};
  keyring_keyvault_options options = plain_options();
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char host[EKM_LIMIT_HOST_BYTES + 1];
    ekm_err err = {0};
    assert_false(keyring_keyvault_host(&options, rows[i], host, &err));
    assert_int_equal(err.id, EKM_E_IDENTITY_BAD);
    assert_string_equal(err.detail, "it begins as a SECRET does, and is not shown here");
  }
}

/* Microsoft's form has no SECRET; nothing else may be without. */
static void managed_identities_need_no_secret(void **state) {
  const ekm_secret none = {0};
  ekm_err err = {0};
  keyring_credential credential = {0};
  (void)state;
  assert_true(keyring_keyvault_credential("managed identity", &none, &credential, &err));
  assert_int_equal(credential.kind, AKV_MANAGED_IDENTITY);
  keyring_credential_clear(&credential);
  assert_false(keyring_keyvault_credential("myvault", &none, &credential, &err));
  assert_int_equal(err.id, EKM_E_SECRET_SHORT);
}

static void an_endless_identity_is_refused(void **state) {
  keyring_keyvault_options options = plain_options();
  char identity[400];
  char host[EKM_LIMIT_HOST_BYTES + 1];
  ekm_err err = {0};
  (void)state;
  for (size_t len = 230; len < sizeof identity; len++) {
    memset(identity, 'a', len);
    identity[len] = '\0';
    assert_false(keyring_keyvault_host(&options, identity, host, &err));
    assert_int_equal(err.id, EKM_E_IDENTITY_BAD);
  }
}

/* --- the connector ------------------------------------------------------------------------------------------------ */

typedef struct fixture {
  fake_clock clock;
  scripted_http script;
  ekm_crypto *crypto;
  keyring_connector *connector;
  ekm_err err;
} fixture;

static void start(fixture *f, const scripted_step *steps, size_t count) {
  keyring_keyvault_options options = plain_options();
  memset(f, 0, sizeof *f);
  fake_clock_init(&f->clock);
  scripted_http_init(&f->script, steps, count);
  assert_true(ekm_crypto_new(&f->crypto, &f->err));
  options.http = &f->script.base;
  options.keyring = (keyring_options){.crypto = f->crypto, .clock = &f->clock.base, .wrap_alg = "RSA-OAEP-256"};
  assert_true(keyring_keyvault_connector_new(&options, &f->connector, &f->err));
}

static void end(fixture *f) {
  f->connector->destroy(f->connector);
  ekm_crypto_free(&f->crypto);
  assert_string_equal(scripted_http_complaint(&f->script), "");
}

static keyring *connect(fixture *f, const char *identity, const char *secret_text) {
  keyring_call call = {.deadline = ekm_deadline_in(&f->clock.base, 30000)};
  keyring *ring = NULL;
  ekm_secret secret = {0};
  assert_true(ekm_secret_set(&secret, ekm_view_text(secret_text), &f->err));
  bool ok = f->connector->connect(f->connector, identity, &secret, &call, &ring, &f->err);
  assert_int_equal(ok, ring != NULL);
  ekm_secret_clear(&secret);
  return ring;
}

static void equal_credentials_share_others_never(void **state) {
  const scripted_step steps[] = {CHALLENGE_STEP("v.vault.azure.net"), TOKEN_STEP("one"),
                                 CHALLENGE_STEP("v.vault.azure.net"), TOKEN_STEP("two"),
                                 CHALLENGE_STEP("w.vault.azure.net"), TOKEN_STEP("three")};
  fixture f;
  keyring *rings[5];
  (void)state;
  start(&f, steps, 6);
  rings[0] = connect(&f, "v", PLAIN_ID "secret");
  rings[1] = connect(&f, "https://v.vault.azure.net/", GUID "secret"); /* the same, written otherwise: no request */
  rings[2] = connect(&f, "v", PLAIN_ID "secres");
  rings[3] = connect(&f, "w", PLAIN_ID "secret");
  rings[4] = connect(&f, "v", PLAIN_ID "secret");
  assert_ptr_equal(rings[0], rings[1]);
  assert_ptr_equal(rings[0], rings[4]);
  assert_ptr_not_equal(rings[0], rings[2]);
  assert_ptr_not_equal(rings[0], rings[3]);
  for (size_t i = 0; i < 5; i++) keyring_unref(&rings[i]);
  end(&f);
}

static void a_refusal_is_remembered_for_seconds(void **state) {
  const scripted_step steps[] = {
      CHALLENGE_STEP("v.vault.azure.net"),
      {"POST", TOKEN_URL, "", NULL, .status = 401, .answer = "{\"error\":\"invalid_client\"}"},
      CHALLENGE_STEP("v.vault.azure.net"),
      TOKEN_STEP("one")};
  fixture f;
  (void)state;
  start(&f, steps, 4);
  assert_null(connect(&f, "v", PLAIN_ID "secret"));
  assert_int_equal(f.err.id, EKM_E_TOKEN_REFUSED);
  for (int i = 0; i < 3; i++) {
    ekm_err_clear(&f.err);
    assert_null(connect(&f, "v", PLAIN_ID "secret")); /* asks nobody */
    assert_int_equal(f.err.id, EKM_E_TOKEN_REFUSED);
  }
  fake_clock_pass(&f.clock, 6000);
  keyring *ring = connect(&f, "v", PLAIN_ID "secret");
  assert_non_null(ring);
  keyring_unref(&ring);
  end(&f);
}

static void a_network_fault_is_no_refusal(void **state) {
  const scripted_step steps[] = {
      {"GET", "https://v.vault.azure.net/keys?api-version=7.4&maxresults=1", NULL, NULL, .fails = EKM_E_DNS}};
  fixture f;
  (void)state;
  start(&f, steps, 1);
  assert_null(connect(&f, "v", PLAIN_ID "secret"));
  assert_int_equal(f.err.id, EKM_E_DNS);
  end(&f);
}

static void bad_credentials_cost_no_request(void **state) {
  fixture f;
  (void)state;
  start(&f, NULL, 0);
  assert_null(connect(&f, "evil.example", PLAIN_ID "secret"));
  assert_int_equal(f.err.id, EKM_E_CLOUD_UNKNOWN);
  assert_null(connect(&f, "v", "short"));
  assert_int_equal(f.err.id, EKM_E_SECRET_SHORT);
  end(&f);
}

/* One more identity than the table holds: the oldest is forgotten, a session of it lives on. */
static void the_table_is_bounded(void **state) {
  enum { COUNT = EKM_LIMIT_IDENTITIES + 1 };
  static scripted_step steps[2 * COUNT + 2];
  const scripted_step pair[] = {CHALLENGE_STEP("v.vault.azure.net"), TOKEN_STEP("one")};
  char secret[80];
  fixture f;
  (void)state;
  for (size_t i = 0; i <= COUNT; i++) memcpy(&steps[2 * i], pair, sizeof pair);
  start(&f, steps, 2 * COUNT + 2);
  keyring *oldest = connect(&f, "v", PLAIN_ID "secret-0");
  for (int i = 1; i < COUNT; i++) {
    (void)snprintf(secret, sizeof secret, PLAIN_ID "secret-%d", i);
    keyring *ring = connect(&f, "v", secret);
    assert_non_null(ring);
    keyring_unref(&ring);
  }
  keyring *second = connect(&f, "v", PLAIN_ID "secret-2");
  assert_non_null(second); /* still there: no request */
  keyring *again = connect(&f, "v", PLAIN_ID "secret-0");
  assert_ptr_not_equal(oldest, again);
  keyring_unref(&oldest);
  keyring_unref(&second);
  keyring_unref(&again);
  end(&f);
}

static void wrong_credentials_drive_no_right_one_out(void **state) {
  enum { WRONG = EKM_LIMIT_IDENTITIES + 3 };
  static scripted_step steps[2 * WRONG + 2];
  const scripted_step right[] = {CHALLENGE_STEP("v.vault.azure.net"), TOKEN_STEP("one")};
  const scripted_step wrong[] = {
      CHALLENGE_STEP("v.vault.azure.net"),
      {"POST", TOKEN_URL, "", NULL, .status = 401, .answer = "{\"error\":\"invalid_client\"}"}};
  char secret[80];
  fixture f;
  (void)state;
  memcpy(steps, right, sizeof right);
  for (size_t i = 1; i <= WRONG; i++) memcpy(&steps[2 * i], wrong, sizeof wrong);
  start(&f, steps, 2 * WRONG + 2);
  keyring *ring = connect(&f, "v", PLAIN_ID "right");
  for (int i = 0; i < WRONG; i++) {
    (void)snprintf(secret, sizeof secret, PLAIN_ID "wrong-%d", i);
    assert_null(connect(&f, "v", secret));
  }
  keyring *again = connect(&f, "v", PLAIN_ID "right"); /* asks nobody */
  assert_non_null(ring);
  assert_ptr_equal(ring, again);
  keyring_unref(&ring);
  keyring_unref(&again);
  end(&f);
}

typedef struct connecting {
  fixture *f;
  ekm_thread *thread;
  keyring *ring;
} connecting;

static void run_connect(void *arg) {
  connecting *c = arg;
  keyring_call call = {.deadline = ekm_deadline_in(&c->f->clock.base, 30000)};
  ekm_secret secret = {0};
  ekm_err err = {0};
  if (ekm_secret_set(&secret, ekm_view_text(PLAIN_ID "secret"), &err) &&
      !c->f->connector->connect(c->f->connector, "v", &secret, &call, &c->ring, &err)) {
    c->ring = NULL;
  }
  ekm_secret_clear(&secret);
}

static void many_threads_sign_in_once(void **state) {
  enum { THREADS = 16 };
  const scripted_step steps[] = {CHALLENGE_STEP("v.vault.azure.net"), TOKEN_STEP("one")};
  connecting all[THREADS] = {0};
  fixture f;
  (void)state;
  start(&f, steps, 2);
  for (int i = 0; i < THREADS; i++) {
    all[i].f = &f;
    assert_true(ekm_thread_start(&all[i].thread, run_connect, &all[i], &f.err));
  }
  for (int i = 0; i < THREADS; i++) {
    ekm_thread_join(&all[i].thread);
    assert_non_null(all[i].ring);
    assert_ptr_equal(all[i].ring, all[0].ring);
  }
  for (int i = 0; i < THREADS; i++) keyring_unref(&all[i].ring);
  end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(identities_become_hosts),
      cmocka_unit_test(what_is_wrong_is_said),
      cmocka_unit_test(a_secret_in_the_wrong_place_is_not_shown),
      cmocka_unit_test(managed_identities_need_no_secret),
      cmocka_unit_test(an_endless_identity_is_refused),
      cmocka_unit_test(equal_credentials_share_others_never),
      cmocka_unit_test(a_refusal_is_remembered_for_seconds),
      cmocka_unit_test(a_network_fault_is_no_refusal),
      cmocka_unit_test(bad_credentials_cost_no_request),
      cmocka_unit_test(the_table_is_bounded),
      cmocka_unit_test(wrong_credentials_drive_no_right_one_out),
      cmocka_unit_test(many_threads_sign_in_once),
  };
  return cmocka_run_group_tests_name("keyring_keyvault", tests, NULL, NULL);
}
