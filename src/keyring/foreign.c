#include "keyring/foreign.h"

#include <string.h>

/* The code of a character is its place here; 0 stands for none. */
static const char alphabet[] = " abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

enum { CODE_BITS = 6, CODE_MASK = 63 };

/* Without an allocation: "not a packed name" must not mean "no memory". */
static bool pack(const char *name, uint8_t bytes[KEYRING_FOREIGN_NAME_BYTES], size_t *out_bytes) {
  size_t len = strlen(name);
  memset(bytes, 0, KEYRING_FOREIGN_NAME_BYTES);
  if (len == 0 || len > KEYRING_FOREIGN_NAME_CHARS) return false;
  for (size_t i = 0; i < len; i++) {
    const char *at = strchr(alphabet + 1, name[i]);
    if (at == NULL) return false;
    unsigned code = (unsigned)(at - alphabet);
    for (size_t bit = 0; bit < CODE_BITS; bit++) {
      size_t to = i * CODE_BITS + bit;
      if ((code >> (CODE_BITS - 1 - bit) & 1) != 0) bytes[to / 8] |= (uint8_t)(0x80 >> to % 8);
    }
  }
  *out_bytes = (len * CODE_BITS + 7) / 8;
  return true;
}

bool keyring_foreign_pack(const char *name, ekm_buf *out) {
  uint8_t bytes[KEYRING_FOREIGN_NAME_BYTES];
  size_t len;
  if (!pack(name, bytes, &len)) return false;
  ekm_buf_append(out, bytes, len);
  return true;
}

static unsigned code_at(ekm_view thumb, size_t index) {
  unsigned code = 0;
  for (size_t bit = index * CODE_BITS; bit < (index + 1) * CODE_BITS; bit++) {
    code = code << 1 | (unsigned)(thumb.ptr[bit / 8] >> (7 - bit % 8) & 1);
  }
  return code;
}

/* What is unpacked must pack to the same again: so bits behind the name are zero, and there is one form only. A last
 * code of zero is the end of the name. */
bool keyring_foreign_unpack(ekm_view thumb, char out_name[KEYRING_FOREIGN_NAME_CHARS + 1]) {
  uint8_t again[KEYRING_FOREIGN_NAME_BYTES];
  size_t again_len = 0, chars = thumb.len * 8 / CODE_BITS;
  out_name[0] = '\0';
  if (thumb.len == 0 || thumb.len > KEYRING_FOREIGN_NAME_BYTES) return false;
  if (chars > 0 && code_at(thumb, chars - 1) == 0) chars--;
  for (size_t i = 0; i < chars; i++) out_name[i] = alphabet[code_at(thumb, i) & CODE_MASK];
  out_name[chars] = '\0';
  bool ok = strchr(out_name, ' ') == NULL && pack(out_name, again, &again_len) &&
            ekm_view_equal(ekm_view_of(again, again_len), thumb);
  if (!ok) out_name[0] = '\0';
  return ok;
}

static bool hash_of(const ekm_crypto *crypto, keyring_blob_form form, const keyring_key *key,
                    uint8_t out[EKM_SHA1_BYTES], ekm_err *err) {
  ekm_buf blob;
  ekm_buf_init(&blob, KEYRING_BLOB_MAX_BYTES);
  bool ok = keyring_blob_append(form, keyring_key_n(key), keyring_key_e(key), &blob, err) &&
            ekm_crypto_sha1(crypto, ekm_buf_view(&blob), out, err);
  ekm_buf_clear(&blob);
  return ok;
}

bool keyring_foreign_hash(const ekm_crypto *crypto, const keyring_key *key, keyring_blob_form form, ekm_buf *out,
                          ekm_err *err) {
  uint8_t hash[EKM_SHA1_BYTES];
  if (!hash_of(crypto, form, key, hash, err)) return false;
  ekm_buf_append(out, hash, sizeof hash);
  return ekm_buf_ok(out, "a thumbprint", err);
}

bool keyring_foreign_is(const ekm_crypto *crypto, const keyring_key *key, ekm_view thumb, bool *out_is, ekm_err *err) {
  uint8_t hash[EKM_SHA1_BYTES];
  *out_is = false;
  if (thumb.len != sizeof hash || keyring_key_kind(key) != KEYRING_RSA) return true;
  for (int form = 0; form < KEYRING_BLOB_FORMS && !*out_is; form++) {
    bool has_form = form != KEYRING_BLOB_CAPI || keyring_key_e(key).len <= 4;
    if (!has_form) continue;
    if (!hash_of(crypto, (keyring_blob_form)form, key, hash, err)) return false;
    *out_is = ekm_view_equal(ekm_view_of(hash, sizeof hash), thumb);
  }
  return true;
}
