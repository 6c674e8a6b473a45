/* JWK sets of issuers: what is kept of one is again a set of which the same is kept, and each of its keys is found. */
#include "base/json.h"
#include "fuzz/fuzz.h"
#include "vault/federation.h"

static ekm_crypto *crypto;

static void tear_down(void) {
  ekm_crypto_free(&crypto);
}

static void set_up(void) {
  ekm_err err = {0};
  if (crypto != NULL) return;
  FUZZ_CHECK(ekm_crypto_new(&crypto, &err) && atexit(tear_down) == 0);
}

/* What is kept has no kty: it is written again with one. */
static void check_kept(const ekm_buf *kept) {
  json_t *doc = NULL;
  json_t *jwk;
  size_t i;
  ekm_err err = {0};
  ekm_buf text, again;
  ekm_key *key = NULL;
  const vault_federation federation = {.keys = ekm_buf_text(kept)};
  ekm_buf_init(&text, 2 * VAULT_FEDERATION_KEYS_BYTES);
  ekm_buf_init(&again, VAULT_FEDERATION_KEYS_BYTES);
  FUZZ_CHECK(ekm_json_parse(ekm_buf_view(kept), &doc, &err));
  json_t *keys = ekm_json_array(doc, "keys");
  FUZZ_CHECK(json_array_size(keys) >= 1 && json_array_size(keys) <= VAULT_FEDERATION_KEYS_MAX);
  json_array_foreach(keys, i, jwk) {
    FUZZ_CHECK(vault_federation_key(crypto, &federation, ekm_json_text(jwk, "kid"), &key, &err) && key != NULL);
    ekm_key_free(&key);
    FUZZ_CHECK(json_object_set_new(jwk, "kty", json_string("RSA")) == 0);
  }
  FUZZ_CHECK(ekm_json_write(doc, &text, &err));
  FUZZ_CHECK(vault_federation_keys(crypto, ekm_buf_view(&text), &again, &err));
  FUZZ_CHECK(ekm_view_equal(ekm_buf_view(kept), ekm_buf_view(&again)));
  ekm_json_free(&doc);
  ekm_buf_clear(&text);
  ekm_buf_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ekm_err err = {0};
  ekm_buf kept;
  set_up();
  uint8_t *copy = fuzz_copy(ekm_view_of(data, size));
  ekm_buf_init(&kept, VAULT_FEDERATION_KEYS_BYTES);
  if (vault_federation_keys(crypto, ekm_view_of(copy, size), &kept, &err)) {
    check_kept(&kept);
  } else {
    fuzz_check_err(&err);
  }
  ekm_buf_clear(&kept);
  free(copy);
  return 0;
}
