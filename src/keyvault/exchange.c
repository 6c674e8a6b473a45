#include "keyvault/exchange.h"

#include <string.h>

#include "base/hex.h"
#include "base/limits.h"
#include "http/http_words.h"
#include "keyvault/answer.h"

enum {
  GUID_CHARS = 36,
  SKEW_MAX_S = 4 * 60, /* a service gives a token's times a few minutes of leeway */
  TRIES = 2            /* a rejected token is replaced once */
};

/* A GUID (RFC 9562 section 5.4) for one question and all its tries, so that the vault's log shows it as one. It is not
 * a secret: a random half that is the client's, and a half that counts from a random start. */
static void make_guid(akv_client *client, char out[GUID_CHARS + 1]) {
  uint8_t bytes[AKV_GUID_BYTES];
  char digits[2 * AKV_GUID_BYTES + 1];
  char *at = out;
  uint64_t half;
  memcpy(bytes, client->request_id, sizeof bytes);
  memcpy(&half, bytes + 8, sizeof half);
  half += (atomic_fetch_add_explicit(&client->calls, 1, memory_order_relaxed) + 1) << 8; /* byte 8 holds the variant */
  memcpy(bytes + 8, &half, sizeof half);
  bytes[6] = (uint8_t)((bytes[6] & 0x0F) | 0x40);
  bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80);
  ekm_hex_text(ekm_view_of(bytes, sizeof bytes), digits, sizeof digits);
  for (int i = 0; i < 2 * AKV_GUID_BYTES; i++) {
    if (i == 8 || i == 12 || i == 16 || i == 20) *at++ = '-';
    *at++ = digits[i];
  }
  *at = '\0';
}

static bool judge(akv_client *client, const akv_request *request, const ekm_http_response *answer, ekm_err *err) {
  akv_question question = {client->host, request->doing, request->subject, request->is_unwrap};
  int64_t skew_s = akv_answer_skew_s(answer, client->clock);
  if (answer->status != 401 || (skew_s <= SKEW_MAX_S && skew_s >= -SKEW_MAX_S)) {
    return akv_answer_fail(answer, &question, err);
  }
  (void)akv_answer_fail(answer, &question, err); /* for status and request id */
  return EKM_FAIL(err, EKM_E_CLOCK_SKEW, "'%s' rejected a new token, and its clock is %lld seconds %s this machine's",
                  client->host, (long long)(skew_s > 0 ? skew_s : -skew_s), skew_s > 0 ? "ahead of" : "behind");
}

static bool repeats(const char *words, const akv_request *request, const entra_token *token) {
  return http_words_repeat(words, request->body) ||
         http_words_repeat(words, ekm_secret_reveal(entra_token_secret(token)));
}

/* Raise what an answer means. Words that repeat the request are left out: they may hold a plaintext key or the token,
 * and errors go to logs. */
static bool fail(akv_client *client, const akv_request *request, const entra_token *token,
                 const ekm_http_response *answer, ekm_err *err) {
  (void)judge(client, request, answer, err);
  if (repeats(err->request_id, request, token)) err->request_id[0] = '\0';
  if (!repeats(err->detail, request, token)) return false;
  return EKM_FAIL(err, err->id, "'%s' answered %d to %s, in words that repeat the request", client->host,
                  answer->status, request->doing);
}

static bool is_definite_no(int status) {
  return status >= 400 && status < 500 && status != 408;
}

/* A request that failed so never reached the vault. */
static bool may_have_left(ekm_err_id id) {
  static const ekm_err_id before[] = {EKM_E_DNS,     EKM_E_CONNECT, EKM_E_TLS_UNTRUSTED, EKM_E_TLS_HANDSHAKE,
                                      EKM_E_CA_FILE, EKM_E_PROXY,   EKM_E_PROXY_AUTH,    EKM_E_HOST_DOWN};
  for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
    if (before[i] == id) return false;
  }
  return true;
}

/* Ask with a token, and once more with a new one if the vault rejects it. True if there is an answer. The caller unrefs
 * the token that was used last. */
static bool ask(akv_client *client, const akv_request *request, ekm_http_request *http_request, const akv_call *call,
                entra_token **out_token, ekm_http_response *answer, ekm_err *err) {
  for (int tries_left = TRIES; tries_left > 0; tries_left--) {
    entra_token_unref(out_token);
    if (!akv_sign_in_token(client->sign_in, call, out_token, err)) return false;
    http_request->bearer = entra_token_secret(*out_token);
    bool ok = ekm_http_perform(client->http, http_request, answer, err);
    if (request->out_sent != NULL) *request->out_sent = ok ? !is_definite_no(answer->status) : may_have_left(err->id);
    if (ok && answer->status == 401) ok = akv_sign_in_rejected(client->sign_in, *out_token, answer, err);
    http_request->bearer = NULL;
    if (!ok || answer->status != 401) return ok;
  }
  return true;
}

bool akv_exchange(akv_client *client, const akv_request *request, const akv_call *call, ekm_http_response *answer,
                  ekm_err *err) {
  bool ok = false;
  char request_id[GUID_CHARS + 1];
  entra_token *token = NULL;
  ekm_buf url;

  ekm_buf_init(&url, EKM_LIMIT_URL_BYTES);
  ekm_buf_append_text(&url, "https://");
  ekm_buf_append_text(&url, client->host);
  ekm_buf_append_text(&url, request->target);
  EKM_TRY(ekm_buf_ok(&url, "a URL", err));
  make_guid(client, request_id);
  ekm_http_request http_request = {.method = request->method,
                                   .url = ekm_buf_text(&url),
                                   .route = &client->vault.route,
                                   .content_type = request->body.len > 0 ? "application/json" : NULL,
                                   .body = request->body,
                                   .client_request_id = request_id,
                                   .send_once = request->send_once,
                                   .deadline = call->deadline,
                                   .is_cancelled = call->is_cancelled,
                                   .cancel_arg = call->cancel_arg};
  EKM_TRY(ask(client, request, &http_request, call, &token, answer, err));
  if (answer->status != 200) EKM_TRY(fail(client, request, token, answer, err));
  ok = true;
done:
  entra_token_unref(&token);
  ekm_buf_clear(&url);
  return ok;
}

bool akv_parse(const akv_client *client, const ekm_http_response *answer, const char *doing, json_t **out_doc,
               ekm_err *err) {
  ekm_err why = {0};
  if (ekm_json_parse(ekm_buf_view(&answer->body), out_doc, &why)) return true;
  err->http_status = answer->status;
  return EKM_FAIL(err, why.id, "the answer of '%s' to %s: %s", client->host, doing, why.detail);
}
