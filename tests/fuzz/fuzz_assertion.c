/* Client assertions: whatever they are, they are read or refused, and nothing but what was signed is believed.
 *
 *   t a.b.c     an assertion as it came
 *   c {...}     claims, signed by the right key under the right header
 *   h {...}     a header, signed by the right key over the right claims */
#include "base/b64url.h"
#include "base/json.h"
#include "fuzz/fuzz_key.h"
#include "vault/assertion.h"

#define HEADER "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"x5t\":\"5B3daJoAn3rRw5xauKq47G3C7rw\"}"
#define CLAIMS "{\"aud\":\"a\",\"iss\":\"i\",\"sub\":\"s\",\"jti\":\"1\",\"nbf\":1763999700,\"exp\":1764003600}"

enum { TOKEN_MAX_BYTES = 4 * VAULT_ASSERTION_MAX_BYTES };

static ekm_crypto *crypto;
static ekm_key *key;

static void tear_down(void) {
  ekm_key_free(&key);
  ekm_crypto_free(&crypto);
}

static void set_up(void) {
  ekm_err err = {0};
  if (crypto != NULL) return;
  FUZZ_CHECK(ekm_crypto_new(&crypto, &err));
  key = fuzz_key(crypto, FUZZ_KEY_FILE);
  FUZZ_CHECK(atexit(tear_down) == 0);
}

static void check_texts(const vault_assertion *a) {
  FUZZ_CHECK(a->issuer[0] != '\0' && a->subject[0] != '\0' && a->audience[0] != '\0');
  FUZZ_CHECK(memchr(a->issuer, '\0', sizeof a->issuer) != NULL && memchr(a->kid, '\0', sizeof a->kid) != NULL);
  FUZZ_CHECK(memchr(a->subject, '\0', sizeof a->subject) != NULL);
  FUZZ_CHECK(memchr(a->audience, '\0', sizeof a->audience) != NULL);
  FUZZ_CHECK(a->not_before >= 0 && a->expires >= 0);
  FUZZ_CHECK(strcmp(a->alg, "RS256") == 0 || strcmp(a->alg, "PS256") == 0);
}

/* In a block of the token's own size. Is it one that our key has signed? */
static bool check(ekm_view token) {
  vault_assertion assertion;
  vault_assertion_verdict verdict;
  bool valid = false;
  ekm_err err = {0};
  uint8_t *copy = fuzz_copy(token);
  FUZZ_CHECK(vault_assertion_parse(ekm_view_of(copy, token.len), &assertion, &verdict, &err) && err.id == EKM_E_OK);
  FUZZ_CHECK(verdict == VAULT_ASSERTION_GOOD || token.len <= VAULT_ASSERTION_MAX_BYTES ||
             verdict == VAULT_ASSERTION_MALFORMED);
  if (verdict == VAULT_ASSERTION_MISSING) FUZZ_CHECK(assertion.missing != NULL);
  if (verdict == VAULT_ASSERTION_GOOD) {
    check_texts(&assertion);
    FUZZ_CHECK(vault_assertion_verify(crypto, &assertion, key, &valid, &err) && err.id == EKM_E_OK);
  }
  free(copy);
  return valid;
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

/* What we sign ourselves has JSON objects in both parts if it is believed, and says RS256. */
static void check_signed(ekm_view header, ekm_view claims) {
  json_t *doc = NULL;
  ekm_err err = {0};
  ekm_buf token;
  sign(header, claims, &token);
  if (check(ekm_buf_view(&token))) {
    FUZZ_CHECK(ekm_json_parse(header, &doc, &err) && strcmp(ekm_json_text(doc, "alg"), "RS256") == 0);
    FUZZ_CHECK(json_object_get(doc, "crit") == NULL);
    ekm_json_free(&doc);
    FUZZ_CHECK(ekm_json_parse(claims, &doc, &err));
    ekm_json_free(&doc);
  }
  ekm_buf_clear(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  set_up();
  if (size < 2 || size > VAULT_ASSERTION_MAX_BYTES || data[1] != ' ') return 0;
  ekm_view rest = ekm_view_of(data + 2, size - 2);
  switch (data[0]) {
    case 't': FUZZ_CHECK(!check(rest)); break; /* nobody here has the private key */
    case 'c': check_signed(ekm_view_text(HEADER), rest); break;
    case 'h': check_signed(rest, ekm_view_text(CLAIMS)); break;
    default: break;
  }
  return 0;
}
