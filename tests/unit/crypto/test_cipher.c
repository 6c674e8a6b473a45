/* Symmetric keys: what the standards say comes out (cipher_vectors.h), and what must be refused, also by Wycheproof. */
#include "crypto/cipher.h"

#include <stdio.h>
#include <string.h>

#include "support/cmocka_all.h"
#include "support/memory_gate.h"
#include "support/vectors.h"
#include "unit/crypto/cipher_vectors.h"

enum { CASES = sizeof cipher_cases / sizeof cipher_cases[0], OUT_MAX = 256 };

/* Every algorithm once, with a length of key, and the steps and the least of what it takes. */
static const struct {
  const char *alg;
  size_t key_bytes, step, least, iv_bytes;
} algs[] = {
    {"A128GCM", 16, 1, 0, 12},
    {"A192GCM", 24, 1, 0, 12},
    {"A256GCM", 32, 1, 0, 12},
    {"A128CBC", 16, 16, 0, 16},
    {"A192CBC", 24, 16, 0, 16},
    {"A256CBC", 32, 16, 0, 16},
    {"A128CBCPAD", 16, 1, 0, 16},
    {"A192CBCPAD", 24, 1, 0, 16},
    {"A256CBCPAD", 32, 1, 0, 16},
    {"A128KW", 16, 8, 16, 0},
    {"A192KW", 24, 8, 16, 0},
    {"A256KW", 32, 8, 16, 0},
    {"A128KWPAD", 16, 1, 1, 0},
    {"A192KWPAD", 24, 1, 1, 0},
    {"A256KWPAD", 32, 1, 1, 0},
    {"CKM_AES_KEY_WRAP", 16, 8, 16, 0},
    {"CKM_AES_KEY_WRAP", 24, 8, 16, 0},
    {"CKM_AES_KEY_WRAP", 32, 8, 16, 0},
    {"CKM_AES_KEY_WRAP_PAD", 16, 1, 1, 0},
    {"CKM_AES_KEY_WRAP_PAD", 24, 1, 1, 0},
    {"CKM_AES_KEY_WRAP_PAD", 32, 1, 1, 0},
};

enum { ALGS = sizeof algs / sizeof algs[0] };

/* A random source that gives the bytes of a vector. */
typedef struct script_rng {
  ekm_rng rng;
  ekm_view bytes;
  bool broken;
} script_rng;

static bool script_fill(const ekm_rng *self, void *out, size_t len, ekm_err *err) {
  const script_rng *script = (const script_rng *)self;
  if (script->broken) return EKM_FAIL(err, EKM_E_CRYPTO, "no random bytes today");
  assert_int_equal(len, script->bytes.len);
  memcpy(out, script->bytes.ptr, len);
  return true;
}

static ekm_crypto *crypto;
static const ekm_rng *rng;
static const uint8_t message[80] = "text that is to be encrypted, and long enough for every algorithm of the table";
static const ekm_view none = {NULL, 0};

static int set_up(void **state) {
  ekm_err err = {0};
  (void)state;
  if (!ekm_crypto_new(&crypto, &err)) return -1;
  rng = ekm_crypto_rng(crypto);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  ekm_crypto_free(&crypto);
  return 0;
}

static ekm_view tag_of(const ekm_cipher_output *out) {
  return ekm_view_of(out->tag, out->tag_len);
}

static ekm_view iv_of(const ekm_cipher_output *out) {
  return ekm_view_of(out->iv, out->iv_len);
}

static void output_init(ekm_cipher_output *out) {
  memset(out, 0, sizeof *out);
  ekm_buf_init(&out->value, OUT_MAX);
}

typedef struct loaded {
  ekm_secret key;
  ekm_buf iv, aad, plaintext, ciphertext, tag;
} loaded;

static void load_hex(ekm_buf *buf, const char *text) {
  ekm_buf_init(buf, OUT_MAX);
  vectors_hex(text, buf);
}

