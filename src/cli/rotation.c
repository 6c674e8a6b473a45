#include "cli/rotation.h"

#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/text.h"

enum { WORDS_BYTES = 2048 };

/* --- who uses a version ------------------------------------------------------------------------------------------- */

static void append_new(json_t *array, json_t *row) {
  (void)json_array_append_new(array, row);
}

static json_t *find_use(json_t *uses, const char *kind, const char *name) {
  size_t index;
  json_t *use;
  json_array_foreach(uses, index, use) {
    const char *its_kind = ekm_json_text(use, "kind"), *its_name = ekm_json_text(use, "name");
    if (its_kind == NULL || its_name == NULL) continue;
    if (strcmp(its_kind, kind) == 0 && strcmp(its_name, name) == 0) return use;
  }
  return NULL;
}

/* Rows of one kind and name are one use, with their number and the last time. */
static void append_use(json_t *uses, const inventory_row *row, bool surely) {
  const char *kind = inventory_kind_name(row->kind);
  json_t *use = find_use(uses, kind, row->name);
  if (use == NULL) {
    use = json_object();
    cli_set_text(use, "kind", kind);
    cli_set_text(use, "name", row->name);
    cli_set_int(use, "count", 0);
    cli_set_text(use, "last", "");
    if (json_array_append_new(uses, use) != 0) return;
  }
  cli_set_int(use, "count", ekm_json_int(use, "count", 0) + 1);
  const char *last = ekm_json_text(use, "last");
  if (last == NULL || strcmp(row->at, last) > 0) cli_set_text(use, "last", row->at);
  (void)json_object_set_new(use, "surely", json_boolean(surely || ekm_json_bool(use, "surely", false)));
}

static json_t *uses_of(const version_list *list, const key_version *version) {
  json_t *uses = json_array();
  for (size_t i = 0; i < list->inv->count; i++) {
    const inventory_row *row = &list->inv->rows[i];
    keyring_match match = versions_row_match(version, row);
    if (match != KEYRING_MATCH_NONE) append_use(uses, row, match == KEYRING_MATCH_KEY);
  }
  return uses;
}

static bool is_expired(const key_version *version) {
  return version->expires_s != 0 && version->expires_s <= ekm_clock_wall_s(ekm_clock_system());
}

static void set_expiry(json_t *row, const key_version *version) {
  ekm_buf text;
  if (version->expires_s == 0) return;
  ekm_buf_init(&text, 64);
  ekm_clock_append_iso(version->expires_s, &text);
  cli_set_text(row, "expires", ekm_buf_text(&text));
  (void)json_object_set_new(row, "expired", json_boolean(is_expired(version)));
  ekm_buf_clear(&text);
}

static json_t *version_json(const version_list *list, const key_version *version) {
  static const char *const needs[] = {
      [KEYRING_MATCH_NONE] = "no", [KEYRING_MATCH_NAME] = "perhaps", [KEYRING_MATCH_KEY] = "yes"};
  json_t *row = json_object(), *uses = uses_of(list, version);
  keyring_match need = versions_need(list, version);
  cli_set_text(row, "version", version->version);
  (void)json_object_set_new(row, "newest", json_boolean(version->is_newest));
  (void)json_object_set_new(row, "enabled", json_boolean(version->enabled));
  set_expiry(row, version);
  cli_set_text(row, "needed", needs[need]);
  (void)json_object_set_new(row, "named", json_boolean(json_array_size(uses) > 0));
  if (!version->enabled && need == KEYRING_MATCH_KEY) cli_set_text(row, "problem", "it is disabled, and still needed");
  (void)json_object_set_new(row, "used_by", uses);
  return row;
}

/* --- the steps of a rotation -------------------------------------------------------------------------------------- */

typedef struct rotation {
  const version_list *list;
  const char *host, *name;
  const key_version *newest; /* NULL: the list has none */
  json_t *steps;
} rotation;

static void step(rotation *r, const ekm_buf *what, const ekm_buf *command) {
  json_t *row = json_object();
  cli_set_text(row, "what", ekm_buf_text(what));
  cli_set_text(row, "command", ekm_buf_text(command));
  append_new(r->steps, row);
}

