/* A key out of a passphrase: scrypt (RFC 7914), which makes each guess cost memory and time. OpenSSL only.
 *
 * Threads: all functions from all threads. */
#ifndef EKM_CRYPTO_PASSPHRASE_H
#define EKM_CRYPTO_PASSPHRASE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/crypto.h"

/* ${n} is a power of two; memory is 128 * n * r bytes. The default takes 64 MB and about 0.3 s. */
typedef struct ekm_passphrase_cost {
  uint64_t n;
  uint32_t r, p;
} ekm_passphrase_cost;
enum { EKM_PASSPHRASE_N = 65536, EKM_PASSPHRASE_R = 8, EKM_PASSPHRASE_P = 1, EKM_PASSPHRASE_MAX_BYTES = 256 << 20 };

/* ekm_passphrase_key(crypto, passphrase, salt, cost, bytes, out_key, err):
 * ${bytes} of key. LIMIT for a cost of more than EKM_PASSPHRASE_MAX_BYTES of memory, or one that is none: it may come
 * from a file of somebody else. */
EKM_MUST_USE bool ekm_passphrase_key(const ekm_crypto *crypto, const ekm_secret *passphrase, ekm_view salt,
                                     const ekm_passphrase_cost *cost, size_t bytes, ekm_secret *out_key, ekm_err *err);

#endif
