/* Which thumbprints, of all that engines keep, mean a key version: its own, or one of Microsoft's connector.
 *
 * Threads: no state. */
#ifndef EKM_KEYRING_MATCH_H
#define EKM_KEYRING_MATCH_H

#include "crypto/crypto.h"
#include "keyring/keyring.h"

typedef enum keyring_match {
  KEYRING_MATCH_NONE,
  KEYRING_MATCH_NAME, /* a packed name (foreign.h): this version, or another one of its name */
  KEYRING_MATCH_KEY   /* this version, or another one of the same material */
} keyring_match;

/* keyring_match_thumbs(crypto, record, thumbs, count, out_each, err):
 * What each of ${thumbs} is to ${record}; nothing, to a key that SQL Server cannot use. */
EKM_MUST_USE bool keyring_match_thumbs(const ekm_crypto *crypto, const keyring_record *record, const ekm_view *thumbs,
                                       size_t count, keyring_match *out_each, ekm_err *err);

#endif
