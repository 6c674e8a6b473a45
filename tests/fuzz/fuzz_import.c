/* Imported keys: whatever numbers OpenSSL accepts are a key that works.
 *
 *   n     the first line: the member that is replaced in a good key
 *   AQAB  its new value; none: it is left out */
#include "fuzz/fuzz_key.h"

static ekm_crypto *crypto;
static json_t *good; /* import_request.key of the vector */

static void tear_down(void) {
  json_decref(good);
  ekm_crypto_free(&crypto);
}

static void set_up(void) {
  json_t *doc = NULL;
  ekm_err err = {0};
  ekm_buf text;
  if (crypto != NULL) return;
  ekm_buf_init(&text, EKM_LIMIT_FILE_BYTES);
  FUZZ_CHECK(ekm_crypto_new(&crypto, &err) && ekm_file_read(FUZZ_KEY_FILE, &text, &err));
  FUZZ_CHECK(ekm_json_parse(ekm_buf_view(&text), &doc, &err));
  good = json_incref(ekm_json_object(ekm_json_object(doc, "import_request"), "key"));
  FUZZ_CHECK(good != NULL && atexit(tear_down) == 0);
  ekm_json_free(&doc);
  ekm_buf_clear(&text);
}

static void check_key(const ekm_key *key, ekm_view n) {
  const ekm_view plain = ekm_view_text("the key that protects a database");
  ekm_err err = {0};
  ekm_buf own_n, own_e, sealed, opened;
  ekm_buf_init(&own_n, EKM_LIMIT_RSA_MODULUS_BYTES);
  ekm_buf_init(&own_e, EKM_LIMIT_RSA_MODULUS_BYTES);
  ekm_buf_init(&sealed, EKM_LIMIT_RSA_MODULUS_BYTES);
  ekm_buf_init(&opened, EKM_LIMIT_RSA_MODULUS_BYTES);
  while (n.len > 0 && n.ptr[0] == 0) n = ekm_view_of(n.ptr + 1, n.len - 1);
  FUZZ_CHECK(ekm_key_public(key, &own_n, &own_e, &err) && ekm_view_equal(n, ekm_buf_view(&own_n)));
  FUZZ_CHECK(ekm_key_encrypt(key, "RSA-OAEP-256", plain, &sealed, &err));
  FUZZ_CHECK(ekm_key_decrypt(key, "RSA-OAEP-256", ekm_buf_view(&sealed), &opened, &err));
  FUZZ_CHECK(ekm_view_equal(plain, ekm_buf_view(&opened)));
  ekm_buf_clear(&own_n);
  ekm_buf_clear(&own_e);
  ekm_buf_clear(&sealed);
  ekm_buf_clear(&opened);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ekm_view in = ekm_view_of(data, size);
  ekm_err err = {0};
  ekm_key *key = NULL;
  vault_jwk jwk;

  set_up();
  char *name = fuzz_line(&in);
  char *value = fuzz_line(&in);
  json_t *doc = json_copy(good);
  if (json_object_get(good, name) != NULL) (void)json_object_del(doc, name);
  if (value[0] != '\0' && name[0] != '\0') (void)json_object_set_new(doc, name, json_string(value));
  vault_jwk_init(&jwk);
  if (vault_jwk_read(doc, &jwk, &err)) {
    const ekm_rsa_numbers numbers = vault_jwk_view(&jwk);
    if (ekm_key_import_rsa(crypto, &numbers, &key, &err)) {
      check_key(key, numbers.n);
    } else {
      FUZZ_CHECK(key == NULL && (err.id == EKM_E_CRYPTO || err.id == EKM_E_KEY_TYPE));
      fuzz_check_err(&err);
    }
  }
  ekm_key_free(&key);
  vault_jwk_clear(&jwk);
  json_decref(doc);
  free(name);
  free(value);
  return 0;
}
