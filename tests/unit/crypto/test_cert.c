/* Certificates: what we make, as OpenSSL's verifier sees it. */
#include "crypto/cert.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "support/cmocka_all.h"

enum { NOT_BEFORE = 1700000000, NOT_AFTER = 1800000000, NOW = 1750000000 };

static const char *const names[] = {"myvault.vault.localhost", "*.vault.localhost", "127.0.0.1", "::1"};

typedef struct fixture {
  ekm_crypto *crypto;
  ekm_buf ca, ca_key, cert, key;
} fixture;

static ekm_cert_request request_for(const char *common_name) {
  return (ekm_cert_request){common_name, names, 4, NOT_BEFORE, NOT_AFTER};
}

static int set_up(void **state) {
  static fixture f;
  ekm_err err = {0};
  ekm_cert_request ca = request_for("test authority");
  ekm_cert_request server = request_for("localhost");
  *state = &f;
  ekm_buf_init(&f.ca, 65536);
  ekm_buf_init(&f.ca_key, 65536);
  ekm_buf_init(&f.cert, 65536);
  ekm_buf_init(&f.key, 65536);
  return ekm_crypto_new(&f.crypto, &err) && ekm_cert_make_authority(f.crypto, &ca, &f.ca, &f.ca_key, &err) &&
                 ekm_cert_make_server(f.crypto, &server, ekm_buf_view(&f.ca), ekm_buf_view(&f.ca_key), &f.cert, &f.key,
                                      &err)
             ? 0
             : -1;
}

static int tear_down(void **state) {
  fixture *f = *state;
  ekm_buf_clear(&f->ca);
  ekm_buf_clear(&f->ca_key);
  ekm_buf_clear(&f->cert);
  ekm_buf_clear(&f->key);
  ekm_crypto_free(&f->crypto);
  return 0;
}

static X509 *parse(const ekm_buf *pem) {
  BIO *bio = BIO_new_mem_buf(pem->ptr, (int)pem->len);
  X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  BIO_free(bio);
  assert_non_null(cert);
  return cert;
}

static EVP_PKEY *parse_key(const ekm_buf *pem) {
  BIO *bio = BIO_new_mem_buf(pem->ptr, (int)pem->len);
  EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
  BIO_free(bio);
  assert_non_null(key);
  return key;
}

/* What "openssl verify -x509_strict -purpose sslserver -verify_hostname" decides, as an X509_V_ code. */
static int verify(X509 *ca, X509 *cert, const char *host, time_t at) {
  X509_STORE *store = X509_STORE_new();
  X509_STORE_CTX *ctx = X509_STORE_CTX_new();
  assert_int_equal(X509_STORE_add_cert(store, ca), 1);
  assert_int_equal(X509_STORE_CTX_init(ctx, store, cert, NULL), 1);
  X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
  assert_int_equal(X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER), 1);
  X509_VERIFY_PARAM_set_time(param, at);
  assert_int_equal(X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT), 1);
  assert_int_equal(X509_VERIFY_PARAM_set1_host(param, host, 0), 1);
  int verdict = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
  X509_STORE_CTX_free(ctx);
  X509_STORE_free(store);
  return verdict;
}

