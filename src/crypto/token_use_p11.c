/* What keys in a token do: RSA, signatures, AES. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "crypto/padding.h"
#include "crypto/token_p11.h"

enum { DATA_MAX_BYTES = 64 * 1024 };

/* What a token says against a ciphertext; in one and the same words. */
static bool is_about_data(CK_RV code) {
  return code == CKR_ENCRYPTED_DATA_INVALID || code == CKR_ENCRYPTED_DATA_LEN_RANGE || code == CKR_DATA_INVALID ||
         code == CKR_DATA_LEN_RANGE || code == CKR_GENERAL_ERROR || code == CKR_FUNCTION_FAILED;
}

/* ---- one operation ----------------------------------------------------------------------------------------------- */

typedef enum use_kind { USE_DECRYPT, USE_ENCRYPT, USE_SIGN } use_kind;

typedef struct using {
  token_work base;
  use_kind kind;
  const ekm_token_key *key;
  CK_MECHANISM *mechanism;
  ekm_view in;
  ekm_buf *out;
}
using;

typedef CK_RV (*begin_call)(CK_SESSION_HANDLE, CK_MECHANISM *, CK_OBJECT_HANDLE);
typedef CK_RV (*run_call)(CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *);

static CK_RV use(ekm_token *token, CK_SESSION_HANDLE session, token_work *w, ekm_err *err) {
  using *u = (using *)w;
  CK_OBJECT_HANDLE object;
  const CK_FUNCTION_LIST *m = token->module;
  const struct {
    begin_call begin;
    run_call run;
    const char *name;
  } calls[] = {{m->C_DecryptInit, m->C_Decrypt, "C_Decrypt"},
               {m->C_EncryptInit, m->C_Encrypt, "C_Encrypt"},
               {m->C_SignInit, m->C_Sign, "C_Sign"}};
  CK_RV code = token_find(token, session, u->key, token_class(u->key->kind), &object, w);
  if (code != CKR_OK) return code;
  w->call = calls[u->kind].name;
  code = calls[u->kind].begin(session, u->mechanism, object);
  if (code != CKR_OK) return code;
  CK_ULONG len = u->in.len + EKM_LIMIT_RSA_MODULUS_BYTES; /* room for every padding, tag and signature */
  uint8_t *at = ekm_buf_extend(u->out, len);
  w->ok = ekm_buf_ok(u->out, "what a token gives", err);
  if (!w->ok) return CKR_OK;
  size_t before = u->out->len - len;
  CK_ULONG got = len;
  code = calls[u->kind].run(session, (CK_BYTE *)(uintptr_t)u->in.ptr, u->in.len, at, &got);
  ekm_buf_truncate(u->out, before + (code == CKR_OK && got <= len ? got : 0));
  return code;
}

/* False with *${out_code} CKR_OK is an error of our own in ${err}; a code that is of the data is left to the caller. */
static bool run_use(ekm_token *token, const ekm_token_key *key, use_kind kind, CK_MECHANISM *mechanism, ekm_view in,
                    ekm_buf *out, CK_RV *out_code, ekm_err *err) {
  using u = {{use, "", true}, kind, key, mechanism, in, out};
  return token_do(token, &u.base, out_code, err);
}

static bool refused(ekm_err *err, const char *what) {
  ekm_err_clear(err);
  return EKM_FAIL(err, EKM_E_UNWRAP_REFUSED, "%s", what);
}

/* ---- RSA --------------------------------------------------------------------------------------------------------- */