static void load(const cipher_case *row, loaded *l) {
  ekm_err err = {0};
  ekm_buf key;
  memset(l, 0, sizeof *l);
  load_hex(&key, row->key);
  assert_true(key.len >= row->key_bytes);
  assert_true(ekm_cipher_key_import(ekm_view_of(key.ptr, row->key_bytes), &l->key, &err));
  ekm_buf_clear(&key);
  load_hex(&l->iv, row->iv);
  load_hex(&l->aad, row->aad);
  load_hex(&l->plaintext, row->plaintext);
  load_hex(&l->ciphertext, row->ciphertext);
  load_hex(&l->tag, row->tag);
  ekm_buf_truncate(&l->plaintext, row->plaintext_bytes);
}

static void unload(loaded *l) {
  ekm_secret_clear(&l->key);
  ekm_buf_clear(&l->iv);
  ekm_buf_clear(&l->aad);
  ekm_buf_clear(&l->plaintext);
  ekm_buf_clear(&l->ciphertext);
  ekm_buf_clear(&l->tag);
}

static ekm_cipher_input sealed_input(const loaded *l) {
  return (ekm_cipher_input){ekm_buf_view(&l->ciphertext), ekm_buf_view(&l->iv), ekm_buf_view(&l->aad),
                            ekm_buf_view(&l->tag)};
}

static void it_is_the_specified_one(void **state) {
  (void)state;
  for (size_t i = 0; i < CASES; i++) {
    loaded l;
    ekm_err err = {0};
    ekm_cipher_output out;
    ekm_buf opened;
    load(&cipher_cases[i], &l);
    output_init(&out);
    ekm_buf_init(&opened, OUT_MAX);
    script_rng script = {{script_fill}, ekm_buf_view(&l.iv), false};
    const ekm_cipher_input in = {.value = ekm_buf_view(&l.plaintext), .aad = ekm_buf_view(&l.aad)};
    assert_true(ekm_cipher_encrypt(crypto, &script.rng, &l.key, cipher_cases[i].alg, &in, &out, &err));
    assert_true(ekm_view_equal(ekm_buf_view(&out.value), ekm_buf_view(&l.ciphertext)));
    assert_true(ekm_view_equal(iv_of(&out), ekm_buf_view(&l.iv)));
    assert_true(ekm_view_equal(tag_of(&out), ekm_buf_view(&l.tag)));
    const ekm_cipher_input back = sealed_input(&l);
    assert_true(ekm_cipher_decrypt(crypto, &l.key, cipher_cases[i].alg, &back, &opened, &err));
    assert_true(ekm_view_equal(ekm_buf_view(&opened), ekm_buf_view(&l.plaintext)));
    ekm_buf_clear(&out.value);
    ekm_buf_clear(&opened);
    unload(&l);
  }
}

/* A CBC iv that the client made (as the JavaScript one does) is used and said again. */
static void an_iv_may_be_given_to_cbc(void **state) {
  size_t seen = 0;
  (void)state;
  for (size_t i = 0; i < CASES; i++) {
    loaded l;
    ekm_err err = {0};
    ekm_cipher_output out;
    if (strstr(cipher_cases[i].alg, "CBC") == NULL) continue;
    load(&cipher_cases[i], &l);
    output_init(&out);
    script_rng script = {{script_fill}, none, true};
    const ekm_cipher_input in = {.value = ekm_buf_view(&l.plaintext), .iv = ekm_buf_view(&l.iv)};
    assert_true(ekm_cipher_encrypt(crypto, &script.rng, &l.key, cipher_cases[i].alg, &in, &out, &err));
    assert_true(ekm_view_equal(ekm_buf_view(&out.value), ekm_buf_view(&l.ciphertext)));
    assert_true(ekm_view_equal(iv_of(&out), ekm_buf_view(&l.iv)));
    ekm_buf_clear(&out.value);
    unload(&l);
    seen++;
  }
  assert_int_equal(seen, 6);
}

