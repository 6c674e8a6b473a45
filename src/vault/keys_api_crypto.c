/* The six operations with a key: tables of operations and algorithms, and one way through all of them.
 *
 *   {"alg":..,"value":..}            -> {"kid":..,"value":..}
 *   {"alg":..,"digest":..,"value":..} -> {"value":true}          (verify) */
#include <string.h>

#include "vault/key_body.h"
#include "vault/key_params.h"
#include "vault/keys_api.h"
#include "vault/service.h"

enum {
  LEEWAY_S = 300,                                /* around a key's nbf and exp: "a few minutes" */
  VALUE_MAX_BYTES = EKM_LIMIT_RSA_MODULUS_BYTES, /* nothing that RSA takes or gives is longer */
};

typedef enum algorithm_kind { ENCRYPTION, SIGNATURE } algorithm_kind;

typedef struct algorithm {
  const char *name;
  algorithm_kind kind;
  const char *curve; /* of the keys that it is for; "": RSA keys */
} algorithm;
static const algorithm algorithms[] = {
    {"RSA-OAEP-256", ENCRYPTION, ""}, {"RSA-OAEP", ENCRYPTION, ""},  {"RSA1_5", ENCRYPTION, ""},
    {"RS256", SIGNATURE, ""},         {"RS384", SIGNATURE, ""},      {"RS512", SIGNATURE, ""},
    {"PS256", SIGNATURE, ""},         {"PS384", SIGNATURE, ""},      {"PS512", SIGNATURE, ""},
    {"ES256", SIGNATURE, "P-256"},    {"ES384", SIGNATURE, "P-384"}, {"ES512", SIGNATURE, "P-521"},
    {"ES256K", SIGNATURE, "P-256K"},
};

struct work;

/* ${timed}: is it refused outside nbf ... exp? What reads old data is not, so that old data stays readable
 * (facts/azure-key-vault.md section 1.5). */
typedef struct operation {
  const char *name;
  vault_key_ops op;
  algorithm_kind kind;
  bool timed;
  bool (*run)(vault_exchange *x, struct work *work);
} operation;

/* One operation under way. */
typedef struct work {
  const operation *op;
  const algorithm *alg;
  json_t *body;
  const vault_key *key;
  ekm_buf in;     /* the decoded value */
  ekm_buf digest; /* of verify */
  ekm_buf out;
} work;

static bool take_bytes(vault_exchange *x, const work *w, const char *name, ekm_buf *out) {
  if (vault_member(w->body, name) == NULL) return vault_refuse(x, VAULT_FAULT_PROPERTY_MISSING, name);
  if (ekm_json_bytes(w->body, name, out, &x->err) && out->len > 0) return true;
  if (x->err.id == EKM_E_OUT_OF_MEMORY) return false;
  ekm_err_clear(&x->err);
  return vault_refuse(x, VAULT_FAULT_VALUE, "");
}

static bool take_algorithm(vault_exchange *x, work *w) {
  const char *name = ekm_json_text(w->body, "alg");
  if (name == NULL) return vault_refuse(x, VAULT_FAULT_PROPERTY_MISSING, "alg");
  for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
    if (algorithms[i].kind != w->op->kind || strcmp(algorithms[i].name, name) != 0) continue;
    w->alg = &algorithms[i];
    return true;
  }
  return vault_refuse(x, VAULT_FAULT_ALGORITHM, name);
}

static bool check_curve(vault_exchange *x, const work *w) {
  char kid[VAULT_KID_BYTES];
  const char *has = w->key->crv;
  const char *wants = w->alg->curve;
  if (strcmp(has, wants) == 0) return true;
  vault_key_id(x->vault, w->key, true, kid);
  if (has[0] == '\0' || wants[0] == '\0') {
    return vault_refuse_with(x, VAULT_FAULT_KEY_ALGORITHM,
                             (const char *const[VAULT_FAULT_ARGS]){kid, w->key->kty, w->alg->name});
  }
  return vault_refuse_with(x, VAULT_FAULT_KEY_CURVE,
                           (const char *const[VAULT_FAULT_ARGS]){kid, has, w->alg->name, wants});
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
    case EKM_E_DATA_TOO_LONG:
    case EKM_E_BAD_ARGUMENT: return vault_refuse(x, VAULT_FAULT_VALUE, "");
    default: return false;
  }
}

