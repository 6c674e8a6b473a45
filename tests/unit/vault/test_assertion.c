/* Client assertions: what is read out of one, what is none, and whose it is said to be. */
#include "vault/assertion.h"

#include <stdio.h>
#include <string.h>

#include "support/assertion_maker.h"
#include "support/cmocka_all.h"
#include "support/memory_gate.h"
#include "support/vectors.h"
#include "vault/certificate.h"

#define HEADER "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"x5t#S256\":\"" ASSERTION_X5T_S256 "\"}"
#define CLAIMS "{\"aud\":\"a\",\"iss\":\"i\",\"sub\":\"s\",\"jti\":\"1\",\"iat\":1000,\"nbf\":1000,\"exp\":1600}"

typedef struct fixture {
  ekm_crypto *crypto;
  ekm_key *key;
  vault_certificate certificate;
} fixture;

static int set_up(void **state) {
  static fixture f;
  ekm_err err = {0};
  ekm_buf pem;
  *state = &f;
  if (!ekm_crypto_new(&f.crypto, &err)) return -1;
  f.key = assertion_key(f.crypto);
  ekm_buf_init(&pem, 8192);
  vectors_read("client-certificate.pem", &pem);
  bool ok = vault_certificate_read(f.crypto, ekm_buf_view(&pem), &f.certificate, &err);
  ekm_buf_clear(&pem);
  return ok ? 0 : -1;
}

static int tear_down(void **state) {
  fixture *f = *state;
  ekm_key_free(&f->key);
  ekm_crypto_free(&f->crypto);
  return 0;
}

static vault_assertion_verdict parse(ekm_view token, vault_assertion *out) {
  vault_assertion_verdict verdict;
  ekm_err err = {0};
  assert_true(vault_assertion_parse(token, out, &verdict, &err));
  assert_int_equal(err.id, EKM_E_OK);
  return verdict;
}

static vault_assertion_verdict parse_of(const fixture *f, const char *header, const char *claims) {
  vault_assertion assertion;
  ekm_buf token;
  ekm_buf_init(&token, 4 * VAULT_ASSERTION_MAX_BYTES);
  assertion_make(f->crypto, f->key, "PS256", header, claims, &token);
  vault_assertion_verdict verdict = parse(ekm_buf_view(&token), &assertion);
  ekm_buf_clear(&token);
  return verdict;
}

static void an_assertion_is_read(void **state) {
  fixture *f = *state;
  vault_assertion assertion;
  bool valid = false;
  ekm_err err = {0};
  ekm_buf token;
  ekm_buf_init(&token, VAULT_ASSERTION_MAX_BYTES);
  assertion_make(f->crypto, f->key, "PS256", HEADER, CLAIMS, &token);
  assert_int_equal(parse(ekm_buf_view(&token), &assertion), VAULT_ASSERTION_GOOD);
  assert_string_equal(assertion.alg, "PS256");
  assert_string_equal(assertion.issuer, "i");
  assert_string_equal(assertion.subject, "s");
  assert_string_equal(assertion.audience, "a");
  assert_int_equal(assertion.not_before, 1000);
  assert_int_equal(assertion.expires, 1600);
  assert_true(assertion.has_x5t_s256 && !assertion.has_x5t);
  assert_true(vault_assertion_is_of(&assertion, &f->certificate));
  assert_true(vault_assertion_verify(f->crypto, &assertion, f->key, &valid, &err) && valid);
  ekm_buf_clear(&token);
}

static void every_changed_byte_is_noticed(void **state) {
  fixture *f = *state;
  ekm_buf token;
  ekm_buf_init(&token, VAULT_ASSERTION_MAX_BYTES);
  assertion_make(f->crypto, f->key, "PS256", HEADER, CLAIMS, &token);
  for (size_t i = 0; i < token.len; i++) {
    vault_assertion assertion;
    ekm_err err = {0};
    bool valid = false;
    uint8_t was = token.ptr[i];
    token.ptr[i] = was == 'A' ? 'B' : 'A';
    bool parsed = parse(ekm_buf_view(&token), &assertion) == VAULT_ASSERTION_GOOD;
    if (parsed) assert_true(vault_assertion_verify(f->crypto, &assertion, f->key, &valid, &err));
    if (valid) fail_msg("byte %zu", i);
    token.ptr[i] = was;
  }
  ekm_buf_clear(&token);
}

