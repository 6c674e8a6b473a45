#include "keyring/unwraps.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "keyring/wait.h"

enum {
  ASK_AGAIN_MS = 5000,  /* while the vault is away, who has a kept answer does not wait for it at each call */
  QUESTION_BYTES = 1024 /* name, version and ciphertext */
};

/* What outlives the one who asks knows a question by its SHA-256. */
typedef struct question_id {
  uint8_t bytes[EKM_SHA256_BYTES];
} question_id;

/* An answer on its way. Belongs to the one who asks, then to the last who waits for it. */
typedef struct flight {
  const keyring_unwraps_question *asked; /* of the one who asks; not looked at once it has landed */
  int64_t asked_ms;
  bool done, ok;
  bool overtaken; /* meanwhile the vault said no to something that covers this: the answer is older than that */
  unsigned waiters;
  ekm_secret plaintext;
  ekm_err err;
  struct flight *next;
} flight;

typedef struct kept_answer {
  question_id what;
  char name[EKM_LIMIT_KEY_NAME_CHARS + 1];
  char version[EKM_LIMIT_KEY_VERSION_CHARS + 1];
  ekm_secret plaintext; /* empty: the place is free */
  int64_t fresh_until_ms, ask_again_ms, ends_ms;
} kept_answer;

typedef struct known_method {
  question_id what;
  int method;
} known_method;

struct keyring_unwraps {
  const ekm_crypto *crypto;
  const ekm_clock *clock;
  ekm_log *log;
  int64_t keep_ms, grace_ms;

  ekm_mutex lock; /* covers everything below */
  ekm_cond landed;
  flight *flights;
  kept_answer *kept;     /* KEYRING_UNWRAPS_KEPT; NULL: nothing is kept */
  known_method *methods; /* KEYRING_UNWRAPS_METHODS, the oldest at method_next; NULL: the first one always worked */
  size_t method_count, method_next;
};

bool keyring_unwraps_new(const ekm_crypto *crypto, const ekm_clock *clock, ekm_log *log, int64_t keep_ms,
                         int64_t grace_ms, keyring_unwraps **out_unwraps, ekm_err *err) {
  keyring_unwraps *u = ekm_mem_alloc(sizeof *u, err);
  *out_unwraps = u;
  if (u == NULL) return false;
  u->crypto = crypto;
  u->clock = clock;
  u->log = log;
  u->keep_ms = keep_ms;
  u->grace_ms = grace_ms;
  ekm_mutex_init(&u->lock);
  ekm_cond_init(&u->landed);
  if (keep_ms == 0) return true;
  u->kept = ekm_mem_array(KEYRING_UNWRAPS_KEPT, sizeof *u->kept, err);
  if (u->kept == NULL) keyring_unwraps_free(out_unwraps);
  return *out_unwraps != NULL;
}

void keyring_unwraps_free(keyring_unwraps **unwraps) {
  keyring_unwraps *u = *unwraps;
  *unwraps = NULL;
  if (u == NULL) return;
  for (size_t i = 0; u->kept != NULL && i < KEYRING_UNWRAPS_KEPT; i++) ekm_secret_clear(&u->kept[i].plaintext);
  ekm_mem_free(u->kept);
  ekm_mem_free(u->methods);
  ekm_mem_free(u);
}

static bool is_same(const question_id *a, const question_id *b) {
  return ekm_view_equal(ekm_view_of(a->bytes, sizeof a->bytes), ekm_view_of(b->bytes, sizeof b->bytes));
}

/* Names are the same whatever their case. */
static bool asks_the_same(const keyring_unwraps_question *a, const keyring_unwraps_question *b) {
  return ekm_view_equal(a->ciphertext, b->ciphertext) && strcmp(a->version, b->version) == 0 &&
         ekm_text_ieq(a->name, b->name);
}

