/* Reading a configuration file:
 *
 *   file     = [ BOM ] *( line ( LF | CR LF ) )           UTF-8; no NUL, no control character but TAB
 *   line     = blank | comment | section | setting        at most EKM_LIMIT_CONFIG_LINE_BYTES bytes
 *   comment  = *SP ( '#' | ';' ) anything                 only at the start of a line: a value may hold both
 *   section  = '[' name ']'   |  '[' kind SP name ']'     each only once, case ignored
 *   setting  = key *SP '=' *SP value *SP                  each key only once in a section
 *   value    = anything, to the end of the line           verbatim, no escapes
 *            | '"' anything but '"' '"'                   for spaces at its ends
 *
 * What comes before the first section is the top of the file. A line cannot be continued. */
#include "config/config.h"

#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/utf16.h"
#include "config/value.h"

typedef struct config_section {
  char *name; /* "" for the top */
  const char *pattern;
  size_t line;
} config_section;

typedef struct config_entry {
  const ekm_config_setting *setting;
  size_t section; /* index */
  char *value;
  size_t line; /* 0: from the environment */
} config_entry;

struct ekm_config {
  const ekm_config_schema *schema;
  char *path; /* for messages and origins; "" without a file */
  config_section *sections;
  size_t section_count, section_room;
  config_entry *entries;
  size_t entry_count, entry_room;
};

/* ---- sections and entries ---- */

/* Does ${name} belong to ${pattern}: the same, or for "kind *" the kind and one word? */
static bool matches(const char *pattern, const char *name) {
  size_t kind = strlen(pattern);
  if (kind < 2 || pattern[kind - 1] != '*') return ekm_text_ieq(pattern, name);
  kind--; /* the kind and its space */
  char prefix[64];
  if (kind >= sizeof prefix) return false;
  memcpy(prefix, pattern, kind);
  prefix[kind] = '\0';
  return ekm_text_starts_i(name, prefix) && name[kind] != '\0' && strpbrk(name + kind, " \t") == NULL;
}

static const ekm_config_setting *find_setting(const ekm_config_schema *schema, const char *section, const char *key) {
  for (size_t i = 0; i < schema->count; i++) {
    const ekm_config_setting *setting = &schema->settings[i];
    if (strcmp(setting->key, key) == 0 && matches(setting->section, section)) return setting;
  }
  return NULL;
}

static const char *find_pattern(const ekm_config_schema *schema, const char *section) {
  for (size_t i = 0; i < schema->count; i++) {
    if (matches(schema->settings[i].section, section)) return schema->settings[i].section;
  }
  return NULL;
}

static const config_section *find_section(const ekm_config *config, const char *name) {
  for (size_t i = 0; i < config->section_count; i++) {
    if (ekm_text_ieq(config->sections[i].name, name)) return &config->sections[i];
  }
  return NULL;
}

static config_entry *find_entry(const ekm_config *config, const config_section *section, const char *key) {
  size_t index = (size_t)(section - config->sections);
  for (size_t i = config->entry_count; i > 0; i--) { /* backwards: while reading, the section is the last one */
    config_entry *entry = &config->entries[i - 1];
    if (entry->section == index && strcmp(entry->setting->key, key) == 0) return entry;
  }
  return NULL;
}

/* Make room for one more thing in a growing array. */
static bool room_for_one(void **things, size_t count, size_t *room, size_t size, ekm_err *err) {
  if (count < *room) return true;
  size_t more = *room == 0 ? 8 : *room * 2;
  void *grown = ekm_mem_grow(*things, count, more, size, err);
  if (grown == NULL) return false;
  *things = grown;
  *room = more;
  return true;
}

static bool add_section(ekm_config *config, const char *name, const char *pattern, size_t line, ekm_err *err) {
  void *things = config->sections;
  if (!room_for_one(&things, config->section_count, &config->section_room, sizeof *config->sections, err)) return false;
  config->sections = things;
  char *copy = ekm_text_dup(name, err);
  if (copy == NULL) return false;
  config->sections[config->section_count++] = (config_section){copy, pattern, line};
  return true;
}

