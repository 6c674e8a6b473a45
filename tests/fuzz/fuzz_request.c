/* A whole request to akvd, without sockets: it always gets an answer that is no accident of the server.
 *
 *   POST /keys/k/wrapkey?api-version=7.5      @token is a good token of the application @client,
 *   Host: local.vault.localhost               @secret its secret
 *   Authorization: Bearer @token
 *                                             "Loopback: yes" is a client on the same machine
 *   {"alg":"RSA-OAEP-256","value":"AAAA"}
 *
 * The vault has one key, k, which is put back after each request that may change it. */
#include "base/text.h"
#include "fuzz/fuzz_folder.h"
#include "fuzz/fuzz_key.h"
#include "support/fake_clock.h"
#include "vault/authenticate.h"
#include "vault/metrics.h"
#include "vault/service.h"
#include "vault/store_manage.h"
#include "vault/trouble.h"

#define TENANT "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
#define RESOURCE "https://" VAULT_DEFAULT_SUFFIX
#define SECRET "a-secret-that-is-planted-here"

enum { INPUT_MAX_BYTES = 1 << 20 };

static struct {
  char folder[FUZZ_FOLDER_BYTES];
  fake_clock clock;
  ekm_crypto *crypto;
  ekm_log *log;
  vault_store *store;
  vault_service service;
  int64_t vault_id;
  char client_id[VAULT_GUID_CHARS + 1];
  ekm_buf token;
} f;

static void check_log_line(void *arg, const char *line, size_t len) {
  json_t *doc = NULL;
  ekm_err err = {0};
  (void)arg;
  FUZZ_CHECK(len > 0 && line[len - 1] == '\n' && memchr(line, '\n', len) == line + len - 1);
  FUZZ_CHECK(ekm_json_parse(ekm_view_of(line, len), &doc, &err));
  ekm_json_free(&doc);
}

static void tear_down(void) {
  vault_token_cache_free(&f.service.tokens);
  vault_metrics_free(&f.service.metrics);
  vault_trouble_free(&f.service.trouble);
  ekm_buf_clear(&f.token);
  vault_store_close(&f.store);
  ekm_log_close(&f.log);
  ekm_crypto_free(&f.crypto);
  fuzz_folder_remove(f.folder);
}

static bool is_there(void) {
  const vault_key *key = NULL;
  ekm_err err = {0};
  bool ok = vault_store_key_get(f.store, f.vault_id, "k", NULL, &key, &err);
  if (!ok) FUZZ_CHECK(err.id == EKM_E_KEY_NOT_FOUND);
  if (!ok && vault_store_deleted_recover(f.store, f.vault_id, "k", &key, &err)) ok = true;
  vault_key_release(&key);
  return ok;
}

static void put_key_back(void) {
  const vault_key_change all = {.set = VAULT_SET_ENABLED | VAULT_SET_NBF | VAULT_SET_EXP | VAULT_SET_OPS,
                                .attributes = {.enabled = true},
                                .ops = VAULT_OP_RSA_DEFAULT};
  const vault_key_spec spec = {.name = "k", .kty = "RSA", .attributes = all.attributes, .ops = all.ops};
  const vault_key *key = NULL;
  ekm_err err = {0};
  if (is_there()) {
    FUZZ_CHECK(vault_store_key_update(f.store, f.vault_id, "k", NULL, &all, &key, &err));
  } else {
    ekm_key *private_key = fuzz_key(f.crypto, FUZZ_KEY_FILE);
    vault_material *material = NULL;
    FUZZ_CHECK(vault_material_of_key(f.crypto, &private_key, &material, &err));
    FUZZ_CHECK(vault_store_key_add(f.store, f.vault_id, &spec, &material, &key, &err));
  }
  vault_key_release(&key);
}

