#include "settings/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/system_log.h"
#include "base/text.h"
#include "base/url.h"
#include "http/http_proxy.h"
#include "keyvault/vault.h"

enum { MAX_FIRST_KEYS = 64 }; /* in the setting "keys" of a vault */

static const ekm_config_setting table[] = {
    {.section = "",
     .key = "log_file",
     .type = EKM_CONFIG_PATH,
     .example = "/var/log/openekm/openekm.log",
     .doc = "file that log lines are appended to; without it, or where it cannot be opened, nothing is logged"},
    {.section = "",
     .key = "log_to",
     .type = EKM_CONFIG_CHOICE,
     .choices = "file|system",
     .fallback = "file",
     .doc = "file: log_file; system: the system's log instead, that is syslogd or journald, on Windows the Application "
            "log"},
    {.section = "",
     .key = "syslog_socket",
     .type = EKM_CONFIG_PATH,
     .example = EKM_SYSLOG_SOCKET,
     .doc = "where syslogd or journald listens, if not there; nothing to Windows"},
    {.section = "",
     .key = "log_level",
     .type = EKM_CONFIG_CHOICE,
     .choices = "off|error|warn|info|debug|trace",
     .fallback = "info",
     .doc = "how much is logged; debug shows every request"},
    {.section = "",
     .key = "call_timeout_ms",
     .type = EKM_CONFIG_INT,
     .min = 1000,
     .max = 600000,
     .fallback = "30000",
     .doc = "milliseconds after which a call of the engine ends, whatever the network does"},
    {.section = "",
     .key = "retries",
     .type = EKM_CONFIG_INT,
     .min = 0,
     .max = 10,
     .fallback = "3",
     .doc = "how often a request is repeated after a fault of the network, 408, 429 or 5xx, within call_timeout_ms; "
            "creating and deleting never are"},
    {.section = "",
     .key = "retry_delay_ms",
     .type = EKM_CONFIG_INT,
     .min = 1,
     .max = 60000,
     .fallback = "500",
     .doc =
         "milliseconds before the first repetition, twice as long before each further one; a vault that says when is "
         "obeyed"},
    {.section = "",
     .key = "retry_max_delay_ms",
     .type = EKM_CONFIG_INT,
     .min = 1,
     .max = 600000,
     .fallback = "8000",
     .doc = "the longest of these delays"},
    {.section = "",
     .key = "breaker_failures",
     .type = EKM_CONFIG_INT,
     .min = 0,
     .max = 1000,
     .fallback = "5",
     .doc = "failures in a row after which a host counts as down, so that calls fail at once; 0 for never"},
    {.section = "",
     .key = "breaker_open_s",
     .type = EKM_CONFIG_INT,
     .min = 1,
     .max = 3600,
     .fallback = "10",
     .doc = "seconds until a host that counts as down is tried again"},
    {.section = "",
     .key = "connection_max_age_s",
     .type = EKM_CONFIG_INT,
     .min = 1,
     .max = 3600,
     .fallback = "240",
     .doc = "seconds after which a connection is not used any more, so that a vault whose address changed is found"},
    {.section = "",
     .key = "wrap_alg",
     .type = EKM_CONFIG_CHOICE,
     .choices = "RSA-OAEP-256|RSA-OAEP",
     .fallback = "RSA-OAEP-256",
     .doc = "algorithm of wrapKey; what was wrapped by either is unwrapped"},
    {.section = "",
     .key = "unwrap_rsa1_5",
     .type = EKM_CONFIG_BOOL,
     .fallback = "no",
     .doc = "try RSA1_5 too, last, for data that another connector wrapped so"},
    {.section = "",
     .key = "unwrap_reversed",
     .type = EKM_CONFIG_BOOL,
     .fallback = "no",
     .doc = "try ciphertexts with their bytes in reverse order too, for data that another connector wrapped"},
    {.section = "",
     .key = "unwrap_cache_s",
     .type = EKM_CONFIG_INT,
     .min = 0,
     .max = 86400,
     .fallback = "0",
     .doc = "seconds for which an unwrapped key is used again without asking the vault, which is how long a revocation "
            "can "
            "go unnoticed; 0 asks always"},
    {.section = "",
     .key = "unwrap_grace_s",
     .type = EKM_CONFIG_INT,
     .min = 0,
     .max = 86400,
     .fallback = "0",
     .doc = "seconds for which it is used longer while the vault cannot be reached; only with unwrap_cache_s"},
    {.section = "",
     .key = "thumbprint",
     .type = EKM_CONFIG_CHOICE,
     .choices = "own|name|sha1-pkcs1|sha1-cng|sha1-spki|sha1-capi|sha1-n|sha1-n-le|sha1-n-e",
     .fallback = "own",
     .doc =
         "which thumbprint keys report to the engine; all are understood. own is made of the public key alone; name is "
         "that of Microsoft's connector up to 1.0.4, sha1-... what that of later ones may be"},
    {.section = "",
     .key = "hint_file",
     .type = EKM_CONFIG_PATH,
     .example = "/var/lib/openekm/hints",
     .doc =
         "file in which the provider notes where it found keys, so that a restart need not search for them; it holds "
         "no secrets, and may be removed at any time"},
    {.section = "",
     .key = "search_per_s",
     .type = EKM_CONFIG_INT,
     .min = 1,
     .max = 1000,
     .fallback = "200",
     .doc = "requests in a second at most while a vault is searched for a thumbprint; a vault answers 4,000 in ten "
            "seconds, for all its clients together"},
    {.section = "",
     .key = "search_workers",
     .type = EKM_CONFIG_INT,
     .min = 1,
     .max = 16,
     .fallback = "8",
     .doc = "requests at a time at most of such a search"},
    {.section = "",
     .key = "search_again_s",
     .type = EKM_CONFIG_INT,
     .min = 0,
     .max = 3600,
     .fallback = "10",
     .doc = "seconds for which a thumbprint that no key of the vault has is not searched again"},
    {.section = "",
     .key = "allow_drop_key",
     .type = EKM_CONFIG_BOOL,
     .fallback = "no",
     .doc = "may DROP ASYMMETRIC KEY ... REMOVE PROVIDER KEY delete a key of the vault"},
    {.section = "",
     .key = "public_key_format",
     .type = EKM_CONFIG_CHOICE,
     .choices = "pkcs1|cng",
     .fallback = "pkcs1",
     .doc = "form in which public keys are given to the engine"},
    {.section = "",
     .key = "vault_suffix",
     .type = EKM_CONFIG_TEXT,
     .fallback = "vault.azure.net",
     .doc = "what an IDENTITY without a dot is completed with"},
    {.section = "",
     .key = "default_vault",
     .type = EKM_CONFIG_TEXT,
     .example = "myvault",
     .doc = "the vault of a credential whose IDENTITY is 'Managed Identity'"},
    {.section = "",
     .key = "proxy",
     .type = EKM_CONFIG_TEXT,
     .example = "http://proxy.example:8080",
     .doc = "HTTP proxy for vaults and sign-in; the variables of the environment are not looked at"},
    {.section = "",
     .key = "proxy_user",
     .type = EKM_CONFIG_TEXT,
     .example = "openekm",
     .doc = "user that the proxy wants, sent to it by Basic"},
    {.section = "",
     .key = "proxy_password_file",
     .type = EKM_CONFIG_PATH,
     .example = "/etc/openekm/proxy-password",
     .doc = "file whose first line is the user's password; a changed one counts from the next connection on"},
    {.section = "",
     .key = "no_proxy",
     .type = EKM_CONFIG_TEXT,
     .example = "myvault.vault.azure.net, vault.example",
     .doc = "hosts that are asked without the proxy, with commas between them; a name stands for all below it, too"},

    {.section = SETTINGS_VAULTS,
     .key = "address",
     .type = EKM_CONFIG_TEXT,
     .example = "127.0.0.1",
     .doc = "host or IP address to connect to instead of looking the vault's name up"},
    {.section = SETTINGS_VAULTS,
     .key = "port",
     .type = EKM_CONFIG_INT,
     .min = 1,
     .max = 65535,
     .example = "8443",
     .doc = "TCP port to connect to instead of 443"},
    {.section = SETTINGS_VAULTS,
     .key = "ca_file",
     .type = EKM_CONFIG_PATH,
     .example = "/etc/openekm/ca.pem",
     .doc = "PEM file of the only authorities to trust for the vault"},
    {.section = SETTINGS_VAULTS,
     .key = "authority",
     .type = EKM_CONFIG_TEXT,
     .example = "https://login.localhost",
     .doc = "the only sign-in service that the client secret is sent to"},
    {.section = SETTINGS_VAULTS,
     .key = "authority_address",
     .type = EKM_CONFIG_TEXT,
     .example = "127.0.0.1",
     .doc = "host or IP address to connect to instead of looking the authority's name up"},
    {.section = SETTINGS_VAULTS,
     .key = "authority_port",
     .type = EKM_CONFIG_INT,
     .min = 1,
     .max = 65535,
     .example = "8443",
     .doc = "TCP port to connect to instead of the one in authority"},
    {.section = SETTINGS_VAULTS,
     .key = "authority_ca_file",
     .type = EKM_CONFIG_PATH,
     .example = "/etc/openekm/ca.pem",
     .doc = "PEM file of the only authorities to trust for the sign-in service; as ca_file where it is not set"},
    {.section = SETTINGS_VAULTS,
     .key = "resource",
     .type = EKM_CONFIG_TEXT,
     .example = "https://vault.localhost",
     .doc = "the only resource that a token is asked for; else it must be the domain above the vault's host name"},
    {.section = SETTINGS_VAULTS,
     .key = "tenant",
     .type = EKM_CONFIG_TEXT,
     .example = "00000000-0000-0000-0000-000000000000",
     .doc = "tenant to sign in to, whatever the vault says"},
    {.section = SETTINGS_VAULTS,
     .key = "keys",
     .type = EKM_CONFIG_TEXT,
     .example = "tde-key, backup-key",
     .doc =
         "names of keys that are looked at first when a thumbprint is searched; needed where keys may not be listed"},
    {.section = SETTINGS_VAULTS,
     .key = "replicas",
     .type = EKM_CONFIG_TEXT,
     .example = "myvault-west.vault.azure.net",
     .doc = "hosts of other vaults that hold restored or imported copies of the keys, four at most: keys are found and "
            "unwrapped there while the vault cannot be reached, with the same credential"},

    {.section = SETTINGS_APPLICATIONS,
     .key = "secret_expires",
     .type = EKM_CONFIG_DATE,
     .example = "2027-03-01",
     .doc = "when the application's client secret ends, as its portal says; from 30 days before on the log and ekmctl "
            "doctor warn, since no answer of a sign-in service tells it"},
};

