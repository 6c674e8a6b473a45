/* Arguments of the engine: checked before they are touched, copied out at the end.
 *
 * Everything that comes in is a pointer into somebody else's memory. NULL, misaligned and oversized ones are refused
 * with BAD_ARGUMENT (or the error that says more); what is no mapped memory cannot be found out.
 *
 * The two-call rule for outputs: with a NULL or too small buffer set cb to the bytes needed and answer
 * BUFFER_TOO_SMALL; otherwise copy into the caller's buffer, leave the caller's pointer alone and set the true cb. */
#ifndef EKM_PROVIDER_ARGUMENT_H
#define EKM_PROVIDER_ARGUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "openekm/sqlcrypt_abi.h"

/* argument_pointer(ptr, alignment, what, err): not NULL, and aligned. */
EKM_MUST_USE bool argument_pointer(const void *ptr, size_t alignment, const char *what, ekm_err *err);

/* argument_text(str, max_bytes, what, out, err): append a counted UTF-16 text as UTF-8. Not empty. */
EKM_MUST_USE bool argument_text(const SqlCpStr *str, size_t max_bytes, const char *what, ekm_buf *out, ekm_err *err);

/* argument_thumb(thumb, out, err): a thumbprint of 1 to 32 bytes, borrowed. */
EKM_MUST_USE bool argument_thumb(const SqlCpKeyThumbprint *thumb, ekm_view *out, ekm_err *err);

/* argument_data(data, what, out, err): a non-empty input, borrowed. */
EKM_MUST_USE bool argument_data(const SqlCpData *data, const char *what, ekm_view *out, ekm_err *err);

/* argument_output(data, what, err): the struct of an output of bytes: pointer present and aligned. Its buffer may be
 * NULL. */
EKM_MUST_USE bool argument_output(const SqlCpData *data, const char *what, ekm_err *err);

/* argument_has_room(data, need): can the caller's buffer take ${need} bytes? Otherwise sets cb to ${need}. */
bool argument_has_room(SqlCpData *data, size_t need);
bool argument_text_has_room(SqlCpStr *str, size_t need);

/* argument_put(data, bytes, err), argument_put_text(str, utf16, err): the two-call rule for one output. */
EKM_MUST_USE bool argument_put(SqlCpData *data, ekm_view bytes, ekm_err *err);
EKM_MUST_USE bool argument_put_text(SqlCpStr *str, ekm_view utf16, ekm_err *err);

/* argument_too_small(err): raise BUFFER_TOO_SMALL; always false. */
bool argument_too_small(ekm_err *err);

#endif
