/* What the two files of tokens share: keys and their life in token_p11.c, their use in token_use_p11.c. */
#ifndef EKM_CRYPTO_TOKEN_P11_H
#define EKM_CRYPTO_TOKEN_P11_H

#include "crypto/token.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#undef iv_len /* that header renames members of structures by macros, ours too */

#include "base/mutex.h"

struct ekm_token {
  CK_FUNCTION_LIST *module;
  const ekm_crypto *crypto;
  CK_SLOT_ID slot;
  bool initialized;
  ekm_secret pin;

  ekm_mutex lock; /* of what is below */
  ekm_cond freed;
  CK_SESSION_HANDLE idle[EKM_TOKEN_SESSIONS];
  size_t idle_count, open_count;
};

/* One piece of work in a session. What ${run} returns is the token's code; CKR_OK with ${ok} false is an error of our
 * own. It is done again, once, in a new session if the one that it had was lost. */
typedef struct token_work token_work;
struct token_work {
  CK_RV (*run)(ekm_token *token, CK_SESSION_HANDLE session, token_work *work, ekm_err *err);
  const char *call; /* the function that was called last, for the error */
  bool ok;
};

/* token_do(token, work, out_code, err): false is an error in ${err}; *${out_code} is what the token said. */
EKM_MUST_USE bool token_do(ekm_token *token, token_work *work, CK_RV *out_code, ekm_err *err);

/* token_find(token, session, key, class, out, work): the object of a key; CKR_OBJECT_HANDLE_INVALID if there is none.
 * token_class(kind): of the private object of a key. */
CK_RV token_find(ekm_token *token, CK_SESSION_HANDLE session, const ekm_token_key *key, CK_OBJECT_CLASS class,
                 CK_OBJECT_HANDLE *out, token_work *work);
CK_OBJECT_CLASS token_class(ekm_token_kind kind);

#endif
