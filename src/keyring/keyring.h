/* A keyring: the keys of one vault as one credential sees them. All that the provider knows of the outside.
 *
 *   provider --> keyring (names, thumbprints, ids, cache, one search at a time)
 *                   |
 *                   +--> keyring_backend: a table of functions, once over keyvault, once in memory
 *
 *   keyring_connector: from a credential to a keyring; equal credentials share one, different ones never do
 *
 * A key here is one VERSION of a vault's key: immutable material with a thumbprint. The thumbprint is the leftmost
 * 20 bytes of the SHA-256 JWK thumbprint of the public key (RFC 7638, n and e in shortest form), so the same material
 * has the same thumbprint in any vault and under any name, and finding it again needs no local state. An AES key of a
 * Managed HSM shows nothing of its material: its thumbprint is made of its name and version, which a restored copy
 * keeps: SHA-256 of "oct|name|version".
 *
 * What asks the vault: a name without a version, always (a rotated key must be seen). What does not: a thumbprint, id
 * or name/version that was seen before; but a version that was disabled when it was seen is asked by its name again.
 *
 * Threads: a keyring and a connector may be used by all threads. Keys are immutable and reference-counted. */
#ifndef EKM_KEYRING_KEYRING_H
#define EKM_KEYRING_KEYRING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"
#include "crypto/crypto.h"

enum { KEYRING_THUMB_BYTES = 20 };

/* What bounds one call of the engine; handed down to every exchange that the call needs. */
typedef struct keyring_call {
  ekm_deadline deadline;
  bool (*is_cancelled)(void *arg); /* may be NULL; asked by several threads at once while a vault is searched */
  void *cancel_arg;
} keyring_call;

/* --- what a backend answers --------------------------------------------------------------------------------------- */

/* A key version as the vault describes it. keyring_record_init before use, keyring_record_clear afterwards. */
typedef struct keyring_record {
  char name[EKM_LIMIT_KEY_NAME_CHARS + 1]; /* as spelt when the key was created */
  char version[EKM_LIMIT_KEY_VERSION_CHARS + 1];
  bool is_rsa;   /* RSA or RSA-HSM; n and e count for no other */
  bool is_aes;   /* oct-HSM */
  unsigned bits; /* of an AES key; 0: the vault does not say */
  bool enabled;
  ekm_buf n, e; /* big-endian; leading zeros are tolerated */
} keyring_record;

void keyring_record_init(keyring_record *record);
void keyring_record_clear(keyring_record *record);

/* A growing list of names or versions. Zero-initialise; keyring_list_clear frees. */
typedef struct keyring_list {
  char (*items)[EKM_LIMIT_KEY_NAME_CHARS + 1];
  size_t count, cap;
} keyring_list;

/* keyring_list_add(list, text, err): LIMIT beyond EKM_LIMIT_KEYS_PER_VAULT entries or for a text that is too long. */
EKM_MUST_USE bool keyring_list_add(keyring_list *list, const char *text, ekm_err *err);
void keyring_list_clear(keyring_list *list);

typedef enum keyring_kind {
  KEYRING_RSA, /* wraps and unwraps keys */
  KEYRING_AES  /* encrypts and decrypts data */
} keyring_kind;

enum { KEYRING_IV_BYTES = 16 };

/* How an AES key encrypts. */
typedef struct keyring_cipher {
  const char *name, *version;
  const char *alg; /* "A256CBCPAD" */
  ekm_view iv;
} keyring_cipher;

