/* RSA there and back, and everything that must not work. */
#include "crypto/keys.h"

#include <string.h>

#include "base/thread.h"
#include "support/cmocka_all.h"
#include "support/memory_gate.h"
#include "support/vectors.h"

typedef struct fixture {
  ekm_crypto *crypto;
  ekm_key *key;
  ekm_key *other;
} fixture;

static int set_up(void **state) {
  static fixture f;
  ekm_err err = {0};
  *state = &f;
  return ekm_crypto_new(&f.crypto, &err) && ekm_key_generate_rsa(f.crypto, 2048, 65537, &f.key, &err) &&
                 ekm_key_generate_rsa(f.crypto, 2048, 3, &f.other, &err)
             ? 0
             : -1;
}

static int tear_down(void **state) {
  fixture *f = *state;
  ekm_key_free(&f->key);
  ekm_key_free(&f->other);
  ekm_crypto_free(&f->crypto);
  return 0;
}

static const struct {
  const char *name;
  size_t overhead_bytes;
} ciphers[] = {{"RSA-OAEP-256", 66}, {"RSA-OAEP", 42}, {"RSA1_5", 11}};

enum { CIPHER_COUNT = sizeof ciphers / sizeof ciphers[0] };

static const uint8_t message[512] = "a message that is longer than every plaintext that RSA-4096 takes";

/* Lengths from nothing to the most that fits go there and back; one more is refused. */
static void encryption_there_and_back(void **state) {
  fixture *f = *state;
  for (size_t i = 0; i < CIPHER_COUNT; i++) {
    size_t most = 256 - ciphers[i].overhead_bytes;
    const size_t lens[] = {0, 1, 32, most - 1, most};
    ekm_err err = {0};
    ekm_buf sealed;
    ekm_buf opened;
    ekm_buf_init(&sealed, 256);
    ekm_buf_init(&opened, 256);
    for (size_t j = 0; j < sizeof lens / sizeof lens[0]; j++) {
      assert_true(ekm_key_encrypt(f->key, ciphers[i].name, ekm_view_of(message, lens[j]), &sealed, &err));
      assert_int_equal(sealed.len, 256);
      assert_true(ekm_key_decrypt(f->key, ciphers[i].name, ekm_buf_view(&sealed), &opened, &err));
      assert_true(ekm_view_equal(ekm_buf_view(&opened), ekm_view_of(message, lens[j])));
      ekm_buf_reset(&sealed);
      ekm_buf_reset(&opened);
    }
    assert_false(ekm_key_encrypt(f->key, ciphers[i].name, ekm_view_of(message, most + 1), &sealed, &err));
    assert_int_equal(err.id, EKM_E_DATA_TOO_LONG);
    assert_int_equal(sealed.len, 0);
    ekm_buf_clear(&sealed);
    ekm_buf_clear(&opened);
  }
}

/* OAEP: each kind of damage is refused with the same words. RSA1_5: refused, or random bytes (implicit rejection of
 * OpenSSL 3.2 and later), but never the plaintext. */
static void damage_is_refused_always_the_same_way(void **state) {
  fixture *f = *state;
  for (size_t i = 0; i < CIPHER_COUNT; i++) {
    char first_words[sizeof((ekm_err *)0)->detail] = "";
    ekm_err err = {0};
    ekm_buf sealed;
    ekm_buf opened;
    ekm_buf_init(&sealed, 256);
    ekm_buf_init(&opened, 300);
    assert_true(ekm_key_encrypt(f->key, ciphers[i].name, ekm_view_of(message, 32), &sealed, &err));
    for (int kind = 0; kind < 5; kind++) {
      ekm_buf bad;
      ekm_buf_init(&bad, 300);
      ekm_buf_append_view(&bad, ekm_buf_view(&sealed));
      if (kind == 0) bad.ptr[255] ^= 1;
      if (kind == 1) memset(bad.ptr, 0xFF, 256); /* above the modulus */
      if (kind == 2) memset(bad.ptr, 0, 256);
      if (kind == 3) ekm_buf_truncate(&bad, 255);
      if (kind == 4) ekm_buf_append_char(&bad, 'x');
      ekm_buf_append_text(&opened, "before");
      bool ok = ekm_key_decrypt(f->key, ciphers[i].name, ekm_buf_view(&bad), &opened, &err);
      if (ok) {
        assert_string_equal(ciphers[i].name, "RSA1_5");
        assert_true(opened.len != 6 + 32 || memcmp(opened.ptr + 6, message, 32) != 0);
      } else {
        assert_int_equal(err.id, EKM_E_UNWRAP_REFUSED);
        if (first_words[0] == '\0') memcpy(first_words, err.detail, sizeof first_words);
        assert_string_equal(err.detail, first_words);
        assert_string_equal(ekm_buf_text(&opened), "before");
      }
      ekm_buf_reset(&opened);
      ekm_buf_clear(&bad);
    }
    bool ok = ekm_key_decrypt(f->other, ciphers[i].name, ekm_buf_view(&sealed), &opened, &err);
    assert_true(!ok || memcmp(opened.ptr, message, opened.len) != 0);
    ekm_buf_clear(&sealed);
    ekm_buf_clear(&opened);
  }
}

