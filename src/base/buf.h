/* Bytes: an owner that grows up to a limit and wipes what it lets go, and a borrowed view.
 *
 * Appends after a failure do nothing, so a chain of appends needs one check at its end:
 *
 *   ekm_buf_append_text(&url, "https://");
 *   ekm_buf_append_text(&url, host);
 *   EKM_TRY(ekm_buf_ok(&url, "a URL", err));
 *
 * Threads: one thread at a time. */
#ifndef EKM_BASE_BUF_H
#define EKM_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef struct ekm_view {
  const uint8_t *ptr;
  size_t len;
} ekm_view;

typedef struct ekm_buf {
  uint8_t *ptr; /* NUL behind the last byte whenever ptr is not NULL */
  size_t len;
  size_t cap;
  size_t max;     /* no growth beyond this */
  bool too_long;  /* sticky: an append would have passed max */
  bool no_memory; /* sticky: an append found no memory */
} ekm_buf;

/* ekm_buf_init(buf, max): an empty buffer of at most ${max} bytes. Allocates nothing. */
void ekm_buf_init(ekm_buf *buf, size_t max);

/* ekm_buf_clear(buf): wipe and free the bytes; the buffer is as after ekm_buf_init and can be used again. */
void ekm_buf_clear(ekm_buf *buf);

/* ekm_buf_reset(buf): wipe the bytes and forget failures, but keep the memory for the next use. */
void ekm_buf_reset(ekm_buf *buf);

/* ekm_buf_append...(buf, what):
 * Add bytes, a text without its NUL, a character, a formatted text. What does not fit, or finds no memory, leaves the
 * bytes as they are and makes ekm_buf_ok fail from then on. */
void ekm_buf_append(ekm_buf *buf, const void *bytes, size_t len);
void ekm_buf_append_view(ekm_buf *buf, ekm_view view);
void ekm_buf_append_text(ekm_buf *buf, const char *text);
void ekm_buf_append_char(ekm_buf *buf, char c);
void ekm_buf_append_fmt(ekm_buf *buf, const char *fmt, ...) EKM_PRINTF(2, 3);

/* ekm_buf_extend(buf, len): append ${len} zero bytes and return where they start; NULL if that failed. */
uint8_t *ekm_buf_extend(ekm_buf *buf, size_t len);

/* ekm_buf_truncate(buf, len): keep the first ${len} bytes and wipe the rest. */
void ekm_buf_truncate(ekm_buf *buf, size_t len);

/* ekm_buf_ok(buf, what, err): did every append succeed? Else LIMIT or OUT_OF_MEMORY, naming ${what}. */
EKM_MUST_USE bool ekm_buf_ok(const ekm_buf *buf, const char *what, ekm_err *err);

/* ekm_buf_text(buf): the bytes as text with a NUL behind them; "" for an empty buffer. Borrowed. */
const char *ekm_buf_text(const ekm_buf *buf);

/* ekm_buf_view(buf): the bytes, borrowed until the buffer changes. */
ekm_view ekm_buf_view(const ekm_buf *buf);

/* ekm_view_of(ptr, len), ekm_view_text(text): borrow bytes; borrow a text without its NUL. */
ekm_view ekm_view_of(const void *ptr, size_t len);
ekm_view ekm_view_text(const char *text);

/* ekm_view_equal(a, b): the same bytes? Not constant-time: not for secrets. */
bool ekm_view_equal(ekm_view a, ekm_view b);

#endif
