#include "provider/session.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { HANDLE_SLOT_BITS = 16, PENDING_MAX_AGE_MS = 10000 };

_Static_assert(EKM_LIMIT_SESSIONS < 1 << HANDLE_SLOT_BITS, "a slot fits its part of the handle");

void session_table_init(session_table *table) {
  memset(table, 0, sizeof *table);
  ekm_mutex_init(&table->lock);
}

static size_t slot_of(uint64_t handle) {
  return (size_t)(handle & ((1u << HANDLE_SLOT_BITS) - 1)); /* 1 more than the slot; 0 for none */
}

void session_unref(provider_session **session) {
  provider_session *last = *session;
  *session = NULL;
  if (last == NULL || atomic_fetch_sub_explicit(&last->refs, 1, memory_order_acq_rel) != 1) return;
  for (size_t i = 0; i < SESSION_PENDING_NAMES; i++) keyring_key_unref(&last->pending[i].key);
  keyring_unref(&last->ring);
  ekm_mem_free(last);
}

static bool new_handle(const ekm_rng *rng, size_t slot, uint64_t *out_handle, ekm_err *err) {
  uint64_t random = 0;
  if (!rng->fill(rng, &random, sizeof random, err)) return false;
  *out_handle = random << HANDLE_SLOT_BITS | (slot + 1);
  return true;
}

/* A free place, or EKM_LIMIT_SESSIONS. */
static size_t free_slot_locked(session_table *table, ekm_err *err) {
  if (table->slots == NULL) table->slots = ekm_mem_array(EKM_LIMIT_SESSIONS, sizeof table->slots[0], err);
  if (table->slots == NULL) return EKM_LIMIT_SESSIONS;
  for (size_t i = 0; i < EKM_LIMIT_SESSIONS; i++) {
    size_t slot = (table->next_slot + i) % EKM_LIMIT_SESSIONS;
    if (table->slots[slot] == NULL) return slot;
  }
  (void)EKM_FAIL(err, EKM_E_TOO_MANY_SESSIONS, "%d are open", EKM_LIMIT_SESSIONS);
  return EKM_LIMIT_SESSIONS;
}

bool session_open(session_table *table, const ekm_rng *rng, keyring *ring, uint64_t *out_handle, ekm_err *err) {
  bool ok = false;
  *out_handle = 0;
  provider_session *session = ekm_mem_alloc(sizeof *session, err);
  if (session == NULL) return false;
  atomic_init(&session->refs, 1);
  atomic_init(&session->aborted, false);
  ekm_mutex_init(&session->lock);
  session->ring = keyring_ref(ring);

  ekm_mutex_lock(&table->lock);
  size_t slot = free_slot_locked(table, err);
  if (slot < EKM_LIMIT_SESSIONS && new_handle(rng, slot, &session->handle, err)) {
    *out_handle = session->handle;
    table->slots[slot] = session;
    table->next_slot = slot + 1;
    table->used++;
    session = NULL;
    ok = true;
  }
  ekm_mutex_unlock(&table->lock);
  session_unref(&session);
  return ok;
}

/* The place of an open session's handle, or NULL. */
static provider_session **place_locked(session_table *table, uint64_t handle) {
  size_t slot = slot_of(handle);
  if (table->slots == NULL || slot == 0 || slot > EKM_LIMIT_SESSIONS) return NULL;
  provider_session **place = &table->slots[slot - 1];
  return *place != NULL && (*place)->handle == handle ? place : NULL;
}

provider_session *session_find(session_table *table, uint64_t handle, ekm_err *err) {
  provider_session *session = NULL;
  ekm_mutex_lock(&table->lock);
  provider_session **place = place_locked(table, handle);
  if (place != NULL) {
    session = *place;
    atomic_fetch_add_explicit(&session->refs, 1, memory_order_relaxed);
  }
  ekm_mutex_unlock(&table->lock);
  if (session == NULL) (void)EKM_FAIL(err, EKM_E_SESSION_UNKNOWN, "the engine passed a handle that is not open");
  return session;
}

bool session_close(session_table *table, uint64_t handle, bool abort, ekm_err *err) {
  provider_session *session = NULL;
  ekm_mutex_lock(&table->lock);
  provider_session **place = place_locked(table, handle);
  if (place != NULL) {
    session = *place;
    *place = NULL;
    table->used--;
  }
  ekm_mutex_unlock(&table->lock);
  if (session == NULL) return EKM_FAIL(err, EKM_E_SESSION_UNKNOWN, "the engine closed a handle that is not open");
  if (abort) atomic_store(&session->aborted, true);
  session_unref(&session);
  return true;
}

void session_table_abort(session_table *table) {
  ekm_mutex_lock(&table->lock);
  for (size_t slot = 0; table->slots != NULL && slot < EKM_LIMIT_SESSIONS; slot++) {
    if (table->slots[slot] == NULL) continue;
    atomic_store(&table->slots[slot]->aborted, true);
    session_unref(&table->slots[slot]);
  }
  table->used = 0;
  ekm_mutex_unlock(&table->lock);
}

void session_table_clear(session_table *table) {
  session_table_abort(table);
  ekm_mem_free(table->slots);
  session_table_init(table);
}

bool session_is_aborted(void *session) {
  return atomic_load_explicit(&((provider_session *)session)->aborted, memory_order_relaxed);
}

void session_keep_name(provider_session *session, const char *text, keyring_key *key, int64_t at_ms) {
  ekm_err ignored = {0};
  ekm_mutex_lock(&session->lock);
  pending_name *place = &session->pending[0];
  for (size_t i = 0; i < SESSION_PENDING_NAMES; i++) {
    pending_name *at = &session->pending[i];
    if (at->key == NULL || at->at_ms < place->at_ms) place = at;
    if (at->key == NULL) break;
  }
  keyring_key_unref(&place->key);
  if (ekm_text_copy(place->text, sizeof place->text, text, "a key name", &ignored)) {
    place->key = keyring_key_ref(key);
    place->at_ms = at_ms;
  }
  ekm_mutex_unlock(&session->lock);
}

keyring_key *session_take_name(provider_session *session, const char *text, int64_t now_ms, int64_t *out_at_ms) {
  keyring_key *key = NULL;
  ekm_mutex_lock(&session->lock);
  for (size_t i = 0; i < SESSION_PENDING_NAMES && key == NULL; i++) {
    pending_name *at = &session->pending[i];
    if (at->key == NULL || strcmp(at->text, text) != 0) continue;
    if (now_ms - at->at_ms > PENDING_MAX_AGE_MS) {
      keyring_key_unref(&at->key);
      continue;
    }
    key = at->key;
    *out_at_ms = at->at_ms;
    at->key = NULL;
  }
  ekm_mutex_unlock(&session->lock);
  return key;
}
