/* A vault on paper: an ekm_http that answers as a vault with a few keys and its sign-in service would, always the same,
 * with no state and no memory of its own but the answers', so that what fails is the client's.
 *
 *   v.vault.azure.net       keys "old" (one version), "tde" (two), a free name "new"; lists come in two pages
 *   login.microsoftonline.com, tenant t           a token for anybody
 *
 * There is an AES key "aes", too, in no list. wrapKey answers paper_vault_sealed, unwrapKey and decrypt answer
 * PAPER_VAULT_DEK, whatever they are asked.
 *
 * One exchange can be made to fail in one of the ways of paper_fault.
 *
 * Threads: for tests of one thread. */
#ifndef EKM_TESTS_SUPPORT_PAPER_VAULT_H
#define EKM_TESTS_SUPPORT_PAPER_VAULT_H

#include "http/http.h"

#define PAPER_VAULT_HOST "v.vault.azure.net"
#define PAPER_VAULT_DEK "a DEK that has 32 bytes of text.."
#define PAPER_VAULT_NEWEST "22222222222222222222222222222222"
#define PAPER_VAULT_OLDEST "11111111111111111111111111111111"

#define PAPER_VAULT_AES "aes/33333333333333333333333333333333"

enum { PAPER_VAULT_KEY_BYTES = 256, PAPER_VAULT_AES_BYTES = 48 };

typedef enum paper_fault {
  PAPER_CONNECT,   /* no connection */
  PAPER_RESET,     /* the request left, then the connection was reset */
  PAPER_FAILURE,   /* 500 without a body */
  PAPER_THROTTLED, /* 429 without a body */
  PAPER_REJECTED,  /* 401 without a challenge */
  PAPER_TRUNCATED, /* 200, and half of the JSON */
  PAPER_PORTAL,    /* 200, and a page of HTML */
  PAPER_FAULTS,
  PAPER_REFUSED /* not a fault: the sign-in service refuses the secret, the vault the permission */
} paper_fault;

typedef struct paper_vault {
  ekm_http base;  /* give &vault.base to whoever wants an ekm_http */
  size_t asked;   /* exchanges since paper_vault_fail */
  size_t fail_at; /* the one that fails; SIZE_MAX for none */
  paper_fault fault;
  bool failed;
  unsigned creates, deletes; /* requests to do so that arrived */
} paper_vault;

void paper_vault_init(paper_vault *vault);

/* paper_vault_fail(vault, at, fault): count anew, and let exchange number ${at} fail; SIZE_MAX: none. */
void paper_vault_fail(paper_vault *vault, size_t at, paper_fault fault);

/* paper_vault_n(version, out): the modulus of "tde" or, for NULL, of the other keys. */
void paper_vault_n(const char *version, uint8_t out[PAPER_VAULT_KEY_BYTES]);

/* paper_vault_sealed(out): what wrapKey answers. */
void paper_vault_sealed(uint8_t out[PAPER_VAULT_KEY_BYTES]);

#endif
