/* akvd serve: certificate, server, ready file, and the orderly end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/process.h"
#include "vault/admin.h"
#include "vault/admin_fake.h"
#include "vault/audit.h"
#include "vault/server.h"
#include "vault/tls_files.h"

enum { DEFAULT_PORT = 8443, THREADS_MAX = 256, FILES_MAX_BYTES = 2 * EKM_LIMIT_URL_BYTES };

bool admin_address(const char *option, const char *text, char address[ADMIN_ADDRESS_BYTES], uint16_t *out_port,
                   ekm_err *err) {
  const char *colon = strrchr(text, ':');
  char *end = NULL;
  const char *start = text[0] == '[' ? text + 1 : text;
  size_t len = colon == NULL ? 0 : (size_t)(colon - start);
  if (text[0] == '[') len = len > 0 && start[len - 1] == ']' ? len - 1 : 0;
  unsigned long port = colon == NULL || colon[1] == '\0' ? 65536 : strtoul(colon + 1, &end, 10);
  if (len == 0 || len >= ADMIN_ADDRESS_BYTES || port > 65535 || *end != '\0' || colon[1] < '0' || colon[1] > '9') {
    return EKM_FAIL(err, EKM_E_USAGE, "%s '%s' is not ADDRESS:PORT, such as 127.0.0.1:8443", option, text);
  }
  memcpy(address, start, len);
  address[len] = '\0';
  *out_port = (uint16_t)port;
  return true;
}

void admin_where(const char *address, uint16_t port, char out[ADMIN_WHERE_BYTES]) {
  (void)snprintf(out, ADMIN_WHERE_BYTES, strchr(address, ':') != NULL ? "[%s]:%u" : "%s:%u", address, (unsigned)port);
}

/* To the one who waits for it: in the ready file, else as a line; with --json as an object in any case. ${fake} is ""
 * or where a fake identity is. */
static bool say_ready(const admin *a, const char *address, uint16_t port, const char *fake, ekm_err *err) {
  const vault_settings *s = a->settings;
  char where[ADMIN_WHERE_BYTES];
  char text[2 * ADMIN_WHERE_BYTES + 2];
  const char *line_end = fake[0] == '\0' ? "" : "\n";
  admin_where(address, port, where);
  (void)snprintf(text, sizeof text, "%s\n%s%s", where, fake, line_end);
  if (s->ready_file != NULL && !ekm_file_write_public(s->ready_file, ekm_view_text(text), err)) return false;
  if (s->json) {
    json_t *doc = json_pack("{s:s, s:s, s:i}", "data", s->data, "address", address, "port", (int)port);
    if (fake[0] != '\0') admin_set(&doc, "fake_identity", json_string(fake));
    return admin_print(a, &doc, err);
  }
  if (s->ready_file != NULL) return true;
  (void)printf("akvd serves %s at %s\n", s->data, where);
  if (fake[0] != '\0') (void)printf("akvd has a fake identity at http://%s\n", fake);
  return fflush(stdout) == 0 || EKM_FAIL(err, EKM_E_FILE_WRITE, "the standard output");
}

static bool own_certificate(const admin *a, const vault_directory *dir, ekm_buf *cert, ekm_buf *key, ekm_err *err) {
  const vault_settings *s = a->settings;
  if (s->tls_certificate == NULL || s->tls_private_key == NULL) {
    return EKM_FAIL(err, EKM_E_USAGE, "--tls-certificate and --tls-private-key belong together");
  }
  vault_tls_options tls = {s->data, dir, a->options.crypto, a->options.clock, a->options.log};
  return vault_tls_files_own(&tls, s->tls_certificate, s->tls_private_key, cert, key, err);
}

static bool certificate(const admin *a, ekm_buf *cert, ekm_buf *key, ekm_err *err) {
  const vault_directory *dir = NULL;
  bool is_own = a->settings->tls_certificate != NULL || a->settings->tls_private_key != NULL;
  if (!vault_store_directory(a->store, &dir, err)) return false;
  vault_tls_options tls = {a->settings->data, dir, a->options.crypto, a->options.clock, a->options.log};
  bool ok = is_own ? own_certificate(a, dir, cert, key, err) : vault_tls_files_ready(&tls, cert, key, err);
  vault_directory_release(&dir);
  return ok;
}

