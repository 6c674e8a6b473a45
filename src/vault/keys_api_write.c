/* Create, import, update and delete; recover and purge. Private keys are made or read here and handed to the store,
 * which seals them. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "vault/jwk.h"
#include "vault/key_body.h"
#include "vault/key_make.h"
#include "vault/key_params.h"
#include "vault/keys_api.h"
#include "vault/service.h"

#define DEFAULT_CURVE "P-256"
enum { DEFAULT_BITS = 2048, DEFAULT_OCT_BITS = 256, DEFAULT_EXPONENT = 65537, OCT_MAX_BYTES = 512 };

static const vault_key_type *find_type(vault_exchange *x, const json_t *holder, bool in_hsm) {
  const char *kty = ekm_json_text(holder, "kty");
  const vault_key_type *type = kty == NULL ? NULL : vault_key_type_named(kty, in_hsm || x->vault->is_hsm);
  if (kty == NULL) {
    vault_refuse(x, VAULT_FAULT_PROPERTY_MISSING, "kty");
  } else if (type == NULL || (type->family == VAULT_KEY_OCT && !x->vault->is_hsm)) {
    vault_refuse(x, VAULT_FAULT_KEY_TYPE, kty);
    type = NULL;
  }
  return type;
}

static bool check_size(vault_exchange *x, vault_key_family family, json_int_t bits) {
  char text[24];
  if (vault_key_family_takes(family, bits)) return true;
  (void)snprintf(text, sizeof text, "%lld", (long long)bits);
  return vault_refuse_with(x, VAULT_FAULT_KEY_SIZE,
                           (const char *const[VAULT_FAULT_ARGS]){text, vault_key_family_sizes(family)});
}

static bool take_int(vault_exchange *x, const json_t *body, const char *name, json_int_t fallback, json_int_t *out) {
  const json_t *member = vault_member(body, name);
  *out = fallback;
  if (member == NULL) return true;
  if (!json_is_integer(member)) return vault_refuse(x, VAULT_FAULT_PROPERTY, name);
  *out = json_integer_value(member);
  return true;
}

/* The crypto layer knows the curves; that it does not know one is the client's fault. */
static bool curve_failed(vault_exchange *x, const char *curve) {
  if (x->err.id != EKM_E_KEY_KIND) return false;
  ekm_err_clear(&x->err);
  return vault_refuse(x, VAULT_FAULT_CURVE, curve);
}

static bool take_curve(vault_exchange *x, const json_t *body, const char **out) {
  const json_t *member = vault_member(body, "crv");
  *out = member == NULL ? DEFAULT_CURVE : json_string_value(member);
  return *out != NULL || vault_refuse(x, VAULT_FAULT_PROPERTY, "crv");
}

static bool take_bits(vault_exchange *x, const json_t *body, json_int_t fallback, vault_key_shape *out) {
  json_int_t bits;
  if (!take_int(x, body, "key_size", fallback, &bits) || !check_size(x, out->family, bits)) return false;
  out->bits = (unsigned)bits;
  return true;
}

static bool take_exponent(vault_exchange *x, const json_t *body, vault_key_shape *out) {
  json_int_t exponent;
  if (!take_int(x, body, "public_exponent", DEFAULT_EXPONENT, &exponent)) return false;
  if (exponent < 3 || exponent > INT32_MAX || exponent % 2 == 0)
    return vault_refuse(x, VAULT_FAULT_PROPERTY, "public_exponent");
  out->exponent = (uint32_t)exponent;
  return true;
}

static bool take_shape(vault_exchange *x, const json_t *body, vault_key_shape *out) {
  switch (out->family) {
    case VAULT_KEY_EC: return take_curve(x, body, &out->curve);
    case VAULT_KEY_OCT: return take_bits(x, body, DEFAULT_OCT_BITS, out);
    default: return take_bits(x, body, DEFAULT_BITS, out) && take_exponent(x, body, out);
  }
}

static bool generate(vault_exchange *x, const vault_key_type *type, const json_t *body, vault_material **out_material) {
  vault_key_shape shape = {.family = type->family, .in_hsm = vault_key_type_is_hsm(type)};
  return take_shape(x, body, &shape) &&
         (vault_key_make(&x->service->shop, &shape, out_material, &x->err) || curve_failed(x, shape.curve));
}

