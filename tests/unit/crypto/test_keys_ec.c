/* Elliptic-curve keys: the keys and signatures of the standards (ec_vectors.h), and
 * everything that must not work. */
#include <string.h>

#include "base/b64url.h"
#include "base/thread.h"
#include "crypto/keys.h"
#include "support/cmocka_all.h"
#include "support/memory_gate.h"
#include "support/vectors.h"
#include "unit/crypto/ec_vectors.h"

enum { CURVES = EC_CURVES, FIELD_MAX = 66, RAW_MAX = 2 * FIELD_MAX };

enum { ORDER, D, X, Y, DIGEST, SIGNER_X, SIGNER_Y, SIGNATURE, PARTS };

typedef struct loaded {
  ekm_buf parts[PARTS];
} loaded;

static ekm_crypto *crypto;
static ekm_key *own[CURVES]; /* generated */

static int set_up(void **state) {
  ekm_err err = {0};
  (void)state;
  if (!ekm_crypto_new(&crypto, &err)) return -1;
  for (size_t i = 0; i < CURVES; i++) {
    if (!ekm_key_generate_ec(crypto, curve_cases[i].curve, &own[i], &err)) return -1;
  }
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  for (size_t i = 0; i < CURVES; i++) ekm_key_free(&own[i]);
  ekm_crypto_free(&crypto);
  return 0;
}

static void load(const curve_case *row, loaded *l) {
  const char *const texts[PARTS] = {
      row->order,
      row->d,
      row->x,
      row->y,
      row->digest,
      row->signer_x != NULL ? row->signer_x : row->x,
      row->signer_y != NULL ? row->signer_y : row->y,
      row->signature,
  };
  for (size_t i = 0; i < PARTS; i++) {
    ekm_buf_init(&l->parts[i], RAW_MAX);
    vectors_hex(texts[i], &l->parts[i]);
  }
}

static void unload(loaded *l) {
  for (size_t i = 0; i < PARTS; i++) ekm_buf_clear(&l->parts[i]);
}

static ekm_view part(const loaded *l, size_t i) {
  return ekm_buf_view(&l->parts[i]);
}

static ekm_key *import(const char *curve, ekm_view x, ekm_view y, ekm_view d) {
  ekm_err err = {0};
  ekm_key *key = NULL;
  const ekm_ec_numbers numbers = {x, y, d};
  assert_true(ekm_key_import_ec(crypto, curve, &numbers, &key, &err));
  return key;
}

static void refuse_import(const char *curve, ekm_view x, ekm_view y, ekm_view d, ekm_err_id id) {
  ekm_err err = {0};
  ekm_key *key = NULL;
  const ekm_ec_numbers numbers = {x, y, d};
  assert_false(ekm_key_import_ec(crypto, curve, &numbers, &key, &err));
  assert_int_equal(err.id, id);
  assert_null(key);
}

static void assert_public(const ekm_key *key, ekm_view x, ekm_view y) {
  ekm_err err = {0};
  ekm_buf out_x;
  ekm_buf out_y;
  ekm_buf_init(&out_x, FIELD_MAX);
  ekm_buf_init(&out_y, FIELD_MAX);
  assert_true(ekm_key_public_ec(key, &out_x, &out_y, &err));
  assert_true(ekm_view_equal(ekm_buf_view(&out_x), x));
  assert_true(ekm_view_equal(ekm_buf_view(&out_y), y));
  ekm_buf_clear(&out_x);
  ekm_buf_clear(&out_y);
}

static bool verifies(const ekm_key *key, const char *alg, ekm_view digest, ekm_view signature) {
  ekm_err err = {0};
  bool valid = false;
  assert_true(ekm_key_verify(key, alg, digest, signature, &valid, &err));
  return valid;
}

static const ekm_view none = {NULL, 0};

