/* From a SQL Server credential to an unwrapped key, against an akvd in this program: how many requests each step costs,
 * and what each refusal of the vault becomes. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/thread.h"
#include "keyring/keyring_keyvault.h"
#include "support/cmocka_all.h"
#include "support/vault_fixture.h"
#include "vault/store_directory.h"
#include "vault/store_manage.h"

#define HSM_HOST "pool.managedhsm.localhost"

enum { CALL_MS = 20000, DEK_BYTES = 32, RETRIES = 2 };

/* The vault's fixture, and a client of it whose requests are counted. */
typedef struct client {
  ekm_http *http;
  atomic_int requests;
  char ca_path[256];
  akv_vault vaults[4];
  akv_vault others;
  atomic_int cut;       /* requests fail as if there were no network */
  const char *cut_host; /* only those to this host; NULL: all */
  keyring_connector *connector;
  ekm_err err;
} client;

static bool count(void *arg, const ekm_http_request *request, ekm_err *err) {
  client *c = arg;
  atomic_fetch_add(&c->requests, 1);
  bool is_meant = c->cut_host == NULL || strstr(request->url, c->cut_host) != NULL;
  return atomic_load(&c->cut) == 0 || !is_meant || EKM_FAIL(err, EKM_E_CONNECT, "the test has cut the network");
}

static akv_vault vault_of(const vault_fixture *f, const client *c, const char *host) {
  ekm_http_route route = {.address = "127.0.0.1", .port = vault_server_port(f->server), .ca_file = c->ca_path};
  return (akv_vault){.host = host, .route = route, .authority_host = "login.localhost", .authority_route = route};
}

static void open_client_with(client *c, vault_fixture *f, const keyring_options *ring) {
  ekm_http *curl = NULL;
  memset(c, 0, sizeof *c);
  (void)snprintf(c->ca_path, sizeof c->ca_path, "%s/client-ca.pem", f->folder);
  assert_true(ekm_file_write_public(c->ca_path, ekm_buf_view(&f->ca_pem), &c->err));
  assert_true(ekm_http_curl_new(ekm_clock_system(), "openekm-test", EKM_HTTP_MAX_AGE_S, &curl, &c->err));
  assert_true(ekm_http_fault_new(curl, count, c, &c->http, &c->err));
  const ekm_http_retry_options retry = {.clock = ekm_clock_system(),
                                        .rng = ekm_crypto_rng(f->crypto),
                                        .retries = RETRIES,
                                        .delay_ms = 1,
                                        .max_delay_ms = 1};
  assert_true(ekm_http_retry_new(c->http, &retry, &c->http, &c->err));
  c->vaults[0] = vault_of(f, c, FIXTURE_HOST);
  c->vaults[1] = vault_of(f, c, FIXTURE_OTHER_HOST);
  c->vaults[2] = vault_of(f, c, FIXTURE_FOREIGN_HOST);
  c->vaults[3] = vault_of(f, c, HSM_HOST);
  keyring_keyvault_options options = {.http = c->http,
                                      .vault_suffix = "vault.localhost",
                                      .vaults = c->vaults,
                                      .vault_count = 4,
                                      .others = &c->others,
                                      .keyring = *ring};
  assert_true(keyring_keyvault_connector_new(&options, &c->connector, &c->err));
}

static keyring_options usual_ring(const vault_fixture *f) {
  return (keyring_options){.crypto = f->crypto, .clock = ekm_clock_system(), .wrap_alg = "RSA-OAEP-256"};
}

static void open_client(client *c, vault_fixture *f) {
  const keyring_options ring = usual_ring(f);
  open_client_with(c, f, &ring);
}

static void close_client(client *c) {
  if (c->connector != NULL) c->connector->destroy(c->connector);
  ekm_http_free(&c->http);
}

static keyring_call call_now(void) {
  return (keyring_call){.deadline = ekm_deadline_in(ekm_clock_system(), CALL_MS)};
}

/* The SECRET of an application: its client id without hyphens, and the client secret. */
static void secret_of(const char *client_id, const char *client_secret, ekm_secret *out) {
  ekm_buf text;
  ekm_err err = {0};
  ekm_buf_init(&text, 1000);
  for (const char *at = client_id; *at != '\0'; at++) {
    if (*at != '-') ekm_buf_append_char(&text, *at);
  }
  ekm_buf_append_text(&text, client_secret);
  assert_true(ekm_secret_set(out, ekm_buf_view(&text), &err));
  ekm_buf_clear(&text);
}

static keyring *sign_in(client *c, const char *identity, const char *client_id, const char *client_secret) {
  keyring_call call = call_now();
  keyring *ring = NULL;
  ekm_secret secret = {0};
  secret_of(client_id, client_secret, &secret);
  ekm_err_clear(&c->err);
  bool ok = c->connector->connect(c->connector, identity, &secret, &call, &ring, &c->err);
  assert_int_equal(ok, ring != NULL);
  ekm_secret_clear(&secret);
  return ring;
}