static void the_chain_verifies(void **state) {
  fixture *f = *state;
  X509 *ca = parse(&f->ca);
  X509 *cert = parse(&f->cert);
  assert_int_equal(verify(ca, cert, "myvault.vault.localhost", NOW), X509_V_OK);
  assert_int_equal(verify(ca, cert, "another.vault.localhost", NOW), X509_V_OK);
  assert_int_equal(verify(ca, cert, "vault.localhost", NOW), X509_V_ERR_HOSTNAME_MISMATCH);
  assert_int_equal(verify(ca, cert, "localhost", NOW), X509_V_ERR_HOSTNAME_MISMATCH);
  assert_int_equal(verify(ca, cert, "myvault.vault.localhost", NOT_BEFORE - 1), X509_V_ERR_CERT_NOT_YET_VALID);
  assert_int_equal(verify(ca, cert, "myvault.vault.localhost", NOT_AFTER + 1), X509_V_ERR_CERT_HAS_EXPIRED);
  assert_int_equal(verify(cert, ca, "myvault.vault.localhost", NOW), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
  X509_free(cert);
  X509_free(ca);
}

static void keys_belong_to_their_certificates(void **state) {
  fixture *f = *state;
  X509 *ca = parse(&f->ca);
  X509 *cert = parse(&f->cert);
  EVP_PKEY *ca_key = parse_key(&f->ca_key);
  EVP_PKEY *key = parse_key(&f->key);
  assert_int_equal(X509_check_private_key(ca, ca_key), 1);
  assert_int_equal(X509_check_private_key(cert, key), 1);
  assert_int_equal(X509_check_private_key(cert, ca_key), 0);
  assert_int_equal(X509_verify(cert, ca_key), 1);
  assert_int_equal(X509_verify(cert, key), 0);
  assert_true(EVP_PKEY_is_a(key, "EC"));
  assert_int_equal(EVP_PKEY_get_bits(key), 256);
  assert_int_equal(X509_check_ca(ca), 1);
  assert_int_equal(X509_check_ca(cert), 0);
  assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(ca), X509_get0_serialNumber(cert)), 0);
  ERR_clear_error();
  EVP_PKEY_free(key);
  EVP_PKEY_free(ca_key);
  X509_free(cert);
  X509_free(ca);
}

static void names_and_addresses_are_covered(void **state) {
  fixture *f = *state;
  static const struct {
    const char *name;
    bool covered;
  } rows[] = {
      {"myvault.vault.localhost", true},
      {"MYVAULT.vault.LOCALHOST", true},
      {"other.vault.localhost", true},
      {"127.0.0.1", true},
      {"::1", true},
      {"0:0:0:0:0:0:0:1", true},
      {"vault.localhost", false},
      {"a.b.vault.localhost", false},
      {"localhost", false},
      {"127.0.0.2", false},
      {"::2", false},
      {"", false},
      {"evil.test", false},
      {"1", false},
      {":", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    bool covers = !rows[i].covered;
    assert_true(ekm_cert_covers(f->crypto, ekm_buf_view(&f->cert), rows[i].name, &covers, &err));
    if (covers != rows[i].covered) fail_msg("'%s'", rows[i].name);
  }
}

static void the_last_second_is_known(void **state) {
  fixture *f = *state;
  static const int64_t ends[] = {NOT_AFTER, 2524607999 /* last of UTCTime */, 2524608000, 4102444800};
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    ekm_err err = {0};
    int64_t end = 0;
    ekm_buf cert;
    ekm_buf key;
    ekm_cert_request request = request_for("x");
    request.not_after_wall_s = ends[i];
    ekm_buf_init(&cert, 8192);
    ekm_buf_init(&key, 8192);
    assert_true(ekm_cert_make_authority(f->crypto, &request, &cert, &key, &err));
    assert_true(ekm_cert_not_after(f->crypto, ekm_buf_view(&cert), &end, &err));
    assert_int_equal(end, ends[i]);
    ekm_buf_clear(&cert);
    ekm_buf_clear(&key);
  }
}

