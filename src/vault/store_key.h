/* Key objects of the store: made of a row of key_name and one of key_version, or of another key.
 *
 * Threads: a finished object is for all; the count of its references is atomic. */
#ifndef EKM_VAULT_STORE_KEY_H
#define EKM_VAULT_STORE_KEY_H

#include "vault/store.h"
#include "vault/store_db.h"

enum { STORE_KEY_COLUMNS = 17 };

/* store_key_new(like, material, out_key, err):
 * A copy of ${like} with one reference. Takes *${material} over (NULL: without), also when it fails. */
EKM_MUST_USE bool store_key_new(const vault_key *like, vault_material **material, const vault_key **out_key,
                                ekm_err *err);

/* store_key_retain(key): one reference more. */
const vault_key *store_key_retain(const vault_key *key);

/* store_key_read(name, version, out, err): fill a key that borrows from the two rows. */
EKM_MUST_USE bool store_key_read(const store_row *name, const store_row *version, vault_key *out, ekm_err *err);

/* store_key_values(vault_id, lower_name, key, out): the columns of key_version; borrowed. */
void store_key_values(int64_t vault_id, const char *lower_name, const vault_key *key,
                      store_value out[STORE_KEY_COLUMNS]);

/* store_key_identity(vault_id, lower_name, version, out): append what the seal of the private key is bound to. */
void store_key_identity(int64_t vault_id, const char *lower_name, const char *version, ekm_buf *out);

/* store_key_name_is_valid(name, out_lower, err): ^[0-9a-zA-Z-]{1,127}$; KEY_NAME_BAD or KEY_NAME_TOO_LONG. */
EKM_MUST_USE bool store_key_name_is_valid(const char *name, char out_lower[EKM_LIMIT_KEY_NAME_CHARS + 1], ekm_err *err);

#endif
