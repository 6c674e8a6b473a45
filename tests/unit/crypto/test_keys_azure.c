/* The answers of the real Azure Key Vault for a public test key (tests/vectors/README.md). Its modulus is written with
 * a leading zero byte, as are several of its private numbers. */
#include <string.h>

#include "crypto/keys.h"
#include "support/cmocka_all.h"
#include "support/vectors.h"

typedef struct fixture {
  ekm_crypto *crypto;
  json_t *doc;
  ekm_key *key;
  ekm_buf numbers[8];
} fixture;

static const char *const number_names[8] = {"n", "e", "d", "p", "q", "dp", "dq", "qi"};

static void load_numbers(fixture *f, ekm_rsa_numbers *out) {
  json_t *jwk = vectors_member(f->doc, "import_request.key");
  ekm_view views[8];
  for (size_t i = 0; i < 8; i++) {
    ekm_buf_init(&f->numbers[i], 600);
    vectors_bytes(jwk, number_names[i], &f->numbers[i]);
    views[i] = ekm_buf_view(&f->numbers[i]);
  }
  *out = (ekm_rsa_numbers){views[0], views[1], views[2], views[3], views[4], views[5], views[6], views[7]};
}

static int set_up(void **state) {
  static fixture f;
  ekm_rsa_numbers numbers;
  ekm_err err = {0};
  *state = &f;
  f.doc = vectors_load("azure-rsa.json");
  load_numbers(&f, &numbers);
  return ekm_crypto_new(&f.crypto, &err) && ekm_key_import_rsa(f.crypto, &numbers, &f.key, &err) ? 0 : -1;
}

static int tear_down(void **state) {
  fixture *f = *state;
  ekm_key_free(&f->key);
  ekm_crypto_free(&f->crypto);
  for (size_t i = 0; i < 8; i++) ekm_buf_clear(&f->numbers[i]);
  ekm_json_free(&f->doc);
  return 0;
}

static void the_modulus_comes_out_in_shortest_form(void **state) {
  fixture *f = *state;
  ekm_err err = {0};
  ekm_buf n;
  ekm_buf e;
  ekm_buf_init(&n, 512);
  ekm_buf_init(&e, 8);
  assert_int_equal(ekm_key_bits(f->key), 2048);
  assert_int_equal(f->numbers[0].len, 257);
  assert_int_equal(f->numbers[0].ptr[0], 0);
  assert_true(ekm_key_public(f->key, &n, &e, &err));
  assert_int_equal(n.len, 256);
  assert_memory_equal(n.ptr, f->numbers[0].ptr + 1, 256);
  assert_int_equal(e.len, 3);
  assert_memory_equal(e.ptr, "\x01\x00\x01", 3);
  ekm_buf_clear(&n);
  ekm_buf_clear(&e);
}

static void what_azure_encrypted_is_decrypted(void **state) {
  fixture *f = *state;
  ekm_err err = {0};
  ekm_buf ciphertext;
  ekm_buf expected;
  ekm_buf plaintext;
  ekm_buf_init(&ciphertext, 512);
  ekm_buf_init(&expected, 512);
  ekm_buf_init(&plaintext, 512);
  vectors_bytes(vectors_member(f->doc, "encrypt.response"), "value", &ciphertext);
  vectors_bytes(vectors_member(f->doc, "encrypt.request"), "value", &expected);
  const char *alg = ekm_json_text(vectors_member(f->doc, "encrypt.request"), "alg");
  assert_true(ekm_key_decrypt(f->key, alg, ekm_buf_view(&ciphertext), &plaintext, &err));
  assert_true(expected.len > 0);
  assert_true(ekm_view_equal(ekm_buf_view(&plaintext), ekm_buf_view(&expected)));
  assert_false(ekm_key_decrypt(f->key, "RSA-OAEP-256", ekm_buf_view(&ciphertext), &plaintext, &err));
  assert_int_equal(err.id, EKM_E_UNWRAP_REFUSED);
  ekm_buf_clear(&ciphertext);
  ekm_buf_clear(&expected);
  ekm_buf_clear(&plaintext);
}

