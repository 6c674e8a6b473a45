#include "base/left_behind.h"

#include <windows.h>

#include "base/hex.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/utf16.h"

static const WCHAR connector[] = L"SOFTWARE\\Microsoft\\SQL Server Cryptographic Provider\\Azure Key Vault";

enum { NAME_CHARS = 256, THUMB_MAX_BYTES = 64, URI_BYTES = 2 * EKM_LIMIT_URL_BYTES };

static bool to_text(const WCHAR *wide, size_t chars, ekm_buf *out) {
  ekm_err ignored = {0};
  ekm_buf_reset(out);
  while (chars > 0 && wide[chars - 1] == L'\0') chars--;
  return ekm_utf16_to_utf8((const uint16_t *)(const void *)wide, chars * sizeof(WCHAR), out, "a key", &ignored);
}

/* Is the name of a key this thumbprint? */
static bool is_thumb(const WCHAR *name, size_t chars, const char *hex) {
  ekm_buf text;
  ekm_buf_init(&text, 4 * NAME_CHARS);
  bool ok = to_text(name, chars, &text);
  const char *digits = ok ? ekm_buf_text(&text) : "";
  if (ekm_text_starts_i(digits, "0x")) digits += 2;
  ok = ok && ekm_text_ieq(digits, hex);
  ekm_buf_clear(&text);
  return ok;
}

static bool read_uri(HKEY vault, const WCHAR *name, ekm_buf *out_uri) {
  _Alignas(WCHAR) uint8_t bytes[URI_BYTES];
  DWORD len = sizeof bytes;
  LSTATUS code = RegGetValueW(vault, name, L"KeyUri", RRF_RT_REG_SZ, NULL, bytes, &len);
  return code == ERROR_SUCCESS && to_text((const WCHAR *)(const void *)bytes, len / sizeof(WCHAR), out_uri);
}

static bool find_in_vault(HKEY vault, const char *hex, ekm_buf *out_uri) {
  WCHAR name[NAME_CHARS];
  for (DWORD i = 0;; i++) {
    DWORD chars = NAME_CHARS;
    if (RegEnumKeyExW(vault, i, name, &chars, NULL, NULL, NULL, NULL) != ERROR_SUCCESS) return false;
    if (is_thumb(name, chars, hex) && read_uri(vault, name, out_uri)) return true;
  }
}

static bool find(HKEY root, const char *hex, ekm_buf *out_uri) {
  WCHAR name[NAME_CHARS];
  for (DWORD i = 0;; i++) {
    DWORD chars = NAME_CHARS;
    HKEY vault = NULL;
    if (RegEnumKeyExW(root, i, name, &chars, NULL, NULL, NULL, NULL) != ERROR_SUCCESS) return false;
    if (RegOpenKeyExW(root, name, 0, KEY_READ | KEY_WOW64_64KEY, &vault) != ERROR_SUCCESS) continue;
    bool found = find_in_vault(vault, hex, out_uri);
    (void)RegCloseKey(vault);
    if (found) return true;
  }
}

bool ekm_left_behind_key(ekm_view thumb, ekm_buf *out_uri) {
  char hex[2 * THUMB_MAX_BYTES + 1] = "";
  HKEY root = NULL;
  ekm_hex_text(thumb, hex, sizeof hex);
  if (hex[0] == '\0') return false;
  if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, connector, 0, KEY_READ | KEY_WOW64_64KEY, &root) != ERROR_SUCCESS) return false;
  bool found = find(root, hex, out_uri);
  (void)RegCloseKey(root);
  return found;
}
