#include "entra/certificate.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "entra/assertion.h"
#include "entra/expiry.h"

enum { TIME_BYTES = 40 };

typedef struct certificate {
  entra_source base;
  entra_certificate_options options;
  char client_id[ENTRA_CLIENT_ID_CHARS + 1];
  char path[ENTRA_CERTIFICATE_PATH_MAX_CHARS + 1];
  ekm_secret password;
  char entry[EKM_SIGNER_ENTRY_CHARS + 1]; /* "": the file */
} certificate;

static bool check_dates(const char *name, const ekm_signer_info *about, int64_t now_wall_s, ekm_err *err) {
  ekm_buf when;
  bool is_early = now_wall_s < about->not_before_wall_s;
  if (!is_early && now_wall_s < about->not_after_wall_s) return true;
  ekm_buf_init(&when, TIME_BYTES);
  ekm_clock_append_iso(is_early ? about->not_before_wall_s : about->not_after_wall_s, &when);
  (void)EKM_FAIL(err, EKM_E_CERT_EXPIRED, "'%s': %s %s", name, is_early ? "it is valid from" : "it was valid until",
                 ekm_buf_text(&when));
  ekm_buf_clear(&when);
  return false;
}

static const char *name_of(const entra_certificate_file *file) {
  return file->entry == NULL ? file->path : file->entry;
}

static bool open_file(const entra_certificate_file *file, ekm_signer **out_signer, ekm_err *err) {
  bool ok = false;
  ekm_err why = {0};
  ekm_buf content;

  ekm_buf_init(&content, EKM_SIGNER_FILE_MAX_BYTES);
  EKM_TRY(ekm_file_read_private(file->path, &content, err));
  if (!ekm_signer_open(ekm_buf_view(&content), ekm_secret_reveal(file->password), out_signer, &why)) {
    EKM_BAIL(err, why.id, "'%s': %s", file->path, why.detail);
  }
  ok = true;
done:
  ekm_buf_clear(&content);
  return ok;
}

static bool open_entry(const entra_certificate_file *file, ekm_signer **out_signer, ekm_err *err) {
  ekm_err why = {0};
  if (ekm_signer_open_store(file->entry, out_signer, &why)) return true;
  return EKM_FAIL(err, why.id, "'%s': %s", file->entry, why.detail);
}

bool entra_certificate_open(const entra_certificate_file *file, int64_t now_wall_s, ekm_signer **out_signer,
                            ekm_err *err) {
  *out_signer = NULL;
  bool ok = file->entry == NULL ? open_file(file, out_signer, err) : open_entry(file, out_signer, err);
  ok = ok && check_dates(name_of(file), ekm_signer_about(*out_signer), now_wall_s, err);
  if (!ok) ekm_signer_free(out_signer);
  return ok;
}

static const char *entry_of(const certificate *source) {
  return source->entry[0] == '\0' ? NULL : source->entry;
}

static bool write_assertion(const certificate *source, const entra_target *target, ekm_buf *out, ekm_err *err) {
  bool ok = false;
  int64_t now_wall_s = ekm_clock_wall_s(source->options.clock);
  const entra_certificate_file file = {source->client_id, source->path, &source->password, entry_of(source)};
  ekm_signer *signer = NULL;
  ekm_buf url;

  ekm_buf_init(&url, EKM_LIMIT_URL_BYTES);
  EKM_TRY(entra_certificate_open(&file, now_wall_s, &signer, err));
  const entra_expiry expiry = {"entra.certificate_expiry", source->client_id,
                               ekm_signer_about(signer)->not_after_wall_s};
  entra_expiry_warn(&expiry, now_wall_s, source->options.log);
  EKM_TRY(entra_token_url(target, &url, err));
  const entra_assertion assertion = {source->client_id, ekm_buf_text(&url), now_wall_s};
  EKM_TRY(entra_assertion_write(&assertion, signer, source->options.rng, out, err));
  ok = true;
done:
  ekm_signer_free(&signer);
  ekm_buf_clear(&url);
  return ok;
}

static bool fetch(entra_source *self, const entra_target *target, const entra_call *call, entra_token **out_token,
                  ekm_err *err) {
  certificate *source = (certificate *)self;
  bool ok = false;
  ekm_buf assertion;

  *out_token = NULL;
  ekm_buf_init(&assertion, ENTRA_ASSERTION_MAX_BYTES);
  EKM_TRY(write_assertion(source, target, &assertion, err));
  const entra_proof proof = {source->client_id, "client_assertion", entra_assertion_type, ekm_buf_view(&assertion)};
  EKM_TRY(entra_token_request(source->options.http, target, &proof, call, out_token, err));
  ok = true;
done:
  ekm_buf_clear(&assertion);
  return ok;
}

static void destroy(entra_source *self) {
  certificate *source = (certificate *)self;
  ekm_secret_clear(&source->password);
  ekm_mem_free(source);
}

bool entra_certificate_new(const entra_certificate_options *options, const entra_certificate_file *file,
                           entra_source **out_source, ekm_err *err) {
  *out_source = NULL;
  certificate *source = ekm_mem_alloc(sizeof *source, err);
  if (source == NULL) return false;
  source->base = (entra_source){fetch, destroy};
  source->options = *options;
  if (!ekm_text_copy(source->client_id, sizeof source->client_id, file->client_id, "a client id", err) ||
      !ekm_text_copy(source->path, sizeof source->path, file->path, "a certificate's path", err) ||
      !ekm_text_copy(source->entry, sizeof source->entry, file->entry == NULL ? "" : file->entry, "a thumbprint",
                     err) ||
      !ekm_secret_set(&source->password, ekm_secret_reveal(file->password), err)) {
    destroy(&source->base);
    return false;
  }
  *out_source = &source->base;
  return true;
}

bool entra_certificate_is(const entra_source *source, const entra_certificate_file *file) {
  const certificate *own = (const certificate *)source;
  return ekm_text_ieq(own->client_id, file->client_id) && strcmp(own->path, file->path) == 0 &&
         ekm_text_ieq(own->entry, file->entry == NULL ? "" : file->entry) &&
         ekm_secret_equal(&own->password, file->password);
}
