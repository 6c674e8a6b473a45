/* The commands of akvd without memory: every single allocation of a command fails once. What it then shows is all or
 * nothing, and what nobody was shown is not kept. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "support/cmocka_all.h"
#include "support/memory_gate.h"
#include "support/vault_fixture.h"
#include "vault/admin.h"

enum { OUTPUT_MAX_BYTES = 64 * 1024 };

static const admin_command *command_of(const char *words) {
  size_t count;
  const admin_command *commands = admin_commands(&count);
  for (size_t i = 0; i < count; i++) {
    if (strcmp(commands[i].words, words) == 0) return &commands[i];
  }
  fail_msg("no command '%s'", words);
  return NULL;
}

/* The standard output of the test program, while a command has another one. */
static int begin_output(int *out_kept) {
  int fd = memfd_create("output", MFD_CLOEXEC);
  assert_true(fd >= 0);
  (void)fflush(stdout);
  *out_kept = dup(STDOUT_FILENO);
  assert_true(*out_kept >= 0 && dup2(fd, STDOUT_FILENO) >= 0);
  return fd;
}

static void end_output(int fd, int kept, ekm_buf *out) {
  char part[4096];
  ssize_t got;
  (void)fflush(stdout);
  assert_true(dup2(kept, STDOUT_FILENO) >= 0);
  assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
  while ((got = read(fd, part, sizeof part)) > 0) ekm_buf_append(out, part, (size_t)got);
  (void)close(kept);
  (void)close(fd);
}

/* Run a command on the store of the fixture; the memory gate is open when it is over. */
static bool run(const vault_fixture *f, const vault_settings *settings, ekm_buf *out, ekm_err *err) {
  int kept;
  admin a = {.settings = settings,
             .options = {.folder = f->folder, .crypto = f->crypto, .clock = &f->clock.base},
             .store = f->store};
  int fd = begin_output(&kept);
  bool ok = command_of(settings->command)->run(&a, err);
  ekm_mem_set_gate(NULL, NULL);
  end_output(fd, kept, out);
  return ok;
}

/* Run it with the gate as it stands: whole, or with a want of memory and nothing else as its error. */
static bool run_gated(const vault_fixture *f, const vault_settings *settings, memory_gate *gate, ekm_buf *out) {
  ekm_err err = {0};
  ekm_buf_reset(out);
  bool ok = run(f, settings, out, &err);
  gate->done = !gate->failed;
  assert_true(ok || gate->failed);
  if (!ok) assert_int_equal(err.id, EKM_E_OUT_OF_MEMORY);
  return ok;
}

static void parse(const char *const *args, vault_settings *out) {
  char *argv[16] = {NULL};
  ekm_err err = {0};
  int count = 1;
  for (; args[count - 1] != NULL; count++) argv[count] = (char *)(uintptr_t)args[count - 1];
  assert_true(vault_settings_parse(count, argv, out, &err));
}

static size_t secrets_of(const vault_fixture *f, const char *client_id) {
  ekm_err err = {0};
  const vault_directory *dir = NULL;
  assert_true(vault_store_directory(f->store, &dir, &err));
  size_t count = vault_directory_app(dir, client_id)->secret_count;
  vault_directory_release(&dir);
  return count;
}

static void make_keys(const vault_fixture *f) {
  vault_settings settings;
  ekm_err err = {0};
  ekm_buf out;
  ekm_buf_init(&out, OUTPUT_MAX_BYTES);
  parse((const char *const[]){"key", "create", "--vault", "local", "--name", "k", NULL}, &settings);
  assert_true(run(f, &settings, &out, &err));
  assert_true(run(f, &settings, &out, &err));
  ekm_buf_clear(&out);
}

static void what_is_shown_is_complete(void **state) {
  static const char *const rows[][6] = {{"vault", "list"},
                                        {"app", "list"},
                                        {"policy", "show"},
                                        {"key", "list", "--vault=local"},
                                        {"key", "show", "--vault=local", "--name=k"}};
  const vault_fixture *f = *state;
  vault_settings settings;
  ekm_buf whole, out;
  ekm_buf_init(&whole, OUTPUT_MAX_BYTES);
  ekm_buf_init(&out, OUTPUT_MAX_BYTES);
  make_keys(f);
  for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
    memory_gate gate = {0};
    size_t failures = 0;
    ekm_err err = {0};
    parse(rows[i / 2], &settings);
    settings.json = i % 2 == 1;
    ekm_buf_reset(&whole);
    assert_true(run(f, &settings, &whole, &err));
    for (size_t n = 0; memory_gate_next(&gate, n); n++) {
      bool ok = run_gated(f, &settings, &gate, &out);
      failures += gate.failed;
      assert_string_equal(ekm_buf_text(&out), ok ? ekm_buf_text(&whole) : "");
    }
    assert_true(failures > 0);
  }
  ekm_buf_clear(&whole);
  ekm_buf_clear(&out);
}

static void a_secret_that_was_not_shown_is_not_kept(void **state) {
  const vault_fixture *f = *state;
  const char *client_id = f->apps[FIXTURE_READER].client_id;
  vault_settings settings;
  memory_gate gate = {0};
  size_t failures = 0;
  size_t count = secrets_of(f, client_id);
  ekm_buf out;
  ekm_buf_init(&out, OUTPUT_MAX_BYTES);
  parse((const char *const[]){"secret", "add", "--app", client_id, NULL}, &settings);
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    bool ok = run_gated(f, &settings, &gate, &out);
    failures += gate.failed;
    assert_int_equal(strstr(ekm_buf_text(&out), "\nsecret  ") != NULL, ok);
    if (ok) count++;
    assert_int_equal(secrets_of(f, client_id), count);
  }
  assert_true(failures > 0);
  ekm_buf_clear(&out);
}

/* Only the store is needed: a server's threads would meet the memory gate, too. */
static int set_up(void **state) {
  if (vault_fixture_set_up(state) != 0) return -1;
  vault_fixture *f = *state;
  vault_server_stop(&f->server);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_shown_is_complete, set_up, vault_fixture_tear_down),
      cmocka_unit_test_setup_teardown(a_secret_that_was_not_shown_is_not_kept, set_up, vault_fixture_tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
