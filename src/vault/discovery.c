#include "vault/discovery.h"

#include <stdio.h>

#include "vault/aad_answer.h"
#include "vault/authenticate.h"
#include "vault/service.h"

enum { URL_BYTES = 512, NUMBER_MAX_BYTES = 1024 };

static bool check_tenant(vault_exchange *x) {
  return vault_directory_has_tenant(x->dir, x->tenant) || vault_aad_refuse(x, VAULT_AAD_TENANT, x->tenant, "");
}

/* A URL at the port that the client used. */
static void sign_in_url(const vault_exchange *x, const char *tenant, const char *rest, char out[URL_BYTES]) {
  (void)snprintf(out, URL_BYTES, "https://" VAULT_LOGIN_HOST "%s/%s/%s", vault_exchange_port(x), tenant, rest);
}

bool vault_discovery_instance(vault_exchange *x) {
  char url[URL_BYTES];
  sign_in_url(x, "common", ".well-known/openid-configuration", url);
  return vault_answer_json(&x->answer, 200,
                           json_pack("{s:s, s:s, s:[{s:s, s:s, s:[s]}]}", "tenant_discovery_endpoint", url,
                                     "api-version", "1.1", "metadata", "preferred_network", VAULT_LOGIN_HOST,
                                     "preferred_cache", VAULT_LOGIN_HOST, "aliases", VAULT_LOGIN_HOST),
                           &x->err);
}

bool vault_discovery_configuration(vault_exchange *x) {
  char token_url[URL_BYTES], keys_url[URL_BYTES], authorize_url[URL_BYTES];
  char issuer[VAULT_JWT_TEXT_BYTES];
  if (!check_tenant(x)) return false;
  sign_in_url(x, x->tenant, "oauth2/v2.0/token", token_url);
  sign_in_url(x, x->tenant, "discovery/v2.0/keys", keys_url);
  sign_in_url(x, x->tenant, "oauth2/v2.0/authorize", authorize_url);
  vault_issuer(x->tenant, issuer);
  return vault_answer_json(
      &x->answer, 200,
      json_pack("{s:s, s:[s, s], s:s, s:[s], s:[s], s:[s], s:s, s:s}", "token_endpoint", token_url,
                "token_endpoint_auth_methods_supported", "client_secret_post", "private_key_jwt", "jwks_uri", keys_url,
                "subject_types_supported", "pairwise", "id_token_signing_alg_values_supported", "RS256",
                "response_types_supported", "token", "issuer", issuer, "authorization_endpoint", authorize_url),
      &x->err);
}

bool vault_discovery_keys(vault_exchange *x) {
  bool ok = false;
  const vault_jwt_signer *signer = &x->service->signer;
  json_t *key = json_pack("{s:s, s:s, s:s, s:s}", "kty", "RSA", "use", "sig", "kid", signer->kid, "alg", "RS256");
  ekm_buf n;
  ekm_buf e;

  ekm_buf_init(&n, NUMBER_MAX_BYTES);
  ekm_buf_init(&e, NUMBER_MAX_BYTES);
  EKM_TRY(check_tenant(x));
  EKM_TRY(ekm_key_public(signer->key, &n, &e, &x->err));
  if (key == NULL || !ekm_json_set_bytes(key, "n", ekm_buf_view(&n)) ||
      !ekm_json_set_bytes(key, "e", ekm_buf_view(&e))) {
    EKM_BAIL(&x->err, EKM_E_OUT_OF_MEMORY, "for a key set");
  }
  EKM_TRY(vault_answer_json(&x->answer, 200, json_pack("{s:[O]}", "keys", key), &x->err));
  ok = true;
done:
  ekm_json_free(&key);
  ekm_buf_clear(&n);
  ekm_buf_clear(&e);
  return ok;
}
