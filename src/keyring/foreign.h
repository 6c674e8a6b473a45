/* Thumbprints of Microsoft's connector, so that what was encrypted through it can be opened here
 * (facts/sql-server-connector.md sections 3.1 and 3.2).
 *
 * 1.0.4 and older: the key's name, six bits a character, zero bits up to the next byte:
 *
 *   key20181029  ->  11 5 25 55 53 54 61 54 53 55 62, 0  ->  2c 56 77 d7 6f 76 d7 7f 80
 *                    1-26 a-z, 27-52 A-Z, 53-62 0-9, 63 '-'
 *
 * Lower case and digits are proven by a published thumbprint, upper case and hyphen follow by elimination. Since it
 * says nothing of the version, any version of that name may be meant.
 *
 * 1.0.5 and newer: 20 bytes, to all appearances SHA-1 of some encoding of the public key. Which one was never
 * published, so all that are plausible are tried (blob.h).
 *
 * Threads: no state. */
#ifndef EKM_KEYRING_FOREIGN_H
#define EKM_KEYRING_FOREIGN_H

#include "crypto/crypto.h"
#include "keyring/blob.h"
#include "keyring/keyring.h"

enum { KEYRING_FOREIGN_NAME_CHARS = 26, KEYRING_FOREIGN_NAME_BYTES = 20 }; /* 26 characters of six bits */

/* keyring_foreign_pack(name, out): append the packed name; false for a name that has none. */
bool keyring_foreign_pack(const char *name, ekm_buf *out);

/* keyring_foreign_unpack(thumb, out_name): false if it is no packed name. */
bool keyring_foreign_unpack(ekm_view thumb, char out_name[KEYRING_FOREIGN_NAME_CHARS + 1]);

/* keyring_foreign_hash(crypto, key, form, out, err): append SHA-1 of that encoding of the key. */
EKM_MUST_USE bool keyring_foreign_hash(const ekm_crypto *crypto, const keyring_key *key, keyring_blob_form form,
                                       ekm_buf *out, ekm_err *err);

/* keyring_foreign_is(crypto, key, thumb, out_is, err): is it one of the SHA-1 thumbprints of this key? */
EKM_MUST_USE bool keyring_foreign_is(const ekm_crypto *crypto, const keyring_key *key, ekm_view thumb, bool *out_is,
                                     ekm_err *err);

#endif
