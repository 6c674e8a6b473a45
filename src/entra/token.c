#include "entra/token.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "base/text.h"

struct entra_token {
  atomic_uint refs;
  ekm_secret text;
  int64_t lifetime_s;
  int64_t refresh_s;
};

/* RFC 6750 section 2.1: the characters of a bearer token; anything else could break out of its header. */
static bool is_bearer_text(ekm_view bytes) {
  return bytes.len > 0 && ekm_text_is_made_of((const char *)bytes.ptr, bytes.len, "-._~+/=");
}

bool entra_token_new(ekm_view bytes, int64_t lifetime_s, int64_t refresh_in_s, entra_token **out_token, ekm_err *err) {
  *out_token = NULL;
  if (!is_bearer_text(bytes)) return EKM_FAIL(err, EKM_E_TOKEN_ANSWER, "the token has characters that no token has");
  if (bytes.len > EKM_LIMIT_TOKEN_BYTES) return EKM_FAIL(err, EKM_E_TOKEN_ANSWER, "the token is too long");
  entra_token *token = ekm_mem_alloc(sizeof *token, err);
  if (token == NULL) return false;
  atomic_init(&token->refs, 1);
  token->lifetime_s = lifetime_s;
  token->refresh_s = refresh_in_s > 0 && refresh_in_s < lifetime_s ? refresh_in_s : lifetime_s / 2;
  if (!ekm_secret_set(&token->text, bytes, err)) {
    ekm_mem_free(token);
    return false;
  }
  *out_token = token;
  return true;
}

entra_token *entra_token_ref(entra_token *token) {
  (void)atomic_fetch_add_explicit(&token->refs, 1, memory_order_relaxed);
  return token;
}

void entra_token_unref(entra_token **token) {
  entra_token *t = *token;
  *token = NULL;
  if (t == NULL || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) return;
  ekm_secret_clear(&t->text);
  ekm_mem_free(t);
}

const ekm_secret *entra_token_secret(const entra_token *token) {
  return &token->text;
}

int64_t entra_token_lifetime_s(const entra_token *token) {
  return token->lifetime_s;
}

int64_t entra_token_refresh_s(const entra_token *token) {
  return token->refresh_s;
}

bool entra_source_fetch(entra_source *source, const entra_target *target, const entra_call *call,
                        entra_token **out_token, ekm_err *err) {
  return source->fetch(source, target, call, out_token, err);
}

void entra_source_free(entra_source **source) {
  if (*source != NULL) (*source)->destroy(*source);
  *source = NULL;
}
