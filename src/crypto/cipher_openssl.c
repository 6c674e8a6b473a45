/* AES over OpenSSL 3 for the symmetric keys of a vault. How an algorithm's name becomes OpenSSL's, and what the
 * algorithm takes, is in two tables; everything else is one path for all of them:
 *
 *   check the parts  ->  start: key, iv, direction  ->  run: aad, text, end  ->  append what came out
 *
 * OpenSSL may write a block more than it gives in the end, and writes a plaintext before it knows the tag. So the text
 * goes through a buffer of our own, which is wiped, and nothing of a refused one reaches the caller's. */
#include "crypto/cipher.h"

#include <limits.h>
#include <openssl/err.h>
#include <string.h>

#include "crypto/crypto_openssl.h"

enum { KEY_LENGTHS = 3, KEY_BYTES_MIN = 16, KEY_BYTES_STEP = 8, SLACK_BYTES = 32 };

typedef struct cipher_mode {
  const char *names[KEY_LENGTHS]; /* OpenSSL's, of 128, 192 and 256 bits */
  size_t iv_bytes;
  size_t tag_bytes;
  bool takes_iv; /* to encrypt */
  bool pads;     /* PKCS#7 */
  size_t plain_step, plain_least;
  size_t sealed_step, sealed_least;
} cipher_mode;

static const cipher_mode gcm = {
    .names = {"AES-128-GCM", "AES-192-GCM", "AES-256-GCM"},
    .iv_bytes = EKM_CIPHER_GCM_IV_BYTES,
    .tag_bytes = EKM_CIPHER_TAG_BYTES,
    .plain_step = 1,
    .sealed_step = 1,
};

static const cipher_mode cbc = {
    .names = {"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"},
    .iv_bytes = EKM_CIPHER_CBC_IV_BYTES,
    .takes_iv = true,
    .plain_step = 16,
    .sealed_step = 16,
};

static const cipher_mode cbc_pad = {
    .names = {"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"},
    .iv_bytes = EKM_CIPHER_CBC_IV_BYTES,
    .takes_iv = true,
    .pads = true,
    .plain_step = 1,
    .sealed_step = 16,
    .sealed_least = 16,
};

static const cipher_mode wrap = {
    .names = {"AES-128-WRAP", "AES-192-WRAP", "AES-256-WRAP"},
    .plain_step = 8, /* RFC 3394 section 2: n >= 2 blocks of 64 bits, and one more when wrapped */
    .plain_least = 16,
    .sealed_step = 8,
    .sealed_least = 24,
};

static const cipher_mode wrap_pad = {
    .names = {"AES-128-WRAP-PAD", "AES-192-WRAP-PAD", "AES-256-WRAP-PAD"},
    .plain_step = 1, /* RFC 5649 section 3: at least one octet, and one or more blocks beside the first when wrapped */
    .plain_least = 1,
    .sealed_step = 8,
    .sealed_least = 16,
};

typedef struct cipher_alg {
  const char *name;
  size_t key_bytes; /* 0: any of the three */
  const cipher_mode *mode;
} cipher_alg;

static const cipher_alg algs[] = {
    {"A128GCM", 16, &gcm},
    {"A192GCM", 24, &gcm},
    {"A256GCM", 32, &gcm},
    {"A128CBC", 16, &cbc},
    {"A192CBC", 24, &cbc},
    {"A256CBC", 32, &cbc},
    {"A128CBCPAD", 16, &cbc_pad},
    {"A192CBCPAD", 24, &cbc_pad},
    {"A256CBCPAD", 32, &cbc_pad},
    {"A128KW", 16, &wrap},
    {"A192KW", 24, &wrap},
    {"A256KW", 32, &wrap},
    {"A128KWPAD", 16, &wrap_pad},
    {"A192KWPAD", 24, &wrap_pad},
    {"A256KWPAD", 32, &wrap_pad},
    {"CKM_AES_KEY_WRAP", 0, &wrap},
    {"CKM_AES_KEY_WRAP_PAD", 0, &wrap_pad},
};

/* ---- keys ---- */

static bool is_key_length(size_t bytes) {
  return bytes == 16 || bytes == 24 || bytes == 32;
}

bool ekm_cipher_key_generate(const ekm_rng *rng, unsigned bits, ekm_secret *out_key, ekm_err *err) {
  bool ok = false;
  ekm_secret fresh = {0};
  if (bits % 8 != 0 || !is_key_length(bits / 8)) EKM_BAIL(err, EKM_E_KEY_KIND, "an AES key of %u bits", bits);
  EKM_TRY(ekm_secret_resize(&fresh, bits / 8, err));
  EKM_TRY(rng->fill(rng, ekm_secret_bytes(&fresh), fresh.len, err));
  ekm_secret_move(out_key, &fresh);
  ok = true;
done:
  ekm_secret_clear(&fresh);
  return ok;
}

