#include "vault/serve_config.h"

#include <stddef.h>
#include <stdio.h>

#include "base/file.h"

enum { PATH_MAX_BYTES = 4096, THREADS_MAX = 256 };

static const ekm_config_setting settings_table[] = {
    {.section = "", .key = "listen", .example = "127.0.0.1:8443", .doc = "where to serve; port 0 is a free one"},
    {.section = "",
     .key = "threads",
     .type = EKM_CONFIG_INT,
     .min = 1,
     .max = THREADS_MAX,
     .example = "2",
     .doc = "threads that serve; one per processor, at least two, if not set"},
    {.section = "",
     .key = "master_key",
     .example = "credential:akvd-master-key",
     .doc = "the master key's file, or a credential of systemd; DIR/master.key if not set"},
    {.section = "",
     .key = "token_module",
     .type = EKM_CONFIG_PATH,
     .example = "/usr/lib/softhsm/libsofthsm2.so",
     .doc = "a PKCS#11 module; keys marked HSM are made, and stay, in its token"},
    {.section = "", .key = "token_label", .example = "akvd", .doc = "the token that is meant; the only one if not set"},
    {.section = "", .key = "token_pin_file", .type = EKM_CONFIG_PATH, .example = "/etc/akvd/pin", .doc = "its PIN"},
    {.section = "",
     .key = "tls_certificate",
     .type = EKM_CONFIG_PATH,
     .example = "/etc/akvd/server.pem",
     .doc = "a certificate of your own, with those that lead to its authority; akvd makes one if not set"},
    {.section = "",
     .key = "tls_private_key",
     .type = EKM_CONFIG_PATH,
     .example = "/etc/akvd/server.key",
     .doc = "its private key"},
    {.section = "",
     .key = "audit",
     .example = "/var/log/akvd/audit.log",
     .doc = "the audit log; off for none; DIR/audit.log if not set"},
    {.section = "",
     .key = "log_file",
     .example = "/var/log/akvd/akvd.log",
     .doc = "the log of the program; standard error if not set"},
    {.section = "",
     .key = "log_level",
     .type = EKM_CONFIG_CHOICE,
     .choices = "off|error|warn|info|debug|trace",
     .example = "info",
     .doc = "how much is logged"},
};

static const ekm_config_schema schema = {settings_table, sizeof settings_table / sizeof settings_table[0], NULL, NULL};

const ekm_config_schema *vault_serve_schema(void) {
  return &schema;
}

/* Which setting fills which member. */
static const struct {
  const char *key;
  size_t offset;
} members[] = {
    {"listen", offsetof(vault_settings, listen)},
    {"master_key", offsetof(vault_settings, master_key)},
    {"token_module", offsetof(vault_settings, token_module)},
    {"token_label", offsetof(vault_settings, token_label)},
    {"token_pin_file", offsetof(vault_settings, token_pin_file)},
    {"tls_certificate", offsetof(vault_settings, tls_certificate)},
    {"tls_private_key", offsetof(vault_settings, tls_private_key)},
    {"audit", offsetof(vault_settings, audit)},
    {"log_file", offsetof(vault_settings, log_file)},
    {"log_level", offsetof(vault_settings, log_level)},
};

static void fill(const ekm_config *config, vault_settings *settings) {
  for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
    const char **at = (const char **)(void *)((char *)settings + members[i].offset);
    if (*at == NULL && ekm_config_has(config, "", members[i].key)) *at = ekm_config_text(config, "", members[i].key);
  }
  if (settings->threads == 0) settings->threads = (unsigned)ekm_config_int(config, "", "threads");
}

bool vault_serve_config(vault_settings *settings, ekm_config **out_config, ekm_err *err) {
  bool ok = true;
  ekm_buf path;
  *out_config = NULL;
  ekm_buf_init(&path, PATH_MAX_BYTES);
  if (settings->config != NULL) {
    ekm_buf_append_text(&path, settings->config);
  } else if (settings->data != NULL) {
    ekm_buf_append_fmt(&path, "%s/akvd.conf", settings->data);
  }
  ok = ekm_buf_ok(&path, "a path", err);
  bool is_there = path.len > 0 && (settings->config != NULL || ekm_file_exists(ekm_buf_text(&path)));
  if (ok && is_there) ok = ekm_config_load(&schema, ekm_buf_text(&path), NULL, out_config, err);
  if (ok && is_there) fill(*out_config, settings);
  ekm_buf_clear(&path);
  return ok;
}
