/* The Keys API of akvd over TLS: each operation, its defaults, its refusals, and answers recorded from Azure. */
#include <stdio.h>
#include <string.h>

#include "base/b64url.h"
#include "support/cmocka_all.h"
#include "support/vault_fixture.h"
#include "support/vectors.h"

#define API "?api-version=7.5"

static void call(vault_fixture *f, const char *method, const char *path, const char *body, https_answer *out) {
  vault_fixture_call(f, FIXTURE_FULL, method, path, body, out);
}

/* A request that must go well and whose answer does not matter. */
static void must(vault_fixture *f, const char *method, const char *path, const char *body) {
  https_answer answer;
  call(f, method, path, body, &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
}

static void refused(vault_fixture *f, const char *method, const char *path, const char *body, long status,
                    const char *code, const char *inner) {
  https_answer answer;
  call(f, method, path, body, &answer);
  vault_fixture_expect(&answer, status, code, inner);
  https_answer_clear(&answer);
}

static const char *kid_of(const https_answer *answer) {
  return ekm_json_text(ekm_json_object(answer->doc, "key"), "kid");
}

/* The path of a kid: "/keys/name/version". */
static const char *path_of(const char *kid) {
  static const char start[] = "https://" FIXTURE_HOST;
  assert_memory_equal(kid, start, sizeof start - 1);
  return kid + sizeof start - 1;
}

static void a_new_key_has_the_defaults(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  char expected[2048];
  call(f, "POST", "/keys/First/create", "{\"kty\":\"RSA\"}", &answer);
  assert_int_equal(answer.status, 200);
  const json_t *key = ekm_json_object(answer.doc, "key");
  const char *version = strrchr(ekm_json_text(key, "kid"), '/') + 1;
  assert_int_equal(strlen(version), 32);
  assert_int_equal(strspn(version, "0123456789abcdef"), 32);
  assert_int_equal(strlen(ekm_json_text(key, "n")), 342);
  (void)snprintf(
      expected, sizeof expected,
      "{\"key\":{\"kid\":\"https://local.vault.localhost/keys/First/%s\",\"kty\":\"RSA\",\"key_ops\":[\"encrypt\","
      "\"decrypt\",\"sign\",\"verify\",\"wrapKey\",\"unwrapKey\"],\"n\":\"%s\",\"e\":\"AQAB\"},\"attributes\":{"
      "\"enabled\":true,\"created\":%lld,\"updated\":%lld,\"recoveryLevel\":\"Recoverable+Purgeable\","
      "\"recoverableDays\":90,\"hsmPlatform\":\"0\"}}",
      version, ekm_json_text(key, "n"), (long long)f->clock.wall_s, (long long)f->clock.wall_s);
  assert_string_equal(ekm_buf_text(&answer.body), expected);
  https_answer_clear(&answer);
}

static void a_new_key_is_what_was_asked_for(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  call(f, "POST", "/keys/chosen/create" API,
       "{\"kty\":\"RSA-HSM\",\"key_size\":3072,\"public_exponent\":3,\"key_ops\":[\"unwrapKey\",\"wrapKey\"],"
       "\"attributes\":{"
       "\"enabled\":false,\"nbf\":32503680000,\"exp\":1},\"tags\":{\"a\":\"\xC3\xA4\",\"b\":\"\"},\"crv\":null,"
       "\"unknown\":1}",
       &answer);
  assert_int_equal(answer.status, 200);
  const json_t *key = ekm_json_object(answer.doc, "key");
  const json_t *attributes = ekm_json_object(answer.doc, "attributes");
  assert_string_equal(ekm_json_text(key, "kty"), "RSA-HSM");
  assert_string_equal(ekm_json_text(key, "e"), "Aw");
  assert_int_equal(strlen(ekm_json_text(key, "n")), 512);
  assert_int_equal(json_array_size(ekm_json_array(key, "key_ops")), 2);
  assert_false(ekm_json_bool(attributes, "enabled", true));
  assert_int_equal(ekm_json_int(attributes, "nbf", 0), 32503680000);
  assert_int_equal(ekm_json_int(attributes, "exp", 0), 1);
  assert_string_equal(ekm_json_text(ekm_json_object(answer.doc, "tags"), "a"), "\xC3\xA4");
  https_answer_clear(&answer);
}

static void a_second_create_adds_a_version(void **state) {
  vault_fixture *f = *state;
  https_answer first, second, newest, old;
  char old_path[512];
  must(f, "POST", "/keys/twice/create", "{\"kty\":\"RSA\"}");
  call(f, "GET", "/keys/twice", NULL, &first);
  call(f, "POST", "/keys/TWICE/create", "{\"kty\":\"RSA\"}", &second);
  call(f, "GET", "/keys/tWice/", NULL, &newest);
  assert_string_not_equal(kid_of(&first), kid_of(&second));
  assert_string_equal(kid_of(&newest), kid_of(&second));
  (void)snprintf(old_path, sizeof old_path, "%s", path_of(kid_of(&first)));
  assert_memory_equal(old_path, "/keys/twice/", 12); /* as it was spelled first */
  assert_memory_equal(path_of(kid_of(&second)), "/keys/twice/", 12);
  call(f, "GET", old_path, NULL, &old);
  assert_string_equal(ekm_buf_text(&old.body), ekm_buf_text(&first.body));
  https_answer_clear(&first);
  https_answer_clear(&second);
  https_answer_clear(&newest);
  https_answer_clear(&old);
}

static void bad_creations_are_refused(void **state) {
  static const struct {
    const char *name, *body, *code, *inner;
  } cases[] = {
      {"k", "", "BadParameter", NULL},
      {"k", "[]", "BadParameter", NULL},
      {"k", "{\"kty\":\"RSA\"", "BadParameter", NULL},
      {"k", "{\"kty\":\"RSA\",\"kty\":\"RSA\"}", "BadParameter", NULL},
      {"k", "{}", "BadParameter", NULL},
      {"k", "{\"kty\":\"oct\"}", "BadParameter", "KeyTypeNotSupported"},
      {"k", "{\"kty\":\"EC\",\"crv\":\"P-128\"}", "BadParameter", NULL},
      {"k", "{\"kty\":\"EC\",\"crv\":\"secp256k1\"}", "BadParameter", NULL},
      {"k", "{\"kty\":\"EC\",\"crv\":7}", "BadParameter", NULL},
      {"k", "{\"kty\":\"rsa\"}", "BadParameter", "KeyTypeNotSupported"},
      {"k", "{\"kty\":\"RSA\",\"key_size\":1024}", "BadParameter", NULL},
      {"k", "{\"kty\":\"RSA\",\"key_size\":2049}", "BadParameter", NULL},
      {"k", "{\"kty\":\"RSA\",\"key_size\":\"2048\"}", "BadParameter", NULL},
      {"k", "{\"kty\":\"RSA\",\"public_exponent\":2}", "BadParameter", NULL},
      {"k", "{\"kty\":\"RSA\",\"public_exponent\":1}", "BadParameter", NULL},
      {"k", "{\"kty\":\"RSA\",\"key_ops\":[\"fly\"]}", "BadParameter", NULL},
      {"k", "{\"kty\":\"RSA\",\"key_ops\":\"sign\"}", "BadParameter", NULL},
      {"k", "{\"kty\":\"RSA\",\"attributes\":{\"enabled\":\"yes\"}}", "BadParameter", NULL},
      {"k", "{\"kty\":\"RSA\",\"attributes\":{\"exp\":-1}}", "BadParameter", NULL},
      {"k", "{\"kty\":\"RSA\",\"attributes\":{\"exp\":253402300800}}", "BadParameter", NULL},
      {"k", "{\"kty\":\"RSA\",\"attributes\":{\"exportable\":true}}", "BadParameter", NULL},
      {"k", "{\"kty\":\"RSA\",\"release_policy\":{}}", "BadParameter", NULL},
      {"k", "{\"kty\":\"RSA\",\"tags\":{\"a\":1}}", "BadParameter", NULL},
      {"k_", "{\"kty\":\"RSA\"}", "BadParameter", NULL},
      {"k%2E", "{\"kty\":\"RSA\"}", "BadParameter", NULL},
      {"%C3%A4", "{\"kty\":\"RSA\"}", "BadParameter", NULL},
  };
  vault_fixture *f = *state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char path[128];
    (void)snprintf(path, sizeof path, "/keys/%s/create", cases[i].name);
    refused(f, "POST", path, cases[i].body, 400, cases[i].code, cases[i].inner);
  }
  refused(f, "GET", "/keys/k", NULL, 404, "KeyNotFound", NULL);
}

