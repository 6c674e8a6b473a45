/* A key of any kind: how it is owned, and its DER forms. The map of the files is in keys_openssl.h. */
#include "crypto/keys_openssl.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/decoder.h>
#include <openssl/encoder.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/mem.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 4096 };

static bool check_kind(const EVP_PKEY *pkey, const key_curve **out_curve, ekm_err *err) {
  int bits = EVP_PKEY_get_bits(pkey);
  *out_curve = NULL;
  if (EVP_PKEY_is_a(pkey, "RSA")) {
    if (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX && bits % 1024 == 0) return true;
    return EKM_FAIL(err, EKM_E_KEY_TYPE, "an RSA key of %d bits", bits);
  }
  if (!EVP_PKEY_is_a(pkey, "EC")) return EKM_FAIL(err, EKM_E_KEY_KIND, "neither an RSA nor an EC key");
  *out_curve = key_curve_of(pkey);
  return *out_curve != NULL || EKM_FAIL(err, EKM_E_KEY_KIND, "an EC key of %d bits on another curve", bits);
}

bool key_adopt(const ekm_crypto *crypto, EVP_PKEY **pkey, bool has_private, ekm_key **out_key, ekm_err *err) {
  const key_curve *curve;
  if (!check_kind(*pkey, &curve, err)) return false;
  ekm_key *key = ekm_mem_alloc(sizeof *key, err);
  if (key == NULL) return false;
  key->crypto = crypto;
  key->pkey = *pkey;
  key->curve = curve;
  key->bits = (unsigned)EVP_PKEY_get_bits(*pkey);
  key->has_private = has_private;
  *pkey = NULL;
  *out_key = key;
  return true;
}

bool key_generate(const ekm_crypto *crypto, const char *kind, const OSSL_PARAM *params, ekm_key **out_key,
                  ekm_err *err) {
  bool ok = false;
  EVP_PKEY *pkey = NULL;
  (void)ERR_set_mark();
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(crypto->lib, kind, NULL);
  if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_CTX_set_params(ctx, params) != 1 ||
      EVP_PKEY_generate(ctx, &pkey) != 1) {
    (void)ekm_crypto_fail(err, "key generation");
    goto done;
  }
  EKM_TRY(key_adopt(crypto, &pkey, true, out_key, err));
  ok = true;
done:
  EVP_PKEY_free(pkey);
  EVP_PKEY_CTX_free(ctx);
  (void)ERR_pop_to_mark();
  return ok;
}

void ekm_key_free(ekm_key **key) {
  ekm_key *dead = *key;
  *key = NULL;
  if (dead == NULL) return;
  EVP_PKEY_free(dead->pkey); /* OpenSSL wipes the numbers of a private key */
  ekm_mem_free(dead);
}

unsigned ekm_key_bits(const ekm_key *key) {
  return key->bits;
}

const char *ekm_key_curve(const ekm_key *key) {
  return key->curve != NULL ? key->curve->name : NULL;
}

/* ---- for the files beside ---- */

ekm_view key_shortest(ekm_view number) {
  while (number.len > 0 && number.ptr[0] == 0) {
    number.ptr++;
    number.len--;
  }
  return number;
}

bool key_append_number(const ekm_key *key, const char *name, size_t width, ekm_buf *out, ekm_err *err) {
  BIGNUM *number = NULL;
  if (EVP_PKEY_get_bn_param(key->pkey, name, &number) != 1) return ekm_crypto_fail(err, "the numbers of a key");
  size_t len = width > 0 ? width : (size_t)BN_num_bytes(number);
  uint8_t *at = ekm_buf_extend(out, len);
  bool fits = at == NULL || BN_bn2binpad(number, at, (int)len) == (int)len;
  BN_free(number);
  return ekm_buf_ok(out, "a number of a key", err) && (fits || ekm_crypto_fail(err, "a number of a key"));
}

OSSL_PARAM key_text_param(const char *name, const char *text) {
  OSSL_PARAM param = OSSL_PARAM_construct_utf8_string(name, NULL, 0);
  union {
    const char *in;
    void *out;
  } pointer = {text};
  param.data = pointer.out;
  param.data_size = strlen(text);
  return param;
}

/* ---- keys as DER ---- */

