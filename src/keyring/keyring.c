#include "keyring/keyring.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "base/text.h"
#include "keyring/cache.h"
#include "keyring/foreign.h"
#include "keyring/search.h"
#include "keyring/unwraps.h"

enum {
  WAIT_STEP_MS = 100, /* between looks at whether a waiting call was cancelled */
  ALIASES = 64        /* thumbprints of another connector that lead to a key here; the oldest goes */
};

/* A thumbprint of another connector, and the key's own. */
typedef struct alias {
  uint8_t foreign[KEYRING_FOREIGN_NAME_BYTES];
  size_t foreign_len; /* 0: the place is free */
  uint8_t own[KEYRING_THUMB_BYTES];
} alias;

struct keyring {
  atomic_uint refs;
  keyring_options options;
  char host[EKM_LIMIT_HOST_BYTES + 1];
  keyring_backend *backend;
  keyring_unwraps *unwraps;

  ekm_mutex lock; /* covers everything below; never held during a request */
  keyring_cache cache;
  alias aliases[ALIASES];
  size_t alias_next;
  keyring_list names; /* what the last enumeration listed, sorted */
  bool searching;     /* one search by thumbprint at a time */
  size_t resume_at;   /* where the next search begins; belongs to the one who searches */
  uint64_t searches;  /* how many have begun */
  uint64_t fruitless; /* the number of the last one that went through the whole vault in vain; 0 for none */
  ekm_cond search_ended;
};

/* What a wrap algorithm costs of the modulus: 2 * hash + 2 bytes, RFC 8017 section 7.1.1. */
static const struct {
  const char *alg;
  size_t overhead_bytes;
} wrap_algs[] = {{"RSA-OAEP-256", 66}, {"RSA-OAEP", 42}};

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
  last->backend->destroy(last->backend);
  keyring_unwraps_free(&last->unwraps);
  keyring_cache_clear(&last->cache);
  keyring_list_clear(&last->names);
  ekm_mem_free(last);
}

/* --- remembering -------------------------------------------------------------------------------------------------- */

static keyring_key *ref_of_id(keyring *ring, uint32_t id) {
  keyring_key *key = keyring_cache_key(&ring->cache, id);
  return key == NULL ? NULL : keyring_key_ref(key);
}

/* The key of a record: the one that is known already, if it is the same material in the same state, else a new one. */
static bool remember(keyring *ring, const keyring_record *record, keyring_key **out_key, uint32_t *out_id,
                     ekm_err *err) {
  keyring_key *fresh = NULL;

  *out_key = NULL;
  if (!record->enabled) keyring_unwraps_forget(ring->unwraps, record->version);
  if (!keyring_key_new(ring->options.crypto, record, &fresh, err)) return false;
  ekm_mutex_lock(&ring->lock);
  uint32_t id = keyring_cache_find_version(&ring->cache, fresh->name, fresh->version);
  keyring_key *known = keyring_cache_key(&ring->cache, id);
  bool same = known != NULL && known->enabled == fresh->enabled &&
              ekm_view_equal(keyring_key_thumb(known), keyring_key_thumb(fresh));
  bool findable = same && keyring_cache_find_thumb(&ring->cache, keyring_key_thumb(known)) != 0;
  if (!findable) id = keyring_cache_add(&ring->cache, fresh, err);
  *out_key = ref_of_id(ring, id);
  ekm_mutex_unlock(&ring->lock);
  keyring_key_unref(&fresh);
  if (out_id != NULL) *out_id = id;
  return *out_key != NULL;
}

/* The place of a foreign thumbprint, or NULL. The lock is held by the caller, as below. */
static alias *find_alias(keyring *ring, ekm_view thumb) {
  for (size_t i = 0; i < ALIASES; i++) {
    alias *each = &ring->aliases[i];
    if (each->foreign_len > 0 && ekm_view_equal(ekm_view_of(each->foreign, each->foreign_len), thumb)) return each;
  }
  return NULL;
}

static void note_alias(keyring *ring, ekm_view thumb, const keyring_key *key) {
  alias *at = find_alias(ring, thumb);
  if (thumb.len == 0 || thumb.len > sizeof at->foreign) return;
  if (at == NULL) {
    at = &ring->aliases[ring->alias_next];
    ring->alias_next = (ring->alias_next + 1) % ALIASES;
  }
  memcpy(at->foreign, thumb.ptr, thumb.len);
  at->foreign_len = thumb.len;
  memcpy(at->own, key->thumb, sizeof at->own);
}