static bool add_entry(ekm_config *config, const ekm_config_setting *setting, size_t section, const char *value,
                      size_t line, ekm_err *err) {
  void *things = config->entries;
  if (!room_for_one(&things, config->entry_count, &config->entry_room, sizeof *config->entries, err)) return false;
  config->entries = things;
  char *copy = ekm_text_dup(value, err);
  if (copy == NULL) return false;
  config->entries[config->entry_count++] = (config_entry){setting, section, copy, line};
  return true;
}

/* ---- reading a file ---- */

enum { WHERE_BYTES = 256 };

/* "'/etc/openekm.conf' line 12" */
static void write_where(const ekm_config *config, size_t line, char out[WHERE_BYTES]) {
  (void)snprintf(out, WHERE_BYTES, "'%.200s' line %zu", config->path, line);
}

typedef struct reader {
  ekm_config *config;
  size_t line; /* from 1 */
  char text[EKM_LIMIT_CONFIG_LINE_BYTES + 1];
  char where[WHERE_BYTES];
} reader;

/* ${subject}: the words that the fault is about, or NULL. */
static bool syntax_error(const reader *r, ekm_err *err, const char *fault, const char *subject) {
  if (subject == NULL) return EKM_FAIL(err, EKM_E_CONFIG_SYNTAX, "%s: %s", r->where, fault);
  return EKM_FAIL(err, EKM_E_CONFIG_SYNTAX, "%s: %s '%s'", r->where, fault, subject);
}

/* Cut blanks off both ends, in place. */
static char *trim(char *text) {
  text += strspn(text, " \t");
  size_t len = strlen(text);
  while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t')) len--;
  text[len] = '\0';
  return text;
}

static bool read_section(reader *r, char *text, ekm_err *err) {
  size_t len = strlen(text);
  if (text[len - 1] != ']') return syntax_error(r, err, "a section ends with ']'", NULL);
  text[len - 1] = '\0';
  char *name = trim(text + 1);
  if (*name == '\0' || strpbrk(name, "[]") != NULL) return syntax_error(r, err, "bad section name", name);
  const char *pattern = find_pattern(r->config->schema, name);
  if (pattern == NULL) return syntax_error(r, err, "unknown section", name);
  if (find_section(r->config, name) != NULL) return syntax_error(r, err, "a second section", name);
  if (r->config->section_count > EKM_LIMIT_CONFIG_SECTIONS) {
    return EKM_FAIL(err, EKM_E_LIMIT, "%s: more than %d sections", r->where, EKM_LIMIT_CONFIG_SECTIONS);
  }
  return add_section(r->config, name, pattern, r->line, err);
}

static bool unquote(reader *r, char **value, ekm_err *err) {
  char *text = *value;
  size_t len = strlen(text);
  if (text[0] != '"') return true;
  if (len < 2 || strchr(text + 1, '"') != text + len - 1) {
    return syntax_error(r, err, "a value in quotes has one quote at each end and none inside", NULL);
  }
  text[len - 1] = '\0';
  *value = text + 1;
  return true;
}

static bool read_setting(reader *r, char *text, ekm_err *err) {
  char *equals = strchr(text, '=');
  if (equals == NULL) return syntax_error(r, err, "neither 'key = value', '[section]' nor '# comment'", NULL);
  *equals = '\0';
  char *key = trim(text);
  char *value = trim(equals + 1);
  const config_section *section = &r->config->sections[r->config->section_count - 1];
  if (*key == '\0') return syntax_error(r, err, "a value without a key", NULL);
  const ekm_config_setting *setting = find_setting(r->config->schema, section->name, key);
  if (setting == NULL)
    return syntax_error(r, err, section->name[0] == '\0' ? "unknown setting" : "unknown setting of this section", key);
  if (find_entry(r->config, section, key) != NULL) return syntax_error(r, err, "a second value for", key);
  return unquote(r, &value, err) && ekm_value_check(setting, value, r->where, err) &&
         add_entry(r->config, setting, r->config->section_count - 1, value, r->line, err);
}

static bool has_control(const char *text) {
  for (; *text != '\0'; text++) {
    if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7F) return true;
  }
  return false;
}