const ekm_config_schema *settings_schema(void) {
  static const char *const examples[] = {"vault local.vault.localhost",
                                         "application 01234567-89ab-cdef-0123-456789abcdef", NULL};
  static const ekm_config_schema schema = {table, sizeof table / sizeof table[0], "OPENEKM_", examples};
  return &schema;
}

/* CONFIG_VALUE that names where the value stands, or where its section begins if it has none. */
static bool refuse(const ekm_config *config, const char *section, const char *key, const char *why, ekm_err *err) {
  ekm_buf origin;
  ekm_buf_init(&origin, 256);
  ekm_config_append_origin(config, section, ekm_config_has(config, section, key) ? key : NULL, &origin);
  (void)EKM_FAIL(err, EKM_E_CONFIG_VALUE, "%s: '%s' %s", ekm_buf_text(&origin), key, why);
  ekm_buf_clear(&origin);
  return false;
}

/* A text setting, or NULL; an empty one counts as not set. */
static const char *text_of(const ekm_config *config, const char *section, const char *key) {
  const char *text = ekm_config_text(config, section, key);
  return text != NULL && text[0] != '\0' ? text : NULL;
}

static bool is_address(const char *text) {
  return strlen(text) <= EKM_LIMIT_HOST_BYTES && ekm_text_is_made_of(text, strlen(text), ".-:");
}