/* A key's own thumbprint comes first. */
static uint32_t find_thumb(keyring *ring, ekm_view thumb) {
  uint32_t id = keyring_cache_find_thumb(&ring->cache, thumb);
  const alias *other = id == 0 ? find_alias(ring, thumb) : NULL;
  return other == NULL ? id : keyring_cache_find_thumb(&ring->cache, ekm_view_of(other->own, sizeof other->own));
}

keyring_key *keyring_peek(keyring *ring, ekm_view thumb) {
  ekm_mutex_lock(&ring->lock);
  keyring_key *key = ref_of_id(ring, find_thumb(ring, thumb));
  ekm_mutex_unlock(&ring->lock);
  return key;
}

bool keyring_by_id(keyring *ring, uint32_t id, keyring_key **out_key, ekm_err *err) {
  ekm_mutex_lock(&ring->lock);
  *out_key = ref_of_id(ring, id);
  ekm_mutex_unlock(&ring->lock);
  return *out_key != NULL || EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "no key has the id %u", (unsigned)id);
}

/* --- by name ------------------------------------------------------------------------------------------------------ */

/* What was disabled when it was seen may be enabled by now: that is asked again. */
static bool known_usable_version(keyring *ring, const char *name, const char *version, keyring_key **out_key) {
  ekm_mutex_lock(&ring->lock);
  *out_key = ref_of_id(ring, keyring_cache_find_version(&ring->cache, name, version));
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
      keyring_unwraps_note(ring->unwraps, err);
      goto done;
    }
    EKM_TRY(remember(ring, &record, out_key, NULL, err));
  }
  if (!(*out_key)->enabled) {
    (void)EKM_FAIL(err, EKM_E_KEY_DISABLED, "key '%s', version %s", (*out_key)->name, (*out_key)->version);
    keyring_key_unref(out_key);
    goto done;
  }
  ok = true;
done:
  keyring_record_clear(&record);
  return ok;
}

/* --- by thumbprint ------------------------------------------------------------------------------------------------ */

typedef struct wanted {
  keyring *ring;
  ekm_view thumb;
} wanted;

/* A version that is known by its name but was forgotten by its thumbprint is worth another look: it may have been
 * deleted and recovered since. */
static bool wanted_seen(void *arg, const char *name, const char *version) {
  wanted *w = arg;
  ekm_mutex_lock(&w->ring->lock);
  const keyring_cache *cache = &w->ring->cache;
  const keyring_key *key = keyring_cache_key(cache, keyring_cache_find_version(cache, name, version));
  bool findable = key != NULL && keyring_cache_find_thumb(cache, keyring_key_thumb(key)) != 0;
  ekm_mutex_unlock(&w->ring->lock);
  return findable;
}

/* By its own thumbprint, or by one of another connector, which is noted. */
static bool is_wanted(keyring *ring, const keyring_key *key, ekm_view thumb, bool *out_is, ekm_err *err) {
  *out_is = ekm_view_equal(keyring_key_thumb(key), thumb);
  if (*out_is) return true;
  if (!keyring_foreign_is(ring->options.crypto, key, thumb, out_is, err)) return false;
  if (*out_is) {
    ekm_mutex_lock(&ring->lock);
    note_alias(ring, thumb, key);
    ekm_mutex_unlock(&ring->lock);
  }
  return true;
}

/* A search passes by what is known, so that is looked through before. */
static bool is_known_key(keyring *ring, ekm_view thumb, bool *out_found, ekm_err *err) {
  *out_found = false;
  for (uint32_t id = 1; !*out_found; id++) {
    ekm_mutex_lock(&ring->lock);
    keyring_key *key = ref_of_id(ring, id);
    ekm_mutex_unlock(&ring->lock);
    if (key == NULL) break;
    bool ok = is_wanted(ring, key, thumb, out_found, err);
    keyring_key_unref(&key);
    if (!ok) return false;
  }
  return true;
}

