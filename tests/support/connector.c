#include "support/connector.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "support/cmocka_all.h"

enum { CONF_MAX_BYTES = 64 * 1024, OPEN_FILES = 16 };

void connector_set_up(connector *c) {
  const char *parent = secure_getenv("TMPDIR");
  memset(c, 0, sizeof *c);
  (void)snprintf(c->folder, sizeof c->folder, "%s/openekm-test.XXXXXX", parent == NULL ? "/tmp" : parent);
  assert_non_null(mkdtemp(c->folder));
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)info;
  (void)kind;
  (void)where;
  return remove(path);
}

void connector_tear_down(connector *c) {
  connector_unload(c);
  assert_int_equal(nftw(c->folder, remove_one, OPEN_FILES, FTW_DEPTH | FTW_PHYS), 0);
}

void connector_configure(connector *c, const char *fmt, ...) {
  char path[256];
  char text[8192];
  ekm_err err = {0};
  va_list args;
  va_start(args, fmt);
  int len = vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  assert_in_range(len, 0, sizeof text - 1);
  (void)snprintf(path, sizeof path, "%s/openekm.conf", c->folder);
  assert_true(ekm_file_write_private(path, ekm_view_text(text), &err));
  assert_int_equal(setenv("OPENEKM_CONF", path, 1), 0);
}

void connector_load(connector *c) {
  ekm_err err = {0};
  if (!host_module_load(EKM_TEST_PROVIDER, NULL, &c->module, NULL, &err)) {
    fail_msg("%s: %s", ekm_err_info_of(err.id)->text, err.detail);
  }
}

void connector_unload(connector *c) {
  host_module_unload(&c->module);
}

/* A host function failed although the provider said 0, or asked for a larger buffer twice. */
static uint32_t code_of(bool ok, const host_result *result, const ekm_err *err) {
  if (ok) return 0;
  if (result->code == 0 || err->id == EKM_E_CONFORMANCE) {
    fail_msg("%s: %s: %s", host_fn_name(result->fn), ekm_err_info_of(err->id)->text, err->detail);
  }
  return result->code;
}

uint32_t connector_open(connector *c, const char *identity, const char *secret, host_session **out_session) {
  ekm_err err = {0};
  host_result result = {0};
  ekm_secret password = {0};
  assert_true(ekm_secret_set(&password, ekm_view_text(secret), &err));
  bool ok = host_session_open(c->module, identity, &password, out_session, &result, &err);
  ekm_secret_clear(&password);
  return code_of(ok, &result, &err);
}

uint32_t connector_by_name(const host_session *session, const char *name, host_key *out_key) {
  ekm_err err = {0};
  host_result result = {0};
  return code_of(host_key_by_name(session, name, out_key, &result, &err), &result, &err);
}

uint32_t connector_by_thumb(const host_session *session, ekm_view thumb, host_key *out_key) {
  ekm_err err = {0};
  host_result result = {0};
  return code_of(host_key_by_thumb(session, thumb, out_key, &result, &err), &result, &err);
}

uint32_t connector_wrap(const host_session *session, const host_key *key, ekm_view plaintext, ekm_buf *out) {
  ekm_err err = {0};
  host_result result = {0};
  return code_of(host_key_encrypt(session, host_key_thumb(key), plaintext, out, &result, &err), &result, &err);
}

uint32_t connector_unwrap(const host_session *session, const host_key *key, ekm_view ciphertext, ekm_buf *out) {
  ekm_err err = {0};
  host_result result = {0};
  ekm_secret plaintext = {0};
  bool ok = host_key_decrypt(session, host_key_thumb(key), ciphertext, &plaintext, &result, &err);
  if (ok) ekm_buf_append_view(out, ekm_secret_reveal(&plaintext));
  ekm_secret_clear(&plaintext);
  return code_of(ok, &result, &err);
}

static const char *name_of(uint32_t code) {
  const ekm_err_info *info = ekm_err_info_by_code(code);
  return info == NULL ? "no code of ours" : info->name;
}

void connector_assert_at(uint32_t code, ekm_err_id id, const char *what, const char *file, int line) {
  const ekm_err_info *expected = ekm_err_info_of(id);
  if (code == expected->code) return;
  print_error("%s: %s:%d: got %u (%s), expected %u (%s)\n", what, file, line, code, name_of(code), expected->code,
              expected->name);
  _fail(file, line);
}
