#include <string.h>

#include "base/hex.h"
#include "base/text.h"
#include "keyring/hints.h"
#include "keyring/ring.h"
#include "keyring/search.h"
#include "keyring/turns.h"
#include "keyring/wait.h"
#include "keyvault/key.h"

enum { THUMB_MAX_BYTES = 32 }; /* that an engine passes (sqlcrypt_abi.h) */

/* --- foreign thumbprints that are known --------------------------------------------------------------------------- */

/* The place of a foreign thumbprint, or NULL. The lock is held by the caller, as below. */
static ring_alias *find_alias(keyring *ring, ekm_view thumb) {
  for (size_t i = 0; i < RING_ALIASES; i++) {
    ring_alias *each = &ring->aliases[i];
    if (each->foreign_len > 0 && ekm_view_equal(ekm_view_of(each->foreign, each->foreign_len), thumb)) return each;
  }
  return NULL;
}

static void note_alias_locked(keyring *ring, ekm_view thumb, const keyring_key *key) {
  ring_alias *at = find_alias(ring, thumb);
  if (thumb.len == 0 || thumb.len > sizeof at->foreign) return;
  if (at == NULL) {
    at = &ring->aliases[ring->alias_next];
    ring->alias_next = (ring->alias_next + 1) % RING_ALIASES;
  }
  memcpy(at->foreign, thumb.ptr, thumb.len);
  at->foreign_len = thumb.len;
  memcpy(at->own, key->thumb, sizeof at->own);
}

void ring_note_alias(keyring *ring, ekm_view thumb, const keyring_key *key) {
  ekm_mutex_lock(&ring->lock);
  note_alias_locked(ring, thumb, key);
  ekm_mutex_unlock(&ring->lock);
}

/* A key's own thumbprint comes first. */
static uint32_t find_thumb(keyring *ring, ekm_view thumb) {
  uint32_t id = keyring_cache_find_thumb(&ring->cache, thumb);
  const ring_alias *other = id == 0 ? find_alias(ring, thumb) : NULL;
  return other == NULL ? id : keyring_cache_find_thumb(&ring->cache, ekm_view_of(other->own, sizeof other->own));
}

keyring_key *keyring_peek(keyring *ring, ekm_view thumb) {
  ekm_mutex_lock(&ring->lock);
  keyring_key *key = ring_ref_of_id(ring, find_thumb(ring, thumb));
  ekm_mutex_unlock(&ring->lock);
  return key;
}

/* --- thumbprints that no key has ---------------------------------------------------------------------------------- */

static ring_missing *find_missing(keyring *ring, ekm_view thumb) {
  for (size_t i = 0; i < RING_MISSING; i++) {
    ring_missing *each = &ring->missing[i];
    if (each->until_ms != 0 && ekm_view_equal(ekm_view_of(each->thumb, sizeof each->thumb), thumb)) return each;
  }
  return NULL;
}

void ring_found_missing(keyring *ring, ekm_view thumb) {
  ring_missing *at = find_missing(ring, thumb);
  if (at != NULL) at->until_ms = 0;
}

static bool is_missing_locked(keyring *ring, ekm_view thumb) {
  const ring_missing *at = find_missing(ring, thumb);
  return at != NULL && ekm_clock_mono_ms(ring->options.clock) < at->until_ms;
}

static void note_missing_locked(keyring *ring, ekm_view thumb) {
  ring_missing *at = find_missing(ring, thumb);
  if (ring->options.search_again_ms == 0 || thumb.len != sizeof at->thumb) return;
  if (at == NULL) {
    at = &ring->missing[ring->missing_next];
    ring->missing_next = (ring->missing_next + 1) % RING_MISSING;
  }
  memcpy(at->thumb, thumb.ptr, thumb.len);
  at->until_ms = ekm_clock_mono_ms(ring->options.clock) + ring->options.search_again_ms;
}

/* --- by thumbprint ------------------------------------------------------------------------------------------------ */

typedef struct wanted {
  keyring *ring;
  ekm_view thumb;
  uint32_t compared; /* the keys up to this id were compared with it before the search */
} wanted;

/* By its own thumbprint, or by one of another connector, which is noted. */
static bool is_wanted(keyring *ring, const keyring_key *key, ekm_view thumb, bool *out_is, ekm_err *err) {
  *out_is = ekm_view_equal(keyring_key_thumb(key), thumb);
  if (*out_is) return true;
  if (!keyring_foreign_is(ring->options.crypto, key, thumb, out_is, err)) return false;
  if (*out_is) {
    ring_note_alias(ring, thumb, key);
  }
  return true;
}

