/* The reader of JSON texts (RFC 8259) behind ekm_json_parse; its documents are jansson's.
 *
 * jansson has one, too. Without memory it loses bytes of the text that it reads, and then runs over the end of its own
 * buffer: in a process that is not ours that must not happen.
 *
 * Threads: no state. */
#ifndef EKM_BASE_JSON_READ_H
#define EKM_BASE_JSON_READ_H

#include "base/json.h"

/* ekm_json_read(text, out_doc, err):
 * Read one value, with blanks around it and nothing else: UTF-8, no duplicate members, no NUL in texts or names, whole
 * numbers of 64 bits, at most EKM_LIMIT_JSON_DEPTH levels. ANSWER_NOT_JSON with the position, or OUT_OF_MEMORY. */
EKM_MUST_USE bool ekm_json_read(ekm_view text, json_t **out_doc, ekm_err *err);

#endif
