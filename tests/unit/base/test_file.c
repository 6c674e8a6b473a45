#include "base/file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/cmocka_all.h"
#include "support/memory_gate.h"

typedef struct fixture {
  char folder[32];
  char path[64];
} fixture;

static int set_up(void **state) {
  static fixture f;
  memcpy(f.folder, "test_file_XXXXXX", sizeof "test_file_XXXXXX");
  *state = &f;
  if (mkdtemp(f.folder) == NULL) return -1;
  (void)snprintf(f.path, sizeof f.path, "%s/x", f.folder);
  return 0;
}

/* Fails if a temporary file was left behind. */
static int tear_down(void **state) {
  fixture *f = *state;
  (void)unlink(f->path);
  return rmdir(f->folder);
}

static unsigned mode_of(const char *path) {
  struct stat info;
  assert_int_equal(stat(path, &info), 0);
  return info.st_mode & 0777u;
}

static void written_is_read(void **state) {
  fixture *f = *state;
  static const size_t lens[] = {0, 1, 4095, 4096, 4097, 100000};
  static uint8_t bytes[100000];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7);
  for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
    ekm_err err = {0};
    ekm_buf out;
    ekm_buf_init(&out, lens[i]); /* exactly enough */
    assert_true(ekm_file_write_private(f->path, ekm_view_of(bytes, lens[i]), &err));
    assert_true(ekm_file_read(f->path, &out, &err));
    assert_true(ekm_view_equal(ekm_buf_view(&out), ekm_view_of(bytes, lens[i])));
    ekm_buf_clear(&out);
    if (lens[i] > 0) {
      ekm_buf_init(&out, lens[i] - 1);
      assert_false(ekm_file_read(f->path, &out, &err));
      assert_int_equal(err.id, EKM_E_LIMIT);
      assert_non_null(strstr(err.detail, f->path));
      ekm_buf_clear(&out);
    }
  }
}

static void modes(void **state) {
  fixture *f = *state;
  ekm_err err = {0};
  mode_t old = umask(0);
  assert_true(ekm_file_write_public(f->path, ekm_view_text("x"), &err));
  assert_int_equal(mode_of(f->path), 0644);
  assert_false(ekm_file_is_private(f->path, &err));
  assert_int_equal(err.id, EKM_E_FILE_READ);
  assert_non_null(strstr(err.detail, "chmod 600"));
  assert_true(ekm_file_write_private(f->path, ekm_view_text("x"), &err)); /* replaces the mode too */
  assert_int_equal(mode_of(f->path), 0600);
  assert_true(ekm_file_is_private(f->path, &err));
  static const mode_t open_modes[] = {0640, 0620, 0604, 0602, 0610, 0601};
  for (size_t i = 0; i < sizeof open_modes / sizeof open_modes[0]; i++) {
    assert_int_equal(chmod(f->path, open_modes[i]), 0);
    assert_false(ekm_file_is_private(f->path, &err));
  }
  assert_int_equal(chmod(f->path, 0400), 0);
  assert_true(ekm_file_is_private(f->path, &err));
  (void)umask(old);
}

/* The open file is judged, and a pipe is not waited for. */
static void private_files_are_read(void **state) {
  static const mode_t open_modes[] = {0640, 0602};
  fixture *f = *state;
  ekm_err err = {0};
  ekm_buf out;
  ekm_buf_init(&out, 4);
  assert_true(ekm_file_write_private(f->path, ekm_view_text("four"), &err));
  assert_true(ekm_file_read_private(f->path, &out, &err));
  assert_string_equal(ekm_buf_text(&out), "four");
  assert_false(ekm_file_read_private(f->path, &out, &err)); /* there is no room for more */
  assert_int_equal(err.id, EKM_E_LIMIT);
  for (size_t i = 0; i < sizeof open_modes / sizeof open_modes[0]; i++) {
    assert_int_equal(chmod(f->path, open_modes[i]), 0);
    assert_false(ekm_file_read_private(f->path, &out, &err));
    assert_non_null(strstr(err.detail, "chmod 600"));
  }
  ekm_buf_reset(&out);
  assert_true(ekm_file_read_ordinary(f->path, &out, &err));
  assert_string_equal(ekm_buf_text(&out), "four");
  assert_int_equal(unlink(f->path), 0);
  assert_false(ekm_file_read_private(f->path, &out, &err));
  assert_int_equal(mkfifo(f->path, 0600), 0);
  assert_false(ekm_file_read_private(f->path, &out, &err));
  assert_non_null(strstr(err.detail, "not an ordinary file"));
  assert_false(ekm_file_read_ordinary(f->path, &out, &err));
  assert_non_null(strstr(err.detail, "not an ordinary file"));
  assert_false(ekm_file_read_ordinary(f->folder, &out, &err));
  assert_false(ekm_file_read_private(f->folder, &out, &err));
  assert_non_null(strstr(err.detail, "is a folder"));
  ekm_buf_clear(&out);
}