static keyring *connect_app(client *c, const vault_fixture *f, const char *identity, fixture_app app) {
  keyring *ring = sign_in(c, identity, f->apps[app].client_id, f->apps[app].secret);
  if (ring == NULL) fail_msg("%s: %s", ekm_err_info_of(c->err.id)->name, c->err.detail);
  return ring;
}

static void check(bool ok, const ekm_err *err) {
  if (!ok) fail_msg("%s: %s", ekm_err_info_of(err->id)->name, err->detail);
}

/* Create a key in ${ring}'s vault; its thumbprint in ${thumb}. */
static void create(client *c, keyring *ring, const char *name, unsigned bits, uint8_t thumb[KEYRING_THUMB_BYTES]) {
  keyring_call call = call_now();
  keyring_key *key = NULL;
  check(keyring_create(ring, name, KEYRING_RSA, bits, &call, &key, &c->err), &c->err);
  assert_int_equal(keyring_key_bits(key), bits);
  memcpy(thumb, keyring_key_thumb(key).ptr, KEYRING_THUMB_BYTES);
  keyring_key_unref(&key);
}

static void a_wrapped_key_comes_back(void **state) {
  static const unsigned sizes[] = {2048, 3072, 4096};
  vault_fixture *f = *state;
  client c;
  uint8_t thumb[KEYRING_THUMB_BYTES];
  uint8_t dek[DEK_BYTES];
  open_client(&c, f);
  keyring *ring = connect_app(&c, f, "local", FIXTURE_FULL);
  memset(dek, 0x5A, sizeof dek);
  for (size_t i = 0; i < 3; i++) {
    char name[32];
    keyring_call call = call_now();
    keyring_key *key = NULL;
    ekm_buf wrapped, plain;
    ekm_buf_init(&wrapped, EKM_LIMIT_RSA_MODULUS_BYTES);
    ekm_buf_init(&plain, EKM_LIMIT_RSA_MODULUS_BYTES);
    (void)snprintf(name, sizeof name, "wrapped-%u", sizes[i]);
    create(&c, ring, name, sizes[i], thumb);
    check(keyring_by_thumb(ring, ekm_view_of(thumb, sizeof thumb), &call, &key, &c.err), &c.err);
    check(keyring_wrap(ring, key, ekm_view_of(dek, sizeof dek), &call, &wrapped, &c.err), &c.err);
    assert_int_equal(wrapped.len, sizes[i] / 8);
    check(keyring_unwrap(ring, key, ekm_buf_view(&wrapped), &call, &plain, &c.err), &c.err);
    assert_true(ekm_view_equal(ekm_buf_view(&plain), ekm_view_of(dek, sizeof dek)));
    ekm_buf_reset(&plain);
    wrapped.ptr[9] ^= 1;
    assert_false(keyring_unwrap(ring, key, ekm_buf_view(&wrapped), &call, &plain, &c.err));
    assert_int_equal(c.err.id, EKM_E_UNWRAP_REFUSED);
    assert_int_equal(plain.len, 0);
    assert_true(c.err.request_id[0] != '\0');
    ekm_buf_clear(&wrapped);
    ekm_buf_clear(&plain);
    keyring_key_unref(&key);
  }
  keyring_unref(&ring);
  close_client(&c);
}

/* Unwrap with a new connector, as a new process would; the number of requests. */
static int cold_unwrap(vault_fixture *f, const char *name, ekm_view thumb, ekm_view wrapped) {
  client c;
  keyring_key *key = NULL;
  ekm_buf plain;
  open_client(&c, f);
  ekm_buf_init(&plain, EKM_LIMIT_RSA_MODULUS_BYTES);
  keyring *ring = connect_app(&c, f, name != NULL ? "local" : "other", name != NULL ? FIXTURE_FULL : FIXTURE_OTHER);
  assert_int_equal(c.requests, 2);
  keyring_call call = call_now();
  bool found = name != NULL ? keyring_by_name(ring, name, NULL, &call, &key, &c.err)
                            : keyring_by_thumb(ring, thumb, &call, &key, &c.err);
  check(found, &c.err);
  check(keyring_unwrap(ring, key, wrapped, &call, &plain, &c.err), &c.err);
  int cold = c.requests;
  ekm_buf_reset(&plain);
  check(keyring_unwrap(ring, key, wrapped, &call, &plain, &c.err), &c.err);
  assert_int_equal(c.requests, cold + 1);
  keyring *again = connect_app(&c, f, name != NULL ? "local" : "other", name != NULL ? FIXTURE_FULL : FIXTURE_OTHER);
  assert_ptr_equal(again, ring);
  assert_int_equal(c.requests, cold + 1);
  ekm_buf_clear(&plain);
  keyring_key_unref(&key);
  keyring_unref(&again);
  keyring_unref(&ring);
  close_client(&c);
  return cold;
}