bool ekm_cipher_key_import(ekm_view bytes, ekm_secret *out_key, ekm_err *err) {
  if (!is_key_length(bytes.len)) return EKM_FAIL(err, EKM_E_KEY_KIND, "an AES key of %zu bytes", bytes.len);
  return ekm_secret_set(out_key, bytes, err);
}

/* ---- what goes in ---- */

static const cipher_alg *find_alg(const char *name, const ekm_secret *key, ekm_err *err) {
  for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
    if (strcmp(algs[i].name, name) != 0) continue;
    if (is_key_length(key->len) && (algs[i].key_bytes == 0 || algs[i].key_bytes == key->len)) return &algs[i];
    (void)EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "%s with an AES key of %zu bits", name, key->len * 8);
    return NULL;
  }
  (void)EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "the encryption algorithm '%s'", name);
  return NULL;
}

static bool check_parts(const cipher_alg *alg, const ekm_cipher_input *in, ekm_err *err) {
  if (in->aad.len > 0 && alg->mode->tag_bytes == 0) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "%s takes no associated data", alg->name);
  }
  if (in->value.len > INT_MAX - SLACK_BYTES || in->aad.len > INT_MAX) {
    return EKM_FAIL(err, EKM_E_LIMIT, "more than 2 GB to encrypt or decrypt at once");
  }
  return true;
}

static bool check_to_encrypt(const cipher_alg *alg, const ekm_cipher_input *in, ekm_err *err) {
  const cipher_mode *mode = alg->mode;
  if (in->tag.len > 0) return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "an encryption makes its tag itself");
  if (in->iv.len > 0 && !mode->takes_iv) return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "%s takes no iv", alg->name);
  if (in->iv.len > 0 && in->iv.len != mode->iv_bytes) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "%s takes an iv of %zu bytes, not of %zu", alg->name, mode->iv_bytes,
                    in->iv.len);
  }
  if (in->value.len % mode->plain_step != 0 || in->value.len < mode->plain_least) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "%s takes multiples of %zu bytes, %zu at least, not %zu", alg->name,
                    mode->plain_step, mode->plain_least, in->value.len);
  }
  return check_parts(alg, in, err);
}

static bool check_to_decrypt(const cipher_alg *alg, const ekm_cipher_input *in, ekm_err *err) {
  const cipher_mode *mode = alg->mode;
  if (in->iv.len != mode->iv_bytes) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "%s takes an iv of %zu bytes, not of %zu", alg->name, mode->iv_bytes,
                    in->iv.len);
  }
  /* A shorter tag would be easier to guess: SP 800-38D appendix C. */
  if (in->tag.len != mode->tag_bytes) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "%s takes a tag of %zu bytes, not of %zu", alg->name, mode->tag_bytes,
                    in->tag.len);
  }
  return check_parts(alg, in, err);
}

/* ---- the one path ---- */

static bool start(const ekm_crypto *crypto, const cipher_mode *mode, const ekm_secret *key, const uint8_t *iv,
                  bool encrypt, EVP_CIPHER_CTX *ctx) {
  EVP_CIPHER *cipher = EVP_CIPHER_fetch(crypto->lib, mode->names[(key->len - KEY_BYTES_MIN) / KEY_BYTES_STEP], NULL);
  bool ok = false;
  if (cipher == NULL) goto done;
  ok =
      EVP_CipherInit_ex2(ctx, cipher, ekm_secret_reveal(key).ptr, mode->iv_bytes > 0 ? iv : NULL, encrypt, NULL) == 1 &&
      EVP_CIPHER_CTX_set_padding(ctx, mode->pads) == 1;
done:
  EVP_CIPHER_free(cipher); /* the context holds its own reference */
  return ok;
}

/* ${out} has room for the text and SLACK_BYTES. */
static bool run(EVP_CIPHER_CTX *ctx, const ekm_cipher_input *in, uint8_t *out, size_t *out_len) {
  int text = 0;
  int end = 0;
  int ignored = 0;
  if (in->aad.len > 0 && EVP_CipherUpdate(ctx, NULL, &ignored, in->aad.ptr, (int)in->aad.len) != 1) return false;
  if (in->value.len > 0 && EVP_CipherUpdate(ctx, out, &text, in->value.ptr, (int)in->value.len) != 1) return false;
  if (EVP_CipherFinal_ex(ctx, out + text, &end) != 1) return false;
  *out_len = (size_t)text + (size_t)end;
  return true;
}

