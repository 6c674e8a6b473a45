/* Signing in to a vault: the challenge, the decision whether to believe it, and the token.
 *
 *   GET /keys without a token --> 401, challenge
 *                                      |
 *       authority: the configured host, or one of the vault's cloud      else AUTHORITY_FOREIGN, and nothing was sent
 *       resource:  the configured one, or the domain above our host      else RESOURCE_FOREIGN, and nothing was sent
 *                                      |
 *   POST authority/tenant/... client secret --> token --> only ever sent to the vault's own host
 *
 * The challenge is remembered. When the vault rejects a token, the challenge that came with the rejection replaces it:
 * a vault may have moved to another tenant.
 *
 * The Azure SDKs' challenge resource verification lets every domain above the host pass; ours only the one directly
 * above it and the one of the vault's cloud, which is what vaults and managed HSMs name.
 *
 * Threads: any. */
#ifndef EKM_KEYVAULT_SIGN_IN_H
#define EKM_KEYVAULT_SIGN_IN_H

#include "base/log.h"
#include "entra/token.h"
#include "keyvault/vault.h"

typedef struct akv_sign_in akv_sign_in;

/* All borrowed, and outlive the akv_sign_in; ${log} may be NULL. */
typedef struct akv_sign_in_options {
  ekm_http *http;
  const ekm_clock *clock;
  ekm_log *log;
  const akv_vault *vault;
  entra_source *source; /* whose identity it is */
} akv_sign_in_options;

/* akv_sign_in_new(options, out, err): no request. */
EKM_MUST_USE bool akv_sign_in_new(const akv_sign_in_options *options, akv_sign_in **out, ekm_err *err);

/* akv_sign_in_free(sign_in): NULL is fine; sets the caller's pointer to NULL. */
void akv_sign_in_free(akv_sign_in **sign_in);

/* akv_sign_in_token(sign_in, call, out_token, err):
 * A token for the vault, which the caller unrefs: two requests cold, none warm. */
EKM_MUST_USE bool akv_sign_in_token(akv_sign_in *sign_in, const entra_call *call, entra_token **out_token,
                                    ekm_err *err);

/* akv_sign_in_rejected(sign_in, token, answer, err):
 * The vault answered 401 to ${token}: forget it and learn from the challenge of ${answer}, if it has one. False if that
 * challenge must not be followed. */
EKM_MUST_USE bool akv_sign_in_rejected(akv_sign_in *sign_in, const entra_token *token, const ekm_http_response *answer,
                                       ekm_err *err);

#endif