/* Wrap something under a new key; appended to ${out}. */
static void wrap_under(vault_fixture *f, const char *vault, fixture_app app, const char *name, uint8_t *thumb,
                       ekm_buf *out) {
  client c;
  keyring_key *key = NULL;
  open_client(&c, f);
  keyring *ring = connect_app(&c, f, vault, app);
  create(&c, ring, name, 2048, thumb);
  keyring_call call = call_now();
  check(keyring_by_thumb(ring, ekm_view_of(thumb, KEYRING_THUMB_BYTES), &call, &key, &c.err), &c.err);
  check(keyring_wrap(ring, key, ekm_view_text("a key of a database"), &call, out, &c.err), &c.err);
  keyring_key_unref(&key);
  keyring_unref(&ring);
  close_client(&c);
}

static void a_cold_start_costs_four_or_five(void **state) {
  vault_fixture *f = *state;
  uint8_t thumb[KEYRING_THUMB_BYTES];
  ekm_buf by_name, by_thumb;
  ekm_buf_init(&by_name, EKM_LIMIT_RSA_MODULUS_BYTES);
  ekm_buf_init(&by_thumb, EKM_LIMIT_RSA_MODULUS_BYTES);
  wrap_under(f, "local", FIXTURE_FULL, "cold", thumb, &by_name);
  assert_int_equal(cold_unwrap(f, "cold", (ekm_view){NULL, 0}, ekm_buf_view(&by_name)), 4);
  wrap_under(f, "other", FIXTURE_OTHER, "the-only-one", thumb, &by_thumb);
  assert_int_equal(cold_unwrap(f, NULL, ekm_view_of(thumb, sizeof thumb), ekm_buf_view(&by_thumb)), 5);
  ekm_buf_clear(&by_name);
  ekm_buf_clear(&by_thumb);
}

static void wrong_credentials_are_refused(void **state) {
  vault_fixture *f = *state;
  const fixture_credential *full = &f->apps[FIXTURE_FULL];
  client c;
  open_client(&c, f);
  assert_null(sign_in(&c, "local", full->client_id, "not-the-secret"));
  assert_int_equal(c.err.id, EKM_E_TOKEN_REFUSED);
  assert_non_null(strstr(c.err.detail, "AADSTS7000215"));
  assert_null(sign_in(&c, "local", full->client_id, full->expired_secret));
  assert_int_equal(c.err.id, EKM_E_TOKEN_REFUSED);
  assert_non_null(strstr(c.err.detail, "AADSTS7000222"));
  assert_null(sign_in(&c, "local", "00000000-0000-0000-0000-000000000001", full->secret));
  assert_int_equal(c.err.id, EKM_E_TOKEN_REFUSED);
  assert_non_null(strstr(c.err.detail, "AADSTS700016"));
  assert_null(sign_in(&c, "foreign", full->client_id, full->secret)); /* another tenant's vault */
  assert_int_equal(c.err.id, EKM_E_TOKEN_REFUSED);
  close_client(&c);
}

static void a_foreign_authority_gets_no_request(void **state) {
  vault_fixture *f = *state;
  client c;
  open_client(&c, f);
  c.vaults[0].authority_host = "login.elsewhere.example";
  assert_null(sign_in(&c, "local", f->apps[FIXTURE_FULL].client_id, f->apps[FIXTURE_FULL].secret));
  assert_int_equal(c.err.id, EKM_E_AUTHORITY_FOREIGN);
  assert_int_equal(c.requests, 1);
  close_client(&c);
}

