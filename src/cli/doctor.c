/* ekmctl doctor: the way from the configuration to an unwrapped key, step by step, as the provider goes it; at last the
 * provider itself.
 *
 *   configuration -> credential -> name -> connection -> tls -> clock -> challenge -> token -> list -> key ->
 *   rotation -> versions -> wrap -> unwrap -> provider
 *
 * A step is ok, has a warning of what will hurt later, failed, or was skipped because an earlier one failed. One
 * request without a token tells four of them, by where it failed. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/reach.h"
#include "cli/versions.h"
#include "entra/certificate.h"
#include "entra/expiry.h"
#include "http/http_proxy.h"

typedef enum step {
  STEP_CONFIGURATION,
  STEP_CREDENTIAL,
  STEP_NAME,
  STEP_CONNECTION,
  STEP_TLS,
  STEP_CLOCK,
  STEP_CHALLENGE,
  STEP_TOKEN,
  STEP_LIST,
  STEP_KEY,
  STEP_ROTATION,
  STEP_VERSIONS,
  STEP_WRAP,
  STEP_UNWRAP,
  STEP_PROVIDER,
  STEP_COUNT
} step;

static const char *const step_names[STEP_COUNT] = {"configuration", "credential", "name",  "connection", "tls",
                                                   "clock",         "challenge",  "token", "list",       "key",
                                                   "rotation",      "versions",   "wrap",  "unwrap",     "provider"};

enum { DETAIL_BYTES = 400, DEK_BYTES = 32, SKEW_WARN_S = 30, SKEW_FAIL_S = 300, TIME_BYTES = 40 };

typedef struct doctor {
  cli *c;
  json_t *rows;
  step next;   /* the first step that nothing was said of yet */
  bool failed; /* a step did */
  ekm_err why; /* of the first failure */
  reach way;
  akv_key key;
} doctor;

/* --- what is said ------------------------------------------------------------------------------------------------- */

static void say(doctor *d, step at, const char *state, const char *detail, const char *remedy) {
  json_t *row = json_object();
  cli_set_text(row, "step", step_names[at]);
  cli_set_text(row, "state", state);
  cli_set_text(row, "detail", detail);
  cli_set_text(row, "what_to_do", remedy);
  (void)json_array_append_new(d->rows, row);
  d->next = (step)(at + 1);
  if (d->c->options.json) return;
  (void)printf("%-8s %-14s %s\n", state, step_names[at], detail);
  if (remedy[0] != '\0') (void)printf("%23s what to do: %s\n", "", remedy);
  (void)fflush(stdout);
}

static void good(doctor *d, step at, const char *format, ...) EKM_PRINTF(3, 4);
static void good(doctor *d, step at, const char *format, ...) {
  char detail[DETAIL_BYTES];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(detail, sizeof detail, format, args);
  va_end(args);
  say(d, at, "ok", detail, "");
}

/* What will hurt later, and why; ${format} is that of ${remedy}, which may name the key. */
static void warn(doctor *d, step at, const char *detail, const char *format, ...) EKM_PRINTF(4, 5);
static void warn(doctor *d, step at, const char *detail, const char *format, ...) {
  char remedy[DETAIL_BYTES];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(remedy, sizeof remedy, format, args);
  va_end(args);
  say(d, at, "warning", detail, remedy);
  d->next = at; /* more may be said of it */
}

/* How Azure's command line calls the vault. */
static const char *az_vault(const doctor *d) {
  return strstr(d->way.host, ".managedhsm.") != NULL ? "hsm-name" : "vault-name";
}

/* Write ${value} in place of the last word of ${name} in ${remedy}, if both are there. */
static void fill_in(char remedy[2 * DETAIL_BYTES], const char *name, int value_chars, const char *value) {
  char before[2 * DETAIL_BYTES];
  const char *at = strstr(remedy, name);
  if (at == NULL || value_chars == 0) return;
  const char *word = strrchr(name, ' ');
  at += word - name;
  memcpy(before, remedy, sizeof before);
  (void)snprintf(remedy, 2 * DETAIL_BYTES, "%.*s %.*s%s", (int)(at - remedy), before, value_chars, value,
                 before + (at - remedy) + strlen(word));
}

