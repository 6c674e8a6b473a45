/* The header lines of answers: the line end does not matter, and nothing is kept that was not asked for. */
#include "base/limits.h"
#include "fuzz/fuzz.h"
#include "http/http_headers.h"

enum { NOW = 1795507200, RETRY_MAX_MS = 3600 * 1000 };

static const ekm_buf *kept(const ekm_http_response *response, size_t index) {
  const ekm_buf *const buffers[] = {&response->content_type, &response->www_authenticate, &response->request_id,
                                    &response->retry_after, &response->date};
  return index < sizeof buffers / sizeof buffers[0] ? buffers[index] : NULL;
}

/* Each line in a block of its own, with ${end} behind it. False as soon as one is refused. */
static bool read_all(ekm_view in, const char *end, ekm_http_response *out) {
  http_headers headers;
  bool ok = true;
  ekm_http_response_init(out);
  http_headers_begin(&headers, out);
  while (in.len > 0 && ok) {
    const uint8_t *stop = memchr(in.ptr, '\n', in.len);
    size_t len = stop == NULL ? in.len : (size_t)(stop - in.ptr);
    ekm_buf line;
    ekm_buf_init(&line, in.len + 2);
    ekm_buf_append(&line, in.ptr, len);
    ekm_buf_append_text(&line, end);
    uint8_t *copy = fuzz_copy(ekm_buf_view(&line));
    ok = http_headers_line(&headers, (const char *)copy, line.len, NOW);
    free(copy);
    ekm_buf_clear(&line);
    in = ekm_view_of(in.ptr + len + (stop != NULL), in.len - len - (stop != NULL));
  }
  return ok;
}

static void check_kept(const ekm_http_response *response) {
  const char *retry = ekm_buf_text(&response->retry_after);
  FUZZ_CHECK(retry[strspn(retry, "0123456789")] == '\0' && strlen(retry) < 8 &&
             strtol(retry, NULL, 10) <= RETRY_MAX_MS);
  for (size_t i = 0; kept(response, i) != NULL; i++) {
    ekm_view value = ekm_buf_view(kept(response, i));
    FUZZ_CHECK(value.len <= EKM_LIMIT_HTTP_HEADER_BYTES);
    if (value.len == 0) continue;
    FUZZ_CHECK(memchr(value.ptr, '\n', value.len) == NULL);
    FUZZ_CHECK(value.ptr[0] != ' ' && value.ptr[0] != '\t' && value.ptr[value.len - 1] > ' ');
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const ends[] = {"", "\n", "\r\n"};
  ekm_http_response first, other;
  bool ok = read_all(ekm_view_of(data, size), ends[0], &first);
  if (ok) check_kept(&first);
  for (size_t i = 1; i < sizeof ends / sizeof ends[0]; i++) {
    FUZZ_CHECK(read_all(ekm_view_of(data, size), ends[i], &other) == ok);
    for (size_t k = 0; kept(&first, k) != NULL; k++) {
      FUZZ_CHECK(ekm_view_equal(ekm_buf_view(kept(&first, k)), ekm_buf_view(kept(&other, k))));
    }
    ekm_http_response_clear(&other);
  }
  ekm_http_response_clear(&first);
  return 0;
}
