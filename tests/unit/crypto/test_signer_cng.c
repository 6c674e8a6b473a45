/* Signers by Windows: PFX files, and entries of the machine's store. The files of tests/vectors/signer were made by
 * openssl. Wine reads PFX files by GnuTLS, with passwords of ASCII, says of none why it does not, knows no flag for CNG
 * and has no CNG handle for their keys: so the parts are tried here, the signature with a key of CNG's own. What a real
 * Windows has to show is in docs/windows-verification.md. */
#include "crypto/signer_cng.h"

#include <windows.h>

#include <ncrypt.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "signer_vectors.h"
#include "support/cmocka_all.h"
#include "support/memory_gate.h"

#define PASSWORD "password"
#define MACHINE_MY L"SOFTWARE\\Microsoft\\SystemCertificates\\My\\Certificates\\"

/* --- PFX files ---------------------------------------------------------------------------------------------------- */

static bool open_as_wine_can(ekm_view file, const char *password, ekm_signer **out_signer, ekm_err *err) {
  return signer_cng_open_pfx(file, ekm_view_text(password), PKCS12_NO_PERSIST_KEY, out_signer, err);
}

static void every_pfx_file_is_described(void **state) {
  static const struct {
    const char *name, *password;
  } rows[] = {{"ascii-aes.pfx", PASSWORD}, {"ascii-3des.pfx", PASSWORD}, {"empty-password.pfx", ""}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    ekm_signer *signer = NULL;
    ekm_buf file = signer_vector(rows[i].name);
    if (!open_as_wine_can(ekm_buf_view(&file), rows[i].password, &signer, &err)) {
      fail_msg("%s: %s, %s", rows[i].name, ekm_err_info_of(err.id)->name, err.detail);
    }
    signer_vector_check(ekm_signer_about(signer));
    ekm_signer_free(&signer);
    assert_null(signer);
    ekm_buf_clear(&file);
  }
}

static void each_fault_has_its_error(void **state) {
  static const struct {
    const char *name, *password;
    ekm_err_id expected;
    const char *words;
  } rows[] = {
      {"ascii-rsa-1024.pfx", PASSWORD, EKM_E_CERT_FILE, "1024 bits"},
      {"ascii-aes.pfx", "", EKM_E_CERT_FILE, "no PFX file that Windows understands"},
      {"ascii-aes.pfx", "wrong", EKM_E_CERT_FILE, "no PFX file that Windows understands"},
      {"ascii-ec.pfx", PASSWORD, EKM_E_CERT_FILE, ""},
      {"pkcs8.pem", "", EKM_E_CERT_FILE, "PEM files are not read on Windows"},
      {"pkcs1-chain.pem", "", EKM_E_CERT_FILE, "openssl pkcs12"},
      {"ascii-aes.pfx", "\xff", EKM_E_TEXT_ENCODING, "UTF-8"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    ekm_signer *signer = NULL;
    ekm_buf file = signer_vector(rows[i].name);
    assert_false(open_as_wine_can(ekm_buf_view(&file), rows[i].password, &signer, &err));
    assert_null(signer);
    if (err.id != rows[i].expected || strstr(err.detail, rows[i].words) == NULL) {
      fail_msg("%s: %s, %s", rows[i].name, ekm_err_info_of(err.id)->name, err.detail);
    }
    ekm_buf_clear(&file);
  }
}

/* The words of the documents of PFXImportCertStore, CryptAcquireCertificatePrivateKey and NCryptSignHash. */
static void what_windows_says_has_its_error(void **state) {
  static const struct {
    DWORD code;
    ekm_err_id expected;
  } rows[] = {{(DWORD)CRYPT_E_NO_KEY_PROPERTY, EKM_E_CERT_NO_KEY},
              {(DWORD)NTE_BAD_PUBLIC_KEY, EKM_E_CERT_NO_KEY},
              {(DWORD)NTE_BAD_KEYSET, EKM_E_CERT_KEY_DENIED},
              {(DWORD)NTE_PERM, EKM_E_CERT_KEY_DENIED},
              {ERROR_ACCESS_DENIED, EKM_E_CERT_KEY_DENIED},
              {0x80070005, EKM_E_CERT_KEY_DENIED},
              {(DWORD)NTE_SILENT_CONTEXT, EKM_E_CERT_KEY_DENIED},
              {(DWORD)NTE_INVALID_HANDLE, EKM_E_CRYPTO},
              {0, EKM_E_CRYPTO}};
  ekm_err err = {0};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err_clear(&err);
    assert_false(signer_cng_fail_key(rows[i].code, &err));
    if (err.id != rows[i].expected) fail_msg("0x%08lx: %s", rows[i].code, ekm_err_info_of(err.id)->name);
  }
  ekm_err_clear(&err);
  assert_false(signer_cng_fail_import(ERROR_INVALID_PASSWORD, true, &err));
  assert_int_equal(err.id, EKM_E_CERT_PASSWORD);
  assert_non_null(strstr(err.detail, "does not open"));
  ekm_err_clear(&err);
  assert_false(signer_cng_fail_import(ERROR_INVALID_PASSWORD, false, &err));
  assert_int_equal(err.id, EKM_E_CERT_PASSWORD);
  assert_string_equal(err.detail, "none is given");
  ekm_err_clear(&err);
  assert_false(signer_cng_fail_import(0x8009310b, true, &err)); /* CRYPT_E_ASN1_BADTAG */
  assert_int_equal(err.id, EKM_E_CERT_FILE);
}

