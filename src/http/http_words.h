/* Other people's words in our messages: bounded, on one line, without control characters. */
#ifndef EKM_HTTP_HTTP_WORDS_H
#define EKM_HTTP_HTTP_WORDS_H

#include <stddef.h>

/* http_words_copy(text, out, out_bytes):
 * Copy the first line of ${text} (NULL: "") into ${out}, cut at a character if it does not fit; bytes that are no text
 * become '?'. */
void http_words_copy(const char *text, char *out, size_t out_bytes);

#endif