static bool decrypt_raw(ekm_token *token, const ekm_token_key *key, bool with_sha256, ekm_view ciphertext,
                        ekm_buf *out_plaintext, ekm_err *err) {
  CK_RV code;
  ekm_buf raw, encoded;
  CK_MECHANISM mechanism = {CKM_RSA_X_509, NULL, 0};
  size_t bytes = key->bits / 8;

  ekm_buf_init(&raw, 3 * EKM_LIMIT_RSA_MODULUS_BYTES);
  ekm_buf_init(&encoded, EKM_LIMIT_RSA_MODULUS_BYTES);
  bool ok = run_use(token, key, USE_DECRYPT, &mechanism, ciphertext, &raw, &code, err);
  if (!ok && is_about_data(code)) ok = refused(err, "RSA-OAEP");
  if (ok) { /* a token may leave zeros at the front away */
    size_t missing = raw.len < bytes ? bytes - raw.len : 0;
    uint8_t *zeros = ekm_buf_extend(&encoded, missing);
    if (missing > 0 && zeros != NULL) memset(zeros, 0, missing);
    ekm_buf_append_view(&encoded, ekm_buf_view(&raw));
    ok = ekm_buf_ok(&encoded, "what a token gives", err) &&
         ekm_oaep_remove(token->crypto, with_sha256, ekm_buf_view(&encoded), out_plaintext, err);
  }
  ekm_buf_clear(&raw);
  ekm_buf_clear(&encoded);
  return ok;
}

static bool decrypt_oaep(ekm_token *token, const ekm_token_key *key, bool with_sha256, ekm_view ciphertext,
                         ekm_buf *out_plaintext, ekm_err *err) {
  CK_RV code;
  CK_RSA_PKCS_OAEP_PARAMS params = {.hashAlg = with_sha256 ? CKM_SHA256 : CKM_SHA_1,
                                    .mgf = with_sha256 ? CKG_MGF1_SHA256 : CKG_MGF1_SHA1,
                                    .source = CKZ_DATA_SPECIFIED};
  CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &params, sizeof params};
  if (run_use(token, key, USE_DECRYPT, &mechanism, ciphertext, out_plaintext, &code, err)) return true;
  bool lacks_hash = code == CKR_MECHANISM_PARAM_INVALID || code == CKR_ARGUMENTS_BAD || code == CKR_MECHANISM_INVALID;
  if (lacks_hash) {
    ekm_err_clear(err);
    return decrypt_raw(token, key, with_sha256, ciphertext, out_plaintext, err);
  }
  return is_about_data(code) ? refused(err, "RSA-OAEP") : false;
}

static bool decrypt_pkcs1(ekm_token *token, const ekm_token_key *key, ekm_view ciphertext, ekm_buf *out_plaintext,
                          ekm_err *err) {
  CK_RV code;
  CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
  if (run_use(token, key, USE_DECRYPT, &mechanism, ciphertext, out_plaintext, &code, err)) return true;
  return is_about_data(code) ? refused(err, "RSA1_5") : false;
}

bool ekm_token_rsa_decrypt(ekm_token *token, const ekm_token_key *key, const char *alg, ekm_view ciphertext,
                           ekm_buf *out_plaintext, ekm_err *err) {
  if (key->kind != EKM_TOKEN_RSA) return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "'%s' by a key that is not RSA", alg);
  if (strcmp(alg, "RSA-OAEP-256") == 0) return decrypt_oaep(token, key, true, ciphertext, out_plaintext, err);
  if (strcmp(alg, "RSA-OAEP") == 0) return decrypt_oaep(token, key, false, ciphertext, out_plaintext, err);
  if (strcmp(alg, "RSA1_5") == 0) return decrypt_pkcs1(token, key, ciphertext, out_plaintext, err);
  return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "the algorithm '%s'", alg);
}

/* ---- signatures -------------------------------------------------------------------------------------------------- */

/* The hashes, with what PKCS #1 v1.5 puts in front of each (RFC 8017 section 9.2, note 1). */
typedef struct hash_info {
  const char *suffix; /* of RS and PS */
  size_t bytes;
  CK_MECHANISM_TYPE mechanism;
  CK_RSA_PKCS_MGF_TYPE mgf;
  uint8_t prefix[19];
} hash_info;
static const hash_info hashes[] = {
    {"256",
     32,
     CKM_SHA256,
     CKG_MGF1_SHA256,
     {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04,
      0x20}},
    {"384",
     48,
     CKM_SHA384,
     CKG_MGF1_SHA384,
     {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04,
      0x30}},
    {"512",
     64,
     CKM_SHA512,
     CKG_MGF1_SHA512,
     {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04,
      0x40}},
};

