/* RSA: how keys are made, of nothing or of their numbers, and encryption. How an algorithm's name becomes OpenSSL's
 * parameters is in a table; everything else is one path for all of them. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/limits.h"
#include "crypto/keys_openssl.h"

enum { RSA_BITS_MAX = 4096, RSA_EXPONENT_BYTES_MAX = 8 };

typedef struct encryption_alg {
  const char *name;
  const char *padding;
  const char *hash; /* of OAEP and of its MGF1; NULL for RSA1_5 */
  unsigned overhead_bytes;
} encryption_alg;

static const encryption_alg encryption_algs[] = {
    {"RSA-OAEP-256", OSSL_PKEY_RSA_PAD_MODE_OAEP, "SHA256", 2 * 32 + 2}, /* RFC 8017 section 7.1.1 */
    {"RSA-OAEP", OSSL_PKEY_RSA_PAD_MODE_OAEP, "SHA1", 2 * 20 + 2},
    {"RSA1_5", OSSL_PKEY_RSA_PAD_MODE_PKCSV15, NULL, 11}, /* RFC 8017 section 7.2.1 */
};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* ---- making keys ---- */

bool ekm_key_generate_rsa(const ekm_crypto *crypto, unsigned bits, uint32_t public_exponent, ekm_key **out_key,
                          ekm_err *err) {
  size_t size = bits;
  uint32_t exponent = public_exponent;
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_RSA_BITS, &size),
                               OSSL_PARAM_construct_uint32(OSSL_PKEY_PARAM_RSA_E, &exponent),
                               OSSL_PARAM_construct_end()};

  *out_key = NULL;
  if (bits != 2048 && bits != 3072 && bits != 4096) return EKM_FAIL(err, EKM_E_KEY_TYPE, "an RSA key of %u bits", bits);
  if (exponent < 3 || exponent % 2 == 0) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "the public exponent %u is even or below 3", exponent);
  }
  return key_generate(crypto, "RSA", params, out_key, err);
}

/* ---- keys as numbers ---- */

enum { N, E, D, P, Q, DP, DQ, QI, NUMBER_COUNT };

static const char *const number_names[NUMBER_COUNT] = {
    [N] = OSSL_PKEY_PARAM_RSA_N,          [E] = OSSL_PKEY_PARAM_RSA_E,
    [D] = OSSL_PKEY_PARAM_RSA_D,          [P] = OSSL_PKEY_PARAM_RSA_FACTOR1,
    [Q] = OSSL_PKEY_PARAM_RSA_FACTOR2,    [DP] = OSSL_PKEY_PARAM_RSA_EXPONENT1,
    [DQ] = OSSL_PKEY_PARAM_RSA_EXPONENT2, [QI] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

typedef struct number_set {
  BIGNUM *values[NUMBER_COUNT];
  OSSL_PARAM_BLD *builder;
  OSSL_PARAM *params;
} number_set;

static void number_set_clear(number_set *set) {
  for (size_t i = 0; i < NUMBER_COUNT; i++) BN_clear_free(set->values[i]);
  OSSL_PARAM_BLD_free(set->builder);
  OSSL_PARAM_free(set->params);
}

static bool number_set_read(number_set *set, const ekm_rsa_numbers *numbers, ekm_err *err) {
  const ekm_view views[NUMBER_COUNT] = {numbers->n, numbers->e,  numbers->d,  numbers->p,
                                        numbers->q, numbers->dp, numbers->dq, numbers->qi};
  for (size_t i = 0; i < NUMBER_COUNT; i++) {
    if (views[i].len == 0) continue;
    /* A "secure" number makes the builder wipe its copy, also where OpenSSL has no secure heap. */
    set->values[i] = BN_secure_new();
    if (set->values[i] == NULL || BN_bin2bn(views[i].ptr, (int)views[i].len, set->values[i]) == NULL) {
      return EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "for the numbers of an RSA key");
    }
  }
  return true;
}

/* One try of NIST SP 800-56B appendix C.1: with de - 1 = 2^t r, r odd, the powers g^r, g^2r, g^4r ... reach 1; if the
 * one before was not -1, it is a root of 1 that betrays a factor: p = gcd(root - 1, n). */
