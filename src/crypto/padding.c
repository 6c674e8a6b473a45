#include "crypto/padding.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

/* ---- OAEP -------------------------------------------------------------------------------------------------------- */

enum { MODULUS_MAX = EKM_LIMIT_RSA_MODULUS_BYTES, COUNTER_BYTES = 4 };

typedef struct oaep_hash {
  bool is_sha256;
  size_t bytes;
} oaep_hash;

static bool digest(const ekm_crypto *crypto, const oaep_hash *hash, ekm_view data, uint8_t *out, ekm_err *err) {
  return hash->is_sha256 ? ekm_crypto_sha256(crypto, data, out, err) : ekm_crypto_sha1(crypto, data, out, err);
}

/* MGF1 (RFC 8017 appendix B.2.1): the mask of ${seed} over ${data}, in place. */
static bool unmask(const ekm_crypto *crypto, const oaep_hash *hash, ekm_view seed, uint8_t *data, size_t len,
                   ekm_err *err) {
  uint8_t block[EKM_SHA256_BYTES];
  uint8_t input[MODULUS_MAX + COUNTER_BYTES];
  bool ok = true;
  memcpy(input, seed.ptr, seed.len);
  for (size_t done = 0, counter = 0; ok && done < len; done += hash->bytes, counter++) {
    for (int i = 0; i < COUNTER_BYTES; i++) input[seed.len + (size_t)i] = (uint8_t)(counter >> (24 - 8 * i));
    ok = digest(crypto, hash, ekm_view_of(input, seed.len + COUNTER_BYTES), block, err);
    for (size_t i = 0; ok && i < hash->bytes && done + i < len; i++) data[done + i] ^= block[i];
  }
  ekm_mem_wipe(block, sizeof block);
  ekm_mem_wipe(input, sizeof input);
  return ok;
}

/* All ones if x is zero, else zero; without a branch. */
static uint32_t is_zero(uint32_t x) {
  return 0 - ((~x & (x - 1)) >> 31);
}

/* Where the message begins in DB = lHash | 0...0 | 1 | message, and whether DB is one: both without a branch on it. */
static size_t find_message(const uint8_t *db, size_t len, const uint8_t *label_hash, size_t hash_bytes, uint8_t first,
                           uint32_t *out_good) {
  uint32_t good = is_zero(first);
  uint32_t found = 0;
  uint32_t at = 0;
  for (size_t i = 0; i < hash_bytes; i++) good &= is_zero((uint32_t)(db[i] ^ label_hash[i]));
  for (size_t i = hash_bytes; i < len; i++) {
    uint32_t one = is_zero((uint32_t)db[i] ^ 1);
    uint32_t zero = is_zero(db[i]);
    at |= ~found & one & (uint32_t)i;
    good &= found | one | zero;
    found |= one;
  }
  *out_good = good & found;
  return at + 1;
}

bool ekm_oaep_remove(const ekm_crypto *crypto, bool with_sha256, ekm_view encoded, ekm_buf *out_plaintext,
                     ekm_err *err) {
  bool ok = false;
  const oaep_hash hash = {with_sha256, with_sha256 ? EKM_SHA256_BYTES : EKM_SHA1_BYTES};
  uint8_t em[MODULUS_MAX] = {0};
  uint8_t label_hash[EKM_SHA256_BYTES];
  uint32_t good = 0;

  if (encoded.len > sizeof em || encoded.len < 2 * hash.bytes + 2) EKM_BAIL(err, EKM_E_UNWRAP_REFUSED, "its length");
  memcpy(em, encoded.ptr, encoded.len);
  uint8_t *seed = em + 1;
  uint8_t *db = seed + hash.bytes;
  size_t db_len = encoded.len - 1 - hash.bytes;
  EKM_TRY(digest(crypto, &hash, ekm_view_of("", 0), label_hash, err));
  EKM_TRY(unmask(crypto, &hash, ekm_view_of(db, db_len), seed, hash.bytes, err));
  EKM_TRY(unmask(crypto, &hash, ekm_view_of(seed, hash.bytes), db, db_len, err));
  size_t at = find_message(db, db_len, label_hash, hash.bytes, em[0], &good);
  if (good == 0) EKM_BAIL(err, EKM_E_UNWRAP_REFUSED, "RSA-OAEP");
  ekm_buf_append(out_plaintext, db + at, db_len - at);
  ok = ekm_buf_ok(out_plaintext, "a plaintext", err);
done:
  ekm_mem_wipe(em, sizeof em);
  return ok;
}

/* ---- wrapping of keys -------------------------------------------------------------------------------------------- */

enum { HALF = 8, BLOCK = 16, ROUNDS = 6, WRAP_MAX_BYTES = 64 * 1024 };

static const uint8_t plain_iv[HALF] = {0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6, 0xA6};
static const uint8_t padded_iv[4] = {0xA6, 0x59, 0x59, 0xA6};

static void count_into(uint8_t a[HALF], uint64_t t) {
  for (int i = 0; i < HALF; i++) a[i] ^= (uint8_t)(t >> (56 - 8 * i));
}

