#include "keyring/turns.h"

#include <string.h>

#include "base/mem.h"
#include "base/mutex.h"

enum { WAIT_STEP_MS = 100 }; /* between looks at whether a waiting call was cancelled */

struct keyring_turns {
  const ekm_clock *clock;
  ekm_mutex lock;
  ekm_cond given;
  const char *busy[EKM_LIMIT_IDENTITIES]; /* hosts that are searched; NULL: a free place */
};

bool keyring_turns_new(const ekm_clock *clock, keyring_turns **out_turns, ekm_err *err) {
  keyring_turns *turns = ekm_mem_alloc(sizeof *turns, err);
  *out_turns = turns;
  if (turns == NULL) return false;
  turns->clock = clock;
  ekm_mutex_init(&turns->lock);
  ekm_cond_init(&turns->given);
  return true;
}

void keyring_turns_free(keyring_turns **turns) {
  ekm_mem_free(*turns);
  *turns = NULL;
}

/* The place of a host that is searched, else a free one, else NULL. */
static const char **place_of(keyring_turns *turns, const char *host) {
  const char **free_place = NULL;
  for (size_t i = 0; i < EKM_LIMIT_IDENTITIES; i++) {
    const char **each = &turns->busy[i];
    if (*each == NULL) {
      free_place = each;
    } else if (strcmp(*each, host) == 0) {
      return each;
    }
  }
  return free_place;
}

bool keyring_turns_take(keyring_turns *turns, const char *host, const keyring_call *call, ekm_err *err) {
  const char **place;
  bool cancelled = false;
  int64_t left_ms = 1;

  ekm_mutex_lock(&turns->lock);
  for (;;) {
    place = place_of(turns, host);
    if (place != NULL && *place == NULL) break;
    cancelled = call->is_cancelled != NULL && call->is_cancelled(call->cancel_arg);
    left_ms = ekm_deadline_left_ms(call->deadline, turns->clock);
    if (cancelled || left_ms == 0) break;
    ekm_cond_wait(&turns->given, &turns->lock, left_ms < WAIT_STEP_MS ? left_ms : WAIT_STEP_MS);
  }
  bool is_mine = !cancelled && left_ms > 0;
  if (is_mine) *place = host;
  ekm_mutex_unlock(&turns->lock);
  return is_mine || EKM_FAIL(err, cancelled ? EKM_E_CANCELLED : EKM_E_DEADLINE,
                             "while '%s' was searched for another credential", host);
}

void keyring_turns_give(keyring_turns *turns, const char *host) {
  ekm_mutex_lock(&turns->lock);
  const char **place = place_of(turns, host);
  if (place != NULL) *place = NULL;
  ekm_cond_wake_all(&turns->given);
  ekm_mutex_unlock(&turns->lock);
}