static bool sign_rsa(ekm_token *token, const ekm_token_key *key, const char *alg, const hash_info *hash,
                     ekm_view digest, ekm_buf *out_signature, ekm_err *err) {
  CK_RV code;
  ekm_buf in;
  bool with_pss = alg[0] == 'P';
  CK_RSA_PKCS_PSS_PARAMS params = {hash->mechanism, hash->mgf, hash->bytes};
  CK_MECHANISM pss = {CKM_RSA_PKCS_PSS, &params, sizeof params};
  CK_MECHANISM pkcs1 = {CKM_RSA_PKCS, NULL, 0};
  ekm_buf_init(&in, sizeof hash->prefix + 64);
  if (!with_pss) ekm_buf_append(&in, hash->prefix, sizeof hash->prefix);
  ekm_buf_append_view(&in, digest);
  bool ok = ekm_buf_ok(&in, "a digest", err) &&
            run_use(token, key, USE_SIGN, with_pss ? &pss : &pkcs1, ekm_buf_view(&in), out_signature, &code, err);
  ekm_buf_clear(&in);
  return ok;
}

static bool sign_ec(ekm_token *token, const ekm_token_key *key, ekm_view digest, ekm_buf *out_signature, ekm_err *err) {
  CK_RV code;
  CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
  return run_use(token, key, USE_SIGN, &mechanism, digest, out_signature, &code, err);
}

/* Each curve has its one algorithm, and that its one hash. */
static const struct {
  const char *alg, *curve;
  size_t digest;
} ec_algs[] = {{"ES256", "P-256", 32}, {"ES384", "P-384", 48}, {"ES512", "P-521", 64}, {"ES256K", "P-256K", 32}};

static bool wrong_digest(ekm_view digest, ekm_err *err) {
  return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "a digest of %zu bytes", digest.len);
}

bool ekm_token_sign(ekm_token *token, const ekm_token_key *key, const char *alg, ekm_view digest,
                    ekm_buf *out_signature, ekm_err *err) {
  bool is_rsa_alg = (alg[0] == 'R' || alg[0] == 'P') && alg[1] == 'S';
  for (size_t i = 0; key->kind == EKM_TOKEN_EC && i < sizeof ec_algs / sizeof ec_algs[0]; i++) {
    if (strcmp(ec_algs[i].alg, alg) != 0 || strcmp(ec_algs[i].curve, key->curve) != 0) continue;
    if (digest.len != ec_algs[i].digest) return wrong_digest(digest, err);
    return sign_ec(token, key, digest, out_signature, err);
  }
  for (size_t i = 0; key->kind == EKM_TOKEN_RSA && is_rsa_alg && i < sizeof hashes / sizeof hashes[0]; i++) {
    if (strcmp(hashes[i].suffix, alg + 2) != 0) continue;
    if (digest.len != hashes[i].bytes) return wrong_digest(digest, err);
    return sign_rsa(token, key, alg, &hashes[i], digest, out_signature, err);
  }
  return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "signatures by '%s' with this key in a token", alg);
}

/* ---- AES --------------------------------------------------------------------------------------------------------- */

typedef enum aes_mode { AES_GCM, AES_CBC, AES_CBCPAD, AES_KW, AES_KWPAD } aes_mode;

/* "A256CBCPAD" for a key of 256 bits; the CKM names for any. */
static bool find_mode(const ekm_token_key *key, const char *alg, aes_mode *out, ekm_err *err) {
  static const char *const modes[] = {"GCM", "CBC", "CBCPAD", "KW", "KWPAD"};
  static const char *const any[] = {[AES_KW] = "CKM_AES_KEY_WRAP", [AES_KWPAD] = "CKM_AES_KEY_WRAP_PAD"};
  char name[24];
  for (size_t i = 0; key->kind == EKM_TOKEN_AES && i < sizeof modes / sizeof modes[0]; i++) {
    (void)snprintf(name, sizeof name, "A%u%s", key->bits, modes[i]);
    bool is_it = strcmp(name, alg) == 0 || (i >= AES_KW && strcmp(any[i], alg) == 0);
    *out = (aes_mode)i;
    if (is_it) return true;
  }
  return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "the algorithm '%s' with this key in a token", alg);
}

typedef struct block_user {
  ekm_token *token;
  const ekm_token_key *key;
} block_user;

