/* What the provider stands on, put together from the configuration: the one seam between the 17 entry points and the
 * outside.
 *
 *   provider_wire --> settings (openekm.conf) --> clock, log, crypto, http, tokens --> keyring_connector
 *
 * wire.c is the only file of the provider that knows http, entra and keyvault; this header names none of them. The
 * provider's tests link another file with the same two functions over a vault in memory.
 *
 * Threads: wire and unwire run alone (SqlCryptInitializeProvider, SqlCryptFreeProvider); everything in the struct may
 * be used by all threads between them. */
#ifndef EKM_PROVIDER_WIRE_H
#define EKM_PROVIDER_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "keyring/blob.h"
#include "keyring/keyring.h"

struct ekm_http;

/* Zero-initialise: provider_wiring wiring = {0}. The pointers are owned by it, but for the clock, which is static. */
typedef struct provider_wiring {
  ekm_crypto *crypto;
  const ekm_clock *clock;
  ekm_log *log;          /* NULL when no log_file is set */
  struct ekm_http *http; /* for unwire only; NULL in tests */
  keyring_connector *connector;
  void *rest; /* for unwire only: what wire.c needs besides */

  int64_t call_timeout_ms; /* every entry point ends within this time */
  bool allow_drop_key;     /* may SqlCryptDropKey delete a key of the vault? */
  keyring_blob_form public_key_format;
} provider_wiring;

/* provider_wire(out, err):
 * Read the configuration and build what is in ${out}. CONFIG_READ, CONFIG_SYNTAX, CONFIG_VALUE, FILE_READ (the log),
 * CRYPTO, OUT_OF_MEMORY; ${out} is all zero then. */
EKM_MUST_USE bool provider_wire(provider_wiring *out, ekm_err *err);

/* provider_unwire(wiring): free everything of it and leave it all zero. Sessions and keyrings must be gone before. */
void provider_unwire(provider_wiring *wiring);

#endif
