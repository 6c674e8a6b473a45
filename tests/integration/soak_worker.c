#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "host/host_algorithm.h"
#include "soak.h"
#include "support/engine.h"

enum { RECOVERY_MS = 20000, BLOB_BYTES = 4096, PAUSE_MS = 10, TURNS_PER_APP = 8 };

/* --- what is right ------------------------------------------------------------------------------------------------ */

/* What the network may be told as, and what an interrupted creation is. */
static bool is_honest(uint32_t code) {
  static const ekm_err_id ids[] = {EKM_E_CONNECT,  EKM_E_TLS_HANDSHAKE, EKM_E_HTTP_SEND,       EKM_E_HTTP_RECEIVE,
                                   EKM_E_DEADLINE, EKM_E_HOST_DOWN,     EKM_E_CREATION_UNSURE, EKM_E_SEARCH_UNFINISHED};
  for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
    if (ekm_err_info_of(ids[i])->code == code) return true;
  }
  return false;
}

static bool is_code(uint32_t code, ekm_err_id id) {
  return ekm_err_info_of(id)->code == code;
}

static bool was_aborted(soak_worker *w) {
  ekm_mutex_lock(&w->lock);
  bool aborted = w->aborted;
  ekm_mutex_unlock(&w->lock);
  return aborted;
}

static void tell_wrong(soak_worker *w, const char *what, uint32_t code, const ekm_err *err) {
  const ekm_err_info *info = ekm_err_info_by_code(code);
  atomic_fetch_add(&w->s->wrong, 1);
  (void)fprintf(stderr, "soak: WRONG: worker %u: %s: %" PRIu32 " (%s): %s: %s\n", w->index, what, code,
                info == NULL ? "no code of ours" : info->name, ekm_err_info_of(err->id)->text, err->detail);
}

/* Is what happened right, or an honest error? ${expected} is one that the action may have besides. */
static bool judge(soak_worker *w, const char *what, bool ok, uint32_t code, const ekm_err *err, ekm_err_id expected) {
  if (ok && expected != EKM_E_AUTH_FAILURE) {
    atomic_fetch_add(&w->s->right, 1);
    return true;
  }
  bool is_expected = expected != EKM_E_OK && is_code(code, expected);
  bool is_aborted = was_aborted(w) && (is_code(code, EKM_E_CANCELLED) || is_code(code, EKM_E_SESSION_UNKNOWN));
  if (ok || (!is_expected && !is_aborted && !is_honest(code))) {
    tell_wrong(w, what, code, err);
    return false;
  }
  const ekm_err_info *info = ekm_err_info_by_code(code);
  w->is_refused = is_code(code, EKM_E_HOST_DOWN);
  atomic_fetch_add(is_expected ? &w->s->right : &w->s->faults[info == NULL ? 0 : info->id], 1);
  return false;
}

/* The call went well: so must be what it brought. */
static void judge_data(soak_worker *w, const char *what, bool is_right) {
  static const ekm_err other = {.id = EKM_E_MISMATCH, .detail = "not what it must be"};
  if (!is_right) tell_wrong(w, what, 0, &other);
}

/* --- sessions ----------------------------------------------------------------------------------------------------- */

static void leave_session(soak_worker *w) {
  ekm_mutex_lock(&w->lock);
  host_session *session = w->session;
  w->session = NULL;
  w->aborted = false;
  ekm_mutex_unlock(&w->lock);
  host_session_close(&session);
}

static bool open_with(soak_worker *w, const char *secret_text, host_session **out, ekm_err_id expected) {
  ekm_err err = {0};
  host_result result = {0};
  ekm_secret secret = {0};
  *out = NULL;
  bool ok = ekm_secret_set(&secret, ekm_view_text(secret_text), &err) &&
            host_session_open(w->s->module, END_TO_END_HOST, &secret, out, &result, &err);
  ekm_secret_clear(&secret);
  return judge(w, "open", ok, result.code, &err, expected);
}

/* One application after the other joins, so that there are sign-ins all the time. */
static const akvd_app *draw_app(soak_worker *w) {
  unsigned joined = 1 + w->turns / TURNS_PER_APP;
  return &w->s->apps[soak_draw(&w->random, joined < SOAK_APPS ? joined : SOAK_APPS)];
}

static void act_new_session(soak_worker *w) {
  host_session *session = NULL;
  leave_session(w);
  if (!open_with(w, draw_app(w)->credential, &session, EKM_E_OK)) return;
  ekm_mutex_lock(&w->lock);
  w->session = session;
  ekm_mutex_unlock(&w->lock);
}

/* The one thing that is an AuthFailure. Each secret is new, so that the sign-in service really refuses it. */
static void act_wrong_secret(soak_worker *w) {
  char secret[400];
  host_session *session = NULL;
  (void)snprintf(secret, sizeof secret, "%.32swrong%u-%u", w->s->apps[0].credential, w->index, w->made++);
  (void)open_with(w, secret, &session, EKM_E_AUTH_FAILURE);
  host_session_close(&session);
}

