/* Where keys were found, told from one process to the next. */
#include "keyring/hints.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keyring_fixture.h"
#include "support/memory_gate.h"

typedef struct hinted {
  fixture *f;
  char folder[64];
  char path[96];
  keyring_hints *hints;
} hinted;

static int set_up_hints(void **state) {
  hinted *h = test_calloc(1, sizeof *h);
  const char *tmp = getenv("TMPDIR");
  void *base = NULL;
  assert_int_equal(set_up(&base), 0);
  h->f = base;
  (void)snprintf(h->folder, sizeof h->folder, "%s/hints-XXXXXX", tmp != NULL && strlen(tmp) < 40 ? tmp : P_tmpdir);
  assert_non_null(mkdtemp(h->folder));
  (void)snprintf(h->path, sizeof h->path, "%s/hints", h->folder);
  assert_true(keyring_hints_new(h->path, NULL, &h->hints, &h->f->err));
  *state = h;
  return 0;
}

static int tear_down_hints(void **state) {
  hinted *h = *state;
  void *base = h->f;
  keyring_hints_free(&h->hints);
  (void)chmod(h->folder, 0700);
  (void)remove(h->path);
  (void)rmdir(h->folder);
  tear_down(&base);
  test_free(h);
  return 0;
}

static keyring *next_process(hinted *h) {
  return forgetful_ring_with(h->f, (keyring_options){.host = "v.vault.localhost", .hints = h->hints});
}

/* Look for a key as a process does that has just started, and tell what it cost. */
static int requests_to_find(hinted *h, const keyring_key *key) {
  fixture *f = h->f;
  keyring_key *found = NULL;
  keyring *ring = next_process(h);
  int before = counting_backend_calls(f->vault);
  assert_true(keyring_by_thumb(ring, keyring_key_thumb(key), &f->call, &found, &f->err));
  assert_string_equal(keyring_key_version(found), keyring_key_version(key));
  keyring_key_unref(&found);
  keyring_unref(&ring);
  return counting_backend_calls(f->vault) - before;
}

/* An older version among others: the first process searches, the next one asks for it alone. */
static keyring_key *old_version(hinted *h) {
  fixture *f = h->f;
  char name[16];
  keyring_key *key = create(f, "tde");
  assert_true(keyring_memory_rotate(f->vault->lower, "tde", &f->err));
  for (int i = 0; i < 10; i++) {
    (void)snprintf(name, sizeof name, "key-%d", i);
    keyring_key *other = create(f, name);
    keyring_key_unref(&other);
  }
  return key;
}

static void the_next_process_asks_once(void **state) {
  hinted *h = *state;
  struct stat is;
  keyring_key *key = old_version(h);
  assert_true(requests_to_find(h, key) > 10);
  assert_int_equal(requests_to_find(h, key), 1);
  assert_int_equal(stat(h->path, &is), 0);
  assert_int_equal(is.st_mode & 0777, 0600);
  off_t size = is.st_size;
  assert_int_equal(requests_to_find(h, key), 1);
  assert_int_equal(stat(h->path, &is), 0);
  assert_int_equal(is.st_size, size); /* what is there is not added again */
  keyring_key_unref(&key);
}

static void what_was_named_needs_no_search_later(void **state) {
  hinted *h = *state;
  fixture *f = h->f;
  keyring_key *key = create(f, "tde");
  keyring_key *named = NULL;
  keyring *ring = next_process(h);
  assert_true(keyring_by_name(ring, "tde", NULL, &f->call, &named, &f->err));
  keyring_unref(&ring);
  assert_true(keyring_memory_rotate(f->vault->lower, "tde", &f->err));
  assert_int_equal(requests_to_find(h, key), 1);
  keyring_key_unref(&named);
  keyring_key_unref(&key);
}

