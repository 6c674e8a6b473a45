#include "vault/authenticate.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "vault/routes.h"
#include "vault/service.h"

enum { CALLER_BYTES = VAULT_JWT_TEXT_BYTES * 3 + 32 };

void vault_issuer(const char *tenant, char out[VAULT_JWT_TEXT_BYTES]) {
  (void)snprintf(out, VAULT_JWT_TEXT_BYTES, "https://sts.windows.net/%s/", tenant);
}

void vault_challenge(vault_exchange *x, const char *more) {
  (void)snprintf(x->answer.challenge, sizeof x->answer.challenge,
                 "Bearer authorization=\"https://" VAULT_LOGIN_HOST "/%s\", resource=\"%s\"%s", x->vault->tenant,
                 x->vault->resource, more);
}

static bool refuse(vault_exchange *x, vault_fault fault, const char *expected, const char *found) {
  vault_challenge(x, "");
  return vault_refuse_with(x, fault, (const char *const[VAULT_FAULT_ARGS]){expected, found});
}

/* "Bearer <token>"; an empty view for anything else. */
static ekm_view bearer_token(const char *header) {
  static const char scheme[] = "Bearer ";
  if (header == NULL || !ekm_text_starts_i(header, scheme)) return ekm_view_of(NULL, 0);
  header += sizeof scheme - 1;
  while (*header == ' ') header++;
  return ekm_view_text(header);
}

static bool check_token(vault_exchange *x, ekm_view token, vault_jwt_verdict *out_verdict) {
  const vault_service *service = x->service;
  int64_t now = ekm_clock_wall_s(service->clock);
  uint8_t digest[EKM_SHA256_BYTES];

  *out_verdict = VAULT_JWT_MALFORMED;
  if (token.len > VAULT_JWT_MAX_BYTES) return true;
  if (!ekm_crypto_sha256(service->crypto, token, digest, &x->err)) return false;
  if (vault_token_cache_get(service->tokens, digest, &x->caller)) {
    *out_verdict = vault_jwt_times(&x->caller, now);
    return true;
  }
  if (!vault_jwt_check(&service->signer, token, now, &x->caller, out_verdict, &x->err)) return false;
  if (*out_verdict == VAULT_JWT_GOOD) vault_token_cache_put(service->tokens, digest, &x->caller);
  return true;
}

bool vault_authenticate(vault_exchange *x) {
  static const vault_fault faults[] = {
      [VAULT_JWT_GOOD] = VAULT_FAULT_NONE,
      [VAULT_JWT_MALFORMED] = VAULT_FAULT_TOKEN_MALFORMED,
      [VAULT_JWT_SIGNATURE] = VAULT_FAULT_TOKEN_SIGNATURE,
      [VAULT_JWT_NOT_YET] = VAULT_FAULT_TOKEN_NOT_YET,
      [VAULT_JWT_EXPIRED] = VAULT_FAULT_TOKEN_EXPIRED,
  };
  char issuer[VAULT_JWT_TEXT_BYTES];
  vault_jwt_verdict verdict;

  ekm_view token = bearer_token(x->request.authorization);
  if (token.len == 0) return refuse(x, VAULT_FAULT_NO_TOKEN, "", "");
  if (!check_token(x, token, &verdict)) return false;
  if (verdict != VAULT_JWT_GOOD) return refuse(x, faults[verdict], "", "");
  if (strcmp(x->caller.audience, x->vault->resource) != 0) {
    return refuse(x, VAULT_FAULT_TOKEN_AUDIENCE, x->vault->resource, x->caller.audience);
  }
  vault_issuer(x->vault->tenant, issuer);
  if (strcmp(x->caller.issuer, issuer) != 0 || strcmp(x->caller.tenant, x->vault->tenant) != 0) {
    return refuse(x, VAULT_FAULT_TOKEN_ISSUER, issuer, x->caller.issuer);
  }
  return true;
}

static const char *permission_name(vault_permissions permission) {
  size_t bit = 0;
  while (permission >> 1 >> bit != 0) bit++;
  return vault_permission_name(bit);
}

static void write_caller(const vault_exchange *x, char *out, size_t bytes) {
  (void)snprintf(out, bytes, "appid=%s;oid=%s;iss=%s", x->caller.app_id, x->caller.object_id, x->caller.issuer);
}

static bool refuse_action(vault_exchange *x) {
  char caller[CALLER_BYTES];
  char resource[EKM_LIMIT_URL_BYTES];
  const char *name = x->key_name == NULL ? "" : x->key_name;
  write_caller(x, caller, sizeof caller);
  (void)snprintf(resource, sizeof resource,
                 "/subscriptions/local/resourcegroups/local/providers/microsoft.keyvault/%s/%s/keys%s%s",
                 x->vault->is_hsm ? "managedhsms" : "vaults", x->vault->name, name[0] == '\0' ? "" : "/", name);
  return vault_refuse_with(
      x, VAULT_FAULT_FORBIDDEN_BY_ROLE,
      (const char *const[VAULT_FAULT_ARGS]){caller, vault_data_action(x->route->permission, x->vault->is_hsm), resource,
                                            x->vault->name});
}

static bool refuse_permission(vault_exchange *x) {
  return vault_refuse_with(
      x, VAULT_FAULT_FORBIDDEN,
      (const char *const[VAULT_FAULT_ARGS]){x->caller.app_id, x->caller.object_id, x->caller.issuer,
                                            permission_name(x->route->permission), x->vault->name});
}

bool vault_forbid(vault_exchange *x, vault_fault fault) {
  char caller[CALLER_BYTES];
  if (fault == VAULT_FAULT_FORBIDDEN) return refuse_permission(x);
  if (fault == VAULT_FAULT_FORBIDDEN_BY_ROLE) return refuse_action(x);
  write_caller(x, caller, sizeof caller);
  return vault_refuse_with(
      x, fault,
      (const char *const[VAULT_FAULT_ARGS]){caller, x->request.peer == NULL ? "" : x->request.peer, x->vault->name});
}

bool vault_authorize(vault_exchange *x) {
  vault_permissions granted = vault_directory_granted(x->dir, x->vault, x->caller.app_id, x->key_name);
  if ((granted & x->route->permission) == x->route->permission) return true;
  return x->vault->by_roles ? refuse_action(x) : refuse_permission(x);
}