static void published_keys_are_taken_and_given_back(void **state) {
  (void)state;
  for (size_t i = 0; i < CURVES; i++) {
    loaded l;
    load(&curve_cases[i], &l);
    ekm_key *pair = import(curve_cases[i].curve, part(&l, X), part(&l, Y), part(&l, D));
    ekm_key *public_part = import(curve_cases[i].curve, part(&l, X), part(&l, Y), none);
    assert_string_equal(ekm_key_curve(pair), curve_cases[i].curve);
    assert_int_equal(ekm_key_bits(pair), curve_cases[i].bits);
    assert_int_equal(l.parts[X].len, curve_cases[i].field_bytes);
    assert_public(pair, part(&l, X), part(&l, Y));
    assert_public(public_part, part(&l, X), part(&l, Y));
    ekm_key_free(&pair);
    ekm_key_free(&public_part);
    unload(&l);
  }
}

static void published_signatures_verify_and_no_other_does(void **state) {
  (void)state;
  for (size_t i = 0; i < CURVES; i++) {
    loaded l;
    load(&curve_cases[i], &l);
    ekm_key *key = import(curve_cases[i].curve, part(&l, SIGNER_X), part(&l, SIGNER_Y), none);
    ekm_buf *signature = &l.parts[SIGNATURE];
    assert_int_equal(signature->len, 2 * curve_cases[i].field_bytes);
    assert_true(verifies(key, curve_cases[i].alg, part(&l, DIGEST), ekm_buf_view(signature)));
    assert_false(verifies(own[i], curve_cases[i].alg, part(&l, DIGEST), ekm_buf_view(signature)));
    for (size_t bit = 0; bit < signature->len * 8; bit += 7) {
      signature->ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
      assert_false(verifies(key, curve_cases[i].alg, part(&l, DIGEST), ekm_buf_view(signature)));
      signature->ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    l.parts[DIGEST].ptr[0] ^= 1;
    assert_false(verifies(key, curve_cases[i].alg, part(&l, DIGEST), ekm_buf_view(signature)));
    ekm_key_free(&key);
    unload(&l);
  }
}

static void the_examples_of_jws(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof jws_cases / sizeof jws_cases[0]; i++) {
    const char *const texts[] = {jws_cases[i].x, jws_cases[i].y, jws_cases[i].d, jws_cases[i].signature};
    ekm_err err = {0};
    ekm_buf b[4];
    ekm_buf digest;
    ekm_buf_init(&digest, 64);
    vectors_hex(jws_cases[i].digest, &digest);
    for (size_t j = 0; j < 4; j++) {
      ekm_buf_init(&b[j], RAW_MAX);
      assert_true(ekm_b64url_decode(texts[j], strlen(texts[j]), &b[j], "a vector", &err));
    }
    ekm_key *key = import(jws_cases[i].curve, ekm_buf_view(&b[0]), ekm_buf_view(&b[1]), ekm_buf_view(&b[2]));
    assert_true(verifies(key, jws_cases[i].alg, ekm_buf_view(&digest), ekm_buf_view(&b[3])));
    ekm_key_free(&key);
    for (size_t j = 0; j < 4; j++) ekm_buf_clear(&b[j]);
    ekm_buf_clear(&digest);
  }
}

static const uint8_t message[65] = "bytes that stand for a digest, and one more than the longest";

static void signatures_go_there_and_back(void **state) {
  (void)state;
  for (size_t i = 0; i < CURVES; i++) {
    ekm_err err = {0};
    ekm_view digest = ekm_view_of(message, curve_cases[i].hash_bytes);
    ekm_buf first;
    ekm_buf second;
    ekm_buf_init(&first, RAW_MAX);
    ekm_buf_init(&second, 6 + RAW_MAX);
    ekm_buf_append_text(&second, "before");
    assert_true(ekm_key_sign(own[i], curve_cases[i].alg, digest, &first, &err));
    assert_true(ekm_key_sign(own[i], curve_cases[i].alg, digest, &second, &err));
    assert_int_equal(first.len, 2 * curve_cases[i].field_bytes);
    assert_int_equal(second.len, 6 + 2 * curve_cases[i].field_bytes);
    assert_memory_equal(second.ptr, "before", 6);
    assert_memory_not_equal(first.ptr, second.ptr + 6, first.len);
    assert_true(verifies(own[i], curve_cases[i].alg, digest, ekm_buf_view(&first)));
    assert_true(verifies(own[i], curve_cases[i].alg, digest, ekm_view_of(second.ptr + 6, second.len - 6)));
    assert_false(verifies(own[i], curve_cases[i].alg, ekm_view_of(message + 1, digest.len), ekm_buf_view(&first)));
    ekm_buf_clear(&first);
    ekm_buf_clear(&second);
  }
}

