#include "vault/fake_identity.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "vault/answer.h"
#include "vault/fake_arc.h"
#include "vault/jwt.h"
#include "vault/token_endpoint.h"

enum { TOKEN_SECONDS = 86399, BODY_MAX_BYTES = 64 * 1024, NUMBER_BYTES = 24, DESCRIPTION_MAX_BYTES = 4096 };

struct fake_identity {
  vault_store *store;
  const ekm_crypto *crypto;
  const ekm_clock *clock;
  ekm_log *log;
  char client_id[VAULT_GUID_CHARS + 1];
  bool has_header;
  uint8_t header_hash[EKM_SHA256_BYTES]; /* the header itself is not kept */
  fake_arc *arc;                         /* NULL: none */
};

struct source;

/* One request under way. */
typedef struct call {
  fake_identity *identity;
  const fake_request *request;
  fake_answer *answer;
  const struct source *source;
  const vault_directory *dir;
  const vault_app *app;
  bool refused;
  ekm_err err;
} call;

/* What differs from one place of Azure to the other. */
typedef struct source {
  const char *name;
  const char *path;
  bool (*is_here)(const fake_identity *identity, const char *api_version);
  bool (*admit)(call *c);
  json_t *(*error)(int status, const char *error, const char *description);
} source;

/* ---- life -------------------------------------------------------------------------------------------------------- */

static bool find_app(fake_identity *identity, const char *client_id, ekm_err *err) {
  const vault_directory *dir = NULL;
  if (!vault_store_directory(identity->store, &dir, err)) return false;
  const vault_app *app = vault_directory_app(dir, client_id);
  if (app != NULL) memcpy(identity->client_id, app->client_id, sizeof identity->client_id);
  vault_directory_release(&dir);
  return app != NULL || EKM_FAIL(err, EKM_E_ABSENT, "application '%s'", client_id);
}

bool fake_identity_new(const fake_identity_options *options, fake_identity **out_identity, ekm_err *err) {
  *out_identity = NULL;
  fake_identity *identity = ekm_mem_alloc(sizeof *identity, err);
  if (identity == NULL) return false;
  identity->store = options->store;
  identity->crypto = options->crypto;
  identity->clock = options->clock;
  identity->log = options->log;
  identity->has_header = options->header.len > 0;
  if (!find_app(identity, options->client_id, err) ||
      !ekm_crypto_sha256(options->crypto, options->header, identity->header_hash, err) ||
      (options->arc_folder != NULL && !fake_arc_new(options->crypto, options->arc_folder, &identity->arc, err))) {
    fake_identity_free(&identity);
    return false;
  }
  *out_identity = identity;
  return true;
}

void fake_identity_free(fake_identity **identity) {
  if (*identity == NULL) return;
  fake_arc_free(&(*identity)->arc);
  ekm_mem_free(*identity);
  *identity = NULL;
}

void fake_answer_init(fake_answer *answer) {
  answer->status = 500;
  answer->challenge[0] = '\0';
  ekm_buf_init(&answer->body, BODY_MAX_BYTES);
}

