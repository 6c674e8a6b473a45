/* openekm.conf: what may be in it, and what each mistake is told. */
#include <stdio.h>
#include <string.h>

#include "settings/settings.h"
#include "support/cmocka_all.h"

#define ID "01234567-89ab-CDEF-0123-456789abcdef"

static bool read_text(const char *text, provider_settings *out, ekm_err *err) {
  ekm_config *config = NULL;
  ekm_err_clear(err);
  return ekm_config_parse(settings_schema(), ekm_view_text(text), "test.conf", &config, err) &&
         settings_read(config, out, err);
}

static void an_empty_file_gives_the_defaults(void **state) {
  provider_settings settings;
  ekm_err err = {0};
  (void)state;
  assert_true(read_text("", &settings, &err));
  assert_null(settings.log_file);
  assert_false(settings.log_to_system);
  assert_string_equal(settings.syslog_socket, "/dev/log");
  assert_int_equal(settings.log_level, EKM_LOG_INFO);
  assert_int_equal(settings.call_timeout_ms, 30000);
  assert_string_equal(settings.wrap_alg, "RSA-OAEP-256");
  assert_string_equal(settings.vault_suffix, "vault.azure.net");
  assert_false(settings.allow_drop_key);
  assert_int_equal(settings.public_key_format, KEYRING_BLOB_PKCS1);
  assert_null(settings.proxy.url);
  assert_int_equal(settings.vault_count, 0);
  settings_free(&settings);
  assert_null(settings.config);
}

static void applications_are_understood(void **state) {
  provider_settings settings;
  ekm_err err = {0};
  (void)state;
  assert_true(read_text("[application " ID "]\nsecret_expires = 2027-03-01\n"
                        "[application 11111111-89ab-cdef-0123-456789abcdef]\n",
                        &settings, &err));
  assert_int_equal(settings.application_count, 2);
  assert_string_equal(settings.applications[0].client_id, ID);
  assert_int_equal(settings.applications[0].secret_expires_wall_s, 1803859200);
  assert_int_equal(settings.applications[1].secret_expires_wall_s, 0);
  settings_free(&settings);
}

static void a_full_file_is_understood(void **state) {
  static const char text[] =
      "log_file = /var/log/openekm.log\n"
      "log_level = debug\n"
      "log_to = system\n"
      "syslog_socket = /run/log\n"
      "call_timeout_ms = 5000\n"
      "wrap_alg = RSA-OAEP\n"
      "allow_drop_key = yes\n"
      "public_key_format = cng\n"
      "vault_suffix = vault.localhost\n"
      "proxy = http://proxy.example:8080\n"
      "proxy_user = DOMAIN\\me\n"
      "proxy_password_file = /etc/openekm/proxy\n"
      "no_proxy = a.example, .b.example 10.0.0.1\n"
      "[vault V1.vault.localhost]\n"
      "address = 127.0.0.1\n"
      "port = 8443\n"
      "ca_file = /etc/openekm/ca.pem\n"
      "authority = https://LOGIN.vault.localhost:9443\n"
      "authority_address = ::1\n"
      "authority_port = 9444\n"
      "resource = https://vault.localhost\n"
      "tenant = 00000000-0000-0000-0000-000000000001\n"
      "[vault v2.vault.azure.net]\n"
      "authority_ca_file = /etc/openekm/inspection.pem\n";
  provider_settings settings;
  ekm_err err = {0};
  (void)state;
  if (!read_text(text, &settings, &err)) fail_msg("%s", err.detail);
  assert_string_equal(settings.log_file, "/var/log/openekm.log");
  assert_int_equal(settings.log_level, EKM_LOG_DEBUG);
  assert_true(settings.log_to_system);
  assert_string_equal(settings.syslog_socket, "/run/log");
  assert_int_equal(settings.call_timeout_ms, 5000);
  assert_string_equal(settings.wrap_alg, "RSA-OAEP");
  assert_true(settings.allow_drop_key);
  assert_int_equal(settings.public_key_format, KEYRING_BLOB_CNG);
  assert_string_equal(settings.proxy.url, "http://proxy.example:8080");
  assert_string_equal(settings.proxy.user, "DOMAIN\\me");
  assert_string_equal(settings.proxy.password_file, "/etc/openekm/proxy");
  assert_string_equal(settings.proxy.exceptions, "a.example, .b.example 10.0.0.1");
  assert_int_equal(settings.vault_count, 2);
  const provider_vault *v = &settings.vaults[0];
  assert_string_equal(v->host, "v1.vault.localhost");
  assert_string_equal(v->vault.address, "127.0.0.1");
  assert_int_equal(v->vault.port, 8443);
  assert_string_equal(v->vault.ca_file, "/etc/openekm/ca.pem");
  assert_string_equal(v->authority_host, "login.vault.localhost");
  assert_int_equal(v->authority_port, 9443);
  assert_string_equal(v->authority.address, "::1");
  assert_int_equal(v->authority.port, 9444);
  assert_string_equal(v->authority.ca_file, "/etc/openekm/ca.pem");
  assert_string_equal(v->resource, "https://vault.localhost");
  assert_string_equal(v->tenant, "00000000-0000-0000-0000-000000000001");
  v = &settings.vaults[1];
  assert_string_equal(v->authority_host, "");
  assert_int_equal(v->authority_port, 0);
  assert_null(v->vault.ca_file);
  assert_string_equal(v->authority.ca_file, "/etc/openekm/inspection.pem");
  settings_free(&settings);
}

