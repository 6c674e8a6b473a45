#include "vault/federation.h"

#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "vault/store_state.h"

enum { NUMBER_MAX_BYTES = EKM_LIMIT_RSA_MODULUS_BYTES + 1, KID_MAX_BYTES = 255 };

/* ---- keys -------------------------------------------------------------------------------------------------------- */

static bool import_key(const ekm_crypto *crypto, const json_t *jwk, ekm_key **out_key, ekm_err *err) {
  bool ok = false;
  ekm_buf n, e;

  *out_key = NULL;
  ekm_buf_init(&n, NUMBER_MAX_BYTES);
  ekm_buf_init(&e, NUMBER_MAX_BYTES);
  EKM_TRY(ekm_json_bytes(jwk, "n", &n, err));
  EKM_TRY(ekm_json_bytes(jwk, "e", &e, err));
  const ekm_rsa_numbers numbers = {.n = ekm_buf_view(&n), .e = ekm_buf_view(&e)};
  ok = ekm_key_import_rsa(crypto, &numbers, out_key, err);
done:
  ekm_buf_clear(&n);
  ekm_buf_clear(&e);
  return ok;
}

/* What a member says, if it says anything. */
static bool says(const json_t *jwk, const char *name, const char *wanted) {
  const char *text = ekm_json_text(jwk, name);
  return text == NULL ? json_object_get(jwk, name) == NULL : strcmp(text, wanted) == 0;
}

static bool is_for_rs256(const json_t *jwk) {
  const char *kty = ekm_json_text(jwk, "kty");
  return kty != NULL && strcmp(kty, "RSA") == 0 && says(jwk, "use", "sig") && says(jwk, "alg", "RS256");
}

static const json_t *find_key(const json_t *keys, const char *kid) {
  size_t i;
  const json_t *jwk;
  json_array_foreach(keys, i, jwk) {
    const char *its = ekm_json_text(jwk, "kid");
    if (its != NULL && strcmp(its, kid) == 0) return jwk;
  }
  return NULL;
}

static bool keep_key(const ekm_crypto *crypto, const json_t *jwk, json_t *kept, ekm_err *err) {
  ekm_key *key = NULL;
  const char *kid = ekm_json_text(jwk, "kid");
  size_t len = kid == NULL ? 0 : strlen(kid);
  if (len == 0 || len > KID_MAX_BYTES) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "a key of the set has no kid, or one of more than %d bytes",
                    KID_MAX_BYTES);
  }
  if (find_key(kept, kid) != NULL)
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "two keys of the set have the kid '%s'", kid);
  if (!import_key(crypto, jwk, &key, err)) return false;
  ekm_key_free(&key);
  json_t *row = json_pack("{s:s, s:s, s:s}", "kid", kid, "n", ekm_json_text(jwk, "n"), "e", ekm_json_text(jwk, "e"));
  return json_array_append_new(kept, row) == 0 || EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "for a key set");
}

static bool keep_keys(const ekm_crypto *crypto, const json_t *all, json_t *kept, ekm_err *err) {
  size_t i;
  const json_t *jwk;
  json_array_foreach(all, i, jwk) {
    if (is_for_rs256(jwk) && !keep_key(crypto, jwk, kept, err)) return false;
  }
  size_t count = json_array_size(kept);
  return (count > 0 && count <= VAULT_FEDERATION_KEYS_MAX) ||
         EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "a key set has 1 to %d RSA keys for signatures, this one has %zu",
                  VAULT_FEDERATION_KEYS_MAX, count);
}

bool vault_federation_keys(const ekm_crypto *crypto, ekm_view jwks, ekm_buf *out, ekm_err *err) {
  bool ok = false;
  json_t *doc = NULL;
  json_t *kept = json_pack("{s:[]}", "keys");

  if (kept == NULL) EKM_BAIL(err, EKM_E_OUT_OF_MEMORY, "for a key set");
  EKM_TRY(ekm_json_parse(jwks, &doc, err));
  EKM_TRY(keep_keys(crypto, ekm_json_array(doc, "keys"), ekm_json_array(kept, "keys"), err));
  EKM_TRY(ekm_json_write(kept, out, err));
  ok = true;
done:
  ekm_json_free(&doc);
  ekm_json_free(&kept);
  return ok;
}

