/* One request to a token endpoint: OAuth 2.0 client credentials at Entra's v2 endpoint, whatever proves the identity.
 *
 *   POST https://AUTHORITY/TENANT/oauth2/v2.0/token
 *   client_id=...&scope=RESOURCE%2F.default&grant_type=client_credentials&PROOF
 *
 *   200 {"token_type":"Bearer","expires_in":3599,"access_token":"..."}
 *   401 {"error":"invalid_client","error_description":"AADSTS7000215: ...","error_codes":[7000215]} */
#ifndef EKM_ENTRA_TOKEN_REQUEST_H
#define EKM_ENTRA_TOKEN_REQUEST_H

#include "entra/token.h"

enum { ENTRA_CLIENT_ID_CHARS = 36 };

/* Who asks, and by what. Borrowed for the call. */
typedef struct entra_proof {
  const char *client_id; /* a GUID with hyphens */
  const char *name;      /* of what follows in the form: "client_secret" or "client_assertion" */
  const char *type;      /* value of NAME_type in front of it; NULL for none */
  ekm_view value;        /* as it is; encoded here, and never in an error */
} entra_proof;

/* entra_token_url(target, out, err): append the URL of the token endpoint; it is also who an assertion is for. */
EKM_MUST_USE bool entra_token_url(const entra_target *target, ekm_buf *out, ekm_err *err);

/* entra_token_request(http, target, proof, call, out_token, err):
 * TOKEN_REFUSED only when the identity itself was definitely refused; TOKEN_FAILED, TOKEN_ANSWER or a transport error
 * otherwise. Words of the service that repeat the proof are left out of errors. */
EKM_MUST_USE bool entra_token_request(ekm_http *http, const entra_target *target, const entra_proof *proof,
                                      const entra_call *call, entra_token **out_token, ekm_err *err);

#endif