static void mistakes_are_told_with_their_line(void **state) {
#define HUNDRED "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
#define VAULT_LINE "[vault v.vault.localhost]\n"
#define PROXY_LINE "proxy = http://proxy.example:8080\n"
  static const struct {
    const char *text;
    unsigned line;
    const char *words;
  } rows[] = {
      {"\ncall_timeout_ms = 5\n", 2, ""},
      {"[application " ID "]\nsecret_expires = 2027-02-29\n", 2, "a day such as 2027-03-01"},
      {"[application " ID "]\nsecret_expires = soon\n", 2, "a day such as 2027-03-01"},
      {"\n[application 0123456789abcdef0123456789abcdef]\nsecret_expires = 2027-03-01\n", 2, "its hyphens"},
      {"[application " ID "0]\nsecret_expires = 2027-03-01\n", 1, "its hyphens"},
      {"log_file = relative.log\n", 1, ""},
      {"log_to = journal\n", 1, "one of file, system"},
      {"syslog_socket = log\n", 1, ""},
      {"\nsyslog_socket = /" HUNDRED "1234567\n", 2, "too long for the path of a socket"},
      {"wrap_alg = RSA1_5\n", 1, ""},
      {"wrap_algorithm = RSA-OAEP\n", 1, ""},
      {"vault_suffix = .vault.localhost\n", 1, ""},
      {"proxy = proxy.example:8080\n", 1, ""},
      {"proxy = http://proxy.example\n", 1, "must be http://HOST:PORT"},
      {"proxy = http://proxy.example:0\n", 1, "must be http://HOST:PORT"},
      {"proxy = http://proxy.example:65536\n", 1, "must be http://HOST:PORT"},
      {"proxy = http://proxy.example:80a\n", 1, "must be http://HOST:PORT"},
      {"proxy = http://:8080\n", 1, "must be http://HOST:PORT"},
      {"proxy = https://proxy.example:8080\n", 1, "must be http://HOST:PORT"},
      {"proxy = http://user:secret@proxy.example:8080\n", 1, "into proxy_user and proxy_password_file"},
      {"\nproxy_user = me\n", 2, "set proxy, too"},
      {"no_proxy = a.example\n", 1, "set proxy, too"},
      {PROXY_LINE "proxy_password_file = /p\n", 2, "set proxy_user"},
      {PROXY_LINE "proxy_user = a:b\n", 2, "without a colon"},
      {PROXY_LINE "proxy_user = a\nproxy_password_file = p\n", 3, ""},
      {PROXY_LINE "no_proxy = a.example, *.b.example\n", 2, "must be host names"},
      {PROXY_LINE "no_proxy = 10.0.0.0/8\n", 2, "must be host names"},
      {"[vault v]\n", 1, "[vault v] must name the vault's whole host"},
      {"[vault a_b.vault.localhost]\n", 1, "whole host"},
      {VAULT_LINE "address = 127.0.0.1:8443/x\n", 2, ""},
      {VAULT_LINE "port = 0\n", 2, ""},
      {VAULT_LINE "authority = http://login.vault.localhost\n", 2, ""},
      {VAULT_LINE "authority = https://login.vault.localhost/tenant\n", 2, ""},
      {VAULT_LINE "authority_address = 127.0.0.1\n", 1, "'authority' must be set"},
      {VAULT_LINE "resource = vault.localhost\n", 2, ""},
      {VAULT_LINE "tenant = a/b\n", 2, ""},
      {VAULT_LINE "ca_file = ca.pem\n", 2, ""},
      {VAULT_LINE "keys = tde key, tde_key\n", 2, "names of keys"},
      {VAULT_LINE "replicas = west\n", 2, "whole host names"},
      {VAULT_LINE "replicas = w.vault.localhost, https://e.vault.localhost\n", 2, "whole host names"},
      {VAULT_LINE "replicas = w.vault.azure.net, evil.example\n", 2, "of a known cloud, or have sections"},
      {VAULT_LINE "replicas = w.vault.azure.net.evil.example\n", 2, "of a known cloud, or have sections"},
      {VAULT_LINE "replicas = a.vault.x b.vault.x c.vault.x d.vault.x e.vault.x\n", 2, "too many"},
      {"\nunwrap_grace_s = 60\n", 2, "set unwrap_cache_s, too"},
      {"unwrap_cache_s = 0\nunwrap_grace_s = 60\n", 2, "set unwrap_cache_s, too"},
      {"default_vault = evil.example\n", 1, "of a known cloud, or have a section"},
      {"default_vault = https://myvault.vault.azure.net.evil.example/\n", 1, "of a known cloud, or have a section"},
      {"default_vault = https://\n", 1, "of a known cloud, or have a section"},
      {"default_vault = my vault\n", 1, "neither a vault's name nor its host"},
      {"search_per_s = 0\n", 1, ""},
      {"hint_file = hints\n", 1, ""},
      {VAULT_LINE "cafile = /ca.pem\n", 2, ""},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    provider_settings settings = {0};
    ekm_err err = {0};
    if (read_text(rows[i].text, &settings, &err)) fail_msg("accepted: %s", rows[i].text);
    assert_true(err.id == EKM_E_CONFIG_VALUE || err.id == EKM_E_CONFIG_SYNTAX);
    char line[40];
    (void)snprintf(line, sizeof line, "'test.conf' line %u: ", rows[i].line);
    bool told = strncmp(err.detail, line, strlen(line)) == 0 && strstr(err.detail, rows[i].words) != NULL;
    if (!told) fail_msg("%s: %s", rows[i].text, err.detail);
    assert_null(settings.config);
  }
}

