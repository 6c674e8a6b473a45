/* Rotation, by hand and by policy, and what happens to deleted keys in time: all on the vault's clock, which the test
 * moves. */
#include <stdio.h>
#include <string.h>

#include "support/cmocka_all.h"
#include "support/vault_fixture.h"

enum { DAY_S = 86400 };

static void call(vault_fixture *f, const char *method, const char *path, const char *body, https_answer *out) {
  vault_fixture_call(f, FIXTURE_FULL, method, path, body, out);
}

/* The status of a call whose answer does not matter. */
static long status_of(vault_fixture *f, const char *method, const char *path, const char *body) {
  https_answer answer;
  call(f, method, path, body, &answer);
  long status = answer.status;
  https_answer_clear(&answer);
  return status;
}

/* Time passes, and with it the token's life, and the patience that the server has with idle connections. */
static void pass_days(vault_fixture *f, int days) {
  https_answer answer;
  https_client_close(&f->client);
  https_client_open(&f->client, vault_server_port(f->server), ekm_buf_view(&f->ca_pem));
  fake_clock_pass(&f->clock, (int64_t)days * DAY_S * 1000);
  vault_fixture_token(f, FIXTURE_FULL, 2, &answer);
  const char *token = ekm_json_text(answer.doc, "access_token");
  assert_non_null(token);
  (void)snprintf(f->apps[FIXTURE_FULL].token, sizeof f->apps[FIXTURE_FULL].token, "%s", token);
  https_answer_clear(&answer);
}

typedef struct seen {
  char kid[256];
  json_int_t created, exp;
} seen;

static seen newest(vault_fixture *f, const char *name) {
  char path[128];
  https_answer answer;
  seen out = {.exp = -1};
  (void)snprintf(path, sizeof path, "/keys/%s", name);
  call(f, "GET", path, NULL, &answer);
  assert_int_equal(answer.status, 200);
  (void)snprintf(out.kid, sizeof out.kid, "%s", ekm_json_text(ekm_json_object(answer.doc, "key"), "kid"));
  const json_t *attributes = ekm_json_object(answer.doc, "attributes");
  out.created = ekm_json_int(attributes, "created", 0);
  out.exp = ekm_json_int(attributes, "exp", -1);
  https_answer_clear(&answer);
  return out;
}

static size_t count_versions(vault_fixture *f, const char *name) {
  char path[128];
  https_answer answer;
  (void)snprintf(path, sizeof path, "/keys/%s/versions", name);
  call(f, "GET", path, NULL, &answer);
  size_t count = json_array_size(json_object_get(answer.doc, "value"));
  https_answer_clear(&answer);
  return count;
}

#define EC_BODY "{\"kty\":\"EC\",\"tags\":{\"a\":\"b\"},\"key_ops\":[\"sign\"]}"
#define EVERY_MONTH                                                                                       \
  "{\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":\"P30D\"},\"action\":{\"type\":\"rotate\"}}]," \
  "\"attributes\":{\"expiryTime\":\"P90D\"}}"

static void a_rotation_keeps_what_a_key_is(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  assert_int_equal(status_of(f, "POST", "/keys/Mine/create",
                             "{\"kty\":\"RSA\",\"key_size\":3072,\"public_exponent\":3,\"tags\":{\"a\":\"b\"},"
                             "\"key_ops\":[\"wrapKey\"],\"attributes\":{\"exp\":4000000000,\"enabled\":false}}"),
                   200);
  call(f, "POST", "/keys/mine/rotate", "", &answer);
  assert_int_equal(answer.status, 200);
  const json_t *jwk = ekm_json_object(answer.doc, "key");
  const json_t *attributes = ekm_json_object(answer.doc, "attributes");
  assert_non_null(strstr(ekm_json_text(jwk, "kid"), "/keys/Mine/"));
  assert_string_equal(ekm_json_text(jwk, "e"), "Aw");
  assert_int_equal(strlen(ekm_json_text(jwk, "n")), 512);
  assert_int_equal(json_array_size(json_object_get(jwk, "key_ops")), 1);
  assert_true(ekm_json_bool(attributes, "enabled", false));
  assert_null(json_object_get(attributes, "exp"));
  assert_string_equal(ekm_json_text(ekm_json_object(answer.doc, "tags"), "a"), "b");
  https_answer_clear(&answer);
  assert_int_equal(count_versions(f, "mine"), 2);
}

