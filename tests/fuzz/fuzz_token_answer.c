/* Answers of a token endpoint. */
#include "entra/client_secret.h"
#include "fuzz/fuzz_http.h"
#include "support/fake_clock.h"

enum { LIFETIME_MAX_S = 7 * 24 * 3600 };

typedef struct input_http {
  ekm_http base;
  fuzz_answer answer;
} input_http;

static bool perform(ekm_http *self, const ekm_http_request *request, ekm_http_response *response, ekm_err *err) {
  const input_http *http = (const input_http *)(void *)self;
  (void)request;
  (void)err;
  return fuzz_answer_put(response, http->answer.status, http->answer.body);
}

static void check_token(const entra_token *token) {
  ekm_view text = ekm_secret_reveal(entra_token_secret(token));
  int64_t lifetime_s = entra_token_lifetime_s(token);
  FUZZ_CHECK(text.len > 0);
  for (size_t i = 0; i < text.len; i++) FUZZ_CHECK(text.ptr[i] > ' ' && text.ptr[i] < 0x7F);
  FUZZ_CHECK(lifetime_s > 0 && lifetime_s <= LIFETIME_MAX_S);
  FUZZ_CHECK(entra_token_refresh_s(token) >= 0 && entra_token_refresh_s(token) < lifetime_s);
}

/* Only a refusal of the identity itself may be called one: the engine shuts databases down on it. */
static void check_refusal(int status, const ekm_err *err) {
  fuzz_check_err(err);
  FUZZ_CHECK(strstr(err->detail, FUZZ_SECRET) == NULL);
  FUZZ_CHECK(err->http_status == status);
  FUZZ_CHECK(err->id == EKM_E_TOKEN_REFUSED || err->id == EKM_E_TOKEN_FAILED || err->id == EKM_E_TOKEN_ANSWER);
  if (err->id == EKM_E_TOKEN_REFUSED) FUZZ_CHECK(status == 400 || status == 401);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input_http http = {.base = {perform, NULL}};
  entra_source *source = NULL;
  entra_token *token = NULL;
  fake_clock clock;
  ekm_secret secret = {0};
  ekm_err err = {0};
  entra_target target = {.authority_host = "login.microsoftonline.com",
                         .authority_port = 443,
                         .tenant = "t",
                         .resource = "https://vault.azure.net"};

  if (!fuzz_answer_take(ekm_view_of(data, size), &http.answer)) return 0;
  fake_clock_init(&clock);
  const entra_call call = {.deadline = ekm_deadline_in(&clock.base, 1000)};
  FUZZ_CHECK(ekm_secret_set(&secret, ekm_view_text(FUZZ_SECRET), &err));
  FUZZ_CHECK(entra_client_secret_new(&http.base, "01234567-89ab-cdef-0123-456789abcdef", &secret, &source, &err));
  if (entra_source_fetch(source, &target, &call, &token, &err)) {
    FUZZ_CHECK(http.answer.status == 200);
    check_token(token);
  } else {
    FUZZ_CHECK(token == NULL);
    check_refusal(http.answer.status, &err);
  }
  entra_token_unref(&token);
  entra_source_free(&source);
  ekm_secret_clear(&secret);
  return 0;
}
