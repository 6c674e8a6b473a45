/* A small heap of locked memory: one arena of fixed slots, taken in runs.
 *
 *   arena  [slot 0][slot 1][slot 2] ... [slot 511]      512 slots of 256 bytes = 128 kB
 *   used     1        1       0     ...                 a run of slots belongs to one secret
 *
 * A secret that finds no run goes to ordinary memory: it works, and is wiped, but is not locked. */
#include "base/secret.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/mutex.h"
#include "base/pages.h"

enum { SLOT_BYTES = 256, SLOT_COUNT = 512 };

static struct {
  ekm_mutex lock;
  uint8_t *arena;
  bool tried;
  bool used[SLOT_COUNT];
} heap = {.lock = EKM_MUTEX_INIT};

static size_t slots_for(size_t len) {
  return (len + 1 + SLOT_BYTES - 1) / SLOT_BYTES;
}

static uint8_t *take_run_locked(size_t slots) {
  size_t run = 0;
  if (!heap.tried) {
    heap.tried = true;
    heap.arena = ekm_pages_take((size_t)SLOT_BYTES * SLOT_COUNT);
  }
  if (heap.arena == NULL) return NULL;
  for (size_t i = 0; i < SLOT_COUNT; i++) {
    run = heap.used[i] ? 0 : run + 1;
    if (run == slots) {
      memset(&heap.used[i + 1 - slots], true, slots);
      return heap.arena + (i + 1 - slots) * SLOT_BYTES;
    }
  }
  return NULL;
}

static bool in_arena(const uint8_t *ptr) {
  return heap.arena != NULL && ptr >= heap.arena && ptr < heap.arena + (size_t)SLOT_BYTES * SLOT_COUNT;
}

bool ekm_secret_resize(ekm_secret *secret, size_t len, ekm_err *err) {
  uint8_t *fresh;

  if (len > EKM_LIMIT_SECRET_BYTES)
    return EKM_FAIL(err, EKM_E_LIMIT, "a secret is longer than %d bytes", EKM_LIMIT_SECRET_BYTES);
  ekm_mutex_lock(&heap.lock);
  fresh = take_run_locked(slots_for(len));
  ekm_mutex_unlock(&heap.lock);
  if (fresh == NULL) fresh = ekm_mem_alloc(len + 1, err);
  if (fresh == NULL) return false;

  ekm_secret_clear(secret);
  secret->hidden = fresh;
  secret->len = len;
  return true;
}

bool ekm_secret_set(ekm_secret *secret, ekm_view bytes, ekm_err *err) {
  ekm_secret fresh = {0};
  if (!ekm_secret_resize(&fresh, bytes.len, err)) return false;
  if (bytes.len > 0) memcpy(fresh.hidden, bytes.ptr, bytes.len);
  ekm_secret_move(secret, &fresh);
  return true;
}

void ekm_secret_move(ekm_secret *to, ekm_secret *from) {
  ekm_secret_clear(to);
  *to = *from;
  from->hidden = NULL;
  from->len = 0;
}

void ekm_secret_clear(ekm_secret *secret) {
  if (secret->hidden != NULL) {
    ekm_mem_wipe(secret->hidden, secret->len);
    ekm_mutex_lock(&heap.lock);
    if (in_arena(secret->hidden)) {
      memset(&heap.used[(size_t)(secret->hidden - heap.arena) / SLOT_BYTES], false, slots_for(secret->len));
      secret->hidden = NULL;
    }
    ekm_mutex_unlock(&heap.lock);
    ekm_mem_free(secret->hidden);
  }
  secret->hidden = NULL;
  secret->len = 0;
}

bool ekm_secret_equal(const ekm_secret *a, const ekm_secret *b) {
  return a->len == b->len && ekm_mem_equal(a->hidden, b->hidden, a->len);
}

ekm_view ekm_secret_reveal(const ekm_secret *secret) {
  return ekm_view_of(secret->hidden, secret->len);
}

uint8_t *ekm_secret_bytes(ekm_secret *secret) {
  return secret->hidden;
}
