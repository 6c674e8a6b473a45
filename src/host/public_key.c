#include "host/public_key.h"

#include <string.h>

enum {
  DER_INTEGER = 0x02,
  DER_BIT_STRING = 0x03,
  DER_SEQUENCE = 0x30,
  CNG_HEADER_BYTES = 24,
  CAPI_HEADER_BYTES = 20,
  MIN_MODULUS_BITS = 512 /* RSA_512 is the smallest that the engine knows */
};

const char *host_public_key_encoding_name(host_public_key_encoding encoding) {
  static const char *const names[] = {"PKCS#1 DER", "SubjectPublicKeyInfo DER", "CNG RSAPUBLICBLOB",
                                      "CAPI PUBLICKEYBLOB"};
  return names[encoding];
}

static bool broken(const char *what, ekm_err *err) {
  return EKM_FAIL(err, EKM_E_MISMATCH, "the exported public key %s", what);
}

/* --- numbers ------------------------------------------------------------------------------------------------------ */

static ekm_view shortest(ekm_view number) {
  while (number.len > 0 && number.ptr[0] == 0) number = ekm_view_of(number.ptr + 1, number.len - 1);
  return number;
}

static uint32_t bits_of(ekm_view number) {
  uint32_t bits = (uint32_t)number.len * 8;
  for (unsigned top = number.ptr[0]; top < 0x80; top <<= 1) bits--;
  return bits;
}

/* Take over n and e in whatever length they came, big-endian. */
static bool set_numbers(host_public_key *key, ekm_view n, ekm_view e, ekm_err *err) {
  n = shortest(n);
  e = shortest(e);
  if (n.len == 0 || n.len > sizeof key->n) return broken("has a modulus of no bits or more than 4096", err);
  if (e.len == 0 || e.len > sizeof key->e) return broken("has an exponent of no bits or more than 64", err);
  if ((n.ptr[n.len - 1] & 1) == 0 || (e.ptr[e.len - 1] & 1) == 0) return broken("has an even modulus or exponent", err);
  memcpy(key->n, n.ptr, n.len);
  memcpy(key->e, e.ptr, e.len);
  key->n_len = n.len;
  key->e_len = e.len;
  key->bits = bits_of(n);
  if (key->bits < MIN_MODULUS_BITS) return broken("has a modulus of less than 512 bits", err);
  return true;
}

