/* The two forms of a file with a certificate and its private key.
 *
 *   PEM        -----BEGIN CERTIFICATE-----             one or more (RFC 7468)
 *              -----BEGIN PRIVATE KEY-----             PKCS#8; or RSA PRIVATE KEY, PKCS#1; or ENCRYPTED PRIVATE KEY
 *              words between the blocks, and blocks of other kinds, mean nothing
 *   PKCS#12    PFX { authSafe { SafeContents { keyBag | pkcs8ShroudedKeyBag | certBag ... } ... }, macData } (RFC 7292)
 *
 * OpenSSL's own readers of private keys leave copies in freed memory, and a host that is not ours does not wipe what it
 * frees. So PEM is taken apart here, PKCS#12 bag by bag, and what passes through OpenSSL are only structures that it
 * wipes: PKCS8_PRIV_KEY_INFO, and the buffer of a decryption. */
#include <openssl/pkcs12.h>
#include <string.h>

#include "crypto/signer_openssl.h"

enum {
  CERTS_MAX = 16,
  MAC_ROUNDS_MAX = 1000000, /* half a second; files have 1 to 600000 */
  LABEL_MAX_CHARS = 40
};

void signer_file_init(signer_file *file, OSSL_LIB_CTX *lib, ekm_view password) {
  *file = (signer_file){.lib = lib, .password = password};
  ekm_buf_init(&file->rsa_key, EKM_SIGNER_FILE_MAX_BYTES);
}

void signer_file_clear(signer_file *file) {
  sk_X509_pop_free(file->certs, X509_free);
  file->certs = NULL;
  ekm_buf_clear(&file->rsa_key);
}

static bool no_memory(ekm_err *err) {
  return EKM_FAIL(err, EKM_E_OUT_OF_MEMORY, "for a client certificate");
}

/* --- the parts of both ------------------------------------------------------------------------------------------- */

/* ${cert} is the file's or freed afterwards. */
static bool add_cert(signer_file *file, X509 *cert, ekm_err *err) {
  bool ok = false;
  if (cert == NULL) EKM_BAIL(err, EKM_E_CERT_FILE, "a certificate in it is damaged");
  if (file->certs == NULL) file->certs = sk_X509_new_null();
  if (file->certs == NULL) EKM_TRY(no_memory(err));
  if (sk_X509_num(file->certs) >= CERTS_MAX) {
    EKM_BAIL(err, EKM_E_CERT_FILE, "there are more than %d certificates in it", CERTS_MAX);
  }
  if (sk_X509_push(file->certs, cert) <= 0) EKM_TRY(no_memory(err));
  cert = NULL;
  ok = true;
done:
  X509_free(cert);
  return ok;
}

static bool add_rsa_key(signer_file *file, ekm_view der, ekm_err *err) {
  if (file->rsa_key.len > 0) return EKM_FAIL(err, EKM_E_CERT_FILE, "there is more than one private key in it");
  ekm_buf_append_view(&file->rsa_key, der);
  return ekm_buf_ok(&file->rsa_key, "a private key", err);
}

static bool refuse_kind(ekm_err *err) {
  return EKM_FAIL(err, EKM_E_CERT_FILE, "its private key is not RSA, and Entra takes certificates of RSA keys only");
}

/* NULL for a key that is damaged. */
static bool add_key(signer_file *file, const PKCS8_PRIV_KEY_INFO *key, ekm_err *err) {
  const ASN1_OBJECT *kind = NULL;
  const unsigned char *bytes = NULL;
  int len = 0;
  if (key == NULL || PKCS8_pkey_get0(&kind, &bytes, &len, NULL, key) != 1 || len <= 0) {
    return EKM_FAIL(err, EKM_E_CERT_FILE, "its private key is damaged");
  }
  if (OBJ_obj2nid(kind) != NID_rsaEncryption) return refuse_kind(err);
  return add_rsa_key(file, ekm_view_of(bytes, (size_t)len), err);
}

static const char *password_of(const signer_file *file) {
  return file->password.len == 0 ? "" : (const char *)file->password.ptr;
}