/* What a message about the two says. */
static void name_files(const admin *a, ekm_buf *out) {
  const vault_settings *s = a->settings;
  if (s->tls_certificate != NULL) {
    ekm_buf_append_fmt(out, "'%s' and '%s'; do they belong together?", s->tls_certificate, s->tls_private_key);
  } else {
    ekm_buf_append_fmt(out, "'%s/tls/server.pem' and '%s/tls/server.key'; remove both, and new ones are made", s->data,
                       s->data);
  }
}

bool admin_serve(admin *a, ekm_err *err) {
  bool ok = false;
  char address[ADMIN_ADDRESS_BYTES] = "127.0.0.1";
  uint16_t port = DEFAULT_PORT;
  vault_server *server = NULL;
  admin_fake fake = {.server = NULL};
  ekm_buf cert, key, files;

  ekm_buf_init(&cert, VAULT_TLS_PEM_MAX_BYTES);
  ekm_buf_init(&key, VAULT_TLS_PEM_MAX_BYTES);
  ekm_buf_init(&files, FILES_MAX_BYTES);
  ekm_process_many_files();
  ekm_process_catch_stop(); /* before the server has threads */
  if (!ekm_process_lock_memory()) {
    EKM_LOG(a->options.log, EKM_LOG_WARN, "vault.memory",
            EKM_LOG_TEXT("text",
                         "memory with keys may be written to swap: the limit of locked memory is too low "
                         "(ulimit -l unlimited; LimitMEMLOCK=infinity)"));
  }
  if (a->settings->listen != NULL) EKM_TRY(admin_address("--listen", a->settings->listen, address, &port, err));
  if (a->settings->threads > THREADS_MAX) EKM_BAIL(err, EKM_E_USAGE, "--threads is at most %d", THREADS_MAX);
  if (a->settings->ready_file != NULL) (void)remove(a->settings->ready_file); /* of an earlier server */
  EKM_TRY(certificate(a, &cert, &key, err));
  name_files(a, &files);
  EKM_TRY(ekm_buf_ok(&files, "a path", err));
  vault_server_options options = {.address = address,
                                  .port = port,
                                  .cert_pem = ekm_buf_view(&cert),
                                  .key_pem = ekm_buf_view(&key),
                                  .files = ekm_buf_text(&files),
                                  .store = a->store,
                                  .crypto = a->options.crypto,
                                  .clock = a->options.clock,
                                  .token = a->options.token,
                                  .log = a->options.log,
                                  .audit = a->audit,
                                  .threads = a->settings->threads,
                                  .with_trouble = a->settings->trouble};
  if (a->settings->trouble) {
    EKM_LOG(a->options.log, EKM_LOG_WARN, "vault.trouble",
            EKM_LOG_TEXT("text", "whoever is on this machine may ask for faults"));
  }
  EKM_TRY(vault_server_start(&options, &server, err));
  ekm_buf_clear(&key);
  EKM_TRY(admin_fake_start(a, &fake, err));
  EKM_TRY(say_ready(a, address, vault_server_port(server), fake.where, err));
  EKM_LOG(a->options.log, EKM_LOG_INFO, "vault.serve", EKM_LOG_TEXT("address", address),
          EKM_LOG_INT("port", vault_server_port(server)), EKM_LOG_INT("pid", ekm_process_id()));
  vault_audit_admin(a->audit, a->settings, true);
  ekm_process_wait_stop();
  EKM_LOG(a->options.log, EKM_LOG_INFO, "vault.stop", EKM_LOG_INT("pid", ekm_process_id()));
  ok = true;
done:
  admin_fake_stop(&fake);
  vault_server_stop(&server);
  ekm_buf_clear(&key);
  ekm_buf_clear(&cert);
  ekm_buf_clear(&files);
  return ok;
}