/* Let the store add a version and answer with it. */
static bool add_key(vault_exchange *x, const vault_key_type *type, const vault_key_params *params, ekm_view n,
                    vault_material **material) {
  const vault_key *key = NULL;
  const vault_key_spec spec = {
      .name = x->key_name,
      .kty = type->name,
      .attributes = params->attributes,
      .ops = (params->set & VAULT_SET_OPS) != 0 ? params->ops : type->default_ops,
      .tags = params->tags.len > strlen("{}") ? ekm_buf_text(&params->tags) : NULL,
      .exportable = params->exportable,
      .release_policy = params->release.len > 0 ? ekm_buf_text(&params->release) : NULL,
      .n = n,
  };
  if (!vault_store_key_add(x->service->store, x->vault->id, &spec, material, &key, &x->err))
    return vault_keys_failed(x);
  vault_exchange_uses(x, key);
  bool ok = vault_answer_json(&x->answer, 200, vault_key_bundle(x, key), &x->err);
  vault_key_release(&key);
  return ok;
}

/* Only a key of an HSM may leave, and only under a policy; a policy is of no use without. */
static bool check_release(vault_exchange *x, const vault_key_type *type, const vault_key_params *params) {
  bool has_policy = params->release.len > 0;
  if (params->exportable && !vault_key_type_is_hsm(type))
    return vault_refuse(x, VAULT_FAULT_EXPORTABLE_TYPE, type->name);
  if (params->exportable != has_policy) return vault_refuse(x, VAULT_FAULT_EXPORTABLE, "");
  return true;
}

/* A deleted key holds its name: say so before a new key is made, which costs a tenth of a second. */
static bool check_not_deleted(vault_exchange *x) {
  const vault_key *key = NULL;
  if (vault_store_deleted_get(x->service->store, x->vault->id, x->key_name, &key, &x->err)) {
    vault_key_release(&key);
    return vault_refuse(x, VAULT_FAULT_KEY_IS_DELETED, x->key_name);
  }
  if (x->err.id != EKM_E_KEY_NOT_FOUND) return false;
  ekm_err_clear(&x->err);
  return true;
}

bool vault_keys_create(vault_exchange *x) {
  bool ok = false;
  json_t *body = NULL;
  vault_material *material = NULL;
  vault_key_params params;

  vault_key_params_init(&params);
  EKM_TRY(vault_exchange_body(x, &body));
  const vault_key_type *type = find_type(x, body, false);
  EKM_TRY(type != NULL);
  EKM_TRY(vault_key_params_read(x, body, body, &params));
  EKM_TRY(check_release(x, type, &params));
  EKM_TRY(check_not_deleted(x));
  EKM_TRY(generate(x, type, body, &material));
  EKM_TRY(add_key(x, type, &params, ekm_view_of(NULL, 0), &material));
  ok = true;
done:
  vault_material_free(&material);
  vault_key_params_clear(&params);
  ekm_json_free(&body);
  return ok;
}

/* Numbers that are no key are the client's fault, not the machine's. */
static bool jwk_failed(vault_exchange *x) {
  if (x->err.id == EKM_E_OUT_OF_MEMORY) return false;
  ekm_err_clear(&x->err);
  return vault_refuse(x, VAULT_FAULT_JWK, "");
}

static bool import_rsa(vault_exchange *x, const json_t *doc, vault_jwk *jwk, ekm_key **out_key) {
  if (!vault_jwk_read(doc, jwk, &x->err)) return jwk_failed(x);
  const ekm_rsa_numbers numbers = vault_jwk_view(jwk);
  size_t zeros = 0;
  while (zeros < numbers.n.len && numbers.n.ptr[zeros] == 0) zeros++;
  if (!check_size(x, VAULT_KEY_RSA, (json_int_t)(numbers.n.len - zeros) * 8)) return false;
  return ekm_key_import_rsa(x->service->crypto, &numbers, out_key, &x->err) || jwk_failed(x);
}