static ekm_err_id open_text(ekm_view text) {
  ekm_err err = {0};
  ekm_signer *signer = NULL;
  assert_false(ekm_signer_open(text, ekm_view_text(PASSWORD), &signer, &err));
  return err.id;
}

static void what_is_no_file_is_refused(void **state) {
  static const char *const rows[] = {"", "hello", "0hello", "-----BEGIN", "0\x82\xff\xff", "0\x80"};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (open_text(ekm_view_text(rows[i])) != EKM_E_CERT_FILE) fail_msg("row %zu", i);
  }
  ekm_buf file = signer_vector("ascii-aes.pfx");
  for (size_t len = 0; len < file.len; len += 101) {
    if (open_text(ekm_view_of(file.ptr, len)) != EKM_E_CERT_FILE) fail_msg("%zu bytes", len);
  }
  ekm_buf_reset(&file);
  (void)ekm_buf_extend(&file, EKM_SIGNER_FILE_MAX_BYTES + 1);
  assert_int_equal(open_text(ekm_buf_view(&file)), EKM_E_LIMIT);
  ekm_buf_clear(&file);
}

static void memory_that_runs_out_is_said(void **state) {
  memory_gate gate = {0};
  ekm_buf file = signer_vector("ascii-aes.pfx");
  (void)state;
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_err err = {0};
    ekm_signer *signer = NULL;
    bool ok = open_as_wine_can(ekm_buf_view(&file), PASSWORD, &signer, &err);
    memory_gate_check(&gate, ok, &err);
    ekm_signer_free(&signer);
  }
  ekm_buf_clear(&file);
}

/* The certificate of a file in tests/vectors/signer. */
static PCCERT_CONTEXT certificate(const char *name) {
  BYTE der[4096];
  DWORD len = sizeof der;
  ekm_buf pem = signer_vector(name);
  const char *at = strstr(ekm_buf_text(&pem), "-----BEGIN CERTIFICATE");
  assert_non_null(at);
  assert_true(CryptStringToBinaryA(at, 0, CRYPT_STRING_BASE64HEADER, der, &len, NULL, NULL));
  ekm_buf_clear(&pem);
  PCCERT_CONTEXT cert = CertCreateCertificateContext(X509_ASN_ENCODING, der, len);
  assert_non_null(cert);
  return cert;
}

/* A store as an import makes it: ${names}, of which the first ${keys} have a private key. */
static HCERTSTORE make_store(const char *const *names, size_t count, size_t keys) {
  static WCHAR container[] = L"OpenEKM-no-such-key";
  const CRYPT_KEY_PROV_INFO key = {.pwszContainerName = container, .dwProvType = PROV_RSA_AES};
  HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
  assert_non_null(store);
  for (size_t i = 0; i < count; i++) {
    PCCERT_CONTEXT cert = certificate(names[i]);
    if (i < keys) assert_true(CertSetCertificateContextProperty(cert, CERT_KEY_PROV_INFO_PROP_ID, 0, &key));
    assert_true(CertAddCertificateContextToStore(store, cert, CERT_STORE_ADD_NEW, NULL));
    (void)CertFreeCertificateContext(cert);
  }
  return store;
}

