/* Keys in a PKCS#11 token: what they do is what keys of OpenSSL's do, they stay where they are, and what a token says
 * against us has its name. */
#include "crypto/token.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/thread.h"
#include "support/cmocka_all.h"
#include "support/soft_token.h"

enum { BUF_BYTES = 64 * 1024, THREADS = 12, ROUNDS = 20 };

static ekm_crypto *crypto;
static ekm_token *token;

static bool open_token(const char *module, const char *label, const char *pin, ekm_token **out, ekm_err *err) {
  ekm_secret secret = {0};
  assert_true(ekm_secret_set(&secret, ekm_view_text(pin), err));
  const ekm_token_options options = {module, label, &secret, crypto};
  bool ok = ekm_token_open(&options, out, err);
  ekm_secret_clear(&secret);
  return ok;
}

static int set_up(void **state) {
  ekm_err err = {0};
  (void)state;
  soft_token_make();
  if (!ekm_crypto_new(&crypto, &err) ||
      !open_token(soft_token_module(), SOFT_TOKEN_LABEL, SOFT_TOKEN_PIN, &token, &err)) {
    print_error("%s\n", err.detail);
    return -1;
  }
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  ekm_token_close(&token);
  ekm_crypto_free(&crypto);
  soft_token_remove();
  return 0;
}

static void good(bool ok, const ekm_err *err) {
  if (!ok) fail_msg("%s: %s", ekm_err_info_of(err->id)->name, err->detail);
}

/* A key in the token, and its public part outside. */
static void make(ekm_token_kind kind, unsigned bits, const char *curve, ekm_token_key *out, ekm_key **out_public) {
  ekm_err err = {0};
  ekm_buf a, b;
  ekm_buf_init(&a, BUF_BYTES);
  ekm_buf_init(&b, BUF_BYTES);
  good(ekm_token_make(token, &(ekm_token_spec){kind, bits, 65537, curve}, out, &a, &b, &err), &err);
  *out_public = NULL;
  if (kind == EKM_TOKEN_RSA) {
    assert_int_equal(a.len, bits / 8);
    good(ekm_key_import_rsa(crypto, &(ekm_rsa_numbers){.n = ekm_buf_view(&a), .e = ekm_buf_view(&b)}, out_public, &err),
         &err);
  } else if (kind == EKM_TOKEN_EC) {
    good(ekm_key_import_ec(crypto, curve, &(ekm_ec_numbers){.x = ekm_buf_view(&a), .y = ekm_buf_view(&b)}, out_public,
                           &err),
         &err);
  } else {
    assert_int_equal(a.len + b.len, 0);
  }
  ekm_buf_clear(&a);
  ekm_buf_clear(&b);
}

/* ---- RSA --------------------------------------------------------------------------------------------------------- */

static const char *const rsa_algs[] = {"RSA-OAEP-256", "RSA-OAEP", "RSA1_5"};

static void what_the_public_key_encrypts_the_token_decrypts(void **state) {
  ekm_token_key key;
  ekm_key *public_key;
  static const size_t lengths[] = {0, 1, 32, 190};
  (void)state;
  make(EKM_TOKEN_RSA, 2048, NULL, &key, &public_key);
  for (size_t i = 0; i < 3; i++) {
    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
      ekm_err err = {0};
      uint8_t plain[190];
      ekm_buf sealed, open;
      if (lengths[k] == 0 && i == 2) continue; /* OpenSSL refuses it for RSA1_5 */
      memset(plain, (int)(k + 1), sizeof plain);
      ekm_buf_init(&sealed, BUF_BYTES);
      ekm_buf_init(&open, BUF_BYTES);
      good(ekm_key_encrypt(public_key, rsa_algs[i], ekm_view_of(plain, lengths[k]), &sealed, &err), &err);
      good(ekm_token_rsa_decrypt(token, &key, rsa_algs[i], ekm_buf_view(&sealed), &open, &err), &err);
      assert_true(ekm_view_equal(ekm_buf_view(&open), ekm_view_of(plain, lengths[k])));
      ekm_buf_clear(&sealed);
      ekm_buf_clear(&open);
    }
  }
  ekm_key_free(&public_key);
}

