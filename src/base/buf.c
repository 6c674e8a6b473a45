#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { BUF_FIRST_CAP_BYTES = 64 };

/* However large max is, doubling a capacity must not overflow. */
#define BUF_LIMIT_BYTES (SIZE_MAX / 4)

void ekm_buf_init(ekm_buf *buf, size_t max) {
  memset(buf, 0, sizeof *buf);
  buf->max = max;
}

void ekm_buf_clear(ekm_buf *buf) {
  size_t max = buf->max;
  if (buf->ptr != NULL) {
    ekm_mem_wipe(buf->ptr, buf->cap);
    ekm_mem_free(buf->ptr);
  }
  ekm_buf_init(buf, max);
}

void ekm_buf_reset(ekm_buf *buf) {
  ekm_buf_truncate(buf, 0);
  buf->too_long = false;
  buf->no_memory = false;
}

/* Make room for ${extra} more bytes and a NUL. Never realloc: the old block would keep its bytes. */
static bool reserve(ekm_buf *buf, size_t extra) {
  if (buf->too_long || buf->no_memory) return false;
  if (extra > buf->max - buf->len || extra > BUF_LIMIT_BYTES - buf->len) {
    buf->too_long = true;
    return false;
  }
  size_t need = buf->len + extra + 1;
  if (need <= buf->cap) return true;

  size_t cap = buf->cap == 0 ? BUF_FIRST_CAP_BYTES : buf->cap;
  while (cap < need) cap *= 2;
  ekm_err ignored = {0};
  uint8_t *grown = ekm_mem_alloc(cap, &ignored);
  if (grown == NULL) {
    buf->no_memory = true;
    return false;
  }
  if (buf->ptr != NULL) {
    memcpy(grown, buf->ptr, buf->len);
    ekm_mem_wipe(buf->ptr, buf->cap);
    ekm_mem_free(buf->ptr);
  }
  buf->ptr = grown;
  buf->cap = cap;
  return true;
}

uint8_t *ekm_buf_extend(ekm_buf *buf, size_t len) {
  if (!reserve(buf, len)) return NULL;
  uint8_t *start = buf->ptr + buf->len;
  memset(start, 0, len + 1);
  buf->len += len;
  return start;
}

void ekm_buf_append(ekm_buf *buf, const void *bytes, size_t len) {
  if (!reserve(buf, len)) return;
  if (len > 0) memcpy(buf->ptr + buf->len, bytes, len);
  buf->len += len;
  buf->ptr[buf->len] = 0;
}

void ekm_buf_append_view(ekm_buf *buf, ekm_view view) {
  ekm_buf_append(buf, view.ptr, view.len);
}

void ekm_buf_append_text(ekm_buf *buf, const char *text) {
  ekm_buf_append(buf, text, strlen(text));
}

void ekm_buf_append_char(ekm_buf *buf, char c) {
  ekm_buf_append(buf, &c, 1);
}

void ekm_buf_append_fmt(ekm_buf *buf, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  int len = vsnprintf(NULL, 0, fmt, args);
  va_end(args);
  if (len < 0) buf->too_long = true; /* more than INT_MAX bytes, or no text at all: not what the caller wants */
  if (len < 0 || !reserve(buf, (size_t)len)) return;
  va_start(args, fmt);
  (void)vsnprintf((char *)buf->ptr + buf->len, (size_t)len + 1, fmt, args);
  va_end(args);
  buf->len += (size_t)len;
}

void ekm_buf_truncate(ekm_buf *buf, size_t len) {
  if (len >= buf->len) return;
  ekm_mem_wipe(buf->ptr + len, buf->len - len);
  buf->len = len;
}

bool ekm_buf_ok(const ekm_buf *buf, const char *what, ekm_err *err) {
  if (buf->no_memory) return EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "for %s", what);
  if (buf->too_long) return EKM_FAIL(err, EKM_E_LIMIT, "%s is longer than %zu bytes", what, buf->max);
  return true;
}

const char *ekm_buf_text(const ekm_buf *buf) {
  return buf->ptr == NULL ? "" : (const char *)buf->ptr;
}

ekm_view ekm_buf_view(const ekm_buf *buf) {
  return ekm_view_of(buf->ptr, buf->len);
}

ekm_view ekm_view_of(const void *ptr, size_t len) {
  return (ekm_view){ptr, len};
}

ekm_view ekm_view_text(const char *text) {
  return ekm_view_of(text, strlen(text));
}

bool ekm_view_equal(ekm_view a, ekm_view b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
