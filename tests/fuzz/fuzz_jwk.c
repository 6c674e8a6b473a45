/* Bodies of create, import and update: attributes, operations and tags of "params", and the numbers of "key".
 *
 * Numbers that were read are written and read again as the same. */
#include "fuzz/fuzz.h"
#include "vault/jwk.h"
#include "vault/key_params.h"

enum { NUMBER_MAX_BYTES = 4096 / 8 + 1 };

static const int64_t last_time = 253402300799; /* the end of the year 9999 */

static void check_numbers(const json_t *doc) {
  static const char *const names[VAULT_JWK_NUMBERS] = {"n", "e", "d", "p", "q", "dp", "dq", "qi"};
  vault_jwk jwk, again;
  ekm_err err = {0};
  json_t *copy = json_object();

  vault_jwk_init(&jwk);
  vault_jwk_init(&again);
  if (vault_jwk_read(doc, &jwk, &err)) {
    for (size_t i = 0; i < VAULT_JWK_NUMBERS; i++) {
      ekm_view number = ekm_buf_view(&jwk.numbers[i]);
      FUZZ_CHECK(number.len <= NUMBER_MAX_BYTES && (number.len > 0) == (json_object_get(doc, names[i]) != NULL));
      if (number.len > 0) FUZZ_CHECK(ekm_json_set_bytes(copy, names[i], number));
    }
    FUZZ_CHECK(vault_jwk_read(copy, &again, &err));
    for (size_t i = 0; i < VAULT_JWK_NUMBERS; i++) {
      FUZZ_CHECK(ekm_view_equal(ekm_buf_view(&jwk.numbers[i]), ekm_buf_view(&again.numbers[i])));
    }
  } else {
    FUZZ_CHECK(err.id == EKM_E_TEXT_ENCODING || err.id == EKM_E_LIMIT);
    fuzz_check_err(&err);
  }
  ekm_json_free(&copy);
  vault_jwk_clear(&jwk);
  vault_jwk_clear(&again);
}

/* Those of an EC key, which has no number longer than its curve's. */
static void check_ec(const json_t *doc) {
  static const char *const names[] = {"x", "y", "d"};
  enum { NAMES = sizeof names / sizeof names[0] };
  vault_jwk jwk, again;
  ekm_err err = {0};
  json_t *copy = json_object();

  vault_jwk_init(&jwk);
  vault_jwk_init(&again);
  if (vault_jwk_read_ec(doc, &jwk, &err)) {
    for (size_t i = 0; i < NAMES; i++) {
      FUZZ_CHECK(jwk.numbers[i].len > 0 && ekm_json_set_bytes(copy, names[i], ekm_buf_view(&jwk.numbers[i])));
    }
    FUZZ_CHECK(vault_jwk_read_ec(copy, &again, &err));
    for (size_t i = 0; i < NAMES; i++) {
      FUZZ_CHECK(ekm_view_equal(ekm_buf_view(&jwk.numbers[i]), ekm_buf_view(&again.numbers[i])));
    }
  } else {
    FUZZ_CHECK(err.id == EKM_E_TEXT_ENCODING || err.id == EKM_E_LIMIT);
    fuzz_check_err(&err);
  }
  ekm_json_free(&copy);
  vault_jwk_clear(&jwk);
  vault_jwk_clear(&again);
}

static void check_time(bool has, int64_t time) {
  FUZZ_CHECK(has ? time >= 0 && time <= last_time : time == 0);
}

static void check_tags(const json_t *body, const vault_key_params *params) {
  json_t *tags = NULL;
  ekm_err err = {0};
  FUZZ_CHECK(((params->set & VAULT_SET_TAGS) != 0) == (vault_member(body, "tags") != NULL));
  if ((params->set & VAULT_SET_TAGS) == 0) return;
  FUZZ_CHECK(ekm_json_parse(ekm_buf_view(&params->tags), &tags, &err));
  FUZZ_CHECK(json_equal(tags, vault_member(body, "tags")) && json_object_size(tags) <= VAULT_TAGS_MAX);
  ekm_json_free(&tags);
}

static void check_params(const json_t *body) {
  static vault_exchange x; /* its path is long */
  vault_key_params params;

  memset(&x, 0, sizeof x);
  vault_answer_init(&x.answer);
  vault_key_params_init(&params);
  if (vault_key_params_read(&x, body, body, &params)) {
    FUZZ_CHECK(!x.refused && x.err.id == EKM_E_OK);
    check_time(params.attributes.has_nbf, params.attributes.nbf);
    check_time(params.attributes.has_exp, params.attributes.exp);
    check_tags(body, &params);
  } else {
    json_t *answer = NULL;
    ekm_err err = {0};
    FUZZ_CHECK(x.refused && x.err.id == EKM_E_OK && x.answer.status == 400);
    FUZZ_CHECK(ekm_json_parse(ekm_buf_view(&x.answer.body), &answer, &err));
    ekm_json_free(&answer);
  }
  vault_key_params_clear(&params);
  vault_answer_clear(&x.answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  json_t *doc = NULL;
  ekm_err err = {0};
  if (!ekm_json_parse(ekm_view_of(data, size), &doc, &err)) return 0;
  const json_t *key = ekm_json_object(doc, "key");
  const json_t *params = ekm_json_object(doc, "params");
  if (key != NULL) check_numbers(key);
  if (key != NULL) check_ec(key);
  if (params != NULL) check_params(params);
  ekm_json_free(&doc);
  return 0;
}
