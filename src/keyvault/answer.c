#include "keyvault/answer.h"

#include <string.h>

#include "base/json.h"
#include "http/http_words.h"

enum { CODE_BYTES = 64, MESSAGE_BYTES = 240, LINE_BYTES = 120, NESTING_MAX = 8, CODES_MAX = NESTING_MAX + 1 };

/* The first row that fits. A row with a code fits if the answer has it at any depth. */
static const struct {
  int status;
  const char *code; /* NULL: any */
  ekm_err_id id;
} answer_table[] = {
    {400, NULL, EKM_E_VAULT_BAD_REQUEST},
    {401, NULL, EKM_E_TOKEN_REJECTED},
    {403, "KeyDisabled", EKM_E_KEY_DISABLED},
    {403, "KeyNotYetValid", EKM_E_KEY_NOT_IN_TIME},
    {403, "KeyExpired", EKM_E_KEY_NOT_IN_TIME},
    {403, "KeyOperationForbidden", EKM_E_KEY_OPERATION},
    {403, "ForbiddenByFirewall", EKM_E_VAULT_FIREWALL},
    {403, "ForbiddenByConnection", EKM_E_VAULT_PRIVATE_LINK},
    {403, "ForbiddenByRbac", EKM_E_VAULT_ROLE},
    {403, "ForbiddenByPolicy", EKM_E_VAULT_FORBIDDEN},
    {403, "AccessDenied", EKM_E_VAULT_FORBIDDEN},
    {403, NULL, EKM_E_VAULT_DENIED},
    {404, "KeyNotFound", EKM_E_KEY_NOT_FOUND},
    {404, NULL, EKM_E_VAULT_NOT_FOUND},
    {408, NULL, EKM_E_VAULT_SERVER_ERROR},
    {409, "ObjectIsDeletedButRecoverable", EKM_E_KEY_DELETED},
    {409, NULL, EKM_E_VAULT_CONFLICT},
    {429, NULL, EKM_E_VAULT_THROTTLED},
};

/* What an error body says; all empty if it is not one. */
typedef struct error_words {
  char codes[CODES_MAX][CODE_BYTES]; /* the outer one first */
  size_t count;
  char message[MESSAGE_BYTES]; /* its first line */
  char line[LINE_BYTES];       /* a later one that helps, or "" */
} error_words;

/* What a refusal says behind its first line, of which the rest is about the caller, who knows himself. */
static const char *const helpful[] = {"Client address:", "Action:"};

static void read_line(const char *message, error_words *out) {
  for (const char *at = message; at != NULL && out->line[0] == '\0'; at = strchr(at, '\n')) {
    at += *at == '\n';
    for (size_t i = 0; i < sizeof helpful / sizeof helpful[0]; i++) {
      if (strncmp(at, helpful[i], strlen(helpful[i])) == 0) http_words_copy(at, out->line, sizeof out->line);
    }
  }
}

/* False without memory only: what an answer means must not depend on that. */
static bool read_words(const ekm_http_response *answer, error_words *out, ekm_err *err) {
  json_t *doc = NULL;
  ekm_err why = {0};
  memset(out, 0, sizeof *out);
  if (!ekm_json_parse(ekm_buf_view(&answer->body), &doc, &why)) {
    return why.id != EKM_E_OUT_OF_MEMORY || EKM_FAIL(err, why.id, "%s", why.detail);
  }
  json_t *error = ekm_json_object(doc, "error");
  http_words_copy(ekm_json_text(error, "message"), out->message, sizeof out->message);
  read_line(ekm_json_text(error, "message"), out);
  for (; error != NULL && out->count < CODES_MAX; error = ekm_json_object(error, "innererror")) {
    http_words_copy(ekm_json_text(error, "code"), out->codes[out->count++], CODE_BYTES);
  }
  ekm_json_free(&doc);
  return true;
}

static bool has_code(const error_words *words, const char *code) {
  for (size_t i = 0; i < words->count; i++) {
    if (strcmp(words->codes[i], code) == 0) return true;
  }
  return false;
}

static ekm_err_id meaning(int status, const error_words *words, bool is_unwrap) {
  if (status == 400 && is_unwrap) return EKM_E_UNWRAP_REFUSED;
  for (size_t i = 0; i < sizeof answer_table / sizeof answer_table[0]; i++) {
    if (answer_table[i].status != status) continue;
    if (answer_table[i].code == NULL || has_code(words, answer_table[i].code)) return answer_table[i].id;
  }
  return status >= 500 ? EKM_E_VAULT_SERVER_ERROR : EKM_E_VAULT_CLIENT_ERROR;
}

bool akv_answer_fail(const ekm_http_response *answer, const akv_question *question, ekm_err *err) {
  error_words words;
  err->http_status = answer->status;
  if (!read_words(answer, &words, err)) return false;
  const char *code = words.count > 0 ? words.codes[words.count - 1] : "";
  ekm_err_id id = meaning(answer->status, &words, question->is_unwrap);
  http_words_copy(ekm_buf_text(&answer->request_id), err->request_id, sizeof err->request_id);
  return EKM_FAIL(err, id, "'%s' answered %d to %s%s%s%s%s%s%s%s%s%s", question->host, answer->status, question->doing,
                  question->subject[0] != '\0' ? " of '" : "", question->subject,
                  question->subject[0] != '\0' ? "'" : "", code[0] != '\0' ? ": " : "", code,
                  words.message[0] != '\0' ? ": " : "", words.message, words.line[0] != '\0' ? " " : "", words.line);
}

int64_t akv_answer_skew_s(const ekm_http_response *answer, const ekm_clock *clock) {
  int64_t theirs_s;
  if (!ekm_clock_parse_http_date(ekm_buf_text(&answer->date), &theirs_s)) return 0;
  return theirs_s - ekm_clock_wall_s(clock);
}