static bool try_factor(const number_set *set, const BIGNUM *r, int t, BN_ULONG base, BN_CTX *ctx) {
  bool found = false;
  BN_CTX_start(ctx);
  BIGNUM *root = BN_CTX_get(ctx);
  BIGNUM *square = BN_CTX_get(ctx);
  BIGNUM *minus_one = BN_CTX_get(ctx);
  if (minus_one == NULL || !BN_set_word(square, base) || !BN_sub(minus_one, set->values[N], BN_value_one()) ||
      !BN_mod_exp_mont_consttime(root, square, r, set->values[N], ctx, NULL)) {
    t = 0;
  }
  for (int i = 0; i < t && !found && !BN_is_one(root) && BN_cmp(root, minus_one) != 0; i++) {
    if (!BN_mod_sqr(square, root, set->values[N], ctx)) break;
    found = BN_is_one(square) && BN_sub_word(root, 1) && BN_gcd(set->values[P], root, set->values[N], ctx) == 1;
    if (!found && BN_copy(root, square) == NULL) break;
  }
  BN_CTX_end(ctx);
  return found;
}

static bool derive_crt(number_set *set, BN_CTX *ctx) {
  BIGNUM **v = set->values;
  BN_CTX_start(ctx);
  BIGNUM *less = BN_CTX_get(ctx);
  bool ok = less != NULL && BN_div(v[Q], NULL, v[N], v[P], ctx) == 1 && BN_sub(less, v[P], BN_value_one()) == 1 &&
            BN_mod(v[DP], v[D], less, ctx) == 1 && BN_sub(less, v[Q], BN_value_one()) == 1 &&
            BN_mod(v[DQ], v[D], less, ctx) == 1 && BN_mod_inverse(v[QI], v[Q], v[P], ctx) != NULL;
  BN_CTX_end(ctx);
  return ok;
}

/* A private key of n, e and d alone: find the other five, without which it is slow and has no PKCS#8 form. */
static bool number_set_factor(number_set *set, ekm_err *err) {
  enum { TRIES = 100 }; /* each fails with a probability of one half */
  bool ok = false;
  BN_CTX *ctx = BN_CTX_secure_new();
  BIGNUM *r = BN_secure_new();
  for (size_t i = P; i < NUMBER_COUNT; i++) {
    set->values[i] = BN_secure_new();
    if (set->values[i] == NULL) EKM_BAIL(err, EKM_E_OUT_OF_MEMORY, "for the numbers of an RSA key");
  }
  if (ctx == NULL || r == NULL) EKM_BAIL(err, EKM_E_OUT_OF_MEMORY, "for the numbers of an RSA key");
  if (!BN_is_odd(set->values[N])) EKM_BAIL(err, EKM_E_CRYPTO, "the modulus of an RSA key is even");
  if (!BN_mul(r, set->values[D], set->values[E], ctx) || !BN_sub_word(r, 1)) {
    EKM_BAIL(err, EKM_E_OUT_OF_MEMORY, "for the numbers of an RSA key");
  }
  int t = 0;
  while (!BN_is_zero(r) && !BN_is_odd(r) && BN_rshift1(r, r)) t++;
  for (BN_ULONG base = 2; base < 2 + TRIES && !ok; base++) ok = try_factor(set, r, t, base, ctx);
  ok = ok && derive_crt(set, ctx);
  if (!ok) (void)EKM_FAIL(err, EKM_E_CRYPTO, "the numbers of a private RSA key do not belong together");
done:
  BN_clear_free(r);
  BN_CTX_free(ctx);
  return ok;
}

static bool number_set_build(number_set *set, ekm_err *err) {
  bool ok = false;
  set->builder = OSSL_PARAM_BLD_new();
  if (set->builder == NULL) goto done;
  for (size_t i = 0; i < NUMBER_COUNT; i++) {
    if (set->values[i] != NULL && OSSL_PARAM_BLD_push_BN(set->builder, number_names[i], set->values[i]) != 1) goto done;
  }
  set->params = OSSL_PARAM_BLD_to_param(set->builder);
  ok = set->params != NULL;
done:
  return ok || EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "for the numbers of an RSA key");
}