static void what_is_not_there_is_not_rotated(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  static const struct {
    const char *method, *path, *body;
  } calls[] = {{"POST", "/keys/absent/rotate", ""},
               {"GET", "/keys/absent/rotationpolicy", NULL},
               {"PUT", "/keys/absent/rotationpolicy", EVERY_MONTH}};
  for (int deleted = 0; deleted < 2; deleted++) {
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
      call(f, calls[i].method, calls[i].path, calls[i].body, &answer);
      vault_fixture_expect(&answer, 404, "KeyNotFound", NULL);
      https_answer_clear(&answer);
    }
    if (deleted) break;
    assert_int_equal(status_of(f, "POST", "/keys/absent/create", EC_BODY), 200);
    assert_int_equal(status_of(f, "DELETE", "/keys/absent", NULL), 200);
  }
}

static void rights_are_asked_for(void **state) {
  vault_fixture *f = *state;
  static const struct {
    const char *method, *path, *permission;
  } calls[] = {{"POST", "/keys/k/rotate", " keys rotate permission"},
               {"GET", "/keys/k/rotationpolicy", " keys getrotationpolicy permission"},
               {"PUT", "/keys/k/rotationpolicy", " keys setrotationpolicy permission"}};
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    https_answer answer;
    vault_fixture_call(f, FIXTURE_READER, calls[i].method, calls[i].path, NULL, &answer);
    vault_fixture_expect(&answer, 403, "Forbidden", "ForbiddenByPolicy");
    assert_non_null(strstr(ekm_buf_text(&answer.body), calls[i].permission));
    https_answer_clear(&answer);
  }
}

static void a_policy_is_carried_out(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  assert_int_equal(status_of(f, "POST", "/keys/monthly/create", EC_BODY), 200);
  seen first = newest(f, "monthly");
  call(f, "PUT", "/keys/monthly/rotationpolicy", EVERY_MONTH, &answer);
  assert_int_equal(answer.status, 200);
  assert_string_equal(ekm_json_text(answer.doc, "id"), "https://" FIXTURE_HOST "/keys/monthly/rotationpolicy");
  https_answer_clear(&answer);
  pass_days(f, 29);
  assert_string_equal(newest(f, "monthly").kid, first.kid);
  pass_days(f, 1);
  seen second = newest(f, "monthly");
  assert_string_not_equal(second.kid, first.kid);
  assert_int_equal(second.created, first.created + 30 * DAY_S);
  assert_int_equal(second.exp, second.created + 90 * DAY_S);
  assert_int_equal(first.exp, -1);
  pass_days(f, 30);
  seen third = newest(f, "monthly");
  assert_string_not_equal(third.kid, second.kid);
  assert_int_equal(count_versions(f, "monthly"), 3);
}

static void a_rotation_by_hand_counts_for_the_policy(void **state) {
  vault_fixture *f = *state;
  assert_int_equal(status_of(f, "POST", "/keys/by-hand/create", EC_BODY), 200);
  assert_int_equal(status_of(f, "PUT", "/keys/by-hand/rotationpolicy", EVERY_MONTH), 200);
  pass_days(f, 20);
  assert_int_equal(status_of(f, "POST", "/keys/by-hand/rotate", ""), 200);
  pass_days(f, 20);
  assert_int_equal(count_versions(f, "by-hand"), 2);
  pass_days(f, 10);
  assert_int_equal(count_versions(f, "by-hand"), 3);
}

