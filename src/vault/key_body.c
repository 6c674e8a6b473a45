#include "vault/key_body.h"

#include <stdio.h>

#include "vault/api_version.h"

enum { DEFAULT_RETENTION_DAYS = 90 };

void vault_key_id(const vault_info *vault, const vault_key *key, bool with_version, char out[VAULT_KID_BYTES]) {
  (void)snprintf(out, VAULT_KID_BYTES, "https://%s/keys/%s%s%s", vault->host, key->name, with_version ? "/" : "",
                 with_version ? key->version : "");
}

/* json_object_set_new takes NULL for a failure; so a chain of additions needs one check at its end. */
static bool add(json_t *object, const char *name, json_t *member) {
  return json_object_set_new(object, name, member) == 0;
}

/* ${object} if all went well, else nothing of it. */
static json_t *checked(json_t *object, bool ok) {
  if (ok) return object;
  json_decref(object);
  return NULL;
}

static json_t *ops_json(vault_key_ops ops) {
  json_t *list = json_array();
  bool ok = list != NULL;
  for (size_t i = 0; ok && vault_key_op_name(i) != NULL; i++) {
    if ((ops >> i & 1) != 0) ok = json_array_append_new(list, json_string(vault_key_op_name(i))) == 0;
  }
  return checked(list, ok);
}

static bool add_numbers(json_t *jwk, const vault_key *key) {
  if (key->crv[0] == '\0' && key->n.len == 0) return true; /* a symmetric key shows nothing */
  if (key->crv[0] == '\0') return ekm_json_set_bytes(jwk, "n", key->n) && ekm_json_set_bytes(jwk, "e", key->e);
  return add(jwk, "crv", json_string(key->crv)) && ekm_json_set_bytes(jwk, "x", key->x) &&
         ekm_json_set_bytes(jwk, "y", key->y);
}

static json_t *jwk_json(const vault_info *vault, const vault_key *key) {
  char kid[VAULT_KID_BYTES];
  json_t *jwk = json_object();
  vault_key_id(vault, key, true, kid);
  return checked(jwk, add(jwk, "kid", json_string(kid)) && add(jwk, "kty", json_string(key->kty)) &&
                          add(jwk, "key_ops", ops_json(key->ops)) && add_numbers(jwk, key));
}

/* recoveryLevel by how long deleted keys are kept and whether they can be purged before. */
static const char *recovery_level(const vault_info *vault) {
  static const char *const levels[2][2] = {
      {"CustomizedRecoverable+Purgeable", "CustomizedRecoverable"},
      {"Recoverable+Purgeable", "Recoverable"},
  };
  return levels[vault->retention_days == DEFAULT_RETENTION_DAYS][vault->purge_protection];
}

/* What later versions of the API added; older clients are not shown it. A Managed HSM has always said "exportable". */
static bool add_later(json_t *doc, const vault_exchange *x, const vault_key *key) {
  const char *version = x->request.api_version;
  bool with_exportable = (key->exportable && vault_api_version_has(version, 7, 3)) || x->vault->is_hsm;
  return (!with_exportable || add(doc, "exportable", json_boolean(key->exportable))) &&
         (!vault_api_version_has(version, 7, 5) || add(doc, "hsmPlatform", json_string(key->in_token ? "1" : "0")));
}

static json_t *attributes_json(const vault_exchange *x, const vault_key *key) {
  const vault_key_attributes *a = &key->attributes;
  json_t *doc = json_object();
  return checked(
      doc, add(doc, "enabled", json_boolean(a->enabled)) && (!a->has_nbf || add(doc, "nbf", json_integer(a->nbf))) &&
               (!a->has_exp || add(doc, "exp", json_integer(a->exp))) &&
               add(doc, "created", json_integer(a->created)) && add(doc, "updated", json_integer(a->updated)) &&
               add(doc, "recoveryLevel", json_string(recovery_level(x->vault))) &&
               add(doc, "recoverableDays", json_integer(x->vault->retention_days)) && add_later(doc, x, key));
}

/* What the store keeps as text. */
static json_t *parsed(const char *text) {
  json_t *doc = NULL;
  ekm_err ignored = {0};
  return ekm_json_parse(ekm_view_text(text), &doc, &ignored) ? doc : NULL;
}

static bool add_tags(json_t *doc, const vault_key *key) {
  return key->tags == NULL || add(doc, "tags", parsed(key->tags));
}

static bool add_attributes(json_t *doc, const vault_exchange *x, const vault_key *key) {
  return add(doc, "attributes", attributes_json(x, key));
}

static bool add_release(json_t *doc, const vault_key *key) {
  return key->release_policy == NULL || add(doc, "release_policy", parsed(key->release_policy));
}

/* A vault begins with the key, a Managed HSM with its attributes. */
static bool add_bundle(json_t *doc, const vault_exchange *x, const vault_key *key) {
  bool is_hsm = x->vault->is_hsm;
  return (!is_hsm || add_attributes(doc, x, key)) && add(doc, "key", jwk_json(x->vault, key)) &&
         (is_hsm || add_attributes(doc, x, key)) && add_tags(doc, key) && add_release(doc, key);
}

json_t *vault_key_bundle(const vault_exchange *x, const vault_key *key) {
  json_t *doc = json_object();
  return checked(doc, add_bundle(doc, x, key));
}

static bool add_deletion(json_t *doc, const vault_info *vault, const vault_key *key) {
  char id[VAULT_KID_BYTES];
  (void)snprintf(id, sizeof id, "https://%s/deletedkeys/%s", vault->host, key->name);
  return add(doc, "recoveryId", json_string(id)) && add(doc, "deletedDate", json_integer(key->deleted_at)) &&
         add(doc, "scheduledPurgeDate", json_integer(key->purge_at));
}

json_t *vault_deleted_key_bundle(const vault_exchange *x, const vault_key *key) {
  json_t *doc = json_object();
  return checked(doc, add_deletion(doc, x->vault, key) && add_bundle(doc, x, key));
}

static bool add_item(json_t *doc, const vault_exchange *x, const vault_key *key, bool with_version) {
  char kid[VAULT_KID_BYTES];
  bool is_hsm = x->vault->is_hsm;
  vault_key_id(x->vault, key, with_version, kid);
  return (!is_hsm || add_attributes(doc, x, key)) && add(doc, "kid", json_string(kid)) &&
         (is_hsm || add_attributes(doc, x, key)) && add_tags(doc, key);
}

json_t *vault_key_item(const vault_exchange *x, const vault_key *key) {
  json_t *doc = json_object();
  return checked(doc, add_item(doc, x, key, false));
}

json_t *vault_version_item(const vault_exchange *x, const vault_key *key) {
  json_t *doc = json_object();
  return checked(doc, add_item(doc, x, key, true));
}

json_t *vault_deleted_key_item(const vault_exchange *x, const vault_key *key) {
  json_t *doc = json_object();
  return checked(doc, add_deletion(doc, x->vault, key) && add_item(doc, x, key, false));
}
