#include "keyring/blob.h"

enum { CAPI_EXPONENT_BYTES = 4 };

/* --- DER ---------------------------------------------------------------------------------------------------------- */

static void append_der_head(ekm_buf *out, uint8_t tag, size_t len) {
  ekm_buf_append(out, &tag, 1);
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
  append_der_head(out, 0x02, number.len + (needs_zero ? 1 : 0));
  if (needs_zero) ekm_buf_append_char(out, 0);
  ekm_buf_append_view(out, number);
}

static void append_pkcs1(ekm_view n, ekm_view e, ekm_buf *out) {
  ekm_buf numbers;
  ekm_buf_init(&numbers, KEYRING_BLOB_MAX_BYTES);
  append_der_integer(&numbers, n);
  append_der_integer(&numbers, e);
  append_der_head(out, 0x30, numbers.len);
  ekm_buf_append_view(out, ekm_buf_view(&numbers));
  if (numbers.no_memory) out->no_memory = true;
  ekm_buf_clear(&numbers);
}

static void append_spki(ekm_view n, ekm_view e, ekm_buf *out) {
  static const uint8_t algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                      0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
  ekm_buf key, body;
  ekm_buf_init(&key, KEYRING_BLOB_MAX_BYTES);
  ekm_buf_init(&body, KEYRING_BLOB_MAX_BYTES);
  append_pkcs1(n, e, &key);
  ekm_buf_append(&body, algorithm, sizeof algorithm);
  append_der_head(&body, 0x03, key.len + 1);
  ekm_buf_append_char(&body, 0); /* no unused bits */
  ekm_buf_append_view(&body, ekm_buf_view(&key));
  append_der_head(out, 0x30, body.len);
  ekm_buf_append_view(out, ekm_buf_view(&body));
  if (key.no_memory || body.no_memory) out->no_memory = true;
  ekm_buf_clear(&key);
  ekm_buf_clear(&body);
}

/* --- Windows ------------------------------------------------------------------------------------------------------ */

static void append_le32(ekm_buf *out, size_t value) {
  ekm_buf_append(out,
                 (uint8_t[]){(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)}, 4);
}

static void append_reversed(ekm_buf *out, ekm_view bytes) {
  for (size_t i = bytes.len; i-- > 0;) ekm_buf_append(out, &bytes.ptr[i], 1);
}

static void append_cng(ekm_view n, ekm_view e, ekm_buf *out) {
  ekm_buf_append_text(out, "RSA1");
  append_le32(out, 8 * n.len);
  append_le32(out, e.len);
  append_le32(out, n.len);
  append_le32(out, 0);
  append_le32(out, 0);
  ekm_buf_append_view(out, e);
  ekm_buf_append_view(out, n);
}

static void append_capi(ekm_view n, ekm_view e, ekm_buf *out) {
  static const uint8_t head[] = {0x06, 0x02, 0x00, 0x00, 0x00, 0xa4, 0x00, 0x00};
  static const uint8_t zeros[CAPI_EXPONENT_BYTES] = {0};
  ekm_buf_append(out, head, sizeof head);
  ekm_buf_append_text(out, "RSA1");
  append_le32(out, 8 * n.len);
  append_reversed(out, e);
  ekm_buf_append(out, zeros, sizeof zeros - e.len);
  append_reversed(out, n);
}

/* --- all forms ---------------------------------------------------------------------------------------------------- */

static void append_n(ekm_view n, ekm_view e, ekm_buf *out) {
  (void)e;
  ekm_buf_append_view(out, n);
}

static void append_n_le(ekm_view n, ekm_view e, ekm_buf *out) {
  (void)e;
  append_reversed(out, n);
}

static void append_n_e(ekm_view n, ekm_view e, ekm_buf *out) {
  ekm_buf_append_view(out, n);
  ekm_buf_append_view(out, e);
}

bool keyring_blob_append(keyring_blob_form form, ekm_view n, ekm_view e, ekm_buf *out, ekm_err *err) {
  static void (*const append[KEYRING_BLOB_FORMS])(ekm_view n, ekm_view e, ekm_buf * out) = {
      [KEYRING_BLOB_PKCS1] = append_pkcs1, [KEYRING_BLOB_CNG] = append_cng, [KEYRING_BLOB_SPKI] = append_spki,
      [KEYRING_BLOB_CAPI] = append_capi,   [KEYRING_BLOB_N] = append_n,     [KEYRING_BLOB_N_LE] = append_n_le,
      [KEYRING_BLOB_N_E] = append_n_e};
  if (form == KEYRING_BLOB_CAPI && e.len > CAPI_EXPONENT_BYTES) {
    return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "an exponent of %zu bytes", e.len);
  }
  append[form](n, e, out);
  return ekm_buf_ok(out, "a public key", err);
}
