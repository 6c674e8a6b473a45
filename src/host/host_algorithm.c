#include "host/host_algorithm.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "host/guard.h"
#include "host/text.h"

static bool describe(const host_module *module, SqlCpAlgId id, host_algorithm *out, host_result *result, ekm_err *err) {
  bool ok = false;
  SqlCpError code;
  SqlCpAlgorithmInfo info = {0};
  host_guard tag = {0};
  char subject[32];
  (void)snprintf(subject, sizeof subject, "algorithm %u", id);
  host_question question = host_module_question(module, HOST_FN_GetAlgorithmInfo, subject);
  host_guard_seen seen = {.fn = HOST_FN_GetAlgorithmInfo, .what = "the algorithm tag"};

  HOST_CALL(code, host_module_calls(module), GetAlgorithmInfo, (id, &info));
  if (code != scp_err_InsufficientBuffer) EKM_TRY(host_result_take(&question, code, result, err));
  seen.cb = info.algTag.cb;
  EKM_TRY(host_guard_need(&seen, code, SQLCP_MAX_ALG_TAG_BYTES, err));
  EKM_TRY(host_guard_take(&tag, info.algTag.cb, err));

  info = (SqlCpAlgorithmInfo){.algTag = {tag.cap, (SqlCpWchar *)(void *)tag.mem}};
  HOST_CALL(code, host_module_calls(module), GetAlgorithmInfo, (id, &info));
  EKM_TRY(host_result_take(&question, code, result, err));
  seen.ptr = info.algTag.ws;
  seen.cb = info.algTag.cb;
  EKM_TRY(host_guard_check(&tag, &seen, err));
  *out = (host_algorithm){.id = info.algId, .type = info.type, .bits = info.bitLen, .iv_bytes = info.ivLen};
  EKM_TRY(host_text_from_abi(&info.algTag, out->tag, sizeof out->tag, "the algorithm tag", err));
  ok = true;
done:
  host_guard_drop(&tag);
  return ok;
}

bool host_algorithm_enumerate(const host_module *module, host_algorithm_list *out_list, host_result *result,
                              ekm_err *err) {
  SqlCpError code;
  SqlCpAlgId id = 0;
  memset(out_list, 0, sizeof *out_list);
  for (;;) {
    HOST_CALL(code, host_module_calls(module), GetNextAlgorithmId, (&id));
    if (code == scp_err_NotFound) break;
    if (code != scp_err_Success) {
      if (result != NULL) *result = (host_result){HOST_FN_GetNextAlgorithmId, code};
      return EKM_FAIL(err, EKM_E_CONFORMANCE,
                      "SqlCryptGetNextAlgorithmId answered %u (%s) where a list ends with 4 (NotFound)", code,
                      host_result_name(code));
    }
    if (out_list->count == HOST_ALGORITHM_MAX) {
      return EKM_FAIL(err, EKM_E_LIMIT, "the provider lists more than %d algorithms", HOST_ALGORITHM_MAX);
    }
    if (!describe(module, id, &out_list->rows[out_list->count], result, err)) return false;
    out_list->count++;
  }
  if (result != NULL) *result = (host_result){HOST_FN_GetNextAlgorithmId, scp_err_Success};
  return true;
}

const host_algorithm *host_algorithm_find(const host_algorithm_list *list, const char *tag) {
  for (size_t i = 0; i < list->count; i++) {
    if (ekm_text_ieq(list->rows[i].tag, tag)) return &list->rows[i];
  }
  return NULL;
}

const host_algorithm *host_algorithm_by_id(const host_algorithm_list *list, SqlCpAlgId id) {
  for (size_t i = 0; i < list->count; i++) {
    if (list->rows[i].id == id) return &list->rows[i];
  }
  return NULL;
}