/* What the table says, with the names of this vault and application in its commands. */
static void remedy_of(const doctor *d, const ekm_err_info *info, char out[2 * DETAIL_BYTES]) {
  const char *who = d->way.credential.client_id;
  (void)snprintf(out, 2 * DETAIL_BYTES, "%s", info->remedy);
  fill_in(out, " VAULT", (int)strcspn(d->way.host, "."), d->way.host);
  fill_in(out, " CLIENT-ID", (int)strlen(who), who);
  const char *key = d->c->options.key == NULL || strstr(d->c->options.key, "://") != NULL ? "" : d->c->options.key;
  if (d->key.name[0] != '\0') key = d->key.name;
  fill_in(out, " --name NAME", (int)strcspn(key, "/"), key);
  fill_in(out, " --version VERSION", (int)strlen(d->key.version), d->key.version);
  if (strcmp(az_vault(d), "hsm-name") == 0) fill_in(out, " --vault-name", (int)strlen("--hsm-name"), "--hsm-name");
}

/* What an error means is in the table; its own words say how it was seen. False, so that a step can return it. */
static bool fail(doctor *d, step at, const ekm_err *err) {
  char detail[2 * DETAIL_BYTES];
  char remedy[2 * DETAIL_BYTES];
  const ekm_err_info *info = ekm_err_info_of(err->id);
  (void)snprintf(detail, sizeof detail, "%s%s%s", info->text, err->detail[0] == '\0' ? "" : ": ", err->detail);
  remedy_of(d, info, remedy);
  say(d, at, "FAILED", detail, remedy);
  if (!d->failed) d->why = *err;
  d->failed = true;
  return false;
}

/* What would be nice to know, but is not for everybody to ask. */
static bool may_not_ask(const ekm_err *err) {
  return err->http_status == 403 || err->id == EKM_E_VAULT_NOT_FOUND || err->id == EKM_E_VAULT_BAD_REQUEST;
}

static void skip_for(doctor *d, step at, const ekm_err *why, const char *remedy) {
  char detail[2 * DETAIL_BYTES];
  (void)snprintf(detail, sizeof detail, "%s: %s", ekm_err_info_of(why->id)->text, why->detail);
  say(d, at, "skipped", detail, remedy);
}

static void skip_rest(doctor *d) {
  for (step at = d->next; at < STEP_COUNT; at++) {
    say(d, at, "skipped", d->failed ? "because of what failed before" : "nothing to be done", "");
  }
}

/* --- the configuration and the credential ------------------------------------------------------------------------- */

/* Is the folder of ${path} there? */
static bool has_folder(const char *path) {
  char folder[EKM_LIMIT_URL_BYTES];
  const char *slash = strrchr(path, '/');
  size_t len = slash == NULL ? 0 : (size_t)(slash - path);
  if (len == 0 || len >= sizeof folder) return true;
  memcpy(folder, path, len);
  folder[len] = '\0';
  return ekm_file_exists(folder);
}

/* A log that cannot be written stops nothing, so nobody would notice before it is needed. The file itself is not tried:
 * it belongs to the account of SQL Server, and would be made for this one. */
static void warn_of_log(doctor *d) {
  const provider_settings *settings = &d->way.settings;
  const char *where = settings->log_to_system ? settings->syslog_socket : settings->log_file;
  char detail[DETAIL_BYTES];
  if (where == NULL || settings->log_level == EKM_LOG_OFF) {
    warn(d, STEP_CONFIGURATION, "nothing is logged: after a failure there is SQL Server's number, and no sentence",
         "Set log_file, or log_to = system, in openekm.conf; see logging.md.");
  } else if (settings->log_to_system ? !ekm_file_exists(where) : !has_folder(where)) {
    (void)snprintf(detail, sizeof detail, "nothing is logged: %s '%.200s' is not there",
                   settings->log_to_system ? "the socket" : "the folder of", where);
    warn(d, STEP_CONFIGURATION, detail,
         settings->log_to_system ? "Start syslogd or journald, or correct syslog_socket."
                                 : "Make it for the account of SQL Server, with mode 0700.");
  }
}

