/* The one reader of configuration files. A program brings a table of its settings; this brings files, the environment,
 * defaults, strictness and messages with line numbers. What is not in the table is an error, not ignored: a setting
 * that is spelt wrongly must not silently leave a default in force.
 *
 *   static const ekm_config_setting settings[] = {
 *     {.section = "", .key = "log_level", .type = EKM_CONFIG_CHOICE, .choices = "off|error|warn", .fallback = "warn",
 *      .doc = "how much is logged"},
 *     {.section = "vault *", .key = "port", .type = EKM_CONFIG_INT, .min = 1, .max = 65535, .fallback = "443",
 *      .doc = "TCP port of the vault"},
 *   };
 *   static const ekm_config_schema schema = {settings, sizeof settings / sizeof settings[0], "OPENEKM_", NULL};
 *
 *   EKM_TRY(ekm_config_load(&schema, path, ekm_env_process(), &config, err));
 *   const char *level = ekm_config_text(config, "", "log_level");
 *   for (size_t i = 0; i < ekm_config_section_count(config, "vault *"); i++) {
 *     const char *section = ekm_config_section(config, "vault *", i);
 *     connect_to(ekm_config_section_name(section), ekm_config_int(config, section, "port"));
 *   }
 *
 * Threads: an ekm_config is immutable after ekm_config_load and may be read by all threads. */
#ifndef EKM_CONFIG_CONFIG_H
#define EKM_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"

typedef enum ekm_config_type {
  EKM_CONFIG_TEXT = 0, /* anything, also nothing */
  EKM_CONFIG_PATH,     /* an absolute path; it need not exist */
  EKM_CONFIG_BOOL,     /* yes, no, true, false */
  EKM_CONFIG_INT,      /* decimal, ${min} to ${max} */
  EKM_CONFIG_CHOICE,   /* one of ${choices} */
  EKM_CONFIG_DATE      /* a day, as 2027-03-01 */
} ekm_config_type;

/* One setting. All texts are static. */
typedef struct ekm_config_setting {
  const char *section; /* "" for the top of the file, "name" for [name], "kind *" for any number of [kind NAME] */
  const char *key;     /* lower-case letters, digits and '_' */
  ekm_config_type type;
  int64_t min, max;     /* of INT */
  const char *choices;  /* of CHOICE: "off|error|warn" */
  const char *fallback; /* the value where nobody sets one, or NULL for none */
  const char *example;  /* for the sample file, where fallback is NULL; may be NULL */
  const char *doc;      /* one line: lower case, no full stop */
} ekm_config_setting;

/* All settings of a program. The top-level ones can be overridden by the environment: prefix + KEY; a prefix of NULL
 * forbids that. Settings of one section follow each other. */
typedef struct ekm_config_schema {
  const ekm_config_setting *settings;
  size_t count;
  const char *env_prefix;
  const char *const *section_examples; /* those of the sample: "vault db.example.com"; NULL-terminated, or NULL */
} ekm_config_schema;

typedef struct ekm_config ekm_config;

/* ekm_config_load(schema, path, env, out_config, err):
 * Read the file ${path}, then ${env}; either may be NULL, and is then left out. An environment variable that is empty
 * counts as not set. ${schema} is borrowed for the life of the configuration.
 * CONFIG_READ if the file cannot be read, CONFIG_SYNTAX and CONFIG_VALUE with path and line for what is wrong in it,
 * LIMIT if it is too long, INTERNAL if a default of the schema is not allowed by the schema. */
EKM_MUST_USE bool ekm_config_load(const ekm_config_schema *schema, const char *path, const ekm_env *env,
                                  ekm_config **out_config, ekm_err *err);

/* ekm_config_load_text(schema, text, name, env, out_config, err):
 * The same for a text in memory; ${name} stands for the path in messages. */
EKM_MUST_USE bool ekm_config_load_text(const ekm_config_schema *schema, ekm_view text, const char *name,
                                       const ekm_env *env, ekm_config **out_config, ekm_err *err);

/* ekm_config_parse(schema, text, name, out_config, err): the same without environment. */
EKM_MUST_USE bool ekm_config_parse(const ekm_config_schema *schema, ekm_view text, const char *name,
                                   ekm_config **out_config, ekm_err *err);

/* ekm_config_free(config): NULL is fine; sets the caller's pointer to NULL. */
void ekm_config_free(ekm_config **config);

/* Lookups. ${section} is "" or the name of a section ("vault myvault"), case ignored; a section that the file does not
 * have gives the defaults. Text is borrowed. A setting without a value is NULL, 0 or false: ask ekm_config_has. A key
 * that the schema does not have for that section has no value: a mistake of the program. */
const char *ekm_config_text(const ekm_config *config, const char *section, const char *key);
int64_t ekm_config_int(const ekm_config *config, const char *section, const char *key);
bool ekm_config_bool(const ekm_config *config, const char *section, const char *key);

/* ekm_config_date(config, section, key): the first second of that day in UTC, since 1970; 0 without a value. */
int64_t ekm_config_date(const ekm_config *config, const char *section, const char *key);

/* ekm_config_has(config, section, key): is there a value, be it a default? */
bool ekm_config_has(const ekm_config *config, const char *section, const char *key);

/* ekm_config_append_origin(config, section, key, out):
 * Where the value comes from: "'/etc/openekm.conf' line 12", "OPENEKM_LOG_LEVEL", "default" or "not set". A ${key} of
 * NULL asks for the line of the section itself. */
void ekm_config_append_origin(const ekm_config *config, const char *section, const char *key, ekm_buf *out);

/* ekm_config_section_count(config, pattern), ekm_config_section(config, pattern, index):
 * The sections of the file that belong to the schema's ${pattern} ("vault *"), in the file's order; borrowed.
 * NULL beyond the last. */
size_t ekm_config_section_count(const ekm_config *config, const char *pattern);
const char *ekm_config_section(const ekm_config *config, const char *pattern, size_t index);

/* ekm_config_section_name(section): "myvault" of "vault myvault"; "" if there is no second word. Borrowed. */
const char *ekm_config_section_name(const char *section);

/* ekm_config_write_sample(schema, out, err):
 * Append a file that documents every setting, all of them commented out: "# " before words, '#' before settings. */
EKM_MUST_USE bool ekm_config_write_sample(const ekm_config_schema *schema, ekm_buf *out, ekm_err *err);

#endif