static void act_abort_another(soak_worker *w) {
  soak_worker *other = &w->s->workers[soak_draw(&w->random, SOAK_WORKERS)];
  ekm_mutex_lock(&other->lock);
  if (other->session != NULL && !other->aborted) {
    other->aborted = true;
    host_session_abort(other->session);
  }
  ekm_mutex_unlock(&other->lock);
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

static const soak_key *draw_key(soak_worker *w) {
  return &w->s->keys[soak_draw(&w->random, SOAK_KEYS)];
}

static void unwrap(soak_worker *w, const host_key *key, ekm_view wrapped) {
  ekm_err err = {0};
  host_result result = {0};
  ekm_secret plain = {0};
  bool ok = host_key_decrypt(w->session, host_key_thumb(key), wrapped, &plain, &result, &err);
  if (judge(w, "unwrap", ok, result.code, &err, EKM_E_OK)) {
    judge_data(w, "unwrap", ekm_view_equal(ekm_secret_reveal(&plain), ekm_view_text(END_TO_END_DEK)));
  }
  ekm_secret_clear(&plain);
}

static void act_unwrap(soak_worker *w) {
  const soak_key *k = draw_key(w);
  unwrap(w, &k->key, ekm_buf_view(&k->wrapped));
}

static void act_wrap(soak_worker *w) {
  ekm_err err = {0};
  host_result result = {0};
  const soak_key *k = draw_key(w);
  ekm_buf wrapped;
  ekm_buf_init(&wrapped, BLOB_BYTES);
  bool ok =
      host_key_encrypt(w->session, host_key_thumb(&k->key), ekm_view_text(END_TO_END_DEK), &wrapped, &result, &err);
  if (judge(w, "wrap", ok, result.code, &err, EKM_E_OK)) unwrap(w, &k->key, ekm_buf_view(&wrapped));
  ekm_buf_clear(&wrapped);
}

static bool is_same(const host_key *a, const host_key *b) {
  return ekm_view_equal(host_key_thumb(a), host_key_thumb(b));
}

static void act_by_name(soak_worker *w) {
  ekm_err err = {0};
  host_result result = {0};
  host_key key;
  const soak_key *k = draw_key(w);
  bool ok = host_key_by_name(w->session, k->name, &key, &result, &err);
  if (judge(w, "by name", ok, result.code, &err, EKM_E_OK)) judge_data(w, "by name", is_same(&key, &k->key));
}

static void act_by_thumb(soak_worker *w) {
  ekm_err err = {0};
  host_result result = {0};
  host_key key;
  const soak_key *k = draw_key(w);
  bool ok = host_key_by_thumb(w->session, host_key_thumb(&k->key), &key, &result, &err);
  if (judge(w, "by thumb", ok, result.code, &err, EKM_E_OK)) {
    judge_data(w, "by thumb", is_same(&key, &k->key) && strcmp(key.name, k->name) == 0);
  }
}

static void act_by_strange_thumb(soak_worker *w) {
  ekm_err err = {0};
  host_result result = {0};
  host_key key;
  uint8_t thumb[20];
  for (size_t i = 0; i < sizeof thumb; i++) thumb[i] = (uint8_t)soak_draw(&w->random, 256);
  bool ok = host_key_by_thumb(w->session, ekm_view_of(thumb, sizeof thumb), &key, &result, &err);
  if (judge(w, "by a strange thumb", ok, result.code, &err, EKM_E_KEY_NOT_FOUND)) judge_data(w, "strange", false);
}

static void act_export(soak_worker *w) {
  ekm_err err = {0};
  host_result result = {0};
  const soak_key *k = draw_key(w);
  ekm_buf blob;
  ekm_buf_init(&blob, BLOB_BYTES);
  bool ok = host_key_export(w->session, host_key_thumb(&k->key), &blob, &result, &err);
  if (judge(w, "export", ok, result.code, &err, EKM_E_OK)) {
    judge_data(w, "export", ekm_view_equal(ekm_buf_view(&blob), ekm_buf_view(&k->exported)));
  }
  ekm_buf_clear(&blob);
}

/* A list that was told to its end holds the keys that are always there; others come and go meanwhile. */
static void act_list(soak_worker *w) {
  ekm_err err = {0};
  host_result result = {0};
  SqlCpKeyId id = 0;
  unsigned known = 0;
  bool more = true, whole = true;
  while (whole && more) {
    host_key key;
    bool ok = host_key_next(w->session, &id, &more, &result, &err);
    whole = judge(w, "next", ok, result.code, &err, EKM_E_OK);
    if (!whole || !more) break;
    ok = host_key_by_id(w->session, id, &key, &result, &err);
    if (!judge(w, "by id", ok, result.code, &err, EKM_E_KEY_NOT_FOUND)) {
      whole = is_code(result.code, EKM_E_KEY_NOT_FOUND);
      ekm_err_clear(&err);
      continue;
    }
    for (size_t i = 0; i < SOAK_KEYS; i++) known += strcmp(key.name, w->s->keys[i].name) == 0 ? 1 : 0;
  }
  if (whole) judge_data(w, "list", known == SOAK_KEYS);
}

static void act_create_and_drop(soak_worker *w) {
  char name[32];
  ekm_err err = {0};
  host_result result = {0};
  host_key key;
  (void)snprintf(name, sizeof name, "made-%u-%u", w->index, w->made++);
  const host_key_wish wish = {name, w->s->keys[0].key.algorithm, SQLCP_KEY_SUPPORTED};
  bool ok = host_key_create(w->session, &wish, &key, &result, &err);
  if (!judge(w, "create", ok, result.code, &err, EKM_E_OK)) return;
  ok = host_key_drop(w->session, host_key_thumb(&key), &result, &err);
  (void)judge(w, "drop", ok, result.code, &err, EKM_E_OK);
}

static void act_import(soak_worker *w) {
  ekm_err err = {0};
  engine_text name;
  uint8_t bytes[] = {1, 2, 3};
  const SqlCpKeyBlob blob = {sizeof bytes, bytes};
  SqlCpError code;
  HOST_CALL(code, host_module_calls(w->s->module), ImportKey,
            (host_session_handle(w->session), engine_text_set(&name, "imported"), NULL, SQLCP_BLOB_PUBLIC_KEY,
             SQLCP_KEY_SUPPORTED, &blob));
  (void)judge(w, "import", code == 0, code, &err, EKM_E_NOT_SUPPORTED);
}

/* --- what needs no session ---------------------------------------------------------------------------------------- */

static void act_algorithms(soak_worker *w) {
  ekm_err err = {0};
  host_result result = {0};
  host_algorithm_list list;
  bool ok = host_algorithm_enumerate(w->s->module, &list, &result, &err);
  if (judge(w, "algorithms", ok, result.code, &err, EKM_E_OK)) {
    judge_data(w, "algorithms", host_algorithm_find(&list, "RSA_2048") != NULL);
  }
}

static void act_provider_info(soak_worker *w) {
  ekm_err err = {0};
  SqlCpWchar name[SQLCP_MAX_NAME_BYTES / 2];
  SqlCpProviderInfo info = {.name = {sizeof name, name}};
  SqlCpError code;
  HOST_CALL(code, host_module_calls(w->s->module), GetProviderInfo, (&info));
  if (judge(w, "provider info", code == 0, code, &err, EKM_E_OK)) {
    judge_data(w, "provider info", info.scpVersion.major == 1 && info.name.cb > 0);
  }
}

/* --- a thread's life ---------------------------------------------------------------------------------------------- */

static const struct {
  unsigned weight;
  bool needs_session;
  void (*run)(soak_worker *w);
} actions[] = {
    {400, true, act_unwrap},      {100, true, act_wrap},           {100, true, act_by_name},
    {150, true, act_by_thumb},    {3, true, act_by_strange_thumb}, {60, true, act_export},
    {20, true, act_list},         {3, true, act_create_and_drop},  {10, true, act_import},
    {20, false, act_algorithms},  {20, false, act_provider_info},  {60, false, act_new_session},
    {4, false, act_wrong_secret}, {15, false, act_abort_another},
};

enum { ACTIONS = sizeof actions / sizeof actions[0] };

static size_t draw_action(soak_worker *w) {
  unsigned all = 0;
  for (size_t i = 0; i < ACTIONS; i++) all += actions[i].weight;
  unsigned lot = soak_draw(&w->random, all);
  size_t at = 0;
  while (lot >= actions[at].weight) lot -= actions[at++].weight;
  return at;
}

/* A host that is down is refused in no time; nobody asks a million times. */
static void rest(soak_worker *w) {
  ekm_cond never = EKM_COND_INIT;
  if (!w->is_refused) return;
  w->is_refused = false;
  ekm_mutex_lock(&w->lock);
  ekm_cond_wait(&never, &w->lock, PAUSE_MS);
  ekm_mutex_unlock(&w->lock);
}

/* Each thread begins with another action, so that a short soak has had them all. */
void soak_work(void *arg) {
  soak_worker *w = arg;
  for (w->turns = 0; !atomic_load(&w->s->stopping); w->turns++) {
    size_t at = w->turns == 0 ? w->index % ACTIONS : draw_action(w);
    if (was_aborted(w)) leave_session(w);
    if (actions[at].needs_session && w->session == NULL) act_new_session(w);
    if (!actions[at].needs_session || w->session != NULL) actions[at].run(w);
    rest(w);
  }
  leave_session(w);
}

bool soak_recovers(soak *s) {
  const ekm_deadline deadline = ekm_deadline_in(ekm_clock_system(), RECOVERY_MS);
  soak_worker w = {.s = s, .index = SOAK_WORKERS, .random = 1};
  ekm_mutex_init(&w.lock);
  long wrong = atomic_load(&s->wrong);
  bool ok = false;
  while (!ok && ekm_deadline_left_ms(deadline, ekm_clock_system()) > 0) {
    if (w.session == NULL) act_new_session(&w);
    long right = atomic_load(&s->right);
    if (w.session != NULL) act_unwrap(&w);
    ok = w.session != NULL && atomic_load(&s->right) > right;
    rest(&w);
  }
  leave_session(&w);
  return ok && atomic_load(&s->wrong) == wrong;
}
