#include "provider/crypt.h"

#include "provider/argument.h"

/* RSA takes one block and no initialisation vector; the engine always says final. */
static bool check_input(const crypt_input *input, ekm_view *out_thumb, ekm_view *out_data, ekm_err *err) {
  if (!argument_thumb(input->thumb, out_thumb, err)) return false;
  if (!argument_data(input->data, "the data", out_data, err)) return false;
  if (!input->final) return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "asymmetric keys take their data in one piece");
  if (input->param_count == 0) return true;
  if (!argument_pointer(input->params, _Alignof(SqlCpEncryptionParam), "the encryption parameters", err)) return false;
  return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "asymmetric keys take no encryption parameters");
}

/* The modulus length if the key is known, else the longest there is: no size probe may cost a vault call. */
static size_t size_bound(provider_call *call, ekm_view thumb) {
  keyring_key *key = keyring_peek(call->session->ring, thumb);
  size_t bound = key == NULL ? EKM_LIMIT_RSA_MODULUS_BYTES : keyring_key_modulus_bytes(key);
  keyring_key_unref(&key);
  return bound;
}

static bool answer_probe(provider_call *call, ekm_view thumb, SqlCpData *out) {
  out->cb = (uint32_t)size_bound(call, thumb);
  return argument_too_small(&call->err);
}

typedef bool (*operation)(provider_call *call, ekm_view thumb, ekm_view data, SqlCpData *out);

static bool run_unwrap(provider_call *call, ekm_view thumb, ekm_view data, SqlCpData *out) {
  ekm_buf result;
  ekm_buf_init(&result, EKM_LIMIT_RSA_MODULUS_BYTES);
  bool ok = keyring_unwrap_by_thumb(call->session->ring, thumb, data, &call->outside, &result, &call->err) &&
            argument_put(out, ekm_buf_view(&result), &call->err);
  ekm_buf_clear(&result);
  return ok;
}

static bool run_wrap(provider_call *call, ekm_view thumb, ekm_view data, SqlCpData *out) {
  bool ok = false;
  keyring_key *key = NULL;
  ekm_buf result;

  ekm_buf_init(&result, EKM_LIMIT_RSA_MODULUS_BYTES);
  EKM_TRY(keyring_by_thumb(call->session->ring, thumb, &call->outside, &key, &call->err));
  if (!argument_has_room(out, keyring_key_modulus_bytes(key))) {
    (void)argument_too_small(&call->err);
    goto done;
  }
  EKM_TRY(keyring_wrap(call->session->ring, key, data, &call->outside, &result, &call->err));
  ok = argument_put(out, ekm_buf_view(&result), &call->err);
done:
  ekm_buf_clear(&result);
  keyring_key_unref(&key);
  return ok;
}

/* Longer than any key's modulus: refused at a size probe already. */
static bool fits_any_key(operation run, ekm_view data, ekm_err *err) {
  if (data.len <= EKM_LIMIT_RSA_MODULUS_BYTES) return true;
  return EKM_FAIL(err, run == run_wrap ? EKM_E_DATA_TOO_LONG : EKM_E_CIPHERTEXT_LENGTH,
                  "%zu bytes; no key takes more than %d", data.len, EKM_LIMIT_RSA_MODULUS_BYTES);
}

static bool crypt_either(provider_call *call, operation run, const crypt_input *input, SqlCpData *out) {
  ekm_view thumb, data;
  if (!argument_output(out, "the output", &call->err)) return false;
  if (!check_input(input, &thumb, &data, &call->err) || !fits_any_key(run, data, &call->err)) return false;
  if (out->pb == NULL || out->cb == 0) return answer_probe(call, thumb, out);
  return run(call, thumb, data, out);
}

bool crypt_wrap(provider_call *call, const crypt_input *input, SqlCpData *ciphertext) {
  return crypt_either(call, run_wrap, input, ciphertext);
}

bool crypt_unwrap(provider_call *call, const crypt_input *input, SqlCpData *plaintext) {
  return crypt_either(call, run_unwrap, input, plaintext);
}
