/* ekmctl explain: the error table, the interface's own codes, and the numbers of others that administrators meet. */
#include "cli/command.h"
#include "cli/known_codes.h"

static bool parse_code(const char *text, uint32_t *out) {
  uint64_t code = 0;
  for (const char *c = text; *c != '\0'; c++) {
    if (*c < '0' || *c > '9' || code > UINT32_MAX) return false;
    code = code * 10 + (uint64_t)(*c - '0');
  }
  *out = (uint32_t)code;
  return *text != '\0' && code <= UINT32_MAX;
}

static json_t *own_rows(uint32_t code) {
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
  return rows;
}

static bool add_others(uint32_t code, json_t *doc) {
  static const char *const whose[] = {
      [KNOWN_CODE_CONNECTOR] = "microsofts_connector", [KNOWN_CODE_SQL_SERVER] = "sql_server"};
  bool found = false;
  for (int i = 0; i < KNOWN_CODE_WHOSE_COUNT; i++) {
    const known_code *known = known_code_find((known_code_whose)i, code);
    if (known == NULL) continue;
    json_t *rows = json_array(), *row = json_object();
    cli_set_text(row, "whose", i == KNOWN_CODE_CONNECTOR ? "Microsoft's connector" : "SQL Server");
    cli_set_text(row, "meaning", known->meaning);
    cli_set_text(row, "what_to_do", known->advice);
    (void)json_array_append_new(rows, row);
    (void)json_object_set_new(doc, whose[i], rows);
    found = true;
  }
  return found;
}

bool cli_explain(cli *c, json_t *doc, ekm_err *err) {
  uint32_t code = 0;
  if (!parse_code(c->options.words[0], &code)) {
    return EKM_FAIL(err, EKM_E_USAGE, "'%s' is no code: a whole number from 0 to 4294967295", c->options.words[0]);
  }
  json_t *own = own_rows(code);
  bool is_ours = json_array_size(own) > 0;
  cli_set_int(doc, "code", code);
  if (known_code_find(KNOWN_CODE_SQL_SERVER, code) == NULL) cli_set_text(doc, "interface", host_result_name(code));
  if (is_ours) (void)json_object_set(doc, "openekm", own);
  json_decref(own);
  bool is_others = add_others(code, doc);
  if (is_ours || is_others) return true;
  if (known_code_is_near(code)) {
    return EKM_FAIL(err, EKM_E_PROVIDER_CODE, "%u is among the numbers of Microsoft's connector, but is not documented",
                    code);
  }
  return EKM_FAIL(err, EKM_E_PROVIDER_CODE,
                  "OpenEKM has no code %u; another provider's codes are explained by its maker", code);
}
