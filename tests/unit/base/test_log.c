#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/thread.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/memory_gate.h"

static int64_t fixed_time(const ekm_clock *self) {
  (void)self;
  return 1795507200;
}

static const ekm_clock fixed_clock = {fixed_time, fixed_time};

static void collect(void *arg, const char *line, size_t len) {
  ekm_buf_append(arg, line, len);
}

typedef struct fixture {
  ekm_buf lines;
  ekm_log *log;
} fixture;

static int set_up(void **state) {
  static fixture f;
  ekm_err err = {0};
  *state = &f;
  ekm_buf_init(&f.lines, 1 << 20);
  return ekm_log_open_sink(collect, &f.lines, EKM_LOG_INFO, &fixed_clock, &f.log, &err) ? 0 : -1;
}

static int tear_down(void **state) {
  fixture *f = *state;
  ekm_log_close(&f->log);
  ekm_buf_clear(&f->lines);
  return f->log == NULL ? 0 : -1;
}

static void a_line_with_every_kind_of_field(void **state) {
  fixture *f = *state;
  EKM_LOG(f->log, EKM_LOG_INFO, "vault.start", EKM_LOG_TEXT("text", "x"), EKM_LOG_TEXT("none", NULL),
          EKM_LOG_INT("port", -1), EKM_LOG_BOOL("ok", true), EKM_LOG_HEX("thumb", ekm_view_of("\x01\xfe", 2)));
  assert_string_equal(ekm_buf_text(&f->lines),
                      "{\"time\":\"2026-11-24T08:00:00Z\",\"level\":\"info\",\"event\":\"vault.start\",\"text\":\"x\","
                      "\"none\":\"\",\"port\":-1,\"ok\":true,\"thumb\":\"01fe\"}\n");
}

static void levels_are_kept(void **state) {
  fixture *f = *state;
  EKM_LOG(f->log, EKM_LOG_DEBUG, "a.b", EKM_LOG_INT("x", 1));
  EKM_LOG(f->log, EKM_LOG_TRACE, "a.b", EKM_LOG_INT("x", 1));
  EKM_LOG(f->log, EKM_LOG_OFF, "a.b", EKM_LOG_INT("x", 1));
  assert_int_equal(f->lines.len, 0);
  EKM_LOG(f->log, EKM_LOG_WARN, "a.b", EKM_LOG_INT("x", 1));
  assert_true(f->lines.len > 0);
  assert_false(ekm_log_wants(NULL, EKM_LOG_ERROR));
  EKM_LOG((ekm_log *)NULL, EKM_LOG_ERROR, "a.b", EKM_LOG_INT("x", 1));
}

/* Whatever a peer sends, a line stays one line and a JSON object that jansson reads. */
static void hostile_texts_stay_in_their_quotes(void **state) {
  fixture *f = *state;
  static const char *const texts[] = {"\",\"level\":\"off",  "a\nb\r\n{}", "\\",
                                      "\x01\x1f\x7f\x1b[2J", "\xff\xfe",   "\xc3\xa4",
                                      "\xed\xa0\x80",        "</script>",  "%s%n"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    json_t *doc = NULL;
    ekm_err err = {0};
    ekm_buf_reset(&f->lines);
    EKM_LOG(f->log, EKM_LOG_INFO, "a.b", EKM_LOG_TEXT("text", texts[i]));
    assert_ptr_equal(memchr(f->lines.ptr, '\n', f->lines.len), f->lines.ptr + f->lines.len - 1);
    if (!ekm_json_parse(ekm_buf_view(&f->lines), &doc, &err)) fail_msg("%s", ekm_buf_text(&f->lines));
    assert_string_equal(ekm_json_text(doc, "level"), "info");
    assert_int_equal(json_object_size(doc), 4);
    if (i != 4 && i != 6) assert_string_equal(ekm_json_text(doc, "text"), texts[i]);
    ekm_json_free(&doc);
  }
}

