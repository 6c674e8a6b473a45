/* Hexadecimal digits: thumbprints, client ids, versions. */
#ifndef EKM_BASE_HEX_H
#define EKM_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* ekm_hex_encode(bytes, out): append lower-case digits; a failure stays in ${out}. */
void ekm_hex_encode(ekm_view bytes, ekm_buf *out);

/* ekm_hex_text(bytes, out, out_bytes): write digits and a NUL into ${out}, which must have 2 * len + 1 bytes;
 * an empty text if it has fewer. */
void ekm_hex_text(ekm_view bytes, char *out, size_t out_bytes);

/* ekm_hex_decode(text, len, out, what, err): append the bytes of an even number of digits of either case. */
EKM_MUST_USE bool ekm_hex_decode(const char *text, size_t len, ekm_buf *out, const char *what, ekm_err *err);

/* ekm_hex_is(text, len): only hexadecimal digits? */
bool ekm_hex_is(const char *text, size_t len);

#endif
