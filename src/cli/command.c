#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

enum {
  LIBRARY = CLI_TAKES_PROVIDER,
  SESSION = LIBRARY | CLI_TAKES_SESSION,
  NAMED = SESSION | CLI_TAKES_KEY,
  KEY = NAMED | CLI_TAKES_THUMB,
  SCRIPT = CLI_TAKES_SQL | CLI_TAKES_KEY
};

static const cli_command commands[] = {
    {"info", NULL, "what the provider says of itself", LIBRARY, CLI_NEEDS_MODULE, cli_info},
    {"algorithms", NULL, "the algorithms of the provider", LIBRARY, CLI_NEEDS_MODULE, cli_algorithms},
    {"keys", NULL, "the keys that the credential may see", SESSION, CLI_NEEDS_SESSION, cli_keys},
    {"key show", "[NAME]", "one key: name, thumbprint, algorithm", KEY, CLI_NEEDS_KEY, cli_key_show},
    {"key create", "NAME", "make a key", SESSION | CLI_TAKES_ALGORITHM, CLI_NEEDS_SESSION, cli_key_create},
    {"key drop", "[NAME]", "delete a key, and with it all that it has wrapped", KEY | CLI_TAKES_YES, CLI_NEEDS_KEY,
     cli_key_drop},
    {"key export", "[NAME]", "the public key: encoding, modulus, exponent", KEY | CLI_TAKES_OUTPUT, CLI_NEEDS_KEY,
     cli_key_export},
    {"encrypt", NULL, "wrap bytes with a key", KEY | CLI_TAKES_INPUT | CLI_TAKES_IV | CLI_TAKES_OUTPUT, CLI_NEEDS_KEY,
     cli_encrypt},
    {"decrypt", NULL, "unwrap bytes with a key", KEY | CLI_TAKES_INPUT | CLI_TAKES_IV | CLI_TAKES_OUTPUT, CLI_NEEDS_KEY,
     cli_decrypt},
    {"bench", NULL, "measure warm calls: decrypt, encrypt, sessions, key info", KEY | CLI_TAKES_BENCH, CLI_NEEDS_KEY,
     cli_bench},
    {"conform", NULL, "test the provider against the rules of the SqlCrypt interface", NAMED | CLI_TAKES_THREADS,
     CLI_NEEDS_PATH, cli_conform},
    {"config check", "[FILE]", "is the provider's configuration right, and what it names there?", 0, CLI_NEEDS_NOTHING,
     cli_config_check},
    {"config show", "[FILE]", "every setting of the provider, and where each comes from", 0, CLI_NEEDS_NOTHING,
     cli_config_show},
    {"sql setup", "[NAME]", "T-SQL: make a key of the vault known to SQL Server, and encrypt a database with it",
     SCRIPT | CLI_TAKES_SESSION, CLI_NEEDS_NOTHING, cli_sql_setup},
    {"sql rotate", "[NAME]", "T-SQL: move a database to another key or version", SCRIPT | CLI_TAKES_SESSION,
     CLI_NEEDS_NOTHING, cli_sql_rotate},
    {"sql migrate", "[NAME]", "T-SQL: move a database from Microsoft's connector to this one",
     SCRIPT | CLI_TAKES_SESSION, CLI_NEEDS_NOTHING, cli_sql_migrate},
    {"sql cleanup", NULL, "T-SQL: take a database's encryption, and what it needed, away again", CLI_TAKES_SQL,
     CLI_NEEDS_NOTHING, cli_sql_cleanup},
    {"sql inventory", NULL, "T-SQL: which keys an instance needs, and for what", 0, CLI_NEEDS_NOTHING,
     cli_sql_inventory},
    {"rotate", "[NAME]", "with --dry-run: what a rotation would take, and which key versions are still needed",
     CLI_TAKES_SESSION | CLI_TAKES_KEY | CLI_TAKES_INVENTORY | CLI_TAKES_DRY_RUN, CLI_NEEDS_NOTHING, cli_rotate},
    {"doctor", NULL, "walk from the configuration to an unwrapped key, and say what is wrong where",
     NAMED | CLI_TAKES_INVENTORY, CLI_NEEDS_NOTHING, cli_doctor},
    {"explain", "CODE", "what a code of an entry point means, and what to do", 0, CLI_NEEDS_NOTHING, cli_explain},
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0], SECOND_WORDS_BYTES = 100 };

