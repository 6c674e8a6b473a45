/* Certificates by which applications sign in instead of by a secret: what is kept of one, and which is meant.
 *
 *   PEM file --vault_certificate_read--> thumbprints, validity, public key --vault_store_certificate_add--> the store
 *
 * The certificate is a container of a key here, as at Entra: nobody asks who signed it, only whether it is the one that
 * was registered and whether its time has come and is not over.
 *
 * Threads: any. */
#ifndef EKM_VAULT_CERTIFICATE_H
#define EKM_VAULT_CERTIFICATE_H

#include "vault/store.h"

/* vault_certificate_read(crypto, pem, out, err):
 * What there is to keep of the first certificate of a PEM text; ${out} gets no id and no time of creation. CRYPTO if
 * there is no certificate, KEY_KIND and KEY_TYPE for one whose key is not RSA of 2048, 3072 or 4096 bits. */
EKM_MUST_USE bool vault_certificate_read(const ekm_crypto *crypto, ekm_view pem, vault_certificate *out, ekm_err *err);

/* vault_store_certificate_add(store, client_id, certificate, out_id, err):
 * Register a certificate for an application, beside those that it has; id and created of ${certificate} are made here.
 * EXISTS if the application has it already, BAD_ARGUMENT if its time is over, ABSENT. Errors besides: store.h. */
EKM_MUST_USE bool vault_store_certificate_add(vault_store *store, const char *client_id,
                                              const vault_certificate *certificate, char out_id[VAULT_GUID_CHARS + 1],
                                              ekm_err *err);

/* vault_store_certificate_remove(store, client_id, certificate_id, err): ABSENT. */
EKM_MUST_USE bool vault_store_certificate_remove(vault_store *store, const char *client_id, const char *certificate_id,
                                                 ekm_err *err);

#endif
