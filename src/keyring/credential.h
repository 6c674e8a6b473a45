/* SECRET of a SQL Server credential, taken apart: who asks, and by what.
 *
 *   0123456789abcdef0123456789abcdef<client secret>              client id and client secret
 *   01234567-89ab-cdef-0123-456789abcdef<client secret>          hyphens left in: understood as well
 *   managed-identity                                             the machine's own identity, no secret
 *   managed-identity:CLIENT-ID                                   one that was assigned to it
 *   workload-identity[:CLIENT-ID]                                what another issuer vouches for, no secret
 *   certificate:CLIENT-ID:PATH[|PASSWORD]                        a client certificate in a PEM or PFX file
 *   certificate:CLIENT-ID:store:THUMBPRINT                       one in the machine's certificate store (Windows)
 *
 * CLIENT-ID may lack its hyphens there, too. '|' ends the path, because no path on Windows has one; the password may
 * have more of them. It stands here and not in a file, because the engine keeps SECRET encrypted, and a password that
 * lies beside its file protects nothing. THUMBPRINT is the SHA-1 hash as Windows shows it: 40 hexadecimal digits,
 * perhaps with spaces, and with the invisible mark that its dialog puts in front. */
#ifndef EKM_KEYRING_CREDENTIAL_H
#define EKM_KEYRING_CREDENTIAL_H

#include "crypto/signer.h"
#include "keyvault/client.h"

enum { KEYRING_CLIENT_ID_BYTES = 37, KEYRING_CERTIFICATE_PATH_BYTES = 1024 };

/* Zero-initialise; never copy the struct. */
typedef struct keyring_credential {
  akv_identity_kind kind;
  char client_id[KEYRING_CLIENT_ID_BYTES];   /* a GUID with hyphens in lower case, or "" where none was named */
  char path[KEYRING_CERTIFICATE_PATH_BYTES]; /* of a certificate's file; else "" */
  char entry[EKM_SIGNER_ENTRY_CHARS + 1];    /* of a certificate in a store, digits in lower case; else "" */
  ekm_secret secret;                         /* the client secret, or the password of that file */
} keyring_credential;

/* What the configuration says about an application. */
typedef struct keyring_application {
  char client_id[KEYRING_CLIENT_ID_BYTES]; /* a GUID with hyphens, in any case */
  int64_t secret_expires_wall_s;           /* 0: nobody said */
} keyring_application;

typedef struct keyring_applications {
  const keyring_application *each;
  size_t count;
} keyring_applications;

/* keyring_credential_parse(text, out, err):
 * SECRET_SHORT, SECRET_CLIENT_ID; CERT_FILE for what is neither path nor entry behind "certificate:CLIENT-ID:";
 * CERT_PASSWORD for one that cannot be. ${out} is empty on
 * entry; clear it in any case. */
EKM_MUST_USE bool keyring_credential_parse(const ekm_secret *text, keyring_credential *out, ekm_err *err);

/* keyring_credential_clear(credential): wipe and forget. */
void keyring_credential_clear(keyring_credential *credential);

/* keyring_credential_identity(credential, known):
 * The same as keyvault wants it, borrowed from ${credential}, with what the configuration says of it. */
akv_identity keyring_credential_identity(const keyring_credential *credential, keyring_applications known);

#endif
