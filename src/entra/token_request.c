#include "entra/token_request.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "base/url.h"
#include "http/http_words.h"

enum {
  FORM_MAX_BYTES = 9 * EKM_LIMIT_CREDENTIAL_CHARS + 4096, /* a character has up to three bytes, a byte three here */
  LIFETIME_MAX_S = 7 * 24 * 3600, /* Entra's longest is a day or two; a wild number must not overflow a deadline */
  WORDS_BYTES = 200
};

/* The AADSTS codes that mean: this identity will not get a token until somebody changes it. Codes of times (700024) and
 * of load (90033, 50196) are not among them. */
static const json_int_t refusal_codes[] = {
    7000215, /* invalid client secret */
    7000222, /* the client secret has expired */
    7000112, /* the application is disabled */
    7000229, /* the application has no service principal in the tenant */
    700016,  /* the application is not in the tenant */
    90002,   /* there is no such tenant */
    700027,  /* the assertion's certificate or key is not the application's */
    7000272, /* the other issuer has no such key */
    70021,   /* the application trusts no other issuer */
    700211,  /* not this issuer */
    700212,  /* not this audience */
    700213,  /* not this subject */
    7002138, /* not this subject, but for upper and lower case */
};

/* OAuth's own words for the same (RFC 6749 section 5.2), for authorities that send no AADSTS codes. */
static const char *const refusal_words[] = {"invalid_client", "unauthorized_client"};

bool entra_token_url(const entra_target *target, ekm_buf *out, ekm_err *err) {
  ekm_buf_append_text(out, "https://");
  ekm_buf_append_text(out, target->authority_host);
  if (target->authority_port != 443) ekm_buf_append_fmt(out, ":%u", (unsigned)target->authority_port);
  ekm_buf_append_fmt(out, "/%s/oauth2/v2.0/token", target->tenant);
  return ekm_buf_ok(out, "the token endpoint's URL", err);
}

static void build_form(const entra_target *target, const entra_proof *proof, ekm_buf *out) {
  ekm_buf_append_text(out, "client_id=");
  ekm_url_append_encoded(ekm_view_text(proof->client_id), out);
  ekm_buf_append_text(out, "&scope=");
  ekm_url_append_encoded(ekm_view_text(target->resource), out);
  ekm_url_append_encoded(ekm_view_text("/.default"), out);
  ekm_buf_append_text(out, "&grant_type=client_credentials");
  if (proof->type != NULL) {
    ekm_buf_append_fmt(out, "&%s_type=", proof->name);
    ekm_url_append_encoded(ekm_view_text(proof->type), out);
  }
  ekm_buf_append_fmt(out, "&%s=", proof->name);
  ekm_url_append_encoded(proof->value, out);
}

static bool read_token(const json_t *doc, entra_token **out_token, ekm_err *err) {
  const char *type = ekm_json_text(doc, "token_type");
  const char *text = ekm_json_text(doc, "access_token");
  json_int_t lifetime_s = ekm_json_int(doc, "expires_in", 0);
  json_int_t refresh_s = ekm_json_int(doc, "refresh_in", 0);
  if (text == NULL || type == NULL || !ekm_text_ieq(type, "Bearer")) {
    return EKM_FAIL(err, EKM_E_TOKEN_ANSWER, "it holds no bearer token");
  }
  if (lifetime_s <= 0) return EKM_FAIL(err, EKM_E_TOKEN_ANSWER, "it does not say how long the token is valid");
  if (lifetime_s > LIFETIME_MAX_S) lifetime_s = LIFETIME_MAX_S;
  return entra_token_new(ekm_view_text(text), lifetime_s, refresh_s, out_token, err);
}

static bool has_refusal_code(const json_t *doc, bool *out_any) {
  json_t *codes = ekm_json_array(doc, "error_codes");
  *out_any = json_array_size(codes) > 0;
  for (size_t i = 0; i < json_array_size(codes); i++) {
    for (size_t k = 0; k < sizeof refusal_codes / sizeof refusal_codes[0]; k++) {
      if (json_integer_value(json_array_get(codes, i)) == refusal_codes[k]) return true;
    }
  }
  return false;
}

/* Was the identity refused for good? A code that is not in the table is no refusal, whatever the word in front. */
static bool is_refusal(int status, const json_t *doc) {
  bool any_code;
  const char *word = ekm_json_text(doc, "error");
  if (status != 400 && status != 401) return false;
  if (has_refusal_code(doc, &any_code)) return true;
  if (any_code || word == NULL) return false;
  for (size_t i = 0; i < sizeof refusal_words / sizeof refusal_words[0]; i++) {
    if (strcmp(word, refusal_words[i]) == 0) return true;
  }
  return false;
}

