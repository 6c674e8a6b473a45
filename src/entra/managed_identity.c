#include "entra/managed_identity.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/url.h"
#include "http/http_words.h"

static const char imds[] = "http://169.254.169.254";
static const char imds_path[] = "/metadata/identity/oauth2/token";
static const char arc_endpoint[] = "http://localhost:40342/metadata/identity/oauth2/token";
static const char arc_agent[] = "/opt/azcmagent/bin/himds";
static const char arc_files[] = "/var/opt/azcmagent/tokens";

enum {
  SHA1_CHARS = 40,
  CLIENT_ID_CHARS = 36,
  ARC_FILE_MAX_BYTES = 4096,
  FIELD_MAX_BYTES = ARC_FILE_MAX_BYTES + 64,
  LIFETIME_MAX_S = 7 * 24 * 3600,
  WORDS_BYTES = 200
};

typedef struct managed_identity {
  entra_source base;
  entra_managed_identity_options options;
  char client_id[CLIENT_ID_CHARS + 1];
} managed_identity;

/* --- where to ask ------------------------------------------------------------------------------------------------- */

/* One place that gives tokens. */
typedef struct place {
  const char *what; /* for messages */
  const char *base; /* the URL up to the query */
  const char *path; /* behind it, or "" */
  const char *api_version;
  const char *header_name; /* "Metadata", "X-IDENTITY-HEADER" or "Secret" */
  const char *header_value;
  const char *certificate_sha1; /* of the only server to ask; NULL: as its URL says */
  bool is_arc, is_metadata;
} place;

static const char *get(const managed_identity *source, const char *name) {
  const char *value = ekm_env_get(source->options.env, name);
  return value == NULL || value[0] == '\0' ? NULL : value;
}

/* What all places have to be, whatever the environment says. */
static bool check_place(const managed_identity *source, const place *at, ekm_err *err) {
  bool is_https = ekm_text_starts_i(at->base, "https://");
  if (!is_https && !ekm_text_starts_i(at->base, "http://")) {
    return EKM_FAIL(err, EKM_E_CONFIG_VALUE, "the environment names %s as '%.100s', which is no URL", at->what,
                    at->base);
  }
  if (at->certificate_sha1 != NULL &&
      (!is_https || strlen(at->certificate_sha1) != SHA1_CHARS || !ekm_hex_is(at->certificate_sha1, SHA1_CHARS))) {
    return EKM_FAIL(
        err, EKM_E_CONFIG_VALUE,
        "IDENTITY_SERVER_THUMBPRINT must be the SHA-1 of a certificate, and IDENTITY_ENDPOINT an https URL");
  }
  if ((at->is_arc || at->certificate_sha1 != NULL) && source->client_id[0] != '\0') {
    return EKM_FAIL(err, EKM_E_NOT_SUPPORTED,
                    "%s gives no choice of identities; leave the client id behind 'managed-identity' out", at->what);
  }
  return true;
}

static bool find_place(const managed_identity *source, place *out, ekm_err *err) {
  const char *endpoint = get(source, "IDENTITY_ENDPOINT");
  const char *header = get(source, "IDENTITY_HEADER");
  const char *pod = get(source, "AZURE_POD_IDENTITY_AUTHORITY_HOST");
  const char *thumbprint = get(source, "IDENTITY_SERVER_THUMBPRINT");
  const char *agent = source->options.arc_agent == NULL ? arc_agent : source->options.arc_agent;
  bool has_agent = get(source, "IMDS_ENDPOINT") != NULL || ekm_file_exists(agent);
  if (endpoint != NULL && header != NULL && thumbprint != NULL) {
    *out = (place){"Service Fabric", endpoint, "", "2019-07-01-preview", "Secret", header, thumbprint, false, false};
  } else if (endpoint != NULL && header != NULL) {
    *out = (place){"the App Service", endpoint, "", "2019-08-01", "X-IDENTITY-HEADER", header, NULL, false, false};
  } else if (endpoint != NULL ? get(source, "IMDS_ENDPOINT") != NULL : has_agent && pod == NULL) {
    *out = (place){
        "Azure Arc", endpoint == NULL ? arc_endpoint : endpoint, "", "2020-06-01", "Metadata", "true", NULL, true,
        false};
  } else {
    *out = (place){"the metadata service",
                   pod == NULL ? imds : pod,
                   imds_path,
                   "2018-02-01",
                   "Metadata",
                   "true",
                   NULL,
                   false,
                   true};
  }
  return check_place(source, out, err);
}

