#include "keyring/search.h"

#include "base/thread.h"
#include "keyring/wait.h"

enum {
  MAX_WORKERS = 16,
  FORBIDDEN_AT_FIRST = 8 /* so many keys that may not be read, and none that may: it is no key's own permission */
};

/* One walk, shared by its workers. */
typedef struct walk {
  keyring_backend *backend;
  const keyring_pace *pace;
  const keyring_visit *visitor;
  const keyring_call *call;
  keyring_call request; /* the same, of a worker's request: it ends, too, when another one finds the key */
  keyring_list names;
  size_t start; /* the first step; the walk goes round from there */

  ekm_mutex lock;             /* covers everything below */
  ekm_cond found_it;          /* who waits for a turn need not any longer */
  size_t taken;               /* steps that workers took */
  int64_t next_turn_us;       /* when the next request may go out */
  size_t readable, forbidden; /* keys so far */
  ekm_err first_forbidden;
  bool found, failed;
  size_t failed_at; /* the first of the steps that failed, in the order of the walk */
  ekm_err err;      /* of that one */
} walk;

static bool is_found(walk *w) {
  ekm_mutex_lock(&w->lock);
  bool found = w->found;
  ekm_mutex_unlock(&w->lock);
  return found;
}

static bool is_over(void *arg) {
  walk *w = arg;
  return keyring_is_cancelled(w->call) || is_found(w);
}

/* Wait for the turn of a request, or until another worker finds the key. A turn that would come behind the deadline
 * ends the walk at once: what has been seen is remembered, and the next call goes on. */
static bool take_turn(walk *w, ekm_err *err) {
  if (w->pace->per_s == 0) return true;
  keyring_call turn = *w->call;
  ekm_mutex_lock(&w->lock);
  int64_t now_us = 1000 * ekm_clock_mono_ms(w->pace->clock);
  if (w->next_turn_us < now_us) w->next_turn_us = now_us;
  turn.deadline.at_ms = w->next_turn_us / 1000;
  w->next_turn_us += 1000000 / w->pace->per_s;
  bool in_time = turn.deadline.at_ms < w->call->deadline.at_ms;
  while (in_time && !w->found && keyring_wait(&turn, w->pace->clock, &w->found_it, &w->lock)) continue;
  ekm_mutex_unlock(&w->lock);
  if (!in_time) {
    return EKM_FAIL(err, EKM_E_DEADLINE, "the vault has more keys than can be looked at in the time of one call");
  }
  return !keyring_is_cancelled(w->call) || EKM_FAIL(err, EKM_E_CANCELLED, "while the vault was searched for a key");
}

/* Permissions may differ from key to key. */
static bool pass_by_forbidden(walk *w, ekm_err *err) {
  ekm_mutex_lock(&w->lock);
  if (w->forbidden++ == 0) w->first_forbidden = *err;
  bool goes_on = w->readable > 0 || w->forbidden < FORBIDDEN_AT_FIRST;
  ekm_mutex_unlock(&w->lock);
  if (goes_on) ekm_err_clear(err);
  return goes_on;
}

static void note_readable(walk *w, bool is_it) {
  ekm_mutex_lock(&w->lock);
  w->readable++;
  if (is_it) w->found = true;
  if (is_it) ekm_cond_wake_all(&w->found_it);
  ekm_mutex_unlock(&w->lock);
}

/* Read one version (NULL: the newest) and show it to the visitor. */
static bool look_at(walk *w, const char *name, const char *version, ekm_err *err) {
  keyring_record record;
  bool is_it = false;
  if (!take_turn(w, err)) return false;
  if (is_found(w)) return true;
  keyring_record_init(&record);
  bool ok = w->backend->get(w->backend, name, version, &w->request, &record, err);
  if (ok) {
    ok = w->visitor->visit(w->visitor->arg, &record, &is_it, err);
    note_readable(w, is_it);
  } else if (err->id == EKM_E_KEY_NOT_FOUND) {
    ekm_err_clear(err); /* deleted between the list and the look */
    ok = true;
  } else if (keyring_is_forbidden(err->id)) {
    ok = pass_by_forbidden(w, err);
  }
  keyring_record_clear(&record);
  return ok;
}