/* RFC 3394 section 2.2.1 over A | R1 ... Rn, in place. */
static bool wrap(const ekm_block_cipher *cipher, uint8_t *ar, size_t n, ekm_err *err) {
  uint8_t block[BLOCK];
  bool ok = true;
  memcpy(block, ar, HALF);
  for (size_t j = 0; ok && j < ROUNDS; j++) {
    for (size_t i = 1; ok && i <= n; i++) {
      memcpy(block + HALF, ar + HALF * i, HALF);
      ok = cipher->run(cipher->arg, true, block, err);
      count_into(block, n * j + i);
      memcpy(ar + HALF * i, block + HALF, HALF);
    }
  }
  memcpy(ar, block, HALF);
  ekm_mem_wipe(block, sizeof block);
  return ok;
}

/* Section 2.2.2, the inverse. */
static bool unwrap(const ekm_block_cipher *cipher, uint8_t *ar, size_t n, ekm_err *err) {
  uint8_t block[BLOCK];
  bool ok = true;
  memcpy(block, ar, HALF);
  for (size_t j = ROUNDS; ok && j-- > 0;) {
    for (size_t i = n; ok && i >= 1; i--) {
      count_into(block, n * j + i);
      memcpy(block + HALF, ar + HALF * i, HALF);
      ok = cipher->run(cipher->arg, false, block, err);
      memcpy(ar + HALF * i, block + HALF, HALF);
    }
  }
  memcpy(ar, block, HALF);
  ekm_mem_wipe(block, sizeof block);
  return ok;
}

static size_t rounded_up(size_t len) {
  return (len + HALF - 1) / HALF * HALF;
}

bool ekm_keywrap(const ekm_block_cipher *cipher, bool padded, ekm_view plaintext, ekm_buf *out, ekm_err *err) {
  bool ok = false;
  ekm_buf ar;
  size_t len = rounded_up(plaintext.len);
  bool fits = padded ? plaintext.len >= 1 : plaintext.len == len && plaintext.len >= BLOCK;

  ekm_buf_init(&ar, WRAP_MAX_BYTES + HALF);
  if (!fits || len > WRAP_MAX_BYTES) EKM_BAIL(err, EKM_E_BAD_ARGUMENT, "%zu bytes to wrap", plaintext.len);
  uint8_t *at = ekm_buf_extend(&ar, HALF + len);
  EKM_TRY(ekm_buf_ok(&ar, "a wrapped key", err));
  memset(at, 0, HALF + len);
  memcpy(at, padded ? padded_iv : plain_iv, padded ? sizeof padded_iv : sizeof plain_iv);
  if (padded) {
    for (int i = 0; i < 4; i++) at[4 + i] = (uint8_t)(plaintext.len >> (24 - 8 * i));
  }
  memcpy(at + HALF, plaintext.ptr, plaintext.len);
  EKM_TRY(padded && len == HALF ? cipher->run(cipher->arg, true, at, err) : wrap(cipher, at, len / HALF, err));
  ekm_buf_append_view(out, ekm_buf_view(&ar));
  ok = ekm_buf_ok(out, "a wrapped key", err);
done:
  ekm_buf_clear(&ar);
  return ok;
}

/* How much of ${len} bytes behind the iv is the plaintext; 0 if iv, length or padding are wrong. */
static size_t length_in(const uint8_t *ar, size_t len, bool padded) {
  uint8_t wrong = 0;
  if (!padded) return ekm_mem_equal(ar, plain_iv, sizeof plain_iv) ? len : 0;
  size_t claimed = (size_t)ar[4] << 24 | (size_t)ar[5] << 16 | (size_t)ar[6] << 8 | ar[7];
  if (!ekm_mem_equal(ar, padded_iv, sizeof padded_iv) || claimed == 0 || rounded_up(claimed) != len) return 0;
  for (size_t i = claimed; i < len; i++) wrong |= ar[HALF + i];
  return wrong == 0 ? claimed : 0;
}

bool ekm_keyunwrap(const ekm_block_cipher *cipher, bool padded, ekm_view ciphertext, ekm_buf *out, ekm_err *err) {
  bool ok = false;
  ekm_buf ar;
  size_t least = padded ? BLOCK : BLOCK + HALF;
  bool fits = ciphertext.len >= least && ciphertext.len % HALF == 0 && ciphertext.len <= WRAP_MAX_BYTES;

  ekm_buf_init(&ar, WRAP_MAX_BYTES);
  if (!fits) EKM_BAIL(err, EKM_E_UNWRAP_REFUSED, "its length");
  ekm_buf_append_view(&ar, ciphertext);
  EKM_TRY(ekm_buf_ok(&ar, "a wrapped key", err));
  size_t len = ciphertext.len - HALF;
  EKM_TRY(len == HALF ? cipher->run(cipher->arg, false, ar.ptr, err) : unwrap(cipher, ar.ptr, len / HALF, err));
  size_t plain = length_in(ar.ptr, len, padded);
  if (plain == 0) EKM_BAIL(err, EKM_E_UNWRAP_REFUSED, "the wrapping of a key");
  ekm_buf_append(out, ar.ptr + HALF, plain);
  ok = ekm_buf_ok(out, "a key", err);
done:
  ekm_buf_clear(&ar);
  return ok;
}