static void build_url(const managed_identity *source, const place *at, const char *resource, ekm_buf *out) {
  ekm_buf_append_text(out, at->base);
  while (at->path[0] != '\0' && out->len > 0 && out->ptr[out->len - 1] == '/') ekm_buf_truncate(out, out->len - 1);
  ekm_buf_append_fmt(out, "%s?api-version=%s&resource=", at->path, at->api_version);
  ekm_url_append_encoded(ekm_view_text(resource), out);
  if (source->client_id[0] == '\0') return;
  ekm_buf_append_text(out, "&client_id=");
  ekm_url_append_encoded(ekm_view_text(source->client_id), out);
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

/* Numbers come as texts, and sometimes as numbers. */
static int64_t number_of(const json_t *doc, const char *name) {
  const char *text = ekm_json_text(doc, name);
  int64_t number = text != NULL ? strtoll(text, NULL, 10) : ekm_json_int(doc, name, 0);
  return number > 0 ? number : 0;
}

static bool read_token(const managed_identity *source, const json_t *doc, entra_token **out_token, ekm_err *err) {
  const char *token = ekm_json_text(doc, "access_token");
  int64_t lifetime_s = number_of(doc, "expires_in");
  int64_t refresh_s = number_of(doc, "refresh_in");
  if (lifetime_s <= 0) lifetime_s = number_of(doc, "expires_on") - ekm_clock_wall_s(source->options.clock);
  if (token == NULL) return EKM_FAIL(err, EKM_E_TOKEN_ANSWER, "it holds no access_token");
  if (lifetime_s <= 0) return EKM_FAIL(err, EKM_E_TOKEN_ANSWER, "it does not say how long the token is valid");
  if (lifetime_s > LIFETIME_MAX_S) lifetime_s = LIFETIME_MAX_S;
  return entra_token_new(ekm_view_text(token), lifetime_s, refresh_s, out_token, err);
}

/* Only words about the identity are a definite no; a 400 may also come from something that is no metadata service, or
 * be about the request. */
static bool is_refusal(int status, const char *words) {
  char lower[WORDS_BYTES];
  memcpy(lower, words, sizeof lower);
  ekm_text_lower(lower);
  return status == 400 && (strstr(lower, "identity not found") != NULL || strstr(lower, "identity found") != NULL);
}

/* IMDS and Arc say "error_description", an App Service "message". */
static const char *words_of(const json_t *doc) {
  static const char *const names[] = {"error_description", "message", "error"};
  const char *text = NULL;
  for (size_t i = 0; text == NULL && i < sizeof names / sizeof names[0]; i++) text = ekm_json_text(doc, names[i]);
  return text;
}

/* Whoever repeats what he was told in confidence: that is for no log. */
static bool repeats_secret(const place *at, const ekm_buf *proof, const char *words) {
  bool has_secret = strcmp(at->header_name, "Metadata") != 0;
  return (has_secret && http_words_repeat(words, ekm_view_text(at->header_value))) ||
         http_words_repeat(words, ekm_buf_view(proof));
}

static bool fail(const managed_identity *source, const place *at, const ekm_buf *proof, const ekm_http_response *answer,
                 ekm_err *err) {
  char words[WORDS_BYTES] = "";
  json_t *doc = NULL;
  ekm_err why = {0};
  if (ekm_json_parse(ekm_buf_view(&answer->body), &doc, &why)) {
    http_words_copy(words_of(doc), words, sizeof words);
  }
  ekm_json_free(&doc);
  err->http_status = answer->status;
  ekm_err_id id = is_refusal(answer->status, words) ? EKM_E_TOKEN_REFUSED : EKM_E_TOKEN_FAILED;
  if (why.id == EKM_E_OUT_OF_MEMORY) id = why.id;
  if (repeats_secret(at, proof, words)) http_words_copy("(words that repeat the secret)", words, sizeof words);
  return EKM_FAIL(err, id, "%s answered %d for the identity %s%s%s", at->what, answer->status,
                  source->client_id[0] == '\0' ? "of the system" : source->client_id, words[0] != '\0' ? ": " : "",
                  words);
}

static bool read_answer(const managed_identity *source, const place *at, const ekm_http_response *answer,
                        entra_token **out_token, ekm_err *err) {
  json_t *doc = NULL;
  ekm_err why = {0};
  bool ok = ekm_json_parse(ekm_buf_view(&answer->body), &doc, &why) && read_token(source, doc, out_token, &why);
  ekm_json_free(&doc);
  if (ok) return true;
  err->http_status = answer->status;
  ekm_err_id id = why.id == EKM_E_OUT_OF_MEMORY || why.id == EKM_E_LIMIT ? why.id : EKM_E_TOKEN_ANSWER;
  return EKM_FAIL(err, id, "%s: %s", at->what, why.detail);
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

/* What stands in a header must not end it. */
static bool check_field(const ekm_buf *field, const char *what, ekm_err *err) {
  if (!ekm_buf_ok(field, what, err)) return false;
  for (size_t i = 0; i < field->len; i++) {
    if (field->ptr[i] < ' ' || field->ptr[i] == 0x7F) {
      return EKM_FAIL(err, EKM_E_CONFIG_VALUE, "IDENTITY_HEADER has characters that no header has");
    }
  }
  return true;
}

static bool ask(const managed_identity *source, const place *at, const ekm_buf *url, const char *const fields[2],
                const entra_call *call, ekm_http_response *answer, ekm_err *err) {
  static const ekm_http_route here = {.local_http = true};
  const ekm_http_route server = {.certificate_sha1 = at->certificate_sha1};
  bool is_http = ekm_text_starts_i(ekm_buf_text(url), "http://");
  const ekm_http_request request = {.method = "GET",
                                    .url = ekm_buf_text(url),
                                    .route = is_http ? &here : &server,
                                    .fields = {fields[0], fields[1]},
                                    .is_metadata = at->is_metadata,
                                    .deadline = call->deadline,
                                    .is_cancelled = call->is_cancelled,
                                    .cancel_arg = call->cancel_arg};
  return ekm_http_perform(source->options.http, &request, answer, err);
}

/* Only files of Arc's own folder are read, and only its kind: whoever answers in its place learns nothing else. */
static bool take_arc_path(const managed_identity *source, const char *challenge, const char **out_path, ekm_err *err) {
  static const char realm[] = "realm=";
  static const char suffix[] = ".key";
  const char *folder = source->options.arc_folder == NULL ? arc_files : source->options.arc_folder;
  const char *at = strstr(challenge, realm);
  const char *path = at == NULL ? "" : at + sizeof realm - 1;
  size_t folder_len = strlen(folder), len = strlen(path);
  bool ok = len > folder_len + sizeof suffix && strncmp(path, folder, folder_len) == 0 && path[folder_len] == '/' &&
            strchr(path + folder_len + 1, '/') == NULL && strcmp(path + len - (sizeof suffix - 1), suffix) == 0;
  *out_path = path;
  return ok || EKM_FAIL(err, EKM_E_TOKEN_ANSWER, "the agent of Azure Arc names '%.100s', which is no key file in '%s'",
                        path, folder);
}

static bool read_arc_proof(const managed_identity *source, const ekm_http_response *answer, ekm_buf *out,
                           ekm_err *err) {
  bool ok = false;
  const char *path;
  ekm_buf content;
  ekm_buf_init(&content, ARC_FILE_MAX_BYTES);
  EKM_TRY(take_arc_path(source, ekm_buf_text(&answer->www_basic), &path, err));
  EKM_TRY(ekm_file_read_ordinary(path, &content, err));
  ekm_buf_append_text(out, "Authorization: Basic ");
  for (size_t i = 0; i < content.len; i++) {
    if (content.ptr[i] < ' ' || content.ptr[i] >= 0x7F) EKM_BAIL(err, EKM_E_TOKEN_ANSWER, "'%s' is no key file", path);
    ekm_buf_append(out, &content.ptr[i], 1);
  }
  ok = ekm_buf_ok(out, "a key file of Azure Arc", err);
done:
  ekm_buf_clear(&content);
  return ok;
}

static bool ask_place(const managed_identity *source, const place *at, const ekm_buf *url, const entra_call *call,
                      ekm_http_response *answer, ekm_err *err) {
  bool ok = false;
  ekm_buf field, proof;
  ekm_buf_init(&field, FIELD_MAX_BYTES);
  ekm_buf_init(&proof, FIELD_MAX_BYTES);
  ekm_buf_append_fmt(&field, "%s: %s", at->header_name, at->header_value);
  EKM_TRY(check_field(&field, "a header", err));
  EKM_TRY(ask(source, at, url, (const char *[]){ekm_buf_text(&field), NULL}, call, answer, err));
  if (at->is_arc && answer->status == 401) {
    EKM_TRY(read_arc_proof(source, answer, &proof, err));
    EKM_TRY(ask(source, at, url, (const char *[]){ekm_buf_text(&field), ekm_buf_text(&proof)}, call, answer, err));
  }
  ok = answer->status == 200 || fail(source, at, &proof, answer, err);
done:
  ekm_buf_clear(&field);
  ekm_buf_clear(&proof);
  return ok;
}

static bool fetch(entra_source *self, const entra_target *target, const entra_call *call, entra_token **out_token,
                  ekm_err *err) {
  managed_identity *source = (managed_identity *)self;
  bool ok = false;
  place at;
  ekm_buf url;
  ekm_http_response answer;

  *out_token = NULL;
  ekm_buf_init(&url, EKM_LIMIT_URL_BYTES);
  ekm_http_response_init(&answer);
  EKM_TRY(find_place(source, &at, err));
  build_url(source, &at, target->resource, &url);
  EKM_TRY(ekm_buf_ok(&url, "the URL of a managed identity", err));
  EKM_TRY(ask_place(source, &at, &url, call, &answer, err));
  EKM_TRY(read_answer(source, &at, &answer, out_token, err));
  ok = true;
done:
  ekm_http_response_clear(&answer);
  ekm_buf_clear(&url);
  return ok;
}

static void destroy(entra_source *self) {
  ekm_mem_free(self);
}

bool entra_managed_identity_new(const entra_managed_identity_options *options, entra_source **out_source,
                                ekm_err *err) {
  *out_source = NULL;
  managed_identity *source = ekm_mem_alloc(sizeof *source, err);
  if (source == NULL) return false;
  source->base = (entra_source){fetch, destroy};
  source->options = *options;
  source->options.client_id = NULL; /* copied */
  if (!ekm_text_copy(source->client_id, sizeof source->client_id, options->client_id, "a client id", err)) {
    ekm_mem_free(source);
    return false;
  }
  *out_source = &source->base;
  return true;
}
