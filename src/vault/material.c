#include "vault/material.h"

#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "crypto/mac.h"

/* What a kind does. Rows are chosen once, when the material is made. */
typedef struct material_kind {
  bool (*write)(const vault_material *m, ekm_buf *out_text, ekm_err *err);
  bool (*encrypt)(const vault_material *m, const char *alg, const ekm_cipher_input *in, ekm_cipher_output *out,
                  ekm_err *err);
  bool (*decrypt)(const vault_material *m, const char *alg, const ekm_cipher_input *in, ekm_buf *out, ekm_err *err);
  bool (*sign)(const vault_material *m, const char *alg, ekm_view digest, ekm_buf *out, ekm_err *err);
  bool (*verify)(const vault_material *m, const char *alg, ekm_view digest, ekm_view signature, bool *out_valid,
                 ekm_err *err);
} material_kind;

struct vault_material {
  const material_kind *kind;
  const ekm_crypto *crypto;
  ekm_key *key;     /* RSA, EC; of one in a token the public part */
  ekm_secret bytes; /* symmetric */
  ekm_token *token; /* NULL: not in one */
  ekm_token_key in_token;
};

enum { SYMMETRIC_MARK = 'o', TOKEN_MARK = 't', NUMBER_MAX_BYTES = EKM_LIMIT_RSA_MODULUS_BYTES };

/* ---- RSA and EC -------------------------------------------------------------------------------------------------- */

static bool key_write(const vault_material *m, ekm_buf *out_text, ekm_err *err) {
  return ekm_key_to_pkcs8(m->key, out_text, err);
}

static bool takes_value_only(const ekm_cipher_input *in, ekm_err *err) {
  bool has_more = in->iv.len + in->aad.len + in->tag.len > 0;
  return !has_more || EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "RSA takes no iv, associated data or tag");
}

static bool key_encrypt(const vault_material *m, const char *alg, const ekm_cipher_input *in, ekm_cipher_output *out,
                        ekm_err *err) {
  out->iv_len = out->tag_len = 0;
  return takes_value_only(in, err) && ekm_key_encrypt(m->key, alg, in->value, &out->value, err);
}

static bool key_decrypt(const vault_material *m, const char *alg, const ekm_cipher_input *in, ekm_buf *out,
                        ekm_err *err) {
  return takes_value_only(in, err) && ekm_key_decrypt(m->key, alg, in->value, out, err);
}

static bool key_sign(const vault_material *m, const char *alg, ekm_view digest, ekm_buf *out, ekm_err *err) {
  return ekm_key_sign(m->key, alg, digest, out, err);
}

static bool key_verify(const vault_material *m, const char *alg, ekm_view digest, ekm_view signature, bool *out_valid,
                       ekm_err *err) {
  return ekm_key_verify(m->key, alg, digest, signature, out_valid, err);
}

static const material_kind key_kind = {key_write, key_encrypt, key_decrypt, key_sign, key_verify};

/* ---- symmetric --------------------------------------------------------------------------------------------------- */

static bool bytes_write(const vault_material *m, ekm_buf *out_text, ekm_err *err) {
  ekm_buf_append_char(out_text, SYMMETRIC_MARK);
  ekm_buf_append_view(out_text, ekm_secret_reveal(&m->bytes));
  return ekm_buf_ok(out_text, "a symmetric key", err);
}

static bool bytes_encrypt(const vault_material *m, const char *alg, const ekm_cipher_input *in, ekm_cipher_output *out,
                          ekm_err *err) {
  return ekm_cipher_encrypt(m->crypto, ekm_crypto_rng(m->crypto), &m->bytes, alg, in, out, err);
}

static bool bytes_decrypt(const vault_material *m, const char *alg, const ekm_cipher_input *in, ekm_buf *out,
                          ekm_err *err) {
  return ekm_cipher_decrypt(m->crypto, &m->bytes, alg, in, out, err);
}

static bool bytes_sign(const vault_material *m, const char *alg, ekm_view digest, ekm_buf *out, ekm_err *err) {
  return ekm_mac_sign(m->crypto, &m->bytes, alg, digest, out, err);
}

static bool bytes_verify(const vault_material *m, const char *alg, ekm_view digest, ekm_view signature, bool *out_valid,
                         ekm_err *err) {
  return ekm_mac_verify(m->crypto, &m->bytes, alg, digest, signature, out_valid, err);
}

static const material_kind bytes_kind = {bytes_write, bytes_encrypt, bytes_decrypt, bytes_sign, bytes_verify};

/* ---- in a token -------------------------------------------------------------------------------------------------- */

static const char *const token_kinds[] = {[EKM_TOKEN_RSA] = "RSA", [EKM_TOKEN_EC] = "EC", [EKM_TOKEN_AES] = "AES"};
enum { TOKEN_KINDS = sizeof token_kinds / sizeof token_kinds[0] };

