/* Lists: pages, their ends, and links that lead elsewhere. */
#include <stdio.h>
#include <string.h>

#include "keyvault_fixture.h"

#define FIRST BASE "/keys?api-version=7.4&maxresults=25"
#define NAME(name) "{\"kid\":\"" BASE "/keys/" name "\"}"
#define PAGE(items, rest) "{\"value\":[" items "]" rest "}"

typedef struct collected {
  char text[400];
  int count;
} collected;

static bool collect(void *arg, const char *text, int64_t created_s, ekm_err *err) {
  (void)created_s;
  collected *c = arg;
  (void)err;
  (void)snprintf(c->text + strlen(c->text), sizeof c->text - strlen(c->text), "%s ", text);
  c->count++;
  return true;
}

static bool refuse(void *arg, const char *text, int64_t created_s, ekm_err *err) {
  (void)created_s;
  (void)arg;
  return EKM_FAIL(err, EKM_E_LIMIT, "%s is too much", text);
}

static void pages_are_followed_to_the_end(void **state) {
  static const char *const ends[] = {"", ",\"nextLink\":null", ",\"nextLink\":\"\""};
  (void)state;
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    char last[200];
    const scripted_step steps[] = {
        SIGN_IN,
        {"GET", FIRST, NULL, TOKEN, .status = 200,
         .answer = PAGE(NAME("a") "," NAME("b"),
                        ",\"nextLink\":\"https://v.vault.azure.net:443/keys?api-version=7.4&$skiptoken=x1\"")},
        {"GET", BASE "/keys?api-version=7.4&$skiptoken=x1", NULL, TOKEN, .status = 200,
         .answer = PAGE("", ",\"nextLink\":\"https://V.vault.azure.net/keys?$skiptoken=x2\"")},
        {"GET", BASE "/keys?$skiptoken=x2&api-version=7.4", NULL, TOKEN, .status = 200, .answer = last}};
    keyvault_fixture f;
    collected all = {0};
    (void)snprintf(last, sizeof last, PAGE(NAME("c"), "%s"), ends[i]);
    START(&f, steps);
    assert_true(akv_list_names(f.client, &f.call, (akv_sink){collect, &all}, &f.err));
    assert_string_equal(all.text, "a b c ");
    keyvault_fixture_end(&f);
  }
}

static void links_to_elsewhere_are_not_followed(void **state) {
  static const char *const links[] = {
      "\"https://evil.example/keys?api-version=7.4\"",
      "\"https://v.vault.azure.net.evil.example/keys?api-version=7.4\"",
      "\"http://v.vault.azure.net/keys?api-version=7.4\"",
      "\"https://v.vault.azure.net@evil.example/keys\"",
      "\"https://v.vault.azure.net/secrets?api-version=7.4\"",
      "\"/keys?api-version=7.4\"",
      "\"https://v.vault.azure.net/keys\\r\\nX: y\"",
      "7",
      "{}",
  };
  (void)state;
  for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
    char page[400];
    const scripted_step steps[] = {SIGN_IN, {"GET", FIRST, NULL, TOKEN, .status = 200, .answer = page}};
    keyvault_fixture f;
    collected all = {0};
    (void)snprintf(page, sizeof page, PAGE("", ",\"nextLink\":%s"), links[i]);
    START(&f, steps);
    assert_false(akv_list_names(f.client, &f.call, (akv_sink){collect, &all}, &f.err));
    assert_int_equal(f.err.id, EKM_E_KEY_ANSWER);
    keyvault_fixture_end(&f);
  }
}

