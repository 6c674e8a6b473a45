/* Unwraps of one keyring: those that run, which others wait for instead of asking the same, and results that are kept.
 *
 *   first to come        asks the vault; all who come meanwhile with the same question get its answer
 *   kept, fresh          keep_ms after the question: no request
 *   kept, stale          the vault is asked; its answer counts. Only if it cannot be reached (DNS, connection,
 *                        deadline, 429, 5xx), and for grace_ms more at most, what is kept does
 *   gone                 after a definite no of the vault at once: all after 401 and 403, all of the version after
 *                        404 or disabled, the one after 400; an answer that such a no overtook is not kept. Else
 *                        after keep_ms + grace_ms: wiped at the next call, for there is no thread to do it earlier
 *
 * So a revocation goes unnoticed for keep_ms at most while the vault answers, for keep_ms + grace_ms if it does not.
 * Nothing is kept if keep_ms is 0, the default.
 *
 * A question is a key version and a ciphertext; credential, authority and vault are the keyring's, the algorithms its
 * configuration's. What is remembered of it is found by its SHA-256. Kept plaintexts are ekm_secrets: in locked memory,
 * wiped when they go.
 *
 * Threads: any. The caller's function runs without a lock. */
#ifndef EKM_KEYRING_UNWRAPS_H
#define EKM_KEYRING_UNWRAPS_H

#include "keyring/keyring.h"

enum { KEYRING_UNWRAPS_KEPT = 256, KEYRING_UNWRAPS_METHODS = 1024 };

typedef struct keyring_unwraps keyring_unwraps;

/* How to ask the vault. ${method}: in, the way that worked for this ciphertext before, or -1; out, the one that did. */
typedef struct keyring_unwraps_asker {
  bool (*ask)(void *arg, int *method, ekm_buf *out_plaintext, ekm_err *err);
  void *arg;
} keyring_unwraps_asker;

/* keyring_unwraps_new(crypto, clock, log, keep_ms, grace_ms, out, err): crypto, clock and log (NULL: none) are
 * borrowed. keyring_unwraps_free(unwraps): nobody may be waiting. NULL is fine; sets the caller's pointer to NULL. */
EKM_MUST_USE bool keyring_unwraps_new(const ekm_crypto *crypto, const ekm_clock *clock, ekm_log *log, int64_t keep_ms,
                                      int64_t grace_ms, keyring_unwraps **out_unwraps, ekm_err *err);
void keyring_unwraps_free(keyring_unwraps **unwraps);

/* What is asked: a key version and a ciphertext. Borrowed. */
typedef struct keyring_unwraps_question {
  const char *name, *version;
  ekm_view ciphertext;
} keyring_unwraps_question;

/* keyring_unwraps_run(unwraps, question, asker, call, out_plaintext, err):
 * The answer, by one of the ways above. Errors are the asker's own; DEADLINE or CANCELLED while waiting for another
 * thread's. Whose own time is not over does not inherit another's end: he asks himself. */
EKM_MUST_USE bool keyring_unwraps_run(keyring_unwraps *unwraps, const keyring_unwraps_question *question,
                                      const keyring_unwraps_asker *asker, const keyring_call *call,
                                      ekm_buf *out_plaintext, ekm_err *err);

/* keyring_unwraps_note(unwraps, name, version, err):
 * Another request of the keyring failed, about this key (${version} NULL: about all versions of it; ${name} NULL: about
 * none in particular). A refusal of the application or its permission (401, 403) ends all that is kept, a no about the
 * key (404, disabled, not in its time) what is kept of it. */
void keyring_unwraps_note(keyring_unwraps *unwraps, const char *name, const char *version, const ekm_err *err);

/* keyring_unwraps_is_no(id): is it a definite no, about the application or a key, after which nothing that was kept of
 * that may be used? */
bool keyring_unwraps_is_no(ekm_err_id id);

/* keyring_unwraps_forget(unwraps, name, version): this version was found disabled. NULL, NULL: all. */
void keyring_unwraps_forget(keyring_unwraps *unwraps, const char *name, const char *version);

/* keyring_unwraps_tidy(unwraps): wipe what is over its time. */
void keyring_unwraps_tidy(keyring_unwraps *unwraps);

#endif
