#include "keyring/ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

bool keyring_new(const keyring_options *options, keyring_backend *backend, keyring **out_keyring, ekm_err *err) {
  keyring *ring = ekm_mem_alloc(sizeof *ring, err);
  *out_keyring = ring;
  if (ring == NULL) {
    backend->destroy(backend);
    return false;
  }
  atomic_init(&ring->refs, 1);
  ring->options = *options;
  ring->options.host = NULL; /* it need not live longer than this call */
  if (options->host != NULL) (void)snprintf(ring->host, sizeof ring->host, "%s", options->host);
  ring->backend = backend;
  ekm_mutex_init(&ring->lock);
  ekm_cond_init(&ring->search_ended);
  if (!keyring_unwraps_new(options->crypto, options->clock, options->log, options->keep_ms, options->grace_ms,
                           &ring->unwraps, err)) {
    keyring_unref(out_keyring);
  }
  return *out_keyring != NULL;
}

const char *keyring_host(const keyring *ring) {
  return ring->host[0] == '\0' ? NULL : ring->host;
}

keyring *keyring_ref(keyring *ring) {
  atomic_fetch_add_explicit(&ring->refs, 1, memory_order_relaxed);
  return ring;
}

void keyring_unref(keyring **ring) {
  keyring *last = *ring;
  *ring = NULL;
  if (last == NULL || atomic_fetch_sub_explicit(&last->refs, 1, memory_order_acq_rel) != 1) return;
  for (size_t i = 0; i < last->replica_count; i++) keyring_unref(&last->replicas[i]);
  last->backend->destroy(last->backend);
  keyring_unwraps_free(&last->unwraps);
  keyring_cache_clear(&last->cache);
  keyring_list_clear(&last->names);
  ekm_mem_free(last);
}

/* --- remembering -------------------------------------------------------------------------------------------------- */

keyring_key *ring_ref_of_id(keyring *ring, uint32_t id) {
  keyring_key *key = keyring_cache_key(&ring->cache, id);
  return key == NULL ? NULL : keyring_key_ref(key);
}

bool ring_remember(keyring *ring, const keyring_record *record, keyring_key **out_key, uint32_t *out_id, ekm_err *err) {
  keyring_key *fresh = NULL;

  *out_key = NULL;
  if (!record->enabled) keyring_unwraps_forget(ring->unwraps, record->name, record->version);
  if (!keyring_key_new(ring->options.crypto, record, &fresh, err)) return false;
  ekm_mutex_lock(&ring->lock);
  uint32_t id = keyring_cache_find_version(&ring->cache, fresh->name, fresh->version);
  keyring_key *known = keyring_cache_key(&ring->cache, id);
  bool same = known != NULL && known->enabled == fresh->enabled &&
              ekm_view_equal(keyring_key_thumb(known), keyring_key_thumb(fresh));
  bool findable = same && keyring_cache_find_thumb(&ring->cache, keyring_key_thumb(known)) != 0;
  if (!findable) id = keyring_cache_add(&ring->cache, fresh, err);
  if (!same) ring_found_missing(ring, keyring_key_thumb(fresh));
  *out_key = ring_ref_of_id(ring, id);
  ekm_mutex_unlock(&ring->lock);
  keyring_key_unref(&fresh);
  if (out_id != NULL) *out_id = id;
  return *out_key != NULL;
}

bool keyring_by_id(keyring *ring, uint32_t id, keyring_key **out_key, ekm_err *err) {
  ekm_mutex_lock(&ring->lock);
  *out_key = ring_ref_of_id(ring, id);
  ekm_mutex_unlock(&ring->lock);
  return *out_key != NULL || EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "no key has the id %u", (unsigned)id);
}

/* --- by name ------------------------------------------------------------------------------------------------------ */

/* What was disabled when it was seen may be enabled by now: that is asked again. */
static bool known_usable_version(keyring *ring, const char *name, const char *version, keyring_key **out_key) {
  ekm_mutex_lock(&ring->lock);
  *out_key = ring_ref_of_id(ring, keyring_cache_find_version(&ring->cache, name, version));
  ekm_mutex_unlock(&ring->lock);
  if (*out_key != NULL && !(*out_key)->enabled) keyring_key_unref(out_key);
  return *out_key != NULL;
}

bool keyring_by_name(keyring *ring, const char *name, const char *version, const keyring_call *call,
                     keyring_key **out_key, ekm_err *err) {
  bool ok = false;
  keyring_record record;

  *out_key = NULL;
  keyring_record_init(&record);
  if (version == NULL || !known_usable_version(ring, name, version, out_key)) {
    if (!ring->backend->get(ring->backend, name, version, call, &record, err)) {
      keyring_unwraps_note(ring->unwraps, name, version, err);
      goto done;
    }
    EKM_TRY(ring_remember(ring, &record, out_key, NULL, err));
  }
  if (!(*out_key)->enabled) {
    (void)EKM_FAIL(err, EKM_E_KEY_DISABLED, "key '%s', version %s", (*out_key)->name, (*out_key)->version);
    keyring_key_unref(out_key);
    goto done;
  }
  if (!ring_learn_bits(ring, *out_key, call, err)) {
    keyring_key_unref(out_key);
    goto done;
  }
  if (record.enabled) ring_note_hint(ring, *out_key); /* that is, if the vault was asked */
  ok = true;
done:
  keyring_record_clear(&record);
  return ok;
}

/* --- enumeration -------------------------------------------------------------------------------------------------- */

/* A vault takes no account of case, and may spell a name in a list and in a key differently. */
static int compare_names(const void *a, const void *b) {
  return ekm_text_compare_i(a, b);
}

