#include "support/store_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "support/cmocka_all.h"
#include "support/vectors.h"
#include "vault/certificate.h"
#include "vault/federation.h"
#include "vault/jwk.h"
#include "vault/store_manage.h"

enum { NUMBER_MAX_BYTES = 600, DER_MAX_BYTES = 8192, IMAGE_MAX_BYTES = 16 * 1024 * 1024 };

const char *store_fixture_path(const store_fixture *f, const char *name) {
  static char path[512];
  (void)snprintf(path, sizeof path, "%s/%s", f->folder, name);
  return path;
}

static vault_store_options options_of(const store_fixture *f) {
  return (vault_store_options){
      .folder = f->folder, .crypto = f->crypto, .clock = &f->clock.base, .cached_keys = f->cached_keys};
}

bool store_fixture_try(store_fixture *f, vault_store **out_store, ekm_err *err) {
  const vault_store_options options = options_of(f);
  return vault_store_open(&options, out_store, err);
}

void store_fixture_reopen(store_fixture *f) {
  ekm_err err = {0};
  vault_store_close(&f->store);
  if (!store_fixture_try(f, &f->store, &err)) fail_msg("%s: %s", ekm_err_info_of(err.id)->name, err.detail);
}

void store_fixture_save(store_fixture *f) {
  ekm_err err = {0};
  vault_store_close(&f->store);
  ekm_buf_reset(&f->image);
  assert_false(ekm_file_exists(store_fixture_path(f, "vault.db-wal"))); /* the last one that closes empties it */
  assert_true(ekm_file_read(store_fixture_path(f, "vault.db"), &f->image, &err));
}

void store_fixture_restore(store_fixture *f) {
  vault_store_close(&f->store);
  (void)unlink(store_fixture_path(f, "vault.db-wal"));
  (void)unlink(store_fixture_path(f, "vault.db-shm"));
  (void)unlink(store_fixture_path(f, "vault.db"));
  /* Without a sync, of which a test would do hundreds. */
  int fd = open(store_fixture_path(f, "vault.db"), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, f->image.ptr, f->image.len), f->image.len);
  assert_int_equal(close(fd), 0);
}

/* ---- the one private key ----------------------------------------------------------------------------------------- */

static bool read_key(store_fixture *f, ekm_err *err) {
  vault_jwk jwk;
  ekm_key *key = NULL;
  json_t *doc = vectors_load("azure-rsa.json");
  vault_jwk_init(&jwk);
  bool ok = vault_jwk_read(vectors_member(doc, "import_request.key"), &jwk, err);
  ekm_rsa_numbers numbers = vault_jwk_view(&jwk);
  ok = ok && ekm_key_import_rsa(f->crypto, &numbers, &key, err) && ekm_key_to_pkcs8(key, &f->der, err);
  ekm_buf_append_view(&f->modulus, numbers.n);
  ekm_buf_append_view(&f->d, numbers.d);
  ekm_buf_append_view(&f->p, numbers.p);
  ekm_buf_append_view(&f->q, numbers.q);
  ekm_key_free(&key);
  vault_jwk_clear(&jwk);
  ekm_json_free(&doc);
  return ok;
}

vault_material *store_fixture_key(store_fixture *f) {
  ekm_err err = {0};
  vault_material *key = NULL;
  assert_true(vault_material_read(&(vault_workshop){.crypto = f->crypto}, ekm_buf_view(&f->der), &key, &err));
  return key;
}

bool store_fixture_add(store_fixture *f, vault_store *store, int64_t vault_id, const char *name,
                       char out_version[EKM_LIMIT_KEY_VERSION_CHARS + 1], ekm_err *err) {
  const vault_key *added = NULL;
  const vault_key_spec spec = {.name = name,
                               .kty = "RSA",
                               .attributes = {.enabled = true},
                               .ops = VAULT_OP_RSA_DEFAULT,
                               .tags = "{\"made\":\"by a test\"}",
                               .n = ekm_buf_view(&f->modulus)};
  vault_material *material = NULL;
  if (!vault_material_read(&(vault_workshop){.crypto = f->crypto}, ekm_buf_view(&f->der), &material, err)) return false;
  bool ok = vault_store_key_add(store, vault_id, &spec, &material, &added, err);
  if (ok && out_version != NULL) memcpy(out_version, added->version, sizeof added->version);
  vault_key_release(&added);
  return ok;
}

bool store_fixture_use(vault_store *store, int64_t vault_id, const char *name, const char *version, ekm_err *err) {
  const vault_key *key = NULL;
  ekm_cipher_output wrapped;
  ekm_buf plain;
  ekm_buf_init(&wrapped.value, DER_MAX_BYTES);
  ekm_buf_init(&plain, DER_MAX_BYTES);
  bool ok = vault_store_key_get(store, vault_id, name, version, &key, err) &&
            vault_material_encrypt(key->material, "RSA-OAEP-256", &(ekm_cipher_input){.value = ekm_view_text(name)},
                                   &wrapped, err) &&
            vault_material_decrypt(key->material, "RSA-OAEP-256",
                                   &(ekm_cipher_input){.value = ekm_buf_view(&wrapped.value)}, &plain, err);
  if (ok) assert_true(ekm_view_equal(ekm_buf_view(&plain), ekm_view_text(name)));
  vault_key_release(&key);
  ekm_buf_clear(&wrapped.value);
  ekm_buf_clear(&plain);
  return ok;
}

bool store_fixture_enable(vault_store *store, int64_t vault_id, const char *name, const char *version, bool enabled,
                          ekm_err *err) {
  const vault_key *key = NULL;
  const vault_key_change change = {.set = VAULT_SET_ENABLED, .attributes = {.enabled = enabled}};
  bool ok = vault_store_key_update(store, vault_id, name, version, &change, &key, err);
  vault_key_release(&key);
  return ok;
}

