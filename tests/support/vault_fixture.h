/* An akvd inside the test program: a store in a new folder, a server on a free port of 127.0.0.1, and a client.
 *
 *   tenant A   vault "local"   app FULL: everything;  app READER: get and list
 *              vault "other"   app OTHER: everything
 *   tenant B   vault "foreign" app FOREIGN: everything
 *
 * The clock stands still until a test moves it. All of the server's log is kept, to be searched for secrets. */
#ifndef EKM_TESTS_SUPPORT_VAULT_FIXTURE_H
#define EKM_TESTS_SUPPORT_VAULT_FIXTURE_H

#include "base/log.h"
#include "crypto/crypto.h"
#include "support/fake_clock.h"
#include "support/https_client.h"
#include "vault/server.h"
#include "vault/store.h"

#define FIXTURE_HOST "local.vault.localhost"
#define FIXTURE_OTHER_HOST "other.vault.localhost"
#define FIXTURE_FOREIGN_HOST "foreign.vault.localhost"
#define FIXTURE_RESOURCE "https://vault.localhost"

typedef enum fixture_app { FIXTURE_FULL, FIXTURE_READER, FIXTURE_OTHER, FIXTURE_FOREIGN, FIXTURE_APPS } fixture_app;

typedef struct fixture_credential {
  char tenant[VAULT_GUID_CHARS + 1];
  char client_id[VAULT_GUID_CHARS + 1];
  char object_id[VAULT_GUID_CHARS + 1];
  char secret[128];
  char expired_secret[128]; /* of FULL only, else "" */
  char token[4096];         /* for its vault's resource, from the token endpoint */
} fixture_credential;

typedef struct vault_fixture {
  char folder[64];
  ekm_crypto *crypto;
  fake_clock clock;
  ekm_token *token; /* from the next restart on; the test's */
  ekm_log *log;
  ekm_buf log_text;
  ekm_buf ca_pem, cert_pem, key_pem;
  vault_store *store;
  vault_server *server;
  https_client client;
  fixture_credential apps[FIXTURE_APPS];
} vault_fixture;

/* vault_fixture_set_up(state), vault_fixture_tear_down(state): for cmocka groups. The server's deadline of a request is
 * two seconds on the fake clock. */
int vault_fixture_set_up(void **state);
int vault_fixture_tear_down(void **state);

/* vault_fixture_restart(f): stop server and store and start them again from the folder, on another port. */
void vault_fixture_restart(vault_fixture *f);

/* vault_fixture_call(f, app, method, path, body, out):
 * A request to the app's vault with its token; "?api-version=7.5" is added if ${path} has no query. */
void vault_fixture_call(vault_fixture *f, fixture_app app, const char *method, const char *path, const char *body,
                        https_answer *out);

/* vault_fixture_token(f, app, version, out): ask the token endpoint v1 or v2 with the app's own credential. */
void vault_fixture_token(vault_fixture *f, fixture_app app, int version, https_answer *out);

/* vault_fixture_expect(answer, status, code, inner): check an error answer; ${inner} NULL: has none. */
void vault_fixture_expect(const https_answer *answer, long status, const char *code, const char *inner);

#endif