static bool wanted_visit(void *arg, const keyring_record *record, bool *out_found, ekm_err *err) {
  wanted *w = arg;
  keyring_key *key = NULL;
  if (!remember(w->ring, record, &key, NULL, err)) {
    if (err->id != EKM_E_KEY_TYPE) return false;
    ekm_err_clear(err); /* other keys may live in the vault too */
    return true;
  }
  bool ok = is_wanted(w->ring, key, w->thumb, out_found, err);
  keyring_key_unref(&key);
  return ok;
}

static bool is_cancelled(const keyring_call *call) {
  return call->is_cancelled != NULL && call->is_cancelled(call->cancel_arg);
}

/* Wait until no other thread searches, then be the one who does; or find the key, or learn that a whole search was in
 * vain. Not one that had begun before this call: it may have passed by a key that is newer. Returns true if the caller
 * must search. The lock is held by the caller. */
static bool take_search_turn(keyring *ring, ekm_view thumb, const keyring_call *call) {
  uint64_t begun_before = ring->searches;
  while (ring->searching && !is_cancelled(call)) {
    int64_t left_ms = ekm_deadline_left_ms(call->deadline, ring->options.clock);
    if (left_ms == 0) break;
    ekm_cond_wait(&ring->search_ended, &ring->lock, left_ms < WAIT_STEP_MS ? left_ms : WAIT_STEP_MS);
  }
  if (ring->searching || ring->fruitless > begun_before) return false;
  if (find_thumb(ring, thumb) != 0) return false;
  ring->searching = true;
  ring->searches++;
  return true;
}

static bool waited_in_vain(const keyring_call *call, ekm_err *err) {
  return EKM_FAIL(err, is_cancelled(call) ? EKM_E_CANCELLED : EKM_E_DEADLINE,
                  "while another thread searched the vault for a key");
}

static bool search_now(keyring *ring, ekm_view thumb, const keyring_call *call, ekm_err *err) {
  wanted w = {ring, thumb};
  keyring_visit visitor = {wanted_seen, wanted_visit, &w};
  bool found = false;

  EKM_LOG(ring->options.log, EKM_LOG_INFO, "keyring.search", EKM_LOG_HEX("thumbprint", thumb));
  bool ok = keyring_search(ring->backend, &visitor, call, &ring->resume_at, &found, err);
  ekm_mutex_lock(&ring->lock);
  ring->searching = false;
  if (ok && !found) ring->fruitless = ring->searches;
  ekm_cond_wake_all(&ring->search_ended);
  ekm_mutex_unlock(&ring->lock);
  return ok;
}

static bool search_in_turn(keyring *ring, ekm_view thumb, const keyring_call *call, ekm_err *err) {
  bool known = false;
  if (!is_known_key(ring, thumb, &known, err)) return false;
  ekm_mutex_lock(&ring->lock);
  bool my_turn = take_search_turn(ring, thumb, call);
  bool still_searching = ring->searching && !my_turn;
  ekm_mutex_unlock(&ring->lock);
  if (still_searching) return waited_in_vain(call, err);
  return !my_turn || search_now(ring, thumb, call, err);
}

/* The newest version of the name that can be used. */
static bool newest_of(keyring *ring, const char *name, const keyring_call *call, keyring_key **out_key, ekm_err *err) {
  keyring_list versions = {0};
  if (keyring_by_name(ring, name, NULL, call, out_key, err)) return true;
  if (err->id != EKM_E_KEY_DISABLED) return false;
  ekm_err none_left = *err;
  bool ok = ring->backend->list_versions(ring->backend, name, call, &versions, err);
  for (size_t i = 0; ok && *out_key == NULL && i < versions.count; i++) {
    ok = keyring_by_name(ring, name, versions.items[i], call, out_key, err) || err->id == EKM_E_KEY_DISABLED;
  }
  if (ok && *out_key == NULL) *err = none_left;
  keyring_list_clear(&versions);
  return *out_key != NULL;
}

/* A packed name: see foreign.h. */
static bool by_packed_name(keyring *ring, ekm_view thumb, const keyring_call *call, keyring_key **out_key,
                           ekm_err *err) {
  char name[KEYRING_FOREIGN_NAME_CHARS + 1];
  if (!keyring_foreign_unpack(thumb, name)) return true;
  if (!newest_of(ring, name, call, out_key, err)) {
    if (err->id != EKM_E_KEY_NOT_FOUND) return false;
    ekm_err_clear(err);
    return true;
  }
  ekm_mutex_lock(&ring->lock);
  note_alias(ring, thumb, *out_key);
  ekm_mutex_unlock(&ring->lock);
  return true;
}

