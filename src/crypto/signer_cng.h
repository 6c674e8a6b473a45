/* What signer_cng.c is made of, for its test: Wine cannot do the whole, and some errors want a real machine. Types of
 * Windows are written as the standard's. */
#ifndef EKM_CRYPTO_SIGNER_CNG_H
#define EKM_CRYPTO_SIGNER_CNG_H

#include "crypto/signer.h"

struct _CERT_CONTEXT;

/* signer_cng_fail_key(code, err): raise what Windows means by this code (GetLastError, or a SECURITY_STATUS) about a
 * private key: CERT_NO_KEY, CERT_KEY_DENIED, else CRYPTO. False. */
bool signer_cng_fail_key(uint32_t code, ekm_err *err);

/* signer_cng_fail_import(code, is_given, err): the same of PFXImportCertStore, with a password given or not:
 * CERT_PASSWORD, else CERT_FILE. False. */
bool signer_cng_fail_import(uint32_t code, bool is_given, ekm_err *err);

/* signer_cng_choose(store, out_cert, err): the only certificate of a HCERTSTORE that has a private key; the caller
 * frees it, also after an error. CERT_NO_KEY for none, CERT_FILE for several. */
EKM_MUST_USE bool signer_cng_choose(void *store, const struct _CERT_CONTEXT **out_cert, ekm_err *err);

/* signer_cng_open_pfx(file, password, flags, out_signer, err): ekm_signer_open by these flags of PFXImportCertStore,
 * and without taking the private key. */
EKM_MUST_USE bool signer_cng_open_pfx(ekm_view file, ekm_view password, uint32_t flags, ekm_signer **out_signer,
                                      ekm_err *err);

/* signer_cng_sign(key, hash, out_signature, err): ekm_signer_sign by a NCRYPT_KEY_HANDLE, of what has this SHA-256. */
EKM_MUST_USE bool signer_cng_sign(uintptr_t key, const uint8_t hash[EKM_SHA256_BYTES], ekm_buf *out_signature,
                                  ekm_err *err);

#endif
