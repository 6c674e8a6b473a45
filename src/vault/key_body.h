/* Keys as the JSON of answers.
 *
 *   {"key":{"kid":..,"kty":..,"key_ops":[..],"n":..,"e":..},               (EC: "crv":..,"x":..,"y":..)
 *    "attributes":{"enabled":..,"nbf":..,"exp":..,"created":..,"updated":..,"recoveryLevel":..,"recoverableDays":..},
 *    "tags":{..},"release_policy":{"contentType":..,"data":..,"immutable":..}}
 *
 * A Managed HSM writes attributes first, and "exportable" always; "hsmPlatform" is "1" for a key in a token and "0" for
 * one that is sealed in the database, from api-version 7.5 on.
 *
 * Members come in the order of the real service, as recorded; nbf, exp and tags are absent where they were never set.
 * All functions return a new document, or NULL without memory.
 *
 * Threads: any. */
#ifndef EKM_VAULT_KEY_BODY_H
#define EKM_VAULT_KEY_BODY_H

#include "base/buf.h"
#include "base/json.h"
#include "vault/exchange.h"

enum { VAULT_KID_BYTES = 512 };

/* vault_key_id(vault, key, with_version, out): "https://local.vault.localhost/keys/name[/version]"; never a port. */
void vault_key_id(const vault_info *vault, const vault_key *key, bool with_version, char out[VAULT_KID_BYTES]);

/* vault_key_bundle(x, key): KeyBundle; vault_deleted_key_bundle(x, key): DeletedKeyBundle. In the shape of the vault
 * that was asked, and of the api-version. */
json_t *vault_key_bundle(const vault_exchange *x, const vault_key *key);
json_t *vault_deleted_key_bundle(const vault_exchange *x, const vault_key *key);

/* KeyItem, in a list of names and in one of versions; DeletedKeyItem. */
json_t *vault_key_item(const vault_exchange *x, const vault_key *key);
json_t *vault_version_item(const vault_exchange *x, const vault_key *key);
json_t *vault_deleted_key_item(const vault_exchange *x, const vault_key *key);

#endif
