/* Signing with the key of a client certificate, by OpenSSL 3 in a library context of its own.
 *
 *   RSAPrivateKey { version 0, n, e, d, p, q, dp, dq, qi }    the key: nine numbers
 *   RSAPublicKey  { n, e }                                    of a certificate: equal to the key's, or it is another's
 *
 * The context lives as long as the signer, within one call of one thread: blinding and salts leave a random generator
 * in the thread that signs, and only the context's end takes it away again. */
#include "crypto/signer_openssl.h"

#include <openssl/asn1t.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 4096 };

struct ekm_signer {
  OSSL_LIB_CTX *lib;
  OSSL_PROVIDER *main, *legacy;
  EVP_PKEY *key;
  ekm_signer_info about;
};

/* --- numbers ------------------------------------------------------------------------------------------------------ */

enum { VERSION, N, E, D, P, Q, DP, DQ, QI, NUMBER_COUNT };

static const char *const number_names[NUMBER_COUNT] = {
    [N] = OSSL_PKEY_PARAM_RSA_N,          [E] = OSSL_PKEY_PARAM_RSA_E,
    [D] = OSSL_PKEY_PARAM_RSA_D,          [P] = OSSL_PKEY_PARAM_RSA_FACTOR1,
    [Q] = OSSL_PKEY_PARAM_RSA_FACTOR2,    [DP] = OSSL_PKEY_PARAM_RSA_EXPONENT1,
    [DQ] = OSSL_PKEY_PARAM_RSA_EXPONENT2, [QI] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

static void free_numbers(BIGNUM **numbers, size_t count) {
  for (size_t i = 0; i < count; i++) {
    BN_clear_free(numbers[i]);
    numbers[i] = NULL;
  }
}

static void wipe_and_free(ASN1_TYPE *item) {
  if (item->type == V_ASN1_INTEGER) {
    OPENSSL_cleanse(item->value.integer->data, (size_t)item->value.integer->length);
  }
  ASN1_TYPE_free(item);
}

/* A SEQUENCE of exactly ${count} numbers that are not negative. */
static bool read_numbers(ekm_view der, BIGNUM **out, size_t count) {
  const unsigned char *at = der.ptr;
  STACK_OF(ASN1_TYPE) *items = d2i_ASN1_SEQUENCE_ANY(NULL, &at, (long)der.len);
  bool ok = items != NULL && at == der.ptr + der.len && (size_t)sk_ASN1_TYPE_num(items) == count;
  for (size_t i = 0; ok && i < count; i++) {
    const ASN1_TYPE *item = sk_ASN1_TYPE_value(items, (int)i);
    /* A "secure" number makes what is built of it wipe its copy, also where OpenSSL has no secure heap. */
    out[i] = BN_secure_new();
    ok = out[i] != NULL && item->type == V_ASN1_INTEGER && ASN1_INTEGER_to_BN(item->value.integer, out[i]) != NULL &&
         !BN_is_negative(out[i]);
  }
  sk_ASN1_TYPE_pop_free(items, wipe_and_free);
  return ok;
}

/* --- which certificate -------------------------------------------------------------------------------------------- */

static bool is_of_key(X509 *cert, BIGNUM *const *numbers) {
  BIGNUM *theirs[2] = {NULL, NULL};
  ASN1_OBJECT *kind = NULL;
  const unsigned char *bytes = NULL;
  int len = 0;
  bool ok = X509_PUBKEY_get0_param(&kind, &bytes, &len, NULL, X509_get_X509_PUBKEY(cert)) == 1 &&
            OBJ_obj2nid(kind) == NID_rsaEncryption && len > 0 &&
            read_numbers(ekm_view_of(bytes, (size_t)len), theirs, 2) && BN_cmp(theirs[0], numbers[N]) == 0 &&
            BN_cmp(theirs[1], numbers[E]) == 0;
  free_numbers(theirs, 2);
  return ok;
}

static bool seconds_of(const ASN1_TIME *time, int64_t *out_wall_s, ekm_err *err) {
  return ekm_asn1_wall_s(time, out_wall_s) ||
         EKM_FAIL(err, EKM_E_CERT_FILE, "the dates of its certificate are damaged");
}

static bool describe(ekm_signer *signer, X509 *cert, ekm_err *err) {
  unsigned char *der = NULL;
  ekm_signer_info *about = &signer->about;
  int len = i2d_X509(cert, &der);
  EVP_MD *hash = EVP_MD_fetch(signer->lib, "SHA256", NULL);
  bool ok = len > 0 && hash != NULL && EVP_Digest(der, (size_t)len, about->sha256, NULL, hash, NULL) == 1;
  EVP_MD_free(hash);
  OPENSSL_free(der);
  if (!ok) return ekm_crypto_fail(err, "a certificate's thumbprint");
  return seconds_of(X509_get0_notBefore(cert), &about->not_before_wall_s, err) &&
         seconds_of(X509_get0_notAfter(cert), &about->not_after_wall_s, err);
}

static bool choose(ekm_signer *signer, const signer_file *file, BIGNUM *const *numbers, ekm_err *err) {
  for (int i = 0; i < sk_X509_num(file->certs); i++) {
    X509 *cert = sk_X509_value(file->certs, i);
    if (is_of_key(cert, numbers)) return describe(signer, cert, err);
  }
  return EKM_FAIL(err, EKM_E_CERT_NO_KEY, "its private key is not that of its certificate");
}

/* --- the key ------------------------------------------------------------------------------------------------------ */

static bool check_size(BIGNUM *const *numbers, ekm_err *err) {
  int bits = BN_num_bits(numbers[N]);
  if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) {
    return EKM_FAIL(err, EKM_E_CERT_FILE, "its RSA key has %d bits, and not %d to %d", bits, RSA_BITS_MIN,
                    RSA_BITS_MAX);
  }
  if (!BN_is_zero(numbers[VERSION]) || !BN_is_odd(numbers[N]) || !BN_is_odd(numbers[P]) || !BN_is_odd(numbers[Q]) ||
      BN_num_bits(numbers[E]) > 64 || !BN_is_odd(numbers[E])) {
    return EKM_FAIL(err, EKM_E_CERT_FILE, "its private key is damaged");
  }
  for (int i = D; i < NUMBER_COUNT; i++) {
    if (BN_ucmp(numbers[i], numbers[N]) >= 0) return EKM_FAIL(err, EKM_E_CERT_FILE, "its private key is damaged");
  }
  return true;
}

