/* Backup and restore of one key.
 *
 *   POST keys/{name}/backup                       -> {"value":"<base64url>"}
 *   POST keys/restore   {"value":"<base64url>"}   -> the newest version, as get gives it */
#include <string.h>

#include "vault/key_body.h"
#include "vault/keys_api.h"
#include "vault/service.h"

static bool backup_failed(vault_exchange *x) {
  if (x->err.id == EKM_E_NOT_SUPPORTED) return vault_refuse(x, VAULT_FAULT_NOT_OFFERED, "A backup of a key in a token");
  return vault_keys_failed(x);
}

bool vault_keys_backup(vault_exchange *x) {
  bool ok = false;
  ekm_buf blob;
  ekm_buf_init(&blob, EKM_LIMIT_KEY_BACKUP_BYTES);
  if (!vault_store_key_backup(x->service->store, x->vault->id, x->key_name, &blob, &x->err)) {
    backup_failed(x);
    goto done;
  }
  json_t *doc = json_object();
  if (!ekm_json_set_bytes(doc, "value", ekm_buf_view(&blob))) ekm_json_free(&doc);
  EKM_TRY(vault_answer_json(&x->answer, 200, doc, &x->err));
  ok = true;
done:
  ekm_buf_clear(&blob);
  return ok;
}

static bool restore_failed(vault_exchange *x) {
  switch (x->err.id) {
    case EKM_E_MISMATCH: return vault_refuse(x, VAULT_FAULT_BACKUP, x->err.detail);
    case EKM_E_EXISTS:
    case EKM_E_KEY_DELETED: return vault_refuse(x, VAULT_FAULT_RESTORE_CONFLICT, x->err.detail);
    case EKM_E_LIMIT: return vault_refuse(x, VAULT_FAULT_LIMIT, x->err.detail);
    default: return false;
  }
}

static bool take_blob(vault_exchange *x, const json_t *body, ekm_buf *out) {
  if (ekm_json_text(body, "value") == NULL) return vault_refuse(x, VAULT_FAULT_PROPERTY_MISSING, "value");
  if (ekm_json_bytes(body, "value", out, &x->err)) return true;
  if (x->err.id == EKM_E_OUT_OF_MEMORY) return false;
  ekm_err_clear(&x->err);
  return vault_refuse(x, VAULT_FAULT_VALUE, "");
}

bool vault_keys_restore(vault_exchange *x) {
  bool ok = false;
  json_t *body = NULL;
  const vault_key *key = NULL;
  ekm_buf blob;

  ekm_buf_init(&blob, EKM_LIMIT_KEY_BACKUP_BYTES);
  EKM_TRY(vault_exchange_body(x, &body));
  EKM_TRY(take_blob(x, body, &blob));
  if (!vault_store_key_restore(x->service->store, x->vault->id, ekm_buf_view(&blob), &key, &x->err)) {
    restore_failed(x);
    goto done;
  }
  vault_exchange_uses(x, key);
  EKM_TRY(vault_answer_json(&x->answer, 200, vault_key_bundle(x, key), &x->err));
  ok = true;
done:
  vault_key_release(&key);
  ekm_json_free(&body);
  ekm_buf_clear(&blob);
  return ok;
}
