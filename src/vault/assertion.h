/* Client assertions: JSON Web Tokens (RFC 7519) by which an application signs in instead of by a secret (RFC 7523
 * section 2.2; facts/azure-key-vault.md sections 2.3 and 2.4). Who made one decides what it looks like:
 *
 *   base64url(header) . base64url(claims) . base64url(signature)
 *
 *   by the application, with the key of its certificate
 *   {"alg":"PS256","typ":"JWT","x5t#S256":"<thumbprint>"}     or "RS256", "x5t", and a kid or x5c beside it
 *   {"aud":"<token endpoint>","iss":"<client id>","sub":"<client id>","jti":"..","nbf":..,"exp":..}
 *
 *   by another issuer of identities that the application trusts
 *   {"alg":"RS256","kid":"<key of the issuer>"}
 *   {"aud":"api://AzureADTokenExchange","iss":"https://<issuer>","sub":"<workload>","nbf":..,"exp":..}
 *
 * Parsing is strict: three parts, two algorithms, nothing that asks to be understood (crit), no member twice, every
 * known member of its type and within its limit. A key that a header brings along (jwk, x5c) is not looked at.
 *
 * Threads: pure. */
#ifndef EKM_VAULT_ASSERTION_H
#define EKM_VAULT_ASSERTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/crypto.h"
#include "crypto/keys.h"
#include "vault/store_directory.h"

enum {
  VAULT_ASSERTION_MAX_BYTES = 16 * 1024,                    /* with x5c a header brings a chain of certificates */
  VAULT_ASSERTION_TEXT_BYTES = VAULT_FEDERATION_TEXT_BYTES, /* a claim with its NUL */
  VAULT_ASSERTION_KID_BYTES = 256,
  VAULT_ASSERTION_ALG_BYTES = 16,
  VAULT_ASSERTION_LEEWAY_S = 300,    /* by which clocks may differ: Entra's five minutes */
  VAULT_ASSERTION_LIFE_S = 24 * 3600 /* of what an application makes for itself; ten minutes are usual */
};

typedef enum vault_assertion_verdict {
  VAULT_ASSERTION_GOOD = 0,
  VAULT_ASSERTION_MALFORMED,
  VAULT_ASSERTION_TYPE,      /* its typ is another one than JWT */
  VAULT_ASSERTION_ALGORITHM, /* alg, which is in the struct, is neither RS256 nor PS256 */
  VAULT_ASSERTION_MISSING    /* it lacks the claim that ${missing} of the struct names */
} vault_assertion_verdict;

/* What an assertion says, signed or not. Texts that are absent are "". */
typedef struct vault_assertion {
  char alg[VAULT_ASSERTION_ALG_BYTES];
  char kid[VAULT_ASSERTION_KID_BYTES];
  bool has_x5t, has_x5t_s256;
  uint8_t x5t[EKM_SHA1_BYTES];
  uint8_t x5t_s256[EKM_SHA256_BYTES];
  char issuer[VAULT_ASSERTION_TEXT_BYTES];
  char subject[VAULT_ASSERTION_TEXT_BYTES];
  char audience[VAULT_ASSERTION_TEXT_BYTES]; /* also if it was written as a list of one */
  int64_t not_before;                        /* 0 if absent */
  int64_t expires;                           /* 0 if absent: it has ended long ago */
  const char *missing;                       /* static */
  ekm_view signed_text, signature;           /* borrowed from the token, as it is written */
} vault_assertion;

/* vault_assertion_parse(token, out, out_verdict, err):
 * False for failures of the machine only. ${out} is complete only if the verdict is GOOD. */
EKM_MUST_USE bool vault_assertion_parse(ekm_view token, vault_assertion *out, vault_assertion_verdict *out_verdict,
                                        ekm_err *err);

/* vault_assertion_verify(crypto, assertion, key, out_valid, err): was it signed by the private half of ${key}? */
EKM_MUST_USE bool vault_assertion_verify(const ekm_crypto *crypto, const vault_assertion *assertion, const ekm_key *key,
                                         bool *out_valid, ekm_err *err);

/* vault_assertion_is_of(assertion, certificate):
 * Is it said to be signed by the key of ${certificate}? Every thumbprint that the header has must be its; a kid counts,
 * as the SHA-1 thumbprint in hexadecimal digits, if there is no other. */
bool vault_assertion_is_of(const vault_assertion *assertion, const vault_certificate *certificate);

/* vault_assertion_is_timely(assertion, now): from not_before to expires, with the leeway on both sides. */
bool vault_assertion_is_timely(const vault_assertion *assertion, int64_t now);

#endif
