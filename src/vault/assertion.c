#include "vault/assertion.h"

#include <string.h>

#include "base/b64url.h"
#include "base/hex.h"
#include "base/text.h"
#include "vault/jwt.h"

/* Whatever is raised in the functions of this file is what read_part looks at: without memory nothing is said about the
 * assertion. */

/* A known member: absent is fine, another type or a longer text is not. */
static bool take_text(const json_t *doc, const char *name, char *out, size_t out_bytes, ekm_err *err) {
  const json_t *member = json_object_get(doc, name);
  out[0] = '\0';
  if (member == NULL) return true;
  const char *text = json_string_value(member);
  return text != NULL && ekm_text_copy(out, out_bytes, text, name, err);
}

static bool take_time(const json_t *doc, const char *name, int64_t *out) {
  const json_t *member = json_object_get(doc, name);
  *out = member == NULL ? 0 : json_integer_value(member);
  return member == NULL || (json_is_integer(member) && *out >= 0);
}

static bool take_thumbprint(const json_t *doc, const char *name, uint8_t *out, size_t out_bytes, bool *out_has,
                            ekm_err *err) {
  ekm_buf bytes;
  const json_t *member = json_object_get(doc, name);
  const char *text = json_string_value(member);
  *out_has = member != NULL;
  if (text == NULL) return member == NULL;
  ekm_buf_init(&bytes, out_bytes);
  bool ok = ekm_b64url_decode(text, strlen(text), &bytes, name, err) && bytes.len == out_bytes;
  if (ok) memcpy(out, bytes.ptr, out_bytes);
  ekm_buf_clear(&bytes);
  return ok;
}

static vault_assertion_verdict take_header(const json_t *doc, vault_assertion *out, ekm_err *err) {
  char type[sizeof "http://openid.net/specs/jwt/1.0"];
  bool ok = json_object_get(doc, "crit") == NULL && take_text(doc, "alg", out->alg, sizeof out->alg, err) &&
            take_text(doc, "typ", type, sizeof type, err) && take_text(doc, "kid", out->kid, sizeof out->kid, err) &&
            take_thumbprint(doc, "x5t", out->x5t, sizeof out->x5t, &out->has_x5t, err) &&
            take_thumbprint(doc, "x5t#S256", out->x5t_s256, sizeof out->x5t_s256, &out->has_x5t_s256, err);
  if (!ok) return VAULT_ASSERTION_MALFORMED;
  if (type[0] != '\0' && !ekm_text_ieq(type, "JWT") && !ekm_text_ieq(type, "http://openid.net/specs/jwt/1.0")) {
    return VAULT_ASSERTION_TYPE;
  }
  bool known = strcmp(out->alg, "RS256") == 0 || strcmp(out->alg, "PS256") == 0;
  return known ? VAULT_ASSERTION_GOOD : VAULT_ASSERTION_ALGORITHM;
}

/* A text, or a list of one: Kubernetes writes lists. */
static bool take_audience(const json_t *doc, vault_assertion *out, ekm_err *err) {
  const json_t *member = json_object_get(doc, "aud");
  if (json_array_size(member) != 1) return take_text(doc, "aud", out->audience, sizeof out->audience, err);
  const char *text = json_string_value(json_array_get(member, 0));
  return text != NULL && ekm_text_copy(out->audience, sizeof out->audience, text, "an audience", err);
}

static vault_assertion_verdict take_claims(const json_t *doc, vault_assertion *out, ekm_err *err) {
  char id[VAULT_ASSERTION_TEXT_BYTES];
  int64_t issued;
  bool ok = take_text(doc, "iss", out->issuer, sizeof out->issuer, err) &&
            take_text(doc, "sub", out->subject, sizeof out->subject, err) && take_audience(doc, out, err) &&
            take_text(doc, "jti", id, sizeof id, err) && take_time(doc, "iat", &issued) &&
            take_time(doc, "nbf", &out->not_before) && take_time(doc, "exp", &out->expires);
  if (!ok) return VAULT_ASSERTION_MALFORMED;
  out->missing = out->issuer[0] == '\0'     ? "iss"
                 : out->subject[0] == '\0'  ? "sub"
                 : out->audience[0] == '\0' ? "aud"
                                            : NULL;
  return out->missing == NULL ? VAULT_ASSERTION_GOOD : VAULT_ASSERTION_MISSING;
}