static void write_file(const hinted *h, const char *text) {
  FILE *file = fopen(h->path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static void wrong_hints_only_cost_a_request(void **state) {
  hinted *h = *state;
  keyring_key *key = old_version(h);
  keyring_key *other = create(h->f, "other");
  keyring_hint lie;
  (void)snprintf(lie.name, sizeof lie.name, "%s", keyring_key_name(other));
  (void)snprintf(lie.version, sizeof lie.version, "%s", keyring_key_version(other));
  keyring_hints_note(h->hints, "v.vault.localhost", keyring_key_thumb(key), &lie);
  assert_true(requests_to_find(h, key) > 10);
  assert_int_equal(requests_to_find(h, key), 1); /* the last line counts */
  keyring_key_unref(&other);
  keyring_key_unref(&key);
}

static void damaged_files_hint_at_nothing(void **state) {
  static const char *const damaged[] = {
      "",
      "\n\n\n",
      "no thumbprint at all\n",
      "0101010101010101010101010101010101010101 v.vault.localhost tde\n",
      "0101010101010101010101010101010101010101 v.vault.localhost\n tde 01\n",
      "0101010101010101010101010101010101010101 v.vault.localhost tde 01", /* cut off */
      "0101010101010101010101010101010101010101 w.vault.localhost tde 01\n"};
  hinted *h = *state;
  uint8_t thumb[KEYRING_THUMB_BYTES];
  keyring_hint hint;
  memset(thumb, 1, sizeof thumb);
  ekm_view view = ekm_view_of(thumb, sizeof thumb);
  for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
    write_file(h, damaged[i]);
    assert_false(keyring_hints_find(h->hints, "v.vault.localhost", view, &hint));
  }
  write_file(h, "x\n0101010101010101010101010101010101010101 v.vault.localhost tde 01\ny");
  assert_true(keyring_hints_find(h->hints, "V.vault.localhost", view, &hint));
  assert_string_equal(hint.name, "tde");
  assert_string_equal(hint.version, "01");
}

/* Too long for anything that a vault has, and a file of nothing but one line. */
static void long_words_hint_at_nothing(void **state) {
  hinted *h = *state;
  uint8_t thumb[KEYRING_THUMB_BYTES];
  keyring_hint hint;
  memset(thumb, 1, sizeof thumb);
  FILE *file = fopen(h->path, "w");
  assert_non_null(file);
  assert_true(fputs("0101010101010101010101010101010101010101 v.vault.localhost ", file) >= 0);
  for (int i = 0; i < 5000; i++) assert_true(fputc('a', file) != EOF);
  assert_true(fputs(" 01\n", file) >= 0);
  assert_int_equal(fclose(file), 0);
  assert_false(keyring_hints_find(h->hints, "v.vault.localhost", ekm_view_of(thumb, sizeof thumb), &hint));
}

/* What a crash of the machine leaves, or an editor: the other lines count. */
static void lines_around_damage_count(void **state) {
  static const char rest[] = "0101010101010101010101010101010101010101 v.vault.localhost tde 01\r\n";
  static const char damage[] = "5f1c\0\0\0\0\n\0\0\n";
  hinted *h = *state;
  uint8_t thumb[KEYRING_THUMB_BYTES];
  keyring_hint hint;
  memset(thumb, 1, sizeof thumb);
  FILE *file = fopen(h->path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(damage, 1, sizeof damage - 1, file), sizeof damage - 1);
  assert_int_equal(fwrite(rest, 1, sizeof rest - 1, file), sizeof rest - 1);
  assert_int_equal(fclose(file), 0);
  assert_true(keyring_hints_find(h->hints, "v.vault.localhost", ekm_view_of(thumb, sizeof thumb), &hint));
  assert_string_equal(hint.version, "01");
}

/* Opening it would wait for somebody at its other end, and a database with it. */
static void a_pipe_in_its_place_holds_up_nothing(void **state) {
  hinted *h = *state;
  keyring_key *key = old_version(h);
  assert_int_equal(mkfifo(h->path, 0600), 0);
  assert_true(requests_to_find(h, key) > 10);
  int reader = open(h->path, O_RDONLY | O_NONBLOCK);
  assert_true(reader >= 0);
  assert_true(requests_to_find(h, key) > 10);
  assert_int_equal(close(reader), 0);
  keyring_key_unref(&key);
}

static void a_place_that_cannot_be_written_stops_nothing(void **state) {
  hinted *h = *state;
  keyring_key *key = old_version(h);
  assert_int_equal(mkdir(h->path, 0700), 0); /* a folder where the file would be */
  assert_true(requests_to_find(h, key) > 10);
  assert_int_equal(rmdir(h->path), 0);
  keyring_key_unref(&key);
}

/* A hint that cannot be read or written for want of memory costs a search, and nothing else. */
static void hints_without_memory(void **state) {
  hinted *h = *state;
  fixture *f = h->f;
  memory_gate gate = {0};
  keyring_key *key = old_version(h);
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    keyring_hints *hints = NULL;
    ekm_err err = {0};
    bool ok = keyring_hints_new(h->path, NULL, &hints, &err);
    keyring_hints_free(&hints);
    memory_gate_check(&gate, ok, &err);
  }
  for (int is_there = 0; is_there <= 1; is_there++) {
    for (size_t n = 0; memory_gate_next(&gate, n); n++) {
      keyring_hint hint = {"tde", "0123456789abcdef0123456789abcdef"};
      keyring_hint found;
      (void)remove(h->path);
      memory_gate_rest(&gate);
      if (is_there) keyring_hints_note(h->hints, "v.vault.localhost", keyring_key_thumb(key), &hint);
      memory_gate_go_on(&gate);
      if (keyring_hints_find(h->hints, "v.vault.localhost", keyring_key_thumb(key), &found)) {
        assert_true(is_there);
        assert_string_equal(found.version, hint.version);
      }
      keyring_hints_note(h->hints, "v.vault.localhost", keyring_key_thumb(key), &hint);
      memory_gate_rest(&gate);
      gate.done = !gate.failed;
      keyring_hints_note(h->hints, "v.vault.localhost", keyring_key_thumb(key), &hint);
      assert_true(keyring_hints_find(h->hints, "v.vault.localhost", keyring_key_thumb(key), &found));
    }
  }
  ekm_err_clear(&f->err);
  keyring_key_unref(&key);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_next_process_asks_once, set_up_hints, tear_down_hints),
      cmocka_unit_test_setup_teardown(what_was_named_needs_no_search_later, set_up_hints, tear_down_hints),
      cmocka_unit_test_setup_teardown(wrong_hints_only_cost_a_request, set_up_hints, tear_down_hints),
      cmocka_unit_test_setup_teardown(damaged_files_hint_at_nothing, set_up_hints, tear_down_hints),
      cmocka_unit_test_setup_teardown(long_words_hint_at_nothing, set_up_hints, tear_down_hints),
      cmocka_unit_test_setup_teardown(lines_around_damage_count, set_up_hints, tear_down_hints),
      cmocka_unit_test_setup_teardown(a_pipe_in_its_place_holds_up_nothing, set_up_hints, tear_down_hints),
      cmocka_unit_test_setup_teardown(a_place_that_cannot_be_written_stops_nothing, set_up_hints, tear_down_hints),
      cmocka_unit_test_setup_teardown(hints_without_memory, set_up_hints, tear_down_hints),
  };
  return cmocka_run_group_tests_name("hints", tests, NULL, NULL);
}