static bool read_line(reader *r, ekm_view line, ekm_err *err) {
  write_where(r->config, r->line, r->where);
  if (line.len > 0 && line.ptr[line.len - 1] == '\r') line.len--;
  if (line.len > EKM_LIMIT_CONFIG_LINE_BYTES) {
    return EKM_FAIL(err, EKM_E_CONFIG_SYNTAX, "%s: longer than %d bytes", r->where, EKM_LIMIT_CONFIG_LINE_BYTES);
  }
  if (line.len > 0) memcpy(r->text, line.ptr, line.len);
  r->text[line.len] = '\0';
  if (!ekm_utf16_is_utf8(r->text, line.len)) return syntax_error(r, err, "not UTF-8, or a NUL byte", NULL);
  if (has_control(r->text)) return syntax_error(r, err, "a control character", NULL);
  char *text = trim(r->text);
  if (*text == '\0' || *text == '#' || *text == ';') return true;
  return *text == '[' ? read_section(r, text, err) : read_setting(r, text, err);
}

static ekm_view without_bom(ekm_view text) {
  static const uint8_t bom[] = {0xEF, 0xBB, 0xBF};
  bool has = text.len >= sizeof bom && memcmp(text.ptr, bom, sizeof bom) == 0;
  return has ? ekm_view_of(text.ptr + sizeof bom, text.len - sizeof bom) : text;
}

static bool read_text(ekm_config *config, ekm_view text, ekm_err *err) {
  bool ok = false;
  reader *r = ekm_mem_alloc(sizeof *r, err);
  if (r == NULL) return false;
  r->config = config;
  text = without_bom(text);
  while (text.len > 0) {
    const uint8_t *end = memchr(text.ptr, '\n', text.len);
    size_t len = end != NULL ? (size_t)(end - text.ptr) : text.len;
    r->line++;
    EKM_TRY(read_line(r, ekm_view_of(text.ptr, len), err));
    if (end != NULL) len++;
    text = ekm_view_of(text.ptr + len, text.len - len);
  }
  ok = true;
done:
  ekm_mem_free(r);
  return ok;
}

static bool read_file(ekm_config *config, ekm_err *err) {
  ekm_buf text;
  ekm_buf_init(&text, EKM_LIMIT_CONFIG_BYTES);
  bool ok = ekm_file_read(config->path, &text, err);
  if (!ok && err->id == EKM_E_FILE_READ) err->id = EKM_E_CONFIG_READ;
  ok = ok && read_text(config, ekm_buf_view(&text), err);
  ekm_buf_clear(&text);
  return ok;
}

/* ---- the environment and defaults ---- */

enum { ENV_NAME_BYTES = 128 };

/* OPENEKM_LOG_LEVEL of "OPENEKM_" and "log_level"; false if there is no such variable for this setting. */
static bool env_name(const ekm_config_schema *schema, const ekm_config_setting *setting, char out[ENV_NAME_BYTES]) {
  if (schema->env_prefix == NULL || setting->section[0] != '\0') return false;
  int len = snprintf(out, ENV_NAME_BYTES, "%s%s", schema->env_prefix, setting->key);
  if (len < 0 || len >= ENV_NAME_BYTES) return false;
  for (char *c = out + strlen(schema->env_prefix); *c != '\0'; c++) {
    if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
  }
  return true;
}

static bool override(ekm_config *config, const ekm_config_setting *setting, const char *name, const char *value,
                     ekm_err *err) {
  if (!ekm_utf16_is_utf8(value, strlen(value)) || has_control(value)) {
    return EKM_FAIL(err, EKM_E_CONFIG_VALUE, "%s is not UTF-8 or has a control character", name);
  }
  if (!ekm_value_check(setting, value, name, err)) return false;
  config_entry *entry = find_entry(config, &config->sections[0], setting->key);
  if (entry == NULL) return add_entry(config, setting, 0, value, 0, err);
  char *copy = ekm_text_dup(value, err);
  if (copy == NULL) return false;
  ekm_mem_free(entry->value);
  entry->value = copy;
  entry->line = 0;
  return true;
}

static bool read_env(ekm_config *config, const ekm_env *env, ekm_err *err) {
  for (size_t i = 0; i < config->schema->count; i++) {
    const ekm_config_setting *setting = &config->schema->settings[i];
    char name[ENV_NAME_BYTES];
    if (!env_name(config->schema, setting, name)) continue;
    const char *value = ekm_env_get(env, name);
    if (value != NULL && *value != '\0' && !override(config, setting, name, value, err)) return false;
  }
  return true;
}