/* --- PEM ---------------------------------------------------------------------------------------------------------- */

static bool add_der_cert(signer_file *file, ekm_view der, ekm_err *err) {
  const unsigned char *at = der.ptr;
  X509 *cert = X509_new_ex(file->lib, NULL);
  if (cert == NULL) return no_memory(err);
  if (d2i_X509(&cert, &at, (long)der.len) == NULL) {
    X509_free(cert); /* NULL, if that function has freed it */
    cert = NULL;
  }
  return add_cert(file, cert, err);
}

static bool add_pkcs8(signer_file *file, ekm_view der, ekm_err *err) {
  const unsigned char *at = der.ptr;
  PKCS8_PRIV_KEY_INFO *key = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.len);
  bool ok = add_key(file, key, err);
  PKCS8_PRIV_KEY_INFO_free(key);
  return ok;
}

static bool add_encrypted(signer_file *file, ekm_view der, ekm_err *err) {
  bool ok = false;
  const unsigned char *at = der.ptr;
  PKCS8_PRIV_KEY_INFO *key = NULL;
  X509_SIG *sealed = d2i_X509_SIG(NULL, &at, (long)der.len);
  if (sealed == NULL) EKM_BAIL(err, EKM_E_CERT_FILE, "its private key is damaged");
  if (file->password.len == 0) EKM_BAIL(err, EKM_E_CERT_PASSWORD, "none is given");
  key = PKCS8_decrypt_ex(sealed, password_of(file), (int)file->password.len, file->lib, NULL);
  if (key == NULL) EKM_BAIL(err, EKM_E_CERT_PASSWORD, "it does not open the private key");
  EKM_TRY(add_key(file, key, err));
  ok = true;
done:
  PKCS8_PRIV_KEY_INFO_free(key);
  X509_SIG_free(sealed);
  return ok;
}

static bool refuse_block(signer_file *file, ekm_view der, ekm_err *err) {
  (void)file, (void)der;
  return refuse_kind(err);
}

/* What the blocks of a PEM file mean. */
static const struct {
  const char *label;
  bool (*add)(signer_file *file, ekm_view der, ekm_err *err);
} blocks[] = {
    {"CERTIFICATE", add_der_cert},    {"PRIVATE KEY", add_pkcs8},
    {"RSA PRIVATE KEY", add_rsa_key}, {"ENCRYPTED PRIVATE KEY", add_encrypted},
    {"EC PRIVATE KEY", refuse_block},
};

/* base64 with line ends between it, as bytes (RFC 7468 section 3). */
static bool decode(ekm_view text, ekm_buf *out, ekm_err *err) {
  bool ok = false;
  ekm_buf dense;
  size_t padding = 0;

  ekm_buf_init(&dense, EKM_SIGNER_FILE_MAX_BYTES);
  for (size_t i = 0; i < text.len; i++) {
    char c = (char)text.ptr[i];
    if (c == ':') EKM_BAIL(err, EKM_E_CERT_FILE, "its key is encrypted in an old form; run: openssl pkcs8 -topk8");
    if (c == '=') padding++;
    if (c != '\r' && c != '\n' && c != ' ' && c != '\t') ekm_buf_append_char(&dense, c);
  }
  EKM_TRY(ekm_buf_ok(&dense, "a PEM block", err));
  uint8_t *at = dense.len == 0 || padding > 2 ? NULL : ekm_buf_extend(out, dense.len / 4 * 3);
  EKM_TRY(ekm_buf_ok(out, "a PEM block", err));
  int len = at == NULL ? -1 : EVP_DecodeBlock(at, dense.ptr, (int)dense.len);
  if (len < 0 || (size_t)len != out->len) EKM_BAIL(err, EKM_E_CERT_FILE, "a PEM block in it is damaged");
  ekm_buf_truncate(out, out->len - padding);
  ok = true;
done:
  ekm_buf_clear(&dense);
  return ok;
}

