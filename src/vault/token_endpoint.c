#include "vault/token_endpoint.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "vault/aad_answer.h"
#include "vault/authenticate.h"
#include "vault/form.h"
#include "vault/proof.h"
#include "vault/service.h"

enum { BACKDATED_S = 300 }; /* Entra's tokens are valid from five minutes ago, for clocks that are late */

bool vault_token_is_resource(const vault_directory *dir, const char *tenant, const char *resource) {
  size_t count;
  size_t len = strlen(resource);
  const vault_info *vaults = vault_directory_vaults(dir, &count);
  if (len > 0 && resource[len - 1] == '/') len--;
  for (size_t i = 0; i < count; i++) {
    if (strlen(vaults[i].resource) == len && ekm_text_starts_i(resource, vaults[i].resource) &&
        ekm_text_ieq(vaults[i].tenant, tenant)) {
      return true;
    }
  }
  return false;
}

/* The scope of v2 is "<resource>/.default"; the audience is the resource as it was written, as at Entra. */
static bool take_scope(vault_exchange *x, const vault_form *form, char out[VAULT_JWT_TEXT_BYTES]) {
  static const char suffix[] = "/.default";
  const char *scope = vault_form_text(form, "scope");
  size_t len = strlen(scope);
  size_t suffix_len = sizeof suffix - 1;
  if (len == 0) return vault_aad_refuse(x, VAULT_AAD_PARAMETER, "scope", "");
  if (strchr(scope, ' ') != NULL || len >= VAULT_JWT_TEXT_BYTES) return vault_aad_refuse(x, VAULT_AAD_SCOPE, scope, "");
  if (len <= suffix_len || strcmp(scope + len - suffix_len, suffix) != 0) {
    return vault_aad_refuse(x, VAULT_AAD_SCOPE_DEFAULT, scope, "");
  }
  memcpy(out, scope, len - suffix_len);
  out[len - suffix_len] = '\0';
  return vault_token_is_resource(x->dir, x->tenant, out) || vault_aad_refuse(x, VAULT_AAD_RESOURCE, out, x->tenant);
}

static bool take_resource(vault_exchange *x, const vault_form *form, char out[VAULT_JWT_TEXT_BYTES]) {
  const char *resource = vault_form_text(form, "resource");
  size_t len = strlen(resource);
  if (len == 0) return vault_aad_refuse(x, VAULT_AAD_PARAMETER, "resource", "");
  if (len >= VAULT_JWT_TEXT_BYTES || !vault_token_is_resource(x->dir, x->tenant, resource)) {
    return vault_aad_refuse(x, VAULT_AAD_RESOURCE, resource, x->tenant);
  }
  memcpy(out, resource, len + 1);
  return true;
}

static bool check_grant(vault_exchange *x, const vault_form *form) {
  const char *grant = vault_form_text(form, "grant_type");
  if (grant[0] == '\0') return vault_aad_refuse(x, VAULT_AAD_PARAMETER, "grant_type", "");
  if (strcmp(grant, "client_credentials") != 0) return vault_aad_refuse(x, VAULT_AAD_GRANT, grant, "");
  return true;
}

static bool find_app(vault_exchange *x, const vault_form *form, const vault_app **out_app) {
  const char *client_id = vault_form_text(form, "client_id");
  (void)snprintf(x->caller.app_id, sizeof x->caller.app_id, "%s", client_id); /* who says to be asking, for the audit */
  if (!vault_directory_has_tenant(x->dir, x->tenant)) return vault_aad_refuse(x, VAULT_AAD_TENANT, x->tenant, "");
  if (client_id[0] == '\0') return vault_aad_refuse(x, VAULT_AAD_PARAMETER, "client_id", "");
  *out_app = vault_directory_app(x->dir, client_id);
  if (*out_app == NULL || !ekm_text_ieq((*out_app)->tenant, x->tenant)) {
    return vault_aad_refuse(x, VAULT_AAD_APPLICATION, client_id, x->tenant);
  }
  return true;
}

bool vault_token_claims(const vault_app *app, int64_t now, int64_t seconds, vault_claims *out, ekm_err *err) {
  vault_issuer(app->tenant, out->issuer);
  out->not_before = now - BACKDATED_S;
  out->expires = now + seconds + 1;
  return ekm_text_copy(out->app_id, sizeof out->app_id, app->client_id, "a client id", err) &&
         ekm_text_copy(out->object_id, sizeof out->object_id, app->object_id, "an object id", err) &&
         ekm_text_copy(out->tenant, sizeof out->tenant, app->tenant, "a tenant", err);
}

static json_t *answer_v2(const vault_exchange *x, const vault_claims *claims, const char *token) {
  json_int_t seconds = x->service->token_seconds;
  (void)claims;
  return json_pack("{s:s, s:I, s:I, s:s}", "token_type", "Bearer", "expires_in", seconds, "ext_expires_in", seconds,
                   "access_token", token);
}

static json_t *answer_v1(const vault_exchange *x, const vault_claims *claims, const char *token) {
  char seconds[24], expires[24], not_before[24];
  (void)snprintf(seconds, sizeof seconds, "%lld", (long long)x->service->token_seconds);
  (void)snprintf(expires, sizeof expires, "%lld", (long long)claims->expires);
  (void)snprintf(not_before, sizeof not_before, "%lld", (long long)claims->not_before);
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "token_type", "Bearer", "expires_in", seconds,
                   "ext_expires_in", seconds, "expires_on", expires, "not_before", not_before, "resource",
                   claims->audience, "access_token", token);
}

/* What differs between the versions: where the audience comes from, and the shape of the answer. */
typedef struct dialect {
  bool (*take_audience)(vault_exchange *x, const vault_form *form, char out[VAULT_JWT_TEXT_BYTES]);
  json_t *(*answer)(const vault_exchange *x, const vault_claims *claims, const char *token);
} dialect;

static bool parse_form(vault_exchange *x, vault_form *out) {
  if (vault_form_parse(x->body, out, &x->err)) return true;
  if (x->err.id == EKM_E_OUT_OF_MEMORY) return false;
  ekm_err_clear(&x->err);
  return vault_aad_refuse(x, VAULT_AAD_MALFORMED, "", "");
}

static bool give_token(vault_exchange *x, const dialect *version) {
  bool ok = false;
  const vault_app *app = NULL;
  vault_claims claims = {0};
  vault_form form = {0};
  ekm_buf token;

  ekm_buf_init(&token, VAULT_JWT_MAX_BYTES);
  EKM_TRY(parse_form(x, &form));
  EKM_TRY(check_grant(x, &form));
  EKM_TRY(find_app(x, &form, &app));
  EKM_TRY(vault_proof_check(x, &form, app));
  EKM_TRY(version->take_audience(x, &form, claims.audience));
  EKM_TRY(vault_token_claims(app, ekm_clock_wall_s(x->service->clock), x->service->token_seconds, &claims, &x->err));
  EKM_TRY(vault_jwt_make(&x->service->signer, &claims, &token, &x->err));
  EKM_TRY(vault_answer_json(&x->answer, 200, version->answer(x, &claims, ekm_buf_text(&token)), &x->err));
  x->caller = claims;
  ok = true;
done:
  vault_form_clear(&form);
  ekm_buf_clear(&token);
  return ok;
}

bool vault_token_v1(vault_exchange *x) {
  static const dialect v1 = {take_resource, answer_v1};
  return give_token(x, &v1);
}

bool vault_token_v2(vault_exchange *x) {
  static const dialect v2 = {take_scope, answer_v2};
  return give_token(x, &v2);
}
