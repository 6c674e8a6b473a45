/* Elliptic-curve keys: how they are made, of nothing or of their numbers, and what is given out of them.
 *
 *   JWK      x, y, d        as long as the field (RFC 7518 section 6.2)
 *   OpenSSL  04 ‖ x ‖ y     the uncompressed point (SEC 1 section 2.3.3), and d as a number */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

#include "crypto/keys_openssl.h"

static const key_curve curves[] = {
    {"P-256", "prime256v1", 32},
    {"P-384", "secp384r1", 48},
    {"P-521", "secp521r1", KEY_EC_BYTES_MAX},
    {"P-256K", "secp256k1", 32}, /* RFC 8812 section 3.1 calls it secp256k1, Key Vault P-256K */
};

enum { CURVE_COUNT = sizeof curves / sizeof curves[0], GROUP_CHARS_MAX = 32 };

static const key_curve *find_curve(const char *name, ekm_err *err) {
  for (size_t i = 0; i < CURVE_COUNT; i++) {
    if (strcmp(curves[i].name, name) == 0) return &curves[i];
  }
  (void)EKM_FAIL(err, EKM_E_KEY_KIND, "the curve '%s'", name);
  return NULL;
}

const key_curve *key_curve_of(const EVP_PKEY *pkey) {
  char group[GROUP_CHARS_MAX] = "";
  size_t len = 0;
  if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &len) != 1) return NULL;
  for (size_t i = 0; i < CURVE_COUNT; i++) {
    if (strcmp(curves[i].group, group) == 0) return &curves[i];
  }
  return NULL;
}

bool ekm_key_generate_ec(const ekm_crypto *crypto, const char *curve_name, ekm_key **out_key, ekm_err *err) {
  *out_key = NULL;
  const key_curve *curve = find_curve(curve_name, err);
  if (curve == NULL) return false;
  const OSSL_PARAM params[] = {key_text_param(OSSL_PKEY_PARAM_GROUP_NAME, curve->group), OSSL_PARAM_construct_end()};
  return key_generate(crypto, "EC", params, out_key, err);
}

/* ---- keys as numbers ---- */

typedef struct number_set {
  uint8_t point[1 + 2 * KEY_EC_BYTES_MAX];
  BIGNUM *d; /* NULL: a public key */
  OSSL_PARAM_BLD *builder;
  OSSL_PARAM *params;
} number_set;

static void number_set_clear(number_set *set) {
  BN_clear_free(set->d);
  OSSL_PARAM_BLD_free(set->builder);
  OSSL_PARAM_free(set->params);
}

/* Write ${number} with leading zeros. */
static bool pad(ekm_view number, uint8_t *out, const key_curve *curve, ekm_err *err) {
  number = key_shortest(number);
  if (number.len > curve->bytes) {
    return EKM_FAIL(err, EKM_E_CRYPTO, "a number of a key on %s is longer than %zu bytes", curve->name, curve->bytes);
  }
  if (number.len > 0) memcpy(out + curve->bytes - number.len, number.ptr, number.len);
  return true;
}

static bool number_set_read(number_set *set, const ekm_ec_numbers *numbers, const key_curve *curve, ekm_err *err) {
  ekm_view d = key_shortest(numbers->d);
  if (numbers->x.len == 0 || numbers->y.len == 0) return EKM_FAIL(err, EKM_E_CRYPTO, "an EC key needs x and y");
  set->point[0] = 4;
  if (!pad(numbers->x, set->point + 1, curve, err)) return false;
  if (!pad(numbers->y, set->point + 1 + curve->bytes, curve, err)) return false;
  if (numbers->d.len == 0) return true;
  if (d.len == 0 || d.len > curve->bytes) {
    return EKM_FAIL(err, EKM_E_CRYPTO, "the private number of a key on %s is 0 or longer than %zu bytes", curve->name,
                    curve->bytes);
  }
  /* A "secure" number makes the builder wipe its copy, also where OpenSSL has no secure heap. */
  set->d = BN_secure_new();
  if (set->d == NULL || BN_bin2bn(d.ptr, (int)d.len, set->d) == NULL) {
    return EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "for the numbers of an EC key");
  }
  return true;
}

static bool number_set_build(number_set *set, const key_curve *curve, ekm_err *err) {
  set->builder = OSSL_PARAM_BLD_new();
  if (set->builder != NULL &&
      OSSL_PARAM_BLD_push_utf8_string(set->builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) == 1 &&
      OSSL_PARAM_BLD_push_octet_string(set->builder, OSSL_PKEY_PARAM_PUB_KEY, set->point, 1 + 2 * curve->bytes) == 1 &&
      (set->d == NULL || OSSL_PARAM_BLD_push_BN(set->builder, OSSL_PKEY_PARAM_PRIV_KEY, set->d) == 1)) {
    set->params = OSSL_PARAM_BLD_to_param(set->builder);
  }
  return set->params != NULL || EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "for the numbers of an EC key");
}

/* The point on the curve and of the order; d in its range, and its point the public one. */
static bool check(const ekm_key *key, ekm_err *err) {
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(key->crypto->lib, key->pkey, NULL);
  bool ok = ctx != NULL && (key->has_private ? EVP_PKEY_check(ctx) : EVP_PKEY_public_check(ctx)) == 1;
  if (!ok) (void)ekm_crypto_fail(err, "the numbers of an EC key do not belong together");
  EVP_PKEY_CTX_free(ctx);
  return ok;
}

bool ekm_key_import_ec(const ekm_crypto *crypto, const char *curve_name, const ekm_ec_numbers *numbers,
                       ekm_key **out_key, ekm_err *err) {
  bool ok = false;
  number_set set = {{0}, NULL, NULL, NULL};
  EVP_PKEY *pkey = NULL;
  EVP_PKEY_CTX *ctx = NULL;

  *out_key = NULL;
  (void)ERR_set_mark();
  const key_curve *curve = find_curve(curve_name, err);
  if (curve == NULL) goto done;
  EKM_TRY(number_set_read(&set, numbers, curve, err));
  EKM_TRY(number_set_build(&set, curve, err));
  ctx = EVP_PKEY_CTX_new_from_name(crypto->lib, "EC", NULL);
  if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
      EVP_PKEY_fromdata(ctx, &pkey, set.d != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, set.params) != 1) {
    (void)ekm_crypto_fail(err, "the numbers of an EC key");
    goto done;
  }
  EKM_TRY(key_adopt(crypto, &pkey, set.d != NULL, out_key, err));
  EKM_TRY(check(*out_key, err));
  ok = true;
done:
  if (!ok) ekm_key_free(out_key);
  EVP_PKEY_free(pkey);
  EVP_PKEY_CTX_free(ctx);
  number_set_clear(&set);
  (void)ERR_pop_to_mark();
  return ok;
}

bool ekm_key_public_ec(const ekm_key *key, ekm_buf *out_x, ekm_buf *out_y, ekm_err *err) {
  if (key->curve == NULL) return EKM_FAIL(err, EKM_E_KEY_KIND, "an RSA key has no coordinates");
  (void)ERR_set_mark();
  bool ok = key_append_number(key, OSSL_PKEY_PARAM_EC_PUB_X, key->curve->bytes, out_x, err) &&
            key_append_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, key->curve->bytes, out_y, err);
  (void)ERR_pop_to_mark();
  return ok;
}