/* Every length goes there and back, or is none for the algorithm; nothing that was in the buffers is touched. */
static void lengths(void **state) {
  (void)state;
  for (size_t i = 0; i < ALGS; i++) {
    ekm_err err = {0};
    ekm_secret key = {0};
    assert_true(ekm_cipher_key_generate(rng, (unsigned)algs[i].key_bytes * 8, &key, &err));
    for (size_t len = 0; len <= sizeof message; len++) {
      const ekm_cipher_input in = {.value = ekm_view_of(message, len)};
      bool fits = len % algs[i].step == 0 && len >= algs[i].least;
      ekm_cipher_output out;
      ekm_buf opened;
      output_init(&out);
      ekm_buf_init(&opened, OUT_MAX);
      ekm_buf_append_text(&out.value, "before");
      ekm_buf_append_text(&opened, "before");
      assert_int_equal(ekm_cipher_encrypt(crypto, rng, &key, algs[i].alg, &in, &out, &err), fits);
      assert_memory_equal(out.value.ptr, "before", 6);
      if (fits) {
        const ekm_cipher_input back = {ekm_view_of(out.value.ptr + 6, out.value.len - 6), iv_of(&out), none,
                                       tag_of(&out)};
        assert_int_equal(out.iv_len, algs[i].iv_bytes);
        assert_true(ekm_cipher_decrypt(crypto, &key, algs[i].alg, &back, &opened, &err));
        assert_int_equal(opened.len, 6 + len);
        assert_memory_equal(opened.ptr, "before", 6);
        assert_memory_equal(opened.ptr + 6, message, len);
      } else {
        assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
        assert_int_equal(out.value.len, 6);
        assert_int_equal(out.iv_len + out.tag_len, 0);
      }
      ekm_buf_clear(&out.value);
      ekm_buf_clear(&opened);
    }
    ekm_secret_clear(&key);
  }
}

/* The same text never looks the same twice where there is an iv. */
static void an_iv_is_new_each_time(void **state) {
  (void)state;
  for (size_t i = 0; i < ALGS; i++) {
    ekm_err err = {0};
    ekm_secret key = {0};
    ekm_cipher_output out[2];
    const ekm_cipher_input in = {.value = ekm_view_of(message, 32)};
    assert_true(ekm_cipher_key_generate(rng, (unsigned)algs[i].key_bytes * 8, &key, &err));
    for (size_t j = 0; j < 2; j++) {
      output_init(&out[j]);
      assert_true(ekm_cipher_encrypt(crypto, rng, &key, algs[i].alg, &in, &out[j], &err));
    }
    bool same = ekm_view_equal(ekm_buf_view(&out[0].value), ekm_buf_view(&out[1].value));
    assert_int_equal(same, algs[i].iv_bytes == 0);
    for (size_t j = 0; j < 2; j++) ekm_buf_clear(&out[j].value);
    ekm_secret_clear(&key);
  }
}

/* Refused with these words, whatever the fault was. */
static void refuse(const ekm_secret *key, const char *alg, const ekm_cipher_input *in) {
  char words[128];
  ekm_err err = {0};
  ekm_buf opened;
  ekm_buf_init(&opened, OUT_MAX);
  ekm_buf_append_text(&opened, "before");
  assert_false(ekm_cipher_decrypt(crypto, key, alg, in, &opened, &err));
  assert_int_equal(err.id, EKM_E_UNWRAP_REFUSED);
  (void)snprintf(words, sizeof words, "the ciphertext is none of this key and %s", alg);
  assert_string_equal(err.detail, words);
  assert_string_equal(ekm_buf_text(&opened), "before");
  ekm_buf_clear(&opened);
}

/* Every single bit of key, iv, associated data, ciphertext and tag counts in GCM and the key wraps. */
static void every_bit_counts(void **state) {
  (void)state;
  for (size_t i = 0; i < CASES; i++) {
    loaded l;
    if (strstr(cipher_cases[i].alg, "CBC") != NULL) continue;
    load(&cipher_cases[i], &l);
    const ekm_cipher_input in = sealed_input(&l);
    const struct {
      uint8_t *ptr;
      size_t len;
    } parts[] = {{ekm_secret_bytes(&l.key), l.key.len},
                 {l.iv.ptr, l.iv.len},
                 {l.aad.ptr, l.aad.len},
                 {l.ciphertext.ptr, l.ciphertext.len},
                 {l.tag.ptr, l.tag.len}};
    for (size_t part = 0; part < sizeof parts / sizeof parts[0]; part++) {
      for (size_t bit = 0; bit < parts[part].len * 8; bit++) {
        parts[part].ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refuse(&l.key, cipher_cases[i].alg, &in);
        parts[part].ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
      }
    }
    unload(&l);
  }
}

