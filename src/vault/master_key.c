#include "vault/master_key.h"

#include <string.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/file.h"
#include "base/hex.h"

static const char head[] = "openekm-master-key v1\n";

enum { HEAD_BYTES = sizeof head - 1, DIGITS = 2 * VAULT_MASTER_KEY_BYTES, FILE_MAX_BYTES = 4096 };

#define CREDENTIAL "credential:"

bool vault_master_key_is_file(const char *path, ekm_err *err) {
  if (strncmp(path, CREDENTIAL, strlen(CREDENTIAL)) != 0) return true;
  return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "'%s' is for systemd to make and to replace; use a file", path);
}

/* Where systemd put it; a name is one of a file, never a path. */
static bool credential_path(const char *name, ekm_buf *out, ekm_err *err) {
  const char *folder = ekm_env_get(ekm_env_process(), "CREDENTIALS_DIRECTORY");
  if (folder == NULL || folder[0] != '/') {
    return EKM_FAIL(err, EKM_E_FILE_READ,
                    "systemd gave this process no credentials; does its unit have LoadCredential=%s:...?", name);
  }
  if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "'%s' is not the name of a credential", name);
  }
  ekm_buf_append_fmt(out, "%s/%s", folder, name);
  return ekm_buf_ok(out, "a path", err);
}

static bool read_text(const char *path, ekm_buf *out, ekm_err *err) {
  ekm_buf where;
  if (vault_master_key_is_file(path, &(ekm_err){0}))
    return ekm_file_is_private(path, err) && ekm_file_read(path, out, err);
  ekm_buf_init(&where, FILE_MAX_BYTES);
  bool ok = credential_path(path + strlen(CREDENTIAL), &where, err) && ekm_file_read(ekm_buf_text(&where), out, err);
  ekm_buf_clear(&where);
  return ok;
}

bool vault_master_key_write(const char *path, const ekm_secret *key, ekm_err *err) {
  bool ok = false;
  ekm_buf text;

  ekm_buf_init(&text, FILE_MAX_BYTES);
  EKM_TRY(vault_master_key_is_file(path, err));
  if (ekm_file_exists(path)) EKM_BAIL(err, EKM_E_EXISTS, "'%s'", path);
  ekm_buf_append_text(&text, head);
  ekm_hex_encode(ekm_secret_reveal(key), &text);
  ekm_buf_append_char(&text, '\n');
  EKM_TRY(ekm_buf_ok(&text, "a master key", err));
  EKM_TRY(ekm_file_write_private(path, ekm_buf_view(&text), err));
  ok = true;
done:
  ekm_buf_clear(&text);
  return ok;
}

bool vault_master_key_make(const char *path, const ekm_rng *rng, ekm_err *err) {
  ekm_secret key = {0};
  bool ok = ekm_secret_resize(&key, VAULT_MASTER_KEY_BYTES, err) &&
            rng->fill(rng, ekm_secret_bytes(&key), VAULT_MASTER_KEY_BYTES, err) &&
            vault_master_key_write(path, &key, err);
  ekm_secret_clear(&key);
  return ok;
}

bool vault_master_key_read(const char *path, ekm_secret *out_key, ekm_err *err) {
  bool ok = false;
  ekm_buf text, bytes;

  ekm_secret_clear(out_key);
  ekm_buf_init(&text, FILE_MAX_BYTES);
  ekm_buf_init(&bytes, VAULT_MASTER_KEY_BYTES);
  EKM_TRY(read_text(path, &text, err));
  while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r')) {
    ekm_buf_truncate(&text, text.len - 1);
  }
  bool shaped = text.len == HEAD_BYTES + DIGITS && strncmp(ekm_buf_text(&text), head, HEAD_BYTES) == 0 &&
                ekm_hex_is(ekm_buf_text(&text) + HEAD_BYTES, DIGITS);
  if (!shaped) EKM_BAIL(err, EKM_E_MASTER_KEY, "'%s' is not a master key file of version 1", path);
  EKM_TRY(ekm_hex_decode(ekm_buf_text(&text) + HEAD_BYTES, DIGITS, &bytes, "a master key", err));
  EKM_TRY(ekm_secret_set(out_key, ekm_buf_view(&bytes), err));
  ok = true;
done:
  ekm_buf_clear(&text);
  ekm_buf_clear(&bytes);
  return ok;
}
