/* Federated credentials of applications: identities that somebody else issues, and whose tokens are taken for a sign-in
 * of the application (workload identity federation; facts/azure-key-vault.md section 2.4).
 *
 *   issuer     https://issuer.example     claim iss, to the letter
 *   subject    system:serviceaccount:..   claim sub, to the letter
 *   audience   api://AzureADTokenExchange claim aud, to the letter
 *   keys       {"keys":[{"kid":"..","n":"..","e":".."}, ...]}
 *
 * Entra asks the issuer for its keys; akvd opens no connections, so an administrator brings them as a JWK set (RFC 7517
 * section 5). Only its RSA keys for signatures are kept: RS256 is all that Entra takes too.
 *
 * Threads: any. */
#ifndef EKM_VAULT_FEDERATION_H
#define EKM_VAULT_FEDERATION_H

#include "crypto/keys.h"
#include "vault/store.h"

#define VAULT_FEDERATION_AUDIENCE "api://AzureADTokenExchange"

enum {
  VAULT_FEDERATION_JWKS_BYTES = 256 * 1024, /* a JWK set that is read; with chains of certificates they are long */
  VAULT_FEDERATION_KEYS_BYTES = 32 * 1024,  /* what is kept of it */
  VAULT_FEDERATION_KEYS_MAX = 32,
  VAULT_FEDERATIONS_PER_APP = 20 /* Entra's limit */
};

/* vault_federation_keys(crypto, jwks, out, err):
 * Append what there is to keep of a JWK set: a JSON text with kid, n and e of every RSA key that is not for encryption
 * and not for another algorithm. BAD_ARGUMENT if there is none, more than the limit, one without a kid or two with the
 * same; ANSWER_NOT_JSON, TEXT_ENCODING, CRYPTO, KEY_TYPE for what is no key. */
EKM_MUST_USE bool vault_federation_keys(const ekm_crypto *crypto, ekm_view jwks, ekm_buf *out, ekm_err *err);

/* vault_federation_key(crypto, federation, kid, out_key, err): the issuer's key ${kid}, which the caller frees; NULL if
 * there is none. */
EKM_MUST_USE bool vault_federation_key(const ekm_crypto *crypto, const vault_federation *federation, const char *kid,
                                       ekm_key **out_key, ekm_err *err);

/* vault_store_federation_add(store, client_id, federation, out_id, err):
 * Let an application sign in by tokens of an issuer; id and created of ${federation} are made here, its texts are
 * copied. BAD_ARGUMENT for an issuer that is no https URL, a text that is empty, longer than 600 bytes or not printable
 * ASCII, and beyond VAULT_FEDERATIONS_PER_APP; EXISTS for an issuer and subject that the application has already;
 * ABSENT. Errors besides: store.h. */
EKM_MUST_USE bool vault_store_federation_add(vault_store *store, const char *client_id,
                                             const vault_federation *federation, char out_id[VAULT_GUID_CHARS + 1],
                                             ekm_err *err);

/* vault_store_federation_remove(store, client_id, federation_id, err): ABSENT. */
EKM_MUST_USE bool vault_store_federation_remove(vault_store *store, const char *client_id, const char *federation_id,
                                                ekm_err *err);

#endif