static void what_is_not_there_or_no_file(void **state) {
  fixture *f = *state;
  ekm_err err = {0};
  ekm_buf out;
  ekm_buf_init(&out, 100);
  assert_false(ekm_file_exists(f->path));
  assert_true(ekm_file_exists(f->folder));
  assert_false(ekm_file_read(f->path, &out, &err));
  assert_int_equal(err.id, EKM_E_FILE_READ);
  assert_non_null(strstr(err.detail, f->path));
  assert_false(ekm_file_read(f->folder, &out, &err));
  assert_int_equal(err.id, EKM_E_FILE_READ);
  assert_false(ekm_file_read("", &out, &err));
  assert_false(ekm_file_is_private(f->path, &err));
  assert_int_equal(err.id, EKM_E_FILE_READ);
  ekm_buf_clear(&out);
}

/* Only what the system calls absent is: a folder that one may not look into, or a file where a folder must be, could
 * hide anything. The next call names the reason. */
static void what_cannot_be_seen_may_exist(void **state) {
  fixture *f = *state;
  char inside[128], too_long[600];
  ekm_err err = {0};
  (void)snprintf(inside, sizeof inside, "%s/y", f->path);
  assert_false(ekm_file_exists(inside));
  assert_true(ekm_file_write_private(f->path, ekm_view_text("x"), &err));
  assert_true(ekm_file_exists(inside));
  memset(too_long, 'x', sizeof too_long);
  too_long[sizeof too_long - 1] = '\0';
  assert_true(ekm_file_exists(too_long));
}

/* chmod is advised for files only. */
static void a_folder_or_device_is_not_private(void **state) {
  static const struct {
    const char *path, *said;
  } rows[] = {{"/", "'/' is a folder"}, {".", "'.' is a folder"}, {"/dev/null", "'/dev/null' is not a file"}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    assert_false(ekm_file_is_private(rows[i].path, &err));
    assert_int_equal(err.id, EKM_E_FILE_READ);
    assert_non_null(strstr(err.detail, rows[i].said));
    assert_null(strstr(err.detail, "chmod"));
  }
}

/* A write that cannot be made leaves the old content and no temporary file. */
static void expect_untrusted(const char *path, const char *words) {
  ekm_err err = {0};
  assert_false(ekm_file_is_trusted(path, &err));
  assert_int_equal(err.id, EKM_E_CONFIG_UNTRUSTED);
  if (strstr(err.detail, words) == NULL) fail_msg("%s", err.detail);
}

static void what_others_may_write_is_not_trusted(void **state) {
  fixture *f = *state;
  ekm_err err = {0};
  assert_false(ekm_file_is_trusted(f->path, &err));
  assert_int_equal(err.id, EKM_E_FILE_READ);
  assert_true(ekm_file_write_public(f->path, ekm_view_text("x"), &err));
  assert_true(ekm_file_is_trusted(f->path, &err));
  assert_int_equal(chmod(f->path, 0646), 0);
  expect_untrusted(f->path, "chmod go-w");
  assert_int_equal(chmod(f->path, 0644), 0);
  assert_int_equal(chmod(f->folder, 0707), 0);
  expect_untrusted(f->path, f->folder);
  assert_int_equal(chmod(f->folder, 01777), 0); /* as the system's own for temporary files */
  assert_true(ekm_file_is_trusted(f->path, &err));
  assert_int_equal(chmod(f->folder, 0700), 0);
  if (geteuid() != 0) return; /* only the administrator gives files away */
  assert_int_equal(chown(f->path, 12345, 12345), 0);
  expect_untrusted(f->path, "12345");
  assert_int_equal(chown(f->path, 0, 12345), 0);
  assert_int_equal(chmod(f->path, 0664), 0);
  expect_untrusted(f->path, "chmod go-w");
}

