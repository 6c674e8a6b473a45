#include "vault/token_cache.h"

#include <string.h>

#include "base/mem.h"
#include "base/mutex.h"

typedef struct entry {
  bool used;
  uint8_t digest[EKM_SHA256_BYTES];
  vault_claims claims;
} entry;

struct vault_token_cache {
  ekm_mutex lock;
  entry sets[VAULT_TOKEN_CACHE_SETS][VAULT_TOKEN_CACHE_WAYS];
};

bool vault_token_cache_new(vault_token_cache **out_cache, ekm_err *err) {
  *out_cache = ekm_mem_alloc(sizeof **out_cache, err);
  if (*out_cache == NULL) return false;
  ekm_mutex_init(&(*out_cache)->lock);
  return true;
}

void vault_token_cache_free(vault_token_cache **cache) {
  ekm_mem_free(*cache);
  *cache = NULL;
}

static entry *find(entry *set, const uint8_t digest[EKM_SHA256_BYTES]) {
  for (size_t i = 0; i < VAULT_TOKEN_CACHE_WAYS; i++) {
    if (set[i].used && ekm_mem_equal(set[i].digest, digest, EKM_SHA256_BYTES)) return &set[i];
  }
  return NULL;
}

static entry *place(entry *set) {
  entry *first_to_end = &set[0];
  for (size_t i = 0; i < VAULT_TOKEN_CACHE_WAYS; i++) {
    if (!set[i].used) return &set[i];
    if (set[i].claims.expires < first_to_end->claims.expires) first_to_end = &set[i];
  }
  return first_to_end;
}

bool vault_token_cache_get(vault_token_cache *cache, const uint8_t digest[EKM_SHA256_BYTES], vault_claims *out_claims) {
  ekm_mutex_lock(&cache->lock);
  entry *hit = find(cache->sets[digest[0] % VAULT_TOKEN_CACHE_SETS], digest);
  if (hit != NULL) *out_claims = hit->claims;
  ekm_mutex_unlock(&cache->lock);
  return hit != NULL;
}

void vault_token_cache_put(vault_token_cache *cache, const uint8_t digest[EKM_SHA256_BYTES],
                           const vault_claims *claims) {
  entry *set = cache->sets[digest[0] % VAULT_TOKEN_CACHE_SETS];
  ekm_mutex_lock(&cache->lock);
  entry *at = find(set, digest);
  if (at == NULL) at = place(set);
  at->used = true;
  memcpy(at->digest, digest, EKM_SHA256_BYTES);
  at->claims = *claims;
  ekm_mutex_unlock(&cache->lock);
}