static bool read_address(const ekm_config *config, const char *section, const char *key, const char **out,
                         ekm_err *err) {
  *out = text_of(config, section, key);
  if (*out == NULL || is_address(*out)) return true;
  return refuse(config, section, key, "is neither a host name nor an IP address", err);
}

static bool read_authority(const ekm_config *config, const char *section, provider_vault *out, ekm_err *err) {
  ekm_url url;
  ekm_err why = {0};
  const char *text = text_of(config, section, "authority");
  if (text == NULL) {
    if (!ekm_config_has(config, section, "authority_address") && !ekm_config_has(config, section, "authority_port")) {
      return true;
    }
    return refuse(config, section, "authority", "must be set where authority_address or authority_port is", err);
  }
  if (!ekm_url_parse(text, &url, "it", &why)) return refuse(config, section, "authority", "is not an https URL", err);
  if (strcmp(url.path, "/") != 0 || url.query[0] != '\0') {
    return refuse(config, section, "authority", "must be https://HOST, without a tenant or path behind it", err);
  }
  memcpy(out->authority_host, url.host, sizeof out->authority_host);
  out->authority_port = url.port;
  return true;
}

static bool read_resource(const ekm_config *config, const char *section, const char **out, ekm_err *err) {
  ekm_url url;
  ekm_err why = {0};
  *out = text_of(config, section, "resource");
  if (*out == NULL || ekm_url_parse(*out, &url, "it", &why)) return true;
  return refuse(config, section, "resource", "is not an https URL", err);
}