/* Every shorter and some longer ciphertexts, but for those of CBC that are whole blocks: nothing shows there. */
static void every_length_counts(void **state) {
  (void)state;
  for (size_t i = 0; i < CASES; i++) {
    bool is_cbc = strstr(cipher_cases[i].alg, "CBC") != NULL;
    loaded l;
    load(&cipher_cases[i], &l);
    uint8_t longer[OUT_MAX] = {0};
    if (l.ciphertext.len > 0) memcpy(longer, l.ciphertext.ptr, l.ciphertext.len);
    ekm_cipher_input in = sealed_input(&l);
    for (size_t len = 0; len < l.ciphertext.len + 17; len++) {
      in.value = ekm_view_of(longer, len);
      if (len == l.ciphertext.len || (is_cbc && len % 16 == 0 && len > 0)) continue;
      if (strstr(cipher_cases[i].alg, "CBCPAD") == NULL && is_cbc && len == 0) continue;
      refuse(&l.key, cipher_cases[i].alg, &in);
    }
    unload(&l);
  }
}

/* Wycheproof, aes_cbc_pkcs5_test.json, rows with a bad padding: none, zeros, 0xff, one bit, longer than a block, ANSI
 * X.923, ISO 10126, longer than the message. */
static void bad_paddings_all_look_the_same(void **state) {
  static const char *const rows[] = {
      "aa62606a287476777b92d8e4c4e53028",
      "ada437b682c92384b6c23ec10a21b3d8",
      "726570a34cea08139d9f836579102a0e",
      "c8ef7ac3fd659ce7157d72a25f0a5048",
      "50aeed98a820c5a037a5aa4d4ef3090b",
      "25ee339006f948f42713543c62467ef9",
      "d17ccbb26f0aa95f397b20063547349bac24c5429cbea591e96595cccc11451b",
      "ca5dd2d09bd56eec9e8acaeca20af68e",
      "ba0726bd6dea11382b19c842e2ddead2",
      "d17ccbb26f0aa95f397b20063547349b",
      "4ff3e623fdd432608c183f40864177af",
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const cipher_case row = {
        "A128CBCPAD", 16, "db4f3e5e3795cc09a073fa6a81e5a6bc", "23468aa734f5f0f19827316ff168e94f", "", "", 0,
        rows[i],      ""};
    loaded l;
    load(&row, &l);
    const ekm_cipher_input in = sealed_input(&l);
    refuse(&l.key, "A128CBCPAD", &in);
    unload(&l);
  }
}

/* Wycheproof, kwp_test.json, rows 51 to 66: the wrap is in order, but for the length or the zeros that are in it. */
static void bad_paddings_of_a_wrap_all_look_the_same(void **state) {
  static const char *const rows[] = {
      "3731038571c35f7dcc55e48892de353e54c079b89774bbfd",
      "d85c6bfd092df1aeae5a548e47aa7681",
      "7a92427387f5587ee825d1ffa011c40286844ecdadce31cd9678338694ea2682",
      "a437d354606ae752894feb62c8def7d17046d8e47f9aed755fba48b3a3009e3ff67d34e26a779064",
      "e8d240d64f16d1522ae2ded42ced257dfec158ff2fe1467d",
      "6d1bfda356b7b954e7aaccc6df953322f75be95947b02b30",
      "17dbf878ef4076cfcaba5f81d7b123d7",
      "75c23e253478037802fae0f86af9c78d4e4d9be0c3bff89f",
      "55717658c6a35e15ee36c66cce91083b63091f51525c0b51",
      "8ede88a52ccb8a6d617456955a9f04c94d87696125ded87eebe3e97e185496d9",
      "5b4a8f1abffa51676ac8b5ddf9366c12",
      "205cc6dd9592da0ebff6b4b48a0c450eeaeb11a60d33f387",
      "908a68b0d2054e199220d37c34a2e136",
      "f84bdb15045cee3a8a0f3ed2f07c1771",
      "7592b1ee6ee92c9467db366adcfa65bb",
      "db93a1db3b5babc80a304d527682c1ef",
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const cipher_case row = {"A128KWPAD", 16, "48a53c11ef2d727db7eb9a834b134ea9", "", "", "", 0, rows[i], ""};
    loaded l;
    load(&row, &l);
    const ekm_cipher_input in = sealed_input(&l);
    refuse(&l.key, "A128KWPAD", &in);
    unload(&l);
  }
}

