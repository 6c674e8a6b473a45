#include "vault/certificate.h"

#include <string.h>

#include "base/text.h"
#include "crypto/cert.h"
#include "crypto/keys.h"
#include "vault/store_state.h"

static bool is_rsa(const ekm_crypto *crypto, ekm_view public_key, ekm_err *err) {
  ekm_key *key = NULL;
  ekm_err why = {0};
  bool ok = ekm_key_from_public_der(crypto, public_key, &key, &why);
  ekm_key_free(&key);
  if (ok || why.id != EKM_E_CRYPTO) {
    if (!ok) *err = why;
    return ok;
  }
  return EKM_FAIL(err, EKM_E_KEY_KIND, "the certificate's key is not an RSA key");
}

bool vault_certificate_read(const ekm_crypto *crypto, ekm_view pem, vault_certificate *out, ekm_err *err) {
  bool ok = false;
  ekm_cert_info info;

  memset(out, 0, sizeof *out);
  ekm_cert_info_init(&info);
  EKM_TRY(ekm_cert_read(crypto, pem, &info, err));
  EKM_TRY(is_rsa(crypto, ekm_buf_view(&info.public_key), err));
  if (info.public_key.len > sizeof out->public_key) EKM_BAIL(err, EKM_E_LIMIT, "the certificate's key is too long");
  EKM_TRY(ekm_crypto_sha1(crypto, ekm_buf_view(&info.der), out->x5t, err));
  EKM_TRY(ekm_crypto_sha256(crypto, ekm_buf_view(&info.der), out->x5t_s256, err));
  memcpy(out->public_key, info.public_key.ptr, info.public_key.len);
  out->public_key_len = info.public_key.len;
  out->begins = info.not_before_wall_s;
  out->ends = info.not_after_wall_s;
  ok = true;
done:
  ekm_cert_info_clear(&info);
  return ok;
}

/* ---- in the store ------------------------------------------------------------------------------------------------ */

static bool put_certificate(vault_store *store, const char *client_id, const vault_certificate *certificate,
                            ekm_err *err) {
  const vault_app *app;
  if (!store_app_find(store, client_id, &app, err)) return false;
  ekm_view x5t_s256 = ekm_view_of(certificate->x5t_s256, sizeof certificate->x5t_s256);
  for (size_t i = 0; i < app->certificate_count; i++) {
    if (!ekm_view_equal(ekm_view_of(app->certificates[i].x5t_s256, sizeof app->certificates[i].x5t_s256), x5t_s256)) {
      continue;
    }
    return EKM_FAIL(err, EKM_E_EXISTS, "certificate '%s'", app->certificates[i].id);
  }
  const store_value values[] = {store_text(app->client_id),
                                store_text(certificate->id),
                                store_int(certificate->created),
                                store_int(certificate->begins),
                                store_int(certificate->ends),
                                store_blob(ekm_view_of(certificate->x5t, sizeof certificate->x5t)),
                                store_blob(x5t_s256),
                                store_blob(ekm_view_of(certificate->public_key, certificate->public_key_len))};
  return store_db_put(store->db, STORE_CERTIFICATE, values, err);
}

bool vault_store_certificate_add(vault_store *store, const char *client_id, const vault_certificate *certificate,
                                 char out_id[VAULT_GUID_CHARS + 1], ekm_err *err) {
  vault_certificate row = *certificate;
  out_id[0] = '\0';
  row.created = ekm_clock_wall_s(store->clock);
  if (row.ends < row.created) return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "the certificate's time is over");
  if (!store_guid(store->crypto, row.id, err) || !store_write_begin(store, err)) return false;
  if (!store_change_end(store, put_certificate(store, client_id, &row, err), err)) return false;
  memcpy(out_id, row.id, sizeof row.id);
  EKM_LOG(store->log, EKM_LOG_INFO, "vault.certificate.add", EKM_LOG_TEXT("client_id", client_id),
          EKM_LOG_TEXT("id", row.id));
  return true;
}

static bool remove_certificate(vault_store *store, const char *client_id, const char *id, ekm_err *err) {
  const vault_app *app;
  if (!store_app_find(store, client_id, &app, err)) return false;
  for (size_t i = 0; i < app->certificate_count; i++) {
    if (!ekm_text_ieq(app->certificates[i].id, id)) continue;
    const store_value keys[] = {store_text(app->client_id), store_text(app->certificates[i].id)};
    return store_db_remove(store->db, STORE_CERTIFICATE, keys, err);
  }
  return EKM_FAIL(err, EKM_E_ABSENT, "certificate '%s'", id);
}

bool vault_store_certificate_remove(vault_store *store, const char *client_id, const char *certificate_id,
                                    ekm_err *err) {
  if (!store_write_begin(store, err)) return false;
  if (!store_change_end(store, remove_certificate(store, client_id, certificate_id, err), err)) return false;
  EKM_LOG(store->log, EKM_LOG_INFO, "vault.certificate.remove", EKM_LOG_TEXT("client_id", client_id),
          EKM_LOG_TEXT("id", certificate_id));
  return true;
}
