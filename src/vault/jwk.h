/* JSON Web Keys of imports (RFC 7517; EC and RSA: RFC 7518 sections 6.2 and 6.3).
 *
 * Threads: pure. */
#ifndef EKM_VAULT_JWK_H
#define EKM_VAULT_JWK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "crypto/keys.h"

/* The decoded numbers of a JWK, as they were written: leading zeros are kept, because the service echoes the
 * modulus of an imported key unchanged (facts/azure-key-vault.md section 1.5). Wiped by vault_jwk_clear. */
enum { VAULT_JWK_NUMBERS = 8 };
typedef struct vault_jwk {
  ekm_buf numbers[VAULT_JWK_NUMBERS]; /* RSA: n e d p q dp dq qi, as ekm_rsa_numbers; EC: x y d */
} vault_jwk;

/* vault_jwk_init(jwk), vault_jwk_clear(jwk). */
void vault_jwk_init(vault_jwk *jwk);
void vault_jwk_clear(vault_jwk *jwk);

/* vault_jwk_read(doc, out, err):
 * Take the numbers of ${doc}. n, e and d must be there, and the five others all or none; TEXT_ENCODING otherwise, LIMIT
 * for a number longer than 4096 bits and its leading zero. Whether they are a key is for ekm_key_import_rsa to say. */
EKM_MUST_USE bool vault_jwk_read(const json_t *doc, vault_jwk *out, ekm_err *err);

/* vault_jwk_read_ec(doc, out, err): x, y and d, all of them; errors as above. */
EKM_MUST_USE bool vault_jwk_read_ec(const json_t *doc, vault_jwk *out, ekm_err *err);

/* vault_jwk_view(jwk), vault_jwk_view_ec(jwk): the numbers of an RSA and of an EC key; borrowed. */
ekm_rsa_numbers vault_jwk_view(const vault_jwk *jwk);
ekm_ec_numbers vault_jwk_view_ec(const vault_jwk *jwk);

#endif
