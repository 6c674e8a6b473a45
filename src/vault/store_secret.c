#include "vault/store_secret.h"

bool store_secret_hash(const vault_seal *seal, const char *client_id, const uint8_t salt[VAULT_SECRET_SALT_BYTES],
                       ekm_view secret, uint8_t out[VAULT_SECRET_HASH_BYTES], ekm_err *err) {
  ekm_buf data;
  ekm_buf_init(&data, EKM_LIMIT_SECRET_BYTES);
  ekm_buf_append(&data, client_id, VAULT_GUID_CHARS); /* fixed lengths in front: no two triples look the same */
  ekm_buf_append(&data, salt, VAULT_SECRET_SALT_BYTES);
  ekm_buf_append_view(&data, secret);
  bool ok = ekm_buf_ok(&data, "a client secret", err) &&
            vault_seal_mac(seal, VAULT_SEAL_SECRET, ekm_buf_view(&data), out, err);
  ekm_buf_clear(&data);
  return ok;
}

bool store_secret_make(const ekm_rng *rng, ekm_secret *out, ekm_err *err) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
  _Static_assert(sizeof alphabet == 65, "six bits choose a character");
  if (!ekm_secret_resize(out, VAULT_SECRET_MADE_CHARS, err)) return false;
  uint8_t *bytes = ekm_secret_bytes(out);
  if (!rng->fill(rng, bytes, VAULT_SECRET_MADE_CHARS, err)) return false;
  for (size_t i = 0; i < VAULT_SECRET_MADE_CHARS; i++) bytes[i] = (uint8_t)alphabet[bytes[i] & 63];
  return true;
}
