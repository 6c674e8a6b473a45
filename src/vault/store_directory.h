/* Who may do what where: vaults, applications with their secrets, and grants, as one immutable snapshot of the store.
 *
 *   tenant GUID --+-- vault  local   https://local.vault.localhost   resource https://vault.localhost
 *                 +-- app    client id, object id, secrets (salted hashes), certificates (public keys),
 *                            federated credentials (others whose tokens it signs in with)
 *   grant = (vault, app) -> set of permissions
 *
 * Lookups take no lock and touch no disk. What they return is borrowed from the snapshot.
 * Threads: all functions may be called by all threads. */
#ifndef EKM_VAULT_STORE_DIRECTORY_H
#define EKM_VAULT_STORE_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "crypto/crypto.h"
#include "vault/store_rights.h"

/* Hosts of an akvd without further configuration. They carry no port: key ids and challenges must be the same after a
 * restart on another port; clients map the host to an address in their configuration. */
#define VAULT_LOGIN_HOST "login.localhost"
#define VAULT_DEFAULT_SUFFIX "vault.localhost"
#define VAULT_HSM_SUFFIX "managedhsm.localhost"

enum {
  VAULT_GUID_CHARS = 36,
  VAULT_NAME_MIN_CHARS = 3, /* letters, digits, hyphens; facts/azure-key-vault.md section 1.5 */
  VAULT_NAME_MAX_CHARS = 24,
  VAULT_APP_NAME_MAX_BYTES = 120,
  VAULT_SECRET_SALT_BYTES = 16,
  VAULT_SECRET_HASH_BYTES = 32,
  VAULT_FEDERATION_TEXT_BYTES = 601, /* with its NUL: Entra's limit of issuer, subject and audience */
  VAULT_CERTIFICATE_KEY_BYTES = 600  /* an RSA-4096 key as SubjectPublicKeyInfo has 550 */
};

typedef struct vault_info {
  int64_t id; /* of the store, never shown */
  char name[VAULT_NAME_MAX_CHARS + 1];
  char host[EKM_LIMIT_HOST_BYTES + 1];     /* "local.vault.localhost" */
  char tenant[VAULT_GUID_CHARS + 1];       /* lower-case */
  char resource[EKM_LIMIT_HOST_BYTES + 9]; /* "https://vault.localhost" */
  unsigned retention_days;                 /* of deleted keys: 7 ... 90 */
  bool is_hsm;                             /* a Managed HSM: its own key types, headers and answers */
  bool purge_protection;                   /* deleted keys cannot be purged before their time */
  bool by_roles;                           /* rights come from role assignments, not from access policies */
} vault_info;

typedef struct vault_secret {
  char id[VAULT_GUID_CHARS + 1];
  char hint[4];             /* the first three characters, to tell secrets apart */
  int64_t created, expires; /* expires 0: never */
  uint8_t salt[VAULT_SECRET_SALT_BYTES];
  uint8_t hash[VAULT_SECRET_HASH_BYTES]; /* HMAC-SHA-256 under a key of the master key: seal.h */
} vault_secret;

/* A certificate by which an application signs in: what is needed of it to check what its private key has signed. */
typedef struct vault_certificate {
  char id[VAULT_GUID_CHARS + 1];
  int64_t created, begins, ends;      /* its validity, from second to second */
  uint8_t x5t[EKM_SHA1_BYTES];        /* SHA-1 and SHA-256 of the whole certificate, as RFC 7515 */
  uint8_t x5t_s256[EKM_SHA256_BYTES]; /* sections 4.1.7 and 4.1.8 call them */
  uint8_t public_key[VAULT_CERTIFICATE_KEY_BYTES];
  size_t public_key_len; /* SubjectPublicKeyInfo of an RSA key */
} vault_certificate;

/* An identity of another issuer that stands for the application; federation.h. */
typedef struct vault_federation {
  char id[VAULT_GUID_CHARS + 1];
  int64_t created;
  char issuer[VAULT_FEDERATION_TEXT_BYTES];
  char subject[VAULT_FEDERATION_TEXT_BYTES];
  char audience[VAULT_FEDERATION_TEXT_BYTES];
  const char *keys; /* of the issuer, as JSON; the snapshot's */
} vault_federation;

typedef struct vault_app {
  char client_id[VAULT_GUID_CHARS + 1]; /* lower-case */
  char tenant[VAULT_GUID_CHARS + 1];
  char object_id[VAULT_GUID_CHARS + 1];
  char name[VAULT_APP_NAME_MAX_BYTES + 1];
  const vault_secret *secrets;
  size_t secret_count;
  const vault_certificate *certificates;
  size_t certificate_count;
  const vault_federation *federations;
  size_t federation_count;
} vault_app;

typedef struct vault_grant {
  int64_t vault_id;
  char client_id[VAULT_GUID_CHARS + 1];
  vault_permissions permissions;
} vault_grant;

/* An application has a role, in the whole vault or for one key. */
typedef struct vault_assignment {
  int64_t vault_id;
  char client_id[VAULT_GUID_CHARS + 1];
  const vault_role *role;
  char scope[EKM_LIMIT_KEY_NAME_CHARS + 1]; /* "": the vault; else the name of a key in lower case */
} vault_assignment;

typedef struct vault_directory vault_directory;

/* vault_directory_release(dir): NULL is fine; sets the caller's pointer to NULL. */
void vault_directory_release(const vault_directory **dir);

/* vault_directory_vault_by_host(dir, host), vault_directory_vault_by_name(dir, name): case ignored; NULL if there is
 * none. ${host} is without a port. */
const vault_info *vault_directory_vault_by_host(const vault_directory *dir, const char *host);
const vault_info *vault_directory_vault_by_name(const vault_directory *dir, const char *name);
const vault_info *vault_directory_vault_by_id(const vault_directory *dir, int64_t id);

/* vault_directory_has_tenant(dir, tenant): does a vault or an application belong to it? Case ignored. */
bool vault_directory_has_tenant(const vault_directory *dir, const char *tenant);

/* vault_directory_app(dir, client_id): case ignored; NULL if there is none. */
const vault_app *vault_directory_app(const vault_directory *dir, const char *client_id);

/* vault_directory_granted(dir, vault, client_id, key_name):
 * What the application may do in the vault; 0 is nothing. By access policies, or by the roles that it has in the vault
 * and for the key ${key_name} (NULL: for none; case ignored). */
vault_permissions vault_directory_granted(const vault_directory *dir, const vault_info *vault, const char *client_id,
                                          const char *key_name);

/* All of them: vaults in the order in which they were added, applications by client id, grants and
 * assignments by vault and client id. */
const vault_info *vault_directory_vaults(const vault_directory *dir, size_t *out_count);
const vault_app *vault_directory_apps(const vault_directory *dir, size_t *out_count);
const vault_grant *vault_directory_grants(const vault_directory *dir, size_t *out_count);
const vault_assignment *vault_directory_assignments(const vault_directory *dir, size_t *out_count);

#endif
