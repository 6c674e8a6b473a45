/* Access tokens: one form is accepted and every other refused, whatever a hostile token says about itself. */
#include <stdio.h>
#include <string.h>

#include "base/b64url.h"
#include "support/cmocka_all.h"
#include "vault/jwt.h"
#include "vault/token_cache.h"

enum { NOW = 1764000000 };

typedef struct fixture {
  ekm_crypto *crypto;
  ekm_key *key;
  ekm_key *other_key;
  vault_jwt_signer signer;
} fixture;

static int set_up(void **state) {
  static fixture f;
  ekm_err err = {0};
  *state = &f;
  if (!ekm_crypto_new(&f.crypto, &err) || !ekm_key_generate_rsa(f.crypto, 2048, 65537, &f.key, &err) ||
      !ekm_key_generate_rsa(f.crypto, 2048, 65537, &f.other_key, &err)) {
    return -1;
  }
  f.signer = (vault_jwt_signer){f.crypto, f.key, "0123456789abcdef"};
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  ekm_key_free(&f->key);
  ekm_key_free(&f->other_key);
  ekm_crypto_free(&f->crypto);
  return 0;
}

static vault_claims good_claims(void) {
  vault_claims claims = {.not_before = NOW - 300, .expires = NOW + 3600};
  (void)snprintf(claims.audience, sizeof claims.audience, "https://vault.localhost");
  (void)snprintf(claims.issuer, sizeof claims.issuer, "https://sts.windows.net/t/");
  (void)snprintf(claims.app_id, sizeof claims.app_id, "11111111-2222-3333-4444-555555555555");
  (void)snprintf(claims.object_id, sizeof claims.object_id, "66666666-2222-3333-4444-555555555555");
  (void)snprintf(claims.tenant, sizeof claims.tenant, "t");
  return claims;
}

static void make_good(const fixture *f, ekm_buf *out) {
  const vault_claims claims = good_claims();
  ekm_err err = {0};
  ekm_buf_init(out, 3 * VAULT_JWT_MAX_BYTES);
  assert_true(vault_jwt_make(&f->signer, &claims, out, &err));
}

static vault_jwt_verdict check(const fixture *f, ekm_view token, int64_t now, vault_claims *out) {
  vault_jwt_verdict verdict;
  ekm_err err = {0};
  assert_true(vault_jwt_check(&f->signer, token, now, out, &verdict, &err));
  return verdict;
}

static vault_jwt_verdict check_now(const fixture *f, ekm_view token) {
  vault_claims claims;
  vault_jwt_verdict verdict = check(f, token, NOW, &claims);
  const vault_claims nothing = {0};
  if (verdict != VAULT_JWT_GOOD) assert_memory_equal(&claims, &nothing, sizeof claims);
  return verdict;
}

/* Sign ${header} . ${claims}, both as JSON text, with ${key}. */
static void make_of(const fixture *f, const ekm_key *key, const char *header, const char *claims, ekm_buf *out) {
  uint8_t digest[EKM_SHA256_BYTES];
  ekm_err err = {0};
  ekm_buf signature;
  ekm_buf_init(&signature, 512);
  ekm_buf_init(out, 3 * VAULT_JWT_MAX_BYTES);
  ekm_b64url_encode(ekm_view_text(header), out);
  ekm_buf_append_char(out, '.');
  ekm_b64url_encode(ekm_view_text(claims), out);
  assert_true(ekm_crypto_sha256(f->crypto, ekm_buf_view(out), digest, &err));
  assert_true(ekm_key_sign(key, "RS256", ekm_view_of(digest, sizeof digest), &signature, &err));
  ekm_buf_append_char(out, '.');
  ekm_b64url_encode(ekm_buf_view(&signature), out);
  ekm_buf_clear(&signature);
}

#define HEADER "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"0123456789abcdef\"}"
#define CLAIMS                                                                                                         \
  "{\"aud\":\"https://vault.localhost\",\"iss\":\"i\",\"appid\":\"a\",\"oid\":\"o\",\"tid\":\"t\",\"nbf\":1763999700," \
  "\"exp\":1764003600}"