/* Nor does anybody notice that each start of SQL Server searches its keys anew. */
static void warn_of_hints(doctor *d) {
  const char *path = d->way.settings.hint_file;
  char detail[DETAIL_BYTES];
  if (path == NULL || has_folder(path)) return;
  (void)snprintf(detail, sizeof detail, "no hints are kept: the folder of '%.200s' is not there", path);
  warn(d, STEP_CONFIGURATION, detail, "Make it for the account of SQL Server, with mode 0700, or correct hint_file.");
}

static bool see_configuration(doctor *d) {
  ekm_err err = {0};
  if (!reach_configure(&d->way, &err)) return fail(d, STEP_CONFIGURATION, &err);
  warn_of_log(d);
  warn_of_hints(d);
  good(d, STEP_CONFIGURATION, "%s; vaults with a section of their own: %zu",
       d->way.file == NULL ? "no file, so all is by default" : d->way.file, d->way.settings.vault_count);
  return true;
}

static void warn_of_end(doctor *d, const char *what, int64_t at_wall_s, const char *remedy) {
  char detail[DETAIL_BYTES];
  ekm_buf when;
  int64_t now_wall_s = ekm_clock_wall_s(ekm_clock_system());
  if (!entra_expiry_is_near(at_wall_s, now_wall_s)) return;
  int64_t days = entra_expiry_days(at_wall_s, now_wall_s);
  ekm_buf_init(&when, TIME_BYTES);
  ekm_clock_append_iso(at_wall_s, &when);
  (void)snprintf(detail, sizeof detail, "%s %s on %s, %" PRId64 " days %s", what, days < 0 ? "ended" : "ends",
                 ekm_buf_text(&when), days < 0 ? -days - 1 : days, days < 0 ? "ago" : "from now");
  ekm_buf_clear(&when);
  warn(d, STEP_CREDENTIAL, detail, "%s", remedy);
}

/* What proves the identity, as far as it can be seen from here, and when it ends. */
static bool see_proof(doctor *d, ekm_err *err) {
  ekm_signer *signer = NULL;
  const akv_identity me = reach_identity(&d->way);
  warn_of_end(
      d, "the client secret", me.expires_wall_s,
      "Make a new secret in Entra, give it to the credential by ALTER CREDENTIAL, and correct secret_expires in "
      "the configuration.");
  if (me.kind != AKV_CERTIFICATE) return true;
  const entra_certificate_file file = {me.client_id, me.path, me.secret, me.entry};
  if (!entra_certificate_open(&file, ekm_clock_wall_s(ekm_clock_system()), &signer, err)) return false;
  warn_of_end(d, "the client certificate", ekm_signer_about(signer)->not_after_wall_s,
              "Make a new certificate, add it to the application in Entra, and then replace the file, or name the new "
              "entry of the store by ALTER CREDENTIAL.");
  ekm_signer_free(&signer);
  return true;
}

static bool see_credential(doctor *d) {
  ekm_err err = {0};
  static const char *const kinds[] = {[AKV_CLIENT_SECRET] = "application",
                                      [AKV_MANAGED_IDENTITY] = "managed identity",
                                      [AKV_WORKLOAD_IDENTITY] = "workload identity",
                                      [AKV_CERTIFICATE] = "application with a certificate"};
  if (!reach_identify(&d->way, &err) || !see_proof(d, &err)) return fail(d, STEP_CREDENTIAL, &err);
  if (d->way.credential.client_id[0] == '\0') {
    good(d, STEP_CREDENTIAL, "vault '%s', the machine's %s", d->way.host, kinds[d->way.credential.kind]);
  } else {
    good(d, STEP_CREDENTIAL, "vault '%s', %s %s", d->way.host, kinds[d->way.credential.kind],
         d->way.credential.client_id);
  }
  return true;
}