static bool choose_iv(const ekm_rng *rng, const cipher_mode *mode, ekm_view given, uint8_t *iv, ekm_err *err) {
  if (mode->iv_bytes == 0) return true;
  if (given.len == 0) return rng->fill(rng, iv, mode->iv_bytes, err);
  memcpy(iv, given.ptr, given.len);
  return true;
}

bool ekm_cipher_encrypt(const ekm_crypto *crypto, const ekm_rng *rng, const ekm_secret *key, const char *alg_name,
                        const ekm_cipher_input *in, ekm_cipher_output *out, ekm_err *err) {
  bool ok = false;
  uint8_t iv[EKM_CIPHER_CBC_IV_BYTES] = {0};
  uint8_t tag[EKM_CIPHER_TAG_BYTES] = {0};
  size_t len = 0;
  ekm_buf text;
  EVP_CIPHER_CTX *ctx = NULL;

  (void)ERR_set_mark();
  ekm_buf_init(&text, in->value.len + SLACK_BYTES);
  const cipher_alg *alg = find_alg(alg_name, key, err);
  if (alg == NULL) goto done;
  EKM_TRY(check_to_encrypt(alg, in, err));
  EKM_TRY(choose_iv(rng, alg->mode, in->iv, iv, err));
  uint8_t *at = ekm_buf_extend(&text, in->value.len + SLACK_BYTES);
  EKM_TRY(ekm_buf_ok(&text, "a ciphertext", err));
  ctx = EVP_CIPHER_CTX_new();
  if (ctx == NULL || !start(crypto, alg->mode, key, iv, true, ctx) || !run(ctx, in, at, &len) ||
      (alg->mode->tag_bytes > 0 && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, sizeof tag, tag) != 1)) {
    (void)ekm_crypto_fail(err, "AES encryption");
    goto done;
  }
  ekm_buf_append(&out->value, at, len);
  EKM_TRY(ekm_buf_ok(&out->value, "a ciphertext", err));
  memcpy(out->iv, iv, sizeof iv);
  memcpy(out->tag, tag, sizeof tag);
  out->iv_len = alg->mode->iv_bytes;
  out->tag_len = alg->mode->tag_bytes;
  ok = true;
done:
  EVP_CIPHER_CTX_free(ctx);
  ekm_buf_clear(&text);
  (void)ERR_pop_to_mark();
  return ok;
}

bool ekm_cipher_decrypt(const ekm_crypto *crypto, const ekm_secret *key, const char *alg_name,
                        const ekm_cipher_input *in, ekm_buf *out_plaintext, ekm_err *err) {
  bool ok = false;
  uint8_t tag[EKM_CIPHER_TAG_BYTES] = {0};
  size_t len = 0;
  ekm_buf text;
  EVP_CIPHER_CTX *ctx = NULL;

  (void)ERR_set_mark();
  ekm_buf_init(&text, in->value.len + SLACK_BYTES);
  const cipher_alg *alg = find_alg(alg_name, key, err);
  if (alg == NULL) goto done;
  EKM_TRY(check_to_decrypt(alg, in, err));
  const cipher_mode *mode = alg->mode;
  uint8_t *at = ekm_buf_extend(&text, in->value.len + SLACK_BYTES);
  EKM_TRY(ekm_buf_ok(&text, "a plaintext", err));
  if (mode->tag_bytes > 0) memcpy(tag, in->tag.ptr, sizeof tag);
  ctx = EVP_CIPHER_CTX_new();
  if (ctx == NULL || !start(crypto, mode, key, in->iv.ptr, false, ctx) ||
      (mode->tag_bytes > 0 && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) != 1)) {
    (void)ekm_crypto_fail(err, "AES decryption");
    goto done;
  }
  /* From here on every fault is the ciphertext's, and all of them look the same. */
  if (in->value.len % mode->sealed_step != 0 || in->value.len < mode->sealed_least || !run(ctx, in, at, &len)) {
    EKM_BAIL(err, EKM_E_UNWRAP_REFUSED, "the ciphertext is none of this key and %s", alg->name);
  }
  ekm_buf_append(out_plaintext, at, len);
  EKM_TRY(ekm_buf_ok(out_plaintext, "a plaintext", err));
  ok = true;
done:
  EVP_CIPHER_CTX_free(ctx);
  ekm_buf_clear(&text);
  (void)ERR_pop_to_mark();
  return ok;
}
