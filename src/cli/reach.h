/* The way to a vault as the provider goes it, for commands that ask the vault themselves: the provider's configuration,
 * and the credential as SQL Server has it.
 *
 *   openekm.conf --> settings, HTTP --\
 *   IDENTITY ------> host, section ----+--> akv_client
 *   SECRET --------> identity --------/
 *
 * Each step may be taken alone, by who wants to say of each how it went. */
#ifndef EKM_CLI_REACH_H
#define EKM_CLI_REACH_H

#include "cli/cli.h"
#include "keyring/keyring_keyvault.h"
#include "settings/vaults.h"

typedef struct reach {
  const cli *c;
  const char *file; /* the configuration; NULL: there is none */
  provider_settings settings;
  settings_vaults vaults;
  ekm_crypto *crypto;
  ekm_http *http;
  akv_vault vault;
  char host[EKM_LIMIT_HOST_BYTES + 1];
  keyring_credential credential;
  akv_client *client; /* NULL before reach_connect */
} reach;

/* reach_configure(r, err): read the configuration, make HTTP. ${r} is zero but for c; reach_clear afterwards, also on
 * failure. */
EKM_MUST_USE bool reach_configure(reach *r, ekm_err *err);

/* reach_identify(r, err): which vault, and as whom. IDENTITY_BAD, CLOUD_UNKNOWN, or those of
 * keyring_keyvault_credential. */
EKM_MUST_USE bool reach_identify(reach *r, ekm_err *err);

/* reach_identity(r): as whom, with what the configuration says of it; after reach_identify, borrowed from ${r}. */
akv_identity reach_identity(const reach *r);

/* reach_connect(r, err): make the client. No request. */
EKM_MUST_USE bool reach_connect(reach *r, ekm_err *err);

/* reach_open(r, err): all three; passing faults are repeated as the configuration has it. */
EKM_MUST_USE bool reach_open(reach *r, ekm_err *err);

void reach_clear(reach *r);

/* A key, as PROVIDER_KEY_NAME has it. */
typedef struct reach_key {
  char name[EKM_LIMIT_KEY_NAME_CHARS + 1];
  char version[EKM_LIMIT_KEY_VERSION_CHARS + 1]; /* "" for the newest */
} reach_key;

/* reach_key_parse(r, text, out, err):
 * NAME, NAME/VERSION, or the URL of either in the vault of ${r}; after reach_identify. KEY_NAME_BAD, KEY_NAME_TOO_LONG;
 * whether a vault takes the characters is for the client to say. */
EKM_MUST_USE bool reach_key_parse(const reach *r, const char *text, reach_key *out, ekm_err *err);

/* reach_call(): the bounds of one question, from now on. */
akv_call reach_call(void);

#endif