static void rights_and_names_have_their_errors(void **state) {
  vault_fixture *f = *state;
  client c;
  uint8_t thumb[KEYRING_THUMB_BYTES];
  keyring_key *key = NULL;
  ekm_buf out;
  open_client(&c, f);
  ekm_buf_init(&out, EKM_LIMIT_RSA_MODULUS_BYTES);
  keyring *full = connect_app(&c, f, "local", FIXTURE_FULL);
  keyring *reader = connect_app(&c, f, "local", FIXTURE_READER);
  keyring_call call = call_now();
  create(&c, full, "guarded", 2048, thumb);
  check(keyring_by_name(reader, "guarded", NULL, &call, &key, &c.err), &c.err);
  assert_false(keyring_wrap(reader, key, ekm_view_text("x"), &call, &out, &c.err));
  assert_int_equal(c.err.id, EKM_E_VAULT_FORBIDDEN);
  assert_int_equal(c.err.http_status, 403);
  keyring_key_unref(&key);
  assert_false(keyring_create(reader, "denied", KEYRING_RSA, 2048, &call, &key, &c.err));
  assert_int_equal(c.err.id, EKM_E_VAULT_FORBIDDEN);
  assert_false(keyring_by_name(full, "absent", NULL, &call, &key, &c.err));
  assert_int_equal(c.err.id, EKM_E_KEY_NOT_FOUND);
  assert_false(keyring_create(full, "guarded", KEYRING_RSA, 2048, &call, &key, &c.err));
  assert_int_equal(c.err.id, EKM_E_KEY_EXISTS);
  check(keyring_by_name(full, "guarded", NULL, &call, &key, &c.err), &c.err);
  check(keyring_drop(full, key, &call, &c.err), &c.err);
  keyring_key_unref(&key);
  assert_false(keyring_create(full, "guarded", KEYRING_RSA, 2048, &call, &key, &c.err));
  assert_int_equal(c.err.id, EKM_E_KEY_DELETED);
  ekm_buf_clear(&out);
  keyring_unref(&reader);
  keyring_unref(&full);
  close_client(&c);
}

/* The vault's clock runs away, so that it takes our token for an expired one: a new one is fetched without a word. */
static void an_expired_token_is_replaced(void **state) {
  vault_fixture *f = *state;
  client c;
  uint8_t thumb[KEYRING_THUMB_BYTES];
  keyring_key *key = NULL;
  open_client(&c, f);
  keyring *ring = connect_app(&c, f, "local", FIXTURE_FULL);
  create(&c, ring, "long-lived", 2048, thumb);
  fake_clock_pass(&f->clock, (int64_t)48 * 3600 * 1000);
  int before = c.requests;
  keyring_call call = call_now();
  check(keyring_by_name(ring, "long-lived", NULL, &call, &key, &c.err), &c.err);
  assert_int_equal(c.requests, before + 3); /* rejected, token, again */
  keyring_key_unref(&key);
  keyring_unref(&ring);
  close_client(&c);
}

/* What others have wrapped: by a client of the vault's, with any algorithm. */
static void wrap_by(client *c, vault_fixture *f, const keyring_key *key, const char *alg, ekm_buf *out) {
  akv_options options = {
      .http = c->http, .clock = ekm_clock_system(), .rng = ekm_crypto_rng(f->crypto), .vault = &c->vaults[0]};
  ekm_secret secret = {0};
  akv_client *other = NULL;
  const akv_call call = {.deadline = ekm_deadline_in(ekm_clock_system(), CALL_MS)};
  const akv_wrap_key wrap_key = {keyring_key_name(key), keyring_key_version(key), alg};
  check(ekm_secret_set(&secret, ekm_view_text(f->apps[FIXTURE_FULL].secret), &c->err), &c->err);
  check(akv_client_new(
            &options,
            &(akv_identity){.kind = AKV_CLIENT_SECRET, .client_id = f->apps[FIXTURE_FULL].client_id, .secret = &secret},
            &other, &c->err),
        &c->err);
  check(akv_wrap(other, &wrap_key, ekm_view_text("a DEK of old"), &call, out, &c->err), &c->err);
  akv_client_free(&other);
  ekm_secret_clear(&secret);
}

static void reverse(ekm_buf *bytes) {
  for (size_t i = 0; i < bytes->len / 2; i++) {
    uint8_t byte = bytes->ptr[i];
    bytes->ptr[i] = bytes->ptr[bytes->len - 1 - i];
    bytes->ptr[bytes->len - 1 - i] = byte;
  }
}

/* Unwrap twice: so many requests the first time, one the second, since the way is known then. */
static void unwrap_twice(client *c, keyring *ring, const keyring_key *key, const ekm_buf *wrapped, int requests) {
  ekm_buf plain;
  ekm_buf_init(&plain, EKM_LIMIT_RSA_MODULUS_BYTES);
  for (int i = 0; i < 2; i++) {
    keyring_call call = call_now();
    int before = c->requests;
    ekm_buf_reset(&plain);
    check(keyring_unwrap(ring, key, ekm_buf_view(wrapped), &call, &plain, &c->err), &c->err);
    assert_string_equal(ekm_buf_text(&plain), "a DEK of old");
    assert_int_equal(c->requests - before, i == 0 ? requests : 1);
  }
  ekm_buf_clear(&plain);
}