static const struct {
  const char *name;
  size_t hash_bytes;
  bool random;
} signers[] = {{"RS256", 32, false}, {"RS384", 48, false}, {"RS512", 64, false},
               {"PS256", 32, true},  {"PS384", 48, true},  {"PS512", 64, true}};

enum { SIGNER_COUNT = sizeof signers / sizeof signers[0] };

static void signatures_verify_only_as_they_were_made(void **state) {
  fixture *f = *state;
  ekm_buf signatures[SIGNER_COUNT];
  ekm_err err = {0};
  bool valid;
  for (size_t i = 0; i < SIGNER_COUNT; i++) {
    ekm_view digest = ekm_view_of(message, signers[i].hash_bytes);
    ekm_buf again;
    ekm_buf_init(&again, 256);
    ekm_buf_init(&signatures[i], 256);
    assert_true(ekm_key_sign(f->key, signers[i].name, digest, &signatures[i], &err));
    assert_true(ekm_key_sign(f->key, signers[i].name, digest, &again, &err));
    assert_int_equal(ekm_view_equal(ekm_buf_view(&again), ekm_buf_view(&signatures[i])), !signers[i].random);
    ekm_buf_clear(&again);
  }
  for (size_t i = 0; i < SIGNER_COUNT; i++) {
    ekm_view digest = ekm_view_of(message, signers[i].hash_bytes);
    for (size_t j = 0; j < SIGNER_COUNT; j++) {
      assert_true(ekm_key_verify(f->key, signers[i].name, digest, ekm_buf_view(&signatures[j]), &valid, &err));
      assert_int_equal(valid, i == j);
    }
    ekm_view another_digest = ekm_view_of(message + 1, signers[i].hash_bytes);
    assert_true(ekm_key_verify(f->key, signers[i].name, another_digest, ekm_buf_view(&signatures[i]), &valid, &err));
    assert_false(valid);
    assert_true(ekm_key_verify(f->other, signers[i].name, digest, ekm_buf_view(&signatures[i]), &valid, &err));
    assert_false(valid);
    ekm_view cut = ekm_view_of(signatures[i].ptr, 255);
    assert_true(ekm_key_verify(f->key, signers[i].name, digest, cut, &valid, &err));
    assert_false(valid);
    assert_true(ekm_key_verify(f->key, signers[i].name, digest, ekm_view_of(NULL, 0), &valid, &err));
    assert_false(valid);
  }
  for (size_t i = 0; i < SIGNER_COUNT; i++) ekm_buf_clear(&signatures[i]);
}

static void digests_of_another_length_are_refused(void **state) {
  fixture *f = *state;
  for (size_t i = 0; i < SIGNER_COUNT; i++) {
    const size_t wrong[] = {0, 20, signers[i].hash_bytes - 1, signers[i].hash_bytes + 1};
    for (size_t j = 0; j < sizeof wrong / sizeof wrong[0]; j++) {
      ekm_err err = {0};
      bool valid = true;
      ekm_buf out;
      ekm_buf_init(&out, 256);
      assert_false(ekm_key_sign(f->key, signers[i].name, ekm_view_of(message, wrong[j]), &out, &err));
      assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
      assert_int_equal(out.len, 0);
      assert_false(ekm_key_verify(f->key, signers[i].name, ekm_view_of(message, wrong[j]), ekm_view_of(message, 256),
                                  &valid, &err));
      assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
      assert_false(valid);
      ekm_buf_clear(&out);
    }
  }
}