static bool look_at_older_versions(walk *w, const char *name, ekm_err *err) {
  bool ok = false;
  keyring_list versions = {0};

  EKM_TRY(take_turn(w, err));
  if (!w->backend->list_versions(w->backend, name, &w->request, &versions, err)) {
    if (err->id != EKM_E_KEY_NOT_FOUND) goto done;
    ekm_err_clear(err);
  }
  for (size_t i = 0; i < versions.count && !is_found(w); i++) {
    if (w->visitor->seen(w->visitor->arg, name, versions.items[i])) continue;
    EKM_TRY(look_at(w, name, versions.items[i], err));
  }
  ok = true;
done:
  keyring_list_clear(&versions);
  return ok;
}

static size_t step_of(const walk *w, size_t nth) {
  size_t steps = 2 * w->names.count;
  return steps == 0 ? 0 : (w->start + nth) % steps;
}

static bool take_step(walk *w, size_t step, ekm_err *err) {
  if (step < w->names.count) return look_at(w, w->names.items[step], NULL, err);
  return look_at_older_versions(w, w->names.items[step - w->names.count], err);
}

/* The next step, unless the walk is over. */
static bool next_step(walk *w, size_t *out_nth) {
  ekm_mutex_lock(&w->lock);
  bool goes_on = !w->found && !w->failed && w->taken < 2 * w->names.count;
  if (goes_on) *out_nth = w->taken++;
  ekm_mutex_unlock(&w->lock);
  return goes_on;
}

static void note_failure(walk *w, size_t nth, const ekm_err *err) {
  ekm_mutex_lock(&w->lock);
  if (!w->failed || nth < w->failed_at) {
    w->failed = true;
    w->failed_at = nth;
    w->err = *err;
  }
  ekm_mutex_unlock(&w->lock);
}

static void work(void *arg) {
  walk *w = arg;
  size_t nth;
  while (next_step(w, &nth)) {
    ekm_err err = {0};
    if (!take_step(w, step_of(w, nth), &err)) note_failure(w, nth, &err);
  }
}

/* The caller is the first worker; where no other can be started, the only one. */
static void work_together(walk *w) {
  ekm_thread *others[MAX_WORKERS - 1] = {NULL};
  ekm_err ignored = {0};
  size_t wanted = w->pace->workers > MAX_WORKERS ? MAX_WORKERS : w->pace->workers;
  size_t started = 0;
  while (started + 1 < wanted && started + 1 < w->names.count &&
         ekm_thread_start(&others[started], work, w, &ignored)) {
    started++;
  }
  work(w);
  while (started > 0) ekm_thread_join(&others[--started]);
}

bool keyring_search(keyring_backend *backend, const keyring_pace *pace, const keyring_visit *visitor,
                    const keyring_call *call, size_t *resume_at, bool *out_found, ekm_err *err) {
  walk w = {.backend = backend, .pace = pace, .visitor = visitor, .call = call, .start = *resume_at};

  *out_found = false;
  w.request = (keyring_call){call->deadline, is_over, &w};
  ekm_mutex_init(&w.lock);
  ekm_cond_init(&w.found_it);
  bool ok = backend->list_names(backend, call, &w.names, err);
  if (ok && w.names.count > 0) work_together(&w);
  if (ok) *resume_at = 0;
  *out_found = w.found;
  if (!w.found && w.failed) {
    *resume_at = step_of(&w, w.failed_at) + 1;
    *err = w.err;
    ok = false;
  } else if (!w.found && w.forbidden > 0) {
    *err = w.first_forbidden;
    ok = false;
  }
  keyring_list_clear(&w.names);
  return ok;
}
