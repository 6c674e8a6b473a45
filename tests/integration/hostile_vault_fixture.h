/* The provider in front of a vault that lies: a session is walked up to one step, and the code of the call that needs
 * that step is what the walk answers.
 *
 *   CHALLENGE, TOKEN   SqlCryptOpenSession
 *   KEY                SqlCryptGetKeyInfoByName
 *   LIST               SqlCryptGetKeyInfoByThumb, cold
 *   VERSIONS           the same of a thumbprint that nothing has: KEY_NOT_FOUND where all is honest
 *   WRAP, UNWRAP       SqlCryptEncrypt, SqlCryptDecrypt */
#ifndef EKM_TESTS_INTEGRATION_HOSTILE_VAULT_FIXTURE_H
#define EKM_TESTS_INTEGRATION_HOSTILE_VAULT_FIXTURE_H

#include "support/connector.h"
#include "support/hostile_server.h"

#define HOSTILE_CLIENT_ID "0123456789abcdef0123456789abcdef"
#define HOSTILE_SECRET "canary-client-secret~that.nobody-may-see"
#define HOSTILE_DEK "canary plaintext of 32 bytes ...."

typedef struct hostile_vault_fixture {
  connector connector;
  hostile_server *server;
  char credential[160];
  int credentials;                           /* that were used so far */
  uint8_t thumb[SQLCP_MAX_THUMBPRINT_BYTES]; /* of the honest key */
  size_t thumb_len;
} hostile_vault_fixture;

/* hostile_vault_set_up(state), hostile_vault_tear_down(state): for cmocka groups. */
int hostile_vault_set_up(void **state);
int hostile_vault_tear_down(void **state);

/* hostile_vault_patience(f, timeout_ms): load the provider anew with this call_timeout_ms; ten seconds at first. */
void hostile_vault_patience(hostile_vault_fixture *f, int timeout_ms);

/* hostile_vault_fresh(f): the server honest and its counters 0, the credential one that the provider has never seen. */
void hostile_vault_fresh(hostile_vault_fixture *f);

/* hostile_vault_open(f, out_session): SqlCryptOpenSession with the credential of now. */
uint32_t hostile_vault_open(hostile_vault_fixture *f, host_session **out_session);

/* What hostile_vault_walk answers for a plaintext that is not the one that was wrapped. */
enum { HOSTILE_OTHER_PLAINTEXT = INT32_MAX };

/* hostile_vault_walk(f, step): from a new session up to ${step}; everything before it must succeed. */
uint32_t hostile_vault_walk(hostile_vault_fixture *f, hostile_step step);

/* hostile_vault_assert_discreet(f): the secret went to the sign-in host only, tokens to the vault only. */
void hostile_vault_assert_discreet(hostile_vault_fixture *f);

/* What lies are made of. */
#define HOSTILE_HTML "<!DOCTYPE html><html><body>Sign in to the guest network</body></html>"
#define HOSTILE_HTML_TYPE "Content-Type: text/html\r\n"
#define HOSTILE_ERROR(code, message) "{\"error\":{\"code\":\"" code "\",\"message\":\"" message "\"}}"
#define HOSTILE_INNER(code, inner) \
  "{\"error\":{\"code\":\"" code "\",\"message\":\"words\",\"innererror\":{\"code\":\"" inner "\"}}}"

/* The result of a walk where all is honest. */
#define HOSTILE_HONEST_RESULT(step) ((step) == HOSTILE_VERSIONS ? EKM_E_KEY_NOT_FOUND : EKM_E_OK)

/* One way of lying, and what the caller must hear. */
typedef struct hostile_case {
  const char *what;
  hostile_step step;
  hostile_play play;
  ekm_err_id expected;
} hostile_case;

/* hostile_vault_run(f, cases, count): each with a credential of its own; one that goes wrong does not keep the others
 * from being tried. */
void hostile_vault_run(hostile_vault_fixture *f, const hostile_case *cases, size_t count);
#define HOSTILE_RUN(state, cases) hostile_vault_run(*(state), (cases), sizeof(cases) / sizeof((cases)[0]))

#endif