/* A version that is known by its name but was forgotten by its thumbprint is worth another look: it may have been
 * deleted and recovered since. What came to be known since the search began, by it or by other threads, is compared
 * here; if it is the one, it is noted and found after the walk. */
static bool wanted_seen(void *arg, const char *name, const char *version) {
  const wanted *w = arg;
  const keyring_cache *cache = &w->ring->cache;
  bool is_it = false;
  ekm_err ignored = {0};
  ekm_mutex_lock(&w->ring->lock);
  uint32_t id = keyring_cache_find_version(cache, name, version);
  keyring_key *key = ring_ref_of_id(w->ring, id);
  bool findable = key != NULL && keyring_cache_find_thumb(cache, keyring_key_thumb(key)) != 0;
  ekm_mutex_unlock(&w->ring->lock);
  if (findable && id > w->compared) findable = is_wanted(w->ring, key, w->thumb, &is_it, &ignored);
  keyring_key_unref(&key);
  return findable;
}

/* A search passes by what is known, so that is looked through before; and who waited for another's search, after it. */
static bool compare_known(wanted *w, bool *out_found, ekm_err *err) {
  *out_found = false;
  for (uint32_t id = w->compared + 1; !*out_found; id++) {
    ekm_mutex_lock(&w->ring->lock);
    keyring_key *key = ring_ref_of_id(w->ring, id);
    ekm_mutex_unlock(&w->ring->lock);
    if (key == NULL) break;
    bool ok = is_wanted(w->ring, key, w->thumb, out_found, err);
    w->compared = id;
    keyring_key_unref(&key);
    if (!ok) return false;
  }
  return true;
}

static void note_answer(keyring *ring) {
  ekm_mutex_lock(&ring->lock);
  ring->answers_until_ms = ekm_clock_mono_ms(ring->options.clock) + RING_SILENCE_MS;
  ekm_mutex_unlock(&ring->lock);
}

static bool wanted_visit(void *arg, const keyring_record *record, bool *out_found, ekm_err *err) {
  wanted *w = arg;
  keyring_key *key = NULL;
  note_answer(w->ring);
  if (!ring_remember(w->ring, record, &key, NULL, err)) {
    if (err->id != EKM_E_KEY_TYPE) return false;
    ekm_err_clear(err); /* other keys may live in the vault too */
    return true;
  }
  bool ok = is_wanted(w->ring, key, w->thumb, out_found, err);
  if (*out_found && !record->enabled) *out_found = false; /* another copy of it may be enabled */
  keyring_key_unref(&key);
  return ok;
}

/* --- before a search ---------------------------------------------------------------------------------------------- */

/* Look at one key that may be the one. Whatever is wrong with it alone is no reason not to look elsewhere. */
static bool try_key(wanted *w, const char *name, const char *version, const keyring_call *call, bool *out_found,
                    ekm_err *err) {
  keyring_record record;
  keyring_backend *backend = w->ring->backend;
  keyring_record_init(&record);
  bool ok = backend->get(backend, name, version, call, &record, err) && wanted_visit(w, &record, out_found, err);
  keyring_record_clear(&record);
  if (ok || err->id == EKM_E_OUT_OF_MEMORY || err->id == EKM_E_CANCELLED || keyring_is_outage(err)) return ok;
  ekm_err_clear(err);
  return true;
}

static bool try_hint(wanted *w, const keyring_call *call, bool *out_found, ekm_err *err) {
  keyring_hint hint;
  keyring *ring = w->ring;
  if (ring->options.hints == NULL || !keyring_hints_find(ring->options.hints, ring->host, w->thumb, &hint)) return true;
  return try_key(w, hint.name, hint.version, call, out_found, err);
}

/* Another connector said that this thumbprint means this key. How it made the thumbprint is not known, so there is
 * nothing to compare; whether it is the right key, the ciphertext tells. */
