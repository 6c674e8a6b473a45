/* Error answers of the token endpoint:
 *
 *   {"error":"invalid_client","error_description":"AADSTS7000215: ...\r\nTrace ID: ...\r\nCorrelation ID: ...\r\n
 *    Timestamp: 2026-11-24 08:00:00Z","error_codes":[7000215],"timestamp":..,"trace_id":..,"correlation_id":..,
 *    "error_uri":".."}
 *
 * Threads: any. */
#ifndef EKM_VAULT_AAD_ANSWER_H
#define EKM_VAULT_AAD_ANSWER_H

#include <stdbool.h>

#include "vault/exchange.h"

typedef enum vault_aad_fault {
#define VAULT_AAD_FAULT(name, status, error, code, text) VAULT_AAD_##name,
#include "vault/aad_fault_table.def"
#undef VAULT_AAD_FAULT
  VAULT_AAD_COUNT
} vault_aad_fault;

/* vault_aad_refuse(x, fault, first, second): answer with ${fault}; the texts are shown as vault_answer_fault shows
 * them. Always false: the end of a handler. */
bool vault_aad_refuse(vault_exchange *x, vault_aad_fault fault, const char *first, const char *second);

/* vault_aad_refuse_with(x, fault, args): the same with all places of the text. */
bool vault_aad_refuse_with(vault_exchange *x, vault_aad_fault fault, const char *const args[VAULT_FAULT_ARGS]);

#endif
