/* Text of the ABI (UTF-16LE, counted in bytes) to and from the UTF-8 of this side. */
#ifndef EKM_HOST_TEXT_H
#define EKM_HOST_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "openekm/sqlcrypt_abi.h"

/* host_text_from_abi(str, out, out_bytes, what, err):
 * The UTF-8 form with a NUL in ${out}; one NUL at the end of ${str}, which some providers count, is dropped.
 * TEXT_ENCODING, or LIMIT if it does not fit. ${what} names the text in messages. */
EKM_MUST_USE bool host_text_from_abi(const SqlCpStr *str, char *out, size_t out_bytes, const char *what, ekm_err *err);

/* host_text_to_abi(text, units, err):
 * Append the UTF-16LE form of ${text} to ${units} and return a SqlCpStr that borrows it in ${out}. */
EKM_MUST_USE bool host_text_to_abi(const char *text, ekm_buf *units, SqlCpStr *out, ekm_err *err);

#endif
