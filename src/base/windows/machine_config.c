#include "base/machine_config.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/limits.h"
#include "base/mutex.h"
#include "base/utf16.h"

#define REGISTRY_KEY "SOFTWARE\\OpenEKM"

enum {
  NAME_CHARS = 256, /* of a key: Windows' own limit, with its NUL */
  VALUE_NAME_CHARS = 256,
  VALUE_BYTES = 2 * EKM_LIMIT_CONFIG_LINE_BYTES
};

/* As UTF-8; what does not fit is an error of the caller's buffer. */
static void append_wide(const WCHAR *text, size_t chars, const char *what, ekm_buf *out, ekm_err *err, bool *ok) {
  *ok = *ok && ekm_utf16_to_utf8((const uint16_t *)(const void *)text, chars * sizeof(WCHAR), out, what, err);
}

/* %ProgramData%, which the system sets for every process. */
static void make_path(char *out, size_t out_bytes) {
  WCHAR folder[MAX_PATH];
  ekm_err ignored = {0};
  ekm_buf text;
  bool ok = true;
  ekm_buf_init(&text, out_bytes - 1);
  DWORD len = GetEnvironmentVariableW(L"ProgramData", folder, MAX_PATH);
  if (len > 0 && len < MAX_PATH) append_wide(folder, len, "%ProgramData%", &text, &ignored, &ok);
  if (!ok || text.len == 0) {
    ekm_buf_reset(&text);
    ekm_buf_append_text(&text, "C:\\ProgramData");
  }
  ekm_buf_append_text(&text, "\\OpenEKM\\openekm.conf");
  if (ekm_buf_ok(&text, "a path", &ignored)) memcpy(out, text.ptr, text.len + 1);
  ekm_buf_clear(&text);
}

const char *ekm_machine_config_path(void) {
  static ekm_mutex lock = EKM_MUTEX_INIT;
  static char path[4 * MAX_PATH];
  ekm_mutex_lock(&lock);
  if (path[0] == '\0') make_path(path, sizeof path);
  ekm_mutex_unlock(&lock);
  return path;
}

const char *ekm_machine_config_registry(void) {
  return "HKLM\\" REGISTRY_KEY;
}

static bool failed(LSTATUS code, const char *what, ekm_err *err) {
  return EKM_FAIL(err, EKM_E_CONFIG_READ, "%s %s: Windows error %ld", ekm_machine_config_registry(), what, (long)code);
}

static bool append_value(const WCHAR *name, size_t name_chars, DWORD type, const uint8_t *bytes, DWORD len,
                         ekm_buf *out, ekm_err *err) {
  bool ok = true;
  DWORD number = 0;
  append_wide(name, name_chars, "the name of a value", out, err, &ok);
  ekm_buf_append_text(out, " = ");
  if (ok && type == REG_DWORD && len == sizeof number) {
    memcpy(&number, bytes, sizeof number);
    ekm_buf_append_fmt(out, "%lu", number);
  } else if (ok && type == REG_SZ) {
    const WCHAR *text = (const WCHAR *)(const void *)bytes;
    size_t chars = len / sizeof(WCHAR);
    while (chars > 0 && text[chars - 1] == L'\0') chars--;
    append_wide(text, chars, "a value", out, err, &ok);
  } else if (ok) {
    ok = EKM_FAIL(err, EKM_E_CONFIG_VALUE, "%s: '%s' is neither REG_SZ nor REG_DWORD", ekm_machine_config_registry(),
                  ekm_buf_text(out));
  }
  return ok;
}

/* One line of a value; a line break in it would be another setting. */
static bool append_line(const WCHAR *name, size_t name_chars, DWORD type, const uint8_t *bytes, DWORD len, ekm_buf *out,
                        ekm_err *err) {
  ekm_buf line;
  ekm_buf_init(&line, EKM_LIMIT_CONFIG_LINE_BYTES);
  bool ok = append_value(name, name_chars, type, bytes, len, &line, err) && ekm_buf_ok(&line, "a value", err);
  for (size_t i = 0; ok && i < line.len; i++) {
    if (line.ptr[i] >= ' ' && line.ptr[i] != 0x7F) continue;
    ok = EKM_FAIL(err, EKM_E_CONFIG_VALUE, "%s: a value has a control character", ekm_machine_config_registry());
  }
  ekm_buf_append_view(out, ekm_buf_view(&line));
  ekm_buf_append_char(out, '\n');
  ekm_buf_clear(&line);
  return ok && ekm_buf_ok(out, ekm_machine_config_registry(), err);
}

static bool append_values(HKEY key, ekm_buf *out, ekm_err *err) {
  WCHAR name[VALUE_NAME_CHARS];
  _Alignas(WCHAR) uint8_t bytes[VALUE_BYTES];
  for (DWORD i = 0;; i++) {
    DWORD name_chars = VALUE_NAME_CHARS, len = VALUE_BYTES, type = 0;
    LSTATUS code = RegEnumValueW(key, i, name, &name_chars, NULL, &type, bytes, &len);
    if (code == ERROR_NO_MORE_ITEMS) return true;
    if (code != ERROR_SUCCESS) return failed(code, "has a value that cannot be read", err);
    if (name_chars == 0) continue; /* the key's unnamed value */
    if (!append_line(name, name_chars, type, bytes, len, out, err)) return false;
  }
}

static bool append_section(HKEY key, const WCHAR *name, size_t name_chars, ekm_buf *out, ekm_err *err) {
  HKEY section = NULL;
  bool ok = true;
  LSTATUS code = RegOpenKeyExW(key, name, 0, KEY_READ | KEY_WOW64_64KEY, &section);
  if (code != ERROR_SUCCESS) return failed(code, "has a key that cannot be read", err);
  ekm_buf_append_char(out, '[');
  append_wide(name, name_chars, "the name of a key", out, err, &ok);
  ekm_buf_append_text(out, "]\n");
  ok = ok && append_values(section, out, err);
  (void)RegCloseKey(section);
  return ok;
}

static bool append_sections(HKEY key, ekm_buf *out, ekm_err *err) {
  WCHAR name[NAME_CHARS];
  for (DWORD i = 0;; i++) {
    DWORD chars = NAME_CHARS;
    LSTATUS code = RegEnumKeyExW(key, i, name, &chars, NULL, NULL, NULL, NULL);
    if (code == ERROR_NO_MORE_ITEMS) return true;
    if (code != ERROR_SUCCESS) return failed(code, "cannot be read", err);
    if (!append_section(key, name, chars, out, err)) return false;
  }
}

bool ekm_machine_config_read(ekm_buf *out, bool *out_found, ekm_err *err) {
  HKEY key = NULL;
  LSTATUS code = RegOpenKeyExA(HKEY_LOCAL_MACHINE, REGISTRY_KEY, 0, KEY_READ | KEY_WOW64_64KEY, &key);
  *out_found = code == ERROR_SUCCESS;
  if (code == ERROR_FILE_NOT_FOUND || code == ERROR_PATH_NOT_FOUND) return true;
  if (code != ERROR_SUCCESS) return failed(code, "cannot be opened", err);
  bool ok = append_values(key, out, err) && append_sections(key, out, err);
  (void)RegCloseKey(key);
  return ok;
}
