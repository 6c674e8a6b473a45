#include "base/json_read.h"

#include <float.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf16.h"

/* What is read, and how far. The characters of texts, without their escapes, stand in ${words}, from an offset on that
 * their reader knows: names wait there until their value has been read.
 *
 *   {"name" : {"x" : "text" } }        words   name 0 x 0 text
 *                    ^ at                      ^      ^   ^    offsets */
typedef struct reader {
  const char *text;
  size_t len, at;
  int depth;
  ekm_buf words;
  const char *why; /* what is wrong at ${at}; NULL: nothing, or there is no memory */
} reader;

enum { DECIMAL_POINT_BYTES = 16 };

static json_t *read_value(reader *r);

static bool refuse(reader *r, const char *why) {
  if (r->why == NULL) r->why = why;
  return false;
}

static json_t *none(reader *r, const char *why) {
  (void)refuse(r, why);
  return NULL;
}

/* The next character, or 0 at the end; a NUL in the text is no character of JSON either. */
static char peek(const reader *r) {
  return r->at < r->len ? r->text[r->at] : '\0';
}

static char skip_blanks(reader *r) {
  char c = peek(r);
  while (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
    r->at++;
    c = peek(r);
  }
  return c;
}

/* --- words and numbers -------------------------------------------------------------------------------------------- */

static bool take_word(reader *r, const char *word) {
  size_t len = strlen(word);
  if (r->len - r->at < len || !ekm_view_equal(ekm_view_of(r->text + r->at, len), ekm_view_of(word, len))) return false;
  r->at += len;
  return true;
}

static size_t skip_digits(reader *r) {
  size_t start = r->at;
  while (peek(r) >= '0' && peek(r) <= '9') r->at++;
  return r->at - start;
}

/* -?(0|[1-9][0-9]*) that fits into 64 bits. */
static bool whole_number(const char *text, size_t len, json_int_t *out) {
  bool negative = text[0] == '-';
  json_int_t value = 0;
  for (size_t i = negative ? 1 : 0; i < len; i++) {
    int digit = text[i] - '0';
    if (value < (INT64_MIN + digit) / 10) return false;
    value = 10 * value - digit; /* downwards, where there is one more */
  }
  if (!negative && value == INT64_MIN) return false;
  *out = negative ? value : -value;
  return true;
}

/* strtod wants the decimal point of the process's locale. */
static json_t *real_number(reader *r, const char *text, size_t len) {
  size_t start = r->words.len;
  const char *point = memchr(text, '.', len);
  size_t before = point == NULL ? len : (size_t)(point - text);
  ekm_buf_append(&r->words, text, before);
  if (point != NULL) {
    ekm_buf_append_text(&r->words, localeconv()->decimal_point);
    ekm_buf_append(&r->words, point + 1, len - before - 1);
  }
  if (r->words.no_memory || r->words.too_long) return NULL;
  double value = strtod(ekm_buf_text(&r->words) + start, NULL);
  ekm_buf_truncate(&r->words, start);
  return value >= -DBL_MAX && value <= DBL_MAX ? json_real(value) : none(r, "a number is too large");
}

