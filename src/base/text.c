#include "base/text.h"

#include <string.h>

#include "base/hex.h"
#include "base/mem.h"

static char lower(char c) {
  return (c >= 'A' && c <= 'Z') ? (char)(c - 'A' + 'a') : c;
}

int ekm_text_compare_i(const char *a, const char *b) {
  for (; *a != '\0' && lower(*a) == lower(*b); a++, b++) {
  }
  return (int)(unsigned char)lower(*a) - (int)(unsigned char)lower(*b);
}

bool ekm_text_ieq(const char *a, const char *b) {
  return ekm_text_compare_i(a, b) == 0;
}

bool ekm_text_starts_i(const char *text, const char *prefix) {
  for (; *prefix != '\0'; text++, prefix++) {
    if (lower(*text) != lower(*prefix)) return false;
  }
  return true;
}

bool ekm_text_ends_i(const char *text, const char *suffix) {
  size_t text_len = strlen(text);
  size_t suffix_len = strlen(suffix);
  return text_len >= suffix_len && ekm_text_ieq(text + text_len - suffix_len, suffix);
}

bool ekm_text_starts_guid(const char *text) {
  for (int i = 0; i < EKM_TEXT_GUID_CHARS; i++) {
    bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen ? text[i] != '-' : !ekm_hex_is(text + i, 1)) return false;
  }
  return true;
}

bool ekm_text_is_made_of(const char *text, size_t len, const char *extra) {
  for (size_t i = 0; i < len; i++) {
    char c = lower(text[i]);
    bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!plain && (c == '\0' || strchr(extra, text[i]) == NULL)) return false;
  }
  return true;
}

bool ekm_text_copy(char *dst, size_t dst_bytes, const char *src, const char *what, ekm_err *err) {
  size_t len = strlen(src);
  if (len >= dst_bytes) return EKM_FAIL(err, EKM_E_LIMIT, "%s is longer than %zu characters", what, dst_bytes - 1);
  memcpy(dst, src, len + 1);
  return true;
}

ekm_view ekm_text_next_word(const char **at) {
  static const char between[] = " \t,";
  const char *word = *at + strspn(*at, between);
  size_t len = strcspn(word, between);
  *at = word + len;
  return ekm_view_of(word, len);
}

void ekm_text_lower(char *text) {
  for (; *text != '\0'; text++) *text = lower(*text);
}

void ekm_text_trim_partial_utf8(char *text) {
  size_t len = strlen(text);
  size_t tail = 0;
  while (tail < 3 && tail < len && ((unsigned char)text[len - 1 - tail] & 0xC0u) == 0x80u) tail++;
  if (tail == len) return;
  unsigned char lead = (unsigned char)text[len - 1 - tail];
  size_t need = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
  if (need > tail) text[len - 1 - tail] = '\0';
}

char *ekm_text_dup(const char *text, ekm_err *err) {
  size_t size = strlen(text) + 1;
  char *copy = ekm_mem_alloc(size, err);
  if (copy != NULL) memcpy(copy, text, size);
  return copy;
}