static void add_vault(void) {
  const vault_spec vault = {.name = "local", .tenant = TENANT};
  const vault_directory *dir = NULL;
  ekm_secret secret = {0};
  char secret_id[VAULT_GUID_CHARS + 1];
  vault_claims claims = {.audience = RESOURCE, .object_id = TENANT, .tenant = TENANT};
  ekm_err err = {0};
  FUZZ_CHECK(vault_store_vault_add(f.store, &vault, &err));
  FUZZ_CHECK(vault_store_app_add(f.store, TENANT, "fuzz", f.client_id, &err));
  FUZZ_CHECK(ekm_secret_set(&secret, ekm_view_text(SECRET), &err));
  FUZZ_CHECK(vault_store_secret_add(f.store, f.client_id, &secret, 0, secret_id, &err));
  FUZZ_CHECK(vault_store_directory(f.store, &dir, &err));
  f.vault_id = vault_directory_vault_by_name(dir, "local")->id;
  FUZZ_CHECK(vault_store_grant_set(f.store, f.vault_id, f.client_id, VAULT_MAY_ALL, &err));
  vault_directory_release(&dir);
  ekm_secret_clear(&secret);
  claims.not_before = ekm_clock_wall_s(&f.clock.base);
  claims.expires = claims.not_before + VAULT_TOKEN_SECONDS;
  vault_issuer(TENANT, claims.issuer);
  memcpy(claims.app_id, f.client_id, sizeof f.client_id);
  ekm_buf_init(&f.token, VAULT_JWT_MAX_BYTES);
  FUZZ_CHECK(vault_jwt_make(&f.service.signer, &claims, &f.token, &err));
}

static void set_up(void) {
  ekm_err err = {0};
  if (f.crypto != NULL) return;
  fuzz_folder_make(f.folder);
  FUZZ_CHECK(ekm_crypto_new(&f.crypto, &err));
  fake_clock_init(&f.clock);
  FUZZ_CHECK(ekm_log_open_sink(check_log_line, NULL, EKM_LOG_TRACE, &f.clock.base, &f.log, &err));
  const vault_store_options store = {.folder = f.folder, .crypto = f.crypto, .clock = &f.clock.base, .log = f.log};
  FUZZ_CHECK(vault_store_create(&store, &err) && vault_store_open(&store, &f.store, &err));
  f.service = (vault_service){.store = f.store,
                              .crypto = f.crypto,
                              .shop = {.crypto = f.crypto},
                              .rng = ekm_crypto_rng(f.crypto),
                              .clock = &f.clock.base,
                              .log = f.log,
                              .token_seconds = VAULT_TOKEN_SECONDS};
  f.service.signer = (vault_jwt_signer){f.crypto, vault_store_signer(f.store), vault_store_signer_kid(f.store)};
  FUZZ_CHECK(vault_token_cache_new(&f.service.tokens, &err) && vault_metrics_new(&f.service.metrics, &err));
  add_vault();
  put_key_back();
  FUZZ_CHECK(atexit(tear_down) == 0);
}

/* ${in} with what only this run knows in place of the words for it. */
static void fill_in(ekm_view in, ekm_buf *out) {
  const struct {
    const char *word, *text;
  } words[] = {{"@token", ekm_buf_text(&f.token)}, {"@client", f.client_id}, {"@secret", SECRET}};
  ekm_buf_init(out, INPUT_MAX_BYTES);
  while (in.len > 0) {
    size_t skip = 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0] && skip == 0; i++) {
      size_t len = strlen(words[i].word);
      if (in.len < len || !ekm_view_equal(ekm_view_of(in.ptr, len), ekm_view_text(words[i].word))) continue;
      ekm_buf_append_text(out, words[i].text);
      skip = len;
    }
    if (skip == 0) ekm_buf_append(out, in.ptr, skip = 1);
    in = ekm_view_of(in.ptr + skip, in.len - skip);
  }
}

/* "name=value" or "name: value", cut in two; NULL if ${line} is of another name. */
static const char *value_of(const char *line, const char *name, const char *separator) {
  size_t len = strlen(name);
  if (!ekm_text_starts_i(line, name) || !ekm_text_starts_i(line + len, separator)) return NULL;
  return line + len + strlen(separator);
}

