#include "http/http_headers.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"

enum { RETRY_MAX_MS = 3600 * 1000, RETRY_NUMBER_MAX_DIGITS = 9 };

/* What a kept header does with its value. */
typedef enum header_kind { HEADER_TEXT, HEADER_SCHEME, HEADER_RETRY_MS, HEADER_RETRY_S } header_kind;

static const struct {
  const char *name;
  size_t name_len;
  size_t offset; /* of the buffer in ekm_http_response */
  header_kind kind;
  int retry_rank;
} header_table[] = {
#define HEADER(name, field, kind, rank) \
  { name, sizeof(name) - 1, offsetof(ekm_http_response, field), kind, rank }
    HEADER("content-type", content_type, HEADER_TEXT, 0),
    HEADER("www-authenticate", www_authenticate, HEADER_SCHEME, 0),
    HEADER("x-ms-request-id", request_id, HEADER_TEXT, 0),
    HEADER("date", date, HEADER_TEXT, 0),
    HEADER("retry-after-ms", retry_after, HEADER_RETRY_MS, 1),
    HEADER("x-ms-retry-after-ms", retry_after, HEADER_RETRY_MS, 2),
    HEADER("retry-after", retry_after, HEADER_RETRY_S, 3),
#undef HEADER
};

enum { HEADER_COUNT = sizeof header_table / sizeof header_table[0], RETRY_RANK_NONE = 9 };

void http_headers_begin(http_headers *headers, ekm_http_response *response) {
  *headers = (http_headers){response, 0, RETRY_RANK_NONE, false};
}

/* The row of a header line, or HEADER_COUNT. */
static size_t find_row(const char *line, size_t len) {
  for (size_t i = 0; i < HEADER_COUNT; i++) {
    size_t name_len = header_table[i].name_len;
    if (len > name_len && line[name_len] == ':' && ekm_text_starts_i(line, header_table[i].name)) return i;
  }
  return HEADER_COUNT;
}

static bool parse_number(ekm_view text, int64_t *out) {
  int64_t value = 0;
  if (text.len == 0 || text.len > RETRY_NUMBER_MAX_DIGITS) return false;
  for (size_t i = 0; i < text.len; i++) {
    if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
    value = value * 10 + (text.ptr[i] - '0');
  }
  *out = value;
  return true;
}

/* A number of seconds or an HTTP date (RFC 9110 section 10.2.3). */
static bool parse_retry_after(ekm_view text, int64_t wall_s, int64_t *out_ms) {
  char date[64];
  int64_t seconds;
  if (!parse_number(text, &seconds)) {
    if (text.len >= sizeof date) return false;
    memcpy(date, text.ptr, text.len);
    date[text.len] = '\0';
    if (!ekm_clock_parse_http_date(date, &seconds)) return false;
    seconds = seconds > wall_s ? seconds - wall_s : 0;
  }
  *out_ms = seconds > RETRY_MAX_MS / 1000 ? RETRY_MAX_MS : seconds * 1000;
  return true;
}

static void keep_retry(http_headers *headers, ekm_buf *buf, size_t row, ekm_view value, int64_t wall_s) {
  int64_t ms;
  bool ok =
      header_table[row].kind == HEADER_RETRY_MS ? parse_number(value, &ms) : parse_retry_after(value, wall_s, &ms);
  if (!ok || header_table[row].retry_rank >= headers->retry_rank) return;
  headers->retry_rank = header_table[row].retry_rank;
  ekm_buf_reset(buf);
  ekm_buf_append_fmt(buf, "%lld", (long long)(ms > RETRY_MAX_MS ? RETRY_MAX_MS : ms));
}

/* A challenge goes where its scheme belongs; others are nobody's. */
static ekm_buf *keep_scheme(ekm_http_response *response, ekm_view value) {
  bool is_basic = value.len >= 5 && ekm_text_starts_i((const char *)value.ptr, "basic");
  bool is_bearer = value.len >= 6 && ekm_text_starts_i((const char *)value.ptr, "bearer");
  ekm_buf *buf = is_basic ? &response->www_basic : &response->www_authenticate;
  if ((is_basic || is_bearer) && buf->len == 0) ekm_buf_append_view(buf, value);
  return buf;
}

static bool keep(http_headers *headers, size_t row, ekm_view value, int64_t wall_s) {
  ekm_buf *buf = (ekm_buf *)((char *)headers->response + header_table[row].offset);
  switch (header_table[row].kind) {
    case HEADER_TEXT:
      if (buf->len == 0) ekm_buf_append_view(buf, value);
      break;
    case HEADER_SCHEME: buf = keep_scheme(headers->response, value); break;
    case HEADER_RETRY_MS:
    case HEADER_RETRY_S: keep_retry(headers, buf, row, value, wall_s); break;
  }
  return !buf->too_long && !buf->no_memory;
}

static ekm_view trim(const char *text, size_t len) {
  while (len > 0 && (text[0] == ' ' || text[0] == '\t')) {
    text++;
    len--;
  }
  while (len > 0 && (unsigned char)text[len - 1] <= ' ') len--;
  return ekm_view_of(text, len);
}

static void start_anew(http_headers *headers) {
  ekm_http_response *response = headers->response;
  ekm_buf_reset(&response->content_type);
  ekm_buf_reset(&response->www_authenticate);
  ekm_buf_reset(&response->www_basic);
  ekm_buf_reset(&response->request_id);
  ekm_buf_reset(&response->retry_after);
  ekm_buf_reset(&response->date);
  headers->retry_rank = RETRY_RANK_NONE;
  headers->open = true;
}

bool http_headers_line(http_headers *headers, const char *line, size_t len, int64_t wall_s) {
  headers->seen_bytes += len;
  if (headers->seen_bytes > HTTP_HEADERS_MAX_BYTES) return false;
  if (len >= 5 && strncmp(line, "HTTP/", 5) == 0) {
    start_anew(headers);
    return true;
  }
  ekm_view rest = trim(line, len);
  if (rest.len == 0) headers->open = false;
  if (!headers->open) return true;

  size_t row = find_row(line, len);
  if (row == HEADER_COUNT) return true;
  size_t name_len = header_table[row].name_len + 1;
  return keep(headers, row, trim(line + name_len, len - name_len), wall_s);
}

bool http_headers_lack_memory(const http_headers *headers) {
  for (size_t i = 0; i < HEADER_COUNT; i++) {
    const ekm_buf *buf = (const ekm_buf *)((const char *)headers->response + header_table[i].offset);
    if (buf->no_memory) return true;
  }
  return headers->response->www_basic.no_memory;
}
