#include "provider/keys.h"

#include <string.h>

#include "base/hex.h"
#include "base/text.h"
#include "base/url.h"
#include "base/utf16.h"
#include "keyring/blob.h"
#include "provider/algorithms.h"
#include "provider/argument.h"
#include "provider/product.h"

/* PROVIDER_KEY_NAME, taken apart:
 *
 *   tde                                              the newest version
 *   tde/4f1c...  32 hexadecimal digits               this one
 *   https://local.vault.azure.net/keys/tde[/4f1c...] the same as a key's id, if the vault is the credential's */
typedef struct key_path {
  char text[EKM_LIMIT_KEY_NAME_CHARS + 1 + EKM_LIMIT_KEY_VERSION_CHARS + 1]; /* without a vault */
  char name[EKM_LIMIT_KEY_NAME_CHARS + 1];
  char version[EKM_LIMIT_KEY_VERSION_CHARS + 1]; /* "" for the newest */
} key_path;

static bool split_path(const char *text, key_path *out, ekm_err *err) {
  const char *slash = strchr(text, '/');
  size_t name_len = slash == NULL ? strlen(text) : (size_t)(slash - text);

  if (name_len > EKM_LIMIT_KEY_NAME_CHARS) {
    return EKM_FAIL(err, EKM_E_KEY_NAME_TOO_LONG, "it has %zu characters", name_len);
  }
  if (name_len == 0 || !ekm_text_is_made_of(text, name_len, "-")) {
    return EKM_FAIL(err, EKM_E_KEY_NAME_BAD, "'%.*s'", (int)name_len, text);
  }
  memcpy(out->name, text, name_len);
  if (slash != NULL) {
    if (strlen(slash + 1) != EKM_LIMIT_KEY_VERSION_CHARS || !ekm_hex_is(slash + 1, EKM_LIMIT_KEY_VERSION_CHARS)) {
      return EKM_FAIL(err, EKM_E_KEY_NAME_BAD, "the version behind '%s/' is not 32 hexadecimal digits", out->name);
    }
    memcpy(out->version, slash + 1, EKM_LIMIT_KEY_VERSION_CHARS + 1);
    ekm_text_lower(out->version);
  }
  return ekm_text_copy(out->text, sizeof out->text, text, "a key name", err);
}

static bool split_uri(const char *text, const char *host, key_path *out, ekm_err *err) {
  static const char folder[] = "/keys/";
  ekm_url url;
  ekm_err why = {0};
  if (!ekm_url_parse(text, &url, "the key name", &why) || !ekm_text_starts_i(url.path, folder) ||
      url.query[0] != '\0') {
    return EKM_FAIL(err, EKM_E_KEY_NAME_BAD, "'%.100s' is not the URL of a key, https://VAULT/keys/NAME/VERSION", text);
  }
  if (host != NULL && !ekm_text_ieq(url.host, host)) {
    return EKM_FAIL(err, EKM_E_KEY_NAME_BAD, "the key is in the vault '%s', the credential's IDENTITY is '%s'",
                    url.host, host);
  }
  char *path = url.path + sizeof folder - 1;
  size_t len = strlen(path);
  if (len > 0 && path[len - 1] == '/') path[len - 1] = '\0';
  return split_path(path, out, err);
}

static bool read_path(const provider_call *call, const SqlCpStr *name, key_path *out, ekm_err *err) {
  ekm_buf text;
  memset(out, 0, sizeof *out);
  ekm_buf_init(&text, 3 * SQLCP_MAX_KEY_NAME_BYTES);
  bool ok = argument_text(name, SQLCP_MAX_KEY_NAME_BYTES, "the key name", &text, err);
  bool is_uri = ok && ekm_text_starts_i(ekm_buf_text(&text), "https://");
  if (is_uri) ok = split_uri(ekm_buf_text(&text), keyring_host(call->session->ring), out, err);
  if (ok && !is_uri) ok = split_path(ekm_buf_text(&text), out, err);
  ekm_buf_clear(&text);
  return ok;
}

