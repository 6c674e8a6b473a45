#include "keyring/credential.h"

#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/text.h"

enum { PLAIN_ID_CHARS = 32, GUID_CHARS = EKM_TEXT_GUID_CHARS };

static void take_id(const char *guid, keyring_credential *out) {
  memcpy(out->client_id, guid, GUID_CHARS);
  ekm_text_lower(out->client_id);
}

/* --- what begins with a word -------------------------------------------------------------------------------------- */

/* ${rest} is what follows the word. */
static bool take_named(const char *word, ekm_view rest, keyring_credential *out, ekm_err *err) {
  const char *at = (const char *)rest.ptr;
  if (rest.len == 0) return true;
  if (rest.len != 1 + GUID_CHARS || at[0] != ':' || !ekm_text_starts_guid(at + 1)) {
    return EKM_FAIL(err, EKM_E_SECRET_CLIENT_ID, "behind '%s:' there is no client id of 36 characters", word);
  }
  take_id(at + 1, out);
  return true;
}

static bool take_path(ekm_view path, keyring_credential *out, ekm_err *err) {
  static const char store[] = "store:";
  const char *at = (const char *)path.ptr;
  if (path.len >= sizeof out->path) return EKM_FAIL(err, EKM_E_CERT_FILE, "its path has %zu bytes", path.len);
  for (size_t i = 0; i < path.len; i++) {
    if ((unsigned char)at[i] < ' ' || at[i] == 0x7F) {
      return EKM_FAIL(err, EKM_E_CERT_FILE, "its path has a control character");
    }
  }
  if (path.len > 0) memcpy(out->path, at, path.len);
  out->path[path.len] = '\0';
  if (ekm_file_is_absolute(out->path)) return true;
  bool is_store = ekm_text_starts_i(out->path, store);
  return EKM_FAIL(err, EKM_E_CERT_FILE,
                  is_store ? "entries of a certificate store are not understood: export it into a file"
                           : "behind the client id there is no absolute path");
}

static bool take_certificate(const char *word, ekm_view rest, keyring_credential *out, ekm_err *err) {
  const char *at = (const char *)rest.ptr;
  bool has_id = rest.len > 1 + GUID_CHARS && at[0] == ':' && ekm_text_starts_guid(at + 1);
  if (!has_id || at[1 + GUID_CHARS] != ':') {
    return EKM_FAIL(err, EKM_E_SECRET_CLIENT_ID,
                    "'%s:' is not followed by a client id of 36 characters, ':' and a path", word);
  }
  take_id(at + 1, out);
  at += 2 + GUID_CHARS;
  size_t left = rest.len - 2 - GUID_CHARS;
  const char *bar = memchr(at, '|', left);
  size_t path_len = bar == NULL ? left : (size_t)(bar - at);
  if (!take_path(ekm_view_of(at, path_len), out, err)) return false;
  if (bar == NULL) return true;
  ekm_view password = ekm_view_of(bar + 1, left - path_len - 1);
  if (password.len > 0 && memchr(password.ptr, '\0', password.len) != NULL) {
    return EKM_FAIL(err, EKM_E_CERT_PASSWORD, "it has a NUL");
  }
  return ekm_secret_set(&out->secret, password, err);
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
  if (len == id_len) return EKM_FAIL(err, EKM_E_SECRET_SHORT, "nothing follows its %zu bytes of client id", len);
  if (len < id_len) return EKM_FAIL(err, EKM_E_SECRET_SHORT, "it has %zu bytes", len);
  if (id_len == GUID_CHARS) {
    memcpy(out->client_id, at, id_len);
  } else {
    int good = 0;
    while (good < PLAIN_ID_CHARS && ekm_hex_is(at + good, 1)) good++;
    if (good < PLAIN_ID_CHARS) {
      return EKM_FAIL(err, EKM_E_SECRET_CLIENT_ID, "its character %d is none of a client id", good + 1);
    }
    for (int from = 0, to = 0; from < PLAIN_ID_CHARS; from++) {
      if (from == 8 || from == 12 || from == 16 || from == 20) out->client_id[to++] = '-';
      out->client_id[to++] = at[from];
    }
  }
  ekm_text_lower(out->client_id);
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
                           .secret = &credential->secret};
  for (size_t i = 0; credential->kind == AKV_CLIENT_SECRET && i < known.count; i++) {
    const keyring_application *application = &known.each[i];
    if (ekm_text_ieq(application->client_id, credential->client_id)) {
      identity.expires_wall_s = application->secret_expires_wall_s;
    }
  }
  return identity;
}
