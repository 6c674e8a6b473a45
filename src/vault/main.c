/* akvd: a local Key Vault. The commands are in admin.c; here are help, the log, the store, and the exit codes:
 * 0 done, 1 the command failed, 2 the command line cannot be understood. */
#include <stdio.h>
#include <string.h>

#include "base/process.h"
#include "crypto/wipe.h"
#include "vault/admin.h"
#include "vault/audit.h"
#include "vault/serve_config.h"

#define AKVD_VERSION "0.1.0"

enum { OPTIONS_MAX_BYTES = 512, PATH_MAX_BYTES = 4096 };

/* What every command takes besides its own. */
static const char common[] =
    " --config --audit --master-key --token-module --token-label --token-pin-file --log-file --log-level --json --help";

static const admin_command *find_command(const char *words, ekm_err *err) {
  size_t count;
  const admin_command *commands = admin_commands(&count);
  for (size_t i = 0; i < count; i++) {
    if (strcmp(commands[i].words, words) == 0) return &commands[i];
  }
  (void)(words[0] == '\0' ? EKM_FAIL(err, EKM_E_USAGE, "a command is missing")
                          : EKM_FAIL(err, EKM_E_USAGE, "there is no command '%s'", words));
  return NULL;
}

/* --- help --------------------------------------------------------------------------------------------------------- */

static void print_option(const vault_setting *option) {
  (void)printf("  %-22s %-13s %s\n", option->name, option->value == NULL ? "" : option->value, option->help);
}

static void print_options(const char *title, const char *list) {
  size_t count;
  const vault_setting *options = vault_settings_table(&count);
  (void)printf("\n%s\n", title);
  for (size_t i = 0; i < count; i++) {
    if (vault_settings_is_listed(list, options[i].name)) print_option(&options[i]);
  }
}

static void print_help(void) {
  size_t count;
  const admin_command *commands = admin_commands(&count);
  (void)printf("akvd %s: a local Key Vault, for development, tests and rehearsal\n\n", AKVD_VERSION);
  (void)printf("usage: akvd COMMAND OPTIONS\n\ncommands; 'akvd COMMAND --help' shows the options of one\n");
  for (size_t i = 0; i < count; i++) (void)printf("  %-24s %s\n", commands[i].words, commands[i].help);
  const vault_setting *options = vault_settings_table(&count);
  (void)printf("\noptions\n");
  for (size_t i = 0; i < count; i++) print_option(&options[i]);
  (void)printf("\nexit status: 0 done, 1 the command failed, 2 the command line cannot be understood\n");
}

static bool takes(const admin_command *command, ekm_buf *out, ekm_err *err) {
  ekm_buf_append_text(out, command->takes);
  ekm_buf_append_text(out, common);
  return ekm_buf_ok(out, "options", err);
}

static bool print_command_help(const admin_command *command, ekm_err *err) {
  ekm_buf list;
  ekm_buf_init(&list, OPTIONS_MAX_BYTES);
  bool ok = takes(command, &list, err);
  if (ok) {
    (void)printf("usage: akvd %s OPTIONS\n\n  %s\n", command->words, command->help);
    print_options("needs", command->needs);
    print_options("takes", ekm_buf_text(&list));
  }
  ekm_buf_clear(&list);
  return ok;
}