static bool read_tenant(const ekm_config *config, const char *section, const char **out, ekm_err *err) {
  *out = text_of(config, section, "tenant");
  if (*out == NULL || ekm_url_host_is_valid(*out)) return true;
  return refuse(config, section, "tenant", "is neither a GUID nor a domain", err);
}

static bool refuse_section(const ekm_config *config, const char *section, const char *why, ekm_err *err) {
  ekm_buf origin;
  ekm_buf_init(&origin, 256);
  ekm_config_append_origin(config, section, NULL, &origin);
  (void)EKM_FAIL(err, EKM_E_CONFIG_VALUE, "%s: [%s] %s", ekm_buf_text(&origin), section, why);
  ekm_buf_clear(&origin);
  return false;
}

static bool read_host(const ekm_config *config, const char *section, provider_vault *out, ekm_err *err) {
  const char *host = ekm_config_section_name(section);
  if (!ekm_url_host_is_valid(host) || strchr(host, '.') == NULL) {
    return refuse_section(config, section, "must name the vault's whole host, as [vault NAME.vault.azure.net] does",
                          err);
  }
  memcpy(out->host, host, strlen(host) + 1);
  ekm_text_lower(out->host);
  return true;
}

typedef bool word_check(const provider_vault *vault, ekm_view word);

static bool is_key_name(const provider_vault *vault, ekm_view word) {
  (void)vault;
  return word.len <= EKM_LIMIT_KEY_NAME_CHARS && ekm_text_is_made_of((const char *)word.ptr, word.len, "-");
}

static bool is_other_host(const provider_vault *vault, ekm_view word) {
  char host[EKM_LIMIT_HOST_BYTES + 1];
  if (word.len >= sizeof host) return false;
  memcpy(host, word.ptr, word.len);
  host[word.len] = '\0';
  return ekm_url_host_is_valid(host) && strchr(host, '.') != NULL && !ekm_text_ieq(host, vault->host);
}

/* A list of at most ${max} words, each as it must be. */
static bool read_list(const ekm_config *config, const char *section, const char *key, size_t max, word_check *is_right,
                      const provider_vault *vault, const char **out, ekm_err *err) {
  size_t count = 0;
  const char *at = *out = text_of(config, section, key);
  while (at != NULL) {
    ekm_view word = ekm_text_next_word(&at);
    if (word.len == 0) return true;
    if (++count > max) return refuse(config, section, key, "has too many of them", err);
    if (!is_right(vault, word)) {
      return refuse(config, section, key,
                    max == KEYRING_REPLICAS_MAX ? "must be whole host names of other vaults, divided by commas"
                                                : "must be names of keys, divided by commas",
                    err);
    }
  }
  return true;
}

