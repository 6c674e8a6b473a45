/* What an administrator writes: values at the edges of what is allowed are taken, those beyond are refused and leave
 * nothing. */
#include <stdio.h>
#include <string.h>

#include "support/cmocka_all.h"
#include "support/store_fixture.h"
#include "support/vectors.h"
#include "vault/certificate.h"
#include "vault/federation.h"
#include "vault/seal.h"
#include "vault/store_manage.h"
#include "vault/store_secret.h"

#define TENANT "3f1b2c4d-0000-4000-8000-00000000a001"
#define NOBODY "00000000-0000-4000-8000-00000000dead"

static const vault_directory *directory(store_fixture *f) {
  ekm_err err = {0};
  const vault_directory *dir = NULL;
  if (!vault_store_directory(f->store, &dir, &err)) fail_msg("%s", err.detail);
  return dir;
}

/* What there is, as one number that every row changes. */
static size_t rows(store_fixture *f) {
  size_t vaults, apps, grants;
  const vault_directory *dir = directory(f);
  (void)vault_directory_vaults(dir, &vaults);
  const vault_app *all = vault_directory_apps(dir, &apps);
  (void)vault_directory_grants(dir, &grants);
  size_t sum = vaults + apps + grants;
  for (size_t i = 0; i < apps; i++) sum += all[i].secret_count + all[i].certificate_count + all[i].federation_count;
  vault_directory_release(&dir);
  return sum;
}

static void expect(bool ok, const ekm_err *err, ekm_err_id id, const char *what) {
  if (ok != (id == EKM_E_OK) || err->id != id) {
    fail_msg("%s: %s (%s) instead of %s", what, ekm_err_info_of(err->id)->name, err->detail, ekm_err_info_of(id)->name);
  }
}

static void vaults_are_what_they_may_be(void **state) {
  static const struct {
    vault_spec spec;
    ekm_err_id id;
    const char *host;
  } cases[] = {
      {{.name = "abc", .tenant = TENANT}, EKM_E_OK, "abc.vault.localhost"},
      {{.name = "a23456789-123456789-1234", .tenant = TENANT}, EKM_E_OK, "a23456789-123456789-1234.vault.localhost"},
      {{.name = "ab", .tenant = TENANT}, EKM_E_BAD_ARGUMENT, NULL},
      {{.name = "a23456789-123456789-12345", .tenant = TENANT}, EKM_E_BAD_ARGUMENT, NULL},
      {{.name = "a.b", .tenant = TENANT}, EKM_E_BAD_ARGUMENT, NULL},
      {{.name = "caf\xc3\xa9", .tenant = TENANT}, EKM_E_BAD_ARGUMENT, NULL},
      {{.name = "LOCAL", .tenant = TENANT}, EKM_E_EXISTS, NULL},
      {{.name = "abc", .suffix = "example.org", .tenant = TENANT}, EKM_E_EXISTS, NULL}, /* names are for commands */
      {{.name = "Upper", .suffix = "Example.ORG", .tenant = TENANT}, EKM_E_OK, "upper.example.org"},
      {{.name = "odd", .suffix = "a..b", .tenant = TENANT}, EKM_E_BAD_ARGUMENT, NULL},
      {{.name = "odd", .suffix = "a/b", .tenant = TENANT}, EKM_E_BAD_ARGUMENT, NULL},
      {{.name = "days-7", .retention_days = 7, .tenant = TENANT}, EKM_E_OK, "days-7.vault.localhost"},
      {{.name = "days-6", .retention_days = 6, .tenant = TENANT}, EKM_E_BAD_ARGUMENT, NULL},
      {{.name = "days-90", .retention_days = 90, .tenant = TENANT}, EKM_E_OK, "days-90.vault.localhost"},
      {{.name = "days-91", .retention_days = 91, .tenant = TENANT}, EKM_E_BAD_ARGUMENT, NULL},
      {{.name = "tenant", .tenant = "3f1b2c4d-0000-4000-8000-00000000a00"}, EKM_E_BAD_ARGUMENT, NULL},
      {{.name = "tenant", .tenant = "3f1b2c4d-0000-4000-8000-00000000a00g"}, EKM_E_BAD_ARGUMENT, NULL},
      {{.name = "tenant", .tenant = "3f1b2c4d00000-4000-8000-00000000a001"}, EKM_E_BAD_ARGUMENT, NULL},
      {{.name = "tenant", .tenant = "3F1B2C4D-0000-4000-8000-00000000A001"}, EKM_E_OK, "tenant.vault.localhost"},
      /* Hosts at which the sign-in service answers: nobody could reach such a vault. */
      {{.name = "login", .suffix = "localhost", .tenant = TENANT}, EKM_E_BAD_ARGUMENT, NULL},
      {{.name = "LOGIN", .suffix = "LocalHost", .tenant = TENANT}, EKM_E_BAD_ARGUMENT, NULL},
      {{.name = "127", .suffix = "0.0.1", .tenant = TENANT}, EKM_E_BAD_ARGUMENT, NULL},
      {{.name = "login", .tenant = TENANT}, EKM_E_OK, "login.vault.localhost"},
  };
  store_fixture *f = *state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    ekm_err err = {0};
    size_t before = rows(f);
    bool ok = vault_store_vault_add(f->store, &cases[i].spec, &err);
    expect(ok, &err, cases[i].id, cases[i].spec.name);
    assert_int_equal(rows(f), before + (ok ? 1 : 0));
    if (!ok) continue;
    const vault_directory *dir = directory(f);
    const vault_info *vault = vault_directory_vault_by_host(dir, cases[i].host);
    assert_non_null(vault);
    assert_string_equal(vault->name, cases[i].spec.name);
    assert_string_equal(vault->tenant, TENANT);
    assert_int_equal(vault->retention_days, cases[i].spec.retention_days == 0 ? 90 : cases[i].spec.retention_days);
    vault_directory_release(&dir);
  }
}

