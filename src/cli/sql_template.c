#include "cli/sql_template.h"

#include <string.h>

enum { PLACE_MAX_CHARS = 32 };

static const char *value_of(const sql_value *values, size_t count, const char *place, size_t len) {
  for (size_t i = 0; i < count; i++) {
    if (strlen(values[i].place) == len && strncmp(values[i].place, place, len) == 0) return values[i].text;
  }
  return NULL;
}

static size_t chars_of(const char *text) {
  size_t chars = 0;
  for (; *text != '\0'; text++) chars += ((unsigned char)*text & 0xC0) != 0x80;
  return chars;
}

/* A line break in a value could begin another statement where somebody reads the script, not only runs it. */
static bool check(const char *place, const char *text, bool is_name, ekm_err *err) {
  for (const char *c = text; *c != '\0'; c++) {
    if ((unsigned char)*c < ' ' || *c == 0x7F) {
      return EKM_FAIL(err, EKM_E_USAGE, "there is a control character in the value for %s", place);
    }
  }
  if (is_name && text[0] == '\0') return EKM_FAIL(err, EKM_E_USAGE, "the name for %s is empty", place);
  if (is_name && chars_of(text) > SQL_NAME_MAX_CHARS) {
    return EKM_FAIL(err, EKM_E_USAGE, "the name for %s is longer than %d characters", place, SQL_NAME_MAX_CHARS);
  }
  return true;
}

static void append_quoted(const char *text, char open, char close, ekm_buf *out) {
  bool is_ascii = true;
  for (const char *c = text; *c != '\0'; c++) is_ascii = is_ascii && (unsigned char)*c < 0x80;
  if (!is_ascii && open == '\'') ekm_buf_append_char(out, 'N');
  ekm_buf_append_char(out, open);
  for (; *text != '\0'; text++) {
    if (*text == close) ekm_buf_append_char(out, close);
    ekm_buf_append_char(out, *text);
  }
  ekm_buf_append_char(out, close);
}

/* The place at ${*at}, which is behind '$'. */
static bool fill_place(const char **at, const sql_value *values, size_t count, ekm_buf *out, ekm_err *err) {
  char place[PLACE_MAX_CHARS + 1] = "";
  char close = **at == '[' ? ']' : '\'';
  const char *begin = *at + 1;
  const char *end = strchr(begin, close);
  size_t len = end == NULL ? 0 : (size_t)(end - begin);
  const char *text = len == 0 || len > PLACE_MAX_CHARS ? NULL : value_of(values, count, begin, len);
  if (text == NULL) return EKM_FAIL(err, EKM_E_INTERNAL, "a place in a template has no value");
  memcpy(place, begin, len);
  if (!check(place, text, close == ']', err)) return false;
  append_quoted(text, **at, close, out);
  *at = end + 1;
  return true;
}

bool sql_template_fill(const char *text, const sql_value *values, size_t count, ekm_buf *out, ekm_err *err) {
  while (*text != '\0') {
    bool is_place = text[0] == '$' && (text[1] == '[' || text[1] == '\'');
    if (!is_place) {
      ekm_buf_append_char(out, *text++);
      continue;
    }
    text++;
    if (!fill_place(&text, values, count, out, err)) return false;
  }
  return ekm_buf_ok(out, "a script", err);
}
