/* base64url, both ways: a text has one value, and a value has one text. */
#include "base/b64url.h"
#include "fuzz/fuzz.h"

enum { MAX_BYTES = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ekm_err err = {0};
  ekm_buf bytes, text, again;

  ekm_buf_init(&bytes, MAX_BYTES);
  ekm_buf_init(&text, MAX_BYTES);
  ekm_buf_init(&again, MAX_BYTES);
  ekm_buf_append_char(&bytes, '!'); /* what is there already stays */
  if (ekm_b64url_decode((const char *)data, size, &bytes, "a text", &err)) {
    ekm_b64url_encode(ekm_view_of(bytes.ptr + 1, bytes.len - 1), &text);
    FUZZ_CHECK(fuzz_ok(&text) && text.len <= size && size - text.len <= 2);
    FUZZ_CHECK(ekm_view_equal(ekm_buf_view(&text), ekm_view_of(data, text.len)));
    for (size_t i = text.len; i < size; i++) FUZZ_CHECK(data[i] == '=');
  } else {
    FUZZ_CHECK(err.id == EKM_E_TEXT_ENCODING && bytes.len == 1);
    fuzz_check_err(&err);
  }
  FUZZ_CHECK(bytes.ptr[0] == '!');
  ekm_buf_reset(&text);
  ekm_b64url_encode(ekm_view_of(data, size), &text);
  FUZZ_CHECK(ekm_b64url_decode(ekm_buf_text(&text), text.len, &again, "a text", &err));
  FUZZ_CHECK(ekm_view_equal(ekm_buf_view(&again), ekm_view_of(data, size)));
  ekm_buf_clear(&bytes);
  ekm_buf_clear(&text);
  ekm_buf_clear(&again);
  return 0;
}
