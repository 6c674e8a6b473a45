/* One document, two faces: compact JSON, or text for people.
 *
 *   {"name":"a","bits":2048,"keys":[{"id":1,"name":"k"}]}
 *
 *   name  a                      scalars: one line each, aligned
 *   bits  2048
 *
 *   id  name                     an array of objects: a table, or one block for each where it would be too wide
 *    1  k
 *
 * Control characters of foreign texts are shown as '?', so that a key's name cannot drive the terminal. */
#ifndef EKM_CLI_OUTPUT_H
#define EKM_CLI_OUTPUT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/json.h"

/* output_print(doc, json, err): to standard output. FILE_WRITE if it is closed or full. */
EKM_MUST_USE bool output_print(json_t *doc, bool json, ekm_err *err);

#endif
