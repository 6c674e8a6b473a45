#include "vault/key_make.h"

#include <string.h>

static const vault_key_type types[] = {
    {"RSA", "RSA-HSM", VAULT_KEY_RSA, VAULT_OP_RSA_DEFAULT},
    {"RSA-HSM", "RSA-HSM", VAULT_KEY_RSA, VAULT_OP_RSA_DEFAULT},
    {"EC", "EC-HSM", VAULT_KEY_EC, VAULT_OP_SIGN | VAULT_OP_VERIFY},
    {"EC-HSM", "EC-HSM", VAULT_KEY_EC, VAULT_OP_SIGN | VAULT_OP_VERIFY},
    {"oct", "oct-HSM", VAULT_KEY_OCT, VAULT_OP_OCT_DEFAULT},
    {"oct-HSM", "oct-HSM", VAULT_KEY_OCT, VAULT_OP_OCT_DEFAULT},
};

static const struct {
  int64_t sizes[3];
  const char *text;
} sizes[] = {
    [VAULT_KEY_RSA] = {{2048, 3072, 4096}, "2048, 3072, 4096"},
    [VAULT_KEY_EC] = {{0}, ""},
    [VAULT_KEY_OCT] = {{128, 192, 256}, "128, 192, 256"},
};

bool vault_key_family_takes(vault_key_family family, int64_t bits) {
  bool known = false;
  for (size_t i = 0; i < 3; i++) known = known || (bits != 0 && sizes[family].sizes[i] == bits);
  return known;
}

const char *vault_key_family_sizes(vault_key_family family) {
  return sizes[family].text;
}

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

static bool make_oct(const ekm_crypto *crypto, unsigned bits, vault_material **out_material, ekm_err *err) {
  ekm_secret bytes = {0};
  return ekm_cipher_key_generate(ekm_crypto_rng(crypto), bits, &bytes, err) &&
         vault_material_of_bytes(crypto, &bytes, out_material, err);
}

static bool make_in_token(const vault_workshop *shop, const vault_key_shape *shape, vault_material **out_material,
                          ekm_err *err) {
  static const ekm_token_kind kinds[] = {
      [VAULT_KEY_RSA] = EKM_TOKEN_RSA, [VAULT_KEY_EC] = EKM_TOKEN_EC, [VAULT_KEY_OCT] = EKM_TOKEN_AES};
  ekm_token_key key;
  ekm_err ignored = {0};
  ekm_buf a, b;
  ekm_buf_init(&a, 2 * EKM_LIMIT_RSA_MODULUS_BYTES);
  ekm_buf_init(&b, 2 * EKM_LIMIT_RSA_MODULUS_BYTES);
  const ekm_token_spec spec = {kinds[shape->family], shape->bits, shape->exponent, shape->curve};
  bool made = ekm_token_make(shop->token, &spec, &key, &a, &b, err);
  bool ok = made && vault_material_of_token(shop, &key, ekm_buf_view(&a), ekm_buf_view(&b), out_material, err);
  if (made && !ok) (void)!ekm_token_destroy(shop->token, &key, &ignored);
  ekm_buf_clear(&a);
  ekm_buf_clear(&b);
  return ok;
}

bool vault_key_make(const vault_workshop *shop, const vault_key_shape *shape, vault_material **out_material,
                    ekm_err *err) {
  ekm_key *key = NULL;
  *out_material = NULL;
  if (shape->in_hsm && shop->token != NULL) return make_in_token(shop, shape, out_material, err);
  if (shape->family == VAULT_KEY_OCT) return make_oct(shop->crypto, shape->bits, out_material, err);
  bool ok = shape->family == VAULT_KEY_RSA ? ekm_key_generate_rsa(shop->crypto, shape->bits, shape->exponent, &key, err)
                                           : ekm_key_generate_ec(shop->crypto, shape->curve, &key, err);
  return ok && vault_material_of_key(shop->crypto, &key, out_material, err);
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

bool vault_key_make_like(const vault_workshop *shop, const vault_key *key, vault_material **out_material,
                         ekm_err *err) {
  const vault_key_type *type = vault_key_type_named(key->kty, false);
  if (type == NULL) return EKM_FAIL(err, EKM_E_KEY_KIND, "%s", key->kty);
  const vault_key_shape shape = {.family = type->family,
                                 .bits = vault_material_bits(key->material),
                                 .exponent = small_number(without_zeros(key->e)),
                                 .curve = key->crv,
                                 .in_hsm = vault_key_type_is_hsm(type)};
  return vault_key_make(shop, &shape, out_material, err);
}
