/* Signing with the key of a client certificate, by Windows: crypt32 finds it, CNG signs.
 *
 *   PFX file --> a store in memory --+
 *                                    +--> PCCERT_CONTEXT --> NCRYPT_KEY_HANDLE --> signatures
 *   LocalMachine\My, SHA-1 hash -----+     thumbprint, dates
 *
 * The key of a PFX file lives in the store in memory and is gone with it (PKCS12_NO_PERSIST_KEY): by default Windows
 * would leave a copy of each import in the profile of the account. That of an entry stays where it is, in a file, a TPM
 * or a module, which signs for whom its ACL lets. What is unlike: ciphers of PFX files are those that Windows has, and
 * PEM files are not read. */
#if !defined(_WIN32_WINNT) || _WIN32_WINNT < 0x0A00
#undef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
#include "crypto/signer_cng.h"

#include <windows.h>

#include <ncrypt.h>
#include <string.h>

#include "base/hex.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf16.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 4096, SALT_BYTES = 32, SIGNATURE_MAX_BYTES = RSA_BITS_MAX / 8 };

/* FILETIME counts 100 ns from 1601 on. */
static const int64_t ticks_per_second = 10000000, ticks_to_1970 = 116444736000000000;

struct ekm_signer {
  ekm_crypto *crypto;
  HCERTSTORE store;
  PCCERT_CONTEXT cert;
  NCRYPT_KEY_HANDLE key;
  BOOL owns_key; /* else it goes with the certificate */
  ekm_signer_info about;
};

/* --- what Windows says ------------------------------------------------------------------------------------------- */

