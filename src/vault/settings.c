#include "vault/settings.h"

#include <stdint.h>
#include <string.h>

#include "base/utf16.h"

#define AT(member) offsetof(vault_settings, member)

static const vault_setting table[] = {
    {"--data", "DIR", "the vault's folder", VAULT_SETTING_TEXT, AT(data)},
    {"--master-key", "FILE", "the master key, if it is not DIR/master.key", VAULT_SETTING_TEXT, AT(master_key)},
    {"--config", "FILE", "settings, if they are not in DIR/akvd.conf", VAULT_SETTING_TEXT, AT(config)},
    {"--audit", "FILE", "the audit log, or off (DIR/audit.log)", VAULT_SETTING_TEXT, AT(audit)},
    {"--tls-certificate", "FILE", "a certificate of your own for the server", VAULT_SETTING_TEXT, AT(tls_certificate)},
    {"--tls-private-key", "FILE", "its private key", VAULT_SETTING_TEXT, AT(tls_private_key)},
    {"--operation", "NAME", "entries of this operation, as in the log", VAULT_SETTING_TEXT, AT(operation)},
    {"--since", "TIME", "entries from this moment on: 2026-11-24T08:00:00Z, or a beginning of it", VAULT_SETTING_TEXT,
     AT(since)},
    {"--failed", NULL, "entries of what was refused or failed", VAULT_SETTING_FLAG, AT(failed)},
    {"--last", "N", "so many entries at the end (50)", VAULT_SETTING_NUMBER, AT(last)},
    {"--master-key-in-token", NULL, "wrap the new master key by a key in the token; its file alone opens nothing",
     VAULT_SETTING_FLAG, AT(master_key_in_token)},
    {"--token-module", "FILE", "a PKCS#11 module; keys marked HSM are made, and stay, in its token", VAULT_SETTING_TEXT,
     AT(token_module)},
    {"--token-label", "NAME", "the token that is meant (the only one)", VAULT_SETTING_TEXT, AT(token_label)},
    {"--token-pin-file", "FILE", "its PIN", VAULT_SETTING_TEXT, AT(token_pin_file)},
    {"--listen", "ADDRESS:PORT", "where to serve; port 0 is a free one (127.0.0.1:8443)", VAULT_SETTING_TEXT,
     AT(listen)},
    {"--ready-file", "FILE", "write ADDRESS:PORT there as soon as requests are accepted", VAULT_SETTING_TEXT,
     AT(ready_file)},
    {"--threads", "N", "threads that serve (one per processor, at least two)", VAULT_SETTING_NUMBER, AT(threads)},
    {"--vault", "NAME", "the vault that is meant", VAULT_SETTING_TEXT, AT(vault)},
    {"--app", "ID", "client id of the application that is meant", VAULT_SETTING_TEXT, AT(app)},
    {"--name", "NAME", "name of the vault, application or key", VAULT_SETTING_TEXT, AT(name)},
    {"--key-version", "ID", "version of the key (the newest)", VAULT_SETTING_TEXT, AT(key_version)},
    {"--tenant", "GUID", "tenant (a new one for a vault, the vault's for an application)", VAULT_SETTING_TEXT,
     AT(tenant)},
    {"--suffix", "DOMAIN", "what follows a vault's name in its host (vault.localhost)", VAULT_SETTING_TEXT, AT(suffix)},
    {"--retention-days", "N", "how long deleted keys are kept, 7 to 90 (90)", VAULT_SETTING_NUMBER, AT(retention_days)},
    {"--hsm", NULL, "a Managed HSM: its key types, headers and roles", VAULT_SETTING_FLAG, AT(hsm)},
    {"--roles", NULL, "rights come from roles, not from access policies", VAULT_SETTING_FLAG, AT(roles)},
    {"--purge-protection", NULL, "deleted keys cannot be purged before their time", VAULT_SETTING_FLAG,
     AT(purge_protection)},
    {"--role", "NAME", "for example 'Key Vault Crypto User'; 'akvd role list' shows all", VAULT_SETTING_TEXT, AT(role)},
    {"--key", "NAME", "for this key only (the whole vault)", VAULT_SETTING_TEXT, AT(key)},
    {"--permissions", "LIST", "for example get,list,wrapKey,unwrapKey; or all", VAULT_SETTING_TEXT, AT(permissions)},
    {"--secret-file", "FILE", "use the secret in this file instead of making one", VAULT_SETTING_TEXT, AT(secret_file)},
    {"--secret-stdin", NULL, "use the secret in the first line of the standard input", VAULT_SETTING_FLAG,
     AT(secret_stdin)},
    {"--secret-id", "GUID", "the secret that is meant", VAULT_SETTING_TEXT, AT(secret_id)},
    {"--certificate", "FILE", "a certificate in PEM form; a private key beside it is not read", VAULT_SETTING_TEXT,
     AT(certificate)},
    {"--certificate-id", "GUID", "the certificate that is meant", VAULT_SETTING_TEXT, AT(certificate_id)},
    {"--issuer", "URL", "who issues the identity", VAULT_SETTING_TEXT, AT(issuer)},
    {"--subject", "TEXT", "the identity, as its issuer calls it", VAULT_SETTING_TEXT, AT(subject)},
    {"--audience", "TEXT", "whom its tokens are for (api://AzureADTokenExchange)", VAULT_SETTING_TEXT, AT(audience)},
    {"--keys", "FILE", "the issuer's public keys, a JWK set", VAULT_SETTING_TEXT, AT(keys)},
    {"--federation-id", "GUID", "the identity of another issuer that is meant", VAULT_SETTING_TEXT, AT(federation_id)},
    {"--expires-days", "N", "life of the secret (for ever)", VAULT_SETTING_NUMBER, AT(expires_days)},
    {"--bits", "N", "length of the RSA key: 2048, 3072 or 4096 (2048)", VAULT_SETTING_NUMBER, AT(bits)},
    {"--file", "FILE", "the backup", VAULT_SETTING_TEXT, AT(file)},
    {"--passphrase-file", "FILE", "what opens the backup; 12 characters at least", VAULT_SETTING_TEXT,
     AT(passphrase_file)},
    {"--passphrase-stdin", NULL, "it is the first line of the standard input", VAULT_SETTING_FLAG,
     AT(passphrase_stdin)},
    {"--deleted", NULL, "the keys that are deleted and not purged", VAULT_SETTING_FLAG, AT(deleted)},
    {"--yes", NULL, "really destroy it", VAULT_SETTING_FLAG, AT(yes)},
    {"--trouble", NULL, "let tests on this machine ask for faults; never where keys matter", VAULT_SETTING_FLAG,
     AT(trouble)},
    {"--fake-identity", "ADDR:PORT=ID", "give everybody on this machine the application's tokens, as IMDS does",
     VAULT_SETTING_TEXT, AT(fake_identity)},
    {"--fake-header", "FILE", "as App Service too; the file has, or gets, what the header has to be",
     VAULT_SETTING_TEXT, AT(fake_header)},
    {"--fake-arc", "DIR", "as Azure Arc too, with its files in this folder", VAULT_SETTING_TEXT, AT(fake_arc)},
    {"--log-file", "FILE", "append the log there; - is standard error", VAULT_SETTING_TEXT, AT(log_file)},
    {"--log-level", "LEVEL", "off, error, warn, info, debug or trace", VAULT_SETTING_TEXT, AT(log_level)},
    {"--json", NULL, "print one JSON object", VAULT_SETTING_FLAG, AT(json)},
    {"--help", NULL, "print help", VAULT_SETTING_FLAG, AT(help)},
    {"--version", NULL, "print the version of akvd", VAULT_SETTING_FLAG, AT(version)},
};

