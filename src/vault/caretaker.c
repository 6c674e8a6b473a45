#include "vault/caretaker.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "base/mutex.h"
#include "base/thread.h"

enum { LOOK_EVERY_MS = 60 * 1000, TRY_AGAIN_S = 60, PUT_OFF_S = 86400 };

struct vault_caretaker {
  vault_rotor rotor;
  ekm_log *log;
  atomic_bool working;
  atomic_llong not_before; /* seconds since 1970: after a failure */
  ekm_thread *thread;
  ekm_mutex lock;
  ekm_cond stop_asked;
  bool stopping;
};

static bool do_one(const vault_caretaker *c, const vault_due *due, int64_t now, ekm_err *err) {
  if (!due->is_purge) return vault_rotate_if_due(&c->rotor, due, err);
  if (vault_store_purge_due(c->rotor.store, due, now, err)) return true;
  if (err->id != EKM_E_KEY_NOT_FOUND) return false;
  ekm_err_clear(err); /* somebody else purged it, or took the deletion back */
  return true;
}

/* A rotation for which there is no room must not keep the others from being done. */
static bool put_off(const vault_caretaker *c, const vault_due *due, int64_t now, ekm_err *err) {
  if (err->id != EKM_E_LIMIT) return false;
  ekm_err_clear(err);
  return vault_store_put_off(c->rotor.store, due, now + PUT_OFF_S, err);
}

static bool do_all(const vault_caretaker *c, int64_t now, ekm_err *err) {
  vault_due due;
  for (;;) {
    if (!vault_store_next_due(c->rotor.store, &due, err)) return false;
    if (due.at > now) return true;
    if (do_one(c, &due, now, err)) continue;
    ekm_log_err(c->log, EKM_LOG_ERROR, "vault.due", err);
    if (!put_off(c, &due, now, err)) return false;
  }
}

void vault_caretaker_work(vault_caretaker *caretaker) {
  bool is_due = false;
  ekm_err err = {0};
  if (caretaker == NULL) return;
  int64_t now = ekm_clock_wall_s(caretaker->rotor.clock);
  if (!vault_store_is_due(caretaker->rotor.store, now, &is_due, &err) || !is_due) return;
  if (now < atomic_load(&caretaker->not_before) || atomic_exchange(&caretaker->working, true)) return;
  if (!do_all(caretaker, now, &err)) atomic_store(&caretaker->not_before, now + TRY_AGAIN_S);
  atomic_store(&caretaker->working, false);
}

static void look_now_and_then(void *arg) {
  vault_caretaker *c = arg;
  ekm_mutex_lock(&c->lock);
  while (!c->stopping) {
    ekm_mutex_unlock(&c->lock);
    vault_caretaker_work(c);
    ekm_mutex_lock(&c->lock);
    if (!c->stopping) ekm_cond_wait(&c->stop_asked, &c->lock, LOOK_EVERY_MS);
  }
  ekm_mutex_unlock(&c->lock);
}

bool vault_caretaker_start(const vault_rotor *rotor, ekm_log *log, vault_caretaker **out_caretaker, ekm_err *err) {
  *out_caretaker = NULL;
  vault_caretaker *c = ekm_mem_alloc(sizeof *c, err);
  if (c == NULL) return false;
  c->rotor = *rotor;
  c->log = log;
  atomic_init(&c->working, false);
  atomic_init(&c->not_before, 0);
  ekm_mutex_init(&c->lock);
  ekm_cond_init(&c->stop_asked);
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
  ekm_cond_wake_all(&c->stop_asked);
  ekm_mutex_unlock(&c->lock);
  ekm_thread_join(&c->thread);
  ekm_mem_free(c);
  *caretaker = NULL;
}