typedef struct verdict_case {
  const char *text;
  vault_assertion_verdict verdict;
} verdict_case;

static void headers_are_strict(void **state) {
  static const verdict_case cases[] = {
      {HEADER, VAULT_ASSERTION_GOOD},
      {"{\"alg\":\"RS256\"}", VAULT_ASSERTION_GOOD},
      {"{\"alg\":\"RS256\",\"typ\":\"jwt\",\"kid\":\"k\",\"x5c\":[\"AAAA\"]}", VAULT_ASSERTION_GOOD},
      {"{\"alg\":\"RS256\",\"typ\":\"http://openid.net/specs/jwt/1.0\"}", VAULT_ASSERTION_GOOD},
      {"{\"alg\":\"RS256\",\"x5t\":\"" ASSERTION_X5T "=\"}", VAULT_ASSERTION_GOOD}, /* as MSAL for Python pads it */
      {"{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}", VAULT_ASSERTION_TYPE},
      {"{\"alg\":\"none\"}", VAULT_ASSERTION_ALGORITHM},
      {"{\"alg\":\"HS256\"}", VAULT_ASSERTION_ALGORITHM},
      {"{\"alg\":\"rs256\"}", VAULT_ASSERTION_ALGORITHM},
      {"{\"alg\":\"RS512\"}", VAULT_ASSERTION_ALGORITHM},
      {"{\"typ\":\"JWT\"}", VAULT_ASSERTION_ALGORITHM},
      {"{}", VAULT_ASSERTION_ALGORITHM},
      {"{\"alg\":[\"RS256\"]}", VAULT_ASSERTION_MALFORMED},
      {"{\"alg\":\"RS256 with a long tail\"}", VAULT_ASSERTION_MALFORMED},
      {"{\"alg\":\"RS256\",\"alg\":\"RS256\"}", VAULT_ASSERTION_MALFORMED},
      {"{\"alg\":\"RS256\",\"crit\":[\"b64\"]}", VAULT_ASSERTION_MALFORMED},
      {"{\"alg\":\"RS256\",\"typ\":1}", VAULT_ASSERTION_MALFORMED},
      {"{\"alg\":\"RS256\",\"kid\":1}", VAULT_ASSERTION_MALFORMED},
      {"{\"alg\":\"RS256\",\"x5t\":\"AAAA\"}", VAULT_ASSERTION_MALFORMED},
      {"{\"alg\":\"RS256\",\"x5t\":1}", VAULT_ASSERTION_MALFORMED},
      {"{\"alg\":\"RS256\",\"x5t\":\"" ASSERTION_X5T_S256 "\"}", VAULT_ASSERTION_MALFORMED},
      {"{\"alg\":\"RS256\",\"x5t#S256\":\"" ASSERTION_X5T "\"}", VAULT_ASSERTION_MALFORMED},
      {"{\"alg\":\"RS256\",\"x5t#S256\":\"+" ASSERTION_X5T_S256 "\"}", VAULT_ASSERTION_MALFORMED},
      {"[]", VAULT_ASSERTION_MALFORMED},
      {"null", VAULT_ASSERTION_MALFORMED},
      {"{\"alg\":\"RS256\"} {}", VAULT_ASSERTION_MALFORMED},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    if (parse_of(*state, cases[i].text, CLAIMS) != cases[i].verdict) fail_msg("%s", cases[i].text);
  }
}

