/* The Keys API of one vault, as one identity: Azure Key Vault or Managed HSM.
 *
 *   akv_client --> sign_in (challenge, token)
 *       |
 *       +--> GET    /keys/NAME/VERSION                 akv_get_key
 *       +--> GET    /keys, /keys/NAME/versions         akv_list_names, akv_list_versions
 *       +--> GET    /keys/NAME/rotationpolicy          akv_get_rotation_policy
 *       +--> POST   /keys/NAME/create                  akv_create_key
 *       +--> DELETE /keys/NAME                         akv_delete_key
 *       +--> POST   /keys/NAME/VERSION/wrapkey         akv_wrap
 *       +--> POST   /keys/NAME/VERSION/unwrapkey       akv_unwrap
 *       +--> POST   /keys/NAME/VERSION/encrypt         akv_encrypt
 *       +--> POST   /keys/NAME/VERSION/decrypt         akv_decrypt
 *
 * One request an operation, plus two before the first (challenge and token); a 401 is answered once, by a new token.
 * Errors are those of http, of sign_in and of answer.h; err.http_status, err.request_id and the vault's own words are
 * filled.
 *
 * Names and versions are checked before they go into a URL: KEY_NAME_BAD, KEY_NAME_TOO_LONG. Every answer must be about
 * the key that was asked.
 *
 * Threads: any. */
#ifndef EKM_KEYVAULT_CLIENT_H
#define EKM_KEYVAULT_CLIENT_H

#include "base/env.h"
#include "base/log.h"
#include "base/rng.h"
#include "entra/token.h"
#include "keyvault/key.h"
#include "keyvault/vault.h"

typedef struct akv_options {
  ekm_http *http; /* all borrowed, and outlive the client */
  const ekm_clock *clock;
  const ekm_rng *rng;     /* for request ids */
  const ekm_env *env;     /* where managed identities look; NULL: the process's */
  ekm_log *log;           /* may be NULL */
  const akv_vault *vault; /* the struct and its host are copied; the other texts are not */
} akv_options;

typedef enum akv_identity_kind {
  AKV_CLIENT_SECRET,     /* an application with a client secret */
  AKV_MANAGED_IDENTITY,  /* what Azure gave the machine; no secret */
  AKV_WORKLOAD_IDENTITY, /* what another issuer vouches for; no secret */
  AKV_CERTIFICATE        /* an application with a client certificate */
} akv_identity_kind;

/* Who asks. Borrowed. */
typedef struct akv_identity {
  akv_identity_kind kind;
  const char *client_id;    /* a GUID with hyphens; "" for the system's managed identity, and for
                            the workload identity of the environment */
  const char *path;         /* of a certificate's file */
  const ekm_secret *secret; /* the client secret, or the password of that file */
  const char *entry;        /* of a certificate in the machine's store, its thumbprint; NULL: the file */
  int64_t expires_wall_s;   /* of a client secret; 0: nobody knows */
} akv_identity;

/* What bounds a call. */
typedef entra_call akv_call;

typedef struct akv_client akv_client;

/* akv_client_new(options, identity, out_client, err): ${identity} is copied. No request. */
EKM_MUST_USE bool akv_client_new(const akv_options *options, const akv_identity *identity, akv_client **out_client,
                                 ekm_err *err);

/* akv_client_free(client): no call may run any more; NULL is fine; sets the caller's pointer to NULL. */
void akv_client_free(akv_client **client);

/* akv_client_is(client, host, identity): is it the client of this vault and this identity? The secret is compared in
 * constant time. */
bool akv_client_is(const akv_client *client, const char *host, const akv_identity *identity);

/* akv_client_sign_in(client, call, err): make sure that there is a valid token: two requests cold, none warm. */
EKM_MUST_USE bool akv_client_sign_in(akv_client *client, const akv_call *call, ekm_err *err);

/* akv_get_key(client, name, version, call, out_key, err): ${version} NULL: the newest. */
EKM_MUST_USE bool akv_get_key(akv_client *client, const char *name, const char *version, const akv_call *call,
                              akv_key *out_key, ekm_err *err);

