/* base64url without padding (RFC 4648 section 5), the encoding of every binary member of Key Vault's JSON. */
#ifndef EKM_BASE_B64URL_H
#define EKM_BASE_B64URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* ekm_b64url_encode(bytes, out): append the text form; a failure stays in ${out}. */
void ekm_b64url_encode(ekm_view bytes, ekm_buf *out);

/* ekm_b64url_decode(text, len, out, what, err):
 * Append the bytes. One or two '=' at the end are accepted; other characters, and bits that do not belong to a
 * byte, are TEXT_ENCODING. The message never shows the text. */
EKM_MUST_USE bool ekm_b64url_decode(const char *text, size_t len, ekm_buf *out, const char *what, ekm_err *err);

#endif
