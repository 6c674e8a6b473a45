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

void vault_permissions_append(vault_permissions set, ekm_buf *out) {
  const char *comma = "";
  for (size_t i = 0; i < PERMISSIONS; i++) {
    if ((set & ((uint32_t)1 << i)) == 0) continue;
    ekm_buf_append_text(out, comma);
    ekm_buf_append_text(out, permission_names[i]);
    comma = ",";
  }
}
