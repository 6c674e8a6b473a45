/* Answers of a vault: a key, a page of a list, a wrapped or unwrapped value, a refusal.
 *
 *   get         the first line: what was asked
 *   200         the status
 *   {"key":...  the body
 *
 * The client has signed in before. Every request behind the answered one finds an empty list. */
#include "base/hex.h"
#include "base/text.h"
#include "fuzz/fuzz_http.h"
#include "keyvault/client.h"
#include "support/fake_clock.h"
#include "support/fake_rng.h"

#define HOST "v.vault.azure.net"
#define NAME "k"
#define VERSION "0123456789abcdef0123456789abcdef"
#define CHALLENGE \
  "Bearer authorization=\"https://login.microsoftonline.com/tenant.example\", resource=\"https://vault.azure.net\""
#define TOKEN "planted.access.token"
#define TOKEN_ANSWER "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"" TOKEN "\"}"

enum { VALUE_MAX_BYTES = 8192 };

typedef struct input_http {
  ekm_http base;
  const char *method; /* of the request that the input answers */
  fuzz_answer answer;
  bool answered;
} input_http;

static bool perform(ekm_http *self, const ekm_http_request *request, ekm_http_response *response, ekm_err *err) {
  input_http *http = (input_http *)(void *)self;
  (void)err;
  if (request->bearer == NULL) {
    ekm_buf_append_text(&response->www_authenticate, CHALLENGE);
    bool is_sign_in = strcmp(request->method, "POST") == 0;
    return fuzz_answer_put(response, is_sign_in ? 200 : 401, ekm_view_text(is_sign_in ? TOKEN_ANSWER : ""));
  }
  if (http->answered) return fuzz_answer_put(response, 200, ekm_view_text("{\"value\":[],\"nextLink\":null}"));
  if (strcmp(request->method, http->method) != 0) return fuzz_answer_put(response, 404, ekm_view_text("{}"));
  http->answered = http->answer.status != 401; /* a rejected token is replaced, and the same asked again */
  return fuzz_answer_put(response, http->answer.status, http->answer.body);
}

typedef struct asking {
  akv_client *client;
  akv_call call;
  const fuzz_answer *answer;
  ekm_err err;
} asking;

static bool is_version(const char *text) {
  return strlen(text) == EKM_LIMIT_KEY_VERSION_CHARS && ekm_hex_is(text, EKM_LIMIT_KEY_VERSION_CHARS);
}

static bool check_key(bool ok, const akv_key *key) {
  if (!ok) return false;
  FUZZ_CHECK(ekm_text_ieq(key->name, NAME) && is_version(key->version));
  FUZZ_CHECK(key->is_rsa == (key->n.len > 0) && key->is_rsa == (key->e.len > 0));
  return true;
}

static bool ask_get(asking *a) {
  akv_key key;
  akv_key_init(&key);
  bool ok = check_key(akv_get_key(a->client, NAME, VERSION, &a->call, &key, &a->err), &key);
  if (ok) FUZZ_CHECK(ekm_text_ieq(key.version, VERSION));
  akv_key_clear(&key);
  return ok;
}

static bool ask_create(asking *a) {
  akv_key key;
  akv_key_init(&key);
  bool ok = check_key(akv_create_key(a->client, NAME, AKV_RSA, 2048, &a->call, &key, &a->err), &key);
  akv_key_clear(&key);
  return ok;
}

static bool ask_delete(asking *a) {
  return akv_delete_key(a->client, NAME, &a->call, &a->err);
}

static bool take_name(void *arg, const char *text, int64_t created_s, ekm_err *err) {
  (void)created_s;
  FUZZ_CHECK(arg == NULL && akv_name_check(text, err));
  return true;
}

static bool take_version(void *arg, const char *text, int64_t created_s, ekm_err *err) {
  (void)created_s;
  (void)err;
  FUZZ_CHECK(arg == NULL && is_version(text));
  return true;
}

static bool ask_names(asking *a) {
  return akv_list_names(a->client, &a->call, (akv_sink){take_name, NULL}, &a->err);
}

static bool ask_versions(asking *a) {
  return akv_list_versions(a->client, NAME, &a->call, (akv_sink){take_version, NULL}, &a->err);
}

