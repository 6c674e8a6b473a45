/* An EKM provider in this process, loaded the way SQL Server loads it.
 *
 *   host_module_attach   absolute path -> library -> 17 exports (33085) -> SqlCryptInitializeProvider (33029)
 *   host_module_describe SqlCryptGetProviderInfo twice: the caller's buffer rule, API version 1.1 (33032), limits
 *   host_module_load     both; what everybody but the conformance suite uses
 *
 * What SQL Server checks besides, the signature of the file and the GUID and version of its catalog, belongs to the
 * engine's platform and catalog and is not repeated here.
 *
 * Threads: load and unload run alone; between them all functions may be called from any thread. */
#ifndef EKM_HOST_MODULE_H
#define EKM_HOST_MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "host/calls.h"
#include "host/result.h"

enum {
  HOST_PROVIDER_NAME_CHARS = SQLCP_MAX_NAME_BYTES / 2 * 3, /* UTF-8 bytes of the longest friendly name */
  HOST_GUID_CHARS = 36
};

typedef struct host_module host_module;

/* What SqlCryptGetProviderInfo said. */
typedef struct host_provider {
  char name[HOST_PROVIDER_NAME_CHARS + 1];
  char guid[HOST_GUID_CHARS + 1]; /* "01234567-89ab-cdef-0123-456789abcdef" */
  SqlCpVersion version;
  SqlCpVersion api;
  SqlCpAuthType auth;
  SqlCpKeyFlags symmetric, asymmetric;
  uint32_t thumb_bytes;
  bool accepts_key_name;
} host_provider;

/* host_module_load(path, hooks, out_module, result, err):
 * Attach and describe. ${hooks} is borrowed until unload; NULL for none. MODULE_LOAD; MODULE_ABI for what SQL Server
 * would refuse; what host_result_take raises if the provider itself failed: ${result} (may be NULL) has its code.
 * Unload with host_module_unload. */
EKM_MUST_USE bool host_module_load(const char *path, const host_hook *hooks, host_module **out_module,
                                   host_result *result, ekm_err *err);

/* host_module_attach(path, hooks, out_module, result, err): without asking for the description. */
EKM_MUST_USE bool host_module_attach(const char *path, const host_hook *hooks, host_module **out_module,
                                     host_result *result, ekm_err *err);

/* host_module_describe(module, result, err): ask and check; host_module_provider has the answer afterwards. */
EKM_MUST_USE bool host_module_describe(host_module *module, host_result *result, ekm_err *err);

/* host_module_unload(module):
 * SqlCryptFreeProvider and unload; all sessions must be closed. NULL is fine; sets the caller's pointer to NULL. */
void host_module_unload(host_module **module);

/* host_module_provider(module): the description; all zero before host_module_describe. Borrowed. */
const host_provider *host_module_provider(const host_module *module);

/* host_module_calls(module): the functions, for HOST_CALL. Borrowed. */
const host_calls *host_module_calls(const host_module *module);

/* host_module_question(module, fn, subject): for host_result_take. */
host_question host_module_question(const host_module *module, host_fn fn, const char *subject);

#endif