static void claims_are_strict(void **state) {
  static const verdict_case cases[] = {
      {CLAIMS, VAULT_ASSERTION_GOOD},
      {"{\"aud\":[\"a\"],\"iss\":\"i\",\"sub\":\"s\"}", VAULT_ASSERTION_GOOD},
      {"{\"aud\":\"a\",\"iss\":\"i\",\"sub\":\"s\",\"more\":{}}", VAULT_ASSERTION_GOOD},
      {"{\"iss\":\"i\",\"sub\":\"s\"}", VAULT_ASSERTION_MISSING},
      {"{\"aud\":\"a\",\"sub\":\"s\"}", VAULT_ASSERTION_MISSING},
      {"{\"aud\":\"a\",\"iss\":\"i\"}", VAULT_ASSERTION_MISSING},
      {"{\"aud\":\"a\",\"iss\":\"i\",\"sub\":\"\"}", VAULT_ASSERTION_MISSING},
      {"{\"aud\":[\"a\",\"b\"],\"iss\":\"i\",\"sub\":\"s\"}", VAULT_ASSERTION_MALFORMED},
      {"{\"aud\":[],\"iss\":\"i\",\"sub\":\"s\"}", VAULT_ASSERTION_MALFORMED},
      {"{\"aud\":[1],\"iss\":\"i\",\"sub\":\"s\"}", VAULT_ASSERTION_MALFORMED},
      {"{\"aud\":\"a\",\"iss\":1,\"sub\":\"s\"}", VAULT_ASSERTION_MALFORMED},
      {"{\"aud\":\"a\",\"iss\":\"i\",\"sub\":null}", VAULT_ASSERTION_MALFORMED},
      {"{\"aud\":\"a\",\"iss\":\"i\",\"sub\":\"s\",\"jti\":7}", VAULT_ASSERTION_MALFORMED},
      {"{\"aud\":\"a\",\"iss\":\"i\",\"sub\":\"s\",\"exp\":\"1600\"}", VAULT_ASSERTION_MALFORMED},
      {"{\"aud\":\"a\",\"iss\":\"i\",\"sub\":\"s\",\"exp\":1600.5}", VAULT_ASSERTION_MALFORMED},
      {"{\"aud\":\"a\",\"iss\":\"i\",\"sub\":\"s\",\"nbf\":-1}", VAULT_ASSERTION_MALFORMED},
      {"{\"aud\":\"a\",\"iss\":\"i\",\"sub\":\"s\",\"iat\":true}", VAULT_ASSERTION_MALFORMED},
      {"{\"aud\":\"a\",\"iss\":\"i\",\"sub\":\"s\\u0000\"}", VAULT_ASSERTION_MALFORMED},
      {"", VAULT_ASSERTION_MALFORMED},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    if (parse_of(*state, HEADER, cases[i].text) != cases[i].verdict) fail_msg("%s", cases[i].text);
  }
}

/* A claim of as many bytes as there may be, and of one more. */
static void claims_have_a_limit(void **state) {
  for (int more = 0; more < 2; more++) {
    char subject[VAULT_ASSERTION_TEXT_BYTES + 1];
    char claims[1024];
    memset(subject, 's', sizeof subject);
    subject[VAULT_ASSERTION_TEXT_BYTES - 1 + more] = '\0';
    (void)snprintf(claims, sizeof claims, "{\"aud\":\"a\",\"iss\":\"i\",\"sub\":\"%s\"}", subject);
    assert_int_equal(parse_of(*state, HEADER, claims), more == 0 ? VAULT_ASSERTION_GOOD : VAULT_ASSERTION_MALFORMED);
  }
}

static void other_forms_are_malformed(void **state) {
  static const char *const tokens[] = {"", ".", "..", "a.b", "a.b.c.d", "e30.e30.", "e30.e30=.AA", "%.%.%", "none"};
  uint8_t big[VAULT_ASSERTION_MAX_BYTES + 1];
  vault_assertion assertion;
  (void)state;
  for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
    assert_int_equal(parse(ekm_view_text(tokens[i]), &assertion), VAULT_ASSERTION_MALFORMED);
  }
  memset(big, 'A', sizeof big);
  assert_int_equal(parse(ekm_view_of(big, sizeof big), &assertion), VAULT_ASSERTION_MALFORMED);
}

