/* Certificates over OpenSSL 3:
 *
 *   authority   v3, serial 127 random bits, CN, basicConstraints CA:TRUE pathlen:0 (critical),
 *               keyUsage keyCertSign cRLSign (critical), subjectKeyIdentifier
 *   server      v3, serial 127 random bits, CN, basicConstraints CA:FALSE (critical),
 *               keyUsage digitalSignature (critical), extendedKeyUsage serverAuth, subjectAltName,
 *               subjectKeyIdentifier, authorityKeyIdentifier
 *
 * Names go into subjectAltName as structures, not through OpenSSL's text syntax, where a ',' in a name adds one. */
#include "crypto/cert.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/text.h"
#include "crypto/crypto_openssl.h"

enum { SERIAL_BYTES = 16, DER_MAX_BYTES = 64 * 1024 };

static bool is_address(const char *name) {
  return strchr(name, ':') != NULL || (name[0] != '\0' && name[strspn(name, "0123456789.")] == '\0');
}

/* ---- PEM ---- */

static X509 *read_cert(const ekm_crypto *crypto, ekm_view pem, ekm_err *err) {
  BIO *bio = pem.len > INT32_MAX ? NULL : BIO_new_mem_buf(pem.len > 0 ? (const void *)pem.ptr : "", (int)pem.len);
  X509 *cert = X509_new_ex(crypto->lib, NULL);
  if (bio == NULL || cert == NULL || PEM_read_bio_X509(bio, &cert, NULL, NULL) == NULL) {
    (void)ekm_crypto_fail(err, "a certificate in PEM form cannot be read");
    X509_free(cert);
    cert = NULL;
  }
  BIO_free(bio);
  return cert;
}

/* Without this OpenSSL asks the terminal for the passphrase of an encrypted key. */
static int no_passphrase(char *buf, int size, int writing, void *arg) {
  (void)buf;
  (void)size;
  (void)writing;
  (void)arg;
  return -1;
}

static EVP_PKEY *read_private(const ekm_crypto *crypto, ekm_view pem, ekm_err *err) {
  BIO *bio = pem.len > INT32_MAX ? NULL : BIO_new_mem_buf(pem.len > 0 ? (const void *)pem.ptr : "", (int)pem.len);
  EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey_ex(bio, NULL, no_passphrase, NULL, crypto->lib, NULL);
  if (key == NULL) (void)ekm_crypto_fail(err, "a private key in PEM form cannot be read");
  BIO_free(bio);
  return key;
}

static bool append_bio(BIO *bio, ekm_buf *out, const char *what, ekm_err *err) {
  char *text = NULL;
  long len = BIO_get_mem_data(bio, &text);
  ekm_buf_append(out, text, (size_t)len);
  return ekm_buf_ok(out, what, err);
}

static bool write_pem(const X509 *cert, const EVP_PKEY *key, ekm_buf *out_cert, ekm_buf *out_key, ekm_err *err) {
  bool ok = false;
  BIO *cert_bio = BIO_new(BIO_s_mem());
  BIO *key_bio = BIO_new(BIO_s_secmem()); /* wiped when it is freed */
  if (cert_bio == NULL || key_bio == NULL || PEM_write_bio_X509(cert_bio, cert) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
    (void)ekm_crypto_fail(err, "a certificate in PEM form");
    goto done;
  }
  EKM_TRY(append_bio(cert_bio, out_cert, "a certificate", err));
  EKM_TRY(append_bio(key_bio, out_key, "a certificate's key", err));
  ok = true;
done:
  BIO_free(cert_bio);
  BIO_free(key_bio);
  return ok;
}

/* ---- the parts of a certificate ---- */

static bool set_serial(X509 *cert, const ekm_crypto *crypto, ekm_err *err) {
  uint8_t bytes[SERIAL_BYTES];
  const ekm_rng *rng = ekm_crypto_rng(crypto);
  if (!rng->fill(rng, bytes, sizeof bytes, err)) return false;
  bytes[0] = (uint8_t)((bytes[0] & 0x7F) | 0x40); /* positive, never short */
  BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
  bool ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
  BN_free(number);
  return ok || ekm_crypto_fail(err, "a certificate's serial number");
}

static bool set_validity(X509 *cert, const ekm_cert_request *request, ekm_err *err) {
  if (request->not_before_wall_s >= request->not_after_wall_s) {
    return EKM_FAIL(err, EKM_E_BAD_ARGUMENT, "a certificate that ends before it begins");
  }
  if (ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)request->not_before_wall_s) == NULL ||
      ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)request->not_after_wall_s) == NULL) {
    return ekm_crypto_fail(err, "a certificate's dates");
  }
  return true;
}

static bool set_subject(X509 *cert, const char *common_name, ekm_err *err) {
  X509_NAME *name = X509_get_subject_name(cert);
  if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) != 1) {
    return ekm_crypto_fail(err, "a certificate's common name");
  }
  return true;
}