/* --- the file's path and the environment -------------------------------------------------------------------------- */

typedef struct test_env {
  ekm_env base;
  const char *name, *value;
} test_env;

static const char *get(const ekm_env *self, const char *name) {
  const test_env *env = (const test_env *)self;
  return strcmp(env->name, name) == 0 ? env->value : NULL;
}

static void the_environment_names_the_file(void **state) {
  provider_settings settings;
  ekm_err err = {0};
  test_env env = {{get}, "OPENEKM_CONF", "openekm.conf"};
  (void)state;
  assert_false(settings_load(&env.base, &settings, &err));
  assert_int_equal(err.id, EKM_E_CONFIG_READ);
  assert_non_null(strstr(err.detail, "absolute"));
  env.value = "/nowhere/at/all/openekm.conf";
  assert_false(settings_load(&env.base, &settings, &err));
  assert_int_equal(err.id, EKM_E_CONFIG_READ);
  assert_null(settings.config);
}

static void the_environment_overrides_the_top(void **state) {
  provider_settings settings;
  ekm_err err = {0};
  test_env env = {{get}, "OPENEKM_CALL_TIMEOUT_MS", "1234"};
  (void)state;
  if (!settings_load(&env.base, &settings, &err)) fail_msg("%s", err.detail);
  assert_int_equal(settings.call_timeout_ms, 1234);
  settings_free(&settings);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_empty_file_gives_the_defaults), cmocka_unit_test(a_full_file_is_understood),
      cmocka_unit_test(applications_are_understood),      cmocka_unit_test(mistakes_are_told_with_their_line),
      cmocka_unit_test(the_environment_names_the_file),   cmocka_unit_test(the_environment_overrides_the_top),
  };
  return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
