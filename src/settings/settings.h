/* openekm.conf, understood.
 *
 *   log_file = /var/log/openekm.log
 *   vault_suffix = vault.localhost
 *
 *   [vault myvault.vault.localhost]
 *   address = 127.0.0.1
 *   port = 8443
 *   authority = https://login.localhost
 *   ca_file = /etc/openekm/ca.pem
 *
 *   [application 01234567-89ab-cdef-0123-456789abcdef]
 *   secret_expires = 2027-03-01
 *
 * The file is that of the environment variable OPENEKM_CONF; else that of the machine, if there is one
 * (machine_config.h); else the machine's registry, where it has one; else none, and every setting has its default.
 * Top-level settings can be overridden by OPENEKM_<SETTING>. */
#ifndef EKM_SETTINGS_SETTINGS_H
#define EKM_SETTINGS_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/limits.h"
#include "base/log.h"
#include "config/config.h"
#include "http/http.h"
#include "keyring/blob.h"
#include "keyring/credential.h"
#include "keyring/keyring.h"

/* Where a host is really reached. NULL and 0: as its name says. */
typedef struct provider_endpoint {
  const char *address;
  uint16_t port;
  const char *ca_file;
} provider_endpoint;

/* One [vault HOST] section. Texts belong to the configuration. */
typedef struct provider_vault {
  char host[EKM_LIMIT_HOST_BYTES + 1]; /* lower-case */
  provider_endpoint vault;
  char authority_host[EKM_LIMIT_HOST_BYTES + 1]; /* "" for those of the vault's cloud */
  uint16_t authority_port;                       /* of its URL; 0 without one */
  provider_endpoint authority;
  const char *resource; /* NULL for the rule of the host name */
  const char *tenant;   /* NULL for the challenge's */
  const char *keys;     /* a list; NULL: none, as with replicas */
  const char *replicas;
} provider_vault;

typedef struct provider_settings {
  ekm_config *config;   /* owns the texts */
  const char *log_file; /* NULL: no log */
  bool log_to_system;   /* to the system's log instead */
  const char *syslog_socket;
  ekm_log_level log_level;
  int64_t call_timeout_ms;
  const char *wrap_alg;
  int64_t retries, retry_delay_ms, retry_max_delay_ms;
  int64_t connection_max_age_s;
  int64_t breaker_failures, breaker_open_s; /* 0 failures: no breaker */
  keyring_thumb_kind thumbprint;
  bool unwrap_rsa1_5, unwrap_reversed;
  int64_t unwrap_cache_s, unwrap_grace_s;
  const char *hint_file; /* NULL: none */
  int64_t search_per_s, search_workers, search_again_s;
  const char *vault_suffix;
  const char *default_vault; /* NULL: none */
  ekm_http_proxy proxy;      /* without a URL: none */
  bool allow_drop_key;
  keyring_blob_form public_key_format;
  provider_vault *vaults;
  size_t vault_count;
  keyring_application *applications;
  size_t application_count;
} provider_settings;

/* The sections of vaults and of applications, as patterns of the schema. */
#define SETTINGS_VAULTS "vault *"
#define SETTINGS_APPLICATIONS "application *"

/* settings_schema(): the table of all settings, for documents and samples. Static. */
const ekm_config_schema *settings_schema(void);

/* settings_load(env, out, err):
 * CONFIG_READ, CONFIG_UNTRUSTED, CONFIG_SYNTAX or CONFIG_VALUE with file and line; ${out} is all zero then. */
EKM_MUST_USE bool settings_load(const ekm_env *env, provider_settings *out, ekm_err *err);

/* settings_load_file(path, env, out, err): the same of another file; ${path} NULL: of the usual one. */
EKM_MUST_USE bool settings_load_file(const char *path, const ekm_env *env, provider_settings *out, ekm_err *err);

/* settings_file(env, out_path, err): which file that is; *${out_path} is NULL if there is none, else borrowed. */
EKM_MUST_USE bool settings_file(const ekm_env *env, const char **out_path, ekm_err *err);

/* settings_read(config, out, err): the same of a configuration that was read already; takes it over, also on failure.
 */
EKM_MUST_USE bool settings_read(ekm_config *config, provider_settings *out, ekm_err *err);

/* settings_free(settings): free everything of it and leave it all zero. */
void settings_free(provider_settings *settings);

#endif