/* ${version} may be NULL: the newest. Errors are those of the table: KEY_NOT_FOUND, KEY_DISABLED, VAULT_FORBIDDEN. */
typedef struct keyring_backend keyring_backend;
struct keyring_backend {
  bool (*get)(keyring_backend *self, const char *name, const char *version, const keyring_call *call,
              keyring_record *out_record, ekm_err *err);
  bool (*list_names)(keyring_backend *self, const keyring_call *call, keyring_list *out_names, ekm_err *err);
  /* The newest first. */
  bool (*list_versions)(keyring_backend *self, const char *name, const keyring_call *call, keyring_list *out_versions,
                        ekm_err *err);
  /* Create a key under a free name: KEY_EXISTS or KEY_DELETED if it is not free; never adds a version. Never
   * repeated by itself after a fault. */
  bool (*create)(keyring_backend *self, const char *name, keyring_kind kind, unsigned bits, const keyring_call *call,
                 keyring_record *out_record, ekm_err *err);
  /* Delete (softly) all versions of a name. */
  bool (*drop)(keyring_backend *self, const char *name, const keyring_call *call, ekm_err *err);
  bool (*wrap)(keyring_backend *self, const char *name, const char *version, const char *alg, ekm_view plaintext,
               const keyring_call *call, ekm_buf *out_ciphertext, ekm_err *err);
  bool (*unwrap)(keyring_backend *self, const char *name, const char *version, const char *alg, ekm_view ciphertext,
                 const keyring_call *call, ekm_buf *out_plaintext, ekm_err *err);
  /* With an AES key and an iv of KEYRING_IV_BYTES. VAULT_BAD_REQUEST for an algorithm that is not the key's. */
  bool (*encrypt)(keyring_backend *self, const keyring_cipher *cipher, ekm_view plaintext, const keyring_call *call,
                  ekm_buf *out_ciphertext, ekm_err *err);
  bool (*decrypt)(keyring_backend *self, const keyring_cipher *cipher, ekm_view ciphertext, const keyring_call *call,
                  ekm_buf *out_plaintext, ekm_err *err);
  void (*destroy)(keyring_backend *self);
};

/* --- keys --------------------------------------------------------------------------------------------------------- */

typedef struct keyring_key keyring_key;

/* keyring_key_ref(key): one more reference; returns ${key}. */
keyring_key *keyring_key_ref(keyring_key *key);

/* keyring_key_unref(key): give up a reference; NULL is fine; sets the caller's pointer to NULL. */
void keyring_key_unref(keyring_key **key);

const char *keyring_key_name(const keyring_key *key);
const char *keyring_key_version(const keyring_key *key);
ekm_view keyring_key_thumb(const keyring_key *key);
keyring_kind keyring_key_kind(const keyring_key *key);
unsigned keyring_key_bits(const keyring_key *key);
size_t keyring_key_modulus_bytes(const keyring_key *key); /* of an RSA key; 0 otherwise, as the next two are empty */
ekm_view keyring_key_n(const keyring_key *key);           /* shortest form */
ekm_view keyring_key_e(const keyring_key *key);           /* shortest form */

/* keyring_thumb_of_aes(crypto, name, version, out, err): the thumbprint of an AES key, as said above. */
EKM_MUST_USE bool keyring_thumb_of_aes(const ekm_crypto *crypto, const char *name, const char *version,
                                       uint8_t out[KEYRING_THUMB_BYTES], ekm_err *err);

/* keyring_thumb(crypto, n, e, out, err): the thumbprint of a public key, as said above. */
EKM_MUST_USE bool keyring_thumb(const ekm_crypto *crypto, ekm_view n, ekm_view e, uint8_t out[KEYRING_THUMB_BYTES],
                                ekm_err *err);

/* Thumbprints that a key can be called by towards the engine: its own, or one that Microsoft's connector has, or may
 * have, given it (foreign.h). All of them are understood whichever is reported. */
typedef enum keyring_thumb_kind {
  KEYRING_THUMB_OWN,
  KEYRING_THUMB_NAME, /* the packed name of 1.0.4 and older */
  KEYRING_THUMB_SHA1  /* + keyring_blob_form: SHA-1 of that encoding */
} keyring_thumb_kind;

/* --- the keyring -------------------------------------------------------------------------------------------------- */

