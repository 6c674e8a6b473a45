#include "config/value.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"

enum { INT_DIGITS_MAX = 18 /* every number of so many digits fits an int64_t */, DESCRIPTION_BYTES = 300 };

static bool parse_int(const char *value, int64_t *out) {
  bool negative = value[0] == '-';
  const char *digits = value + (negative ? 1 : 0);
  size_t len = strlen(digits);
  int64_t number = 0;
  *out = 0;
  if (len == 0 || len > INT_DIGITS_MAX || digits[strspn(digits, "0123456789")] != '\0') return false;
  for (size_t i = 0; i < len; i++) number = number * 10 + (digits[i] - '0');
  *out = negative ? -number : number;
  return true;
}

static bool parse_bool(const char *value, bool *out) {
  static const struct {
    const char *text;
    bool value;
  } words[] = {{"yes", true}, {"no", false}, {"true", true}, {"false", false}};
  *out = false;
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (strcmp(words[i].text, value) != 0) continue;
    *out = words[i].value;
    return true;
  }
  return false;
}

static bool is_choice(const char *choices, const char *value) {
  size_t len = strlen(value);
  while (*choices != '\0') {
    size_t choice = strcspn(choices, "|");
    if (choice == len && strncmp(choices, value, len) == 0) return true;
    choices += choice + (choices[choice] == '|' ? 1 : 0);
  }
  return false;
}

static bool is_allowed(const ekm_config_setting *setting, const char *value) {
  int64_t number;
  bool ignored;
  switch (setting->type) {
    case EKM_CONFIG_TEXT: return true;
    case EKM_CONFIG_PATH: return ekm_file_is_absolute(value);
    case EKM_CONFIG_BOOL: return parse_bool(value, &ignored);
    case EKM_CONFIG_INT: return parse_int(value, &number) && number >= setting->min && number <= setting->max;
    case EKM_CONFIG_CHOICE: return is_choice(setting->choices, value);
    case EKM_CONFIG_DATE: return ekm_clock_parse_date(value, &number);
  }
  return false;
}

int64_t ekm_value_int(const char *value) {
  int64_t number;
  (void)parse_int(value, &number);
  return number;
}

bool ekm_value_bool(const char *value) {
  bool yes;
  (void)parse_bool(value, &yes);
  return yes;
}

int64_t ekm_value_date(const char *value) {
  int64_t wall_s;
  (void)ekm_clock_parse_date(value, &wall_s);
  return wall_s;
}

void ekm_value_describe(const ekm_config_setting *setting, ekm_buf *out) {
  switch (setting->type) {
    case EKM_CONFIG_TEXT: return;
    case EKM_CONFIG_PATH: ekm_buf_append_text(out, "an absolute path"); return;
    case EKM_CONFIG_BOOL: ekm_buf_append_text(out, "yes or no"); return;
    case EKM_CONFIG_DATE: ekm_buf_append_text(out, "a day such as 2027-03-01"); return;
    case EKM_CONFIG_INT:
      ekm_buf_append_fmt(out, "a number from %" PRId64 " to %" PRId64, setting->min, setting->max);
      return;
    case EKM_CONFIG_CHOICE:
      ekm_buf_append_text(out, "one of ");
      for (const char *c = setting->choices; *c != '\0'; c++) {
        if (*c == '|') {
          ekm_buf_append_text(out, ", ");
        } else {
          ekm_buf_append_char(out, *c);
        }
      }
      return;
  }
}

bool ekm_value_check(const ekm_config_setting *setting, const char *value, const char *where, ekm_err *err) {
  ekm_buf allowed;
  if (is_allowed(setting, value)) return true;
  ekm_buf_init(&allowed, DESCRIPTION_BYTES);
  ekm_value_describe(setting, &allowed);
  (void)EKM_FAIL(err, EKM_E_CONFIG_VALUE, "%s: '%s' must be %s, not '%s'", where, setting->key, ekm_buf_text(&allowed),
                 value);
  ekm_buf_clear(&allowed);
  return false;
}