static bool run_block(void *arg, bool encrypt, uint8_t block[16], ekm_err *err) {
  CK_RV code;
  ekm_buf out;
  const block_user *u = arg;
  CK_MECHANISM mechanism = {CKM_AES_ECB, NULL, 0};
  ekm_buf_init(&out, 2 * EKM_LIMIT_RSA_MODULUS_BYTES);
  bool ok = run_use(u->token, u->key, encrypt ? USE_ENCRYPT : USE_DECRYPT, &mechanism, ekm_view_of(block, 16), &out,
                    &code, err);
  if (ok && out.len != 16) ok = EKM_FAIL(err, EKM_E_TOKEN, "a block of %zu bytes", out.len);
  if (ok) memcpy(block, out.ptr, 16);
  ekm_buf_clear(&out);
  return ok;
}

static bool has_only(const ekm_cipher_input *in, bool iv, bool aad, bool tag, ekm_err *err) {
  bool wrong = (!iv && in->iv.len > 0) || (!aad && in->aad.len > 0) || (!tag && in->tag.len > 0);
  return !wrong || EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "a part that the algorithm does not take");
}

static CK_GCM_PARAMS gcm_params(const uint8_t iv[EKM_CIPHER_GCM_IV_BYTES], ekm_view aad) {
  return (CK_GCM_PARAMS){.pIv = (CK_BYTE *)(uintptr_t)iv,
                         .ulIvLen = EKM_CIPHER_GCM_IV_BYTES,
                         .ulIvBits = EKM_CIPHER_GCM_IV_BYTES * 8,
                         .pAAD = (CK_BYTE *)(uintptr_t)aad.ptr,
                         .ulAADLen = aad.len,
                         .ulTagBits = EKM_CIPHER_TAG_BYTES * 8};
}

static bool encrypt_gcm(ekm_token *token, const ekm_token_key *key, const ekm_cipher_input *in, ekm_cipher_output *out,
                        ekm_err *err) {
  CK_RV code;
  const ekm_rng *rng = ekm_crypto_rng(token->crypto);
  if (!has_only(in, false, true, false, err) || !rng->fill(rng, out->iv, EKM_CIPHER_GCM_IV_BYTES, err)) return false;
  CK_GCM_PARAMS params = gcm_params(out->iv, in->aad);
  CK_MECHANISM mechanism = {CKM_AES_GCM, &params, sizeof params};
  if (!run_use(token, key, USE_ENCRYPT, &mechanism, in->value, &out->value, &code, err)) return false;
  if (out->value.len < EKM_CIPHER_TAG_BYTES) return EKM_FAIL(err, EKM_E_TOKEN, "a ciphertext without a tag");
  size_t len = out->value.len - EKM_CIPHER_TAG_BYTES;
  memcpy(out->tag, out->value.ptr + len, EKM_CIPHER_TAG_BYTES);
  ekm_buf_truncate(&out->value, len);
  out->iv_len = EKM_CIPHER_GCM_IV_BYTES;
  out->tag_len = EKM_CIPHER_TAG_BYTES;
  return true;
}

static bool decrypt_gcm(ekm_token *token, const ekm_token_key *key, const ekm_cipher_input *in, ekm_buf *out,
                        ekm_err *err) {
  CK_RV code;
  ekm_buf sealed;
  if (in->iv.len != EKM_CIPHER_GCM_IV_BYTES || in->tag.len != EKM_CIPHER_TAG_BYTES) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "GCM without its iv of 12 bytes and its tag of 16");
  }
  ekm_buf_init(&sealed, DATA_MAX_BYTES);
  ekm_buf_append_view(&sealed, in->value);
  ekm_buf_append_view(&sealed, in->tag);
  CK_GCM_PARAMS params = gcm_params(in->iv.ptr, in->aad);
  CK_MECHANISM mechanism = {CKM_AES_GCM, &params, sizeof params};
  bool fits = ekm_buf_ok(&sealed, "a ciphertext", err);
  bool ok = fits && run_use(token, key, USE_DECRYPT, &mechanism, ekm_buf_view(&sealed), out, &code, err);
  if (fits && !ok && is_about_data(code)) ok = refused(err, "AES-GCM");
  ekm_buf_clear(&sealed);
  return ok;
}

