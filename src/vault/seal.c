#include "vault/seal.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/gcm.h"

static const char *const purposes[VAULT_SEAL_PURPOSES] = {
    [VAULT_SEAL_CHECK] = "openekm akvd 1 check", [VAULT_SEAL_ROW] = "openekm akvd 1 row",
    [VAULT_SEAL_SET] = "openekm akvd 1 set",     [VAULT_SEAL_ROOT] = "openekm akvd 1 root",
    [VAULT_SEAL_WRAP] = "openekm akvd 1 wrap",   [VAULT_SEAL_SECRET] = "openekm akvd 1 secret",
};

struct vault_seal {
  const ekm_crypto *crypto;
  ekm_secret keys[VAULT_SEAL_PURPOSES];
};

static bool derive(const ekm_crypto *crypto, const ekm_secret *from, ekm_view label, ekm_secret *out, ekm_err *err) {
  uint8_t key[EKM_SHA256_BYTES] = {0};
  bool ok = ekm_crypto_hmac_sha256(crypto, ekm_secret_reveal(from), label, key, err) &&
            ekm_secret_set(out, ekm_view_of(key, sizeof key), err);
  ekm_mem_wipe(key, sizeof key);
  return ok;
}

bool vault_seal_new(const ekm_crypto *crypto, const ekm_secret *master_key, vault_seal **out_seal, ekm_err *err) {
  *out_seal = NULL;
  vault_seal *seal = ekm_mem_alloc(sizeof *seal, err);
  if (seal == NULL) return false;
  seal->crypto = crypto;
  for (size_t i = 0; i < VAULT_SEAL_PURPOSES; i++) {
    if (!derive(crypto, master_key, ekm_view_text(purposes[i]), &seal->keys[i], err)) {
      vault_seal_free(&seal);
      return false;
    }
  }
  *out_seal = seal;
  return true;
}

void vault_seal_free(vault_seal **seal) {
  if (*seal == NULL) return;
  for (size_t i = 0; i < VAULT_SEAL_PURPOSES; i++) ekm_secret_clear(&(*seal)->keys[i]);
  ekm_mem_free(*seal);
  *seal = NULL;
}

bool vault_seal_mac(const vault_seal *seal, vault_seal_purpose purpose, ekm_view data,
                    uint8_t out[VAULT_SEAL_MAC_BYTES], ekm_err *err) {
  return ekm_crypto_hmac_sha256(seal->crypto, ekm_secret_reveal(&seal->keys[purpose]), data, out, err);
}

bool vault_seal_close(const vault_seal *seal, ekm_view identity, ekm_view aad, ekm_view plaintext, ekm_buf *out,
                      ekm_err *err) {
  bool ok = false;
  ekm_secret key = {0};
  uint8_t nonce[EKM_GCM_NONCE_BYTES];
  const ekm_rng *rng = ekm_crypto_rng(seal->crypto);

  EKM_TRY(derive(seal->crypto, &seal->keys[VAULT_SEAL_WRAP], identity, &key, err));
  EKM_TRY(rng->fill(rng, nonce, sizeof nonce, err));
  ekm_buf_append(out, nonce, sizeof nonce);
  EKM_TRY(ekm_gcm_seal(seal->crypto, &key, nonce, aad, plaintext, out, err));
  ok = ekm_buf_ok(out, "a sealed key", err);
done:
  ekm_secret_clear(&key);
  return ok;
}

bool vault_seal_open(const vault_seal *seal, ekm_view identity, ekm_view aad, ekm_view sealed, ekm_buf *out,
                     ekm_err *err) {
  bool ok = false;
  ekm_secret key = {0};

  if (sealed.len < EKM_GCM_NONCE_BYTES + EKM_GCM_TAG_BYTES) {
    EKM_BAIL(err, EKM_E_STORE_TAMPERED, "a sealed key is cut off");
  }
  EKM_TRY(derive(seal->crypto, &seal->keys[VAULT_SEAL_WRAP], identity, &key, err));
  ekm_view body = ekm_view_of(sealed.ptr + EKM_GCM_NONCE_BYTES, sealed.len - EKM_GCM_NONCE_BYTES);
  if (!ekm_gcm_open(seal->crypto, &key, sealed.ptr, aad, body, out, err)) {
    if (err->id == EKM_E_MISMATCH) EKM_BAIL(err, EKM_E_STORE_TAMPERED, "the seal of a private key does not match");
    goto done;
  }
  ok = true;
done:
  ekm_secret_clear(&key);
  return ok;
}

bool vault_seal_counter(const vault_seal *seal, ekm_prf **out_prf, ekm_err *err) {
  return ekm_prf_new(seal->crypto, &seal->keys[VAULT_SEAL_SET], out_prf, err);
}

static bool toggle(ekm_prf *counter, vault_seal_set *set, const uint8_t mac[VAULT_SEAL_MAC_BYTES], ekm_err *err) {
  uint8_t element[EKM_PRF_OUT_BYTES];
  if (!ekm_prf_run(counter, mac, element, err)) return false;
  for (size_t i = 0; i < sizeof element; i++) set->sum[i] ^= element[i];
  return true;
}

bool vault_seal_set_add(ekm_prf *counter, vault_seal_set *set, const uint8_t mac[VAULT_SEAL_MAC_BYTES], ekm_err *err) {
  if (!toggle(counter, set, mac, err)) return false;
  set->count++;
  return true;
}

bool vault_seal_set_remove(ekm_prf *counter, vault_seal_set *set, const uint8_t mac[VAULT_SEAL_MAC_BYTES],
                           ekm_err *err) {
  if (!toggle(counter, set, mac, err)) return false;
  set->count--;
  return true;
}
