/* Signatures of both kinds of keys. RSA's are OpenSSL's as they are; those of ECDSA change their form:
 *
 *   ours     [ r ][ s ]                                    each as long as the order (RFC 7518 section 3.4)
 *   OpenSSL  SEQUENCE { INTEGER r, INTEGER s } in DER      RFC 3279 section 2.2.3 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#include "crypto/keys_openssl.h"

typedef struct signature_alg {
  const char *name;
  const char *padding; /* of RSA */
  const char *curve;   /* of ECDSA */
  const char *hash;
  size_t hash_bytes;
} signature_alg;

static const signature_alg signature_algs[] = {
    {"RS256", OSSL_PKEY_RSA_PAD_MODE_PKCSV15, NULL, "SHA256", 32},
    {"RS384", OSSL_PKEY_RSA_PAD_MODE_PKCSV15, NULL, "SHA384", 48},
    {"RS512", OSSL_PKEY_RSA_PAD_MODE_PKCSV15, NULL, "SHA512", 64},
    {"PS256", OSSL_PKEY_RSA_PAD_MODE_PSS, NULL, "SHA256", 32},
    {"PS384", OSSL_PKEY_RSA_PAD_MODE_PSS, NULL, "SHA384", 48},
    {"PS512", OSSL_PKEY_RSA_PAD_MODE_PSS, NULL, "SHA512", 64},
    {"ES256", NULL, "P-256", "SHA256", 32},
    {"ES384", NULL, "P-384", "SHA384", 48},
    {"ES512", NULL, "P-521", "SHA512", 64},
    {"ES256K", NULL, "P-256K", "SHA256", 32}, /* RFC 8812 section 3.2 */
};

enum { DER_BYTES_MAX = 3 + 2 * (3 + KEY_EC_BYTES_MAX), ALG_PARAM_COUNT = 5 };

/* ---- algorithms ---- */

/* NULL for ECDSA in the table is NULL for RSA in the key. */
static bool is_for(const signature_alg *alg, const ekm_key *key) {
  if (alg->curve == NULL || key->curve == NULL) return alg->curve == NULL && key->curve == NULL;
  return strcmp(alg->curve, key->curve->name) == 0;
}

static const signature_alg *find_signature(const ekm_key *key, const char *name, ekm_view digest, ekm_err *err) {
  for (size_t i = 0; i < sizeof signature_algs / sizeof signature_algs[0]; i++) {
    const signature_alg *alg = &signature_algs[i];
    if (strcmp(alg->name, name) != 0) continue;
    if (!is_for(alg, key)) {
      (void)EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "%s is for keys on %s; this one is %s", name,
                     alg->curve != NULL ? alg->curve : "no curve", key->curve != NULL ? key->curve->name : "RSA");
      return NULL;
    }
    if (digest.len == alg->hash_bytes) return alg;
    (void)EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "%s signs a digest of %zu bytes, not of %zu", name, alg->hash_bytes,
                   digest.len);
    return NULL;
  }
  (void)EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "the signature algorithm '%s'", name);
  return NULL;
}

static void signature_params(const signature_alg *alg, OSSL_PARAM params[ALG_PARAM_COUNT]) {
  size_t i = 0;
  params[i++] = key_text_param(OSSL_SIGNATURE_PARAM_DIGEST, alg->hash);
  if (alg->padding != NULL) params[i++] = key_text_param(OSSL_SIGNATURE_PARAM_PAD_MODE, alg->padding);
  if (alg->padding != NULL && strcmp(alg->padding, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0) {
    params[i++] = key_text_param(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, alg->hash);
    params[i++] = key_text_param(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST);
  }
  params[i] = OSSL_PARAM_construct_end();
}

static size_t signature_bytes(const ekm_key *key) {
  return key->curve != NULL ? 2 * key->curve->bytes : key->bits / 8;
}

/* ---- the two forms of an ECDSA signature ---- */

static bool raw_of_der(const uint8_t *der, size_t der_len, uint8_t *raw, size_t half) {
  const uint8_t *at = der;
  ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der_len);
  bool ok = pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, (int)half) == (int)half &&
            BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + half, (int)half) == (int)half;
  ECDSA_SIG_free(pair);
  return ok;
}

