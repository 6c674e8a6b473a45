/* akvd: a local Key Vault. The commands are in admin.c; here are help, the log, the store, and the exit codes:
 * 0 done, 1 the command failed, 2 the command line cannot be understood. */
#include <stdio.h>
#include <string.h>

#include "base/process.h"
#include "vault/admin.h"

#define AKVD_VERSION "0.1.0"

/* What every command takes besides its own. */
static const char common[] = " --master-key --log-file --log-level --json --help";

static int print_help(FILE *to) {
  size_t count;
  const admin_command *commands = admin_commands(&count);
  (void)fprintf(to,
                "akvd %s: a local Key Vault, for development, tests and rehearsal\n\nusage: akvd COMMAND OPTIONS\n\n",
                AKVD_VERSION);
  for (size_t i = 0; i < count; i++) (void)fprintf(to, "  %-15s %s\n", commands[i].words, commands[i].help);
  const vault_setting *settings = vault_settings_table(&count);
  (void)fprintf(to, "\noptions; 'akvd COMMAND --help' tells which one a command needs\n\n");
  for (size_t i = 0; i < count; i++) {
    (void)fprintf(to, "  %-15s %-13s %s\n", settings[i].name, settings[i].value == NULL ? "" : settings[i].value,
                  settings[i].help);
  }
  (void)fprintf(to, "\nexit status: 0 done, 1 the command failed, 2 the command line cannot be understood\n");
  return to == stdout ? 0 : 2;
}

static int print_command_help(const admin_command *command) {
  (void)printf("akvd %s: %s\n\n  needs  %s\n  takes  %s%s\n", command->words, command->help, command->needs,
               command->takes, command->takes[0] == '\0' ? common + 1 : common);
  return 0;
}

static int fail(const ekm_err *err) {
  const ekm_err_info *info = ekm_err_info_of(err->id);
  (void)fprintf(stderr, "akvd: %s: %s\n  what to do: %s\n", info->text, err->detail, info->remedy);
  return err->id == EKM_E_USAGE ? 2 : 1;
}

static const admin_command *find_command(const char *words) {
  size_t count;
  const admin_command *commands = admin_commands(&count);
  for (size_t i = 0; i < count; i++) {
    if (strcmp(commands[i].words, words) == 0) return &commands[i];
  }
  return NULL;
}

static bool check_options(const admin_command *command, const vault_settings *settings, ekm_err *err) {
  ekm_buf takes;
  ekm_buf_init(&takes, 512);
  ekm_buf_append_text(&takes, command->takes);
  ekm_buf_append_text(&takes, common);
  bool ok =
      ekm_buf_ok(&takes, "options", err) && vault_settings_check(settings, command->needs, ekm_buf_text(&takes), err);
  ekm_buf_clear(&takes);
  return ok;
}

/* Without --log-file, faults go to standard error and the rest nowhere. */
static bool open_log(const vault_settings *settings, const ekm_clock *clock, ekm_log **out_log, ekm_err *err) {
  ekm_log_level level = settings->log_file != NULL ? EKM_LOG_INFO : EKM_LOG_WARN;
  if (settings->log_level != NULL && !ekm_log_parse_level(settings->log_level, &level)) {
    return EKM_FAIL(err, EKM_E_USAGE, "--log-level '%s' is none of off, error, warn, info, debug, trace",
                    settings->log_level);
  }
  return ekm_log_open_file(settings->log_file == NULL ? "-" : settings->log_file, level, clock, out_log, err);
}

static bool run(const admin_command *command, const vault_settings *settings, ekm_err *err) {
  bool ok = false;
  ekm_crypto *crypto = NULL;
  ekm_log *log = NULL;
  admin a = {.settings = settings};

  EKM_TRY(check_options(command, settings, err));
  EKM_TRY(open_log(settings, ekm_clock_system(), &log, err));
  if (!ekm_process_harden()) {
    EKM_LOG(log, EKM_LOG_WARN, "vault.harden", EKM_LOG_TEXT("text", "core dumps cannot be switched off here"));
  }
  EKM_TRY(ekm_crypto_new(&crypto, err));
  a.options = (vault_store_options){.folder = settings->data,
                                    .master_key_file = settings->master_key,
                                    .crypto = crypto,
                                    .clock = ekm_clock_system(),
                                    .log = log};
  if (!command->makes_store) EKM_TRY(vault_store_open(&a.options, &a.store, err));
  ok = command->run(&a, err);
done:
  vault_store_close(&a.store);
  ekm_crypto_free(&crypto);
  ekm_log_close(&log);
  return ok;
}

int main(int argc, char **argv) {
  vault_settings settings;
  ekm_err err = {0};
  if (!vault_settings_parse(argc, argv, &settings, &err)) return fail(&err);
  if (settings.print_version) return printf("akvd %s\n", AKVD_VERSION) < 0;
  if (settings.command[0] == '\0') return print_help(settings.help ? stdout : stderr);
  const admin_command *command = find_command(settings.command);
  if (command == NULL) {
    (void)EKM_FAIL(&err, EKM_E_USAGE, "there is no command '%s'", settings.command);
    return fail(&err);
  }
  if (settings.help) return print_command_help(command);
  return run(command, &settings, &err) ? 0 : fail(&err);
}
