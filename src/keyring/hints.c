#include "keyring/hints.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "base/text.h"

enum {
  MAX_BYTES = 1024 * 1024, /* of the file: some 5,000 keys */
  LINE_BYTES =
      2 * KEYRING_THUMB_BYTES + EKM_LIMIT_HOST_BYTES + EKM_LIMIT_KEY_NAME_CHARS + EKM_LIMIT_KEY_VERSION_CHARS + 8
};

struct keyring_hints {
  char *path;
  ekm_log *log;
  ekm_mutex lock;
};

bool keyring_hints_new(const char *path, ekm_log *log, keyring_hints **out_hints, ekm_err *err) {
  keyring_hints *hints = ekm_mem_alloc(sizeof *hints, err);
  *out_hints = hints;
  if (hints == NULL) return false;
  hints->log = log;
  ekm_mutex_init(&hints->lock);
  hints->path = ekm_text_dup(path, err);
  if (hints->path == NULL) keyring_hints_free(out_hints);
  return *out_hints != NULL;
}

void keyring_hints_free(keyring_hints **hints) {
  if (*hints == NULL) return;
  ekm_mem_free((*hints)->path);
  ekm_mem_free(*hints);
  *hints = NULL;
}

/* A word of a line as text; false if it is missing or too long. */
static bool take_word(const char **at, char *out, size_t out_bytes) {
  ekm_view word = ekm_text_next_word(at);
  if (word.len == 0 || word.len >= out_bytes) return false;
  memcpy(out, word.ptr, word.len);
  out[word.len] = '\0';
  return true;
}

/* Does this line say where a key of ${host} with the thumbprint ${hex} is? */
static bool read_line(const char *line, const char *host, const char *hex, keyring_hint *out) {
  char words[EKM_LIMIT_HOST_BYTES + 1];
  keyring_hint hint;
  if (!take_word(&line, words, sizeof words) || !ekm_text_ieq(words, hex)) return false;
  if (!take_word(&line, words, sizeof words) || !ekm_text_ieq(words, host)) return false;
  if (!take_word(&line, hint.name, sizeof hint.name) || !take_word(&line, hint.version, sizeof hint.version)) {
    return false;
  }
  *out = hint;
  return true;
}

static bool find_in(ekm_buf *text, const char *host, const char *hex, keyring_hint *out) {
  bool found = false;
  size_t at = 0;
  while (at < text->len) {
    char *line = (char *)text->ptr + at;
    char *end = memchr(line, '\n', text->len - at);
    if (end == NULL) break; /* a line that was cut off is none */
    at += (size_t)(end - line) + 1;
    if (end > line && end[-1] == '\r') end--; /* somebody's editor */
    *end = '\0';
    if (read_line(line, host, hex, out)) found = true;
  }
  return found;
}

static bool look_up(keyring_hints *hints, const char *host, ekm_view thumb, keyring_hint *out) {
  char hex[2 * KEYRING_THUMB_BYTES + 1] = "";
  ekm_err ignored = {0};
  ekm_buf text;
  ekm_buf_init(&text, MAX_BYTES);
  ekm_hex_text(thumb, hex, sizeof hex);
  bool found = hex[0] != '\0' && ekm_file_read_ordinary(hints->path, &text, &ignored) && find_in(&text, host, hex, out);
  ekm_buf_clear(&text);
  return found;
}

bool keyring_hints_find(keyring_hints *hints, const char *host, ekm_view thumb, keyring_hint *out) {
  ekm_mutex_lock(&hints->lock);
  bool found = look_up(hints, host, thumb, out);
  ekm_mutex_unlock(&hints->lock);
  return found;
}

/* In one write, so that lines of several processes do not mix. Whatever is there does not hold up a call. */
static bool append_line(const char *path, const char *line, size_t len, ekm_err *err) {
  FILE *file = ekm_file_open_log(path, err);
  if (file == NULL) return false;
  long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
  bool ok = size >= 0 && size <= MAX_BYTES - LINE_BYTES;
  if (!ok) (void)EKM_FAIL(err, EKM_E_FILE_WRITE, size < 0 ? "'%s' is no file" : "'%s' is full; remove it", path);
  if (ok && fwrite(line, 1, len, file) != len) ok = EKM_FAIL(err, EKM_E_FILE_WRITE, "'%s'", path);
  if (fclose(file) != 0 && ok) ok = EKM_FAIL(err, EKM_E_FILE_WRITE, "'%s'", path);
  return ok;
}

void keyring_hints_note(keyring_hints *hints, const char *host, ekm_view thumb, const keyring_hint *found) {
  keyring_hint known;
  ekm_err err = {0};
  ekm_buf line;

  ekm_buf_init(&line, LINE_BYTES);
  ekm_hex_encode(thumb, &line);
  ekm_buf_append_fmt(&line, " %s %s %s\n", host, found->name, found->version);
  ekm_mutex_lock(&hints->lock);
  bool is_known = look_up(hints, host, thumb, &known) && strcmp(known.version, found->version) == 0;
  bool ok =
      is_known || (ekm_buf_ok(&line, "a hint", &err) && append_line(hints->path, ekm_buf_text(&line), line.len, &err));
  ekm_mutex_unlock(&hints->lock);
  if (!ok) ekm_log_err(hints->log, EKM_LOG_WARN, "keyring.hints", &err);
  ekm_buf_clear(&line);
}