/* One signature in 128 has an r or an s that is a byte shorter than the order (of P-521, three in four): it must be as
 * long as the others. That none of 4,000 is short happens once in 10^13 runs. */
static void short_numbers_are_padded(void **state) {
  (void)state;
  for (size_t i = 0; i < CURVES; i += 2) {
    ekm_view digest = ekm_view_of(message, curve_cases[i].hash_bytes);
    bool found = false;
    for (size_t tries = 0; tries < 4000 && !found; tries++) {
      ekm_err err = {0};
      ekm_buf signature;
      ekm_buf_init(&signature, RAW_MAX);
      assert_true(ekm_key_sign(own[i], curve_cases[i].alg, digest, &signature, &err));
      assert_int_equal(signature.len, 2 * curve_cases[i].field_bytes);
      found = signature.ptr[0] == 0 || signature.ptr[curve_cases[i].field_bytes] == 0;
      if (found) assert_true(verifies(own[i], curve_cases[i].alg, digest, ekm_buf_view(&signature)));
      ekm_buf_clear(&signature);
    }
    assert_true(found);
  }
}

/* The cases of Wycheproof's p1363 files: another length, zero, the order and beyond it, DER. */
static void numbers_out_of_range_are_no_signature(void **state) {
  (void)state;
  for (size_t i = 0; i < CURVES; i++) {
    loaded l;
    load(&curve_cases[i], &l);
    size_t half = curve_cases[i].field_bytes;
    ekm_key *key = import(curve_cases[i].curve, part(&l, SIGNER_X), part(&l, SIGNER_Y), none);
    uint8_t edges[6][FIELD_MAX] = {{0}};
    edges[1][half - 1] = 1;
    for (size_t edge = 2; edge < 5; edge++) memcpy(edges[edge], l.parts[ORDER].ptr, half);
    edges[3][half - 1]--;
    edges[4][half - 1]++;
    memset(edges[5], 0xFF, half);
    for (size_t r = 0; r < 6; r++) {
      for (size_t s = 0; s < 6; s++) {
        uint8_t raw[RAW_MAX];
        memcpy(raw, edges[r], half);
        memcpy(raw + half, edges[s], half);
        assert_false(verifies(key, curve_cases[i].alg, part(&l, DIGEST), ekm_view_of(raw, 2 * half)));
      }
      uint8_t mixed[RAW_MAX];
      memcpy(mixed, l.parts[SIGNATURE].ptr, 2 * half);
      memcpy(mixed, edges[r], half);
      assert_false(verifies(key, curve_cases[i].alg, part(&l, DIGEST), ekm_view_of(mixed, 2 * half)));
      memcpy(mixed, l.parts[SIGNATURE].ptr, half);
      memcpy(mixed + half, edges[r], half);
      assert_false(verifies(key, curve_cases[i].alg, part(&l, DIGEST), ekm_view_of(mixed, 2 * half)));
    }
    ekm_key_free(&key);
    unload(&l);
  }
}

static void signatures_of_another_length_are_none(void **state) {
  (void)state;
  for (size_t i = 0; i < CURVES; i++) {
    loaded l;
    load(&curve_cases[i], &l);
    ekm_key *key = import(curve_cases[i].curve, part(&l, SIGNER_X), part(&l, SIGNER_Y), none);
    uint8_t longer[RAW_MAX + 16] = {0};
    for (size_t len = 0; len < 2 * curve_cases[i].field_bytes; len++) {
      assert_false(verifies(key, curve_cases[i].alg, part(&l, DIGEST), ekm_view_of(l.parts[SIGNATURE].ptr, len)));
    }
    memcpy(longer, l.parts[SIGNATURE].ptr, l.parts[SIGNATURE].len);
    for (size_t len = l.parts[SIGNATURE].len + 1; len <= sizeof longer; len++) {
      assert_false(verifies(key, curve_cases[i].alg, part(&l, DIGEST), ekm_view_of(longer, len)));
    }
    ekm_key_free(&key);
    unload(&l);
  }
}