/* Like server.c: the first one counts, percent-encoding stays. */
static void take_query(char *query, vault_request *out) {
  while (query != NULL) {
    char *next = strchr(query, '&');
    if (next != NULL) *next++ = '\0';
    const struct {
      const char *value;
      const char **member;
    } members[] = {{value_of(query, "api-version", "="), &out->api_version},
                   {value_of(query, "maxresults", "="), &out->max_results},
                   {value_of(query, "$skiptoken", "="), &out->skip_token}};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
      if (members[i].value != NULL && *members[i].member == NULL) *members[i].member = members[i].value;
    }
    query = next;
  }
}

static void take_header(const char *line, vault_request *out) {
  const struct {
    const char *value;
    const char **member;
  } members[] = {{value_of(line, "Host", ": "), &out->host},
                 {value_of(line, "Authorization", ": "), &out->authorization},
                 {value_of(line, "X-HTTP-METHOD", ": "), &out->method_override},
                 {value_of(line, "x-ms-client-request-id", ": "), &out->client_request_id}};
  for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
    if (members[i].value != NULL && *members[i].member == NULL) *members[i].member = members[i].value;
  }
  if (strcmp(line, "Loopback: yes") == 0) out->from_loopback = true;
}

static void check_headers(const vault_exchange *x) {
  vault_header headers[VAULT_ANSWER_HEADERS];
  size_t count = vault_answer_headers(&x->answer, x->request.client_request_id, headers);
  FUZZ_CHECK(count <= VAULT_ANSWER_HEADERS);
  for (size_t i = 0; i < count; i++) FUZZ_CHECK(fuzz_is_line(headers[i].name) && fuzz_is_line(headers[i].value));
}

static void check_answer(const vault_exchange *x) {
  json_t *doc = NULL;
  ekm_err err = {0};
  const vault_answer *answer = &x->answer;
  FUZZ_CHECK(answer->status >= 200 && answer->status <= 503);
  FUZZ_CHECK(answer->status != 500 && answer->status != 503); /* whatever is asked, our machine is well */
  check_headers(x);
  if (answer->content_type != NULL) return;
  FUZZ_CHECK((answer->body.len == 0) == (answer->status == 204));
  if (answer->body.len == 0) return;
  FUZZ_CHECK(ekm_json_parse(ekm_buf_view(&answer->body), &doc, &err));
  FUZZ_CHECK((ekm_json_text(doc, "error") != NULL || ekm_json_object(doc, "error") != NULL) == (answer->status >= 400));
  ekm_json_free(&doc);
}

static void ask(const vault_request *request, ekm_view body) {
  static vault_exchange x;
  ekm_err err = {0};
  FUZZ_CHECK(vault_trouble_new(&f.clock.base, &f.service.trouble, &err));
  vault_trouble_end(f.service.trouble); /* nothing waits */
  uint8_t *copy = fuzz_copy(body);
  if (vault_service_head(&f.service, request, &x)) vault_service_rest(&x, ekm_view_of(copy, body.len));
  free(copy);
  check_answer(&x);
  bool may_change = x.route != NULL && strcmp(x.route->method, "GET") != 0 && x.answer.status < 300;
  vault_service_end(&x);
  vault_trouble_free(&f.service.trouble);
  if (may_change) put_key_back();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  enum { HEADERS_MAX = 8 };
  char *headers[HEADERS_MAX] = {NULL};
  vault_request request = {0};
  ekm_buf filled;

  set_up();
  fill_in(ekm_view_of(data, size), &filled);
  ekm_view in = ekm_buf_view(&filled);
  char *first = fuzz_line(&in);
  for (size_t i = 0; i < HEADERS_MAX && (i == 0 || headers[i - 1][0] != '\0'); i++) {
    headers[i] = fuzz_line(&in);
    take_header(headers[i], &request);
  }
  char *path = strchr(first, ' ');
  if (path != NULL) {
    *path++ = '\0';
    char *query = strchr(path, '?');
    if (query != NULL) *query++ = '\0';
    take_query(query, &request);
    request.method = first;
    request.path = path;
    ask(&request, in);
  }
  for (size_t i = 0; i < HEADERS_MAX; i++) free(headers[i]);
  free(first);
  ekm_buf_clear(&filled);
  return 0;
}