/* --- the way to the vault ----------------------------------------------------------------------------------------- */

static step step_of_fault(ekm_err_id id) {
  static const struct {
    ekm_err_id id;
    step at;
  } rows[] = {{EKM_E_DNS, STEP_NAME},
              {EKM_E_TLS_UNTRUSTED, STEP_TLS},
              {EKM_E_TLS_HANDSHAKE, STEP_TLS},
              {EKM_E_CA_FILE, STEP_TLS}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (rows[i].id == id) return rows[i].at;
  }
  return STEP_CONNECTION;
}

static void tell_way(doctor *d, step until) {
  const ekm_http_route *route = &d->way.vault.route;
  unsigned port = route->port == 0 ? 443 : route->port;
  bool by_proxy = http_proxy_serves(route->proxy, ekm_view_text(d->way.host));
  if (until > STEP_NAME && by_proxy) good(d, STEP_NAME, "left to the proxy %s", route->proxy->url);
  if (until > STEP_NAME && !by_proxy) {
    good(d, STEP_NAME, route->address == NULL ? "'%s' was found" : "the configuration leads to %s",
         route->address == NULL ? d->way.host : route->address);
  }
  if (until > STEP_CONNECTION) good(d, STEP_CONNECTION, "port %u answers", port);
  if (until > STEP_TLS) {
    good(d, STEP_TLS, "the certificate is for '%s', and signed by %s", d->way.host,
         route->ca_file == NULL ? "an authority of the system" : route->ca_file);
  }
}

/* The vault's clock is in its answer; tokens and certificates are read by it. */
static bool see_clock(doctor *d, const ekm_http_response *answer) {
  int64_t theirs = 0;
  ekm_err err = {0};
  if (answer->date.len == 0 || !ekm_clock_parse_http_date(ekm_buf_text(&answer->date), &theirs)) {
    good(d, STEP_CLOCK, "the vault did not say its time");
    return true;
  }
  int64_t ahead = ekm_clock_wall_s(ekm_clock_system()) - theirs;
  int64_t distance = ahead < 0 ? -ahead : ahead;
  if (distance > SKEW_FAIL_S) {
    (void)EKM_FAIL(&err, EKM_E_CLOCK_SKEW, "by %" PRId64 " seconds", ahead);
    return fail(d, STEP_CLOCK, &err);
  }
  if (distance > SKEW_WARN_S) {
    warn(d, STEP_CLOCK, "this machine's clock differs from the vault's by more than half a minute",
         "Let the system keep its time by NTP, before tokens are refused.");
  }
  good(d, STEP_CLOCK, "%" PRId64 " seconds ahead of the vault's", ahead);
  return true;
}

static bool see_way(doctor *d) {
  char url[EKM_LIMIT_HOST_BYTES + 64];
  ekm_err err = {0};
  ekm_http_response answer;
  ekm_http_response_init(&answer);
  (void)snprintf(url, sizeof url, "https://%s/keys?api-version=" AKV_API_VERSION "&maxresults=1", d->way.host);
  const akv_call call = reach_call();
  const ekm_http_request request = {
      .method = "GET", .url = url, .route = &d->way.vault.route, .deadline = call.deadline};
  bool ok = ekm_http_perform(d->way.http, &request, &answer, &err);
  tell_way(d, ok ? STEP_CLOCK : step_of_fault(err.id));
  ok = ok ? see_clock(d, &answer) : fail(d, step_of_fault(err.id), &err);
  ekm_http_response_clear(&answer);
  return ok;
}

/* --- signing in --------------------------------------------------------------------------------------------------- */

static bool is_of_challenge(ekm_err_id id) {
  return id == EKM_E_CHALLENGE_BAD || id == EKM_E_AUTHORITY_FOREIGN || id == EKM_E_RESOURCE_FOREIGN ||
         id == EKM_E_VAULT_NOT_FOUND;
}