static bool import_ec(vault_exchange *x, const json_t *doc, vault_jwk *jwk, ekm_key **out_key) {
  const char *curve = ekm_json_text(doc, "crv");
  if (curve == NULL || !vault_jwk_read_ec(doc, jwk, &x->err)) return jwk_failed(x);
  const ekm_ec_numbers numbers = vault_jwk_view_ec(jwk);
  if (ekm_key_import_ec(x->service->crypto, curve, &numbers, out_key, &x->err)) return true;
  return x->err.id == EKM_E_KEY_KIND ? curve_failed(x, curve) : jwk_failed(x);
}

static bool import_oct(vault_exchange *x, const json_t *doc, ekm_secret *out) {
  ekm_buf k;
  ekm_buf_init(&k, OCT_MAX_BYTES);
  bool ok = ekm_json_bytes(doc, "k", &k, &x->err) || jwk_failed(x);
  ok = ok && check_size(x, VAULT_KEY_OCT, (json_int_t)k.len * 8) &&
       ekm_cipher_key_import(ekm_buf_view(&k), out, &x->err);
  ekm_buf_clear(&k);
  return ok;
}

/* A key that was checked goes into the token, and is forgotten here. Without all its numbers an RSA key cannot. */
static bool into_token(vault_exchange *x, const vault_key_type *type, const vault_jwk *jwk, const ekm_key *key,
                       const ekm_secret *bytes, vault_material **out_material) {
  const vault_workshop *shop = &x->service->shop;
  const ekm_rsa_numbers rsa = vault_jwk_view(jwk);
  const ekm_ec_numbers ec = vault_jwk_view_ec(jwk);
  ekm_token_key in_token = {0};
  ekm_view a = ekm_view_of(NULL, 0), b = a;
  bool ok = false;
  if (type->family == VAULT_KEY_OCT) {
    ok = ekm_token_import_aes(shop->token, bytes, &in_token, &x->err);
  } else if (type->family == VAULT_KEY_EC) {
    a = ec.x;
    b = ec.y;
    ok = ekm_token_import_ec(shop->token, ekm_key_curve(key), &ec, &in_token, &x->err);
  } else if (rsa.qi.len == 0) {
    return vault_refuse(x, VAULT_FAULT_NOT_OFFERED, "An RSA key without p, q, dp, dq and qi in a token");
  } else {
    a = rsa.n;
    b = rsa.e;
    ok = ekm_token_import_rsa(shop->token, &rsa, &in_token, &x->err);
  }
  return ok && vault_material_of_token(shop, &in_token, a, b, out_material, &x->err);
}

static bool import_material(vault_exchange *x, const vault_key_type *type, const json_t *doc, vault_jwk *jwk,
                            vault_material **out_material) {
  bool ok = false;
  ekm_key *key = NULL;
  ekm_secret bytes = {0};
  if (vault_member(doc, "key_hsm") != NULL) return vault_refuse(x, VAULT_FAULT_NOT_OFFERED, "key_hsm");
  switch (type->family) {
    case VAULT_KEY_OCT: ok = import_oct(x, doc, &bytes); break;
    case VAULT_KEY_EC: ok = import_ec(x, doc, jwk, &key); break;
    case VAULT_KEY_RSA: ok = import_rsa(x, doc, jwk, &key); break;
  }
  if (ok && x->service->shop.token != NULL && vault_key_type_is_hsm(type)) {
    ok = into_token(x, type, jwk, key, &bytes, out_material);
  } else if (ok && type->family == VAULT_KEY_OCT) {
    ok = vault_material_of_bytes(x->service->crypto, &bytes, out_material, &x->err);
  } else if (ok) {
    ok = vault_material_of_key(x->service->crypto, &key, out_material, &x->err);
  }
  ekm_key_free(&key);
  ekm_secret_clear(&bytes);
  return ok;
}

