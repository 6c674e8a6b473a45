/* The command line: options by table, then the words of the command.
 *
 * A secret is never an option's value: other users of the machine can read the arguments of a process. */
#ifndef EKM_CLI_OPTIONS_H
#define EKM_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Which commands take an option; a command's row has the bits that it takes. */
enum {
  CLI_TAKES_PROVIDER = 1,     /* --provider */
  CLI_TAKES_SESSION = 2,      /* --identity, --secret-file, --secret-stdin */
  CLI_TAKES_KEY = 4,          /* --key */
  CLI_TAKES_INPUT = 8,        /* --in, --hex */
  CLI_TAKES_OUTPUT = 16,      /* --out */
  CLI_TAKES_ALGORITHM = 32,   /* --algorithm */
  CLI_TAKES_YES = 64,         /* --yes */
  CLI_TAKES_BENCH = 128,      /* --count, --seconds */
  CLI_TAKES_THREADS = 256,    /* --threads */
  CLI_TAKES_SQL = 512,        /* --database, --admin, names in SQL Server, --with-secret */
  CLI_TAKES_INVENTORY = 2048, /* --inventory */
  CLI_TAKES_DRY_RUN = 4096,   /* --dry-run */
  CLI_TAKES_IV = 8192,        /* --iv */
  CLI_TAKES_THUMB = 16384,    /* --thumbprint */
  CLI_TAKES_ALWAYS = 1024     /* --json, --log-level, --help, --version */
};

enum { CLI_WORDS_MAX = 4, CLI_TAKES_BITS = 15 };

typedef struct cli_options {
  const char *provider, *identity, *secret_file, *log_level;
  const char *key, *thumbprint, *in, *iv, *out, *algorithm, *inventory;
  const char *database, *admin, *asymmetric_key, *login, *credential, *provider_name, *provider_file;
  bool with_secret, dry_run, secret_stdin, json, hex, yes, help, version;
  unsigned count, seconds, threads;
  unsigned given;                       /* CLI_TAKES_ bits of the options that were given */
  const char *given_as[CLI_TAKES_BITS]; /* for each of these bits, the name of the last one */
  const char *words[CLI_WORDS_MAX];
  size_t word_count;
} cli_options;

typedef struct cli_option {
  const char *name;  /* "--in" */
  const char *value; /* "FILE"; NULL for a flag */
  const char *help;
  unsigned takes; /* one CLI_TAKES_ bit */
  enum { CLI_OPTION_TEXT, CLI_OPTION_FLAG, CLI_OPTION_NUMBER } kind;
  size_t offset; /* in cli_options */
} cli_option;

/* cli_options_table(out_count): the rows, for help. Static. */
const cli_option *cli_options_table(size_t *out_count);

/* cli_options_parse(argc, argv, out, err):
 * "--name value" and "--name=value", anywhere; "--" ends the options. USAGE for what is not in the table, a missing or
 * superfluous value, a number that is none. The texts are borrowed from ${argv}. */
EKM_MUST_USE bool cli_options_parse(int argc, char **argv, cli_options *out, ekm_err *err);

#endif
