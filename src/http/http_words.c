#include "http/http_words.h"

#include <string.h>

#include "base/text.h"

void http_words_copy(const char *text, char *out, size_t out_bytes) {
  size_t len = 0;
  if (text == NULL) text = "";
  for (; text[len] != '\0' && text[len] != '\r' && text[len] != '\n' && len + 1 < out_bytes; len++) {
    unsigned char c = (unsigned char)text[len];
    out[len] = c < 0x20 || c == 0x7F ? '?' : (char)c;
  }
  out[len] = '\0';
  ekm_text_trim_partial_utf8(out);
}

bool http_words_repeat(const char *text, ekm_view told) {
  size_t text_len = strlen(text);
  size_t run = told.len < HTTP_WORDS_REPEATED_BYTES ? told.len : HTTP_WORDS_REPEATED_BYTES;
  if (run == 0) return false;
  for (size_t i = 0; i + run <= text_len; i++) {
    for (size_t k = 0; k + run <= told.len; k++) {
      if (ekm_view_equal(ekm_view_of(text + i, run), ekm_view_of(told.ptr + k, run))) return true;
    }
  }
  return false;
}
