#include "cli/output.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"

enum { COLUMNS_MAX = 12, TABLE_WIDTH_MAX = 132 };

static void append_cell(const json_t *value, ekm_buf *out) {
  if (json_is_string(value)) {
    for (const char *c = json_string_value(value); *c != '\0'; c++) {
      ekm_buf_append_char(out, (unsigned char)*c < 0x20 || *c == 0x7F ? '?' : *c);
    }
  } else if (json_is_integer(value)) {
    ekm_buf_append_fmt(out, "%lld", (long long)json_integer_value(value));
  } else if (json_is_real(value)) {
    ekm_buf_append_fmt(out, "%.2f", json_real_value(value));
  } else if (json_is_boolean(value)) {
    ekm_buf_append_text(out, json_is_true(value) ? "yes" : "no");
  }
}

/* Characters, not bytes; close enough to columns. */
static size_t width_of(const char *text) {
  size_t width = 0;
  for (; *text != '\0'; text++) width += ((unsigned char)*text & 0xC0) != 0x80;
  return width;
}

static size_t cell_width(const json_t *value) {
  ekm_buf cell;
  ekm_buf_init(&cell, EKM_LIMIT_FILE_BYTES);
  append_cell(value, &cell);
  size_t width = width_of(ekm_buf_text(&cell));
  ekm_buf_clear(&cell);
  return width;
}

static void pad(ekm_buf *out, size_t count) {
  for (size_t i = 0; i < count; i++) ekm_buf_append_char(out, ' ');
}

/* "thumb_bytes" is "thumb bytes" for people. */
static void append_label(const char *name, ekm_buf *out) {
  for (; *name != '\0'; name++) ekm_buf_append_char(out, *name == '_' ? ' ' : *name);
}

static bool is_table(const json_t *value) {
  return json_is_array(value) && json_is_object(json_array_get(value, 0));
}

static void append_scalars(json_t *doc, ekm_buf *out) {
  const char *name;
  json_t *value;
  size_t widest = 0;
  json_object_foreach(doc, name, value) {
    if (!json_is_array(value) && !json_is_object(value) && strlen(name) > widest) widest = strlen(name);
  }
  json_object_foreach(doc, name, value) {
    if (json_is_array(value) || json_is_object(value)) continue;
    append_label(name, out);
    pad(out, widest - strlen(name) + 2);
    append_cell(value, out);
    ekm_buf_append_char(out, '\n');
  }
}

/* The columns of a table: the members of its first row. */
typedef struct columns {
  const char *names[COLUMNS_MAX];
  size_t widths[COLUMNS_MAX];
  size_t count;
  size_t total; /* of all widths, with the gaps between them */
} columns;

static columns measure(json_t *rows) {
  columns c = {0};
  const char *name;
  json_t *value, *row;
  size_t index;
  json_object_foreach(json_array_get(rows, 0), name, value) {
    if (c.count < COLUMNS_MAX) c.names[c.count++] = name;
  }
  for (size_t i = 0; i < c.count; i++) {
    c.widths[i] = strlen(c.names[i]);
    json_array_foreach(rows, index, row) {
      size_t width = cell_width(json_object_get(row, c.names[i]));
      if (width > c.widths[i]) c.widths[i] = width;
    }
    c.total += c.widths[i] + 2;
  }
  return c;
}

static void append_row(const json_t *row, const columns *c, ekm_buf *out) {
  for (size_t i = 0; i < c->count; i++) {
    const json_t *value = json_object_get(row, c->names[i]);
    size_t gap = c->widths[i] - cell_width(value);
    if (json_is_number(value)) pad(out, gap);
    append_cell(value, out);
    if (i + 1 < c->count) pad(out, (json_is_number(value) ? 0 : gap) + 2);
  }
  ekm_buf_append_char(out, '\n');
}

/* A number stands right, and so does its heading. */
static void append_table(json_t *rows, const columns *c, ekm_buf *out) {
  size_t index;
  json_t *row;
  for (size_t i = 0; i < c->count; i++) {
    size_t gap = c->widths[i] - strlen(c->names[i]);
    bool right = json_is_number(json_object_get(json_array_get(rows, 0), c->names[i]));
    if (right) pad(out, gap);
    append_label(c->names[i], out);
    if (i + 1 < c->count) pad(out, (right ? 0 : gap) + 2);
  }
  ekm_buf_append_char(out, '\n');
  json_array_foreach(rows, index, row) append_row(row, c, out);
}

/* What is too wide for a table: one block for each row. */
static void append_blocks(json_t *rows, ekm_buf *out) {
  size_t index;
  json_t *row;
  json_array_foreach(rows, index, row) {
    if (index > 0) ekm_buf_append_char(out, '\n');
    append_scalars(row, out);
  }
}

static void append_rows(json_t *rows, ekm_buf *out) {
  columns c = measure(rows);
  if (c.total <= TABLE_WIDTH_MAX) {
    append_table(rows, &c, out);
  } else {
    append_blocks(rows, out);
  }
}

static void append_text(json_t *doc, ekm_buf *out) {
  const char *name;
  json_t *value;
  append_scalars(doc, out);
  json_object_foreach(doc, name, value) {
    if (is_table(value)) {
      if (out->len > 0) ekm_buf_append_char(out, '\n');
      append_rows(value, out);
    } else if (json_is_array(value)) {
      ekm_buf_append_text(out, "no ");
      append_label(name, out);
      ekm_buf_append_char(out, '\n');
    }
  }
}

bool output_print(json_t *doc, bool json, ekm_err *err) {
  bool ok = false;
  ekm_buf text;
  ekm_buf_init(&text, EKM_LIMIT_FILE_BYTES);
  if (json) {
    EKM_TRY(ekm_json_write(doc, &text, err));
    ekm_buf_append_char(&text, '\n');
  } else {
    append_text(doc, &text);
  }
  EKM_TRY(ekm_buf_ok(&text, "the output", err));
  if (fwrite(text.ptr == NULL ? (const uint8_t *)"" : text.ptr, 1, text.len, stdout) != text.len ||
      fflush(stdout) != 0) {
    EKM_BAIL(err, EKM_E_FILE_WRITE, "standard output");
  }
  ok = true;
done:
  ekm_buf_clear(&text);
  return ok;
}
