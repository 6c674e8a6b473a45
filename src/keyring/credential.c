#include "keyring/credential.h"

#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/text.h"

enum { PLAIN_ID_CHARS = 32, GUID_CHARS = EKM_TEXT_GUID_CHARS };

/* The client id at the start of ${text}, with or without its hyphens: how many characters of it that are, or 0. */
static size_t take_id(ekm_view text, keyring_credential *out) {
  const char *at = (const char *)text.ptr;
  size_t len = 0;
  if (text.len >= GUID_CHARS && ekm_text_starts_guid(at)) {
    memcpy(out->client_id, at, len = GUID_CHARS);
  } else if (text.len >= PLAIN_ID_CHARS && ekm_hex_is(at, PLAIN_ID_CHARS)) {
    for (size_t to = 0; len < PLAIN_ID_CHARS; len++) {
      if (len == 8 || len == 12 || len == 16 || len == 20) out->client_id[to++] = '-';
      out->client_id[to++] = at[len];
    }
  }
  ekm_text_lower(out->client_id);
  return len;
}

static ekm_view behind(ekm_view text, size_t len) {
  return ekm_view_of(text.ptr + len, text.len - len);
}

/* --- what begins with a word -------------------------------------------------------------------------------------- */

/* ${rest} is what follows the word. */
static bool take_named(const char *word, ekm_view rest, keyring_credential *out, ekm_err *err) {
  const char *at = (const char *)rest.ptr;
  if (rest.len == 0) return true;
  size_t len = at[0] != ':' ? 0 : take_id(behind(rest, 1), out);
  if (len > 0 && rest.len == 1 + len) return true;
  return EKM_FAIL(err, EKM_E_SECRET_CLIENT_ID, "'%s' is not followed by ':' and a client id alone", word);
}

/* What is copied out of the dialog of Windows begins with a left-to-right mark (U+200E) and has spaces. */
static bool take_entry(ekm_view text, keyring_credential *out, ekm_err *err) {
  static const char mark[] = "\xe2\x80\x8e";
  size_t count = 0;
  const char *at = (const char *)text.ptr;
  for (size_t i = 0; i < text.len; i++) {
    if (at[i] == ' ') continue;
    if (text.len - i > sizeof mark - 1 && ekm_text_starts_i(at + i, mark)) {
      i += sizeof mark - 2;
      continue;
    }
    if (!ekm_hex_is(at + i, 1) || count == EKM_SIGNER_ENTRY_CHARS) {
      return EKM_FAIL(err, EKM_E_CERT_FILE, "behind store: character %zu is none of a thumbprint of %d digits", i + 1,
                      EKM_SIGNER_ENTRY_CHARS);
    }
    out->entry[count++] = at[i];
  }
  ekm_text_lower(out->entry);
  return count == EKM_SIGNER_ENTRY_CHARS ||
         EKM_FAIL(err, EKM_E_CERT_FILE, "behind store: a thumbprint has %d hexadecimal digits, and not %zu",
                  EKM_SIGNER_ENTRY_CHARS, count);
}

static bool take_path(ekm_view path, keyring_credential *out, ekm_err *err) {
  const char *at = (const char *)path.ptr;
  if (path.len >= sizeof out->path) return EKM_FAIL(err, EKM_E_CERT_FILE, "its path has %zu bytes", path.len);
  for (size_t i = 0; i < path.len; i++) {
    if ((unsigned char)at[i] < ' ' || at[i] == 0x7F) {
      return EKM_FAIL(err, EKM_E_CERT_FILE, "its path has a control character");
    }
  }
  if (path.len > 0) memcpy(out->path, at, path.len);
  out->path[path.len] = '\0';
  return ekm_file_is_absolute(out->path) ||
         EKM_FAIL(err, EKM_E_CERT_FILE, "behind the client id there is no absolute path");
}

