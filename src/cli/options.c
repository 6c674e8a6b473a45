#include "cli/options.h"

#include <string.h>

#define AT(member) offsetof(cli_options, member)

static const cli_option table[] = {
    {"--provider", "PATH", "the provider's library, absolute; else EKMCTL_PROVIDER", CLI_TAKES_PROVIDER,
     CLI_OPTION_TEXT, AT(provider)},
    {"--identity", "TEXT", "IDENTITY of the credential; else EKMCTL_IDENTITY", CLI_TAKES_SESSION, CLI_OPTION_TEXT,
     AT(identity)},
    {"--secret-file", "FILE", "a file with the SECRET of the credential; else EKMCTL_SECRET", CLI_TAKES_SESSION,
     CLI_OPTION_TEXT, AT(secret_file)},
    {"--secret-stdin", NULL, "read the SECRET from standard input", CLI_TAKES_SESSION, CLI_OPTION_FLAG,
     AT(secret_stdin)},
    {"--key", "NAME", "the key by its name", CLI_TAKES_KEY, CLI_OPTION_TEXT, AT(key)},
    {"--thumbprint", "HEX", "the key by its thumbprint; 0x in front is fine", CLI_TAKES_THUMB, CLI_OPTION_TEXT,
     AT(thumbprint)},
    {"--in", "FILE", "read the input here; else standard input", CLI_TAKES_INPUT, CLI_OPTION_TEXT, AT(in)},
    {"--hex", NULL, "the input is hexadecimal text", CLI_TAKES_INPUT, CLI_OPTION_FLAG, AT(hex)},
    {"--iv", "HEX", "the initialisation vector, which a symmetric key wants", CLI_TAKES_IV, CLI_OPTION_TEXT, AT(iv)},
    {"--out", "FILE", "write the result here, as bytes; else hexadecimal on standard output", CLI_TAKES_OUTPUT,
     CLI_OPTION_TEXT, AT(out)},
    {"--algorithm", "TAG", "the algorithm of the new key; RSA_2048 if not given", CLI_TAKES_ALGORITHM, CLI_OPTION_TEXT,
     AT(algorithm)},
    {"--yes", NULL, "I know that everything this key has wrapped will be lost", CLI_TAKES_YES, CLI_OPTION_FLAG,
     AT(yes)},
    {"--count", "N", "calls of each operation", CLI_TAKES_BENCH, CLI_OPTION_NUMBER, AT(count)},
    {"--seconds", "N", "time for each operation; 1 if neither is given", CLI_TAKES_BENCH, CLI_OPTION_NUMBER,
     AT(seconds)},
    {"--threads", "N", "threads of the concurrency rules; 8 if not given", CLI_TAKES_THREADS, CLI_OPTION_NUMBER,
     AT(threads)},
    {"--database", "NAME", "the database", CLI_TAKES_SQL, CLI_OPTION_TEXT, AT(database)},
    {"--admin", "LOGIN", "the login that runs the script", CLI_TAKES_SQL, CLI_OPTION_TEXT, AT(admin)},
    {"--asymmetric-key", "NAME", "the key's name in SQL Server; OpenEKM_Key if not given", CLI_TAKES_SQL,
     CLI_OPTION_TEXT, AT(asymmetric_key)},
    {"--login", "NAME", "the login by which the engine uses the key; the key's name and _Login", CLI_TAKES_SQL,
     CLI_OPTION_TEXT, AT(login)},
    {"--credential", "NAME", "the credential; the key's name and _Credential", CLI_TAKES_SQL, CLI_OPTION_TEXT,
     AT(credential)},
    {"--provider-name", "NAME", "the provider's name in SQL Server; OpenEKM if not given", CLI_TAKES_SQL,
     CLI_OPTION_TEXT, AT(provider_name)},
    {"--provider-file", "PATH", "the provider's DLL on the server", CLI_TAKES_SQL, CLI_OPTION_TEXT, AT(provider_file)},
    {"--with-secret", NULL, "put the SECRET into the script", CLI_TAKES_SQL, CLI_OPTION_FLAG, AT(with_secret)},
    {"--inventory", "FILE", "the result of the query of 'ekmctl sql inventory'", CLI_TAKES_INVENTORY, CLI_OPTION_TEXT,
     AT(inventory)},
    {"--dry-run", NULL, "only say what would be done", CLI_TAKES_DRY_RUN, CLI_OPTION_FLAG, AT(dry_run)},
    {"--json", NULL, "print one JSON object", CLI_TAKES_ALWAYS, CLI_OPTION_FLAG, AT(json)},
    {"--log-level", "LEVEL", "log calls to standard error: off, error, warn, info, debug, trace", CLI_TAKES_ALWAYS,
     CLI_OPTION_TEXT, AT(log_level)},
    {"--help", NULL, "show help, also of one command", CLI_TAKES_ALWAYS, CLI_OPTION_FLAG, AT(help)},
    {"--version", NULL, "show the version", CLI_TAKES_ALWAYS, CLI_OPTION_FLAG, AT(version)},
};

