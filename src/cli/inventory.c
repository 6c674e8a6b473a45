#include "cli/inventory.h"

#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf16.h"

enum { FIELDS = 4, FIELD_BYTES = 600, FIRST_ROWS = 64 };

static const char *const kinds[] = {"asymmetric key", "database", "log", "backup"};
static const char *const headings[FIELDS] = {"kind", "name", "thumbprint", "at"};

enum { KIND, NAME, THUMB, AT };

typedef struct reader {
  const char *file;
  size_t line;    /* from 1 */
  char separator; /* 0: no heading yet */
  bool ended;     /* by a count of rows; only a heading may follow */
  inventory *out;
} reader;

typedef struct fields {
  char each[FIELDS][FIELD_BYTES];
} fields;

const char *inventory_kind_name(inventory_kind kind) {
  return kinds[kind];
}

ekm_view inventory_thumb_view(const inventory *inv, size_t index) {
  return ekm_view_of(inv->thumbs[index].bytes, inv->thumbs[index].len);
}

void inventory_clear(inventory *inv) {
  ekm_mem_free(inv->rows);
  ekm_mem_free(inv->thumbs);
  memset(inv, 0, sizeof *inv);
}

static bool bad(const reader *r, const char *why, ekm_err *err) {
  return EKM_FAIL(err, EKM_E_INVENTORY, "'%s' line %zu: %s", r->file, r->line, why);
}

/* --- one line, taken apart ---------------------------------------------------------------------------------------- */

static ekm_view trim(ekm_view text) {
  while (text.len > 0 && (text.ptr[0] == ' ')) text = ekm_view_of(text.ptr + 1, text.len - 1);
  while (text.len > 0 && text.ptr[text.len - 1] == ' ') text.len--;
  return text;
}

static bool put(const reader *r, ekm_view text, char out[FIELD_BYTES], ekm_err *err) {
  if (text.len >= FIELD_BYTES) return bad(r, "a value is too long", err);
  memcpy(out, text.ptr, text.len);
  out[text.len] = '\0';
  return true;
}

/* A value in quotes at ${line}; *${used} is what it takes up, with its quotes. */
static bool put_quoted(const reader *r, ekm_view line, char out[FIELD_BYTES], size_t *used, ekm_err *err) {
  size_t len = 0;
  for (size_t i = 1; i < line.len; i++) {
    bool is_quote = line.ptr[i] == '"';
    if (is_quote && (i + 1 == line.len || line.ptr[i + 1] != '"')) {
      out[len] = '\0';
      *used = i + 1;
      return true;
    }
    if (is_quote) i++;
    if (len + 1 >= FIELD_BYTES) return bad(r, "a value is too long", err);
    out[len++] = (char)line.ptr[i];
  }
  return bad(r, "a value in quotes does not end", err);
}

/* The next value of ${rest}, which moves behind its separator; *${more} tells whether there was one. */
static bool next_value(const reader *r, ekm_view *rest, char out[FIELD_BYTES], bool *more, ekm_err *err) {
  ekm_view line = *rest;
  size_t used = 0;
  while (line.len > 0 && line.ptr[0] == ' ') line = ekm_view_of(line.ptr + 1, line.len - 1);
  if (line.len > 0 && line.ptr[0] == '"') {
    if (!put_quoted(r, line, out, &used, err)) return false;
    while (used < line.len && line.ptr[used] == ' ') used++;
    if (used < line.len && line.ptr[used] != (uint8_t)r->separator) return bad(r, "text behind a quoted value", err);
  } else {
    const uint8_t *at = line.len == 0 ? NULL : memchr(line.ptr, r->separator, line.len);
    used = at == NULL ? line.len : (size_t)(at - line.ptr);
    if (!put(r, trim(ekm_view_of(line.ptr, used)), out, err)) return false;
  }
  *more = used < line.len;
  *rest = *more ? ekm_view_of(line.ptr + used + 1, line.len - used - 1) : ekm_view_of(line.ptr + used, 0);
  return true;
}

static size_t count_separators(const reader *r, ekm_view text) {
  size_t count = 0;
  for (size_t i = 0; i < text.len; i++) count += text.ptr[i] == (uint8_t)r->separator;
  return count;
}

/* The last separator of ${text}; there is one. */
static size_t last_separator(const reader *r, ekm_view text) {
  size_t at = text.len - 1;
  while (text.ptr[at] != (uint8_t)r->separator) at--;
  return at;
}

/* Of a name that is not quoted everything but the last two values is part. */
static bool take_loose_name(const reader *r, ekm_view *rest, char out[FIELD_BYTES], ekm_err *err) {
  size_t end = last_separator(r, *rest);
  end = last_separator(r, ekm_view_of(rest->ptr, end));
  if (!put(r, trim(ekm_view_of(rest->ptr, end)), out, err)) return false;
  *rest = ekm_view_of(rest->ptr + end + 1, rest->len - end - 1);
  return true;
}

