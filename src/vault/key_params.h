/* What the bodies of create, import and update have in common: attributes, permitted operations, tags.
 * A member that is null counts as absent, as SDKs write it.
 *
 * Threads: any. */
#ifndef EKM_VAULT_KEY_PARAMS_H
#define EKM_VAULT_KEY_PARAMS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/json.h"
#include "vault/exchange.h"

enum {
  VAULT_TAGS_MAX = 15, /* facts/azure-key-vault.md section 1.5 */
  VAULT_TAG_MAX_CHARS = 256,
  VAULT_TAGS_TEXT_BYTES = 64 * 1024,
  VAULT_RELEASE_TEXT_BYTES = 64 * 1024
};

/* What the client gave. Initialise with vault_key_params_init and give back with vault_key_params_clear. */
typedef struct vault_key_params {
  unsigned set;                    /* VAULT_SET_*: which members were there */
  vault_key_attributes attributes; /* enabled, nbf, exp */
  vault_key_ops ops;
  ekm_buf tags; /* the text of the JSON object */
  bool exportable;
  ekm_buf release; /* the release policy as text, with all its members; empty if there is none */
} vault_key_params;

void vault_key_params_init(vault_key_params *params);
void vault_key_params_clear(vault_key_params *params);

/* vault_key_params_read(x, body, ops_holder, out):
 * Read attributes, tags and release policy of ${body}, and key_ops of ${ops_holder} (the JWK of an import carries
 * them, else ${body}). */
EKM_MUST_USE bool vault_key_params_read(vault_exchange *x, const json_t *body, const json_t *ops_holder,
                                        vault_key_params *out);

/* vault_member(object, name): the member, or NULL if it is absent or null. Borrowed. */
json_t *vault_member(const json_t *object, const char *name);

#endif
