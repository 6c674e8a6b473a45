/* The audit log: who did what to which key, with what result. One JSON object a line, in a file of its own:
 *
 *   {"time":"2026-11-24T08:00:00Z","level":"info","event":"request","operation":"key_unwrap","vault":"local",
 *    "key":"sql","version":"4f1c...","status":200,"code":"","tenant":"...","app":"...","object":"...",
 *    "peer":"127.0.0.1","request_id":"...","client_request_id":"...","us":812}
 *   {"time":...,"level":"info","event":"admin","command":"policy set","user":"root","done":true,"vault":"local",
 *    "app":"...","permissions":"get,list"}
 *
 * Never a value: no plaintext, ciphertext, digest, signature, token, secret or tag. Requests that reached a vault or
 * the token endpoints are in it, with those that were refused; health, metrics and discovery are not. The version is
 * the one that was used, also where the request named none.
 *
 * The line is written before the answer leaves. Each is one write to a file that is only appended to, so that
 * lines of several processes do not mix. A file that was moved away is left at the next line, and a new one begun.
 * What cannot be written is lost, counted (metrics) and logged; the request is answered all the same.
 *
 * Threads: all functions may be called from any thread. */
#ifndef EKM_VAULT_AUDIT_H
#define EKM_VAULT_AUDIT_H

#include "base/log.h"
#include "vault/exchange.h"
#include "vault/settings.h"

typedef struct vault_audit vault_audit;

/* vault_audit_open(path, clock, log, out, err): FILE_WRITE if it cannot be written. vault_audit_close(audit): NULL is
 * fine; sets the caller's pointer to NULL. */
EKM_MUST_USE bool vault_audit_open(const char *path, const ekm_clock *clock, ekm_log *log, vault_audit **out_audit,
                                   ekm_err *err);
void vault_audit_close(vault_audit **audit);

/* vault_audit_request(audit, x, us): a request has ended. NULL is fine. */
void vault_audit_request(vault_audit *audit, const vault_exchange *x, int64_t us);

/* vault_audit_admin(audit, settings, done): an administrator's command has ended. NULL is fine. */
void vault_audit_admin(vault_audit *audit, const vault_settings *settings, bool done);

/* vault_audit_lost(audit): how many lines could not be written. NULL is fine. */
uint64_t vault_audit_lost(const vault_audit *audit);

#endif