/* Name and thumbprint are checked together: one answer tells both sizes. */
static bool put_info(const keyring_key *key, ekm_view thumb, SqlCpKeyInfo *info, ekm_err *err) {
  ekm_buf name;
  ekm_buf_init(&name, SQLCP_MAX_KEY_NAME_BYTES);
  bool ok = ekm_utf16_from_utf8(keyring_key_name(key), &name, err);
  if (ok) {
    bool room = argument_text_has_room(&info->name, name.len);
    room = argument_has_room(&info->thumb, thumb.len) && room;
    ok = room ? argument_put_text(&info->name, ekm_buf_view(&name), err) && argument_put(&info->thumb, thumb, err)
              : argument_too_small(err);
  }
  if (ok) {
    info->algId = algorithms_of_key(keyring_key_kind(key), keyring_key_bits(key));
    info->flags = SQLCP_KEY_SUPPORTED;
  }
  ekm_buf_clear(&name);
  return ok;
}

/* With the thumbprint that the configuration wants. */
static bool put_info_of(provider_call *call, const keyring_key *key, SqlCpKeyInfo *info) {
  ekm_buf thumb;
  ekm_buf_init(&thumb, SQLCP_MAX_THUMBPRINT_BYTES);
  bool ok = keyring_thumb_of(call->session->ring, key, &thumb, &call->err) &&
            put_info(key, ekm_buf_view(&thumb), info, &call->err);
  ekm_buf_clear(&thumb);
  return ok;
}

static bool info_is_usable(const SqlCpKeyInfo *info, ekm_err *err) {
  return argument_pointer(info, _Alignof(SqlCpKeyInfo), "the key info", err);
}

bool keys_next_id(provider_call *call, SqlCpKeyId *id) {
  uint32_t next = 0;
  if (!argument_pointer(id, _Alignof(SqlCpKeyId), "the key id", &call->err)) return false;
  if (!keyring_next_id(call->session->ring, *id, &call->outside, &next, &call->err)) return false;
  *id = next;
  return true;
}

bool keys_info_by_id(provider_call *call, SqlCpKeyId id, SqlCpKeyInfo *info) {
  keyring_key *key = NULL;
  bool ok = info_is_usable(info, &call->err) && keyring_by_id(call->session->ring, id, &key, &call->err) &&
            put_info_of(call, key, info);
  keyring_key_unref(&key);
  return ok;
}

bool keys_info_by_thumb(provider_call *call, const SqlCpKeyThumbprint *thumb, SqlCpKeyInfo *info) {
  ekm_view wanted;
  keyring_key *key = NULL;
  uint8_t asked[SQLCP_MAX_THUMBPRINT_BYTES]; /* the engine may want the answer where the question is */
  bool ok = info_is_usable(info, &call->err) && argument_thumb(thumb, &wanted, &call->err);
  if (ok) memcpy(asked, wanted.ptr, wanted.len);
  ok = ok && keyring_by_thumb(call->session->ring, wanted, &call->outside, &key, &call->err) &&
       put_info(key, ekm_view_of(asked, wanted.len), info, &call->err); /* it is called as it was asked for */
  keyring_key_unref(&key);
  return ok;
}

/* *out_at_ms: when the vault gave the answer. One that is shared again and again does not get younger by that. */
static bool find_path(provider_call *call, const key_path *path, keyring_key **out_key, int64_t *out_at_ms) {
  *out_at_ms = call->started_ms;
  *out_key = session_take_name(call->session, path->text, call->started_ms, out_at_ms);
  if (*out_key != NULL) return true;
  const char *version = path->version[0] == '\0' ? NULL : path->version;
  return keyring_by_name(call->session->ring, path->name, version, &call->outside, out_key, &call->err);
}

bool keys_info_by_name(provider_call *call, const SqlCpStr *name, SqlCpKeyInfo *info) {
  key_path path;
  int64_t at_ms = 0;
  keyring_key *key = NULL;
  bool ok = info_is_usable(info, &call->err) && read_path(call, name, &path, &call->err) &&
            find_path(call, &path, &key, &at_ms) && put_info_of(call, key, info);
  if (!ok && key != NULL && call->err.id == EKM_E_BUFFER_TOO_SMALL) {
    session_keep_name(call->session, path.text, key, at_ms);
  }
  keyring_key_unref(&key);
  return ok;
}

