/* Client assertions as tests need them, good and bad: what is signed is what a test writes, not what our own code would
 * write. */
#ifndef EKM_TESTS_SUPPORT_ASSERTION_MAKER_H
#define EKM_TESTS_SUPPORT_ASSERTION_MAKER_H

#include "base/buf.h"
#include "crypto/keys.h"

/* What tests/vectors/client-certificate.pem is, as openssl says. */
#define ASSERTION_X5T "5B3daJoAn3rRw5xauKq47G3C7rw"
#define ASSERTION_X5T_S256 "jZwAEjkMiyIUd18hPThhZ-Du5A9QXSV8pXetrMqYvKs"

/* assertion_key(crypto): the private key of tests/vectors/azure-rsa.json, which is the certificate's too; the caller
 * frees it. */
ekm_key *assertion_key(const ekm_crypto *crypto);

/* assertion_make(crypto, key, alg, header, claims, out):
 * Append base64url(header).base64url(claims).base64url(signature of both under ${alg}). */
void assertion_make(const ekm_crypto *crypto, const ekm_key *key, const char *alg, const char *header,
                    const char *claims, ekm_buf *out);

#endif
