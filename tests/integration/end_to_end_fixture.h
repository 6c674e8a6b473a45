/* The whole of it: akvd as a process with one application and one key, and libopenekm.so in front of it.
 *
 *   vault local   key "tde", RSA-2048   application "main": get, list, wrapKey, unwrapKey */
#ifndef EKM_TESTS_INTEGRATION_END_TO_END_FIXTURE_H
#define EKM_TESTS_INTEGRATION_END_TO_END_FIXTURE_H

#include "support/akvd_process.h"
#include "support/connector.h"

#define END_TO_END_HOST "local.vault.localhost"
#define END_TO_END_KEY "tde"
#define END_TO_END_RIGHTS "get,list,wrapKey,unwrapKey"
#define END_TO_END_DEK "a DEK that has 32 bytes of text.."

typedef struct end_to_end_fixture {
  connector connector;
  akvd_process akvd;
  akvd_app app;
} end_to_end_fixture;

/* end_to_end_set_up(state), end_to_end_tear_down(state): for cmocka groups; the provider is loaded. */
int end_to_end_set_up(void **state);
int end_to_end_tear_down(void **state);

/* end_to_end_reload(f, settings): write openekm.conf with ${settings} at its top, and load the provider anew. */
void end_to_end_reload(end_to_end_fixture *f, const char *settings);

/* end_to_end_open(f, app, out_session): with the credential of ${app}. */
uint32_t end_to_end_open(end_to_end_fixture *f, const akvd_app *app, host_session **out_session);

/* end_to_end_unwraps(session, key, wrapped): unwrap; fails the test if what comes back is not END_TO_END_DEK. */
uint32_t end_to_end_unwrap(const host_session *session, const host_key *key, ekm_view wrapped);

#endif
