#include "base/json.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64url.h"
#include "base/limits.h"
#include "base/mem.h"

/* jansson reports a want of memory in the middle of a text as a syntax error, or drops characters of a text whose
 * buffer cannot grow; this count tells. It is the process's: thread-local storage of a library that is loaded and
 * unloaded costs its host a block per thread, and a parse that blames another thread's want of memory on itself does
 * no harm. */
static atomic_uint failed_allocations;

static void *counting_alloc(size_t size) {
  void *block = ekm_mem_wiping_alloc(size);
  if (block == NULL) atomic_fetch_add(&failed_allocations, 1);
  return block;
}

/* jansson compares a file that it reads with stdin; our copy of it compares with this (cmake/ekm_targets.cmake). We
 * read no files with it. */
extern void *ekm_json_no_stdin;
void *ekm_json_no_stdin;

/* Our private copy of jansson gets its allocator when the library is loaded: no first call has to be guarded, and
 * the hash seed is set where no thread races for it. */
__attribute__((constructor)) static void use_wiping_allocator(void) {
  json_set_alloc_funcs(counting_alloc, ekm_mem_wiping_free);
  json_object_seed(0);
}

static bool depth_is_fine(const char *text, size_t len) {
  int depth = 0;
  bool in_text = false;
  for (size_t i = 0; i < len; i++) {
    char c = text[i];
    if (in_text && c == '\\') {
      i++;
    } else if (c == '"') {
      in_text = !in_text;
    } else if (!in_text && (c == '{' || c == '[')) {
      if (++depth > EKM_LIMIT_JSON_DEPTH) return false;
    } else if (!in_text && (c == '}' || c == ']')) {
      depth--;
    }
  }
  return true;
}

bool ekm_json_parse(ekm_view text, json_t **out_doc, ekm_err *err) {
  json_error_t why;

  *out_doc = NULL;
  if (text.len == 0) return EKM_FAIL(err, EKM_E_ANSWER_NOT_JSON, "it is empty");
  if (!depth_is_fine((const char *)text.ptr, text.len)) {
    return EKM_FAIL(err, EKM_E_ANSWER_NOT_JSON, "it is nested more than %d levels deep", EKM_LIMIT_JSON_DEPTH);
  }
  unsigned failed_before = atomic_load(&failed_allocations);
  json_t *doc = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);
  if (atomic_load(&failed_allocations) != failed_before) { /* also with a document */
    json_decref(doc);
    return EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "for a JSON document");
  }
  if (doc == NULL) {
    return EKM_FAIL(err, EKM_E_ANSWER_NOT_JSON, "syntax error at line %d, column %d", why.line, why.column);
  }
  if (!json_is_object(doc)) {
    json_decref(doc);
    return EKM_FAIL(err, EKM_E_ANSWER_NOT_JSON, "it is not an object");
  }
  *out_doc = doc;
  return true;
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