/* What a list is given to, item by item; false ends it with the error that was raised. */
typedef struct akv_sink {
  bool (*item)(void *arg, const char *text, int64_t created_s, ekm_err *err); /* 0: the vault did not say when */
  void *arg;
} akv_sink;

/* akv_list_names(client, call, sink, err), akv_list_versions(client, name, call, sink, err):
 * All pages. LIMIT for a list that does not end. */
EKM_MUST_USE bool akv_list_names(akv_client *client, const akv_call *call, akv_sink sink, ekm_err *err);
EKM_MUST_USE bool akv_list_versions(akv_client *client, const char *name, const akv_call *call, akv_sink sink,
                                    ekm_err *err);

typedef enum akv_key_kind {
  AKV_RSA, /* 2048, 3072 or 4096 bits; wraps and unwraps */
  AKV_AES  /* oct-HSM of 128, 192 or 256 bits; encrypts and decrypts. A Managed HSM has them */
} akv_key_kind;

/* akv_create_key(client, name, kind, bits, call, out_key, err):
 * KEY_EXISTS or KEY_DELETED if the name is not free. The API has no "create if absent": it is asked for the name
 * before, and for its versions afterwards; if somebody else took the name in between, KEY_EXISTS says so. Sent once;
 * CREATION_UNSURE if it left and no definite answer came. */
EKM_MUST_USE bool akv_create_key(akv_client *client, const char *name, akv_key_kind kind, unsigned bits,
                                 const akv_call *call, akv_key *out_key, ekm_err *err);

/* akv_delete_key(client, name, call, err): softly, all versions. */
EKM_MUST_USE bool akv_delete_key(akv_client *client, const char *name, const akv_call *call, ekm_err *err);

enum { AKV_DURATION_BYTES = 32 };

/* What the vault does to a key by itself. Durations are ISO 8601 ("P90D"), "" where there is none. */
typedef struct akv_rotation_policy {
  bool rotates;                                                             /* it makes new versions */
  char after_create[AKV_DURATION_BYTES], before_expiry[AKV_DURATION_BYTES]; /* when */
  char expiry[AKV_DURATION_BYTES];                                          /* of a new version */
} akv_rotation_policy;

/* akv_get_rotation_policy(client, name, call, out, err): needs a permission of its own, getrotationpolicy. */
EKM_MUST_USE bool akv_get_rotation_policy(akv_client *client, const char *name, const akv_call *call,
                                          akv_rotation_policy *out, ekm_err *err);

/* What wraps. */
typedef struct akv_wrap_key {
  const char *name;
  const char *version;
  const char *alg; /* "RSA-OAEP-256" */
} akv_wrap_key;

/* akv_wrap(...), akv_unwrap(...): with exactly this version; the result is appended to ${out}. WRAP_ANSWER or
 * UNWRAP_ANSWER for an answer that is none, UNWRAP_REFUSED for a ciphertext that is not this key's. */
EKM_MUST_USE bool akv_wrap(akv_client *client, const akv_wrap_key *key, ekm_view plaintext, const akv_call *call,
                           ekm_buf *out_ciphertext, ekm_err *err);
EKM_MUST_USE bool akv_unwrap(akv_client *client, const akv_wrap_key *key, ekm_view ciphertext, const akv_call *call,
                             ekm_buf *out_plaintext, ekm_err *err);

/* akv_encrypt(...), akv_decrypt(...): with an AES key, "A256CBCPAD", and an initialisation vector of 16 bytes.
 * VAULT_BAD_REQUEST for an algorithm that is not the key's; otherwise as akv_wrap and akv_unwrap. */
EKM_MUST_USE bool akv_encrypt(akv_client *client, const akv_wrap_key *key, ekm_view iv, ekm_view plaintext,
                              const akv_call *call, ekm_buf *out_ciphertext, ekm_err *err);
EKM_MUST_USE bool akv_decrypt(akv_client *client, const akv_wrap_key *key, ekm_view iv, ekm_view ciphertext,
                              const akv_call *call, ekm_buf *out_plaintext, ekm_err *err);

#endif
