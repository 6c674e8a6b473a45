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

bool keyring_key_new(const ekm_crypto *crypto, const keyring_record *record, keyring_key **out_key, ekm_err *err) {
  bool ok = false;
  ekm_view n = shortest(ekm_buf_view(&record->n));
  ekm_view e = shortest(ekm_buf_view(&record->e));
  size_t bits = bit_length(n);
  keyring_key *key = NULL;

  *out_key = NULL;
  if (!record->is_rsa) EKM_BAIL(err, EKM_E_KEY_TYPE, "key '%s' is not an RSA key", record->name);
  if (bits != 2048 && bits != 3072 && bits != 4096) {
    EKM_BAIL(err, EKM_E_KEY_TYPE, "key '%s' has %zu bits", record->name, bits);
  }
  if (e.len == 0 || e.len > n.len) EKM_BAIL(err, EKM_E_KEY_ANSWER, "key '%s' has no usable exponent", record->name);
  EKM_TRY((key = ekm_mem_alloc(sizeof *key, err)) != NULL);
  atomic_init(&key->refs, 1);
  ekm_buf_init(&key->n, n.len);
  ekm_buf_init(&key->e, e.len);
  key->enabled = record->enabled;
  EKM_TRY(ekm_text_copy(key->name, sizeof key->name, record->name, "a key name", err));
  EKM_TRY(ekm_text_copy(key->version, sizeof key->version, record->version, "a key version", err));
  ekm_buf_append_view(&key->n, n);
  ekm_buf_append_view(&key->e, e);
  EKM_TRY(ekm_buf_ok(&key->n, "a modulus", err));
  EKM_TRY(ekm_buf_ok(&key->e, "an exponent", err));
  EKM_TRY(keyring_thumb(crypto, n, e, key->thumb, err));
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

unsigned keyring_key_bits(const keyring_key *key) {
  return (unsigned)(key->n.len * 8);
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