/* n times "x" */
static void fill(char *out, size_t n) {
  memset(out, 'x', n);
  out[n] = '\0';
}

static void names_and_tags_have_limits(void **state) {
  vault_fixture *f = *state;
  char name[130];
  char path[256];
  char text[260];
  ekm_buf body;
  fill(name, 127);
  (void)snprintf(path, sizeof path, "/keys/%s/create", name);
  must(f, "POST", path, "{\"kty\":\"RSA\"}");
  fill(name, 128);
  (void)snprintf(path, sizeof path, "/keys/%s/create", name);
  refused(f, "POST", path, "{\"kty\":\"RSA\"}", 400, "BadParameter", NULL);

  ekm_buf_init(&body, 65536);
  fill(text, 256);
  ekm_buf_append_fmt(&body, "{\"tags\":{\"%s\":\"%s\"", text, text);
  for (int i = 1; i < 15; i++) ekm_buf_append_fmt(&body, ",\"t%d\":\"v\"", i);
  size_t len = body.len;
  ekm_buf_append_text(&body, "}}");
  must(f, "PATCH", "/keys/First", ekm_buf_text(&body));
  ekm_buf_truncate(&body, len);
  ekm_buf_append_text(&body, ",\"t15\":\"v\"}}");
  refused(f, "PATCH", "/keys/First", ekm_buf_text(&body), 400, "BadParameter", NULL);
  ekm_buf_reset(&body);
  fill(text, 257);
  ekm_buf_append_fmt(&body, "{\"tags\":{\"t\":\"%s\"}}", text);
  refused(f, "PATCH", "/keys/First", ekm_buf_text(&body), 400, "BadParameter", NULL);
  ekm_buf_clear(&body);
}

