#include "base/utf16.h"

#include <string.h>

static void append_code_point(ekm_buf *out, uint32_t c) {
  if (c < 0x80) {
    ekm_buf_append_char(out, (char)c);
  } else if (c < 0x800) {
    ekm_buf_append(out, (uint8_t[]){(uint8_t)(0xC0 | c >> 6), (uint8_t)(0x80 | (c & 0x3F))}, 2);
  } else if (c < 0x10000) {
    ekm_buf_append(
        out, (uint8_t[]){(uint8_t)(0xE0 | c >> 12), (uint8_t)(0x80 | (c >> 6 & 0x3F)), (uint8_t)(0x80 | (c & 0x3F))},
        3);
  } else {
    ekm_buf_append(out,
                   (uint8_t[]){(uint8_t)(0xF0 | c >> 18), (uint8_t)(0x80 | (c >> 12 & 0x3F)),
                               (uint8_t)(0x80 | (c >> 6 & 0x3F)), (uint8_t)(0x80 | (c & 0x3F))},
                   4);
  }
}

bool ekm_utf16_to_utf8(const uint16_t *units, size_t bytes, ekm_buf *out, const char *what, ekm_err *err) {
  if (bytes % 2 != 0) return EKM_FAIL(err, EKM_E_TEXT_ENCODING, "%s has an odd number of bytes", what);
  for (size_t i = 0; i < bytes / 2; i++) {
    uint32_t c = units[i];
    if (c >= 0xD800 && c < 0xDC00 && i + 1 < bytes / 2 && units[i + 1] >= 0xDC00 && units[i + 1] < 0xE000) {
      c = 0x10000 + ((c - 0xD800) << 10) + (units[i + 1] - 0xDC00u);
      i++;
    } else if ((c >= 0xD800 && c < 0xE000) || c == 0) {
      return EKM_FAIL(err, EKM_E_TEXT_ENCODING, "%s has a broken character at position %zu", what, i);
    }
    append_code_point(out, c);
  }
  return ekm_buf_ok(out, what, err);
}

/* Decode one character of UTF-8 at text[*at]; RFC 3629: no overlong forms, no surrogates, at most U+10FFFF. */
static bool next_code_point(const unsigned char *text, size_t len, size_t *at, uint32_t *out) {
  unsigned char lead = text[*at];
  size_t extra = lead < 0x80                   ? 0
                 : lead >= 0xC2 && lead < 0xE0 ? 1
                 : lead >= 0xE0 && lead < 0xF0 ? 2
                 : lead >= 0xF0 && lead < 0xF5 ? 3
                                               : 9;
  static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
  if (extra == 9 || lead == 0 || *at + extra >= len) return false;
  uint32_t c = extra == 0 ? lead : lead & (0x3Fu >> extra);
  for (size_t i = 1; i <= extra; i++) {
    unsigned char next = text[*at + i];
    if ((next & 0xC0u) != 0x80u) return false;
    c = c << 6 | (next & 0x3Fu);
  }
  if (c < smallest[extra] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return false;
  *at += extra + 1;
  *out = c;
  return true;
}

static void append_units(ekm_buf *out, uint32_t c) {
  uint16_t units[2] = {(uint16_t)c, 0};
  size_t count = 1;
  if (c >= 0x10000) {
    units[0] = (uint16_t)(0xD800 + ((c - 0x10000) >> 10));
    units[1] = (uint16_t)(0xDC00 + ((c - 0x10000) & 0x3FF));
    count = 2;
  }
  for (size_t i = 0; i < count; i++) {
    ekm_buf_append(out, (uint8_t[]){(uint8_t)(units[i] & 0xFF), (uint8_t)(units[i] >> 8)}, 2);
  }
}

bool ekm_utf16_from_utf8(const char *text, ekm_buf *out, ekm_err *err) {
  size_t len = strlen(text);
  size_t at = 0;
  while (at < len) {
    uint32_t c = 0;
    if (!next_code_point((const unsigned char *)text, len, &at, &c)) {
      return EKM_FAIL(err, EKM_E_TEXT_ENCODING, "a text is not UTF-8 at byte %zu", at);
    }
    append_units(out, c);
  }
  return ekm_buf_ok(out, "a text", err);
}

bool ekm_utf16_is_utf8(const char *text, size_t len) {
  size_t at = 0;
  uint32_t ignored;
  while (at < len) {
    if (!next_code_point((const unsigned char *)text, len, &at, &ignored)) return false;
  }
  return true;
}
