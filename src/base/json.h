/* JSON: jansson's documents, and a reader with the strictness that answers from a network need (json_read.h).
 *
 * Whoever reads JSON parses with ekm_json_parse and takes members with the functions here; building uses
 * jansson's own json_object, json_set_new ... which this header brings along. jansson is linked statically
 * and hidden, and what it frees is wiped: answers hold tokens and plaintext keys.
 *
 * Threads: a document belongs to one thread at a time. */
#ifndef EKM_BASE_JSON_H
#define EKM_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* ekm_json_parse(text, out_doc, err):
 * Read an object (nothing else is accepted): UTF-8, no duplicate members, no NUL in texts, at most
 * EKM_LIMIT_JSON_DEPTH levels. ANSWER_NOT_JSON otherwise; the message gives the position, never the text.
 * The caller frees *${out_doc} with ekm_json_free. */
EKM_MUST_USE bool ekm_json_parse(ekm_view text, json_t **out_doc, ekm_err *err);

/* ekm_json_free(doc): give up a document; sets the caller's pointer to NULL. */
void ekm_json_free(json_t **doc);

/* ekm_json_text(object, name): the text member ${name}, borrowed, or NULL if absent or of another type. */
const char *ekm_json_text(const json_t *object, const char *name);

/* ekm_json_object(object, name), ekm_json_array(object, name): the member, borrowed, or NULL. */
json_t *ekm_json_object(const json_t *object, const char *name);
json_t *ekm_json_array(const json_t *object, const char *name);

/* ekm_json_int(object, name, fallback):
 * A whole number, also one written as a text of digits (Entra's v1 endpoint does that); else ${fallback}. */
json_int_t ekm_json_int(const json_t *object, const char *name, json_int_t fallback);

/* ekm_json_bool(object, name, fallback): true or false; else ${fallback}. */
bool ekm_json_bool(const json_t *object, const char *name, bool fallback);

/* ekm_json_bytes(object, name, out, err): append the decoded base64url text member; TEXT_ENCODING if it is none. */
EKM_MUST_USE bool ekm_json_bytes(const json_t *object, const char *name, ekm_buf *out, ekm_err *err);

/* ekm_json_set_bytes(object, name, bytes): set a member to the base64url form of ${bytes}. False without memory. */
EKM_MUST_USE bool ekm_json_set_bytes(json_t *object, const char *name, ekm_view bytes);

/* ekm_json_write(doc, out, err): append the compact text of ${doc}. */
EKM_MUST_USE bool ekm_json_write(const json_t *doc, ekm_buf *out, ekm_err *err);

#endif