static json_t *read_number(reader *r) {
  size_t start = r->at;
  bool is_whole = true;
  json_int_t whole;
  if (peek(r) == '-') r->at++;
  bool leading_zero = peek(r) == '0';
  size_t digits = skip_digits(r);
  if (digits == 0 || (leading_zero && digits > 1)) return none(r, "a number is none");
  if (peek(r) == '.') {
    is_whole = false;
    r->at++;
    if (skip_digits(r) == 0) return none(r, "a number is none");
  }
  if (peek(r) == 'e' || peek(r) == 'E') {
    is_whole = false;
    r->at++;
    if (peek(r) == '+' || peek(r) == '-') r->at++;
    if (skip_digits(r) == 0) return none(r, "a number is none");
  }
  if (is_whole) {
    if (!whole_number(r->text + start, r->at - start, &whole)) return none(r, "a number is too large");
    return json_integer(whole);
  }
  return real_number(r, r->text + start, r->at - start);
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

static bool take_hex4(reader *r, uint16_t *out) {
  unsigned value = 0;
  for (int i = 0; i < 4; i++, r->at++) {
    char c = peek(r);
    unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                            : 16;
    if (digit == 16) return false;
    value = value << 4 | digit;
  }
  *out = (uint16_t)value;
  return true;
}

/* Behind "\u": four digits, and for a character beyond the first 65,536 a second half. */
static bool take_unicode(reader *r) {
  uint16_t units[2];
  ekm_err ignored = {0};
  if (!take_hex4(r, &units[0])) return false;
  size_t count = units[0] >= 0xD800 && units[0] < 0xDC00 ? 2 : 1;
  if (count == 2 && (!take_word(r, "\\u") || !take_hex4(r, &units[1]))) return false;
  return ekm_utf16_to_utf8(units, 2 * count, &r->words, "a text", &ignored) || r->words.no_memory;
}

static bool take_escape(reader *r) {
  static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
  char c = peek(r);
  const char *name = c == '\0' ? NULL : strchr(names, c);
  r->at++;
  if (c == 'u') return take_unicode(r);
  if (name == NULL) return false;
  ekm_buf_append_char(&r->words, values[name - names]);
  return true;
}

/* Append the characters of a text to ${words}. */
static bool read_word(reader *r) {
  size_t first = r->words.len;
  if (peek(r) != '"') return refuse(r, "a text is missing");
  r->at++;
  for (;;) {
    size_t start = r->at;
    while (r->at < r->len && (unsigned char)r->text[r->at] >= ' ' && r->text[r->at] != '"' && r->text[r->at] != '\\') {
      r->at++;
    }
    ekm_buf_append(&r->words, r->text + start, r->at - start);
    char c = peek(r);
    if (c != '"' && c != '\\') return refuse(r, "a text does not end, or has a control character");
    r->at++;
    if (c == '"') break;
    if (!take_escape(r)) return refuse(r, "an escape is none");
  }
  if (r->words.no_memory || r->words.too_long) return false;
  return ekm_utf16_is_utf8(ekm_buf_text(&r->words) + first, r->words.len - first) || refuse(r, "a text is not UTF-8");
}

static json_t *read_text(reader *r) {
  size_t start = r->words.len;
  json_t *text = NULL;
  if (read_word(r)) text = json_stringn_nocheck(ekm_buf_text(&r->words) + start, r->words.len - start);
  ekm_buf_truncate(&r->words, start);
  return text;
}

/* --- arrays and objects ------------------------------------------------------------------------------------------- */

/* Behind an item: is there another one? False at the end, which is taken, or with ${why}. */
static bool goes_on(reader *r, char end) {
  char c = skip_blanks(r);
  if (c != ',' && c != end) return refuse(r, "a comma or an end is missing");
  r->at++;
  return c == ',';
}

static bool enter(reader *r, char end, bool *out_empty) {
  r->at++;
  if (++r->depth > EKM_LIMIT_JSON_DEPTH) return refuse(r, "it is nested too deep");
  *out_empty = skip_blanks(r) == end;
  if (*out_empty) r->at++;
  return true;
}

static json_t *leave(reader *r, json_t *whole, bool ok) {
  r->depth--;
  if (ok && r->why == NULL) return whole;
  json_decref(whole);
  return NULL;
}

static json_t *read_array(reader *r) {
  bool empty;
  json_t *array = enter(r, ']', &empty) ? json_array() : NULL;
  bool ok = array != NULL;
  for (bool more = ok && !empty; more; more = ok && goes_on(r, ']')) {
    ok = json_array_append_new(array, read_value(r)) == 0; /* which takes a NULL, and refuses it */
  }
  return leave(r, array, ok);
}

static bool read_member(reader *r, json_t *object) {
  size_t name = r->words.len;
  (void)skip_blanks(r);
  if (!read_word(r)) return false;
  ekm_buf_append_char(&r->words, '\0');
  if (r->words.no_memory || r->words.too_long) return false;
  if (json_object_get(object, ekm_buf_text(&r->words) + name) != NULL) return refuse(r, "a name is there twice");
  if (skip_blanks(r) != ':') return refuse(r, "a colon is missing");
  r->at++;
  json_t *value = read_value(r); /* the words may move meanwhile */
  bool ok = json_object_set_new_nocheck(object, ekm_buf_text(&r->words) + name, value) == 0;
  ekm_buf_truncate(&r->words, name);
  return ok;
}

static json_t *read_object(reader *r) {
  bool empty;
  json_t *object = enter(r, '}', &empty) ? json_object() : NULL;
  bool ok = object != NULL;
  for (bool more = ok && !empty; more; more = ok && goes_on(r, '}')) ok = read_member(r, object);
  return leave(r, object, ok);
}

static json_t *read_value(reader *r) {
  char c = skip_blanks(r);
  if (c == '{') return read_object(r);
  if (c == '[') return read_array(r);
  if (c == '"') return read_text(r);
  if (c == '-' || (c >= '0' && c <= '9')) return read_number(r);
  if (take_word(r, "true")) return json_true();
  if (take_word(r, "false")) return json_false();
  if (take_word(r, "null")) return json_null();
  return none(r, "a value is missing");
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static bool raise_why(const reader *r, ekm_err *err) {
  size_t line = 1, column = 1;
  if (r->why == NULL) return EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "for a JSON document");
  for (size_t i = 0; i < r->at && i < r->len; i++) {
    column = r->text[i] == '\n' ? 1 : column + 1;
    line += r->text[i] == '\n' ? 1 : 0;
  }
  return EKM_FAIL(err, EKM_E_ANSWER_NOT_JSON, "%s at line %zu, column %zu", r->why, line, column);
}

bool ekm_json_read(ekm_view text, json_t **out_doc, ekm_err *err) {
  reader r = {.text = (const char *)text.ptr, .len = text.len};
  ekm_buf_init(&r.words, text.len + DECIMAL_POINT_BYTES); /* an escape is longer than what it stands for */
  json_t *doc = read_value(&r);
  if (doc != NULL && (skip_blanks(&r) != '\0' || r.at < r.len)) {
    (void)refuse(&r, "something follows the end");
    json_decref(doc);
    doc = NULL;
  }
  ekm_buf_clear(&r.words);
  *out_doc = doc;
  return doc != NULL || raise_why(&r, err);
}
