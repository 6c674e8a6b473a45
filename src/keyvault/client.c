#include "keyvault/client.h"

#include "base/mem.h"
#include "base/text.h"
#include "keyvault/exchange.h"

bool akv_client_new(const akv_options *options, entra_source *source, akv_client **out_client, ekm_err *err) {
  *out_client = NULL;
  akv_client *client = ekm_mem_alloc(sizeof *client, err);
  if (client == NULL) {
    entra_source_free(&source);
    return false;
  }
  client->http = options->http;
  client->clock = options->clock;
  client->rng = options->rng;
  client->log = options->log;
  client->vault = *options->vault;
  client->vault.host = client->host;
  if (!ekm_text_copy(client->host, sizeof client->host, options->vault->host, "a vault's host name", err)) {
    entra_source_free(&source);
    akv_client_free(&client);
    return false;
  }
  akv_sign_in_options sign_in_options = {client->http, client->clock, client->log, &client->vault};
  if (!akv_sign_in_new(&sign_in_options, source, &client->sign_in, err)) {
    akv_client_free(&client);
    return false;
  }
  *out_client = client;
  return true;
}

void akv_client_free(akv_client **client) {
  if (*client == NULL) return;
  akv_sign_in_free(&(*client)->sign_in);
  ekm_mem_free(*client);
  *client = NULL;
}

const char *akv_client_host(const akv_client *client) {
  return client->host;
}

const entra_source *akv_client_source(const akv_client *client) {
  return akv_sign_in_source(client->sign_in);
}

bool akv_client_sign_in(akv_client *client, const entra_call *call, ekm_err *err) {
  entra_token *token = NULL;
  bool ok = akv_sign_in_token(client->sign_in, call, &token, err);
  entra_token_unref(&token);
  return ok;
}