static void names_of_applications_can_be_shown(void **state) {
  static char longest[VAULT_APP_NAME_MAX_BYTES + 1], too_long[VAULT_APP_NAME_MAX_BYTES + 2];
  static const struct {
    const char *name;
    bool ok;
  } cases[] = {
      {"b", true},          {"caf\xc3\xa9 \xe2\x82\xac", true},
      {longest, true},      {too_long, false},
      {"", false},          {"two\nlines", false},
      {"tab\there", false}, {"\x1b[31mred", false},
      {"del\x7f", false},   {"\xff", false},
      {"\xc3", false},      {"csi\xc2\x9b", false},
      {"\xc2\xa0", true}, /* the first behind the control characters */
  };
  store_fixture *f = *state;
  memset(longest, 'L', sizeof longest - 1);
  memset(too_long, 'L', sizeof too_long - 1);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char id[VAULT_GUID_CHARS + 1];
    ekm_err err = {0};
    size_t before = rows(f);
    bool ok = vault_store_app_add(f->store, TENANT, cases[i].name, id, &err);
    expect(ok, &err, cases[i].ok ? EKM_E_OK : EKM_E_BAD_ARGUMENT, cases[i].name);
    assert_int_equal(rows(f), before + (ok ? 1 : 0));
    assert_int_equal(strlen(id), ok ? VAULT_GUID_CHARS : 0);
    if (!ok) continue;
    const vault_directory *dir = directory(f);
    assert_string_equal(vault_directory_app(dir, id)->name, cases[i].name);
    vault_directory_release(&dir);
  }
}