static void a_token_gives_its_claims_back(void **state) {
  fixture *f = *state;
  const vault_claims made = good_claims();
  vault_claims claims;
  ekm_buf token;
  make_good(f, &token);
  assert_int_equal(check(f, ekm_buf_view(&token), NOW, &claims), VAULT_JWT_GOOD);
  assert_string_equal(claims.audience, made.audience);
  assert_string_equal(claims.issuer, made.issuer);
  assert_string_equal(claims.app_id, made.app_id);
  assert_string_equal(claims.object_id, made.object_id);
  assert_string_equal(claims.tenant, made.tenant);
  assert_int_equal(claims.not_before, made.not_before);
  assert_int_equal(claims.expires, made.expires);
  ekm_buf_clear(&token);
}

static void times_are_checked_with_a_minute_of_leeway(void **state) {
  static const struct {
    int64_t now;
    vault_jwt_verdict verdict;
  } cases[] = {
      {NOW - 300 - 61, VAULT_JWT_NOT_YET}, {NOW - 300 - 60, VAULT_JWT_GOOD},     {NOW - 300, VAULT_JWT_GOOD},
      {NOW + 3600 + 59, VAULT_JWT_GOOD},   {NOW + 3600 + 60, VAULT_JWT_EXPIRED}, {NOW + 1000000, VAULT_JWT_EXPIRED},
  };
  fixture *f = *state;
  vault_claims claims;
  ekm_buf token;
  make_good(f, &token);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_equal(check(f, ekm_buf_view(&token), cases[i].now, &claims), cases[i].verdict);
  }
  ekm_buf_clear(&token);
}

static void every_changed_byte_is_noticed(void **state) {
  fixture *f = *state;
  ekm_buf token;
  make_good(f, &token);
  for (size_t i = 0; i < token.len; i += 7) {
    uint8_t was = token.ptr[i];
    token.ptr[i] = was == 'A' ? 'B' : 'A';
    assert_int_not_equal(check_now(f, ekm_buf_view(&token)), VAULT_JWT_GOOD);
    token.ptr[i] = was;
  }
  assert_int_equal(check_now(f, ekm_buf_view(&token)), VAULT_JWT_GOOD);
  ekm_buf_clear(&token);
}

static void every_shortened_token_is_refused(void **state) {
  fixture *f = *state;
  ekm_buf token;
  make_good(f, &token);
  for (size_t len = 0; len < token.len; len++) {
    assert_int_not_equal(check_now(f, ekm_view_of(token.ptr, len)), VAULT_JWT_GOOD);
  }
  ekm_buf_clear(&token);
}

/* Our key signed all of these: only the form is wrong. */
static void other_headers_are_refused(void **state) {
  static const char *const headers[] = {
      "{\"typ\":\"JWT\",\"alg\":\"none\",\"kid\":\"0123456789abcdef\"}",
      "{\"typ\":\"JWT\",\"alg\":\"HS256\",\"kid\":\"0123456789abcdef\"}",
      "{\"typ\":\"JWT\",\"alg\":\"rs256\",\"kid\":\"0123456789abcdef\"}",
      "{\"typ\":\"JWT\",\"alg\":\"RS512\",\"kid\":\"0123456789abcdef\"}",
      "{\"typ\":\"JWT\",\"alg\":[\"RS256\"],\"kid\":\"0123456789abcdef\"}",
      "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"alg\":\"RS256\",\"kid\":\"0123456789abcdef\"}",
      "{\"alg\":\"RS256\",\"kid\":\"0123456789abcdef\"}",
      "{\"typ\":\"JWT\",\"alg\":\"RS256\"}",
      "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"0123456789abcdef\",\"crit\":[\"b64\"]}",
      "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"0123456789abcdef\",\"jwk\":{}}",
      "[]",
      "",
      "null",
      "{",
      "{}",
  };
  fixture *f = *state;
  ekm_buf token;
  for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
    make_of(f, f->key, headers[i], CLAIMS, &token);
    assert_int_equal(check_now(f, ekm_buf_view(&token)), VAULT_JWT_MALFORMED);
    ekm_buf_clear(&token);
  }
  make_of(f, f->key, HEADER, CLAIMS, &token);
  assert_int_equal(check_now(f, ekm_buf_view(&token)), VAULT_JWT_GOOD);
  ekm_buf_clear(&token);
}