bool vault_keys_import(vault_exchange *x) {
  bool ok = false;
  json_t *body = NULL;
  vault_material *material = NULL;
  vault_key_params params;
  vault_jwk jwk;

  vault_key_params_init(&params);
  vault_jwk_init(&jwk);
  EKM_TRY(vault_exchange_body(x, &body));
  const json_t *doc = ekm_json_object(body, "key");
  if (doc == NULL) {
    vault_refuse(x, VAULT_FAULT_JWK, "");
    goto done;
  }
  const vault_key_type *type = find_type(x, doc, ekm_json_bool(body, "Hsm", false));
  EKM_TRY(type != NULL);
  EKM_TRY(vault_key_params_read(x, body, vault_member(doc, "key_ops") != NULL ? doc : body, &params));
  EKM_TRY(check_release(x, type, &params));
  EKM_TRY(import_material(x, type, doc, &jwk, &material));
  EKM_TRY(add_key(x, type, &params, type->family == VAULT_KEY_RSA ? vault_jwk_view(&jwk).n : ekm_view_of(NULL, 0),
                  &material));
  ok = true;
done:
  vault_material_free(&material);
  vault_jwk_clear(&jwk);
  vault_key_params_clear(&params);
  ekm_json_free(&body);
  return ok;
}

/* A release policy can be put in the place of another, of a key that may leave, unless that one says never. */
static bool check_new_release(vault_exchange *x, const vault_key_params *params) {
  const vault_key *key = NULL;
  if (params->release.len == 0) return true;
  if (!vault_store_key_get(x->service->store, x->vault->id, x->key_name, x->key_version, &key, &x->err)) {
    return vault_keys_failed(x);
  }
  bool is_immutable = key->release_policy != NULL && strstr(key->release_policy, "\"immutable\":true") != NULL;
  bool ok = key->exportable && !is_immutable;
  vault_key_release(&key);
  return ok || vault_refuse(x, is_immutable ? VAULT_FAULT_RELEASE_IMMUTABLE : VAULT_FAULT_EXPORTABLE, "");
}

bool vault_keys_update(vault_exchange *x) {
  bool ok = false;
  json_t *body = NULL;
  const vault_key *key = NULL;
  vault_key_params params;

  vault_key_params_init(&params);
  EKM_TRY(vault_exchange_body(x, &body));
  EKM_TRY(vault_key_params_read(x, body, body, &params));
  EKM_TRY(check_new_release(x, &params));
  const vault_key_change change = {.set = params.set,
                                   .attributes = params.attributes,
                                   .ops = params.ops,
                                   .tags = ekm_buf_text(&params.tags),
                                   .release_policy = ekm_buf_text(&params.release)};
  if (!vault_store_key_update(x->service->store, x->vault->id, x->key_name, x->key_version, &change, &key, &x->err)) {
    vault_keys_failed(x);
    goto done;
  }
  vault_exchange_uses(x, key);
  EKM_TRY(vault_answer_json(&x->answer, 200, vault_key_bundle(x, key), &x->err));
  ok = true;
done:
  vault_key_release(&key);
  vault_key_params_clear(&params);
  ekm_json_free(&body);
  return ok;
}

bool vault_keys_delete(vault_exchange *x) {
  const vault_key *key = NULL;
  if (!vault_store_key_delete(x->service->store, x->vault->id, x->key_name, &key, &x->err)) return vault_keys_failed(x);
  vault_exchange_uses(x, key);
  bool ok = vault_answer_json(&x->answer, 200, vault_deleted_key_bundle(x, key), &x->err);
  vault_key_release(&key);
  return ok;
}

bool vault_deleted_recover(vault_exchange *x) {
  const vault_key *key = NULL;
  if (!vault_store_deleted_recover(x->service->store, x->vault->id, x->key_name, &key, &x->err)) {
    return vault_deleted_failed(x);
  }
  vault_exchange_uses(x, key);
  bool ok = vault_answer_json(&x->answer, 200, vault_key_bundle(x, key), &x->err);
  vault_key_release(&key);
  return ok;
}

bool vault_deleted_purge(vault_exchange *x) {
  if (x->vault->purge_protection) return vault_refuse(x, VAULT_FAULT_PURGE_PROTECTED, x->vault->name);
  if (!vault_store_deleted_purge(x->service->store, x->vault->id, x->key_name, &x->err)) {
    return vault_deleted_failed(x);
  }
  vault_answer_empty(&x->answer, 204);
  return true;
}
