/* tests/vectors/signer, and what is known of the certificate in it. */
#ifndef EKM_TESTS_UNIT_CRYPTO_SIGNER_VECTORS_H
#define EKM_TESTS_UNIT_CRYPTO_SIGNER_VECTORS_H

#include <stdio.h>

#include "base/hex.h"
#include "crypto/signer.h"
#include "support/cmocka_all.h"
#include "support/vectors.h"

/* What openssl x509 says of certificate.pem. */
#define SIGNER_SHA256 "f40256ab2d5e171fc8570756de14c3c2c5ab757d58ca9d03c7cda1a7a0ad54d6"
enum { SIGNER_NOT_BEFORE = 1793491200, SIGNER_NOT_AFTER = 2109110400 }; /* 2026-11-01, 2036-11-01 */

/* A file of the folder; cleared by the caller. */
static inline ekm_buf signer_vector(const char *name) {
  char path[100];
  ekm_buf out;
  (void)snprintf(path, sizeof path, "signer/%s", name);
  ekm_buf_init(&out, 2 * EKM_SIGNER_FILE_MAX_BYTES);
  vectors_read(path, &out);
  return out;
}

static inline void signer_vector_check(const ekm_signer_info *about) {
  char hex[2 * EKM_SHA256_BYTES + 1];
  ekm_hex_text(ekm_view_of(about->sha256, sizeof about->sha256), hex, sizeof hex);
  assert_string_equal(hex, SIGNER_SHA256);
  assert_int_equal(about->not_before_wall_s, SIGNER_NOT_BEFORE);
  assert_int_equal(about->not_after_wall_s, SIGNER_NOT_AFTER);
}

#endif
