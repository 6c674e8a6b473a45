#include "support/assertion_maker.h"

#include "base/b64url.h"
#include "support/cmocka_all.h"
#include "support/vectors.h"
#include "vault/jwk.h"

ekm_key *assertion_key(const ekm_crypto *crypto) {
  vault_jwk jwk;
  ekm_key *key = NULL;
  ekm_err err = {0};
  json_t *doc = vectors_load("azure-rsa.json");
  vault_jwk_init(&jwk);
  assert_true(vault_jwk_read(vectors_member(doc, "import_request.key"), &jwk, &err));
  const ekm_rsa_numbers numbers = vault_jwk_view(&jwk);
  assert_true(ekm_key_import_rsa(crypto, &numbers, &key, &err));
  vault_jwk_clear(&jwk);
  ekm_json_free(&doc);
  return key;
}

void assertion_make(const ekm_crypto *crypto, const ekm_key *key, const char *alg, const char *header,
                    const char *claims, ekm_buf *out) {
  uint8_t digest[EKM_SHA256_BYTES];
  size_t start = out->len;
  ekm_err err = {0};
  ekm_buf signature;
  ekm_buf_init(&signature, 512);
  ekm_b64url_encode(ekm_view_text(header), out);
  ekm_buf_append_char(out, '.');
  ekm_b64url_encode(ekm_view_text(claims), out);
  assert_true(ekm_crypto_sha256(crypto, ekm_view_of(out->ptr + start, out->len - start), digest, &err));
  assert_true(ekm_key_sign(key, alg, ekm_view_of(digest, sizeof digest), &signature, &err));
  ekm_buf_append_char(out, '.');
  ekm_b64url_encode(ekm_buf_view(&signature), out);
  assert_true(ekm_buf_ok(out, "an assertion", &err));
  ekm_buf_clear(&signature);
}