static void other_algorithms_and_lengths_of_keys_are_refused(void **state) {
  static const char *const names[] = {"",        "A128KWP",  "a128gcm",       "A256GCM ", "A512GCM",
                                      "A128ECB", "RSA-OAEP", "A128CBC-HS256", "dir",      "CKM_AES_GCM"};
  static const size_t sizes[] = {0, 8, 16, 24, 31, 32, 33};
  (void)state;
  for (size_t size = 0; size < sizeof sizes / sizeof sizes[0]; size++) {
    ekm_err err = {0};
    ekm_secret key = {0};
    ekm_cipher_output out;
    uint8_t iv[16] = {0};
    const ekm_cipher_input in = {.value = ekm_view_of(message, 32)};
    const ekm_cipher_input back = {ekm_view_of(message, 32), ekm_view_of(iv, 16), none, none};
    output_init(&out);
    assert_true(ekm_secret_resize(&key, sizes[size], &err));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
      assert_false(ekm_cipher_encrypt(crypto, rng, &key, names[i], &in, &out, &err));
      assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
      assert_false(ekm_cipher_decrypt(crypto, &key, names[i], &back, &out.value, &err));
      assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
    }
    for (size_t i = 0; i < ALGS; i++) {
      bool is_any = algs[i].alg[0] == 'C' && (sizes[size] == 16 || sizes[size] == 24 || sizes[size] == 32);
      if (is_any || algs[i].key_bytes == sizes[size]) continue;
      assert_false(ekm_cipher_encrypt(crypto, rng, &key, algs[i].alg, &in, &out, &err));
      assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
      assert_false(ekm_cipher_decrypt(crypto, &key, algs[i].alg, &back, &out.value, &err));
      assert_int_equal(err.id, EKM_E_NOT_SUPPORTED);
    }
    assert_int_equal(out.value.len, 0);
    ekm_secret_clear(&key);
    ekm_buf_clear(&out.value);
  }
}

/* Parts that are missing, of another length, or not of this algorithm. */
static void parts_of_another_length_are_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < ALGS; i++) {
    bool is_gcm = algs[i].iv_bytes == 12;
    ekm_err err = {0};
    ekm_secret key = {0};
    ekm_cipher_output out;
    output_init(&out);
    assert_true(ekm_cipher_key_generate(rng, (unsigned)algs[i].key_bytes * 8, &key, &err));
    for (size_t len = 0; len <= 17; len++) {
      ekm_cipher_input in = {.value = ekm_view_of(message, 32), .iv = ekm_view_of(message, len)};
      if (len != 0 && !(algs[i].iv_bytes == 16 && len == 16)) {
        assert_false(ekm_cipher_encrypt(crypto, rng, &key, algs[i].alg, &in, &out, &err));
        assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
      }
      if (len != algs[i].iv_bytes) {
        in.tag = is_gcm ? ekm_view_of(message, 16) : none;
        assert_false(ekm_cipher_decrypt(crypto, &key, algs[i].alg, &in, &out.value, &err));
        assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
      }
      in.iv = ekm_view_of(message, algs[i].iv_bytes);
      in.tag = ekm_view_of(message, len);
      if (len != (is_gcm ? 16 : 0)) {
        assert_false(ekm_cipher_decrypt(crypto, &key, algs[i].alg, &in, &out.value, &err));
        assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
      }
      if (len != 0) {
        in.iv = none;
        assert_false(ekm_cipher_encrypt(crypto, rng, &key, algs[i].alg, &in, &out, &err));
        assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
      }
    }
    if (!is_gcm) {
      const ekm_cipher_input in = {.value = ekm_view_of(message, 32), .aad = ekm_view_of(message, 1)};
      assert_false(ekm_cipher_encrypt(crypto, rng, &key, algs[i].alg, &in, &out, &err));
      assert_int_equal(err.id, EKM_E_BAD_ARGUMENT);
    }
    assert_int_equal(out.value.len + out.iv_len + out.tag_len, 0);
    ekm_secret_clear(&key);
    ekm_buf_clear(&out.value);
  }
}