static bool see_token(doctor *d) {
  ekm_err err = {0};
  const akv_call call = reach_call();
  bool ok = reach_connect(&d->way, &err) && akv_client_sign_in(d->way.client, &call, &err);
  if (!ok && is_of_challenge(err.id)) return fail(d, STEP_CHALLENGE, &err);
  good(d, STEP_CHALLENGE, "the vault names a sign-in service and a resource that belong to it");
  if (!ok) return fail(d, STEP_TOKEN, &err);
  good(d, STEP_TOKEN, "the sign-in service gave a token");
  return true;
}

/* --- the keys ----------------------------------------------------------------------------------------------------- */

static bool count_name(void *arg, const char *text, int64_t created_s, ekm_err *err) {
  (void)text, (void)created_s, (void)err;
  ++*(size_t *)arg;
  return true;
}

/* A key that SQL Server knows by its thumbprint only is found by listing, or among the names of the configuration. */
static bool see_list(doctor *d) {
  size_t count = 0;
  ekm_err err = {0};
  const akv_call call = reach_call();
  if (!akv_list_names(d->way.client, &call, (akv_sink){count_name, &count}, &err)) {
    if (d->way.vault.keys != NULL && err.http_status == 403) {
      skip_for(
          d, STEP_LIST, &err,
          "Nothing, if the setting 'keys' names every key whose newest version SQL Server needs; older versions are "
          "found by who may list them.");
    } else {
      (void)fail(d, STEP_LIST, &err);
    }
    return true; /* the key can be looked at all the same */
  }
  good(d, STEP_LIST, "keys: %zu", count);
  return true;
}

static int az_name_chars(const doctor *d) {
  return (int)strcspn(d->way.host, ".");
}

static void warn_of_key(doctor *d) {
  if (d->key.expires_s != 0) {
    char detail[DETAIL_BYTES];
    ekm_buf date;
    ekm_buf_init(&date, 64);
    ekm_clock_append_iso(d->key.expires_s, &date);
    bool is_over = d->key.expires_s <= ekm_clock_wall_s(ekm_clock_system());
    (void)snprintf(detail, sizeof detail,
                   "the version %s %s: no database can be moved to it %s, and no new key wrapped",
                   is_over ? "expired" : "expires", ekm_buf_text(&date), is_over ? "any more" : "from then on");
    ekm_buf_clear(&date);
    warn(d, STEP_KEY, detail,
         "Rotate before it (ekmctl rotate --dry-run), or take the date away in the portal: Keys, the version, Set "
         "expiration date. What is wrapped already can be unwrapped all the same.");
  }
  if (strstr(d->key.recovery_level, "Purgeable") != NULL) {
    warn(d, STEP_KEY,
         "the vault has no purge protection: who may purge can destroy the key for good, and every backup with it",
         "az keyvault %s --%s %.*s --enable-purge-protection true",
         strcmp(az_vault(d), "hsm-name") == 0 ? "update-hsm" : "update", az_vault(d), az_name_chars(d), d->way.host);
  }
}

static bool see_key(doctor *d) {
  ekm_err err = {0};
  const akv_call call = reach_call();
  reach_key key;
  if (d->c->options.key == NULL) {
    say(d, STEP_KEY, "skipped", "no key was named", "Give --key NAME to look further.");
    return false;
  }
  if (!reach_key_parse(&d->way, d->c->options.key, &key, &err) ||
      !akv_get_key(d->way.client, key.name, key.version[0] == '\0' ? NULL : key.version, &call, &d->key, &err)) {
    return fail(d, STEP_KEY, &err);
  }
  if (!d->key.enabled) {
    (void)EKM_FAIL(&err, EKM_E_KEY_DISABLED, "'%s', version %s", d->key.name, d->key.version);
    return fail(d, STEP_KEY, &err);
  }
  if (!d->key.is_rsa && !d->key.is_aes) {
    (void)EKM_FAIL(&err, EKM_E_KEY_TYPE, "'%s'", d->key.name);
    return fail(d, STEP_KEY, &err);
  }
  warn_of_key(d);
  good(d, STEP_KEY, "'%s', version %s%s", d->key.name, d->key.version,
       d->key.is_aes ? ", an AES key: for CREATE SYMMETRIC KEY, not for databases" : "");
  return true;
}

