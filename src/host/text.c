#include "host/text.h"

#include "base/text.h"
#include "base/utf16.h"

bool host_text_from_abi(const SqlCpStr *str, char *out, size_t out_bytes, const char *what, ekm_err *err) {
  bool ok = false;
  uint32_t cb = str->cb;
  ekm_buf text;
  ekm_buf_init(&text, out_bytes);
  out[0] = '\0';
  if (cb >= 2 && cb % 2 == 0 && str->ws[cb / 2 - 1] == 0) cb -= 2;
  EKM_TRY(ekm_utf16_to_utf8(str->ws, cb, &text, what, err));
  EKM_TRY(ekm_text_copy(out, out_bytes, ekm_buf_text(&text), what, err));
  ok = true;
done:
  ekm_buf_clear(&text);
  return ok;
}

bool host_text_to_abi(const char *text, ekm_buf *units, SqlCpStr *out, ekm_err *err) {
  *out = (SqlCpStr){0};
  if (!ekm_utf16_from_utf8(text, units, err)) return false;
  *out = (SqlCpStr){(uint32_t)units->len, (SqlCpWchar *)(void *)units->ptr};
  return true;
}
