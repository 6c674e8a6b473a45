#include "vault/caretaker.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "base/mutex.h"
#include "base/thread.h"

enum { LOOK_EVERY_MS = 60 * 1000, TRY_AGAIN_S = 60, PUT_OFF_S = 86400 };

struct vault_caretaker {
  vault_rotor rotor;
  ekm_log *log;
  atomic_llong not_before; /* seconds since 1970: after a failure */
  ekm_thread *thread;
  ekm_mutex lock;
  ekm_cond wake;
  bool called, stopping;
};

/* A rotation for which there is no room must not keep others from being done. */
static bool put_off(const vault_caretaker *c, const vault_due *due, int64_t now, ekm_err *err) {
  if (err->id != EKM_E_LIMIT) return false;
  ekm_err_clear(err);
  return vault_store_put_off(c->rotor.store, due, now + PUT_OFF_S, err);
}

static bool do_one(const vault_caretaker *c, const vault_due *due, int64_t now, ekm_err *err) {
  bool ok =
      due->is_purge ? vault_store_purge_due(c->rotor.store, due, now, err) : vault_rotate_if_due(&c->rotor, due, err);
  if (ok) return true;
  if (err->id == EKM_E_KEY_NOT_FOUND) { /* somebody else purged it, or took the deletion back */
    ekm_err_clear(err);
    return true;
  }
  ekm_log_err(c->log, EKM_LOG_ERROR, "vault.due", err);
  return put_off(c, due, now, err);
}

/* False when it failed, and there is no use in going on now. */
static bool do_all(const vault_caretaker *c, int64_t now, ekm_err *err) {
  vault_due due;
  for (;;) {
    if (!vault_store_next_due(c->rotor.store, &due, err)) return false;
    if (due.at > now) return true;
    if (!do_one(c, &due, now, err)) return false;
  }
}

static void failed(vault_caretaker *c, int64_t now) {
  atomic_store(&c->not_before, now + TRY_AGAIN_S);
}

static void work(vault_caretaker *c) {
  bool is_due = false;
  ekm_err err = {0};
  int64_t now = ekm_clock_wall_s(c->rotor.clock);
  if (now < atomic_load(&c->not_before)) return;
  if (!vault_store_is_due(c->rotor.store, now, &is_due, &err) || !is_due) return;
  if (!do_all(c, now, &err)) failed(c, now);
}

static void call(vault_caretaker *c) {
  ekm_mutex_lock(&c->lock);
  c->called = true;
  ekm_cond_wake_all(&c->wake);
  ekm_mutex_unlock(&c->lock);
}

void vault_caretaker_look(vault_caretaker *caretaker, int64_t vault_id, const char *name) {
  bool is_due = false;
  ekm_err err = {0};
  vault_due due;
  if (caretaker == NULL) return;
  vault_store *store = caretaker->rotor.store;
  int64_t now = ekm_clock_wall_s(caretaker->rotor.clock);
  if (!vault_store_is_due(store, now, &is_due, &err) || !is_due) return;
  if (now < atomic_load(&caretaker->not_before)) return;
  bool ok = name == NULL || vault_store_due_of(store, vault_id, name, now, &due, &is_due, &err);
  if (ok && name != NULL && is_due) ok = do_one(caretaker, &due, now, &err);
  if (!ok) failed(caretaker, now);
  call(caretaker);
}

static void look_now_and_then(void *arg) {
  vault_caretaker *c = arg;
  ekm_err err = {0};
  if (!vault_store_verify(c->rotor.store, &err)) ekm_log_err(c->log, EKM_LOG_ERROR, "vault.verify", &err);
  ekm_mutex_lock(&c->lock);
  while (!c->stopping) {
    c->called = false;
    ekm_mutex_unlock(&c->lock);
    work(c);
    ekm_mutex_lock(&c->lock);
    if (!c->stopping && !c->called) ekm_cond_wait(&c->wake, &c->lock, LOOK_EVERY_MS);
  }
  ekm_mutex_unlock(&c->lock);
}

bool vault_caretaker_start(const vault_rotor *rotor, ekm_log *log, vault_caretaker **out_caretaker, ekm_err *err) {
  *out_caretaker = NULL;
  vault_caretaker *c = ekm_mem_alloc(sizeof *c, err);
  if (c == NULL) return false;
  c->rotor = *rotor;
  c->log = log;
  atomic_init(&c->not_before, 0);
  ekm_mutex_init(&c->lock);
  ekm_cond_init(&c->wake);
  if (!ekm_thread_start(&c->thread, look_now_and_then, c, err)) {
    ekm_mem_free(c);
    return false;
  }
  *out_caretaker = c;
  return true;
}

void vault_caretaker_stop(vault_caretaker **caretaker) {
  vault_caretaker *c = *caretaker;
  if (c == NULL) return;
  ekm_mutex_lock(&c->lock);
  c->stopping = true;
  ekm_cond_wake_all(&c->wake);
  ekm_mutex_unlock(&c->lock);
  ekm_thread_join(&c->thread);
  ekm_mem_free(c);
  *caretaker = NULL;
}
