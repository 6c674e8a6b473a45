#include "support/vault_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/cert.h"
#include "support/cmocka_all.h"
#include "vault/store_manage.h"

enum { LOG_MAX_BYTES = 64 * 1024 * 1024, PEM_MAX_BYTES = 64 * 1024, DAY_S = 24 * 3600 };

static const char *const app_vaults[FIXTURE_APPS] = {"local", "local", "other", "foreign"};
static const vault_permissions app_rights[FIXTURE_APPS] = {VAULT_MAY_ALL, VAULT_MAY_GET | VAULT_MAY_LIST, VAULT_MAY_ALL,
                                                           VAULT_MAY_ALL};

static void keep_line(void *arg, const char *line, size_t len) {
  ekm_buf_append(arg, line, len);
}

/* Certificates live in the machine's time: libcurl compares them with it. */
static bool make_certificates(vault_fixture *f, ekm_err *err) {
  static const char *const names[] = {"*.vault.localhost", "*.managedhsm.localhost", "login.localhost", "localhost",
                                      "127.0.0.1"};
  const int64_t now = (int64_t)time(NULL);
  const ekm_cert_request authority = {"a test's authority", NULL, 0, now - DAY_S, now + DAY_S};
  const ekm_cert_request server = {"akvd", names, sizeof names / sizeof names[0], now - DAY_S, now + DAY_S};
  ekm_buf ca_key;
  ekm_buf_init(&ca_key, PEM_MAX_BYTES);
  bool ok = ekm_cert_make_authority(f->crypto, &authority, &f->ca_pem, &ca_key, err) &&
            ekm_cert_make_server(f->crypto, &server, ekm_buf_view(&f->ca_pem), ekm_buf_view(&ca_key), &f->cert_pem,
                                 &f->key_pem, err);
  ekm_buf_clear(&ca_key);
  return ok;
}

static bool start(vault_fixture *f, ekm_err *err) {
  const vault_store_options store = {
      .folder = f->folder, .crypto = f->crypto, .clock = &f->clock.base, .token = f->token, .log = f->log};
  if (!vault_store_open(&store, &f->store, err)) return false;
  const vault_server_options server = {
      .address = "127.0.0.1",
      .cert_pem = ekm_buf_view(&f->cert_pem),
      .key_pem = ekm_buf_view(&f->key_pem),
      .store = f->store,
      .crypto = f->crypto,
      .clock = &f->clock.base,
      .token = f->token,
      .log = f->log,
      .idle_seconds = 120,
      .request_ms = 2000,
      .with_trouble = true,
  };
  if (!vault_server_start(&server, &f->server, err)) return false;
  https_client_open(&f->client, vault_server_port(f->server), ekm_buf_view(&f->ca_pem));
  return true;
}

static void stop(vault_fixture *f) {
  https_client_close(&f->client);
  vault_server_stop(&f->server);
  vault_store_close(&f->store);
}

void vault_fixture_restart(vault_fixture *f) {
  ekm_err err = {0};
  stop(f);
  assert_true(start(f, &err));
}

static bool add_vaults(vault_fixture *f, ekm_err *err) {
  static const vault_spec local = {.name = "local"};
  const vault_directory *dir = NULL;
  if (!vault_store_vault_add(f->store, &local, err) || !vault_store_directory(f->store, &dir, err)) return false;
  const vault_spec other = {.name = "other", .tenant = vault_directory_vault_by_name(dir, "local")->tenant};
  const vault_spec foreign = {.name = "foreign"};
  bool ok = vault_store_vault_add(f->store, &other, err) && vault_store_vault_add(f->store, &foreign, err);
  vault_directory_release(&dir);
  return ok;
}

static bool add_secret(vault_fixture *f, const char *client_id, int64_t expires, char out[128], ekm_err *err) {
  char id[VAULT_GUID_CHARS + 1];
  ekm_secret secret = {0};
  bool ok = vault_store_secret_add(f->store, client_id, &secret, expires, id, err);
  if (ok) (void)snprintf(out, 128, "%s", (const char *)ekm_secret_reveal(&secret).ptr);
  ekm_secret_clear(&secret);
  return ok;
}

static bool add_app(vault_fixture *f, fixture_app which, ekm_err *err) {
  fixture_credential *app = &f->apps[which];
  const vault_directory *dir = NULL;
  if (!vault_store_directory(f->store, &dir, err)) return false;
  const vault_info *vault = vault_directory_vault_by_name(dir, app_vaults[which]);
  (void)snprintf(app->tenant, sizeof app->tenant, "%s", vault->tenant);
  bool ok = vault_store_app_add(f->store, vault->tenant, app_vaults[which], app->client_id, err) &&
            vault_store_grant_set(f->store, vault->id, app->client_id, app_rights[which], err) &&
            add_secret(f, app->client_id, 0, app->secret, err) &&
            (which != FIXTURE_FULL || add_secret(f, app->client_id, f->clock.wall_s - 1, app->expired_secret, err));
  vault_directory_release(&dir);
  if (!ok || !vault_store_directory(f->store, &dir, err)) return false;
  (void)snprintf(app->object_id, sizeof app->object_id, "%s", vault_directory_app(dir, app->client_id)->object_id);
  vault_directory_release(&dir);
  return true;
}

