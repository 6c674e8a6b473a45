/* The keys that a keyring has seen: by thumbprint, by name and version, and by id.
 *
 *   keys[]     [0] [1] [2] [3] ...        in the order of arrival; index + 1 is the id
 *   by_thumb   hash -> index              the last enabled key of that thumbprint
 *   by_name    hash -> index              name (case ignored) and version
 *
 * Threads: none of its own; the keyring's lock covers it. */
#ifndef EKM_KEYRING_CACHE_H
#define EKM_KEYRING_CACHE_H

#include "keyring/key.h"

typedef struct keyring_cache {
  keyring_key **keys;
  size_t count, cap;
  uint32_t *by_thumb, *by_name; /* ids; 0 is an empty place; index_size places, a power of two */
  size_t index_size;
} keyring_cache;

/* keyring_cache_clear(cache): give up all keys. Zero-initialise for an empty cache. */
void keyring_cache_clear(keyring_cache *cache);

/* keyring_cache_add(cache, key, err):
 * Remember ${key} (one more reference) under a new id, which is returned; 0 with LIMIT or OUT_OF_MEMORY. */
uint32_t keyring_cache_add(keyring_cache *cache, keyring_key *key, ekm_err *err);

/* Look-ups return an id, 0 for none. */
uint32_t keyring_cache_find_thumb(const keyring_cache *cache, ekm_view thumb);
uint32_t keyring_cache_find_version(const keyring_cache *cache, const char *name, const char *version);

/* keyring_cache_key(cache, id): the key of an id, borrowed, or NULL. */
keyring_key *keyring_cache_key(const keyring_cache *cache, uint32_t id);

/* keyring_cache_forget_thumb(cache, thumb): let the next look-up by this thumbprint find nothing. Ids stay. */
void keyring_cache_forget_thumb(keyring_cache *cache, ekm_view thumb);

#endif