static void long_texts_are_cut_at_a_character(void **state) {
  fixture *f = *state;
  char text[2000];
  (void)f;
  for (size_t shift = 0; shift < 4; shift++) {
    ekm_buf out;
    ekm_buf_init(&out, 8192);
    memset(text, 'a', shift);
    for (size_t i = shift; i + 3 <= 1800; i += 3) memcpy(text + i, "\xe2\x82\xac", 4);
    ekm_log_append_json_text(text, &out);
    assert_true(out.len <= 512 + 4);
    assert_string_equal(ekm_buf_text(&out) + out.len - 6, "\xe2\x82\xac..\"");
    ekm_buf_clear(&out);
  }
}

static void a_line_that_is_too_long_keeps_its_event(void **state) {
  fixture *f = *state;
  char text[513];
  json_t *doc = NULL;
  ekm_err err = {0};
  memset(text, '\x01', 512); /* six bytes each, once escaped */
  text[512] = '\0';
  EKM_LOG(f->log, EKM_LOG_ERROR, "a.b", EKM_LOG_TEXT("x", text), EKM_LOG_TEXT("y", text), EKM_LOG_TEXT("z", text));
  assert_true(ekm_json_parse(ekm_buf_view(&f->lines), &doc, &err));
  assert_string_equal(ekm_json_text(doc, "event"), "a.b");
  assert_string_equal(ekm_json_text(doc, "level"), "error");
  assert_string_equal(ekm_json_text(doc, "fields"), "too long");
  ekm_json_free(&doc);
}

static void errors_are_told_whole(void **state) {
  fixture *f = *state;
  json_t *doc = NULL;
  ekm_err err = {0};
  ekm_err shown = {.http_status = 403, .request_id = "abc"};
  (void)EKM_FAIL(&shown, EKM_E_VAULT_FORBIDDEN, "key '%s'", "k");
  ekm_log_err(f->log, EKM_LOG_ERROR, "a.b", &shown);
  assert_true(ekm_json_parse(ekm_buf_view(&f->lines), &doc, &err));
  assert_string_equal(ekm_json_text(doc, "error"), "VAULT_FORBIDDEN");
  assert_int_equal(ekm_json_int(doc, "code", 0), 3113);
  assert_string_equal(ekm_json_text(doc, "detail"), "key 'k'");
  assert_int_equal(ekm_json_int(doc, "http_status", 0), 403);
  assert_string_equal(ekm_json_text(doc, "request_id"), "abc");
  ekm_json_free(&doc);
}

static void level_names(void **state) {
  static const char *const names[] = {"off", "error", "warn", "info", "debug", "trace"};
  ekm_log_level level;
  (void)state;
  for (size_t i = 0; i < 6; i++) {
    assert_true(ekm_log_parse_level(names[i], &level));
    assert_int_equal(level, i);
  }
  assert_false(ekm_log_parse_level("", &level));
  assert_false(ekm_log_parse_level("warning", &level));
}

static void run(void *arg) {
  fixture *f = arg;
  for (int i = 0; i < 200; i++) EKM_LOG(f->log, EKM_LOG_INFO, "a.b", EKM_LOG_INT("i", i));
}

static void lines_of_threads_do_not_mix(void **state) {
  fixture *f = *state;
  ekm_thread *threads[8];
  ekm_err err = {0};
  size_t lines = 0;
  for (size_t i = 0; i < 8; i++) assert_true(ekm_thread_start(&threads[i], run, f, &err));
  for (size_t i = 0; i < 8; i++) ekm_thread_join(&threads[i]);
  for (const char *at = ekm_buf_text(&f->lines); *at != '\0'; lines++) {
    json_t *doc = NULL;
    const char *end = strchr(at, '\n');
    assert_non_null(end);
    assert_true(ekm_json_parse(ekm_view_of(at, (size_t)(end - at)), &doc, &err));
    ekm_json_free(&doc);
    at = end + 1;
  }
  assert_int_equal(lines, 8 * 200);
}

