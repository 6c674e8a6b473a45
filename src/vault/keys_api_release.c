/* Secure key release: the vault hands a key over to an environment that an attestation authority vouches for, wrapped
 * for that environment. akvd trusts no such authority, since it has no way to check one; so every assertion is refused,
 * and what is to be released stays. Keys can be made with their policy all the same.
 *
 *   POST keys/{name}/{version}/release   {"target":"<assertion>","nonce":..,"enc":..}   -> 403 */
#include "vault/keys_api.h"
#include "vault/service.h"

bool vault_keys_release(vault_exchange *x) {
  json_t *body = NULL;
  const vault_key *key = NULL;

  if (!vault_exchange_body(x, &body)) return false;
  bool has_target = ekm_json_text(body, "target") != NULL;
  ekm_json_free(&body);
  if (!has_target) return vault_refuse(x, VAULT_FAULT_PROPERTY_MISSING, "target");
  if (!vault_store_key_get(x->service->store, x->vault->id, x->key_name, x->key_version, &key, &x->err)) {
    return vault_keys_failed(x);
  }
  bool exportable = key->exportable;
  vault_exchange_uses(x, key);
  vault_key_release(&key);
  return vault_refuse(x, VAULT_FAULT_NOT_RELEASED,
                      exportable ? "this vault trusts no attestation authority" : "it is not exportable");
}
