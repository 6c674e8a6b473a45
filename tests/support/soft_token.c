#include "support/soft_token.h"

#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/cmocka_all.h"

static char folder[512];

static void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

const char *soft_token_module(void) {
  static const char *const places[] = {
      "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
      "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    if (access(places[i], R_OK) == 0) return places[i];
  }
  fail_msg("SoftHSM is not installed (Debian: softhsm2)");
  return NULL;
}

static void init_token(void) {
  static const char *const words[] = {"softhsm2-util", "--init-token", "--free",   "--label", SOFT_TOKEN_LABEL,
                                      "--pin",         SOFT_TOKEN_PIN, "--so-pin", "271828",  NULL};
  pid_t child;
  int status = -1;
  posix_spawn_file_actions_t actions;
  assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
  assert_int_equal(posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0), 0);
  assert_int_equal(posix_spawnp(&child, words[0], &actions, NULL, (char *const *)(uintptr_t)words, environ), 0);
  assert_int_equal(posix_spawn_file_actions_destroy(&actions), 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

void soft_token_make(void) {
  char path[700], text[1024];
  const char *base = getenv("TMPDIR");
  (void)snprintf(folder, sizeof folder, "%s/soft-token-XXXXXX", base == NULL ? "/tmp" : base);
  assert_non_null(mkdtemp(folder));
  (void)snprintf(path, sizeof path, "%s/tokens", folder);
  assert_int_equal(mkdir(path, 0700), 0);
  (void)snprintf(text, sizeof text, "directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n",
                 folder);
  (void)snprintf(path, sizeof path, "%s/softhsm2.conf", folder);
  write_file(path, text);
  assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
  init_token();
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)info;
  (void)kind;
  (void)where;
  return remove(path);
}

void soft_token_remove(void) {
  (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