static void files_are_private_and_appended_to(void **state) {
  char folder[] = "test_log_XXXXXX";
  char path[64];
  ekm_err err = {0};
  struct stat info;
  ekm_buf text;
  (void)state;
  assert_non_null(mkdtemp(folder));
  (void)snprintf(path, sizeof path, "%s/log", folder);
  for (int i = 0; i < 2; i++) {
    ekm_log *log = NULL;
    assert_true(ekm_log_open_file(path, EKM_LOG_INFO, &fixed_clock, &log, &err));
    EKM_LOG(log, EKM_LOG_INFO, "a.b", EKM_LOG_INT("i", i));
    ekm_log_close(&log);
  }
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  ekm_buf_init(&text, 4096);
  assert_true(ekm_file_read(path, &text, &err));
  assert_non_null(strstr(ekm_buf_text(&text), "\"i\":0}\n{"));
  assert_non_null(strstr(ekm_buf_text(&text), "\"i\":1}\n"));
  ekm_buf_clear(&text);
  ekm_log *none = NULL;
  assert_false(ekm_log_open_file(folder, EKM_LOG_INFO, &fixed_clock, &none, &err));
  assert_int_equal(err.id, EKM_E_FILE_WRITE);
  assert_null(none);
  assert_int_equal(remove(path), 0);
  assert_int_equal(remove(folder), 0);
}

/* --- rotation by others ------------------------------------------------------------------------------------------- */

typedef struct rotated {
  char folder[32], path[48], moved[48];
  fake_clock clock;
  ekm_log *log;
} rotated;

static int set_up_rotated(void **state) {
  static rotated r;
  ekm_err err = {0};
  *state = &r;
  (void)snprintf(r.folder, sizeof r.folder, "test_log_XXXXXX");
  if (mkdtemp(r.folder) == NULL) return -1;
  (void)snprintf(r.path, sizeof r.path, "%s/log", r.folder);
  (void)snprintf(r.moved, sizeof r.moved, "%s/log.1", r.folder);
  fake_clock_init(&r.clock);
  return ekm_log_open_file(r.path, EKM_LOG_INFO, &r.clock.base, &r.log, &err) ? 0 : -1;
}

static int tear_down_rotated(void **state) {
  rotated *r = *state;
  ekm_log_close(&r->log);
  (void)remove(r->path);
  (void)remove(r->moved);
  return remove(r->folder);
}

static void write_number(rotated *r, int i) {
  EKM_LOG(r->log, EKM_LOG_INFO, "a.b", EKM_LOG_INT("i", i));
}

/* The numbers in a file: "0,1,"; "-" if there is no file. */
static const char *numbers(const char *path) {
  static char out[64];
  ekm_buf text;
  ekm_err err = {0};
  out[0] = '\0';
  ekm_buf_init(&text, 4096);
  if (!ekm_file_read(path, &text, &err)) (void)snprintf(out, sizeof out, "-");
  for (const char *at = ekm_buf_text(&text); (at = strstr(at, "\"i\":")) != NULL; at++) {
    (void)snprintf(out + strlen(out), sizeof out - strlen(out), "%c,", at[4]);
  }
  ekm_buf_clear(&text);
  return out;
}

