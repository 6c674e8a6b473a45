/* Managed identities that are none: what a machine or a service in Azure has beside it, for tests of programs that
 * expect it there (facts/azure-key-vault.md section 2.5). One application of the vault is the identity, and whoever
 * asks gets a token for it; so it is off unless the server was started with it, and on this machine only.
 *
 *   a virtual machine (IMDS)   GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=...
 *                              Metadata: true
 *   an App Service             GET /msi/token?api-version=2019-08-01&resource=...
 *                              X-IDENTITY-HEADER: <what only the service's processes know>
 *   a server with Azure Arc    GET /metadata/identity/oauth2/token?api-version=2020-06-01&resource=...
 *                              Metadata: true
 *                              --> 401, WWW-Authenticate: Basic realm=<a file that only the privileged can read>
 *                              and again with Authorization: Basic <its content>; also api-version 2019-11-01
 *
 *   200 {"access_token":"..","expires_in":"86399","expires_on":"..","resource":"..","token_type":"Bearer", ...}
 *
 * App Service and Arc are there only if they were asked for; without Arc, its versions are IMDS's.
 *
 * Threads: an identity may be used by all threads. */
#ifndef EKM_VAULT_FAKE_IDENTITY_H
#define EKM_VAULT_FAKE_IDENTITY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "vault/store.h"

typedef struct fake_identity fake_identity;

/* Texts are copied, all else is borrowed. */
typedef struct fake_identity_options {
  vault_store *store;
  const ekm_crypto *crypto;
  const ekm_clock *clock;
  ekm_log *log;           /* NULL: no log */
  const char *client_id;  /* whose tokens are given */
  ekm_view header;        /* what App Service's header has to be; empty: there is none */
  const char *arc_folder; /* where Arc's files are made; NULL: there is none */
} fake_identity_options;

/* fake_identity_new(options, out, err): ABSENT if there is no such application. fake_identity_free(identity): NULL is
 * fine; sets the caller's pointer to NULL; Arc's files are removed. */
EKM_MUST_USE bool fake_identity_new(const fake_identity_options *options, fake_identity **out_identity, ekm_err *err);
void fake_identity_free(fake_identity **identity);

/* What came, decoded; borrowed. NULL is absent. */
typedef struct fake_request {
  const char *method, *path;
  const char *metadata, *identity_header, *authorization, *forwarded_for;    /* headers */
  const char *api_version, *resource;                                        /* of the query */
  const char *client_id, *object_id, *principal_id, *msi_res_id, *mi_res_id; /* which identity is meant */
} fake_request;

typedef struct fake_answer {
  int status;
  ekm_buf body;         /* JSON */
  char challenge[4200]; /* WWW-Authenticate, or "" */
} fake_answer;

/* fake_answer_init(answer), fake_answer_clear(answer): the body is wiped. */
void fake_answer_init(fake_answer *answer);
void fake_answer_clear(fake_answer *answer);

/* fake_identity_answer(identity, request, answer): always answers; a failure of the machine is a 500. */
void fake_identity_answer(fake_identity *identity, const fake_request *request, fake_answer *answer);

#endif