static bool see_rotation(doctor *d) {
  akv_rotation_policy policy;
  char detail[DETAIL_BYTES];
  ekm_err err = {0};
  const akv_call call = reach_call();
  if (!akv_get_rotation_policy(d->way.client, d->key.name, &call, &policy, &err)) {
    if (!may_not_ask(&err)) return fail(d, STEP_ROTATION, &err);
    (void)snprintf(detail, sizeof detail,
                   "Nothing here needs it; to see it: az keyvault key rotation-policy show --%s %.*s --name %s",
                   az_vault(d), az_name_chars(d), d->way.host, d->key.name);
    skip_for(d, STEP_ROTATION, &err, detail);
    return true;
  }
  if (policy.rotates) {
    bool by_age = policy.after_create[0] != '\0';
    (void)snprintf(detail, sizeof detail,
                   "the vault makes a new version by itself, %s %s: SQL Server stays on the version that it was given, "
                   "so nothing is rotated by that, and an expiry date of the old one is reached unseen",
                   by_age ? policy.after_create : policy.before_expiry,
                   by_age ? "after the last" : "before it expires");
    warn(d, STEP_ROTATION, detail,
         "Move the databases each time (ekmctl rotate %s --dry-run --inventory FILE), or take the rotation out of the "
         "policy: "
         "az keyvault key rotation-policy update --%s %.*s --name %s --value FILE",
         d->key.name, az_vault(d), az_name_chars(d), d->way.host, d->key.name);
  }
  good(d, STEP_ROTATION, policy.rotates ? "there is a policy" : "the vault makes no version by itself");
  return true;
}

/* Versions that are disabled: who needs one is not open any more after the next start. */
static void judge_versions(doctor *d, const version_list *list) {
  size_t disabled = 0, needed = 0;
  bool has_inventory = d->c->options.inventory != NULL, is_broken = false;
  for (size_t i = 0; i < list->count; i++) {
    const key_version *version = &list->items[i];
    const inventory_row *need = versions_first_need(list, version);
    char detail[DETAIL_BYTES];
    ekm_err err = {0};
    needed += need != NULL;
    disabled += !version->enabled;
    if (version->enabled) continue;
    if (need != NULL) {
      is_broken = true;
      (void)EKM_FAIL(&err, EKM_E_KEY_DISABLED, "'%s', version %s, which %s '%s' needs", version->name, version->version,
                     inventory_kind_name(need->kind), need->name);
      (void)fail(d, STEP_VERSIONS, &err);
    } else if (!has_inventory || versions_need(list, version) != KEYRING_MATCH_NONE) {
      (void)snprintf(detail, sizeof detail,
                     "version %s is disabled: a database, log or backup that still needs it cannot be opened any more",
                     version->version);
      warn(d, STEP_VERSIONS, detail,
           "See who needs it with --inventory FILE (ekmctl sql inventory); az keyvault key set-attributes --id "
           "https://%s/keys/%s/%s --enabled true",
           d->way.host, version->name, version->version);
    }
  }
  if (is_broken) return;
  if (has_inventory) {
    good(d, STEP_VERSIONS, "versions: %zu; disabled: %zu; needed by the inventory: %zu", list->count, disabled, needed);
  } else {
    good(d, STEP_VERSIONS, "versions: %zu; disabled: %zu", list->count, disabled);
  }
}