/* The signature of RFC 6979 A.2.5 as the SEQUENCE of two INTEGERs of RFC 3279. */
static void der_is_no_signature_of_jws(void **state) {
  static const char der_text[] =
      "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
      "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
  loaded l;
  ekm_buf der;
  (void)state;
  load(&curve_cases[0], &l);
  ekm_buf_init(&der, 128);
  vectors_hex(der_text, &der);
  ekm_key *key = import("P-256", part(&l, X), part(&l, Y), none);
  assert_false(verifies(key, "ES256", part(&l, DIGEST), ekm_buf_view(&der)));
  ekm_key_free(&key);
  ekm_buf_clear(&der);
  unload(&l);
}

static void an_algorithm_has_one_curve(void **state) {
  static const char *const others[] = {"RS256", "PS512", "ES256k", "ECDSA256", "RSNULL", "HS256", "", "none"};
  (void)state;
  for (size_t i = 0; i < CURVES; i++) {
    const char *names[CURVES + sizeof others / sizeof others[0]];
    size_t count = 0;
    for (size_t j = 0; j < CURVES; j++) {
      if (j != i) names[count++] = curve_cases[j].alg;
    }
    for (size_t j = 0; j < sizeof others / sizeof others[0]; j++) names[count++] = others[j];
    for (size_t j = 0; j < count; j++) {
      static const size_t lens[] = {32, 48, 64};
      for (size_t k = 0; k < 3; k++) {
        ekm_err err = {0};
        bool valid = true;
        ekm_buf out;
        ekm_buf_init(&out, RAW_MAX);
        assert_false(ekm_key_sign(own[i], names[j], ekm_view_of(message, lens[k]), &out, &err));
        assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
        assert_int_equal(out.len, 0);
        assert_false(ekm_key_verify(own[i], names[j], ekm_view_of(message, lens[k]), none, &valid, &err));
        assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
        assert_false(valid);
        ekm_buf_clear(&out);
      }
    }
  }
}

static void digests_of_another_length_are_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < CURVES; i++) {
    for (size_t len = 0; len <= sizeof message; len++) {
      ekm_err err = {0};
      bool valid = true;
      ekm_buf out;
      if (len == curve_cases[i].hash_bytes) continue;
      ekm_buf_init(&out, RAW_MAX);
      assert_false(ekm_key_sign(own[i], curve_cases[i].alg, ekm_view_of(message, len), &out, &err));
      assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
      assert_int_equal(out.len, 0);
      assert_false(ekm_key_verify(own[i], curve_cases[i].alg, ekm_view_of(message, len), none, &valid, &err));
      assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
      assert_false(valid);
      ekm_buf_clear(&out);
    }
  }
}

/* A JWK's writer may have left zeros away or put one in front (RFC 7518 forbids both); we never do. */
static void lengths_are_mended(void **state) {
  loaded l;
  (void)state;
  load(&curve_cases[2], &l);
  assert_int_equal(l.parts[Y].ptr[0], 0);
  assert_int_equal(l.parts[D].ptr[0], 0);
  ekm_view short_y = ekm_view_of(l.parts[Y].ptr + 1, l.parts[Y].len - 1);
  ekm_view short_d = ekm_view_of(l.parts[D].ptr + 1, l.parts[D].len - 1);
  uint8_t long_x[FIELD_MAX + 3] = {0};
  memcpy(long_x + 3, l.parts[X].ptr, l.parts[X].len);
  ekm_key *key = import("P-521", ekm_view_of(long_x, sizeof long_x), short_y, short_d);
  assert_public(key, part(&l, X), part(&l, Y));
  ekm_key_free(&key);
  long_x[0] = 1;
  refuse_import("P-521", ekm_view_of(long_x, sizeof long_x), short_y, short_d, EKM_E_CRYPTO);
  unload(&l);
}

