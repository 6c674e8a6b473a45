/* ekmctl config: openekm.conf as the provider reads it. A file that is named stands for the provider's own; the
 * variables of the environment count in both cases, as they do for the provider. */
#include <string.h>

#include "base/file.h"
#include "cli/command.h"
#include "http/http_proxy.h"
#include "settings/settings.h"

enum { ORIGIN_MAX_BYTES = 512 };

/* --- check -------------------------------------------------------------------------------------------------------- */

static bool check_ca_file(const provider_vault *vault, const char *path, ekm_err *err) {
  ekm_buf text;
  ekm_err why = {0};
  if (path == NULL) return true;
  ekm_buf_init(&text, EKM_LIMIT_FILE_BYTES);
  bool ok = ekm_file_read(path, &text, &why);
  ekm_buf_clear(&text);
  return ok || EKM_FAIL(err, EKM_E_CA_FILE, "[vault %s]: %s", vault->host, why.detail);
}

static bool check_proxy(const ekm_http_proxy *proxy, ekm_err *err) {
  ekm_secret password = {0};
  if (proxy->password_file == NULL) return true;
  bool ok = http_proxy_password(proxy->password_file, &password, err);
  ekm_secret_clear(&password);
  return ok;
}

/* What the configuration names must be there. */
static bool check_files(const provider_settings *settings, ekm_err *err) {
  if (!check_proxy(&settings->proxy, err)) return false;
  for (size_t i = 0; i < settings->vault_count; i++) {
    const provider_vault *vault = &settings->vaults[i];
    if (!check_ca_file(vault, vault->vault.ca_file, err) || !check_ca_file(vault, vault->authority.ca_file, err)) {
      return false;
    }
  }
  return true;
}

static bool load(const cli *c, json_t *doc, provider_settings *out, ekm_err *err) {
  const char *path = c->options.words[0];
  if (path == NULL && !settings_file(c->env, &path, err)) return false;
  cli_set_text(doc, "file", path == NULL ? "(none: every setting has its default)" : path);
  return settings_load_file(path, c->env, out, err);
}

bool cli_config_check(cli *c, json_t *doc, ekm_err *err) {
  provider_settings settings = {0};
  bool ok = load(c, doc, &settings, err) && check_files(&settings, err);
  cli_set_int(doc, "vaults", (json_int_t)settings.vault_count);
  (void)json_object_set_new(doc, "right", json_boolean(ok));
  settings_free(&settings);
  return ok;
}

/* --- show --------------------------------------------------------------------------------------------------------- */

static void append_setting(const ekm_config *config, const char *section, const ekm_config_setting *setting,
                           json_t *rows) {
  ekm_buf origin;
  json_t *row = json_object();
  const char *value = ekm_config_text(config, section, setting->key);
  ekm_buf_init(&origin, ORIGIN_MAX_BYTES);
  ekm_config_append_origin(config, section, setting->key, &origin);
  cli_set_text(row, "section", section);
  cli_set_text(row, "setting", setting->key);
  cli_set_text(row, "value", value == NULL ? "" : value);
  cli_set_text(row, "origin", ekm_buf_text(&origin));
  (void)json_array_append_new(rows, row);
  ekm_buf_clear(&origin);
}

/* All of the top; of another section those that it has. */
static void append_section(const ekm_config *config, const char *pattern, const char *section, json_t *rows) {
  const ekm_config_schema *schema = settings_schema();
  for (size_t i = 0; i < schema->count; i++) {
    const ekm_config_setting *setting = &schema->settings[i];
    if (strcmp(setting->section, pattern) != 0) continue;
    if (section[0] != '\0' && !ekm_config_has(config, section, setting->key)) continue;
    append_setting(config, section, setting, rows);
  }
}

static void append_sections(const ekm_config *config, const char *pattern, json_t *rows) {
  for (size_t i = 0; i < ekm_config_section_count(config, pattern); i++) {
    append_section(config, pattern, ekm_config_section(config, pattern, i), rows);
  }
}

bool cli_config_show(cli *c, json_t *doc, ekm_err *err) {
  provider_settings settings = {0};
  if (!load(c, doc, &settings, err)) return false;
  json_t *rows = json_array();
  append_section(settings.config, "", "", rows);
  append_sections(settings.config, SETTINGS_VAULTS, rows);
  append_sections(settings.config, SETTINGS_APPLICATIONS, rows);
  (void)json_object_set_new(doc, "settings", rows);
  settings_free(&settings);
  return true;
}