static bool read_lists(const ekm_config *config, const char *section, provider_vault *out, ekm_err *err) {
  return read_list(config, section, "keys", MAX_FIRST_KEYS, is_key_name, out, &out->keys, err) &&
         read_list(config, section, "replicas", KEYRING_REPLICAS_MAX, is_other_host, out, &out->replicas, err);
}

static bool read_vault(const ekm_config *config, const char *section, provider_vault *out, ekm_err *err) {
  if (!read_host(config, section, out, err)) return false;
  out->vault.port = (uint16_t)ekm_config_int(config, section, "port");
  out->vault.ca_file = ekm_config_text(config, section, "ca_file");
  out->authority.port = (uint16_t)ekm_config_int(config, section, "authority_port");
  out->authority.ca_file = ekm_config_text(config, section, "authority_ca_file");
  if (out->authority.ca_file == NULL) out->authority.ca_file = out->vault.ca_file;
  return read_address(config, section, "address", &out->vault.address, err) &&
         read_address(config, section, "authority_address", &out->authority.address, err) &&
         read_authority(config, section, out, err) && read_resource(config, section, &out->resource, err) &&
         read_tenant(config, section, &out->tenant, err) && read_lists(config, section, out, err);
}

/* Is ${word}, the host of a vault, one of those that a credential may name, too? */
static bool is_usable(const provider_settings *settings, ekm_view word) {
  char host[EKM_LIMIT_HOST_BYTES + 1] = "";
  ekm_err why = {0};
  memcpy(host, word.ptr, word.len < sizeof host ? word.len : 0);
  ekm_text_lower(host);
  for (size_t i = 0; i < settings->vault_count; i++) {
    if (strcmp(settings->vaults[i].host, host) == 0) return true;
  }
  return akv_vault_check_cloud(host, &why);
}

/* A replica that is no vault would be noticed by each session of its vault, as a credential that fails. */
static bool check_replicas(const ekm_config *config, const provider_settings *settings, ekm_err *err) {
  for (size_t i = 0; i < settings->vault_count; i++) {
    const char *at = settings->vaults[i].replicas;
    const char *section = ekm_config_section(config, SETTINGS_VAULTS, i);
    ekm_view word = at == NULL ? ekm_view_of(NULL, 0) : ekm_text_next_word(&at);
    for (; word.len > 0; word = ekm_text_next_word(&at)) {
      if (is_usable(settings, word)) continue;
      return refuse(config, section, "replicas", "must be vaults of a known cloud, or have sections of their own", err);
    }
  }
  return true;
}

/* A bare name gets a domain later, from vault_suffix. */
static bool check_default_vault(const ekm_config *config, const provider_settings *settings, ekm_err *err) {
  static const char scheme[] = "https://";
  const char *text = settings->default_vault;
  if (text == NULL) return true;
  if (ekm_text_starts_i(text, scheme)) text += sizeof scheme - 1;
  const ekm_view host = ekm_view_of(text, strcspn(text, ":/"));
  if (host.len > 0 && (memchr(host.ptr, '.', host.len) == NULL || is_usable(settings, host))) return true;
  return refuse(config, "", "default_vault", "must be a vault of a known cloud, or have a section of its own", err);
}

static bool read_vaults(const ekm_config *config, provider_settings *out, ekm_err *err) {
  size_t count = ekm_config_section_count(config, SETTINGS_VAULTS);
  if (count == 0) return true;
  out->vaults = ekm_mem_array(count, sizeof *out->vaults, err);
  if (out->vaults == NULL) return false;
  out->vault_count = count;
  for (size_t i = 0; i < count; i++) {
    if (!read_vault(config, ekm_config_section(config, SETTINGS_VAULTS, i), &out->vaults[i], err)) return false;
  }
  return true;
}

/* "HOST:PORT"; libcurl's own default for a proxy's port is nobody's. */
static bool is_host_and_port(const char *text) {
  const char *colon = strrchr(text, ':');
  size_t digits = colon == NULL ? 0 : strlen(colon + 1);
  long port = digits >= 1 && digits <= 5 ? strtol(colon + 1, NULL, 10) : 0;
  return port >= 1 && port <= 65535 && strspn(colon + 1, "0123456789") == digits && colon > text && is_address(text);
}