void fake_answer_clear(fake_answer *answer) {
  ekm_buf_clear(&answer->body);
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

/* ${doc} is freed here; NULL is what jansson gives when it finds no memory. */
static bool answer_json(call *c, int status, json_t *doc) {
  c->answer->status = status;
  bool ok = doc != NULL ? ekm_json_write(doc, &c->answer->body, &c->err)
                        : EKM_FAIL(&c->err, EKM_E_OUT_OF_MEMORY, "for an answer");
  ekm_json_free(&doc);
  return ok;
}

static json_t *imds_error(int status, const char *error, const char *description) {
  (void)status;
  return json_pack("{s:s, s:s}", "error", error, "error_description", description);
}

static json_t *app_service_error(int status, const char *error, const char *description) {
  (void)error;
  return json_pack("{s:i, s:s}", "statusCode", status, "message", description);
}

/* Always false. ${first} and ${second} stand for %1 and %2, and are shown as vault_answer_fault shows them. */
static bool refuse(call *c, int status, const char *error, const char *text, const char *first, const char *second) {
  ekm_buf description;
  ekm_buf_init(&description, DESCRIPTION_MAX_BYTES);
  vault_answer_append_filled(text, (const char *const[VAULT_FAULT_ARGS]){first, second}, &description);
  c->refused = answer_json(c, status, c->source->error(status, error, ekm_buf_text(&description)));
  ekm_buf_clear(&description);
  return false;
}

static bool refuse_request(call *c, const char *description) {
  return refuse(c, 400, "invalid_request", description, "", "");
}

/* ---- who may ask ------------------------------------------------------------------------------------------------- */

static bool is_listed(const char *const *list, size_t count, const char *text) {
  for (size_t i = 0; text != NULL && i < count; i++) {
    if (strcmp(list[i], text) == 0) return true;
  }
  return false;
}

static bool is_arc_version(const char *api_version) {
  static const char *const versions[] = {"2019-11-01", "2020-06-01"};
  return is_listed(versions, sizeof versions / sizeof versions[0], api_version);
}

static bool is_always_here(const fake_identity *identity, const char *api_version) {
  (void)identity;
  (void)api_version;
  return true;
}

static bool has_header(const fake_identity *identity, const char *api_version) {
  (void)api_version;
  return identity->has_header;
}

static bool has_arc(const fake_identity *identity, const char *api_version) {
  return identity->arc != NULL && is_arc_version(api_version);
}

/* A browser cannot send Metadata to another origin, and a proxy says for whom it asks. */
static bool is_of_this_machine(call *c) {
  const fake_request *r = c->request;
  if (r->metadata == NULL || !ekm_text_ieq(r->metadata, "true")) {
    return refuse_request(c, "Required metadata header not specified");
  }
  return r->forwarded_for == NULL || refuse_request(c, "Request contains the header X-Forwarded-For");
}

/* Any of its versions since the first with this path; their form is a day. */
static bool admit_to_imds(call *c) {
  static const char first[] = "2018-02-01";
  const char *version = c->request->api_version;
  if (!is_of_this_machine(c)) return false;
  if (version == NULL) return refuse_request(c, "Required query variable 'api-version' is missing");
  bool is_day = strlen(version) == sizeof first - 1 && ekm_text_is_made_of(version, sizeof first - 1, "-");
  return (is_day && strcmp(version, first) >= 0) || refuse_request(c, "The api-version is not supported");
}

static bool admit_to_app_service(call *c) {
  const fake_request *r = c->request;
  uint8_t hash[EKM_SHA256_BYTES];
  ekm_view header = ekm_view_text(r->identity_header == NULL ? "" : r->identity_header);
  if (!ekm_crypto_sha256(c->identity->crypto, header, hash, &c->err)) return false;
  if (header.len == 0 || !ekm_mem_equal(hash, c->identity->header_hash, sizeof hash)) {
    return refuse(c, 401, "", "The header X-IDENTITY-HEADER is missing or wrong.", "", "");
  }
  bool is_known = r->api_version != NULL && strcmp(r->api_version, "2019-08-01") == 0;
  return is_known || refuse(c, 400, "", "The api-version is missing or not supported; use 2019-08-01.", "", "");
}

static bool challenge(call *c) {
  char path[FAKE_ARC_PATH_BYTES];
  if (!fake_arc_challenge(c->identity->arc, path, &c->err)) return false;
  (void)snprintf(c->answer->challenge, sizeof c->answer->challenge, "Basic realm=%s", path);
  return refuse(c, 401, "unauthorized_client", "Missing Basic Authorization header", "", "");
}

static bool admit_to_arc(call *c) {
  static const char scheme[] = "Basic ";
  const char *header = c->request->authorization;
  bool is_right = false;
  if (!is_of_this_machine(c)) return false;
  if (header == NULL || !ekm_text_starts_i(header, scheme)) return challenge(c);
  if (!fake_arc_take(c->identity->arc, ekm_view_text(header + sizeof scheme - 1), &is_right, &c->err)) return false;
  return is_right || challenge(c);
}

/* The first that fits. */
static const source sources[] = {
    {"arc", "/metadata/identity/oauth2/token", has_arc, admit_to_arc, imds_error},
    {"imds", "/metadata/identity/oauth2/token", is_always_here, admit_to_imds, imds_error},
    {"app_service", "/msi/token", has_header, admit_to_app_service, app_service_error},
    {"none", "", is_always_here, NULL, imds_error},
};
enum { SOURCES = sizeof sources / sizeof sources[0] - 1 }; /* the last is for what is nowhere */

/* A slash at the end counts not at all: MSAL writes one when it was told where the service is. */
static bool is_path(const char *path, const char *wanted) {
  size_t len = strlen(wanted);
  return ekm_text_starts_i(path, wanted) && (path[len] == '\0' || strcmp(path + len, "/") == 0);
}

static const source *find_source(const fake_identity *identity, const fake_request *request) {
  for (size_t i = 0; i < SOURCES; i++) {
    bool fits = is_path(request->path, sources[i].path) && sources[i].is_here(identity, request->api_version);
    if (fits) return &sources[i];
  }
  return &sources[SOURCES];
}

/* ---- the token --------------------------------------------------------------------------------------------------- */

static bool is_or_absent(const char *given, const char *wanted) {
  return given == NULL || ekm_text_ieq(given, wanted);
}

/* The one identity that there is: if it is still an application, and if the request means it or says nothing. */
static bool find_identity(call *c) {
  const fake_request *r = c->request;
  if (!vault_store_directory(c->identity->store, &c->dir, &c->err)) return false;
  c->app = vault_directory_app(c->dir, c->identity->client_id);
  bool found = c->app != NULL && is_or_absent(r->client_id, c->app->client_id) &&
               is_or_absent(r->object_id, c->app->object_id) && is_or_absent(r->principal_id, c->app->object_id) &&
               r->msi_res_id == NULL && r->mi_res_id == NULL;
  if (found) return true;
  return c->source->error == app_service_error
             ? refuse(c, 400, "",
                      "No User Assigned or Delegated Managed Identity found for specified "
                      "ClientId/ResourceId/PrincipalId.",
                      "", "")
             : refuse_request(c, "Identity not found");
}

static bool check_resource(call *c) {
  const char *resource = c->request->resource;
  if (resource == NULL || resource[0] == '\0') {
    return refuse_request(c, "Required query variable 'resource' is missing");
  }
  if (strlen(resource) < VAULT_JWT_TEXT_BYTES && vault_token_is_resource(c->dir, c->app->tenant, resource)) return true;
  return refuse(c, 400, "invalid_resource",
                "AADSTS500011: The resource principal named %1 was not found in the tenant named %2.", resource,
                c->app->tenant);
}

static json_t *token_json(const call *c, const vault_claims *claims, const char *token) {
  char seconds[NUMBER_BYTES], expires[NUMBER_BYTES], not_before[NUMBER_BYTES];
  (void)snprintf(seconds, sizeof seconds, "%d", TOKEN_SECONDS);
  (void)snprintf(expires, sizeof expires, "%lld", (long long)claims->expires - 1);
  (void)snprintf(not_before, sizeof not_before, "%lld", (long long)claims->not_before);
  if (c->source->error == app_service_error) {
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "access_token", token, "client_id", claims->app_id, "expires_on",
                     expires, "resource", claims->audience, "token_type", "Bearer");
  }
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "access_token", token, "client_id", claims->app_id,
                   "expires_in", seconds, "expires_on", expires, "ext_expires_in", seconds, "not_before", not_before,
                   "resource", claims->audience, "token_type", "Bearer");
}