static bool add_block(signer_file *file, const char *label, ekm_view body, ekm_err *err) {
  for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
    if (strcmp(blocks[i].label, label) != 0) continue;
    ekm_buf der;
    ekm_buf_init(&der, EKM_SIGNER_FILE_MAX_BYTES);
    bool ok = decode(body, &der, err) && blocks[i].add(file, ekm_buf_view(&der), err);
    ekm_buf_clear(&der);
    return ok;
  }
  return true;
}

/* Where ${text} begins in the bytes from ${at} to ${end}; NULL: nowhere. */
static const char *find(const char *at, const char *end, const char *text) {
  size_t len = strlen(text);
  for (; (size_t)(end - at) >= len; at++) {
    if (strncmp(at, text, len) == 0) return at;
  }
  return NULL;
}

static bool read_pem(signer_file *file, ekm_view bytes, ekm_err *err) {
  static const char begin[] = "-----BEGIN ", dashes[] = "-----";
  const char *at = (const char *)bytes.ptr;
  const char *end = at + bytes.len;
  while ((at = find(at, end, begin)) != NULL) {
    char label[LABEL_MAX_CHARS + 1] = "", close[LABEL_MAX_CHARS + sizeof "-----END -----"];
    const char *name = at + sizeof begin - 1;
    const char *body = find(name, end, dashes);
    if (body == NULL || body - name > LABEL_MAX_CHARS) {
      return EKM_FAIL(err, EKM_E_CERT_FILE, "a PEM block in it is damaged");
    }
    memcpy(label, name, (size_t)(body - name));
    body += sizeof dashes - 1;
    (void)snprintf(close, sizeof close, "-----END %s-----", label);
    at = find(body, end, close);
    if (at == NULL) return EKM_FAIL(err, EKM_E_CERT_FILE, "a PEM block in it does not end");
    if (!add_block(file, label, ekm_view_of(body, (size_t)(at - body)), err)) return false;
  }
  return true;
}

/* --- PKCS#12 ------------------------------------------------------------------------------------------------------ */

/* The MAC was right, and so the password is. */
static bool fail_opening(signer_file *file, ekm_err *err) {
  file->wants_legacy = true;
  return EKM_FAIL(err, EKM_E_CERT_FILE,
                  "it is damaged, or encrypted by an algorithm that OpenSSL does not have here; make it anew with AES");
}

static bool add_bag(signer_file *file, const PKCS12_SAFEBAG *bag, ekm_err *err) {
  PKCS8_PRIV_KEY_INFO *key = NULL;
  bool ok = true;
  switch (PKCS12_SAFEBAG_get_nid(bag)) {
    case NID_keyBag: return add_key(file, PKCS12_SAFEBAG_get0_p8inf(bag), err);
    case NID_pkcs8ShroudedKeyBag:
      key = PKCS12_decrypt_skey_ex(bag, password_of(file), (int)file->password.len, file->lib, NULL);
      ok = key == NULL ? fail_opening(file, err) : add_key(file, key, err);
      PKCS8_PRIV_KEY_INFO_free(key);
      return ok;
    case NID_certBag:
      if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate) return true;
      return add_cert(file, PKCS12_SAFEBAG_get1_cert(bag), err);
    default: return true; /* revocation lists and secrets mean nothing here */
  }
}

static bool add_contents(signer_file *file, PKCS7 *contents, ekm_err *err) {
  STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
  bool ok = true;
  if (PKCS7_type_is_data(contents)) {
    bags = PKCS12_unpack_p7data(contents);
    if (bags == NULL) return EKM_FAIL(err, EKM_E_CERT_FILE, "it is a damaged PFX file");
  } else if (PKCS7_type_is_encrypted(contents)) {
    bags = PKCS12_unpack_p7encdata(contents, password_of(file), (int)file->password.len);
    if (bags == NULL) return fail_opening(file, err);
  } else {
    return EKM_FAIL(err, EKM_E_CERT_FILE, "it is a PFX file that is sealed by a public key");
  }
  for (int i = 0; ok && i < sk_PKCS12_SAFEBAG_num(bags); i++) ok = add_bag(file, sk_PKCS12_SAFEBAG_value(bags, i), err);
  sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
  return ok;
}

