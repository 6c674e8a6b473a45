/* Inventories: what was read is written as CSV in quotes and read again as the same. */
#include <string.h>

#include "cli/inventory.h"
#include "fuzz/fuzz.h"

enum { TEXT_MAX_BYTES = 1 << 24 };

static void write_row(const inventory *inv, const inventory_row *row, ekm_buf *out) {
  ekm_view thumb = inventory_thumb_view(inv, row->thumb);
  ekm_buf_append_fmt(out, "\"%s\",\"", inventory_kind_name(row->kind));
  for (const char *c = row->name; *c != '\0'; c++) ekm_buf_append_text(out, *c == '"' ? "\"\"" : (char[]){*c, '\0'});
  ekm_buf_append_text(out, "\",0x");
  for (size_t i = 0; i < thumb.len; i++) ekm_buf_append_fmt(out, "%02X", thumb.ptr[i]);
  ekm_buf_append_fmt(out, ",%s\n", row->at);
}

static void check_same(const inventory *a, const inventory *b) {
  FUZZ_CHECK(a->count == b->count && a->thumb_count == b->thumb_count);
  for (size_t i = 0; i < a->count; i++) {
    const inventory_row *x = &a->rows[i], *y = &b->rows[i];
    FUZZ_CHECK(x->kind == y->kind && x->thumb == y->thumb && strcmp(x->name, y->name) == 0 &&
               strcmp(x->at, y->at) == 0);
    FUZZ_CHECK(x->thumb < a->thumb_count && x->name[0] != '\0');
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  inventory inv, again;
  ekm_err err = {0};
  ekm_buf text;
  if (!inventory_parse(ekm_view_of(data, size), "fuzz", &inv, &err)) {
    FUZZ_CHECK(err.id == EKM_E_INVENTORY && inv.rows == NULL && inv.thumbs == NULL);
    fuzz_check_err(&err);
    return 0;
  }
  ekm_buf_init(&text, TEXT_MAX_BYTES);
  ekm_buf_append_text(&text, "kind,name,thumbprint,at\n");
  for (size_t i = 0; i < inv.count; i++) write_row(&inv, &inv.rows[i], &text);
  FUZZ_CHECK(fuzz_ok(&text));
  FUZZ_CHECK(inventory_parse(ekm_buf_view(&text), "fuzz", &again, &err));
  check_same(&inv, &again);
  inventory_clear(&again);
  inventory_clear(&inv);
  ekm_buf_clear(&text);
  return 0;
}
