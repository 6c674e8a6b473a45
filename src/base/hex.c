#include "base/hex.h"

static const char digits[] = "0123456789abcdef";

void ekm_hex_encode(ekm_view bytes, ekm_buf *out) {
  char *at = (char *)ekm_buf_extend(out, bytes.len * 2);
  if (at != NULL) ekm_hex_text(bytes, at, bytes.len * 2 + 1);
}

void ekm_hex_text(ekm_view bytes, char *out, size_t out_bytes) {
  if (out_bytes == 0) return;
  out[0] = '\0';
  if (out_bytes < bytes.len * 2 + 1) return;
  for (size_t i = 0; i < bytes.len; i++) {
    out[2 * i] = digits[bytes.ptr[i] >> 4];
    out[2 * i + 1] = digits[bytes.ptr[i] & 15];
  }
  out[2 * bytes.len] = '\0';
}

static int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool ekm_hex_is(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (digit_value(text[i]) < 0) return false;
  }
  return true;
}

bool ekm_hex_decode(const char *text, size_t len, ekm_buf *out, const char *what, ekm_err *err) {
  if (len % 2 != 0 || !ekm_hex_is(text, len)) {
    return EKM_FAIL(err, EKM_E_TEXT_ENCODING, "%s is not an even number of hexadecimal digits", what);
  }
  uint8_t *at = ekm_buf_extend(out, len / 2);
  if (at == NULL) return ekm_buf_ok(out, what, err);
  for (size_t i = 0; i < len / 2; i++) {
    at[i] = (uint8_t)((unsigned)digit_value(text[2 * i]) << 4 | (unsigned)digit_value(text[2 * i + 1]));
  }
  return true;
}