void vault_fixture_token(vault_fixture *f, fixture_app app, int version, https_answer *out) {
  const fixture_credential *a = &f->apps[app];
  char path[128];
  char body[1024];
  (void)snprintf(path, sizeof path, "/%s/oauth2/%stoken", a->tenant, version == 2 ? "v2.0/" : "");
  (void)snprintf(
      body, sizeof body, "grant_type=client_credentials&client_id=%s&client_secret=%s&%s", a->client_id, a->secret,
      version == 2 ? "scope=https%3A%2F%2Fvault.localhost%2F.default" : "resource=https%3A%2F%2Fvault.localhost");
  https_client_send(&f->client,
                    &(https_request){.method = "POST", .host = "login.localhost", .path = path, .body = body}, out);
}

static bool take_token(vault_fixture *f, fixture_app app) {
  https_answer answer;
  vault_fixture_token(f, app, 2, &answer);
  const char *token = answer.doc == NULL ? NULL : ekm_json_text(answer.doc, "access_token");
  if (token != NULL) (void)snprintf(f->apps[app].token, sizeof f->apps[app].token, "%s", token);
  https_answer_clear(&answer);
  return token != NULL;
}

static bool make(vault_fixture *f, ekm_err *err) {
  const char *base = getenv("TMPDIR");
  (void)snprintf(f->folder, sizeof f->folder, "%s/akvd-test-XXXXXX", base == NULL ? "/tmp" : base);
  if (mkdtemp(f->folder) == NULL || !ekm_crypto_new(&f->crypto, err)) return false;
  if (!ekm_log_open_sink(keep_line, &f->log_text, EKM_LOG_TRACE, &f->clock.base, &f->log, err)) return false;
  const vault_store_options store = {.folder = f->folder, .crypto = f->crypto, .clock = &f->clock.base, .log = f->log};
  if (!make_certificates(f, err) || !vault_store_create(&store, err) || !start(f, err) || !add_vaults(f, err))
    return false;
  for (fixture_app app = 0; app < FIXTURE_APPS; app++) {
    if (!add_app(f, app, err) || !take_token(f, app)) return false;
  }
  return true;
}

int vault_fixture_set_up(void **state) {
  static vault_fixture f;
  ekm_err err = {0};
  *state = &f;
  fake_clock_init(&f.clock);
  ekm_buf_init(&f.log_text, LOG_MAX_BYTES);
  ekm_buf_init(&f.ca_pem, PEM_MAX_BYTES);
  ekm_buf_init(&f.cert_pem, PEM_MAX_BYTES);
  ekm_buf_init(&f.key_pem, PEM_MAX_BYTES);
  (void)curl_global_init(CURL_GLOBAL_DEFAULT);
  if (make(&f, &err)) return 0;
  (void)fprintf(stderr, "the fixture: %s: %s\n", ekm_err_info_of(err.id)->name, err.detail);
  return -1;
}

/* Files of the folder, and of the folders in it. */
static void remove_tree(const char *path) {
  char name[512];
  const struct dirent *entry;
  DIR *dir = opendir(path);
  while (dir != NULL && (entry = readdir(dir)) != NULL) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
    if (unlink(name) != 0) remove_tree(name);
  }
  if (dir != NULL) (void)closedir(dir);
  (void)rmdir(path);
}

int vault_fixture_tear_down(void **state) {
  vault_fixture *f = *state;
  stop(f);
  ekm_log_close(&f->log);
  ekm_crypto_free(&f->crypto);
  ekm_buf_clear(&f->log_text);
  ekm_buf_clear(&f->ca_pem);
  ekm_buf_clear(&f->cert_pem);
  ekm_buf_clear(&f->key_pem);
  remove_tree(f->folder);
  curl_global_cleanup();
  return f->server == NULL && f->store == NULL ? 0 : -1;
}

void vault_fixture_call(vault_fixture *f, fixture_app app, const char *method, const char *path, const char *body,
                        https_answer *out) {
  char full[1024];
  char host[64];
  (void)snprintf(full, sizeof full, "%s%s", path, strchr(path, '?') == NULL ? "?api-version=7.5" : "");
  (void)snprintf(host, sizeof host, "%s.vault.localhost", app_vaults[app]);
  https_client_send(
      &f->client,
      &(https_request){.method = method, .host = host, .path = full, .bearer = f->apps[app].token, .body = body}, out);
}

void vault_fixture_expect(const https_answer *answer, long status, const char *code, const char *inner) {
  assert_int_equal(answer->status, status);
  assert_non_null(answer->doc);
  const json_t *error = ekm_json_object(answer->doc, "error");
  assert_non_null(error);
  assert_string_equal(ekm_json_text(error, "code"), code);
  const json_t *inner_error = ekm_json_object(error, "innererror");
  if (inner == NULL) {
    assert_null(inner_error);
  } else {
    assert_non_null(inner_error);
    assert_string_equal(ekm_json_text(inner_error, "code"), inner);
  }
}