static bool give_token(call *c) {
  bool ok = false;
  vault_claims claims = {0};
  ekm_buf token;
  const fake_identity *identity = c->identity;
  const vault_jwt_signer signer = {identity->crypto, vault_store_signer(identity->store),
                                   vault_store_signer_kid(identity->store)};

  ekm_buf_init(&token, VAULT_JWT_MAX_BYTES);
  EKM_TRY(ekm_text_copy(claims.audience, sizeof claims.audience, c->request->resource, "a resource", &c->err));
  EKM_TRY(vault_token_claims(c->app, ekm_clock_wall_s(identity->clock), TOKEN_SECONDS, &claims, &c->err));
  EKM_TRY(vault_jwt_make(&signer, &claims, &token, &c->err));
  ok = answer_json(c, 200, token_json(c, &claims, ekm_buf_text(&token)));
done:
  ekm_buf_clear(&token);
  return ok;
}

static bool decide(call *c) {
  if (c->source->admit == NULL) return refuse(c, 404, "not_found", "There is no '%1' here.", c->request->path, "");
  if (strcmp(c->request->method, "GET") != 0) {
    return refuse(c, 405, "invalid_request", "The method is not supported; use GET.", "", "");
  }
  return c->source->admit(c) && find_identity(c) && check_resource(c) && give_token(c);
}

void fake_identity_answer(fake_identity *identity, const fake_request *request, fake_answer *answer) {
  call c = {.identity = identity, .request = request, .answer = answer, .source = find_source(identity, request)};
  if (!decide(&c) && !c.refused) {
    ekm_log_err(identity->log, EKM_LOG_ERROR, "vault.fake_identity", &c.err);
    ekm_buf_reset(&answer->body);
    answer->challenge[0] = '\0';
    ekm_err_clear(&c.err);
    (void)refuse(&c, 500, "unknown", "Failed to retrieve token; the log says why", "", "");
  }
  EKM_LOG(identity->log, EKM_LOG_INFO, "vault.fake_identity", EKM_LOG_TEXT("source", c.source->name),
          EKM_LOG_INT("status", answer->status));
  vault_directory_release(&c.dir);
}
