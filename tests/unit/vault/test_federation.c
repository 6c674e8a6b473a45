/* Key sets of issuers: which keys are kept of one, and how one is found again. */
#include "vault/federation.h"

#include <string.h>

#include "support/cmocka_all.h"
#include "support/memory_gate.h"
#include "support/vectors.h"

enum { TEXT_MAX_BYTES = 512 * 1024 };

typedef struct fixture {
  ekm_crypto *crypto;
  json_t *doc;
  const char *n, *e; /* of an RSA-2048 key */
} fixture;

static int set_up(void **state) {
  static fixture f;
  ekm_err err = {0};
  *state = &f;
  f.doc = vectors_load("azure-rsa.json");
  f.n = ekm_json_text(vectors_member(f.doc, "import_request.key"), "n");
  f.e = ekm_json_text(vectors_member(f.doc, "import_request.key"), "e");
  return ekm_crypto_new(&f.crypto, &err) ? 0 : -1;
}

static int tear_down(void **state) {
  fixture *f = *state;
  ekm_json_free(&f->doc);
  ekm_crypto_free(&f->crypto);
  return 0;
}

/* ${set} with n and e of the key for its N and E. */
static void fill(const fixture *f, const char *set, ekm_buf *out) {
  ekm_buf_init(out, TEXT_MAX_BYTES);
  for (; *set != '\0'; set++) {
    if (*set == 'N') {
      ekm_buf_append_text(out, f->n);
    } else if (*set == 'E') {
      ekm_buf_append_text(out, f->e);
    } else {
      ekm_buf_append_char(out, *set);
    }
  }
}

static bool keep(const fixture *f, const char *set, ekm_buf *out, ekm_err *err) {
  ekm_buf text;
  fill(f, set, &text);
  ekm_buf_init(out, VAULT_FEDERATION_KEYS_BYTES);
  bool ok = vault_federation_keys(f->crypto, ekm_buf_view(&text), out, err);
  ekm_buf_clear(&text);
  return ok;
}

#define KEY(kid) "{\"kty\":\"RSA\",\"kid\":\"" kid "\",\"n\":\"N\",\"e\":\"E\"}"