static bool check_proxy_url(const ekm_config *config, const char *url, ekm_err *err) {
  static const char scheme[] = "http://";
  if (ekm_text_starts_i(url, scheme) && is_host_and_port(url + sizeof scheme - 1)) return true;
  const char *why = strchr(url, '@') == NULL
                        ? "must be http://HOST:PORT"
                        : "must be http://HOST:PORT; a user and a password go into proxy_user and proxy_password_file";
  return refuse(config, "", "proxy", why, err);
}

static bool read_proxy(const ekm_config *config, ekm_http_proxy *out, ekm_err *err) {
  static const char *const rest[] = {"proxy_user", "proxy_password_file", "no_proxy"};
  out->url = text_of(config, "", "proxy");
  out->user = text_of(config, "", "proxy_user");
  out->password_file = text_of(config, "", "proxy_password_file");
  out->exceptions = text_of(config, "", "no_proxy");
  for (size_t i = 0; out->url == NULL && i < sizeof rest / sizeof rest[0]; i++) {
    if (text_of(config, "", rest[i]) != NULL) return refuse(config, "", rest[i], "is for a proxy; set proxy, too", err);
  }
  if (out->url != NULL && !check_proxy_url(config, out->url, err)) return false;
  if (out->user == NULL && out->password_file != NULL) {
    return refuse(config, "", "proxy_password_file", "is for a user; set proxy_user, too", err);
  }
  if (out->user != NULL && strchr(out->user, ':') != NULL) {
    return refuse(config, "", "proxy_user", "must be without a colon", err);
  }
  if (out->exceptions == NULL || http_proxy_exceptions_are_valid(out->exceptions)) return true;
  return refuse(config, "", "no_proxy", "must be host names or IPv4 addresses, with commas between them", err);
}

static keyring_thumb_kind thumb_kind_of(const char *text) {
  static const struct {
    const char *text;
    int kind;
  } kinds[] = {{"own", KEYRING_THUMB_OWN},
               {"name", KEYRING_THUMB_NAME},
               {"sha1-pkcs1", KEYRING_THUMB_SHA1 + KEYRING_BLOB_PKCS1},
               {"sha1-cng", KEYRING_THUMB_SHA1 + KEYRING_BLOB_CNG},
               {"sha1-spki", KEYRING_THUMB_SHA1 + KEYRING_BLOB_SPKI},
               {"sha1-capi", KEYRING_THUMB_SHA1 + KEYRING_BLOB_CAPI},
               {"sha1-n", KEYRING_THUMB_SHA1 + KEYRING_BLOB_N},
               {"sha1-n-le", KEYRING_THUMB_SHA1 + KEYRING_BLOB_N_LE},
               {"sha1-n-e", KEYRING_THUMB_SHA1 + KEYRING_BLOB_N_E}};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    if (strcmp(kinds[i].text, text) == 0) return (keyring_thumb_kind)kinds[i].kind;
  }
  return KEYRING_THUMB_OWN; /* the reader of the file lets no other text pass */
}

static bool read_log(const ekm_config *config, provider_settings *out, ekm_err *err) {
  out->log_file = ekm_config_text(config, "", "log_file");
  out->log_to_system = strcmp(ekm_config_text(config, "", "log_to"), "system") == 0;
  out->syslog_socket = ekm_config_text(config, "", "syslog_socket");
  if (out->syslog_socket == NULL) out->syslog_socket = EKM_SYSLOG_SOCKET;
  if (!ekm_log_parse_level(ekm_config_text(config, "", "log_level"), &out->log_level)) {
    return refuse(config, "", "log_level", "is not a level", err);
  }
  if (strlen(out->syslog_socket) >= EKM_SYSLOG_PATH_BYTES) {
    return refuse(config, "", "syslog_socket", "is too long for the path of a socket", err);
  }
  return true;
}

