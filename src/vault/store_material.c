#include "vault/store_material.h"

#include "vault/store_key.h"

enum { RECORD_MAX_BYTES = 1024 * 1024 };

/* What the seal of a version is bound to: its identity chooses the AES key, its whole row is associated data. */
static bool seal_context(int64_t vault_id, const char *lower, const vault_key *key, ekm_buf *identity, ekm_buf *aad,
                         ekm_err *err) {
  store_value values[STORE_KEY_COLUMNS];
  store_key_values(vault_id, lower, key, values);
  store_key_identity(vault_id, lower, key->version, identity);
  store_db_record(STORE_KEY_VERSION, values, aad);
  return ekm_buf_ok(identity, "a key's identity", err) && ekm_buf_ok(aad, "a key's row", err);
}

bool store_material_close(const vault_seal *seal, int64_t vault_id, const char *lower, const vault_key *key,
                          ekm_view der, ekm_buf *out_sealed, ekm_err *err) {
  ekm_buf identity, aad;
  ekm_buf_init(&identity, EKM_LIMIT_URL_BYTES);
  ekm_buf_init(&aad, RECORD_MAX_BYTES);
  bool ok = seal_context(vault_id, lower, key, &identity, &aad, err) &&
            vault_seal_close(seal, ekm_buf_view(&identity), ekm_buf_view(&aad), der, out_sealed, err);
  ekm_buf_clear(&identity);
  ekm_buf_clear(&aad);
  return ok;
}

bool store_material_open(const vault_seal *seal, int64_t vault_id, const char *lower, const vault_key *key,
                         ekm_view sealed, ekm_buf *out_der, ekm_err *err) {
  ekm_buf identity, aad;
  ekm_buf_init(&identity, EKM_LIMIT_URL_BYTES);
  ekm_buf_init(&aad, RECORD_MAX_BYTES);
  bool ok = seal_context(vault_id, lower, key, &identity, &aad, err) &&
            vault_seal_open(seal, ekm_buf_view(&identity), ekm_buf_view(&aad), sealed, out_der, err);
  ekm_buf_clear(&identity);
  ekm_buf_clear(&aad);
  return ok;
}

bool store_material_load(vault_store *store, int64_t vault_id, const char *lower, const char *version, ekm_buf *out,
                         ekm_err *err) {
  bool found = false;
  store_row row = {0};
  const store_value keys[] = {store_int(vault_id), store_text(lower), store_text(version)};
  bool ok = store_db_fetch(store->db, STORE_MATERIAL_GET, keys, 3, &row, &found, err);
  if (ok && found) ekm_buf_append_view(out, row.values[0].bytes);
  if (ok && !found) ok = EKM_FAIL(err, EKM_E_STORE_TAMPERED, "the private key of '%s/%s' is missing", lower, version);
  store_db_end(store->db, STORE_MATERIAL_GET);
  return ok && ekm_buf_ok(out, "a sealed key", err);
}

bool store_version_put(vault_store *store, int64_t vault_id, const char *lower, const vault_key *key, ekm_view sealed,
                       ekm_err *err) {
  store_value values[STORE_KEY_COLUMNS];
  store_key_values(vault_id, lower, key, values);
  const store_value material[] = {values[0], values[1], values[2], store_blob(sealed)};
  return store_db_put(store->db, STORE_KEY_VERSION, values, err) &&
         store_db_run(store->db, STORE_MATERIAL_PUT, material, 4, err);
}
