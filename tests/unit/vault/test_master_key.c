/* The file of the master key: made once, private, read back exactly; anything else is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "support/cmocka_all.h"
#include "support/fake_rng.h"
#include "support/memory_gate.h"
#include "vault/master_key.h"

#define HEAD "openekm-master-key v1\n"
#define DIGITS_16 "00112233445566778899aabbccddeeff"
#define WRAPPED "openekm-master-key v2\ntoken " DIGITS_16 "\n" DIGITS_16 DIGITS_16 "0011223344556677"

static char folder[256];
static char path[300];

static int set_up(void **state) {
  const char *base = getenv("TMPDIR");
  (void)state;
  (void)umask(022);
  (void)snprintf(folder, sizeof folder, "%s/akvd-key-XXXXXX", base == NULL ? "/tmp" : base);
  if (mkdtemp(folder) == NULL) return -1;
  (void)snprintf(path, sizeof path, "%s/master.key", folder);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  (void)unlink(path);
  return rmdir(folder);
}

static int remove_it(void **state) {
  (void)state;
  (void)unlink(path);
  return 0;
}

static void write_it(const char *content) {
  ekm_err err = {0};
  assert_true(ekm_file_write_private(path, ekm_view_text(content), &err));
}

static ekm_err_id read_it(ekm_secret *out) {
  ekm_err err = {0};
  return vault_master_key_read(path, NULL, out, &err) ? EKM_E_OK : err.id;
}

static void what_is_made_is_read(void **state) {
  struct stat info;
  ekm_err err = {0};
  ekm_secret first = {0};
  ekm_secret again = {0};
  (void)state;
  assert_true(vault_master_key_make(path, NULL, fake_rng_static(), &err));
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  assert_int_equal(info.st_size, strlen(HEAD) + 2 * VAULT_MASTER_KEY_BYTES + 1);
  assert_int_equal(read_it(&first), EKM_E_OK);
  assert_int_equal(first.len, VAULT_MASTER_KEY_BYTES);

  assert_false(vault_master_key_make(path, NULL, fake_rng_static(), &err)); /* never another one in its place */
  assert_int_equal(err.id, EKM_E_EXISTS);
  assert_int_equal(read_it(&again), EKM_E_OK);
  assert_true(ekm_secret_equal(&first, &again));

  assert_int_equal(unlink(path), 0);
  assert_true(vault_master_key_make(path, NULL, fake_rng_static(), &err));
  assert_int_equal(read_it(&again), EKM_E_OK);
  assert_false(ekm_secret_equal(&first, &again)); /* the next one is new */
  ekm_secret_clear(&first);
  ekm_secret_clear(&again);
}

static void an_editor_may_have_touched_the_end(void **state) {
  static const char *const same[] = {HEAD DIGITS_16 DIGITS_16, HEAD DIGITS_16 DIGITS_16 "\n",
                                     HEAD DIGITS_16 DIGITS_16 "\r\n\n"};
  static const uint8_t bytes[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                    0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
  (void)state;
  for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
    ekm_secret key = {0};
    write_it(same[i]);
    assert_int_equal(read_it(&key), EKM_E_OK);
    assert_int_equal(key.len, VAULT_MASTER_KEY_BYTES);
    assert_memory_equal(ekm_secret_reveal(&key).ptr, bytes, 16);
    assert_memory_equal(ekm_secret_reveal(&key).ptr + 16, bytes, 16);
    ekm_secret_clear(&key);
  }
}