static void every_fault_of_a_ciphertext_is_one(void **state) {
  ekm_token_key key;
  ekm_key *public_key;
  (void)state;
  make(EKM_TOKEN_RSA, 2048, NULL, &key, &public_key);
  for (size_t i = 0; i < 2; i++) {
    ekm_buf sealed, open;
    ekm_err err = {0};
    ekm_buf_init(&sealed, BUF_BYTES);
    ekm_buf_init(&open, BUF_BYTES);
    good(ekm_key_encrypt(public_key, rsa_algs[i], ekm_view_text("secret"), &sealed, &err), &err);
    for (size_t at = 1; at < sealed.len; at += 51) {
      sealed.ptr[at] ^= 0x20;
      assert_false(ekm_token_rsa_decrypt(token, &key, rsa_algs[i], ekm_buf_view(&sealed), &open, &err));
      assert_int_equal(err.id, EKM_E_UNWRAP_REFUSED);
      assert_int_equal(open.len, 0);
      ekm_err_clear(&err);
      sealed.ptr[at] ^= 0x20;
    }
    /* What was encrypted for the other hash. */
    assert_false(ekm_token_rsa_decrypt(token, &key, rsa_algs[1 - i], ekm_buf_view(&sealed), &open, &err));
    assert_int_equal(err.id, EKM_E_UNWRAP_REFUSED);
    ekm_buf_clear(&sealed);
    ekm_buf_clear(&open);
  }
  ekm_key_free(&public_key);
}

static void what_the_token_signs_the_public_key_verifies(void **state) {
  static const struct {
    const char *alg, *curve;
    size_t digest;
  } cases[] = {{"RS256", NULL, 32},    {"RS384", NULL, 48},     {"RS512", NULL, 64},    {"PS256", NULL, 32},
               {"PS384", NULL, 48},    {"PS512", NULL, 64},     {"ES256", "P-256", 32}, {"ES384", "P-384", 48},
               {"ES512", "P-521", 64}, {"ES256K", "P-256K", 32}};
  uint8_t digest[64];
  (void)state;
  memset(digest, 0x5A, sizeof digest);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    ekm_token_key key;
    ekm_key *public_key;
    ekm_err err = {0};
    ekm_buf signature;
    bool valid = false;
    ekm_buf_init(&signature, BUF_BYTES);
    make(cases[i].curve == NULL ? EKM_TOKEN_RSA : EKM_TOKEN_EC, 2048, cases[i].curve, &key, &public_key);
    ekm_view view = ekm_view_of(digest, cases[i].digest);
    good(ekm_token_sign(token, &key, cases[i].alg, view, &signature, &err), &err);
    good(ekm_key_verify(public_key, cases[i].alg, view, ekm_buf_view(&signature), &valid, &err), &err);
    if (!valid) fail_msg("%s", cases[i].alg);
    assert_false(ekm_token_sign(token, &key, cases[i].alg, ekm_view_of(digest, 20), &signature, &err));
    assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
    ekm_err_clear(&err);
    assert_false(ekm_token_sign(token, &key, "HS256", view, &signature, &err));
    assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
    ekm_buf_clear(&signature);
    ekm_key_free(&public_key);
  }
}

/* ---- AES --------------------------------------------------------------------------------------------------------- */

