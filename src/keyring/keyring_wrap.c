#include <string.h>

#include "base/text.h"
#include "keyring/ring.h"

/* What a wrap algorithm costs of the modulus: 2 * hash + 2 bytes, RFC 8017 section 7.1.1. */
static const struct {
  const char *alg;
  size_t overhead_bytes;
} wrap_algs[] = {{"RSA-OAEP-256", 66}, {"RSA-OAEP", 42}};

static bool check_asymmetric(const keyring_key *key, ekm_err *err) {
  return !key->is_aes || EKM_FAIL(err, EKM_E_NOT_SUPPORTED,
                                  "AES key '%s' wants an initialisation vector, and wraps no keys", key->name);
}

size_t keyring_wrap_limit(const keyring *ring, const keyring_key *key) {
  if (key->is_aes) return 0;
  for (size_t i = 0; i < sizeof wrap_algs / sizeof wrap_algs[0]; i++) {
    if (strcmp(wrap_algs[i].alg, ring->options.wrap_alg) == 0) return key->n.len - wrap_algs[i].overhead_bytes;
  }
  return 0;
}

bool keyring_wrap(keyring *ring, const keyring_key *key, ekm_view plaintext, const keyring_call *call,
                  ekm_buf *out_ciphertext, ekm_err *err) {
  size_t limit = keyring_wrap_limit(ring, key);
  if (!check_asymmetric(key, err)) return false;
  if (plaintext.len > limit) {
    return EKM_FAIL(err, EKM_E_DATA_TOO_LONG, "%zu bytes; key '%s' wraps at most %zu with %s", plaintext.len, key->name,
                    limit, ring->options.wrap_alg);
  }
  if (!ring->backend->wrap(ring->backend, key->name, key->version, ring->options.wrap_alg, plaintext, call,
                           out_ciphertext, err)) {
    keyring_unwraps_note(ring->unwraps, key->name, key->version, err);
    if (err->id == EKM_E_KEY_NOT_FOUND) ring_forget(ring, key); /* perhaps it lives on under another name */
    return false;
  }
  if (out_ciphertext->len != key->n.len) {
    return EKM_FAIL(err, EKM_E_WRAP_ANSWER, "%zu bytes for a key of %zu", out_ciphertext->len, key->n.len);
  }
  return true;
}

/* The ways to unwrap, in the order in which they are tried. RSA1_5 comes last: a vault may answer it with random bytes
 * instead of a refusal (implicit rejection), so that nothing behind it would ever be tried. */
static const struct {
  const char *alg;
  bool reversed, is_rsa1_5;
} unwrap_methods[] = {{"RSA-OAEP-256", false, false}, {"RSA-OAEP", false, false}, {"RSA-OAEP-256", true, false},
                      {"RSA-OAEP", true, false},      {"RSA1_5", false, true},    {"RSA1_5", true, true}};

enum { UNWRAP_METHODS = sizeof unwrap_methods / sizeof unwrap_methods[0] };

typedef struct unwrapping {
  keyring *ring;
  const keyring_key *key;
  ekm_view ciphertext;
  const keyring_call *call;
} unwrapping;

static bool is_allowed(const keyring *ring, int method) {
  if (method < 0 || method >= UNWRAP_METHODS) return false;
  return (!unwrap_methods[method].reversed || ring->options.unwrap_reversed) &&
         (!unwrap_methods[method].is_rsa1_5 || ring->options.unwrap_rsa1_5);
}

static bool unwrap_by(const unwrapping *w, int method, ekm_buf *out_plaintext, ekm_err *err) {
  uint8_t reversed[EKM_LIMIT_RSA_MODULUS_BYTES];
  keyring_backend *backend = w->ring->backend;
  ekm_view ciphertext = w->ciphertext;
  if (unwrap_methods[method].reversed) {
    for (size_t i = 0; i < ciphertext.len; i++) reversed[i] = ciphertext.ptr[ciphertext.len - 1 - i];
    ciphertext = ekm_view_of(reversed, ciphertext.len);
  }
  ekm_buf_reset(out_plaintext);
  if (!backend->unwrap(backend, w->key->name, w->key->version, unwrap_methods[method].alg, ciphertext, w->call,
                       out_plaintext, err)) {
    return false;
  }
  if (out_plaintext->len == 0 || out_plaintext->len > w->key->n.len) {
    return EKM_FAIL(err, EKM_E_UNWRAP_ANSWER, "a plaintext of %zu bytes", out_plaintext->len);
  }
  return true;
}

