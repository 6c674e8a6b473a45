/* Other people's words in our messages: bounded, on one line, without control characters. */
#ifndef EKM_HTTP_HTTP_WORDS_H
#define EKM_HTTP_HTTP_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* http_words_copy(text, out, out_bytes):
 * Copy the first line of ${text} (NULL: "") into ${out}, cut at a character if it does not fit; bytes that are no text
 * become '?'. */
void http_words_copy(const char *text, char *out, size_t out_bytes);

enum { HTTP_WORDS_REPEATED_BYTES = 16 };

/* http_words_repeat(text, told):
 * Does ${text} repeat HTTP_WORDS_REPEATED_BYTES bytes in a row of what the other side was ${told}, or all of it if it
 * is shorter? Such words may hold a secret and are for no log. */
bool http_words_repeat(const char *text, ekm_view told);

#endif