static void a_failed_write_changes_nothing(void **state) {
  fixture *f = *state;
  char inside[128];
  ekm_err err = {0};
  assert_int_equal(mkdir(f->path, 0700), 0);
  (void)snprintf(inside, sizeof inside, "%s/y", f->path);
  assert_true(ekm_file_write_private(inside, ekm_view_text("old"), &err));
  assert_false(
      ekm_file_write_private(f->path, ekm_view_text("new"), &err)); /* a folder with a file in it is in the way */
  assert_int_equal(err.id, EKM_E_FILE_WRITE);
  ekm_buf out;
  ekm_buf_init(&out, 10);
  assert_true(ekm_file_read(inside, &out, &err));
  assert_string_equal(ekm_buf_text(&out), "old");
  ekm_buf_clear(&out);
  assert_int_equal(unlink(inside), 0);
  assert_int_equal(rmdir(f->path), 0);
  (void)snprintf(inside, sizeof inside, "%s/none/y", f->folder);
  assert_false(ekm_file_write_private(inside, ekm_view_text("new"), &err));
  assert_int_equal(err.id, EKM_E_FILE_WRITE);
}

static void a_link_is_replaced_and_not_followed(void **state) {
  fixture *f = *state;
  char target[128];
  ekm_err err = {0};
  ekm_buf out;
  ekm_buf_init(&out, 10);
  (void)snprintf(target, sizeof target, "%s/target", f->folder);
  assert_true(ekm_file_write_private(target, ekm_view_text("old"), &err));
  assert_int_equal(symlink(target, f->path), 0);
  assert_true(ekm_file_write_private(f->path, ekm_view_text("new"), &err));
  assert_true(ekm_file_read(target, &out, &err));
  assert_string_equal(ekm_buf_text(&out), "old");
  ekm_buf_clear(&out);
  assert_int_equal(unlink(target), 0);
}

static void folders(void **state) {
  fixture *f = *state;
  char deep[128];
  ekm_err err = {0};
  assert_true(ekm_file_make_folder(f->path, &err));
  assert_int_equal(mode_of(f->path), 0700);
  assert_true(ekm_file_make_folder(f->path, &err));
  assert_int_equal(rmdir(f->path), 0);
  (void)snprintf(deep, sizeof deep, "%s/a/b", f->folder);
  assert_false(ekm_file_make_folder(deep, &err));
  assert_int_equal(err.id, EKM_E_FILE_WRITE);
  assert_true(ekm_file_write_private(f->path, ekm_view_text("x"), &err));
  assert_false(ekm_file_make_folder(f->path, &err));
  assert_int_equal(err.id, EKM_E_FILE_WRITE);
}

static void absolute_paths(void **state) {
  (void)state;
  assert_true(ekm_file_is_absolute("/"));
  assert_true(ekm_file_is_absolute("/a/b"));
  assert_false(ekm_file_is_absolute(""));
  assert_false(ekm_file_is_absolute("a/b"));
  assert_false(ekm_file_is_absolute("./a"));
  assert_false(ekm_file_is_absolute("~/a"));
}

static void a_lack_of_memory_is_an_error(void **state) {
  fixture *f = *state;
  static uint8_t bytes[20000];
  memory_gate gate = {0};
  ekm_err err = {0};
  assert_true(ekm_file_write_private(f->path, ekm_view_of(bytes, sizeof bytes), &err));
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_buf out;
    ekm_buf_init(&out, sizeof bytes);
    bool ok = ekm_file_read(f->path, &out, &err);
    memory_gate_check(&gate, ok, &err);
    ekm_buf_clear(&out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(written_is_read, set_up, tear_down),
      cmocka_unit_test_setup_teardown(modes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(private_files_are_read, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_not_there_or_no_file, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_cannot_be_seen_may_exist, set_up, tear_down),
      cmocka_unit_test(a_folder_or_device_is_not_private),
      cmocka_unit_test_setup_teardown(what_others_may_write_is_not_trusted, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_failed_write_changes_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_link_is_replaced_and_not_followed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(folders, set_up, tear_down),
      cmocka_unit_test(absolute_paths),
      cmocka_unit_test_setup_teardown(a_lack_of_memory_is_an_error, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
