/* Secrets: client secrets, tokens and keys that stay longer than one call.
 *
 * The bytes live in pages that are locked in memory and left out of core dumps where the system
 * allows it (the first 128 kB of them in a process; beyond that, in ordinary memory). They are wiped
 * when they go. Nothing formats or logs a secret: reading one takes the long word ekm_secret_reveal,
 * whose uses tests/lint counts file by file.
 *
 * Short-lived secret bytes of one call (an answer's body, a plaintext on its way to the caller's
 * buffer) may be in an ekm_buf, which wipes too but is not locked.
 *
 * Threads: one thread at a time per secret; the pages behind them are internally locked. */
#ifndef EKM_BASE_SECRET_H
#define EKM_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Zero-initialise: ekm_secret s = {0}. Never copy the struct. */
typedef struct ekm_secret {
  uint8_t *hidden; /* use ekm_secret_reveal */
  size_t len;
} ekm_secret;

/* ekm_secret_set(secret, bytes, err): replace by a copy of ${bytes}; the old bytes are wiped. */
EKM_MUST_USE bool ekm_secret_set(ekm_secret *secret, ekm_view bytes, ekm_err *err);

/* ekm_secret_resize(secret, len, err):
 * Replace by ${len} zero bytes and let the caller fill them: ekm_secret_reveal(...).ptr cast to uint8_t *. */
EKM_MUST_USE bool ekm_secret_resize(ekm_secret *secret, size_t len, ekm_err *err);

/* ekm_secret_move(to, from): ${to} takes over the bytes, ${from} is empty afterwards. */
void ekm_secret_move(ekm_secret *to, ekm_secret *from);

/* ekm_secret_clear(secret): wipe and forget. */
void ekm_secret_clear(ekm_secret *secret);

/* ekm_secret_equal(a, b): constant-time in the bytes; lengths are not hidden. */
bool ekm_secret_equal(const ekm_secret *a, const ekm_secret *b);

/* ekm_secret_reveal(secret): the bytes (a NUL follows them), borrowed until the secret changes. */
ekm_view ekm_secret_reveal(const ekm_secret *secret);

/* ekm_secret_bytes(secret): the same, for filling what ekm_secret_resize made. */
uint8_t *ekm_secret_bytes(ekm_secret *secret);

#endif
