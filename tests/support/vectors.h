/* Known answers: the files of tests/vectors, and short ones written as hexadecimal digits in a test. A vector that
 * cannot be read fails the test. */
#ifndef EKM_TESTS_SUPPORT_VECTORS_H
#define EKM_TESTS_SUPPORT_VECTORS_H

#include "base/buf.h"
#include "base/json.h"

/* vectors_load(name): the document tests/vectors/${name}; the caller frees it with ekm_json_free. */
json_t *vectors_load(const char *name);

/* vectors_read(name, out): append the bytes of the file tests/vectors/${name}. */
void vectors_read(const char *name, ekm_buf *out);

/* vectors_member(doc, path): the object at "a.b.c", borrowed. */
json_t *vectors_member(json_t *doc, const char *path);

/* vectors_bytes(object, name, out): append the base64url member ${name}. */
void vectors_bytes(const json_t *object, const char *name, ekm_buf *out);

/* vectors_hex(digits, out): append the bytes of ${digits}. */
void vectors_hex(const char *digits, ekm_buf *out);

#endif
