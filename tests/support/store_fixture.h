/* A store in a new folder: what its tests need before they can begin, without a server.
 *
 *   vault "local"   app A: everything, the certificate of tests/vectors, a federated credential; app B: get and list
 *   vault "other"   (same tenant) app A: get
 *
 * There is one private key for all keys: the recorded one of tests/vectors/azure-rsa.json. The clock stands still until
 * a test moves it. The folder can be saved and put back as it was. */
#ifndef EKM_TESTS_SUPPORT_STORE_FIXTURE_H
#define EKM_TESTS_SUPPORT_STORE_FIXTURE_H

#include "crypto/crypto.h"
#include "support/fake_clock.h"
#include "vault/store.h"

#define STORE_SECRET_A "first-secret_0123456789"
#define STORE_SECRET_B "second-secret_987654321"

typedef struct store_fixture {
  char folder[256];
  ekm_crypto *crypto;
  fake_clock clock;
  size_t cached_keys;   /* of the next opening; 0: the default */
  vault_store *store;   /* NULL while a test has it closed */
  ekm_buf der;          /* the private key, PKCS #8 */
  ekm_buf modulus;      /* as the recorded import wrote it, with a leading zero */
  ekm_buf d, p, q;      /* what may be in no file */
  ekm_buf image;        /* vault.db as it was saved */
  int64_t local, other; /* vault ids */
  char app_a[VAULT_GUID_CHARS + 1], app_b[VAULT_GUID_CHARS + 1];
  char certificate_id[VAULT_GUID_CHARS + 1], federation_id[VAULT_GUID_CHARS + 1]; /* of app A's */
} store_fixture;

/* store_fixture_set_up(state), store_fixture_tear_down(state): for cmocka groups or tests. */
int store_fixture_set_up(void **state);
int store_fixture_tear_down(void **state);

/* store_fixture_path(f, name): the path of a file in the folder; static, until the next call. */
const char *store_fixture_path(const store_fixture *f, const char *name);

/* store_fixture_try(f, out_store, err): open the folder; one can be opened several times. */
EKM_MUST_USE bool store_fixture_try(store_fixture *f, vault_store **out_store, ekm_err *err);

/* store_fixture_reopen(f): close f->store and open it again. */
void store_fixture_reopen(store_fixture *f);

/* store_fixture_save(f): close the store and remember its database. store_fixture_restore(f): put it back; the store
 * stays closed. */
void store_fixture_save(store_fixture *f);
void store_fixture_restore(store_fixture *f);

/* store_fixture_key(f): another copy of the private key. */
vault_material *store_fixture_key(store_fixture *f);

/* store_fixture_add(f, store, vault_id, name, out_version): add the key under ${name}. */
EKM_MUST_USE bool store_fixture_add(store_fixture *f, vault_store *store, int64_t vault_id, const char *name,
                                    char out_version[EKM_LIMIT_KEY_VERSION_CHARS + 1], ekm_err *err);

/* store_fixture_use(store, vault_id, name, version, err): get a key, encrypt with it and decrypt again. */
EKM_MUST_USE bool store_fixture_use(vault_store *store, int64_t vault_id, const char *name, const char *version,
                                    ekm_err *err);

/* store_fixture_enable(store, vault_id, name, version, enabled, err). */
EKM_MUST_USE bool store_fixture_enable(vault_store *store, int64_t vault_id, const char *name, const char *version,
                                       bool enabled, ekm_err *err);

#endif