bool keyring_by_thumb(keyring *ring, ekm_view thumb, const keyring_call *call, keyring_key **out_key, ekm_err *err) {
  char hex[2 * KEYRING_FOREIGN_NAME_BYTES + 1] = "";

  *out_key = keyring_peek(ring, thumb);
  if (*out_key != NULL) return true;
  if (thumb.len == KEYRING_THUMB_BYTES) {
    if (!search_in_turn(ring, thumb, call, err)) return false;
    *out_key = keyring_peek(ring, thumb);
    if (*out_key != NULL) return true;
  }
  if (!by_packed_name(ring, thumb, call, out_key, err)) return false;
  if (*out_key != NULL) return true;
  ekm_hex_text(thumb, hex, sizeof hex);
  return EKM_FAIL(err, EKM_E_KEY_NOT_FOUND, "no key of the vault has the thumbprint %s", hex);
}

static bool refuse_packing(const char *name, ekm_err *err) {
  return EKM_FAIL(err, EKM_E_KEY_NAME_BAD, "'%s' has no packed form: at most %d letters, digits and hyphens", name,
                  KEYRING_FOREIGN_NAME_CHARS);
}

static bool append_reported(const keyring *ring, const keyring_key *key, ekm_buf *out, ekm_err *err) {
  keyring_thumb_kind kind = ring->options.report;
  if (kind == KEYRING_THUMB_OWN) {
    ekm_buf_append_view(out, keyring_key_thumb(key));
  } else if (kind >= KEYRING_THUMB_SHA1) {
    return keyring_foreign_hash(ring->options.crypto, key, (keyring_blob_form)(kind - KEYRING_THUMB_SHA1), out, err);
  } else if (!keyring_foreign_pack(key->name, out)) {
    return refuse_packing(key->name, err);
  }
  return ekm_buf_ok(out, "a thumbprint", err);
}

bool keyring_thumb_of(keyring *ring, const keyring_key *key, ekm_buf *out, ekm_err *err) {
  size_t before = out->len;
  if (!append_reported(ring, key, out, err)) return false;
  if (ring->options.report == KEYRING_THUMB_OWN) return true;
  ekm_mutex_lock(&ring->lock);
  note_alias(ring, ekm_view_of(out->ptr + before, out->len - before), key);
  ekm_mutex_unlock(&ring->lock);
  return true;
}

/* --- enumeration -------------------------------------------------------------------------------------------------- */

/* A vault takes no account of case, and may spell a name in a list and in a key differently. */
static int compare_names(const void *a, const void *b) {
  return ekm_text_compare_i(a, b);
}