static void keys_have_three_lengths(void **state) {
  (void)state;
  for (unsigned bits = 0; bits <= 512; bits += 8) {
    bool known = bits == 128 || bits == 192 || bits == 256;
    ekm_err err = {0};
    ekm_secret key = {0};
    ekm_secret other = {0};
    assert_int_equal(ekm_cipher_key_generate(rng, bits, &key, &err), known);
    if (!known) assert_int_equal(err.id, EKM_E_KEY_KIND);
    assert_int_equal(ekm_cipher_key_import(ekm_view_of(message, bits / 8), &other, &err), known);
    if (!known) assert_int_equal(err.id, EKM_E_KEY_KIND);
    if (known) {
      assert_int_equal(key.len * 8, bits);
      assert_memory_equal(ekm_secret_reveal(&other).ptr, message, bits / 8);
      assert_false(ekm_secret_equal(&key, &other));
      assert_true(ekm_cipher_key_generate(rng, bits, &other, &err));
      assert_false(ekm_secret_equal(&key, &other));
    }
    ekm_secret_clear(&key);
    ekm_secret_clear(&other);
  }
  ekm_err err = {0};
  ekm_secret key = {0};
  assert_false(ekm_cipher_key_generate(rng, 129, &key, &err));
  assert_int_equal(err.id, EKM_E_KEY_KIND);
}

static void without_random_bytes_nothing_is_made(void **state) {
  const script_rng script = {{script_fill}, none, true};
  (void)state;
  for (size_t i = 0; i < ALGS; i++) {
    ekm_err err = {0};
    ekm_secret key = {0};
    ekm_cipher_output out;
    const ekm_cipher_input in = {.value = ekm_view_of(message, 32)};
    output_init(&out);
    assert_false(ekm_cipher_key_generate(&script.rng, 256, &key, &err));
    assert_int_equal(err.id, EKM_E_CRYPTO);
    assert_null(key.hidden);
    assert_true(ekm_cipher_key_import(ekm_view_of(message, algs[i].key_bytes), &key, &err));
    assert_int_equal(ekm_cipher_encrypt(crypto, &script.rng, &key, algs[i].alg, &in, &out, &err),
                     algs[i].iv_bytes == 0);
    if (algs[i].iv_bytes > 0) {
      assert_int_equal(err.id, EKM_E_CRYPTO);
      assert_int_equal(out.value.len + out.iv_len + out.tag_len, 0);
    }
    ekm_secret_clear(&key);
    ekm_buf_clear(&out.value);
  }
}

/* What a refused decryption had written is not left behind the end of the buffer. */
static void a_refused_plaintext_is_wiped(void **state) {
  (void)state;
  for (size_t i = 0; i < CASES; i++) {
    loaded l;
    ekm_err err = {0};
    ekm_buf opened;
    if (strstr(cipher_cases[i].alg, "GCM") == NULL || cipher_cases[i].plaintext_bytes == 0) continue;
    load(&cipher_cases[i], &l);
    ekm_buf_init(&opened, OUT_MAX);
    (void)ekm_buf_extend(&opened, OUT_MAX);
    ekm_buf_truncate(&opened, 0);
    l.tag.ptr[0] ^= 1;
    const ekm_cipher_input in = sealed_input(&l);
    assert_false(ekm_cipher_decrypt(crypto, &l.key, cipher_cases[i].alg, &in, &opened, &err));
    for (size_t at = 0; at < OUT_MAX; at++) assert_int_equal(opened.ptr[at], 0);
    ekm_buf_clear(&opened);
    unload(&l);
  }
}