static void what_is_none_is_refused(void **state) {
  static const char *const none[] = {"",
                                     HEAD,
                                     DIGITS_16 DIGITS_16,
                                     HEAD DIGITS_16,
                                     HEAD DIGITS_16 "00112233445566778899aabbccddeef",
                                     HEAD DIGITS_16 DIGITS_16 "0",
                                     HEAD DIGITS_16 DIGITS_16 "00",
                                     HEAD DIGITS_16 "00112233445566778899aabbccddeefg",
                                     HEAD DIGITS_16 " 0112233445566778899aabbccddeeff",
                                     HEAD " " DIGITS_16 DIGITS_16,
                                     "openekm-master-key v1 " DIGITS_16 DIGITS_16,
                                     "openekm-master-key v2\n" DIGITS_16 DIGITS_16,
                                     WRAPPED "0",
                                     WRAPPED "g0",
                                     "openekm-master-key v1\ntoken " DIGITS_16 "\n" DIGITS_16 DIGITS_16 DIGITS_16,
                                     "openekm-master-key v2\ntoken " DIGITS_16 DIGITS_16 DIGITS_16 "00112233445566778"};
  (void)state;
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    ekm_secret key = {0};
    write_it(none[i]);
    if (read_it(&key) != EKM_E_MASTER_KEY) fail_msg("'%s' was read", none[i]);
    assert_int_equal(key.len, 0);
  }
}

static void it_must_be_there_and_private(void **state) {
  static const mode_t open_to_others[] = {0640, 0604, 0620, 0602, 0644, 0666, 0601};
  ekm_secret key = {0};
  (void)state;
  assert_int_equal(read_it(&key), EKM_E_FILE_READ);
  write_it(HEAD DIGITS_16 DIGITS_16);
  for (size_t i = 0; i < sizeof open_to_others / sizeof open_to_others[0]; i++) {
    assert_int_equal(chmod(path, open_to_others[i]), 0);
    assert_int_equal(read_it(&key), EKM_E_FILE_READ);
    assert_int_equal(key.len, 0);
  }
  assert_int_equal(chmod(path, 0400), 0);
  assert_int_equal(read_it(&key), EKM_E_OK);
  ekm_secret_clear(&key);
}

static void what_is_wrapped_wants_its_token(void **state) {
  ekm_err err = {0};
  ekm_secret key = {0};
  ekm_token_key wrapper;
  bool wrapped = false;
  (void)state;
  write_it(WRAPPED);
  assert_int_equal(read_it(&key), EKM_E_TOKEN);
  assert_int_equal(key.len, 0);
  assert_true(vault_master_key_wrapped_by(path, &wrapper, &wrapped, &err));
  assert_true(wrapped);
  assert_memory_equal(wrapper.id, "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16);
  write_it(HEAD DIGITS_16 DIGITS_16);
  assert_true(vault_master_key_wrapped_by(path, &wrapper, &wrapped, &err));
  assert_false(wrapped);
}

/* No key of an older reading stays behind when a reading fails. */
static void a_failed_reading_leaves_no_key(void **state) {
  ekm_secret key = {0};
  (void)state;
  write_it(HEAD DIGITS_16 DIGITS_16);
  assert_int_equal(read_it(&key), EKM_E_OK);
  write_it(HEAD);
  assert_int_equal(read_it(&key), EKM_E_MASTER_KEY);
  assert_int_equal(key.len, 0);
}

static void memory_that_runs_out_is_said(void **state) {
  memory_gate gate = {0};
  (void)state;
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_err err = {0};
    ekm_secret key = {0};
    (void)unlink(path);
    bool ok =
        vault_master_key_make(path, NULL, fake_rng_static(), &err) && vault_master_key_read(path, NULL, &key, &err);
    memory_gate_check(&gate, ok, &err);
    ekm_secret_clear(&key);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(what_is_made_is_read, remove_it),
      cmocka_unit_test_setup(an_editor_may_have_touched_the_end, remove_it),
      cmocka_unit_test_setup(what_is_none_is_refused, remove_it),
      cmocka_unit_test_setup(what_is_wrapped_wants_its_token, remove_it),
      cmocka_unit_test_setup(it_must_be_there_and_private, remove_it),
      cmocka_unit_test_setup(a_failed_reading_leaves_no_key, remove_it),
      cmocka_unit_test_setup(memory_that_runs_out_is_said, remove_it),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
