#include "keyvault/sign_in.h"

#include <string.h>

#include "base/mem.h"
#include "base/mutex.h"
#include "base/text.h"
#include "base/url.h"
#include "entra/cloud.h"
#include "entra/token_cache.h"
#include "keyvault/answer.h"

struct akv_sign_in {
  ekm_http *http;
  const akv_vault *vault;
  entra_source *source;
  entra_cache *cache;
  ekm_mutex lock; /* guards what follows */
  bool knows_target;
  entra_target target;
};

static bool same_resource(const char *a, const char *b) {
  size_t a_len = strlen(a);
  size_t b_len = strlen(b);
  if (a_len > 0 && a[a_len - 1] == '/') a_len--;
  if (b_len > 0 && b[b_len - 1] == '/') b_len--;
  return a_len == b_len && ekm_text_starts_i(a, "https://") && strncmp(a, b, a_len) == 0;
}

static bool judge_authority(const akv_vault *vault, const entra_challenge *challenge, ekm_err *err) {
  const entra_cloud *cloud = entra_cloud_of_vault(vault->host);
  bool ok = vault->authority_host != NULL ? ekm_text_ieq(vault->authority_host, challenge->authority_host)
                                          : cloud != NULL && challenge->authority_port == 443 &&
                                                entra_cloud_has_authority(cloud, challenge->authority_host);
  if (ok) return true;
  return EKM_FAIL(err, EKM_E_AUTHORITY_FOREIGN, "'%s' names '%s', port %u", vault->host, challenge->authority_host,
                  (unsigned)challenge->authority_port);
}

/* The domain directly above the vault, or its cloud's; none above these: a token for https://corp.example is not the
 * business of kv.vault.corp.example. */
static bool is_own_resource(const char *host, const char *resource_host) {
  const entra_cloud *cloud = entra_cloud_of_vault(host);
  const char *dot = strchr(host, '.');
  if (!ekm_url_host_is_under(host, resource_host)) return false;
  if (ekm_text_ieq(dot + 1, resource_host)) return true;
  return cloud != NULL && (ekm_text_ieq(cloud->vault_suffix, resource_host) ||
                           (cloud->hsm_suffix != NULL && ekm_text_ieq(cloud->hsm_suffix, resource_host)));
}

static bool judge_resource(const akv_vault *vault, const entra_challenge *challenge, ekm_err *err) {
  bool ok = vault->resource != NULL ? same_resource(vault->resource, challenge->resource)
                                    : is_own_resource(vault->host, challenge->resource_host);
  return ok || EKM_FAIL(err, EKM_E_RESOURCE_FOREIGN, "'%s' names '%.200s'", vault->host, challenge->resource);
}

/* Believe a challenge, or refuse it. */
static bool learn(akv_sign_in *sign_in, const char *header, ekm_err *err) {
  const akv_vault *vault = sign_in->vault;
  entra_challenge challenge;
  ekm_err why = {0};
  entra_target target = {.authority_port = 443, .route = &vault->authority_route};

  if (!entra_challenge_parse(header, &challenge, &why)) {
    return EKM_FAIL(err, EKM_E_CHALLENGE_BAD, "'%s': %s", vault->host, why.detail);
  }
  if (!judge_authority(vault, &challenge, err) || !judge_resource(vault, &challenge, err)) return false;
  if (!ekm_text_copy(target.tenant, sizeof target.tenant, vault->tenant != NULL ? vault->tenant : challenge.tenant,
                     "the tenant", err)) {
    return false;
  }
  memcpy(target.authority_host, challenge.authority_host, sizeof target.authority_host);
  memcpy(target.resource, challenge.resource, sizeof target.resource);
  if (vault->authority_port != 0) target.authority_port = vault->authority_port;
  ekm_mutex_lock(&sign_in->lock);
  sign_in->target = target;
  sign_in->knows_target = true;
  ekm_mutex_unlock(&sign_in->lock);
  return true;
}

