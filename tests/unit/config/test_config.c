/* The configuration reader: what it takes, what it refuses and with which words, and what hostile files do to it. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/utf16.h"
#include "support/cmocka_all.h"
#include "support/memory_gate.h"

static const ekm_config_setting settings[] = {
    {.section = "",
     .key = "log_level",
     .type = EKM_CONFIG_CHOICE,
     .choices = "off|warn|warning",
     .fallback = "warn",
     .doc = "how much is logged"},
    {.section = "", .key = "log_file", .type = EKM_CONFIG_PATH, .example = "/var/log/x.log", .doc = "where to"},
    {.section = "", .key = "allow_drop", .type = EKM_CONFIG_BOOL, .fallback = "no", .doc = "may keys go"},
    {.section = "",
     .key = "timeout_ms",
     .type = EKM_CONFIG_INT,
     .min = -5,
     .max = 60000,
     .fallback = "250",
     .doc = "how long"},
    {.section = "", .key = "note", .type = EKM_CONFIG_TEXT, .doc = "anything"},
    {.section = "listen",
     .key = "port",
     .type = EKM_CONFIG_INT,
     .min = 1,
     .max = 65535,
     .fallback = "443",
     .doc = "TCP port"},
    {.section = "vault *", .key = "address", .type = EKM_CONFIG_TEXT, .doc = "IP address"},
    {.section = "vault *",
     .key = "port",
     .type = EKM_CONFIG_INT,
     .min = 1,
     .max = 65535,
     .fallback = "8443",
     .doc = "TCP port"},
};

static const char *const examples[] = {"vault HOST", NULL};
static const ekm_config_schema schema = {settings, sizeof settings / sizeof settings[0], "TEST_", examples};

static bool parse(const char *text, ekm_config **out, ekm_err *err) {
  memset(err, 0, sizeof *err);
  return ekm_config_parse(&schema, ekm_view_text(text), "x.conf", out, err);
}

static void assert_origin(const ekm_config *config, const char *section, const char *key, const char *expected) {
  ekm_buf origin;
  ekm_buf_init(&origin, 256);
  ekm_config_append_origin(config, section, key, &origin);
  assert_string_equal(ekm_buf_text(&origin), expected);
  ekm_buf_clear(&origin);
}

static void nothing_gives_the_defaults(void **state) {
  static const char *const texts[] = {
      "", "\n", "\r\n\r\n", "# a comment", "  ; another\n\t\n", "\xEF\xBB\xBF", "\xEF\xBB\xBF# BOM\n"};
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    ekm_err err;
    ekm_config *config;
    if (!parse(texts[i], &config, &err)) fail_msg("%zu: %s", i, err.detail);
    assert_string_equal(ekm_config_text(config, "", "log_level"), "warn");
    assert_null(ekm_config_text(config, "", "log_file"));
    assert_false(ekm_config_has(config, "", "log_file"));
    assert_true(ekm_config_has(config, "", "allow_drop"));
    assert_false(ekm_config_bool(config, "", "allow_drop"));
    assert_int_equal(ekm_config_int(config, "", "timeout_ms"), 250);
    assert_int_equal(ekm_config_int(config, "vault any", "port"), 8443);
    assert_int_equal(ekm_config_section_count(config, "vault *"), 0);
    assert_null(ekm_config_section(config, "vault *", 0));
    assert_origin(config, "", "log_level", "default");
    assert_origin(config, "", "log_file", "not set");
    assert_origin(config, "", "no_such_key", "not set");
    ekm_config_free(&config);
    assert_null(config);
  }
}

static void a_whole_file(void **state) {
  static const char text[] =
      "# top\r\n"
      "log_level=off\r\n"
      "\t log_file \t=\t /a b/c ; d # e = f \t\r\n"
      "allow_drop = yes\n"
      "timeout_ms = -5\n"
      "note = \"  [quoted] = # \"\n"
      "\n"
      "  [ listen ]\n"
      "port = 1\n"
      "[vault My.Vault]\n"
      "address = \n"
      "; comment\n"
      "[Vault other]\n"
      "port = 65535";
  ekm_err err;
  ekm_config *config;
  (void)state;
  if (!parse(text, &config, &err)) fail_msg("%s", err.detail);
  assert_string_equal(ekm_config_text(config, "", "log_level"), "off");
  assert_string_equal(ekm_config_text(config, "", "log_file"), "/a b/c ; d # e = f");
  assert_true(ekm_config_bool(config, "", "allow_drop"));
  assert_int_equal(ekm_config_int(config, "", "timeout_ms"), -5);
  assert_string_equal(ekm_config_text(config, "", "note"), "  [quoted] = # ");
  assert_int_equal(ekm_config_int(config, "listen", "port"), 1);
  assert_int_equal(ekm_config_section_count(config, "listen"), 1);
  assert_string_equal(ekm_config_section_name(ekm_config_section(config, "listen", 0)), "");
  assert_int_equal(ekm_config_section_count(config, "vault *"), 2);
  assert_string_equal(ekm_config_section(config, "vault *", 0), "vault My.Vault");
  assert_string_equal(ekm_config_section_name(ekm_config_section(config, "vault *", 1)), "other");
  assert_null(ekm_config_section(config, "vault *", 2));
  assert_string_equal(ekm_config_text(config, "vault my.vault", "address"), "");
  assert_int_equal(ekm_config_int(config, "vault my.vault", "port"), 8443);
  assert_int_equal(ekm_config_int(config, "VAULT OTHER", "port"), 65535);
  assert_null(ekm_config_text(config, "vault other", "address"));
  assert_origin(config, "", "log_level", "'x.conf' line 2");
  assert_origin(config, "vault other", "port", "'x.conf' line 14");
  assert_origin(config, "vault My.Vault", "port", "default");
  assert_origin(config, "vault other", NULL, "'x.conf' line 13");
  assert_origin(config, "vault nowhere", NULL, "not set");
  assert_origin(config, "", NULL, "not set");
  ekm_config_free(&config);
}

static void what_is_refused_and_where(void **state) {
  static const struct {
    const char *text;
    ekm_err_id id;
    const char *words; /* the message begins so */
  } rows[] = {
      {"\n\nfoo = 1", EKM_E_CONFIG_SYNTAX, "'x.conf' line 3: unknown setting 'foo'"},
      {"LOG_LEVEL = off", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: unknown setting 'LOG_LEVEL'"},
      {"log level = off", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: unknown setting 'log level'"},
      {"port = 1", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: unknown setting 'port'"},
      {"[listen]\nlog_level = off", EKM_E_CONFIG_SYNTAX,
       "'x.conf' line 2: unknown setting of this section 'log_level'"},
      {"[listen]\naddress = x", EKM_E_CONFIG_SYNTAX, "'x.conf' line 2: unknown setting of this section 'address'"},
      {"# c\nlog_level = off\r\nlog_level = off", EKM_E_CONFIG_SYNTAX,
       "'x.conf' line 3: a second value for 'log_level'"},
      {"[vault a]\n[vault A]", EKM_E_CONFIG_SYNTAX, "'x.conf' line 2: a second section 'vault A'"},
      {"[listen]\n[listen]", EKM_E_CONFIG_SYNTAX, "'x.conf' line 2: a second section 'listen'"},
      {"[vault]", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: unknown section 'vault'"},
      {"[vault ]", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: unknown section 'vault'"},
      {"[vault a b]", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: unknown section 'vault a b'"},
      {"[vault\ta]", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: unknown section 'vault\ta'"},
      {"[vaulta]", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: unknown section 'vaulta'"},
      {"[listener]", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: unknown section 'listener'"},
      {"[]", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: bad section name"},
      {"[ ]", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: bad section name"},
      {"[", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: a section ends with ']'"},
      {"[listen", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: a section ends with ']'"},
      {"[listen] # no", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: a section ends with ']'"},
      {"[[listen]]", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: bad section name"},
      {"log_level", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: neither"},
      {"log_level: off", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: neither"},
      {"= off", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: a value without a key"},
      {"note = \"a", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: a value in quotes"},
      {"note = \"", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: a value in quotes"},
      {"note = \"a\"b\"", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: a value in quotes"},
      {"note = \"a\" # c", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: a value in quotes"},
      {"note = a\rlog_level = off", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: a control character"},
      {"note = \x1b[2J", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: a control character"},
      {"note = \x7f", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: a control character"},
      {"# \xff", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: not UTF-8"},
      {"note = \xc0\xaf", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: not UTF-8"},
      {"note = \xed\xa0\x80", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: not UTF-8"},
      {"note = \xe2\x82", EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: not UTF-8"},
      {"\xff\xfe"
       "n",
       EKM_E_CONFIG_SYNTAX, "'x.conf' line 1: not UTF-8"},
      {"log_level = Off", EKM_E_CONFIG_VALUE,
       "'x.conf' line 1: 'log_level' must be one of off, warn, warning, not 'Off'"},
      {"log_level = warn|off", EKM_E_CONFIG_VALUE, "'x.conf' line 1: 'log_level' must be one of"},
      {"log_level = war", EKM_E_CONFIG_VALUE, "'x.conf' line 1: 'log_level' must be one of"},
      {"log_level =", EKM_E_CONFIG_VALUE, "'x.conf' line 1: 'log_level' must be one of"},
      {"log_file = a/b", EKM_E_CONFIG_VALUE, "'x.conf' line 1: 'log_file' must be an absolute path, not 'a/b'"},
      {"log_file = ", EKM_E_CONFIG_VALUE, "'x.conf' line 1: 'log_file' must be an absolute path, not ''"},
      {"allow_drop = 1", EKM_E_CONFIG_VALUE, "'x.conf' line 1: 'allow_drop' must be yes or no, not '1'"},
      {"allow_drop = YES", EKM_E_CONFIG_VALUE, "'x.conf' line 1: 'allow_drop' must be yes or no"},
      {"allow_drop = yes # no", EKM_E_CONFIG_VALUE, "'x.conf' line 1: 'allow_drop' must be yes or no"},
      {"timeout_ms = -6", EKM_E_CONFIG_VALUE,
       "'x.conf' line 1: 'timeout_ms' must be a number from -5 to 60000, not '-6'"},
      {"timeout_ms = 60001", EKM_E_CONFIG_VALUE, "'x.conf' line 1: 'timeout_ms' must be"},
      {"timeout_ms = 18446744073709551616", EKM_E_CONFIG_VALUE, "'x.conf' line 1: 'timeout_ms' must be"},
      {"timeout_ms = 0x10", EKM_E_CONFIG_VALUE, "'x.conf' line 1: 'timeout_ms' must be"},
      {"timeout_ms = +1", EKM_E_CONFIG_VALUE, "'x.conf' line 1: 'timeout_ms' must be"},
      {"timeout_ms = 1 0", EKM_E_CONFIG_VALUE, "'x.conf' line 1: 'timeout_ms' must be"},
      {"timeout_ms = -", EKM_E_CONFIG_VALUE, "'x.conf' line 1: 'timeout_ms' must be"},
      {"timeout_ms = --1", EKM_E_CONFIG_VALUE, "'x.conf' line 1: 'timeout_ms' must be"},
      {"timeout_ms = ", EKM_E_CONFIG_VALUE, "'x.conf' line 1: 'timeout_ms' must be"},
      {"[vault a]\nport = 0", EKM_E_CONFIG_VALUE, "'x.conf' line 2: 'port' must be a number from 1 to 65535, not '0'"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err;
    ekm_config *config = NULL;
    if (parse(rows[i].text, &config, &err)) fail_msg("accepted: %s", rows[i].text);
    assert_null(config);
    if (err.id != rows[i].id || strncmp(err.detail, rows[i].words, strlen(rows[i].words)) != 0) {
      fail_msg("%zu '%s': %s", i, rows[i].text, err.detail);
    }
  }
}

static void a_nul_byte_is_refused_everywhere(void **state) {
  static const char text[] = "note = ab\n[vault a]\n# c\naddress = x\n";
  (void)state;
  for (size_t at = 0; at < sizeof text - 1; at++) {
    char copy[sizeof text];
    ekm_err err = {0};
    ekm_config *config = NULL;
    memcpy(copy, text, sizeof text);
    copy[at] = '\0';
    assert_false(ekm_config_parse(&schema, ekm_view_of(copy, sizeof text - 1), "x.conf", &config, &err));
    assert_int_equal(err.id, EKM_E_CONFIG_SYNTAX);
    assert_non_null(strstr(err.detail, "NUL"));
  }
}

static void long_lines_and_many_sections(void **state) {
  ekm_err err = {0};
  ekm_config *config = NULL;
  ekm_buf text;
  (void)state;
  ekm_buf_init(&text, EKM_LIMIT_CONFIG_BYTES);
  ekm_buf_append_text(&text, "note =");
  memset(ekm_buf_extend(&text, EKM_LIMIT_CONFIG_LINE_BYTES - text.len), 'x', EKM_LIMIT_CONFIG_LINE_BYTES - 6);
  assert_true(ekm_config_parse(&schema, ekm_buf_view(&text), "x.conf", &config, &err));
  assert_int_equal(strlen(ekm_config_text(config, "", "note")), EKM_LIMIT_CONFIG_LINE_BYTES - 6);
  ekm_config_free(&config);
  ekm_buf_append_char(&text, 'x');
  assert_false(ekm_config_parse(&schema, ekm_buf_view(&text), "x.conf", &config, &err));
  assert_int_equal(err.id, EKM_E_CONFIG_SYNTAX);
  assert_string_equal(err.detail, "'x.conf' line 1: longer than 4096 bytes");

  ekm_buf_reset(&text);
  for (int i = 0; i < EKM_LIMIT_CONFIG_SECTIONS; i++) ekm_buf_append_fmt(&text, "[vault v%d]\n", i);
  assert_true(ekm_config_parse(&schema, ekm_buf_view(&text), "x.conf", &config, &err));
  assert_int_equal(ekm_config_section_count(config, "vault *"), EKM_LIMIT_CONFIG_SECTIONS);
  ekm_config_free(&config);
  ekm_buf_append_text(&text, "[vault one_more]\n");
  assert_false(ekm_config_parse(&schema, ekm_buf_view(&text), "x.conf", &config, &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
  ekm_buf_clear(&text);
}

/* Every text that can be made by cutting a good file, or by replacing one of its bytes, is taken or refused with a
 * line number; the sanitizers watch. */
static void mutilated_files(void **state) {
  static const char good[] = "\xEF\xBB\xBFlog_level = off\r\n[vault a]\naddress=\"x\xc3\xa4\"\nport = 12\n";
  static const char bytes[] =
      "\n\r\t =[]\"#;\x01\x7f\x80\xff"
      "a0";
  size_t refused = 0;
  (void)state;
  for (size_t at = 0; at < sizeof good - 1; at++) {
    for (size_t b = 0; b <= sizeof bytes; b++) {
      char copy[sizeof good];
      ekm_err err = {0};
      ekm_config *config = NULL;
      memcpy(copy, good, sizeof good);
      if (b < sizeof bytes) copy[at] = bytes[b];
      size_t len = b < sizeof bytes ? sizeof good - 1 : at;
      if (!ekm_config_parse(&schema, ekm_view_of(copy, len), "x.conf", &config, &err)) {
        assert_true(err.id == EKM_E_CONFIG_SYNTAX || err.id == EKM_E_CONFIG_VALUE);
        assert_int_equal(strncmp(err.detail, "'x.conf' line ", 14), 0);
        refused++;
      }
      ekm_config_free(&config);
    }
  }
  assert_true(refused > 100);
}

/* ---- environment ---- */

typedef struct fake_env {
  ekm_env base;
  const char *name, *value;
} fake_env;

static const char *fake_get(const ekm_env *self, const char *name) {
  const fake_env *env = (const fake_env *)self;
  return strcmp(env->name, name) == 0 ? env->value : NULL;
}

static void the_environment_overrides_the_top(void **state) {
  static const struct {
    const char *name, *value;
    const char *level, *origin;
  } rows[] = {
      {"TEST_LOG_LEVEL", "warning", "warning", "TEST_LOG_LEVEL"},
      {"TEST_LOG_LEVEL", "", "warn", "default"},
      {"test_log_level", "off", "warn", "default"},
      {"LOG_LEVEL", "off", "warn", "default"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    fake_env env = {{fake_get}, rows[i].name, rows[i].value};
    ekm_err err = {0};
    ekm_config *config = NULL;
    assert_true(ekm_config_load(&schema, NULL, &env.base, &config, &err));
    assert_string_equal(ekm_config_text(config, "", "log_level"), rows[i].level);
    assert_origin(config, "", "log_level", rows[i].origin);
    ekm_config_free(&config);
  }
}

static void bad_environment_and_none(void **state) {
  static const struct {
    const char *name, *value, *words;
  } rows[] = {{"TEST_LOG_LEVEL", "loud", "TEST_LOG_LEVEL: 'log_level' must be one of off, warn, warning, not 'loud'"},
              {"TEST_NOTE", "a\nb", "TEST_NOTE is not UTF-8 or has a control character"},
              {"TEST_NOTE", "\xff", "TEST_NOTE is not UTF-8 or has a control character"}};
  ekm_err err = {0};
  ekm_config *config = NULL;
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    fake_env env = {{fake_get}, rows[i].name, rows[i].value};
    assert_false(ekm_config_load(&schema, NULL, &env.base, &config, &err));
    assert_int_equal(err.id, EKM_E_CONFIG_VALUE);
    assert_string_equal(err.detail, rows[i].words);
  }
  /* Settings of sections have no variable, and without a prefix nothing has. */
  fake_env env = {{fake_get}, "TEST_PORT", "1"};
  assert_true(ekm_config_load(&schema, NULL, &env.base, &config, &err));
  assert_int_equal(ekm_config_int(config, "listen", "port"), 443);
  ekm_config_free(&config);
  ekm_config_schema bare = {settings, schema.count, NULL, NULL};
  fake_env level = {{fake_get}, "LOG_LEVEL", "off"};
  assert_true(ekm_config_load(&bare, NULL, &level.base, &config, &err));
  assert_string_equal(ekm_config_text(config, "", "log_level"), "warn");
  ekm_config_free(&config);
}

/* ---- files ---- */

static void files_are_read_and_overridden(void **state) {
  char folder[] = "test_config_XXXXXX";
  char path[64];
  ekm_err err = {0};
  ekm_config *config = NULL;
  fake_env env = {{fake_get}, "TEST_LOG_LEVEL", "warning"};
  (void)state;
  assert_non_null(mkdtemp(folder));
  (void)snprintf(path, sizeof path, "%s/x.conf", folder);
  assert_false(ekm_config_load(&schema, path, &env.base, &config, &err));
  assert_int_equal(err.id, EKM_E_CONFIG_READ);
  assert_non_null(strstr(err.detail, path));
  assert_false(ekm_config_load(&schema, folder, &env.base, &config, &err));
  assert_int_equal(err.id, EKM_E_CONFIG_READ);

  assert_true(ekm_file_write_private(path, ekm_view_text("log_level = off\nnote = n\n"), &err));
  assert_true(ekm_config_load(&schema, path, &env.base, &config, &err));
  assert_string_equal(ekm_config_text(config, "", "log_level"), "warning");
  assert_origin(config, "", "log_level", "TEST_LOG_LEVEL");
  assert_string_equal(ekm_config_text(config, "", "note"), "n");
  ekm_config_free(&config);
  assert_true(ekm_config_load(&schema, path, NULL, &config, &err));
  assert_string_equal(ekm_config_text(config, "", "log_level"), "off");
  ekm_config_free(&config);

  ekm_buf big;
  ekm_buf_init(&big, EKM_LIMIT_CONFIG_BYTES + 1);
  memset(ekm_buf_extend(&big, EKM_LIMIT_CONFIG_BYTES + 1), '\n', EKM_LIMIT_CONFIG_BYTES + 1);
  assert_true(ekm_file_write_private(path, ekm_buf_view(&big), &err));
  assert_false(ekm_config_load(&schema, path, NULL, &config, &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
  ekm_buf_clear(&big);
  assert_int_equal(remove(path), 0);
  assert_int_equal(remove(folder), 0);
}

/* ---- the table, the sample, memory ---- */

static void a_default_that_the_table_forbids_is_our_mistake(void **state) {
  static const ekm_config_setting bad[] = {
      {.section = "", .key = "n", .type = EKM_CONFIG_INT, .min = 1, .max = 9, .fallback = "10", .doc = "n"}};
  const ekm_config_schema bad_schema = {bad, 1, NULL, NULL};
  ekm_err err = {0};
  ekm_config *config = NULL;
  (void)state;
  assert_false(ekm_config_load(&bad_schema, NULL, NULL, &config, &err));
  assert_int_equal(err.id, EKM_E_INTERNAL);
}

static void the_sample_documents_and_is_a_file(void **state) {
  ekm_err err = {0};
  ekm_config *config = NULL;
  ekm_buf sample;
  ekm_buf enabled;
  (void)state;
  ekm_buf_init(&sample, 65536);
  ekm_buf_init(&enabled, 65536);
  assert_true(ekm_config_write_sample(&schema, &sample, &err));
  assert_non_null(
      strstr(ekm_buf_text(&sample),
             "\n# how much is logged; one of off, warn, warning (environment: TEST_LOG_LEVEL)\n#log_level = warn\n"));
  assert_non_null(
      strstr(ekm_buf_text(&sample),
             "\n# where to; an absolute path (environment: TEST_LOG_FILE); no default\n#log_file = /var/log/x.log\n"));
  assert_non_null(strstr(ekm_buf_text(&sample), "\n#[vault HOST]\n\n# IP address; no default\n#address =\n"));

  /* As it is, it sets nothing; with the '#' directly before settings removed, it sets everything. */
  assert_true(parse(ekm_buf_text(&sample), &config, &err));
  assert_origin(config, "", "log_level", "default");
  ekm_config_free(&config);
  for (const char *at = ekm_buf_text(&sample); *at != '\0'; at++) {
    bool at_start = at == ekm_buf_text(&sample) || at[-1] == '\n';
    if (!(at_start && at[0] == '#' && at[1] != ' ')) ekm_buf_append_char(&enabled, *at);
  }
  if (!parse(ekm_buf_text(&enabled), &config, &err)) fail_msg("%s", err.detail);
  assert_string_equal(ekm_config_text(config, "", "log_file"), "/var/log/x.log");
  assert_string_equal(ekm_config_section(config, "vault *", 0), "vault HOST");
  assert_int_equal(ekm_config_section_count(config, "listen"), 1);
  ekm_config_free(&config);
  ekm_buf_clear(&sample);
  ekm_buf_clear(&enabled);

  ekm_buf_init(&sample, 40);
  assert_false(ekm_config_write_sample(&schema, &sample, &err));
  assert_int_equal(err.id, EKM_E_LIMIT);
  ekm_buf_clear(&sample);
}

static void a_lack_of_memory_is_an_error(void **state) {
  static const char text[] =
      "log_level = off\nnote = n\nlog_file = /x\nallow_drop = no\n[vault a]\n[vault b]\n[vault c]\n[vault d]\n[vault "
      "e]\n"
      "[vault f]\n[vault g]\n[vault h]\naddress = x\n[listen]\nport=3\n";
  memory_gate gate = {0};
  size_t rounds = 0;
  (void)state;
  for (size_t n = 0; memory_gate_next(&gate, n); n++, rounds++) {
    ekm_err err = {0};
    ekm_config *config = NULL;
    bool ok = ekm_config_parse(&schema, ekm_view_text(text), "x.conf", &config, &err);
    memory_gate_check(&gate, ok, &err);
    assert_int_equal(ok, config != NULL);
    ekm_config_free(&config);
  }
  assert_true(rounds > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_gives_the_defaults),
      cmocka_unit_test(a_whole_file),
      cmocka_unit_test(what_is_refused_and_where),
      cmocka_unit_test(a_nul_byte_is_refused_everywhere),
      cmocka_unit_test(long_lines_and_many_sections),
      cmocka_unit_test(mutilated_files),
      cmocka_unit_test(the_environment_overrides_the_top),
      cmocka_unit_test(bad_environment_and_none),
      cmocka_unit_test(files_are_read_and_overridden),
      cmocka_unit_test(a_default_that_the_table_forbids_is_our_mistake),
      cmocka_unit_test(the_sample_documents_and_is_a_file),
      cmocka_unit_test(a_lack_of_memory_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
