#include "vault/material.h"

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
  ekm_key *key;     /* RSA, EC */
  ekm_secret bytes; /* symmetric */
};

enum { SYMMETRIC_MARK = 'o' };

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

bool vault_material_read(const ekm_crypto *crypto, ekm_view text, vault_material **out_material, ekm_err *err) {
  ekm_key *key = NULL;
  ekm_secret bytes = {0};
  *out_material = NULL;
  if (text.len > 0 && text.ptr[0] == SYMMETRIC_MARK) {
    return ekm_cipher_key_import(ekm_view_of(text.ptr + 1, text.len - 1), &bytes, err) &&
           vault_material_of_bytes(crypto, &bytes, out_material, err);
  }
  return ekm_key_from_pkcs8(crypto, text, &key, err) && vault_material_of_key(crypto, &key, out_material, err);
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

unsigned vault_material_bits(const vault_material *material) {
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
