/* A key version as the vault describes it, and the names that go into URLs.
 *
 * {"key":{"kid":"https://HOST/keys/NAME/VERSION","kty":"RSA","n":"..","e":"AQAB",..},"attributes":{"enabled":true,..}}
 *                        \_ ours   \_ as spelt at creation */
#ifndef EKM_KEYVAULT_KEY_H
#define EKM_KEYVAULT_KEY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/limits.h"

typedef struct akv_key {
  char name[EKM_LIMIT_KEY_NAME_CHARS + 1];
  char version[EKM_LIMIT_KEY_VERSION_CHARS + 1];
  bool is_rsa;   /* RSA or RSA-HSM; n and e are empty otherwise */
  bool is_aes;   /* oct-HSM */
  unsigned bits; /* of an AES key, where the vault says it (api-version 2026-04-01 does); 0: it does not */
  bool enabled;
  int64_t expires_s;       /* seconds since 1970; 0: never */
  char recovery_level[48]; /* "CustomizedRecoverable+Purgeable"; "" if it is not said */
  ekm_buf n, e;            /* big-endian; a leading zero is left in, as the vault echoes what was imported */
} akv_key;

/* akv_key_init(key) before use, akv_key_clear(key) afterwards: nothing is allocated by init. */
void akv_key_init(akv_key *key);
void akv_key_clear(akv_key *key);

/* akv_name_check(name, err): KEY_NAME_TOO_LONG, or KEY_NAME_BAD for anything but letters, digits and hyphens. */
EKM_MUST_USE bool akv_name_check(const char *name, ekm_err *err);

/* akv_version_check(version, err): KEY_NAME_BAD for anything but 32 hexadecimal digits. */
EKM_MUST_USE bool akv_version_check(const char *version, ekm_err *err);

/* A key id, taken apart. */
typedef struct akv_kid {
  char name[EKM_LIMIT_KEY_NAME_CHARS + 1];
  char version[EKM_LIMIT_KEY_VERSION_CHARS + 1]; /* "" where the id has none */
} akv_kid;

/* akv_kid_parse(text, host, out, err):
 * ${text} (NULL is refused) must be a key of ${host}, whatever its port. KEY_ANSWER otherwise. */
EKM_MUST_USE bool akv_kid_parse(const char *text, const char *host, akv_kid *out, ekm_err *err);

/* akv_kid_is(kid, name, version): is it that name, and that version (NULL: any, but one)? Case ignored. */
bool akv_kid_is(const akv_kid *kid, const char *name, const char *version);

/* akv_key_read(bundle, host, name, version, out, err):
 * Read a KeyBundle that must describe ${name} and ${version} (NULL: any). KEY_ANSWER otherwise. */
EKM_MUST_USE bool akv_key_read(const json_t *bundle, const char *host, const char *name, const char *version,
                               akv_key *out, ekm_err *err);

#endif