/* Of a command, or, if only the first word was given, of all that begin with it. */
static bool help(const char *words, ekm_err *err) {
  size_t count;
  const admin_command *commands = admin_commands(&count);
  size_t len = strlen(words);
  bool found = false;
  for (size_t i = 0; i < count; i++) {
    const char *rest = commands[i].words + len;
    if (strncmp(commands[i].words, words, len) != 0 || (*rest != '\0' && *rest != ' ')) continue;
    if (found) (void)printf("\n");
    found = true;
    if (!print_command_help(&commands[i], err)) return false;
  }
  return found || find_command(words, err) != NULL;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static bool flush(ekm_err *err) {
  return (fflush(stdout) == 0 && ferror(stdout) == 0) || EKM_FAIL(err, EKM_E_FILE_WRITE, "the standard output");
}

static void print_error_object(const ekm_err *err, const char *text, const char *remedy) {
  json_t *doc = json_pack("{s:{s:s, s:s, s:s, s:s}}", "error", "name", ekm_err_info_of(err->id)->name, "text", text,
                          "detail", err->detail, "what_to_do", remedy);
  if (doc != NULL) (void)json_dumpf(doc, stdout, JSON_INDENT(2));
  (void)printf("\n");
  (void)fflush(stdout);
  ekm_json_free(&doc);
}

/* A value that is none came from the command line here: the general text of BAD_ARGUMENT speaks to SQL Server. */
static int fail(const vault_settings *settings, const admin_command *command, const ekm_err *err) {
  char hint[VAULT_COMMAND_MAX_BYTES + 32];
  bool is_usage = err->id == EKM_E_USAGE || err->id == EKM_E_BAD_ARGUMENT;
  const ekm_err_info *info = ekm_err_info_of(is_usage ? EKM_E_USAGE : err->id);
  (void)snprintf(hint, sizeof hint, "See 'akvd %s%s--help'.", command == NULL ? "" : command->words,
                 command == NULL ? "" : " ");
  const char *remedy = is_usage ? hint : info->remedy;
  (void)fprintf(stderr, "akvd: %s: %s\n  what to do: %s\n", info->text, err->detail, remedy);
  if (settings->json) print_error_object(err, info->text, remedy);
  return is_usage ? 2 : 1;
}

/* --- one command -------------------------------------------------------------------------------------------------- */

static bool check_options(const admin_command *command, const vault_settings *settings, ekm_err *err) {
  ekm_buf list;
  ekm_buf_init(&list, OPTIONS_MAX_BYTES);
  bool ok = takes(command, &list, err) && vault_settings_check(settings, command->needs, ekm_buf_text(&list), err);
  ekm_buf_clear(&list);
  return ok;
}

/* Without --log-file and --log-level only a server logs, its faults to standard error; a command says its own. */
static bool open_log(const admin_command *command, const vault_settings *settings, ekm_log **out_log, ekm_err *err) {
  ekm_log_level level = settings->log_file != NULL    ? EKM_LOG_INFO
                        : command->run == admin_serve ? EKM_LOG_WARN
                                                      : EKM_LOG_OFF;
  if (settings->log_level != NULL && !ekm_log_parse_level(settings->log_level, &level)) {
    return EKM_FAIL(err, EKM_E_USAGE, "--log-level '%s' is none of off, error, warn, info, debug, trace",
                    settings->log_level);
  }
  return ekm_log_open_file(settings->log_file == NULL ? "-" : settings->log_file, level, ekm_clock_system(), out_log,
                           err);
}

static bool open_token(const vault_settings *s, const ekm_crypto *crypto, ekm_token **out_token, ekm_err *err) {
  ekm_secret pin = {0};
  *out_token = NULL;
  bool is_named = s->token_module != NULL;
  if (!is_named && (s->token_label != NULL || s->token_pin_file != NULL)) {
    return EKM_FAIL(err, EKM_E_USAGE, "--token-label and --token-pin-file want --token-module");
  }
  if (!is_named && s->master_key_in_token) {
    return EKM_FAIL(err, EKM_E_USAGE, "--master-key-in-token wants --token-module");
  }
  if (!is_named) return true;
  if (s->token_pin_file == NULL) return EKM_FAIL(err, EKM_E_USAGE, "--token-module wants --token-pin-file");
  bool ok = admin_secret(s->token_pin_file, false, &pin, err);
  const ekm_token_options options = {s->token_module, s->token_label, &pin, crypto};
  ok = ok && ekm_token_open(&options, out_token, err);
  ekm_secret_clear(&pin);
  return ok;
}

/* Looking changes nothing, and a server says itself when it begins. */
static bool is_audited(const admin_command *command, const vault_settings *settings) {
  const char *last = strrchr(command->words, ' ');
  bool only_looks = last != NULL && (strcmp(last, " list") == 0 || strcmp(last, " show") == 0);
  return !only_looks && settings->data != NULL;
}

static bool open_audit(admin *a, ekm_err *err) {
  bool ok = false;
  ekm_buf path;
  ekm_buf_init(&path, PATH_MAX_BYTES);
  EKM_TRY(admin_audit_path(a->settings, &path, err));
  if (path.len > 0) EKM_TRY(vault_audit_open(ekm_buf_text(&path), a->options.clock, a->options.log, &a->audit, err));
  ok = true;
done:
  ekm_buf_clear(&path);
  return ok;
}

/* What must be in the audit log is not done if there can be none; only the folder itself has to be there first. */
static bool run_audited(const admin_command *command, admin *a, ekm_err *err) {
  ekm_err ignored = {0};
  bool audited = is_audited(command, a->settings);
  if (audited && !command->makes_store && !open_audit(a, err)) return false;
  bool ok = command->run(a, err);
  bool can_tell = !audited || !command->makes_store || open_audit(a, ok ? err : &ignored);
  if (audited && command->run != admin_serve) vault_audit_admin(a->audit, a->settings, ok);
  return ok && can_tell;
}

static void harden(ekm_log *log) {
  if (!ekm_process_harden()) {
    EKM_LOG(log, EKM_LOG_WARN, "vault.harden", EKM_LOG_TEXT("text", "core dumps cannot be switched off here"));
  }
  if (!ekm_crypto_wipe_freed()) {
    EKM_LOG(log, EKM_LOG_WARN, "vault.harden", EKM_LOG_TEXT("text", "memory that OpenSSL gives back is not wiped"));
  }
  if (ekm_process_unset("SSLKEYLOGFILE")) {
    EKM_LOG(log, EKM_LOG_WARN, "vault.environment",
            EKM_LOG_TEXT("text", "SSLKEYLOGFILE is ignored: the keys of connections are not written to a file"));
  }
}

static bool run(const admin_command *command, vault_settings *settings, ekm_err *err) {
  bool ok = false;
  ekm_crypto *crypto = NULL;
  ekm_log *log = NULL;
  ekm_config *config = NULL;
  admin a = {.settings = settings};

  EKM_TRY(check_options(command, settings, err));
  EKM_TRY(vault_serve_config(settings, &config, err));
  EKM_TRY(open_log(command, settings, &log, err));
  harden(log);
  EKM_TRY(ekm_crypto_new(&crypto, err));
  a.config = config;
  a.options = (vault_store_options){.folder = settings->data,
                                    .master_key_file = settings->master_key,
                                    .master_key_in_token = settings->master_key_in_token,
                                    .crypto = crypto,
                                    .clock = ekm_clock_system(),
                                    .log = log};
  EKM_TRY(open_token(settings, crypto, &a.options.token, err));
  if (!command->makes_store) EKM_TRY(vault_store_open(&a.options, &a.store, err));
  ok = run_audited(command, &a, err);
done:
  vault_store_close(&a.store);
  vault_audit_close(&a.audit);
  ekm_token_close(&a.options.token); /* before the process ends: some modules do not bear that */
  ekm_crypto_free(&crypto);
  ekm_log_close(&log);
  ekm_config_free(&config);
  return ok;
}

/* Help or version. */
static bool tell(const vault_settings *settings, ekm_err *err) {
  if (settings->version) {
    (void)printf("akvd %s\n", AKVD_VERSION);
  } else if (settings->command[0] == '\0') {
    print_help();
  } else if (!help(settings->command, err)) {
    return false;
  }
  return flush(err);
}

int main(int argc, char **argv) {
  vault_settings settings;
  ekm_err err = {0};
  const admin_command *command = NULL;
  bool ok = vault_settings_parse(argc, argv, &settings, &err);
  if (ok && (settings.version || settings.help)) {
    ok = tell(&settings, &err);
  } else if (ok) {
    command = find_command(settings.command, &err);
    ok = command != NULL && run(command, &settings, &err);
  }
  return ok ? 0 : fail(&settings, command, &err);
}
