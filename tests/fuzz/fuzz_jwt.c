/* Access tokens: nothing but the token that was signed is accepted.
 *
 *   t a.b.c     a token as it came
 *   m ....      edits of a good token, four bytes each: what, where (two bytes; the first bit: from the
 *               end), with what
 *   c {...}     claims, signed by the right key under the right header
 *   h {...}     a header, signed by the right key over the right claims */
#include "base/b64url.h"
#include "base/json.h"
#include "fuzz/fuzz_key.h"
#include "vault/jwt.h"

#define KID "0123456789abcdef"
#define HEADER "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"" KID "\"}"
#define CLAIMS                                                                                                         \
  "{\"aud\":\"https://vault.localhost\",\"iss\":\"i\",\"appid\":\"a\",\"oid\":\"o\",\"tid\":\"t\",\"nbf\":1763999700," \
  "\"exp\":1764003600}"

enum { NOW = 1764000000, TOKEN_MAX_BYTES = 4 * VAULT_JWT_MAX_BYTES };

static ekm_crypto *crypto;
static ekm_key *key;
static vault_jwt_signer signer;
static ekm_buf good;

static void tear_down(void) {
  ekm_buf_clear(&good);
  ekm_key_free(&key);
  ekm_crypto_free(&crypto);
}

static void set_up(void) {
  const vault_claims claims = {"https://vault.localhost", "i", "a", "o", "t", NOW - 300, NOW + 3600};
  ekm_err err = {0};
  if (crypto != NULL) return;
  FUZZ_CHECK(ekm_crypto_new(&crypto, &err));
  key = fuzz_key(crypto, FUZZ_KEY_FILE);
  signer = (vault_jwt_signer){crypto, key, KID};
  ekm_buf_init(&good, VAULT_JWT_MAX_BYTES);
  FUZZ_CHECK(vault_jwt_make(&signer, &claims, &good, &err) && atexit(tear_down) == 0);
}

/* In a block of the token's own size. */
static vault_jwt_verdict check(ekm_view token, vault_claims *out) {
  static const vault_claims nothing;
  vault_jwt_verdict verdict;
  ekm_err err = {0};
  uint8_t *copy = fuzz_copy(token);
  FUZZ_CHECK(vault_jwt_check(&signer, ekm_view_of(copy, token.len), NOW, out, &verdict, &err));
  if (verdict != VAULT_JWT_GOOD) FUZZ_CHECK(memcmp(out, &nothing, sizeof nothing) == 0);
  free(copy);
  return verdict;
}

static void check_token(ekm_view token) {
  vault_claims claims;
  bool is_good = ekm_view_equal(token, ekm_buf_view(&good));
  FUZZ_CHECK((check(token, &claims) == VAULT_JWT_GOOD) == is_good);
}

/* ${edits}: replace, insert, leave out, cut off. */
static void check_edited(ekm_view edits) {
  ekm_buf token, next;
  ekm_buf_init(&token, TOKEN_MAX_BYTES);
  ekm_buf_append_view(&token, ekm_buf_view(&good));
  for (; edits.len >= 4; edits = ekm_view_of(edits.ptr + 4, edits.len - 4)) {
    size_t at = ((size_t)(edits.ptr[1] & 0x7F) << 8 | edits.ptr[2]) % (token.len + 1);
    if (edits.ptr[1] >= 0x80) at = token.len - at;
    unsigned what = edits.ptr[0] % 4;
    size_t behind = at + (what % 2 == 0 && at < token.len);
    ekm_buf_init(&next, TOKEN_MAX_BYTES);
    ekm_buf_append(&next, token.ptr, at);
    if (what < 2) ekm_buf_append_char(&next, (char)edits.ptr[3]);
    if (what < 3) ekm_buf_append(&next, token.ptr + behind, token.len - behind);
    ekm_buf_clear(&token);
    token = next;
  }
  check_token(ekm_buf_view(&token));
  ekm_buf_clear(&token);
}

static void sign(ekm_view header, ekm_view claims, ekm_buf *out) {
  uint8_t digest[EKM_SHA256_BYTES];
  ekm_err err = {0};
  ekm_buf signature;
  ekm_buf_init(&signature, EKM_LIMIT_RSA_MODULUS_BYTES);
  ekm_buf_init(out, TOKEN_MAX_BYTES);
  ekm_b64url_encode(header, out);
  ekm_buf_append_char(out, '.');
  ekm_b64url_encode(claims, out);
  FUZZ_CHECK(fuzz_ok(out) && ekm_crypto_sha256(crypto, ekm_buf_view(out), digest, &err));
  FUZZ_CHECK(ekm_key_sign(key, "RS256", ekm_view_of(digest, sizeof digest), &signature, &err));
  ekm_buf_append_char(out, '.');
  ekm_b64url_encode(ekm_buf_view(&signature), out);
  ekm_buf_clear(&signature);
}

static void check_claims(ekm_view text) {
  vault_claims claims;
  json_t *doc = NULL;
  ekm_err err = {0};
  ekm_buf token;
  sign(ekm_view_text(HEADER), text, &token);
  vault_jwt_verdict verdict = check(ekm_buf_view(&token), &claims);
  FUZZ_CHECK(verdict != VAULT_JWT_SIGNATURE);
  if (verdict == VAULT_JWT_GOOD) {
    FUZZ_CHECK(ekm_json_parse(text, &doc, &err));
    FUZZ_CHECK(strcmp(ekm_json_text(doc, "aud"), claims.audience) == 0 && claims.audience[0] != '\0');
    FUZZ_CHECK(strcmp(ekm_json_text(doc, "iss"), claims.issuer) == 0 && claims.issuer[0] != '\0');
    FUZZ_CHECK(strcmp(ekm_json_text(doc, "appid"), claims.app_id) == 0 && claims.app_id[0] != '\0');
    FUZZ_CHECK(strcmp(ekm_json_text(doc, "oid"), claims.object_id) == 0 && claims.object_id[0] != '\0');
    FUZZ_CHECK(strcmp(ekm_json_text(doc, "tid"), claims.tenant) == 0 && claims.tenant[0] != '\0');
    FUZZ_CHECK(claims.not_before <= NOW + VAULT_JWT_LEEWAY_S && claims.expires > NOW - VAULT_JWT_LEEWAY_S);
    ekm_json_free(&doc);
  }
  ekm_buf_clear(&token);
}

static void check_header(ekm_view text) {
  vault_claims claims;
  json_t *doc = NULL;
  json_t *expected = NULL;
  ekm_err err = {0};
  ekm_buf token;
  sign(text, ekm_view_text(CLAIMS), &token);
  bool is_good = ekm_json_parse(text, &doc, &err) && ekm_json_parse(ekm_view_text(HEADER), &expected, &err) &&
                 json_equal(doc, expected);
  bool is_short = text.len < 700; /* a header that is padded with blanks is refused for its length */
  vault_jwt_verdict verdict = check(ekm_buf_view(&token), &claims);
  FUZZ_CHECK(verdict == VAULT_JWT_GOOD ? is_good : !is_good || !is_short);
  ekm_json_free(&doc);
  ekm_json_free(&expected);
  ekm_buf_clear(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  set_up();
  if (size < 2 || data[1] != ' ') return 0;
  ekm_view rest = ekm_view_of(data + 2, size - 2);
  switch (data[0]) {
    case 't': check_token(rest); break;
    case 'm': check_edited(rest); break;
    case 'c': check_claims(rest); break;
    case 'h': check_header(rest); break;
    default: break;
  }
  return 0;
}