/* The way that worked before, then all others; only a definite refusal leads to the next one. */
static bool ask_vault(void *arg, int *method, ekm_buf *out_plaintext, ekm_err *err) {
  const unwrapping *w = arg;
  int before = *method;
  for (int i = -1; i < UNWRAP_METHODS; i++) {
    int next = i < 0 ? before : i;
    if (!is_allowed(w->ring, next) || (i >= 0 && i == before)) continue;
    ekm_err_clear(err);
    *method = next;
    if (unwrap_by(w, next, out_plaintext, err)) return true;
    if (err->id != EKM_E_UNWRAP_REFUSED) return false;
  }
  return false;
}

bool keyring_unwrap(keyring *ring, const keyring_key *key, ekm_view ciphertext, const keyring_call *call,
                    ekm_buf *out_plaintext, ekm_err *err) {
  if (!check_asymmetric(key, err)) return false;
  if (ciphertext.len != key->n.len) {
    return EKM_FAIL(err, EKM_E_CIPHERTEXT_LENGTH, "%zu bytes; key '%s' makes %zu", ciphertext.len, key->name,
                    key->n.len);
  }
  unwrapping w = {ring, key, ciphertext, call};
  const keyring_unwraps_asker asker = {ask_vault, &w};
  const keyring_unwraps_question asked = {key->name, key->version, ciphertext};
  bool ok = keyring_unwraps_run(ring->unwraps, &asked, &asker, call, out_plaintext, err);
  if (!ok && err->id == EKM_E_KEY_NOT_FOUND) ring_forget(ring, key);
  return ok;
}

/* What is to be opened. */
typedef struct opening {
  ekm_view thumb, ciphertext;
  const keyring_call *call;
} opening;

static bool unwrap_with(keyring *ring, const char *name, const char *version, const opening *o, keyring_key **out_key,
                        ekm_buf *out_plaintext, ekm_err *err) {
  ekm_buf_reset(out_plaintext);
  return keyring_by_name(ring, name, version, o->call, out_key, err) &&
         keyring_unwrap(ring, *out_key, o->ciphertext, o->call, out_plaintext, err);
}

/* NOT_SUPPORTED: it is an AES key. */
static bool is_about_version(ekm_err_id id) {
  static const ekm_err_id ids[] = {EKM_E_UNWRAP_REFUSED, EKM_E_KEY_DISABLED,      EKM_E_KEY_NOT_FOUND,
                                   EKM_E_KEY_TYPE,       EKM_E_CIPHERTEXT_LENGTH, EKM_E_KEY_NOT_IN_TIME,
                                   EKM_E_KEY_OPERATION,  EKM_E_NOT_SUPPORTED};
  for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
    if (ids[i] == id) return true;
  }
  return false;
}

/* Which version a packed name means, only the ciphertext knows. ${tried} did not fit, by ${err}. */
static bool unwrap_with_others(keyring *ring, const opening *o, const keyring_key *tried, ekm_buf *out_plaintext,
                               ekm_err *err) {
  bool ok = false;
  keyring_list versions = {0};
  const ekm_err refused = *err;

  ekm_err_clear(err);
  EKM_TRY(ring->backend->list_versions(ring->backend, tried->name, o->call, &versions, err));
  for (size_t i = 0; !ok && i < versions.count; i++) {
    keyring_key *key = NULL;
    if (strcmp(versions.items[i], tried->version) == 0) continue;
    ok = unwrap_with(ring, tried->name, versions.items[i], o, &key, out_plaintext, err);
    if (ok) {
      ring_note_alias(ring, o->thumb, key);
    }
    keyring_key_unref(&key);
    if (!ok && !is_about_version(err->id)) goto done;
    if (!ok) ekm_err_clear(err);
  }
  if (!ok) *err = refused;
done:
  keyring_list_clear(&versions);
  return ok;
}

bool ring_unwrap_by_thumb(keyring *ring, ekm_view thumb, ekm_view ciphertext, const keyring_call *call,
                          ekm_buf *out_plaintext, ekm_err *err) {
  char name[KEYRING_FOREIGN_NAME_CHARS + 1];
  keyring_key *key = NULL;
  const opening o = {thumb, ciphertext, call};
  if (!ring_by_thumb(ring, thumb, call, &key, err)) return false;
  bool ok = keyring_unwrap(ring, key, ciphertext, call, out_plaintext, err);
  bool is_packed = !ok && keyring_foreign_unpack(thumb, name) && ekm_text_ieq(name, key->name);
  if (is_packed && is_about_version(err->id)) ok = unwrap_with_others(ring, &o, key, out_plaintext, err);
  keyring_key_unref(&key);
  return ok;
}