enum { ROWS = sizeof table / sizeof table[0], NUMBER_MAX = 1000000 };

const vault_setting *vault_settings_table(size_t *out_count) {
  *out_count = ROWS;
  return table;
}

static const vault_setting *find(const char *name, size_t len) {
  for (size_t i = 0; i < ROWS; i++) {
    if (strlen(table[i].name) == len && strncmp(table[i].name, name, len) == 0) return &table[i];
  }
  return NULL;
}

static bool is_given(const vault_settings *settings, const vault_setting *row) {
  const char *at = (const char *)settings + row->offset;
  switch (row->kind) {
    case VAULT_SETTING_TEXT: return *(const char *const *)(const void *)at != NULL;
    case VAULT_SETTING_NUMBER: return *(const unsigned *)(const void *)at != 0;
    default: return *(const bool *)(const void *)at;
  }
}

static bool parse_number(const char *name, const char *text, unsigned *out, ekm_err *err) {
  unsigned number = 0;
  size_t i = 0;
  for (; text[i] >= '0' && text[i] <= '9' && number <= NUMBER_MAX; i++) {
    number = number * 10 + (unsigned)(text[i] - '0');
  }
  if (i == 0 || text[i] != '\0' || number == 0 || number > NUMBER_MAX) {
    return EKM_FAIL(err, EKM_E_USAGE, "'%s %s' is not a number from 1 to %d", name, text, NUMBER_MAX);
  }
  *out = number;
  return true;
}