static void numbers_that_are_no_key_are_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < CURVES; i++) {
    const char *curve = curve_cases[i].curve;
    size_t len = curve_cases[i].field_bytes;
    loaded l;
    load(&curve_cases[i], &l);
    uint8_t ones[FIELD_MAX];
    memset(ones, 0xFF, sizeof ones);
    const uint8_t zeros[FIELD_MAX] = {0};
    const ekm_view bad_coordinates[] = {none, ekm_view_of(zeros, len), ekm_view_of(ones, len)};
    for (size_t j = 0; j < 3; j++) {
      refuse_import(curve, bad_coordinates[j], part(&l, Y), none, EKM_E_CRYPTO);
      refuse_import(curve, part(&l, X), bad_coordinates[j], none, EKM_E_CRYPTO);
      refuse_import(curve, bad_coordinates[j], bad_coordinates[j], part(&l, D), EKM_E_CRYPTO);
    }
    for (size_t which = D; which <= Y; which++) {
      l.parts[which].ptr[len - 1] ^= 2;
      refuse_import(curve, part(&l, X), part(&l, Y), part(&l, D), EKM_E_CRYPTO);
      l.parts[which].ptr[len - 1] ^= 2;
    }
    refuse_import(curve, part(&l, Y), part(&l, X), none, EKM_E_CRYPTO);
    refuse_import(curve, part(&l, X), part(&l, Y), ekm_view_of(zeros, len), EKM_E_CRYPTO);
    refuse_import(curve, part(&l, X), part(&l, Y), ekm_view_of(ones, len), EKM_E_CRYPTO);
    refuse_import(curve, part(&l, X), part(&l, Y), part(&l, ORDER), EKM_E_CRYPTO);
    refuse_import(curve_cases[(i + 1) % CURVES].curve, part(&l, X), part(&l, Y), none, EKM_E_CRYPTO);
    unload(&l);
  }
}

/* n + 1 times the base point is the base point, but n + 1 is no private key of secp256k1. */
static void a_private_key_above_the_order_is_refused(void **state) {
  loaded l;
  (void)state;
  load(&curve_cases[3], &l);
  l.parts[ORDER].ptr[31]++;
  refuse_import("P-256K", part(&l, X), part(&l, Y), part(&l, ORDER), EKM_E_CRYPTO);
  unload(&l);
}

static void other_curves_are_refused(void **state) {
  static const char *const curves[] = {"",     "P-192",     "P-224",      "p-256",     "P-256 ",
                                       "P256", "secp256k1", "prime256v1", "SECP256K1", "Ed25519"};
  loaded l;
  (void)state;
  load(&curve_cases[0], &l);
  for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
    ekm_err err = {0};
    ekm_key *key = NULL;
    assert_false(ekm_key_generate_ec(crypto, curves[i], &key, &err));
    assert_int_equal(err.id, EKM_E_KEY_KIND);
    assert_null(key);
    refuse_import(curves[i], part(&l, X), part(&l, Y), none, EKM_E_KEY_KIND);
  }
  unload(&l);
}

static void a_public_key_does_not_sign(void **state) {
  (void)state;
  for (size_t i = 0; i < CURVES; i++) {
    loaded l;
    ekm_err err = {0};
    ekm_buf out;
    load(&curve_cases[i], &l);
    ekm_buf_init(&out, 512);
    ekm_key *key = import(curve_cases[i].curve, part(&l, X), part(&l, Y), none);
    assert_false(ekm_key_sign(key, curve_cases[i].alg, part(&l, DIGEST), &out, &err));
    assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
    assert_false(ekm_key_to_pkcs8(key, &out, &err));
    assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
    assert_int_equal(out.len, 0);
    ekm_key_free(&key);
    ekm_buf_clear(&out);
    unload(&l);
  }
}