static void other_keys_are_refused(void **state) {
  fixture *f = *state;
  ekm_buf token;
  make_of(f, f->other_key, HEADER, CLAIMS, &token);
  assert_int_equal(check_now(f, ekm_buf_view(&token)), VAULT_JWT_SIGNATURE);
  ekm_buf_clear(&token);
  make_of(f, f->key, "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"another\"}", CLAIMS, &token);
  assert_int_equal(check_now(f, ekm_buf_view(&token)), VAULT_JWT_SIGNATURE);
  ekm_buf_clear(&token);
}

/* The old trick: HMAC with the public key as secret. */
static void an_hmac_with_our_public_key_is_refused(void **state) {
  fixture *f = *state;
  uint8_t mac[EKM_SHA256_BYTES];
  ekm_err err = {0};
  ekm_buf n, e, token;
  ekm_buf_init(&n, 512);
  ekm_buf_init(&e, 16);
  ekm_buf_init(&token, VAULT_JWT_MAX_BYTES);
  assert_true(ekm_key_public(f->key, &n, &e, &err));
  ekm_b64url_encode(ekm_view_text("{\"typ\":\"JWT\",\"alg\":\"HS256\",\"kid\":\"0123456789abcdef\"}"), &token);
  ekm_buf_append_char(&token, '.');
  ekm_b64url_encode(ekm_view_text(CLAIMS), &token);
  assert_true(ekm_crypto_hmac_sha256(f->crypto, ekm_buf_view(&n), ekm_buf_view(&token), mac, &err));
  ekm_buf_append_char(&token, '.');
  ekm_b64url_encode(ekm_view_of(mac, sizeof mac), &token);
  assert_int_equal(check_now(f, ekm_buf_view(&token)), VAULT_JWT_MALFORMED);
  ekm_buf_clear(&n);
  ekm_buf_clear(&e);
  ekm_buf_clear(&token);
}

static void claims_must_be_whole(void **state) {
  static const char *const claims[] = {
      "{\"iss\":\"i\",\"appid\":\"a\",\"oid\":\"o\",\"tid\":\"t\",\"nbf\":1,\"exp\":1764003600}",
      "{\"aud\":[\"x\"],\"iss\":\"i\",\"appid\":\"a\",\"oid\":\"o\",\"tid\":\"t\",\"nbf\":1,\"exp\":1764003600}",
      "{\"aud\":\"\",\"iss\":\"i\",\"appid\":\"a\",\"oid\":\"o\",\"tid\":\"t\",\"nbf\":1,\"exp\":1764003600}",
      "{\"aud\":\"x\",\"iss\":\"i\",\"appid\":\"a\",\"oid\":\"o\",\"tid\":\"t\",\"nbf\":1,\"exp\":\"1764003600\"}",
      "{\"aud\":\"x\",\"iss\":\"i\",\"appid\":\"a\",\"oid\":\"o\",\"tid\":\"t\",\"nbf\":1,\"exp\":1764003600.5}",
      "{\"aud\":\"x\",\"iss\":\"i\",\"appid\":\"a\",\"oid\":\"o\",\"tid\":\"t\",\"nbf\":1}",
      "{\"aud\":\"x\",\"iss\":\"i\",\"appid\":\"a\",\"oid\":\"o\",\"tid\":\"t\",\"exp\":1764003600}",
      ("{\"aud\":\"x\",\"iss\":\"i\",\"appid\":\"a\",\"oid\":\"o\",\"tid\":\"t\",\"nbf\":-9223372036854775808,"
       "\"exp\":1764003600}"),
      "{\"aud\":\"x\",\"aud\":\"y\",\"iss\":\"i\",\"appid\":\"a\",\"oid\":\"o\",\"tid\":\"t\",\"nbf\":1,\"exp\":"
      "1764003600}",
      "{\"aud\":\"x\\u0000y\",\"iss\":\"i\",\"appid\":\"a\",\"oid\":\"o\",\"tid\":\"t\",\"nbf\":1,\"exp\":1764003600}",
      "\"x\"",
      "",
  };
  fixture *f = *state;
  ekm_buf token;
  for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
    make_of(f, f->key, HEADER, claims[i], &token);
    assert_int_equal(check_now(f, ekm_buf_view(&token)), VAULT_JWT_MALFORMED);
    ekm_buf_clear(&token);
  }
}