static bool has_hash(const signer_file *file, const X509_ALGOR *alg) {
  const ASN1_OBJECT *name = NULL;
  X509_ALGOR_get0(&name, NULL, NULL, alg);
  EVP_MD *hash = EVP_MD_fetch(file->lib, OBJ_nid2sn(OBJ_obj2nid(name)), NULL);
  EVP_MD_free(hash);
  return hash != NULL;
}

/* The MAC tells a wrong password from a damaged file before anything is decrypted. */
static bool check_mac(const signer_file *file, PKCS12 *pfx, ekm_err *err) {
  const ASN1_INTEGER *rounds = NULL;
  const X509_ALGOR *alg = NULL;
  if (PKCS12_mac_present(pfx) != 1) return EKM_FAIL(err, EKM_E_CERT_FILE, "it is a PFX file without a MAC");
  PKCS12_get0_mac(NULL, &alg, NULL, &rounds, pfx);
  if (!has_hash(file, alg))
    return EKM_FAIL(err, EKM_E_CERT_FILE, "its MAC is of a kind that OpenSSL does not have here");
  if (rounds != NULL && (ASN1_INTEGER_get(rounds) < 1 || ASN1_INTEGER_get(rounds) > MAC_ROUNDS_MAX)) {
    return EKM_FAIL(err, EKM_E_CERT_FILE, "its MAC has more than %d rounds", MAC_ROUNDS_MAX);
  }
  if (PKCS12_verify_mac(pfx, password_of(file), (int)file->password.len) == 1) return true;
  /* "" and no password at all are two passwords, and programs disagree */
  if (file->password.len == 0 && PKCS12_verify_mac(pfx, NULL, 0) == 1) return true;
  return EKM_FAIL(err, EKM_E_CERT_PASSWORD, file->password.len == 0 ? "none is given" : "it does not open the file");
}

static bool read_pfx(signer_file *file, ekm_view bytes, ekm_err *err) {
  bool ok = false;
  BIO *bio = BIO_new_mem_buf(bytes.ptr, (int)bytes.len);
  PKCS12 *pfx = PKCS12_init_ex(NID_pkcs7_data, file->lib, NULL);
  STACK_OF(PKCS7) *parts = NULL;
  if (bio == NULL || pfx == NULL) EKM_TRY(no_memory(err));
  if (d2i_PKCS12_bio(bio, &pfx) == NULL) EKM_BAIL(err, EKM_E_CERT_FILE, "it is neither PEM nor a PFX file");
  EKM_TRY(check_mac(file, pfx, err));
  parts = PKCS12_unpack_authsafes(pfx);
  if (parts == NULL) EKM_BAIL(err, EKM_E_CERT_FILE, "it is a damaged PFX file");
  for (int i = 0; i < sk_PKCS7_num(parts); i++) EKM_TRY(add_contents(file, sk_PKCS7_value(parts, i), err));
  ok = true;
done:
  sk_PKCS7_pop_free(parts, PKCS7_free);
  PKCS12_free(pfx);
  BIO_free(bio);
  return ok;
}

bool signer_file_read(signer_file *file, ekm_view bytes, ekm_err *err) {
  enum { DER_SEQUENCE = 0x30 };
  if (bytes.len > EKM_SIGNER_FILE_MAX_BYTES) {
    return EKM_FAIL(err, EKM_E_LIMIT, "a certificate file of more than %d bytes", EKM_SIGNER_FILE_MAX_BYTES);
  }
  bool is_der = bytes.len > 0 && bytes.ptr[0] == DER_SEQUENCE;
  if (bytes.len > 0 && !(is_der ? read_pfx(file, bytes, err) : read_pem(file, bytes, err))) return false;
  if (file->certs == NULL) return EKM_FAIL(err, EKM_E_CERT_FILE, "there is no certificate in it");
  return file->rsa_key.len > 0 || EKM_FAIL(err, EKM_E_CERT_NO_KEY, "there is none in it");
}
