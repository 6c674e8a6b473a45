/* SECRET of a credential: what it may be, and what is said about what it may not. */
#include "keyring/credential.h"

#include <string.h>

#include "support/cmocka_all.h"

#define PLAIN_ID "0123456789abcdef0123456789ABCDEF"
#define GUID "01234567-89ab-cdef-0123-456789abcdef"
#define UPPER_GUID "01234567-89AB-CDEF-0123-456789ABCDEF"

#define SHA1 "0123456789abcdef0123456789abcdef01234567"
#define UPPER_SHA1 "0123456789ABCDEF0123456789ABCDEF01234567"
#define SPACED_SHA1 "01 23 45 67 89 ab cd ef 01 23 45 67 89 AB CD EF 01 23 45 67"

/* The rest of a row that is refused. */
#define REFUSED(id) (id), AKV_CLIENT_SECRET, NULL, NULL, NULL, NULL

typedef struct secret_row {
  const char *text;
  ekm_err_id expected;
  akv_identity_kind kind;
  const char *client_id, *path, *secret, *entry;
} secret_row;

static void check_row(const secret_row *row) {
  ekm_secret text = {0};
  ekm_err err = {0};
  keyring_credential credential = {0};
  assert_true(ekm_secret_set(&text, ekm_view_text(row->text), &err));
  bool ok = keyring_credential_parse(&text, &credential, &err);
  if (err.id != row->expected) fail_msg("%s: %s, %s", row->text, ekm_err_info_of(err.id)->name, err.detail);
  assert_int_equal(ok, row->expected == EKM_E_OK);
  if (ok) {
    const akv_identity me = keyring_credential_identity(&credential, (keyring_applications){NULL, 0});
    assert_int_equal(me.kind, row->kind);
    assert_string_equal(me.client_id, row->client_id);
    assert_string_equal(me.path, row->path);
    assert_true(ekm_view_equal(ekm_secret_reveal(me.secret), ekm_view_text(row->secret)));
    assert_int_equal(me.entry != NULL, row->entry != NULL);
    if (row->entry != NULL) assert_string_equal(me.entry, row->entry);
  }
  assert_null(strstr(err.detail, "secret"));
  ekm_secret_clear(&text);
  keyring_credential_clear(&credential);
}

