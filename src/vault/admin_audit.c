/* The audit log and the settings, as an administrator looks at them. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "vault/admin.h"
#include "vault/serve_config.h"

enum { LINE_MAX_BYTES = 64 * 1024, LAST_DEFAULT = 50, LAST_MAX = 100000 };

bool admin_audit_path(const vault_settings *settings, ekm_buf *out, ekm_err *err) {
  if (settings->audit == NULL) {
    ekm_buf_append_fmt(out, "%s/audit.log", settings->data);
  } else if (strcmp(settings->audit, "off") != 0) {
    ekm_buf_append_text(out, settings->audit);
  }
  return ekm_buf_ok(out, "a path", err);
}

/* ---- entries ----------------------------------------------------------------------------------------------------- */

static bool is_one(const json_t *entry, const char *member, const char *wanted) {
  const char *has = ekm_json_text(entry, member);
  return wanted == NULL || (has != NULL && ekm_text_ieq(has, wanted));
}

static bool is_failed(const json_t *entry) {
  const json_t *done = json_object_get(entry, "done");
  return done != NULL ? json_is_false(done) : ekm_json_int(entry, "status", 0) >= 400;
}

static bool is_wanted(const vault_settings *s, const json_t *entry) {
  const char *time = ekm_json_text(entry, "time");
  bool is_late = s->since == NULL || (time != NULL && strcmp(time, s->since) >= 0);
  return is_late && is_one(entry, "vault", s->vault) && is_one(entry, "key", s->key) && is_one(entry, "app", s->app) &&
         is_one(entry, "operation", s->operation) && (!s->failed || is_failed(entry));
}

/* The last ones that are wanted, in a ring. */
typedef struct ring {
  json_t **items;
  size_t room, count;
} ring;

static void ring_put(ring *r, json_t *entry) {
  json_t **at = &r->items[r->count % r->room];
  ekm_json_free(at);
  *at = entry;
  r->count++;
}

/* What is no line of ours, such as one that a crash cut off, is passed over. */
static bool read_line(FILE *file, ekm_buf *out) {
  int c;
  ekm_buf_reset(out);
  while ((c = fgetc(file)) != EOF && c != '\n') ekm_buf_append_char(out, (char)c);
  return c != EOF;
}

static void read_entries(FILE *file, const vault_settings *s, ring *out) {
  ekm_buf line;
  ekm_buf_init(&line, LINE_MAX_BYTES);
  while (read_line(file, &line)) {
    json_t *entry = NULL;
    ekm_err ignored = {0};
    if (!ekm_buf_ok(&line, "a line", &ignored) || !ekm_json_parse(ekm_buf_view(&line), &entry, &ignored)) continue;
    if (is_wanted(s, entry)) {
      ring_put(out, entry);
    } else {
      ekm_json_free(&entry);
    }
  }
  ekm_buf_clear(&line);
}

static json_t *rows_of(ring *r) {
  json_t *rows = json_array();
  size_t first = r->count > r->room ? r->count - r->room : 0;
  for (size_t i = first; i < r->count; i++) {
    json_t *entry = r->items[i % r->room];
    r->items[i % r->room] = NULL;
    (void)json_object_del(entry, "level");
    admin_append(&rows, entry);
  }
  return rows;
}

bool admin_audit_show(admin *a, ekm_err *err) {
  bool ok = false;
  FILE *file = NULL;
  ring r = {.room = a->settings->last == 0 ? LAST_DEFAULT : a->settings->last};
  ekm_buf path;

  ekm_buf_init(&path, 4096);
  EKM_TRY(admin_audit_path(a->settings, &path, err));
  if (path.len == 0) EKM_BAIL(err, EKM_E_ABSENT, "the audit log is off");
  if (r.room > LAST_MAX) EKM_BAIL(err, EKM_E_USAGE, "--last is at most %d", LAST_MAX);
  file = fopen(ekm_buf_text(&path), "r");
  if (file == NULL) EKM_BAIL(err, EKM_E_FILE_READ, "'%s': nothing has been written there yet?", ekm_buf_text(&path));
  r.items = ekm_mem_array(r.room, sizeof *r.items, err);
  EKM_TRY(r.items != NULL);
  read_entries(file, a->settings, &r);
  json_t *rows = rows_of(&r);
  ok = admin_print_list(a, "entries", &rows, err);
done:
  if (file != NULL) (void)fclose(file);
  ekm_mem_free(r.items);
  ekm_buf_clear(&path);
  return ok;
}

/* ---- settings ---------------------------------------------------------------------------------------------------- */

static json_t *setting_row(const ekm_config *config, const char *key) {
  ekm_buf origin;
  ekm_buf_init(&origin, 4096);
  ekm_config_append_origin(config, "", key, &origin);
  const char *text = ekm_config_text(config, "", key);
  json_t *row =
      json_pack("{s:s, s:s, s:s}", "setting", key, "value", text == NULL ? "" : text, "from", ekm_buf_text(&origin));
  ekm_buf_clear(&origin);
  return row;
}

bool admin_config_show(admin *a, ekm_err *err) {
  const ekm_config_schema *schema = vault_serve_schema();
  json_t *rows = json_array();
  for (size_t i = 0; a->config != NULL && i < schema->count; i++) {
    const char *key = schema->settings[i].key;
    if (ekm_config_has(a->config, "", key)) admin_append(&rows, setting_row(a->config, key));
  }
  return admin_print_list(a, "settings", &rows, err);
}
