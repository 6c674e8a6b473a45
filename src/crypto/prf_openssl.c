#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/crypto_openssl.h"
#include "crypto/prf.h"

struct ekm_prf {
  EVP_CIPHER *cipher;
  EVP_CIPHER_CTX *ctx;
};

bool ekm_prf_new(const ekm_crypto *crypto, const ekm_secret *key, ekm_prf **out_prf, ekm_err *err) {
  static const uint8_t zero[EKM_PRF_OUT_BYTES] = {0};
  *out_prf = NULL;
  if (key->len != EKM_PRF_KEY_BYTES) return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "an AES-256 key of %zu bytes", key->len);
  ekm_prf *prf = ekm_mem_alloc(sizeof *prf, err);
  if (prf == NULL) return false;
  (void)ERR_set_mark();
  prf->cipher = EVP_CIPHER_fetch(crypto->lib, "AES-256-CBC", NULL);
  prf->ctx = EVP_CIPHER_CTX_new();
  bool ok = prf->cipher != NULL && prf->ctx != NULL &&
            EVP_EncryptInit_ex2(prf->ctx, prf->cipher, ekm_secret_reveal(key).ptr, zero, NULL) == 1 &&
            EVP_CIPHER_CTX_set_padding(prf->ctx, 0) == 1;
  if (!ok) (void)ekm_crypto_fail(err, "AES-CBC");
  (void)ERR_pop_to_mark();
  *out_prf = prf;
  if (!ok) ekm_prf_free(out_prf);
  return ok;
}

void ekm_prf_free(ekm_prf **prf) {
  if (*prf == NULL) return;
  EVP_CIPHER_CTX_free((*prf)->ctx);
  EVP_CIPHER_free((*prf)->cipher);
  ekm_mem_free(*prf);
  *prf = NULL;
}

/* The last block of the ciphertext; each message begins with the zero iv again. */
bool ekm_prf_run(ekm_prf *prf, const uint8_t in[EKM_PRF_IN_BYTES], uint8_t out[EKM_PRF_OUT_BYTES], ekm_err *err) {
  static const uint8_t zero[EKM_PRF_OUT_BYTES] = {0};
  uint8_t blocks[EKM_PRF_IN_BYTES];
  int len = 0;
  bool ok = EVP_EncryptInit_ex2(prf->ctx, NULL, NULL, zero, NULL) == 1 &&
            EVP_EncryptUpdate(prf->ctx, blocks, &len, in, EKM_PRF_IN_BYTES) == 1 && len == EKM_PRF_IN_BYTES;
  if (!ok) return ekm_crypto_fail(err, "AES-CBC");
  memcpy(out, blocks + EKM_PRF_IN_BYTES - EKM_PRF_OUT_BYTES, EKM_PRF_OUT_BYTES);
  return true;
}
