/* The system's log, with a socket of our own in its place. */
#include "base/system_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/memory_gate.h"

enum { TEXT_BYTES = 16384 };

typedef struct fixture {
  char folder[32], path[48];
  int fd; /* the listener; -1: nobody listens */
  fake_clock clock;
  ekm_log *log;
} fixture;

static void listen_at(fixture *f) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", f->path);
  f->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  assert_true(f->fd >= 0);
  assert_int_equal(bind(f->fd, (const struct sockaddr *)&at, sizeof at), 0);
}

static void stop_listening(fixture *f) {
  if (f->fd >= 0) (void)close(f->fd);
  (void)unlink(f->path);
  f->fd = -1;
}

static int set_up(void **state) {
  static fixture f;
  ekm_err err = {0};
  *state = &f;
  memset(&f, 0, sizeof f);
  (void)snprintf(f.folder, sizeof f.folder, "test_system_log_XXXXXX");
  if (mkdtemp(f.folder) == NULL) return -1;
  (void)snprintf(f.path, sizeof f.path, "%s/log", f.folder);
  f.fd = -1;
  fake_clock_init(&f.clock);
  return ekm_log_open_system(f.path, "openekm", EKM_LOG_TRACE, &f.clock.base, &f.log, &err) ? 0 : -1;
}

static int tear_down(void **state) {
  fixture *f = *state;
  ekm_log_close(&f->log);
  stop_listening(f);
  return rmdir(f->folder);
}

/* The next datagram, or "" if there is none. */
static const char *next(fixture *f) {
  static char text[TEXT_BYTES];
  ssize_t len = recv(f->fd, text, sizeof text - 1, MSG_DONTWAIT);
  text[len < 0 ? 0 : len] = '\0';
  return text;
}

static void a_line_is_framed_as_syslog_does(void **state) {
  fixture *f = *state;
  char expected[128];
  struct tm local;
  time_t now = (time_t)f->clock.wall_s;
  listen_at(f);
  EKM_LOG(f->log, EKM_LOG_ERROR, "a.b", EKM_LOG_TEXT("x", "y"));
  const char *text = next(f);
  assert_non_null(localtime_r(&now, &local));
  assert_true(strftime(expected, sizeof expected, "<27>%b %e %H:%M:%S openekm", &local) > 0);
  (void)snprintf(expected + strlen(expected), 40, "[%ld]: ", (long)getpid());
  assert_memory_equal(text, expected, strlen(expected));
  assert_string_equal(text + strlen(expected),
                      "{\"time\":\"2026-11-24T08:00:00Z\",\"level\":\"error\",\"event\":\"a.b\",\"x\":\"y\"}");
  assert_string_equal(next(f), "");
}

static void levels_are_severities(void **state) {
  static const struct {
    ekm_log_level level;
    const char *head;
  } rows[] = {{EKM_LOG_ERROR, "<27>"},
              {EKM_LOG_WARN, "<28>"},
              {EKM_LOG_INFO, "<30>"},
              {EKM_LOG_DEBUG, "<31>"},
              {EKM_LOG_TRACE, "<31>"}};
  fixture *f = *state;
  listen_at(f);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    EKM_LOG(f->log, rows[i].level, "a.b", EKM_LOG_INT("i", 1));
    assert_memory_equal(next(f), rows[i].head, 4);
  }
}

static void days_of_one_digit_have_a_space(void **state) {
  fixture *f = *state;
  listen_at(f);
  fake_clock_pass(&f->clock, INT64_C(11) * 86400 * 1000); /* 5 December, in any zone the 4th to the 6th */
  EKM_LOG(f->log, EKM_LOG_INFO, "a.b", EKM_LOG_INT("i", 1));
  assert_memory_equal(next(f), "<30>Dec  ", 9);
}

static void the_longest_line_fits(void **state) {
  fixture *f = *state;
  char text[400];
  listen_at(f);
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = '\0';
  ekm_log_field fields[20] = {{0}};
  for (size_t i = 0; i < 19; i++) fields[i] = EKM_LOG_TEXT("t", text);
  ekm_log_event(f->log, EKM_LOG_INFO, "a.b", fields);
  const char *got = next(f);
  assert_true(strlen(got) > 19 * 399);
  assert_int_equal(got[strlen(got) - 1], '}');
}