const cli_command *cli_commands(size_t *out_count) {
  *out_count = COMMAND_COUNT;
  return commands;
}

/* Do the first words spell ${name}? Returns how many, or 0. */
static size_t words_of(const cli_options *options, const char *name) {
  const char *space = strchr(name, ' ');
  if (space == NULL) return options->word_count >= 1 && strcmp(options->words[0], name) == 0 ? 1 : 0;
  size_t len = (size_t)(space - name);
  bool both = options->word_count >= 2 && strlen(options->words[0]) == len &&
              strncmp(options->words[0], name, len) == 0 && strcmp(options->words[1], space + 1) == 0;
  return both ? 2 : 0;
}

/* The one word behind the command's name, where it belongs. */
static bool place_argument(cli_options *options, const cli_command *command, size_t used, ekm_err *err) {
  size_t left = options->word_count - used;
  bool required = command->argument != NULL && command->argument[0] != '[';
  if (left > (command->argument == NULL ? 0u : 1u)) {
    return EKM_FAIL(err, EKM_E_USAGE, "'%s' does not take '%s'", command->name,
                    options->words[options->word_count - 1]);
  }
  if (left == 0 && required) return EKM_FAIL(err, EKM_E_USAGE, "'%s' needs %s", command->name, command->argument);
  const char *word = left == 1 ? options->words[used] : NULL;
  if (word != NULL && word[0] == '\0') return EKM_FAIL(err, EKM_E_USAGE, "%s is empty", command->argument);
  options->words[0] = word;
  options->word_count = left;
  if (word == NULL || (command->takes & CLI_TAKES_KEY) == 0) return true;
  if (options->key != NULL) return EKM_FAIL(err, EKM_E_USAGE, "the key is named twice: '%s' and --key", word);
  options->key = word;
  return true;
}

static bool check_given(const cli_options *options, const cli_command *command, ekm_err *err) {
  unsigned too_much = options->given & ~(command->takes | CLI_TAKES_ALWAYS);
  for (unsigned bit = 0; bit < CLI_TAKES_BITS; bit++) {
    if ((too_much >> bit & 1) == 0) continue;
    return EKM_FAIL(err, EKM_E_USAGE, "'%s' does not take %s; see ekmctl %s --help", command->name,
                    options->given_as[bit], command->name);
  }
  return true;
}

/* "sql" is no command, but "sql setup" is one: the words that may follow the first. */
static void append_second_words(const char *first, ekm_buf *out) {
  size_t len = strlen(first);
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    if (strncmp(commands[i].name, first, len) != 0 || commands[i].name[len] != ' ') continue;
    ekm_buf_append_text(out, out->len == 0 ? "" : ", ");
    ekm_buf_append_text(out, commands[i].name + len + 1);
  }
}

bool cli_command_unknown(const cli_options *options, ekm_err *err) {
  char words[SECOND_WORDS_BYTES];
  ekm_buf second;
  ekm_buf_init(&second, sizeof words - 1);
  append_second_words(options->words[0], &second);
  (void)snprintf(words, sizeof words, "%s", ekm_buf_text(&second));
  ekm_buf_clear(&second);
  if (words[0] != '\0' && options->word_count == 1) {
    return EKM_FAIL(err, EKM_E_USAGE, "'%s' is followed by one of: %s", options->words[0], words);
  }
  return EKM_FAIL(err, EKM_E_USAGE, "there is no command '%s%s%s'", options->words[0],
                  options->word_count > 1 ? " " : "", options->word_count > 1 ? options->words[1] : "");
}

bool cli_command_find(cli_options *options, const cli_command **out_command, ekm_err *err) {
  *out_command = NULL;
  if (options->word_count == 0) return EKM_FAIL(err, EKM_E_USAGE, "no command was given");
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    size_t used = words_of(options, commands[i].name);
    if (used == 0) continue;
    if (!check_given(options, &commands[i], err) || !place_argument(options, &commands[i], used, err)) return false;
    *out_command = &commands[i];
    return true;
  }
  return cli_command_unknown(options, err);
}
