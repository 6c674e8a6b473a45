/* Everything that is done with the master key.
 *
 *                      +- CHECK   HMAC: is this the master key of this database?
 *                      +- ROW     HMAC of every row that is not a private key
 *   master key -HMAC-> +- SET     what a row counts in the set of all rows
 *   (purpose)          +- ROOT    HMAC of the whole set
 *                      +- WRAP    -HMAC(vault, name, version)-> an AES-256-GCM key for one private key
 *
 *   lasting key -HMAC-> the same purposes, for what outlives a master key (store_master.h):
 *                      +- SECRET  HMAC(salt, client secret)
 *                      +- WRAP    for backups of keys
 *
 * What is promised, to the holder of the folder without the master key:
 *  - Private keys cannot be read. Each version has an AES key of its own, derived from its identity; the random 96-bit
 *    nonces only have to differ among the seals of one version (one per change of its attributes), far from the 2^32
 *    that NIST SP 800-38D allows under one key. The associated data is the version's whole row: vault, name, version,
 *    kty, public numbers, attributes, operations, tags.
 *  - No row can be changed or made: every row has a MAC over table name, all columns and their types.
 *  - No row can be taken away, and no old row put back: the ROOT authenticates the set of all rows. It is the exclusive
 *    or of PRF(SET, row's MAC) and their number, under one more HMAC; changing one row costs two of each, however many
 *    there are (crypto/prf.h: two hundred thousand rows are counted in a tenth of a second). (Clarke, Devadas, van
 * Dijk, Gassend, Suh: Incremental Multiset Hash Functions, ASIACRYPT 2003. The
 *    exclusive or itself is never on the disk, which is what that construction asks for. What is counted is what is
 *    read: a database with any other table or index than akvd's own is refused.) So a revoked grant cannot come back, a
 *    disabled version not become enabled, and an older version not become the newest.
 *  - Client secrets cannot be guessed offline, however weak they are: their salted hash needs the SECRET key. With the
 *    master key a weak one could be tried at the speed of HMAC, but whoever has it has the keys themselves; what akvd
 *    generates has 240 bits. That is why there is no slow hash here, and sign-in is fast.
 *
 * What is not promised:
 *  - Putting back the whole database as it was at an earlier time is not noticed: nothing outside the folder remembers.
 *  - Destroying it, or hiding rows through broken pages of the B-tree: denial is noticed, not prevented.
 *  - The set is checked when the database is opened and whenever another connection has changed it: that every MAC is
 *    there, once. That a row fits its MAC is checked when it is read; a server also reads all of them once, right after
 *    its start (vault_store_verify), and stops answering if one does not fit.
 *  - Names, times, tags and public keys are not secret. The master key protects nothing from who reads its file or the
 *    memory of akvd.
 *
 * Threads: immutable once made; all threads may use it. */
#ifndef EKM_VAULT_SEAL_H
#define EKM_VAULT_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/crypto.h"
#include "crypto/prf.h"

typedef struct vault_seal vault_seal;

typedef enum vault_seal_purpose {
  VAULT_SEAL_CHECK,
  VAULT_SEAL_ROW,
  VAULT_SEAL_SET,
  VAULT_SEAL_ROOT,
  VAULT_SEAL_WRAP,
  VAULT_SEAL_SECRET,
  VAULT_SEAL_PURPOSES
} vault_seal_purpose;

enum { VAULT_SEAL_MAC_BYTES = 32 };

/* vault_seal_new(crypto, master_key, out_seal, err): ${crypto} is borrowed for the life of the seal. */
EKM_MUST_USE bool vault_seal_new(const ekm_crypto *crypto, const ekm_secret *master_key, vault_seal **out_seal,
                                 ekm_err *err);

/* vault_seal_free(seal): NULL is fine; sets the caller's pointer to NULL. */
void vault_seal_free(vault_seal **seal);

/* vault_seal_mac(seal, purpose, data, out, err): HMAC-SHA-256 under the key of ${purpose}. */
EKM_MUST_USE bool vault_seal_mac(const vault_seal *seal, vault_seal_purpose purpose, ekm_view data,
                                 uint8_t out[VAULT_SEAL_MAC_BYTES], ekm_err *err);

/* vault_seal_close(seal, identity, aad, plaintext, out, err):
 * Append nonce, ciphertext and tag. ${identity} says whose secret it is and chooses the AES key. */
EKM_MUST_USE bool vault_seal_close(const vault_seal *seal, ekm_view identity, ekm_view aad, ekm_view plaintext,
                                   ekm_buf *out, ekm_err *err);

/* vault_seal_open(seal, identity, aad, sealed, out, err):
 * Append the plaintext; STORE_TAMPERED if identity, associated data or sealed bytes are not those of the seal. */
EKM_MUST_USE bool vault_seal_open(const vault_seal *seal, ekm_view identity, ekm_view aad, ekm_view sealed,
                                  ekm_buf *out, ekm_err *err);

/* A set of rows, summed up. Zero-initialised it is the empty set. */
typedef struct vault_seal_set {
  uint64_t count;
  uint8_t sum[EKM_PRF_OUT_BYTES];
} vault_seal_set;

/* vault_seal_counter(seal, out_prf, err): what counts rows into a set, for one thread; the caller frees it. */
EKM_MUST_USE bool vault_seal_counter(const vault_seal *seal, ekm_prf **out_prf, ekm_err *err);

/* vault_seal_set_add(counter, set, mac, err), vault_seal_set_remove(...): a row comes or goes; ${mac} is the row's. */
EKM_MUST_USE bool vault_seal_set_add(ekm_prf *counter, vault_seal_set *set, const uint8_t mac[VAULT_SEAL_MAC_BYTES],
                                     ekm_err *err);
EKM_MUST_USE bool vault_seal_set_remove(ekm_prf *counter, vault_seal_set *set, const uint8_t mac[VAULT_SEAL_MAC_BYTES],
                                        ekm_err *err);

#endif