static void update_changes_what_is_named(void **state) {
  vault_fixture *f = *state;
  https_answer before, after;
  call(f, "POST", "/keys/changing/create",
       "{\"kty\":\"RSA\",\"tags\":{\"a\":\"1\"},\"attributes\":{\"exp\":4000000000}}", &before);
  fake_clock_pass(&f->clock, 5000);
  call(f, "PATCH", "/keys/changing/",
       "{\"key_ops\":[\"decrypt\",\"encrypt\"],\"attributes\":{\"enabled\":false,\"nbf\":7}}", &after);
  assert_int_equal(after.status, 200);
  const json_t *old = ekm_json_object(before.doc, "attributes");
  const json_t *new = ekm_json_object(after.doc, "attributes");
  assert_string_equal(kid_of(&after), kid_of(&before));
  assert_false(ekm_json_bool(new, "enabled", true));
  assert_int_equal(ekm_json_int(new, "nbf", 0), 7);
  assert_int_equal(ekm_json_int(new, "exp", 0), 4000000000);
  assert_int_equal(ekm_json_int(new, "created", 0), ekm_json_int(old, "created", 1));
  assert_int_equal(ekm_json_int(new, "updated", 0), ekm_json_int(old, "updated", 0) + 5);
  assert_int_equal(json_array_size(ekm_json_array(ekm_json_object(after.doc, "key"), "key_ops")), 2);
  assert_string_equal(ekm_json_text(ekm_json_object(after.doc, "tags"), "a"), "1");
  https_answer_clear(&before);
  https_answer_clear(&after);

  call(f, "POST", "/keys/changing?api-version=7.5", "{\"tags\":{\"b\":\"2\"}}", &after);
  vault_fixture_expect(&after, 405, "MethodNotAllowed", NULL);
  https_answer_clear(&after);
  https_client_send(&f->client,
                    &(https_request){.method = "POST",
                                     .host = FIXTURE_HOST,
                                     .path = "/keys/changing" API,
                                     .bearer = f->apps[FIXTURE_FULL].token,
                                     .body = "{\"tags\":{\"b\":\"2\"}}",
                                     .headers = (const char *[]){"X-HTTP-METHOD: PATCH", NULL}},
                    &after);
  assert_int_equal(after.status, 200);
  assert_null(ekm_json_text(ekm_json_object(after.doc, "tags"), "a"));
  assert_string_equal(ekm_json_text(ekm_json_object(after.doc, "tags"), "b"), "2");
  https_answer_clear(&after);
  refused(f, "PATCH", "/keys/changing/0123456789abcdef0123456789abcdef", "{}", 404, "KeyNotFound", NULL);
}