static bool answer_value(vault_exchange *x, const work *w) {
  char kid[VAULT_KID_BYTES];
  json_t *doc = json_object();
  vault_key_id(x->vault, w->key, true, kid);
  if (json_object_set_new(doc, "kid", json_string(kid)) != 0 ||
      !ekm_json_set_bytes(doc, "value", ekm_buf_view(&w->out))) {
    ekm_json_free(&doc);
  }
  return vault_answer_json(&x->answer, 200, doc, &x->err);
}

static bool run_encrypt(vault_exchange *x, work *w) {
  if (!ekm_key_encrypt(w->key->material, w->alg->name, ekm_buf_view(&w->in), &w->out, &x->err)) return data_failed(x);
  return answer_value(x, w);
}

static bool run_decrypt(vault_exchange *x, work *w) {
  if (w->in.len != ekm_key_bits(w->key->material) / 8) return vault_refuse(x, VAULT_FAULT_VALUE, "");
  if (!ekm_key_decrypt(w->key->material, w->alg->name, ekm_buf_view(&w->in), &w->out, &x->err)) return data_failed(x);
  return answer_value(x, w);
}

static bool run_sign(vault_exchange *x, work *w) {
  if (!ekm_key_sign(w->key->material, w->alg->name, ekm_buf_view(&w->in), &w->out, &x->err)) return data_failed(x);
  return answer_value(x, w);
}

static bool run_verify(vault_exchange *x, work *w) {
  bool valid = false;
  if (!take_bytes(x, w, "digest", &w->digest)) return false;
  if (!ekm_key_verify(w->key->material, w->alg->name, ekm_buf_view(&w->digest), ekm_buf_view(&w->in), &valid,
                      &x->err)) {
    return data_failed(x);
  }
  return vault_answer_json(&x->answer, 200, json_pack("{s:b}", "value", (int)valid), &x->err);
}

static const operation op_encrypt = {"encrypt", VAULT_OP_ENCRYPT, ENCRYPTION, true, run_encrypt};
static const operation op_decrypt = {"decrypt", VAULT_OP_DECRYPT, ENCRYPTION, false, run_decrypt};
static const operation op_wrap = {"wrapKey", VAULT_OP_WRAP, ENCRYPTION, true, run_encrypt};
static const operation op_unwrap = {"unwrapKey", VAULT_OP_UNWRAP, ENCRYPTION, false, run_decrypt};
static const operation op_sign = {"sign", VAULT_OP_SIGN, SIGNATURE, true, run_sign};
static const operation op_verify = {"verify", VAULT_OP_VERIFY, SIGNATURE, false, run_verify};

static bool find_key(vault_exchange *x, work *w) {
  return vault_store_key_get(x->service->store, x->vault->id, x->key_name, x->key_version, &w->key, &x->err) ||
         vault_keys_failed(x);
}

static bool run(vault_exchange *x, const operation *op) {
  work w = {.op = op};

  ekm_buf_init(&w.in, VALUE_MAX_BYTES);
  ekm_buf_init(&w.digest, VALUE_MAX_BYTES);
  ekm_buf_init(&w.out, VALUE_MAX_BYTES);
  bool ok = vault_exchange_body(x, &w.body) && find_key(x, &w) && check_use(x, &w) && take_algorithm(x, &w) &&
            check_curve(x, &w) && take_bytes(x, &w, "value", &w.in) && op->run(x, &w);
  ekm_buf_clear(&w.in);
  ekm_buf_clear(&w.digest);
  ekm_buf_clear(&w.out);
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