static bool see_versions(doctor *d) {
  inventory inv = {0};
  version_list list = {.inv = &inv};
  ekm_err err = {0};
  const char *path = d->c->options.inventory;
  bool ok = (path == NULL || inventory_read(path, &inv, &err)) && versions_of_key(&d->way, d->key.name, &list, &err);
  if (ok) {
    judge_versions(d, &list);
  } else if (may_not_ask(&err)) {
    skip_for(d, STEP_VERSIONS, &err, "Grant list on the vault's keys, so that older versions can be looked at.");
  } else {
    (void)fail(d, STEP_VERSIONS, &err);
  }
  versions_clear(&list);
  inventory_clear(&inv);
  return true; /* the key itself can be tried all the same */
}

static bool see_wrap(doctor *d) {
  bool ok = false;
  if (d->key.is_aes) {
    say(d, STEP_WRAP, "skipped", "an AES key encrypts data and wraps no keys", "");
    say(d, STEP_UNWRAP, "skipped", "an AES key encrypts data and wraps no keys", "");
    return true;
  }
  uint8_t dek[DEK_BYTES];
  ekm_err err = {0};
  ekm_buf wrapped, back;
  const akv_call call = reach_call();
  const akv_wrap_key key = {d->key.name, d->key.version, d->way.settings.wrap_alg};
  const ekm_rng *rng = ekm_crypto_rng(d->way.crypto);
  step at = STEP_WRAP;

  ekm_buf_init(&wrapped, EKM_LIMIT_RSA_MODULUS_BYTES);
  ekm_buf_init(&back, EKM_LIMIT_RSA_MODULUS_BYTES);
  EKM_TRY(rng->fill(rng, dek, sizeof dek, &err));
  EKM_TRY(akv_wrap(d->way.client, &key, ekm_view_of(dek, sizeof dek), &call, &wrapped, &err));
  good(d, at, "%d random bytes with %s", DEK_BYTES, d->way.settings.wrap_alg);
  at = STEP_UNWRAP;
  EKM_TRY(akv_unwrap(d->way.client, &key, ekm_buf_view(&wrapped), &call, &back, &err));
  if (!ekm_view_equal(ekm_buf_view(&back), ekm_view_of(dek, sizeof dek))) {
    EKM_BAIL(&err, EKM_E_UNWRAP_ANSWER, "other bytes came back than were wrapped");
  }
  good(d, at, "the same bytes came back");
  ok = true;
done:
  if (!ok) (void)fail(d, at, &err);
  ekm_buf_clear(&wrapped);
  ekm_buf_clear(&back);
  return ok;
}

/* --- the provider, as SQL Server has it --------------------------------------------------------------------------- */

static void see_provider(doctor *d) {
  cli *c = d->c;
  ekm_err err = {0};
  if (c->provider_path == NULL) {
    say(d, STEP_PROVIDER, "skipped", "no provider was named", "Give --provider PATH or set EKMCTL_PROVIDER.");
    return;
  }
  bool ok = host_module_load(c->provider_path, &c->decor.hook, &c->module, &c->result, &err) &&
            host_session_open(c->module, c->identity, &c->secret, &c->session, &c->result, &err) &&
            host_key_by_name(c->session, c->options.key, &c->key, &c->result, &err);
  if (!ok) {
    (void)fail(d, STEP_PROVIDER, &err);
    return;
  }
  good(d, STEP_PROVIDER, "%s opens a session and finds the key", c->provider_path);
}

static void walk(doctor *d) {
  static bool (*const steps[])(doctor * d) = {see_configuration, see_credential, see_way,      see_token, see_list,
                                              see_key,           see_rotation,   see_versions, see_wrap};
  bool on = true;
  for (size_t i = 0; on && i < sizeof steps / sizeof steps[0]; i++) on = steps[i](d);
  if (on) see_provider(d);
  skip_rest(d);
}

bool cli_doctor(cli *c, json_t *doc, ekm_err *err) {
  doctor d = {.c = c, .way = {.c = c}, .rows = json_array()};
  akv_key_init(&d.key);
  walk(&d);
  if (c->options.json) (void)json_object_set(doc, "steps", d.rows);
  json_decref(d.rows);
  akv_key_clear(&d.key);
  reach_clear(&d.way);
  if (d.failed) *err = d.why;
  return !d.failed;
}
