#include "keyring/turns.h"

#include <string.h>

#include "base/mem.h"
#include "keyring/wait.h"

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
  ekm_mutex_lock(&turns->lock);
  const char **place = place_of(turns, host);
  while ((place == NULL || *place != NULL) && keyring_wait(call, turns->clock, &turns->given, &turns->lock)) {
    place = place_of(turns, host);
  }
  bool is_mine = place != NULL && *place == NULL;
  if (is_mine) *place = host;
  ekm_mutex_unlock(&turns->lock);
  return is_mine || keyring_fail_waiting(call, "while the vault was searched for another credential", err);
}

void keyring_turns_give(keyring_turns *turns, const char *host) {
  ekm_mutex_lock(&turns->lock);
  const char **place = place_of(turns, host);
  if (place != NULL) *place = NULL;
  ekm_cond_wake_all(&turns->given);
  ekm_mutex_unlock(&turns->lock);
}
