#include "vault/master_key.h"

#include <string.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/file.h"
#include "base/hex.h"

static const char head[] = "openekm-master-key v1\n";
static const char head_wrapped[] = "openekm-master-key v2\ntoken ";
static const char wrap[] = "A256KW";

enum {
  DIGITS = 2 * VAULT_MASTER_KEY_BYTES,
  NAME_DIGITS = 2 * EKM_TOKEN_ID_BYTES,
  WRAPPED_BYTES = VAULT_MASTER_KEY_BYTES + 8, /* RFC 3394 section 2.2.1 */
  WRAPPER_BITS = 256,
  FILE_MAX_BYTES = 4096
};

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

/* --- writing ------------------------------------------------------------------------------------------------------ */

static bool append_wrapped(ekm_token *token, const ekm_token_key *wrapper, const ekm_secret *key, ekm_buf *text,
                           ekm_err *err) {
  const ekm_cipher_input in = {.value = ekm_secret_reveal(key)};
  ekm_cipher_output out = {0};
  ekm_buf_init(&out.value, WRAPPED_BYTES);
  bool ok = ekm_token_aes_encrypt(token, wrapper, wrap, &in, &out, err);
  ekm_buf_append_text(text, head_wrapped);
  ekm_hex_encode(ekm_view_of(wrapper->id, sizeof wrapper->id), text);
  ekm_buf_append_char(text, '\n');
  ekm_hex_encode(ekm_buf_view(&out.value), text);
  ekm_buf_clear(&out.value);
  return ok;
}

static bool write_text(const char *path, ekm_buf *text, ekm_err *err) {
  ekm_buf_append_char(text, '\n');
  return ekm_buf_ok(text, "a master key", err) && ekm_file_write_private(path, ekm_buf_view(text), err);
}

static bool write_clear(const char *path, const ekm_secret *key, ekm_err *err) {
  ekm_buf text;
  ekm_buf_init(&text, FILE_MAX_BYTES);
  ekm_buf_append_text(&text, head);
  ekm_hex_encode(ekm_secret_reveal(key), &text);
  bool ok = write_text(path, &text, err);
  ekm_buf_clear(&text);
  return ok;
}

/* A key in the token that nothing names would stay there for ever. */
static bool write_wrapped(const char *path, ekm_token *token, const ekm_secret *key, ekm_err *err) {
  static const ekm_token_spec spec = {.kind = EKM_TOKEN_AES, .bits = WRAPPER_BITS};
  ekm_token_key wrapper;
  ekm_buf text, a, b;

  ekm_buf_init(&text, FILE_MAX_BYTES);
  ekm_buf_init(&a, FILE_MAX_BYTES);
  ekm_buf_init(&b, FILE_MAX_BYTES);
  bool made = ekm_token_make(token, &spec, &wrapper, &a, &b, err);
  bool ok = made && append_wrapped(token, &wrapper, key, &text, err) && write_text(path, &text, err);
  if (made && !ok) (void)!ekm_token_destroy(token, &wrapper, &(ekm_err){0});
  ekm_buf_clear(&text);
  ekm_buf_clear(&a);
  ekm_buf_clear(&b);
  return ok;
}

bool vault_master_key_write(const char *path, ekm_token *token, const ekm_secret *key, ekm_err *err) {
  if (!vault_master_key_is_file(path, err)) return false;
  if (ekm_file_exists(path)) return EKM_FAIL(err, EKM_E_EXISTS, "'%s'", path);
  return token == NULL ? write_clear(path, key, err) : write_wrapped(path, token, key, err);
}