bool vault_federation_key(const ekm_crypto *crypto, const vault_federation *federation, const char *kid,
                          ekm_key **out_key, ekm_err *err) {
  json_t *doc = NULL;
  *out_key = NULL;
  if (!ekm_json_parse(ekm_view_text(federation->keys), &doc, err)) return false;
  const json_t *jwk = find_key(ekm_json_array(doc, "keys"), kid);
  bool ok = jwk == NULL || import_key(crypto, jwk, out_key, err);
  ekm_json_free(&doc);
  return ok;
}

/* ---- in the store ------------------------------------------------------------------------------------------------ */

static bool check_text(const char *what, const char *text, ekm_err *err) {
  size_t len = strlen(text);
  bool ok = len > 0 && len < VAULT_FEDERATION_TEXT_BYTES;
  for (size_t i = 0; ok && i < len; i++) ok = text[i] >= 0x20 && text[i] < 0x7F;
  return ok || EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "%s is not 1 to %d printable ASCII characters", what,
                        VAULT_FEDERATION_TEXT_BYTES - 1);
}

static bool check(const vault_federation *federation, ekm_err *err) {
  static const char scheme[] = "https://";
  if (!check_text("the issuer", federation->issuer, err) || !check_text("the subject", federation->subject, err) ||
      !check_text("the audience", federation->audience, err)) {
    return false;
  }
  if (strncmp(federation->issuer, scheme, sizeof scheme - 1) == 0 && federation->issuer[sizeof scheme - 1] != '\0') {
    return true;
  }
  return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "the issuer '%s' does not begin with %s", federation->issuer, scheme);
}

static bool put_federation(vault_store *store, const char *client_id, const vault_federation *row, ekm_err *err) {
  const vault_app *app;
  if (!store_app_find(store, client_id, &app, err)) return false;
  for (size_t i = 0; i < app->federation_count; i++) {
    const vault_federation *other = &app->federations[i];
    if (strcmp(other->issuer, row->issuer) != 0 || strcmp(other->subject, row->subject) != 0) continue;
    return EKM_FAIL(err, EKM_E_EXISTS, "federated credential '%s', of the same issuer and subject", other->id);
  }
  if (app->federation_count >= VAULT_FEDERATIONS_PER_APP) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "an application has at most %d federated credentials",
                    VAULT_FEDERATIONS_PER_APP);
  }
  const store_value values[] = {store_text(app->client_id), store_text(row->id),      store_int(row->created),
                                store_text(row->issuer),    store_text(row->subject), store_text(row->audience),
                                store_text(row->keys)};
  return store_db_put(store->db, STORE_FEDERATION, values, err);
}

bool vault_store_federation_add(vault_store *store, const char *client_id, const vault_federation *federation,
                                char out_id[VAULT_GUID_CHARS + 1], ekm_err *err) {
  vault_federation row = *federation;
  out_id[0] = '\0';
  row.created = ekm_clock_wall_s(store->clock);
  if (!check(&row, err) || !store_guid(store->crypto, row.id, err) || !store_write_begin(store, err)) return false;
  if (!store_change_end(store, put_federation(store, client_id, &row, err), err)) return false;
  memcpy(out_id, row.id, sizeof row.id);
  EKM_LOG(store->log, EKM_LOG_INFO, "vault.federation.add", EKM_LOG_TEXT("client_id", client_id),
          EKM_LOG_TEXT("id", row.id), EKM_LOG_TEXT("issuer", row.issuer), EKM_LOG_TEXT("subject", row.subject));
  return true;
}

static bool remove_federation(vault_store *store, const char *client_id, const char *id, ekm_err *err) {
  const vault_app *app;
  if (!store_app_find(store, client_id, &app, err)) return false;
  for (size_t i = 0; i < app->federation_count; i++) {
    if (!ekm_text_ieq(app->federations[i].id, id)) continue;
    const store_value keys[] = {store_text(app->client_id), store_text(app->federations[i].id)};
    return store_db_remove(store->db, STORE_FEDERATION, keys, err);
  }
  return EKM_FAIL(err, EKM_E_ABSENT, "federated credential '%s'", id);
}

bool vault_store_federation_remove(vault_store *store, const char *client_id, const char *federation_id, ekm_err *err) {
  if (!store_write_begin(store, err)) return false;
  if (!store_change_end(store, remove_federation(store, client_id, federation_id, err), err)) return false;
  EKM_LOG(store->log, EKM_LOG_INFO, "vault.federation.remove", EKM_LOG_TEXT("client_id", client_id),
          EKM_LOG_TEXT("id", federation_id));
  return true;
}
