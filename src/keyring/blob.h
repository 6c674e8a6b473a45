/* Encodings of an RSA public key: those that SqlCryptExportKey gives, and those that thumbprints of another connector
 * may be made of (foreign.h).
 *
 * PKCS#1 (RFC 8017 appendix A.1.1), the default, seen to work on SQL Server 2022 and 2025:
 *
 *   30 len                SEQUENCE
 *     02 len n            INTEGER modulus, a zero in front if its top bit is set
 *     02 len e            INTEGER public exponent
 *
 * SPKI (RFC 5280 section 4.1), the same in an envelope:
 *
 *   30 len                SEQUENCE
 *     30 0d ...           AlgorithmIdentifier rsaEncryption, NULL
 *     03 len 00 PKCS#1    BIT STRING
 *
 * CNG (BCRYPT_RSAPUBLIC_BLOB):
 *
 *   0   "RSA1"            magic
 *   4   bit length        little-endian, as all numbers of this header
 *   8   bytes of e
 *   12  bytes of n
 *   16  0                 bytes of p
 *   20  0                 bytes of q
 *   24  e, n              big-endian
 *
 * CAPI (PUBLICKEYBLOB of CryptExportKey):
 *
 *   0   06 02 00 00       type, version, reserved
 *   4   00 a4 00 00       CALG_RSA_KEYX
 *   8   "RSA1"
 *   12  bit length        little-endian, as what follows
 *   16  e                 4 bytes
 *   20  n
 *
 * Threads: no state. */
#ifndef EKM_KEYRING_BLOB_H
#define EKM_KEYRING_BLOB_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

typedef enum keyring_blob_form {
  KEYRING_BLOB_PKCS1,
  KEYRING_BLOB_CNG,
  KEYRING_BLOB_SPKI,
  KEYRING_BLOB_CAPI,
  KEYRING_BLOB_N,    /* the modulus alone, big-endian */
  KEYRING_BLOB_N_LE, /* little-endian */
  KEYRING_BLOB_N_E,  /* modulus and exponent, big-endian */
  KEYRING_BLOB_FORMS
} keyring_blob_form;

/* A blob of RSA-4096 is shorter than this. */
enum { KEYRING_BLOB_MAX_BYTES = 1200 };

/* keyring_blob_append(form, n, e, out, err): append the blob; the numbers are big-endian in their shortest form.
 * NOT_SUPPORTED for an exponent of more than four bytes in CAPI's form. */
EKM_MUST_USE bool keyring_blob_append(keyring_blob_form form, ekm_view n, ekm_view e, ekm_buf *out, ekm_err *err);

#endif
