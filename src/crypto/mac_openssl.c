/* HMAC over OpenSSL 3. */
#include "crypto/mac.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/crypto_openssl.h"

enum { MAC_BYTES_MAX = 64, HASH_CHARS_MAX = 8 };

typedef struct mac_alg {
  const char *name;
  char hash[HASH_CHARS_MAX];
  size_t bytes;
} mac_alg;

static const mac_alg algs[] = {{"HS256", "SHA256", 32}, {"HS384", "SHA384", 48}, {"HS512", "SHA512", 64}};

static const mac_alg *find_alg(const char *name, ekm_err *err) {
  for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
    if (strcmp(algs[i].name, name) == 0) return &algs[i];
  }
  (void)EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "the signature algorithm '%s'", name);
  return NULL;
}

static bool compute(const ekm_crypto *crypto, const ekm_secret *key, const mac_alg *alg, ekm_view data,
                    uint8_t out[MAC_BYTES_MAX], ekm_err *err) {
  mac_alg copy = *alg; /* OpenSSL's parameters are not const */
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, copy.hash, 0),
                         OSSL_PARAM_construct_end()};
  size_t len = 0;

  /* An empty key is what EVP_MAC_init takes for "the key of the last time", and whoever signs with one errs. */
  if (key->len == 0) return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "an empty key");
  (void)ERR_set_mark();
  EVP_MAC_CTX *mac = EVP_MAC_CTX_new(crypto->hmac);
  bool ok = mac != NULL && EVP_MAC_init(mac, ekm_secret_reveal(key).ptr, key->len, params) == 1 &&
            EVP_MAC_update(mac, data.ptr, data.len) == 1 && EVP_MAC_final(mac, out, &len, MAC_BYTES_MAX) == 1 &&
            len == alg->bytes;
  if (!ok) (void)ekm_crypto_fail(err, alg->name);
  EVP_MAC_CTX_free(mac);
  (void)ERR_pop_to_mark();
  return ok;
}

bool ekm_mac_sign(const ekm_crypto *crypto, const ekm_secret *key, const char *alg_name, ekm_view data,
                  ekm_buf *out_mac, ekm_err *err) {
  uint8_t mac[MAC_BYTES_MAX];
  const mac_alg *alg = find_alg(alg_name, err);
  if (alg == NULL || !compute(crypto, key, alg, data, mac, err)) return false;
  ekm_buf_append(out_mac, mac, alg->bytes);
  return ekm_buf_ok(out_mac, "a signature", err);
}

bool ekm_mac_verify(const ekm_crypto *crypto, const ekm_secret *key, const char *alg_name, ekm_view data, ekm_view mac,
                    bool *out_valid, ekm_err *err) {
  bool ok = false;
  uint8_t expected[MAC_BYTES_MAX];
  *out_valid = false;
  const mac_alg *alg = find_alg(alg_name, err);
  if (alg == NULL) goto done;
  EKM_TRY(compute(crypto, key, alg, data, expected, err));
  *out_valid = mac.len == alg->bytes && ekm_mem_equal(mac.ptr, expected, alg->bytes);
  ok = true;
done:
  ekm_mem_wipe(expected, sizeof expected); /* it would pass for a signature that was never given out */
  return ok;
}
