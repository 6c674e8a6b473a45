/* The command line: options by table, words of the command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/command.h"

enum { ARGS_MAX = 16 };

static bool parse(const char *line, cli_options *out, ekm_err *err) {
  static char copy[512];
  char *argv[ARGS_MAX] = {(char[]){"ekmctl"}};
  int argc = 1;
  assert_true(strlen(line) < sizeof copy);
  memcpy(copy, line, strlen(line) + 1);
  for (char *word = copy; *word != '\0';) {
    size_t len = strcspn(word, " ");
    bool last = word[len] == '\0';
    assert_true(argc < ARGS_MAX);
    argv[argc++] = word;
    word[len] = '\0';
    word += last ? len : len + 1;
  }
  memset(err, 0, sizeof *err);
  return cli_options_parse(argc, argv, out, err);
}

static void options_stand_anywhere_in_both_forms(void **state) {
  cli_options options;
  ekm_err err;
  (void)state;
  assert_true(parse("--json key --key=a=b show --provider /p --count 12 -- --key", &options, &err));
  assert_true(options.json);
  assert_string_equal(options.key, "a=b");
  assert_string_equal(options.provider, "/p");
  assert_int_equal(options.count, 12);
  assert_int_equal(options.word_count, 3);
  assert_string_equal(options.words[2], "--key");
}

static void what_is_not_in_the_table_is_refused(void **state) {
  static const char *const lines[] = {"--nope",
                                      "--key",
                                      "--key=",
                                      "--json=1",
                                      "--count 0",
                                      "--count -1",
                                      "--count 1x",
                                      "--count 4294967297",
                                      "-j",
                                      "--keys x",
                                      "a b c d e",
                                      "--provider",
                                      "--count 999999999"};
  (void)state;
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    cli_options options;
    ekm_err err;
    assert_false(parse(lines[i], &options, &err));
    assert_int_equal(err.id, EKM_E_USAGE);
  }
}

static void no_option_takes_a_secret(void **state) {
  size_t count = 0;
  const cli_option *table = cli_options_table(&count);
  (void)state;
  for (size_t i = 0; i < count; i++) {
    if (strstr(table[i].name, "secret") == NULL) continue;
    assert_true(table[i].value == NULL || strcmp(table[i].value, "FILE") == 0);
  }
}

static void words_find_their_command(void **state) {
  static const struct {
    const char *line, *name, *key;
  } rows[] = {{"info", "info", NULL},
              {"key show k", "key show", "k"},
              {"key show --key k", "key show", "k"},
              {"key show --thumbprint 00", "key show", NULL},
              {"key drop k --yes", "key drop", "k"},
              {"explain 4", "explain", NULL}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    cli_options options;
    const cli_command *command = NULL;
    ekm_err err;
    assert_true(parse(rows[i].line, &options, &err));
    assert_true(cli_command_find(&options, &command, &err));
    assert_string_equal(command->name, rows[i].name);
    if (rows[i].key == NULL) assert_null(options.key);
    if (rows[i].key != NULL) assert_string_equal(options.key, rows[i].key);
  }
}

static void commands_refuse_what_is_not_theirs(void **state) {
  static const char *const lines[] = {"",
                                      "key",
                                      "key nope",
                                      "info now",
                                      "explain",
                                      "nope",
                                      "info --key k",
                                      "keys --yes",
                                      "key show a b",
                                      "key create",
                                      "key show a --key b",
                                      "key create k --thumbprint 00",
                                      "doctor --thumbprint 00",
                                      "conform --thumbprint 00",
                                      "rotate --thumbprint 00",
                                      "sql setup --thumbprint 00"};
  (void)state;
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    cli_options options;
    const cli_command *command = NULL;
    ekm_err err;
    assert_true(parse(lines[i], &options, &err));
    assert_false(cli_command_find(&options, &command, &err));
    assert_int_equal(err.id, EKM_E_USAGE);
    assert_null(command);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(options_stand_anywhere_in_both_forms),
      cmocka_unit_test(what_is_not_in_the_table_is_refused),
      cmocka_unit_test(no_option_takes_a_secret),
      cmocka_unit_test(words_find_their_command),
      cmocka_unit_test(commands_refuse_what_is_not_theirs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