static void what_is_for_rsa_is_refused(void **state) {
  static const char *const names[] = {"RSA-OAEP-256", "RSA-OAEP", "RSA1_5"};
  ekm_key *rsa = NULL;
  ekm_err err = {0};
  ekm_buf out;
  (void)state;
  ekm_buf_init(&out, 512);
  assert_true(ekm_key_generate_rsa(crypto, 2048, 65537, &rsa, &err));
  assert_null(ekm_key_curve(rsa));
  assert_false(ekm_key_public_ec(rsa, &out, &out, &err));
  assert_int_equal(err.id, EKM_E_KEY_KIND);
  for (size_t i = 0; i < CURVES; i++) {
    assert_false(ekm_key_sign(rsa, curve_cases[i].alg, ekm_view_of(message, curve_cases[i].hash_bytes), &out, &err));
    assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
    assert_false(ekm_key_public(own[i], &out, &out, &err));
    assert_int_equal(err.id, EKM_E_KEY_KIND);
    for (size_t j = 0; j < 3; j++) {
      assert_false(ekm_key_encrypt(own[i], names[j], ekm_view_of(message, 1), &out, &err));
      assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
      assert_false(ekm_key_decrypt(own[i], names[j], ekm_view_of(message, 32), &out, &err));
      assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
    }
  }
  assert_int_equal(out.len, 0);
  ekm_key_free(&rsa);
  ekm_buf_clear(&out);
}

static void pkcs8_there_and_back(void **state) {
  (void)state;
  for (size_t i = 0; i < CURVES; i++) {
    ekm_err err = {0};
    ekm_key *again = NULL;
    ekm_buf der;
    ekm_buf signature;
    ekm_buf_init(&der, 1024);
    ekm_buf_init(&signature, RAW_MAX);
    assert_true(ekm_key_to_pkcs8(own[i], &der, &err));
    assert_true(ekm_key_from_pkcs8(crypto, ekm_buf_view(&der), &again, &err));
    assert_string_equal(ekm_key_curve(again), curve_cases[i].curve);
    assert_int_equal(ekm_key_bits(again), curve_cases[i].bits);
    assert_true(
        ekm_key_sign(again, curve_cases[i].alg, ekm_view_of(message, curve_cases[i].hash_bytes), &signature, &err));
    assert_true(verifies(own[i], curve_cases[i].alg, ekm_view_of(message, curve_cases[i].hash_bytes),
                         ekm_buf_view(&signature)));
    ekm_key_free(&again);
    for (size_t len = 0; len < der.len; len++) {
      assert_false(ekm_key_from_pkcs8(crypto, ekm_view_of(der.ptr, len), &again, &err));
      assert_int_equal(err.id, EKM_E_CRYPTO);
      assert_null(again);
    }
    ekm_buf_append_char(&der, 'x');
    assert_false(ekm_key_from_pkcs8(crypto, ekm_buf_view(&der), &again, &err));
    assert_int_equal(err.id, EKM_E_CRYPTO);
    ekm_buf_clear(&der);
    ekm_buf_clear(&signature);
  }
}

/* PKCS#8 of keys that no vault has: Ed25519 (RFC 8410 section 10.3), and P-224 with d = 1. */
static void pkcs8_of_other_keys(void **state) {
  static const char *const rows[] = {
      "302e020100300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842",
      "303a020100301006072a8648ce3d020106052b810400210423302102"
      "0101041c00000000000000000000000000000000000000000000000000000001",
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    ekm_key *key = NULL;
    ekm_buf der;
    ekm_buf_init(&der, 256);
    vectors_hex(rows[i], &der);
    assert_false(ekm_key_from_pkcs8(crypto, ekm_buf_view(&der), &key, &err));
    assert_int_equal(err.id, EKM_E_KEY_KIND);
    assert_null(key);
    ekm_buf_clear(&der);
  }
}

static void a_buffer_without_room_is_an_error(void **state) {
  (void)state;
  for (size_t i = 0; i < CURVES; i++) {
    ekm_err err = {0};
    ekm_buf out;
    ekm_buf other;
    ekm_buf_init(&out, 2 * curve_cases[i].field_bytes - 1);
    ekm_buf_init(&other, curve_cases[i].field_bytes - 1);
    assert_false(ekm_key_sign(own[i], curve_cases[i].alg, ekm_view_of(message, curve_cases[i].hash_bytes), &out, &err));
    assert_int_equal(err.id, EKM_E_LIMIT);
    ekm_buf_reset(&out);
    assert_false(ekm_key_public_ec(own[i], &out, &other, &err));
    assert_int_equal(err.id, EKM_E_LIMIT);
    ekm_buf_clear(&out);
    ekm_buf_clear(&other);
  }
}