/* Ask the vault for its challenge: no token, no body, so that nothing is told to a host that is not yet known. */
static bool ask_challenge(akv_sign_in *sign_in, const entra_call *call, ekm_err *err) {
  const akv_vault *vault = sign_in->vault;
  bool ok = false;
  ekm_buf url;
  ekm_http_response answer;

  ekm_buf_init(&url, EKM_LIMIT_URL_BYTES);
  ekm_http_response_init(&answer);
  ekm_buf_append_fmt(&url, "https://%s/keys?api-version=" AKV_API_VERSION "&maxresults=1", vault->host);
  EKM_TRY(ekm_buf_ok(&url, "a URL", err));
  ekm_http_request request = {.method = "GET",
                              .url = ekm_buf_text(&url),
                              .route = &vault->route,
                              .deadline = call->deadline,
                              .is_cancelled = call->is_cancelled,
                              .cancel_arg = call->cancel_arg};
  EKM_TRY(ekm_http_perform(sign_in->http, &request, &answer, err));
  if (answer.status < 400) {
    err->http_status = answer.status;
    EKM_BAIL(err, EKM_E_CHALLENGE_BAD, "'%s' answered %d to a request without a token", vault->host, answer.status);
  }
  if (answer.status != 401) {
    akv_question question = {.host = vault->host, .doing = "sign-in", .subject = ""};
    EKM_TRY(akv_answer_fail(&answer, &question, err));
  }
  ok = learn(sign_in, ekm_buf_text(&answer.www_authenticate), err);
done:
  ekm_http_response_clear(&answer);
  ekm_buf_clear(&url);
  return ok;
}

static bool copy_target(akv_sign_in *sign_in, entra_target *out) {
  ekm_mutex_lock(&sign_in->lock);
  bool known = sign_in->knows_target;
  if (known) *out = sign_in->target;
  ekm_mutex_unlock(&sign_in->lock);
  return known;
}

static void forget_target(akv_sign_in *sign_in) {
  ekm_mutex_lock(&sign_in->lock);
  sign_in->knows_target = false;
  ekm_mutex_unlock(&sign_in->lock);
}

/* entra_cache_fetch. */
static bool fetch_token(void *arg, const entra_call *call, entra_token **out_token, ekm_err *err) {
  akv_sign_in *sign_in = arg;
  entra_target target;
  *out_token = NULL;
  if (!copy_target(sign_in, &target)) {
    if (!ask_challenge(sign_in, call, err)) return false;
    if (!copy_target(sign_in, &target)) return EKM_FAIL(err, EKM_E_INTERNAL, "a challenge was lost");
  }
  if (entra_source_fetch(sign_in->source, &target, call, out_token, err)) return true;
  if (err->id == EKM_E_TOKEN_REFUSED) forget_target(sign_in); /* perhaps it was the wrong tenant: ask the vault again */
  return false;
}

bool akv_sign_in_new(const akv_sign_in_options *options, akv_sign_in **out, ekm_err *err) {
  *out = NULL;
  akv_sign_in *sign_in = ekm_mem_alloc(sizeof *sign_in, err);
  if (sign_in == NULL) return false;
  sign_in->http = options->http;
  sign_in->vault = options->vault;
  sign_in->source = options->source;
  ekm_mutex_init(&sign_in->lock);
  if (!entra_cache_new(fetch_token, sign_in, options->clock, options->log, &sign_in->cache, err)) {
    ekm_mem_free(sign_in);
    return false;
  }
  *out = sign_in;
  return true;
}

void akv_sign_in_free(akv_sign_in **sign_in) {
  if (*sign_in == NULL) return;
  entra_cache_free(&(*sign_in)->cache);
  ekm_mem_free(*sign_in);
  *sign_in = NULL;
}

bool akv_sign_in_token(akv_sign_in *sign_in, const entra_call *call, entra_token **out_token, ekm_err *err) {
  return entra_cache_get(sign_in->cache, call, out_token, err);
}

bool akv_sign_in_rejected(akv_sign_in *sign_in, const entra_token *token, const ekm_http_response *answer,
                          ekm_err *err) {
  entra_cache_drop(sign_in->cache, token);
  if (answer->www_authenticate.len == 0) return true; /* nothing new to learn; what was believed before still holds */
  return learn(sign_in, ekm_buf_text(&answer->www_authenticate), err);
}