static bool identify(const keyring_unwraps *u, const keyring_unwraps_question *asked, question_id *out, ekm_err *err) {
  char lower[EKM_LIMIT_KEY_NAME_CHARS + 1];
  ekm_buf text;
  ekm_buf_init(&text, QUESTION_BYTES);
  bool ok = ekm_text_copy(lower, sizeof lower, asked->name, "a key name", err);
  if (ok) ekm_text_lower(lower);
  if (ok) ekm_buf_append_fmt(&text, "%s/%s\n", lower, asked->version);
  ekm_buf_append_view(&text, asked->ciphertext);
  ok = ok && ekm_buf_ok(&text, "an unwrap", err) && ekm_crypto_sha256(u->crypto, ekm_buf_view(&text), out->bytes, err);
  ekm_buf_clear(&text);
  return ok;
}

/* A hash costs as much as all the rest here: only where something is looked up by it. */
static bool has_memory(const keyring_unwraps *u) {
  return u->kept != NULL || u->methods != NULL;
}

/* --- what failed -------------------------------------------------------------------------------------------------- */

static bool is_among(ekm_err_id id, const ekm_err_id *ids, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (ids[i] == id) return true;
  }
  return false;
}

/* A service that answers a sign-in so is busy, or something else is in its place. Any other 4xx is about who asks
 * (conditional access, a resource that the tenant lacks), although not every one is known to be for good. */
static bool is_busy(int http_status) {
  return http_status < 400 || http_status == 404 || http_status == 408 || http_status == 410 || http_status == 429 ||
         http_status >= 500;
}

/* The vault, or the way to it, is away: nothing was said about the key. */
bool keyring_is_outage(const ekm_err *err) {
  static const ekm_err_id ids[] = {EKM_E_DNS,       EKM_E_CONNECT,         EKM_E_TLS_HANDSHAKE,     EKM_E_HTTP_SEND,
                                   EKM_E_PROXY,     EKM_E_PROXY_AUTH,      EKM_E_HTTP_RECEIVE,      EKM_E_DEADLINE,
                                   EKM_E_HOST_DOWN, EKM_E_VAULT_THROTTLED, EKM_E_VAULT_SERVER_ERROR};
  return is_among(err->id, ids, sizeof ids / sizeof ids[0]) ||
         (err->id == EKM_E_TOKEN_FAILED && is_busy(err->http_status));
}

/* The key or this version of it is gone, or may not be used. */
static bool is_refusal_of_key(ekm_err_id id) {
  static const ekm_err_id ids[] = {EKM_E_KEY_NOT_FOUND, EKM_E_KEY_DISABLED, EKM_E_KEY_NOT_IN_TIME, EKM_E_KEY_OPERATION,
                                   EKM_E_VAULT_NOT_FOUND};
  return is_among(id, ids, sizeof ids / sizeof ids[0]);
}

bool keyring_is_forbidden(ekm_err_id id) {
  static const ekm_err_id ids[] = {EKM_E_VAULT_FORBIDDEN, EKM_E_VAULT_ROLE, EKM_E_VAULT_DENIED};
  return is_among(id, ids, sizeof ids / sizeof ids[0]);
}

/* The application itself may no longer. */
static bool is_refusal_of_all(ekm_err_id id) {
  static const ekm_err_id ids[] = {EKM_E_TOKEN_REFUSED, EKM_E_TOKEN_REJECTED, EKM_E_VAULT_FIREWALL,
                                   EKM_E_VAULT_PRIVATE_LINK};
  return keyring_is_forbidden(id) || is_among(id, ids, sizeof ids / sizeof ids[0]);
}

bool keyring_unwraps_is_no(ekm_err_id id) {
  return is_refusal_of_all(id) || is_refusal_of_key(id);
}

/* The end of the one who asked, which is not that of those who wait. */
static bool is_own_end(ekm_err_id id) {
  return id == EKM_E_DEADLINE || id == EKM_E_CANCELLED;
}

/* --- what is kept; with the lock held ----------------------------------------------------------------------------- */

static void drop(kept_answer *answer) {
  ekm_secret_clear(&answer->plaintext);
  *answer = (kept_answer){0};
}