static void an_expiry_that_moves_moves_the_rotation(void **state) {
  vault_fixture *f = *state;
  char body[128];
  long long now = (long long)ekm_clock_wall_s(&f->clock.base);
  assert_int_equal(status_of(f, "POST", "/keys/expiring/create", EC_BODY), 200);
  assert_int_equal(status_of(f, "PUT", "/keys/expiring/rotationpolicy",
                             "{\"lifetimeActions\":[{\"trigger\":{\"timeBeforeExpiry\":\"P10D\"},"
                             "\"action\":{\"type\":\"Rotate\"}}]}"),
                   200);
  pass_days(f, 100);
  assert_int_equal(count_versions(f, "expiring"), 1); /* it never expires */
  (void)snprintf(body, sizeof body, "{\"attributes\":{\"exp\":%lld}}", now + 120LL * DAY_S);
  assert_int_equal(status_of(f, "PATCH", "/keys/expiring", body), 200);
  pass_days(f, 9);
  assert_int_equal(count_versions(f, "expiring"), 1);
  pass_days(f, 1);
  assert_int_equal(count_versions(f, "expiring"), 2);
  pass_days(f, 100);
  assert_int_equal(count_versions(f, "expiring"), 2); /* the new version has no expiry */
}

static void a_deleted_key_is_not_rotated_and_one_day_gone(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  assert_int_equal(status_of(f, "POST", "/keys/going/create", EC_BODY), 200);
  assert_int_equal(status_of(f, "PUT", "/keys/going/rotationpolicy", EVERY_MONTH), 200);
  assert_int_equal(status_of(f, "DELETE", "/keys/going", NULL), 200);
  pass_days(f, 89);
  assert_int_equal(status_of(f, "GET", "/deletedkeys/going", NULL), 200);
  pass_days(f, 1);
  call(f, "GET", "/deletedkeys/going", NULL, &answer);
  vault_fixture_expect(&answer, 404, "KeyNotFound", NULL);
  https_answer_clear(&answer);
  assert_int_equal(status_of(f, "POST", "/keys/going/create", EC_BODY), 200); /* the name is free again */
  assert_int_equal(count_versions(f, "going"), 1);
}

static void a_key_that_comes_back_is_rotated_then(void **state) {
  vault_fixture *f = *state;
  assert_int_equal(status_of(f, "POST", "/keys/back/create", EC_BODY), 200);
  assert_int_equal(status_of(f, "PUT", "/keys/back/rotationpolicy", EVERY_MONTH), 200);
  assert_int_equal(status_of(f, "DELETE", "/keys/back", NULL), 200);
  pass_days(f, 40);
  assert_int_equal(status_of(f, "POST", "/deletedkeys/back/recover", ""), 200);
  assert_int_equal(count_versions(f, "back"), 2);
}

static void what_is_due_survives_a_restart(void **state) {
  vault_fixture *f = *state;
  assert_int_equal(status_of(f, "POST", "/keys/slept/create", EC_BODY), 200);
  assert_int_equal(status_of(f, "PUT", "/keys/slept/rotationpolicy", EVERY_MONTH), 200);
  vault_fixture_restart(f);
  pass_days(f, 30);
  assert_int_equal(count_versions(f, "slept"), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_rotation_keeps_what_a_key_is),
      cmocka_unit_test(what_is_not_there_is_not_rotated),
      cmocka_unit_test(rights_are_asked_for),
      cmocka_unit_test(a_policy_is_carried_out),
      cmocka_unit_test(a_rotation_by_hand_counts_for_the_policy),
      cmocka_unit_test(an_expiry_that_moves_moves_the_rotation),
      cmocka_unit_test(a_deleted_key_is_not_rotated_and_one_day_gone),
      cmocka_unit_test(a_key_that_comes_back_is_rotated_then),
      cmocka_unit_test(what_is_due_survives_a_restart),
  };
  return cmocka_run_group_tests(tests, vault_fixture_set_up, vault_fixture_tear_down);
}