/* What stands behind the client id and its colon. */
static bool take_place(ekm_view text, keyring_credential *out, ekm_err *err) {
  static const char store[] = "store:";
  const size_t store_len = sizeof store - 1;
  const char *at = (const char *)text.ptr;
  const char *bar = text.len == 0 ? NULL : memchr(at, '|', text.len);
  size_t len = bar == NULL ? text.len : (size_t)(bar - at);
  bool is_entry = len >= store_len && ekm_text_starts_i(at, store);
  bool ok = is_entry ? take_entry(ekm_view_of(text.ptr + store_len, len - store_len), out, err)
                     : take_path(ekm_view_of(text.ptr, len), out, err);
  if (!ok || bar == NULL) return ok;
  if (is_entry) return EKM_FAIL(err, EKM_E_CERT_PASSWORD, "an entry of a certificate store has none");
  ekm_view password = behind(text, len + 1);
  if (password.len > 0 && memchr(password.ptr, '\0', password.len) != NULL) {
    return EKM_FAIL(err, EKM_E_CERT_PASSWORD, "it has a NUL");
  }
  return ekm_secret_set(&out->secret, password, err);
}

static bool take_certificate(const char *word, ekm_view rest, keyring_credential *out, ekm_err *err) {
  const char *at = (const char *)rest.ptr;
  size_t id_len = rest.len == 0 || at[0] != ':' ? 0 : take_id(behind(rest, 1), out);
  if (id_len == 0 || rest.len <= 1 + id_len || at[1 + id_len] != ':') {
    return EKM_FAIL(err, EKM_E_SECRET_CLIENT_ID, "'%s' is not followed by ':', a client id, ':' and a path", word);
  }
  return take_place(behind(rest, 2 + id_len), out, err);
}

/* What is not the old form, a client id and a secret. */
static const struct {
  const char *word;
  akv_identity_kind kind;
  bool (*take)(const char *word, ekm_view rest, keyring_credential *out, ekm_err *err);
} forms[] = {{"managed-identity", AKV_MANAGED_IDENTITY, take_named},
             {"workload-identity", AKV_WORKLOAD_IDENTITY, take_named},
             {"certificate", AKV_CERTIFICATE, take_certificate}};

/* --- a client id and a secret ------------------------------------------------------------------------------------- */

static bool take_secret(const char *at, size_t len, keyring_credential *out, ekm_err *err) {
  size_t id_len = len >= GUID_CHARS && ekm_text_starts_guid(at) ? GUID_CHARS : PLAIN_ID_CHARS;
  if (len == id_len) return EKM_FAIL(err, EKM_E_SECRET_SHORT, "it has %zu bytes, no more than a client id", len);
  if (len < id_len) return EKM_FAIL(err, EKM_E_SECRET_SHORT, "it has %zu bytes", len);
  if (take_id(ekm_view_of(at, len), out) != id_len) {
    int good = 0;
    while (good < PLAIN_ID_CHARS && ekm_hex_is(at + good, 1)) good++;
    return EKM_FAIL(err, EKM_E_SECRET_CLIENT_ID, "its character %d is none of a client id", good + 1);
  }
  return ekm_secret_set(&out->secret, ekm_view_of(at + id_len, len - id_len), err);
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

bool keyring_credential_parse(const ekm_secret *text, keyring_credential *out, ekm_err *err) {
  const char *at = (const char *)ekm_secret_reveal(text).ptr;
  out->kind = AKV_CLIENT_SECRET;
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    size_t word_len = strlen(forms[i].word);
    if (text->len < word_len || !ekm_text_starts_i(at, forms[i].word)) continue;
    out->kind = forms[i].kind;
    return forms[i].take(forms[i].word, ekm_view_of(at + word_len, text->len - word_len), out, err);
  }
  return take_secret(at, text->len, out, err);
}

void keyring_credential_clear(keyring_credential *credential) {
  ekm_secret_clear(&credential->secret);
  *credential = (keyring_credential){0};
}

akv_identity keyring_credential_identity(const keyring_credential *credential, keyring_applications known) {
  akv_identity identity = {.kind = credential->kind,
                           .client_id = credential->client_id,
                           .path = credential->path,
                           .secret = &credential->secret,
                           .entry = credential->entry[0] == '\0' ? NULL : credential->entry};
  for (size_t i = 0; credential->kind == AKV_CLIENT_SECRET && i < known.count; i++) {
    const keyring_application *application = &known.each[i];
    if (ekm_text_ieq(application->client_id, credential->client_id)) {
      identity.expires_wall_s = application->secret_expires_wall_s;
    }
  }
  return identity;
}