/* For a shell: a name cannot leave its word. */
static void append_word(const char *text, ekm_buf *out) {
  if (text[0] != '\0' && ekm_text_is_made_of(text, strlen(text), "-_./:")) {
    ekm_buf_append_text(out, text);
    return;
  }
  ekm_buf_append_char(out, '\'');
  for (; *text != '\0'; text++) {
    if (*text == '\'') ekm_buf_append_text(out, "'\\'");
    ekm_buf_append_char(out, *text);
  }
  ekm_buf_append_char(out, '\'');
}

/* For SQL Server: the same. */
static void append_identifier(const char *text, ekm_buf *out) {
  ekm_buf_append_char(out, '[');
  for (; *text != '\0'; text++) {
    if (*text == ']') ekm_buf_append_char(out, ']');
    ekm_buf_append_char(out, *text);
  }
  ekm_buf_append_char(out, ']');
}

/* The first row of ${kind} that surely means ${version}, from ${*at} on; NULL at the end. */
static const inventory_row *next_row(const rotation *r, const key_version *version, inventory_kind kind, size_t *at) {
  const inventory *inv = r->list->inv;
  while (*at < inv->count) {
    const inventory_row *row = &inv->rows[(*at)++];
    if (row->kind == kind && versions_row_match(version, row) == KEYRING_MATCH_KEY) return row;
  }
  return NULL;
}

static bool is_of(const rotation *r, const key_version *version) {
  return ekm_text_ieq(version->name, r->name);
}

static bool has_row(const rotation *r, const key_version *version, inventory_kind kind) {
  size_t at = 0;
  return next_row(r, version, kind, &at) != NULL;
}

static bool has_any_row(const rotation *r, const key_version *version) {
  return has_row(r, version, INVENTORY_DATABASE) || has_row(r, version, INVENTORY_BACKUP) ||
         has_row(r, version, INVENTORY_KEY);
}

/* Where nothing is left on an older version, or the newest cannot wrap, a new one has to be made first. */
static bool wants_version(const rotation *r) {
  bool can_wrap = r->newest != NULL && r->newest->enabled && !is_expired(r->newest);
  if (!can_wrap) return true;
  bool is_fresh = !has_any_row(r, r->newest);
  for (size_t i = 0; i < r->list->count; i++) {
    const key_version *version = &r->list->items[i];
    if (!is_of(r, version) || version->is_newest) continue;
    if (has_row(r, version, INVENTORY_DATABASE) || (is_fresh && has_row(r, version, INVENTORY_BACKUP))) return false;
  }
  return true;
}

static void make_version(rotation *r, ekm_buf *what, ekm_buf *command) {
  ekm_buf_append_fmt(what,
                     "make a new version of '%s' in the vault, and back the key up; by itself that changes nothing for "
                     "any database",
                     r->name);
  ekm_buf_append_fmt(command, "az keyvault key rotate --id https://%s/keys/%s", r->host, r->name);
  step(r, what, command);
}

/* By which name SQL Server knows the newest version already; NULL: it does not. */
static const char *known_as(const rotation *r, bool is_new) {
  size_t at = 0;
  const inventory_row *row = is_new || r->newest == NULL ? NULL : next_row(r, r->newest, INVENTORY_KEY, &at);
  return row == NULL ? NULL : row->name;
}

static void move_database(rotation *r, const char *database, bool is_new, ekm_buf *what, ekm_buf *command) {
  const char *known = known_as(r, is_new);
  const char *target = is_new ? "NEW-VERSION" : r->newest->version;
  ekm_buf_append_fmt(what,
                     "move database '%s' to %s: only its encryption key is wrapped anew, its data stay as they are",
                     database, is_new ? "the new version" : target);
  if (known != NULL) {
    ekm_buf_append_text(command, "USE ");
    append_identifier(database, command);
    ekm_buf_append_text(command, "; ALTER DATABASE ENCRYPTION KEY ENCRYPTION BY SERVER ASYMMETRIC KEY ");
    append_identifier(known, command);
    ekm_buf_append_char(command, ';');
  } else {
    ekm_buf_append_fmt(command,
                       "ekmctl sql rotate %s/%s --identity %s --admin LOGIN --asymmetric-key NEW-NAME --database ",
                       r->name, target, r->host);
    append_word(database, command);
  }
  step(r, what, command);
}