static void what_others_have_wrapped_comes_back(void **state) {
  static const struct {
    const char *alg;
    bool reversed;
    int requests;
  } cases[] = {{"RSA-OAEP-256", false, 1}, {"RSA-OAEP", false, 2}, {"RSA-OAEP-256", true, 3}, {"RSA-OAEP", true, 4}};
  vault_fixture *f = *state;
  client c;
  uint8_t thumb[KEYRING_THUMB_BYTES];
  keyring_key *key = NULL;
  keyring_call call = call_now();
  keyring_options options = usual_ring(f);
  options.unwrap_reversed = options.unwrap_rsa1_5 = true;
  open_client_with(&c, f, &options);
  keyring *ring = connect_app(&c, f, "local", FIXTURE_FULL);
  create(&c, ring, "of-old", 2048, thumb);
  check(keyring_by_thumb(ring, ekm_view_of(thumb, sizeof thumb), &call, &key, &c.err), &c.err);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    ekm_buf wrapped;
    ekm_buf_init(&wrapped, EKM_LIMIT_RSA_MODULUS_BYTES);
    wrap_by(&c, f, key, cases[i].alg, &wrapped);
    if (cases[i].reversed) reverse(&wrapped);
    unwrap_twice(&c, ring, key, &wrapped, cases[i].requests);
    ekm_buf_clear(&wrapped);
  }
  keyring_key_unref(&key);
  keyring_unref(&ring);
  close_client(&c);
}

/* RSA1_5 is asked for only where it was allowed. */
static void rsa1_5_wants_a_setting(void **state) {
  vault_fixture *f = *state;
  client c;
  uint8_t thumb[KEYRING_THUMB_BYTES];
  for (int allowed = 0; allowed < 2; allowed++) {
    keyring_call call = call_now();
    keyring_options options = usual_ring(f);
    keyring_key *key = NULL;
    ekm_buf wrapped, plain;
    ekm_buf_init(&wrapped, EKM_LIMIT_RSA_MODULUS_BYTES);
    ekm_buf_init(&plain, EKM_LIMIT_RSA_MODULUS_BYTES);
    options.unwrap_rsa1_5 = allowed == 1;
    open_client_with(&c, f, &options);
    keyring *ring = connect_app(&c, f, "local", FIXTURE_FULL);
    if (allowed == 0) create(&c, ring, "older-still", 2048, thumb);
    check(keyring_by_thumb(ring, ekm_view_of(thumb, sizeof thumb), &call, &key, &c.err), &c.err);
    wrap_by(&c, f, key, "RSA1_5", &wrapped);
    if (allowed == 1) {
      unwrap_twice(&c, ring, key, &wrapped, 3);
    } else {
      int before = c.requests;
      assert_false(keyring_unwrap(ring, key, ekm_buf_view(&wrapped), &call, &plain, &c.err));
      assert_int_equal(c.err.id, EKM_E_UNWRAP_REFUSED);
      assert_int_equal(c.requests - before, 2);
    }
    ekm_buf_clear(&wrapped);
    ekm_buf_clear(&plain);
    keyring_key_unref(&key);
    keyring_unref(&ring);
    close_client(&c);
  }
}

static ekm_err_id unwrap_once(client *c, keyring *ring, const keyring_key *key, const ekm_buf *wrapped) {
  ekm_buf plain;
  keyring_call call = call_now();
  ekm_err_clear(&c->err);
  ekm_buf_init(&plain, EKM_LIMIT_RSA_MODULUS_BYTES);
  bool ok = keyring_unwrap(ring, key, ekm_buf_view(wrapped), &call, &plain, &c->err);
  if (ok) assert_string_equal(ekm_buf_text(&plain), "a DEK of old");
  ekm_buf_clear(&plain);
  return c->err.id;
}

/* Kept for an hour of which no test waits the end: how time counts is for test_unwraps. */
static void an_outage_is_not_noticed_while_answers_are_kept(void **state) {
  vault_fixture *f = *state;
  client c;
  uint8_t thumb[KEYRING_THUMB_BYTES];
  keyring_key *key = NULL;
  keyring_call call = call_now();
  keyring_options options = usual_ring(f);
  ekm_buf wrapped, other;
  ekm_buf_init(&wrapped, EKM_LIMIT_RSA_MODULUS_BYTES);
  ekm_buf_init(&other, EKM_LIMIT_RSA_MODULUS_BYTES);
  options.keep_ms = 3600000;
  open_client_with(&c, f, &options);
  keyring *ring = connect_app(&c, f, "local", FIXTURE_FULL);
  create(&c, ring, "kept", 2048, thumb);
  check(keyring_by_thumb(ring, ekm_view_of(thumb, sizeof thumb), &call, &key, &c.err), &c.err);
  wrap_by(&c, f, key, "RSA-OAEP-256", &wrapped);
  wrap_by(&c, f, key, "RSA-OAEP-256", &other);
  assert_int_equal(unwrap_once(&c, ring, key, &wrapped), EKM_E_OK);
  atomic_store(&c.cut, 1);
  assert_int_equal(unwrap_once(&c, ring, key, &wrapped), EKM_E_OK);
  assert_int_equal(unwrap_once(&c, ring, key, &other), EKM_E_CONNECT);
  assert_int_equal(unwrap_once(&c, ring, key, &wrapped), EKM_E_OK);
  atomic_store(&c.cut, 0);
  assert_int_equal(unwrap_once(&c, ring, key, &other), EKM_E_OK);
  ekm_buf_clear(&wrapped);
  ekm_buf_clear(&other);
  keyring_key_unref(&key);
  keyring_unref(&ring);
  close_client(&c);
}