static void algorithms_that_do_not_exist_are_refused(void **state) {
  fixture *f = *state;
  static const char *const names[] = {"", "rsa-oaep", "RSA-OAEP-512", "RSA1_5 ", "RS1", "ES256", "none", "A256KW"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    ekm_err err = {0};
    bool valid;
    ekm_buf out;
    ekm_buf_init(&out, 256);
    assert_false(ekm_key_encrypt(f->key, names[i], ekm_view_of(message, 32), &out, &err));
    assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
    assert_false(ekm_key_decrypt(f->key, names[i], ekm_view_of(message, 256), &out, &err));
    assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
    assert_false(ekm_key_sign(f->key, names[i], ekm_view_of(message, 32), &out, &err));
    assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
    assert_false(ekm_key_verify(f->key, names[i], ekm_view_of(message, 32), ekm_view_of(message, 256), &valid, &err));
    assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
    ekm_buf_clear(&out);
  }
}

static void pkcs8_there_and_back(void **state) {
  fixture *f = *state;
  ekm_err err = {0};
  ekm_key *again = NULL;
  ekm_buf der;
  ekm_buf sealed;
  ekm_buf opened;
  ekm_buf_init(&der, 8192);
  ekm_buf_init(&sealed, 512);
  ekm_buf_init(&opened, 512);
  assert_true(ekm_key_to_pkcs8(f->key, &der, &err));
  assert_true(ekm_key_from_pkcs8(f->crypto, ekm_buf_view(&der), &again, &err));
  assert_true(ekm_key_encrypt(f->key, "RSA-OAEP-256", ekm_view_of(message, 32), &sealed, &err));
  assert_true(ekm_key_decrypt(again, "RSA-OAEP-256", ekm_buf_view(&sealed), &opened, &err));
  assert_memory_equal(opened.ptr, message, 32);
  ekm_key_free(&again);

  for (size_t len = 0; len < der.len; len += 13) {
    assert_false(ekm_key_from_pkcs8(f->crypto, ekm_view_of(der.ptr, len), &again, &err));
    assert_int_equal(err.id, EKM_E_CRYPTO);
    assert_null(again);
  }
  ekm_buf_append_char(&der, 'x');
  assert_false(ekm_key_from_pkcs8(f->crypto, ekm_buf_view(&der), &again, &err));
  assert_int_equal(err.id, EKM_E_CRYPTO);
  assert_false(ekm_key_from_public_der(f->crypto, ekm_view_of(der.ptr, der.len - 1), &again, &err));
  ekm_buf_clear(&der);
  ekm_buf_clear(&sealed);
  ekm_buf_clear(&opened);
}

/* DER of one INTEGER, SEQUENCE ... written here by hand (X.690), so that the reader is not held to its own writer. */
static void der_put(ekm_buf *out, uint8_t tag, const ekm_buf *content) {
  ekm_buf_append_char(out, (char)tag);
  if (content->len >= 256) {
    ekm_buf_append(out, "\x82", 1);
    ekm_buf_append_char(out, (char)(content->len >> 8));
  } else if (content->len >= 128) {
    ekm_buf_append(out, "\x81", 1);
  }
  ekm_buf_append_char(out, (char)(content->len & 0xFF));
  ekm_buf_append_view(out, ekm_buf_view(content));
}

static void der_integer(ekm_buf *out, const ekm_buf *number) {
  ekm_buf content;
  ekm_buf_init(&content, 1024);
  if (number->ptr[0] >= 0x80) ekm_buf_append_char(&content, '\0');
  ekm_buf_append_view(&content, ekm_buf_view(number));
  der_put(out, 0x02, &content);
  ekm_buf_clear(&content);
}