static bool list_anew(keyring *ring, const keyring_call *call, ekm_err *err) {
  keyring_list fresh = {0};
  if (!ring->backend->list_names(ring->backend, call, &fresh, err)) {
    keyring_note_refusal(ring, err);
    keyring_list_clear(&fresh);
    return false;
  }
  if (fresh.count > 0) qsort(fresh.items, fresh.count, sizeof fresh.items[0], compare_names);
  ekm_mutex_lock(&ring->lock);
  keyring_list old = ring->names;
  ring->names = fresh;
  ekm_mutex_unlock(&ring->lock);
  keyring_list_clear(&old);
  return true;
}

/* The first listed name behind ${name}; sorted names make it independent of what other threads enumerate. */
static bool name_after(keyring *ring, const char *name, char *out_name, size_t out_bytes) {
  size_t low = 0;
  ekm_err ignored = {0};
  ekm_mutex_lock(&ring->lock);
  size_t high = ring->names.count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare_names(ring->names.items[middle], name) <= 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  bool found =
      low < ring->names.count && ekm_text_copy(out_name, out_bytes, ring->names.items[low], "a name", &ignored);
  ekm_mutex_unlock(&ring->lock);
  return found;
}

/* An AES key with which this application may not encrypt, or nobody now, is of no use; the others are. */
static bool is_about_aes_key(const keyring_key *key, ekm_err_id id) {
  return key != NULL && (keyring_is_forbidden(id) || id == EKM_E_KEY_OPERATION || id == EKM_E_KEY_DISABLED ||
                         id == EKM_E_KEY_NOT_IN_TIME);
}

/* Read the newest version of a name for an enumeration: *out_id stays 0 if the key is of no use to SQL Server. */
static bool enumerate_name(keyring *ring, const char *name, const keyring_call *call, uint32_t *out_id, ekm_err *err) {
  keyring_record record;
  keyring_key *key = NULL;

  keyring_record_init(&record);
  bool ok = ring->backend->get(ring->backend, name, NULL, call, &record, err);
  if (ok && record.enabled) {
    ok = ring_remember(ring, &record, &key, out_id, err) && ring_learn_bits(ring, key, call, err);
    if (!ok) *out_id = 0;
  }
  if (!ok && (err->id == EKM_E_KEY_NOT_FOUND || err->id == EKM_E_KEY_TYPE || is_about_aes_key(key, err->id))) {
    ekm_err_clear(err);
    ok = true;
  }
  keyring_key_unref(&key);
  keyring_record_clear(&record);
  return ok;
}

bool keyring_next_id(keyring *ring, uint32_t id, const keyring_call *call, uint32_t *out_id, ekm_err *err) {
  char name[EKM_LIMIT_KEY_NAME_CHARS + 1] = ""; /* sorts before every name */
  keyring_key *key = NULL;

  *out_id = 0;
  if (id == 0) {
    if (!list_anew(ring, call, err)) return false;
  } else {
    if (!keyring_by_id(ring, id, &key, err)) return false;
    memcpy(name, key->name, sizeof name);
    keyring_key_unref(&key);
  }
  while (name_after(ring, name, name, sizeof name)) {
    if (!enumerate_name(ring, name, call, out_id, err)) return false;
    if (*out_id != 0) return true;
  }
  return EKM_FAIL(err, EKM_E_END_OF_LIST, "no more keys");
}

/* Not a missing permission: who may not list may unwrap nevertheless. */
void keyring_note_refusal(keyring *ring, const ekm_err *err) {
  if (keyring_is_forbidden(err->id)) return;
  keyring_unwraps_note(ring->unwraps, NULL, NULL, err);
  ring_tell_replicas(ring, err);
}

/* --- create and drop ---------------------------------------------------------------------------------------------- */

bool keyring_fail_created(const char *name, ekm_err *err) {
  const ekm_err why = *err;
  return EKM_FAIL(err, EKM_E_CREATION_UNSURE, "'%s' was created; %s: %s", name, ekm_err_info_of(why.id)->text,
                  why.detail);
}

bool keyring_create(keyring *ring, const char *name, keyring_kind kind, unsigned bits, const keyring_call *call,
                    keyring_key **out_key, ekm_err *err) {
  keyring_record record;
  *out_key = NULL;
  if (!ring_can_report(ring, name, err)) return false;
  keyring_record_init(&record);
  bool ok = ring->backend->create(ring->backend, name, kind, bits, call, &record, err);
  if (ok) ok = ring_remember(ring, &record, out_key, NULL, err) || keyring_fail_created(name, err);
  if (ok && kind == KEYRING_AES) atomic_store_explicit(&(*out_key)->aes_bits, bits, memory_order_relaxed);
  if (ok) ring_note_hint(ring, *out_key);
  keyring_record_clear(&record);
  return ok;
}

void ring_forget(keyring *ring, const keyring_key *key) {
  ekm_mutex_lock(&ring->lock);
  keyring_cache_forget_thumb(&ring->cache, keyring_key_thumb(key));
  ekm_mutex_unlock(&ring->lock);
}

bool keyring_drop(keyring *ring, const keyring_key *key, const keyring_call *call, ekm_err *err) {
  bool ok = false;
  keyring_list versions = {0};

  EKM_TRY(ring->backend->list_versions(ring->backend, key->name, call, &versions, err));
  if (versions.count != 1 || strcmp(versions.items[0], key->version) != 0) {
    EKM_BAIL(err, EKM_E_DROP_VERSIONS, "key '%s' has %zu versions", key->name, versions.count);
  }
  EKM_TRY(ring->backend->drop(ring->backend, key->name, call, err));
  ring_forget(ring, key);
  ok = true;
done:
  keyring_list_clear(&versions);
  return ok;
}
