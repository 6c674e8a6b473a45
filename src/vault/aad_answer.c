#include "vault/aad_answer.h"

#include <string.h>

#include "vault/service.h"

enum { DESCRIPTION_MAX_BYTES = 8192, TIMESTAMP_BYTES = 24 };

typedef struct aad_fault_info {
  int status;
  const char *error;
  int code;
  const char *text;
} aad_fault_info;

static const aad_fault_info faults[] = {
#define VAULT_AAD_FAULT(name, status, error, code, text) [VAULT_AAD_##name] = {(status), (error), (code), (text)},
#include "vault/aad_fault_table.def"
#undef VAULT_AAD_FAULT
};

/* "2026-11-24 08:00:00Z" */
static void timestamp(const vault_exchange *x, char out[TIMESTAMP_BYTES]) {
  ekm_buf text;
  ekm_err ignored = {0};
  ekm_buf_init(&text, TIMESTAMP_BYTES);
  ekm_clock_append_iso(ekm_clock_wall_s(x->service->clock), &text);
  out[0] = '\0';
  if (ekm_buf_ok(&text, "a time", &ignored) && text.len < TIMESTAMP_BYTES)
    memcpy(out, ekm_buf_text(&text), text.len + 1);
  char *middle = strchr(out, 'T');
  if (middle != NULL) *middle = ' ';
  ekm_buf_clear(&text);
}

static const char *correlation_id(const vault_exchange *x) {
  const char *given = x->request.client_request_id;
  return given != NULL && vault_guid_is(given, strlen(given)) ? given : x->answer.request_id;
}

bool vault_aad_refuse(vault_exchange *x, vault_aad_fault fault, const char *first, const char *second) {
  return vault_aad_refuse_with(x, fault, (const char *const[VAULT_FAULT_ARGS]){first, second});
}

bool vault_aad_refuse_with(vault_exchange *x, vault_aad_fault fault, const char *const args[VAULT_FAULT_ARGS]) {
  const aad_fault_info *info = &faults[fault];
  char when[TIMESTAMP_BYTES];
  ekm_buf text;
  ekm_buf uri;

  timestamp(x, when);
  ekm_buf_init(&text, DESCRIPTION_MAX_BYTES);
  ekm_buf_init(&uri, DESCRIPTION_MAX_BYTES);
  ekm_buf_append_fmt(&text, "AADSTS%d: ", info->code);
  vault_answer_append_filled(info->text, args, &text);
  ekm_buf_append_fmt(&text, "\r\nTrace ID: %s\r\nCorrelation ID: %s\r\nTimestamp: %s", x->answer.request_id,
                     correlation_id(x), when);
  ekm_buf_append_fmt(&uri, "https://" VAULT_LOGIN_HOST "/error?code=%d", info->code);
  json_t *doc = json_pack("{s:s, s:s, s:[i], s:s, s:s, s:s, s:s}", "error", info->error, "error_description",
                          ekm_buf_text(&text), "error_codes", info->code, "timestamp", when, "trace_id",
                          x->answer.request_id, "correlation_id", correlation_id(x), "error_uri", ekm_buf_text(&uri));
  x->refused = vault_answer_json(&x->answer, info->status, doc, &x->err);
  x->fault = info->error;
  ekm_buf_clear(&text);
  ekm_buf_clear(&uri);
  return false;
}
