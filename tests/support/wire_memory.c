/* The provider over a vault in memory: the same two functions as src/provider/wire.c, for tests of everything above the
 * keyring. One vault for all credentials; IDENTITY "memory" is known, every SECRET of 33 characters and more that does
 * not end with "wrong" is accepted. When WIRE_MEMORY_KEY is defined, a key of that name is there from the start, the
 * same after every reload. */
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

#ifdef WIRE_MEMORY_KEY
static bool add_fixed_key(keyring_backend *backend, const ekm_crypto *crypto, ekm_err *err) {
  keyring_record record;
  keyring_record_init(&record);
  bool ok = ekm_text_copy(record.name, sizeof record.name, WIRE_MEMORY_KEY, "a key name", err) &&
            ekm_text_copy(record.version, sizeof record.version, "0123456789abcdef0123456789abcdef", "a version", err);
  for (uint8_t block = 0; ok && block < 256 / EKM_SHA256_BYTES; block++) {
    uint8_t *n = ekm_buf_extend(&record.n, EKM_SHA256_BYTES);
    ok = ekm_buf_ok(&record.n, "a modulus", err) && ekm_crypto_sha256(crypto, ekm_view_of(&block, 1), n, err);
  }
  if (ok) record.n.ptr[0] |= 0x80;
  ekm_buf_append(&record.e, "\x01\x00\x01", 3);
  record.is_rsa = true;
  record.enabled = true;
  ok = ok && keyring_memory_add(backend, &record, err);
  keyring_record_clear(&record);
  return ok;
}
#endif

bool provider_wire(provider_wiring *out, ekm_err *err) {
  bool ok = false;
  keyring_backend *backend = NULL;
  memory_connector *connector = NULL;

  memset(out, 0, sizeof *out);
  out->clock = ekm_clock_system();
  out->call_timeout_ms = 10000;
  out->allow_drop_key = true;
  out->public_key_format = KEYRING_BLOB_PKCS1;
  EKM_TRY(ekm_crypto_new(&out->crypto, err));
  EKM_TRY((connector = ekm_mem_alloc(sizeof *connector, err)) != NULL);
  connector->base = (keyring_connector){memory_connect, memory_destroy};
  out->connector = &connector->base;
  EKM_TRY(keyring_memory_new(out->crypto, &backend, err));
#ifdef WIRE_MEMORY_KEY
  if (!add_fixed_key(backend, out->crypto, err)) {
    backend->destroy(backend);
    goto done;
  }
#endif
  keyring_options options = {
      .host = "local.vault.localhost", .crypto = out->crypto, .clock = out->clock, .wrap_alg = "RSA-OAEP-256"};
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
