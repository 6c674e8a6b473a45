/* The table of commands. Help and the manual page are made from it, or checked against it. */
#ifndef EKM_CLI_COMMAND_H
#define EKM_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/cli.h"

typedef enum cli_needs {
  CLI_NEEDS_NOTHING,
  CLI_NEEDS_PATH,
  CLI_NEEDS_MODULE,
  CLI_NEEDS_SESSION,
  CLI_NEEDS_KEY
} cli_needs;

typedef struct cli_command {
  const char *name;     /* "info", "key show" */
  const char *argument; /* the word behind the name: "CODE"; NULL for none; "[NAME]" may be left out */
  const char *help;     /* one line */
  unsigned takes;       /* CLI_TAKES_ bits */
  cli_needs needs;
  /* Fill ${doc}, which is an empty object; what is in it is printed also after a failure when --json is given. */
  bool (*run)(cli *c, json_t *doc, ekm_err *err);
} cli_command;

/* cli_commands(out_count): the rows. Static. */
const cli_command *cli_commands(size_t *out_count);

/* cli_command_find(options, out_command, err):
 * The row that the words name, with one or two of them; the word behind is moved to options->key for a command of keys
 * and is otherwise words[0]. USAGE for an unknown command, a missing or superfluous word, an option that the command
 * does not take. */
EKM_MUST_USE bool cli_command_find(cli_options *options, const cli_command **out_command, ekm_err *err);

/* cli_command_unknown(options, err): false, with the USAGE that says that the words, of which there is one at least,
 * name no command. */
bool cli_command_unknown(const cli_options *options, ekm_err *err);

/* cli_help(options): print the help of the commands that the words name or begin, or without words of the program.
 * False, and nothing is printed, for words of no command. */
bool cli_help(const cli_options *options);

bool cli_info(cli *c, json_t *doc, ekm_err *err);
bool cli_algorithms(cli *c, json_t *doc, ekm_err *err);
bool cli_keys(cli *c, json_t *doc, ekm_err *err);
bool cli_key_show(cli *c, json_t *doc, ekm_err *err);
bool cli_key_create(cli *c, json_t *doc, ekm_err *err);
bool cli_key_drop(cli *c, json_t *doc, ekm_err *err);
bool cli_key_export(cli *c, json_t *doc, ekm_err *err);
bool cli_encrypt(cli *c, json_t *doc, ekm_err *err);
bool cli_decrypt(cli *c, json_t *doc, ekm_err *err);
bool cli_bench(cli *c, json_t *doc, ekm_err *err);
bool cli_conform(cli *c, json_t *doc, ekm_err *err);
bool cli_config_check(cli *c, json_t *doc, ekm_err *err);
bool cli_config_show(cli *c, json_t *doc, ekm_err *err);
bool cli_sql_setup(cli *c, json_t *doc, ekm_err *err);
bool cli_sql_rotate(cli *c, json_t *doc, ekm_err *err);
bool cli_sql_migrate(cli *c, json_t *doc, ekm_err *err);
bool cli_sql_cleanup(cli *c, json_t *doc, ekm_err *err);
bool cli_sql_inventory(cli *c, json_t *doc, ekm_err *err);
bool cli_rotate(cli *c, json_t *doc, ekm_err *err);
bool cli_doctor(cli *c, json_t *doc, ekm_err *err);
bool cli_explain(cli *c, json_t *doc, ekm_err *err);

#endif
