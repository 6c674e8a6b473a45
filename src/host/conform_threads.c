/* Rules about threads and reloading. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "host/conform_probe.h"

enum { THREADS_DEFAULT = 8, THREADS_MAX = 256, ROUNDS_DEFAULT = 8, RELOADS = 20 };

typedef struct worker {
  conform_state *state;
  host_session *session; /* borrowed; NULL: the worker opens its own */
  unsigned rounds;
  ekm_thread *thread;
  bool ok;
  ekm_err err;
} worker;

/* What a database does with a session: look at the list, find the key, wrap, unwrap. */
static bool use_session(const conform_state *state, const host_session *session, ekm_err *err) {
  bool ok = false, more = false;
  SqlCpKeyId id = 0;
  host_key found;
  static const uint8_t plain[32] = "thirty-two bytes that are known";
  const ekm_view thumb = host_key_thumb(&state->key), iv = conform_iv(state);
  ekm_secret back = {0};
  ekm_buf cipher;
  ekm_buf_init(&cipher, HOST_DATA_MAX_BYTES);

  EKM_TRY(host_key_next(session, &id, &more, NULL, err));
  if (state->key.thumb_len != 0) {
    EKM_TRY(host_key_by_thumb(session, thumb, &found, NULL, err));
    EKM_TRY(host_key_encrypt_iv(session, thumb, iv, ekm_view_of(plain, sizeof plain), &cipher, NULL, err));
    EKM_TRY(host_key_decrypt_iv(session, thumb, iv, ekm_buf_view(&cipher), &back, NULL, err));
    if (back.len != sizeof plain || !ekm_mem_equal(ekm_secret_reveal(&back).ptr, plain, sizeof plain)) {
      EKM_BAIL(err, EKM_E_MISMATCH, "what a thread had encrypted came back as other bytes");
    }
  }
  ok = true;
done:
  ekm_secret_clear(&back);
  ekm_buf_clear(&cipher);
  return ok;
}

static void work(void *arg) {
  worker *self = arg;
  const conform_options *options = self->state->options;
  host_session *own = NULL;
  if (self->session == NULL &&
      !host_session_open(self->state->module, options->identity, options->secret, &own, NULL, &self->err)) {
    return;
  }
  self->ok = true;
  for (unsigned i = 0; i < self->rounds && self->ok; i++) {
    self->ok = use_session(self->state, own == NULL ? self->session : own, &self->err);
  }
  host_session_close(&own);
}

static conform_verdict run_workers(conform_state *state, host_session *shared) {
  worker workers[THREADS_MAX];
  unsigned count = state->options->threads == 0 ? THREADS_DEFAULT : state->options->threads;
  unsigned started = 0;
  ekm_err err = {0};
  if (count > THREADS_MAX) count = THREADS_MAX;
  memset(workers, 0, sizeof workers);
  for (; started < count; started++) {
    workers[started].state = state;
    workers[started].session = shared;
    workers[started].rounds = state->options->rounds == 0 ? ROUNDS_DEFAULT : state->options->rounds;
    if (!ekm_thread_start(&workers[started].thread, work, &workers[started], &err)) break;
  }
  for (unsigned i = 0; i < started; i++) ekm_thread_join(&workers[i].thread);
  if (started < count) return conform_skipped(state, "%s", err.detail);
  for (unsigned i = 0; i < count; i++) {
    CONFORM_EXPECT(state, workers[i].ok, "thread %u of %u: %s", i + 1, count, workers[i].err.detail);
  }
  return CONFORM_OK;
}

conform_verdict conform_threads_one_session(conform_state *state) {
  return run_workers(state, state->session);
}

conform_verdict conform_threads_many_sessions(conform_state *state) {
  return run_workers(state, NULL);
}

/* --- abort -------------------------------------------------------------------------------------------------------- */

typedef struct abort_race {
  conform_state *state;
  host_session *session;
  atomic_uint calls;
  atomic_bool aborted;
  atomic_bool refused; /* the last call, which began after the abort, was an error */
} abort_race;

static void call_until_aborted(void *arg) {
  abort_race *race = arg;
  ekm_err err = {0};
  bool last, ok;
  do {
    last = atomic_load(&race->aborted);
    ok = use_session(race->state, race->session, &err);
    atomic_fetch_add(&race->calls, 1);
  } while (ok && !last);
  atomic_store(&race->refused, !ok);
}

conform_verdict conform_threads_abort(conform_state *state) {
  abort_race race = {.state = state};
  ekm_thread *thread = NULL;
  ekm_err err = {0};
  CONFORM_EXPECT(
      state,
      host_session_open(state->module, state->options->identity, state->options->secret, &race.session, NULL, &err),
      "a second session: %s", err.detail);
  if (!ekm_thread_start(&thread, call_until_aborted, &race, &err)) {
    host_session_close(&race.session);
    return conform_skipped(state, "%s", err.detail);
  }
  while (atomic_load(&race.calls) == 0) ekm_thread_yield();
  host_session_abort(race.session);
  atomic_store(&race.aborted, true);
  ekm_thread_join(&thread);
  host_session_close(&race.session);
  CONFORM_EXPECT(state, atomic_load(&race.refused),
                 "calls with the session went on after SqlCryptCloseSession with fAbort");
  return CONFORM_OK;
}

conform_verdict conform_reloads(conform_state *state) {
  ekm_err err = {0};
  for (int i = 0; i < RELOADS; i++) {
    CONFORM_EXPECT(state, conform_reload(state, &err), "round %d: %s", i + 1, err.detail);
  }
  return CONFORM_OK;
}
