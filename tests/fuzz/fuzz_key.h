/* One RSA key, the same in every run: the public test key of tests/vectors/azure-rsa.json. */
#ifndef EKM_TESTS_FUZZ_FUZZ_KEY_H
#define EKM_TESTS_FUZZ_FUZZ_KEY_H

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "crypto/keys.h"
#include "fuzz/fuzz.h"
#include "vault/jwk.h"

/* Where the tests were built from. */
#define FUZZ_KEY_FILE EKM_TEST_VECTORS "/azure-rsa.json"

/* fuzz_key(crypto, file): the private key of ${file}, FUZZ_KEY_FILE; the caller frees it. */
static inline ekm_key *fuzz_key(const ekm_crypto *crypto, const char *file) {
  ekm_key *key = NULL;
  json_t *doc = NULL;
  ekm_err err = {0};
  ekm_buf text;
  vault_jwk jwk;
  ekm_buf_init(&text, EKM_LIMIT_FILE_BYTES);
  vault_jwk_init(&jwk);
  FUZZ_CHECK(ekm_file_read(file, &text, &err));
  FUZZ_CHECK(ekm_json_parse(ekm_buf_view(&text), &doc, &err));
  FUZZ_CHECK(vault_jwk_read(ekm_json_object(ekm_json_object(doc, "import_request"), "key"), &jwk, &err));
  const ekm_rsa_numbers numbers = vault_jwk_view(&jwk);
  FUZZ_CHECK(ekm_key_import_rsa(crypto, &numbers, &key, &err));
  vault_jwk_clear(&jwk);
  ekm_json_free(&doc);
  ekm_buf_clear(&text);
  return key;
}

#endif
