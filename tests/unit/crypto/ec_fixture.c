#include "unit/crypto/ec_fixture.h"

#include "support/cmocka_all.h"
#include "support/vectors.h"

ekm_crypto *ec_crypto;
ekm_key *ec_own[EC_CURVES];
const ekm_view ec_none = {NULL, 0};
const uint8_t ec_message[65] = "bytes that stand for a digest, and one more than the longest";

int ec_set_up(void **state) {
  ekm_err err = {0};
  (void)state;
  if (!ekm_crypto_new(&ec_crypto, &err)) return -1;
  for (size_t i = 0; i < EC_CURVES; i++) {
    if (!ekm_key_generate_ec(ec_crypto, ec_cases[i].curve, &ec_own[i], &err)) return -1;
  }
  return 0;
}

int ec_tear_down(void **state) {
  (void)state;
  for (size_t i = 0; i < EC_CURVES; i++) ekm_key_free(&ec_own[i]);
  ekm_crypto_free(&ec_crypto);
  return 0;
}

void ec_load(const ec_case *row, ec_loaded *l) {
  const char *const texts[EC_PARTS] = {
      row->order,
      row->d,
      row->x,
      row->y,
      row->digest,
      row->signer_x != NULL ? row->signer_x : row->x,
      row->signer_y != NULL ? row->signer_y : row->y,
      row->signature,
  };
  for (size_t i = 0; i < EC_PARTS; i++) {
    ekm_buf_init(&l->parts[i], EC_RAW_MAX);
    vectors_hex(texts[i], &l->parts[i]);
  }
}

void ec_unload(ec_loaded *l) {
  for (size_t i = 0; i < EC_PARTS; i++) ekm_buf_clear(&l->parts[i]);
}

ekm_view ec_part(const ec_loaded *l, size_t i) {
  return ekm_buf_view(&l->parts[i]);
}

ekm_key *ec_import(const char *curve, ekm_view x, ekm_view y, ekm_view d) {
  ekm_err err = {0};
  ekm_key *key = NULL;
  const ekm_ec_numbers numbers = {x, y, d};
  assert_true(ekm_key_import_ec(ec_crypto, curve, &numbers, &key, &err));
  return key;
}

bool ec_verifies(const ekm_key *key, const char *alg, ekm_view digest, ekm_view signature) {
  ekm_err err = {0};
  bool valid = false;
  assert_true(ekm_key_verify(key, alg, digest, signature, &valid, &err));
  return valid;
}