static bool make_key(ekm_signer *signer, BIGNUM *const *numbers, ekm_err *err) {
  bool ok = true;
  OSSL_PARAM *params = NULL;
  OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(signer->lib, "RSA", NULL);
  for (int i = N; ok && i < NUMBER_COUNT; i++) {
    ok = builder != NULL && OSSL_PARAM_BLD_push_BN(builder, number_names[i], numbers[i]) == 1;
  }
  if (ok) params = OSSL_PARAM_BLD_to_param(builder);
  ok = params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
       EVP_PKEY_fromdata(ctx, &signer->key, EVP_PKEY_KEYPAIR, params) == 1;
  if (!ok) (void)ekm_crypto_fail(err, "the private key of a certificate");
  EVP_PKEY_CTX_free(ctx);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(builder);
  return ok;
}

static bool take_key(ekm_signer *signer, const signer_file *file, ekm_err *err) {
  bool ok = false;
  BIGNUM *numbers[NUMBER_COUNT] = {NULL};
  if (!read_numbers(ekm_buf_view(&file->rsa_key), numbers, NUMBER_COUNT)) {
    EKM_BAIL(err, EKM_E_CERT_FILE, "its private key is damaged");
  }
  EKM_TRY(check_size(numbers, err));
  EKM_TRY(choose(signer, file, numbers, err));
  EKM_TRY(make_key(signer, numbers, err));
  ok = true;
done:
  free_numbers(numbers, NUMBER_COUNT);
  return ok;
}