static uint32_t little_u32(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* --- DER ---------------------------------------------------------------------------------------------------------- */

/* The length octets at ${in}, which are consumed: X.690 section 10.1, in the fewest octets. */
static bool der_length(ekm_view *in, size_t *out_len) {
  if (in->len == 0) return false;
  size_t first = in->ptr[0], extra = first < 0x80 ? 0 : first & 0x7F, len = first;
  if (first == 0x80 || extra > 2 || in->len < 1 + extra) return false;
  if (extra > 0) {
    len = 0;
    for (size_t i = 1; i <= extra; i++) len = len << 8 | in->ptr[i];
    if (len < 0x80 || (extra == 2 && len < 0x100)) return false;
  }
  *in = ekm_view_of(in->ptr + 1 + extra, in->len - 1 - extra);
  *out_len = len;
  return true;
}

/* Consume one element of ${tag} from ${in}; its content goes to ${out}. */
static bool der_take(ekm_view *in, uint8_t tag, ekm_view *out) {
  ekm_view rest;
  size_t len = 0;
  if (in->len == 0 || in->ptr[0] != tag) return false;
  rest = ekm_view_of(in->ptr + 1, in->len - 1);
  if (!der_length(&rest, &len) || len > rest.len) return false;
  *out = ekm_view_of(rest.ptr, len);
  *in = ekm_view_of(rest.ptr + len, rest.len - len);
  return true;
}

/* A number that is not negative and has no needless zero in front. */
static bool der_take_number(ekm_view *in, ekm_view *out) {
  if (!der_take(in, DER_INTEGER, out) || out->len == 0 || out->ptr[0] >= 0x80) return false;
  return out->len == 1 || out->ptr[0] != 0 || out->ptr[1] >= 0x80;
}

static bool parse_pkcs1(ekm_view blob, host_public_key *out, ekm_err *err) {
  ekm_view sequence, n, e;
  if (!der_take(&blob, DER_SEQUENCE, &sequence) || blob.len != 0 || !der_take_number(&sequence, &n) ||
      !der_take_number(&sequence, &e) || sequence.len != 0) {
    return broken("is not the DER form of RSAPublicKey", err);
  }
  return set_numbers(out, n, e, err);
}

static bool parse_spki(ekm_view blob, host_public_key *out, ekm_err *err) {
  static const uint8_t rsa_encryption[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7,
                                           0x0D, 0x01, 0x01, 0x01, 0x05, 0x00};
  ekm_view outer, algorithm, bits;
  if (!der_take(&blob, DER_SEQUENCE, &outer) || blob.len != 0 || !der_take(&outer, DER_SEQUENCE, &algorithm) ||
      !der_take(&outer, DER_BIT_STRING, &bits) || outer.len != 0) {
    return broken("is not the DER form of SubjectPublicKeyInfo", err);
  }
  if (!ekm_view_equal(algorithm, ekm_view_of(rsa_encryption, sizeof rsa_encryption))) {
    return broken("is of another algorithm than RSA", err);
  }
  if (bits.len == 0 || bits.ptr[0] != 0) return broken("has unused bits", err);
  return parse_pkcs1(ekm_view_of(bits.ptr + 1, bits.len - 1), out, err);
}

/* Both begin with a SEQUENCE; the first element in it is a number or another SEQUENCE. */
static bool parse_der(ekm_view blob, host_public_key *out, ekm_err *err) {
  ekm_view copy = blob, inside;
  bool nested = der_take(&copy, DER_SEQUENCE, &inside) && inside.len > 0 && inside.ptr[0] == DER_SEQUENCE;
  out->encoding = nested ? HOST_PUBLIC_KEY_SPKI : HOST_PUBLIC_KEY_PKCS1;
  return nested ? parse_spki(blob, out, err) : parse_pkcs1(blob, out, err);
}

/* --- Windows ------------------------------------------------------------------------------------------------------ */

/* Are the four bytes of ${magic} at ${offset}? */
static bool has_at(ekm_view blob, size_t offset, const char *magic) {
  return blob.len >= offset + 4 && ekm_view_equal(ekm_view_of(blob.ptr + offset, 4), ekm_view_of(magic, 4));
}

static bool parse_cng(ekm_view blob, host_public_key *out, ekm_err *err) {
  out->encoding = HOST_PUBLIC_KEY_CNG;
  if (blob.len < CNG_HEADER_BYTES) return broken("is shorter than a CNG header", err);
  uint32_t bits = little_u32(blob.ptr + 4), e_len = little_u32(blob.ptr + 8), n_len = little_u32(blob.ptr + 12);
  if (little_u32(blob.ptr + 16) != 0 || little_u32(blob.ptr + 20) != 0) return broken("has primes", err);
  if ((uint64_t)CNG_HEADER_BYTES + e_len + n_len != blob.len)
    return broken("has another length than its CNG header", err);
  const uint8_t *e = blob.ptr + CNG_HEADER_BYTES;
  if (!set_numbers(out, ekm_view_of(e + e_len, n_len), ekm_view_of(e, e_len), err)) return false;
  return out->bits == bits || broken("has another bit length than its CNG header", err);
}

static bool parse_capi(ekm_view blob, host_public_key *out, ekm_err *err) {
  uint8_t n[sizeof out->n];
  uint8_t e[4];
  out->encoding = HOST_PUBLIC_KEY_CAPI;
  if (blob.len < CAPI_HEADER_BYTES || !has_at(blob, 8, "RSA1")) return broken("is not a CAPI blob of RSA", err);
  uint32_t bits = little_u32(blob.ptr + 12), exponent = little_u32(blob.ptr + 16);
  size_t n_len = blob.len - CAPI_HEADER_BYTES;
  if (n_len > sizeof n || bits % 8 != 0 || bits / 8 != n_len)
    return broken("has another length than its CAPI header", err);
  for (size_t i = 0; i < n_len; i++) n[i] = blob.ptr[blob.len - 1 - i];
  for (size_t i = 0; i < sizeof e; i++) e[i] = (uint8_t)(exponent >> (24 - 8 * i));
  return set_numbers(out, ekm_view_of(n, n_len), ekm_view_of(e, sizeof e), err);
}

bool host_public_key_parse(ekm_view blob, host_public_key *out, ekm_err *err) {
  bool ok;
  memset(out, 0, sizeof *out);
  if (blob.len > 0 && blob.ptr[0] == DER_SEQUENCE) {
    ok = parse_der(blob, out, err);
  } else if (has_at(blob, 0, "RSA1")) {
    ok = parse_cng(blob, out, err);
  } else if (has_at(blob, 0, "\x06\x02\0\0")) {
    ok = parse_capi(blob, out, err);
  } else {
    ok = broken("is in none of the four known encodings", err);
  }
  if (!ok) memset(out, 0, sizeof *out);
  return ok;
}