typedef vault_assertion_verdict take_part(const json_t *doc, vault_assertion *out, ekm_err *err);

/* One part as JSON; what is none is malformed, and no failure of the machine. */
static bool read_part(ekm_view part, take_part *take, vault_assertion *out, vault_assertion_verdict *out_verdict,
                      ekm_err *err) {
  json_t *doc = NULL;
  *out_verdict = VAULT_ASSERTION_MALFORMED;
  if (vault_jwt_json(part, &doc, err)) *out_verdict = take(doc, out, err);
  ekm_json_free(&doc);
  if (err->id == EKM_E_OUT_OF_MEMORY) return false;
  ekm_err_clear(err);
  return true;
}

bool vault_assertion_parse(ekm_view token, vault_assertion *out, vault_assertion_verdict *out_verdict, ekm_err *err) {
  ekm_view parts[3];

  memset(out, 0, sizeof *out);
  *out_verdict = VAULT_ASSERTION_MALFORMED;
  if (token.len > VAULT_ASSERTION_MAX_BYTES || !vault_jwt_split(token, parts)) return true;
  out->signed_text = ekm_view_of(token.ptr, parts[0].len + 1 + parts[1].len);
  out->signature = parts[2];
  if (!read_part(parts[0], take_header, out, out_verdict, err)) return false;
  return *out_verdict != VAULT_ASSERTION_GOOD || read_part(parts[1], take_claims, out, out_verdict, err);
}

bool vault_assertion_verify(const ekm_crypto *crypto, const vault_assertion *assertion, const ekm_key *key,
                            bool *out_valid, ekm_err *err) {
  bool ok = false;
  uint8_t digest[EKM_SHA256_BYTES];
  ekm_err why = {0};
  ekm_buf signature;
  ekm_view text = assertion->signature;

  *out_valid = false;
  ekm_buf_init(&signature, EKM_LIMIT_RSA_MODULUS_BYTES);
  if (!ekm_b64url_decode((const char *)text.ptr, text.len, &signature, "a signature", &why)) {
    if (why.id == EKM_E_OUT_OF_MEMORY) *err = why;
    ok = why.id != EKM_E_OUT_OF_MEMORY;
    goto done;
  }
  EKM_TRY(ekm_crypto_sha256(crypto, assertion->signed_text, digest, err));
  EKM_TRY(ekm_key_verify(key, assertion->alg, ekm_view_of(digest, sizeof digest), ekm_buf_view(&signature), out_valid,
                         err));
  ok = true;
done:
  ekm_buf_clear(&signature);
  return ok;
}

bool vault_assertion_is_of(const vault_assertion *assertion, const vault_certificate *certificate) {
  char x5t[2 * EKM_SHA1_BYTES + 1];
  ekm_view sha1 = ekm_view_of(certificate->x5t, sizeof certificate->x5t);
  ekm_view sha256 = ekm_view_of(certificate->x5t_s256, sizeof certificate->x5t_s256);
  if (!assertion->has_x5t && !assertion->has_x5t_s256) {
    ekm_hex_text(sha1, x5t, sizeof x5t);
    return ekm_text_ieq(assertion->kid, x5t);
  }
  return (!assertion->has_x5t || ekm_view_equal(sha1, ekm_view_of(assertion->x5t, sizeof assertion->x5t))) &&
         (!assertion->has_x5t_s256 ||
          ekm_view_equal(sha256, ekm_view_of(assertion->x5t_s256, sizeof assertion->x5t_s256)));
}

bool vault_assertion_is_timely(const vault_assertion *assertion, int64_t now) {
  return now + VAULT_ASSERTION_LEEWAY_S >= assertion->not_before && now - VAULT_ASSERTION_LEEWAY_S < assertion->expires;
}
