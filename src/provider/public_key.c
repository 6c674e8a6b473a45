/* PKCS#1 (RFC 8017 appendix A.1.1), the default, seen to work on SQL Server 2022 and 2025:
 *
 *   30 len                SEQUENCE
 *     02 len n            INTEGER modulus, a zero in front if its top bit is set
 *     02 len e            INTEGER public exponent
 *
 * CNG (BCRYPT_RSAKEY_BLOB), by configuration:
 *
 *   0   "RSA1"            magic
 *   4   bit length        little-endian, as all numbers of this header
 *   8   bytes of e
 *   12  bytes of n
 *   16  0                 bytes of p
 *   20  0                 bytes of q
 *   24  e, n              big-endian */
#include "provider/public_key.h"

static void append_der_length(ekm_buf *out, size_t len) {
  if (len < 0x80) {
    ekm_buf_append_char(out, (char)len);
  } else if (len < 0x100) {
    ekm_buf_append(out, (uint8_t[]){0x81, (uint8_t)len}, 2);
  } else {
    ekm_buf_append(out, (uint8_t[]){0x82, (uint8_t)(len >> 8), (uint8_t)len}, 3);
  }
}

static void append_der_integer(ekm_buf *out, ekm_view number) {
  bool needs_zero = (number.ptr[0] & 0x80) != 0;
  ekm_buf_append_char(out, 0x02);
  append_der_length(out, number.len + (needs_zero ? 1 : 0));
  if (needs_zero) ekm_buf_append_char(out, 0);
  ekm_buf_append_view(out, number);
}

static bool append_pkcs1(const keyring_key *key, ekm_buf *out, ekm_err *err) {
  bool ok = false;
  ekm_buf numbers;

  ekm_buf_init(&numbers, out->max);
  append_der_integer(&numbers, keyring_key_n(key));
  append_der_integer(&numbers, keyring_key_e(key));
  EKM_TRY(ekm_buf_ok(&numbers, "a public key", err));
  ekm_buf_append_char(out, 0x30);
  append_der_length(out, numbers.len);
  ekm_buf_append_view(out, ekm_buf_view(&numbers));
  ok = ekm_buf_ok(out, "a public key", err);
done:
  ekm_buf_clear(&numbers);
  return ok;
}

static void append_le32(ekm_buf *out, size_t value) {
  ekm_buf_append(out,
                 (uint8_t[]){(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)}, 4);
}

static bool append_cng(const keyring_key *key, ekm_buf *out, ekm_err *err) {
  ekm_buf_append_text(out, "RSA1");
  append_le32(out, keyring_key_bits(key));
  append_le32(out, keyring_key_e(key).len);
  append_le32(out, keyring_key_n(key).len);
  append_le32(out, 0);
  append_le32(out, 0);
  ekm_buf_append_view(out, keyring_key_e(key));
  ekm_buf_append_view(out, keyring_key_n(key));
  return ekm_buf_ok(out, "a public key", err);
}

bool public_key_encode(const keyring_key *key, provider_key_format format, ekm_buf *out, ekm_err *err) {
  return format == PROVIDER_KEY_CNG ? append_cng(key, out, err) : append_pkcs1(key, out, err);
}
