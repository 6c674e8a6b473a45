#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "crypto/crypto_openssl.h"
#include "crypto/passphrase.h"

static bool is_bearable(const ekm_passphrase_cost *cost) {
  bool shaped = cost->n >= 2 && (cost->n & (cost->n - 1)) == 0 && cost->r >= 1 && cost->p >= 1 && cost->p <= 16;
  return shaped && cost->n <= EKM_PASSPHRASE_MAX_BYTES / 128 && cost->r <= EKM_PASSPHRASE_MAX_BYTES / 128 / cost->n;
}

bool ekm_passphrase_key(const ekm_crypto *crypto, const ekm_secret *passphrase, ekm_view salt,
                        const ekm_passphrase_cost *cost, size_t bytes, ekm_secret *out_key, ekm_err *err) {
  bool ok = false;
  EVP_KDF *kdf = NULL;
  EVP_KDF_CTX *context = NULL;
  uint64_t n = cost->n;
  uint64_t memory = 2 * (uint64_t)EKM_PASSPHRASE_MAX_BYTES;
  uint32_t r = cost->r, p = cost->p;
  ekm_view pass = ekm_secret_reveal(passphrase);

  (void)ERR_set_mark();
  if (!is_bearable(cost)) EKM_BAIL(err, EKM_E_LIMIT, "the cost of a passphrase");
  EKM_TRY(ekm_secret_resize(out_key, bytes, err));
  kdf = EVP_KDF_fetch(crypto->lib, "SCRYPT", NULL);
  context = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, (void *)(uintptr_t)pass.ptr, pass.len),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.ptr, salt.len),
      OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
      OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
      OSSL_PARAM_construct_end(),
  };
  if (context == NULL || EVP_KDF_derive(context, ekm_secret_bytes(out_key), bytes, params) != 1) {
    EKM_TRY(ekm_crypto_fail(err, "scrypt"));
  }
  ok = true;
done:
  (void)ERR_pop_to_mark();
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  if (!ok) ekm_secret_clear(out_key);
  return ok;
}
