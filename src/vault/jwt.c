#include "vault/jwt.h"

#include <string.h>

#include "base/b64url.h"
#include "base/json.h"
#include "base/text.h"

enum { NUMBER_MAX_BYTES = 1024, HEADER_MAX_BYTES = 1024 };

static bool append_part(json_t *doc, ekm_buf *out, ekm_err *err) {
  bool ok = false;
  ekm_buf text;

  ekm_buf_init(&text, VAULT_JWT_MAX_BYTES);
  if (doc == NULL) EKM_BAIL(err, EKM_E_OUT_OF_MEMORY, "for a token");
  EKM_TRY(ekm_json_write(doc, &text, err));
  ekm_b64url_encode(ekm_buf_view(&text), out);
  EKM_TRY(ekm_buf_ok(out, "a token", err));
  ok = true;
done:
  ekm_json_free(&doc);
  ekm_buf_clear(&text);
  return ok;
}

static json_t *claims_json(const vault_claims *claims) {
  return json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "aud", claims->audience, "iss",
                   claims->issuer, "iat", (json_int_t)claims->not_before, "nbf", (json_int_t)claims->not_before, "exp",
                   (json_int_t)claims->expires, "appid", claims->app_id, "idtyp", "app", "oid", claims->object_id,
                   "sub", claims->object_id, "tid", claims->tenant, "ver", "1.0");
}

bool vault_jwt_make(const vault_jwt_signer *signer, const vault_claims *claims, ekm_buf *out, ekm_err *err) {
  bool ok = false;
  uint8_t digest[EKM_SHA256_BYTES];
  size_t start = out->len;
  ekm_buf signature;

  ekm_buf_init(&signature, NUMBER_MAX_BYTES);
  EKM_TRY(append_part(json_pack("{s:s, s:s, s:s}", "typ", "JWT", "alg", "RS256", "kid", signer->kid), out, err));
  ekm_buf_append_char(out, '.');
  EKM_TRY(append_part(claims_json(claims), out, err));
  EKM_TRY(ekm_crypto_sha256(signer->crypto, ekm_view_of(out->ptr + start, out->len - start), digest, err));
  EKM_TRY(ekm_key_sign(signer->key, "RS256", ekm_view_of(digest, sizeof digest), &signature, err));
  ekm_buf_append_char(out, '.');
  ekm_b64url_encode(ekm_buf_view(&signature), out);
  EKM_TRY(ekm_buf_ok(out, "a token", err));
  ok = true;
done:
  ekm_buf_clear(&signature);
  return ok;
}

/* ekm_b64url_decode would accept some padding. */
bool vault_jwt_split(ekm_view token, ekm_view parts[3]) {
  size_t count = 0;
  size_t start = 0;
  for (size_t i = 0; i <= token.len; i++) {
    if (i < token.len && token.ptr[i] == '=') return false;
    if (i < token.len && token.ptr[i] != '.') continue;
    if (count == 3 || i == start) return false;
    parts[count++] = ekm_view_of(token.ptr + start, i - start);
    start = i + 1;
  }
  return count == 3;
}

bool vault_jwt_json(ekm_view part, json_t **out_doc, ekm_err *err) {
  ekm_buf text;

  *out_doc = NULL;
  ekm_buf_init(&text, part.len);
  bool ok = ekm_b64url_decode((const char *)part.ptr, part.len, &text, "a token", err) &&
            ekm_json_parse(ekm_buf_view(&text), out_doc, err);
  ekm_buf_clear(&text);
  return ok;
}

/* Our header and no other: RS256, our key; nothing that asks to be understood (crit) or brings a key along (jwk, x5c).
 */
static vault_jwt_verdict check_header(const vault_jwt_signer *signer, ekm_view part) {
  json_t *doc = NULL;
  ekm_err ignored = {0};
  if (part.len > HEADER_MAX_BYTES || !vault_jwt_json(part, &doc, &ignored)) return VAULT_JWT_MALFORMED;
  const char *alg = ekm_json_text(doc, "alg");
  const char *typ = ekm_json_text(doc, "typ");
  const char *kid = ekm_json_text(doc, "kid");
  vault_jwt_verdict verdict = VAULT_JWT_GOOD;
  if (alg == NULL || strcmp(alg, "RS256") != 0 || typ == NULL || strcmp(typ, "JWT") != 0 ||
      json_object_size(doc) != 3) {
    verdict = VAULT_JWT_MALFORMED;
  } else if (kid == NULL || strcmp(kid, signer->kid) != 0) {
    verdict = VAULT_JWT_SIGNATURE;
  }
  ekm_json_free(&doc);
  return verdict;
}