static void secrets_are_long_and_printable(void **state) {
  static const struct {
    size_t len;
    char last;
    bool ok;
  } cases[] = {{15, 'x', false},  {16, 'x', true},   {1024, 'x', true},  {1025, 'x', false},
               {16, '!', true},   {16, '~', true},   {16, ' ', false},   {16, '\x7f', false},
               {16, '\n', false}, {16, '\0', false}, {16, '\xe9', false}};
  store_fixture *f = *state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char id[VAULT_GUID_CHARS + 1];
    uint8_t text[1025];
    ekm_secret secret = {0};
    ekm_err err = {0};
    size_t before = rows(f);
    memset(text, 's', sizeof text);
    text[cases[i].len - 1] = (uint8_t)cases[i].last;
    assert_true(ekm_secret_set(&secret, ekm_view_of(text, cases[i].len), &err));
    bool ok = vault_store_secret_add(f->store, f->app_a, &secret, 0, id, &err);
    expect(ok, &err, cases[i].ok ? EKM_E_OK : EKM_E_BAD_ARGUMENT, "a secret");
    assert_int_equal(rows(f), before + (ok ? 1 : 0));
    if (!ok) assert_null(strstr(err.detail, "sss")); /* an error does not repeat it */
    ekm_secret_clear(&secret);
  }
}

static vault_secret_check check(store_fixture *f, ekm_view secret) {
  ekm_err err = {0};
  vault_secret_check result = VAULT_SECRET_WRONG;
  const vault_directory *dir = directory(f);
  assert_true(vault_store_check_secret(f->store, vault_directory_app(dir, f->app_b), secret, &result, &err));
  vault_directory_release(&dir);
  return result;
}

static void a_secret_lives_until_its_second(void **state) {
  store_fixture *f = *state;
  char id[VAULT_GUID_CHARS + 1];
  ekm_secret first = {0}, second = {0};
  ekm_err err = {0};
  int64_t now = ekm_clock_wall_s(&f->clock.base);
  assert_true(vault_store_secret_add(f->store, f->app_b, &first, now + 10, id, &err));
  assert_true(vault_store_secret_add(f->store, f->app_b, &second, 0, id, &err)); /* beside it, and at once */
  assert_false(ekm_secret_reveal(&first).len < 30);
  assert_int_equal(check(f, ekm_secret_reveal(&first)), VAULT_SECRET_RIGHT);
  assert_int_equal(check(f, ekm_secret_reveal(&second)), VAULT_SECRET_RIGHT);
  fake_clock_pass(&f->clock, 9000);
  assert_int_equal(check(f, ekm_secret_reveal(&first)), VAULT_SECRET_RIGHT);
  fake_clock_pass(&f->clock, 1000);
  assert_int_equal(check(f, ekm_secret_reveal(&first)), VAULT_SECRET_EXPIRED);
  assert_int_equal(check(f, ekm_secret_reveal(&second)), VAULT_SECRET_RIGHT);
  store_fixture_reopen(f);
  assert_int_equal(check(f, ekm_secret_reveal(&first)), VAULT_SECRET_EXPIRED);
  assert_int_equal(check(f, ekm_view_text("no-secret-of-anybody")), VAULT_SECRET_WRONG);
  assert_int_equal(check(f, ekm_view_text("")), VAULT_SECRET_WRONG);
  ekm_secret_clear(&first);
  ekm_secret_clear(&second);
}

