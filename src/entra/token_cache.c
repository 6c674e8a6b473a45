#include "entra/token_cache.h"

#include "base/mem.h"
#include "base/mutex.h"

enum {
  MARGIN_MS = 60 * 1000,      /* a token is not used in its last minute: the vault's clock may be ahead */
  MARGIN_SHARE = 4,           /* ... but at most a quarter of a short life */
  RENEW_AGAIN_MS = 30 * 1000, /* between renewals that fail */
  RENEW_MAX_MS = 5 * 1000,    /* of one caller's time for a renewal that is not urgent */
  REFUSAL_KEPT_MS = 5 * 1000, /* how long a definite refusal is believed */
  WAIT_STEP_MS = 100          /* between looks at whether a waiting call was cancelled */
};

struct entra_cache {
  entra_cache_fetch *fetch;
  void *arg;
  const ekm_clock *clock;
  ekm_log *log;

  ekm_mutex lock; /* guards what follows */
  ekm_cond landed;
  entra_token *token; /* NULL: none, or none that is still good */
  int64_t renew_at_ms, stale_at_ms;
  bool in_flight;
  uint64_t flights; /* that have landed; tells waiters whether theirs has */
  bool last_failed;
  ekm_err last_err; /* of the last flight, if it failed */
  int64_t refused_until_ms;
};

bool entra_cache_new(entra_cache_fetch *fetch, void *arg, const ekm_clock *clock, ekm_log *log, entra_cache **out_cache,
                     ekm_err *err) {
  *out_cache = NULL;
  entra_cache *cache = ekm_mem_alloc(sizeof *cache, err);
  if (cache == NULL) return false;
  cache->fetch = fetch;
  cache->arg = arg;
  cache->clock = clock;
  cache->log = log;
  ekm_mutex_init(&cache->lock);
  ekm_cond_init(&cache->landed);
  cache->refused_until_ms = INT64_MIN;
  *out_cache = cache;
  return true;
}

void entra_cache_free(entra_cache **cache) {
  if (*cache == NULL) return;
  entra_token_unref(&(*cache)->token);
  ekm_mem_free(*cache);
  *cache = NULL;
}

static bool has_valid_token(const entra_cache *cache, int64_t now_ms) {
  return cache->token != NULL && now_ms < cache->stale_at_ms;
}

static void keep_token_locked(entra_cache *cache, entra_token *token) {
  int64_t now_ms = ekm_clock_mono_ms(cache->clock);
  int64_t lifetime_ms = entra_token_lifetime_s(token) * 1000;
  int64_t margin_ms = lifetime_ms / MARGIN_SHARE < MARGIN_MS ? lifetime_ms / MARGIN_SHARE : MARGIN_MS;
  entra_token_unref(&cache->token);
  cache->token = entra_token_ref(token);
  cache->stale_at_ms = now_ms + lifetime_ms - margin_ms;
  cache->renew_at_ms = now_ms + entra_token_refresh_s(token) * 1000;
  cache->refused_until_ms = INT64_MIN;
}

static void note_failure_locked(entra_cache *cache, const ekm_err *err) {
  int64_t now_ms = ekm_clock_mono_ms(cache->clock);
  cache->last_err = *err;
  cache->renew_at_ms = now_ms + RENEW_AGAIN_MS;
  if (err->id == EKM_E_TOKEN_REFUSED) cache->refused_until_ms = now_ms + REFUSAL_KEPT_MS;
}

static void log_flight(const entra_cache *cache, bool ok, const entra_token *token, const ekm_err *err) {
  if (ok) {
    EKM_LOG(cache->log, EKM_LOG_INFO, "entra.token", EKM_LOG_INT("lifetime_s", entra_token_lifetime_s(token)),
            EKM_LOG_INT("renew_in_s", entra_token_refresh_s(token)));
  } else {
    ekm_log_err(cache->log, EKM_LOG_WARN, "entra.token_failure", err);
  }
}