/* Do words repeat the proof, as it is or as it was sent? */
static bool repeats_proof(const entra_proof *proof, const ekm_buf *sent, const char *words) {
  return http_words_repeat(words, proof->value) || http_words_repeat(words, ekm_buf_view(sent));
}

/* The service's words about its refusal: "AADSTS7000215: Invalid client secret provided." and no further. */
static void describe(const json_t *doc, char out[WORDS_BYTES]) {
  const char *words = ekm_json_text(doc, "error_description");
  http_words_copy(words != NULL ? words : ekm_json_text(doc, "error"), out, WORDS_BYTES);
  char *end = strstr(out, ". ");
  if (end != NULL) end[1] = '\0';
}

static ekm_err_id meaning(const ekm_http_response *answer, const json_t *doc) {
  bool is_busy = answer->status >= 500 || answer->status == 429 || answer->status == 408;
  if (!is_busy && ekm_json_text(doc, "error") == NULL) return EKM_E_TOKEN_ANSWER;
  return is_refusal(answer->status, doc) ? EKM_E_TOKEN_REFUSED : EKM_E_TOKEN_FAILED;
}

/* Raise what an answer means. Words that repeat the secret, which was ${sent} in the form, are left out. */
static void raise_meaning(const entra_proof *proof, const entra_target *target, const ekm_http_response *answer,
                          const ekm_buf *sent, ekm_err *err) {
  char words[WORDS_BYTES] = "";
  json_t *doc = NULL;
  ekm_err why = {0};

  http_words_copy(ekm_buf_text(&answer->request_id), err->request_id, sizeof err->request_id);
  if (repeats_proof(proof, sent, err->request_id)) err->request_id[0] = '\0';
  bool ok = ekm_json_parse(ekm_buf_view(&answer->body), &doc, &why);
  if (ok) describe(doc, words);
  if (repeats_proof(proof, sent, words)) http_words_copy("(words that repeat the secret)", words, WORDS_BYTES);
  ekm_err_id id = !ok && why.id == EKM_E_OUT_OF_MEMORY ? why.id : meaning(answer, doc);
  ekm_json_free(&doc);
  (void)EKM_FAIL(err, id, "'%s' answered %d for tenant '%s' and client id '%s'%s%s", target->authority_host,
                 answer->status, target->tenant, proof->client_id, words[0] != '\0' ? ": " : "", words);
}

static bool fail(const entra_proof *proof, const entra_target *target, const ekm_http_response *answer, ekm_err *err) {
  ekm_buf sent;
  err->http_status = answer->status;
  ekm_buf_init(&sent, FORM_MAX_BYTES);
  ekm_url_append_encoded(proof->value, &sent);
  if (ekm_buf_ok(&sent, "a secret", err)) raise_meaning(proof, target, answer, &sent, err);
  ekm_buf_clear(&sent);
  return false;
}

static bool read_answer(const entra_proof *proof, const entra_target *target, const ekm_http_response *answer,
                        entra_token **out_token, ekm_err *err) {
  json_t *doc = NULL;
  ekm_err why = {0};
  if (answer->status != 200) return fail(proof, target, answer, err);
  bool ok = ekm_json_parse(ekm_buf_view(&answer->body), &doc, &why) && read_token(doc, out_token, &why);
  ekm_json_free(&doc);
  if (ok) return true;
  err->http_status = answer->status;
  if (why.id == EKM_E_OUT_OF_MEMORY || why.id == EKM_E_LIMIT) return EKM_FAIL(err, why.id, "%s", why.detail);
  return EKM_FAIL(err, EKM_E_TOKEN_ANSWER, "'%s': %s", target->authority_host, why.detail);
}

bool entra_token_request(ekm_http *http, const entra_target *target, const entra_proof *proof, const entra_call *call,
                         entra_token **out_token, ekm_err *err) {
  bool ok = false;
  ekm_buf url, form;
  ekm_http_response answer;

  *out_token = NULL;
  ekm_buf_init(&url, EKM_LIMIT_URL_BYTES);
  ekm_buf_init(&form, FORM_MAX_BYTES);
  ekm_http_response_init(&answer);
  EKM_TRY(entra_token_url(target, &url, err));
  build_form(target, proof, &form);
  EKM_TRY(ekm_buf_ok(&form, "a token request", err));
  ekm_http_request request = {.method = "POST",
                              .url = ekm_buf_text(&url),
                              .route = target->route,
                              .content_type = "application/x-www-form-urlencoded",
                              .body = ekm_buf_view(&form),
                              .deadline = call->deadline,
                              .is_cancelled = call->is_cancelled,
                              .cancel_arg = call->cancel_arg};
  EKM_TRY(ekm_http_perform(http, &request, &answer, err));
  EKM_TRY(read_answer(proof, target, &answer, out_token, err));
  ok = true;
done:
  ekm_http_response_clear(&answer);
  ekm_buf_clear(&form);
  ekm_buf_clear(&url);
  return ok;
}
