/* Backup and restore of single keys: what comes back, where it may come back, and what is no backup. Private keys show
 * that they are the same by undoing what was done before. */
#include <stdio.h>
#include <string.h>

#include "base/b64url.h"
#include "base/limits.h"
#include "support/cmocka_all.h"
#include "support/vault_fixture.h"

enum { BLOB_CHARS = 64 * 1024, BLOB_BYTES = 48 * 1024 };

static void call(vault_fixture *f, fixture_app app, const char *method, const char *path, const char *body,
                 https_answer *out) {
  vault_fixture_call(f, app, method, path, body, out);
}

static long status_of(vault_fixture *f, const char *method, const char *path, const char *body) {
  https_answer answer;
  call(f, FIXTURE_FULL, method, path, body, &answer);
  long status = answer.status;
  https_answer_clear(&answer);
  return status;
}

/* The body of a restore with the backup of a key. */
static const char *backup(vault_fixture *f, const char *name) {
  static char body[BLOB_CHARS];
  char path[160];
  https_answer answer;
  (void)snprintf(path, sizeof path, "/keys/%s/backup", name);
  call(f, FIXTURE_FULL, "POST", path, "", &answer);
  assert_int_equal(answer.status, 200);
  assert_int_equal(json_object_size(answer.doc), 1);
  (void)snprintf(body, sizeof body, "{\"value\":\"%s\"}", ekm_json_text(answer.doc, "value"));
  assert_true(strlen(body) < sizeof body - 1);
  https_answer_clear(&answer);
  return body;
}

static void forget(vault_fixture *f, const char *name) {
  char path[160];
  (void)snprintf(path, sizeof path, "/keys/%s", name);
  assert_int_equal(status_of(f, "DELETE", path, NULL), 200);
  (void)snprintf(path, sizeof path, "/deletedkeys/%s", name);
  assert_int_equal(status_of(f, "DELETE", path, NULL), 204);
}

static void all_versions_come_back(void **state) {
  vault_fixture *f = *state;
  https_answer before, wrapped, restored, after;
  char old[96], unwrap[112], body[1024];
  assert_int_equal(status_of(f, "POST", "/keys/Kept/create",
                             "{\"kty\":\"RSA\",\"tags\":{\"a\":\"b\"},\"attributes\":{\"exp\":4000000000,\"nbf\":5}}"),
                   200);
  call(f, FIXTURE_FULL, "POST", "/keys/kept/wrapkey", "{\"alg\":\"RSA-OAEP-256\",\"value\":\"c2VjcmV0\"}", &wrapped);
  call(f, FIXTURE_FULL, "GET", "/keys/kept", NULL, &before);
  const char *kid = ekm_json_text(ekm_json_object(before.doc, "key"), "kid");
  (void)snprintf(old, sizeof old, "/keys/kept/%s", strrchr(kid, '/') + 1);
  (void)snprintf(unwrap, sizeof unwrap, "%s/unwrapkey", old);
  assert_int_equal(status_of(f, "POST", "/keys/kept/create", "{\"kty\":\"EC\"}"), 200);
  assert_int_equal(status_of(f, "PUT", "/keys/kept/rotationpolicy", "{\"attributes\":{\"expiryTime\":\"P90D\"}}"), 200);
  const char *request = backup(f, "kept");
  forget(f, "kept");

  call(f, FIXTURE_FULL, "POST", "/keys/restore", request, &restored);
  assert_int_equal(restored.status, 200);
  assert_string_equal(ekm_json_text(ekm_json_object(restored.doc, "key"), "kty"), "EC");
  call(f, FIXTURE_FULL, "GET", old, NULL, &after);
  assert_true(json_equal(before.doc, after.doc));
  https_answer_clear(&after);
  (void)snprintf(body, sizeof body, "{\"alg\":\"RSA-OAEP-256\",\"value\":\"%s\"}", ekm_json_text(wrapped.doc, "value"));
  call(f, FIXTURE_FULL, "POST", unwrap, body, &after);
  assert_string_equal(ekm_json_text(after.doc, "value"), "c2VjcmV0");
  https_answer_clear(&after);
  call(f, FIXTURE_FULL, "GET", "/keys/kept/rotationpolicy", NULL, &after);
  assert_string_equal(ekm_json_text(ekm_json_object(after.doc, "attributes"), "expiryTime"), "P90D");
  https_answer_clear(&after);
  https_answer_clear(&restored);
  https_answer_clear(&before);
  https_answer_clear(&wrapped);
}

