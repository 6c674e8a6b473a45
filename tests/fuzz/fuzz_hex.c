/* Hexadecimal digits, both ways. */
#include "base/hex.h"
#include "base/text.h"
#include "fuzz/fuzz.h"

enum { MAX_BYTES = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ekm_err err = {0};
  ekm_buf bytes, digits, again;
  char *text = fuzz_text(data, size);
  bool all_digits = strspn(text, "0123456789abcdefABCDEF") == size;

  ekm_buf_init(&bytes, MAX_BYTES);
  ekm_buf_init(&digits, MAX_BYTES);
  ekm_buf_init(&again, MAX_BYTES);
  FUZZ_CHECK(ekm_hex_is((const char *)data, size) == all_digits);
  bool ok = ekm_hex_decode((const char *)data, size, &bytes, "a text", &err);
  FUZZ_CHECK(ok == (all_digits && size % 2 == 0));
  if (ok) {
    ekm_hex_encode(ekm_buf_view(&bytes), &digits);
    FUZZ_CHECK(fuzz_ok(&digits) && ekm_text_ieq(ekm_buf_text(&digits), text));
  } else {
    FUZZ_CHECK(err.id == EKM_E_TEXT_ENCODING && bytes.len == 0);
    fuzz_check_err(&err);
  }
  ekm_buf_reset(&digits);
  ekm_hex_encode(ekm_view_of(data, size), &digits);
  FUZZ_CHECK(ekm_hex_decode(ekm_buf_text(&digits), digits.len, &again, "a text", &err));
  FUZZ_CHECK(ekm_view_equal(ekm_buf_view(&again), ekm_view_of(data, size)));
  ekm_buf_clear(&bytes);
  ekm_buf_clear(&digits);
  ekm_buf_clear(&again);
  free(text);
  return 0;
}
