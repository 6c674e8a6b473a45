/* Thumbprints of Microsoft's connector: packed names, and SHA-1 over each encoding of a key. */
#include "keyring/foreign.h"

#include <string.h>

#include "base/hex.h"
#include "base/json.h"
#include "keyring/blob.h"
#include "keyring/key.h"
#include "support/cmocka_all.h"
#include "support/vectors.h"

static ekm_view packed(const char *name, ekm_buf *out) {
  ekm_buf_init(out, KEYRING_FOREIGN_NAME_BYTES);
  assert_true(keyring_foreign_pack(name, out));
  return ekm_buf_view(out);
}

/* Published in KB4470999. */
static void a_published_thumbprint_is_its_name(void **state) {
  static const uint8_t thumb[] = {0x2c, 0x56, 0x77, 0xd7, 0x6f, 0x76, 0xd7, 0x7f, 0x80};
  char name[KEYRING_FOREIGN_NAME_CHARS + 1];
  ekm_buf bytes;
  (void)state;
  assert_true(keyring_foreign_unpack(ekm_view_of(thumb, sizeof thumb), name));
  assert_string_equal(name, "key20181029");
  assert_true(ekm_view_equal(packed(name, &bytes), ekm_view_of(thumb, sizeof thumb)));
  ekm_buf_clear(&bytes);
}

static void every_name_comes_back(void **state) {
  static const char *const names[] = {"a",     "z9",       "A-Z",           "abc",
                                      "abcd",  "abcde",    "0123456789",    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                                      "-----", "zzzzzzzz", "a1B2-c3D4-e5F", "abcdefghijklmnopqrstuvwxyz"};
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    char name[KEYRING_FOREIGN_NAME_CHARS + 1];
    ekm_buf bytes;
    ekm_view thumb = packed(names[i], &bytes);
    assert_int_equal(thumb.len, (strlen(names[i]) * 6 + 7) / 8);
    if (!keyring_foreign_unpack(thumb, name)) fail_msg("%s", names[i]);
    assert_string_equal(name, names[i]);
    ekm_buf_clear(&bytes);
  }
}

static void what_has_no_packed_form(void **state) {
  static const char *const names[] = {"", "under_score", "dot.", "abcdefghijklmnopqrstuvwxyz0", "\xc3\xa4", "a b"};
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    ekm_buf bytes;
    ekm_buf_init(&bytes, KEYRING_FOREIGN_NAME_BYTES);
    if (keyring_foreign_pack(names[i], &bytes)) fail_msg("'%s'", names[i]);
    ekm_buf_clear(&bytes);
  }
}

static void what_is_no_packed_name(void **state) {
  static const struct {
    size_t len;
    uint8_t bytes[21];
  } none[] = {{0, {0}},
              {1, {0}},                /* no character */
              {1, {0x05}},             /* a bit behind the name */
              {2, {0x04, 0x01}},       /* the same */
              {3, {0x00, 0x10, 0x00}}, /* nothing before something */
              {4, {0x04, 0, 0, 0}},    /* a byte too many */
              {21, {0x04, 0x10, 0x41}}};
  char name[KEYRING_FOREIGN_NAME_CHARS + 1];
  (void)state;
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    if (keyring_foreign_unpack(ekm_view_of(none[i].bytes, none[i].len), name)) fail_msg("%zu is '%s'", i, name);
    assert_string_equal(name, "");
  }
}

/* ---- SHA-1 ------------------------------------------------------------------------------------------------------- */

typedef struct fixture {
  ekm_crypto *crypto;
  keyring_key *key;
  ekm_err err;
} fixture;

/* The key of the vector azure-rsa.json, whose modulus has a zero in front. */
static int set_up(void **state) {
  fixture *f = test_calloc(1, sizeof *f);
  keyring_record record;
  json_t *doc = vectors_load("azure-rsa.json");
  const json_t *jwk = ekm_json_object(ekm_json_object(doc, "import_request"), "key");
  assert_true(ekm_crypto_new(&f->crypto, &f->err));
  keyring_record_init(&record);
  record.is_rsa = record.enabled = true;
  memcpy(record.name, "k", sizeof "k");
  memcpy(record.version, "0123456789abcdef0123456789abcdef", 33);
  assert_true(ekm_json_bytes(jwk, "n", &record.n, &f->err) && ekm_json_bytes(jwk, "e", &record.e, &f->err));
  assert_true(keyring_key_new(f->crypto, &record, &f->key, &f->err));
  keyring_record_clear(&record);
  ekm_json_free(&doc);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  keyring_key_unref(&f->key);
  ekm_crypto_free(&f->crypto);
  test_free(f);
  return 0;
}

/* PKCS#1 and CAPI as `openssl rsa -RSAPublicKey_out` and `-outform "MS PUBLICKEYBLOB"` write them, SPKI as it reads it;
 * the others from Python's hashlib. */
static void each_encoding_is_known(void **state) {
  static const char *const thumbs[] = {
      [KEYRING_BLOB_PKCS1] = "844ee124f8eeada46868da7461eaf45e7c31a8c8",
      [KEYRING_BLOB_CNG] = "e28e3e10aab06d8fb5aaaba4658c0df2d0713081",
      [KEYRING_BLOB_SPKI] = "4eb6c125458b301acd5ffb06648e086de063fdaf",
      [KEYRING_BLOB_CAPI] = "9d3d5859fda11574f1bc108ddb31b12b0c79d024",
      [KEYRING_BLOB_N] = "75ca45ae15fc7110f813e941af063345153fc05f",
      [KEYRING_BLOB_N_LE] = "e7ef329a62a35fe3e46e99db843688f7247ad985",
      [KEYRING_BLOB_N_E] = "e5a94bc9944da5548e72507b980c852b1d005b48",
  };
  fixture *f = *state;
  assert_int_equal(sizeof thumbs / sizeof thumbs[0], KEYRING_BLOB_FORMS);
  for (size_t i = 0; i < KEYRING_BLOB_FORMS; i++) {
    ekm_buf thumb;
    bool is = false;
    ekm_buf_init(&thumb, 20);
    assert_true(ekm_hex_decode(thumbs[i], 40, &thumb, "a thumbprint", &f->err));
    assert_true(keyring_foreign_is(f->crypto, f->key, ekm_buf_view(&thumb), &is, &f->err));
    if (!is) fail_msg("form %zu", i);
    thumb.ptr[19] ^= 1;
    assert_true(keyring_foreign_is(f->crypto, f->key, ekm_buf_view(&thumb), &is, &f->err));
    assert_false(is);
    ekm_buf_clear(&thumb);
  }
}

static void capi_has_short_exponents_only(void **state) {
  fixture *f = *state;
  ekm_buf out;
  ekm_buf_init(&out, KEYRING_BLOB_MAX_BYTES);
  assert_false(
      keyring_blob_append(KEYRING_BLOB_CAPI, keyring_key_n(f->key), ekm_view_of("\1\0\0\0\1", 5), &out, &f->err));
  assert_int_equal(f->err.id, EKM_E_NOT_SUPPORTED);
  ekm_buf_clear(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_published_thumbprint_is_its_name),
      cmocka_unit_test(every_name_comes_back),
      cmocka_unit_test(what_has_no_packed_form),
      cmocka_unit_test(what_is_no_packed_name),
      cmocka_unit_test_setup_teardown(each_encoding_is_known, set_up, tear_down),
      cmocka_unit_test_setup_teardown(capi_has_short_exponents_only, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