/* Nobody listens; then somebody does, and is told; then another one does in his place. */
static void nobody_is_waited_for(void **state) {
  fixture *f = *state;
  for (int i = 0; i < 3; i++) EKM_LOG(f->log, EKM_LOG_ERROR, "a.b", EKM_LOG_INT("i", i));
  listen_at(f);
  EKM_LOG(f->log, EKM_LOG_ERROR, "a.b", EKM_LOG_INT("i", 3));
  const char *text = next(f);
  assert_memory_equal(text, "<28>", 4);
  assert_non_null(strstr(text, "\"event\":\"log.lost\",\"lines\":3}"));
  assert_non_null(strstr(next(f), "\"i\":3}"));
  stop_listening(f);
  listen_at(f);
  EKM_LOG(f->log, EKM_LOG_ERROR, "a.b", EKM_LOG_INT("i", 4));
  assert_non_null(strstr(next(f), "\"i\":4}"));
  assert_string_equal(next(f), "");
}

/* A listener that does not read: what it has no room for is lost, and counted. */
static void a_full_socket_is_not_waited_for(void **state) {
  enum { LINES = 5000 }; /* many times more than a socket holds */
  fixture *f = *state;
  int64_t got = 0, lost = 0;
  listen_at(f);
  for (int i = 0; i < LINES; i++) EKM_LOG(f->log, EKM_LOG_INFO, "a.b", EKM_LOG_INT("i", i));
  for (const char *text = next(f); text[0] != '\0'; text = next(f)) got++;
  assert_true(got > 0 && got < LINES);
  EKM_LOG(f->log, EKM_LOG_INFO, "a.b", EKM_LOG_INT("i", LINES));
  const char *found = strstr(next(f), "\"lines\":");
  assert_non_null(found);
  lost = strtoll(found + strlen("\"lines\":"), NULL, 10);
  assert_int_equal(got + lost, LINES);
  assert_non_null(strstr(next(f), "\"i\":5000}"));
}

static void paths_have_a_length(void **state) {
  char path[EKM_SYSLOG_PATH_BYTES + 1];
  ekm_log *log = NULL;
  ekm_err err = {0};
  fixture *f = *state;
  memset(path, 'x', sizeof path);
  path[EKM_SYSLOG_PATH_BYTES] = '\0';
  assert_false(ekm_log_open_system(path, "openekm", EKM_LOG_INFO, &f->clock.base, &log, &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
  assert_null(log);
  path[EKM_SYSLOG_PATH_BYTES - 1] = '\0';
  ekm_err_clear(&err);
  assert_true(ekm_log_open_system(path, "openekm", EKM_LOG_INFO, &f->clock.base, &log, &err));
  EKM_LOG(log, EKM_LOG_INFO, "a.b", EKM_LOG_INT("i", 1));
  ekm_log_close(&log);
}

static void a_lack_of_memory_costs_lines_only(void **state) {
  memory_gate gate = {0};
  fixture *f = *state;
  listen_at(f);
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_log *log = NULL;
    ekm_err err = {0};
    bool ok = ekm_log_open_system(f->path, "openekm", EKM_LOG_INFO, &f->clock.base, &log, &err);
    EKM_LOG(log, EKM_LOG_INFO, "a.b", EKM_LOG_INT("i", 1));
    bool sent = next(f)[0] != '\0';
    if (ok && gate.failed) (void)EKM_FAIL(&err, EKM_E_OUT_OF_MEMORY, "as the logger cannot say");
    memory_gate_check(&gate, ok && sent, &err);
    ekm_log_close(&log);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_line_is_framed_as_syslog_does, set_up, tear_down),
      cmocka_unit_test_setup_teardown(levels_are_severities, set_up, tear_down),
      cmocka_unit_test_setup_teardown(days_of_one_digit_have_a_space, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_longest_line_fits, set_up, tear_down),
      cmocka_unit_test_setup_teardown(nobody_is_waited_for, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_full_socket_is_not_waited_for, set_up, tear_down),
      cmocka_unit_test_setup_teardown(paths_have_a_length, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_lack_of_memory_costs_lines_only, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