/* Errors of private keys. An account that may not read a key's file is told that there is no key set. */
bool signer_cng_fail_key(uint32_t code, ekm_err *err) {
  static const struct {
    HRESULT code;
    ekm_err_id id;
    const char *words;
  } rows[] = {
      {CRYPT_E_NO_KEY_PROPERTY, EKM_E_CERT_NO_KEY, "there is none in it"},
      {NTE_BAD_PUBLIC_KEY, EKM_E_CERT_NO_KEY, "its private key is not that of its certificate"},
      {NTE_BAD_KEYSET, EKM_E_CERT_KEY_DENIED, "its private key is not there for this account"},
      {NTE_PERM, EKM_E_CERT_KEY_DENIED, "its private key is not for this account"},
      {ERROR_ACCESS_DENIED, EKM_E_CERT_KEY_DENIED, "its private key is not for this account"},
      {HRESULT_FROM_WIN32(ERROR_ACCESS_DENIED), EKM_E_CERT_KEY_DENIED, "its private key is not for this account"},
      {NTE_SILENT_CONTEXT, EKM_E_CERT_KEY_DENIED, "its private key is used only with somebody at the screen"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if ((DWORD)rows[i].code == code) return EKM_FAIL(err, rows[i].id, "%s", rows[i].words);
  }
  return EKM_FAIL(err, EKM_E_CRYPTO, "the private key of a certificate: Windows says 0x%08lx", (unsigned long)code);
}

/* A file whose cipher a Windows does not know looks to it like a wrong password, too. */
bool signer_cng_fail_import(uint32_t code, bool is_given, ekm_err *err) {
  if (code != ERROR_INVALID_PASSWORD) {
    return EKM_FAIL(err, EKM_E_CERT_FILE, "it is no PFX file that Windows understands (0x%08lx)", (unsigned long)code);
  }
  return EKM_FAIL(err, EKM_E_CERT_PASSWORD, "%s",
                  is_given ? "it does not open the file (Windows Server 2016 opens only files under TripleDES-SHA1)"
                           : "none is given");
}

/* --- the certificate ---------------------------------------------------------------------------------------------- */

static int64_t seconds_of(FILETIME time) {
  int64_t ticks = (int64_t)((uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime) - ticks_to_1970;
  return ticks / ticks_per_second;
}

static bool check_size(CERT_PUBLIC_KEY_INFO *key, ekm_err *err) {
  if (strcmp(key->Algorithm.pszObjId, szOID_RSA_RSA) != 0) {
    return EKM_FAIL(err, EKM_E_CERT_FILE, "its private key is not RSA");
  }
  DWORD bits = CertGetPublicKeyLength(X509_ASN_ENCODING, key);
  if (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX) return true;
  return EKM_FAIL(err, EKM_E_CERT_FILE, "its RSA key has %lu bits, and not %d to %d", bits, RSA_BITS_MIN, RSA_BITS_MAX);
}

static bool describe(ekm_signer *signer, ekm_err *err) {
  CERT_INFO *info = signer->cert->pCertInfo;
  signer->about.not_before_wall_s = seconds_of(info->NotBefore);
  signer->about.not_after_wall_s = seconds_of(info->NotAfter);
  return check_size(&info->SubjectPublicKeyInfo, err) &&
         ekm_crypto_sha256(signer->crypto, ekm_view_of(signer->cert->pbCertEncoded, signer->cert->cbCertEncoded),
                           signer->about.sha256, err);
}

/* The key of a PFX file is at hand. For another: CNG alone, never a window on a server's screen, and the key has to be
 * the certificate's. CNG also opens the keys of Microsoft's older providers. */
static bool take_key(ekm_signer *signer, ekm_err *err) {
  HCRYPTPROV_OR_NCRYPT_KEY_HANDLE key = 0;
  DWORD kind = 0;
  DWORD len = sizeof signer->key;
  const DWORD flags = CRYPT_ACQUIRE_ONLY_NCRYPT_KEY_FLAG | CRYPT_ACQUIRE_SILENT_FLAG | CRYPT_ACQUIRE_COMPARE_KEY_FLAG;
  if (CertGetCertificateContextProperty(signer->cert, CERT_NCRYPT_KEY_HANDLE_PROP_ID, &signer->key, &len)) return true;
  if (!CryptAcquireCertificatePrivateKey(signer->cert, flags, NULL, &key, &kind, &signer->owns_key)) {
    signer->owns_key = FALSE;
    return signer_cng_fail_key(GetLastError(), err);
  }
  signer->key = key;
  return true;
}

/* --- a PFX file --------------------------------------------------------------------------------------------------- */

static bool has_key(PCCERT_CONTEXT cert) {
  static const DWORD places[] = {CERT_KEY_PROV_INFO_PROP_ID, CERT_KEY_CONTEXT_PROP_ID, CERT_NCRYPT_KEY_HANDLE_PROP_ID};
  DWORD len = 0;
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    if (CertGetCertificateContextProperty(cert, places[i], NULL, &len)) return true;
  }
  return false;
}

bool signer_cng_choose(void *store, const struct _CERT_CONTEXT **out_cert, ekm_err *err) {
  *out_cert = NULL;
  for (PCCERT_CONTEXT at = NULL; (at = CertEnumCertificatesInStore(store, at)) != NULL;) {
    if (!has_key(at)) continue;
    if (*out_cert != NULL) {
      (void)CertFreeCertificateContext(at);
      return EKM_FAIL(err, EKM_E_CERT_FILE, "there is more than one private key in it");
    }
    *out_cert = CertDuplicateCertificateContext(at);
  }
  return *out_cert != NULL || EKM_FAIL(err, EKM_E_CERT_NO_KEY, "there is none in it");
}

/* An empty password is written in two ways. */
static HCERTSTORE import(ekm_view file, const WCHAR *password, DWORD flags) {
  CRYPT_DATA_BLOB blob = {(DWORD)file.len, (BYTE *)(uintptr_t)file.ptr};
  SetLastError(ERROR_SUCCESS);
  HCERTSTORE store = PFXImportCertStore(&blob, password, flags);
  return store == NULL && password[0] == L'\0' ? PFXImportCertStore(&blob, NULL, flags) : store;
}

static bool is_pem(ekm_view file) {
  static const char begin[] = "-----BEGIN ";
  const size_t len = sizeof begin - 1;
  for (size_t i = 0; i + len <= file.len; i++) {
    if (ekm_view_equal(ekm_view_of(file.ptr + i, len), ekm_view_text(begin))) return true;
  }
  return false;
}

static bool widen(ekm_view text, ekm_buf *out, ekm_err *err) {
  ekm_buf narrow;
  ekm_buf_init(&narrow, EKM_LIMIT_SECRET_BYTES);
  ekm_buf_append_view(&narrow, text);
  bool ok = ekm_buf_ok(&narrow, "a password", err) && ekm_utf16_from_utf8(ekm_buf_text(&narrow), out, err);
  ekm_buf_clear(&narrow);
  ekm_buf_append(out, L"", sizeof(WCHAR));
  return ok && ekm_buf_ok(out, "a password", err);
}

static bool start(ekm_signer **out_signer, ekm_err *err) {
  *out_signer = ekm_mem_alloc(sizeof **out_signer, err);
  return *out_signer != NULL && ekm_crypto_new(&(*out_signer)->crypto, err);
}

static bool open_pfx(ekm_signer *signer, ekm_view file, const WCHAR *password, DWORD flags, ekm_err *err) {
  signer->store = import(file, password, flags);
  if (signer->store == NULL) return signer_cng_fail_import(GetLastError(), password[0] != L'\0', err);
  return signer_cng_choose(signer->store, &signer->cert, err) && describe(signer, err);
}

bool signer_cng_open_pfx(ekm_view file, ekm_view password, uint32_t flags, ekm_signer **out_signer, ekm_err *err) {
  bool ok = false;
  ekm_buf wide;

  *out_signer = NULL;
  ekm_buf_init(&wide, sizeof(WCHAR) * (EKM_LIMIT_SECRET_BYTES + 1));
  if (file.len > EKM_SIGNER_FILE_MAX_BYTES) EKM_BAIL(err, EKM_E_LIMIT, "it has %zu bytes", file.len);
  if (is_pem(file)) {
    EKM_BAIL(err, EKM_E_CERT_FILE,
             "PEM files are not read on Windows; make a PFX file of it (openssl pkcs12 -export), or import it into the "
             "machine's certificate store");
  }
  EKM_TRY(widen(password, &wide, err));
  EKM_TRY(start(out_signer, err));
  EKM_TRY(open_pfx(*out_signer, file, (const WCHAR *)(const void *)wide.ptr, flags, err));
  ok = true;
done:
  ekm_buf_clear(&wide);
  if (!ok) ekm_signer_free(out_signer);
  return ok;
}

bool ekm_signer_open(ekm_view file, ekm_view password, ekm_signer **out_signer, ekm_err *err) {
  bool ok = signer_cng_open_pfx(file, password, PKCS12_NO_PERSIST_KEY | PKCS12_ALWAYS_CNG_KSP, out_signer, err) &&
            take_key(*out_signer, err);
  if (!ok) ekm_signer_free(out_signer);
  return ok;
}

/* --- an entry of the machine's store ------------------------------------------------------------------------------ */

static bool open_store(ekm_signer *signer, ekm_err *err) {
  const DWORD flags = CERT_SYSTEM_STORE_LOCAL_MACHINE | CERT_STORE_READONLY_FLAG;
  signer->store = CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, flags, L"MY");
  if (signer->store != NULL) return true;
  return EKM_FAIL(err, EKM_E_CERT_STORE, "it cannot be opened: Windows error 0x%08lx", GetLastError());
}