static void the_one_with_a_key_counts(void **state) {
  static const char *const names[] = {"certificate.pem", "rsa-1024.pem"};
  static const struct {
    size_t count, keys;
    ekm_err_id expected;
  } rows[] = {{0, 0, EKM_E_CERT_NO_KEY},
              {2, 0, EKM_E_CERT_NO_KEY},
              {2, 1, EKM_E_OK},
              {1, 1, EKM_E_OK},
              {2, 2, EKM_E_CERT_FILE}};
  PCCERT_CONTEXT first = certificate(names[0]);
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    PCCERT_CONTEXT cert = NULL;
    HCERTSTORE store = make_store(names, rows[i].count, rows[i].keys);
    bool ok = signer_cng_choose(store, &cert, &err);
    if (err.id != rows[i].expected) fail_msg("row %zu: %s", i, ekm_err_info_of(err.id)->name);
    assert_int_equal(ok, rows[i].expected == EKM_E_OK);
    if (ok) assert_true(CertCompareCertificate(X509_ASN_ENCODING, cert->pCertInfo, first->pCertInfo));
    if (cert != NULL) (void)CertFreeCertificateContext(cert);
    assert_true(CertCloseStore(store, CERT_CLOSE_STORE_CHECK_FLAG)); /* false if somebody still holds a part */
  }
  (void)CertFreeCertificateContext(first);
}

/* --- entries of the store ----------------------------------------------------------------------------------------- */

/* certificate.pem as an entry of LocalMachine\My, without a private key. */
typedef struct entry {
  HCERTSTORE store;
  char thumbprint[EKM_SIGNER_ENTRY_CHARS + 1];
} entry;

static void put_entry(entry *e) {
  BYTE sha1[EKM_SHA1_BYTES];
  DWORD len = sizeof sha1;
  PCCERT_CONTEXT cert = certificate("certificate.pem");
  assert_true(CertGetCertificateContextProperty(cert, CERT_SHA1_HASH_PROP_ID, sha1, &len));
  ekm_hex_text(ekm_view_of(sha1, sizeof sha1), e->thumbprint, sizeof e->thumbprint);
  e->store = CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, CERT_SYSTEM_STORE_LOCAL_MACHINE, L"MY");
  assert_non_null(e->store);
  assert_true(CertAddCertificateContextToStore(e->store, cert, CERT_STORE_ADD_REPLACE_EXISTING, NULL));
  assert_true(CertFreeCertificateContext(cert));
  assert_true(CertCloseStore(e->store, 0)); /* written now */
}

/* By the registry: Wine's CertDeleteCertificateFromStore lets an entry stay. */
static void remove_entry(const entry *e) {
  WCHAR name[200];
  (void)swprintf(name, sizeof name / sizeof name[0], L"%ls%hs", MACHINE_MY, e->thumbprint);
  for (WCHAR *at = name + sizeof MACHINE_MY / sizeof(WCHAR) - 1; *at != L'\0'; at++) {
    if (*at >= L'a') *at -= L'a' - L'A';
  }
  assert_int_equal(RegDeleteKeyExW(HKEY_LOCAL_MACHINE, name, KEY_WOW64_64KEY, 0), ERROR_SUCCESS);
}

static void check_refused(const char *thumbprint, ekm_err_id expected, const char *words) {
  ekm_err err = {0};
  ekm_signer *signer = NULL;
  bool ok = ekm_signer_open_store(thumbprint, &signer, &err);
  ekm_signer_free(&signer);
  if (ok || err.id != expected || strstr(err.detail, words) == NULL) {
    fail_msg("%s: %s, %s", thumbprint, ekm_err_info_of(err.id)->name, err.detail);
  }
}

static void a_missing_entry_is_said(void **state) {
  (void)state;
  check_refused("0123456789abcdef0123456789abcdef01234567", EKM_E_CERT_STORE, "not in Personal");
}

static void an_entry_without_a_key_is_said(void **state) {
  entry e;
  (void)state;
  put_entry(&e);
  check_refused(e.thumbprint, EKM_E_CERT_NO_KEY, "none in it");
  remove_entry(&e);
  check_refused(e.thumbprint, EKM_E_CERT_STORE, "not in Personal");
}

