/* Public keys that a provider exports, in the four encodings; DER also as OpenSSL reads it. */
#include "crypto/keys.h"
#include "fuzz/fuzz.h"
#include "host/public_key.h"

static ekm_crypto *crypto;

static void tear_down(void) {
  ekm_crypto_free(&crypto);
}

/* What both accept is the same key to both. */
static void compare(const host_public_key *ours, const ekm_key *theirs) {
  ekm_err err = {0};
  ekm_buf n, e;
  ekm_buf_init(&n, sizeof ours->n);
  ekm_buf_init(&e, sizeof ours->n);
  FUZZ_CHECK(ekm_key_public(theirs, &n, &e, &err) && ekm_key_bits(theirs) == ours->bits);
  FUZZ_CHECK(ekm_view_equal(ekm_buf_view(&n), ekm_view_of(ours->n, ours->n_len)));
  FUZZ_CHECK(ekm_view_equal(ekm_buf_view(&e), ekm_view_of(ours->e, ours->e_len)));
  ekm_buf_clear(&n);
  ekm_buf_clear(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  host_public_key key;
  static const host_public_key nothing;
  ekm_key *theirs = NULL;
  ekm_err err = {0}, their_err = {0};

  if (crypto == NULL) FUZZ_CHECK(ekm_crypto_new(&crypto, &err) && atexit(tear_down) == 0);
  bool ok = host_public_key_parse(ekm_view_of(data, size), &key, &err);
  bool is_der = ekm_key_from_public_der(crypto, ekm_view_of(data, size), &theirs, &their_err);
  if (ok) {
    FUZZ_CHECK(key.n_len > 0 && key.n_len <= sizeof key.n && key.n[0] != 0 && key.e_len > 0 && key.e[0] != 0);
    FUZZ_CHECK(key.bits <= key.n_len * 8 && key.bits > (key.n_len - 1) * 8);
    if (is_der) compare(&key, theirs);
  } else {
    FUZZ_CHECK(err.id == EKM_E_MISMATCH && memcmp(&key, &nothing, sizeof key) == 0);
    fuzz_check_err(&err);
  }
  if (!is_der) fuzz_check_err(&their_err);
  ekm_key_free(&theirs);
  return 0;
}