static void all_thumbprints_must_be_the_certificates(void **state) {
  static const struct {
    const char *header;
    bool is_its;
  } cases[] = {
      {"{\"alg\":\"RS256\",\"x5t\":\"" ASSERTION_X5T "\"}", true},
      {"{\"alg\":\"RS256\",\"x5t\":\"" ASSERTION_X5T "\",\"x5t#S256\":\"" ASSERTION_X5T_S256 "\"}", true},
      {"{\"alg\":\"RS256\",\"x5t\":\"" ASSERTION_X5T "\",\"kid\":\"another\"}", true},
      {"{\"alg\":\"RS256\",\"kid\":\"E41DDD689A009F7AD1C39C5AB8AAB8EC6DC2EEBC\"}", true},
      {"{\"alg\":\"RS256\",\"kid\":\"e41ddd689a009f7ad1c39c5ab8aab8ec6dc2eebc\"}", true},
      {"{\"alg\":\"RS256\",\"kid\":\"e41ddd689a009f7ad1c39c5ab8aab8ec6dc2eebd\"}", false},
      {"{\"alg\":\"RS256\",\"x5t\":\"6B3daJoAn3rRw5xauKq47G3C7rw\"}", false},
      {"{\"alg\":\"RS256\",\"x5t\":\"6B3daJoAn3rRw5xauKq47G3C7rw\",\"x5t#S256\":\"" ASSERTION_X5T_S256 "\"}", false},
      {"{\"alg\":\"RS256\",\"x5t\":\"" ASSERTION_X5T "\",\"x5t#S256\":\"kZwAEjkMiyIUd18hPThhZ-Du5A9QXSV8pXetrMqYvKs\"}",
       false},
      {"{\"alg\":\"RS256\"}", false},
  };
  fixture *f = *state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    vault_assertion assertion;
    ekm_buf token;
    ekm_buf_init(&token, VAULT_ASSERTION_MAX_BYTES);
    assertion_make(f->crypto, f->key, "RS256", cases[i].header, CLAIMS, &token);
    assert_int_equal(parse(ekm_buf_view(&token), &assertion), VAULT_ASSERTION_GOOD);
    if (vault_assertion_is_of(&assertion, &f->certificate) != cases[i].is_its) fail_msg("%s", cases[i].header);
    ekm_buf_clear(&token);
  }
}

static void times_have_five_minutes_of_leeway(void **state) {
  static const vault_assertion between = {.not_before = 1000, .expires = 1600};
  static const vault_assertion without = {.not_before = 0, .expires = 0};
  (void)state;
  assert_false(vault_assertion_is_timely(&between, 699));
  assert_true(vault_assertion_is_timely(&between, 700));
  assert_true(vault_assertion_is_timely(&between, 1899));
  assert_false(vault_assertion_is_timely(&between, 1900));
  assert_false(vault_assertion_is_timely(&without, 1900));
}

static void without_memory_nothing_is_called_malformed(void **state) {
  fixture *f = *state;
  memory_gate gate = {0};
  ekm_buf token;
  ekm_buf_init(&token, VAULT_ASSERTION_MAX_BYTES);
  assertion_make(f->crypto, f->key, "PS256", HEADER, CLAIMS, &token);
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    vault_assertion assertion;
    vault_assertion_verdict verdict;
    bool valid = false;
    ekm_err err = {0};
    bool ok = vault_assertion_parse(ekm_buf_view(&token), &assertion, &verdict, &err);
    if (ok && verdict == VAULT_ASSERTION_GOOD) {
      ok = vault_assertion_verify(f->crypto, &assertion, f->key, &valid, &err);
    }
    memory_gate_check(&gate, ok, &err);
    assert_true(!ok || valid);
  }
  ekm_buf_clear(&token);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_assertion_is_read),
      cmocka_unit_test(every_changed_byte_is_noticed),
      cmocka_unit_test(headers_are_strict),
      cmocka_unit_test(claims_are_strict),
      cmocka_unit_test(claims_have_a_limit),
      cmocka_unit_test(other_forms_are_malformed),
      cmocka_unit_test(all_thumbprints_must_be_the_certificates),
      cmocka_unit_test(times_have_five_minutes_of_leeway),
      cmocka_unit_test(without_memory_nothing_is_called_malformed),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
