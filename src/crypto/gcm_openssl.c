/* AES-256-GCM over OpenSSL 3: ciphertext ‖ tag (16 bytes). */
#include "crypto/gcm.h"

#include <limits.h>
#include <openssl/err.h>

#include "crypto/crypto_openssl.h"

/* ${aad} goes in, ${text} goes through to ${out}; ${ctx} was initialised in one direction. */
static bool run(EVP_CIPHER_CTX *ctx, ekm_view aad, ekm_view text, uint8_t *out) {
  int len = 0;
  if (aad.len > 0 && EVP_CipherUpdate(ctx, NULL, &len, aad.ptr, (int)aad.len) != 1) return false;
  return text.len == 0 || EVP_CipherUpdate(ctx, out, &len, text.ptr, (int)text.len) == 1;
}

static bool check(const ekm_secret *key, ekm_view aad, ekm_view text, ekm_err *err) {
  if (key->len != EKM_GCM_KEY_BYTES) return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "an AES-256 key of %zu bytes", key->len);
  if (aad.len > INT_MAX || text.len > INT_MAX) return EKM_FAIL(err, EKM_E_LIMIT, "more than 2 GB to encrypt at once");
  return true;
}

bool ekm_gcm_seal(const ekm_crypto *crypto, const ekm_secret *key, const uint8_t nonce[EKM_GCM_NONCE_BYTES],
                  ekm_view aad, ekm_view plaintext, ekm_buf *out, ekm_err *err) {
  bool ok = false;
  size_t before = out->len;
  int len = 0;
  EVP_CIPHER_CTX *ctx = NULL;

  (void)ERR_set_mark();
  EKM_TRY(check(key, aad, plaintext, err));
  uint8_t *at = ekm_buf_extend(out, plaintext.len + EKM_GCM_TAG_BYTES);
  EKM_TRY(ekm_buf_ok(out, "a ciphertext", err));
  ctx = EVP_CIPHER_CTX_new();
  if (ctx == NULL || EVP_EncryptInit_ex2(ctx, crypto->aes_256_gcm, ekm_secret_reveal(key).ptr, nonce, NULL) != 1 ||
      !run(ctx, aad, plaintext, at) || EVP_EncryptFinal_ex(ctx, at + plaintext.len, &len) != 1 ||
      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, EKM_GCM_TAG_BYTES, at + plaintext.len) != 1) {
    ekm_buf_truncate(out, before);
    (void)ekm_crypto_fail(err, "AES-GCM encryption");
    goto done;
  }
  ok = true;
done:
  EVP_CIPHER_CTX_free(ctx);
  (void)ERR_pop_to_mark();
  return ok;
}

bool ekm_gcm_open(const ekm_crypto *crypto, const ekm_secret *key, const uint8_t nonce[EKM_GCM_NONCE_BYTES],
                  ekm_view aad, ekm_view sealed, ekm_buf *out, ekm_err *err) {
  bool ok = false;
  size_t before = out->len;
  uint8_t tag[EKM_GCM_TAG_BYTES];
  uint8_t nothing[EKM_GCM_TAG_BYTES]; /* where EVP_DecryptFinal_ex may write; GCM has nothing left to write */
  int len = 0;
  EVP_CIPHER_CTX *ctx = NULL;

  (void)ERR_set_mark();
  EKM_TRY(check(key, aad, sealed, err));
  if (sealed.len < EKM_GCM_TAG_BYTES)
    EKM_BAIL(err, EKM_E_MISMATCH, "%zu bytes are too few for a sealed text", sealed.len);
  ekm_view text = ekm_view_of(sealed.ptr, sealed.len - EKM_GCM_TAG_BYTES);
  for (size_t i = 0; i < sizeof tag; i++) tag[i] = sealed.ptr[text.len + i];
  uint8_t *at = ekm_buf_extend(out, text.len);
  EKM_TRY(ekm_buf_ok(out, "a plaintext", err));
  ctx = EVP_CIPHER_CTX_new();
  if (ctx == NULL || EVP_DecryptInit_ex2(ctx, crypto->aes_256_gcm, ekm_secret_reveal(key).ptr, nonce, NULL) != 1 ||
      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, EKM_GCM_TAG_BYTES, tag) != 1 || !run(ctx, aad, text, at)) {
    ekm_buf_truncate(out, before);
    (void)ekm_crypto_fail(err, "AES-GCM decryption");
    goto done;
  }
  if (EVP_DecryptFinal_ex(ctx, nothing, &len) != 1) {
    ekm_buf_truncate(out, before);
    EKM_BAIL(err, EKM_E_MISMATCH, "the key is another one, or the sealed text was changed");
  }
  ok = true;
done:
  EVP_CIPHER_CTX_free(ctx);
  (void)ERR_pop_to_mark();
  return ok;
}
