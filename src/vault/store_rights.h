/* The two small vocabularies of a vault's rights: what an application may do (access policy permissions for keys) and
 * what a key may be used for (key_ops). Both are bit sets with one table of names, Key Vault's own
 * (facts/azure-key-vault.md sections 1.2 and 1.4).
 *
 * Threads: tables are constant. */
#ifndef EKM_VAULT_STORE_RIGHTS_H
#define EKM_VAULT_STORE_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

typedef uint32_t vault_permissions;
enum {
  VAULT_MAY_GET = 1 << 0,
  VAULT_MAY_LIST = 1 << 1,
  VAULT_MAY_CREATE = 1 << 2,
  VAULT_MAY_IMPORT = 1 << 3,
  VAULT_MAY_UPDATE = 1 << 4,
  VAULT_MAY_DELETE = 1 << 5,
  VAULT_MAY_RECOVER = 1 << 6,
  VAULT_MAY_BACKUP = 1 << 7,
  VAULT_MAY_RESTORE = 1 << 8,
  VAULT_MAY_PURGE = 1 << 9,
  VAULT_MAY_ENCRYPT = 1 << 10,
  VAULT_MAY_DECRYPT = 1 << 11,
  VAULT_MAY_WRAP = 1 << 12,
  VAULT_MAY_UNWRAP = 1 << 13,
  VAULT_MAY_SIGN = 1 << 14,
  VAULT_MAY_VERIFY = 1 << 15,
  VAULT_MAY_ROTATE = 1 << 16,
  VAULT_MAY_GET_ROTATION_POLICY = 1 << 17,
  VAULT_MAY_SET_ROTATION_POLICY = 1 << 18,
  VAULT_MAY_RELEASE = 1 << 19,
  VAULT_MAY_RANDOM = 1 << 20,   /* of a Managed HSM; no access policy has it */
  VAULT_MAY_ALL = (1 << 20) - 1 /* of an access policy */
};

/* A role of Azure's role-based access control, as far as keys go. */
typedef struct vault_role {
  const char *name; /* "Key Vault Crypto Officer" */
  bool of_hsm;      /* one of a Managed HSM's local roles */
  vault_permissions permissions;
} vault_role;

typedef uint32_t vault_key_ops;
enum {
  VAULT_OP_ENCRYPT = 1 << 0,
  VAULT_OP_DECRYPT = 1 << 1,
  VAULT_OP_SIGN = 1 << 2,
  VAULT_OP_VERIFY = 1 << 3,
  VAULT_OP_WRAP = 1 << 4,
  VAULT_OP_UNWRAP = 1 << 5,
  VAULT_OP_IMPORT = 1 << 6,
  VAULT_OP_EXPORT = 1 << 7,
  VAULT_OP_RSA_DEFAULT = (1 << 6) - 1, /* the six that an RSA key has when nobody says otherwise */
  VAULT_OP_OCT_DEFAULT = VAULT_OP_ENCRYPT | VAULT_OP_DECRYPT | VAULT_OP_WRAP | VAULT_OP_UNWRAP
};

/* vault_permission_of(name, len), vault_key_op_of(name, len): the bit of a name (case ignored), 0 if there is none. */
vault_permissions vault_permission_of(const char *name, size_t len);
vault_key_ops vault_key_op_of(const char *name, size_t len);

/* vault_permission_name(i), vault_key_op_name(i): the name of bit ${i}, NULL behind the last. */
const char *vault_permission_name(size_t i);
const char *vault_key_op_name(size_t i);

/* vault_role_named(name), vault_role_at(i): a role by its name (case ignored), or by its number; NULL if there is none.
 * Static. */
const vault_role *vault_role_named(const char *name);
const vault_role *vault_role_at(size_t i);

/* vault_data_action(permission, of_hsm): the data action of role-based access control behind one permission bit:
 * "Microsoft.KeyVault/vaults/keys/read". Static. */
const char *vault_data_action(vault_permissions permission, bool of_hsm);

/* vault_permissions_append(set, out): append "get,list,wrapKey"; "" for none. */
void vault_permissions_append(vault_permissions set, ekm_buf *out);

#endif