bool vault_master_key_make(const char *path, ekm_token *token, const ekm_rng *rng, ekm_err *err) {
  ekm_secret key = {0};
  bool ok = ekm_secret_resize(&key, VAULT_MASTER_KEY_BYTES, err) &&
            rng->fill(rng, ekm_secret_bytes(&key), VAULT_MASTER_KEY_BYTES, err) &&
            vault_master_key_write(path, token, &key, err);
  ekm_secret_clear(&key);
  return ok;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* What a file says: digits of the key itself, or of the wrapped one and of the name of what wraps it. */
typedef struct master_file {
  const char *name; /* NULL: not wrapped */
  const char *digits;
  size_t digit_count;
} master_file;

/* ${text} is head, DIGITS; or head_wrapped, NAME_DIGITS, a line's end, digits. Nothing else, but lines' ends behind. */
static bool parse(const char *path, ekm_buf *text, master_file *out, ekm_err *err) {
  while (text->len > 0 && (text->ptr[text->len - 1] == '\n' || text->ptr[text->len - 1] == '\r')) {
    ekm_buf_truncate(text, text->len - 1);
  }
  const char *at = ekm_buf_text(text);
  const size_t whole = strlen(head), wrapped = strlen(head_wrapped);
  *out = (master_file){0};
  if (text->len == whole + DIGITS && strncmp(at, head, whole) == 0) {
    *out = (master_file){NULL, at + whole, DIGITS};
  } else if (text->len == wrapped + NAME_DIGITS + 1 + 2 * WRAPPED_BYTES && strncmp(at, head_wrapped, wrapped) == 0 &&
             at[wrapped + NAME_DIGITS] == '\n' && ekm_hex_is(at + wrapped, NAME_DIGITS)) {
    *out = (master_file){at + wrapped, at + wrapped + NAME_DIGITS + 1, 2 * WRAPPED_BYTES};
  }
  bool shaped = out->digits != NULL && ekm_hex_is(out->digits, out->digit_count);
  return shaped || EKM_FAIL(err, EKM_E_MASTER_KEY, "'%s' is not a master key file of version 1 or 2", path);
}

static bool read_name(const master_file *file, ekm_token_key *out, ekm_err *err) {
  ekm_buf id;
  *out = (ekm_token_key){.kind = EKM_TOKEN_AES, .bits = WRAPPER_BITS};
  ekm_buf_init(&id, sizeof out->id);
  bool ok = ekm_hex_decode(file->name, NAME_DIGITS, &id, "the name of a key in a token", err);
  if (ok) memcpy(out->id, id.ptr, sizeof out->id);
  ekm_buf_clear(&id);
  return ok;
}

static bool unwrap(const char *path, ekm_token *token, const master_file *file, ekm_view wrapped, ekm_buf *out,
                   ekm_err *err) {
  ekm_token_key wrapper;
  const ekm_cipher_input in = {.value = wrapped};
  if (token == NULL) {
    return EKM_FAIL(err, EKM_E_TOKEN,
                    "the master key '%s' is wrapped by a token, and none is named; use --token-module", path);
  }
  if (!read_name(file, &wrapper, err)) return false;
  if (ekm_token_aes_decrypt(token, &wrapper, wrap, &in, out, err)) return true;
  if (err->id != EKM_E_UNWRAP_REFUSED) return false;
  ekm_err_clear(err);
  return EKM_FAIL(err, EKM_E_MASTER_KEY, "'%s' was not wrapped by the key in the token that it names", path);
}

bool vault_master_key_read(const char *path, ekm_token *token, ekm_secret *out_key, ekm_err *err) {
  bool ok = false;
  master_file file;
  ekm_buf text, bytes, plain;

  ekm_secret_clear(out_key);
  ekm_buf_init(&text, FILE_MAX_BYTES);
  ekm_buf_init(&bytes, WRAPPED_BYTES);
  ekm_buf_init(&plain, WRAPPED_BYTES);
  EKM_TRY(read_text(path, &text, err));
  EKM_TRY(parse(path, &text, &file, err));
  EKM_TRY(ekm_hex_decode(file.digits, file.digit_count, &bytes, "a master key", err));
  if (file.name != NULL) EKM_TRY(unwrap(path, token, &file, ekm_buf_view(&bytes), &plain, err));
  EKM_TRY(ekm_secret_set(out_key, ekm_buf_view(file.name == NULL ? &bytes : &plain), err));
  ok = true;
done:
  ekm_buf_clear(&text);
  ekm_buf_clear(&bytes);
  ekm_buf_clear(&plain);
  return ok;
}

bool vault_master_key_wrapped_by(const char *path, ekm_token_key *out_key, bool *out_is_wrapped, ekm_err *err) {
  master_file file;
  ekm_buf text;
  *out_is_wrapped = false;
  ekm_buf_init(&text, FILE_MAX_BYTES);
  bool ok = read_text(path, &text, err) && parse(path, &text, &file, err);
  *out_is_wrapped = ok && file.name != NULL;
  if (*out_is_wrapped) ok = read_name(&file, out_key, err);
  ekm_buf_clear(&text);
  return ok;
}
