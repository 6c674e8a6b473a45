/* The six operations with a key: tables of operations and algorithms, and one way through all of them.
 *
 *   {"alg":..,"value":..}             -> {"kid":..,"value":..}
 *   {"alg":..,"digest":..,"value":..} -> {"value":true}           (verify)
 *
 * Symmetric keys take "iv", "aad" and "tag" too, and give those that they have made. */
#include <string.h>

#include "vault/key_body.h"
#include "vault/key_make.h"
#include "vault/key_params.h"
#include "vault/keys_api.h"
#include "vault/service.h"

enum {
  LEEWAY_S = 300, /* around a key's nbf and exp: "a few minutes" */
  VALUE_MAX_BYTES = EKM_LIMIT_HTTP_REQUEST_BYTES
};

/* What an algorithm is for; an operation says which of them it takes. */
enum { ENCRYPTION = 1 << 0, WRAPPING = 1 << 1, SIGNATURE = 1 << 2 };

typedef struct algorithm {
  const char *name;
  unsigned uses;
  vault_key_family family;
  const char *curve; /* of EC keys; else "" */
  unsigned bits;     /* of symmetric keys; 0: any */
  size_t digest;     /* how long it is, where the crypto layer would take any; else 0 */
} algorithm;

#define RSA(name, uses) \
  { name, uses, VAULT_KEY_RSA, "", 0, 0 }
#define EC(name, curve) \
  { name, SIGNATURE, VAULT_KEY_EC, curve, 0, 0 }
#define OCT(name, uses, bits) \
  { name, uses, VAULT_KEY_OCT, "", bits, 0 }
#define HMAC(name, digest) \
  { name, SIGNATURE, VAULT_KEY_OCT, "", 0, digest }
