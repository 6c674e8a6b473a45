/* What tells an operator how the server is: GET /healthz and GET /metrics at the sign-in host's names.
 *
 * Only for clients on the same machine: the answers name no key, but how much a vault is used is nobody else's
 * business.
 *
 * Threads: any. */
#ifndef EKM_VAULT_WATCH_H
#define EKM_VAULT_WATCH_H

#include "vault/exchange.h"

/* 200 {"status":"ok"}. Every request reads the store before it gets to its handler, so this one too is answered with
 * 503 while that fails. */
bool vault_watch_health(vault_exchange *x);

/* metrics.h */
bool vault_watch_metrics(vault_exchange *x);

#endif