/* What the client took out of the answer, be it without a parser, is what a parser finds in it. */
static void check_value(const asking *a, const ekm_buf *value) {
  json_t *doc = NULL;
  akv_kid kid;
  ekm_err err = {0};
  ekm_buf expected;
  ekm_buf_init(&expected, VALUE_MAX_BYTES);
  FUZZ_CHECK(ekm_json_parse(a->answer->body, &doc, &err) && ekm_json_bytes(doc, "value", &expected, &err));
  FUZZ_CHECK(ekm_view_equal(ekm_buf_view(&expected), ekm_buf_view(value)));
  FUZZ_CHECK(akv_kid_parse(ekm_json_text(doc, "kid"), HOST, &kid, &err) && akv_kid_is(&kid, NAME, VERSION));
  ekm_buf_clear(&expected);
  ekm_json_free(&doc);
}

static bool ask_either(asking *a, bool is_unwrap) {
  static const akv_wrap_key key = {NAME, VERSION, "RSA-OAEP-256"};
  const ekm_view in = ekm_view_text("the key that protects a database");
  ekm_buf out;
  ekm_buf_init(&out, VALUE_MAX_BYTES);
  bool ok = is_unwrap ? akv_unwrap(a->client, &key, in, &a->call, &out, &a->err)
                      : akv_wrap(a->client, &key, in, &a->call, &out, &a->err);
  if (ok) check_value(a, &out);
  FUZZ_CHECK(ok ? is_unwrap || out.len > 0 : out.len == 0);
  ekm_buf_clear(&out);
  return ok;
}

static bool ask_wrap(asking *a) {
  return ask_either(a, false);
}

static bool ask_unwrap(asking *a) {
  return ask_either(a, true);
}

static const struct {
  const char *name;
  const char *method;
  bool (*ask)(asking *a);
} questions[] = {
    {"get", "GET", ask_get},        {"create", "POST", ask_create},    {"delete", "DELETE", ask_delete},
    {"names", "GET", ask_names},    {"versions", "GET", ask_versions}, {"wrap", "POST", ask_wrap},
    {"unwrap", "POST", ask_unwrap},
};

static void run(input_http *http, bool (*ask)(asking *a)) {
  akv_vault vault = {.host = HOST};
  ekm_secret secret = {0};
  fake_clock clock;
  fake_clock_init(&clock);
  asking a = {.call = {.deadline = ekm_deadline_in(&clock.base, 30000)}, .answer = &http->answer};
  const akv_options options = {.http = &http->base, .clock = &clock.base, .rng = fake_rng_static(), .vault = &vault};
  const akv_identity identity = {
      .kind = AKV_CLIENT_SECRET, .client_id = "01234567-89ab-cdef-0123-456789abcdef", .secret = &secret};
  FUZZ_CHECK(ekm_secret_set(&secret, ekm_view_text(FUZZ_SECRET), &a.err));
  FUZZ_CHECK(akv_client_new(&options, &identity, &a.client, &a.err));
  FUZZ_CHECK(akv_client_sign_in(a.client, &a.call, &a.err));
  if (ask(&a)) {
    FUZZ_CHECK(http->answer.status == 200);
  } else {
    fuzz_check_err(&a.err);
    FUZZ_CHECK(strstr(a.err.detail, TOKEN) == NULL && strstr(a.err.request_id, TOKEN) == NULL);
    FUZZ_CHECK(a.err.id != EKM_E_INTERNAL && a.err.id != EKM_E_OUT_OF_MEMORY);
  }
  akv_client_free(&a.client);
  ekm_secret_clear(&secret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input_http http = {.base = {perform, NULL}};
  ekm_view in = ekm_view_of(data, size);
  char *name = fuzz_line(&in);
  bool is_answer = fuzz_answer_take(in, &http.answer);
  for (size_t i = 0; is_answer && i < sizeof questions / sizeof questions[0]; i++) {
    if (strcmp(questions[i].name, name) != 0) continue;
    http.method = questions[i].method;
    run(&http, questions[i].ask);
  }
  free(name);
  return 0;
}