/* Salt and application are under the hash: the same secret shows in no two rows. */
static void a_hash_is_of_one_secret_of_one_application(void **state) {
  static const struct {
    const char *client_id, *salt, *secret;
  } cases[] = {
      {TENANT, "0123456789abcdef", "the-secret-of-both"}, {NOBODY, "0123456789abcdef", "the-secret-of-both"},
      {TENANT, "0123456789abcdeg", "the-secret-of-both"}, {TENANT, "0123456789abcdef", "the-secret-of-bot"},
      {TENANT, "0123456789abcdef", "the-secret-of-boti"}, {TENANT, "0123456789abcdef", ""},
  };
  enum { COUNT = sizeof cases / sizeof cases[0] };
  store_fixture *f = *state;
  uint8_t hashes[COUNT][VAULT_SECRET_HASH_BYTES], again[VAULT_SECRET_HASH_BYTES];
  vault_seal *seal = NULL;
  ekm_secret master = {0};
  ekm_err err = {0};
  assert_true(ekm_secret_set(&master, ekm_view_text("0123456789abcdef0123456789abcdef"), &err));
  assert_true(vault_seal_new(f->crypto, &master, &seal, &err));
  for (size_t i = 0; i < COUNT; i++) {
    const uint8_t *salt = (const uint8_t *)cases[i].salt;
    ekm_view secret = ekm_view_text(cases[i].secret);
    assert_true(store_secret_hash(seal, cases[i].client_id, salt, secret, hashes[i], &err));
    assert_true(store_secret_hash(seal, cases[i].client_id, salt, secret, again, &err));
    assert_memory_equal(again, hashes[i], sizeof again);
    for (size_t k = 0; k < i; k++) assert_memory_not_equal(hashes[i], hashes[k], sizeof hashes[i]);
  }
  vault_seal_free(&seal);
  ekm_secret_clear(&master);
}

static void what_is_not_there_is_said(void **state) {
  store_fixture *f = *state;
  char id[VAULT_GUID_CHARS + 1];
  ekm_secret secret = {0};
  size_t before = rows(f);
  ekm_err err[6] = {{0}};
  expect(vault_store_app_remove(f->store, NOBODY, &err[0]), &err[0], EKM_E_ABSENT, "an application");
  expect(vault_store_secret_add(f->store, NOBODY, &secret, 0, id, &err[1]), &err[1], EKM_E_ABSENT, "an application");
  expect(vault_store_secret_remove(f->store, f->app_a, NOBODY, &err[2]), &err[2], EKM_E_ABSENT, "a secret");
  expect(vault_store_grant_set(f->store, 99, f->app_a, VAULT_MAY_GET, &err[3]), &err[3], EKM_E_ABSENT, "a vault");
  expect(vault_store_grant_set(f->store, f->local, NOBODY, VAULT_MAY_GET, &err[4]), &err[4], EKM_E_ABSENT, "an app");
  expect(vault_store_grant_set(f->store, f->local, f->app_a, ~(vault_permissions)0, &err[5]), &err[5],
         EKM_E_BAD_ARGUMENT, "permissions");
  assert_int_equal(rows(f), before);
  ekm_secret_clear(&secret);
}

static vault_certificate certificate(store_fixture *f) {
  vault_certificate out;
  ekm_err err = {0};
  ekm_buf pem;
  ekm_buf_init(&pem, 8192);
  vectors_read("client-certificate.pem", &pem);
  assert_true(vault_certificate_read(f->crypto, ekm_buf_view(&pem), &out, &err));
  ekm_buf_clear(&pem);
  return out;
}

static void a_certificate_comes_back_as_it_was_given(void **state) {
  store_fixture *f = *state;
  const vault_certificate given = certificate(f);
  const vault_directory *dir = directory(f);
  const vault_app *app = vault_directory_app(dir, f->app_a);
  assert_int_equal(app->certificate_count, 1);
  assert_string_equal(app->certificates[0].id, f->certificate_id);
  assert_in_range(app->certificates[0].created, given.begins, ekm_clock_wall_s(&f->clock.base));
  assert_int_equal(app->certificates[0].begins, given.begins);
  assert_int_equal(app->certificates[0].ends, given.ends);
  assert_memory_equal(app->certificates[0].x5t, given.x5t, sizeof given.x5t);
  assert_memory_equal(app->certificates[0].x5t_s256, given.x5t_s256, sizeof given.x5t_s256);
  assert_int_equal(app->certificates[0].public_key_len, given.public_key_len);
  assert_memory_equal(app->certificates[0].public_key, given.public_key, given.public_key_len);
  assert_int_equal(vault_directory_app(dir, f->app_b)->certificate_count, 0);
  vault_directory_release(&dir);
}

