#include "keyvault/client.h"

#include "base/mem.h"
#include "base/text.h"
#include "entra/certificate.h"
#include "entra/client_secret.h"
#include "entra/managed_identity.h"
#include "entra/workload_identity.h"
#include "keyvault/exchange.h"

static entra_certificate_file file_of(const akv_identity *identity) {
  return (entra_certificate_file){identity->client_id, identity->path, identity->secret, identity->entry};
}

static bool make_certificate(akv_client *client, const akv_options *options, const akv_identity *identity,
                             ekm_err *err) {
  const entra_certificate_options signing = {options->http, options->clock, options->rng, options->log};
  const entra_certificate_file file = file_of(identity);
  return entra_certificate_new(&signing, &file, &client->source, err);
}

static bool make_secret(akv_client *client, const akv_options *options, const akv_identity *identity, ekm_err *err) {
  if (!entra_client_secret_new(options->http, identity->client_id, identity->secret, &client->source, err))
    return false;
  entra_client_secret_warn(client->source, identity->expires_wall_s, options->clock, options->log);
  return true;
}

static bool make_managed(akv_client *client, const akv_options *options, const akv_identity *identity, ekm_err *err) {
  const entra_managed_identity_options managed = {
      .http = options->http, .clock = options->clock, .env = options->env, .client_id = identity->client_id};
  return entra_managed_identity_new(&managed, &client->source, err);
}

static bool make_workload(akv_client *client, const akv_options *options, const akv_identity *identity, ekm_err *err) {
  return entra_workload_identity_new(options->http, options->env, identity->client_id, &client->source, err);
}

static bool make_source(akv_client *client, const akv_options *options, const akv_identity *identity, ekm_err *err) {
  static bool (*const makers[])(akv_client * client, const akv_options *options, const akv_identity *identity,
                                ekm_err *err) = {[AKV_CLIENT_SECRET] = make_secret,
                                                 [AKV_MANAGED_IDENTITY] = make_managed,
                                                 [AKV_WORKLOAD_IDENTITY] = make_workload,
                                                 [AKV_CERTIFICATE] = make_certificate};
  akv_options complete = *options;
  if (complete.env == NULL) complete.env = ekm_env_process();
  client->kind = identity->kind;
  return ekm_text_copy(client->named_id, sizeof client->named_id, identity->client_id, "a client id", err) &&
         makers[identity->kind](client, &complete, identity, err);
}

static bool fill(akv_client *client, const akv_options *options, const akv_identity *identity, ekm_err *err) {
  client->http = options->http;
  client->clock = options->clock;
  client->log = options->log;
  client->vault = *options->vault;
  atomic_init(&client->calls, 0);
  client->vault.host = client->host;
  if (!ekm_text_copy(client->host, sizeof client->host, options->vault->host, "a vault's host name", err)) return false;
  if (!options->rng->fill(options->rng, client->request_id, sizeof client->request_id, err)) return false;
  if (!make_source(client, options, identity, err)) return false;
  akv_sign_in_options sign_in = {client->http, client->clock, client->log, &client->vault, client->source};
  return akv_sign_in_new(&sign_in, &client->sign_in, err);
}

bool akv_client_new(const akv_options *options, const akv_identity *identity, akv_client **out_client, ekm_err *err) {
  *out_client = NULL;
  akv_client *client = ekm_mem_alloc(sizeof *client, err);
  if (client == NULL) return false;
  if (!fill(client, options, identity, err)) {
    akv_client_free(&client);
    return false;
  }
  *out_client = client;
  return true;
}

void akv_client_free(akv_client **client) {
  if (*client == NULL) return;
  akv_sign_in_free(&(*client)->sign_in);
  entra_source_free(&(*client)->source);
  ekm_mem_free(*client);
  *client = NULL;
}

bool akv_client_is(const akv_client *client, const char *host, const akv_identity *identity) {
  if (!ekm_text_ieq(client->host, host) || client->kind != identity->kind) return false;
  if (client->kind == AKV_CLIENT_SECRET) {
    return entra_client_secret_is(client->source, identity->client_id, identity->secret);
  }
  if (client->kind == AKV_CERTIFICATE) {
    const entra_certificate_file file = file_of(identity);
    return entra_certificate_is(client->source, &file);
  }
  return ekm_text_ieq(client->named_id, identity->client_id);
}

bool akv_client_sign_in(akv_client *client, const akv_call *call, ekm_err *err) {
  entra_token *token = NULL;
  bool ok = akv_sign_in_token(client->sign_in, call, &token, err);
  entra_token_unref(&token);
  return ok;
}
