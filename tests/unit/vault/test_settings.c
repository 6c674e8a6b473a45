#include "vault/settings.h"

#include <string.h>

#include "support/cmocka_all.h"

enum { ARGS_MAX = 8 };

static bool parse(const char *const *args, vault_settings *out, ekm_err *err) {
  static char program[] = "akvd";
  char *argv[ARGS_MAX + 2] = {program};
  int argc = 1;
  for (; args[argc - 1] != NULL; argc++) argv[argc] = (char *)(uintptr_t)args[argc - 1];
  return vault_settings_parse(argc, argv, out, err);
}

static void options_stand_anywhere(void **state) {
  (void)state;
  static const char *const orders[][ARGS_MAX] = {
      {"app", "add", "--data", "d", "--threads=8", "--json"},
      {"--json", "app", "--data=d", "add", "--threads", "8"},
      {"--threads", "8", "--data", "d", "--json", "app", "add"},
  };
  for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
    vault_settings s;
    ekm_err err = {0};
    if (!parse(orders[i], &s, &err)) fail_msg("%s", err.detail);
    assert_string_equal(s.command, "app add");
    assert_string_equal(s.data, "d");
    assert_int_equal(s.threads, 8);
    assert_true(s.json);
    assert_false(s.help);
    assert_null(s.name);
    assert_int_equal(s.bits, 0);
  }
}

static void values_are_values(void **state) {
  (void)state;
  static const struct {
    const char *args[ARGS_MAX];
    bool ok;
  } cases[] = {
      {{NULL}, true},
      {{"--bits", "1"}, true},
      {{"--bits", "1000000"}, true},
      {{"--bits", "1000001"}, false},
      {{"--bits", "18446744073709551617"}, false},
      {{"--bits", "0"}, false},
      {{"--bits", "-1"}, false},
      {{"--bits", "+1"}, false},
      {{"--bits", " 1"}, false},
      {{"--bits", "1x"}, false},
      {{"--bits="}, false},
      {{"--bits", "1", "--bits", "1"}, false},
      {{"--name", "a", "--name=a"}, false},
      {{"--json", "--json"}, false},
      {{"--json=true"}, false},
      {{"--name"}, false},
      {{"--name", ""}, false},
      {{"--name="}, false},
      {{"--name", "--json"}, false},
      {{"--name=--json"}, true},
      {{"--name", "-"}, true},
      {{"--name=a=b"}, true},
      {{"--nam", "a"}, false},
      {{"--names", "a"}, false},
      {{"--"}, false},
      {{"-"}, false},
      {{"one", "two", "three"}, true},
      {{"one", "two", "three", "four"}, false},
      {{"0123456789012345678901234567890123456789012345678901234567890123"}, false},
      {{"012345678901234567890123456789012345678901234567890123456789012"}, false},
      {{"01234567890123456789012345678901234567890123456789012345678901"}, true},
      {{"--name", "caf\xc3\xa9"}, true},
      {{"--name", "caf\xe9"}, false},
      {{"--data=caf\xe9"}, false},
      {{"--caf\xe9"}, false},
      {{"caf\xe9"}, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    vault_settings s;
    ekm_err err = {0};
    if (parse(cases[i].args, &s, &err) != cases[i].ok) fail_msg("%s: %s", cases[i].args[0], err.detail);
    assert_int_equal(err.id, cases[i].ok ? EKM_E_OK : EKM_E_USAGE);
    for (const char *c = err.detail; *c != '\0'; c++) assert_in_range(*c, ' ', '~'); /* JSON can say it */
  }
}

/* Who asked for JSON gets it, wherever the fault stands. */
static void a_bad_line_is_answered_as_it_asked(void **state) {
  (void)state;
  static const struct {
    const char *args[ARGS_MAX];
    bool json;
  } cases[] = {
      {{"--colour", "--json"}, true}, {{"--json", "--colour"}, true}, {{"--name=", "key", "--json"}, true},
      {{"--name", "--json"}, true},   {{"--colour"}, false},          {{"--colour", "--json=yes"}, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    vault_settings s;
    ekm_err err = {0};
    assert_false(parse(cases[i].args, &s, &err));
    assert_int_equal(s.json, cases[i].json);
  }
}

static void a_list_has_whole_words(void **state) {
  (void)state;
  static const struct {
    const char *list, *name;
    bool listed;
  } cases[] = {
      {"", "--app", false},
      {"--app", "--app", true},
      {"--data --app --name", "--app", true},
      {"--data --apps", "--app", false},
      {"--secret-id --secret", "--secret", true},
      {"--secret-id", "--secret", false},
      {"x--app", "--app", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_equal(vault_settings_is_listed(cases[i].list, cases[i].name), cases[i].listed);
  }
}

static void a_command_gets_what_it_needs_and_nothing_else(void **state) {
  (void)state;
  static const struct {
    const char *args[ARGS_MAX];
    bool ok;
  } cases[] = {
      {{"x", "--data", "d", "--bits", "2"}, true},
      {{"x", "--data", "d", "--bits", "2", "--json"}, true},
      {{"x", "--data", "d"}, false},
      {{"x", "--bits", "2"}, false},
      {{"x", "--data", "d", "--bits", "2", "--help"}, false},
      {{"x", "--data", "d", "--bits", "2", "--name", "n"}, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    vault_settings s;
    ekm_err err = {0};
    assert_true(parse(cases[i].args, &s, &err));
    assert_int_equal(vault_settings_check(&s, "--data --bits", "--json", &err), cases[i].ok);
    assert_int_equal(err.id, cases[i].ok ? EKM_E_OK : EKM_E_USAGE);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(options_stand_anywhere),
      cmocka_unit_test(values_are_values),
      cmocka_unit_test(a_bad_line_is_answered_as_it_asked),
      cmocka_unit_test(a_list_has_whole_words),
      cmocka_unit_test(a_command_gets_what_it_needs_and_nothing_else),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
