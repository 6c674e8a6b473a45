/* What an application signs in with besides secrets: certificates, and identities of other issuers. */
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/text.h"
#include "vault/admin.h"
#include "vault/certificate.h"
#include "vault/federation.h"

enum { PEM_FILE_MAX_BYTES = 256 * 1024 };

/* --- certificates ------------------------------------------------------------------------------------------------- */

static json_t *certificate_row(const vault_certificate *certificate) {
  char x5t[2 * EKM_SHA1_BYTES + 1], x5t_s256[2 * EKM_SHA256_BYTES + 1];
  ekm_hex_text(ekm_view_of(certificate->x5t, sizeof certificate->x5t), x5t, sizeof x5t);
  ekm_hex_text(ekm_view_of(certificate->x5t_s256, sizeof certificate->x5t_s256), x5t_s256, sizeof x5t_s256);
  return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "certificate_id", certificate->id, "sha1", x5t, "sha256", x5t_s256,
                   "created", admin_time(certificate->created), "valid_from", admin_time(certificate->begins),
                   "valid_until", admin_time(certificate->ends));
}

json_t *admin_certificate_rows(const vault_app *app) {
  json_t *rows = json_array();
  for (size_t i = 0; i < app->certificate_count; i++) admin_append(&rows, certificate_row(&app->certificates[i]));
  return rows;
}

/* The row that was added, as it is in the store now. */
static bool print_certificate(const admin *a, const char *id, ekm_err *err) {
  const vault_directory *dir = NULL;
  json_t *doc = NULL;
  if (!vault_store_directory(a->store, &dir, err)) return false;
  const vault_app *app = vault_directory_app(dir, a->settings->app);
  for (size_t i = 0; app != NULL && i < app->certificate_count; i++) {
    if (strcmp(app->certificates[i].id, id) == 0) doc = certificate_row(&app->certificates[i]);
  }
  if (doc != NULL) admin_set(&doc, "client_id", json_string(app->client_id));
  vault_directory_release(&dir);
  return admin_print(a, &doc, err);
}

bool admin_certificate_add(admin *a, ekm_err *err) {
  bool ok = false;
  char id[VAULT_GUID_CHARS + 1];
  vault_certificate certificate;
  ekm_buf pem;

  ekm_buf_init(&pem, PEM_FILE_MAX_BYTES);
  EKM_TRY(ekm_file_read(a->settings->certificate, &pem, err));
  EKM_TRY(vault_certificate_read(a->options.crypto, ekm_buf_view(&pem), &certificate, err));
  EKM_TRY(vault_store_certificate_add(a->store, a->settings->app, &certificate, id, err));
  EKM_TRY(print_certificate(a, id, err));
  ok = true;
done:
  ekm_buf_clear(&pem);
  return ok;
}

bool admin_certificate_remove(admin *a, ekm_err *err) {
  const vault_settings *s = a->settings;
  if (!vault_store_certificate_remove(a->store, s->app, s->certificate_id, err)) return false;
  json_t *doc = json_pack("{s:s, s:s, s:b}", "client_id", s->app, "certificate_id", s->certificate_id, "removed", 1);
  return admin_print(a, &doc, err);
}

/* --- federated credentials ---------------------------------------------------------------------------------------- */

static json_t *federation_row(const vault_federation *federation) {
  return json_pack("{s:s, s:s, s:s, s:s, s:o}", "federation_id", federation->id, "issuer", federation->issuer,
                   "subject", federation->subject, "audience", federation->audience, "created",
                   admin_time(federation->created));
}

json_t *admin_federation_rows(const vault_app *app) {
  json_t *rows = json_array();
  for (size_t i = 0; i < app->federation_count; i++) admin_append(&rows, federation_row(&app->federations[i]));
  return rows;
}

static bool print_federation(const admin *a, const char *id, ekm_err *err) {
  const vault_directory *dir = NULL;
  json_t *doc = NULL;
  if (!vault_store_directory(a->store, &dir, err)) return false;
  const vault_app *app = vault_directory_app(dir, a->settings->app);
  for (size_t i = 0; app != NULL && i < app->federation_count; i++) {
    if (strcmp(app->federations[i].id, id) == 0) doc = federation_row(&app->federations[i]);
  }
  if (doc != NULL) admin_set(&doc, "client_id", json_string(app->client_id));
  vault_directory_release(&dir);
  return admin_print(a, &doc, err);
}

static bool describe(const vault_settings *s, vault_federation *out, ekm_err *err) {
  const char *audience = s->audience == NULL ? VAULT_FEDERATION_AUDIENCE : s->audience;
  return ekm_text_copy(out->issuer, sizeof out->issuer, s->issuer, "--issuer", err) &&
         ekm_text_copy(out->subject, sizeof out->subject, s->subject, "--subject", err) &&
         ekm_text_copy(out->audience, sizeof out->audience, audience, "--audience", err);
}

bool admin_federation_add(admin *a, ekm_err *err) {
  bool ok = false;
  char id[VAULT_GUID_CHARS + 1];
  vault_federation federation = {.keys = NULL};
  ekm_buf jwks, keys;

  ekm_buf_init(&jwks, VAULT_FEDERATION_JWKS_BYTES);
  ekm_buf_init(&keys, VAULT_FEDERATION_KEYS_BYTES);
  EKM_TRY(describe(a->settings, &federation, err));
  EKM_TRY(ekm_file_read(a->settings->keys, &jwks, err));
  EKM_TRY(vault_federation_keys(a->options.crypto, ekm_buf_view(&jwks), &keys, err));
  federation.keys = ekm_buf_text(&keys);
  EKM_TRY(vault_store_federation_add(a->store, a->settings->app, &federation, id, err));
  EKM_TRY(print_federation(a, id, err));
  ok = true;
done:
  ekm_buf_clear(&jwks);
  ekm_buf_clear(&keys);
  return ok;
}

bool admin_federation_remove(admin *a, ekm_err *err) {
  const vault_settings *s = a->settings;
  if (!vault_store_federation_remove(a->store, s->app, s->federation_id, err)) return false;
  json_t *doc = json_pack("{s:s, s:s, s:b}", "client_id", s->app, "federation_id", s->federation_id, "removed", 1);
  return admin_print(a, &doc, err);
}
