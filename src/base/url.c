#include "base/url.h"

#include <string.h>

#include "base/text.h"

bool ekm_url_host_is_valid(const char *host) {
  size_t len = strlen(host);
  size_t label = 0;
  if (len == 0 || len > EKM_LIMIT_HOST_BYTES || !ekm_text_is_made_of(host, len, ".-")) return false;
  for (size_t i = 0; i <= len; i++) {
    if (host[i] != '.' && host[i] != '\0') {
      label++;
      continue;
    }
    if (label == 0 || label > 63 || host[i - 1] == '-' || host[i - label] == '-') return false;
    label = 0;
  }
  return true;
}

bool ekm_url_host_is_under(const char *host, const char *parent) {
  size_t host_len = strlen(host);
  size_t parent_len = strlen(parent);
  if (parent_len == 0 || host_len < parent_len + 2) return false;
  return host[host_len - parent_len - 1] == '.' && ekm_text_ends_i(host, parent);
}

static bool parse_port(const char *text, size_t len, uint16_t *out) {
  unsigned value = 0;
  if (len == 0 || len > 5) return false;
  for (size_t i = 0; i < len; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (unsigned)(text[i] - '0');
  }
  if (value == 0 || value > 65535) return false;
  *out = (uint16_t)value;
  return true;
}

static bool is_printable(const char *text) {
  for (; *text != '\0'; text++) {
    if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7F || *text == '#' || *text == '\\') return false;
  }
  return true;
}

bool ekm_url_parse(const char *text, ekm_url *out, const char *what, ekm_err *err) {
  static const char scheme[] = "https://";

  memset(out, 0, sizeof *out);
  out->port = 443;
  if (strlen(text) > EKM_LIMIT_URL_BYTES)
    return EKM_FAIL(err, EKM_E_LIMIT, "%s is longer than %d bytes", what, EKM_LIMIT_URL_BYTES);
  if (!ekm_text_starts_i(text, scheme))
    return EKM_FAIL(err, EKM_E_TEXT_ENCODING, "%s does not begin with https://", what);
  if (!is_printable(text)) return EKM_FAIL(err, EKM_E_TEXT_ENCODING, "%s has a character that no URL has", what);

  const char *host = text + sizeof scheme - 1;
  size_t authority_len = strcspn(host, "/?");
  const char *rest = host + authority_len;
  const char *colon = memchr(host, ':', authority_len);
  size_t host_len = colon != NULL ? (size_t)(colon - host) : authority_len;
  if (colon != NULL && !parse_port(colon + 1, authority_len - host_len - 1, &out->port)) {
    return EKM_FAIL(err, EKM_E_TEXT_ENCODING, "%s has a bad port", what);
  }
  if (host_len > EKM_LIMIT_HOST_BYTES) return EKM_FAIL(err, EKM_E_TEXT_ENCODING, "%s has a bad host name", what);
  memcpy(out->host, host, host_len);
  ekm_text_lower(out->host);
  if (!ekm_url_host_is_valid(out->host)) return EKM_FAIL(err, EKM_E_TEXT_ENCODING, "%s has a bad host name", what);

  size_t path_len = strcspn(rest, "?");
  if (path_len == 0) {
    out->path[0] = '/';
  } else {
    memcpy(out->path, rest, path_len);
  }
  if (rest[path_len] == '?') memcpy(out->query, rest + path_len + 1, strlen(rest + path_len + 1));
  return true;
}

void ekm_url_append_encoded(ekm_view text, ekm_buf *out) {
  static const char digits[] = "0123456789ABCDEF";
  for (size_t i = 0; i < text.len; i++) {
    char c = (char)text.ptr[i];
    if (ekm_text_is_made_of(&c, 1, "-._~")) {
      ekm_buf_append_char(out, c);
    } else {
      char code[3] = {'%', digits[text.ptr[i] >> 4], digits[text.ptr[i] & 15]};
      ekm_buf_append(out, code, sizeof code);
    }
  }
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool ekm_url_decode(const char *text, size_t len, bool plus_is_space, ekm_buf *out, ekm_err *err) {
  for (size_t i = 0; i < len; i++) {
    char c = text[i];
    if (c == '+' && plus_is_space) c = ' ';
    if (c == '%') {
      int high = len - i > 2 ? hex_digit(text[i + 1]) : -1;
      int low = len - i > 2 ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0 || (high == 0 && low == 0)) {
        return EKM_FAIL(err, EKM_E_TEXT_ENCODING, "a percent-encoded text is broken at byte %zu", i);
      }
      c = (char)(high << 4 | low);
      i += 2;
    }
    if (c == '\0') return EKM_FAIL(err, EKM_E_TEXT_ENCODING, "a percent-encoded text has a NUL at byte %zu", i);
    ekm_buf_append_char(out, c);
  }
  return ekm_buf_ok(out, "a percent-encoded text", err);
}
