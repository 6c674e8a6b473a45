/* Paths, routes and versions of the API: what real clients write leads to one place, and nothing else does. */
#include <string.h>

#include "support/cmocka_all.h"
#include "vault/api_version.h"
#include "vault/keys_api.h"
#include "vault/routes.h"
#include "vault/token_endpoint.h"

#define VERSION "0123456789abcdef0123456789ABCDEF"

static const vault_route *find(vault_face face, const char *method, const char *text, vault_path_match *match,
                               bool *known) {
  static vault_path path;
  ekm_err err = {0};
  assert_true(vault_path_parse(text, &path, &err));
  return vault_route_find(face, method, &path, match, known);
}

static void clients_spell_one_operation_in_many_ways(void **state) {
  static const char *const same[] = {
      "/keys/My-Key/wrapkey",   "/keys/My-Key/wrapKey",    "/keys/My-Key//wrapkey",
      "//keys/My-Key/WRAPKEY/", "/Keys/My-Key/wrapkey///", "/keys/%4dy-Key/wrapkey",
  };
  vault_path_match match;
  bool known;
  (void)state;
  for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
    const vault_route *route = find(VAULT_FACE_KEYS, "POST", same[i], &match, &known);
    assert_non_null(route);
    assert_ptr_equal(route->handle, vault_keys_wrap);
    assert_int_equal(route->permission, VAULT_MAY_WRAP);
    assert_string_equal(match.name, "My-Key");
    assert_null(match.version);
  }
}

static void each_operation_has_its_row(void **state) {
  static const struct {
    const char *method;
    const char *path;
    bool (*handle)(vault_exchange *x);
    bool versioned;
  } cases[] = {
      {"GET", "/keys", vault_keys_list, false},
      {"GET", "/keys/k", vault_keys_get, false},
      {"GET", "/keys/k/", vault_keys_get, false},
      {"GET", "/keys/k/" VERSION, vault_keys_get, true},
      {"GET", "/keys/k/versions", vault_keys_versions, false},
      {"POST", "/keys/k/create", vault_keys_create, false},
      {"PUT", "/keys/k", vault_keys_import, false},
      {"PATCH", "/keys/k/" VERSION, vault_keys_update, true},
      {"PATCH", "/keys/k/", vault_keys_update, false},
      {"DELETE", "/keys/k", vault_keys_delete, false},
      {"POST", "/keys/k/" VERSION "/encrypt", vault_keys_encrypt, true},
      {"POST", "/keys/k/" VERSION "/decrypt", vault_keys_decrypt, true},
      {"POST", "/keys/k/" VERSION "/unwrapKey", vault_keys_unwrap, true},
      {"POST", "/keys/k/" VERSION "/sign", vault_keys_sign, true},
      {"POST", "/keys/k/verify", vault_keys_verify, false},
  };
  vault_path_match match;
  bool known;
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const vault_route *route = find(VAULT_FACE_KEYS, cases[i].method, cases[i].path, &match, &known);
    assert_non_null(route);
    assert_ptr_equal(route->handle, cases[i].handle);
    assert_int_equal(match.version != NULL, cases[i].versioned);
  }
}

static void everything_else_leads_nowhere(void **state) {
  static const struct {
    const char *method;
    const char *path;
    bool known;
  } cases[] = {
      {"POST", "/keys", true},
      {"GET", "/keys/k/create", true},
      {"GET", "/keys/k/latest", false},
      {"POST", "/keys/k/explode", false},
      {"GET", "/keys/k/wrapkey", true},
      {"GET", "/", false},
      {"GET", "/secrets", false},
      {"GET", "/keysx", false},
      {"GET", "/keys/k/" VERSION "0", false},
      {"POST", "/t/oauth2/token", false},
      {"get", "/keys", true},
      {"GET", "/keys/a/b/c/d/e", false},
      {"POST", "/keys/k/" VERSION "/" VERSION "/sign", false},
      {"POST", "/keys%2Fk/sign", false},
  };
  vault_path_match match;
  bool known;
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_null(find(VAULT_FACE_KEYS, cases[i].method, cases[i].path, &match, &known));
    assert_int_equal(known, cases[i].known);
    assert_null(match.name);
  }
}