typedef struct keyring keyring;
typedef struct keyring_hints keyring_hints; /* hints.h */
typedef struct keyring_turns keyring_turns; /* turns.h */

enum { KEYRING_REPLICAS_MAX = 4 };

typedef struct keyring_options {
  const char *host;          /* of the vault, for keys that are named by their URL; copied; NULL: not known */
  const ekm_crypto *crypto;  /* borrowed, outlives the keyring */
  const ekm_clock *clock;    /* borrowed, outlives the keyring */
  ekm_log *log;              /* borrowed, outlives the keyring; may be NULL */
  const char *wrap_alg;      /* static text: "RSA-OAEP-256" */
  bool unwrap_rsa1_5;        /* try RSA1_5 as well, last */
  bool unwrap_reversed;      /* try ciphertexts from their end to their beginning as well, after all others */
  keyring_thumb_kind report; /* which thumbprint keyring_thumb_of gives */
  int64_t keep_ms;           /* how long the answer to an unwrap is used again; 0: never (unwraps.h) */
  int64_t grace_ms;          /* how much longer if the vault cannot be reached */

  /* The search by thumbprint. */
  const char *first_names; /* names that are looked at first, divided by spaces or commas; borrowed; NULL: none */
  unsigned search_workers; /* requests at a time; 0: 1 */
  unsigned search_per_s;   /* requests in a second at most; 0: no limit */
  int64_t search_again_ms; /* how long a thumbprint that no key has is not searched again */
  /* The URI of the key that another connector noted for a thumbprint, appended; false: none. NULL: nobody did. */
  bool (*left_behind)(ekm_view thumb, ekm_buf *out_uri);
  keyring_hints *hints; /* where keys were found before; borrowed, outlives the keyring; NULL: not known */
  keyring_turns *turns; /* so that a vault is searched by one keyring at a time; borrowed, as that; NULL: none */
} keyring_options;

/* keyring_new(options, backend, out_keyring, err): takes over ${backend} also on failure; one reference for the
 * caller. */
EKM_MUST_USE bool keyring_new(const keyring_options *options, keyring_backend *backend, keyring **out_keyring,
                              ekm_err *err);

/* keyring_ref(keyring), keyring_unref(keyring): the last reference frees keyring and backend. */
keyring *keyring_ref(keyring *ring);
void keyring_unref(keyring **ring);

/* keyring_add_replica(ring, replica, err):
 * ${replica}, a keyring of another vault that holds copies of this one's keys, is used to find keys by their thumbprint
 * and to unwrap while ${ring}'s own vault cannot be reached; it is what says the same thumbprint that counts. A vault
 * that answers no is not an outage. The keyring takes its own reference. Only before other threads use ${ring}. LIMIT
 * beyond KEYRING_REPLICAS_MAX. */
EKM_MUST_USE bool keyring_add_replica(keyring *ring, keyring *replica, ekm_err *err);

/* keyring_is_outage(err): does it say that a vault, or the way to it, is away, and nothing of a key? */
bool keyring_is_outage(const ekm_err *err);

/* keyring_is_forbidden(id): does it say that this application may not do this, by access policy, role, or an unknown
 * rule? */
bool keyring_is_forbidden(ekm_err_id id);

/* keyring_host(ring): the vault's, or NULL. */
const char *keyring_host(const keyring *ring);

/* keyring_by_name(ring, name, version, call, out_key, err):
 * ${version} NULL asks the vault for the newest, always. KEY_TYPE for a key that is neither RSA of 2048, 3072 or 4096
 * nor AES. Where the vault does not tell the length of an AES key, it is found out by encrypting something. */
EKM_MUST_USE bool keyring_by_name(keyring *ring, const char *name, const char *version, const keyring_call *call,
                                  keyring_key **out_key, ekm_err *err);

