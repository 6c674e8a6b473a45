/* Keys as the JSON of answers.
 *
 *   {"key":{"kid":..,"kty":..,"key_ops":[..],"n":..,"e":..},               (EC: "crv":..,"x":..,"y":..)
 *    "attributes":{"enabled":..,"nbf":..,"exp":..,"created":..,"updated":..,"recoveryLevel":..,"recoverableDays":..},
 *    "tags":{..}}
 *
 * Members come in the order of the real service, as recorded; nbf, exp and tags are absent where they were never set.
 * All functions return a new document, or NULL without memory.
 *
 * Threads: pure. */
#ifndef EKM_VAULT_KEY_BODY_H
#define EKM_VAULT_KEY_BODY_H

#include "base/buf.h"
#include "base/json.h"
#include "vault/store.h"

enum { VAULT_KID_BYTES = 512 };

/* vault_key_id(vault, key, with_version, out): "https://local.vault.localhost/keys/name[/version]"; never a port. */
void vault_key_id(const vault_info *vault, const vault_key *key, bool with_version, char out[VAULT_KID_BYTES]);

/* vault_key_bundle(vault, key): KeyBundle; vault_deleted_key_bundle(vault, key): DeletedKeyBundle. */
json_t *vault_key_bundle(const vault_info *vault, const vault_key *key);
json_t *vault_deleted_key_bundle(const vault_info *vault, const vault_key *key);

/* KeyItem, in a list of names and in one of versions; DeletedKeyItem. */
json_t *vault_key_item(const vault_info *vault, const vault_key *key);
json_t *vault_version_item(const vault_info *vault, const vault_key *key);
json_t *vault_deleted_key_item(const vault_info *vault, const vault_key *key);

#endif