static void deleting_keeps_the_name(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  must(f, "POST", "/keys/gone/create", "{\"kty\":\"RSA\"}");
  call(f, "DELETE", "/keys/gone", NULL, &answer);
  assert_int_equal(answer.status, 200);
  int64_t now = f->clock.wall_s;
  assert_string_equal(ekm_json_text(answer.doc, "recoveryId"), "https://local.vault.localhost/deletedkeys/gone");
  assert_int_equal(ekm_json_int(answer.doc, "deletedDate", 0), now);
  assert_int_equal(ekm_json_int(answer.doc, "scheduledPurgeDate", 0), now + 90 * 24 * 3600);
  assert_non_null(kid_of(&answer));
  https_answer_clear(&answer);
  refused(f, "GET", "/keys/gone", NULL, 404, "KeyNotFound", NULL);
  refused(f, "DELETE", "/keys/gone", NULL, 404, "KeyNotFound", NULL);
  refused(f, "POST", "/keys/gone/wrapkey", "{\"alg\":\"RSA-OAEP\",\"value\":\"AAAA\"}", 404, "KeyNotFound", NULL);
  call(f, "POST", "/keys/Gone/create", "{\"kty\":\"RSA\"}", &answer);
  vault_fixture_expect(&answer, 409, "Conflict", "ObjectIsDeletedButRecoverable");
  https_answer_clear(&answer);
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

/* Follow a list to its end: how many items, how many pages. Every kid is given to ${seen}. */
static void follow(vault_fixture *f, const char *first, size_t max_per_page, ekm_buf *seen, size_t *out_pages) {
  char next[2048];
  *out_pages = 0;
  (void)snprintf(next, sizeof next, "%s", first);
  while (next[0] != '\0') {
    https_answer answer;
    size_t i;
    json_t *each;
    call(f, "GET", next, NULL, &answer);
    assert_int_equal(answer.status, 200);
    assert_true(json_array_size(ekm_json_array(answer.doc, "value")) <= max_per_page);
    json_array_foreach(ekm_json_array(answer.doc, "value"), i, each) {
      ekm_buf_append_fmt(seen, "%s\n", ekm_json_text(each, "kid"));
      assert_null(json_object_get(each, "key"));
      assert_non_null(ekm_json_object(each, "attributes"));
    }
    const char *link = ekm_json_text(answer.doc, "nextLink");
    static const char start[] = "https://" FIXTURE_HOST ":443";
    if (link == NULL) {
      assert_true(json_is_null(json_object_get(answer.doc, "nextLink")));
      next[0] = '\0';
    } else {
      assert_memory_equal(link, start, sizeof start - 1);
      (void)snprintf(next, sizeof next, "%s", link + sizeof start - 1);
    }
    (*out_pages)++;
    https_answer_clear(&answer);
  }
}

static size_t count_lines(const ekm_buf *text) {
  size_t count = 0;
  for (size_t i = 0; i < text->len; i++) count += text->ptr[i] == '\n';
  return count;
}

static void lists_come_in_pages(void **state) {
  vault_fixture *f = *state;
  ekm_buf all, few;
  size_t pages;
  char path[64];
  ekm_buf_init(&all, 65536);
  ekm_buf_init(&few, 65536);
  for (int i = 0; i < 3; i++) {
    (void)snprintf(path, sizeof path, "/keys/page-%d/create", i);
    must(f, "POST", path, "{\"kty\":\"RSA\"}");
  }
  must(f, "POST", "/keys/page-1/create", "{\"kty\":\"RSA\"}");
  follow(f, "/keys", 25, &all, &pages);
  assert_int_equal(pages, 1);
  assert_non_null(strstr(ekm_buf_text(&all), "https://local.vault.localhost/keys/page-1\n")); /* without a version */
  assert_null(strstr(ekm_buf_text(&all), "/keys/gone"));
  follow(f, "/keys?maxresults=2&api-version=7.4", 2, &few, &pages);
  assert_true(ekm_view_equal(ekm_buf_view(&all), ekm_buf_view(&few)));
  assert_int_equal(pages, (count_lines(&all) + 1) / 2);

  ekm_buf_reset(&all);
  follow(f, "/keys/page-1/versions?api-version=7.5&maxresults=1", 1, &all, &pages);
  assert_int_equal(count_lines(&all), 2);
  assert_int_equal(pages, 2);
  assert_non_null(strstr(ekm_buf_text(&all), "https://local.vault.localhost/keys/page-1/"));
  ekm_buf_reset(&all);
  follow(f, "/keys/absent/versions", 25, &all, &pages);
  assert_int_equal(all.len, 0);
  ekm_buf_clear(&all);
  ekm_buf_clear(&few);
}

static void a_deleted_key_is_recovered_or_purged(void **state) {
  vault_fixture *f = *state;
  https_answer made, answer;
  call(f, "POST", "/keys/Back/create", "{\"kty\":\"RSA\",\"tags\":{\"a\":\"b\"}}", &made);
  refused(f, "GET", "/deletedkeys/back", NULL, 404, "KeyNotFound", NULL);
  refused(f, "POST", "/deletedkeys/back/recover", "", 404, "KeyNotFound", NULL);
  refused(f, "DELETE", "/deletedkeys/back", NULL, 404, "KeyNotFound", NULL);
  must(f, "DELETE", "/keys/back", NULL);
  must(f, "GET", "/deletedkeys/BACK", NULL);
  call(f, "POST", "/deletedkeys/back/recover", "", &answer);
  assert_int_equal(answer.status, 200);
  assert_string_equal(kid_of(&answer), kid_of(&made));
  assert_null(json_object_get(answer.doc, "recoveryId"));
  https_answer_clear(&answer);
  https_answer_clear(&made);
  must(f, "POST", "/keys/back/wrapkey", "{\"alg\":\"RSA-OAEP\",\"value\":\"AAAA\"}");

  must(f, "DELETE", "/keys/back", NULL);
  call(f, "DELETE", "/deletedkeys/back", NULL, &answer);
  assert_int_equal(answer.status, 204);
  assert_int_equal(answer.body.len, 0);
  https_answer_clear(&answer);
  refused(f, "GET", "/deletedkeys/back", NULL, 404, "KeyNotFound", NULL);
  refused(f, "GET", "/keys/back", NULL, 404, "KeyNotFound", NULL);
  must(f, "POST", "/keys/back/create", "{\"kty\":\"RSA\"}"); /* the name is free again */
}

static void deleted_keys_are_listed_in_pages(void **state) {
  vault_fixture *f = *state;
  ekm_buf all, few;
  size_t pages;
  ekm_buf_init(&all, 65536);
  ekm_buf_init(&few, 65536);
  for (int i = 0; i < 3; i++) {
    char path[64];
    (void)snprintf(path, sizeof path, "/keys/dropped-%d/create", i);
    must(f, "POST", path, "{\"kty\":\"RSA\"}");
    (void)snprintf(path, sizeof path, "/keys/dropped-%d", i);
    must(f, "DELETE", path, NULL);
  }
  follow(f, "/deletedkeys", 25, &all, &pages);
  assert_int_equal(pages, 1);
  assert_non_null(strstr(ekm_buf_text(&all), "https://local.vault.localhost/keys/dropped-2\n"));
  follow(f, "/deletedkeys?maxresults=2&api-version=7.4", 2, &few, &pages);
  assert_true(pages > 1);
  assert_true(ekm_view_equal(ekm_buf_view(&all), ekm_buf_view(&few)));
  ekm_buf_clear(&all);
  ekm_buf_clear(&few);
}

static void bad_list_parameters_are_refused(void **state) {
  static const char *const queries[] = {"maxresults=0", "maxresults=26", "maxresults=-1",    "maxresults=x",
                                        "maxresults=",  "$skiptoken=x",  "%24skiptoken=e30", "$skiptoken=AAAA"};
  vault_fixture *f = *state;
  for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
    char path[128];
    (void)snprintf(path, sizeof path, "/keys" API "&%s", queries[i]);
    refused(f, "GET", path, NULL, 400, "BadParameter", NULL);
  }
  refused(f, "GET", "/keys?x=y", NULL, 400, "BadParameter", NULL);
  refused(f, "GET", "/keys?api-version=", NULL, 400, "BadParameter", NULL);
  refused(f, "GET", "/keys?api-version=2016-10-01", NULL, 400, "BadParameter", NULL);
  refused(f, "GET", "/keys?api-version=6.9", NULL, 400, "BadParameter", NULL);
  refused(f, "GET", "/keys?api-version=7.4%20", NULL, 400, "BadParameter", NULL);
  for (unsigned minor = 0; minor <= 10; minor++) {
    char path[64];
    (void)snprintf(path, sizeof path, "/keys?api-version=7.%u", minor);
    must(f, "GET", path, NULL);
  }
  must(f, "GET", "/keys?API-version=2026-03-01-preview&unknown=1", NULL);
  must(f, "GET", "/keys?api%2Dversion=7.6&max%72esults=2", NULL);
  refused(f, "GET", "/keys?api%2Dversion=7.6&max%72esults=0", NULL, 400, "BadParameter", NULL);
  refused(f, "GET", "/keys?api%2=7.6&%", NULL, 400, "BadParameter", NULL);
}

