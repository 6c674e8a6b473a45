#include "http/http_proxy.h"

#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/url.h"

enum { PASSWORD_FILE_MAX_BYTES = 4096 };

static const char between[] = ", \t";

/* The next word of a list, without a dot in front; empty at the end. */
static ekm_view next_word(const char **at) {
  *at += strspn(*at, between);
  size_t len = strcspn(*at, between);
  ekm_view word = ekm_view_of(*at, len);
  *at += len;
  if (len > 0 && word.ptr[0] == '.') word = ekm_view_of(word.ptr + 1, len - 1);
  return word;
}

static bool copy_host(ekm_view word, char out[EKM_LIMIT_HOST_BYTES + 1]) {
  if (word.len > EKM_LIMIT_HOST_BYTES) return false;
  if (word.len > 0) memcpy(out, word.ptr, word.len);
  out[word.len] = '\0';
  return true;
}

bool http_proxy_exceptions_are_valid(const char *list) {
  char host[EKM_LIMIT_HOST_BYTES + 1];
  for (const char *at = list; at[strspn(at, between)] != '\0';) {
    if (!copy_host(next_word(&at), host) || !ekm_url_host_is_valid(host)) return false;
  }
  return true;
}

static bool is_excepted(const char *list, const char *host) {
  char each[EKM_LIMIT_HOST_BYTES + 1];
  for (const char *at = list; at[strspn(at, between)] != '\0';) {
    if (!copy_host(next_word(&at), each)) continue;
    if (ekm_text_ieq(host, each) || ekm_url_host_is_under(host, each)) return true;
  }
  return false;
}

bool http_proxy_serves(const ekm_http_proxy *proxy, ekm_view host) {
  char text[EKM_LIMIT_HOST_BYTES + 1];
  if (proxy == NULL || proxy->url == NULL) return false;
  return proxy->exceptions == NULL || !copy_host(host, text) || !is_excepted(proxy->exceptions, text);
}

bool http_proxy_password(const char *path, ekm_secret *out, ekm_err *err) {
  ekm_buf text;
  ekm_buf_init(&text, PASSWORD_FILE_MAX_BYTES);
  bool ok = ekm_file_read_ordinary(path, &text, err);
  if (ok) ekm_buf_truncate(&text, strcspn(ekm_buf_text(&text), "\r\n"));
  if (ok && text.len == 0) ok = EKM_FAIL(err, EKM_E_FILE_READ, "'%s' holds no password in its first line", path);
  ok = ok && ekm_secret_set(out, ekm_buf_view(&text), err);
  ekm_buf_clear(&text);
  return ok;
}
