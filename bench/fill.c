/* openekm_fill FOLDER COUNT JWK_FILE [VERSIONS]: keys into a folder of akvd, without a server: until its vault "local"
 * has COUNT of them, named many-0 and so on, each with so many versions (1), all with the one private key of the
 * file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "vault/jwk.h"
#include "vault/store.h"

enum { JWK_MAX_BYTES = 64 * 1024 };

static bool read_key(const ekm_crypto *crypto, const char *path, ekm_key **out, ekm_err *err) {
  bool ok = false;
  json_t *doc = NULL;
  vault_jwk jwk;
  ekm_buf text;

  ekm_buf_init(&text, JWK_MAX_BYTES);
  vault_jwk_init(&jwk);
  EKM_TRY(ekm_file_read(path, &text, err));
  EKM_TRY(ekm_json_parse(ekm_buf_view(&text), &doc, err));
  EKM_TRY(vault_jwk_read(doc, &jwk, err));
  const ekm_rsa_numbers numbers = vault_jwk_view(&jwk);
  EKM_TRY(ekm_key_import_rsa(crypto, &numbers, out, err));
  ok = true;
done:
  ekm_json_free(&doc);
  vault_jwk_clear(&jwk);
  ekm_buf_clear(&text);
  return ok;
}

static bool add(vault_store *store, const ekm_crypto *crypto, int64_t vault_id, size_t number, ekm_view der,
                ekm_err *err) {
  char name[32];
  const vault_key *key = NULL;
  vault_material *material = NULL;
  const vault_key_spec spec = {
      .name = name, .kty = "RSA", .attributes = {.enabled = true}, .ops = VAULT_OP_RSA_DEFAULT};
  (void)snprintf(name, sizeof name, "many-%zu", number);
  bool ok = vault_material_read(&(vault_workshop){.crypto = crypto}, der, &material, err) &&
            vault_store_key_add(store, vault_id, &spec, &material, &key, err);
  vault_key_release(&key);
  return ok;
}

static bool fill(const char *folder, size_t count, const char *jwk, size_t versions, ekm_err *err) {
  bool ok = false;
  size_t has = 0;
  ekm_crypto *crypto = NULL;
  ekm_key *key = NULL;
  vault_store *store = NULL;
  const vault_directory *dir = NULL;
  ekm_buf der;

  ekm_buf_init(&der, JWK_MAX_BYTES);
  EKM_TRY(ekm_crypto_new(&crypto, err));
  EKM_TRY(read_key(crypto, jwk, &key, err));
  EKM_TRY(ekm_key_to_pkcs8(key, &der, err));
  const vault_store_options options = {.folder = folder, .crypto = crypto, .clock = ekm_clock_system()};
  EKM_TRY(vault_store_open(&options, &store, err));
  EKM_TRY(vault_store_directory(store, &dir, err));
  int64_t vault_id = vault_directory_vault_by_name(dir, "local")->id;
  EKM_TRY(vault_store_count_keys(store, &has, err));
  for (; has < count; has++) {
    for (size_t i = 0; i < versions; i++) EKM_TRY(add(store, crypto, vault_id, has, ekm_buf_view(&der), err));
  }
  ok = true;
done:
  vault_directory_release(&dir);
  vault_store_close(&store);
  ekm_key_free(&key);
  ekm_crypto_free(&crypto);
  ekm_buf_clear(&der);
  return ok;
}

int main(int argc, char **argv) {
  ekm_err err = {0};
  size_t versions = argc == 5 ? strtoul(argv[4], NULL, 10) : 1;
  if ((argc == 4 || argc == 5) && fill(argv[1], strtoul(argv[2], NULL, 10), argv[3], versions, &err)) return 0;
  (void)fprintf(stderr, "openekm_fill FOLDER COUNT JWK_FILE [VERSIONS]: %s\n", err.detail);
  return 1;
}
