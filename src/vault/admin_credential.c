/* What an application signs in with besides secrets: certificates. */
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "vault/admin.h"
#include "vault/certificate.h"

enum { PEM_FILE_MAX_BYTES = 256 * 1024 };

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
