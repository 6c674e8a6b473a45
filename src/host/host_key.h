/* Keys of a provider, as the engine uses them: found, listed, made, dropped, exported, used.
 *
 *   by name / by id --> host_key with its thumbprint --> encrypt, decrypt, export, drop: by thumbprint only
 *
 * Every answer of variable length is asked for twice, and the caller's-buffer rule is checked on the way (guard.h).
 * Errors: CONFORMANCE for a broken rule, else what host_result_take raises; ${result} may be NULL.
 *
 * Threads: any, also on one session. */
#ifndef EKM_HOST_KEY_H
#define EKM_HOST_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "host/host_session.h"

enum { HOST_KEY_NAME_CHARS = SQLCP_MAX_KEY_NAME_BYTES / 2 * 3, HOST_DATA_MAX_BYTES = 64 * 1024 };

typedef struct host_key {
  char name[HOST_KEY_NAME_CHARS + 1]; /* UTF-8 */
  uint8_t thumb[SQLCP_MAX_THUMBPRINT_BYTES];
  size_t thumb_len;
  SqlCpAlgId algorithm;
  SqlCpKeyFlags flags;
} host_key;

/* host_key_by_name(session, name, out_key, result, err): the key of ${name}, UTF-8. A provider asks its vault here. */
EKM_MUST_USE bool host_key_by_name(const host_session *session, const char *name, host_key *out_key,
                                   host_result *result, ekm_err *err);

/* host_key_by_thumb(session, thumb, out_key, result, err): the key of ${thumb}, which is all that the engine stores. */
EKM_MUST_USE bool host_key_by_thumb(const host_session *session, ekm_view thumb, host_key *out_key, host_result *result,
                                    ekm_err *err);

/* host_key_by_id(session, id, out_key, result, err): the key of an ${id} of host_key_next. */
EKM_MUST_USE bool host_key_by_id(const host_session *session, SqlCpKeyId id, host_key *out_key, host_result *result,
                                 ekm_err *err);

/* host_key_next(session, id, out_more, result, err):
 * Move ${id} from one key to the next, from 0; *${out_more} is false at the end of the list. */
EKM_MUST_USE bool host_key_next(const host_session *session, SqlCpKeyId *id, bool *out_more, host_result *result,
                                ekm_err *err);

/* What a new key is to be. */
typedef struct host_key_wish {
  const char *name;
  SqlCpAlgId algorithm;
  SqlCpKeyFlags flags;
} host_key_wish;

/* host_key_create(session, wish, out_key, result, err): SqlCryptCreateKey, then the key by its thumbprint. */
EKM_MUST_USE bool host_key_create(const host_session *session, const host_key_wish *wish, host_key *out_key,
                                  host_result *result, ekm_err *err);

/* host_key_drop(session, thumb, result, err): SqlCryptDropKey; what the key wrapped is lost. */
EKM_MUST_USE bool host_key_drop(const host_session *session, ekm_view thumb, host_result *result, ekm_err *err);

/* host_key_export(session, thumb, out_blob, result, err): append the public key as the provider writes it; read it with
 * host_public_key_parse. */
EKM_MUST_USE bool host_key_export(const host_session *session, ekm_view thumb, ekm_buf *out_blob, host_result *result,
                                  ekm_err *err);

/* host_key_encrypt(session, thumb, plaintext, out_ciphertext, result, err): append the ciphertext. */
EKM_MUST_USE bool host_key_encrypt(const host_session *session, ekm_view thumb, ekm_view plaintext,
                                   ekm_buf *out_ciphertext, host_result *result, ekm_err *err);

/* host_key_decrypt(session, thumb, ciphertext, out_plaintext, result, err): replace ${out_plaintext}; every copy on
 * the way is wiped. */
EKM_MUST_USE bool host_key_decrypt(const host_session *session, ekm_view thumb, ekm_view ciphertext,
                                   ekm_secret *out_plaintext, host_result *result, ekm_err *err);

/* host_key_encrypt_iv, host_key_decrypt_iv(session, thumb, iv, ...): the same with an initialisation vector, which a
 * symmetric key wants and the engine keeps beside the ciphertext; empty: none. */
EKM_MUST_USE bool host_key_encrypt_iv(const host_session *session, ekm_view thumb, ekm_view iv, ekm_view plaintext,
                                      ekm_buf *out_ciphertext, host_result *result, ekm_err *err);
EKM_MUST_USE bool host_key_decrypt_iv(const host_session *session, ekm_view thumb, ekm_view iv, ekm_view ciphertext,
                                      ekm_secret *out_plaintext, host_result *result, ekm_err *err);

/* host_key_thumb(key): its thumbprint, borrowed. */
ekm_view host_key_thumb(const host_key *key);

#endif