/* The same bytes in the token and outside: both must say the same. */
static void the_token_does_what_we_do(void **state) {
  static const char *const modes[] = {"GCM", "CBC", "CBCPAD", "KW", "KWPAD"};
  uint8_t bytes[64], iv[16];
  (void)state;
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 + 1);
  memset(iv, 9, sizeof iv);
  for (unsigned bits = 128; bits <= 256; bits += 64) {
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
      char alg[16];
      ekm_err err = {0};
      ekm_token_key key;
      ekm_secret secret = {0};
      ekm_cipher_output in_token, outside;
      ekm_buf plain;
      bool is_cbc = modes[i][0] == 'C';
      const ekm_cipher_input in = {.value = ekm_view_of(bytes, 48),
                                   .iv = ekm_view_of(iv, is_cbc ? sizeof iv : 0),
                                   .aad = ekm_view_of("about", i == 0 ? 5 : 0)};
      (void)snprintf(alg, sizeof alg, "A%u%s", bits, modes[i]);
      ekm_buf_init(&in_token.value, BUF_BYTES);
      ekm_buf_init(&outside.value, BUF_BYTES);
      ekm_buf_init(&plain, BUF_BYTES);
      good(ekm_secret_set(&secret, ekm_view_of(bytes, bits / 8), &err), &err);
      good(ekm_token_import_aes(token, &secret, &key, &err), &err);
      good(ekm_token_aes_encrypt(token, &key, alg, &in, &in_token, &err), &err);
      const ekm_cipher_input sealed = {.value = ekm_buf_view(&in_token.value),
                                       .iv = ekm_view_of(in_token.iv, in_token.iv_len),
                                       .aad = in.aad,
                                       .tag = ekm_view_of(in_token.tag, in_token.tag_len)};
      good(ekm_cipher_decrypt(crypto, &secret, alg, &sealed, &plain, &err), &err);
      assert_true(ekm_view_equal(ekm_buf_view(&plain), in.value));
      ekm_buf_reset(&plain);
      good(ekm_cipher_encrypt(crypto, ekm_crypto_rng(crypto), &secret, alg, &in, &outside, &err), &err);
      ekm_cipher_input back = {.value = ekm_buf_view(&outside.value),
                               .iv = ekm_view_of(outside.iv, outside.iv_len),
                               .aad = in.aad,
                               .tag = ekm_view_of(outside.tag, outside.tag_len)};
      good(ekm_token_aes_decrypt(token, &key, alg, &back, &plain, &err), &err);
      assert_true(ekm_view_equal(ekm_buf_view(&plain), in.value));
      ekm_buf_reset(&plain);
      outside.value.ptr[3] ^= 1; /* CBC alone does not notice */
      bool notices = strcmp(modes[i], "CBC") != 0 && strcmp(modes[i], "CBCPAD") != 0;
      bool ok = ekm_token_aes_decrypt(token, &key, alg, &back, &plain, &err);
      if (notices) {
        assert_false(ok);
        assert_int_equal(err.id, EKM_E_UNWRAP_REFUSED);
      }
      ekm_secret_clear(&secret);
      ekm_buf_clear(&in_token.value);
      ekm_buf_clear(&outside.value);
      ekm_buf_clear(&plain);
    }
  }
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void a_key_that_is_destroyed_is_gone(void **state) {
  ekm_token_key key;
  ekm_key *public_key;
  ekm_err err = {0};
  ekm_buf out;
  uint8_t digest[32] = {0};
  (void)state;
  ekm_buf_init(&out, BUF_BYTES);
  make(EKM_TOKEN_EC, 0, "P-256", &key, &public_key);
  good(ekm_token_destroy(token, &key, &err), &err);
  assert_false(ekm_token_sign(token, &key, "ES256", ekm_view_of(digest, sizeof digest), &out, &err));
  assert_int_equal(err.id, EKM_E_TOKEN);
  assert_non_null(strstr(err.detail, "CKR_OBJECT_HANDLE_INVALID"));
  ekm_err_clear(&err);
  good(ekm_token_destroy(token, &key, &err), &err); /* again */
  ekm_key_free(&public_key);
  ekm_buf_clear(&out);
}