/* What a no was about. */
typedef struct subject {
  const char *name, *version; /* NULL: whatever it is */
} subject;

static bool covers(const subject *of, const char *name, const char *version) {
  return (of->name == NULL || ekm_text_ieq(of->name, name)) &&
         (of->version == NULL || strcmp(of->version, version) == 0);
}

/* No answer that is on its way was given later than this no: neither is it kept, nor does it serve who asks now. */
static void end(keyring_unwraps *u, const subject *of) {
  for (size_t i = 0; u->kept != NULL && i < KEYRING_UNWRAPS_KEPT; i++) {
    kept_answer *each = &u->kept[i];
    if (each->plaintext.len > 0 && covers(of, each->name, each->version)) drop(each);
  }
  for (flight *f = u->flights; f != NULL; f = f->next) {
    if (covers(of, f->asked->name, f->asked->version)) f->overtaken = true;
  }
}

static kept_answer *find_kept(keyring_unwraps *u, const question_id *what) {
  for (size_t i = 0; u->kept != NULL && i < KEYRING_UNWRAPS_KEPT; i++) {
    if (u->kept[i].plaintext.len > 0 && is_same(&u->kept[i].what, what)) return &u->kept[i];
  }
  return NULL;
}

/* A free place, else that of the answer that ends first. */
static kept_answer *place(keyring_unwraps *u, const question_id *what) {
  kept_answer *best = find_kept(u, what);
  if (best != NULL) return best;
  best = &u->kept[0];
  for (size_t i = 0; i < KEYRING_UNWRAPS_KEPT; i++) {
    if (u->kept[i].plaintext.len == 0) return &u->kept[i];
    if (u->kept[i].ends_ms < best->ends_ms) best = &u->kept[i];
  }
  return best;
}

/* Without memory for it nothing is kept. Time counts from the question: later than then the vault may have revoked. */
static void keep(keyring_unwraps *u, const question_id *what, const flight *f, ekm_view plaintext) {
  ekm_err ignored = {0};
  if (u->kept == NULL || f->overtaken) return;
  kept_answer *answer = place(u, what);
  drop(answer);
  if (!ekm_text_copy(answer->name, sizeof answer->name, f->asked->name, "a name", &ignored) ||
      !ekm_text_copy(answer->version, sizeof answer->version, f->asked->version, "a version", &ignored) ||
      !ekm_secret_set(&answer->plaintext, plaintext, &ignored)) {
    drop(answer);
    return;
  }
  answer->what = *what;
  answer->fresh_until_ms = answer->ask_again_ms = f->asked_ms + u->keep_ms;
  answer->ends_ms = answer->fresh_until_ms + u->grace_ms;
}

static bool give(const ekm_secret *plaintext, ekm_buf *out, ekm_err *err) {
  ekm_buf_append_view(out, ekm_secret_reveal(plaintext));
  return ekm_buf_ok(out, "a plaintext", err);
}

/* --- how it was asked; with the lock held ------------------------------------------------------------------------- */

static known_method *find_method(const keyring_unwraps *u, const question_id *what) {
  for (size_t i = 0; i < u->method_count; i++) {
    if (is_same(&u->methods[i].what, what)) return &u->methods[i];
  }
  return NULL;
}

static int method_of(const keyring_unwraps *u, const question_id *what) {
  const known_method *known = find_method(u, what);
  return known == NULL ? -1 : known->method;
}

/* The first method is tried first anyway. What cannot be remembered for want of memory is found again. */
static void note_method(keyring_unwraps *u, const keyring_unwraps_question *asked, int method) {
  ekm_err ignored = {0};
  question_id what;
  bool is_first = method <= 0;
  if ((is_first && u->methods == NULL) || !identify(u, asked, &what, &ignored)) return;
  known_method *known = find_method(u, &what);
  if (known != NULL) known->method = method;
  if (known != NULL || is_first) return;
  if (u->methods == NULL) u->methods = ekm_mem_array(KEYRING_UNWRAPS_METHODS, sizeof *u->methods, &ignored);
  if (u->methods == NULL) return;
  u->methods[u->method_next] = (known_method){what, method};
  u->method_next = (u->method_next + 1) % KEYRING_UNWRAPS_METHODS;
  if (u->method_count < KEYRING_UNWRAPS_METHODS) u->method_count++;
}

