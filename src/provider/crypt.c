#include "provider/crypt.h"

#include "provider/argument.h"

/* What the engine gave, taken apart. */
typedef struct crypt_parts {
  ekm_view thumb, data;
  ekm_view iv; /* empty: none */
} crypt_parts;

/* One initialisation vector, or nothing. */
static bool take_iv(const crypt_input *input, ekm_view *out_iv, ekm_err *err) {
  *out_iv = ekm_view_of(NULL, 0);
  if (input->param_count == 0) return true;
  if (!argument_pointer(input->params, _Alignof(SqlCpEncryptionParam), "the encryption parameters", err)) return false;
  const SqlCpEncryptionParam *param = &input->params[0];
  if (input->param_count > 1 || param->type != SQLCP_PARAM_IV) {
    return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "the only encryption parameter there is, is an initialisation vector");
  }
  if (param->pb == NULL || param->cb == 0 || param->cb > SQLCP_MAX_IV_BYTES) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "the initialisation vector has %u bytes", (unsigned)param->cb);
  }
  *out_iv = ekm_view_of(param->pb, param->cb);
  return true;
}

/* The engine always says final. */
static bool take_parts(const crypt_input *input, crypt_parts *out, ekm_err *err) {
  if (!argument_thumb(input->thumb, &out->thumb, err)) return false;
  if (!argument_data(input->data, "the data", &out->data, err)) return false;
  if (!input->final) return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "keys of a vault take their data in one piece");
  return take_iv(input, &out->iv, err);
}

typedef bool (*operation)(provider_call *call, const crypt_parts *parts, SqlCpData *out);

/* --- RSA ---------------------------------------------------------------------------------------------------------- */

static bool run_unwrap(provider_call *call, const crypt_parts *parts, SqlCpData *out) {
  ekm_buf result;
  ekm_buf_init(&result, EKM_LIMIT_RSA_MODULUS_BYTES);
  bool ok =
      keyring_unwrap_by_thumb(call->session->ring, parts->thumb, parts->data, &call->outside, &result, &call->err) &&
      argument_put(out, ekm_buf_view(&result), &call->err);
  ekm_buf_clear(&result);
  return ok;
}

static bool run_wrap(provider_call *call, const crypt_parts *parts, SqlCpData *out) {
  bool ok = false;
  keyring_key *key = NULL;
  ekm_buf result;

  ekm_buf_init(&result, EKM_LIMIT_RSA_MODULUS_BYTES);
  EKM_TRY(keyring_by_thumb(call->session->ring, parts->thumb, &call->outside, &key, &call->err));
  if (!argument_has_room(out, keyring_key_modulus_bytes(key))) {
    (void)argument_too_small(&call->err);
    goto done;
  }
  EKM_TRY(keyring_wrap(call->session->ring, key, parts->data, &call->outside, &result, &call->err));
  ok = argument_put(out, ekm_buf_view(&result), &call->err);
done:
  ekm_buf_clear(&result);
  keyring_key_unref(&key);
  return ok;
}

/* --- AES: whoever brings an initialisation vector ----------------------------------------------------------------- */

static size_t padded_bytes(size_t len) {
  return len / KEYRING_IV_BYTES * KEYRING_IV_BYTES + KEYRING_IV_BYTES;
}

static bool aes_key(provider_call *call, const crypt_parts *parts, keyring_key **out_key) {
  if (!keyring_by_thumb(call->session->ring, parts->thumb, &call->outside, out_key, &call->err)) return false;
  if (keyring_key_kind(*out_key) == KEYRING_AES) return true;
  return EKM_FAIL(&call->err, EKM_E_NOT_SUPPORTED, "asymmetric keys take no initialisation vector");
}

static bool run_encrypt(provider_call *call, const crypt_parts *parts, SqlCpData *out) {
  bool ok = false;
  keyring_key *key = NULL;
  ekm_buf result;

  ekm_buf_init(&result, padded_bytes(parts->data.len));
  EKM_TRY(aes_key(call, parts, &key));
  if (!argument_has_room(out, padded_bytes(parts->data.len))) {
    (void)argument_too_small(&call->err);
    goto done;
  }
  EKM_TRY(keyring_encrypt(call->session->ring, key, parts->iv, parts->data, &call->outside, &result, &call->err));
  ok = argument_put(out, ekm_buf_view(&result), &call->err);
done:
  ekm_buf_clear(&result);
  keyring_key_unref(&key);
  return ok;
}

static bool run_decrypt(provider_call *call, const crypt_parts *parts, SqlCpData *out) {
  keyring_key *key = NULL;
  ekm_buf result;
  ekm_buf_init(&result, parts->data.len);
  bool ok = aes_key(call, parts, &key) &&
            keyring_decrypt(call->session->ring, key, parts->iv, parts->data, &call->outside, &result, &call->err) &&
            argument_put(out, ekm_buf_view(&result), &call->err);
  ekm_buf_clear(&result);
  keyring_key_unref(&key);
  return ok;
}

/* --- either ------------------------------------------------------------------------------------------------------- */

/* No size probe may cost a vault call: the modulus length if the key is known, else the longest there is. */
static size_t size_bound(provider_call *call, const crypt_parts *parts) {
  if (parts->iv.len > 0) return padded_bytes(parts->data.len);
  keyring_key *key = keyring_peek(call->session->ring, parts->thumb);
  size_t bound = key == NULL ? 0 : keyring_key_modulus_bytes(key);
  keyring_key_unref(&key);
  return bound == 0 ? EKM_LIMIT_RSA_MODULUS_BYTES : bound;
}

/* Longer than any key takes: refused at a size probe already. */
static bool fits_any_key(const crypt_parts *parts, bool is_encryption, ekm_err *err) {
  size_t aes_limit = is_encryption ? EKM_LIMIT_AES_DATA_BYTES : padded_bytes(EKM_LIMIT_AES_DATA_BYTES);
  size_t limit = parts->iv.len > 0 ? aes_limit : EKM_LIMIT_RSA_MODULUS_BYTES;
  if (parts->data.len <= limit) return true;
  return EKM_FAIL(err, is_encryption ? EKM_E_DATA_TOO_LONG : EKM_E_CIPHERTEXT_LENGTH,
                  "%zu bytes; no key takes more than %zu", parts->data.len, limit);
}

static bool crypt_either(provider_call *call, bool is_encryption, const crypt_input *input, SqlCpData *out) {
  static const operation operations[2][2] = {{run_unwrap, run_wrap}, {run_decrypt, run_encrypt}};
  crypt_parts parts;
  if (!argument_output(out, "the output", &call->err)) return false;
  if (!take_parts(input, &parts, &call->err) || !fits_any_key(&parts, is_encryption, &call->err)) return false;
  if (out->pb == NULL || out->cb == 0) {
    out->cb = (uint32_t)size_bound(call, &parts);
    return argument_too_small(&call->err);
  }
  return operations[parts.iv.len > 0][is_encryption](call, &parts, out);
}

bool crypt_wrap(provider_call *call, const crypt_input *input, SqlCpData *ciphertext) {
  return crypt_either(call, true, input, ciphertext);
}

bool crypt_unwrap(provider_call *call, const crypt_input *input, SqlCpData *plaintext) {
  return crypt_either(call, false, input, plaintext);
}
