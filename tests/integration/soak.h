/* The connector under load in bad weather: what its parts share.
 *
 *   32 workers --> libopenekm.so --> two relays, for the vault and the sign-in --> akvd
 *   soak_worker.c                    soak_weather.c
 *
 * Everything random comes from one seed. What the threads make of it differs from run to run; what each of them does,
 * and when the weather changes, does not. */
#ifndef EKM_TESTS_INTEGRATION_SOAK_H
#define EKM_TESTS_INTEGRATION_SOAK_H

#include <stdatomic.h>

#include "base/mutex.h"
#include "end_to_end_fixture.h"
#include "support/relay.h"

enum {
  SOAK_WORKERS = 32,
  SOAK_KEYS = 4,
  SOAK_APPS = 32, /* each signs in once in a span, in the weather of that moment */
  SOAK_FUNCTIONS = 17,
  SOAK_CALL_MS = 2000 /* call_timeout_ms */
};

/* What was counted of one of the 17 functions. */
typedef struct soak_count {
  atomic_long calls, successes, longest_ms;
} soak_count;

typedef struct soak soak;

/* One thread's session; others may abort it. */
typedef struct soak_worker {
  soak *s;
  unsigned index;
  uint64_t random;
  unsigned turns; /* in this span */
  unsigned made;  /* names of keys that it created, so that none is used twice */
  ekm_mutex lock;
  host_session *session;
  bool aborted;
  bool is_refused; /* the last call failed because a host counts as down; the thread's own */
} soak_worker;

/* A key that is always there, and what it wrapped. */
typedef struct soak_key {
  char name[16];
  host_key key;
  ekm_buf wrapped, exported;
} soak_key;

struct soak {
  end_to_end_fixture *f;
  relay *vault, *sign_in;
  host_module *module;
  soak_key keys[SOAK_KEYS];
  akvd_app apps[SOAK_APPS];
  uint64_t random; /* the weather's */
  atomic_bool stopping;
  soak_count counts[SOAK_FUNCTIONS];
  atomic_long right, faults[EKM_ERR_COUNT], wrong;
  soak_worker workers[SOAK_WORKERS];
};

/* soak_draw(random, range): 0 to ${range} - 1. */
unsigned soak_draw(uint64_t *random, unsigned range);

/* soak_work(arg): the life of a soak_worker, on its thread, until the soak is stopping; its session is closed then. */
void soak_work(void *arg);

/* soak_recovers(soak): in fair weather, does a new session unwrap within some seconds? */
bool soak_recovers(soak *s);

/* soak_weather_change(soak): another weather, by chance; returns its name. soak_weather_calm(soak): none. */
const char *soak_weather_change(soak *s);
void soak_weather_calm(soak *s);

#endif
