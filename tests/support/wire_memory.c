/* The provider over a vault in memory: the same two functions as src/provider/wire.c, for tests of everything above the
 * keyring. One vault for all credentials; IDENTITY "memory" is known, every SECRET of 33 characters and more that does
 * not end with "wrong" is accepted. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "provider/wire.h"

typedef struct memory_connector {
  keyring_connector base;
  keyring *ring;
} memory_connector;

static bool memory_connect(keyring_connector *self, const char *identity, const ekm_secret *secret,
                           const keyring_call *call, keyring **out_keyring, ekm_err *err) {
  memory_connector *connector = (memory_connector *)(void *)self;
  ekm_view bytes = ekm_secret_reveal(secret);
  (void)call;
  *out_keyring = NULL;
  if (strcmp(identity, "memory") != 0) return EKM_FAIL(err, EKM_E_IDENTITY_BAD, "'%s'", identity);
  if (bytes.len < 33) return EKM_FAIL(err, EKM_E_SECRET_SHORT, "it has %zu characters", bytes.len);
  if (ekm_text_ends_i((const char *)bytes.ptr, "wrong")) return EKM_FAIL(err, EKM_E_TOKEN_REFUSED, "wrong secret");
  *out_keyring = keyring_ref(connector->ring);
  return true;
}

static void memory_destroy(keyring_connector *self) {
  memory_connector *connector = (memory_connector *)(void *)self;
  keyring_unref(&connector->ring);
  ekm_mem_free(connector);
}

bool provider_wire(provider_wiring *out, ekm_err *err) {
  bool ok = false;
  keyring_backend *backend = NULL;
  memory_connector *connector = NULL;

  memset(out, 0, sizeof *out);
  out->clock = ekm_clock_system();
  out->call_timeout_ms = 10000;
  out->allow_drop_key = true;
  out->public_key_format = PROVIDER_KEY_PKCS1;
  EKM_TRY(ekm_crypto_new(&out->crypto, err));
  EKM_TRY((connector = ekm_mem_alloc(sizeof *connector, err)) != NULL);
  connector->base = (keyring_connector){memory_connect, memory_destroy};
  out->connector = &connector->base;
  EKM_TRY(keyring_memory_new(out->crypto, &backend, err));
  keyring_options options = {out->crypto, out->clock, NULL, "RSA-OAEP-256"};
  EKM_TRY(keyring_new(&options, backend, &connector->ring, err));
  ok = true;
done:
  if (!ok) provider_unwire(out);
  return ok;
}

void provider_unwire(provider_wiring *wiring) {
  if (wiring->connector != NULL) wiring->connector->destroy(wiring->connector);
  ekm_crypto_free(&wiring->crypto);
  memset(wiring, 0, sizeof *wiring);
}
