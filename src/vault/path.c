#include "vault/path.h"

#include <string.h>

#include "base/hex.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/url.h"

static bool add_segment(const char *text, size_t len, size_t *used, vault_path *out, ekm_err *err) {
  bool ok = false;
  ekm_buf segment;

  ekm_buf_init(&segment, VAULT_PATH_BYTES);
  if (out->count == VAULT_PATH_SEGMENTS) EKM_BAIL(err, EKM_E_LIMIT, "a path has too many segments");
  EKM_TRY(ekm_url_decode(text, len, false, &segment, err));
  /* A decoded segment is never longer than its escaped form, and that fitted. */
  memcpy(out->text + *used, ekm_buf_text(&segment), segment.len + 1);
  out->segments[out->count++] = out->text + *used;
  *used += segment.len + 1;
  ok = true;
done:
  ekm_buf_clear(&segment);
  return ok;
}

bool vault_path_parse(const char *text, vault_path *out, ekm_err *err) {
  size_t used = 0;

  out->count = 0;
  if (strlen(text) >= VAULT_PATH_BYTES)
    return EKM_FAIL(err, EKM_E_LIMIT, "a path is longer than %d bytes", VAULT_PATH_BYTES - 1);
  while (*text != '\0') {
    size_t len = strcspn(text, "/");
    if (len > 0 && !add_segment(text, len, &used, out, err)) return false;
    text += len + (text[len] == '/' ? 1 : 0);
  }
  return true;
}

static bool is(const char *pattern, size_t len, const char *text) {
  return strncmp(pattern, text, len) == 0 && text[len] == '\0';
}

static bool segment_matches(const char *pattern, size_t len, const char *segment, vault_path_match *out) {
  if (is(pattern, len, "{version?}")) {
    if (strlen(segment) != EKM_LIMIT_KEY_VERSION_CHARS || !ekm_hex_is(segment, EKM_LIMIT_KEY_VERSION_CHARS))
      return false;
    out->version = segment;
    return true;
  }
  if (is(pattern, len, "{name}")) {
    out->name = segment;
    return true;
  }
  if (is(pattern, len, "{tenant}")) {
    out->tenant = segment;
    return true;
  }
  return strlen(segment) == len && ekm_text_starts_i(pattern, segment);
}

bool vault_path_matches(const vault_path *path, const char *pattern, vault_path_match *out_match) {
  size_t at = 0;

  memset(out_match, 0, sizeof *out_match);
  while (*pattern != '\0') {
    size_t len = strcspn(pattern, "/");
    if (at < path->count && segment_matches(pattern, len, path->segments[at], out_match)) {
      at++;
    } else if (!is(pattern, len, "{version?}")) {
      return false;
    }
    pattern += len + (pattern[len] == '/' ? 1 : 0);
  }
  return at == path->count;
}