static bool set(vault_settings *out, const vault_setting *row, const char *value, ekm_err *err) {
  char *at = (char *)out + row->offset;
  if (is_given(out, row)) return EKM_FAIL(err, EKM_E_USAGE, "'%s' is given twice", row->name);
  if (row->kind == VAULT_SETTING_NUMBER) return parse_number(row->name, value, (unsigned *)(void *)at, err);
  if (row->kind == VAULT_SETTING_TEXT) {
    *(const char **)(void *)at = value;
  } else {
    *(bool *)(void *)at = true;
  }
  return true;
}

static bool take_option(int argc, char **argv, int *i, vault_settings *out, ekm_err *err) {
  const char *given = argv[*i];
  const char *equals = strchr(given, '=');
  size_t len = equals == NULL ? strlen(given) : (size_t)(equals - given);
  const vault_setting *row = find(given, len);
  if (row == NULL) return EKM_FAIL(err, EKM_E_USAGE, "unknown option '%.*s'", (int)len, given);
  if (row->value == NULL) {
    return equals == NULL ? set(out, row, "", err) : EKM_FAIL(err, EKM_E_USAGE, "'%s' has no value", row->name);
  }
  const char *value = equals != NULL ? equals + 1 : *i + 1 < argc ? argv[++*i] : "";
  bool is_next_option = equals == NULL && value[0] == '-' && value[1] == '-';
  if (value[0] == '\0' || is_next_option) {
    return EKM_FAIL(err, EKM_E_USAGE, "'%s' needs a value: %s", row->name, row->value);
  }
  return set(out, row, value, err);
}

static bool take_word(const char *word, size_t *words, vault_settings *out, ekm_err *err) {
  size_t used = strlen(out->command);
  size_t len = strlen(word);
  if (*words == VAULT_WORDS_MAX || used + len + 2 > sizeof out->command) {
    return EKM_FAIL(err, EKM_E_USAGE, "superfluous '%s'", word);
  }
  if (used > 0) out->command[used++] = ' ';
  memcpy(out->command + used, word, len + 1);
  ++*words;
  return true;
}

bool vault_settings_parse(int argc, char **argv, vault_settings *out, ekm_err *err) {
  bool ok = true;
  size_t words = 0;
  memset(out, 0, sizeof *out);
  for (int i = 1; ok && i < argc; i++) {
    ok = ekm_utf16_is_utf8(argv[i], strlen(argv[i])) || EKM_FAIL(err, EKM_E_USAGE, "argument %d is not UTF-8", i);
  }
  for (int i = 1; ok && i < argc; i++) {
    ok = argv[i][0] == '-' ? take_option(argc, argv, &i, out, err) : take_word(argv[i], &words, out, err);
  }
  /* Who reads JSON reads this error too, also if the fault comes before the option. */
  for (int i = 1; !ok && i < argc; i++) out->json = out->json || strcmp(argv[i], "--json") == 0;
  return ok;
}

bool vault_settings_is_listed(const char *list, const char *name) {
  size_t len = strlen(name);
  for (const char *at = strstr(list, name); at != NULL; at = strstr(at + 1, name)) {
    if ((at == list || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0')) return true;
  }
  return false;
}

bool vault_settings_check(const vault_settings *settings, const char *needs, const char *takes, ekm_err *err) {
  for (size_t i = 0; i < ROWS; i++) {
    bool is_needed = vault_settings_is_listed(needs, table[i].name);
    bool given = is_given(settings, &table[i]);
    if (is_needed && !given) {
      return EKM_FAIL(err, EKM_E_USAGE, "'%s' needs %s %s", settings->command, table[i].name, table[i].value);
    }
    if (given && !is_needed && !vault_settings_is_listed(takes, table[i].name)) {
      return EKM_FAIL(err, EKM_E_USAGE, "'%s' does not take %s", settings->command, table[i].name);
    }
  }
  return true;
}