/* ${kind} is RSA or EC: a decoder that must guess is several times slower. */
static bool decode(const ekm_crypto *crypto, ekm_view der, const char *kind, int selection, ekm_key **out_key,
                   ekm_err *err) {
  bool ok = false;
  EVP_PKEY *pkey = NULL;
  const uint8_t *at = der.ptr;
  size_t left = der.len;
  OSSL_DECODER_CTX *ctx = NULL;
  bool has_private = selection == EVP_PKEY_KEYPAIR;

  *out_key = NULL;
  (void)ERR_set_mark();
  if (der.len == 0) EKM_BAIL(err, EKM_E_CRYPTO, "the DER form of a key is empty");
  ctx = OSSL_DECODER_CTX_new_for_pkey(&pkey, "DER", has_private ? "PrivateKeyInfo" : NULL, kind, selection, crypto->lib,
                                      NULL);
  if (ctx == NULL || OSSL_DECODER_from_data(ctx, &at, &left) != 1) {
    (void)ekm_crypto_fail(err, "the DER form of a key cannot be read");
    goto done;
  }
  if (left != 0) EKM_BAIL(err, EKM_E_CRYPTO, "%zu bytes follow the DER form of a key", left);
  EKM_TRY(key_adopt(crypto, &pkey, has_private, out_key, err));
  ok = true;
done:
  OSSL_DECODER_CTX_free(ctx);
  EVP_PKEY_free(pkey);
  (void)ERR_pop_to_mark();
  return ok;
}

/* The algorithm of a PrivateKeyInfo (RFC 5958 section 2), whose private part is left alone. */
static bool kind_of_pkcs8(ekm_view der, const char **out_kind, ekm_err *err) {
  const uint8_t *at = der.ptr;
  const ASN1_OBJECT *algorithm = NULL;
  int nid = NID_undef;
  if (der.len > LONG_MAX) return EKM_FAIL(err, EKM_E_LIMIT, "a key of more than 2 GB");
  (void)ERR_set_mark();
  PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.len);
  bool ok = info != NULL && PKCS8_pkey_get0(&algorithm, NULL, NULL, NULL, info) == 1;
  if (ok) nid = OBJ_obj2nid(algorithm);
  PKCS8_PRIV_KEY_INFO_free(info); /* wipes its copy of the private part */
  if (!ok) (void)ekm_crypto_fail(err, "the DER form of a key cannot be read");
  (void)ERR_pop_to_mark();
  *out_kind = nid == NID_rsaEncryption ? "RSA" : nid == NID_X9_62_id_ecPublicKey ? "EC" : NULL;
  return ok && (*out_kind != NULL || EKM_FAIL(err, EKM_E_KEY_KIND, "neither an RSA nor an EC key"));
}

bool ekm_key_from_pkcs8(const ekm_crypto *crypto, ekm_view der, ekm_key **out_key, ekm_err *err) {
  const char *kind = NULL;
  *out_key = NULL;
  return kind_of_pkcs8(der, &kind, err) && decode(crypto, der, kind, EVP_PKEY_KEYPAIR, out_key, err);
}

bool ekm_key_from_public_der(const ekm_crypto *crypto, ekm_view der, ekm_key **out_key, ekm_err *err) {
  return decode(crypto, der, "RSA", EVP_PKEY_PUBLIC_KEY, out_key, err);
}

bool ekm_key_to_pkcs8(const ekm_key *key, ekm_buf *out_der, ekm_err *err) {
  bool ok = false;
  uint8_t *der = NULL;
  size_t len = 0;
  OSSL_ENCODER_CTX *ctx = NULL;

  (void)ERR_set_mark();
  if (!key->has_private) EKM_BAIL(err, EKM_E_BAD_ARGUMENT, "the key has no private part");
  ctx = OSSL_ENCODER_CTX_new_for_pkey(key->pkey, EVP_PKEY_KEYPAIR, "DER", "PrivateKeyInfo", NULL);
  if (ctx == NULL || OSSL_ENCODER_to_data(ctx, &der, &len) != 1) {
    (void)ekm_crypto_fail(err, "the DER form of a key");
    goto done;
  }
  ekm_buf_append(out_der, der, len);
  EKM_TRY(ekm_buf_ok(out_der, "the DER form of a key", err));
  ok = true;
done:
  OPENSSL_clear_free(der, len);
  OSSL_ENCODER_CTX_free(ctx);
  (void)ERR_pop_to_mark();
  return ok;
}