static void a_buffer_without_room_is_an_error(void **state) {
  (void)state;
  for (size_t i = 0; i < CASES; i++) {
    loaded l;
    ekm_err err = {0};
    ekm_cipher_output out;
    ekm_buf opened;
    if (cipher_cases[i].plaintext_bytes == 0) continue;
    load(&cipher_cases[i], &l);
    output_init(&out);
    ekm_buf_init(&out.value, l.ciphertext.len - 1);
    ekm_buf_init(&opened, l.plaintext.len - 1);
    const ekm_cipher_input in = {.value = ekm_buf_view(&l.plaintext)};
    const ekm_cipher_input back = sealed_input(&l);
    assert_false(ekm_cipher_encrypt(crypto, rng, &l.key, cipher_cases[i].alg, &in, &out, &err));
    assert_int_equal(err.id, EKM_E_LIMIT);
    assert_false(ekm_cipher_decrypt(crypto, &l.key, cipher_cases[i].alg, &back, &opened, &err));
    assert_int_equal(err.id, EKM_E_LIMIT);
    assert_int_equal(out.value.len + out.iv_len + out.tag_len + opened.len, 0);
    ekm_buf_clear(&out.value);
    ekm_buf_clear(&opened);
    unload(&l);
  }
}

static void a_buffer_of_just_the_room_is_enough(void **state) {
  (void)state;
  for (size_t i = 0; i < CASES; i++) {
    loaded l;
    ekm_err err = {0};
    ekm_cipher_output out;
    ekm_buf opened;
    load(&cipher_cases[i], &l);
    output_init(&out);
    ekm_buf_init(&out.value, l.ciphertext.len);
    ekm_buf_init(&opened, l.plaintext.len);
    const ekm_cipher_input in = {.value = ekm_buf_view(&l.plaintext)};
    const ekm_cipher_input back = sealed_input(&l);
    assert_true(ekm_cipher_encrypt(crypto, rng, &l.key, cipher_cases[i].alg, &in, &out, &err));
    assert_true(ekm_cipher_decrypt(crypto, &l.key, cipher_cases[i].alg, &back, &opened, &err));
    ekm_buf_clear(&out.value);
    ekm_buf_clear(&opened);
    unload(&l);
  }
}

static void a_lack_of_memory_is_an_error(void **state) {
  (void)state;
  for (size_t i = 0; i < ALGS; i++) {
    memory_gate gate = {0};
    for (size_t n = 0; memory_gate_next(&gate, n); n++) {
      ekm_err err = {0};
      ekm_secret key = {0};
      ekm_cipher_output out;
      ekm_buf opened;
      const ekm_cipher_input in = {.value = ekm_view_of(message, 32)};
      output_init(&out);
      ekm_buf_init(&opened, OUT_MAX);
      bool ok = ekm_cipher_key_generate(rng, (unsigned)algs[i].key_bytes * 8, &key, &err) &&
                ekm_cipher_encrypt(crypto, rng, &key, algs[i].alg, &in, &out, &err);
      const ekm_cipher_input back = {ekm_buf_view(&out.value), iv_of(&out), none, tag_of(&out)};
      ok = ok && ekm_cipher_decrypt(crypto, &key, algs[i].alg, &back, &opened, &err);
      memory_gate_check(&gate, ok, &err);
      ekm_secret_clear(&key);
      ekm_buf_clear(&out.value);
      ekm_buf_clear(&opened);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_is_the_specified_one),
      cmocka_unit_test(an_iv_may_be_given_to_cbc),
      cmocka_unit_test(lengths),
      cmocka_unit_test(an_iv_is_new_each_time),
      cmocka_unit_test(every_bit_counts),
      cmocka_unit_test(every_length_counts),
      cmocka_unit_test(bad_paddings_all_look_the_same),
      cmocka_unit_test(bad_paddings_of_a_wrap_all_look_the_same),
      cmocka_unit_test(other_algorithms_and_lengths_of_keys_are_refused),
      cmocka_unit_test(parts_of_another_length_are_refused),
      cmocka_unit_test(keys_have_three_lengths),
      cmocka_unit_test(without_random_bytes_nothing_is_made),
      cmocka_unit_test(a_refused_plaintext_is_wiped),
      cmocka_unit_test(a_buffer_without_room_is_an_error),
      cmocka_unit_test(a_buffer_of_just_the_room_is_enough),
      cmocka_unit_test(a_lack_of_memory_is_an_error),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
