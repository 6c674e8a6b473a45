#include "provider/argument.h"

#include <string.h>

#include "base/utf16.h"

bool argument_pointer(const void *ptr, size_t alignment, const char *what, ekm_err *err) {
  if (ptr == NULL) return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "%s is NULL", what);
  if ((uintptr_t)ptr % alignment != 0) return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "%s is misaligned", what);
  return true;
}

bool argument_text(const SqlCpStr *str, size_t max_bytes, const char *what, ekm_buf *out, ekm_err *err) {
  if (!argument_pointer(str, _Alignof(SqlCpStr), what, err)) return false;
  if (str->cb == 0) return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "%s is empty", what);
  if (str->cb > max_bytes) return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "%s has more than %zu bytes", what, max_bytes);
  if (!argument_pointer(str->ws, _Alignof(SqlCpWchar), what, err)) return false;
  return ekm_utf16_to_utf8(str->ws, str->cb, out, what, err);
}

bool argument_data(const SqlCpData *data, const char *what, ekm_view *out, ekm_err *err) {
  if (!argument_pointer(data, _Alignof(SqlCpData), what, err)) return false;
  if (data->cb == 0 || data->pb == NULL) return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "%s is empty", what);
  *out = ekm_view_of(data->pb, data->cb);
  return true;
}

bool argument_thumb(const SqlCpKeyThumbprint *thumb, ekm_view *out, ekm_err *err) {
  if (!argument_data(thumb, "the thumbprint", out, err)) return false;
  if (out->len > SQLCP_MAX_THUMBPRINT_BYTES) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "the thumbprint has %zu bytes", out->len);
  }
  return true;
}

bool argument_output(const SqlCpData *data, const char *what, ekm_err *err) {
  return argument_pointer(data, _Alignof(SqlCpData), what, err);
}

bool argument_has_room(SqlCpData *data, size_t need) {
  if (data->pb != NULL && data->cb >= need) return true;
  data->cb = (uint32_t)need;
  return false;
}

bool argument_text_has_room(SqlCpStr *str, size_t need) {
  if (str->ws != NULL && str->cb >= need) return true;
  str->cb = (uint32_t)need;
  return false;
}

bool argument_too_small(ekm_err *err) {
  return EKM_FAIL(err, EKM_E_BUFFER_TOO_SMALL, "the caller asked for a size");
}

bool argument_put(SqlCpData *data, ekm_view bytes, ekm_err *err) {
  if (!argument_has_room(data, bytes.len)) return argument_too_small(err);
  memcpy(data->pb, bytes.ptr, bytes.len);
  data->cb = (uint32_t)bytes.len;
  return true;
}

bool argument_put_text(SqlCpStr *str, ekm_view utf16, ekm_err *err) {
  if (!argument_text_has_room(str, utf16.len)) return argument_too_small(err);
  memcpy(str->ws, utf16.ptr, utf16.len);
  str->cb = (uint32_t)utf16.len;
  return true;
}
