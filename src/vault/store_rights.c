#include "vault/store_rights.h"

#include <string.h>

#include "base/text.h"

/* Row i names bit i; the order is that of the constants in the header. */
static const char *const permission_names[] = {"get",
                                               "list",
                                               "create",
                                               "import",
                                               "update",
                                               "delete",
                                               "recover",
                                               "backup",
                                               "restore",
                                               "purge",
                                               "encrypt",
                                               "decrypt",
                                               "wrapKey",
                                               "unwrapKey",
                                               "sign",
                                               "verify",
                                               "rotate",
                                               "getrotationpolicy",
                                               "setrotationpolicy",
                                               "release"};
static const char *const op_names[] = {"encrypt", "decrypt",   "sign",   "verify",
                                       "wrapKey", "unwrapKey", "import", "export"};

enum { PERMISSIONS = sizeof permission_names / sizeof permission_names[0], OPS = sizeof op_names / sizeof op_names[0] };
_Static_assert(VAULT_MAY_ALL == (1 << PERMISSIONS) - 1, "one name for each permission");
_Static_assert(VAULT_OP_EXPORT == 1 << (OPS - 1), "one name for each operation");

/* What a permission is called as a data action (facts/azure-key-vault.md section 1.10): of a vault, of a Managed HSM.
 * Getting and listing are one there; a Managed HSM reads deleted keys by an action of its own. */
#define OF_VAULT(action) "Microsoft.KeyVault/vaults/" action
#define OF_HSM(action) "Microsoft.KeyVault/managedHsm/" action
static const char *const actions[][2] = {
    {OF_VAULT("keys/read"), OF_HSM("keys/read/action")},
    {OF_VAULT("keys/read"), OF_HSM("keys/read/action")},
    {OF_VAULT("keys/create/action"), OF_HSM("keys/create")},
    {OF_VAULT("keys/import/action"), OF_HSM("keys/import/action")},
    {OF_VAULT("keys/update/action"), OF_HSM("keys/write/action")},
    {OF_VAULT("keys/delete"), OF_HSM("keys/delete")},
    {OF_VAULT("keys/recover/action"), OF_HSM("keys/deletedKeys/recover/action")},
    {OF_VAULT("keys/backup/action"), OF_HSM("keys/backup/action")},
    {OF_VAULT("keys/restore/action"), OF_HSM("keys/restore/action")},
    {OF_VAULT("keys/purge/action"), OF_HSM("keys/deletedKeys/delete")},
    {OF_VAULT("keys/encrypt/action"), OF_HSM("keys/encrypt/action")},
    {OF_VAULT("keys/decrypt/action"), OF_HSM("keys/decrypt/action")},
    {OF_VAULT("keys/wrap/action"), OF_HSM("keys/wrap/action")},
    {OF_VAULT("keys/unwrap/action"), OF_HSM("keys/unwrap/action")},
    {OF_VAULT("keys/sign/action"), OF_HSM("keys/sign/action")},
    {OF_VAULT("keys/verify/action"), OF_HSM("keys/verify/action")},
    {OF_VAULT("keys/rotate/action"), OF_HSM("keys/rotate/action")},
    {OF_VAULT("keyrotationpolicies/read"), OF_HSM("keys/rotationpolicy/read/action")},
    {OF_VAULT("keyrotationpolicies/write"), OF_HSM("keys/rotationpolicy/write/action")},
    {OF_VAULT("keys/release/action"), OF_HSM("keys/release/action")},
    {"", OF_HSM("rng/action")},
};
_Static_assert(VAULT_MAY_RANDOM == 1 << (sizeof actions / sizeof actions[0] - 1), "an action for each permission");

#define USES \
  (VAULT_MAY_ENCRYPT | VAULT_MAY_DECRYPT | VAULT_MAY_WRAP | VAULT_MAY_UNWRAP | VAULT_MAY_SIGN | VAULT_MAY_VERIFY)
#define READS (VAULT_MAY_GET | VAULT_MAY_LIST)
#define WRAPS (READS | VAULT_MAY_WRAP | VAULT_MAY_UNWRAP)
#define HSM_USER ((VAULT_MAY_ALL | VAULT_MAY_RANDOM) & ~(VAULT_MAY_PURGE | VAULT_MAY_RECOVER | VAULT_MAY_RELEASE))

/* Built-in roles of vaults and of Managed HSMs. */
static const vault_role roles[] = {
    {"Key Vault Administrator", false, VAULT_MAY_ALL},
    {"Key Vault Crypto Officer", false, VAULT_MAY_ALL & ~VAULT_MAY_RELEASE},
    {"Key Vault Crypto User", false, READS | USES | VAULT_MAY_UPDATE | VAULT_MAY_BACKUP},
    {"Key Vault Crypto Service Encryption User", false, WRAPS},
    {"Key Vault Crypto Service Release User", false, VAULT_MAY_RELEASE},
    {"Key Vault Reader", false, READS},
    {"Managed HSM Crypto Officer", true, VAULT_MAY_PURGE | VAULT_MAY_RECOVER},
    {"Managed HSM Crypto User", true, HSM_USER},
    {"Managed HSM Crypto Service Encryption User", true, WRAPS},
    {"Managed HSM Crypto Service Release User", true, VAULT_MAY_RELEASE},
    {"Managed HSM Crypto Auditor", true, READS},
};

static uint32_t bit_of(const char *const *names, size_t count, const char *name, size_t len) {
  for (size_t i = 0; i < count; i++) {
    if (strlen(names[i]) == len && ekm_text_starts_i(name, names[i])) return (uint32_t)1 << i;
  }
  return 0;
}

vault_permissions vault_permission_of(const char *name, size_t len) {
  return bit_of(permission_names, PERMISSIONS, name, len);
}

vault_key_ops vault_key_op_of(const char *name, size_t len) {
  return bit_of(op_names, OPS, name, len);
}

const char *vault_permission_name(size_t i) {
  return i < PERMISSIONS ? permission_names[i] : NULL;
}

const char *vault_key_op_name(size_t i) {
  return i < OPS ? op_names[i] : NULL;
}

const vault_role *vault_role_at(size_t i) {
  return i < sizeof roles / sizeof roles[0] ? &roles[i] : NULL;
}

const vault_role *vault_role_named(const char *name) {
  for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
    if (ekm_text_ieq(roles[i].name, name)) return &roles[i];
  }
  return NULL;
}

const char *vault_data_action(vault_permissions permission, bool of_hsm) {
  for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
    if (permission == (vault_permissions)1 << i) return actions[i][of_hsm];
  }
  return "";
}

void vault_permissions_append(vault_permissions set, ekm_buf *out) {
  const char *comma = "";
  for (size_t i = 0; i < PERMISSIONS; i++) {
    if ((set & ((uint32_t)1 << i)) == 0) continue;
    ekm_buf_append_text(out, comma);
    ekm_buf_append_text(out, permission_names[i]);
    comma = ",";
  }
}
