/* AES keys of a Managed HSM (oct-HSM), for CREATE SYMMETRIC KEY ... FROM PROVIDER. */
#include "keyring/ring.h"

static const struct {
  unsigned bits;
  const char *alg;
} aes_algs[] = {{256, "A256CBCPAD"}, {128, "A128CBCPAD"}, {192, "A192CBCPAD"}};

enum { AES_ALGS = sizeof aes_algs / sizeof aes_algs[0] };

static bool try_alg(const keyring *ring, const keyring_key *key, const char *alg, const keyring_call *call,
                    ekm_err *err) {
  static const uint8_t nothing[KEYRING_IV_BYTES];
  const ekm_view zeros = ekm_view_of(nothing, sizeof nothing);
  const keyring_cipher cipher = {key->name, key->version, alg, zeros};
  ekm_buf out;
  ekm_buf_init(&out, EKM_LIMIT_AES_DATA_BYTES);
  bool ok = ring->backend->encrypt(ring->backend, &cipher, zeros, call, &out, err);
  ekm_buf_clear(&out);
  return ok;
}

/* The vault tells the length in no version of its API that we speak, but it encrypts only by the right algorithm. */
bool ring_learn_bits(const keyring *ring, keyring_key *key, const keyring_call *call, ekm_err *err) {
  if (!key->is_aes || keyring_key_bits(key) != 0) return true;
  for (size_t i = 0; i < AES_ALGS; i++) {
    ekm_err_clear(err);
    if (try_alg(ring, key, aes_algs[i].alg, call, err)) {
      atomic_store_explicit(&key->aes_bits, aes_algs[i].bits, memory_order_relaxed);
      return true;
    }
    if (err->id != EKM_E_VAULT_BAD_REQUEST) return false;
  }
  return EKM_FAIL(err, EKM_E_KEY_TYPE, "key '%s' encrypts with no AES algorithm", key->name);
}

static const char *alg_of(const keyring_key *key) {
  for (size_t i = 0; i < AES_ALGS; i++) {
    if (aes_algs[i].bits == keyring_key_bits(key)) return aes_algs[i].alg;
  }
  return NULL;
}

static bool make_cipher(const keyring_key *key, ekm_view iv, keyring_cipher *out, ekm_err *err) {
  *out = (keyring_cipher){key->name, key->version, alg_of(key), iv};
  if (!key->is_aes) return EKM_FAIL(err, EKM_E_NOT_SUPPORTED, "key '%s' is asymmetric", key->name);
  if (out->alg == NULL) return EKM_FAIL(err, EKM_E_KEY_TYPE, "the length of key '%s' is not known", key->name);
  return iv.len == KEYRING_IV_BYTES ||
         EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "an AES key takes an initialisation vector of %d bytes, not %zu",
                  KEYRING_IV_BYTES, iv.len);
}

static void note_failure(keyring *ring, const keyring_key *key, const ekm_err *err) {
  keyring_unwraps_note(ring->unwraps, key->name, key->version, err);
  if (err->id == EKM_E_KEY_NOT_FOUND) ring_forget(ring, key);
}

bool keyring_encrypt(keyring *ring, const keyring_key *key, ekm_view iv, ekm_view plaintext, const keyring_call *call,
                     ekm_buf *out_ciphertext, ekm_err *err) {
  keyring_cipher cipher;
  if (!make_cipher(key, iv, &cipher, err)) return false;
  if (plaintext.len > EKM_LIMIT_AES_DATA_BYTES) {
    return EKM_FAIL(err, EKM_E_DATA_TOO_LONG, "%zu bytes; an AES key takes %d at a time", plaintext.len,
                    EKM_LIMIT_AES_DATA_BYTES);
  }
  if (!ring->backend->encrypt(ring->backend, &cipher, plaintext, call, out_ciphertext, err)) {
    note_failure(ring, key, err);
    return false;
  }
  size_t expected = plaintext.len / KEYRING_IV_BYTES * KEYRING_IV_BYTES + KEYRING_IV_BYTES;
  if (out_ciphertext->len == expected) return true;
  return EKM_FAIL(err, EKM_E_WRAP_ANSWER, "%zu bytes where CBC with padding makes %zu", out_ciphertext->len, expected);
}

bool keyring_decrypt(keyring *ring, const keyring_key *key, ekm_view iv, ekm_view ciphertext, const keyring_call *call,
                     ekm_buf *out_plaintext, ekm_err *err) {
  keyring_cipher cipher;
  if (!make_cipher(key, iv, &cipher, err)) return false;
  if (ciphertext.len == 0 || ciphertext.len % KEYRING_IV_BYTES != 0 ||
      ciphertext.len > EKM_LIMIT_AES_DATA_BYTES + KEYRING_IV_BYTES) {
    return EKM_FAIL(err, EKM_E_CIPHERTEXT_LENGTH, "%zu bytes are not what an AES key makes", ciphertext.len);
  }
  if (!ring->backend->decrypt(ring->backend, &cipher, ciphertext, call, out_plaintext, err)) {
    note_failure(ring, key, err);
    return false;
  }
  if (out_plaintext->len < ciphertext.len) return true;
  return EKM_FAIL(err, EKM_E_UNWRAP_ANSWER, "a plaintext of %zu bytes of a ciphertext of %zu", out_plaintext->len,
                  ciphertext.len);
}