static bool list_anew(keyring *ring, const keyring_call *call, ekm_err *err) {
  keyring_list fresh = {0};
  if (!ring->backend->list_names(ring->backend, call, &fresh, err)) {
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

/* Read the newest version of a name for an enumeration: *out_id stays 0 if the key is of no use to SQL Server. */
static bool enumerate_name(keyring *ring, const char *name, const keyring_call *call, uint32_t *out_id, ekm_err *err) {
  keyring_record record;
  keyring_key *key = NULL;

  keyring_record_init(&record);
  bool ok = ring->backend->get(ring->backend, name, NULL, call, &record, err);
  if (ok && record.enabled) ok = remember(ring, &record, &key, out_id, err);
  if (!ok && (err->id == EKM_E_KEY_NOT_FOUND || err->id == EKM_E_KEY_TYPE)) {
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

/* --- create and drop ---------------------------------------------------------------------------------------------- */

/* A key whose thumbprint could not be told must not be made. */
static bool can_report(const keyring *ring, const char *name, ekm_err *err) {
  ekm_buf packed;
  if (ring->options.report != KEYRING_THUMB_NAME) return true;
  ekm_buf_init(&packed, KEYRING_FOREIGN_NAME_BYTES);
  bool ok = keyring_foreign_pack(name, &packed) || refuse_packing(name, err);
  ekm_buf_clear(&packed);
  return ok;
}

bool keyring_create(keyring *ring, const char *name, unsigned bits, const keyring_call *call, keyring_key **out_key,
                    ekm_err *err) {
  keyring_record record;
  *out_key = NULL;
  if (!can_report(ring, name, err)) return false;
  keyring_record_init(&record);
  bool ok = ring->backend->create_rsa(ring->backend, name, bits, call, &record, err) &&
            remember(ring, &record, out_key, NULL, err);
  keyring_record_clear(&record);
  return ok;
}

static void forget(keyring *ring, const keyring_key *key) {
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
  forget(ring, key);
  ok = true;
done:
  keyring_list_clear(&versions);
  return ok;
}

/* --- wrap and unwrap ---------------------------------------------------------------------------------------------- */

size_t keyring_wrap_limit(const keyring *ring, const keyring_key *key) {
  for (size_t i = 0; i < sizeof wrap_algs / sizeof wrap_algs[0]; i++) {
    if (strcmp(wrap_algs[i].alg, ring->options.wrap_alg) == 0) return key->n.len - wrap_algs[i].overhead_bytes;
  }
  return 0;
}

bool keyring_wrap(keyring *ring, const keyring_key *key, ekm_view plaintext, const keyring_call *call,
                  ekm_buf *out_ciphertext, ekm_err *err) {
  size_t limit = keyring_wrap_limit(ring, key);
  if (plaintext.len > limit) {
    return EKM_FAIL(err, EKM_E_DATA_TOO_LONG, "%zu bytes; key '%s' wraps at most %zu with %s", plaintext.len, key->name,
                    limit, ring->options.wrap_alg);
  }
  if (!ring->backend->wrap(ring->backend, key->name, key->version, ring->options.wrap_alg, plaintext, call,
                           out_ciphertext, err)) {
    keyring_unwraps_note(ring->unwraps, err);
    if (err->id == EKM_E_KEY_NOT_FOUND) forget(ring, key); /* perhaps it lives on under another name */
    return false;
  }
  if (out_ciphertext->len != key->n.len) {
    return EKM_FAIL(err, EKM_E_WRAP_ANSWER, "%zu bytes for a key of %zu", out_ciphertext->len, key->n.len);
  }
  return true;
}

/* The ways to unwrap, in the order in which they are tried. RSA1_5 comes last: a vault may answer it with random bytes
 * instead of a refusal (implicit rejection), so that nothing behind it would ever be tried. */
static const struct {
  const char *alg;
  bool reversed, is_rsa1_5;
} unwrap_methods[] = {{"RSA-OAEP-256", false, false}, {"RSA-OAEP", false, false}, {"RSA-OAEP-256", true, false},
                      {"RSA-OAEP", true, false},      {"RSA1_5", false, true},    {"RSA1_5", true, true}};

enum { UNWRAP_METHODS = sizeof unwrap_methods / sizeof unwrap_methods[0] };

typedef struct unwrapping {
  keyring *ring;
  const keyring_key *key;
  ekm_view ciphertext;
  const keyring_call *call;
} unwrapping;

static bool is_allowed(const keyring *ring, int method) {
  if (method < 0 || method >= UNWRAP_METHODS) return false;
  return (!unwrap_methods[method].reversed || ring->options.unwrap_reversed) &&
         (!unwrap_methods[method].is_rsa1_5 || ring->options.unwrap_rsa1_5);
}

static bool unwrap_by(const unwrapping *w, int method, ekm_buf *out_plaintext, ekm_err *err) {
  uint8_t reversed[EKM_LIMIT_RSA_MODULUS_BYTES];
  keyring_backend *backend = w->ring->backend;
  ekm_view ciphertext = w->ciphertext;
  if (unwrap_methods[method].reversed) {
    for (size_t i = 0; i < ciphertext.len; i++) reversed[i] = ciphertext.ptr[ciphertext.len - 1 - i];
    ciphertext = ekm_view_of(reversed, ciphertext.len);
  }
  ekm_buf_reset(out_plaintext);
  if (!backend->unwrap(backend, w->key->name, w->key->version, unwrap_methods[method].alg, ciphertext, w->call,
                       out_plaintext, err)) {
    return false;
  }
  if (out_plaintext->len == 0 || out_plaintext->len > w->key->n.len) {
    return EKM_FAIL(err, EKM_E_UNWRAP_ANSWER, "a plaintext of %zu bytes", out_plaintext->len);
  }
  return true;
}

/* The way that worked before, then all others; only a definite refusal leads to the next one. */
static bool ask_vault(void *arg, int *method, ekm_buf *out_plaintext, ekm_err *err) {
  const unwrapping *w = arg;
  int before = *method;
  for (int i = -1; i < UNWRAP_METHODS; i++) {
    int next = i < 0 ? before : i;
    if (!is_allowed(w->ring, next) || (i >= 0 && i == before)) continue;
    ekm_err_clear(err);
    *method = next;
    if (unwrap_by(w, next, out_plaintext, err)) return true;
    if (err->id != EKM_E_UNWRAP_REFUSED) return false;
  }
  return false;
}

bool keyring_unwrap(keyring *ring, const keyring_key *key, ekm_view ciphertext, const keyring_call *call,
                    ekm_buf *out_plaintext, ekm_err *err) {
  if (ciphertext.len != key->n.len) {
    return EKM_FAIL(err, EKM_E_CIPHERTEXT_LENGTH, "%zu bytes; key '%s' makes %zu", ciphertext.len, key->name,
                    key->n.len);
  }
  unwrapping w = {ring, key, ciphertext, call};
  const keyring_unwraps_asker asker = {ask_vault, &w};
  const keyring_unwraps_question asked = {key->name, key->version, ciphertext};
  bool ok = keyring_unwraps_run(ring->unwraps, &asked, &asker, call, out_plaintext, err);
  if (!ok && err->id == EKM_E_KEY_NOT_FOUND) forget(ring, key);
  return ok;
}

/* What is to be opened. */
typedef struct opening {
  ekm_view thumb, ciphertext;
  const keyring_call *call;
} opening;

static bool unwrap_with(keyring *ring, const char *name, const char *version, const opening *o, keyring_key **out_key,
                        ekm_buf *out_plaintext, ekm_err *err) {
  ekm_buf_reset(out_plaintext);
  return keyring_by_name(ring, name, version, o->call, out_key, err) &&
         keyring_unwrap(ring, *out_key, o->ciphertext, o->call, out_plaintext, err);
}

static bool is_about_version(ekm_err_id id) {
  return id == EKM_E_UNWRAP_REFUSED || id == EKM_E_KEY_DISABLED || id == EKM_E_KEY_NOT_FOUND || id == EKM_E_KEY_TYPE ||
         id == EKM_E_CIPHERTEXT_LENGTH || id == EKM_E_KEY_NOT_IN_TIME;
}

/* Which version a packed name means, only the ciphertext knows. ${tried} did not fit, by ${err}. */
static bool unwrap_with_others(keyring *ring, const opening *o, const keyring_key *tried, ekm_buf *out_plaintext,
                               ekm_err *err) {
  bool ok = false;
  keyring_list versions = {0};
  const ekm_err refused = *err;

  ekm_err_clear(err);
  EKM_TRY(ring->backend->list_versions(ring->backend, tried->name, o->call, &versions, err));
  for (size_t i = 0; !ok && i < versions.count; i++) {
    keyring_key *key = NULL;
    if (strcmp(versions.items[i], tried->version) == 0) continue;
    ok = unwrap_with(ring, tried->name, versions.items[i], o, &key, out_plaintext, err);
    if (ok) {
      ekm_mutex_lock(&ring->lock);
      note_alias(ring, o->thumb, key);
      ekm_mutex_unlock(&ring->lock);
    }
    keyring_key_unref(&key);
    if (!ok && !is_about_version(err->id)) goto done;
    if (!ok) ekm_err_clear(err);
  }
  if (!ok) *err = refused;
done:
  keyring_list_clear(&versions);
  return ok;
}

bool keyring_unwrap_by_thumb(keyring *ring, ekm_view thumb, ekm_view ciphertext, const keyring_call *call,
                             ekm_buf *out_plaintext, ekm_err *err) {
  char name[KEYRING_FOREIGN_NAME_CHARS + 1];
  keyring_key *key = NULL;
  const opening o = {thumb, ciphertext, call};
  if (!keyring_by_thumb(ring, thumb, call, &key, err)) return false;
  bool ok = keyring_unwrap(ring, key, ciphertext, call, out_plaintext, err);
  bool is_packed = keyring_foreign_unpack(thumb, name) && ekm_text_ieq(name, key->name);
  if (!ok && is_packed && is_about_version(err->id)) ok = unwrap_with_others(ring, &o, key, out_plaintext, err);
  keyring_key_unref(&key);
  return ok;
}
