/* The command line of akvd: options by table, then the words of the command.
 *
 *   akvd app add --data DIR --name billing --json
 *        \words/ \---------- options -----------/
 *
 * A secret is never an option's value: other users of the machine can read the arguments of a process. */
#ifndef EKM_VAULT_SETTINGS_H
#define EKM_VAULT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { VAULT_WORDS_MAX = 3, VAULT_COMMAND_MAX_BYTES = 64 };

typedef struct vault_settings {
  const char *data, *master_key, *log_file, *log_level;
  const char *listen, *ready_file;
  const char *fake_identity, *fake_header, *fake_arc;
  const char *vault, *app, *name, *tenant, *suffix, *key_version, *permissions, *secret_file, *secret_id;
  const char *role, *key, *file, *passphrase_file;
  const char *token_module, *token_label, *token_pin_file;
  const char *config, *audit, *tls_certificate, *tls_private_key, *operation, *since;
  const char *certificate, *certificate_id, *issuer, *subject, *audience, *keys, *federation_id;
  unsigned threads, last, bits, retention_days, expires_days;
  bool failed, secret_stdin, passphrase_stdin, deleted, yes, trouble, hsm, roles, purge_protection, master_key_in_token,
      json, help, version;
  char command[VAULT_COMMAND_MAX_BYTES]; /* the words with one space between them */
} vault_settings;

typedef struct vault_setting {
  const char *name;  /* "--data" */
  const char *value; /* "DIR"; NULL for a flag */
  const char *help;
  enum { VAULT_SETTING_TEXT, VAULT_SETTING_NUMBER, VAULT_SETTING_FLAG } kind;
  size_t offset; /* in vault_settings */
} vault_setting;

/* vault_settings_table(out_count): the rows, for help. Static. */
const vault_setting *vault_settings_table(size_t *out_count);

/* vault_settings_parse(argc, argv, out, err):
 * "--name value" and "--name=value", anywhere. USAGE for what is not in the table, a missing, empty or superfluous
 * value, a number that is none, an option that is given twice, what is not UTF-8. A value that starts with "--" has to
 * be written behind "=": else it is the next option, and the value was forgotten. After a failure ${json} still tells
 * whether --json was given. Texts are borrowed from ${argv}. */
EKM_MUST_USE bool vault_settings_parse(int argc, char **argv, vault_settings *out, ekm_err *err);

/* vault_settings_is_listed(list, name): is ${name} one of the words of ${list}, which spaces separate? */
bool vault_settings_is_listed(const char *list, const char *name);

/* vault_settings_check(settings, needs, takes, err):
 * ${needs} and ${takes} are option names separated by spaces. USAGE if one of ${needs} was not given, or one was given
 * that is in neither. */
EKM_MUST_USE bool vault_settings_check(const vault_settings *settings, const char *needs, const char *takes,
                                       ekm_err *err);

#endif
