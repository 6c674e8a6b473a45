/* AES keys of a vault that does not tell their length, and that may answer anything. */
#include <string.h>

#include "keyring_fixture.h"

static const uint8_t iv_bytes[KEYRING_IV_BYTES] = {1, 2, 3};

static keyring_key *create_aes(fixture *f, const char *name, unsigned bits) {
  keyring_key *key = NULL;
  assert_true(keyring_create(f->ring, name, KEYRING_AES, bits, &f->call, &key, &f->err));
  return key;
}

/* As the service describes them. */
static bool reticent_get(keyring_backend *self, const char *name, const char *version, const keyring_call *call,
                         keyring_record *out, ekm_err *err) {
  counting_backend *b = (counting_backend *)(void *)self;
  bool ok = b->lower->get(b->lower, name, version, call, out, err);
  out->bits = 0;
  return ok;
}

static keyring *reticent_ring(fixture *f) {
  f->vault->base.get = reticent_get;
  return forgetful_ring(f);
}

static void a_length_is_found_out_once(void **state) {
  static const unsigned sizes[] = {128, 192, 256};
  fixture *f = *state;
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    keyring_key *found = NULL;
    keyring_key *key = create_aes(f, (const char *[]){"a", "b", "c"}[i], sizes[i]);
    keyring *ring = reticent_ring(f);
    assert_true(keyring_by_thumb(ring, keyring_key_thumb(key), &f->call, &found, &f->err));
    assert_int_equal(keyring_key_bits(found), sizes[i]);
    assert_int_equal(f->err.id, 0);
    keyring_key_unref(&found);
    int encrypts = atomic_load(&f->vault->encrypts);
    assert_true(keyring_by_name(ring, keyring_key_name(key), NULL, &f->call, &found, &f->err));
    assert_int_equal(keyring_key_bits(found), sizes[i]);
    assert_int_equal(atomic_load(&f->vault->encrypts), encrypts);
    keyring_key_unref(&found);
    keyring_key_unref(&key);
    keyring_unref(&ring);
  }
}

/* What is said of the key while its length is found out, which is by encrypting. */
static atomic_int refusal;

static bool refusing_encrypt(keyring_backend *self, const keyring_cipher *cipher, ekm_view in, const keyring_call *call,
                             ekm_buf *out, ekm_err *err) {
  (void)self, (void)in, (void)call, (void)out;
  return EKM_FAIL(err, (ekm_err_id)atomic_load(&refusal), "'%s'", cipher->name);
}

static int count_ids(fixture *f, keyring *ring) {
  uint32_t id = 0;
  int count = 0;
  ekm_err_clear(&f->err);
  while (keyring_next_id(ring, id, &f->call, &id, &f->err)) count++;
  return count;
}

/* One that is of no use hides no other. */
static void an_enumeration_passes_by_what_may_not_encrypt(void **state) {
  static const ekm_err_id about_key[] = {EKM_E_VAULT_ROLE,    EKM_E_VAULT_FORBIDDEN,  EKM_E_VAULT_DENIED,
                                         EKM_E_KEY_OPERATION, EKM_E_KEY_DISABLED,     EKM_E_KEY_NOT_IN_TIME,
                                         EKM_E_KEY_NOT_FOUND, EKM_E_VAULT_BAD_REQUEST};
  static const ekm_err_id about_vault[] = {EKM_E_CONNECT, EKM_E_DEADLINE, EKM_E_VAULT_THROTTLED, EKM_E_TOKEN_REFUSED};
  fixture *f = *state;
  keyring_key *aes = create_aes(f, "aes", 256), *rsa = create(f, "tde");
  keyring *ring = reticent_ring(f);
  f->vault->base.encrypt = refusing_encrypt;
  for (size_t i = 0; i < sizeof about_key / sizeof about_key[0]; i++) {
    atomic_store(&refusal, (int)about_key[i]);
    assert_int_equal(count_ids(f, ring), 1);
    assert_int_equal(f->err.id, EKM_E_END_OF_LIST);
  }
  for (size_t i = 0; i < sizeof about_vault / sizeof about_vault[0]; i++) {
    atomic_store(&refusal, (int)about_vault[i]);
    assert_int_equal(count_ids(f, ring), 0);
    assert_int_equal(f->err.id, about_vault[i]);
  }
  keyring_key_unref(&aes);
  keyring_key_unref(&rsa);
  keyring_unref(&ring);
}

