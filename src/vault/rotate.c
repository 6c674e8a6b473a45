#include "vault/rotate.h"

#include "vault/key_make.h"

enum { TRIES = 3 }; /* how often others may be faster */

/* A new version behind ${old}. */
static bool follow(const vault_rotor *rotor, int64_t vault_id, const vault_key *old, const vault_key **out_key,
                   ekm_err *err) {
  bool ok = false;
  vault_material *material = NULL;
  char policy[VAULT_ROTATION_TEXT_BYTES];
  vault_key_spec spec = {.name = old->name,
                         .kty = old->kty,
                         .attributes = {.enabled = true},
                         .ops = old->ops,
                         .tags = old->tags,
                         .exportable = old->exportable,
                         .release_policy = old->release_policy,
                         .follows = old->version};

  EKM_TRY(vault_store_policy_get(rotor->store, vault_id, old->name, policy, err));
  EKM_TRY(vault_key_make_like(&rotor->shop, old, &material, err));
  spec.attributes.has_exp = vault_rotation_expiry(policy, ekm_clock_wall_s(rotor->clock), &spec.attributes.exp);
  EKM_TRY(vault_store_key_add(rotor->store, vault_id, &spec, &material, out_key, err));
  ok = true;
done:
  vault_material_free(&material);
  return ok;
}

bool vault_rotate(const vault_rotor *rotor, int64_t vault_id, const char *name, const vault_key **out_key,
                  ekm_err *err) {
  bool ok = false;
  *out_key = NULL;
  for (int i = 0; i < TRIES && !ok; i++) {
    const vault_key *old = NULL;
    if (i > 0) ekm_err_clear(err);
    ok = vault_store_key_get(rotor->store, vault_id, name, "", &old, err) && follow(rotor, vault_id, old, out_key, err);
    vault_key_release(&old);
    if (!ok && err->id != EKM_E_EXISTS) return false;
  }
  return ok;
}

bool vault_rotate_if_due(const vault_rotor *rotor, const vault_due *due, ekm_err *err) {
  const vault_key *old = NULL;
  const vault_key *new = NULL;
  char policy[VAULT_ROTATION_TEXT_BYTES];
  bool ok = vault_store_key_get(rotor->store, due->vault_id, due->name, "", &old, err) &&
            vault_store_policy_get(rotor->store, due->vault_id, due->name, policy, err);
  if (ok) {
    const vault_key_attributes *a = &old->attributes;
    int64_t at = vault_rotation_due(policy, a->created, a->has_exp, a->exp);
    if (at != 0 && at <= ekm_clock_wall_s(rotor->clock)) ok = follow(rotor, due->vault_id, old, &new, err);
  }
  vault_key_release(&old);
  vault_key_release(&new);
  bool others_did = !ok && (err->id == EKM_E_EXISTS || err->id == EKM_E_KEY_NOT_FOUND);
  if (others_did) ekm_err_clear(err);
  return ok || others_did;
}
