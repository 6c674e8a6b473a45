/* The exported public key, in every encoding in which providers have been seen to write it.
 *
 *   PKCS#1   30 .. 02 .. n 02 .. e                                            RFC 8017 appendix A.1.1
 *   SPKI     30 .. 30 .. 06 09 2A864886F70D010101 05 00 03 .. 00 <PKCS#1>      RFC 5280 section 4.1
 *   CNG      "RSA1" bits cbExp cbMod 0 0 | exponent | modulus                 little-endian header, big-endian numbers
 *   CAPI     06 02 00 00 algid | "RSA1" bits exponent | modulus               little-endian throughout
 *
 * Strict: nothing may follow the key, DER lengths are in their shortest form, no number is negative or longer than the
 * ABI's 4096 bits. */
#ifndef EKM_HOST_PUBLIC_KEY_H
#define EKM_HOST_PUBLIC_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "openekm/sqlcrypt_abi.h"

typedef enum host_public_key_encoding {
  HOST_PUBLIC_KEY_PKCS1,
  HOST_PUBLIC_KEY_SPKI,
  HOST_PUBLIC_KEY_CNG,
  HOST_PUBLIC_KEY_CAPI
} host_public_key_encoding;

enum { HOST_PUBLIC_KEY_EXPONENT_BYTES = 8 };

typedef struct host_public_key {
  host_public_key_encoding encoding;
  uint8_t n[SQLCP_MAX_KEY_BITS / 8]; /* big-endian, shortest form */
  size_t n_len;
  uint8_t e[HOST_PUBLIC_KEY_EXPONENT_BYTES];
  size_t e_len;
  uint32_t bits; /* of n */
} host_public_key;

/* host_public_key_parse(blob, out, err): MISMATCH says what is wrong with the blob; ${out} is all zero then. */
EKM_MUST_USE bool host_public_key_parse(ekm_view blob, host_public_key *out, ekm_err *err);

/* host_public_key_encoding_name(encoding): "PKCS#1 DER" and so on. Static. */
const char *host_public_key_encoding_name(host_public_key_encoding encoding);

#endif
