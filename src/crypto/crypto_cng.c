/* Hashes and random bytes by Windows' CNG. The algorithm handles are opened once and used by all threads; a hash is
 * one call (BCryptHash, Windows 10 and Server 2016 on). */
#if !defined(_WIN32_WINNT) || _WIN32_WINNT < 0x0A00
#undef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
#include "crypto/crypto.h"

#include <windows.h>

#include <bcrypt.h>

#include "base/mem.h"

struct ekm_crypto {
  ekm_rng rng;
  BCRYPT_ALG_HANDLE sha256;
  BCRYPT_ALG_HANDLE sha1;
  BCRYPT_ALG_HANDLE hmac_sha256;
};

static bool succeeded(NTSTATUS status, const char *what, ekm_err *err) {
  if (BCRYPT_SUCCESS(status)) return true;
  return EKM_FAIL(err, EKM_E_CRYPTO, "%s: CNG says 0x%08lx", what, (unsigned long)status);
}

static bool fill_random(const ekm_rng *self, void *out, size_t len, ekm_err *err) {
  UCHAR *at = out;
  (void)self;
  while (len > 0) {
    ULONG part = len < ULONG_MAX ? (ULONG)len : ULONG_MAX;
    if (!succeeded(BCryptGenRandom(NULL, at, part, BCRYPT_USE_SYSTEM_PREFERRED_RNG), "random bytes", err)) return false;
    at += part;
    len -= part;
  }
  return true;
}

static bool open_algorithm(BCRYPT_ALG_HANDLE *out, LPCWSTR name, ULONG flags, const char *what, ekm_err *err) {
  return succeeded(BCryptOpenAlgorithmProvider(out, name, NULL, flags), what, err);
}

bool ekm_crypto_new(ekm_crypto **out_crypto, ekm_err *err) {
  bool ok = false;
  *out_crypto = NULL;
  ekm_crypto *crypto = ekm_mem_alloc(sizeof *crypto, err);
  if (crypto == NULL) goto done;
  crypto->rng.fill = fill_random;
  EKM_TRY(open_algorithm(&crypto->sha256, BCRYPT_SHA256_ALGORITHM, 0, "SHA256", err));
  EKM_TRY(open_algorithm(&crypto->sha1, BCRYPT_SHA1_ALGORITHM, 0, "SHA1", err));
  EKM_TRY(
      open_algorithm(&crypto->hmac_sha256, BCRYPT_SHA256_ALGORITHM, BCRYPT_ALG_HANDLE_HMAC_FLAG, "HMAC-SHA256", err));
  *out_crypto = crypto;
  ok = true;
done:
  if (!ok) ekm_crypto_free(&crypto);
  return ok;
}

static void close_algorithm(BCRYPT_ALG_HANDLE algorithm) {
  if (algorithm != NULL) (void)BCryptCloseAlgorithmProvider(algorithm, 0);
}

void ekm_crypto_free(ekm_crypto **crypto) {
  ekm_crypto *dead = *crypto;
  *crypto = NULL;
  if (dead == NULL) return;
  close_algorithm(dead->hmac_sha256);
  close_algorithm(dead->sha1);
  close_algorithm(dead->sha256);
  ekm_mem_free(dead);
}

const ekm_rng *ekm_crypto_rng(const ekm_crypto *crypto) {
  return &crypto->rng;
}

/* CNG's input pointers lack a const; it does not write through them. */
static UCHAR *input(ekm_view view) {
  union {
    const uint8_t *in;
    UCHAR *out;
  } pointer = {view.ptr};
  return pointer.out;
}

static bool hash(BCRYPT_ALG_HANDLE algorithm, ekm_view key, ekm_view data, uint8_t *out, ULONG out_bytes,
                 ekm_err *err) {
  if (data.len > ULONG_MAX || key.len > ULONG_MAX) return EKM_FAIL(err, EKM_E_LIMIT, "more than 4 GB to hash at once");
  return succeeded(BCryptHash(algorithm, input(key), (ULONG)key.len, input(data), (ULONG)data.len, out, out_bytes),
                   "a hash", err);
}

bool ekm_crypto_sha256(const ekm_crypto *crypto, ekm_view data, uint8_t out[EKM_SHA256_BYTES], ekm_err *err) {
  return hash(crypto->sha256, ekm_view_of(NULL, 0), data, out, EKM_SHA256_BYTES, err);
}

bool ekm_crypto_sha1(const ekm_crypto *crypto, ekm_view data, uint8_t out[EKM_SHA1_BYTES], ekm_err *err) {
  return hash(crypto->sha1, ekm_view_of(NULL, 0), data, out, EKM_SHA1_BYTES, err);
}

bool ekm_crypto_hmac_sha256(const ekm_crypto *crypto, ekm_view key, ekm_view data, uint8_t out[EKM_SHA256_BYTES],
                            ekm_err *err) {
  return hash(crypto->hmac_sha256, key, data, out, EKM_SHA256_BYTES, err);
}
