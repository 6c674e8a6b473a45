/* Signers: the files that can be used, and those that cannot. The files of tests/vectors/signer were made by openssl;
 * its own verifier judges the signatures. */
#include "crypto/signer.h"

#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <string.h>

#include "signer_vectors.h"
#include "support/cmocka_all.h"
#include "support/memory_gate.h"
#include "support/vectors.h"

#define PASSWORD "p\xc3\xa4ssword"

static bool is_signature(ekm_view text, const ekm_buf *signature) {
  ekm_buf pem = signer_vector("certificate.pem");
  BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
  X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  EVP_PKEY_CTX *options = NULL;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  assert_non_null(cert);
  assert_int_equal(EVP_DigestVerifyInit(ctx, &options, EVP_sha256(), NULL, X509_get0_pubkey(cert)), 1);
  assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING), 1);
  assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, 32), 1);
  bool good = EVP_DigestVerify(ctx, signature->ptr, signature->len, text.ptr, text.len) == 1;
  EVP_MD_CTX_free(ctx);
  X509_free(cert);
  BIO_free(bio);
  ekm_buf_clear(&pem);
  return good;
}

static bool open_and_sign(ekm_view file, const char *password, ekm_buf *out_signature, ekm_err *err) {
  ekm_signer *signer = NULL;
  bool ok = ekm_signer_open(file, ekm_view_text(password), &signer, err);
  assert_int_equal(ok, signer != NULL);
  if (ok) {
    signer_vector_check(ekm_signer_about(signer));
    ok = ekm_signer_sign(signer, ekm_view_text("to be signed"), out_signature, err);
  }
  ekm_signer_free(&signer);
  return ok;
}

static void every_form_signs(void **state) {
  static const struct {
    const char *name, *password;
  } rows[] = {
      {"pkcs8.pem", ""},     {"pkcs8.pem", "not needed"}, {"pkcs1-chain.pem", ""},    {"encrypted.pem", PASSWORD},
      {"aes.pfx", PASSWORD}, {"rc2.pfx", PASSWORD},       {"empty-password.pfx", ""},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    ekm_buf file = signer_vector(rows[i].name), signature;
    ekm_buf_init(&signature, 1024);
    ekm_buf_append_text(&signature, "kept");
    if (!open_and_sign(ekm_buf_view(&file), rows[i].password, &signature, &err)) {
      fail_msg("%s: %s", rows[i].name, err.detail);
    }
    assert_memory_equal(signature.ptr, "kept", 4);
    memmove(signature.ptr, signature.ptr + 4, signature.len - 4);
    ekm_buf_truncate(&signature, signature.len - 4);
    assert_int_equal(signature.len, 256);
    assert_true(is_signature(ekm_view_text("to be signed"), &signature));
    assert_false(is_signature(ekm_view_text("to be signeD"), &signature));
    ekm_buf_clear(&signature);
    ekm_buf_clear(&file);
  }
}