static void keys_outlive_the_program(void **state) {
  ekm_token_key key;
  ekm_key *public_key;
  ekm_err err = {0};
  ekm_buf sealed, open;
  (void)state;
  ekm_buf_init(&sealed, BUF_BYTES);
  ekm_buf_init(&open, BUF_BYTES);
  make(EKM_TOKEN_RSA, 2048, NULL, &key, &public_key);
  ekm_token_close(&token);
  good(open_token(soft_token_module(), NULL, SOFT_TOKEN_PIN, &token, &err), &err); /* the only one */
  good(ekm_key_encrypt(public_key, "RSA-OAEP-256", ekm_view_text("later"), &sealed, &err), &err);
  good(ekm_token_rsa_decrypt(token, &key, "RSA-OAEP-256", ekm_buf_view(&sealed), &open, &err), &err);
  assert_string_equal(ekm_buf_text(&open), "later");
  ekm_key_free(&public_key);
  ekm_buf_clear(&sealed);
  ekm_buf_clear(&open);
}

static void what_cannot_be_opened_says_why(void **state) {
  ekm_err err = {0};
  ekm_token *other = NULL;
  static const struct {
    const char *module, *label, *pin, *says;
    ekm_err_id id;
  } cases[] = {{"/nonexistent.so", SOFT_TOKEN_LABEL, SOFT_TOKEN_PIN, "/nonexistent.so", EKM_E_TOKEN},
               {NULL, "no such token", SOFT_TOKEN_PIN, "0 tokens with the label 'no such token'", EKM_E_TOKEN},
               {NULL, SOFT_TOKEN_LABEL, "000000", "CKR_PIN_INCORRECT", EKM_E_TOKEN_PIN}};
  (void)state;
  ekm_token_close(&token); /* a login is the process's: beside ours any PIN would do */
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *module = cases[i].module == NULL ? soft_token_module() : cases[i].module;
    assert_false(open_token(module, cases[i].label, cases[i].pin, &other, &err));
    assert_null(other);
    if (err.id != cases[i].id || strstr(err.detail, cases[i].says) == NULL) fail_msg("case %zu: %s", i, err.detail);
    ekm_err_clear(&err);
  }
  good(open_token(soft_token_module(), SOFT_TOKEN_LABEL, SOFT_TOKEN_PIN, &token, &err), &err);
}

static ekm_token_key shared;
static atomic_int failures;

static void sign_often(void *arg) {
  uint8_t digest[32] = {0};
  (void)arg;
  for (int i = 0; i < ROUNDS; i++) {
    ekm_err err = {0};
    ekm_buf out;
    ekm_buf_init(&out, BUF_BYTES);
    if (!ekm_token_sign(token, &shared, "ES256", ekm_view_of(digest, sizeof digest), &out, &err) || out.len != 64) {
      (void)atomic_fetch_add(&failures, 1);
    }
    ekm_buf_clear(&out);
  }
}

/* More of them than there are sessions. */
static void threads_share_the_sessions(void **state) {
  ekm_err err = {0};
  ekm_key *public_key;
  ekm_thread *threads[THREADS];
  (void)state;
  make(EKM_TOKEN_EC, 0, "P-256", &shared, &public_key);
  for (int i = 0; i < THREADS; i++) assert_true(ekm_thread_start(&threads[i], sign_often, NULL, &err));
  for (int i = 0; i < THREADS; i++) ekm_thread_join(&threads[i]);
  assert_int_equal(atomic_load(&failures), 0);
  ekm_key_free(&public_key);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_the_public_key_encrypts_the_token_decrypts),
      cmocka_unit_test(every_fault_of_a_ciphertext_is_one),
      cmocka_unit_test(what_the_token_signs_the_public_key_verifies),
      cmocka_unit_test(the_token_does_what_we_do),
      cmocka_unit_test(a_key_that_is_destroyed_is_gone),
      cmocka_unit_test(keys_outlive_the_program),
      cmocka_unit_test(what_cannot_be_opened_says_why),
      cmocka_unit_test(threads_share_the_sessions),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
