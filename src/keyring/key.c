/* The thumbprint of a key, so that nobody has to look it up elsewhere (RFC 7638 section 3.2):
 *
 *   SHA-256 over   {"e":"AQAB","kty":"RSA","n":"0vx7...FoWXw"}
 *                  members in this order, no white space, base64url of the shortest form of each number
 *   thumbprint     the leftmost 20 bytes of it
 *
 * 20 and not 32 because SQL Server documents 20 bytes for the encryptor's thumbprint in the database encryption key
 * and in backup headers. */
#include "keyring/key.h"

#include <string.h>

#include "base/b64url.h"
#include "base/mem.h"
#include "base/text.h"

void keyring_record_init(keyring_record *record) {
  memset(record, 0, sizeof *record);
  ekm_buf_init(&record->n, EKM_LIMIT_RSA_MODULUS_BYTES + 1); /* the service may echo a leading zero */
  ekm_buf_init(&record->e, EKM_LIMIT_RSA_MODULUS_BYTES + 1);
}

void keyring_record_clear(keyring_record *record) {
  ekm_buf_clear(&record->n);
  ekm_buf_clear(&record->e);
  keyring_record_init(record);
}

static ekm_view shortest(ekm_view number) {
  while (number.len > 0 && number.ptr[0] == 0) {
    number.ptr++;
    number.len--;
  }
  return number;
}

bool keyring_thumb(const ekm_crypto *crypto, ekm_view n, ekm_view e, uint8_t out[KEYRING_THUMB_BYTES], ekm_err *err) {
  bool ok = false;
  uint8_t digest[EKM_SHA256_BYTES];
  ekm_buf jwk;

  ekm_buf_init(&jwk, 4 * EKM_LIMIT_RSA_MODULUS_BYTES);
  ekm_buf_append_text(&jwk, "{\"e\":\"");
  ekm_b64url_encode(shortest(e), &jwk);
  ekm_buf_append_text(&jwk, "\",\"kty\":\"RSA\",\"n\":\"");
  ekm_b64url_encode(shortest(n), &jwk);
  ekm_buf_append_text(&jwk, "\"}");
  EKM_TRY(ekm_buf_ok(&jwk, "a key's numbers", err));
  EKM_TRY(ekm_crypto_sha256(crypto, ekm_buf_view(&jwk), digest, err));
  memcpy(out, digest, KEYRING_THUMB_BYTES);
  ok = true;
done:
  ekm_buf_clear(&jwk);
  return ok;
}

static size_t bit_length(ekm_view number) {
  size_t bits = number.len * 8;
  for (unsigned top = number.len > 0 ? number.ptr[0] : 0; top != 0 && (top & 0x80u) == 0; top <<= 1) bits--;
  return bits;
}

bool keyring_thumb_of_aes(const ekm_crypto *crypto, const char *name, const char *version,
                          uint8_t out[KEYRING_THUMB_BYTES], ekm_err *err) {
  uint8_t digest[EKM_SHA256_BYTES];
  ekm_buf text;
  ekm_buf_init(&text, EKM_LIMIT_KEY_NAME_CHARS + EKM_LIMIT_KEY_VERSION_CHARS + 8);
  ekm_buf_append_fmt(&text, "oct|%s|%s", name, version);
  bool ok = ekm_buf_ok(&text, "a key's name", err) && ekm_crypto_sha256(crypto, ekm_buf_view(&text), digest, err);
  if (ok) memcpy(out, digest, KEYRING_THUMB_BYTES);
  ekm_buf_clear(&text);
  return ok;
}

static bool check_numbers(const keyring_record *record, ekm_view n, ekm_view e, ekm_err *err) {
  size_t bits = bit_length(n);
  if (bits != 2048 && bits != 3072 && bits != 4096) {
    return EKM_FAIL(err, EKM_E_KEY_TYPE, "key '%s' has %zu bits", record->name, bits);
  }
  if (e.len == 0 || e.len > n.len) {
    return EKM_FAIL(err, EKM_E_KEY_ANSWER, "key '%s' has no usable exponent", record->name);
  }
  return true;
}

static bool fill_rsa(const ekm_crypto *crypto, const keyring_record *record, keyring_key *key, ekm_err *err) {
  ekm_view n = shortest(ekm_buf_view(&record->n));
  ekm_view e = shortest(ekm_buf_view(&record->e));
  if (!check_numbers(record, n, e, err)) return false;
  ekm_buf_init(&key->n, n.len);
  ekm_buf_init(&key->e, e.len);
  ekm_buf_append_view(&key->n, n);
  ekm_buf_append_view(&key->e, e);
  return ekm_buf_ok(&key->n, "a modulus", err) && ekm_buf_ok(&key->e, "an exponent", err) &&
         keyring_thumb(crypto, n, e, key->thumb, err);
}

static bool fill_aes(const ekm_crypto *crypto, const keyring_record *record, keyring_key *key, ekm_err *err) {
  key->is_aes = true;
  atomic_init(&key->aes_bits, record->bits);
  return keyring_thumb_of_aes(crypto, record->name, record->version, key->thumb, err);
}

bool keyring_key_new(const ekm_crypto *crypto, const keyring_record *record, keyring_key **out_key, ekm_err *err) {
  bool ok = false;
  keyring_key *key = NULL;

  *out_key = NULL;
  if (!record->is_rsa && !record->is_aes) {
    EKM_BAIL(err, EKM_E_KEY_TYPE, "key '%s' is neither RSA nor AES", record->name);
  }
  EKM_TRY((key = ekm_mem_alloc(sizeof *key, err)) != NULL);
  atomic_init(&key->refs, 1);
  ekm_buf_init(&key->n, 0);
  ekm_buf_init(&key->e, 0);
  key->enabled = record->enabled;
  EKM_TRY(ekm_text_copy(key->name, sizeof key->name, record->name, "a key name", err));
  EKM_TRY(ekm_text_copy(key->version, sizeof key->version, record->version, "a key version", err));
  EKM_TRY((record->is_aes ? fill_aes : fill_rsa)(crypto, record, key, err));
  *out_key = key;
  ok = true;
done:
  if (!ok) keyring_key_unref(&key);
  return ok;
}

keyring_key *keyring_key_ref(keyring_key *key) {
  atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
  return key;
}

void keyring_key_unref(keyring_key **key) {
  keyring_key *last = *key;
  *key = NULL;
  if (last == NULL || atomic_fetch_sub_explicit(&last->refs, 1, memory_order_acq_rel) != 1) return;
  ekm_buf_clear(&last->n);
  ekm_buf_clear(&last->e);
  ekm_mem_free(last);
}

const char *keyring_key_name(const keyring_key *key) {
  return key->name;
}

const char *keyring_key_version(const keyring_key *key) {
  return key->version;
}

ekm_view keyring_key_thumb(const keyring_key *key) {
  return ekm_view_of(key->thumb, sizeof key->thumb);
}

keyring_kind keyring_key_kind(const keyring_key *key) {
  return key->is_aes ? KEYRING_AES : KEYRING_RSA;
}

unsigned keyring_key_bits(const keyring_key *key) {
  return key->is_aes ? atomic_load_explicit(&key->aes_bits, memory_order_relaxed) : (unsigned)(key->n.len * 8);
}

size_t keyring_key_modulus_bytes(const keyring_key *key) {
  return key->n.len;
}

ekm_view keyring_key_n(const keyring_key *key) {
  return ekm_buf_view(&key->n);
}

ekm_view keyring_key_e(const keyring_key *key) {
  return ekm_buf_view(&key->e);
}