static void secrets_are_taken_apart(void **state) {
  static const secret_row rows[] = {
      {PLAIN_ID "s", EKM_E_OK, AKV_CLIENT_SECRET, GUID, "", "s", NULL},
      {PLAIN_ID "-the~rest.", EKM_E_OK, AKV_CLIENT_SECRET, GUID, "", "-the~rest.", NULL},
      {GUID "the~rest.", EKM_E_OK, AKV_CLIENT_SECRET, GUID, "", "the~rest.", NULL},
      {"managed-identity", EKM_E_OK, AKV_MANAGED_IDENTITY, "", "", "", NULL},
      {"managed-identity:" GUID, EKM_E_OK, AKV_MANAGED_IDENTITY, GUID, "", "", NULL},
      {"managed-identity:" UPPER_GUID, EKM_E_OK, AKV_MANAGED_IDENTITY, GUID, "", "", NULL},
      {"workload-identity", EKM_E_OK, AKV_WORKLOAD_IDENTITY, "", "", "", NULL},
      {"workload-identity:" GUID, EKM_E_OK, AKV_WORKLOAD_IDENTITY, GUID, "", "", NULL},
      {"certificate:" GUID ":/etc/a.pem", EKM_E_OK, AKV_CERTIFICATE, GUID, "/etc/a.pem", "", NULL},
      {"certificate:" UPPER_GUID ":/a:b c.pfx", EKM_E_OK, AKV_CERTIFICATE, GUID, "/a:b c.pfx", "", NULL},
      {"certificate:" GUID ":/a.pfx|secret", EKM_E_OK, AKV_CERTIFICATE, GUID, "/a.pfx", "secret", NULL},
      {"certificate:" GUID ":/a.pfx| a|b:c ", EKM_E_OK, AKV_CERTIFICATE, GUID, "/a.pfx", " a|b:c ", NULL},
      {"certificate:" GUID ":/a.pfx|", EKM_E_OK, AKV_CERTIFICATE, GUID, "/a.pfx", "", NULL},
      {"Managed-Identity", EKM_E_OK, AKV_MANAGED_IDENTITY, "", "", "", NULL},
      {"workload-identity:x", REFUSED(EKM_E_SECRET_CLIENT_ID)},
      {"managed-identity:", REFUSED(EKM_E_SECRET_CLIENT_ID)},
      {"managed-identity " GUID, REFUSED(EKM_E_SECRET_CLIENT_ID)},
      {"managed-identity:" GUID "x", REFUSED(EKM_E_SECRET_CLIENT_ID)},
      {"managed-identity:" PLAIN_ID, EKM_E_OK, AKV_MANAGED_IDENTITY, GUID, "", "", NULL},
      {"managed-identity:" PLAIN_ID "0", REFUSED(EKM_E_SECRET_CLIENT_ID)},
      {"managed-identity" GUID, REFUSED(EKM_E_SECRET_CLIENT_ID)},
      {"certificate", REFUSED(EKM_E_SECRET_CLIENT_ID)},
      {"certificate:/etc/a.pem", REFUSED(EKM_E_SECRET_CLIENT_ID)},
      {"certificate:" GUID, REFUSED(EKM_E_SECRET_CLIENT_ID)},
      {"certificate:" PLAIN_ID ":/etc/a.pem|secret", EKM_E_OK, AKV_CERTIFICATE, GUID, "/etc/a.pem", "secret", NULL},
      {"certificate:" PLAIN_ID, REFUSED(EKM_E_SECRET_CLIENT_ID)},
      {"certificate:" GUID "/etc/a.pem", REFUSED(EKM_E_SECRET_CLIENT_ID)},
      {"certificate:" GUID ":", REFUSED(EKM_E_CERT_FILE)},
      {"certificate:" GUID ":a.pem", REFUSED(EKM_E_CERT_FILE)},
      {"certificate:" GUID ":|secret", REFUSED(EKM_E_CERT_FILE)},
      {"certificate:" GUID ":/a\n.pem", REFUSED(EKM_E_CERT_FILE)},
      {"certificate:" GUID ":store:" SHA1, EKM_E_OK, AKV_CERTIFICATE, GUID, "", "", SHA1},
      {"certificate:" PLAIN_ID ":STORE:" UPPER_SHA1, EKM_E_OK, AKV_CERTIFICATE, GUID, "", "", SHA1},
      {"certificate:" GUID ":store:" SPACED_SHA1, EKM_E_OK, AKV_CERTIFICATE, GUID, "", "", SHA1},
      {"certificate:" GUID ":store:\xe2\x80\x8e" SPACED_SHA1 " ", EKM_E_OK, AKV_CERTIFICATE, GUID, "", "", SHA1},
      {"certificate:" GUID ":store:", REFUSED(EKM_E_CERT_FILE)},
      {"certificate:" GUID ":store:0123", REFUSED(EKM_E_CERT_FILE)},
      {"certificate:" GUID ":store:" SHA1 "8", REFUSED(EKM_E_CERT_FILE)},
      {"certificate:" GUID ":store:x" SHA1, REFUSED(EKM_E_CERT_FILE)},
      {"certificate:" GUID ":store:" SHA1 "\xe2\x80\x8e", REFUSED(EKM_E_CERT_FILE)},
      {"certificate:" GUID ":store:\xe2\x80", REFUSED(EKM_E_CERT_FILE)},
      {"certificate:" GUID ":store:" SHA1 "|secret", REFUSED(EKM_E_CERT_PASSWORD)},
      {"certificate:" GUID ":store", REFUSED(EKM_E_CERT_FILE)},
      {"", REFUSED(EKM_E_SECRET_SHORT)},
      {"short", REFUSED(EKM_E_SECRET_SHORT)},
      {PLAIN_ID, REFUSED(EKM_E_SECRET_SHORT)},
      {GUID, REFUSED(EKM_E_SECRET_SHORT)},
      {"x123456789abcdef0123456789ABCDEFsecret", REFUSED(EKM_E_SECRET_CLIENT_ID)},
      {"01234567-89ab-cdef-0123_456789abcdefsecret", REFUSED(EKM_E_SECRET_CLIENT_ID)},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) check_row(&rows[i]);
}

