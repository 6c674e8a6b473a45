/* ekmctl: one command of the table, with what it needs prepared for it.
 *
 *   arguments --> options.c --> command.c finds the row --> cli.c prepares: log, library, session, key
 *                                                           row->run fills a JSON document
 *                                                           output.c prints it: JSON, or aligned text
 *
 * Exit statuses are cli_status. Errors go to standard error as two lines, and into the document with --json. */
#ifndef EKM_CLI_CLI_H
#define EKM_CLI_CLI_H

#include <stdbool.h>

#include "base/env.h"
#include "base/json.h"
#include "base/secret.h"
#include "cli/options.h"
#include "host/decor_log.h"
#include "host/host_key.h"
#include "host/module.h"

typedef enum cli_status {
  CLI_OK = 0,
  CLI_FAILED = 1,     /* the operation failed */
  CLI_USAGE = 2,      /* the command line cannot be understood */
  CLI_NOT_LOADED = 3, /* the provider could not be loaded */
  CLI_NOT_CONFORM = 4 /* the provider breaks a rule of the interface */
} cli_status;

/* What a command works with; how much of it is there says the command's row. */
typedef struct cli {
  const ekm_env *env;
  cli_options options;
  const char *provider_path;
  const char *identity; /* or NULL */
  ekm_secret secret;
  ekm_log *log;
  decor_log decor;
  bool loading; /* a failure now is CLI_NOT_LOADED */
  host_module *module;
  host_session *session;
  host_key key;
  host_result result; /* the provider's last word */
} cli;

/* cli_main(argc, argv, env): run one command line and return its exit status. */
cli_status cli_main(int argc, char **argv, const ekm_env *env);

/* cli_iv_bytes(c, out_bytes, err): the length of the initialisation vector that the algorithm of c->key wants; 0 for an
 * asymmetric key. */
EKM_MUST_USE bool cli_iv_bytes(cli *c, size_t *out_bytes, ekm_err *err);

/* cli_read_input(c, out, err): the bytes of --in or of standard input; decoded when --hex is given. */
EKM_MUST_USE bool cli_read_input(const cli *c, ekm_buf *out, ekm_err *err);

/* cli_set_text / cli_set_int / cli_set_hex(doc, name, value): members of the document, in the order of the calls.
 * Without memory they leave the member out, and output.c reports it. */
void cli_set_text(json_t *doc, const char *name, const char *value);
void cli_set_int(json_t *doc, const char *name, json_int_t value);
void cli_set_hex(json_t *doc, const char *name, ekm_view bytes);

#endif
