/* Small questions about text, without locale: only ASCII letters have a case here. */
#ifndef EKM_BASE_TEXT_H
#define EKM_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* ekm_text_ieq(a, b): are two texts equal but for the case of ASCII letters? */
bool ekm_text_ieq(const char *a, const char *b);

/* ekm_text_compare_i(a, b): the order of two texts as strcmp tells it, but for the case of ASCII letters. */
int ekm_text_compare_i(const char *a, const char *b);

/* ekm_text_starts_i(text, prefix): does ${text} begin with ${prefix}, case ignored? */
bool ekm_text_starts_i(const char *text, const char *prefix);

/* ekm_text_ends_i(text, suffix): does ${text} end with ${suffix}, case ignored? */
bool ekm_text_ends_i(const char *text, const char *suffix);

enum { EKM_TEXT_GUID_CHARS = 36 };

/* ekm_text_starts_guid(text): does ${text} begin with 8-4-4-4-12 hexadecimal digits? */
bool ekm_text_starts_guid(const char *text);

/* ekm_text_is_made_of(text, len, extra): only ASCII letters, digits and characters of ${extra}? */
bool ekm_text_is_made_of(const char *text, size_t len, const char *extra);

/* ekm_text_copy(dst, dst_bytes, src, what, err):
 * Copy ${src} with its NUL. LIMIT with ${what} in the message if it does not fit; nothing is truncated. */
EKM_MUST_USE bool ekm_text_copy(char *dst, size_t dst_bytes, const char *src, const char *what, ekm_err *err);

/* ekm_text_next_word(at):
 * The next word of a list whose words are divided by spaces, tabs or commas, and *${at} behind it; empty at the end.
 * Borrowed from the text. */
ekm_view ekm_text_next_word(const char **at);

/* ekm_text_lower(text): make ASCII letters of ${text} lower-case, in place. */
void ekm_text_lower(char *text);

/* ekm_text_trim_partial_utf8(text): drop the first bytes of a character that was cut off at the end. */
void ekm_text_trim_partial_utf8(char *text);

/* ekm_text_dup(text, err): a copy that the caller frees with ekm_mem_free; NULL on OUT_OF_MEMORY. */
char *ekm_text_dup(const char *text, ekm_err *err);

#endif