/* ${value} is a constant of this file, never a name from outside. */
static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value, ekm_err *err) {
  X509V3_CTX ctx;
  X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
  bool ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return ok || ekm_crypto_fail(err, "a certificate's extension");
}

static GENERAL_NAME *general_name(const char *name) {
  GENERAL_NAME *general = GENERAL_NAME_new();
  if (general == NULL) return NULL;
  if (is_address(name)) {
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);
    if (address != NULL) GENERAL_NAME_set0_value(general, GEN_IPADD, address);
    if (address != NULL) return general;
  } else {
    ASN1_IA5STRING *dns = ASN1_IA5STRING_new();
    if (dns != NULL && ASN1_STRING_set(dns, name, -1) == 1) {
      GENERAL_NAME_set0_value(general, GEN_DNS, dns);
      return general;
    }
    ASN1_IA5STRING_free(dns);
  }
  GENERAL_NAME_free(general);
  return NULL;
}

static bool add_names(X509 *cert, const ekm_cert_request *request, ekm_err *err) {
  bool ok = false;
  GENERAL_NAMES *names = GENERAL_NAMES_new();
  if (names == NULL) EKM_BAIL(err, EKM_E_OUT_OF_MEMORY, "for a certificate's names");
  for (size_t i = 0; i < request->name_count; i++) {
    const char *name = request->names[i];
    if (!is_address(name) && (name[0] == '\0' || !ekm_text_is_made_of(name, strlen(name), ".-*"))) {
      EKM_BAIL(err, EKM_E_BAD_ARGUMENT, "'%s' is no host name for a certificate", name);
    }
    GENERAL_NAME *general = general_name(name);
    if (general == NULL) EKM_BAIL(err, EKM_E_BAD_ARGUMENT, "'%s' is no name or address for a certificate", name);
    if (sk_GENERAL_NAME_push(names, general) <= 0) {
      GENERAL_NAME_free(general);
      EKM_BAIL(err, EKM_E_OUT_OF_MEMORY, "for a certificate's names");
    }
  }
  if (X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_APPEND) != 1) {
    (void)ekm_crypto_fail(err, "a certificate's names");
    goto done;
  }
  ok = true;
done:
  GENERAL_NAMES_free(names);
  return ok;
}

/* A new P-256 key and a certificate of it that has everything but extensions, issuer and signature. */
static bool begin(const ekm_crypto *crypto, const ekm_cert_request *request, X509 **out_cert, EVP_PKEY **out_key,
                  ekm_err *err) {
  *out_key = EVP_PKEY_Q_keygen(crypto->lib, NULL, "EC", "P-256");
  *out_cert = X509_new_ex(crypto->lib, NULL);
  if (*out_key == NULL || *out_cert == NULL || X509_set_version(*out_cert, X509_VERSION_3) != 1 ||
      X509_set_pubkey(*out_cert, *out_key) != 1) {
    return ekm_crypto_fail(err, "a new certificate");
  }
  return set_serial(*out_cert, crypto, err) && set_validity(*out_cert, request, err) &&
         set_subject(*out_cert, request->common_name, err);
}

typedef struct extension {
  int nid;
  const char *value;
} extension;

static bool finish(X509 *cert, X509 *issuer, EVP_PKEY *issuer_key, const ekm_crypto *crypto, ekm_err *err) {
  if (X509_set_issuer_name(cert, X509_get_subject_name(issuer)) != 1 ||
      X509_sign(cert, issuer_key, crypto->sha256) <= 0) {
    return ekm_crypto_fail(err, "a certificate's signature");
  }
  return true;
}

static bool add_extensions(X509 *cert, X509 *issuer, const extension *rows, size_t count, ekm_err *err) {
  for (size_t i = 0; i < count; i++) {
    if (!add_extension(cert, issuer, rows[i].nid, rows[i].value, err)) return false;
  }
  return true;
}

