/* ekmctl explain: the error table, and the interface's own codes. */
#include "cli/command.h"

static bool parse_code(const char *text, uint32_t *out) {
  uint64_t code = 0;
  for (const char *c = text; *c != '\0'; c++) {
    if (*c < '0' || *c > '9' || code > UINT32_MAX) return false;
    code = code * 10 + (uint64_t)(*c - '0');
  }
  *out = (uint32_t)code;
  return *text != '\0' && code <= UINT32_MAX;
}

bool cli_explain(cli *c, json_t *doc, ekm_err *err) {
  uint32_t code = 0;
  if (!parse_code(c->options.words[0], &code)) {
    return EKM_FAIL(err, EKM_E_USAGE, "'%s' is no code: a whole number from 0 to 4294967295", c->options.words[0]);
  }
  json_t *rows = json_array();
  for (int id = 0; id < EKM_ERR_COUNT; id++) {
    const ekm_err_info *info = ekm_err_info_of((ekm_err_id)id);
    if (info->code != code) continue;
    json_t *row = json_object();
    cli_set_text(row, "name", info->name);
    cli_set_text(row, "meaning", info->text);
    cli_set_text(row, "what_to_do", info->remedy);
    (void)json_object_set_new(row, "may_pass_by_itself", json_boolean(info->retry_later));
    (void)json_array_append_new(rows, row);
  }
  cli_set_int(doc, "code", code);
  cli_set_text(doc, "interface", host_result_name(code));
  bool known = json_array_size(rows) > 0;
  (void)json_object_set_new(doc, "openekm", rows);
  return known || EKM_FAIL(err, EKM_E_ABSENT,
                           "OpenEKM has no code %u; another provider's codes are explained by its maker", code);
}