/* keyring_by_thumb(ring, thumb, call, out_key, err):
 * The key of its own thumbprint, else of one of Microsoft's connector (foreign.h): from the cache, else where a hint
 * says, else under the names that are to be looked at first, else by one search through the vault (newest versions
 * first, then older ones) that all waiting threads share. Of several versions of one material one that is enabled.
 * KEY_NOT_FOUND if a search that began after this call, or search_again_ms ago at most, found nothing of that
 * thumbprint; VAULT_FORBIDDEN or VAULT_ROLE if keys had to be passed over because they may not be read;
 * SEARCH_UNFINISHED if the time was over before the search was, though the vault answers, DEADLINE if it does not. The
 * next search goes on from there. CANCELLED, also while waiting for another thread's search. */
EKM_MUST_USE bool keyring_by_thumb(keyring *ring, ekm_view thumb, const keyring_call *call, keyring_key **out_key,
                                   ekm_err *err);

/* keyring_thumb_of(ring, key, out, err):
 * Append the thumbprint that the option "report" asks for (an AES key has no SHA-1: its own), which finds the key
 * from then on without a request. KEY_NAME_BAD for a name that cannot be packed. */
EKM_MUST_USE bool keyring_thumb_of(keyring *ring, const keyring_key *key, ekm_buf *out, ekm_err *err);

/* keyring_peek(ring, thumb): the key if it is in the cache, else NULL. Never asks the vault. */
keyring_key *keyring_peek(keyring *ring, ekm_view thumb);

/* keyring_next_id(ring, id, call, out_id, err):
 * The id behind ${id} in an enumeration of the newest RSA and AES versions of all names; 0 starts it and lists the
 * vault anew. END_OF_LIST at its end. Keys that cannot be used (other types, disabled) are passed over. An id means
 * the same key version as long as the keyring lives. */
EKM_MUST_USE bool keyring_next_id(keyring *ring, uint32_t id, const keyring_call *call, uint32_t *out_id, ekm_err *err);

/* keyring_by_id(ring, id, out_key, err): KEY_NOT_FOUND for an id that no enumeration gave. Never asks the vault. */
EKM_MUST_USE bool keyring_by_id(keyring *ring, uint32_t id, keyring_key **out_key, ekm_err *err);

/* keyring_create(ring, name, kind, bits, call, out_key, err):
 * See keyring_backend.create. CREATION_UNSURE if the key may exist now although this failed. */
EKM_MUST_USE bool keyring_create(keyring *ring, const char *name, keyring_kind kind, unsigned bits,
                                 const keyring_call *call, keyring_key **out_key, ekm_err *err);

/* keyring_fail_created(name, err): the key was created, but then came ${err}: CREATION_UNSURE; always false. */
bool keyring_fail_created(const char *name, ekm_err *err);

/* keyring_note_refusal(ring, err): what was tried besides failed. A refused sign-in ends what is kept of unwraps. */
void keyring_note_refusal(keyring *ring, const ekm_err *err);

/* keyring_drop(ring, key, call, err):
 * Delete the key's name softly, if it has exactly this one version; DROP_VERSIONS otherwise. */
EKM_MUST_USE bool keyring_drop(keyring *ring, const keyring_key *key, const keyring_call *call, ekm_err *err);

/* keyring_encrypt(ring, key, iv, plaintext, call, out, err), keyring_decrypt(...):
 * In the vault, with exactly this AES key: CBC with PKCS #7 padding, nothing but the ciphertext, as SQL Server has it
 * (facts/sql-encryption-host.md section 1.6). NOT_SUPPORTED for an RSA key, BAD_ARGUMENT for an iv that has not
 * KEYRING_IV_BYTES, DATA_TOO_LONG, CIPHERTEXT_LENGTH. Nothing is kept. */
EKM_MUST_USE bool keyring_encrypt(keyring *ring, const keyring_key *key, ekm_view iv, ekm_view plaintext,
                                  const keyring_call *call, ekm_buf *out_ciphertext, ekm_err *err);
