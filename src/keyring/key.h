/* The inside of a keyring_key, for the files of this directory. */
#ifndef EKM_KEYRING_KEY_H
#define EKM_KEYRING_KEY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "keyring/keyring.h"

/* Immutable but for the count of references, and what is found out later. */
struct keyring_key {
  atomic_uint refs;
  char name[EKM_LIMIT_KEY_NAME_CHARS + 1];
  char version[EKM_LIMIT_KEY_VERSION_CHARS + 1];
  uint8_t thumb[KEYRING_THUMB_BYTES];
  ekm_buf n, e; /* shortest form; empty for an AES key */
  bool is_aes;
  atomic_uint aes_bits; /* 0: not known yet */
  bool enabled;         /* when it was read */
};

/* keyring_key_new(crypto, record, out_key, err): a key with one reference. KEY_TYPE if it is neither RSA of 2048, 3072
 * or 4096 bits nor AES. */
EKM_MUST_USE bool keyring_key_new(const ekm_crypto *crypto, const keyring_record *record, keyring_key **out_key,
                                  ekm_err *err);

#endif