#define AES(bits)                                                                     \
  OCT("A" #bits "GCM", ENCRYPTION, bits), OCT("A" #bits "CBC", ENCRYPTION, bits),     \
      OCT("A" #bits "CBCPAD", ENCRYPTION, bits), OCT("A" #bits "KW", WRAPPING, bits), \
      OCT("A" #bits "KWPAD", WRAPPING, bits)
static const algorithm algorithms[] = {
    RSA("RSA-OAEP-256", ENCRYPTION | WRAPPING),
    RSA("RSA-OAEP", ENCRYPTION | WRAPPING),
    RSA("RSA1_5", ENCRYPTION | WRAPPING),
    RSA("RS256", SIGNATURE),
    RSA("RS384", SIGNATURE),
    RSA("RS512", SIGNATURE),
    RSA("PS256", SIGNATURE),
    RSA("PS384", SIGNATURE),
    RSA("PS512", SIGNATURE),
    EC("ES256", "P-256"),
    EC("ES384", "P-384"),
    EC("ES512", "P-521"),
    EC("ES256K", "P-256K"),
    AES(128),
    AES(192),
    AES(256),
    OCT("CKM_AES_KEY_WRAP", WRAPPING, 0),
    OCT("CKM_AES_KEY_WRAP_PAD", WRAPPING, 0),
    HMAC("HS256", 32),
    HMAC("HS384", 48),
    HMAC("HS512", 64),
};

struct work;

/* ${timed}: is it refused outside nbf ... exp? What reads old data is not, so that old data stays readable
 * (facts/azure-key-vault.md section 1.5). */
typedef struct operation {
  const char *name;
  vault_key_ops op;
  unsigned use; /* one of the three above */
  bool timed;
  bool (*run)(vault_exchange *x, struct work *work);
} operation;

/* One operation under way. */
typedef struct work {
  const operation *op;
  const algorithm *alg;
  json_t *body;
  const vault_key *key;
  vault_key_family family;
  ekm_buf in;           /* the decoded value */
  ekm_buf digest;       /* of verify */
  ekm_buf iv, aad, tag; /* of symmetric keys */
  ekm_cipher_output out;
} work;

static ekm_cipher_input input_of(const work *w) {
  return (ekm_cipher_input){ekm_buf_view(&w->in), ekm_buf_view(&w->iv), ekm_buf_view(&w->aad), ekm_buf_view(&w->tag)};
}

static bool take_bytes(vault_exchange *x, const work *w, const char *name, ekm_buf *out) {
  if (ekm_json_bytes(w->body, name, out, &x->err)) return true;
  if (x->err.id == EKM_E_OUT_OF_MEMORY) return false;
  ekm_err_clear(&x->err);
  return vault_refuse(x, VAULT_FAULT_VALUE, "");
}

static bool take_optional(vault_exchange *x, const work *w, const char *name, ekm_buf *out) {
  return vault_member(w->body, name) == NULL || take_bytes(x, w, name, out);
}

/* There is one that may be empty: what a symmetric key is to encrypt. */
static bool take_required(vault_exchange *x, const work *w, const char *name, ekm_buf *out) {
  bool may_be_empty = w->family == VAULT_KEY_OCT && w->op->op == VAULT_OP_ENCRYPT;
  if (vault_member(w->body, name) == NULL) return vault_refuse(x, VAULT_FAULT_PROPERTY_MISSING, name);
  if (!take_bytes(x, w, name, out)) return false;
  return out->len > 0 || may_be_empty || vault_refuse(x, VAULT_FAULT_VALUE, "");
}

static bool take_parts(vault_exchange *x, work *w) {
  return take_required(x, w, "value", &w->in) &&
         (w->family != VAULT_KEY_OCT || (take_optional(x, w, "iv", &w->iv) && take_optional(x, w, "aad", &w->aad) &&
                                         take_optional(x, w, "tag", &w->tag)));
}

static bool take_algorithm(vault_exchange *x, work *w) {
  const char *name = ekm_json_text(w->body, "alg");
  if (name == NULL) return vault_refuse(x, VAULT_FAULT_PROPERTY_MISSING, "alg");
  for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
    if ((algorithms[i].uses & w->op->use) == 0 || strcmp(algorithms[i].name, name) != 0) continue;
    w->alg = &algorithms[i];
    return true;
  }
  return vault_refuse(x, VAULT_FAULT_ALGORITHM, name);
}

/* Is the algorithm one for this key: its family, curve and length? */
static bool check_fit(vault_exchange *x, const work *w) {
  char kid[VAULT_KID_BYTES];
  const algorithm *alg = w->alg;
  vault_key_id(x->vault, w->key, true, kid);
  bool right_size = alg->bits == 0 || alg->bits == vault_material_bits(w->key->material);
  if (alg->family != w->family || !right_size) {
    return vault_refuse_with(x, VAULT_FAULT_KEY_ALGORITHM,
                             (const char *const[VAULT_FAULT_ARGS]){kid, w->key->kty, alg->name});
  }
  if (strcmp(w->key->crv, alg->curve) == 0) return true;
  return vault_refuse_with(x, VAULT_FAULT_KEY_CURVE,
                           (const char *const[VAULT_FAULT_ARGS]){kid, w->key->crv, alg->name, alg->curve});
}

static bool check_use(vault_exchange *x, const work *w) {
  const vault_key_attributes *a = &w->key->attributes;
  int64_t now = ekm_clock_wall_s(x->service->clock);
  if (!a->enabled) return vault_refuse(x, VAULT_FAULT_KEY_DISABLED, w->op->name);
  if ((w->key->ops & w->op->op) == 0) return vault_refuse(x, VAULT_FAULT_KEY_OPERATION, w->op->name);
  if (!w->op->timed) return true;
  if (a->has_nbf && now < a->nbf - LEEWAY_S) return vault_refuse(x, VAULT_FAULT_KEY_NOT_YET, w->op->name);
  if (a->has_exp && now >= a->exp + LEEWAY_S) return vault_refuse(x, VAULT_FAULT_KEY_EXPIRED, w->op->name);
  return true;
}

/* What the crypto layer says against the data is the client's fault. */
static bool data_failed(vault_exchange *x) {
  switch (x->err.id) {
    case EKM_E_UNWRAP_REFUSED: return vault_refuse(x, VAULT_FAULT_NOT_DECRYPTED, "");
    case EKM_E_NOT_SUPPORTED: return vault_refuse(x, VAULT_FAULT_NOT_OFFERED, x->err.detail); /* by the token */
    case EKM_E_DATA_TOO_LONG:
    case EKM_E_BAD_ARGUMENT: return vault_refuse(x, VAULT_FAULT_VALUE, "");
    default: return false;
  }
}

static bool add_part(json_t *doc, const char *name, ekm_view bytes) {
  return bytes.len == 0 || ekm_json_set_bytes(doc, name, bytes);
}

/* A Managed HSM says by which algorithm, too (facts/azure-key-vault.md section 1.3). */
static bool answer_value(vault_exchange *x, const work *w) {
  char kid[VAULT_KID_BYTES];
  json_t *doc = json_object();
  const ekm_cipher_output *out = &w->out;
  vault_key_id(x->vault, w->key, true, kid);
  bool ok = json_object_set_new(doc, "kid", json_string(kid)) == 0 &&
            (!x->vault->is_hsm || json_object_set_new(doc, "alg", json_string(w->alg->name)) == 0) &&
            ekm_json_set_bytes(doc, "value", ekm_buf_view(&out->value)) &&
            add_part(doc, "iv", ekm_view_of(out->iv, out->iv_len)) &&
            add_part(doc, "tag", ekm_view_of(out->tag, out->tag_len)) && add_part(doc, "aad", ekm_buf_view(&w->aad));
  if (!ok) ekm_json_free(&doc);
  return vault_answer_json(&x->answer, 200, doc, &x->err);
}

static bool run_encrypt(vault_exchange *x, work *w) {
  const ekm_cipher_input in = input_of(w);
  if (!vault_material_encrypt(w->key->material, w->alg->name, &in, &w->out, &x->err)) return data_failed(x);
  return answer_value(x, w);
}

static bool run_decrypt(vault_exchange *x, work *w) {
  const ekm_cipher_input in = input_of(w);
  bool right_length = w->family != VAULT_KEY_RSA || w->in.len == vault_material_bits(w->key->material) / 8;
  if (!right_length) return vault_refuse(x, VAULT_FAULT_VALUE, "");
  if (!vault_material_decrypt(w->key->material, w->alg->name, &in, &w->out.value, &x->err)) return data_failed(x);
  ekm_buf_clear(&w->aad); /* it came from the client, who has it */
  return answer_value(x, w);
}

/* HMAC would take anything; the service calls it a digest of the algorithm's hash, as with the others. */
static bool check_digest(vault_exchange *x, const work *w, const ekm_buf *digest) {
  return w->alg->digest == 0 || digest->len == w->alg->digest || vault_refuse(x, VAULT_FAULT_VALUE, "");
}

static bool run_sign(vault_exchange *x, work *w) {
  if (!check_digest(x, w, &w->in)) return false;
  if (!vault_material_sign(w->key->material, w->alg->name, ekm_buf_view(&w->in), &w->out.value, &x->err)) {
    return data_failed(x);
  }
  return answer_value(x, w);
}

static bool run_verify(vault_exchange *x, work *w) {
  bool valid = false;
  if (!take_required(x, w, "digest", &w->digest) || !check_digest(x, w, &w->digest)) return false;
  if (!vault_material_verify(w->key->material, w->alg->name, ekm_buf_view(&w->digest), ekm_buf_view(&w->in), &valid,
                             &x->err)) {
    return data_failed(x);
  }
  return vault_answer_json(&x->answer, 200, json_pack("{s:b}", "value", (int)valid), &x->err);
}

static const operation op_encrypt = {"encrypt", VAULT_OP_ENCRYPT, ENCRYPTION, true, run_encrypt};
static const operation op_decrypt = {"decrypt", VAULT_OP_DECRYPT, ENCRYPTION, false, run_decrypt};
static const operation op_wrap = {"wrapKey", VAULT_OP_WRAP, WRAPPING, true, run_encrypt};
static const operation op_unwrap = {"unwrapKey", VAULT_OP_UNWRAP, WRAPPING, false, run_decrypt};
static const operation op_sign = {"sign", VAULT_OP_SIGN, SIGNATURE, true, run_sign};
static const operation op_verify = {"verify", VAULT_OP_VERIFY, SIGNATURE, false, run_verify};

static bool find_key(vault_exchange *x, work *w) {
  if (!vault_store_key_get(x->service->store, x->vault->id, x->key_name, x->key_version, &w->key, &x->err)) {
    return vault_keys_failed(x);
  }
  vault_exchange_uses(x, w->key);
  const vault_key_type *type = vault_key_type_named(w->key->kty, false);
  if (type != NULL) w->family = type->family;
  return type != NULL || EKM_FAIL(&x->err, EKM_E_INTERNAL, "a key of type '%s'", w->key->kty);
}

static bool run(vault_exchange *x, const operation *op) {
  work w = {.op = op};
  ekm_buf *const bufs[] = {&w.in, &w.digest, &w.iv, &w.aad, &w.tag, &w.out.value};

  for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) ekm_buf_init(bufs[i], VALUE_MAX_BYTES);
  bool ok = vault_exchange_body(x, &w.body) && find_key(x, &w) && check_use(x, &w) && take_algorithm(x, &w) &&
            check_fit(x, &w) && take_parts(x, &w) && op->run(x, &w);
  for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) ekm_buf_clear(bufs[i]);
  vault_key_release(&w.key);
  ekm_json_free(&w.body);
  return ok;
}

bool vault_keys_encrypt(vault_exchange *x) {
  return run(x, &op_encrypt);
}

bool vault_keys_decrypt(vault_exchange *x) {
  return run(x, &op_decrypt);
}

bool vault_keys_wrap(vault_exchange *x) {
  return run(x, &op_wrap);
}

bool vault_keys_unwrap(vault_exchange *x) {
  return run(x, &op_unwrap);
}

bool vault_keys_sign(vault_exchange *x) {
  return run(x, &op_sign);
}

bool vault_keys_verify(vault_exchange *x) {
  return run(x, &op_verify);
}