/* ---- vaults and applications ------------------------------------------------------------------------------------- */

static bool add_app(store_fixture *f, const char *name, const char *secret_text, char client_id[VAULT_GUID_CHARS + 1],
                    ekm_err *err) {
  char id[VAULT_GUID_CHARS + 1];
  ekm_secret secret = {0};
  const vault_directory *dir = NULL;
  if (!vault_store_directory(f->store, &dir, err)) return false;
  f->local = vault_directory_vault_by_name(dir, "local")->id;
  f->other = vault_directory_vault_by_name(dir, "other")->id;
  bool ok = vault_store_app_add(f->store, vault_directory_vault_by_name(dir, "local")->tenant, name, client_id, err) &&
            ekm_secret_set(&secret, ekm_view_text(secret_text), err) &&
            vault_store_secret_add(f->store, client_id, &secret, 0, id, err);
  ekm_secret_clear(&secret);
  vault_directory_release(&dir);
  return ok;
}

static bool add_certificate(store_fixture *f, ekm_err *err) {
  vault_certificate certificate;
  ekm_buf pem;
  ekm_buf_init(&pem, DER_MAX_BYTES);
  vectors_read("client-certificate.pem", &pem);
  bool ok = vault_certificate_read(f->crypto, ekm_buf_view(&pem), &certificate, err) &&
            vault_store_certificate_add(f->store, f->app_a, &certificate, f->certificate_id, err);
  ekm_buf_clear(&pem);
  return ok;
}

static bool add_federation(store_fixture *f, ekm_err *err) {
  static const vault_federation federation = {.issuer = "https://issuer.example",
                                              .subject = "system:serviceaccount:default:sql",
                                              .audience = VAULT_FEDERATION_AUDIENCE,
                                              .keys = "{\"keys\":[]}"};
  return vault_store_federation_add(f->store, f->app_a, &federation, f->federation_id, err);
}

static bool add_role(store_fixture *f, ekm_err *err) {
  const vault_directory *dir = NULL;
  const vault_role *role = vault_role_named("Key Vault Crypto Service Encryption User");
  if (!vault_store_directory(f->store, &dir, err)) return false;
  int64_t vault_id = vault_directory_vault_by_name(dir, "roles")->id;
  vault_directory_release(&dir);
  return vault_store_role_add(f->store, vault_id, f->app_b, role, "", err);
}

static bool fill(store_fixture *f, ekm_err *err) {
  static const char tenant[] = "3f1b2c4d-0000-4000-8000-00000000a001";
  static const vault_spec local = {.name = "local", .tenant = tenant};
  static const vault_spec other = {.name = "other", .tenant = tenant, .retention_days = 7};
  static const vault_spec roles = {.name = "roles", .tenant = tenant, .by_roles = true, .purge_protection = true};
  return vault_store_vault_add(f->store, &local, err) && vault_store_vault_add(f->store, &other, err) &&
         vault_store_vault_add(f->store, &roles, err) && add_app(f, "A", STORE_SECRET_A, f->app_a, err) &&
         add_app(f, "B", STORE_SECRET_B, f->app_b, err) && add_certificate(f, err) && add_federation(f, err) &&
         add_role(f, err) && vault_store_grant_set(f->store, f->local, f->app_a, VAULT_MAY_ALL, err) &&
         vault_store_grant_set(f->store, f->local, f->app_b, VAULT_MAY_GET | VAULT_MAY_LIST, err) &&
         vault_store_grant_set(f->store, f->other, f->app_a, VAULT_MAY_GET, err);
}

int store_fixture_set_up(void **state) {
  static store_fixture f;
  ekm_err err = {0};
  const char *base = getenv("TMPDIR");
  memset(&f, 0, sizeof f);
  *state = &f;
  fake_clock_init(&f.clock);
  ekm_buf_init(&f.der, DER_MAX_BYTES);
  ekm_buf_init(&f.image, IMAGE_MAX_BYTES);
  ekm_buf *const numbers[] = {&f.modulus, &f.d, &f.p, &f.q};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) ekm_buf_init(numbers[i], NUMBER_MAX_BYTES);
  (void)snprintf(f.folder, sizeof f.folder, "%s/akvd-store-XXXXXX", base == NULL ? "/tmp" : base);
  if (mkdtemp(f.folder) == NULL) return -1;
  bool ok = ekm_crypto_new(&f.crypto, &err) && read_key(&f, &err);
  const vault_store_options options = options_of(&f);
  ok = ok && vault_store_create(&options, &err) && vault_store_open(&options, &f.store, &err) && fill(&f, &err);
  if (!ok) (void)fprintf(stderr, "the fixture: %s: %s\n", ekm_err_info_of(err.id)->name, err.detail);
  return ok ? 0 : -1;
}

int store_fixture_tear_down(void **state) {
  store_fixture *f = *state;
  const struct dirent *entry;
  vault_store_close(&f->store);
  DIR *dir = opendir(f->folder);
  while (dir != NULL && (entry = readdir(dir)) != NULL) (void)unlink(store_fixture_path(f, entry->d_name));
  if (dir != NULL) (void)closedir(dir);
  (void)rmdir(f->folder);
  ekm_buf *const bufs[] = {&f->der, &f->image, &f->modulus, &f->d, &f->p, &f->q};
  for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) ekm_buf_clear(bufs[i]);
  ekm_crypto_free(&f->crypto);
  return ekm_file_exists(f->folder) ? -1 : 0;
}