EKM_MUST_USE bool keyring_decrypt(keyring *ring, const keyring_key *key, ekm_view iv, ekm_view ciphertext,
                                  const keyring_call *call, ekm_buf *out_plaintext, ekm_err *err);

/* keyring_wrap_limit(ring, key): the longest plaintext that keyring_wrap takes, in bytes; 0 for an AES key. */
size_t keyring_wrap_limit(const keyring *ring, const keyring_key *key);

/* keyring_wrap(...), keyring_unwrap(...):
 * In the vault, with exactly this version. DATA_TOO_LONG and CIPHERTEXT_LENGTH are found without asking it. What was
 * wrapped by RSA-OAEP-256 or RSA-OAEP is unwrapped, whatever the option wrap_alg says: a definite refusal leads to the
 * next algorithm, and the one that worked is remembered for the ciphertext. Equal unwraps at one time are one request;
 * answers may be kept. */
EKM_MUST_USE bool keyring_wrap(keyring *ring, const keyring_key *key, ekm_view plaintext, const keyring_call *call,
                               ekm_buf *out_ciphertext, ekm_err *err);
EKM_MUST_USE bool keyring_unwrap(keyring *ring, const keyring_key *key, ekm_view ciphertext, const keyring_call *call,
                                 ekm_buf *out_plaintext, ekm_err *err);

/* keyring_unwrap_by_thumb(ring, thumb, ciphertext, call, out_plaintext, err):
 * With the key of that thumbprint; if it is a packed name of Microsoft's connector, which says nothing of the version,
 * with each version of that name, the newest first, until one fits. */
EKM_MUST_USE bool keyring_unwrap_by_thumb(keyring *ring, ekm_view thumb, ekm_view ciphertext, const keyring_call *call,
                                          ekm_buf *out_plaintext, ekm_err *err);

/* --- from a credential to a keyring ------------------------------------------------------------------------------- */

typedef struct keyring_connector keyring_connector;
struct keyring_connector {
  /* The keyring of a SQL Server credential: IDENTITY and SECRET as UTF-8. A credential that was accepted before and
   * whose token is fresh costs no request. IDENTITY_BAD, SECRET_SHORT, SECRET_CLIENT_ID, CLOUD_UNKNOWN before any
   * request; TOKEN_REFUSED only when the sign-in service definitely refused it. The caller unrefs the keyring. */
  bool (*connect)(keyring_connector *self, const char *identity, const ekm_secret *secret, const keyring_call *call,
                  keyring **out_keyring, ekm_err *err);
  void (*destroy)(keyring_connector *self);
};

/* --- a vault in memory -------------------------------------------------------------------------------------------- */

/* keyring_memory_new(crypto, out_backend, err):
 * A backend for tests and rehearsals: keys with real public parts and a toy wrap (not encryption), so that nothing
 * but the contract is exercised. See keyring_memory.c. */
EKM_MUST_USE bool keyring_memory_new(const ekm_crypto *crypto, keyring_backend **out_backend, ekm_err *err);

/* keyring_memory_add(backend, record, err): a key with a given public part, the same in every process that adds it. */
EKM_MUST_USE bool keyring_memory_add(keyring_backend *backend, const keyring_record *record, ekm_err *err);

/* keyring_memory_rotate(backend, name, err): what an administrator does in the vault: a new version of ${name}. */
EKM_MUST_USE bool keyring_memory_rotate(keyring_backend *backend, const char *name, ekm_err *err);

/* keyring_memory_enable(backend, name, enabled, err): enable or disable the newest version of ${name}. */
EKM_MUST_USE bool keyring_memory_enable(keyring_backend *backend, const char *name, bool enabled, ekm_err *err);

/* keyring_memory_add_foreign(backend, name, err): a key, or a version of one, that is not RSA. */
EKM_MUST_USE bool keyring_memory_add_foreign(keyring_backend *backend, const char *name, ekm_err *err);

#endif
