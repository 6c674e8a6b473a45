#include "vault/rotation.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

enum { MIN_EXPIRY_DAYS = 28, MAX_ACTIONS = 2, MAX_YEARS = 100, SECONDS_PER_DAY = 86400 };

/* ---- durations --------------------------------------------------------------------------------------------------- */

/* The units in their order; behind "T" those of a day. */
typedef struct unit {
  char letter;
  bool of_day;
  int32_t months, days;
  int32_t seconds;
} unit;
static const unit units[] = {
    {'Y', false, 12, 0, 0},  {'M', false, 1, 0, 0}, {'W', false, 0, 7, 0}, {'D', false, 0, 1, 0},
    {'H', true, 0, 0, 3600}, {'M', true, 0, 0, 60}, {'S', true, 0, 0, 1},
};

static const unit *find_unit(char letter, bool of_day) {
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    if (units[i].letter == letter && units[i].of_day == of_day) return &units[i];
  }
  return NULL;
}

/* One "12D"; ${last} is the unit before it, behind which it must come. */
static bool take_part(const char **at, bool of_day, const unit **last, vault_duration *out) {
  int32_t number = 0;
  const char *digits = *at;
  for (; **at >= '0' && **at <= '9' && *at - digits < 6; ++*at) number = number * 10 + (**at - '0');
  const unit *found = find_unit(**at, of_day);
  if (*at == digits || found == NULL || (*last != NULL && found <= *last)) return false;
  *last = found;
  ++*at;
  out->months += number * found->months;
  out->days += number * found->days;
  out->seconds += (int64_t)number * found->seconds;
  return true;
}

bool vault_duration_parse(const char *text, vault_duration *out) {
  const unit *last = NULL;
  bool of_day = false;
  memset(out, 0, sizeof *out);
  if (*text++ != 'P' || *text == '\0') return false;
  while (*text != '\0') {
    if (*text == 'T' && !of_day) {
      of_day = true;
      text++;
    }
    if (!take_part(&text, of_day, &last, out)) return false;
  }
  bool is_none = out->months == 0 && out->days == 0 && out->seconds == 0;
  return !is_none && out->months <= MAX_YEARS * 12 && out->days <= MAX_YEARS * 366 &&
         out->seconds <= (int64_t)MAX_YEARS * 366 * SECONDS_PER_DAY;
}

static int days_of_month(int year, int month) {
  return month == 12 ? 31 : (int)(ekm_clock_days(year, month + 1, 1) - ekm_clock_days(year, month, 1));
}

int64_t vault_duration_add(int64_t wall_s, const vault_duration *duration, int sign) {
  int year, month, day;
  int64_t days = wall_s / SECONDS_PER_DAY - (wall_s % SECONDS_PER_DAY < 0);
  int64_t rest = wall_s - days * SECONDS_PER_DAY;
  ekm_clock_date(days, &year, &month, &day);
  int months = year * 12 + (month - 1) + sign * duration->months;
  year = months / 12;
  month = months % 12 + 1;
  if (day > days_of_month(year, month)) day = days_of_month(year, month);
  return (ekm_clock_days(year, month, day) + sign * duration->days) * SECONDS_PER_DAY + rest + sign * duration->seconds;
}

/* ---- policies ---------------------------------------------------------------------------------------------------- */

#define NOTICE "P30D"

void vault_rotation_default(vault_rotation *out) {
  memset(out, 0, sizeof *out);
  memcpy(out->notify_before, NOTICE, sizeof NOTICE);
}

/* A duration of the client's, as it was written. A member that is null is absent. */
static bool take_duration(const json_t *object, const char *name, char out[VAULT_DURATION_BYTES]) {
  vault_duration ignored;
  const json_t *member = json_object_get(object, name);
  if (member == NULL || json_is_null(member)) return true;
  const char *text = json_string_value(member);
  if (text == NULL || strlen(text) >= VAULT_DURATION_BYTES || !vault_duration_parse(text, &ignored)) return false;
  memcpy(out, text, strlen(text) + 1);
  return true;
}

/* Is the moment ${text} after 2001-01-01, or as long before the moment ${until} after it, at least ${days} later? */
static bool is_long_enough(const char *text, const char *until, int days) {
  enum { SOME_DAY = 978307200 };
  vault_duration duration;
  int64_t at = SOME_DAY;
  if (until != NULL && vault_duration_parse(until, &duration)) at = vault_duration_add(at, &duration, 1);
  if (vault_duration_parse(text, &duration)) at = vault_duration_add(at, &duration, until == NULL ? 1 : -1);
  return at - SOME_DAY >= (int64_t)days * SECONDS_PER_DAY;
}

