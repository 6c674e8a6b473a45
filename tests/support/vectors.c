#include "support/vectors.h"

#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/limits.h"
#include "support/cmocka_all.h"

void vectors_read(const char *name, ekm_buf *out) {
  ekm_err err = {0};
  ekm_buf path;
  ekm_buf_init(&path, 4096);
  ekm_buf_append_text(&path, EKM_TEST_VECTORS "/");
  ekm_buf_append_text(&path, name);
  if (!ekm_file_read(ekm_buf_text(&path), out, &err)) fail_msg("%s: %s", ekm_buf_text(&path), err.detail);
  ekm_buf_clear(&path);
}

json_t *vectors_load(const char *name) {
  json_t *doc = NULL;
  ekm_err err = {0};
  ekm_buf text;
  ekm_buf_init(&text, EKM_LIMIT_FILE_BYTES);
  vectors_read(name, &text);
  if (!ekm_json_parse(ekm_buf_view(&text), &doc, &err)) fail_msg("%s: %s", name, err.detail);
  ekm_buf_clear(&text);
  return doc;
}

json_t *vectors_member(json_t *doc, const char *path) {
  char name[64];
  while (doc != NULL && *path != '\0') {
    size_t len = strcspn(path, ".");
    assert_true(len < sizeof name);
    memcpy(name, path, len);
    name[len] = '\0';
    doc = ekm_json_object(doc, name);
    path += len + (path[len] == '.' ? 1 : 0);
  }
  assert_non_null(doc);
  return doc;
}

void vectors_bytes(const json_t *object, const char *name, ekm_buf *out) {
  ekm_err err = {0};
  if (!ekm_json_bytes(object, name, out, &err)) fail_msg("%s: %s", name, err.detail);
}

void vectors_hex(const char *digits, ekm_buf *out) {
  ekm_err err = {0};
  if (!ekm_hex_decode(digits, strlen(digits), out, "a vector", &err)) fail_msg("%s: %s", digits, err.detail);
}