/* RS256 has no random part, so the signature must be Azure's bit for bit. */
static void the_signature_is_azures(void **state) {
  fixture *f = *state;
  ekm_err err = {0};
  bool valid = false;
  ekm_buf digest;
  ekm_buf expected;
  ekm_buf signature;
  ekm_buf_init(&digest, 64);
  ekm_buf_init(&expected, 512);
  ekm_buf_init(&signature, 512);
  vectors_bytes(vectors_member(f->doc, "sign.request"), "value", &digest);
  vectors_bytes(vectors_member(f->doc, "sign.response"), "value", &expected);
  assert_true(ekm_key_sign(f->key, "RS256", ekm_buf_view(&digest), &signature, &err));
  assert_int_equal(signature.len, 256);
  assert_true(ekm_view_equal(ekm_buf_view(&signature), ekm_buf_view(&expected)));
  assert_true(ekm_key_verify(f->key, "RS256", ekm_buf_view(&digest), ekm_buf_view(&expected), &valid, &err));
  assert_true(valid);
  for (size_t bit = 0; bit < expected.len * 8; bit += 61) {
    expected.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_true(ekm_key_verify(f->key, "RS256", ekm_buf_view(&digest), ekm_buf_view(&expected), &valid, &err));
    assert_false(valid);
    expected.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  ekm_buf_clear(&digest);
  ekm_buf_clear(&expected);
  ekm_buf_clear(&signature);
}

/* Change one number at a time: none of them may pass. */
static void a_private_key_with_a_wrong_number_is_refused(void **state) {
  fixture *f = *state;
  fixture copy = *f;
  ekm_rsa_numbers numbers;
  load_numbers(&copy, &numbers);
  for (size_t i = 0; i < 8; i++) {
    ekm_err err = {0};
    ekm_key *key = NULL;
    copy.numbers[i].ptr[copy.numbers[i].len - 1] ^= 2; /* keeps odd numbers odd */
    assert_false(ekm_key_import_rsa(f->crypto, &numbers, &key, &err));
    assert_int_equal(err.id, EKM_E_CRYPTO);
    assert_null(key);
    copy.numbers[i].ptr[copy.numbers[i].len - 1] ^= 2;
  }
  for (size_t i = 0; i < 8; i++) ekm_buf_clear(&copy.numbers[i]);
}

static bool der_holds(const ekm_buf *der, const ekm_buf *number) {
  return memmem(der->ptr, der->len, number->ptr, number->len) != NULL;
}

/* n, e and d are a whole key by themselves; the public part alone encrypts and verifies, and no more. */
static void parts_of_the_key(void **state) {
  fixture *f = *state;
  fixture copy = *f;
  ekm_rsa_numbers all;
  ekm_err err = {0};
  ekm_key *key = NULL;
  ekm_buf out;
  ekm_buf_init(&out, 4096);
  load_numbers(&copy, &all);

  ekm_rsa_numbers without_crt = {.n = all.n, .e = all.e, .d = all.d};
  assert_true(ekm_key_import_rsa(f->crypto, &without_crt, &key, &err));
  assert_true(ekm_key_to_pkcs8(key, &out, &err));
  ekm_key_free(&key);
  assert_true(ekm_key_from_pkcs8(f->crypto, ekm_buf_view(&out), &key, &err));
  assert_true(der_holds(&out, &copy.numbers[3]) && der_holds(&out, &copy.numbers[4])); /* p and q were found */
  ekm_key_free(&key);
  copy.numbers[2].ptr[40] ^= 1; /* of d */
  assert_false(ekm_key_import_rsa(f->crypto, &without_crt, &key, &err));
  assert_int_equal(err.id, EKM_E_CRYPTO);

  ekm_rsa_numbers public_part = {.n = all.n, .e = all.e};
  ekm_buf_reset(&out);
  assert_true(ekm_key_import_rsa(f->crypto, &public_part, &key, &err));
  assert_true(ekm_key_encrypt(key, "RSA-OAEP-256", ekm_view_text("x"), &out, &err));
  assert_false(ekm_key_decrypt(key, "RSA-OAEP-256", ekm_buf_view(&out), &out, &err));
  assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
  assert_false(ekm_key_sign(key, "RS256", ekm_view_of(out.ptr, 32), &out, &err));
  assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
  assert_false(ekm_key_to_pkcs8(key, &out, &err));
  assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
  ekm_key_free(&key);

  all.qi.len = 0;
  assert_false(ekm_key_import_rsa(f->crypto, &all, &key, &err));
  assert_int_equal(err.id, EKM_E_CRYPTO);
  ekm_buf_clear(&out);
  for (size_t i = 0; i < 8; i++) ekm_buf_clear(&copy.numbers[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_modulus_comes_out_in_shortest_form),
      cmocka_unit_test(what_azure_encrypted_is_decrypted),
      cmocka_unit_test(the_signature_is_azures),
      cmocka_unit_test(a_private_key_with_a_wrong_number_is_refused),
      cmocka_unit_test(parts_of_the_key),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