static void what_is_not_offered_is_refused(void **state) {
  vault_fixture *f = *state;
  https_answer answer;
  call(f, "POST", "/keys/First/explode", NULL, &answer);
  vault_fixture_expect(&answer, 400, "BadParameter", NULL);
  assert_string_equal(ekm_json_text(ekm_json_object(answer.doc, "error"), "message"),
                      "Method POST does not allow operation 'explode'");
  https_answer_clear(&answer);
  refused(f, "GET", "/keys/First/latest", NULL, 400, "BadParameter", NULL);
  refused(f, "GET", "/secrets/First", NULL, 404, "NotFound", NULL);
  refused(f, "GET", "/", NULL, 404, "NotFound", NULL);
  refused(f, "POST", "/keys", "{}", 405, "MethodNotAllowed", NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_key_has_the_defaults),
      cmocka_unit_test(a_new_key_is_what_was_asked_for),
      cmocka_unit_test(a_second_create_adds_a_version),
      cmocka_unit_test(bad_creations_are_refused),
      cmocka_unit_test(names_and_tags_have_limits),
      cmocka_unit_test(update_changes_what_is_named),
      cmocka_unit_test(deleting_keeps_the_name),
      cmocka_unit_test(lists_come_in_pages),
      cmocka_unit_test(a_deleted_key_is_recovered_or_purged),
      cmocka_unit_test(deleted_keys_are_listed_in_pages),
      cmocka_unit_test(bad_list_parameters_are_refused),
      cmocka_unit_test(what_is_not_offered_is_refused),
  };
  return cmocka_run_group_tests(tests, vault_fixture_set_up, vault_fixture_tear_down);
}
