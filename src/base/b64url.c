#include "base/b64url.h"

#include <stdint.h>

void ekm_b64url_encode(ekm_view bytes, ekm_buf *out) {
  /* In one line of the cache: which of its digits is looked up for a plaintext key leaves no trace there. */
  static const _Alignas(64) char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  size_t whole = bytes.len / 3;
  size_t rest = bytes.len % 3;
  char *at = (char *)ekm_buf_extend(out, whole * 4 + (rest == 0 ? 0 : rest + 1));
  if (at == NULL) return;
  const uint8_t *in = bytes.ptr;
  for (size_t i = 0; i < whole; i++, in += 3) {
    uint32_t group = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
    *at++ = digits[group >> 18];
    *at++ = digits[group >> 12 & 63];
    *at++ = digits[group >> 6 & 63];
    *at++ = digits[group & 63];
  }
  if (rest > 0) {
    uint32_t group = (uint32_t)in[0] << 16 | (rest == 2 ? (uint32_t)in[1] << 8 : 0);
    *at++ = digits[group >> 18];
    *at++ = digits[group >> 12 & 63];
    if (rest == 2) *at++ = digits[group >> 6 & 63];
  }
}

/* Not a table: plaintext keys pass through here, and a table look-up leaves a trace of them in the cache. */
static int digit_value(char c) {
  unsigned u = (unsigned char)c;
  int value = -1;
  value += (int)((((unsigned)'A' - 1 - u) & (u - ('Z' + 1))) >> 31) * (int)(u - 'A' + 1);
  value += (int)((((unsigned)'a' - 1 - u) & (u - ('z' + 1))) >> 31) * (int)(u - 'a' + 27);
  value += (int)((((unsigned)'0' - 1 - u) & (u - ('9' + 1))) >> 31) * (int)(u - '0' + 53);
  value += (int)((((unsigned)'-' - 1 - u) & (u - ('-' + 1))) >> 31) * 63;
  value += (int)((((unsigned)'_' - 1 - u) & (u - ('_' + 1))) >> 31) * 64;
  return value;
}

bool ekm_b64url_decode(const char *text, size_t len, ekm_buf *out, const char *what, ekm_err *err) {
  if (len > 0 && len % 4 == 0 && text[len - 1] == '=') len -= text[len - 2] == '=' ? 2 : 1;
  if (len % 4 == 1) return EKM_FAIL(err, EKM_E_TEXT_ENCODING, "%s has a length that base64url never has", what);
  size_t before = out->len;
  uint8_t *at = ekm_buf_extend(out, len / 4 * 3 + (len % 4 == 0 ? 0 : len % 4 - 1));
  if (at == NULL) return ekm_buf_ok(out, what, err);

  uint32_t group = 0;
  int bits = 0;
  int bad = 0;
  for (size_t i = 0; i < len; i++) {
    int value = digit_value(text[i]);
    bad |= value;
    group = group << 6 | ((uint32_t)value & 63);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      *at++ = (uint8_t)(group >> bits);
    }
  }
  if (bad < 0 || (group & ((1u << bits) - 1)) != 0) {
    ekm_buf_truncate(out, before);
    return EKM_FAIL(err, EKM_E_TEXT_ENCODING, "%s is not base64url", what);
  }
  return true;
}