static void other_spellings_are_refused(void **state) {
  fixture *f = *state;
  ekm_buf token;

  make_good(f, &token); /* padding, white space, a fourth part, nothing between dots */
  const size_t len = token.len;
  static const char *const tails[] = {"=", "==", " ", "\n", ".", ".AAAA", "\xC3\xA4"};
  for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
    ekm_buf_append_text(&token, tails[i]);
    assert_int_not_equal(check_now(f, ekm_buf_view(&token)), VAULT_JWT_GOOD);
    ekm_buf_truncate(&token, len);
  }
  assert_int_equal(check_now(f, ekm_view_text("...")), VAULT_JWT_MALFORMED);
  assert_int_equal(check_now(f, ekm_view_text("..")), VAULT_JWT_MALFORMED);
  assert_int_equal(check_now(f, ekm_view_text("a.b.c")), VAULT_JWT_MALFORMED);

  /* 256 bytes of signature leave four bits over: the same bytes can be written in 16 ways, of which one is right. */
  uint8_t last = token.ptr[len - 1];
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (size_t i = 0; i < 64; i++) {
    token.ptr[len - 1] = (uint8_t)digits[i];
    vault_jwt_verdict expected = token.ptr[len - 1] == last ? VAULT_JWT_GOOD : VAULT_JWT_SIGNATURE;
    assert_int_equal(check_now(f, ekm_buf_view(&token)), expected);
  }
  ekm_buf_clear(&token);
}

static void oversized_tokens_are_not_looked_at(void **state) {
  fixture *f = *state;
  char claims[2 * VAULT_JWT_MAX_BYTES];
  ekm_buf token;
  int len = snprintf(claims, sizeof claims, "{\"x\":\"%*s\",%s", VAULT_JWT_MAX_BYTES, "", &CLAIMS[1]);
  assert_true(len > 0 && (size_t)len < sizeof claims);
  make_of(f, f->key, HEADER, claims, &token);
  assert_true(token.len > VAULT_JWT_MAX_BYTES);
  assert_int_equal(check_now(f, ekm_buf_view(&token)), VAULT_JWT_MALFORMED);
  ekm_buf_clear(&token);
}

static void the_cache_remembers_and_is_bounded(void **state) {
  enum { MANY = 4 * VAULT_TOKEN_CACHE_SETS * VAULT_TOKEN_CACHE_WAYS };
  vault_token_cache *cache = NULL;
  ekm_err err = {0};
  vault_claims claims = good_claims();
  vault_claims found;
  uint8_t digest[EKM_SHA256_BYTES] = {0};
  size_t hits = 0;
  (void)state;

  assert_true(vault_token_cache_new(&cache, &err));
  assert_false(vault_token_cache_get(cache, digest, &found));
  for (int i = 0; i < MANY; i++) {
    digest[0] = (uint8_t)i;
    digest[1] = (uint8_t)(i >> 8);
    claims.expires = NOW + i;
    vault_token_cache_put(cache, digest, &claims);
    assert_true(vault_token_cache_get(cache, digest, &found));
    assert_int_equal(found.expires, NOW + i);
  }
  for (int i = 0; i < MANY; i++) {
    digest[0] = (uint8_t)i;
    digest[1] = (uint8_t)(i >> 8);
    if (vault_token_cache_get(cache, digest, &found)) hits++;
  }
  assert_int_equal(hits, VAULT_TOKEN_CACHE_SETS * VAULT_TOKEN_CACHE_WAYS);
  vault_token_cache_free(&cache);
  assert_null(cache);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_token_gives_its_claims_back),
      cmocka_unit_test(times_are_checked_with_a_minute_of_leeway),
      cmocka_unit_test(every_changed_byte_is_noticed),
      cmocka_unit_test(every_shortened_token_is_refused),
      cmocka_unit_test(other_headers_are_refused),
      cmocka_unit_test(other_keys_are_refused),
      cmocka_unit_test(an_hmac_with_our_public_key_is_refused),
      cmocka_unit_test(claims_must_be_whole),
      cmocka_unit_test(other_spellings_are_refused),
      cmocka_unit_test(oversized_tokens_are_not_looked_at),
      cmocka_unit_test(the_cache_remembers_and_is_bounded),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
