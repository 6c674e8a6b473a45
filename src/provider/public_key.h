/* The encodings of an exported RSA public key. Threads: no state. */
#ifndef EKM_PROVIDER_PUBLIC_KEY_H
#define EKM_PROVIDER_PUBLIC_KEY_H

#include "keyring/keyring.h"
#include "provider/wire.h"

/* public_key_encode(key, format, out, err): append the blob that SqlCryptExportKey gives. */
EKM_MUST_USE bool public_key_encode(const keyring_key *key, provider_key_format format, ekm_buf *out, ekm_err *err);

#endif
