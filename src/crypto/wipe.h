/* What OpenSSL leaves in freed memory: its encoders and decoders give back buffers with private numbers in them as they
 * are (seen with OpenSSL 3.0: PKCS#8, both ways).
 *
 * Threads: before any thread starts. */
#ifndef EKM_CRYPTO_WIPE_H
#define EKM_CRYPTO_WIPE_H

#include <stdbool.h>

/* ekm_crypto_wipe_freed():
 * For programs, before anything else of OpenSSL is used: from now on all memory that OpenSSL gives back is wiped. False
 * if OpenSSL has allocated already, and nothing is changed. A library in another's process must not do that. */
bool ekm_crypto_wipe_freed(void);

#endif