static void a_file_that_was_moved_is_made_anew(void **state) {
  rotated *r = *state;
  struct stat info;
  write_number(r, 0);
  assert_int_equal(rename(r->path, r->moved), 0);
  fake_clock_pass(&r->clock, 999);
  write_number(r, 1); /* it is looked once a second */
  assert_string_equal(numbers(r->moved), "0,1,");
  fake_clock_pass(&r->clock, 1);
  write_number(r, 2);
  write_number(r, 3);
  assert_string_equal(numbers(r->moved), "0,1,");
  assert_string_equal(numbers(r->path), "2,3,");
  assert_int_equal(stat(r->path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
}

static void the_file_that_rotation_made_is_taken(void **state) {
  rotated *r = *state;
  write_number(r, 0);
  assert_int_equal(rename(r->path, r->moved), 0);
  FILE *made = fopen(r->path, "w");
  assert_non_null(made);
  (void)fclose(made);
  fake_clock_pass(&r->clock, 1000);
  write_number(r, 1);
  assert_string_equal(numbers(r->path), "1,");
  assert_int_equal(remove(r->path), 0);
  fake_clock_pass(&r->clock, 1000);
  write_number(r, 2);
  assert_string_equal(numbers(r->path), "2,");
}

static void a_file_that_was_cut_off_goes_on(void **state) {
  rotated *r = *state;
  write_number(r, 0);
  assert_int_equal(truncate(r->path, 0), 0);
  write_number(r, 1);
  assert_string_equal(numbers(r->path), "1,");
}

static void without_a_new_file_the_old_one_is_good(void **state) {
  rotated *r = *state;
  char elsewhere[64], log[80];
  (void)snprintf(elsewhere, sizeof elsewhere, "%s.away", r->folder);
  (void)snprintf(log, sizeof log, "%s/log", elsewhere);
  write_number(r, 0);
  assert_int_equal(rename(r->folder, elsewhere), 0);
  fake_clock_pass(&r->clock, 1000);
  write_number(r, 1);
  assert_string_equal(numbers(log), "0,1,");
  assert_int_equal(rename(elsewhere, r->folder), 0);
}

/* Neither to be opened nor to be written. */
static void a_pipe_is_not_waited_for(void **state) {
  rotated *r = *state;
  ekm_log *log = NULL;
  ekm_err err = {0};
  assert_int_equal(mkfifo(r->moved, 0600), 0);
  assert_false(ekm_log_open_file(r->moved, EKM_LOG_INFO, &r->clock.base, &log, &err));
  assert_int_equal(err.id, EKM_E_FILE_WRITE);
  int reader = open(r->moved, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  assert_true(reader >= 0);
  ekm_err_clear(&err);
  assert_true(ekm_log_open_file(r->moved, EKM_LOG_INFO, &r->clock.base, &log, &err));
  for (int i = 0; i < 20000; i++) EKM_LOG(log, EKM_LOG_INFO, "a.b", EKM_LOG_INT("i", i)); /* more than it holds */
  ekm_log_close(&log);
  (void)close(reader);
}

static void a_lack_of_memory_costs_lines_only(void **state) {
  memory_gate gate = {0};
  (void)state;
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_err err = {0};
    ekm_log *log = NULL;
    ekm_buf lines;
    ekm_buf_init(&lines, 8192);
    bool ok = ekm_log_open_sink(collect, &lines, EKM_LOG_INFO, &fixed_clock, &log, &err);
    EKM_LOG(log, EKM_LOG_INFO, "a.b",
            EKM_LOG_TEXT("x", "a text that makes the line's buffer grow more than once, and more"));
    if (ok && gate.failed) {
      assert_int_equal(lines.len, 0);
      (void)EKM_FAIL(&err, EKM_E_OUT_OF_MEMORY, "as the logger cannot say");
    }
    memory_gate_check(&gate, ok && lines.len > 0, &err);
    ekm_log_close(&log);
    ekm_buf_clear(&lines);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_line_with_every_kind_of_field, set_up, tear_down),
      cmocka_unit_test_setup_teardown(levels_are_kept, set_up, tear_down),
      cmocka_unit_test_setup_teardown(hostile_texts_stay_in_their_quotes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(long_texts_are_cut_at_a_character, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_line_that_is_too_long_keeps_its_event, set_up, tear_down),
      cmocka_unit_test_setup_teardown(errors_are_told_whole, set_up, tear_down),
      cmocka_unit_test(level_names),
      cmocka_unit_test_setup_teardown(lines_of_threads_do_not_mix, set_up, tear_down),
      cmocka_unit_test(files_are_private_and_appended_to),
      cmocka_unit_test_setup_teardown(a_file_that_was_moved_is_made_anew, set_up_rotated, tear_down_rotated),
      cmocka_unit_test_setup_teardown(the_file_that_rotation_made_is_taken, set_up_rotated, tear_down_rotated),
      cmocka_unit_test_setup_teardown(a_file_that_was_cut_off_goes_on, set_up_rotated, tear_down_rotated),
      cmocka_unit_test_setup_teardown(without_a_new_file_the_old_one_is_good, set_up_rotated, tear_down_rotated),
      cmocka_unit_test_setup_teardown(a_pipe_is_not_waited_for, set_up_rotated, tear_down_rotated),
      cmocka_unit_test(a_lack_of_memory_costs_lines_only),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