enum { TABLE_COUNT = sizeof table / sizeof table[0], NUMBER_MAX = 100000000 };

const cli_option *cli_options_table(size_t *out_count) {
  *out_count = TABLE_COUNT;
  return table;
}

static const cli_option *find(const char *name, size_t len) {
  for (size_t i = 0; i < TABLE_COUNT; i++) {
    if (strlen(table[i].name) == len && strncmp(table[i].name, name, len) == 0) return &table[i];
  }
  return NULL;
}

static bool parse_number(const cli_option *option, const char *text, unsigned *out, ekm_err *err) {
  unsigned number = 0;
  for (const char *c = text; *c != '\0'; c++) {
    if (*c < '0' || *c > '9' || number > NUMBER_MAX / 10) number = NUMBER_MAX;
    if (number == NUMBER_MAX) break;
    number = number * 10 + (unsigned)(*c - '0');
  }
  if (number == 0 || number >= NUMBER_MAX) {
    return EKM_FAIL(err, EKM_E_USAGE, "%s needs a whole number from 1 to %d", option->name, NUMBER_MAX - 1);
  }
  *out = number;
  return true;
}

static bool set(cli_options *out, const cli_option *option, const char *value, ekm_err *err) {
  char *at = (char *)out + option->offset;
  out->given |= option->takes;
  for (unsigned bit = 0; bit < CLI_TAKES_BITS; bit++) {
    if (option->takes == 1u << bit) out->given_as[bit] = option->name;
  }
  switch (option->kind) {
    case CLI_OPTION_FLAG: memcpy(at, &(bool){true}, sizeof(bool)); return true;
    case CLI_OPTION_TEXT: memcpy(at, &value, sizeof value); return true;
    case CLI_OPTION_NUMBER: break;
  }
  unsigned number = 0;
  if (!parse_number(option, value, &number, err)) return false;
  memcpy(at, &number, sizeof number);
  return true;
}

/* One option at argv[*at]; *at moves to its last word. */
static bool take_option(int argc, char **argv, int *at, cli_options *out, ekm_err *err) {
  const char *word = argv[*at];
  const char *equals = strchr(word, '=');
  size_t len = equals == NULL ? strlen(word) : (size_t)(equals - word);
  const cli_option *option = find(word, len);
  if (option == NULL) return EKM_FAIL(err, EKM_E_USAGE, "there is no option '%.*s'", (int)(len > 40 ? 40 : len), word);
  if (option->kind == CLI_OPTION_FLAG) {
    if (equals != NULL) return EKM_FAIL(err, EKM_E_USAGE, "%s takes no value", option->name);
    return set(out, option, NULL, err);
  }
  const char *value = equals == NULL ? NULL : equals + 1;
  if (value == NULL && *at + 1 < argc) value = argv[++*at];
  if (value == NULL || *value == '\0') {
    return EKM_FAIL(err, EKM_E_USAGE, "%s needs a value: %s", option->name, option->value);
  }
  return set(out, option, value, err);
}

bool cli_options_parse(int argc, char **argv, cli_options *out, ekm_err *err) {
  bool words_only = false;
  memset(out, 0, sizeof *out);
  for (int i = 1; i < argc; i++) {
    if (!words_only && strcmp(argv[i], "--") == 0) {
      words_only = true;
    } else if (!words_only && argv[i][0] == '-' && argv[i][1] != '\0') {
      if (!take_option(argc, argv, &i, out, err)) return false;
    } else if (out->word_count == CLI_WORDS_MAX) {
      return EKM_FAIL(err, EKM_E_USAGE, "there are too many words");
    } else {
      out->words[out->word_count++] = argv[i];
    }
  }
  return true;
}
