#include "entra/assertion.h"

#include <inttypes.h>

#include "base/b64url.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/log.h"

enum { GUID_BYTES = 16, PART_MAX_BYTES = EKM_LIMIT_URL_BYTES + 1024 };

const char entra_assertion_type[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

static void write_header(const ekm_signer *signer, ekm_buf *out) {
  const ekm_signer_info *about = ekm_signer_about(signer);
  ekm_buf_append_text(out, "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"x5t#S256\":\"");
  ekm_b64url_encode(ekm_view_of(about->sha256, sizeof about->sha256), out);
  ekm_buf_append_text(out, "\"}");
}

/* A random GUID (RFC 9562 section 5.4). */
static bool write_id(const ekm_rng *rng, ekm_buf *out, ekm_err *err) {
  static const uint8_t ends[] = {4, 6, 8, 10, GUID_BYTES};
  uint8_t bytes[GUID_BYTES];
  size_t from = 0;
  if (!rng->fill(rng, bytes, sizeof bytes, err)) return false;
  bytes[6] = (uint8_t)((bytes[6] & 0x0F) | 0x40);
  bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80);
  for (size_t i = 0; i < sizeof ends; i++) {
    if (i > 0) ekm_buf_append_char(out, '-');
    ekm_hex_encode(ekm_view_of(bytes + from, ends[i] - from), out);
    from = ends[i];
  }
  return true;
}

static bool write_claims(const entra_assertion *assertion, const ekm_rng *rng, ekm_buf *out, ekm_err *err) {
  int64_t from_s = assertion->now_wall_s - ENTRA_ASSERTION_PAST_S;
  ekm_buf_append_text(out, "{\"aud\":");
  ekm_log_append_json_text(assertion->audience, out);
  ekm_buf_append_fmt(out, ",\"iss\":\"%s\",\"sub\":\"%s\",\"jti\":\"", assertion->client_id, assertion->client_id);
  if (!write_id(rng, out, err)) return false;
  ekm_buf_append_fmt(out, "\",\"nbf\":%" PRId64 ",\"iat\":%" PRId64 ",\"exp\":%" PRId64 "}", from_s,
                     assertion->now_wall_s, from_s + ENTRA_ASSERTION_LIFETIME_S);
  return true;
}

bool entra_assertion_write(const entra_assertion *assertion, ekm_signer *signer, const ekm_rng *rng, ekm_buf *out,
                           ekm_err *err) {
  bool ok = false;
  size_t start = out->len;
  ekm_buf part, signature;

  ekm_buf_init(&part, PART_MAX_BYTES);
  ekm_buf_init(&signature, EKM_LIMIT_RSA_MODULUS_BYTES);
  write_header(signer, &part);
  EKM_TRY(ekm_buf_ok(&part, "a client assertion", err));
  ekm_b64url_encode(ekm_buf_view(&part), out);
  ekm_buf_append_char(out, '.');
  ekm_buf_reset(&part);
  EKM_TRY(write_claims(assertion, rng, &part, err));
  EKM_TRY(ekm_buf_ok(&part, "a client assertion", err));
  ekm_b64url_encode(ekm_buf_view(&part), out);
  EKM_TRY(ekm_buf_ok(out, "a client assertion", err));
  EKM_TRY(ekm_signer_sign(signer, ekm_view_of(out->ptr + start, out->len - start), &signature, err));
  ekm_buf_append_char(out, '.');
  ekm_b64url_encode(ekm_buf_view(&signature), out);
  ok = ekm_buf_ok(out, "a client assertion", err);
done:
  ekm_buf_clear(&signature);
  ekm_buf_clear(&part);
  return ok;
}