static void a_certificate_is_taken_once_and_in_its_time(void **state) {
  store_fixture *f = *state;
  vault_certificate given = certificate(f);
  const int64_t now = ekm_clock_wall_s(&f->clock.base);
  char id[VAULT_GUID_CHARS + 1];
  ekm_err err[5] = {{0}};
  size_t before = rows(f);
  expect(vault_store_certificate_add(f->store, f->app_a, &given, id, &err[0]), &err[0], EKM_E_EXISTS, "again");
  expect(vault_store_certificate_add(f->store, NOBODY, &given, id, &err[1]), &err[1], EKM_E_ABSENT, "of nobody");
  given.ends = now - 1;
  expect(vault_store_certificate_add(f->store, f->app_b, &given, id, &err[2]), &err[2], EKM_E_BAD_ARGUMENT, "too late");
  assert_int_equal(rows(f), before);
  given.ends = now;
  expect(vault_store_certificate_add(f->store, f->app_b, &given, id, &err[3]), &err[3], EKM_E_OK, "in its last second");
  assert_int_equal(rows(f), before + 1);
  expect(vault_store_certificate_remove(f->store, f->app_b, f->certificate_id, &err[4]), &err[4], EKM_E_ABSENT,
         "another's");
  ekm_err none = {0};
  assert_true(vault_store_certificate_remove(f->store, f->app_b, id, &none));
  assert_int_equal(rows(f), before);
}

static vault_federation federation(const char *issuer, const char *subject, const char *audience) {
  vault_federation out = {.keys = "{\"keys\":[]}"};
  (void)snprintf(out.issuer, sizeof out.issuer, "%s", issuer);
  (void)snprintf(out.subject, sizeof out.subject, "%s", subject);
  (void)snprintf(out.audience, sizeof out.audience, "%s", audience);
  return out;
}

static void a_federated_credential_comes_back_as_it_was_given(void **state) {
  store_fixture *f = *state;
  const vault_directory *dir = directory(f);
  const vault_app *app = vault_directory_app(dir, f->app_a);
  assert_int_equal(app->federation_count, 1);
  assert_string_equal(app->federations[0].id, f->federation_id);
  assert_string_equal(app->federations[0].issuer, "https://issuer.example");
  assert_string_equal(app->federations[0].subject, "system:serviceaccount:default:sql");
  assert_string_equal(app->federations[0].audience, "api://AzureADTokenExchange");
  assert_string_equal(app->federations[0].keys, "{\"keys\":[]}");
  assert_in_range(app->federations[0].created, 1, ekm_clock_wall_s(&f->clock.base));
  assert_int_equal(vault_directory_app(dir, f->app_b)->federation_count, 0);
  vault_directory_release(&dir);
}

static void federated_credentials_are_what_they_may_be(void **state) {
  static const struct {
    const char *issuer, *subject, *audience;
    ekm_err_id id;
  } cases[] = {
      {"https://issuer.example", "other", "a", EKM_E_OK},
      {"https://issuer.example/", "other", "a", EKM_E_OK}, /* a slash is another issuer, as at Entra */
      {"https://issuer.example", "Other", "a", EKM_E_OK},
      {"https://issuer.example", "other", "b", EKM_E_EXISTS},
      {"http://issuer.example", "s", "a", EKM_E_BAD_ARGUMENT},
      {"https://", "s", "a", EKM_E_BAD_ARGUMENT},
      {"", "s", "a", EKM_E_BAD_ARGUMENT},
      {"https://issuer.example", "", "a", EKM_E_BAD_ARGUMENT},
      {"https://issuer.example", "s", "", EKM_E_BAD_ARGUMENT},
      {"https://issuer.example", "caf\xc3\xa9", "a", EKM_E_BAD_ARGUMENT},
      {"https://issuer.example", "two\nlines", "a", EKM_E_BAD_ARGUMENT},
  };
  store_fixture *f = *state;
  char id[VAULT_GUID_CHARS + 1];
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    ekm_err err = {0};
    size_t before = rows(f);
    const vault_federation row = federation(cases[i].issuer, cases[i].subject, cases[i].audience);
    bool ok = vault_store_federation_add(f->store, f->app_b, &row, id, &err);
    expect(ok, &err, cases[i].id, cases[i].subject);
    assert_int_equal(rows(f), before + (ok ? 1 : 0));
  }
  ekm_err err[2] = {{0}};
  const vault_federation row = federation("https://issuer.example", "s", "a");
  expect(vault_store_federation_add(f->store, NOBODY, &row, id, &err[0]), &err[0], EKM_E_ABSENT, "an application");
  expect(vault_store_federation_remove(f->store, f->app_b, f->federation_id, &err[1]), &err[1], EKM_E_ABSENT,
         "another's");
}

