/* https URLs, host names and percent-encoding. */
#include "base/url.h"
#include "fuzz/fuzz.h"

enum { TEXT_MAX_BYTES = 1 << 16 };

/* What was taken apart is put together and taken apart as the same. */
static void check_url(const char *text) {
  ekm_url url, again;
  ekm_err err = {0};
  ekm_buf whole;

  if (!ekm_url_parse(text, &url, "a URL", &err)) {
    FUZZ_CHECK(err.id == EKM_E_TEXT_ENCODING || err.id == EKM_E_LIMIT);
    fuzz_check_err(&err);
    return;
  }
  FUZZ_CHECK(ekm_url_host_is_valid(url.host) && url.port != 0 && url.path[0] == '/');
  FUZZ_CHECK(strchr(url.path, '?') == NULL && strpbrk(url.host, "ABCDEFGHIJKLMNOPQRSTUVWXYZ@:/\\#?") == NULL);
  ekm_buf_init(&whole, TEXT_MAX_BYTES);
  ekm_buf_append_fmt(&whole, "https://%s:%u%s", url.host, (unsigned)url.port, url.path);
  if (url.query[0] != '\0') ekm_buf_append_fmt(&whole, "?%s", url.query);
  if (whole.len <= EKM_LIMIT_URL_BYTES) {
    FUZZ_CHECK(ekm_url_parse(ekm_buf_text(&whole), &again, "a URL", &err));
    FUZZ_CHECK(memcmp(&url, &again, sizeof url) == 0);
  }
  ekm_buf_clear(&whole);
  static const char parent[] = "vault.azure.net";
  size_t host_len = strlen(url.host);
  bool is_under = host_len > sizeof parent && url.host[host_len - sizeof parent] == '.' &&
                  strcmp(url.host + host_len - sizeof parent + 1, parent) == 0;
  FUZZ_CHECK(ekm_url_host_is_under(url.host, parent) == is_under);
}

static void check_decoding(ekm_view in, bool plus_is_space) {
  ekm_err err = {0};
  ekm_buf bytes, text, again;

  ekm_buf_init(&bytes, TEXT_MAX_BYTES);
  ekm_buf_init(&text, TEXT_MAX_BYTES);
  ekm_buf_init(&again, TEXT_MAX_BYTES);
  if (ekm_url_decode((const char *)in.ptr, in.len, plus_is_space, &bytes, &err)) {
    FUZZ_CHECK(bytes.len == 0 || memchr(bytes.ptr, '\0', bytes.len) == NULL);
    ekm_url_append_encoded(ekm_buf_view(&bytes), &text);
    FUZZ_CHECK(ekm_url_decode(ekm_buf_text(&text), text.len, plus_is_space, &again, &err));
    FUZZ_CHECK(ekm_view_equal(ekm_buf_view(&bytes), ekm_buf_view(&again)));
  } else {
    FUZZ_CHECK(err.id == EKM_E_TEXT_ENCODING);
    fuzz_check_err(&err);
  }
  ekm_buf_clear(&bytes);
  ekm_buf_clear(&text);
  ekm_buf_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = fuzz_text(data, size);
  ekm_buf encoded, decoded;
  ekm_err err = {0};

  check_url(text);
  check_decoding(ekm_view_of(data, size), false);
  check_decoding(ekm_view_of(data, size), true);
  ekm_buf_init(&encoded, TEXT_MAX_BYTES);
  ekm_buf_init(&decoded, TEXT_MAX_BYTES);
  ekm_url_append_encoded(ekm_view_text(text), &encoded);
  FUZZ_CHECK(ekm_url_decode(ekm_buf_text(&encoded), encoded.len, true, &decoded, &err));
  FUZZ_CHECK(ekm_view_equal(ekm_view_text(text), ekm_buf_view(&decoded)));
  ekm_buf_clear(&encoded);
  ekm_buf_clear(&decoded);
  free(text);
  return 0;
}
