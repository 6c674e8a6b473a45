/* Access tokens: JSON Web Tokens (RFC 7519) signed with RS256 (RFC 7518 section 3.3), made by akvd's token endpoint and
 * checked by its vaults. One algorithm, one key, one form: nothing in a token chooses how it is checked.
 *
 *   base64url(header) . base64url(claims) . base64url(signature)
 *   {"typ":"JWT","alg":"RS256","kid":"<key id>"}
 *   {"aud":"https://vault.localhost","iss":"https://sts.windows.net/<tenant>/","iat":..,"nbf":..,"exp":..,
 *    "appid":"<application>","idtyp":"app","oid":"<object>","sub":"<object>","tid":"<tenant>","ver":"1.0"}
 *
 * Threads: a signer may be used by all threads; the rest is pure. */
#ifndef EKM_VAULT_JWT_H
#define EKM_VAULT_JWT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "crypto/crypto.h"
#include "crypto/keys.h"

enum {
  VAULT_JWT_MAX_BYTES = 8192, /* what a vault looks at; its own tokens have about 1 kB */
  VAULT_JWT_TEXT_BYTES = 272, /* one claim with its NUL */
  VAULT_JWT_LEEWAY_S = 60     /* by which clocks may differ */
};

/* What signs and checks tokens. All of it is borrowed. */
typedef struct vault_jwt_signer {
  const ekm_crypto *crypto;
  const ekm_key *key; /* RSA, private */
  const char *kid;    /* its name in headers */
} vault_jwt_signer;

typedef struct vault_claims {
  char audience[VAULT_JWT_TEXT_BYTES];
  char issuer[VAULT_JWT_TEXT_BYTES];
  char app_id[VAULT_JWT_TEXT_BYTES];
  char object_id[VAULT_JWT_TEXT_BYTES];
  char tenant[VAULT_JWT_TEXT_BYTES];
  int64_t not_before;
  int64_t expires;
} vault_claims;

/* What is found out about a token, in the order in which it is checked. */
typedef enum vault_jwt_verdict {
  VAULT_JWT_GOOD = 0,
  VAULT_JWT_MALFORMED, /* not three strict base64url parts, not RS256, a claim missing or of another type */
  VAULT_JWT_SIGNATURE, /* not signed by our key */
  VAULT_JWT_NOT_YET,
  VAULT_JWT_EXPIRED
} vault_jwt_verdict;

/* vault_jwt_make(signer, claims, out, err): append a token; issued at its not_before. */
EKM_MUST_USE bool vault_jwt_make(const vault_jwt_signer *signer, const vault_claims *claims, ekm_buf *out,
                                 ekm_err *err);

/* vault_jwt_check(signer, token, now, out_claims, out_verdict, err):
 * Check form, signature and times of ${token} at ${now}; audience and issuer are the caller's to compare with the
 * vault's. The claims are looked at only behind a good signature; ${out_claims} is empty unless the verdict is GOOD.
 * False for failures of the machine only. */
EKM_MUST_USE bool vault_jwt_check(const vault_jwt_signer *signer, ekm_view token, int64_t now, vault_claims *out_claims,
                                  vault_jwt_verdict *out_verdict, ekm_err *err);

/* vault_jwt_split(token, parts): the three parts of any token: two dots, nothing empty, no padding. Borrowed. */
bool vault_jwt_split(ekm_view token, ekm_view parts[3]);

/* vault_jwt_json(part, out_doc, err): a part as the JSON object that it has to be; the caller frees it. TEXT_ENCODING,
 * ANSWER_NOT_JSON, OUT_OF_MEMORY. */
EKM_MUST_USE bool vault_jwt_json(ekm_view part, json_t **out_doc, ekm_err *err);

/* vault_jwt_times(claims, now): GOOD, NOT_YET or EXPIRED. */
vault_jwt_verdict vault_jwt_times(const vault_claims *claims, int64_t now);

#endif
