/* A token of SoftHSM's in a folder of its own, which the environment of this process names from then on.
 *
 * Threads: one, before there are others. */
#ifndef EKM_TESTS_SUPPORT_SOFT_TOKEN_H
#define EKM_TESTS_SUPPORT_SOFT_TOKEN_H

#define SOFT_TOKEN_LABEL "openekm-test"
#define SOFT_TOKEN_PIN "314159"

/* soft_token_make(): make folder and token. soft_token_remove(): remove both; the token is closed. */
void soft_token_make(void);
void soft_token_remove(void);

/* soft_token_module(): the path of the module. Static. */
const char *soft_token_module(void);

#endif