/* --- the signer --------------------------------------------------------------------------------------------------- */

static bool start(ekm_signer *signer, ekm_err *err) {
  signer->lib = OSSL_LIB_CTX_new();
  if (signer->lib == NULL) return ekm_crypto_fail(err, "OpenSSL's library context");
  signer->main = OSSL_PROVIDER_load(signer->lib, "default");
  return signer->main != NULL || ekm_crypto_fail(err, "OpenSSL's default provider");
}

/* Older Windows exports certificates under RC2, which is in OpenSSL's legacy provider: loaded only for such a file. */
static bool read(ekm_signer *signer, signer_file *file, ekm_view bytes, ekm_err *err) {
  if (signer_file_read(file, bytes, err)) return true;
  if (!file->wants_legacy) return false;
  ekm_err why = {0};
  signer->legacy = OSSL_PROVIDER_try_load(signer->lib, "legacy", 1);
  if (signer->legacy == NULL) return false;
  signer_file_clear(file);
  if (!signer_file_read(file, bytes, &why)) return false;
  ekm_err_clear(err);
  return true;
}

bool ekm_signer_open(ekm_view file, ekm_view password, ekm_signer **out_signer, ekm_err *err) {
  bool ok = false;
  signer_file content;
  *out_signer = NULL;
  (void)ERR_set_mark();
  signer_file_init(&content, NULL, password);
  ekm_signer *signer = ekm_mem_alloc(sizeof *signer, err);
  if (signer == NULL) goto done;
  EKM_TRY(start(signer, err));
  content.lib = signer->lib;
  EKM_TRY(read(signer, &content, file, err));
  EKM_TRY(take_key(signer, &content, err));
  *out_signer = signer;
  ok = true;
done:
  signer_file_clear(&content);
  if (!ok) ekm_signer_free(&signer);
  (void)ERR_pop_to_mark();
  return ok;
}

bool ekm_signer_open_store(const char *thumbprint, ekm_signer **out_signer, ekm_err *err) {
  (void)thumbprint;
  *out_signer = NULL;
  return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "there are no certificate stores but on Windows; name a file");
}

void ekm_signer_free(ekm_signer **signer) {
  ekm_signer *dead = *signer;
  *signer = NULL;
  if (dead == NULL) return;
  EVP_PKEY_free(dead->key); /* OpenSSL wipes the numbers of a private key */
  OSSL_PROVIDER_unload(dead->legacy);
  OSSL_PROVIDER_unload(dead->main);
  OSSL_LIB_CTX_free(dead->lib);
  ekm_mem_free(dead);
}

const ekm_signer_info *ekm_signer_about(const ekm_signer *signer) {
  return &signer->about;
}

bool ekm_signer_sign(ekm_signer *signer, ekm_view bytes, ekm_buf *out_signature, ekm_err *err) {
  bool ok = false;
  size_t before = out_signature->len;
  EVP_PKEY_CTX *options = NULL;

  (void)ERR_set_mark();
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  size_t len = (size_t)EVP_PKEY_get_size(signer->key);
  uint8_t *at = ekm_buf_extend(out_signature, len);
  EKM_TRY(ekm_buf_ok(out_signature, "a signature", err));
  ok = ctx != NULL && EVP_DigestSignInit_ex(ctx, &options, "SHA256", signer->lib, NULL, signer->key, NULL) == 1 &&
       EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
       EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1 &&
       EVP_DigestSign(ctx, at, &len, bytes.ptr, bytes.len) == 1;
  if (!ok) (void)ekm_crypto_fail(err, "a signature");
done:
  ekm_buf_truncate(out_signature, ok ? before + len : before);
  EVP_MD_CTX_free(ctx);
  (void)ERR_pop_to_mark();
  return ok;
}