typedef struct racer {
  ekm_thread *thread;
  bool ok;
} racer;

static void race(void *arg) {
  racer *r = arg;
  r->ok = true;
  for (size_t n = 0; n < 40 && r->ok; n++) {
    size_t i = n % CURVES;
    ekm_err err = {0};
    ekm_view digest = ekm_view_of(message, curve_cases[i].hash_bytes);
    bool valid = false;
    ekm_buf signature;
    ekm_buf_init(&signature, RAW_MAX);
    r->ok = ekm_key_sign(own[i], curve_cases[i].alg, digest, &signature, &err) &&
            ekm_key_verify(own[i], curve_cases[i].alg, digest, ekm_buf_view(&signature), &valid, &err) && valid;
    ekm_buf_clear(&signature);
  }
}

static void keys_on_many_threads(void **state) {
  racer racers[8];
  ekm_err err = {0};
  (void)state;
  for (size_t i = 0; i < 8; i++) assert_true(ekm_thread_start(&racers[i].thread, race, &racers[i], &err));
  for (size_t i = 0; i < 8; i++) {
    ekm_thread_join(&racers[i].thread);
    assert_true(racers[i].ok);
  }
}

static void a_lack_of_memory_is_an_error(void **state) {
  memory_gate gate = {0};
  loaded l;
  (void)state;
  load(&curve_cases[0], &l);
  const ekm_ec_numbers numbers = {part(&l, X), part(&l, Y), part(&l, D)};
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_err err = {0};
    ekm_key *keys[3] = {NULL};
    ekm_buf b[4];
    for (size_t i = 0; i < 4; i++) ekm_buf_init(&b[i], 512);
    bool ok = ekm_key_generate_ec(crypto, "P-384", &keys[0], &err) &&
              ekm_key_import_ec(crypto, "P-256", &numbers, &keys[1], &err) && ekm_key_to_pkcs8(keys[1], &b[0], &err) &&
              ekm_key_from_pkcs8(crypto, ekm_buf_view(&b[0]), &keys[2], &err) &&
              ekm_key_public_ec(keys[2], &b[1], &b[2], &err) &&
              ekm_key_sign(keys[2], "ES256", part(&l, DIGEST), &b[3], &err);
    memory_gate_check(&gate, ok, &err);
    for (size_t i = 0; i < 3; i++) ekm_key_free(&keys[i]);
    for (size_t i = 0; i < 4; i++) ekm_buf_clear(&b[i]);
  }
  unload(&l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(published_keys_are_taken_and_given_back),
      cmocka_unit_test(published_signatures_verify_and_no_other_does),
      cmocka_unit_test(the_examples_of_jws),
      cmocka_unit_test(signatures_go_there_and_back),
      cmocka_unit_test(short_numbers_are_padded),
      cmocka_unit_test(numbers_out_of_range_are_no_signature),
      cmocka_unit_test(signatures_of_another_length_are_none),
      cmocka_unit_test(der_is_no_signature_of_jws),
      cmocka_unit_test(an_algorithm_has_one_curve),
      cmocka_unit_test(digests_of_another_length_are_refused),
      cmocka_unit_test(lengths_are_mended),
      cmocka_unit_test(numbers_that_are_no_key_are_refused),
      cmocka_unit_test(a_private_key_above_the_order_is_refused),
      cmocka_unit_test(other_curves_are_refused),
      cmocka_unit_test(a_public_key_does_not_sign),
      cmocka_unit_test(what_is_for_rsa_is_refused),
      cmocka_unit_test(pkcs8_there_and_back),
      cmocka_unit_test(pkcs8_of_other_keys),
      cmocka_unit_test(a_buffer_without_room_is_an_error),
      cmocka_unit_test(keys_on_many_threads),
      cmocka_unit_test(a_lack_of_memory_is_an_error),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
