#include "base/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64url.h"
#include "base/json_read.h"
#include "base/mem.h"

/* jansson compares a file that it reads with stdin; our copy of it compares with this (cmake/ekm_targets.cmake). We
 * read no files with it. */
extern void *ekm_json_no_stdin;
void *ekm_json_no_stdin;

/* Our private copy of jansson gets its allocator when the library is loaded: no first call has to be guarded, and
 * the hash seed is set where no thread races for it. */
__attribute__((constructor)) static void use_wiping_allocator(void) {
  json_set_alloc_funcs(ekm_mem_wiping_alloc, ekm_mem_wiping_free);
  json_object_seed(0);
}

bool ekm_json_parse(ekm_view text, json_t **out_doc, ekm_err *err) {
  *out_doc = NULL;
  if (text.len == 0) return EKM_FAIL(err, EKM_E_ANSWER_NOT_JSON, "it is empty");
  if (!ekm_json_read(text, out_doc, err)) return false;
  if (json_is_object(*out_doc)) return true;
  ekm_json_free(out_doc);
  return EKM_FAIL(err, EKM_E_ANSWER_NOT_JSON, "it is not an object");
}

void ekm_json_free(json_t **doc) {
  json_decref(*doc);
  *doc = NULL;
}

const char *ekm_json_text(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

json_t *ekm_json_object(const json_t *object, const char *name) {
  json_t *member = json_object_get(object, name);
  return json_is_object(member) ? member : NULL;
}

json_t *ekm_json_array(const json_t *object, const char *name) {
  json_t *member = json_object_get(object, name);
  return json_is_array(member) ? member : NULL;
}

json_int_t ekm_json_int(const json_t *object, const char *name, json_int_t fallback) {
  json_t *member = json_object_get(object, name);
  const char *text = json_string_value(member);
  if (json_is_integer(member)) return json_integer_value(member);
  if (text == NULL || *text == '\0' || strlen(text) > 18 || text[strspn(text, "0123456789")] != '\0') return fallback;
  return strtoll(text, NULL, 10);
}

bool ekm_json_bool(const json_t *object, const char *name, bool fallback) {
  json_t *member = json_object_get(object, name);
  return json_is_boolean(member) ? json_is_true(member) : fallback;
}

bool ekm_json_bytes(const json_t *object, const char *name, ekm_buf *out, ekm_err *err) {
  json_t *member = json_object_get(object, name);
  if (!json_is_string(member)) return EKM_FAIL(err, EKM_E_TEXT_ENCODING, "member '%s' is missing", name);
  return ekm_b64url_decode(json_string_value(member), json_string_length(member), out, name, err);
}

bool ekm_json_set_bytes(json_t *object, const char *name, ekm_view bytes) {
  ekm_buf text;
  ekm_buf_init(&text, (bytes.len / 3 + 1) * 4);
  ekm_b64url_encode(bytes, &text);
  json_t *member = text.no_memory || text.too_long ? NULL : json_stringn(ekm_buf_text(&text), text.len);
  ekm_buf_clear(&text);
  return json_object_set_new(object, name, member) == 0;
}

static int append_to_buf(const char *bytes, size_t len, void *buf) {
  ekm_buf_append(buf, bytes, len);
  return 0;
}

bool ekm_json_write(const json_t *doc, ekm_buf *out, ekm_err *err) {
  if (json_dump_callback(doc, append_to_buf, out, JSON_COMPACT) != 0) {
    return EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "for a JSON document");
  }
  return ekm_buf_ok(out, "a JSON document", err);
}