static void an_application_has_so_many_federated_credentials(void **state) {
  store_fixture *f = *state;
  char client_id[VAULT_GUID_CHARS + 1], id[VAULT_GUID_CHARS + 1], subject[16];
  ekm_err err = {0};
  assert_true(vault_store_app_add(f->store, TENANT, "many", client_id, &err));
  for (int i = 0; i <= VAULT_FEDERATIONS_PER_APP; i++) {
    (void)snprintf(subject, sizeof subject, "%d", i);
    const vault_federation row = federation("https://issuer.example", subject, "a");
    bool ok = vault_store_federation_add(f->store, client_id, &row, id, &err);
    expect(ok, &err, i < VAULT_FEDERATIONS_PER_APP ? EKM_E_OK : EKM_E_BAD_ARGUMENT, subject);
  }
  ekm_err none = {0};
  assert_true(vault_store_app_remove(f->store, client_id, &none));
}

static void an_application_goes_with_all_that_is_its(void **state) {
  store_fixture *f = *state;
  char id[VAULT_GUID_CHARS + 1], client_id[VAULT_GUID_CHARS + 1];
  ekm_secret secret = {0};
  ekm_err err = {0};
  size_t before = rows(f);
  assert_true(vault_store_app_add(f->store, TENANT, "short", client_id, &err));
  assert_true(vault_store_secret_add(f->store, client_id, &secret, 0, id, &err));
  const vault_certificate its = certificate(f);
  const vault_federation its_too = federation("https://issuer.example", "s", "a");
  assert_true(vault_store_certificate_add(f->store, client_id, &its, id, &err));
  assert_true(vault_store_federation_add(f->store, client_id, &its_too, id, &err));
  assert_true(vault_store_grant_set(f->store, f->local, client_id, VAULT_MAY_GET, &err));
  assert_true(vault_store_grant_set(f->store, f->other, client_id, VAULT_MAY_ALL, &err));
  assert_int_equal(rows(f), before + 6);
  assert_true(vault_store_app_remove(f->store, client_id, &err));
  assert_int_equal(rows(f), before);
  store_fixture_reopen(f);
  assert_int_equal(rows(f), before);
  ekm_secret_clear(&secret);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(vaults_are_what_they_may_be),
      cmocka_unit_test(names_of_applications_can_be_shown),
      cmocka_unit_test(secrets_are_long_and_printable),
      cmocka_unit_test(a_secret_lives_until_its_second),
      cmocka_unit_test(a_hash_is_of_one_secret_of_one_application),
      cmocka_unit_test(what_is_not_there_is_said),
      cmocka_unit_test(a_certificate_comes_back_as_it_was_given),
      cmocka_unit_test(a_certificate_is_taken_once_and_in_its_time),
      cmocka_unit_test(a_federated_credential_comes_back_as_it_was_given),
      cmocka_unit_test(federated_credentials_are_what_they_may_be),
      cmocka_unit_test(an_application_has_so_many_federated_credentials),
      cmocka_unit_test(an_application_goes_with_all_that_is_its),
  };
  return cmocka_run_group_tests(tests, store_fixture_set_up, store_fixture_tear_down);
}