/* What an administrator does once for each replica: backup, restore, and the application's rights. */
static void copy_to_other(vault_fixture *f, const char *name) {
  https_answer backup, restored;
  char path[64];
  static char body[32768];
  ekm_err err = {0};
  const vault_directory *dir = NULL;
  (void)snprintf(path, sizeof path, "/keys/%s/backup", name);
  vault_fixture_call(f, FIXTURE_FULL, "POST", path, "", &backup);
  assert_int_equal(backup.status, 200);
  int len = snprintf(body, sizeof body, "{\"value\":\"%s\"}", ekm_json_text(backup.doc, "value"));
  assert_in_range(len, 1, sizeof body - 1);
  vault_fixture_call(f, FIXTURE_OTHER, "POST", "/keys/restore", body, &restored);
  assert_int_equal(restored.status, 200);
  https_answer_clear(&backup);
  https_answer_clear(&restored);
  assert_true(vault_store_directory(f->store, &dir, &err));
  int64_t id = vault_directory_vault_by_name(dir, "other")->id;
  vault_directory_release(&dir);
  vault_permissions needed = VAULT_MAY_GET | VAULT_MAY_LIST | VAULT_MAY_UNWRAP;
  assert_true(vault_store_grant_set(f->store, id, f->apps[FIXTURE_FULL].client_id, needed, &err));
}

/* SQL Server starts while the vault is away: sign-in, look-up and unwrap all go to the copy. */
static void a_restart_in_an_outage_uses_the_replica(void **state) {
  vault_fixture *f = *state;
  client c;
  uint8_t thumb[KEYRING_THUMB_BYTES];
  ekm_buf wrapped, plain;
  keyring_call call = call_now();
  ekm_buf_init(&wrapped, EKM_LIMIT_RSA_MODULUS_BYTES);
  ekm_buf_init(&plain, EKM_LIMIT_RSA_MODULUS_BYTES);
  wrap_under(f, "local", FIXTURE_FULL, "copied", thumb, &wrapped);
  copy_to_other(f, "copied");
  open_client(&c, f);
  c.cut_host = FIXTURE_HOST;
  atomic_store(&c.cut, 1);
  assert_null(sign_in(&c, "local", f->apps[FIXTURE_FULL].client_id, f->apps[FIXTURE_FULL].secret));
  assert_int_equal(c.err.id, EKM_E_CONNECT);
  c.vaults[0].replicas = FIXTURE_OTHER_HOST;
  keyring *ring = connect_app(&c, f, "local", FIXTURE_FULL);
  check(keyring_unwrap_by_thumb(ring, ekm_view_of(thumb, sizeof thumb), ekm_buf_view(&wrapped), &call, &plain, &c.err),
        &c.err);
  assert_string_equal(ekm_buf_text(&plain), "a key of a database");
  keyring_unref(&ring);

  atomic_store(&c.cut, 0); /* and a wrong secret is wrong at once */
  assert_null(sign_in(&c, "local", f->apps[FIXTURE_FULL].client_id, "wrong"));
  assert_int_equal(c.err.id, EKM_E_TOKEN_REFUSED);
  ekm_buf_clear(&wrapped);
  ekm_buf_clear(&plain);
  close_client(&c);
}

static void add_hsm(vault_fixture *f) {
  ekm_err err = {0};
  const vault_directory *dir = NULL;
  const fixture_credential *app = &f->apps[FIXTURE_FULL];
  assert_true(
      vault_store_vault_add(f->store, &(vault_spec){.name = "pool", .tenant = app->tenant, .is_hsm = true}, &err));
  assert_true(vault_store_directory(f->store, &dir, &err));
  int64_t id = vault_directory_vault_by_name(dir, "pool")->id;
  vault_directory_release(&dir);
  const vault_role *role = vault_role_named("Managed HSM Crypto User");
  assert_true(vault_store_role_add(f->store, id, app->client_id, role, "", &err));
}