static bool split(const reader *r, ekm_view line, fields *out, ekm_err *err) {
  bool more = true;
  ekm_view rest = line;
  for (size_t i = 0; i < FIELDS; i++) {
    if (!more) return bad(r, "it has fewer than four values", err);
    bool is_loose = i == NAME && trim(rest).len > 0 && trim(rest).ptr[0] != '"' && count_separators(r, rest) > 2;
    if (is_loose ? !take_loose_name(r, &rest, out->each[i], err) : !next_value(r, &rest, out->each[i], &more, err)) {
      return false;
    }
  }
  return !more || bad(r, "it has more than four values", err);
}

/* --- one row ------------------------------------------------------------------------------------------------------ */

static bool is_null(const char *text) {
  return text[0] == '\0' || strcmp(text, "NULL") == 0;
}

static bool grow(void **items, size_t count, size_t *cap, size_t size, ekm_err *err) {
  if (count < *cap) return true;
  size_t wanted = *cap == 0 ? FIRST_ROWS : 2 * *cap;
  void *grown = ekm_mem_grow(*items, *cap, wanted, size, err);
  if (grown == NULL) return false;
  *items = grown;
  *cap = wanted;
  return true;
}

static bool add_thumb(inventory *out, const inventory_thumb *thumb, size_t *out_index, ekm_err *err) {
  ekm_view bytes = ekm_view_of(thumb->bytes, thumb->len);
  for (size_t i = 0; i < out->thumb_count; i++) {
    *out_index = i;
    if (ekm_view_equal(inventory_thumb_view(out, i), bytes)) return true;
  }
  void *items = out->thumbs;
  if (!grow(&items, out->thumb_count, &out->thumb_cap, sizeof *thumb, err)) return false;
  out->thumbs = items;
  *out_index = out->thumb_count;
  out->thumbs[out->thumb_count++] = *thumb;
  return true;
}

static bool take_thumb(const reader *r, const char *text, size_t *out_index, ekm_err *err) {
  inventory_thumb thumb = {.len = 0};
  ekm_buf bytes;
  if (text[0] != '0' || (text[1] != 'x' && text[1] != 'X')) return bad(r, "the thumbprint does not begin with 0x", err);
  size_t digits = strlen(text + 2);
  if (digits == 0 || digits % 2 != 0 || digits > 2 * sizeof thumb.bytes || !ekm_hex_is(text + 2, digits)) {
    return bad(r, "the thumbprint is not 1 to 32 bytes in hexadecimal digits", err);
  }
  ekm_buf_init(&bytes, sizeof thumb.bytes);
  bool ok = ekm_hex_decode(text + 2, digits, &bytes, "a thumbprint", err);
  if (ok) memcpy(thumb.bytes, bytes.ptr, bytes.len);
  thumb.len = bytes.len;
  ekm_buf_clear(&bytes);
  return ok && add_thumb(r->out, &thumb, out_index, err);
}

static bool take_kind(const reader *r, const char *text, inventory_kind *out, ekm_err *err) {
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    if (!ekm_text_ieq(text, kinds[i])) continue;
    *out = (inventory_kind)i;
    return true;
  }
  return bad(r, "its kind is none of asymmetric key, database, log, backup", err);
}

static bool take_at(const reader *r, const char *text, char out[INVENTORY_AT_BYTES], ekm_err *err) {
  if (is_null(text)) return true;
  size_t len = strlen(text);
  if (len >= INVENTORY_AT_BYTES || text[0] < '0' || text[0] > '9' || !ekm_text_is_made_of(text, len, "-:. +")) {
    return bad(r, "its last value is no time", err);
  }
  memcpy(out, text, len + 1);
  return true;
}