/* All databases that are on a version that is not the one to come. */
static size_t move_databases(rotation *r, bool is_new, ekm_buf *what, ekm_buf *command) {
  size_t moved = 0;
  for (size_t i = 0; i < r->list->count; i++) {
    const key_version *version = &r->list->items[i];
    if (!is_of(r, version) || (version->is_newest && !is_new)) continue;
    size_t at = 0;
    const inventory_row *row;
    while ((row = next_row(r, version, INVENTORY_DATABASE, &at)) != NULL) {
      ekm_buf_reset(what);
      ekm_buf_reset(command);
      move_database(r, row->name, is_new, what, command);
      moved++;
    }
  }
  return moved;
}

static void plain_step(rotation *r, const char *text, const char *command_text) {
  ekm_buf what, command;
  ekm_buf_init(&what, WORDS_BYTES);
  ekm_buf_init(&command, WORDS_BYTES);
  ekm_buf_append_text(&what, text);
  ekm_buf_append_text(&command, command_text);
  step(r, &what, &command);
  ekm_buf_clear(&what);
  ekm_buf_clear(&command);
}

/* What is needed now stays needed until logs and backups are gone. */
static void keep_and_free(rotation *r, ekm_buf *what, ekm_buf *command) {
  for (size_t i = 0; i < r->list->count; i++) {
    const key_version *version = &r->list->items[i];
    bool is_free = is_of(r, version) && !version->is_newest && version->enabled;
    for (size_t k = 0; is_free && k < r->list->inv->thumb_count; k++) is_free = version->means[k] == KEYRING_MATCH_NONE;
    if (!is_free) continue;
    ekm_buf_reset(what);
    ekm_buf_reset(command);
    ekm_buf_append_fmt(what,
                       "version %s is named by nothing of the inventory: once no kept backup is older than the last "
                       "rotation it may be disabled, which can be undone; never delete it",
                       version->version);
    ekm_buf_append_fmt(command, "az keyvault key set-attributes --id https://%s/keys/%s/%s --enabled false", r->host,
                       version->name, version->version);
    step(r, what, command);
  }
}

static void append_steps(rotation *r) {
  ekm_buf what, command;
  bool is_new = wants_version(r), has_backups = false;
  ekm_buf_init(&what, WORDS_BYTES);
  ekm_buf_init(&command, WORDS_BYTES);
  if (is_new) make_version(r, &what, &command);
  size_t moved = move_databases(r, is_new, &what, &command);
  if (moved > 0) {
    plain_step(
        r,
        "wait until encryption_state is 3 in each, and let the logs turn over: the old version guards them until then",
        "SELECT DISTINCT vlf_encryptor_thumbprint FROM sys.dm_db_log_info(DB_ID()); BACKUP LOG, or CHECKPOINT");
  }
  for (size_t i = 0; i < r->list->count; i++) {
    has_backups = has_backups || (is_of(r, &r->list->items[i]) && has_row(r, &r->list->items[i], INVENTORY_BACKUP));
  }
  if (has_backups) {
    plain_step(r, "let backup jobs encrypt with the new key; old backups go on needing their version",
               "BACKUP DATABASE ... WITH ENCRYPTION (ALGORITHM = AES_256, SERVER ASYMMETRIC KEY = [NEW-NAME])");
  }
  keep_and_free(r, &what, &command);
  plain_step(r, "take the inventory again, and look again before any version is disabled",
             "ekmctl sql inventory; ekmctl rotate --dry-run --inventory FILE");
  ekm_buf_clear(&what);
  ekm_buf_clear(&command);
}

static json_t *member_array(json_t *doc, const char *name) {
  if (ekm_json_array(doc, name) == NULL) (void)json_object_set_new(doc, name, json_array());
  return ekm_json_array(doc, name);
}

