#include "host/result.h"

static const char *const standard_names[] = {
    [scp_err_Success] = "Success",
    [scp_err_Failure] = "Failure",
    [scp_err_InsufficientBuffer] = "InsufficientBuffer",
    [scp_err_NotSupported] = "NotSupported",
    [scp_err_NotFound] = "NotFound",
    [scp_err_AuthFailure] = "AuthFailure",
    [scp_err_InvalidArgument] = "InvalidArgument",
    [scp_err_ProviderError] = "ProviderError",
};

const char *host_result_name(SqlCpError code) {
  if (code < sizeof standard_names / sizeof standard_names[0]) return standard_names[code];
  return code > SQLCP_LAST_RESERVED_ERROR ? "provider's own code" : "reserved code";
}

static ekm_err_id id_of(SqlCpError code, bool openekm) {
  const ekm_err_info *row = NULL;
  switch (code) {
    case scp_err_Failure: return EKM_E_PROVIDER_FAILURE;
    case scp_err_NotSupported: return EKM_E_NOT_SUPPORTED;
    case scp_err_NotFound: return EKM_E_KEY_NOT_FOUND;
    case scp_err_AuthFailure: return EKM_E_AUTH_FAILURE;
    case scp_err_InvalidArgument: return EKM_E_BAD_ARGUMENT;
    default: break;
  }
  if (code <= SQLCP_LAST_RESERVED_ERROR) return EKM_E_CONFORMANCE;
  if (openekm) row = ekm_err_info_by_code(code);
  return row == NULL ? EKM_E_PROVIDER_CODE : row->id;
}

bool host_result_take(const host_question *question, SqlCpError code, host_result *result, ekm_err *err) {
  bool has_subject = question->subject[0] != '\0';
  if (result != NULL) *result = (host_result){question->fn, code};
  if (code == scp_err_Success) return true;
  return EKM_FAIL(err, id_of(code, question->openekm), "%s answered %u (%s)%s%s", host_fn_name(question->fn), code,
                  host_result_name(code), has_subject ? " for " : "", question->subject);
}