static void requests_that_make_no_certificate(void **state) {
  fixture *f = *state;
  static const char *const bad_names[] = {"",      "a b",  "a,DNS:evil", "a\nb",    "300.1.1.1",
                                          "1.2.3", "::zz", "@",          "\xc3\xa4"};
  ekm_buf cert;
  ekm_buf key;
  ekm_buf_init(&cert, 8192);
  ekm_buf_init(&key, 8192);
  for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++) {
    ekm_err err = {0};
    ekm_cert_request request = {"x", &bad_names[i], 1, NOT_BEFORE, NOT_AFTER};
    assert_false(
        ekm_cert_make_server(f->crypto, &request, ekm_buf_view(&f->ca), ekm_buf_view(&f->ca_key), &cert, &key, &err));
    assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
    assert_int_equal(cert.len + key.len, 0);
  }
  ekm_err err = {0};
  ekm_cert_request backwards = {"x", names, 4, NOT_AFTER, NOT_BEFORE};
  assert_false(ekm_cert_make_authority(f->crypto, &backwards, &cert, &key, &err));
  assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
  ekm_cert_request nameless = {"x", NULL, 0, NOT_BEFORE, NOT_AFTER};
  assert_false(
      ekm_cert_make_server(f->crypto, &nameless, ekm_buf_view(&f->ca), ekm_buf_view(&f->ca_key), &cert, &key, &err));
  assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
  ekm_cert_request good = request_for("x");
  assert_false(ekm_cert_make_server(f->crypto, &good, ekm_buf_view(&f->ca), ekm_buf_view(&f->key), &cert, &key, &err));
  assert_int_equal(err.id, EKM_E_CRYPTO);
  ekm_buf_clear(&cert);
  ekm_buf_clear(&key);
}

static void what_is_no_pem_is_refused(void **state) {
  fixture *f = *state;
  const ekm_view rows[] = {ekm_view_of(NULL, 0),
                           ekm_view_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
                           ekm_view_of(f->cert.ptr, f->cert.len / 2), ekm_buf_view(&f->key)};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    int64_t end = 1;
    bool covers = true;
    assert_false(ekm_cert_not_after(f->crypto, rows[i], &end, &err));
    assert_int_equal(err.id, EKM_E_CRYPTO);
    assert_int_equal(end, 0);
    assert_false(ekm_cert_covers(f->crypto, rows[i], "x", &covers, &err));
    assert_int_equal(err.id, EKM_E_CRYPTO);
    assert_false(covers);
  }
  assert_int_equal(ERR_peek_error(), 0);
}

static void a_certificate_is_told_about(void **state) {
  fixture *f = *state;
  ekm_cert_info info;
  ekm_err err = {0};
  uint8_t *der = NULL;
  ekm_buf both;
  X509 *cert = parse(&f->ca);
  int len = i2d_X509(cert, &der);
  ekm_cert_info_init(&info);
  ekm_buf_init(&both, 65536);
  ekm_buf_append_view(&both, ekm_buf_view(&f->ca_key)); /* a private key in front is not looked at */
  ekm_buf_append_view(&both, ekm_buf_view(&f->ca));
  assert_true(ekm_cert_read(f->crypto, ekm_buf_view(&both), &info, &err));
  assert_int_equal(info.not_before_wall_s, NOT_BEFORE);
  assert_int_equal(info.not_after_wall_s, NOT_AFTER);
  assert_int_equal(info.der.len, len);
  assert_memory_equal(info.der.ptr, der, info.der.len);
  const uint8_t *at = info.public_key.ptr;
  EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)info.public_key.len);
  assert_non_null(key);
  assert_int_equal(EVP_PKEY_eq(key, X509_get0_pubkey(cert)), 1);
  EVP_PKEY_free(key);
  ekm_cert_info_clear(&info);
  assert_false(ekm_cert_read(f->crypto, ekm_buf_view(&f->ca_key), &info, &err));
  assert_int_equal(err.id, EKM_E_CRYPTO);
  ekm_cert_info_clear(&info);
  ekm_buf_clear(&both);
  OPENSSL_free(der);
  X509_free(cert);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_chain_verifies),
      cmocka_unit_test(keys_belong_to_their_certificates),
      cmocka_unit_test(names_and_addresses_are_covered),
      cmocka_unit_test(the_last_second_is_known),
      cmocka_unit_test(requests_that_make_no_certificate),
      cmocka_unit_test(what_is_no_pem_is_refused),
      cmocka_unit_test(a_certificate_is_told_about),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