/* --- signatures --------------------------------------------------------------------------------------------------- */

static NCRYPT_KEY_HANDLE make_key(void) {
  NCRYPT_PROV_HANDLE provider = 0;
  NCRYPT_KEY_HANDLE key = 0;
  DWORD bits = 2048;
  assert_int_equal(NCryptOpenStorageProvider(&provider, MS_KEY_STORAGE_PROVIDER, 0), ERROR_SUCCESS);
  assert_int_equal(NCryptCreatePersistedKey(provider, &key, BCRYPT_RSA_ALGORITHM, NULL, 0, 0), ERROR_SUCCESS);
  assert_int_equal(NCryptSetProperty(key, NCRYPT_LENGTH_PROPERTY, (BYTE *)&bits, sizeof bits, 0), ERROR_SUCCESS);
  assert_int_equal(NCryptFinalizeKey(key, 0), ERROR_SUCCESS);
  (void)NCryptFreeObject(provider);
  return key;
}

/* Judged by BCrypt, with the salt that RFC 7518 section 3.5 wants. */
static bool is_signature(NCRYPT_KEY_HANDLE key, const uint8_t *hash, const ekm_buf *signature) {
  BYTE blob[1024];
  DWORD len = 0;
  BCRYPT_ALG_HANDLE rsa = NULL;
  BCRYPT_KEY_HANDLE public = NULL;
  BCRYPT_PSS_PADDING_INFO padding = {BCRYPT_SHA256_ALGORITHM, 32};
  assert_int_equal(NCryptExportKey(key, 0, BCRYPT_RSAPUBLIC_BLOB, NULL, blob, sizeof blob, &len, 0), ERROR_SUCCESS);
  assert_int_equal(BCryptOpenAlgorithmProvider(&rsa, BCRYPT_RSA_ALGORITHM, NULL, 0), 0);
  assert_int_equal(BCryptImportKeyPair(rsa, NULL, BCRYPT_RSAPUBLIC_BLOB, &public, blob, len, 0), 0);
  NTSTATUS status = BCryptVerifySignature(public, &padding, (PUCHAR)(uintptr_t)hash, EKM_SHA256_BYTES, signature->ptr,
                                          (ULONG)signature->len, BCRYPT_PAD_PSS);
  (void)BCryptDestroyKey(public);
  (void)BCryptCloseAlgorithmProvider(rsa, 0);
  return BCRYPT_SUCCESS(status);
}

static void a_signature_is_one(void **state) {
  ekm_err err = {0};
  ekm_buf signature;
  uint8_t hash[EKM_SHA256_BYTES] = {1, 2, 3};
  (void)state;
  NCRYPT_KEY_HANDLE key = make_key();
  ekm_buf_init(&signature, 512);
  if (!signer_cng_sign(key, hash, &signature, &err)) fail_msg("%s", err.detail);
  assert_int_equal(signature.len, 256);
  assert_true(is_signature(key, hash, &signature));
  hash[0] ^= 1;
  assert_false(is_signature(key, hash, &signature));
  ekm_buf_clear(&signature);
  (void)NCryptFreeObject(key);
}

static void what_is_no_key_signs_nothing(void **state) {
  ekm_err err = {0};
  ekm_buf signature;
  uint8_t hash[EKM_SHA256_BYTES] = {0};
  (void)state;
  ekm_buf_init(&signature, 1024);
  ekm_buf_append_text(&signature, "kept");
  assert_false(signer_cng_sign(0, hash, &signature, &err));
  assert_int_equal(err.id, EKM_E_CRYPTO);
  assert_string_equal(ekm_buf_text(&signature), "kept");
  ekm_buf_clear(&signature);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_pfx_file_is_described),
      cmocka_unit_test(each_fault_has_its_error),
      cmocka_unit_test(what_windows_says_has_its_error),
      cmocka_unit_test(what_is_no_file_is_refused),
      cmocka_unit_test(the_one_with_a_key_counts),
      cmocka_unit_test(memory_that_runs_out_is_said),
      cmocka_unit_test(a_missing_entry_is_said),
      cmocka_unit_test(an_entry_without_a_key_is_said),
      cmocka_unit_test(a_signature_is_one),
      cmocka_unit_test(what_is_no_key_signs_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