/* Whoever asks for the key itself is told. */
static void a_key_that_may_not_encrypt_says_so(void **state) {
  fixture *f = *state;
  keyring_key *found = NULL;
  keyring_key *key = create_aes(f, "aes", 256);
  keyring *ring = reticent_ring(f);
  f->vault->base.encrypt = refusing_encrypt;
  atomic_store(&refusal, EKM_E_VAULT_ROLE);
  assert_false(keyring_by_name(ring, "aes", NULL, &f->call, &found, &f->err));
  assert_int_equal(f->err.id, EKM_E_VAULT_ROLE);
  assert_null(found);
  ekm_err_clear(&f->err);
  assert_false(keyring_by_thumb(ring, keyring_key_thumb(key), &f->call, &found, &f->err));
  assert_int_equal(f->err.id, EKM_E_VAULT_ROLE);
  assert_null(found);
  atomic_store(&refusal, EKM_E_VAULT_BAD_REQUEST);
  ekm_err_clear(&f->err);
  assert_false(keyring_by_thumb(ring, keyring_key_thumb(key), &f->call, &found, &f->err));
  assert_int_equal(f->err.id, EKM_E_KEY_TYPE);
  keyring_key_unref(&key);
  keyring_unref(&ring);
}

/* A vault that answers with as many bytes as a test wants. */
static size_t answer_bytes;

static bool answer(ekm_buf *out, ekm_err *err) {
  for (size_t i = 0; i < answer_bytes; i++) ekm_buf_append_char(out, 'x');
  return ekm_buf_ok(out, "an answer", err);
}

static bool odd_crypt(keyring_backend *self, const keyring_cipher *cipher, ekm_view in, const keyring_call *call,
                      ekm_buf *out, ekm_err *err) {
  (void)self, (void)cipher, (void)in, (void)call;
  return answer(out, err);
}

static void answers_of_another_length_are_none(void **state) {
  enum { LEN = 32 };
  static const struct {
    size_t bytes;
    bool is_ciphertext, is_plaintext;
  } rows[] = {{0, false, true},  {16, false, true},  {31, false, true}, {32, false, false},
              {48, true, false}, {49, false, false}, {64, false, false}};
  fixture *f = *state;
  uint8_t data[LEN] = {0};
  const ekm_view iv = ekm_view_of(iv_bytes, sizeof iv_bytes), in = ekm_view_of(data, sizeof data);
  keyring_key *key = create_aes(f, "aes", 256);
  f->vault->base.encrypt = f->vault->base.decrypt = odd_crypt;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    ekm_buf out;
    ekm_buf_init(&out, 100);
    answer_bytes = rows[i].bytes;
    assert_int_equal(keyring_encrypt(f->ring, key, iv, in, &f->call, &out, &f->err), rows[i].is_ciphertext);
    if (!rows[i].is_ciphertext) assert_int_equal(f->err.id, EKM_E_WRAP_ANSWER);
    ekm_buf_reset(&out);
    assert_int_equal(keyring_decrypt(f->ring, key, iv, in, &f->call, &out, &f->err), rows[i].is_plaintext);
    if (!rows[i].is_plaintext) assert_int_equal(f->err.id, EKM_E_UNWRAP_ANSWER);
    ekm_buf_clear(&out);
  }
  keyring_key_unref(&key);
}

static void neither_kind_does_the_work_of_the_other(void **state) {
  fixture *f = *state;
  uint8_t data[256] = {0};
  ekm_buf out;
  const ekm_view iv = ekm_view_of(iv_bytes, sizeof iv_bytes), in = ekm_view_of(data, 32);
  keyring_key *aes = create_aes(f, "aes", 128), *rsa = create(f, "tde");
  ekm_buf_init(&out, 512);
  int calls = counting_backend_calls(f->vault);
  assert_false(keyring_wrap(f->ring, aes, in, &f->call, &out, &f->err));
  assert_int_equal(f->err.id, EKM_E_NOT_SUPPORTED);
  assert_false(keyring_unwrap(f->ring, aes, ekm_view_of(data, sizeof data), &f->call, &out, &f->err));
  assert_int_equal(f->err.id, EKM_E_NOT_SUPPORTED);
  assert_false(keyring_encrypt(f->ring, rsa, iv, in, &f->call, &out, &f->err));
  assert_int_equal(f->err.id, EKM_E_NOT_SUPPORTED);
  assert_false(keyring_decrypt(f->ring, rsa, iv, in, &f->call, &out, &f->err));
  assert_int_equal(f->err.id, EKM_E_NOT_SUPPORTED);
  assert_int_equal(counting_backend_calls(f->vault), calls);
  /* Nor in the vault in memory, were it asked. */
  keyring_backend *memory = f->vault->lower;
  assert_false(memory->wrap(memory, "aes", NULL, "RSA-OAEP-256", in, &f->call, &out, &f->err));
  assert_false(memory->unwrap(memory, "aes", NULL, "RSA-OAEP-256", ekm_view_of(data, 16), &f->call, &out, &f->err));
  assert_int_equal(out.len, 0);
  ekm_buf_clear(&out);
  keyring_key_unref(&aes);
  keyring_key_unref(&rsa);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_length_is_found_out_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_enumeration_passes_by_what_may_not_encrypt, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_key_that_may_not_encrypt_says_so, set_up, tear_down),
      cmocka_unit_test_setup_teardown(answers_of_another_length_are_none, set_up, tear_down),
      cmocka_unit_test_setup_teardown(neither_kind_does_the_work_of_the_other, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("aes", tests, NULL, NULL);
}
