#include "support/akvd_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "support/cmocka_all.h"

enum { START_MS = 15000, MAX_ARGS = 24, OUTPUT_MAX_BYTES = 1024 * 1024, LOG_MAX_BYTES = 64 * 1024 * 1024 };

/* Run akvd; ${out_fd} becomes its standard output and error, -1: they stay the test's. */
static pid_t launch(const char *const *args, int out_fd) {
  char *argv[MAX_ARGS];
  size_t count = 0;
  argv[count++] = (char *)(uintptr_t)EKM_TEST_AKVD;
  for (; args[count - 1] != NULL; count++) {
    assert_true(count < MAX_ARGS - 1);
    argv[count] = (char *)(uintptr_t)args[count - 1];
  }
  argv[count] = NULL;
  pid_t parent = getpid();
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid > 0) return pid;
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(126);
  if (out_fd >= 0 && (dup2(out_fd, STDOUT_FILENO) < 0 || dup2(out_fd, STDERR_FILENO) < 0)) _exit(126);
  (void)execv(EKM_TEST_AKVD, argv);
  _exit(127);
}

static int wait_for(pid_t pid) {
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int akvd_process_run(const akvd_process *akvd, const char *const *args, ekm_buf *out) {
  const char *all[MAX_ARGS] = {0};
  int ends[2];
  char part[4096];
  ssize_t got;
  size_t count = 0;
  for (; args[count] != NULL && count < MAX_ARGS - 3; count++) all[count] = args[count];
  all[count] = "--data";
  all[count + 1] = akvd->data;
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  pid_t pid = launch(all, ends[1]);
  (void)close(ends[1]);
  while ((got = read(ends[0], part, sizeof part)) > 0) {
    if (out != NULL) ekm_buf_append(out, part, (size_t)got);
  }
  (void)close(ends[0]);
  return wait_for(pid);
}

static void run(const akvd_process *akvd, const char *const *args, ekm_buf *out) {
  int status = akvd_process_run(akvd, args, out);
  if (status != 0) fail_msg("akvd %s ended with %d: %s", args[0], status, ekm_buf_text(out));
}

void akvd_process_init(akvd_process *akvd, const char *folder) {
  ekm_buf out;
  memset(akvd, 0, sizeof *akvd);
  (void)snprintf(akvd->data, sizeof akvd->data, "%s/vault", folder);
  (void)snprintf(akvd->ready, sizeof akvd->ready, "%s/ready/file", folder);
  (void)snprintf(akvd->log, sizeof akvd->log, "%s/akvd.log", folder);
  ekm_buf_init(&out, OUTPUT_MAX_BYTES);
  run(akvd, (const char *const[]){"init", NULL}, &out);
  ekm_buf_clear(&out);
}

/* The ready file, a folder that is watched for it, and the pipe that ends when akvd does. */
static bool wait_until_ready(const akvd_process *akvd, int watch, int alive) {
  ekm_deadline deadline = ekm_deadline_in(ekm_clock_system(), START_MS);
  while (!ekm_file_exists(akvd->ready)) {
    struct pollfd fds[2] = {{.fd = watch, .events = POLLIN}, {.fd = alive, .events = 0}};
    char events[4096];
    int64_t left = ekm_deadline_left_ms(deadline, ekm_clock_system());
    if (left == 0 || poll(fds, 2, (int)left) <= 0 || fds[1].revents != 0) return false;
    if (fds[0].revents != 0) (void)!read(watch, events, sizeof events);
  }
  return true;
}

static uint16_t read_port(const akvd_process *akvd) {
  ekm_err err = {0};
  ekm_buf text;
  ekm_buf_init(&text, 256);
  assert_true(ekm_file_read(akvd->ready, &text, &err));
  const char *colon = strrchr(ekm_buf_text(&text), ':');
  assert_non_null(colon);
  long port = strtol(colon + 1, NULL, 10);
  assert_in_range(port, 1, 65535);
  ekm_buf_clear(&text);
  return (uint16_t)port;
}

static void make_ready_folder(const akvd_process *akvd, char folder[192]) {
  (void)snprintf(folder, 192, "%s", akvd->ready);
  *strrchr(folder, '/') = '\0';
  (void)mkdir(folder, 0700);
  (void)unlink(akvd->ready);
}

void akvd_process_start(akvd_process *akvd, uint16_t port) {
  char listen[32], folder[192];
  int alive[2];
  make_ready_folder(akvd, folder);
  (void)snprintf(listen, sizeof listen, "127.0.0.1:%u", (unsigned)port);
  int watch = inotify_init1(IN_CLOEXEC);
  assert_true(inotify_add_watch(watch, folder, IN_CLOSE_WRITE | IN_MOVED_TO) >= 0);
  assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
  assert_int_equal(fcntl(alive[1], F_SETFD, 0), 0); /* akvd inherits it */
  akvd->pid = launch((const char *const[]){"serve", "--data", akvd->data, "--listen", listen, "--ready-file",
                                           akvd->ready, "--log-file", akvd->log, "--log-level",
                                           akvd->log_level == NULL ? "trace" : akvd->log_level, NULL},
                     -1);
  (void)close(alive[1]);
  bool ready = wait_until_ready(akvd, watch, alive[0]);
  (void)close(alive[0]);
  (void)close(watch);
  if (!ready) {
    akvd_process_kill(akvd);
    fail_msg("akvd did not start");
  }
  akvd->port = read_port(akvd);
}

void akvd_process_stop(akvd_process *akvd) {
  if (akvd->pid == 0) return;
  assert_int_equal(kill(akvd->pid, SIGTERM), 0);
  pid_t pid = akvd->pid;
  akvd->pid = 0;
  assert_int_equal(wait_for(pid), 0);
}

void akvd_process_kill(akvd_process *akvd) {
  if (akvd->pid == 0) return;
  (void)kill(akvd->pid, SIGKILL);
  (void)wait_for(akvd->pid);
  akvd->pid = 0;
}

static void take(const json_t *doc, const char *name, char *out, size_t out_bytes) {
  const char *text = ekm_json_text(doc, name);
  assert_non_null(text);
  assert_true(strlen(text) < out_bytes);
  (void)snprintf(out, out_bytes, "%s", text);
}

void akvd_process_app(const akvd_process *akvd, const char *name, const char *secret, akvd_app *out) {
  char path[224];
  ekm_err err = {0};
  ekm_buf text;
  json_t *doc = NULL;
  size_t len = 0;
  (void)snprintf(path, sizeof path, "%s.secret", akvd->data);
  if (secret != NULL) assert_true(ekm_file_write_private(path, ekm_view_text(secret), &err));
  ekm_buf_init(&text, OUTPUT_MAX_BYTES);
  run(akvd,
      (const char *const[]){"app", "add", "--name", name, "--json", secret == NULL ? NULL : "--secret-file", path,
                            NULL},
      &text);
  if (secret != NULL) assert_int_equal(unlink(path), 0);
  assert_true(ekm_json_parse(ekm_buf_view(&text), &doc, &err));
  memset(out, 0, sizeof *out);
  take(doc, "client_id", out->client_id, sizeof out->client_id);
  if (secret == NULL) {
    take(doc, "secret", out->secret, sizeof out->secret);
  } else {
    (void)snprintf(out->secret, sizeof out->secret, "%s", secret);
  }
  ekm_json_free(&doc);
  ekm_buf_clear(&text);
  for (const char *c = out->client_id; *c != '\0'; c++) {
    if (*c != '-') out->credential[len++] = *c;
  }
  (void)snprintf(out->credential + len, sizeof out->credential - len, "%s", out->secret);
}

void akvd_process_permit(const akvd_process *akvd, const akvd_app *app, const char *permissions) {
  ekm_buf text;
  ekm_buf_init(&text, OUTPUT_MAX_BYTES);
  run(akvd,
      (const char *const[]){"policy", "set", "--vault", "local", "--app", app->client_id, "--permissions", permissions,
                            NULL},
      &text);
  ekm_buf_clear(&text);
}

void akvd_process_key(const akvd_process *akvd, const char *verb, const char *name) {
  ekm_buf text;
  ekm_buf_init(&text, OUTPUT_MAX_BYTES);
  run(akvd, (const char *const[]){"key", verb, "--vault", "local", "--name", name, NULL}, &text);
  ekm_buf_clear(&text);
}

void akvd_process_conf(const akvd_process *akvd, char *out, size_t out_bytes) {
  int len = snprintf(out, out_bytes,
                     "[vault local.vault.localhost]\naddress = 127.0.0.1\nport = %u\n"
                     "authority = https://login.localhost\nauthority_address = 127.0.0.1\nauthority_port = %u\n"
                     "ca_file = %s/tls/ca.pem\n",
                     (unsigned)akvd->port, (unsigned)akvd->port, akvd->data);
  assert_in_range(len, 0, out_bytes - 1);
}

int akvd_process_requests(const akvd_process *akvd) {
  ekm_err err = {0};
  ekm_buf text;
  int count = 0;
  ekm_buf_init(&text, LOG_MAX_BYTES);
  assert_true(ekm_file_read(akvd->log, &text, &err));
  const char *at = ekm_buf_text(&text);
  while ((at = strstr(at, "\"event\":\"vault.request\"")) != NULL) {
    at++;
    count++;
  }
  ekm_buf_clear(&text);
  return count;
}
