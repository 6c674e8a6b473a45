/* Hashes and random bytes by OpenSSL 3, in a library context of our own:
 *
 *   OSSL_LIB_CTX (ours)          the host's default context, its providers and its random state are never touched
 *     ├── default provider
 *     ├── SHA-256, SHA-1, HMAC, AES-256-GCM   fetched once; a fetch costs more than a short hash
 *     └── SEED-SRC ── CTR-DRBG   one, locked. RAND_bytes_ex would leave a generator in every thread that ever asked,
 *                                and freeing the context does not reach those of threads that still live
 *
 * OpenSSL's error queue is the thread's, and so the host's: marks keep what was in it. */
#include "crypto/crypto_openssl.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include "base/mem.h"

enum { DRBG_STRENGTH_BITS = 256, DRBG_REQUEST_BYTES = 65536 /* NIST SP 800-90A, table 3: 2^19 bits */ };

bool ekm_crypto_fail(ekm_err *err, const char *what) {
  const char *reason = ERR_reason_error_string(ERR_peek_last_error());
  return EKM_FAIL(err, EKM_E_CRYPTO, "%s: %s", what, reason != NULL ? reason : "OpenSSL gives no reason");
}

static bool fill_random(const ekm_rng *self, void *out, size_t len, ekm_err *err) {
  const ekm_crypto *crypto = (const ekm_crypto *)self;
  uint8_t *at = out;
  bool ok = true;
  (void)ERR_set_mark();
  while (ok && len > 0) {
    size_t part = len < DRBG_REQUEST_BYTES ? len : DRBG_REQUEST_BYTES;
    ok = EVP_RAND_generate(crypto->drbg, at, part, DRBG_STRENGTH_BITS, 0, NULL, 0) == 1;
    if (!ok) (void)ekm_crypto_fail(err, "random bytes");
    at += part;
    len -= part;
  }
  (void)ERR_pop_to_mark();
  return ok;
}

static EVP_RAND_CTX *new_generator(OSSL_LIB_CTX *lib, const char *name, EVP_RAND_CTX *parent) {
  EVP_RAND *kind = EVP_RAND_fetch(lib, name, NULL);
  EVP_RAND_CTX *generator = kind == NULL ? NULL : EVP_RAND_CTX_new(kind, parent);
  EVP_RAND_free(kind); /* the context holds its own reference */
  return generator;
}

static bool start_random(ekm_crypto *crypto, ekm_err *err) {
  char cipher[] = "AES-256-CTR";
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_DRBG_PARAM_CIPHER, cipher, 0),
                         OSSL_PARAM_construct_end()};

  crypto->rng.fill = fill_random;
  crypto->seed = new_generator(crypto->lib, "SEED-SRC", NULL);
  if (crypto->seed == NULL || EVP_RAND_instantiate(crypto->seed, DRBG_STRENGTH_BITS, 0, NULL, 0, NULL) != 1) {
    return ekm_crypto_fail(err, "the system's random source");
  }
  crypto->drbg = new_generator(crypto->lib, "CTR-DRBG", crypto->seed);
  if (crypto->drbg == NULL || EVP_RAND_enable_locking(crypto->drbg) != 1 ||
      EVP_RAND_instantiate(crypto->drbg, DRBG_STRENGTH_BITS, 0, NULL, 0, params) != 1) {
    return ekm_crypto_fail(err, "the random generator");
  }
  return true;
}

static bool fetch_all(ekm_crypto *crypto, ekm_err *err) {
  crypto->sha256 = EVP_MD_fetch(crypto->lib, "SHA256", NULL);
  crypto->sha1 = EVP_MD_fetch(crypto->lib, "SHA1", NULL);
  crypto->hmac = EVP_MAC_fetch(crypto->lib, "HMAC", NULL);
  crypto->aes_256_gcm = EVP_CIPHER_fetch(crypto->lib, "AES-256-GCM", NULL);
  if (crypto->sha256 == NULL || crypto->sha1 == NULL || crypto->hmac == NULL || crypto->aes_256_gcm == NULL) {
    return ekm_crypto_fail(err, "OpenSSL's default provider");
  }
  return true;
}

