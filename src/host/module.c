#include "host/module.h"

#include <stdio.h>
#include <string.h>

#include "base/dynlib.h"
#include "base/mem.h"
#include "base/text.h"
#include "host/guard.h"
#include "host/text.h"

struct host_module {
  ekm_dynlib *lib;
  host_calls calls;
  bool initialized;
  host_provider provider;
};

/* A provider that does not start may still say who it is; if it does not, its codes stay unexplained. */
static void learn_name(host_module *module) {
  ekm_err ignored = {0};
  (void)!host_module_describe(module, NULL, &ignored);
}

bool host_module_attach(const char *path, const host_hook *hooks, host_module **out_module, host_result *result,
                        ekm_err *err) {
  bool ok = false;
  SqlCpError code;
  host_module *module = NULL;
  if (result != NULL) *result = (host_result){0};
  *out_module = NULL;
  module = ekm_mem_alloc(sizeof *module, err);
  EKM_TRY(module != NULL);
  EKM_TRY(ekm_dynlib_open(path, &module->lib, err));
  EKM_TRY(host_calls_resolve(module->lib, path, hooks, &module->calls, err));
  HOST_CALL(code, &module->calls, InitializeProvider, ());
  if (code > SQLCP_LAST_RESERVED_ERROR) learn_name(module); /* whose code is it? */
  host_question question = host_module_question(module, HOST_FN_InitializeProvider, "");
  EKM_TRY(host_result_take(&question, code, result, err));
  module->initialized = true;
  *out_module = module;
  module = NULL;
  ok = true;
done:
  host_module_unload(&module);
  return ok;
}

void host_module_unload(host_module **module) {
  SqlCpError code;
  if (*module == NULL) return;
  if ((*module)->initialized) {
    HOST_CALL(code, &(*module)->calls, FreeProvider, ());
    (void)code; /* nobody could do anything about it */
  }
  ekm_dynlib_close(&(*module)->lib);
  ekm_mem_free(*module);
  *module = NULL;
}

static void format_guid(const SqlCpGuid *guid, char *out, size_t out_bytes) {
  const uint8_t *d = guid->data4;
  (void)snprintf(out, out_bytes, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", guid->data1, guid->data2,
                 guid->data3, d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]);
}

/* The engine's own checks of the description, as far as they need no catalog. */
static bool check_description(const SqlCpProviderInfo *info, ekm_err *err) {
  const SqlCpVersion *api = &info->scpVersion;
  if (api->major != 1 || api->minor != 1) {
    return EKM_FAIL(err, EKM_E_MODULE_ABI,
                    "the provider speaks API version %u.%u and not 1.1 (SQL Server: error 33032)", api->major,
                    api->minor);
  }
  if (info->authType > SQLCP_AUTH_BASIC) {
    return EKM_FAIL(err, EKM_E_MODULE_ABI, "the provider's authentication type %u is unknown (SQL Server: error 33025)",
                    info->authType);
  }
  if (info->cbKeyThumbLen == 0 || info->cbKeyThumbLen > SQLCP_MAX_THUMBPRINT_BYTES) {
    return EKM_FAIL(err, EKM_E_MODULE_ABI,
                    "the provider's thumbprints have %u bytes and not 1 to %d (SQL Server: error 33023)",
                    info->cbKeyThumbLen, SQLCP_MAX_THUMBPRINT_BYTES);
  }
  return true;
}

static bool keep_description(host_provider *provider, const SqlCpProviderInfo *info, ekm_err *err) {
  format_guid(&info->guid, provider->guid, sizeof provider->guid);
  provider->version = info->version;
  provider->api = info->scpVersion;
  provider->auth = info->authType;
  provider->symmetric = info->symmKeySupport;
  provider->asymmetric = info->asymmKeySupport;
  provider->thumb_bytes = info->cbKeyThumbLen;
  provider->accepts_key_name = info->fAcceptsKeyName != 0;
  return host_text_from_abi(&info->name, provider->name, sizeof provider->name, "the provider's name", err);
}

bool host_module_describe(host_module *module, host_result *result, ekm_err *err) {
  bool ok = false;
  SqlCpError code;
  SqlCpProviderInfo info = {0};
  host_guard name = {0};
  host_question question = host_module_question(module, HOST_FN_GetProviderInfo, "");
  host_guard_seen seen = {.fn = HOST_FN_GetProviderInfo, .what = "the provider's name"};

  HOST_CALL(code, &module->calls, GetProviderInfo, (&info));
  if (code != scp_err_InsufficientBuffer) EKM_TRY(host_result_take(&question, code, result, err));
  seen.cb = info.name.cb;
  EKM_TRY(host_guard_need(&seen, code, SQLCP_MAX_NAME_BYTES, err));
  EKM_TRY(host_guard_take(&name, info.name.cb, err));

  info = (SqlCpProviderInfo){.name = {name.cap, (SqlCpWchar *)(void *)name.mem}};
  HOST_CALL(code, &module->calls, GetProviderInfo, (&info));
  EKM_TRY(host_result_take(&question, code, result, err));
  seen.ptr = info.name.ws;
  seen.cb = info.name.cb;
  EKM_TRY(host_guard_check(&name, &seen, err));
  EKM_TRY(check_description(&info, err));
  EKM_TRY(keep_description(&module->provider, &info, err));
  ok = true;
done:
  host_guard_drop(&name);
  return ok;
}

bool host_module_load(const char *path, const host_hook *hooks, host_module **out_module, host_result *result,
                      ekm_err *err) {
  if (!host_module_attach(path, hooks, out_module, result, err)) return false;
  if (host_module_describe(*out_module, result, err)) return true;
  host_module_unload(out_module);
  return false;
}

const host_provider *host_module_provider(const host_module *module) {
  return &module->provider;
}

const host_calls *host_module_calls(const host_module *module) {
  return &module->calls;
}

host_question host_module_question(const host_module *module, host_fn fn, const char *subject) {
  return (host_question){.fn = fn, .openekm = ekm_text_starts_i(module->provider.name, "OpenEKM"), .subject = subject};
}