/* What a process finds that knows the thumbprint only: the vault does not tell the length of an AES key. */
static void open_aes(vault_fixture *f, const uint8_t *thumb, unsigned bits, ekm_view iv, ekm_view sealed) {
  client c;
  ekm_buf plain;
  keyring_key *key = NULL;
  keyring_call call = call_now();
  ekm_buf_init(&plain, 256);
  open_client(&c, f);
  keyring *ring = connect_app(&c, f, HSM_HOST, FIXTURE_FULL);
  check(keyring_by_thumb(ring, ekm_view_of(thumb, KEYRING_THUMB_BYTES), &call, &key, &c.err), &c.err);
  assert_int_equal(keyring_key_kind(key), KEYRING_AES);
  assert_int_equal(keyring_key_bits(key), bits);
  check(keyring_decrypt(ring, key, iv, sealed, &call, &plain, &c.err), &c.err);
  assert_string_equal(ekm_buf_text(&plain), "a column of a table");
  keyring_key_unref(&key);
  keyring_unref(&ring);
  ekm_buf_clear(&plain);
  close_client(&c);
}

static void aes_keys_of_a_managed_hsm_encrypt(void **state) {
  static const unsigned sizes[] = {128, 192, 256};
  static const uint8_t iv[KEYRING_IV_BYTES] = {9, 8, 7};
  vault_fixture *f = *state;
  client c;
  add_hsm(f);
  open_client(&c, f);
  keyring *ring = connect_app(&c, f, HSM_HOST, FIXTURE_FULL);
  for (size_t i = 0; i < 3; i++) {
    char name[16], pinned[128];
    uint8_t thumb[KEYRING_THUMB_BYTES];
    keyring_call call = call_now();
    keyring_key *key = NULL;
    ekm_buf sealed;
    ekm_buf_init(&sealed, 256);
    (void)snprintf(name, sizeof name, "aes-%u", sizes[i]);
    check(keyring_create(ring, name, KEYRING_AES, sizes[i], &call, &key, &c.err), &c.err);
    assert_int_equal(keyring_key_bits(key), sizes[i]);
    (void)snprintf(pinned, sizeof pinned, "oct|%s|%s", name, keyring_key_version(key));
    uint8_t digest[EKM_SHA256_BYTES];
    assert_true(ekm_crypto_sha256(f->crypto, ekm_view_text(pinned), digest, &c.err));
    assert_memory_equal(keyring_key_thumb(key).ptr, digest, KEYRING_THUMB_BYTES);
    memcpy(thumb, digest, sizeof thumb);
    check(keyring_encrypt(ring, key, ekm_view_of(iv, sizeof iv), ekm_view_text("a column of a table"), &call, &sealed,
                          &c.err),
          &c.err);
    open_aes(f, thumb, sizes[i], ekm_view_of(iv, sizeof iv), ekm_buf_view(&sealed));
    keyring_key_unref(&key);
    ekm_buf_clear(&sealed);
  }
  keyring_unref(&ring);
  close_client(&c);
}

/* A vault that is no Managed HSM has none. */
static void a_vault_makes_no_aes_key(void **state) {
  vault_fixture *f = *state;
  client c;
  keyring_key *key = NULL;
  keyring_call call = call_now();
  open_client(&c, f);
  keyring *ring = connect_app(&c, f, "local", FIXTURE_FULL);
  assert_false(keyring_create(ring, "aes", KEYRING_AES, 256, &call, &key, &c.err));
  assert_int_equal(c.err.id, EKM_E_VAULT_BAD_REQUEST);
  keyring_unref(&ring);
  close_client(&c);
}

static void trouble(vault_fixture *f, const char *kind, int times) {
  https_answer answer;
  char body[256];
  (void)snprintf(body, sizeof body, "{\"trouble\":[{\"operation\":\"key_unwrap\",\"kind\":\"%s\",\"times\":%d}]}", kind,
                 times);
  https_client_send(&f->client,
                    &(https_request){.method = "PUT", .host = "localhost", .path = "/_akvd/trouble", .body = body},
                    &answer);
  assert_int_equal(answer.status, 200);
  https_answer_clear(&answer);
}

/* What passes is not seen by the engine; what lasts has an error of its own. */
static void passing_trouble_is_not_noticed(void **state) {
  static const struct {
    const char *kind;
    ekm_err_id lasting;
  } kinds[] = {{"throttle", EKM_E_VAULT_THROTTLED},       {"error", EKM_E_VAULT_SERVER_ERROR},
               {"unavailable", EKM_E_VAULT_SERVER_ERROR}, {"reset", EKM_E_HTTP_RECEIVE},
               {"html", EKM_E_VAULT_SERVER_ERROR},        {"truncate", EKM_E_HTTP_RECEIVE}};
  vault_fixture *f = *state;
  client c;
  uint8_t thumb[KEYRING_THUMB_BYTES];
  keyring_key *key = NULL;
  keyring_call call = call_now();
  ekm_buf wrapped;
  ekm_buf_init(&wrapped, EKM_LIMIT_RSA_MODULUS_BYTES);
  open_client(&c, f);
  keyring *ring = connect_app(&c, f, "local", FIXTURE_FULL);
  create(&c, ring, "in-trouble", 2048, thumb);
  check(keyring_by_thumb(ring, ekm_view_of(thumb, sizeof thumb), &call, &key, &c.err), &c.err);
  wrap_by(&c, f, key, "RSA-OAEP-256", &wrapped);
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    trouble(f, kinds[i].kind, RETRIES);
    int before = c.requests;
    if (unwrap_once(&c, ring, key, &wrapped) != EKM_E_OK) fail_msg("%s: %s", kinds[i].kind, c.err.detail);
    bool is_reset = strcmp(kinds[i].kind, "reset") == 0; /* libcurl itself repeats on another connection then */
    if (!is_reset && c.requests - before != RETRIES + 1) fail_msg("%s: %d", kinds[i].kind, c.requests - before);
    trouble(f, kinds[i].kind, 100);
    ekm_err_id id = unwrap_once(&c, ring, key, &wrapped);
    if (id != kinds[i].lasting) fail_msg("%s: %s", kinds[i].kind, ekm_err_info_of(id)->name);
    trouble(f, "none", 1);
  }
  ekm_buf_clear(&wrapped);
  keyring_key_unref(&key);
  keyring_unref(&ring);
  close_client(&c);
}