/* ${rotation} has what came before; an action may come once. */
static bool take_action(const json_t *action, vault_rotation *out) {
  char after[VAULT_DURATION_BYTES] = "";
  char before[VAULT_DURATION_BYTES] = "";
  const json_t *trigger = ekm_json_object(action, "trigger");
  const json_t *what = ekm_json_object(action, "action");
  const char *type = what == NULL ? NULL : ekm_json_text(what, "type");
  if (trigger == NULL || type == NULL) return false;
  if (!take_duration(trigger, "timeAfterCreate", after) || !take_duration(trigger, "timeBeforeExpiry", before)) {
    return false;
  }
  if ((after[0] == '\0') == (before[0] == '\0')) return false;
  if (ekm_text_ieq(type, "Rotate")) {
    bool again = out->rotate_after[0] != '\0' || out->rotate_before[0] != '\0';
    memcpy(out->rotate_after, after, sizeof after);
    memcpy(out->rotate_before, before, sizeof before);
    return !again;
  }
  bool again = out->notify_before[0] != '\0';
  memcpy(out->notify_before, before, sizeof before);
  return ekm_text_ieq(type, "Notify") && before[0] != '\0' && !again;
}

static bool take_actions(const json_t *list, vault_rotation *out) {
  size_t i;
  json_t *each;
  if (list == NULL || json_is_null(list)) return true;
  if (!json_is_array(list) || json_array_size(list) > MAX_ACTIONS) return false;
  json_array_foreach(list, i, each) {
    if (!take_action(each, out)) return false;
  }
  return true;
}

static bool check_times(const vault_rotation *rotation, int min_days) {
  if (rotation->rotate_after[0] != '\0') return is_long_enough(rotation->rotate_after, NULL, min_days);
  if (rotation->rotate_before[0] == '\0' || rotation->expiry[0] == '\0') return true;
  return is_long_enough(rotation->rotate_before, rotation->expiry, min_days);
}

bool vault_rotation_read(const json_t *doc, int min_days, vault_rotation *out, const char **out_wrong) {
  memset(out, 0, sizeof *out);
  const json_t *attributes = json_object_get(doc, "attributes");
  *out_wrong = "attributes";
  if (attributes != NULL && !json_is_null(attributes) && !json_is_object(attributes)) return false;
  *out_wrong = "expiryTime";
  if (!take_duration(attributes, "expiryTime", out->expiry)) return false;
  if (out->expiry[0] != '\0' && !is_long_enough(out->expiry, NULL, MIN_EXPIRY_DAYS)) return false;
  *out_wrong = "lifetimeActions";
  if (!take_actions(json_object_get(doc, "lifetimeActions"), out) || !check_times(out, min_days)) return false;
  if (out->notify_before[0] == '\0') memcpy(out->notify_before, NOTICE, sizeof NOTICE);
  *out_wrong = NULL;
  out->created = json_integer_value(json_object_get(attributes, "created"));
  out->updated = json_integer_value(json_object_get(attributes, "updated"));
  return true;
}

static bool append_action(json_t *actions, const char *trigger, const char *duration, const char *type) {
  if (duration[0] == '\0') return true;
  return json_array_append_new(
             actions, json_pack("{s:{s:s}, s:{s:s}}", "trigger", trigger, duration, "action", "type", type)) == 0;
}

json_t *vault_rotation_json(const vault_rotation *rotation) {
  json_t *actions = json_array();
  json_t *attributes = json_object();
  bool ok = append_action(actions, "timeAfterCreate", rotation->rotate_after, "Rotate") &&
            append_action(actions, "timeBeforeExpiry", rotation->rotate_before, "Rotate") &&
            append_action(actions, "timeBeforeExpiry", rotation->notify_before, "Notify");
  if (rotation->expiry[0] != '\0') {
    ok = ok && json_object_set_new(attributes, "expiryTime", json_string(rotation->expiry)) == 0;
  }
  if (rotation->updated != 0) {
    ok = ok && json_object_set_new(attributes, "created", json_integer(rotation->created)) == 0 &&
         json_object_set_new(attributes, "updated", json_integer(rotation->updated)) == 0;
  }
  json_t *doc = json_pack("{s:o, s:o}", "lifetimeActions", actions, "attributes", attributes);
  if (!ok) ekm_json_free(&doc);
  return doc;
}

/* What the store keeps was checked when it came; what is unreadable all the same asks for nothing. */
static bool read_text(const char *text, vault_rotation *out) {
  const char *wrong;
  json_t *doc = NULL;
  ekm_err ignored = {0};
  bool ok = text[0] != '\0' && ekm_json_parse(ekm_view_text(text), &doc, &ignored) &&
            vault_rotation_read(doc, 0, out, &wrong);
  ekm_json_free(&doc);
  return ok;
}

int64_t vault_rotation_due(const char *text, int64_t created, bool has_exp, int64_t exp) {
  vault_rotation rotation;
  vault_duration duration;
  if (!read_text(text, &rotation)) return 0;
  if (vault_duration_parse(rotation.rotate_after, &duration)) return vault_duration_add(created, &duration, 1);
  if (has_exp && vault_duration_parse(rotation.rotate_before, &duration)) return vault_duration_add(exp, &duration, -1);
  return 0;
}

bool vault_rotation_expiry(const char *text, int64_t created, int64_t *out) {
  vault_rotation rotation;
  vault_duration duration;
  if (!read_text(text, &rotation) || !vault_duration_parse(rotation.expiry, &duration)) return false;
  *out = vault_duration_add(created, &duration, 1);
  return true;
}