bool keys_create(provider_call *call, const SqlCpStr *name, SqlCpAlgId algId, SqlCpKeyFlags flags,
                 SqlCpKeyThumbprint *thumb) {
  bool ok = false;
  key_path path;
  keyring_kind kind;
  unsigned bits;
  keyring_key *key = NULL;
  ekm_buf reported;

  ekm_buf_init(&reported, SQLCP_MAX_THUMBPRINT_BYTES);
  EKM_TRY(argument_output(thumb, "the thumbprint", &call->err));
  EKM_TRY(read_path(call, name, &path, &call->err));
  if (path.version[0] != '\0')
    EKM_BAIL(&call->err, EKM_E_KEY_NAME_BAD, "'%s': a vault chooses versions itself", path.text);
  if (!algorithms_key(algId, &kind, &bits))
    EKM_BAIL(&call->err, EKM_E_NOT_SUPPORTED, "no algorithm has the id %u", (unsigned)algId);
  if ((flags & SQLCP_KEY_VOLATILE) != 0) EKM_BAIL(&call->err, EKM_E_NOT_SUPPORTED, "keys of a vault are not volatile");
  if (!argument_has_room(thumb, PROVIDER_THUMB_BYTES)) {
    (void)argument_too_small(&call->err);
    goto done;
  }
  EKM_TRY(keyring_create(call->session->ring, path.name, kind, bits, &call->outside, &key, &call->err));
  if (!keyring_thumb_of(call->session->ring, key, &reported, &call->err)) {
    (void)keyring_fail_created(path.name, &call->err);
    goto done;
  }
  ok = argument_put(thumb, ekm_buf_view(&reported), &call->err);
done:
  ekm_buf_clear(&reported);
  keyring_key_unref(&key);
  return ok;
}

bool keys_drop(provider_call *call, const SqlCpKeyThumbprint *thumb) {
  ekm_view wanted;
  keyring_key *key = NULL;
  if (!argument_thumb(thumb, &wanted, &call->err)) return false;
  if (!call->instance->wiring.allow_drop_key) {
    return EKM_FAIL(&call->err, EKM_E_DROP_REFUSED, "allow_drop_key is not set");
  }
  bool ok = keyring_by_thumb(call->session->ring, wanted, &call->outside, &key, &call->err) &&
            keyring_drop(call->session->ring, key, &call->outside, &call->err);
  keyring_key_unref(&key);
  return ok;
}

bool keys_export(provider_call *call, const SqlCpKeyThumbprint *thumb, const SqlCpKeyThumbprint *encryptor,
                 SqlCpKeyBlobType type, SqlCpKeyBlob *blob) {
  bool ok = false;
  ekm_view wanted;
  keyring_key *key = NULL;
  ekm_buf bytes;

  ekm_buf_init(&bytes, SQLCP_MAX_KEY_BLOB_BYTES);
  EKM_TRY(argument_output(blob, "the key blob", &call->err));
  EKM_TRY(argument_thumb(thumb, &wanted, &call->err));
  if (type != SQLCP_BLOB_PUBLIC_KEY) EKM_BAIL(&call->err, EKM_E_NOT_SUPPORTED, "only public keys leave a vault");
  if (encryptor != NULL) EKM_BAIL(&call->err, EKM_E_NOT_SUPPORTED, "a public key is not encrypted for export");
  EKM_TRY(keyring_by_thumb(call->session->ring, wanted, &call->outside, &key, &call->err));
  if (keyring_key_kind(key) == KEYRING_AES) {
    EKM_BAIL(&call->err, EKM_E_NOT_SUPPORTED, "AES key '%s' has no public part", keyring_key_name(key));
  }
  EKM_TRY(keyring_blob_append(call->instance->wiring.public_key_format, keyring_key_n(key), keyring_key_e(key), &bytes,
                              &call->err));
  ok = argument_put(blob, ekm_buf_view(&bytes), &call->err);
done:
  ekm_buf_clear(&bytes);
  keyring_key_unref(&key);
  return ok;
}