static CK_MECHANISM_TYPE cbc_mechanism(aes_mode mode) {
  return mode == AES_CBC ? CKM_AES_CBC : CKM_AES_CBC_PAD;
}

static bool encrypt_cbc(ekm_token *token, const ekm_token_key *key, aes_mode mode, const ekm_cipher_input *in,
                        ekm_cipher_output *out, ekm_err *err) {
  CK_RV code;
  const ekm_rng *rng = ekm_crypto_rng(token->crypto);
  bool fits = in->iv.len == 0 || in->iv.len == EKM_CIPHER_CBC_IV_BYTES;
  if (!has_only(in, true, false, false, err)) return false;
  if (!fits || (mode == AES_CBC && (in->value.len == 0 || in->value.len % EKM_CIPHER_CBC_IV_BYTES != 0))) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "CBC takes an iv of 16 bytes, and without padding whole blocks");
  }
  if (in->iv.len > 0) memcpy(out->iv, in->iv.ptr, EKM_CIPHER_CBC_IV_BYTES);
  if (in->iv.len == 0 && !rng->fill(rng, out->iv, EKM_CIPHER_CBC_IV_BYTES, err)) return false;
  CK_MECHANISM mechanism = {cbc_mechanism(mode), out->iv, EKM_CIPHER_CBC_IV_BYTES};
  out->iv_len = EKM_CIPHER_CBC_IV_BYTES;
  return run_use(token, key, USE_ENCRYPT, &mechanism, in->value, &out->value, &code, err);
}

static bool decrypt_cbc(ekm_token *token, const ekm_token_key *key, aes_mode mode, const ekm_cipher_input *in,
                        ekm_buf *out, ekm_err *err) {
  CK_RV code;
  uint8_t iv[EKM_CIPHER_CBC_IV_BYTES];
  if (!has_only(in, true, false, false, err)) return false;
  if (in->iv.len != sizeof iv) return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "CBC without its iv of 16 bytes");
  if (in->value.len == 0 || in->value.len % sizeof iv != 0) return EKM_FAIL(err, EKM_E_UNWRAP_REFUSED, "its length");
  memcpy(iv, in->iv.ptr, sizeof iv);
  CK_MECHANISM mechanism = {cbc_mechanism(mode), iv, sizeof iv};
  if (run_use(token, key, USE_DECRYPT, &mechanism, in->value, out, &code, err)) return true;
  return is_about_data(code) ? refused(err, "AES-CBC") : false;
}

bool ekm_token_aes_encrypt(ekm_token *token, const ekm_token_key *key, const char *alg, const ekm_cipher_input *in,
                           ekm_cipher_output *out, ekm_err *err) {
  aes_mode mode;
  block_user user = {token, key};
  const ekm_block_cipher cipher = {run_block, &user};
  out->iv_len = out->tag_len = 0;
  if (!find_mode(key, alg, &mode, err)) return false;
  if (mode == AES_GCM) return encrypt_gcm(token, key, in, out, err);
  if (mode == AES_CBC || mode == AES_CBCPAD) return encrypt_cbc(token, key, mode, in, out, err);
  return has_only(in, false, false, false, err) && ekm_keywrap(&cipher, mode == AES_KWPAD, in->value, &out->value, err);
}

bool ekm_token_aes_decrypt(ekm_token *token, const ekm_token_key *key, const char *alg, const ekm_cipher_input *in,
                           ekm_buf *out_plaintext, ekm_err *err) {
  aes_mode mode;
  block_user user = {token, key};
  const ekm_block_cipher cipher = {run_block, &user};
  if (!find_mode(key, alg, &mode, err)) return false;
  if (mode == AES_GCM) return decrypt_gcm(token, key, in, out_plaintext, err);
  if (mode == AES_CBC || mode == AES_CBCPAD) return decrypt_cbc(token, key, mode, in, out_plaintext, err);
  return has_only(in, false, false, false, err) &&
         ekm_keyunwrap(&cipher, mode == AES_KWPAD, in->value, out_plaintext, err);
}