static void sign_in_is_a_face_of_its_own(void **state) {
  vault_path_match match;
  bool known;
  (void)state;
  const vault_route *route = find(VAULT_FACE_SIGN_IN, "POST", "/my-tenant/oauth2/v2.0/token", &match, &known);
  assert_ptr_equal(route->handle, vault_token_v2);
  assert_string_equal(match.tenant, "my-tenant");
  route = find(VAULT_FACE_SIGN_IN, "POST", "/my-tenant/oauth2/token", &match, &known);
  assert_ptr_equal(route->handle, vault_token_v1);
  assert_null(find(VAULT_FACE_SIGN_IN, "GET", "/my-tenant/oauth2/token", &match, &known));
  assert_true(known);
  assert_null(find(VAULT_FACE_SIGN_IN, "GET", "/keys", &match, &known));
}

/* A handler behind a vault's host without a permission would be open to everybody. */
static void every_row_of_a_vault_asks_for_one_permission(void **state) {
  size_t count;
  const vault_route *rows = vault_route_table(&count);
  (void)state;
  assert_true(count > 0);
  for (size_t i = 0; i < count; i++) {
    vault_permissions permission = rows[i].permission;
    bool is_one_bit = permission != 0 && (permission & (permission - 1)) == 0;
    assert_int_equal(is_one_bit, rows[i].face == VAULT_FACE_KEYS);
    assert_non_null(rows[i].handle);
  }
}

static void broken_paths_are_refused(void **state) {
  static vault_path path;
  char long_path[VAULT_PATH_BYTES + 2];
  ekm_err err = {0};
  (void)state;
  assert_false(vault_path_parse("/keys/%", &path, &err));
  assert_int_equal(err.id, EKM_E_TEXT_ENCODING);
  assert_false(vault_path_parse("/keys/%00", &path, &err));
  assert_int_equal(err.id, EKM_E_TEXT_ENCODING);
  assert_false(vault_path_parse("/1/2/3/4/5/6/7", &path, &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
  memset(long_path, 'x', sizeof long_path);
  long_path[0] = '/';
  long_path[VAULT_PATH_BYTES - 1] = '\0'; /* the longest that is taken */
  assert_true(vault_path_parse(long_path, &path, &err));
  assert_int_equal(strlen(path.segments[0]), VAULT_PATH_BYTES - 2);
  long_path[VAULT_PATH_BYTES - 1] = 'x';
  long_path[VAULT_PATH_BYTES] = '\0';
  assert_false(vault_path_parse(long_path, &path, &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
}

static void api_versions(void **state) {
  static const char *const good[] = {"7.0", "7.5", "7.6-preview.1", "10.0", "2025-07-01", "2026-03-01-preview"};
  static const char *const bad[] = {"",           "7",          "6.9",      "7.",           ".5",
                                    "7.5 ",       "7.5-beta",   "7.5.1",    "v7.5",         "2016-10-01",
                                    "2025-13-01", "2025-07-00", "2025-7-1", "7.6-preview.", "7%2E5"};
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) assert_true(vault_api_version_is_supported(good[i]));
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(vault_api_version_is_supported(bad[i]));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(clients_spell_one_operation_in_many_ways),
      cmocka_unit_test(each_operation_has_its_row),
      cmocka_unit_test(everything_else_leads_nowhere),
      cmocka_unit_test(sign_in_is_a_face_of_its_own),
      cmocka_unit_test(every_row_of_a_vault_asks_for_one_permission),
      cmocka_unit_test(broken_paths_are_refused),
      cmocka_unit_test(api_versions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
