#include "vault/admin_fake.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"

enum { HEADER_MAX_BYTES = 256, HEADER_MADE_BYTES = 32, TEXT_BYTES = 160 };

/* "127.0.0.1:40342=<client id>" */
static bool split(const char *text, char where[TEXT_BYTES], const char **out_client_id, ekm_err *err) {
  const char *equals = strchr(text, '=');
  size_t len = equals == NULL ? 0 : (size_t)(equals - text);
  if (len == 0 || len >= TEXT_BYTES || equals[1] == '\0') {
    return EKM_FAIL(err, EKM_E_USAGE, "--fake-identity '%s' is not ADDRESS:PORT=ID, with the id of an application",
                    text);
  }
  memcpy(where, text, len);
  where[len] = '\0';
  *out_client_id = equals + 1;
  return true;
}

static bool make_header(const admin *a, const char *path, ekm_buf *out, ekm_err *err) {
  uint8_t bytes[HEADER_MADE_BYTES];
  const ekm_rng *rng = ekm_crypto_rng(a->options.crypto);
  bool ok = rng->fill(rng, bytes, sizeof bytes, err);
  if (ok) ekm_hex_encode(ekm_view_of(bytes, sizeof bytes), out);
  ekm_mem_wipe(bytes, sizeof bytes);
  return ok && ekm_buf_ok(out, "a header", err) && ekm_file_write_private(path, ekm_buf_view(out), err);
}

/* What App Service's header has to be: what is in the file, or, if there is none, what is put into it. */
static bool take_header(const admin *a, ekm_buf *out, ekm_err *err) {
  const char *path = a->settings->fake_header;
  if (path == NULL) return true;
  if (!ekm_file_exists(path)) return make_header(a, path, out, err);
  if (!ekm_file_is_private(path, err) || !ekm_file_read(path, out, err)) return false;
  while (out->len > 0 && (out->ptr[out->len - 1] == '\n' || out->ptr[out->len - 1] == '\r')) {
    ekm_buf_truncate(out, out->len - 1);
  }
  bool ok = out->len > 0;
  for (size_t i = 0; i < out->len; i++) ok = ok && out->ptr[i] > 0x20 && out->ptr[i] < 0x7F;
  return ok || EKM_FAIL(err, EKM_E_USAGE, "'%s' has to hold 1 to %d printable characters without spaces", path,
                        HEADER_MAX_BYTES);
}

static bool make_identity(const admin *a, const char *client_id, fake_identity **out, ekm_err *err) {
  ekm_buf header;
  ekm_buf_init(&header, HEADER_MAX_BYTES + 2); /* and its line end */
  bool ok = take_header(a, &header, err);
  const fake_identity_options options = {.store = a->store,
                                         .crypto = a->options.crypto,
                                         .clock = a->options.clock,
                                         .log = a->options.log,
                                         .client_id = client_id,
                                         .header = ekm_buf_view(&header),
                                         .arc_folder = a->settings->fake_arc};
  ok = ok && fake_identity_new(&options, out, err);
  ekm_buf_clear(&header);
  return ok;
}

bool admin_fake_start(const admin *a, admin_fake *out, ekm_err *err) {
  const vault_settings *s = a->settings;
  char where[TEXT_BYTES], address[ADMIN_ADDRESS_BYTES];
  const char *client_id;
  uint16_t port;
  if (s->fake_identity == NULL) {
    return (s->fake_header == NULL && s->fake_arc == NULL) ||
           EKM_FAIL(err, EKM_E_USAGE, "--fake-header and --fake-arc go with --fake-identity");
  }
  if (s->fake_arc != NULL && !ekm_file_is_absolute(s->fake_arc)) {
    return EKM_FAIL(err, EKM_E_USAGE, "--fake-arc '%s' is not an absolute path, and clients are told it", s->fake_arc);
  }
  if (!split(s->fake_identity, where, &client_id, err) ||
      !admin_address("--fake-identity", where, address, &port, err) ||
      !make_identity(a, client_id, &out->identity, err) ||
      !fake_server_start(address, port, out->identity, &out->server, err)) {
    return false;
  }
  admin_where(address, fake_server_port(out->server), out->where);
  EKM_LOG(a->options.log, EKM_LOG_WARN, "vault.fake_identity", EKM_LOG_TEXT("address", out->where),
          EKM_LOG_TEXT("app", client_id), EKM_LOG_TEXT("text", "whoever is on this machine may have its tokens"));
  return true;
}

void admin_fake_stop(admin_fake *fake) {
  fake_server_stop(&fake->server);
  fake_identity_free(&fake->identity);
}
