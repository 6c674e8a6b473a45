/* Configuration files, by the table of openekm.conf: what was read is written and read again as the same; and what the
 * provider makes of it. */
#include "base/text.h"
#include "base/url.h"
#include "config/config.h"
#include "fuzz/fuzz.h"
#include "settings/settings.h"

enum { TEXT_MAX_BYTES = 1 << 22 };

/* Quotes only where they are needed: a line gets no longer than it was. */
static void write_value(const char *key, const char *value, ekm_buf *out) {
  size_t len = strlen(value);
  bool bare = len > 0 && strchr(" \t\"", value[0]) == NULL && strchr(" \t", value[len - 1]) == NULL;
  ekm_buf_append_fmt(out, bare ? "%s=%s\n" : "%s=\"%s\"\n", key, value);
}

static bool is_in_file(const ekm_config *config, const char *section, const char *key) {
  ekm_buf origin;
  ekm_buf_init(&origin, 256);
  ekm_config_append_origin(config, section, key, &origin);
  bool is = strncmp(ekm_buf_text(&origin), "'fuzz' ", 7) == 0;
  ekm_buf_clear(&origin);
  return is;
}

/* All settings of one section that stand in the file: written to ${out}, or compared with ${again}. */
static void walk_section(const ekm_config *config, const char *pattern, const char *section, ekm_buf *out,
                         const ekm_config *again) {
  const ekm_config_schema *schema = settings_schema();
  if (out != NULL && section[0] != '\0') ekm_buf_append_fmt(out, "[%s]\n", section);
  for (size_t i = 0; i < schema->count; i++) {
    const char *key = schema->settings[i].key;
    if (strcmp(schema->settings[i].section, pattern) != 0 || !is_in_file(config, section, key)) continue;
    const char *value = ekm_config_text(config, section, key);
    if (out != NULL) write_value(key, value, out);
    if (again == NULL) continue;
    FUZZ_CHECK(is_in_file(again, section, key) && strcmp(ekm_config_text(again, section, key), value) == 0);
    FUZZ_CHECK(ekm_config_int(again, section, key) == ekm_config_int(config, section, key));
    FUZZ_CHECK(ekm_config_bool(again, section, key) == ekm_config_bool(config, section, key));
  }
}

static void walk(const ekm_config *config, ekm_buf *out, const ekm_config *again) {
  static const char vaults[] = "vault *";
  size_t count = ekm_config_section_count(config, vaults);
  if (again != NULL) FUZZ_CHECK(ekm_config_section_count(again, vaults) == count);
  walk_section(config, "", "", out, again);
  for (size_t i = 0; i < count; i++) {
    const char *section = ekm_config_section(config, vaults, i);
    FUZZ_CHECK(ekm_config_section_name(section)[0] != '\0');
    for (size_t k = 0; k < i; k++) FUZZ_CHECK(!ekm_text_ieq(ekm_config_section(config, vaults, k), section));
    walk_section(config, vaults, section, out, again);
  }
}

static void check_settings(ekm_config *config) {
  provider_settings settings;
  ekm_err err = {0};
  if (!settings_read(config, &settings, &err)) {
    FUZZ_CHECK(err.id == EKM_E_CONFIG_VALUE && settings.config == NULL && settings.vaults == NULL);
    fuzz_check_err(&err);
    return;
  }
  FUZZ_CHECK(settings.call_timeout_ms > 0 && ekm_url_host_is_valid(settings.vault_suffix));
  for (size_t i = 0; i < settings.vault_count; i++) {
    const provider_vault *vault = &settings.vaults[i];
    FUZZ_CHECK(ekm_url_host_is_valid(vault->host));
    FUZZ_CHECK(vault->authority_host[0] == '\0' || ekm_url_host_is_valid(vault->authority_host));
  }
  settings_free(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ekm_config *config = NULL;
  ekm_config *again = NULL;
  ekm_err err = {0};
  ekm_buf text;

  if (!ekm_config_parse(settings_schema(), ekm_view_of(data, size), "fuzz", &config, &err)) {
    FUZZ_CHECK(config == NULL && (err.id == EKM_E_CONFIG_SYNTAX || err.id == EKM_E_CONFIG_VALUE));
    fuzz_check_err(&err);
    return 0;
  }
  ekm_buf_init(&text, TEXT_MAX_BYTES);
  walk(config, &text, NULL);
  FUZZ_CHECK(fuzz_ok(&text));
  FUZZ_CHECK(ekm_config_parse(settings_schema(), ekm_buf_view(&text), "fuzz", &again, &err));
  walk(config, NULL, again);
  walk(again, NULL, config);
  ekm_buf_clear(&text);
  ekm_config_free(&again);
  check_settings(config); /* takes it over */
  return 0;
}