static bool der_of_raw(const uint8_t *raw, size_t half, uint8_t der[DER_BYTES_MAX], size_t *der_len) {
  bool ok = false;
  uint8_t *at = der;
  ECDSA_SIG *pair = ECDSA_SIG_new();
  BIGNUM *r = BN_bin2bn(raw, (int)half, NULL);
  BIGNUM *s = BN_bin2bn(raw + half, (int)half, NULL);
  if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) goto done;
  r = NULL; /* the pair's now */
  s = NULL;
  int len = i2d_ECDSA_SIG(pair, NULL);
  ok = len > 0 && len <= DER_BYTES_MAX && i2d_ECDSA_SIG(pair, &at) == len;
  *der_len = ok ? (size_t)len : 0;
done:
  BN_free(r);
  BN_free(s);
  ECDSA_SIG_free(pair);
  return ok;
}

/* ---- signing and verifying ---- */

static bool sign_to(EVP_PKEY_CTX *ctx, const ekm_key *key, ekm_view digest, uint8_t *out) {
  uint8_t der[DER_BYTES_MAX];
  size_t len = key->curve != NULL ? sizeof der : signature_bytes(key);
  if (EVP_PKEY_sign(ctx, key->curve != NULL ? der : out, &len, digest.ptr, digest.len) != 1) return false;
  return key->curve == NULL || raw_of_der(der, len, out, key->curve->bytes);
}

bool ekm_key_sign(const ekm_key *key, const char *alg_name, ekm_view digest, ekm_buf *out_signature, ekm_err *err) {
  bool ok = false;
  size_t before = out_signature->len;
  EVP_PKEY_CTX *ctx = NULL;
  OSSL_PARAM params[ALG_PARAM_COUNT];

  (void)ERR_set_mark();
  const signature_alg *alg = find_signature(key, alg_name, digest, err);
  if (alg == NULL) goto done;
  if (!key->has_private) EKM_BAIL(err, EKM_E_BAD_ARGUMENT, "the key has no private part");
  signature_params(alg, params);
  uint8_t *at = ekm_buf_extend(out_signature, signature_bytes(key));
  EKM_TRY(ekm_buf_ok(out_signature, "a signature", err));
  ctx = EVP_PKEY_CTX_new_from_pkey(key->crypto->lib, key->pkey, NULL);
  if (ctx == NULL || EVP_PKEY_sign_init_ex(ctx, params) != 1 || !sign_to(ctx, key, digest, at)) {
    ekm_buf_truncate(out_signature, before);
    (void)ekm_crypto_fail(err, "a signature");
    goto done;
  }
  ok = true;
done:
  EVP_PKEY_CTX_free(ctx);
  (void)ERR_pop_to_mark();
  return ok;
}

static bool is_signature(EVP_PKEY_CTX *ctx, const ekm_key *key, ekm_view digest, ekm_view signature) {
  uint8_t der[DER_BYTES_MAX];
  if (signature.len != signature_bytes(key)) return false;
  if (key->curve != NULL) {
    size_t len = 0;
    if (!der_of_raw(signature.ptr, key->curve->bytes, der, &len)) return false;
    signature = ekm_view_of(der, len);
  }
  return EVP_PKEY_verify(ctx, signature.ptr, signature.len, digest.ptr, digest.len) == 1;
}

bool ekm_key_verify(const ekm_key *key, const char *alg_name, ekm_view digest, ekm_view signature, bool *out_valid,
                    ekm_err *err) {
  bool ok = false;
  EVP_PKEY_CTX *ctx = NULL;
  OSSL_PARAM params[ALG_PARAM_COUNT];

  *out_valid = false;
  (void)ERR_set_mark();
  const signature_alg *alg = find_signature(key, alg_name, digest, err);
  if (alg == NULL) goto done;
  signature_params(alg, params);
  ctx = EVP_PKEY_CTX_new_from_pkey(key->crypto->lib, key->pkey, NULL);
  if (ctx == NULL || EVP_PKEY_verify_init_ex(ctx, params) != 1) {
    (void)ekm_crypto_fail(err, "a verification");
    goto done;
  }
  *out_valid = is_signature(ctx, key, digest, signature);
  ok = true;
done:
  EVP_PKEY_CTX_free(ctx);
  (void)ERR_pop_to_mark();
  return ok;
}