static json_t *token_json(const vault_material *m, const ekm_buf *a, const ekm_buf *b) {
  const ekm_token_key *key = &m->in_token;
  json_t *doc = json_pack("{s:s, s:i}", "kind", token_kinds[key->kind], "bits", (int)key->bits);
  bool ok = ekm_json_set_bytes(doc, "id", ekm_view_of(key->id, sizeof key->id)) &&
            ekm_json_set_bytes(doc, "a", ekm_buf_view(a)) && ekm_json_set_bytes(doc, "b", ekm_buf_view(b)) &&
            (key->curve == NULL || json_object_set_new(doc, "curve", json_string(key->curve)) == 0);
  if (!ok) ekm_json_free(&doc);
  return doc;
}

static bool token_write(const vault_material *m, ekm_buf *out_text, ekm_err *err) {
  ekm_buf a, b;
  ekm_buf_init(&a, NUMBER_MAX_BYTES);
  ekm_buf_init(&b, NUMBER_MAX_BYTES);
  json_t *doc = vault_material_public(m, &a, &b, err) ? token_json(m, &a, &b) : NULL;
  ekm_buf_append_char(out_text, TOKEN_MARK);
  bool ok =
      doc == NULL ? EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "for a key in a token") : ekm_json_write(doc, out_text, err);
  ekm_json_free(&doc);
  ekm_buf_clear(&a);
  ekm_buf_clear(&b);
  return ok;
}

static bool token_encrypt(const vault_material *m, const char *alg, const ekm_cipher_input *in, ekm_cipher_output *out,
                          ekm_err *err) {
  if (m->key != NULL) return key_encrypt(m, alg, in, out, err);
  return ekm_token_aes_encrypt(m->token, &m->in_token, alg, in, out, err);
}

static bool token_decrypt(const vault_material *m, const char *alg, const ekm_cipher_input *in, ekm_buf *out,
                          ekm_err *err) {
  if (m->key == NULL) return ekm_token_aes_decrypt(m->token, &m->in_token, alg, in, out, err);
  return takes_value_only(in, err) && ekm_token_rsa_decrypt(m->token, &m->in_token, alg, in->value, out, err);
}

static bool token_sign(const vault_material *m, const char *alg, ekm_view digest, ekm_buf *out, ekm_err *err) {
  return ekm_token_sign(m->token, &m->in_token, alg, digest, out, err);
}

static bool token_verify(const vault_material *m, const char *alg, ekm_view digest, ekm_view signature, bool *out_valid,
                         ekm_err *err) {
  if (m->key != NULL) return key_verify(m, alg, digest, signature, out_valid, err);
  return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "'%s' with a symmetric key in a token", alg);
}

static const material_kind token_kind = {token_write, token_encrypt, token_decrypt, token_sign, token_verify};

/* The public part, with which everything is done that needs no private key. */
static bool public_part(const ekm_crypto *crypto, const ekm_token_key *key, ekm_view a, ekm_view b, ekm_key **out,
                        ekm_err *err) {
  *out = NULL;
  switch (key->kind) {
    case EKM_TOKEN_RSA: return ekm_key_import_rsa(crypto, &(ekm_rsa_numbers){.n = a, .e = b}, out, err);
    case EKM_TOKEN_EC: return ekm_key_import_ec(crypto, key->curve, &(ekm_ec_numbers){.x = a, .y = b}, out, err);
    case EKM_TOKEN_AES: break;
  }
  return true;
}

bool vault_material_of_token(const vault_workshop *shop, const ekm_token_key *key, ekm_view a, ekm_view b,
                             vault_material **out_material, ekm_err *err) {
  ekm_key *public_key;
  *out_material = NULL;
  if (shop->token == NULL) {
    return EKM_FAIL(err, EKM_E_TOKEN, "the key is in a token, and none is named; use --token-module");
  }
  if (!public_part(shop->crypto, key, a, b, &public_key, err)) return false;
  vault_material *m = ekm_mem_alloc(sizeof *m, err);
  *out_material = m;
  if (m == NULL) {
    ekm_key_free(&public_key);
    return false;
  }
  m->kind = &token_kind;
  m->crypto = shop->crypto;
  m->key = public_key;
  m->token = shop->token;
  m->in_token = *key;
  return true;
}

static bool read_token_key(const json_t *doc, ekm_token_key *out) {
  ekm_buf id;
  ekm_err ignored = {0};
  const char *kind = ekm_json_text(doc, "kind");
  int found = 0;
  ekm_buf_init(&id, EKM_TOKEN_ID_BYTES);
  while (kind != NULL && found < TOKEN_KINDS && strcmp(token_kinds[found], kind) != 0) found++;
  bool ok = kind != NULL && found < TOKEN_KINDS && ekm_json_bytes(doc, "id", &id, &ignored) && id.len == sizeof out->id;
  *out = (ekm_token_key){.kind = (ekm_token_kind)found, .bits = (unsigned)ekm_json_int(doc, "bits", 0)};
  if (ok) memcpy(out->id, id.ptr, sizeof out->id);
  if (ok && out->kind == EKM_TOKEN_EC) {
    const char *curve = ekm_json_text(doc, "curve");
    out->curve = ekm_token_curve(curve == NULL ? "" : curve);
    ok = out->curve != NULL;
  }
  ekm_buf_clear(&id);
  return ok;
}