typedef struct worker {
  client *c;
  vault_fixture *f;
  ekm_thread *thread;
  int failed;
} worker;

static void run_worker(void *arg) {
  worker *w = arg;
  ekm_err err = {0};
  ekm_secret secret = {0};
  secret_of(w->f->apps[FIXTURE_FULL].client_id, w->f->apps[FIXTURE_FULL].secret, &secret);
  for (int i = 0; i < 10; i++) {
    keyring_call call = call_now();
    keyring *ring = NULL;
    keyring_key *key = NULL;
    ekm_buf wrapped, plain;
    ekm_buf_init(&wrapped, EKM_LIMIT_RSA_MODULUS_BYTES);
    ekm_buf_init(&plain, EKM_LIMIT_RSA_MODULUS_BYTES);
    bool ok = w->c->connector->connect(w->c->connector, "local", &secret, &call, &ring, &err) &&
              keyring_by_name(ring, "shared", NULL, &call, &key, &err) &&
              keyring_wrap(ring, key, ekm_view_text("dek"), &call, &wrapped, &err) &&
              keyring_unwrap(ring, key, ekm_buf_view(&wrapped), &call, &plain, &err) &&
              ekm_view_equal(ekm_buf_view(&plain), ekm_view_text("dek"));
    if (!ok) w->failed++;
    ekm_buf_clear(&wrapped);
    ekm_buf_clear(&plain);
    keyring_key_unref(&key);
    keyring_unref(&ring);
  }
  ekm_secret_clear(&secret);
}

static void threads_share_one_sign_in(void **state) {
  enum { THREADS = 16 };
  vault_fixture *f = *state;
  worker workers[THREADS] = {0};
  uint8_t thumb[KEYRING_THUMB_BYTES];
  client c;
  ekm_err err = {0};
  open_client(&c, f);
  keyring *ring = connect_app(&c, f, "local", FIXTURE_FULL);
  create(&c, ring, "shared", 2048, thumb);
  keyring_unref(&ring);
  close_client(&c);
  open_client(&c, f);
  for (int i = 0; i < THREADS; i++) {
    workers[i].c = &c;
    workers[i].f = f;
    assert_true(ekm_thread_start(&workers[i].thread, run_worker, &workers[i], &err));
  }
  for (int i = 0; i < THREADS; i++) {
    ekm_thread_join(&workers[i].thread);
    assert_int_equal(workers[i].failed, 0);
  }
  assert_int_equal(c.requests, 2 + THREADS * 10 * 3);
  close_client(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_wrapped_key_comes_back),
      cmocka_unit_test(a_cold_start_costs_four_or_five),
      cmocka_unit_test(wrong_credentials_are_refused),
      cmocka_unit_test(a_foreign_authority_gets_no_request),
      cmocka_unit_test(rights_and_names_have_their_errors),
      cmocka_unit_test(threads_share_one_sign_in),
      cmocka_unit_test(a_restart_in_an_outage_uses_the_replica),
      cmocka_unit_test(aes_keys_of_a_managed_hsm_encrypt),
      cmocka_unit_test(a_vault_makes_no_aes_key),
      cmocka_unit_test(an_expired_token_is_replaced), /* moves the clock: tokens of the fixture are old from here on */
      cmocka_unit_test(what_others_have_wrapped_comes_back),
      cmocka_unit_test(rsa1_5_wants_a_setting),
      cmocka_unit_test(passing_trouble_is_not_noticed),
      cmocka_unit_test(an_outage_is_not_noticed_while_answers_are_kept),
  };
  return cmocka_run_group_tests_name("client_akvd", tests, vault_fixture_set_up, vault_fixture_tear_down);
}