/* --- waiting for another ------------------------------------------------------------------------------------------ */

static flight *find_flight(keyring_unwraps *u, const keyring_unwraps_question *asked) {
  for (flight *f = u->flights; f != NULL; f = f->next) {
    if (!f->overtaken && asks_the_same(f->asked, asked)) return f;
  }
  return NULL;
}

static void free_flight(flight *f) {
  ekm_secret_clear(&f->plaintext);
  ekm_mem_free(f);
}

typedef enum outcome { HAS_ANSWER, HAS_FAILED, ASKS_HIMSELF } outcome;

/* Who waited and may go on when the other's own end came: asks himself. */
static outcome wait_for(keyring_unwraps *u, flight *f, const keyring_call *call, ekm_buf *out, ekm_err *err) {
  outcome result = HAS_FAILED;
  f->waiters++;
  while (!f->done && keyring_wait(call, u->clock, &u->landed, &u->lock)) continue;
  f->waiters--;
  if (!f->done) {
    (void)keyring_fail_waiting(call, "while another thread unwrapped it", err);
  } else if (f->ok) {
    if (give(&f->plaintext, out, err)) result = HAS_ANSWER;
  } else if (is_own_end(f->err.id)) {
    result = ASKS_HIMSELF;
  } else {
    *err = f->err;
  }
  if (f->done && f->waiters == 0) free_flight(f);
  return result;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static flight *begin(keyring_unwraps *u, const keyring_unwraps_question *asked, ekm_err *err) {
  flight *f = ekm_mem_alloc(sizeof *f, err);
  if (f == NULL) return NULL;
  f->asked = asked;
  f->asked_ms = ekm_clock_mono_ms(u->clock);
  f->next = u->flights;
  u->flights = f;
  return f;
}

static void unlink_flight(keyring_unwraps *u, const flight *f) {
  flight **at = &u->flights;
  while (*at != f) at = &(*at)->next;
  *at = f->next;
}

static void note(keyring_unwraps *u, const char *name, const char *version, const ekm_err *err) {
  if (is_refusal_of_all(err->id)) end(u, &(subject){NULL, NULL});
  if (name != NULL && is_refusal_of_key(err->id)) end(u, &(subject){name, version});
}

/* The vault said no, or nothing: is there an answer that may still be used? */
static bool fall_back(keyring_unwraps *u, const keyring_unwraps_question *asked, const question_id *what, ekm_buf *out,
                      ekm_err *err) {
  int64_t now = ekm_clock_mono_ms(u->clock);
  note(u, asked->name, asked->version, err);
  kept_answer *answer = what == NULL ? NULL : find_kept(u, what);
  if (answer == NULL || err->id == EKM_E_CANCELLED || err->id == EKM_E_OUT_OF_MEMORY) return false;
  if (!keyring_is_outage(err) || now >= answer->ends_ms) {
    drop(answer);
    return false;
  }
  ekm_log_err(u->log, EKM_LOG_WARN, "keyring.grace", err);
  answer->ask_again_ms = now + ASK_AGAIN_MS;
  ekm_err_clear(err);
  ekm_buf_reset(out);
  return give(&answer->plaintext, out, err);
}

static void land(keyring_unwraps *u, flight *f, bool ok, ekm_view plaintext, const ekm_err *err) {
  unlink_flight(u, f);
  f->done = true;
  f->ok = ok;
  if (!ok) f->err = *err;
  if (ok && f->waiters > 0) f->ok = ekm_secret_set(&f->plaintext, plaintext, &f->err);
  ekm_cond_wake_all(&u->landed);
  if (f->waiters == 0) free_flight(f);
}

/* With the lock held, which is given up while the vault is asked. ${what} is NULL where nothing is remembered. */
static bool ask(keyring_unwraps *u, const keyring_unwraps_question *asked, const question_id *what,
                const keyring_unwraps_asker *asker, ekm_buf *out, ekm_err *err) {
  int method = what == NULL ? -1 : method_of(u, what);
  flight *f = begin(u, asked, err);
  if (f == NULL) return false;
  ekm_mutex_unlock(&u->lock);
  bool ok = asker->ask(asker->arg, &method, out, err);
  ekm_mutex_lock(&u->lock);
  if (ok) note_method(u, asked, method);
  if (ok && what != NULL) keep(u, what, f, ekm_buf_view(out));
  if (!ok) ok = fall_back(u, asked, what, out, err);
  land(u, f, ok, ekm_buf_view(out), err);
  return ok;
}

static bool is_usable(const keyring_unwraps *u, const kept_answer *answer) {
  int64_t now = ekm_clock_mono_ms(u->clock);
  return answer != NULL && now < answer->ends_ms && (now < answer->fresh_until_ms || now < answer->ask_again_ms);
}

bool keyring_unwraps_run(keyring_unwraps *unwraps, const keyring_unwraps_question *asked,
                         const keyring_unwraps_asker *asker, const keyring_call *call, ekm_buf *out_plaintext,
                         ekm_err *err) {
  question_id id;
  const question_id *what = NULL;
  outcome result = ASKS_HIMSELF;
  bool ok = false;

  keyring_unwraps_tidy(unwraps);
  ekm_mutex_lock(&unwraps->lock);
  if (has_memory(unwraps)) {
    if (!identify(unwraps, asked, &id, err)) goto done;
    what = &id;
  }
  while (result == ASKS_HIMSELF) {
    const kept_answer *kept = what == NULL ? NULL : find_kept(unwraps, what);
    flight *f = find_flight(unwraps, asked);
    if (is_usable(unwraps, kept)) {
      ok = give(&kept->plaintext, out_plaintext, err);
      break;
    }
    if (f == NULL) {
      ok = ask(unwraps, asked, what, asker, out_plaintext, err);
      break;
    }
    result = wait_for(unwraps, f, call, out_plaintext, err);
    ok = result == HAS_ANSWER;
    /* Whose time ends before that of the one who asks has waited for a silent vault, too. */
    if (!ok && err->id == EKM_E_DEADLINE) ok = fall_back(unwraps, asked, what, out_plaintext, err);
  }
done:
  ekm_mutex_unlock(&unwraps->lock);
  return ok;
}

/* --- forgetting --------------------------------------------------------------------------------------------------- */

void keyring_unwraps_note(keyring_unwraps *unwraps, const char *name, const char *version, const ekm_err *err) {
  if (unwraps->kept == NULL) return;
  ekm_mutex_lock(&unwraps->lock);
  note(unwraps, name, version, err);
  ekm_mutex_unlock(&unwraps->lock);
}

void keyring_unwraps_forget(keyring_unwraps *unwraps, const char *name, const char *version) {
  if (unwraps->kept == NULL) return;
  ekm_mutex_lock(&unwraps->lock);
  end(unwraps, &(subject){name, version});
  ekm_mutex_unlock(&unwraps->lock);
}

void keyring_unwraps_tidy(keyring_unwraps *unwraps) {
  if (unwraps->kept == NULL) return;
  int64_t now = ekm_clock_mono_ms(unwraps->clock);
  ekm_mutex_lock(&unwraps->lock);
  for (size_t i = 0; i < KEYRING_UNWRAPS_KEPT; i++) {
    if (unwraps->kept[i].plaintext.len > 0 && unwraps->kept[i].ends_ms <= now) drop(&unwraps->kept[i]);
  }
  ekm_mutex_unlock(&unwraps->lock);
}
