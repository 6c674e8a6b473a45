#include <stdio.h>
#include <string.h>

#include "cli/command.h"

static const char *const statuses[] = {
    "  0  done", "  1  the operation failed", "  2  the command line cannot be understood",
    "  3  the provider could not be loaded", "  4  the provider breaks a rule of the interface"};

static void print_options(unsigned takes) {
  size_t count = 0;
  const cli_option *options = cli_options_table(&count);
  for (size_t i = 0; i < count; i++) {
    char left[48];
    if ((options[i].takes & takes) == 0) continue;
    (void)snprintf(left, sizeof left, "%s %s", options[i].name, options[i].value == NULL ? "" : options[i].value);
    printf("  %-22s %s\n", left, options[i].help);
  }
}

static void print_command(const cli_command *command) {
  char left[48];
  (void)snprintf(left, sizeof left, "%s %s", command->name, command->argument == NULL ? "" : command->argument);
  printf("  %-22s %s\n", left, command->help);
}

static void help_of_program(void) {
  size_t count = 0;
  const cli_command *commands = cli_commands(&count);
  printf(
      "ekmctl: use, inspect and test an EKM provider the way SQL Server does\n\n"
      "usage: ekmctl [options] command\n\ncommands\n");
  for (size_t i = 0; i < count; i++) print_command(&commands[i]);
  printf("\noptions of all or most commands\n");
  print_options(CLI_TAKES_PROVIDER | CLI_TAKES_SESSION | CLI_TAKES_ALWAYS);
  printf("\nexit status\n");
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) printf("%s\n", statuses[i]);
  printf("\nekmctl COMMAND --help shows the options of one command\n");
}

/* As many commands as the words so far leave open: "key" shows all of its four. */
static bool words_begin(const cli_options *options, const char *name) {
  char spoken[96];
  (void)snprintf(spoken, sizeof spoken, "%s%s%s", options->words[0], options->word_count > 1 ? " " : "",
                 options->word_count > 1 ? options->words[1] : "");
  size_t len = strlen(spoken), name_len = strlen(name);
  size_t shorter = len < name_len ? len : name_len;
  if (strncmp(spoken, name, shorter) != 0) return false;
  return spoken[shorter] == name[shorter] || (spoken[shorter] == '\0' && name[shorter] == ' ') ||
         (spoken[shorter] == ' ' && name[shorter] == '\0');
}

bool cli_help(const cli_options *options) {
  size_t count = 0, shown = 0;
  const cli_command *commands = cli_commands(&count);
  for (size_t i = 0; options->word_count > 0 && i < count; i++) {
    if (!words_begin(options, commands[i].name)) continue;
    printf("%susage: ekmctl %s%s%s\n\n  %s\n\noptions\n", shown == 0 ? "" : "\n", commands[i].name,
           commands[i].argument == NULL ? "" : " ", commands[i].argument == NULL ? "" : commands[i].argument,
           commands[i].help);
    print_options(commands[i].takes | CLI_TAKES_ALWAYS);
    shown++;
  }
  if (options->word_count == 0) help_of_program();
  return shown > 0 || options->word_count == 0;
}
