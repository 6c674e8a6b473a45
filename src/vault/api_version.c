#include "vault/api_version.h"

#include <stddef.h>
#include <string.h>

enum { FIRST_MAJOR = 7, FIRST_YEAR = 2025 };

/* Read ${min} to ${max} digits at *${at}; false if there are others, or a zero in front that the width does not ask
 * for. */
static bool take_number(const char **at, size_t min, size_t max, unsigned *out) {
  size_t len = strspn(*at, "0123456789");
  if (len < min || len > max || (len > min && **at == '0')) return false;
  *out = 0;
  for (size_t i = 0; i < len; i++) *out = *out * 10 + (unsigned)((*at)[i] - '0');
  *at += len;
  return true;
}

static bool take(const char **at, const char *literal) {
  size_t len = strlen(literal);
  if (strncmp(*at, literal, len) != 0) return false;
  *at += len;
  return true;
}

static bool is_end(const char *at) {
  unsigned number;
  if (take(&at, "-preview") && take(&at, ".") && !take_number(&at, 1, 3, &number)) return false;
  return *at == '\0';
}

static bool is_dated(const char *at) {
  unsigned year, month, day;
  return take_number(&at, 4, 4, &year) && take(&at, "-") && take_number(&at, 2, 2, &month) && take(&at, "-") &&
         take_number(&at, 2, 2, &day) && year >= FIRST_YEAR && month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
         is_end(at);
}

static bool is_numbered(const char *at) {
  unsigned major, minor;
  return take_number(&at, 1, 3, &major) && take(&at, ".") && take_number(&at, 1, 3, &minor) && major >= FIRST_MAJOR &&
         is_end(at);
}

bool vault_api_version_has(const char *text, unsigned major, unsigned minor) {
  unsigned has_major, has_minor;
  if (is_dated(text)) return true;
  return take_number(&text, 1, 3, &has_major) && take(&text, ".") && take_number(&text, 1, 3, &has_minor) &&
         (has_major > major || (has_major == major && has_minor >= minor));
}

bool vault_api_version_is_supported(const char *text) {
  return is_dated(text) || is_numbered(text);
}