static void public_der_in_both_forms(void **state) {
  /* AlgorithmIdentifier { rsaEncryption, NULL }, RFC 8017 appendix A.1. */
  static const char rsa_encryption[] = "300d06092a864886f70d0101010500";
  fixture *f = *state;
  ekm_err err = {0};
  ekm_buf parts[8];
  for (size_t i = 0; i < 8; i++) ekm_buf_init(&parts[i], 1024);
  ekm_buf *n = &parts[0], *e = &parts[1], *numbers = &parts[2], *pkcs1 = &parts[3];
  ekm_buf *bits = &parts[4], *inner = &parts[5], *spki = &parts[6], *n_again = &parts[7];

  assert_true(ekm_key_public(f->key, n, e, &err));
  der_integer(numbers, n);
  der_integer(numbers, e);
  der_put(pkcs1, 0x30, numbers);
  ekm_buf_append_char(bits, '\0'); /* no unused bits */
  ekm_buf_append_view(bits, ekm_buf_view(pkcs1));
  vectors_hex(rsa_encryption, inner);
  der_put(inner, 0x03, bits);
  der_put(spki, 0x30, inner);

  const ekm_buf *const forms[] = {pkcs1, spki};
  for (size_t i = 0; i < 2; i++) {
    ekm_key *key = NULL;
    ekm_buf_reset(n_again);
    ekm_buf_reset(e);
    assert_true(ekm_key_from_public_der(f->crypto, ekm_buf_view(forms[i]), &key, &err));
    assert_true(ekm_key_public(key, n_again, e, &err));
    assert_true(ekm_view_equal(ekm_buf_view(n_again), ekm_buf_view(n)));
    assert_int_equal(ekm_key_bits(key), 2048);
    ekm_key_free(&key);
    assert_false(ekm_key_from_public_der(f->crypto, ekm_view_of(forms[i]->ptr, forms[i]->len - 1), &key, &err));
    assert_int_equal(err.id, EKM_E_CRYPTO);
    assert_null(key);
    assert_false(ekm_key_from_pkcs8(f->crypto, ekm_buf_view(forms[i]), &key, &err));
    assert_null(key);
  }
  for (size_t i = 0; i < 8; i++) ekm_buf_clear(&parts[i]);
}

static void sizes_and_exponents(void **state) {
  fixture *f = *state;
  static const struct {
    unsigned bits;
    uint32_t exponent;
    ekm_err_id id;
  } rows[] = {{0, 65537, EKM_E_KEY_TYPE},    {1024, 65537, EKM_E_KEY_TYPE},    {2047, 65537, EKM_E_KEY_TYPE},
              {2049, 65537, EKM_E_KEY_TYPE}, {8192, 65537, EKM_E_KEY_TYPE},    {2048, 0, EKM_E_BAD_ARGUMENT},
              {2048, 1, EKM_E_BAD_ARGUMENT}, {2048, 65536, EKM_E_BAD_ARGUMENT}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    ekm_key *key = NULL;
    assert_false(ekm_key_generate_rsa(f->crypto, rows[i].bits, rows[i].exponent, &key, &err));
    assert_int_equal(err.id, rows[i].id);
    assert_null(key);
  }
  ekm_err err = {0};
  ekm_key *key = NULL;
  assert_true(ekm_key_generate_rsa(f->crypto, 3072, 65537, &key, &err));
  assert_int_equal(ekm_key_bits(key), 3072);
  ekm_key_free(&key);
}