static bool take_row(reader *r, ekm_view line, ekm_err *err) {
  fields f;
  inventory_row row = {.thumb = 0};
  void *items = r->out->rows;
  if (!split(r, line, &f, err) || !take_kind(r, f.each[KIND], &row.kind, err)) return false;
  size_t len = strlen(f.each[NAME]);
  if (len == 0 || len >= sizeof row.name) return bad(r, "its name is empty or too long", err);
  memcpy(row.name, f.each[NAME], len + 1);
  if (!take_thumb(r, f.each[THUMB], &row.thumb, err) || !take_at(r, f.each[AT], row.at, err)) return false;
  if (!grow(&items, r->out->count, &r->out->cap, sizeof row, err)) return false;
  r->out->rows = items;
  r->out->rows[r->out->count++] = row;
  return true;
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

static bool is_heading(const reader *r, ekm_view line) {
  fields f;
  ekm_err ignored = {0};
  if (!split(r, line, &f, &ignored)) return false;
  for (size_t i = 0; i < FIELDS; i++) {
    if (!ekm_text_ieq(f.each[i], headings[i])) return false;
  }
  return true;
}

/* Is the line a heading, by any separator? */
static bool take_heading(reader *r, ekm_view line) {
  static const char separators[] = ",;\t|";
  for (const char *c = separators; *c != '\0'; c++) {
    reader with = *r;
    with.separator = *c;
    if (!is_heading(&with, line)) continue;
    r->separator = *c;
    r->ended = false;
    return true;
  }
  return false;
}

static bool is_rule(const reader *r, ekm_view line) {
  if (trim(line).ptr[0] != '-') return false;
  for (size_t i = 0; i < line.len; i++) {
    if (line.ptr[i] != '-' && line.ptr[i] != ' ' && line.ptr[i] != (uint8_t)r->separator) return false;
  }
  return true;
}

/* "(4 rows affected)", and what Management Studio writes behind it. */
static bool is_end(const reader *r, ekm_view line) {
  static const char completion[] = "Completion time:";
  if (line.ptr[0] == '(' && line.ptr[line.len - 1] == ')') return true;
  return r->ended && line.len >= sizeof completion && strncmp((const char *)line.ptr, completion, 16) == 0;
}

static bool take_line(reader *r, ekm_view line, ekm_err *err) {
  for (size_t i = 0; i < line.len; i++) {
    if ((line.ptr[i] < ' ' && line.ptr[i] != '\t') || line.ptr[i] == 0x7F) return bad(r, "a control character", err);
  }
  if (trim(line).len == 0 || take_heading(r, line)) return true;
  if (r->separator == '\0') {
    return bad(r, "the heading kind,name,thumbprint,at must come first: save the result with its heading", err);
  }
  if (is_end(r, trim(line))) {
    r->ended = true;
    return true;
  }
  if (r->ended) return bad(r, "there is something behind the count of rows", err);
  return is_rule(r, line) || take_row(r, line, err);
}

static bool take_lines(reader *r, ekm_view text, ekm_err *err) {
  while (text.len > 0) {
    const uint8_t *end = memchr(text.ptr, '\n', text.len);
    size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);
    ekm_view line = ekm_view_of(text.ptr, len);
    if (line.len > 0 && line.ptr[line.len - 1] == '\r') line.len--;
    r->line++;
    if (!ekm_utf16_is_utf8((const char *)line.ptr, line.len)) {
      return bad(r, "it is no UTF-8: save the file as Unicode or UTF-8 (sqlcmd -u, or -f o:65001)", err);
    }
    if (!take_line(r, line, err)) return false;
    len += end == NULL ? 0 : 1;
    text = ekm_view_of(text.ptr + len, text.len - len);
  }
  return r->out->count > 0 || bad(r, "there is no row: is this the instance that uses the keys?", err);
}

/* --- encodings ---------------------------------------------------------------------------------------------------- */

/* UTF-16 of either order becomes UTF-8; without a mark it is known by the zero in its first or second byte. */
static bool decode(ekm_view text, const char *name, ekm_buf *out, ekm_err *err) {
  ekm_buf units;
  ekm_err why = {0};
  const uint8_t *p = text.ptr;
  if (text.len >= 3 && p[0] == 0xEF && p[1] == 0xBB && p[2] == 0xBF) text = ekm_view_of(p + 3, text.len - 3);
  bool has_mark = text.len >= 2 && ((p[0] == 0xFF && p[1] == 0xFE) || (p[0] == 0xFE && p[1] == 0xFF));
  bool is_wide = has_mark || (text.len >= 2 && (p[0] == 0) != (p[1] == 0));
  if (!is_wide) {
    ekm_buf_append_view(out, text);
    return ekm_buf_ok(out, name, err);
  }
  size_t swap = has_mark ? p[0] == 0xFE : p[0] == 0;
  ekm_buf_init(&units, EKM_LIMIT_FILE_BYTES);
  for (size_t i = has_mark ? 2 : 0; i < text.len; i++) {
    size_t from = i + 1 == text.len && i % 2 == 0 ? i : i ^ swap;
    ekm_buf_append_char(&units, (char)p[from]);
  }
  bool ok = ekm_buf_ok(&units, name, err);
  if (ok && units.len > 0) {
    ok = ekm_utf16_to_utf8((const uint16_t *)(const void *)units.ptr, units.len, out, name, &why) ||
         EKM_FAIL(err, EKM_E_INVENTORY, "'%s' is no valid UTF-16", name);
  }
  ekm_buf_clear(&units);
  return ok;
}

bool inventory_parse(ekm_view text, const char *name, inventory *out, ekm_err *err) {
  ekm_buf utf8;
  reader r = {.file = name, .out = out};
  memset(out, 0, sizeof *out);
  ekm_buf_init(&utf8, 2 * EKM_LIMIT_FILE_BYTES);
  bool ok = decode(text, name, &utf8, err) && take_lines(&r, ekm_buf_view(&utf8), err);
  ekm_buf_clear(&utf8);
  if (!ok) inventory_clear(out);
  return ok;
}

bool inventory_read(const char *path, inventory *out, ekm_err *err) {
  ekm_buf text;
  ekm_buf_init(&text, EKM_LIMIT_FILE_BYTES);
  bool ok = ekm_file_read(path, &text, err) && inventory_parse(ekm_buf_view(&text), path, out, err);
  ekm_buf_clear(&text);
  return ok;
}
