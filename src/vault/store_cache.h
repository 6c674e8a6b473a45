/* Opened keys that were used lately, so that a busy key costs neither SQL nor unsealing, and thousands of keys no more
 * memory than the few that are in use.
 *
 *   (vault id, name in lower case, version or "") -> key
 *
 * "" is the newest version. A bounded number of slots, found by hash; the one that was not used for the longest time
 * makes room.
 *
 * Threads: one at a time; the store's lock sees to it. */
#ifndef EKM_VAULT_STORE_CACHE_H
#define EKM_VAULT_STORE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "vault/store.h"

typedef struct store_cache store_cache;

/* store_cache_new(slots, out_cache, err): ${slots} > 0. */
EKM_MUST_USE bool store_cache_new(size_t slots, store_cache **out_cache, ekm_err *err);
void store_cache_free(store_cache **cache);

/* store_cache_find(cache, vault_id, name, version): the key with a reference for the caller, or NULL. */
const vault_key *store_cache_find(store_cache *cache, int64_t vault_id, const char *name, const char *version);

/* store_cache_put(cache, vault_id, name, version, key): remember, with a reference of its own. */
void store_cache_put(store_cache *cache, int64_t vault_id, const char *name, const char *version, const vault_key *key);

/* store_cache_forget(cache, vault_id, name): everything of a name; store_cache_clear(cache): everything. */
void store_cache_forget(store_cache *cache, int64_t vault_id, const char *name);
void store_cache_clear(store_cache *cache);

/* store_cache_count(cache): slots in use. */
size_t store_cache_count(const store_cache *cache);

#endif
