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
