#include "entra/workload_identity.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "entra/assertion.h"

enum { ASSERTION_MAX_BYTES = 16 * 1024 };

typedef struct workload_identity {
  entra_source base;
  ekm_http *http;
  const ekm_env *env;
  char client_id[ENTRA_CLIENT_ID_CHARS + 1];
} workload_identity;

static const char *get(const workload_identity *source, const char *name) {
  const char *value = ekm_env_get(source->env, name);
  return value == NULL ? "" : value;
}

static bool read_assertion(const workload_identity *source, ekm_buf *out, ekm_err *err) {
  const char *path = get(source, "AZURE_FEDERATED_TOKEN_FILE");
  if (!ekm_file_is_absolute(path)) {
    return EKM_FAIL(err, EKM_E_FILE_READ, "AZURE_FEDERATED_TOKEN_FILE does not name a file by its absolute path");
  }
  if (!ekm_file_read_ordinary(path, out, err)) return false;
  while (out->len > 0 && out->ptr[out->len - 1] <= ' ') ekm_buf_truncate(out, out->len - 1);
  return out->len > 0 || EKM_FAIL(err, EKM_E_FILE_READ, "'%s' is empty", path);
}

static bool fetch(entra_source *self, const entra_target *target, const entra_call *call, entra_token **out_token,
                  ekm_err *err) {
  workload_identity *source = (workload_identity *)self;
  bool ok = false;
  ekm_buf assertion;
  const char *client_id = source->client_id[0] != '\0' ? source->client_id : get(source, "AZURE_CLIENT_ID");

  *out_token = NULL;
  ekm_buf_init(&assertion, ASSERTION_MAX_BYTES);
  if (client_id[0] == '\0') {
    EKM_BAIL(err, EKM_E_SECRET_CLIENT_ID, "neither 'workload-identity:CLIENT-ID' nor AZURE_CLIENT_ID says whose");
  }
  EKM_TRY(read_assertion(source, &assertion, err));
  const entra_proof proof = {client_id, "client_assertion", entra_assertion_type, ekm_buf_view(&assertion)};
  EKM_TRY(entra_token_request(source->http, target, &proof, call, out_token, err));
  ok = true;
done:
  ekm_buf_clear(&assertion);
  return ok;
}

static void destroy(entra_source *self) {
  ekm_mem_free(self);
}

bool entra_workload_identity_new(ekm_http *http, const ekm_env *env, const char *client_id, entra_source **out_source,
                                 ekm_err *err) {
  *out_source = NULL;
  workload_identity *source = ekm_mem_alloc(sizeof *source, err);
  if (source == NULL) return false;
  source->base = (entra_source){fetch, destroy};
  source->http = http;
  source->env = env;
  if (!ekm_text_copy(source->client_id, sizeof source->client_id, client_id, "a client id", err)) {
    ekm_mem_free(source);
    return false;
  }
  *out_source = &source->base;
  return true;
}
