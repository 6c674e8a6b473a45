#include "vault/exchange.h"

#include <string.h>

bool vault_refuse_with(vault_exchange *x, vault_fault fault, const char *const args[VAULT_FAULT_ARGS]) {
  const vault_fault_info *info = vault_fault_info_of(fault);
  x->refused = true;
  x->fault = info->inner != NULL ? info->inner : info->code;
  vault_answer_fault(&x->answer, fault, args);
  /* A Managed HSM says in the header what is missing, and nothing more (facts/azure-key-vault.md section 1.6). */
  if (x->answer.from_hsm && info->status == 401) vault_answer_empty(&x->answer, 401);
  return false;
}

bool vault_refuse(vault_exchange *x, vault_fault fault, const char *what) {
  return vault_refuse_with(x, fault, (const char *const[VAULT_FAULT_ARGS]){what});
}

void vault_exchange_uses(vault_exchange *x, const vault_key *key) {
  memcpy(x->used_version, key->version, sizeof x->used_version);
}

bool vault_exchange_body(vault_exchange *x, json_t **out_doc) {
  if (ekm_json_parse(x->body, out_doc, &x->err)) return true;
  if (x->err.id == EKM_E_OUT_OF_MEMORY) return false;
  ekm_err_clear(&x->err);
  return vault_refuse(x, VAULT_FAULT_BODY, "");
}

const char *vault_exchange_port(const vault_exchange *x) {
  const char *colon = strrchr(x->request.host, ':');
  if (colon == NULL) return "";
  size_t digits = strspn(colon + 1, "0123456789");
  return digits >= 1 && digits <= 5 && colon[1 + digits] == '\0' ? colon : "";
}