void rotation_append_key(const version_list *list, const char *host, const char *name, json_t *doc) {
  json_t *key = json_object(), *versions = json_array();
  rotation r = {.list = list, .host = host, .name = name, .steps = json_array()};
  for (size_t i = 0; i < list->count; i++) {
    if (!is_of(&r, &list->items[i])) continue;
    if (list->items[i].is_newest) r.newest = &list->items[i];
    append_new(versions, version_json(list, &list->items[i]));
  }
  append_steps(&r);
  cli_set_text(key, "key", name);
  (void)json_object_set_new(key, "versions", versions);
  (void)json_object_set_new(key, "steps", r.steps);
  append_new(member_array(doc, "keys"), key);
}

/* --- what is missing, and what cannot be known -------------------------------------------------------------------- */

static bool is_found(const version_list *list, size_t thumb) {
  for (size_t i = 0; i < list->count; i++) {
    if (list->items[i].means[thumb] != KEYRING_MATCH_NONE) return true;
  }
  return false;
}

void rotation_append_missing(const version_list *list, json_t *doc) {
  json_t *missing = member_array(doc, "missing");
  for (size_t thumb = 0; thumb < list->inv->thumb_count; thumb++) {
    char text[2 + 2 * INVENTORY_THUMB_BYTES + 1] = "0x";
    bool needed = false;
    if (is_found(list, thumb)) continue;
    json_t *row = json_object(), *uses = json_array();
    for (size_t i = 0; i < list->inv->count; i++) {
      const inventory_row *each = &list->inv->rows[i];
      if (each->thumb != thumb) continue;
      append_use(uses, each, true);
      needed = needed || each->kind != INVENTORY_KEY;
    }
    ekm_hex_text(inventory_thumb_view(list->inv, thumb), text + 2, sizeof text - 2);
    cli_set_text(row, "thumbprint", text);
    (void)json_object_set_new(row, "needed", json_boolean(needed));
    (void)json_object_set_new(row, "used_by", uses);
    append_new(missing, row);
  }
}

void rotation_append_notes(json_t *doc) {
  static const char *const notes[] = {
      "an inventory knows its own instance: put those of all instances and replicas that use the vault into one file",
      "the history may not name the key of a backup of a database with TDE: the one that protected it then",
      "asymmetric keys inside user databases, for columns, are not in the inventory"};
  for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
    append_new(member_array(doc, "notes"), json_string(notes[i]));
  }
}

/* --- what cannot stay so ------------------------------------------------------------------------------------------ */

static const char *of(const inventory_row *row) {
  return row->kind == INVENTORY_DATABASE ? "" : " of";
}

static bool judge_versions(const version_list *list, const char *key, ekm_err *err) {
  for (size_t i = 0; i < list->count; i++) {
    const key_version *version = &list->items[i];
    const inventory_row *need = versions_first_need(list, version);
    if (version->enabled || need == NULL || (key != NULL && !ekm_text_ieq(version->name, key))) continue;
    return EKM_FAIL(err, EKM_E_KEY_DISABLED, "'%s', version %s, which %s%s '%s' needs", version->name, version->version,
                    inventory_kind_name(need->kind), of(need), need->name);
  }
  return true;
}

bool rotation_judge(const version_list *list, const char *key, ekm_err *err) {
  if (!judge_versions(list, key, err)) return false;
  for (size_t i = 0; i < list->inv->count; i++) {
    const inventory_row *row = &list->inv->rows[i];
    char thumb[2 * INVENTORY_THUMB_BYTES + 1];
    if (row->kind == INVENTORY_KEY || is_found(list, row->thumb)) continue;
    ekm_hex_text(inventory_thumb_view(list->inv, row->thumb), thumb, sizeof thumb);
    return EKM_FAIL(err, EKM_E_KEY_NOT_FOUND,
                    "no key version that can be seen has the thumbprint 0x%s, which %s%s '%s' needs", thumb,
                    inventory_kind_name(row->kind), of(row), row->name);
  }
  return true;
}