static void each_fault_has_its_error(void **state) {
  static const struct {
    const char *name, *password;
    ekm_err_id expected;
    const char *words;
  } rows[] = {
      {"encrypted.pem", "", EKM_E_CERT_PASSWORD, "none is given"},
      {"encrypted.pem", "wrong", EKM_E_CERT_PASSWORD, "does not open"},
      {"aes.pfx", "", EKM_E_CERT_PASSWORD, "none is given"},
      {"aes.pfx", "password", EKM_E_CERT_PASSWORD, "does not open"},
      {"rc2.pfx", "wrong", EKM_E_CERT_PASSWORD, "does not open"},
      {"empty-password.pfx", "wrong", EKM_E_CERT_PASSWORD, "does not open"},
      {"no-mac.pfx", PASSWORD, EKM_E_CERT_FILE, "without a MAC"},
      {"no-key.pfx", PASSWORD, EKM_E_CERT_NO_KEY, "none in it"},
      {"certificate.pem", "", EKM_E_CERT_NO_KEY, "none in it"},
      {"foreign-key.pem", "", EKM_E_CERT_NO_KEY, "not that of its certificate"},
      {"key.pem", "", EKM_E_CERT_FILE, "no certificate"},
      {"two-keys.pem", "", EKM_E_CERT_FILE, "more than one private key"},
      {"old-encrypted.pem", "old", EKM_E_CERT_FILE, "openssl pkcs8"},
      {"ec.pem", "", EKM_E_CERT_FILE, "not RSA"},
      {"ec-sec1.pem", "", EKM_E_CERT_FILE, "not RSA"},
      {"ec.pfx", PASSWORD, EKM_E_CERT_FILE, "not RSA"},
      {"rsa-1024.pem", "", EKM_E_CERT_FILE, "1024 bits"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    ekm_signer *signer = NULL;
    ekm_buf file = signer_vector(rows[i].name);
    assert_false(ekm_signer_open(ekm_buf_view(&file), ekm_view_text(rows[i].password), &signer, &err));
    assert_null(signer);
    if (err.id != rows[i].expected || strstr(err.detail, rows[i].words) == NULL) {
      fail_msg("%s: %s, %s", rows[i].name, ekm_err_info_of(err.id)->name, err.detail);
    }
    ekm_buf_clear(&file);
  }
}

static ekm_err_id open_text(ekm_view text) {
  ekm_err err = {0};
  ekm_signer *signer = NULL;
  assert_false(ekm_signer_open(text, ekm_view_text(""), &signer, &err));
  return err.id;
}

static void what_is_no_file_is_refused(void **state) {
  static const char *const rows[] = {
      "",
      "hello",
      "0hello",
      "-----BEGIN CERTIFICATE-----",
      "-----BEGIN CERTIFICATE",
      "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
      "-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----",
      "-----BEGIN CERTIFICATE-----\nAA=A\n-----END CERTIFICATE-----",
      "-----BEGIN CERTIFICATE-----\nA===\n-----END CERTIFICATE-----",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
      "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
      "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----",
      "-----BEGIN 0123456789012345678901234567890123456789X-----\nAAAA",
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (open_text(ekm_view_text(rows[i])) != EKM_E_CERT_FILE) fail_msg("row %zu", i);
  }
}

/* Cut anywhere or with any byte changed, a file is refused or is still one; with sanitizers this is a search. */
static void damaged_files_are_survived(void **state) {
  static const char *const names[] = {"pkcs8.pem", "aes.pfx"};
  (void)state;
  for (size_t k = 0; k < 2; k++) {
    ekm_buf file = signer_vector(names[k]);
    for (size_t len = 0; len < file.len - 1; len += 61) {
      ekm_err_id id = open_text(ekm_view_of(file.ptr, len));
      assert_true(id == EKM_E_CERT_FILE || id == EKM_E_CERT_NO_KEY);
    }
    ekm_buf_clear(&file);
  }
}

static void a_long_file_is_refused(void **state) {
  ekm_buf file;
  (void)state;
  ekm_buf_init(&file, 2 * EKM_SIGNER_FILE_MAX_BYTES);
  (void)ekm_buf_extend(&file, EKM_SIGNER_FILE_MAX_BYTES);
  assert_int_equal(open_text(ekm_buf_view(&file)), EKM_E_CERT_FILE);
  ekm_buf_append_char(&file, 'x');
  assert_int_equal(open_text(ekm_buf_view(&file)), EKM_E_LIMIT);
  ekm_buf_clear(&file);
}

static void memory_that_runs_out_is_said(void **state) {
  memory_gate gate = {0};
  ekm_buf file = signer_vector("pkcs8.pem");
  (void)state;
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_err err = {0};
    ekm_buf signature;
    ekm_signer *signer = NULL;
    ekm_buf_init(&signature, 1024);
    bool ok = ekm_signer_open(ekm_buf_view(&file), ekm_view_text(""), &signer, &err) &&
              ekm_signer_sign(signer, ekm_view_text("to be signed"), &signature, &err);
    memory_gate_check(&gate, ok, &err);
    ekm_signer_free(&signer);
    ekm_buf_clear(&signature);
  }
  ekm_buf_clear(&file);
}

static OSSL_PROVIDER *usual;

/* The host may have turned its default context off, as FIPS builds do; ours is another. */
static void the_hosts_context_is_not_needed(void **state) {
  (void)state;
  OSSL_PROVIDER *none = OSSL_PROVIDER_load(NULL, "null");
  assert_non_null(none);
  ekm_err err = {0};
  ekm_buf signature, file = signer_vector("aes.pfx");
  ekm_buf_init(&signature, 1024);
  assert_true(open_and_sign(ekm_buf_view(&file), PASSWORD, &signature, &err));
  ekm_buf_clear(&signature);
  ekm_buf_clear(&file);
  assert_int_equal(OSSL_PROVIDER_unload(none), 1);
  usual = OSSL_PROVIDER_load(NULL, "default"); /* for the tests that follow */
  assert_non_null(usual);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_hosts_context_is_not_needed), /* first: nothing has used that context yet */
      cmocka_unit_test(every_form_signs),
      cmocka_unit_test(each_fault_has_its_error),
      cmocka_unit_test(what_is_no_file_is_refused),
      cmocka_unit_test(damaged_files_are_survived),
      cmocka_unit_test(a_long_file_is_refused),
      cmocka_unit_test(memory_that_runs_out_is_said),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  OSSL_PROVIDER_unload(usual);
  return failed;
}