/* Take leading zeros away and refuse what cannot be a key before OpenSSL calculates with it. */
static bool check_numbers(const ekm_rsa_numbers *in, ekm_rsa_numbers *out, ekm_err *err) {
  *out = (ekm_rsa_numbers){key_shortest(in->n), key_shortest(in->e),  key_shortest(in->d),  key_shortest(in->p),
                           key_shortest(in->q), key_shortest(in->dp), key_shortest(in->dq), key_shortest(in->qi)};
  const ekm_view parts[] = {out->d, out->p, out->q, out->dp, out->dq, out->qi};
  size_t crt = 0;
  if (out->n.len == 0 || out->e.len == 0) return EKM_FAIL(err, EKM_E_CRYPTO, "an RSA key needs n and e");
  if (out->n.len > EKM_LIMIT_RSA_MODULUS_BYTES)
    return EKM_FAIL(err, EKM_E_KEY_TYPE, "an RSA key of more than %d bits", RSA_BITS_MAX);
  if (out->e.len > RSA_EXPONENT_BYTES_MAX || out->e.ptr[out->e.len - 1] % 2 == 0 ||
      (out->e.len == 1 && out->e.ptr[0] < 3)) {
    return EKM_FAIL(err, EKM_E_CRYPTO, "the public exponent is even, below 3 or longer than %d bytes",
                    RSA_EXPONENT_BYTES_MAX);
  }
  for (size_t i = 0; i < COUNT_OF(parts); i++) {
    if (parts[i].len > out->n.len)
      return EKM_FAIL(err, EKM_E_CRYPTO, "a number of an RSA key is longer than its modulus");
    if (i > 0 && parts[i].len > 0) crt++;
  }
  if (crt != 0 && crt != COUNT_OF(parts) - 1)
    return EKM_FAIL(err, EKM_E_CRYPTO, "an RSA key needs all of p, q, dp, dq and qi, or none");
  if (crt != 0 && out->d.len == 0) return EKM_FAIL(err, EKM_E_CRYPTO, "an RSA key with p and q needs d");
  return true;
}

/* OpenSSL's own check (primes, n = pq, d, CRT) and one message there and back. */
static bool check_private(const ekm_key *key, ekm_err *err) {
  static const uint8_t message[] = "a trial of a private key";
  bool ok = false;
  ekm_buf sealed;
  ekm_buf opened;
  EVP_PKEY_CTX *ctx = NULL;

  ekm_buf_init(&sealed, EKM_LIMIT_RSA_MODULUS_BYTES);
  ekm_buf_init(&opened, EKM_LIMIT_RSA_MODULUS_BYTES);
  ctx = EVP_PKEY_CTX_new_from_pkey(key->crypto->lib, key->pkey, NULL);
  if (ctx == NULL || EVP_PKEY_check(ctx) != 1) {
    (void)ekm_crypto_fail(err, "the numbers of a private RSA key do not belong together");
    goto done;
  }
  EKM_TRY(ekm_key_encrypt(key, "RSA-OAEP-256", ekm_view_of(message, sizeof message), &sealed, err));
  if (!ekm_key_decrypt(key, "RSA-OAEP-256", ekm_buf_view(&sealed), &opened, err) ||
      !ekm_view_equal(ekm_buf_view(&opened), ekm_view_of(message, sizeof message))) {
    EKM_BAIL(err, EKM_E_CRYPTO, "the private RSA key does not belong to its public one");
  }
  ok = true;
done:
  EVP_PKEY_CTX_free(ctx);
  ekm_buf_clear(&opened);
  ekm_buf_clear(&sealed);
  return ok;
}

bool ekm_key_import_rsa(const ekm_crypto *crypto, const ekm_rsa_numbers *numbers, ekm_key **out_key, ekm_err *err) {
  bool ok = false;
  ekm_rsa_numbers clean;
  number_set set = {{NULL}, NULL, NULL};
  EVP_PKEY *pkey = NULL;
  EVP_PKEY_CTX *ctx = NULL;

  *out_key = NULL;
  (void)ERR_set_mark();
  EKM_TRY(check_numbers(numbers, &clean, err));
  EKM_TRY(number_set_read(&set, &clean, err));
  bool has_private = clean.d.len > 0;
  if (has_private && clean.p.len == 0) EKM_TRY(number_set_factor(&set, err));
  EKM_TRY(number_set_build(&set, err));
  ctx = EVP_PKEY_CTX_new_from_name(crypto->lib, "RSA", NULL);
  if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
      EVP_PKEY_fromdata(ctx, &pkey, has_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, set.params) != 1) {
    (void)ekm_crypto_fail(err, "the numbers of an RSA key");
    goto done;
  }
  EKM_TRY(key_adopt(crypto, &pkey, has_private, out_key, err));
  if (has_private) EKM_TRY(check_private(*out_key, err));
  ok = true;
done:
  if (!ok) ekm_key_free(out_key);
  EVP_PKEY_free(pkey);
  EVP_PKEY_CTX_free(ctx);
  number_set_clear(&set);
  (void)ERR_pop_to_mark();
  return ok;
}

bool ekm_key_public(const ekm_key *key, ekm_buf *out_n, ekm_buf *out_e, ekm_err *err) {
  if (key->curve != NULL) return EKM_FAIL(err, EKM_E_KEY_KIND, "an EC key has no modulus");
  (void)ERR_set_mark();
  bool ok = key_append_number(key, OSSL_PKEY_PARAM_RSA_N, 0, out_n, err) &&
            key_append_number(key, OSSL_PKEY_PARAM_RSA_E, 0, out_e, err);
  (void)ERR_pop_to_mark();
  return ok;
}

