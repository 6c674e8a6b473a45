/* Text at the SqlCrypt edge: UTF-16LE units, counted in bytes, without a NUL. Inside, text is UTF-8.
 *
 * Strict: a lone surrogate, an odd byte count or an embedded NUL is TEXT_ENCODING. */
#ifndef EKM_BASE_UTF16_H
#define EKM_BASE_UTF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* ekm_utf16_to_utf8(units, bytes, out, what, err):
 * Append the UTF-8 form of ${bytes} / 2 units at ${units} to ${out}. ${what} names the text in errors. */
EKM_MUST_USE bool ekm_utf16_to_utf8(const uint16_t *units, size_t bytes, ekm_buf *out, const char *what, ekm_err *err);

/* ekm_utf16_from_utf8(text, out, err): append the UTF-16LE form of ${text}, without a NUL, to ${out}. */
EKM_MUST_USE bool ekm_utf16_from_utf8(const char *text, ekm_buf *out, ekm_err *err);

/* ekm_utf16_is_utf8(text, len): are these bytes valid UTF-8 without NUL? */
bool ekm_utf16_is_utf8(const char *text, size_t len);

#endif