static bool find_entry(ekm_signer *signer, const char *thumbprint, ekm_err *err) {
  bool ok = false;
  ekm_buf sha1;
  ekm_buf_init(&sha1, EKM_SHA1_BYTES);
  EKM_TRY(ekm_hex_decode(thumbprint, strlen(thumbprint), &sha1, "a thumbprint", err));
  CRYPT_HASH_BLOB hash = {(DWORD)sha1.len, sha1.ptr};
  signer->cert = CertFindCertificateInStore(signer->store, X509_ASN_ENCODING, 0, CERT_FIND_SHA1_HASH, &hash, NULL);
  if (signer->cert == NULL) EKM_BAIL(err, EKM_E_CERT_STORE, "it is not in Personal of the local computer");
  ok = true;
done:
  ekm_buf_clear(&sha1);
  return ok;
}

bool ekm_signer_open_store(const char *thumbprint, ekm_signer **out_signer, ekm_err *err) {
  bool ok = false;
  EKM_TRY(start(out_signer, err));
  EKM_TRY(open_store(*out_signer, err));
  EKM_TRY(find_entry(*out_signer, thumbprint, err));
  EKM_TRY(describe(*out_signer, err));
  EKM_TRY(take_key(*out_signer, err));
  ok = true;
done:
  if (!ok) ekm_signer_free(out_signer);
  return ok;
}

/* --- the signer --------------------------------------------------------------------------------------------------- */

void ekm_signer_free(ekm_signer **signer) {
  ekm_signer *dead = *signer;
  *signer = NULL;
  if (dead == NULL) return;
  if (dead->owns_key) (void)NCryptFreeObject(dead->key);
  if (dead->cert != NULL) (void)CertFreeCertificateContext(dead->cert);
  if (dead->store != NULL) (void)CertCloseStore(dead->store, 0);
  ekm_crypto_free(&dead->crypto);
  ekm_mem_free(dead);
}

const ekm_signer_info *ekm_signer_about(const ekm_signer *signer) {
  return &signer->about;
}

bool signer_cng_sign(uintptr_t key, const uint8_t hash[EKM_SHA256_BYTES], ekm_buf *out_signature, ekm_err *err) {
  bool ok = false;
  size_t before = out_signature->len;
  DWORD len = 0;
  BCRYPT_PSS_PADDING_INFO padding = {BCRYPT_SHA256_ALGORITHM, SALT_BYTES};

  uint8_t *at = ekm_buf_extend(out_signature, SIGNATURE_MAX_BYTES);
  EKM_TRY(ekm_buf_ok(out_signature, "a signature", err));
  SECURITY_STATUS code = NCryptSignHash(key, &padding, (BYTE *)(uintptr_t)hash, EKM_SHA256_BYTES, at,
                                        SIGNATURE_MAX_BYTES, &len, BCRYPT_PAD_PSS | NCRYPT_SILENT_FLAG);
  if (code != ERROR_SUCCESS) EKM_TRY(signer_cng_fail_key((DWORD)code, err));
  ok = true;
done:
  ekm_buf_truncate(out_signature, ok ? before + len : before);
  return ok;
}

bool ekm_signer_sign(ekm_signer *signer, ekm_view bytes, ekm_buf *out_signature, ekm_err *err) {
  uint8_t hash[EKM_SHA256_BYTES];
  return ekm_crypto_sha256(signer->crypto, bytes, hash, err) && signer_cng_sign(signer->key, hash, out_signature, err);
}