static bool try_left_behind(wanted *w, const keyring_call *call, bool *out_found, ekm_err *err) {
  akv_kid kid;
  ekm_err ignored = {0};
  keyring *ring = w->ring;
  keyring_key *key = NULL;
  ekm_buf uri;

  ekm_buf_init(&uri, EKM_LIMIT_URL_BYTES);
  bool is_noted = ring->options.left_behind != NULL && ring->options.left_behind(w->thumb, &uri) &&
                  ekm_buf_ok(&uri, "the URI of a key", &ignored) &&
                  akv_kid_parse(ekm_buf_text(&uri), ring->host, &kid, &ignored);
  ekm_buf_clear(&uri);
  if (!is_noted) return true;
  const char *version = kid.version[0] == '\0' ? NULL : kid.version;
  if (keyring_by_name(ring, kid.name, version, call, &key, err)) {
    EKM_LOG(ring->options.log, EKM_LOG_INFO, "keyring.left_behind", EKM_LOG_HEX("thumbprint", w->thumb),
            EKM_LOG_TEXT("name", keyring_key_name(key)), EKM_LOG_TEXT("version", keyring_key_version(key)));
    ring_note_alias(ring, w->thumb, key);
    *out_found = true;
    keyring_key_unref(&key);
    return true;
  }
  if (err->id == EKM_E_OUT_OF_MEMORY || err->id == EKM_E_CANCELLED || keyring_is_outage(err)) return false;
  ekm_err_clear(err);
  return true;
}

/* The newest versions of the names that somebody knew to be worth it. */
static bool try_first_names(wanted *w, const keyring_call *call, bool *out_found, ekm_err *err) {
  char name[EKM_LIMIT_KEY_NAME_CHARS + 1];
  const char *at = w->ring->options.first_names;
  while (at != NULL && !*out_found) {
    ekm_view word = ekm_text_next_word(&at);
    if (word.len == 0) break;
    if (word.len >= sizeof name) continue;
    memcpy(name, word.ptr, word.len);
    name[word.len] = '\0';
    if (!try_key(w, name, NULL, call, out_found, err)) return false;
  }
  return true;
}

void ring_note_hint(keyring *ring, const keyring_key *key) {
  keyring_hint hint;
  if (ring->options.hints == NULL || ring->host[0] == '\0') return;
  memcpy(hint.name, key->name, sizeof hint.name);
  memcpy(hint.version, key->version, sizeof hint.version);
  keyring_hints_note(ring->options.hints, ring->host, keyring_key_thumb(key), &hint);
}

/* --- the search --------------------------------------------------------------------------------------------------- */

typedef enum search_turn {
  TURN_MINE,     /* the caller must search */
  TURN_ANOTHERS, /* a whole search of another thread was in vain */
  TURN_NEEDLESS, /* the key is known, or was searched in vain lately */
  TURN_TOO_LATE  /* another thread searches still */
} search_turn;

/* Wait until no other thread searches. Not every search in vain counts for the caller: one that had begun before this
 * call may have passed by a key that is newer. The lock is held by the caller. */
static search_turn take_search_turn(keyring *ring, ekm_view thumb, const keyring_call *call) {
  uint64_t begun_before = ring->searches;
  while (ring->searching && keyring_wait(call, ring->options.clock, &ring->search_ended, &ring->lock)) continue;
  if (ring->searching) return TURN_TOO_LATE;
  if (find_thumb(ring, thumb) != 0 || is_missing_locked(ring, thumb)) return TURN_NEEDLESS;
  if (ring->fruitless > begun_before) return TURN_ANOTHERS;
  ring->searching = true;
  ring->searches++;
  return TURN_MINE;
}

static bool walk_through(wanted *w, const keyring_call *call, bool *out_found, ekm_err *err) {
  keyring *ring = w->ring;
  const keyring_options *options = &ring->options;
  const keyring_visit visitor = {wanted_seen, wanted_visit, w};
  const keyring_pace pace = {options->clock, options->search_workers, options->search_per_s};

  if (options->turns != NULL && !keyring_turns_take(options->turns, ring->host, call, err)) return false;
  EKM_LOG(options->log, EKM_LOG_INFO, "keyring.search", EKM_LOG_HEX("thumbprint", w->thumb));
  bool ok = keyring_search(ring->backend, &pace, &visitor, call, &ring->resume_at, out_found, err);
  if (options->turns != NULL) keyring_turns_give(options->turns, ring->host);
  return ok;
}