static bool read_token(const vault_workshop *shop, ekm_view text, vault_material **out_material, ekm_err *err) {
  bool ok = false;
  json_t *doc = NULL;
  ekm_token_key key;
  ekm_buf a, b;

  ekm_buf_init(&a, NUMBER_MAX_BYTES);
  ekm_buf_init(&b, NUMBER_MAX_BYTES);
  EKM_TRY(ekm_json_parse(text, &doc, err));
  if (!read_token_key(doc, &key)) EKM_BAIL(err, EKM_E_STORE_TAMPERED, "what says which key in a token it is");
  EKM_TRY(ekm_json_bytes(doc, "a", &a, err));
  EKM_TRY(ekm_json_bytes(doc, "b", &b, err));
  EKM_TRY(vault_material_of_token(shop, &key, ekm_buf_view(&a), ekm_buf_view(&b), out_material, err));
  ok = true;
done:
  ekm_json_free(&doc);
  ekm_buf_clear(&a);
  ekm_buf_clear(&b);
  return ok;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

bool vault_material_of_key(const ekm_crypto *crypto, ekm_key **key, vault_material **out_material, ekm_err *err) {
  vault_material *m = ekm_mem_alloc(sizeof *m, err);
  *out_material = m;
  if (m == NULL) {
    ekm_key_free(key);
    return false;
  }
  m->kind = &key_kind;
  m->crypto = crypto;
  m->key = *key;
  *key = NULL;
  return true;
}

bool vault_material_of_bytes(const ekm_crypto *crypto, ekm_secret *bytes, vault_material **out_material, ekm_err *err) {
  vault_material *m = ekm_mem_alloc(sizeof *m, err);
  *out_material = m;
  if (m == NULL) {
    ekm_secret_clear(bytes);
    return false;
  }
  m->kind = &bytes_kind;
  m->crypto = crypto;
  ekm_secret_move(&m->bytes, bytes);
  return true;
}

bool vault_material_read(const vault_workshop *shop, ekm_view text, vault_material **out_material, ekm_err *err) {
  ekm_key *key = NULL;
  ekm_secret bytes = {0};
  char mark = text.len == 0 ? '\0' : (char)text.ptr[0];
  ekm_view rest = ekm_view_of(text.ptr + 1, text.len - 1);
  *out_material = NULL;
  switch (mark) {
    case TOKEN_MARK: return read_token(shop, rest, out_material, err);
    case SYMMETRIC_MARK:
      return ekm_cipher_key_import(rest, &bytes, err) &&
             vault_material_of_bytes(shop->crypto, &bytes, out_material, err);
    default: break;
  }
  return ekm_key_from_pkcs8(shop->crypto, text, &key, err) &&
         vault_material_of_key(shop->crypto, &key, out_material, err);
}

bool vault_material_write(const vault_material *material, ekm_buf *out_text, ekm_err *err) {
  return material->kind->write(material, out_text, err);
}

void vault_material_free(vault_material **material) {
  if (*material == NULL) return;
  ekm_key_free(&(*material)->key);
  ekm_secret_clear(&(*material)->bytes);
  ekm_mem_free(*material);
  *material = NULL;
}

bool vault_material_in_token(const vault_material *material) {
  return material->token != NULL;
}

bool vault_material_destroy(const vault_material *material, ekm_err *err) {
  return material->token == NULL || ekm_token_destroy(material->token, &material->in_token, err);
}

unsigned vault_material_bits(const vault_material *material) {
  if (material->token != NULL) return material->in_token.bits;
  return material->key != NULL ? ekm_key_bits(material->key) : (unsigned)material->bytes.len * 8;
}

const char *vault_material_curve(const vault_material *material) {
  return material->key == NULL ? NULL : ekm_key_curve(material->key);
}

bool vault_material_public(const vault_material *material, ekm_buf *out_a, ekm_buf *out_b, ekm_err *err) {
  if (material->key == NULL) return true;
  if (ekm_key_curve(material->key) != NULL) return ekm_key_public_ec(material->key, out_a, out_b, err);
  return ekm_key_public(material->key, out_a, out_b, err);
}

bool vault_material_encrypt(const vault_material *material, const char *alg, const ekm_cipher_input *in,
                            ekm_cipher_output *out, ekm_err *err) {
  return material->kind->encrypt(material, alg, in, out, err);
}

bool vault_material_decrypt(const vault_material *material, const char *alg, const ekm_cipher_input *in,
                            ekm_buf *out_plaintext, ekm_err *err) {
  return material->kind->decrypt(material, alg, in, out_plaintext, err);
}

bool vault_material_sign(const vault_material *material, const char *alg, ekm_view digest, ekm_buf *out_signature,
                         ekm_err *err) {
  return material->kind->sign(material, alg, digest, out_signature, err);
}

bool vault_material_verify(const vault_material *material, const char *alg, ekm_view digest, ekm_view signature,
                           bool *out_valid, ekm_err *err) {
  return material->kind->verify(material, alg, digest, signature, out_valid, err);
}