/* ---- encryption ---- */

enum { ALG_PARAM_COUNT = 5 };

static void encryption_params(const encryption_alg *alg, OSSL_PARAM params[ALG_PARAM_COUNT]) {
  size_t i = 0;
  params[i++] = key_text_param(OSSL_PKEY_PARAM_PAD_MODE, alg->padding);
  if (alg->hash != NULL) {
    params[i++] = key_text_param(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, alg->hash);
    params[i++] = key_text_param(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, alg->hash);
  }
  params[i] = OSSL_PARAM_construct_end();
}

static const encryption_alg *find_encryption(const ekm_key *key, const char *name, ekm_err *err) {
  for (size_t i = 0; key->curve == NULL && i < COUNT_OF(encryption_algs); i++) {
    if (strcmp(encryption_algs[i].name, name) == 0) return &encryption_algs[i];
  }
  (void)EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "the encryption algorithm '%s' with this kind of key", name);
  return NULL;
}

bool ekm_key_encrypt(const ekm_key *key, const char *alg_name, ekm_view plaintext, ekm_buf *out_ciphertext,
                     ekm_err *err) {
  bool ok = false;
  size_t len = key->bits / 8;
  EVP_PKEY_CTX *ctx = NULL;
  OSSL_PARAM params[ALG_PARAM_COUNT];

  (void)ERR_set_mark();
  const encryption_alg *alg = find_encryption(key, alg_name, err);
  if (alg == NULL) goto done;
  if (plaintext.len > len - alg->overhead_bytes) {
    EKM_BAIL(err, EKM_E_DATA_TOO_LONG, "%zu bytes; %s under RSA-%u takes %zu", plaintext.len, alg->name, key->bits,
             len - alg->overhead_bytes);
  }
  encryption_params(alg, params);
  uint8_t *at = ekm_buf_extend(out_ciphertext, len);
  EKM_TRY(ekm_buf_ok(out_ciphertext, "a ciphertext", err));
  ctx = EVP_PKEY_CTX_new_from_pkey(key->crypto->lib, key->pkey, NULL);
  if (ctx == NULL || EVP_PKEY_encrypt_init_ex(ctx, params) != 1 ||
      EVP_PKEY_encrypt(ctx, at, &len, plaintext.ptr, plaintext.len) != 1) {
    ekm_buf_truncate(out_ciphertext, out_ciphertext->len - key->bits / 8);
    (void)ekm_crypto_fail(err, "RSA encryption");
    goto done;
  }
  ok = true;
done:
  EVP_PKEY_CTX_free(ctx);
  (void)ERR_pop_to_mark();
  return ok;
}

bool ekm_key_decrypt(const ekm_key *key, const char *alg_name, ekm_view ciphertext, ekm_buf *out_plaintext,
                     ekm_err *err) {
  bool ok = false;
  size_t room = key->bits / 8;
  size_t len = room;
  EVP_PKEY_CTX *ctx = NULL;
  OSSL_PARAM params[ALG_PARAM_COUNT];

  (void)ERR_set_mark();
  const encryption_alg *alg = find_encryption(key, alg_name, err);
  if (alg == NULL) goto done;
  if (!key->has_private) EKM_BAIL(err, EKM_E_BAD_ARGUMENT, "the key has no private part");
  encryption_params(alg, params);
  ctx = EVP_PKEY_CTX_new_from_pkey(key->crypto->lib, key->pkey, NULL);
  if (ctx == NULL || EVP_PKEY_decrypt_init_ex(ctx, params) != 1) {
    (void)ekm_crypto_fail(err, "RSA decryption");
    goto done;
  }
  uint8_t *at = ekm_buf_extend(out_plaintext, room);
  EKM_TRY(ekm_buf_ok(out_plaintext, "a plaintext", err));
  /* From here on every fault is the ciphertext's, and all of them look the same. */
  bool opened = ciphertext.len == room && EVP_PKEY_decrypt(ctx, at, &len, ciphertext.ptr, ciphertext.len) == 1;
  ekm_buf_truncate(out_plaintext, out_plaintext->len - room + (opened ? len : 0));
  if (!opened) EKM_BAIL(err, EKM_E_UNWRAP_REFUSED, "the ciphertext is none of this key and %s", alg->name);
  ok = true;
done:
  EVP_PKEY_CTX_free(ctx);
  (void)ERR_pop_to_mark();
  return ok;
}
