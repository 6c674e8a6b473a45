#include "vault/key_make.h"

#include <string.h>

static const vault_key_type types[] = {
    {"RSA", "RSA-HSM", VAULT_KEY_RSA, VAULT_OP_RSA_DEFAULT},
    {"RSA-HSM", "RSA-HSM", VAULT_KEY_RSA, VAULT_OP_RSA_DEFAULT},
    {"EC", "EC-HSM", VAULT_KEY_EC, VAULT_OP_SIGN | VAULT_OP_VERIFY},
    {"EC-HSM", "EC-HSM", VAULT_KEY_EC, VAULT_OP_SIGN | VAULT_OP_VERIFY},
};

const vault_key_type *vault_key_type_named(const char *name, bool in_hsm) {
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    if (strcmp(types[i].name, name) != 0) continue;
    return in_hsm && strcmp(types[i].in_hsm, name) != 0 ? vault_key_type_named(types[i].in_hsm, true) : &types[i];
  }
  return NULL;
}

bool vault_key_type_is_hsm(const vault_key_type *type) {
  return strcmp(type->name, type->in_hsm) == 0;
}

bool vault_key_make(const ekm_crypto *crypto, const vault_key_shape *shape, ekm_key **out_material, ekm_err *err) {
  switch (shape->family) {
    case VAULT_KEY_RSA: return ekm_key_generate_rsa(crypto, shape->bits, shape->exponent, out_material, err);
    case VAULT_KEY_EC: return ekm_key_generate_ec(crypto, shape->curve, out_material, err);
  }
  return EKM_FAIL(err, EKM_E_KEY_KIND, "a key of no family");
}

/* Numbers may have zeros in front, as an import wrote them. */
static ekm_view without_zeros(ekm_view number) {
  while (number.len > 0 && number.ptr[0] == 0) number = ekm_view_of(number.ptr + 1, number.len - 1);
  return number;
}

static uint32_t small_number(ekm_view number) {
  uint32_t value = 0;
  if (number.len > sizeof value) return 0;
  for (size_t i = 0; i < number.len; i++) value = value << 8 | number.ptr[i];
  return value;
}

bool vault_key_make_like(const ekm_crypto *crypto, const vault_key *key, ekm_key **out_material, ekm_err *err) {
  const vault_key_type *type = vault_key_type_named(key->kty, false);
  if (type == NULL) return EKM_FAIL(err, EKM_E_KEY_KIND, "%s", key->kty);
  const vault_key_shape shape = {.family = type->family,
                                 .bits = (unsigned)without_zeros(key->n).len * 8,
                                 .exponent = small_number(without_zeros(key->e)),
                                 .curve = key->crv};
  return vault_key_make(crypto, &shape, out_material, err);
}
