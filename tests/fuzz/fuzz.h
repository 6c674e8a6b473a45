/* What all fuzz targets have in common.
 *
 *   fuzz_url.c, the target "url"     one parser, and what must hold for whatever it is given
 *   corpus/url/                      small seeds: each is something else that the parser knows, or that once broke it
 *
 * The same function runs twice: under libFuzzer, which makes new inputs of the seeds (make fuzz), and in every build as
 * the unit test fuzz_url, which goes through the seeds once (corpus_main.c), so that they never rot.
 *
 * What libFuzzer finds is kept by scripts/fuzz.sh in build/fuzz/findings. Put it into the corpus under a name that says
 * what it is, see the unit test fail, and mend the parser. */
#ifndef EKM_TESTS_FUZZ_FUZZ_H
#define EKM_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/utf16.h"

/* LLVMFuzzerTestOneInput(data, size): the target's own function; the name is libFuzzer's. Always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* FUZZ_CHECK(holds): a property; the process ends where it does not hold, and libFuzzer keeps the input. */
#define FUZZ_CHECK(holds)                                                       \
  do {                                                                          \
    if (!(holds)) {                                                             \
      (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds); \
      abort();                                                                  \
    }                                                                           \
  } while (0)

/* fuzz_text(data, size):
 * The bytes as a text with a NUL, in a block that is not a byte longer, so that a sanitizer sees who reads beyond it.
 * A NUL among them ends the text. The caller frees it with free. */
static inline char *fuzz_text(const void *data, size_t size) {
  size_t len = size == 0 ? 0 : strnlen(data, size);
  char *text = malloc(len + 1);
  FUZZ_CHECK(text != NULL);
  if (len > 0) memcpy(text, data, len);
  text[len] = '\0';
  return text;
}

/* fuzz_line(in): take the first line off ${in}, without its line end, as fuzz_text does. */
static inline char *fuzz_line(ekm_view *in) {
  if (in->len == 0) return fuzz_text(NULL, 0);
  const uint8_t *end = memchr(in->ptr, '\n', in->len);
  size_t len = end == NULL ? in->len : (size_t)(end - in->ptr);
  char *line = fuzz_text(in->ptr, len);
  *in = ekm_view_of(in->ptr + len + (end != NULL), in->len - len - (end != NULL));
  return line;
}

/* fuzz_copy(bytes): a block that is not a byte longer than ${bytes}; the caller frees it with free. */
static inline uint8_t *fuzz_copy(ekm_view bytes) {
  uint8_t *copy = malloc(bytes.len == 0 ? 1 : bytes.len);
  FUZZ_CHECK(copy != NULL);
  if (bytes.len > 0) memcpy(copy, bytes.ptr, bytes.len);
  return copy;
}

/* fuzz_ok(buf): did all that was appended to ${buf} find room? */
static inline bool fuzz_ok(const ekm_buf *buf) {
  return !buf->too_long && !buf->no_memory;
}

/* fuzz_is_line(text): UTF-8 without a control character but TAB? */
static inline bool fuzz_is_line(const char *text) {
  for (const char *c = text; *c != '\0'; c++) {
    if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7F) return false;
  }
  return ekm_utf16_is_utf8(text, strlen(text));
}

/* fuzz_check_err(err): was ${err} raised, and is it fit for a log? */
static inline void fuzz_check_err(const ekm_err *err) {
  FUZZ_CHECK(err->file != NULL && err->line > 0 && (unsigned)err->id < EKM_ERR_COUNT);
  FUZZ_CHECK(memchr(err->detail, '\0', sizeof err->detail) != NULL && fuzz_is_line(err->detail));
  FUZZ_CHECK(memchr(err->request_id, '\0', sizeof err->request_id) != NULL && fuzz_is_line(err->request_id));
}

#endif
