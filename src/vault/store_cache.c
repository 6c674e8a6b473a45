#include "vault/store_cache.h"

#include <string.h>

#include "base/mem.h"
#include "vault/store_key.h"

enum { NONE = -1 };

typedef struct slot {
  int64_t vault_id;
  char name[EKM_LIMIT_KEY_NAME_CHARS + 1];
  char version[EKM_LIMIT_KEY_VERSION_CHARS + 1];
  const vault_key *key; /* NULL: free */
  size_t bucket;
  int next;         /* of the same bucket */
  int newer, older; /* by last use */
} slot;

struct store_cache {
  slot *slots;
  int *buckets; /* first slot of each, twice as many as slots */
  size_t slot_count, used;
  int newest, oldest; /* free slots are the oldest */
};

bool store_cache_new(size_t slots, store_cache **out_cache, ekm_err *err) {
  *out_cache = NULL;
  store_cache *cache = ekm_mem_alloc(sizeof *cache, err);
  if (cache == NULL) return false;
  cache->slots = ekm_mem_array(slots, sizeof *cache->slots, err);
  cache->buckets = cache->slots == NULL ? NULL : ekm_mem_array(slots * 2, sizeof *cache->buckets, err);
  if (cache->buckets == NULL) {
    ekm_mem_free(cache->slots);
    ekm_mem_free(cache);
    return false;
  }
  cache->slot_count = slots;
  for (size_t i = 0; i < slots * 2; i++) cache->buckets[i] = NONE;
  for (size_t i = 0; i < slots; i++) {
    cache->slots[i].newer = (int)i - 1;
    cache->slots[i].older = i + 1 == slots ? NONE : (int)i + 1;
  }
  cache->newest = 0;
  cache->oldest = (int)slots - 1;
  *out_cache = cache;
  return true;
}

void store_cache_free(store_cache **cache) {
  if (*cache == NULL) return;
  store_cache_clear(*cache);
  ekm_mem_free((*cache)->slots);
  ekm_mem_free((*cache)->buckets);
  ekm_mem_free(*cache);
  *cache = NULL;
}

static void unlink_by_use(store_cache *cache, int at) {
  slot *s = &cache->slots[at];
  if (s->newer == NONE)
    cache->newest = s->older;
  else
    cache->slots[s->newer].older = s->older;
  if (s->older == NONE)
    cache->oldest = s->newer;
  else
    cache->slots[s->older].newer = s->newer;
}

static void make_newest(store_cache *cache, int at) {
  slot *s = &cache->slots[at];
  if (cache->newest == at) return;
  unlink_by_use(cache, at);
  s->newer = NONE;
  s->older = cache->newest;
  cache->slots[cache->newest].newer = at;
  cache->newest = at;
}

static void make_oldest(store_cache *cache, int at) {
  slot *s = &cache->slots[at];
  if (cache->oldest == at) return;
  unlink_by_use(cache, at);
  s->older = NONE;
  s->newer = cache->oldest;
  cache->slots[cache->oldest].older = at;
  cache->oldest = at;
}

/* FNV-1a: short texts, and a chain is never longer than the number of slots. */
static size_t bucket_of(const store_cache *cache, int64_t vault_id, const char *name, const char *version) {
  uint64_t h = 14695981039346656037u ^ (uint64_t)vault_id;
  for (; *name != '\0'; name++) h = (h ^ (uint8_t)*name) * 1099511628211u;
  for (; *version != '\0'; version++) h = (h ^ (uint8_t)*version) * 1099511628211u;
  return (size_t)((h ^ (h >> 32)) % (cache->slot_count * 2));
}

static int find_slot(const store_cache *cache, int64_t vault_id, const char *name, const char *version) {
  int at = cache->buckets[bucket_of(cache, vault_id, name, version)];
  while (at != NONE) {
    const slot *s = &cache->slots[at];
    if (s->vault_id == vault_id && strcmp(s->version, version) == 0 && strcmp(s->name, name) == 0) return at;
    at = s->next;
  }
  return NONE;
}

const vault_key *store_cache_find(store_cache *cache, int64_t vault_id, const char *name, const char *version) {
  int at = find_slot(cache, vault_id, name, version);
  if (at == NONE) return NULL;
  make_newest(cache, at);
  return store_key_retain(cache->slots[at].key);
}

static void drop(store_cache *cache, int at) {
  slot *s = &cache->slots[at];
  int *link = &cache->buckets[s->bucket];
  while (*link != at) link = &cache->slots[*link].next;
  *link = s->next;
  vault_key_release(&s->key);
  make_oldest(cache, at);
  cache->used--;
}

void store_cache_put(store_cache *cache, int64_t vault_id, const char *name, const char *version,
                     const vault_key *key) {
  int known = find_slot(cache, vault_id, name, version);
  if (known != NONE) drop(cache, known);
  int at = cache->oldest;
  slot *s = &cache->slots[at];
  if (strlen(name) >= sizeof s->name || strlen(version) >= sizeof s->version) return;
  if (s->key != NULL) drop(cache, at);
  s->vault_id = vault_id;
  memcpy(s->name, name, strlen(name) + 1);
  memcpy(s->version, version, strlen(version) + 1);
  s->key = store_key_retain(key);
  s->bucket = bucket_of(cache, vault_id, name, version);
  s->next = cache->buckets[s->bucket];
  cache->buckets[s->bucket] = at;
  make_newest(cache, at);
  cache->used++;
}

void store_cache_forget(store_cache *cache, int64_t vault_id, const char *name) {
  for (size_t i = 0; i < cache->slot_count; i++) {
    const slot *s = &cache->slots[i];
    if (s->key != NULL && s->vault_id == vault_id && strcmp(s->name, name) == 0) drop(cache, (int)i);
  }
}

void store_cache_clear(store_cache *cache) {
  for (size_t i = 0; i < cache->slot_count; i++) {
    if (cache->slots[i].key != NULL) drop(cache, (int)i);
  }
}

size_t store_cache_count(const store_cache *cache) {
  return cache->used;
}