/* What is wrong with it is told by its place and length, never by its bytes. */
static void what_is_wrong_has_its_place(void **state) {
  static const struct {
    const char *text, *detail;
  } rows[] = {{PLAIN_ID, "it has 32 bytes, no more than a client id"},
              {GUID, "it has 36 bytes, no more than a client id"},
              {"short", "it has 5 bytes"},
              {" " GUID "secret", "its character 1 is none of a client id"},
              {"01234567-89ab-cdef-0123_456789abcdefsecret", "its character 9 is none of a client id"},
              {"0123456789abcdef0123456789abcdeg-secret", "its character 32 is none of a client id"}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_secret text = {0};
    ekm_err err = {0};
    keyring_credential credential = {0};
    assert_true(ekm_secret_set(&text, ekm_view_text(rows[i].text), &err));
    assert_false(keyring_credential_parse(&text, &credential, &err));
    assert_string_equal(err.detail, rows[i].detail);
    ekm_secret_clear(&text);
    keyring_credential_clear(&credential);
  }
}

static void a_path_has_a_longest(void **state) {
  enum { PREFIX = sizeof "certificate:" GUID ":" - 1 };
  (void)state;
  for (size_t len = KEYRING_CERTIFICATE_PATH_BYTES - 1; len <= KEYRING_CERTIFICATE_PATH_BYTES; len++) {
    char text[PREFIX + KEYRING_CERTIFICATE_PATH_BYTES + 1] = "certificate:" GUID ":/";
    memset(text + PREFIX + 1, 'a', len - 1);
    bool fits = len < KEYRING_CERTIFICATE_PATH_BYTES;
    check_row(&(secret_row){text, fits ? EKM_E_OK : EKM_E_CERT_FILE, AKV_CERTIFICATE, GUID, text + PREFIX, "", NULL});
  }
}

static void a_password_has_no_nul(void **state) {
  static const char bytes[] = "certificate:" GUID ":/a.pfx|a\0b";
  ekm_secret text = {0};
  ekm_err err = {0};
  keyring_credential credential = {0};
  (void)state;
  assert_true(ekm_secret_set(&text, ekm_view_of(bytes, sizeof bytes - 1), &err));
  assert_false(keyring_credential_parse(&text, &credential, &err));
  assert_int_equal(err.id, EKM_E_CERT_PASSWORD);
  ekm_secret_clear(&text);
  keyring_credential_clear(&credential);
}

/* The configuration knows when the secret of an application ends; a certificate tells that itself. */
static void the_end_of_a_secret_is_found(void **state) {
  static const keyring_application known[] = {{"11111111-89ab-cdef-0123-456789abcdef", 1}, {UPPER_GUID, 2}};
  static const struct {
    const char *text;
    int64_t expected;
  } rows[] = {{PLAIN_ID "s", 2},
              {GUID "s", 2},
              {"21234567-89ab-cdef-0123-456789abcdefs", 0},
              {"certificate:" GUID ":/a.pem", 0},
              {"managed-identity:" GUID, 0}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_secret text = {0};
    ekm_err err = {0};
    keyring_credential credential = {0};
    assert_true(ekm_secret_set(&text, ekm_view_text(rows[i].text), &err));
    assert_true(keyring_credential_parse(&text, &credential, &err));
    const akv_identity me = keyring_credential_identity(&credential, (keyring_applications){known, 2});
    if (me.expires_wall_s != rows[i].expected) fail_msg("row %zu", i);
    ekm_secret_clear(&text);
    keyring_credential_clear(&credential);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(secrets_are_taken_apart),      cmocka_unit_test(what_is_wrong_has_its_place),
      cmocka_unit_test(a_path_has_a_longest),         cmocka_unit_test(a_password_has_no_nul),
      cmocka_unit_test(the_end_of_a_secret_is_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