static void pages_that_are_none_are_refused(void **state) {
  static const struct {
    const char *page;
    ekm_err_id expected;
  } rows[] = {
      {"{}", EKM_E_KEY_ANSWER},
      {"{\"value\":{}}", EKM_E_KEY_ANSWER},
      {PAGE("{}", ""), EKM_E_KEY_ANSWER},
      {PAGE("7", ""), EKM_E_KEY_ANSWER},
      {PAGE("{\"kid\":\"https://evil.example/keys/a\"}", ""), EKM_E_KEY_ANSWER},
      {"<html>", EKM_E_ANSWER_NOT_JSON},
      {"{\"value\":[" NAME("a"), EKM_E_ANSWER_NOT_JSON},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const scripted_step steps[] = {SIGN_IN, {"GET", FIRST, NULL, TOKEN, .status = 200, .answer = rows[i].page}};
    keyvault_fixture f;
    collected all = {0};
    START(&f, steps);
    assert_false(akv_list_names(f.client, &f.call, (akv_sink){collect, &all}, &f.err));
    assert_int_equal(f.err.id, rows[i].expected);
    keyvault_fixture_end(&f);
  }
}

static void versions_are_of_the_one_name(void **state) {
#define VERSIONS BASE "/keys/k/versions?api-version=7.4&maxresults=25"
  const scripted_step good[] = {SIGN_IN,
                                {"GET", VERSIONS, NULL, TOKEN, .status = 200,
                                 .answer = PAGE(NAME("k/" VERSION) "," NAME("K/" OTHER_VERSION), "")}};
  const scripted_step other[] = {
      SIGN_IN, {"GET", VERSIONS, NULL, TOKEN, .status = 200, .answer = PAGE(NAME("other/" VERSION), "")}};
  keyvault_fixture f;
  collected all = {0};
  (void)state;
  START(&f, good);
  assert_true(akv_list_versions(f.client, "k", &f.call, (akv_sink){collect, &all}, &f.err));
  assert_string_equal(all.text, VERSION " " OTHER_VERSION " ");
  keyvault_fixture_end(&f);
  START(&f, other);
  assert_false(akv_list_versions(f.client, "k", &f.call, (akv_sink){collect, &all}, &f.err));
  assert_int_equal(f.err.id, EKM_E_KEY_ANSWER);
  keyvault_fixture_end(&f);
}

static void a_full_sink_ends_the_list(void **state) {
  const scripted_step steps[] = {SIGN_IN,
                                 {"GET", FIRST, NULL, TOKEN, .status = 200,
                                  .answer = PAGE(NAME("a"), ",\"nextLink\":\"https://v.vault.azure.net/keys?x\"")}};
  keyvault_fixture f;
  (void)state;
  START(&f, steps);
  assert_false(akv_list_names(f.client, &f.call, (akv_sink){refuse, NULL}, &f.err));
  assert_int_equal(f.err.id, EKM_E_LIMIT);
  keyvault_fixture_end(&f);
}

/* A vault that always names a next page. */
static void a_list_without_end_ends(void **state) {
  enum { PAGES = 4000 };
  static scripted_step steps[PAGES + 2];
  const scripted_step head[] = {SIGN_IN};
  const scripted_step page = {"GET",         BASE "/keys?api-version=7.4&maxresults=25",       NULL, TOKEN,
                              .status = 200, .answer = PAGE("", ",\"nextLink\":\"" FIRST "\"")};
  keyvault_fixture f;
  collected all = {0};
  (void)state;
  memcpy(steps, head, sizeof head);
  for (size_t i = 2; i < PAGES + 2; i++) steps[i] = page;
  START(&f, steps);
  assert_false(akv_list_names(f.client, &f.call, (akv_sink){collect, &all}, &f.err));
  assert_int_equal(f.err.id, EKM_E_LIMIT);
  keyvault_fixture_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pages_are_followed_to_the_end),   cmocka_unit_test(links_to_elsewhere_are_not_followed),
      cmocka_unit_test(pages_that_are_none_are_refused), cmocka_unit_test(versions_are_of_the_one_name),
      cmocka_unit_test(a_full_sink_ends_the_list),       cmocka_unit_test(a_list_without_end_ends),
  };
  return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