static bool check_defaults(const ekm_config_schema *schema, ekm_err *err) {
  for (size_t i = 0; i < schema->count; i++) {
    const ekm_config_setting *setting = &schema->settings[i];
    if (setting->fallback == NULL || ekm_value_check(setting, setting->fallback, "a default", err)) continue;
    err->id = EKM_E_INTERNAL;
    return false;
  }
  return true;
}

/* ---- making and freeing ---- */

/* A configuration that has nothing but the top section. */
static ekm_config *new_config(const ekm_config_schema *schema, const char *path, ekm_err *err) {
  ekm_config *config = ekm_mem_alloc(sizeof *config, err);
  if (config == NULL) return NULL;
  config->schema = schema;
  config->path = ekm_text_dup(path, err);
  if (config->path == NULL || !add_section(config, "", "", 0, err)) ekm_config_free(&config);
  return config;
}

bool ekm_config_load(const ekm_config_schema *schema, const char *path, const ekm_env *env, ekm_config **out_config,
                     ekm_err *err) {
  bool ok = false;
  ekm_config *config = NULL;
  *out_config = NULL;
  EKM_TRY(check_defaults(schema, err));
  config = new_config(schema, path != NULL ? path : "", err);
  EKM_TRY(config != NULL);
  if (path != NULL) EKM_TRY(read_file(config, err));
  if (env != NULL) EKM_TRY(read_env(config, env, err));
  *out_config = config;
  config = NULL;
  ok = true;
done:
  ekm_config_free(&config);
  return ok;
}

bool ekm_config_load_text(const ekm_config_schema *schema, ekm_view text, const char *name, const ekm_env *env,
                          ekm_config **out_config, ekm_err *err) {
  bool ok = false;
  ekm_config *config = NULL;
  *out_config = NULL;
  EKM_TRY(check_defaults(schema, err));
  config = new_config(schema, name, err);
  EKM_TRY(config != NULL);
  EKM_TRY(read_text(config, text, err));
  if (env != NULL) EKM_TRY(read_env(config, env, err));
  *out_config = config;
  config = NULL;
  ok = true;
done:
  ekm_config_free(&config);
  return ok;
}

bool ekm_config_parse(const ekm_config_schema *schema, ekm_view text, const char *name, ekm_config **out_config,
                      ekm_err *err) {
  return ekm_config_load_text(schema, text, name, NULL, out_config, err);
}

void ekm_config_free(ekm_config **config) {
  ekm_config *dead = *config;
  *config = NULL;
  if (dead == NULL) return;
  for (size_t i = 0; i < dead->entry_count; i++) ekm_mem_free(dead->entries[i].value);
  for (size_t i = 0; i < dead->section_count; i++) ekm_mem_free(dead->sections[i].name);
  ekm_mem_free(dead->entries);
  ekm_mem_free(dead->sections);
  ekm_mem_free(dead->path);
  ekm_mem_free(dead);
}

/* ---- lookups ---- */

static const config_entry *look_up(const ekm_config *config, const char *section_name, const char *key) {
  const config_section *section = find_section(config, section_name);
  return section == NULL ? NULL : find_entry(config, section, key);
}

const char *ekm_config_text(const ekm_config *config, const char *section, const char *key) {
  const config_entry *entry = look_up(config, section, key);
  if (entry != NULL) return entry->value;
  const ekm_config_setting *setting = find_setting(config->schema, section, key);
  return setting == NULL ? NULL : setting->fallback;
}

int64_t ekm_config_int(const ekm_config *config, const char *section, const char *key) {
  const char *value = ekm_config_text(config, section, key);
  return value == NULL ? 0 : ekm_value_int(value);
}

bool ekm_config_bool(const ekm_config *config, const char *section, const char *key) {
  const char *value = ekm_config_text(config, section, key);
  return value != NULL && ekm_value_bool(value);
}

int64_t ekm_config_date(const ekm_config *config, const char *section, const char *key) {
  const char *text = ekm_config_text(config, section, key);
  return text == NULL ? 0 : ekm_value_date(text);
}

