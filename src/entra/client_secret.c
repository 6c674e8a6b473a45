#include "entra/client_secret.h"

#include "base/mem.h"
#include "base/text.h"
#include "entra/expiry.h"

typedef struct client_secret {
  entra_source base;
  ekm_http *http;
  char client_id[ENTRA_CLIENT_ID_CHARS + 1];
  ekm_secret secret;
  int64_t expires_wall_s; /* 0: nobody knows */
  const ekm_clock *clock; /* both only where it is known */
  ekm_log *log;
} client_secret;

static bool fetch(entra_source *self, const entra_target *target, const entra_call *call, entra_token **out_token,
                  ekm_err *err) {
  client_secret *source = (client_secret *)self;
  const entra_proof proof = {source->client_id, "client_secret", NULL, ekm_secret_reveal(&source->secret)};
  if (source->expires_wall_s != 0) {
    const entra_expiry expiry = {"entra.secret_expiry", source->client_id, source->expires_wall_s};
    entra_expiry_warn(&expiry, ekm_clock_wall_s(source->clock), source->log);
  }
  return entra_token_request(source->http, target, &proof, call, out_token, err);
}

static void destroy(entra_source *self) {
  client_secret *source = (client_secret *)self;
  ekm_secret_clear(&source->secret);
  ekm_mem_free(source);
}

bool entra_client_secret_new(ekm_http *http, const char *client_id, const ekm_secret *secret, entra_source **out_source,
                             ekm_err *err) {
  *out_source = NULL;
  client_secret *source = ekm_mem_alloc(sizeof *source, err);
  if (source == NULL) return false;
  source->base = (entra_source){fetch, destroy};
  source->http = http;
  if (!ekm_text_copy(source->client_id, sizeof source->client_id, client_id, "a client id", err) ||
      !ekm_secret_set(&source->secret, ekm_secret_reveal(secret), err)) {
    destroy(&source->base);
    return false;
  }
  *out_source = &source->base;
  return true;
}

void entra_client_secret_warn(entra_source *source, int64_t expires_wall_s, const ekm_clock *clock, ekm_log *log) {
  client_secret *own = (client_secret *)source;
  own->expires_wall_s = expires_wall_s;
  own->clock = clock;
  own->log = log;
}

bool entra_client_secret_is(const entra_source *source, const char *client_id, const ekm_secret *secret) {
  const client_secret *own = (const client_secret *)source;
  return ekm_text_ieq(own->client_id, client_id) && ekm_secret_equal(&own->secret, secret);
}