static void a_backup_goes_to_another_vault_of_the_tenant_only(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  assert_int_equal(status_of(f, "POST", "/keys/wanders/create", "{\"kty\":\"EC\"}"), 200);
  const char *request = backup(f, "wanders");
  call(f, FIXTURE_OTHER, "POST", "/keys/restore", request, &answer);
  assert_int_equal(answer.status, 200);
  assert_non_null(
      strstr(ekm_json_text(ekm_json_object(answer.doc, "key"), "kid"), "https://" FIXTURE_OTHER_HOST "/keys/wanders/"));
  https_answer_clear(&answer);
  call(f, FIXTURE_OTHER, "POST", "/keys/wanders/sign",
       "{\"alg\":\"ES256\",\"value\":\""
       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
       &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
  call(f, FIXTURE_FOREIGN, "POST", "/keys/restore", request, &answer);
  vault_fixture_expect(&answer, 400, "BadParameter", NULL);
  https_answer_clear(&answer);
}

static void a_name_that_is_taken_stays(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  assert_int_equal(status_of(f, "POST", "/keys/Taken/create", "{\"kty\":\"EC\"}"), 200);
  const char *request = backup(f, "taken");
  for (int deleted = 0; deleted < 2; deleted++) {
    call(f, FIXTURE_FULL, "POST", "/keys/restore", request, &answer);
    vault_fixture_expect(&answer, 409, "Conflict", NULL);
    assert_non_null(strstr(ekm_buf_text(&answer.body), "Conflict while restoring key Taken - key already exists"));
    https_answer_clear(&answer);
    if (!deleted) assert_int_equal(status_of(f, "DELETE", "/keys/taken", NULL), 200);
  }
}

static void every_change_is_noticed(void **state) {
  vault_fixture *f = *state;
  ekm_err err = {0};
  ekm_buf blob, body;
  ekm_buf_init(&blob, BLOB_BYTES);
  ekm_buf_init(&body, BLOB_CHARS);
  assert_int_equal(status_of(f, "POST", "/keys/changed/create", "{\"kty\":\"EC\"}"), 200);
  const char *request = backup(f, "changed") + strlen("{\"value\":\"");
  assert_true(ekm_b64url_decode(request, strlen(request) - 2, &blob, "a backup", &err));
  forget(f, "changed");
  size_t step = blob.len / 90;
  for (size_t i = 0; i < blob.len; i += i + step < blob.len || i == blob.len - 1 ? step : blob.len - 1 - i) {
    for (int cut = 0; cut < 2; cut++) {
      blob.ptr[i] ^= 1;
      ekm_buf_reset(&body);
      ekm_buf_append_text(&body, "{\"value\":\"");
      ekm_b64url_encode(ekm_view_of(blob.ptr, cut ? i : blob.len), &body);
      ekm_buf_append_text(&body, "\"}");
      long status = status_of(f, "POST", "/keys/restore", ekm_buf_text(&body));
      if (status != 400) fail_msg("byte %zu, %s: %ld", i, cut ? "cut off" : "changed", status);
      blob.ptr[i] ^= 1;
    }
  }
  assert_int_equal(status_of(f, "GET", "/keys/changed", NULL), 404);
  ekm_buf_clear(&blob);
  ekm_buf_clear(&body);
}

static void what_is_no_backup_is_refused(void **state) {
  vault_fixture *f = *state;
  static const char *const bodies[] = {"{}",
                                       "{\"value\":5}",
                                       "{\"value\":\"\"}",
                                       "{\"value\":\"?\"}",
                                       "[]",
                                       "",
                                       "{\"value\":\"YWt2ZCBrZXkgYmFja3VwIDEA\"}"};
  for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
    https_answer answer;
    call(f, FIXTURE_FULL, "POST", "/keys/restore", bodies[i], &answer);
    vault_fixture_expect(&answer, 400, "BadParameter", NULL);
    https_answer_clear(&answer);
  }
  assert_int_equal(status_of(f, "POST", "/keys/absent/backup", ""), 404);
}

static void rights_are_asked_for_before_a_long_body_is_read(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  static char body[EKM_LIMIT_RESTORE_BYTES + 2];
  memset(body, ' ', sizeof body - 1);
  call(f, FIXTURE_READER, "POST", "/keys/restore", "{}", &answer);
  vault_fixture_expect(&answer, 403, "Forbidden", "ForbiddenByPolicy");
  https_answer_clear(&answer);
  call(f, FIXTURE_READER, "POST", "/keys/any/backup", "", &answer);
  vault_fixture_expect(&answer, 403, "Forbidden", "ForbiddenByPolicy");
  https_answer_clear(&answer);
  call(f, FIXTURE_FULL, "POST", "/keys/restore", body, &answer); /* one byte too many */
  vault_fixture_expect(&answer, 413, "RequestEntityTooLarge", NULL);
  https_answer_clear(&answer);
  body[EKM_LIMIT_RESTORE_BYTES] = '\0';
  call(f, FIXTURE_FULL, "POST", "/keys/restore", body, &answer);
  vault_fixture_expect(&answer, 400, "BadParameter", NULL);
  https_answer_clear(&answer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_versions_come_back),
      cmocka_unit_test(a_backup_goes_to_another_vault_of_the_tenant_only),
      cmocka_unit_test(a_name_that_is_taken_stays),
      cmocka_unit_test(every_change_is_noticed),
      cmocka_unit_test(what_is_no_backup_is_refused),
      cmocka_unit_test(rights_are_asked_for_before_a_long_body_is_read),
  };
  return cmocka_run_group_tests(tests, vault_fixture_set_up, vault_fixture_tear_down);
}
