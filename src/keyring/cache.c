#include "keyring/cache.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { CACHE_FIRST_INDEX_SIZE = 64 };

/* In by_thumb: this id is there, but must not be found. */
static const uint32_t FORGOTTEN = 0x80000000u;

static size_t hash_bytes(const void *bytes, size_t len, size_t seed) {
  const uint8_t *b = bytes;
  uint64_t hash = 14695981039346656037u ^ seed; /* FNV-1a */
  for (size_t i = 0; i < len; i++) hash = (hash ^ b[i]) * 1099511628211u;
  return (size_t)(hash ^ hash >> 32);
}

/* A version is random; the name only tells apart equal versions, so that case needs no folding in the hash. */
static size_t hash_of_version(const char *version) {
  return hash_bytes(version, strlen(version), 1);
}

static size_t hash_of_thumb(ekm_view thumb) {
  return hash_bytes(thumb.ptr, thumb.len, 2);
}

void keyring_cache_clear(keyring_cache *cache) {
  for (size_t i = 0; i < cache->count; i++) keyring_key_unref(&cache->keys[i]);
  ekm_mem_free(cache->keys);
  ekm_mem_free(cache->by_thumb);
  ekm_mem_free(cache->by_name);
  memset(cache, 0, sizeof *cache);
}

keyring_key *keyring_cache_key(const keyring_cache *cache, uint32_t id) {
  return id == 0 || id > cache->count ? NULL : cache->keys[id - 1];
}

/* The place of a thumbprint in the index, or the empty place where it would go. */
static uint32_t *thumb_place(const keyring_cache *cache, ekm_view thumb) {
  size_t mask = cache->index_size - 1;
  size_t at = hash_of_thumb(thumb) & mask;
  for (;; at = (at + 1) & mask) {
    uint32_t id = cache->by_thumb[at];
    if (id == 0) return &cache->by_thumb[at];
    keyring_key *key = keyring_cache_key(cache, id & ~FORGOTTEN);
    if (key != NULL && ekm_view_equal(keyring_key_thumb(key), thumb)) return &cache->by_thumb[at];
  }
}

static uint32_t *version_place(const keyring_cache *cache, const char *name, const char *version) {
  size_t mask = cache->index_size - 1;
  size_t at = hash_of_version(version) & mask;
  for (;; at = (at + 1) & mask) {
    keyring_key *key = keyring_cache_key(cache, cache->by_name[at]);
    if (key == NULL) return &cache->by_name[at];
    if (strcmp(key->version, version) == 0 && ekm_text_ieq(key->name, name)) return &cache->by_name[at];
  }
}

static void index_key(keyring_cache *cache, uint32_t id) {
  keyring_key *key = keyring_cache_key(cache, id);
  uint32_t *place = thumb_place(cache, keyring_key_thumb(key));
  if (*place == 0 || (*place & FORGOTTEN) != 0 || key->enabled) *place = id;
  *version_place(cache, key->name, key->version) = id;
}

/* Keep the index at most half full. */
static bool grow_index(keyring_cache *cache, ekm_err *err) {
  size_t size = cache->index_size == 0 ? CACHE_FIRST_INDEX_SIZE : cache->index_size * 2;
  uint32_t *by_thumb = ekm_mem_array(size, sizeof by_thumb[0], err);
  uint32_t *by_name = by_thumb == NULL ? NULL : ekm_mem_array(size, sizeof by_name[0], err);
  if (by_name == NULL) {
    ekm_mem_free(by_thumb);
    return false;
  }
  const keyring_cache old = *cache;
  cache->by_thumb = by_thumb;
  cache->by_name = by_name;
  cache->index_size = size;
  for (uint32_t id = 1; id <= cache->count; id++) index_key(cache, id);
  for (size_t at = 0; at < old.index_size; at++) { /* what was forgotten stays so */
    if ((old.by_thumb[at] & FORGOTTEN) == 0) continue;
    keyring_cache_forget_thumb(cache, keyring_key_thumb(keyring_cache_key(cache, old.by_thumb[at] & ~FORGOTTEN)));
  }
  ekm_mem_free(old.by_thumb);
  ekm_mem_free(old.by_name);
  return true;
}

uint32_t keyring_cache_add(keyring_cache *cache, keyring_key *key, ekm_err *err) {
  if (cache->count >= EKM_LIMIT_CACHED_KEYS) {
    (void)EKM_FAIL(err, EKM_E_LIMIT, "more than %d key versions are in use", EKM_LIMIT_CACHED_KEYS);
    return 0;
  }
  if (cache->count == cache->cap) {
    size_t cap = cache->cap == 0 ? CACHE_FIRST_INDEX_SIZE / 2 : cache->cap * 2;
    keyring_key **grown = ekm_mem_grow(cache->keys, cache->count, cap, sizeof grown[0], err);
    if (grown == NULL) return 0;
    cache->keys = grown;
    cache->cap = cap;
  }
  if (2 * (cache->count + 1) > cache->index_size && !grow_index(cache, err)) return 0;
  cache->keys[cache->count++] = keyring_key_ref(key);
  index_key(cache, (uint32_t)cache->count);
  return (uint32_t)cache->count;
}

uint32_t keyring_cache_find_thumb(const keyring_cache *cache, ekm_view thumb) {
  uint32_t id = cache->index_size == 0 ? 0 : *thumb_place(cache, thumb);
  return (id & FORGOTTEN) != 0 ? 0 : id;
}

void keyring_cache_forget_thumb(keyring_cache *cache, ekm_view thumb) {
  if (keyring_cache_find_thumb(cache, thumb) != 0) *thumb_place(cache, thumb) |= FORGOTTEN;
}

uint32_t keyring_cache_find_version(const keyring_cache *cache, const char *name, const char *version) {
  return cache->index_size == 0 ? 0 : *version_place(cache, name, version);
}
