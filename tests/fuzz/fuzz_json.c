/* JSON of answers and requests: what was read is written and read again as the same. */
#include "base/json.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"

enum { TEXT_MAX_BYTES = 1 << 20 };

static int depth(const json_t *value) {
  int deepest = 0;
  size_t index;
  const char *name;
  json_t *member;
  json_array_foreach(value, index, member) {
    int below = depth(member);
    if (below > deepest) deepest = below;
  }
  json_object_foreach((json_t *)(uintptr_t)value, name, member) {
    int below = depth(member);
    if (below > deepest) deepest = below;
  }
  return json_is_object(value) || json_is_array(value) ? deepest + 1 : 0;
}

/* Each member, asked for as every type. */
static void ask(json_t *doc) {
  const char *name;
  json_t *member;
  json_object_foreach(doc, name, member) {
    ekm_err err = {0};
    ekm_buf bytes;
    ekm_buf_init(&bytes, TEXT_MAX_BYTES);
    FUZZ_CHECK((ekm_json_text(doc, name) != NULL) == json_is_string(member));
    FUZZ_CHECK((ekm_json_object(doc, name) != NULL) == json_is_object(member));
    FUZZ_CHECK((ekm_json_array(doc, name) != NULL) == json_is_array(member));
    FUZZ_CHECK(ekm_json_bool(doc, name, false) == json_is_true(member));
    if (json_is_integer(member)) FUZZ_CHECK(ekm_json_int(doc, name, 0) == json_integer_value(member));
    if (json_is_string(member)) FUZZ_CHECK(ekm_json_int(doc, name, 0) >= 0);
    if (ekm_json_bytes(doc, name, &bytes, &err)) {
      json_t *copy = json_object();
      FUZZ_CHECK(json_is_string(member) && ekm_json_set_bytes(copy, name, ekm_buf_view(&bytes)));
      size_t len = strlen(ekm_json_text(copy, name));
      FUZZ_CHECK(strncmp(ekm_json_text(copy, name), ekm_json_text(doc, name), len) == 0);
      FUZZ_CHECK(strspn(ekm_json_text(doc, name) + len, "=") == strlen(ekm_json_text(doc, name) + len));
      ekm_json_free(&copy);
    } else {
      FUZZ_CHECK(err.id == EKM_E_TEXT_ENCODING && bytes.len == 0); /* its text names a member, as our programs do */
    }
    ekm_buf_clear(&bytes);
  }
}

/* jansson's own reader, which ours replaces (base/json_read.h), takes the same and understands it alike; but that it
 * passes by a NUL behind a number. */
static void compare(const uint8_t *data, size_t size, const json_t *doc) {
  if (size > 0 && memchr(data, 0, size) != NULL) return;
  json_error_t why;
  json_t *other = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, &why);
  bool is_taken = json_is_object(other) && depth(other) <= EKM_LIMIT_JSON_DEPTH;
  FUZZ_CHECK(is_taken == (doc != NULL));
  if (is_taken) FUZZ_CHECK(json_equal(doc, other));
  json_decref(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  json_t *doc = NULL;
  json_t *again = NULL;
  ekm_err err = {0};
  ekm_buf text, text_again;

  bool ok = ekm_json_parse(ekm_view_of(data, size), &doc, &err);
  compare(data, size, doc);
  if (!ok) {
    FUZZ_CHECK(doc == NULL && err.id == EKM_E_ANSWER_NOT_JSON);
    fuzz_check_err(&err);
    return 0;
  }
  ekm_buf_init(&text, TEXT_MAX_BYTES);
  ekm_buf_init(&text_again, TEXT_MAX_BYTES);
  FUZZ_CHECK(json_is_object(doc) && depth(doc) <= EKM_LIMIT_JSON_DEPTH);
  ask(doc);
  FUZZ_CHECK(ekm_json_write(doc, &text, &err));
  FUZZ_CHECK(ekm_json_parse(ekm_buf_view(&text), &again, &err));
  FUZZ_CHECK(json_equal(doc, again));
  FUZZ_CHECK(ekm_json_write(again, &text_again, &err));
  FUZZ_CHECK(ekm_view_equal(ekm_buf_view(&text), ekm_buf_view(&text_again)));
  ekm_buf_clear(&text);
  ekm_buf_clear(&text_again);
  ekm_json_free(&doc);
  ekm_json_free(&again);
  return 0;
}