static bool read_top(const ekm_config *config, provider_settings *out, ekm_err *err) {
  out->call_timeout_ms = ekm_config_int(config, "", "call_timeout_ms");
  out->wrap_alg = ekm_config_text(config, "", "wrap_alg");
  out->retries = ekm_config_int(config, "", "retries");
  out->retry_delay_ms = ekm_config_int(config, "", "retry_delay_ms");
  out->retry_max_delay_ms = ekm_config_int(config, "", "retry_max_delay_ms");
  out->connection_max_age_s = ekm_config_int(config, "", "connection_max_age_s");
  out->breaker_failures = ekm_config_int(config, "", "breaker_failures");
  out->breaker_open_s = ekm_config_int(config, "", "breaker_open_s");
  out->thumbprint = thumb_kind_of(ekm_config_text(config, "", "thumbprint"));
  out->unwrap_rsa1_5 = ekm_config_bool(config, "", "unwrap_rsa1_5");
  out->unwrap_reversed = ekm_config_bool(config, "", "unwrap_reversed");
  out->unwrap_cache_s = ekm_config_int(config, "", "unwrap_cache_s");
  out->unwrap_grace_s = ekm_config_int(config, "", "unwrap_grace_s");
  out->hint_file = ekm_config_text(config, "", "hint_file");
  out->search_per_s = ekm_config_int(config, "", "search_per_s");
  out->search_workers = ekm_config_int(config, "", "search_workers");
  out->search_again_s = ekm_config_int(config, "", "search_again_s");
  out->allow_drop_key = ekm_config_bool(config, "", "allow_drop_key");
  out->default_vault = text_of(config, "", "default_vault");
  out->vault_suffix = ekm_config_text(config, "", "vault_suffix");
  bool is_cng = strcmp(ekm_config_text(config, "", "public_key_format"), "cng") == 0;
  out->public_key_format = is_cng ? KEYRING_BLOB_CNG : KEYRING_BLOB_PKCS1;
  if (!ekm_url_host_is_valid(out->vault_suffix)) {
    return refuse(config, "", "vault_suffix", "is not a domain; write it without a dot in front", err);
  }
  if (out->default_vault != NULL && !ekm_text_is_made_of(out->default_vault, strlen(out->default_vault), ".-:/")) {
    return refuse(config, "", "default_vault", "is neither a vault's name nor its host", err);
  }
  /* Who relies on it in an outage must not learn then that it never had an effect. */
  if (out->unwrap_grace_s > 0 && out->unwrap_cache_s == 0) {
    return refuse(config, "", "unwrap_grace_s", "is for what is kept; set unwrap_cache_s, too", err);
  }
  return read_log(config, out, err) && read_proxy(config, &out->proxy, err);
}

static bool read_applications(const ekm_config *config, provider_settings *out, ekm_err *err) {
  size_t count = ekm_config_section_count(config, SETTINGS_APPLICATIONS);
  if (count == 0) return true;
  out->applications = ekm_mem_array(count, sizeof *out->applications, err);
  if (out->applications == NULL) return false;
  out->application_count = count;
  for (size_t i = 0; i < count; i++) {
    const char *section = ekm_config_section(config, SETTINGS_APPLICATIONS, i);
    const char *id = ekm_config_section_name(section);
    keyring_application *application = &out->applications[i];
    if (strlen(id) + 1 != sizeof application->client_id || !ekm_text_starts_guid(id)) {
      return refuse_section(config, section, "must name a client id of 36 characters, with its hyphens", err);
    }
    memcpy(application->client_id, id, sizeof application->client_id);
    application->secret_expires_wall_s = ekm_config_date(config, section, "secret_expires");
  }
  return true;
}

bool settings_read(ekm_config *config, provider_settings *out, ekm_err *err) {
  memset(out, 0, sizeof *out);
  out->config = config;
  if (read_top(config, out, err) && read_vaults(config, out, err) && check_replicas(config, out, err) &&
      check_default_vault(config, out, err) && read_applications(config, out, err))
    return true;
  settings_free(out);
  return false;
}

void settings_free(provider_settings *settings) {
  ekm_config_free(&settings->config);
  ekm_mem_free(settings->applications);
  ekm_mem_free(settings->vaults);
  memset(settings, 0, sizeof *settings);
}
