#include "provider/wire.h"

#include <string.h>

#include "base/env.h"
#include "base/file.h"
#include "base/left_behind.h"
#include "base/mem.h"
#include "base/system_log.h"
#include "http/http.h"
#include "keyring/hints.h"
#include "keyring/keyring_keyvault.h"
#include "settings/settings.h"
#include "settings/vaults.h"

#define USER_AGENT "openekm/1.0"
#define LOG_NAME "openekm"

/* What the connector borrows: the settings and, made of them, what keyvault knows of each vault. */
typedef struct wire_rest {
  provider_settings settings;
  settings_vaults vaults;
  keyring_hints *hints; /* NULL: none */
} wire_rest;

/* curl, then each layer over the one before: a try is logged, a call is repeated, a host that is down is not asked. */
static bool make_http(provider_wiring *out, ekm_err *err) {
  const provider_settings *settings = &((wire_rest *)out->rest)->settings;
  const ekm_http_retry_options retry = {.clock = out->clock,
                                        .rng = ekm_crypto_rng(out->crypto),
                                        .log = out->log,
                                        .retries = (unsigned)settings->retries,
                                        .delay_ms = settings->retry_delay_ms,
                                        .max_delay_ms = settings->retry_max_delay_ms};
  const ekm_http_breaker_options breaker = {.clock = out->clock,
                                            .log = out->log,
                                            .failures = (unsigned)settings->breaker_failures,
                                            .open_ms = 1000 * settings->breaker_open_s};
  if (!ekm_http_curl_new(out->clock, USER_AGENT, settings->connection_max_age_s, &out->http, err)) return false;
  if (out->log != NULL && !ekm_http_log_new(out->http, out->log, out->clock, &out->http, err)) return false;
  if (!ekm_http_retry_new(out->http, &retry, &out->http, err)) return false;
  return breaker.failures == 0 || ekm_http_breaker_new(out->http, &breaker, &out->http, err);
}

static bool make_connector(provider_wiring *out, ekm_err *err) {
  wire_rest *rest = out->rest;
  const provider_settings *settings = &rest->settings;
  keyring_keyvault_options options = {.http = out->http,
                                      .vault_suffix = settings->vault_suffix,
                                      .default_vault = settings->default_vault,
                                      .vaults = rest->vaults.each,
                                      .vault_count = rest->vaults.count,
                                      .others = &rest->vaults.others,
                                      .applications = {settings->applications, settings->application_count},
                                      .keyring = {.crypto = out->crypto,
                                                  .clock = out->clock,
                                                  .log = out->log,
                                                  .wrap_alg = settings->wrap_alg,
                                                  .report = settings->thumbprint,
                                                  .unwrap_rsa1_5 = settings->unwrap_rsa1_5,
                                                  .unwrap_reversed = settings->unwrap_reversed,
                                                  .keep_ms = 1000 * settings->unwrap_cache_s,
                                                  .grace_ms = 1000 * settings->unwrap_grace_s,
                                                  .search_workers = (unsigned)settings->search_workers,
                                                  .search_per_s = (unsigned)settings->search_per_s,
                                                  .search_again_ms = 1000 * settings->search_again_s,
                                                  .left_behind = ekm_left_behind_key,
                                                  .hints = rest->hints}};
  return keyring_keyvault_connector_new(&options, &out->connector, err);
}

static bool open_wanted_log(const provider_settings *settings, provider_wiring *out, ekm_err *err) {
  if (settings->log_level == EKM_LOG_OFF) return true;
  if (settings->log_to_system) {
    return ekm_log_open_system(settings->syslog_socket, LOG_NAME, settings->log_level, out->clock, &out->log, err);
  }
  return settings->log_file == NULL ||
         ekm_log_open_file(settings->log_file, settings->log_level, out->clock, &out->log, err);
}

/* A log that cannot be opened stops nothing: an instance's databases do not stay closed because a folder of logs is
 * gone or full. */
static bool open_log(provider_wiring *out, ekm_err *err) {
  if (open_wanted_log(&((wire_rest *)out->rest)->settings, out, err)) return true;
  if (err->id == EKM_E_OUT_OF_MEMORY) return false;
  ekm_err_clear(err);
  return true;
}

/* The engine shows an administrator a number. Where the configuration itself is broken, and so no log is open, the
 * whole sentence goes to where the environment says, if it says so. */
static void say_last_words(provider_wiring *out, const ekm_err *err) {
  ekm_err ignored = {0};
  const char *path = ekm_env_get(ekm_env_process(), "OPENEKM_LOG_FILE");
  const char *to = ekm_env_get(ekm_env_process(), "OPENEKM_LOG_TO");
  const char *socket = ekm_env_get(ekm_env_process(), "OPENEKM_SYSLOG_SOCKET");
  if (out->log == NULL && to != NULL && strcmp(to, "system") == 0) {
    (void)!ekm_log_open_system(socket == NULL ? EKM_SYSLOG_SOCKET : socket, LOG_NAME, EKM_LOG_ERROR, out->clock,
                               &out->log, &ignored);
  } else if (out->log == NULL && path != NULL && ekm_file_is_absolute(path)) {
    (void)!ekm_log_open_file(path, EKM_LOG_ERROR, out->clock, &out->log, &ignored);
  }
  ekm_log_err(out->log, EKM_LOG_ERROR, "provider.initialize", err);
}

bool provider_wire(provider_wiring *out, ekm_err *err) {
  bool ok = false;
  memset(out, 0, sizeof *out);
  wire_rest *rest = ekm_mem_alloc(sizeof *rest, err);
  if (rest == NULL) return false;
  out->rest = rest;
  out->clock = ekm_clock_system();
  EKM_TRY(settings_load(ekm_env_process(), &rest->settings, err));
  out->call_timeout_ms = rest->settings.call_timeout_ms;
  out->allow_drop_key = rest->settings.allow_drop_key;
  out->public_key_format = rest->settings.public_key_format;
  EKM_TRY(open_log(out, err));
  EKM_TRY(ekm_crypto_new(&out->crypto, err));
  EKM_TRY(make_http(out, err));
  EKM_TRY(settings_vaults_make(&rest->settings, &rest->vaults, err));
  if (rest->settings.hint_file != NULL) {
    EKM_TRY(keyring_hints_new(rest->settings.hint_file, out->log, &rest->hints, err));
  }
  EKM_TRY(make_connector(out, err));
  ok = true;
done:
  if (!ok) {
    say_last_words(out, err);
    provider_unwire(out);
  }
  return ok;
}

void provider_unwire(provider_wiring *wiring) {
  wire_rest *rest = wiring->rest;
  if (wiring->connector != NULL) wiring->connector->destroy(wiring->connector);
  ekm_http_free(&wiring->http);
  ekm_crypto_free(&wiring->crypto);
  ekm_log_close(&wiring->log);
  if (rest != NULL) {
    keyring_hints_free(&rest->hints);
    settings_vaults_clear(&rest->vaults);
    settings_free(&rest->settings);
    ekm_mem_free(rest);
  }
  memset(wiring, 0, sizeof *wiring);
}
