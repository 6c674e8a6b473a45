#include "cli/reach.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/url.h"

enum { CALL_TIMEOUT_MS = 30000 };

#define USER_AGENT "openekm-ekmctl/1.0"

akv_call reach_call(void) {
  return (akv_call){.deadline = ekm_deadline_in(ekm_clock_system(), CALL_TIMEOUT_MS)};
}

bool reach_configure(reach *r, ekm_err *err) {
  return settings_file(r->c->env, &r->file, err) && settings_load_file(r->file, r->c->env, &r->settings, err) &&
         settings_vaults_make(&r->settings, &r->vaults, err) && ekm_crypto_new(&r->crypto, err) &&
         ekm_http_curl_new(ekm_clock_system(), USER_AGENT, r->settings.connection_max_age_s, &r->http, err);
}

bool reach_identify(reach *r, ekm_err *err) {
  const keyring_keyvault_options options = {.vault_suffix = r->settings.vault_suffix,
                                            .vaults = r->vaults.each,
                                            .vault_count = r->vaults.count,
                                            .default_vault = r->settings.default_vault};
  const char *identity = r->c->identity == NULL ? "" : r->c->identity;
  if (!keyring_keyvault_host(&options, identity, r->host, err) ||
      !keyring_keyvault_credential(identity, &r->c->secret, &r->credential, err)) {
    return false;
  }
  r->vault = r->vaults.others;
  for (size_t i = 0; i < r->vaults.count; i++) {
    if (strcmp(r->vaults.each[i].host, r->host) == 0) r->vault = r->vaults.each[i];
  }
  r->vault.host = r->host;
  return true;
}

akv_identity reach_identity(const reach *r) {
  const keyring_applications known = {r->settings.applications, r->settings.application_count};
  return keyring_credential_identity(&r->credential, known);
}

bool reach_connect(reach *r, ekm_err *err) {
  const akv_options options = {.http = r->http,
                               .clock = ekm_clock_system(),
                               .rng = ekm_crypto_rng(r->crypto),
                               .env = r->c->env,
                               .log = r->c->log,
                               .vault = &r->vault};
  const akv_identity me = reach_identity(r);
  return akv_client_new(&options, &me, &r->client, err);
}

bool reach_open(reach *r, ekm_err *err) {
  if (!reach_configure(r, err) || !reach_identify(r, err)) return false;
  const ekm_http_retry_options retry = {.clock = ekm_clock_system(),
                                        .rng = ekm_crypto_rng(r->crypto),
                                        .log = r->c->log,
                                        .retries = (unsigned)r->settings.retries,
                                        .delay_ms = r->settings.retry_delay_ms,
                                        .max_delay_ms = r->settings.retry_max_delay_ms};
  return ekm_http_retry_new(r->http, &retry, &r->http, err) && reach_connect(r, err);
}

/* The NAME or NAME/VERSION of a key's URL; what is none is left as it is. */
static bool take_url(const reach *r, const char **text, ekm_url *url, ekm_err *err) {
  static const char folder[] = "/keys/";
  if (!ekm_text_starts_i(*text, "https://")) return true;
  if (!ekm_url_parse(*text, url, "the key's URL", err)) return false;
  if (!ekm_text_starts_i(url->path, folder) || !ekm_text_ieq(url->host, r->host)) {
    return EKM_FAIL(err, EKM_E_KEY_NAME_BAD, "'%.100s' is not https://%s/keys/NAME/VERSION", *text, r->host);
  }
  size_t len = strlen(url->path);
  if (url->path[len - 1] == '/') url->path[len - 1] = '\0';
  *text = url->path + sizeof folder - 1;
  return true;
}

bool reach_key_parse(const reach *r, const char *text, reach_key *out, ekm_err *err) {
  ekm_url url;
  *out = (reach_key){.name = ""};
  if (!take_url(r, &text, &url, err)) return false;
  size_t len = strcspn(text, "/");
  if (len > EKM_LIMIT_KEY_NAME_CHARS) return EKM_FAIL(err, EKM_E_KEY_NAME_TOO_LONG, "it has %zu characters", len);
  memcpy(out->name, text, len);
  if (text[len] == '\0') return true;
  if (strlen(text + len + 1) != EKM_LIMIT_KEY_VERSION_CHARS) {
    return EKM_FAIL(err, EKM_E_KEY_NAME_BAD, "the version behind '%s/' is not %d hexadecimal digits", out->name,
                    EKM_LIMIT_KEY_VERSION_CHARS);
  }
  memcpy(out->version, text + len + 1, EKM_LIMIT_KEY_VERSION_CHARS);
  return true;
}

void reach_clear(reach *r) {
  akv_client_free(&r->client);
  ekm_http_free(&r->http);
  ekm_crypto_free(&r->crypto);
  settings_vaults_clear(&r->vaults);
  settings_free(&r->settings);
  keyring_credential_clear(&r->credential);
}