/* Be the one who asks. Called and returns with the lock held; without it in between. */
static bool fly_locked(entra_cache *cache, const entra_call *call, entra_token **out_token, ekm_err *err) {
  cache->in_flight = true;
  ekm_mutex_unlock(&cache->lock);
  bool ok = cache->fetch(cache->arg, call, out_token, err);
  log_flight(cache, ok, *out_token, err);
  ekm_mutex_lock(&cache->lock);
  cache->in_flight = false;
  cache->flights++;
  cache->last_failed = !ok;
  if (ok) {
    keep_token_locked(cache, *out_token);
  } else {
    note_failure_locked(cache, err);
  }
  ekm_cond_wake_all(&cache->landed);
  return ok;
}

/* A renewal that is not urgent must not eat the time of the call that happens to do it. */
static entra_call shorten(const entra_cache *cache, const entra_call *call) {
  entra_call shorter = *call;
  ekm_deadline most = ekm_deadline_in(cache->clock, RENEW_MAX_MS);
  int64_t half_ms = ekm_deadline_left_ms(call->deadline, cache->clock) / 2;
  ekm_deadline half = ekm_deadline_in(cache->clock, half_ms);
  shorter.deadline = half.at_ms < most.at_ms ? half : most;
  return shorter;
}

/* The current token is valid: give it out, after renewing it if it is time and nobody else does. */
static void renew_locked(entra_cache *cache, const entra_call *call, entra_token **out_token) {
  entra_token *fresh = NULL;
  ekm_err why = {0};
  *out_token = entra_token_ref(cache->token);
  if (cache->in_flight || ekm_clock_mono_ms(cache->clock) < cache->renew_at_ms) return;

  entra_call shorter = shorten(cache, call);
  if (!fly_locked(cache, &shorter, &fresh, &why)) return;
  entra_token_unref(out_token);
  *out_token = fresh;
}

static bool check_call(const entra_cache *cache, const entra_call *call, ekm_err *err) {
  if (call->is_cancelled != NULL && call->is_cancelled(call->cancel_arg)) {
    return EKM_FAIL(err, EKM_E_CANCELLED, "while waiting for an access token");
  }
  if (ekm_deadline_left_ms(call->deadline, cache->clock) == 0) {
    return EKM_FAIL(err, EKM_E_DEADLINE, "while waiting for an access token");
  }
  return true;
}

/* Wait until the flight that is in the air has landed. */
static bool wait_locked(entra_cache *cache, const entra_call *call, ekm_err *err) {
  uint64_t before = cache->flights;
  while (cache->flights == before) {
    if (!check_call(cache, call, err)) return false;
    int64_t left_ms = ekm_deadline_left_ms(call->deadline, cache->clock);
    ekm_cond_wait(&cache->landed, &cache->lock, left_ms < WAIT_STEP_MS ? left_ms : WAIT_STEP_MS);
  }
  return true;
}

/* Did the flight that was waited for fail for everybody, and not only for the call that made it? */
static bool failed_for_all(const entra_cache *cache) {
  return cache->last_failed && cache->last_err.id != EKM_E_DEADLINE && cache->last_err.id != EKM_E_CANCELLED;
}

static bool get_locked(entra_cache *cache, const entra_call *call, entra_token **out_token, ekm_err *err) {
  for (;;) {
    int64_t now_ms = ekm_clock_mono_ms(cache->clock);
    if (has_valid_token(cache, now_ms)) {
      renew_locked(cache, call, out_token);
      return true;
    }
    if (now_ms < cache->refused_until_ms) {
      *err = cache->last_err;
      return false;
    }
    if (!cache->in_flight) return fly_locked(cache, call, out_token, err);
    if (!wait_locked(cache, call, err)) return false;
    if (failed_for_all(cache)) {
      *err = cache->last_err;
      return false;
    }
  }
}

bool entra_cache_get(entra_cache *cache, const entra_call *call, entra_token **out_token, ekm_err *err) {
  *out_token = NULL;
  ekm_mutex_lock(&cache->lock);
  bool ok = get_locked(cache, call, out_token, err);
  ekm_mutex_unlock(&cache->lock);
  return ok;
}

void entra_cache_drop(entra_cache *cache, const entra_token *token) {
  ekm_mutex_lock(&cache->lock);
  if (cache->token == token) entra_token_unref(&cache->token);
  ekm_mutex_unlock(&cache->lock);
}
