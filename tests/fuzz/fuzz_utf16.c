/* The texts of the engine: UTF-16 to UTF-8 and back. */
#include "base/utf16.h"
#include "fuzz/fuzz.h"

enum { MAX_BYTES = 1 << 16 };

static void check_units(ekm_view in) {
  ekm_err err = {0};
  ekm_buf text, again;
  uint16_t *units = (uint16_t *)(void *)fuzz_copy(in); /* aligned, as the engine's are */

  ekm_buf_init(&text, MAX_BYTES);
  ekm_buf_init(&again, MAX_BYTES);
  if (ekm_utf16_to_utf8(units, in.len, &text, "a text", &err)) {
    FUZZ_CHECK(ekm_utf16_is_utf8(ekm_buf_text(&text), text.len));
    FUZZ_CHECK(ekm_utf16_from_utf8(ekm_buf_text(&text), &again, &err));
    FUZZ_CHECK(ekm_view_equal(ekm_buf_view(&again), in));
  } else {
    FUZZ_CHECK(err.id == EKM_E_TEXT_ENCODING);
    fuzz_check_err(&err);
  }
  ekm_buf_clear(&text);
  ekm_buf_clear(&again);
  free(units);
}

static void check_text(const char *text) {
  ekm_err err = {0};
  ekm_buf units, again;

  ekm_buf_init(&units, MAX_BYTES);
  ekm_buf_init(&again, MAX_BYTES);
  bool ok = ekm_utf16_from_utf8(text, &units, &err);
  FUZZ_CHECK(ok == ekm_utf16_is_utf8(text, strlen(text)));
  if (ok) {
    FUZZ_CHECK(ekm_utf16_to_utf8((const uint16_t *)(void *)units.ptr, units.len, &again, "a text", &err));
    FUZZ_CHECK(ekm_view_equal(ekm_buf_view(&again), ekm_view_text(text)));
  } else {
    FUZZ_CHECK(err.id == EKM_E_TEXT_ENCODING);
    fuzz_check_err(&err);
  }
  ekm_buf_clear(&units);
  ekm_buf_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = fuzz_text(data, size);
  check_units(ekm_view_of(data, size));
  check_text(text);
  free(text);
  return 0;
}
