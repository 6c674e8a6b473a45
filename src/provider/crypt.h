/* SqlCryptEncrypt and SqlCryptDecrypt: a data-encryption key is wrapped and unwrapped in the vault.
 * Each function works on a call that has begun with a session, and raises into call->err. */
#ifndef EKM_PROVIDER_CRYPT_H
#define EKM_PROVIDER_CRYPT_H

#include "provider/call.h"

/* What Encrypt and Decrypt have in common. Everything is borrowed from the engine. */
typedef struct crypt_input {
  const SqlCpKeyThumbprint *thumb;
  SqlCpBoolean final;
  const SqlCpEncryptionParam *params;
  uint32_t param_count;
  const SqlCpData *data;
} crypt_input;

/* crypt_wrap(call, input, ciphertext): a size probe is answered without asking the vault. */
EKM_MUST_USE bool crypt_wrap(provider_call *call, const crypt_input *input, SqlCpData *ciphertext);

/* crypt_unwrap(call, input, plaintext): a size probe answers an upper bound without asking the vault. */
EKM_MUST_USE bool crypt_unwrap(provider_call *call, const crypt_input *input, SqlCpData *plaintext);

#endif
