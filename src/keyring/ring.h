/* The inside of a keyring, for the files of this directory:
 *
 *   keyring.c         its life, what it remembers, names, enumeration, creation
 *   keyring_thumb.c   keys by their thumbprint, own and foreign
 *   keyring_wrap.c    wrap and unwrap
 *   keyring_aes.c     encrypt and decrypt
 *   replicas.c        the same at another vault while this one is away */
#ifndef EKM_KEYRING_RING_H
#define EKM_KEYRING_RING_H

#include <stdatomic.h>

#include "base/mutex.h"
#include "keyring/cache.h"
#include "keyring/foreign.h"
#include "keyring/unwraps.h"

enum { RING_ALIASES = 64 }; /* thumbprints of another connector that lead to a key here; the oldest goes */

enum { RING_MISSING = 64 }; /* thumbprints that no key had; the oldest goes */

enum { RING_SILENCE_MS = 1000 }; /* a vault that was silent for so long during a search may be away */

/* A thumbprint that a whole search did not find. */
typedef struct ring_missing {
  uint8_t thumb[KEYRING_THUMB_BYTES];
  int64_t until_ms; /* 0: the place is free */
} ring_missing;

/* A thumbprint of another connector, and the key's own. */
typedef struct ring_alias {
  uint8_t foreign[KEYRING_FOREIGN_NAME_BYTES];
  size_t foreign_len; /* 0: the place is free */
  uint8_t own[KEYRING_THUMB_BYTES];
} ring_alias;

struct keyring {
  atomic_uint refs;
  keyring_options options;
  char host[EKM_LIMIT_HOST_BYTES + 1];
  keyring_backend *backend;
  keyring_unwraps *unwraps;
  keyring *replicas[KEYRING_REPLICAS_MAX];
  size_t replica_count;

  ekm_mutex lock; /* covers everything below; never held during a request */
  keyring_cache cache;
  ring_alias aliases[RING_ALIASES];
  size_t alias_next;
  ring_missing missing[RING_MISSING];
  size_t missing_next;
  keyring_list names; /* what the last enumeration listed, sorted */
  bool searching;     /* one search by thumbprint at a time */
  size_t resume_at;   /* where the next search begins; belongs to the one who searches */
  uint64_t searches;  /* how many have begun */
  uint64_t fruitless; /* the number of the last one that went through the whole vault in vain; 0 for none */
  ekm_cond search_ended;
  int64_t answers_until_ms; /* a search was answered so lately that the vault is not away */
};

/* ring_ref_of_id(ring, id): the key with one more reference, or NULL. The lock is held by the caller. */
keyring_key *ring_ref_of_id(keyring *ring, uint32_t id);

/* ring_remember(ring, record, out_key, out_id, err):
 * The key of a record: the one that is known already, if it is the same material in the same state, else a new one.
 * ${out_id} may be NULL. */
EKM_MUST_USE bool ring_remember(keyring *ring, const keyring_record *record, keyring_key **out_key, uint32_t *out_id,
                                ekm_err *err);

/* ring_found_missing(ring, thumb): a key of this thumbprint is there after all. The lock is held by the caller. */
void ring_found_missing(keyring *ring, ekm_view thumb);

/* ring_learn_bits(ring, key, call, err): find out the length of an AES key, if it is not known yet. */
EKM_MUST_USE bool ring_learn_bits(const keyring *ring, keyring_key *key, const keyring_call *call, ekm_err *err);

/* ring_note_hint(ring, key): tell the hint file, if there is one, where ${key} is. */
void ring_note_hint(keyring *ring, const keyring_key *key);

/* ring_forget(ring, key): the next look-up by this key's thumbprint asks the vault. */
void ring_forget(keyring *ring, const keyring_key *key);

/* ring_note_alias(ring, thumb, key): a foreign thumbprint of this key. */
void ring_note_alias(keyring *ring, ekm_view thumb, const keyring_key *key);

/* ring_by_thumb, ring_unwrap_by_thumb: keyring_by_thumb and keyring_unwrap_by_thumb in this keyring's own vault. */
EKM_MUST_USE bool ring_by_thumb(keyring *ring, ekm_view thumb, const keyring_call *call, keyring_key **out_key,
                                ekm_err *err);
EKM_MUST_USE bool ring_unwrap_by_thumb(keyring *ring, ekm_view thumb, ekm_view ciphertext, const keyring_call *call,
                                       ekm_buf *out_plaintext, ekm_err *err);

/* ring_tell_replicas(ring, err): after a definite no of the vault, what they answered is not used again. */
void ring_tell_replicas(const keyring *ring, const ekm_err *err);

/* ring_can_report(ring, name, err): KEY_NAME_BAD if the thumbprint that is reported cannot be made of such a name. */
EKM_MUST_USE bool ring_can_report(const keyring *ring, const char *name, ekm_err *err);

#endif