bool ekm_cert_make_authority(const ekm_crypto *crypto, const ekm_cert_request *request, ekm_buf *out_cert_pem,
                             ekm_buf *out_key_pem, ekm_err *err) {
  static const extension rows[] = {
      {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
      {NID_key_usage, "critical,keyCertSign,cRLSign"},
      {NID_subject_key_identifier, "hash"},
  };
  bool ok = false;
  X509 *cert = NULL;
  EVP_PKEY *key = NULL;

  (void)ERR_set_mark();
  EKM_TRY(begin(crypto, request, &cert, &key, err));
  EKM_TRY(add_extensions(cert, cert, rows, sizeof rows / sizeof rows[0], err));
  EKM_TRY(finish(cert, cert, key, crypto, err));
  EKM_TRY(write_pem(cert, key, out_cert_pem, out_key_pem, err));
  ok = true;
done:
  X509_free(cert);
  EVP_PKEY_free(key);
  (void)ERR_pop_to_mark();
  return ok;
}

bool ekm_cert_make_server(const ekm_crypto *crypto, const ekm_cert_request *request, ekm_view ca_cert_pem,
                          ekm_view ca_key_pem, ekm_buf *out_cert_pem, ekm_buf *out_key_pem, ekm_err *err) {
  static const extension rows[] = {
      {NID_basic_constraints, "critical,CA:FALSE"},
      {NID_key_usage, "critical,digitalSignature"},
      {NID_ext_key_usage, "serverAuth"},
      {NID_subject_key_identifier, "hash"},
      {NID_authority_key_identifier, "keyid:always"},
  };
  bool ok = false;
  X509 *ca = NULL;
  EVP_PKEY *ca_key = NULL;
  X509 *cert = NULL;
  EVP_PKEY *key = NULL;

  (void)ERR_set_mark();
  if (request->name_count == 0) EKM_BAIL(err, EKM_E_BAD_ARGUMENT, "a server's certificate without names");
  ca = read_cert(crypto, ca_cert_pem, err);
  if (ca == NULL) goto done;
  ca_key = read_private(crypto, ca_key_pem, err);
  if (ca_key == NULL) goto done;
  if (X509_check_private_key(ca, ca_key) != 1)
    EKM_BAIL(err, EKM_E_CRYPTO, "the authority's key is not its certificate's");
  EKM_TRY(begin(crypto, request, &cert, &key, err));
  EKM_TRY(add_extensions(cert, ca, rows, sizeof rows / sizeof rows[0], err));
  EKM_TRY(add_names(cert, request, err));
  EKM_TRY(finish(cert, ca, ca_key, crypto, err));
  EKM_TRY(write_pem(cert, key, out_cert_pem, out_key_pem, err));
  ok = true;
done:
  X509_free(ca);
  EVP_PKEY_free(ca_key);
  X509_free(cert);
  EVP_PKEY_free(key);
  (void)ERR_pop_to_mark();
  return ok;
}

/* ---- questions about a certificate ---- */

static bool seconds_of(const ASN1_TIME *time, int64_t *out_wall_s, ekm_err *err) {
  return ekm_asn1_wall_s(time, out_wall_s) || ekm_crypto_fail(err, "a certificate's first or last day");
}

bool ekm_cert_not_after(const ekm_crypto *crypto, ekm_view cert_pem, int64_t *out_wall_s, ekm_err *err) {
  *out_wall_s = 0;
  (void)ERR_set_mark();
  X509 *cert = read_cert(crypto, cert_pem, err);
  bool ok = cert != NULL && seconds_of(X509_get0_notAfter(cert), out_wall_s, err);
  X509_free(cert);
  (void)ERR_pop_to_mark();
  return ok;
}

void ekm_cert_info_init(ekm_cert_info *info) {
  ekm_buf_init(&info->der, DER_MAX_BYTES);
  ekm_buf_init(&info->public_key, DER_MAX_BYTES);
  info->not_before_wall_s = 0;
  info->not_after_wall_s = 0;
}

void ekm_cert_info_clear(ekm_cert_info *info) {
  ekm_buf_clear(&info->der);
  ekm_buf_clear(&info->public_key);
}

/* ${len} is what an i2d function said that ${bytes} has; OpenSSL's memory, given back here. */
static bool take_der(unsigned char *bytes, int len, ekm_buf *out, ekm_err *err) {
  bool ok = len > 0;
  if (ok) ekm_buf_append(out, bytes, (size_t)len);
  OPENSSL_free(bytes);
  return ok ? ekm_buf_ok(out, "a certificate", err) : ekm_crypto_fail(err, "the DER form of a certificate");
}

bool ekm_cert_read(const ekm_crypto *crypto, ekm_view cert_pem, ekm_cert_info *out, ekm_err *err) {
  bool ok = false;
  unsigned char *der = NULL;
  unsigned char *public_key = NULL;

  (void)ERR_set_mark();
  X509 *cert = read_cert(crypto, cert_pem, err);
  if (cert == NULL) goto done;
  EKM_TRY(seconds_of(X509_get0_notBefore(cert), &out->not_before_wall_s, err));
  EKM_TRY(seconds_of(X509_get0_notAfter(cert), &out->not_after_wall_s, err));
  int len = i2d_X509(cert, &der);
  EKM_TRY(take_der(der, len, &out->der, err));
  len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &public_key);
  EKM_TRY(take_der(public_key, len, &out->public_key, err));
  ok = true;
done:
  X509_free(cert);
  (void)ERR_pop_to_mark();
  return ok;
}

bool ekm_cert_covers(const ekm_crypto *crypto, ekm_view cert_pem, const char *name, bool *out_covers, ekm_err *err) {
  *out_covers = false;
  (void)ERR_set_mark();
  X509 *cert = read_cert(crypto, cert_pem, err);
  bool ok = cert != NULL;
  if (ok && is_address(name)) *out_covers = X509_check_ip_asc(cert, name, 0) == 1;
  /* An empty name would match every certificate: X509_check_host then asks for none in particular. */
  else if (ok && name[0] != '\0')
    *out_covers = X509_check_host(cert, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
  X509_free(cert);
  (void)ERR_pop_to_mark();
  return ok;
}
