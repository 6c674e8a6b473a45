/* Rotate, and the rotation policy of a key: get and put. The policy's JSON is in rotation.h; answers add its id:
 *
 *   {"id":"https://local.vault.localhost/keys/name/rotationpolicy","lifetimeActions":[...],"attributes":{...}} */
#include <stdio.h>
#include <string.h>

#include "vault/key_body.h"
#include "vault/keys_api.h"
#include "vault/rotate.h"
#include "vault/service.h"

/* The soonest rotation after a creation, in days (facts/azure-key-vault.md section 1.3). */
enum { MIN_DAYS = 7, HSM_MIN_DAYS = 28 };

bool vault_keys_rotate(vault_exchange *x) {
  const vault_key *key = NULL;
  const vault_rotor rotor = {x->service->store, x->service->shop, x->service->clock};
  if (!vault_rotate(&rotor, x->vault->id, x->key_name, &key, &x->err)) return vault_keys_failed(x);
  vault_exchange_uses(x, key);
  bool ok = vault_answer_json(&x->answer, 200, vault_key_bundle(x, key), &x->err);
  vault_key_release(&key);
  return ok;
}

/* The id comes first and has the name as it was spelled at its creation. */
static bool answer_policy(vault_exchange *x, const vault_rotation *rotation) {
  const vault_key *key = NULL;
  char kid[VAULT_KID_BYTES];
  if (!vault_store_key_get(x->service->store, x->vault->id, x->key_name, "", &key, &x->err)) {
    return vault_keys_failed(x);
  }
  vault_key_id(x->vault, key, false, kid);
  vault_key_release(&key);
  json_t *doc = json_pack("{s:o}", "id", json_sprintf("%s/rotationpolicy", kid));
  json_t *policy = vault_rotation_json(rotation);
  if (doc != NULL && (policy == NULL || json_object_update(doc, policy) != 0)) ekm_json_free(&doc);
  ekm_json_free(&policy);
  return vault_answer_json(&x->answer, 200, doc, &x->err);
}

/* What the key has; the service's own policy if it has none. */
static bool load(vault_exchange *x, vault_rotation *out) {
  const char *wrong;
  json_t *doc = NULL;
  char text[VAULT_ROTATION_TEXT_BYTES];
  vault_rotation_default(out);
  if (!vault_store_policy_get(x->service->store, x->vault->id, x->key_name, text, &x->err)) return vault_keys_failed(x);
  if (text[0] == '\0') return true;
  bool ok = ekm_json_parse(ekm_view_text(text), &doc, &x->err) && vault_rotation_read(doc, 0, out, &wrong);
  ekm_json_free(&doc);
  return ok;
}

static bool save(vault_exchange *x, const vault_rotation *rotation) {
  ekm_buf text;
  ekm_buf_init(&text, VAULT_ROTATION_TEXT_BYTES - 1);
  json_t *doc = vault_rotation_json(rotation);
  bool ok = doc == NULL ? EKM_FAIL(&x->err, EKM_E_OUT_OF_MEMORY, "for a policy") : ekm_json_write(doc, &text, &x->err);
  ok = ok && (vault_store_policy_set(x->service->store, x->vault->id, x->key_name, ekm_buf_text(&text), &x->err) ||
              vault_keys_failed(x));
  ekm_json_free(&doc);
  ekm_buf_clear(&text);
  return ok;
}

bool vault_policy_get(vault_exchange *x) {
  vault_rotation rotation;
  return load(x, &rotation) && answer_policy(x, &rotation);
}

bool vault_policy_put(vault_exchange *x) {
  bool ok = false;
  json_t *body = NULL;
  const char *wrong = NULL;
  vault_rotation old, new;

  EKM_TRY(vault_exchange_body(x, &body));
  if (!vault_rotation_read(body, x->vault->is_hsm ? HSM_MIN_DAYS : MIN_DAYS, &new, &wrong)) {
    vault_refuse(x, VAULT_FAULT_PROPERTY, wrong);
    goto done;
  }
  EKM_TRY(load(x, &old));
  new.updated = ekm_clock_wall_s(x->service->clock);
  new.created = old.updated == 0 ? new.updated : old.created;
  EKM_TRY(save(x, &new));
  EKM_TRY(answer_policy(x, &new));
  ok = true;
done:
  ekm_json_free(&body);
  return ok;
}