bool ekm_crypto_new(ekm_crypto **out_crypto, ekm_err *err) {
  bool ok = false;
  *out_crypto = NULL;
  (void)ERR_set_mark();
  ekm_crypto *crypto = ekm_mem_alloc(sizeof *crypto, err);
  if (crypto == NULL) goto done;
  crypto->lib = OSSL_LIB_CTX_new();
  if (crypto->lib == NULL) {
    (void)ekm_crypto_fail(err, "OpenSSL's library context");
    goto done;
  }
  EKM_TRY(fetch_all(crypto, err));
  EKM_TRY(start_random(crypto, err));
  *out_crypto = crypto;
  ok = true;
done:
  if (!ok) ekm_crypto_free(&crypto);
  (void)ERR_pop_to_mark();
  return ok;
}

void ekm_crypto_free(ekm_crypto **crypto) {
  ekm_crypto *dead = *crypto;
  *crypto = NULL;
  if (dead == NULL) return;
  EVP_RAND_CTX_free(dead->drbg);
  EVP_RAND_CTX_free(dead->seed);
  EVP_CIPHER_free(dead->aes_256_gcm);
  EVP_MAC_free(dead->hmac);
  EVP_MD_free(dead->sha1);
  EVP_MD_free(dead->sha256);
  OSSL_LIB_CTX_free(dead->lib);
  ekm_mem_free(dead);
}

const ekm_rng *ekm_crypto_rng(const ekm_crypto *crypto) {
  return &crypto->rng;
}

static bool digest(const EVP_MD *md, ekm_view data, uint8_t *out, ekm_err *err) {
  (void)ERR_set_mark();
  bool ok = EVP_Digest(data.ptr, data.len, out, NULL, md, NULL) == 1;
  if (!ok) (void)ekm_crypto_fail(err, EVP_MD_get0_name(md));
  (void)ERR_pop_to_mark();
  return ok;
}

bool ekm_crypto_sha256(const ekm_crypto *crypto, ekm_view data, uint8_t out[EKM_SHA256_BYTES], ekm_err *err) {
  return digest(crypto->sha256, data, out, err);
}

bool ekm_crypto_sha1(const ekm_crypto *crypto, ekm_view data, uint8_t out[EKM_SHA1_BYTES], ekm_err *err) {
  return digest(crypto->sha1, data, out, err);
}

bool ekm_crypto_hmac_sha256(const ekm_crypto *crypto, ekm_view key, ekm_view data, uint8_t out[EKM_SHA256_BYTES],
                            ekm_err *err) {
  static const uint8_t no_key[1] = {0}; /* EVP_MAC_init takes a NULL key for "keep the old one" */
  char hash[] = "SHA256";
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash, 0), OSSL_PARAM_construct_end()};
  size_t len = 0;

  (void)ERR_set_mark();
  EVP_MAC_CTX *mac = EVP_MAC_CTX_new(crypto->hmac);
  bool ok = mac != NULL && EVP_MAC_init(mac, key.len > 0 ? key.ptr : no_key, key.len, params) == 1 &&
            EVP_MAC_update(mac, data.ptr, data.len) == 1 && EVP_MAC_final(mac, out, &len, EKM_SHA256_BYTES) == 1 &&
            len == EKM_SHA256_BYTES;
  if (!ok) (void)ekm_crypto_fail(err, "HMAC-SHA256");
  EVP_MAC_CTX_free(mac);
  (void)ERR_pop_to_mark();
  return ok;
}

bool ekm_asn1_wall_s(const ASN1_TIME *time, int64_t *out_wall_s) {
  int days = 0;
  int seconds = 0;
  ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
  bool ok = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;
  *out_wall_s = (int64_t)days * 86400 + seconds;
  ASN1_TIME_free(epoch);
  return ok;
}
