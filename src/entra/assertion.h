/* Client assertions: what an application says of itself, signed with the key of its certificate
 * (RFC 7523 section 3; facts/azure-key-vault.md section 2.3).
 *
 *   base64url({"alg":"PS256","typ":"JWT","x5t#S256":thumbprint})
 *   . base64url({"aud":token endpoint,"iss":client id,"sub":client id,"jti":a GUID,"nbf":...,"iat":...,"exp":...})
 *   . base64url(signature of all that is in front of it) */
#ifndef EKM_ENTRA_ASSERTION_H
#define EKM_ENTRA_ASSERTION_H

#include "base/rng.h"
#include "crypto/signer.h"

/* Ten minutes are the longest that Entra takes. A little of it lies in the past, for clocks that are behind ours. */
enum { ENTRA_ASSERTION_PAST_S = 15, ENTRA_ASSERTION_LIFETIME_S = 600, ENTRA_ASSERTION_MAX_BYTES = 8 * 1024 };

/* The value of client_assertion_type (RFC 7523 section 2.2). */
extern const char entra_assertion_type[];

typedef struct entra_assertion {
  const char *client_id; /* a GUID with hyphens */
  const char *audience;  /* the token endpoint's URL */
  int64_t now_wall_s;
} entra_assertion;

/* entra_assertion_write(assertion, signer, rng, out, err): append the text of it. */
EKM_MUST_USE bool entra_assertion_write(const entra_assertion *assertion, ekm_signer *signer, const ekm_rng *rng,
                                        ekm_buf *out, ekm_err *err);

#endif
