#include "vault/jwk.h"

enum { NUMBER_MAX_BYTES = 4096 / 8 + 1, NEEDED = 3 /* n, e, d */ };

static const char *const number_names[VAULT_JWK_NUMBERS] = {"n", "e", "d", "p", "q", "dp", "dq", "qi"};

void vault_jwk_init(vault_jwk *jwk) {
  for (size_t i = 0; i < VAULT_JWK_NUMBERS; i++) ekm_buf_init(&jwk->numbers[i], NUMBER_MAX_BYTES);
}

void vault_jwk_clear(vault_jwk *jwk) {
  for (size_t i = 0; i < VAULT_JWK_NUMBERS; i++) ekm_buf_clear(&jwk->numbers[i]);
}

static bool read_number(const json_t *doc, const char *name, ekm_buf *out, ekm_err *err) {
  if (!ekm_json_bytes(doc, name, out, err)) return false;
  return out->len > 0 || EKM_FAIL(err, EKM_E_TEXT_ENCODING, "member '%s' is empty", name);
}

bool vault_jwk_read(const json_t *doc, vault_jwk *out, ekm_err *err) {
  size_t count = 0;
  for (size_t i = 0; i < VAULT_JWK_NUMBERS; i++) {
    if (json_object_get(doc, number_names[i]) == NULL && i >= NEEDED) continue;
    if (!read_number(doc, number_names[i], &out->numbers[i], err)) return false;
    count++;
  }
  if (count != NEEDED && count != VAULT_JWK_NUMBERS) {
    return EKM_FAIL(err, EKM_E_TEXT_ENCODING, "p, q, dp, dq and qi go together");
  }
  return true;
}

bool vault_jwk_read_ec(const json_t *doc, vault_jwk *out, ekm_err *err) {
  return read_number(doc, "x", &out->numbers[0], err) && read_number(doc, "y", &out->numbers[1], err) &&
         read_number(doc, "d", &out->numbers[2], err);
}

ekm_rsa_numbers vault_jwk_view(const vault_jwk *jwk) {
  const ekm_buf *numbers = jwk->numbers;
  return (ekm_rsa_numbers){
      .n = ekm_buf_view(&numbers[0]),
      .e = ekm_buf_view(&numbers[1]),
      .d = ekm_buf_view(&numbers[2]),
      .p = ekm_buf_view(&numbers[3]),
      .q = ekm_buf_view(&numbers[4]),
      .dp = ekm_buf_view(&numbers[5]),
      .dq = ekm_buf_view(&numbers[6]),
      .qi = ekm_buf_view(&numbers[7]),
  };
}

ekm_ec_numbers vault_jwk_view_ec(const vault_jwk *jwk) {
  const ekm_buf *numbers = jwk->numbers;
  return (ekm_ec_numbers){
      .x = ekm_buf_view(&numbers[0]), .y = ekm_buf_view(&numbers[1]), .d = ekm_buf_view(&numbers[2])};
}
