/* The versions of keys in a vault, each with the thumbprints of an inventory that mean it. */
#ifndef EKM_CLI_VERSIONS_H
#define EKM_CLI_VERSIONS_H

#include "cli/inventory.h"
#include "cli/reach.h"
#include "keyring/match.h"

typedef struct key_version {
  char name[EKM_LIMIT_KEY_NAME_CHARS + 1];
  char version[EKM_LIMIT_KEY_VERSION_CHARS + 1];
  int64_t created_s, expires_s; /* 0: the vault did not say; never */
  bool enabled, is_newest;
  keyring_match *means; /* one for each of the inventory's thumbprints */
} key_version;

/* Zero-initialise but for inv, which is borrowed. */
typedef struct version_list {
  const inventory *inv;
  key_version *items; /* key by key, the newest version of each first */
  size_t count, cap;
} version_list;

/* versions_of_key(r, name, list, err): append all versions of a key; the errors of keyvault/client.h, KEY_NOT_FOUND
 * among them. One request for each version, and two. */
EKM_MUST_USE bool versions_of_key(reach *r, const char *name, version_list *list, ekm_err *err);

void versions_clear(version_list *list);

/* versions_row_match(version, row): what that row of the inventory says of the version. */
keyring_match versions_row_match(const key_version *version, const inventory_row *row);

/* versions_need(list, version): how surely a database, log or backup needs it: KEY surely, NAME perhaps. */
keyring_match versions_need(const version_list *list, const key_version *version);

/* versions_first_need(list, version): the first database, log or backup that surely needs it, or NULL. Borrowed. */
const inventory_row *versions_first_need(const version_list *list, const key_version *version);

#endif