static bool check_signature(const vault_jwt_signer *signer, ekm_view signed_text, ekm_view part, bool *out_valid,
                            ekm_err *err) {
  bool ok = false;
  uint8_t digest[EKM_SHA256_BYTES];
  ekm_err ignored = {0};
  ekm_buf signature;

  *out_valid = false;
  ekm_buf_init(&signature, NUMBER_MAX_BYTES);
  if (ekm_b64url_decode((const char *)part.ptr, part.len, &signature, "a token", &ignored)) {
    EKM_TRY(ekm_crypto_sha256(signer->crypto, signed_text, digest, err));
    EKM_TRY(ekm_key_verify(signer->key, "RS256", ekm_view_of(digest, sizeof digest), ekm_buf_view(&signature),
                           out_valid, err));
  }
  ok = true;
done:
  ekm_buf_clear(&signature);
  return ok;
}

static bool take_text(const json_t *doc, const char *name, char out[VAULT_JWT_TEXT_BYTES]) {
  ekm_err ignored = {0};
  const char *text = ekm_json_text(doc, name);
  return text != NULL && text[0] != '\0' && ekm_text_copy(out, VAULT_JWT_TEXT_BYTES, text, name, &ignored);
}

static bool take_time(const json_t *doc, const char *name, int64_t *out) {
  json_t *member = json_object_get(doc, name);
  if (!json_is_integer(member) || json_integer_value(member) < 0) return false;
  *out = json_integer_value(member);
  return true;
}

static bool take_claims(ekm_view part, vault_claims *out) {
  json_t *doc = NULL;
  ekm_err ignored = {0};
  bool ok = vault_jwt_json(part, &doc, &ignored) && take_text(doc, "aud", out->audience) &&
            take_text(doc, "iss", out->issuer) && take_text(doc, "appid", out->app_id) &&
            take_text(doc, "oid", out->object_id) && take_text(doc, "tid", out->tenant) &&
            take_time(doc, "nbf", &out->not_before) && take_time(doc, "exp", &out->expires);
  ekm_json_free(&doc);
  return ok;
}

vault_jwt_verdict vault_jwt_times(const vault_claims *claims, int64_t now) {
  if (now < claims->not_before - VAULT_JWT_LEEWAY_S) return VAULT_JWT_NOT_YET;
  if (now - VAULT_JWT_LEEWAY_S >= claims->expires) return VAULT_JWT_EXPIRED;
  return VAULT_JWT_GOOD;
}

bool vault_jwt_check(const vault_jwt_signer *signer, ekm_view token, int64_t now, vault_claims *out_claims,
                     vault_jwt_verdict *out_verdict, ekm_err *err) {
  ekm_view parts[3];
  bool valid;

  memset(out_claims, 0, sizeof *out_claims);
  *out_verdict = VAULT_JWT_MALFORMED;
  if (token.len > VAULT_JWT_MAX_BYTES || !vault_jwt_split(token, parts)) return true;
  *out_verdict = check_header(signer, parts[0]);
  if (*out_verdict != VAULT_JWT_GOOD) return true;

  ekm_view signed_text = ekm_view_of(token.ptr, parts[0].len + 1 + parts[1].len);
  if (!check_signature(signer, signed_text, parts[2], &valid, err)) return false;
  *out_verdict = VAULT_JWT_SIGNATURE;
  if (!valid) return true;
  *out_verdict = take_claims(parts[1], out_claims) ? vault_jwt_times(out_claims, now) : VAULT_JWT_MALFORMED;
  if (*out_verdict != VAULT_JWT_GOOD) memset(out_claims, 0, sizeof *out_claims);
  return true;
}