static void public_numbers_that_cannot_be_a_key(void **state) {
  fixture *f = *state;
  static uint8_t big[514];
  memset(big, 0xFF, sizeof big);
  const struct {
    ekm_view n, e;
    ekm_err_id id;
  } rows[] = {
      {ekm_view_of(NULL, 0), ekm_view_of("\x03", 1), EKM_E_CRYPTO},
      {ekm_view_of(big, 256), ekm_view_of(NULL, 0), EKM_E_CRYPTO},
      {ekm_view_of("\0\0\0", 3), ekm_view_of("\x03", 1), EKM_E_CRYPTO},
      {ekm_view_of(big, 256), ekm_view_of("\0\0", 2), EKM_E_CRYPTO},
      {ekm_view_of(big, 256), ekm_view_of("\x01", 1), EKM_E_CRYPTO},
      {ekm_view_of(big, 256), ekm_view_of("\x01\x00", 2), EKM_E_CRYPTO},
      {ekm_view_of(big, 256), ekm_view_of(big, 9), EKM_E_CRYPTO},
      {ekm_view_of(big, 513), ekm_view_of("\x03", 1), EKM_E_KEY_TYPE},
      {ekm_view_of(big, 128), ekm_view_of("\x03", 1), EKM_E_KEY_TYPE},
      {ekm_view_of(big, 300), ekm_view_of("\x03", 1), EKM_E_KEY_TYPE},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_err err = {0};
    ekm_key *key = NULL;
    ekm_rsa_numbers numbers = {.n = rows[i].n, .e = rows[i].e};
    assert_false(ekm_key_import_rsa(f->crypto, &numbers, &key, &err));
    assert_int_equal(err.id, rows[i].id);
    assert_null(key);
  }
}

typedef struct racer {
  fixture *f;
  ekm_thread *thread;
  bool ok;
} racer;

static void race(void *arg) {
  racer *r = arg;
  ekm_err err = {0};
  ekm_buf sealed;
  ekm_buf opened;
  ekm_buf_init(&sealed, 256);
  ekm_buf_init(&opened, 256);
  r->ok = true;
  for (int i = 0; i < 50 && r->ok; i++) {
    ekm_buf_reset(&sealed);
    ekm_buf_reset(&opened);
    r->ok = ekm_key_encrypt(r->f->key, "RSA-OAEP-256", ekm_view_of(message, 32), &sealed, &err) &&
            ekm_key_decrypt(r->f->key, "RSA-OAEP-256", ekm_buf_view(&sealed), &opened, &err) &&
            ekm_view_equal(ekm_buf_view(&opened), ekm_view_of(message, 32));
  }
  ekm_buf_clear(&sealed);
  ekm_buf_clear(&opened);
}

static void one_key_on_many_threads(void **state) {
  racer racers[8];
  ekm_err err = {0};
  for (size_t i = 0; i < 8; i++) {
    racers[i].f = *state;
    assert_true(ekm_thread_start(&racers[i].thread, race, &racers[i], &err));
  }
  for (size_t i = 0; i < 8; i++) {
    ekm_thread_join(&racers[i].thread);
    assert_true(racers[i].ok);
  }
}

static void a_lack_of_memory_is_an_error(void **state) {
  fixture *f = *state;
  memory_gate gate = {0};
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    ekm_err err = {0};
    ekm_key *again = NULL;
    ekm_buf der;
    ekm_buf sealed;
    ekm_buf opened;
    ekm_buf_init(&der, 8192);
    ekm_buf_init(&sealed, 512);
    ekm_buf_init(&opened, 512);
    bool ok = ekm_key_to_pkcs8(f->key, &der, &err) && ekm_key_from_pkcs8(f->crypto, ekm_buf_view(&der), &again, &err) &&
              ekm_key_encrypt(again, "RSA-OAEP", ekm_view_of(message, 32), &sealed, &err) &&
              ekm_key_decrypt(again, "RSA-OAEP", ekm_buf_view(&sealed), &opened, &err);
    memory_gate_check(&gate, ok, &err);
    ekm_key_free(&again);
    ekm_buf_clear(&der);
    ekm_buf_clear(&sealed);
    ekm_buf_clear(&opened);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(encryption_there_and_back),
      cmocka_unit_test(damage_is_refused_always_the_same_way),
      cmocka_unit_test(signatures_verify_only_as_they_were_made),
      cmocka_unit_test(digests_of_another_length_are_refused),
      cmocka_unit_test(algorithms_that_do_not_exist_are_refused),
      cmocka_unit_test(pkcs8_there_and_back),
      cmocka_unit_test(public_der_in_both_forms),
      cmocka_unit_test(sizes_and_exponents),
      cmocka_unit_test(public_numbers_that_cannot_be_a_key),
      cmocka_unit_test(one_key_on_many_threads),
      cmocka_unit_test(a_lack_of_memory_is_an_error),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