static bool search_now(wanted *w, const keyring_call *call, ekm_err *err) {
  keyring *ring = w->ring;
  ekm_view thumb = w->thumb;
  bool found = false;

  bool ok = try_hint(w, call, &found, err) && (found || try_left_behind(w, call, &found, err)) &&
            (found || try_first_names(w, call, &found, err));
  bool walked = ok && !found;
  if (walked) ok = walk_through(w, call, &found, err);
  ekm_mutex_lock(&ring->lock);
  ring->searching = false;
  if (ok && !found) {
    ring->fruitless = ring->searches;
    if (find_thumb(ring, thumb) == 0) note_missing_locked(ring, thumb);
  }
  ekm_cond_wake_all(&ring->search_ended);
  ekm_mutex_unlock(&ring->lock);
  if (!ok) {
    keyring_note_refusal(ring, err);
    return false;
  }
  keyring_key *key = walked ? keyring_peek(ring, thumb) : NULL;
  if (key != NULL) ring_note_hint(ring, key);
  keyring_key_unref(&key);
  return true;
}

/* A vault that answers, but not to the end of the search, is not away: it may say no yet. */
static bool fail_search(keyring *ring, ekm_err *err) {
  ekm_mutex_lock(&ring->lock);
  bool answers = ekm_clock_mono_ms(ring->options.clock) < ring->answers_until_ms;
  ekm_mutex_unlock(&ring->lock);
  if (!answers || err->id != EKM_E_DEADLINE) return false;
  return EKM_FAIL(err, EKM_E_SEARCH_UNFINISHED, "the vault has more keys than could be looked at so far");
}

static bool search_in_turn(keyring *ring, ekm_view thumb, const keyring_call *call, ekm_err *err) {
  bool known = false;
  wanted w = {ring, thumb, 0};
  if (!compare_known(&w, &known, err)) return false;
  ekm_mutex_lock(&ring->lock);
  search_turn turn = take_search_turn(ring, thumb, call);
  ekm_mutex_unlock(&ring->lock);
  if (turn == TURN_MINE) return search_now(&w, call, err);
  if (turn == TURN_TOO_LATE) {
    return keyring_fail_waiting(call, "while another thread searched the vault for a key", err);
  }
  /* Another's search compared its keys with another thumbprint. */
  if (!compare_known(&w, &known, err)) return false;
  return turn == TURN_NEEDLESS || known || try_left_behind(&w, call, &known, err);
}

/* What keeps a version from being used, and says nothing of the others: one name may have versions of several types. */
static bool is_about_version(ekm_err_id id) {
  return id == EKM_E_KEY_DISABLED || id == EKM_E_KEY_TYPE;
}

/* The newest version of the name that can be used. */
static bool newest_of(keyring *ring, const char *name, const keyring_call *call, keyring_key **out_key, ekm_err *err) {
  keyring_list versions = {0};
  if (keyring_by_name(ring, name, NULL, call, out_key, err)) return true;
  if (!is_about_version(err->id)) return false;
  ekm_err none_left = *err;
  ekm_err_clear(err);
  bool ok = ring->backend->list_versions(ring->backend, name, call, &versions, err);
  for (size_t i = 0; ok && *out_key == NULL && i < versions.count; i++) {
    ok = keyring_by_name(ring, name, versions.items[i], call, out_key, err) || is_about_version(err->id);
    if (ok) ekm_err_clear(err);
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
  ring_note_alias(ring, thumb, *out_key);
  return true;
}

bool ring_by_thumb(keyring *ring, ekm_view thumb, const keyring_call *call, keyring_key **out_key, ekm_err *err) {
  char hex[2 * THUMB_MAX_BYTES + 1] = "";

  *out_key = keyring_peek(ring, thumb);
  if (*out_key == NULL && thumb.len == KEYRING_THUMB_BYTES) {
    if (!search_in_turn(ring, thumb, call, err)) return fail_search(ring, err);
    *out_key = keyring_peek(ring, thumb);
  }
  if (*out_key != NULL) {
    if (ring_learn_bits(ring, *out_key, call, err)) return true;
    keyring_key_unref(out_key);
    return false;
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
  bool has_hash = kind < KEYRING_THUMB_SHA1 || !key->is_aes; /* Microsoft's connector had no AES keys */
  if (kind == KEYRING_THUMB_OWN || !has_hash) {
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
  ring_note_alias(ring, ekm_view_of(out->ptr + before, out->len - before), key);
  return true;
}

/* A key whose thumbprint could not be told must not be made. */
bool ring_can_report(const keyring *ring, const char *name, ekm_err *err) {
  ekm_buf packed;
  if (ring->options.report != KEYRING_THUMB_NAME) return true;
  ekm_buf_init(&packed, KEYRING_FOREIGN_NAME_BYTES);
  bool ok = keyring_foreign_pack(name, &packed) || refuse_packing(name, err);
  ekm_buf_clear(&packed);
  return ok;
}
