#include "vault/trouble.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/mutex.h"
#include "base/text.h"
#include "vault/aad_answer.h"
#include "vault/authenticate.h"
#include "vault/keys_api.h"
#include "vault/routes.h"
#include "vault/service.h"

enum {
  ROWS_MAX = 16,
  TIMES_MAX = 1000000,
  RETRY_AFTER_MAX_S = 86400,
  DELAY_MAX_MS = 600000,
  SLOW_MAX = 64,
  SLOW_MAX_S = 3600
};
static const json_int_t shift_max_s = 3155760000; /* a century */

/* A claims challenge asks for another token; these are the claims of the published documentation's example, of no
 * meaning here: {"access_token":{"nbf":{"essential":true,"value":"0"}}} */
#define CLAIMS_CHALLENGE                                                 \
  ", error=\"insufficient_claims\", claims=\"eyJhY2Nlc3NfdG9rZW4iOnsibm" \
  "JmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIwIn19fQ==\""

/* What a kind of trouble makes of a request. */
typedef struct trouble_kind {
  const char *name;
  vault_fault fault;     /* NONE: the request is served */
  const char *challenge; /* NULL: none; else what it says besides where to sign in */
  vault_cut cut;
  bool is_html;
} trouble_kind;
static const trouble_kind kinds[] = {
    {"none", VAULT_FAULT_NONE, NULL, VAULT_CUT_NOTHING, false},
    {"throttle", VAULT_FAULT_THROTTLED, NULL, VAULT_CUT_NOTHING, false},
    {"error", VAULT_FAULT_INTERNAL, NULL, VAULT_CUT_NOTHING, false},
    {"unavailable", VAULT_FAULT_UNAVAILABLE, NULL, VAULT_CUT_NOTHING, false},
    {"html", VAULT_FAULT_GATEWAY, NULL, VAULT_CUT_NOTHING, true},
    {"expired_token", VAULT_FAULT_TOKEN_EXPIRED, "", VAULT_CUT_NOTHING, false},
    {"claims", VAULT_FAULT_CLAIMS, CLAIMS_CHALLENGE, VAULT_CUT_NOTHING, false},
    {"policy", VAULT_FAULT_FORBIDDEN, NULL, VAULT_CUT_NOTHING, false},
    {"role", VAULT_FAULT_FORBIDDEN_BY_ROLE, NULL, VAULT_CUT_NOTHING, false},
    {"firewall", VAULT_FAULT_FORBIDDEN_BY_FIREWALL, NULL, VAULT_CUT_NOTHING, false},
    {"private_link", VAULT_FAULT_FORBIDDEN_BY_LINK, NULL, VAULT_CUT_NOTHING, false},
    {"public_access", VAULT_FAULT_FORBIDDEN_BY_PUBLIC, NULL, VAULT_CUT_NOTHING, false},
    {"truncate", VAULT_FAULT_NONE, NULL, VAULT_CUT_HALF, false},
    {"reset", VAULT_FAULT_NONE, NULL, VAULT_CUT_ALL, false},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

typedef struct trouble_row {
  const trouble_kind *kind;
  const vault_route *route; /* NULL: all */
  bool has_times;
  json_int_t times;         /* left */
  json_int_t retry_after_s; /* -1: none */
  json_int_t delay_ms;
} trouble_row;

/* A deletion, recovery or purge that is not over yet. */
typedef struct slow_change {
  const vault_route *route;
  int64_t vault_id, until;
  char name[EKM_LIMIT_KEY_NAME_CHARS + 1];
} slow_change;

/* First member, so that the clock leads to its shift. */
typedef struct shifted_clock {
  ekm_clock base;
  const ekm_clock *under;
  _Atomic int64_t shift_s;
} shifted_clock;

struct vault_trouble {
  shifted_clock clock;
  ekm_mutex lock; /* of all below */
  json_int_t slow_s;
  slow_change slow[SLOW_MAX];
  size_t next_slow; /* where the next one goes: the oldest is forgotten */
  ekm_cond ended;
  bool is_ended;
  trouble_row rows[ROWS_MAX];
  size_t count;
};

static int64_t shifted_wall_s(const ekm_clock *self) {
  const shifted_clock *clock = (const shifted_clock *)self;
  return ekm_clock_wall_s(clock->under) + atomic_load(&clock->shift_s);
}

static int64_t same_mono_ms(const ekm_clock *self) {
  return ekm_clock_mono_ms(((const shifted_clock *)self)->under);
}

bool vault_trouble_new(const ekm_clock *clock, vault_trouble **out_trouble, ekm_err *err) {
  vault_trouble *trouble = ekm_mem_alloc(sizeof *trouble, err);
  *out_trouble = trouble;
  if (trouble == NULL) return false;
  trouble->clock.base = (ekm_clock){shifted_wall_s, same_mono_ms};
  trouble->clock.under = clock;
  atomic_init(&trouble->clock.shift_s, 0);
  ekm_mutex_init(&trouble->lock);
  ekm_cond_init(&trouble->ended);
  return true;
}

const ekm_clock *vault_trouble_clock(const vault_trouble *trouble) {
  return &trouble->clock.base;
}

void vault_trouble_free(vault_trouble **trouble) {
  ekm_mem_free(*trouble);
  *trouble = NULL;
}

void vault_trouble_end(vault_trouble *trouble) {
  if (trouble == NULL) return;
  ekm_mutex_lock(&trouble->lock);
  trouble->is_ended = true;
  ekm_cond_wake_all(&trouble->ended);
  ekm_mutex_unlock(&trouble->lock);
}

/* --- meeting it --------------------------------------------------------------------------------------------------- */

static bool is_about_trouble(const vault_route *route) {
  return route->handle == vault_trouble_put || route->handle == vault_trouble_get;
}

/* The row that the request meets, counted down. */
static bool take_row(vault_trouble *trouble, const vault_exchange *x, trouble_row *out) {
  bool found = false;
  ekm_mutex_lock(&trouble->lock);
  for (size_t i = 0; i < trouble->count && !found; i++) {
    trouble_row *row = &trouble->rows[i];
    if ((row->route != NULL && row->route != x->route) || (row->has_times && row->times == 0)) continue;
    if (row->has_times) row->times--;
    *out = *row;
    found = true;
  }
  ekm_mutex_unlock(&trouble->lock);
  return found;
}

static void wait_ms(vault_trouble *trouble, json_int_t delay_ms) {
  int64_t end_ms = ekm_clock_mono_ns() / 1000000 + delay_ms;
  ekm_mutex_lock(&trouble->lock);
  for (int64_t left = delay_ms; left > 0 && !trouble->is_ended; left = end_ms - ekm_clock_mono_ns() / 1000000) {
    ekm_cond_wait(&trouble->ended, &trouble->lock, left);
  }
  ekm_mutex_unlock(&trouble->lock);
}

static void answer_html(vault_answer *answer, int status) {
  vault_answer_empty(answer, status);
  ekm_buf_append_text(&answer->body,
                      "<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1>"
                      "</body></html>\n");
  answer->content_type = "text/html";
}

static void answer_fault(vault_exchange *x, const trouble_row *row) {
  const trouble_kind *kind = row->kind;
  int status = vault_fault_info_of(kind->fault)->status;
  if (kind->is_html) {
    answer_html(&x->answer, status);
  } else if (x->answer.from_sign_in) {
    vault_aad_refuse(x, VAULT_AAD_TRANSIENT, "", "");
    x->answer.status = status;
  } else if (status == 403 && x->vault != NULL) {
    (void)vault_forbid(x, kind->fault);
  } else {
    if (kind->challenge != NULL) vault_challenge(x, kind->challenge);
    vault_refuse(x, kind->fault, "");
  }
  if (row->retry_after_s >= 0) {
    (void)snprintf(x->answer.retry_after, sizeof x->answer.retry_after, "%d", (int)row->retry_after_s);
  }
}

/* --- what is slow ------------------------------------------------------------------------------------------------- */

/* What a request of a key says while the change of the first column is under way. */
static const struct {
  bool (*change)(vault_exchange *x);
  bool (*request)(vault_exchange *x); /* NULL: every one of a live key */
  vault_fault fault;
} slow_rules[] = {
    {vault_keys_delete, vault_deleted_get, VAULT_FAULT_DELETED_NOT_FOUND},
    {vault_keys_delete, vault_deleted_purge, VAULT_FAULT_DELETED_NOT_FOUND},
    {vault_keys_delete, vault_deleted_recover, VAULT_FAULT_DELETED_NOT_FOUND},
    {vault_keys_delete, vault_keys_create, VAULT_FAULT_BEING_DELETED},
    {vault_keys_delete, vault_keys_import, VAULT_FAULT_BEING_DELETED},
    {vault_deleted_purge, vault_keys_create, VAULT_FAULT_BEING_DELETED},
    {vault_deleted_purge, vault_keys_import, VAULT_FAULT_BEING_DELETED},
    {vault_deleted_recover, vault_keys_create, VAULT_FAULT_BEING_RECOVERED},
    {vault_deleted_recover, vault_keys_import, VAULT_FAULT_BEING_RECOVERED},
    {vault_deleted_recover, NULL, VAULT_FAULT_KEY_NOT_FOUND},
};
enum { SLOW_RULES = sizeof slow_rules / sizeof slow_rules[0] };

static bool is_slow(const vault_route *route) {
  for (size_t i = 0; i < SLOW_RULES; i++) {
    if (slow_rules[i].change == route->handle) return true;
  }
  return false;
}

void vault_trouble_note(vault_trouble *trouble, const vault_exchange *x) {
  bool has_changed = x->answer.status >= 200 && x->answer.status < 300;
  if (trouble == NULL || x->vault == NULL || x->key_name == NULL || !has_changed || !is_slow(x->route)) return;
  ekm_mutex_lock(&trouble->lock);
  if (trouble->slow_s > 0) {
    slow_change *slow = &trouble->slow[trouble->next_slow++ % SLOW_MAX];
    slow->route = x->route;
    slow->vault_id = x->vault->id;
    slow->until = ekm_clock_wall_s(&trouble->clock.base) + trouble->slow_s;
    (void)snprintf(slow->name, sizeof slow->name, "%s", x->key_name);
  }
  ekm_mutex_unlock(&trouble->lock);
}

/* The fault of the first rule for the request, while its change is not over. */
static vault_fault fault_of(const vault_exchange *x, const slow_change *slow, int64_t now) {
  bool is_its = slow->until > now && slow->vault_id == x->vault->id && ekm_text_ieq(slow->name, x->key_name);
  bool is_of_live_key = strncmp(x->route->pattern, "keys/", strlen("keys/")) == 0;
  for (size_t i = 0; is_its && i < SLOW_RULES; i++) {
    bool applies = slow_rules[i].request == NULL ? is_of_live_key : slow_rules[i].request == x->route->handle;
    if (slow_rules[i].change == slow->route->handle && applies) return slow_rules[i].fault;
  }
  return VAULT_FAULT_NONE;
}

static bool meets_slow(vault_trouble *trouble, vault_exchange *x) {
  vault_fault fault = VAULT_FAULT_NONE;
  if (x->vault == NULL || x->key_name == NULL) return false;
  ekm_mutex_lock(&trouble->lock);
  int64_t now = ekm_clock_wall_s(&trouble->clock.base);
  for (size_t i = 0; i < SLOW_MAX && fault == VAULT_FAULT_NONE; i++) fault = fault_of(x, &trouble->slow[i], now);
  ekm_mutex_unlock(&trouble->lock);
  if (fault != VAULT_FAULT_NONE) vault_refuse(x, fault, x->key_name);
  return fault != VAULT_FAULT_NONE;
}

bool vault_trouble_meet(vault_trouble *trouble, vault_exchange *x) {
  trouble_row row;
  if (trouble == NULL) return false;
  if (meets_slow(trouble, x)) return true;
  if (is_about_trouble(x->route) || !take_row(trouble, x, &row)) return false;
  if (row.delay_ms > 0) wait_ms(trouble, row.delay_ms);
  x->answer.cut = row.kind->cut;
  if (row.kind->fault == VAULT_FAULT_NONE) return false;
  x->refused = true;
  answer_fault(x, &row);
  return true;
}

/* --- asking for it ------------------------------------------------------------------------------------------------ */

/* NULL: there is none for this client, and that is the answer. */
static vault_trouble *trouble_for(vault_exchange *x) {
  if (x->service->trouble != NULL && x->request.from_loopback) return x->service->trouble;
  vault_refuse(x, VAULT_FAULT_PATH_UNKNOWN, "");
  return NULL;
}

static bool take_number(vault_exchange *x, const json_t *row, const char *name, json_int_t max, json_int_t *out) {
  const json_t *member = json_object_get(row, name);
  if (member == NULL) return true;
  *out = json_integer_value(member);
  return (json_is_integer(member) && *out >= 0 && *out <= max) || vault_refuse(x, VAULT_FAULT_PROPERTY, name);
}

static bool take_shift(vault_exchange *x, const json_t *body, json_int_t *out) {
  const json_t *member = json_object_get(body, "clock_shift_s");
  *out = json_integer_value(member);
  bool fits = member == NULL || (json_is_integer(member) && *out >= -shift_max_s && *out <= shift_max_s);
  return fits || vault_refuse(x, VAULT_FAULT_PROPERTY, "clock_shift_s");
}

static bool take_kind(vault_exchange *x, const json_t *row, const trouble_kind **out) {
  const char *name = ekm_json_text(row, "kind");
  for (size_t i = 0; name != NULL && i < KINDS; i++) {
    if (strcmp(kinds[i].name, name) != 0) continue;
    *out = &kinds[i];
    return true;
  }
  return vault_refuse(x, VAULT_FAULT_PROPERTY, "kind");
}

static bool take_operation(vault_exchange *x, const json_t *row, const vault_route **out) {
  size_t count;
  const vault_route *routes = vault_route_table(&count);
  const char *name = ekm_json_text(row, "operation");
  *out = NULL;
  if (name == NULL || name[0] == '\0') return true;
  for (size_t i = 0; i < count; i++) {
    if (strcmp(routes[i].operation, name) != 0) continue;
    *out = &routes[i];
    return true;
  }
  return vault_refuse(x, VAULT_FAULT_PROPERTY, "operation");
}

static bool take_asked(vault_exchange *x, const json_t *asked, trouble_row *out) {
  *out = (trouble_row){.retry_after_s = -1};
  if (!take_kind(x, asked, &out->kind) || !take_operation(x, asked, &out->route) ||
      !take_number(x, asked, "times", TIMES_MAX, &out->times) ||
      !take_number(x, asked, "retry_after_s", RETRY_AFTER_MAX_S, &out->retry_after_s) ||
      !take_number(x, asked, "delay_ms", DELAY_MAX_MS, &out->delay_ms)) {
    return false;
  }
  out->has_times = out->times > 0;
  return true;
}

bool vault_trouble_put(vault_exchange *x) {
  bool ok = false;
  json_t *body = NULL;
  trouble_row rows[ROWS_MAX];
  json_int_t slow_s = 0;
  json_int_t shift_s = 0;
  vault_trouble *trouble = trouble_for(x);

  if (trouble == NULL) return false;
  EKM_TRY(vault_exchange_body(x, &body));
  const json_t *asked = ekm_json_array(body, "trouble");
  size_t count = json_array_size(asked);
  if (asked == NULL || count > ROWS_MAX) {
    vault_refuse(x, VAULT_FAULT_PROPERTY, "trouble");
    goto done;
  }
  for (size_t i = 0; i < count; i++) EKM_TRY(take_asked(x, json_array_get(asked, i), &rows[i]));
  EKM_TRY(take_number(x, body, "slow_delete_s", SLOW_MAX_S, &slow_s));
  EKM_TRY(take_shift(x, body, &shift_s));
  ekm_mutex_lock(&trouble->lock);
  memcpy(trouble->rows, rows, count * sizeof rows[0]);
  trouble->count = count;
  trouble->slow_s = slow_s;
  if (slow_s == 0) memset(trouble->slow, 0, sizeof trouble->slow);
  ekm_mutex_unlock(&trouble->lock);
  atomic_store(&trouble->clock.shift_s, shift_s);
  EKM_TRY(vault_trouble_get(x));
  ok = true;
done:
  ekm_json_free(&body);
  return ok;
}

static json_t *row_json(const trouble_row *row) {
  json_t *doc = json_pack("{s:s, s:s, s:I, s:I}", "operation", row->route == NULL ? "" : row->route->operation, "kind",
                          row->kind->name, "times", row->times, "delay_ms", row->delay_ms);
  if (doc != NULL && row->retry_after_s >= 0) {
    (void)json_object_set_new(doc, "retry_after_s", json_integer(row->retry_after_s));
  }
  return doc;
}

bool vault_trouble_get(vault_exchange *x) {
  vault_trouble *trouble = trouble_for(x);
  if (trouble == NULL) return false;
  json_t *rows = json_array();
  bool ok = rows != NULL;
  ekm_mutex_lock(&trouble->lock);
  for (size_t i = 0; ok && i < trouble->count; i++) {
    const trouble_row *row = &trouble->rows[i];
    bool is_over = row->has_times && row->times == 0;
    ok = is_over || json_array_append_new(rows, row_json(row)) == 0;
  }
  json_int_t slow_s = trouble->slow_s;
  ekm_mutex_unlock(&trouble->lock);
  json_int_t shift_s = atomic_load(&trouble->clock.shift_s);
  json_t *doc =
      ok ? json_pack("{s:O, s:I, s:I}", "trouble", rows, "slow_delete_s", slow_s, "clock_shift_s", shift_s) : NULL;
  json_decref(rows);
  return vault_answer_json(&x->answer, 200, doc, &x->err);
}