bool ekm_config_has(const ekm_config *config, const char *section, const char *key) {
  return ekm_config_text(config, section, key) != NULL;
}

static void append_line(const ekm_config *config, size_t line, ekm_buf *out) {
  char where[WHERE_BYTES];
  write_where(config, line, where);
  ekm_buf_append_text(out, where);
}

static void append_section_origin(const ekm_config *config, const char *name, ekm_buf *out) {
  const config_section *section = find_section(config, name);
  if (section == NULL || section->line == 0) {
    ekm_buf_append_text(out, "not set");
  } else {
    append_line(config, section->line, out);
  }
}

void ekm_config_append_origin(const ekm_config *config, const char *section, const char *key, ekm_buf *out) {
  char name[ENV_NAME_BYTES];
  if (key == NULL) {
    append_section_origin(config, section, out);
    return;
  }
  const config_entry *entry = look_up(config, section, key);
  if (entry == NULL) {
    ekm_buf_append_text(out, ekm_config_has(config, section, key) ? "default" : "not set");
  } else if (entry->line > 0) {
    append_line(config, entry->line, out);
  } else if (env_name(config->schema, entry->setting, name)) {
    ekm_buf_append_text(out, name);
  }
}

const char *ekm_config_section(const ekm_config *config, const char *pattern, size_t index) {
  for (size_t i = 1; i < config->section_count; i++) { /* 0 is the top */
    if (strcmp(config->sections[i].pattern, pattern) == 0 && index-- == 0) return config->sections[i].name;
  }
  return NULL;
}

size_t ekm_config_section_count(const ekm_config *config, const char *pattern) {
  size_t count = 0;
  while (ekm_config_section(config, pattern, count) != NULL) count++;
  return count;
}

const char *ekm_config_section_name(const char *section) {
  const char *space = strchr(section, ' ');
  return space == NULL ? "" : space + 1;
}

/* ---- the sample ---- */

/* What stands for '*' in a pattern, whose first ${len} bytes come before that. */
static const char *example_of(const ekm_config_schema *schema, const char *pattern, size_t len) {
  const char *const *example = schema->section_examples;
  while (example != NULL && *example != NULL && strncmp(*example, pattern, len) != 0) example++;
  return example == NULL || *example == NULL ? "NAME" : *example + len;
}

static void write_header(const ekm_config_schema *schema, const char *section, ekm_buf *out) {
  size_t len = strlen(section);
  bool many = len > 1 && section[len - 1] == '*';
  ekm_buf_append_text(out, "\n#[");
  ekm_buf_append(out, section, many ? len - 1 : len);
  if (many) ekm_buf_append_text(out, example_of(schema, section, len - 1));
  ekm_buf_append_text(out, "]\n");
}

static void write_setting(const ekm_config_schema *schema, const ekm_config_setting *setting, ekm_buf *out) {
  char name[ENV_NAME_BYTES];
  const char *value = setting->fallback != NULL ? setting->fallback : setting->example != NULL ? setting->example : "";
  ekm_buf_append_fmt(out, "\n# %s", setting->doc);
  if (setting->type != EKM_CONFIG_TEXT) {
    ekm_buf_append_text(out, "; ");
    ekm_value_describe(setting, out);
  }
  if (env_name(schema, setting, name)) ekm_buf_append_fmt(out, " (environment: %s)", name);
  if (setting->fallback == NULL) ekm_buf_append_text(out, "; no default");
  ekm_buf_append_fmt(out, "\n#%s =%s%s\n", setting->key, *value != '\0' ? " " : "", value);
}

bool ekm_config_write_sample(const ekm_config_schema *schema, ekm_buf *out, ekm_err *err) {
  const char *section = "";
  ekm_buf_append_text(
      out,
      "# Every setting with its default. Remove the '#' directly before a setting or section to use it.\n"
      "# Comments stand on lines of their own; a value goes to the end of its line, quotes are optional.\n");
  for (size_t i = 0; i < schema->count; i++) {
    if (strcmp(schema->settings[i].section, section) != 0) {
      section = schema->settings[i].section;
      write_header(schema, section, out);
    }
    write_setting(schema, &schema->settings[i], out);
  }
  return ekm_buf_ok(out, "a sample configuration", err);
}
