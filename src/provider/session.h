/* Sessions of one initialised provider: handles that cannot be forged, guessed or used after they are closed.
 *
 *   handle, 64 bits   [random, 48][slot + 1, 16]      never an address
 *
 * A call takes a reference for as long as it runs, so CloseSession from another thread is safe at any moment: it takes
 * the handle out of the table, and with fAbort tells running calls to stop.
 *
 * Threads: everything here may be called from all threads. */
#ifndef EKM_PROVIDER_SESSION_H
#define EKM_PROVIDER_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mutex.h"
#include "base/rng.h"
#include "keyring/keyring.h"

enum { SESSION_PENDING_NAMES = 8 };

/* The answer to a GetKeyInfoByName whose buffers were too small: the caller's second call shares it, because a name is
 * otherwise asked of the vault every time. */
typedef struct pending_name {
  char text[EKM_LIMIT_KEY_NAME_CHARS + 1 + EKM_LIMIT_KEY_VERSION_CHARS + 1];
  keyring_key *key; /* NULL: a free place */
  int64_t at_ms;
} pending_name;

typedef struct provider_session {
  atomic_uint refs;
  atomic_bool aborted;
  uint64_t handle;
  keyring *ring;

  ekm_mutex lock; /* covers pending */
  pending_name pending[SESSION_PENDING_NAMES];
} provider_session;

typedef struct session_table {
  ekm_mutex lock;
  provider_session **slots; /* EKM_LIMIT_SESSIONS places, made at the first session */
  size_t used;
  size_t next_slot; /* where to look for a free place */
} session_table;

void session_table_init(session_table *table);

/* session_table_abort(table): close everything that is open and tell running calls to stop. */
void session_table_abort(session_table *table);

/* session_table_clear(table): the same, and free the table. No call may be running. */
void session_table_clear(session_table *table);

/* session_open(table, rng, ring, out_handle, err): takes its own reference of ${ring}. TOO_MANY_SESSIONS at the
 * limit. */
EKM_MUST_USE bool session_open(session_table *table, const ekm_rng *rng, keyring *ring, uint64_t *out_handle,
                               ekm_err *err);

/* session_find(table, handle, err): the session with a reference for the caller, or NULL with SESSION_UNKNOWN. */
provider_session *session_find(session_table *table, uint64_t handle, ekm_err *err);

/* session_close(table, handle, abort, err): SESSION_UNKNOWN if it is not open. Calls that run keep their reference. */
EKM_MUST_USE bool session_close(session_table *table, uint64_t handle, bool abort, ekm_err *err);

/* session_unref(session): give up a reference; NULL is fine; sets the caller's pointer to NULL. */
void session_unref(provider_session **session);

/* session_is_aborted(session): a keyring_call's is_cancelled. */
bool session_is_aborted(void *session);

/* session_keep_name(session, text, key, at_ms):
 * Remember ${key} as the answer that the vault gave to ${text} at ${at_ms}; takes its own reference. */
void session_keep_name(provider_session *session, const char *text, keyring_key *key, int64_t at_ms);

/* session_take_name(session, text, now_ms, out_at_ms):
 * The remembered answer, handed over to the caller, and when the vault gave it; or NULL. Once only, and not when it is
 * older than a few seconds. */
keyring_key *session_take_name(provider_session *session, const char *text, int64_t now_ms, int64_t *out_at_ms);

#endif