static void sets_are_strict(void **state) {
  static const struct {
    const char *set;
    ekm_err_id id;
    size_t kept;
  } cases[] = {
      {"{\"keys\":[" KEY("a") "]}", EKM_E_OK, 1},
      {"{\"keys\":[" KEY("a") "," KEY("b") "],\"more\":1}", EKM_E_OK, 2},
      {"{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\",\"use\":\"sig\",\"alg\":\"RS256\",\"n\":\"N\",\"e\":\"E\",\"x5c\":[]}"
       "]}",
       EKM_E_OK, 1},
      {"{\"keys\":[{\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\"}," KEY("a") "]}", EKM_E_OK, 1},
      {"{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"e\",\"use\":\"enc\"}," KEY("a") "]}", EKM_E_OK, 1},
      {"{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"e\",\"alg\":\"PS256\"}," KEY("a") "]}", EKM_E_OK, 1},
      {"{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"e\",\"use\":1}," KEY("a") "]}", EKM_E_OK, 1},
      {"{\"keys\":[]}", EKM_E_BAD_ARGUMENT, 0},
      {"{}", EKM_E_BAD_ARGUMENT, 0},
      {"{\"keys\":{}}", EKM_E_BAD_ARGUMENT, 0},
      {"{\"keys\":[1,null,\"x\",[]]}", EKM_E_BAD_ARGUMENT, 0},
      {"{\"keys\":[{\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\"}]}", EKM_E_BAD_ARGUMENT, 0},
      {"{\"keys\":[" KEY("") "]}", EKM_E_BAD_ARGUMENT, 0},
      {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"N\",\"e\":\"E\"}]}", EKM_E_BAD_ARGUMENT, 0},
      {"{\"keys\":[" KEY("a") "," KEY("a") "]}", EKM_E_BAD_ARGUMENT, 0},
      {"{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\",\"e\":\"E\"}]}", EKM_E_TEXT_ENCODING, 0},
      {"{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":\"+\",\"e\":\"E\"}]}", EKM_E_TEXT_ENCODING, 0},
      {"{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":\"AAAA\",\"e\":\"E\"}]}", EKM_E_CRYPTO, 0},
      {"{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":\"gAAB\",\"e\":\"E\"}]}", EKM_E_KEY_TYPE, 0},
      {"[" KEY("a") "]", EKM_E_ANSWER_NOT_JSON, 0},
      {"", EKM_E_ANSWER_NOT_JSON, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    ekm_buf kept;
    ekm_err err = {0}, none = {0};
    json_t *doc = NULL;
    bool ok = keep(*state, cases[i].set, &kept, &err);
    if (err.id != cases[i].id || ok != (err.id == EKM_E_OK)) {
      fail_msg("%s: %s: %s", cases[i].set, ekm_err_info_of(err.id)->name, err.detail);
    }
    if (ok) assert_true(ekm_json_parse(ekm_buf_view(&kept), &doc, &none));
    assert_int_equal(json_array_size(ekm_json_array(doc, "keys")), cases[i].kept);
    ekm_json_free(&doc);
    ekm_buf_clear(&kept);
  }
}

static void a_set_has_a_limit(void **state) {
  for (size_t more = 0; more < 2; more++) {
    ekm_buf set, kept;
    ekm_err err = {0};
    ekm_buf_init(&set, TEXT_MAX_BYTES);
    ekm_buf_append_text(&set, "{\"keys\":[");
    for (size_t i = 0; i < VAULT_FEDERATION_KEYS_MAX + more; i++) {
      ekm_buf_append_fmt(&set, "%s{\"kty\":\"RSA\",\"kid\":\"k%zu\",\"n\":\"N\",\"e\":\"E\"}", i == 0 ? "" : ",", i);
    }
    ekm_buf_append_text(&set, "]}");
    assert_int_equal(keep(*state, ekm_buf_text(&set), &kept, &err), more == 0);
    if (more > 0) assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
    ekm_buf_clear(&set);
    ekm_buf_clear(&kept);
  }
}

static void a_key_is_found_by_its_kid(void **state) {
  static const char *const absent[] = {"", "A", "a ", "c"};
  fixture *f = *state;
  ekm_buf kept;
  ekm_key *key = NULL;
  ekm_err err = {0};
  assert_true(keep(f, "{\"keys\":[" KEY("a") "," KEY("b") "]}", &kept, &err));
  const vault_federation federation = {.keys = ekm_buf_text(&kept)};
  assert_true(vault_federation_key(f->crypto, &federation, "b", &key, &err));
  assert_non_null(key);
  assert_int_equal(ekm_key_bits(key), 2048);
  ekm_key_free(&key);
  for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
    assert_true(vault_federation_key(f->crypto, &federation, absent[i], &key, &err));
    assert_null(key);
  }
  ekm_buf_clear(&kept);
}

static void without_memory_there_is_an_error(void **state) {
  fixture *f = *state;
  memory_gate gate = {0};
  ekm_buf text;
  fill(f, "{\"keys\":[" KEY("a") "," KEY("b") "]}", &text);
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_key *key = NULL;
    ekm_err err = {0};
    ekm_buf kept;
    ekm_buf_init(&kept, VAULT_FEDERATION_KEYS_BYTES);
    bool ok = vault_federation_keys(f->crypto, ekm_buf_view(&text), &kept, &err);
    const vault_federation federation = {.keys = ekm_buf_text(&kept)};
    ok = ok && vault_federation_key(f->crypto, &federation, "b", &key, &err);
    memory_gate_check(&gate, ok, &err);
    assert_true(!ok || key != NULL);
    ekm_key_free(&key);
    ekm_buf_clear(&kept);
  }
  ekm_buf_clear(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sets_are_strict),
      cmocka_unit_test(a_set_has_a_limit),
      cmocka_unit_test(a_key_is_found_by_its_kid),
      cmocka_unit_test(without_memory_there_is_an_error),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
