/* What each operation of a keyring does when memory or an exchange fails (tests/support/fault_loop.h), over the real
 * keyvault and entra and a vault on paper; and what a refusal does to what is kept. */
#include <stdlib.h>
#include <string.h>

#include "keyring/blob.h"
#include "keyring/keyring_keyvault.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/fault_loop.h"
#include "support/memory_gate.h"

#define SECRET "0123456789abcdef0123456789abcdefsecret"

typedef struct subject {
  fake_clock clock;
  ekm_crypto *crypto;
  ekm_http *patient; /* repeats what failed in passing; NULL: nobody does */
  keyring_connector *connector;
  keyring *ring;
  keyring_call call;
  uint8_t newest[KEYRING_THUMB_BYTES], oldest[KEYRING_THUMB_BYTES]; /* thumbprints of "tde" */
} subject;

static paper_vault vault;
static int64_t keep_ms;
static bool repeats;

static void wait_not(void *arg, int64_t ms) {
  fake_clock_pass(arg, ms);
}

static ekm_http *make_patient(subject *s, paper_vault *v) {
  ekm_err err = {0};
  const ekm_http_retry_options options = {.clock = &s->clock.base,
                                          .rng = ekm_crypto_rng(s->crypto),
                                          .retries = 1,
                                          .delay_ms = 1,
                                          .max_delay_ms = 1,
                                          .wait = wait_not,
                                          .wait_arg = &s->clock};
  assert_true(ekm_http_retry_new(&v->base, &options, &s->patient, &err));
  return s->patient;
}

static bool connect(subject *s, keyring **out_ring, ekm_err *err) {
  ekm_secret secret = {0};
  bool ok = ekm_secret_set(&secret, ekm_view_text(SECRET), err) &&
            s->connector->connect(s->connector, "v", &secret, &s->call, out_ring, err);
  ekm_secret_clear(&secret);
  return ok;
}

static void own_thumb(const subject *s, const char *version, uint8_t out[KEYRING_THUMB_BYTES]) {
  uint8_t n[PAPER_VAULT_KEY_BYTES];
  ekm_err err = {0};
  paper_vault_n(version, n);
  assert_true(keyring_thumb(s->crypto, ekm_view_of(n, sizeof n), ekm_view_of("\x01\x00\x01", 3), out, &err));
}

static void *make_over(paper_vault *v, const akv_vault *others) {
  ekm_err err = {0};
  subject *s = calloc(1, sizeof *s);
  assert_non_null(s);
  paper_vault_fail(v, SIZE_MAX, PAPER_CONNECT);
  fake_clock_init(&s->clock);
  s->call.deadline = ekm_deadline_in(&s->clock.base, INT64_C(1) << 40);
  assert_true(ekm_crypto_new(&s->crypto, &err));
  const keyring_keyvault_options options = {.http = repeats ? make_patient(s, v) : &v->base,
                                            .vault_suffix = "vault.azure.net",
                                            .others = others,
                                            .keyring = {.crypto = s->crypto,
                                                        .clock = &s->clock.base,
                                                        .wrap_alg = "RSA-OAEP-256",
                                                        .report = KEYRING_THUMB_SHA1 + KEYRING_BLOB_SPKI,
                                                        .keep_ms = keep_ms,
                                                        .grace_ms = keep_ms}};
  assert_true(keyring_keyvault_connector_new(&options, &s->connector, &err));
  own_thumb(s, PAPER_VAULT_NEWEST, s->newest);
  own_thumb(s, PAPER_VAULT_OLDEST, s->oldest);
  return s;
}

static void *make_cold(paper_vault *v) {
  static const akv_vault others = {.host = NULL};
  return make_over(v, &others);
}

/* Its keyring has more keyrings beside it; they are not asked while it answers. */
static void *make_with_replicas(paper_vault *v) {
  static const akv_vault others = {.replicas = "a.vault.azure.net, b.vault.azure.net"};
  return make_over(v, &others);
}

static void *make(paper_vault *v) {
  ekm_err err = {0};
  subject *s = make_cold(v);
  assert_true(connect(s, &s->ring, &err));
  return s;
}

static void clear(void *arg) {
  subject *s = arg;
  keyring_unref(&s->ring);
  s->connector->destroy(s->connector);
  ekm_http_free(&s->patient);
  ekm_crypto_free(&s->crypto);
  free(s);
}

/* The key "tde", newest or oldest version. */
static bool is_key(const keyring_key *key, const char *version) {
  uint8_t n[PAPER_VAULT_KEY_BYTES];
  paper_vault_n(version, n);
  return key != NULL && strcmp(keyring_key_version(key), version) == 0 &&
         ekm_view_equal(keyring_key_n(key), ekm_view_of(n, sizeof n));
}

static bool connect_once(void *arg, ekm_err *err) {
  keyring *ring = NULL;
  bool ok = connect(arg, &ring, err);
  assert_int_equal(ok, ring != NULL);
  keyring_unref(&ring);
  return ok;
}

static bool by_name(void *arg, ekm_err *err) {
  subject *s = arg;
  keyring_key *key = NULL;
  bool ok = keyring_by_name(s->ring, "tde", NULL, &s->call, &key, err);
  assert_int_equal(ok, is_key(key, PAPER_VAULT_NEWEST));
  keyring_key_unref(&key);
  return ok;
}

static bool by_version(void *arg, ekm_err *err) {
  subject *s = arg;
  keyring_key *key = NULL;
  bool ok = keyring_by_name(s->ring, "tde", PAPER_VAULT_OLDEST, &s->call, &key, err);
  assert_int_equal(ok, is_key(key, PAPER_VAULT_OLDEST));
  keyring_key_unref(&key);
  return ok;
}

static bool by_thumb(void *arg, ekm_err *err) {
  subject *s = arg;
  keyring_key *key = NULL;
  bool ok = keyring_by_thumb(s->ring, ekm_view_of(s->oldest, sizeof s->oldest), &s->call, &key, err);
  assert_int_equal(ok, is_key(key, PAPER_VAULT_OLDEST));
  keyring_key_unref(&key);
  return ok;
}

/* By the SHA-1 that this keyring reports. */
static bool by_foreign_thumb(void *arg, ekm_err *err) {
  subject *s = arg;
  bool ok = false;
  uint8_t n[PAPER_VAULT_KEY_BYTES], thumb[EKM_SHA1_BYTES];
  keyring_key *key = NULL, *again = NULL;
  ekm_buf blob, reported;
  ekm_buf_init(&blob, KEYRING_BLOB_MAX_BYTES);
  ekm_buf_init(&reported, EKM_SHA1_BYTES);
  paper_vault_n(PAPER_VAULT_OLDEST, n);
  EKM_TRY(keyring_blob_append(KEYRING_BLOB_SPKI, ekm_view_of(n, sizeof n), ekm_view_of("\x01\x00\x01", 3), &blob, err));
  EKM_TRY(ekm_crypto_sha1(s->crypto, ekm_buf_view(&blob), thumb, err));
  EKM_TRY(keyring_by_thumb(s->ring, ekm_view_of(thumb, sizeof thumb), &s->call, &key, err));
  assert_true(is_key(key, PAPER_VAULT_OLDEST));
  EKM_TRY(keyring_thumb_of(s->ring, key, &reported, err));
  assert_true(ekm_view_equal(ekm_buf_view(&reported), ekm_view_of(thumb, sizeof thumb)));
  ok = true;
done:
  keyring_key_unref(&key);
  keyring_key_unref(&again);
  ekm_buf_clear(&blob);
  ekm_buf_clear(&reported);
  return ok;
}

static bool all_ids(void *arg, ekm_err *err) {
  subject *s = arg;
  uint32_t id = 0, before = 0;
  for (unsigned count = 0;; count++) {
    keyring_key *key = NULL;
    before = id;
    if (!keyring_next_id(s->ring, before, &s->call, &id, err)) {
      assert_int_equal(id, 0);
      if (err->id != EKM_E_END_OF_LIST) return false;
      assert_int_equal(count, 2);
      ekm_err_clear(err);
      return true;
    }
    assert_true(keyring_by_id(s->ring, id, &key, err));
    keyring_key_unref(&key);
  }
}

static bool create(void *arg, ekm_err *err) {
  subject *s = arg;
  keyring_key *key = NULL;
  bool ok = keyring_create(s->ring, "new", KEYRING_RSA, 2048, &s->call, &key, err);
  assert_int_equal(ok, key != NULL);
  keyring_key_unref(&key);
  return ok;
}

static bool drop(void *arg, ekm_err *err) {
  subject *s = arg;
  keyring_key *key = NULL;
  bool ok = keyring_by_name(s->ring, "old", NULL, &s->call, &key, err) && keyring_drop(s->ring, key, &s->call, err);
  keyring_key_unref(&key);
  return ok;
}

static bool seal(void *arg, ekm_err *err) {
  subject *s = arg;
  uint8_t expected[PAPER_VAULT_KEY_BYTES];
  keyring_key *key = NULL;
  ekm_buf sealed;
  paper_vault_sealed(expected);
  ekm_buf_init(&sealed, EKM_LIMIT_RSA_MODULUS_BYTES);
  bool ok = keyring_by_name(s->ring, "tde", PAPER_VAULT_OLDEST, &s->call, &key, err) &&
            keyring_wrap(s->ring, key, ekm_view_text(PAPER_VAULT_DEK), &s->call, &sealed, err);
  if (ok) assert_true(ekm_view_equal(ekm_buf_view(&sealed), ekm_view_of(expected, sizeof expected)));
  ekm_buf_clear(&sealed);
  keyring_key_unref(&key);
  return ok;
}

static bool open_it(void *arg, ekm_err *err) {
  subject *s = arg;
  uint8_t sealed[PAPER_VAULT_KEY_BYTES];
  ekm_buf dek;
  ekm_buf_init(&dek, EKM_LIMIT_RSA_MODULUS_BYTES);
  paper_vault_sealed(sealed);
  bool ok = keyring_unwrap_by_thumb(s->ring, ekm_view_of(s->newest, sizeof s->newest),
                                    ekm_view_of(sealed, sizeof sealed), &s->call, &dek, err);
  if (ok) assert_true(ekm_view_equal(ekm_buf_view(&dek), ekm_view_text(PAPER_VAULT_DEK)));
  ekm_buf_clear(&dek);
  return ok;
}

/* With the AES key, whose length has to be found by trying. */
static bool use_aes(subject *s, bool encrypts, ekm_err *err) {
  static const uint8_t iv_bytes[KEYRING_IV_BYTES] = {1}, sealed[PAPER_VAULT_AES_BYTES] = {2};
  const char *version = strchr(PAPER_VAULT_AES, '/') + 1;
  keyring_key *key = NULL;
  ekm_buf out;
  ekm_view iv = ekm_view_of(iv_bytes, sizeof iv_bytes);
  ekm_buf_init(&out, EKM_LIMIT_RSA_MODULUS_BYTES);
  bool ok = keyring_by_name(s->ring, "aes", version, &s->call, &key, err);
  if (ok) assert_int_equal(keyring_key_bits(key), 256);
  if (encrypts) {
    ok = ok && keyring_encrypt(s->ring, key, iv, ekm_view_text(PAPER_VAULT_DEK), &s->call, &out, err);
    if (ok) assert_int_equal(out.len, PAPER_VAULT_AES_BYTES);
  } else {
    ok = ok && keyring_decrypt(s->ring, key, iv, ekm_view_of(sealed, sizeof sealed), &s->call, &out, err);
    if (ok) assert_true(ekm_view_equal(ekm_buf_view(&out), ekm_view_text(PAPER_VAULT_DEK)));
  }
  ekm_buf_clear(&out);
  keyring_key_unref(&key);
  return ok;
}

static bool encrypt(void *arg, ekm_err *err) {
  return use_aes(arg, true, err);
}

static bool decrypt(void *arg, ekm_err *err) {
  return use_aes(arg, false, err);
}

static const fault_row cold_rows[] = {{"connect", connect_once, FORGIVES_NOTHING}};

/* After a creation a list of versions is done without, and nobody reads the answer to a deletion. A version that cannot
 * be compared for want of memory is read again. */
static const fault_row rows[] = {
    {"by_name", by_name, FORGIVES_NOTHING},
    {"by_name of a version", by_version, FORGIVES_NOTHING},
    {"by_thumb", by_thumb, FORGIVES_MEMORY},
    {"by_thumb, thumb_of of another connector", by_foreign_thumb, FORGIVES_MEMORY},
    {"next_id, by_id", all_ids, FORGIVES_NOTHING},
    {"create", create, FORGIVES_MEMORY | FORGIVES_EXCHANGES},
    {"drop", drop, FORGIVES_EXCHANGES},
    {"wrap", seal, FORGIVES_NOTHING},
    {"unwrap_by_thumb", open_it, FORGIVES_NOTHING},
    {"encrypt", encrypt, FORGIVES_NOTHING},
    {"decrypt", decrypt, FORGIVES_NOTHING},
};

static void each_operation_fails_well(void **state) {
  const fault_layer layers[] = {
      {&vault, make_cold, clear, cold_rows, sizeof cold_rows / sizeof cold_rows[0]},
      {&vault, make, clear, rows, sizeof rows / sizeof rows[0]},
  };
  (void)state;
  for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
    fault_loop_memory(&layers[i]);
    fault_loop_exchanges(&layers[i]);
  }
}

/* Where what failed in passing is repeated nobody notices it; but what makes or deletes a key goes out once, whatever
 * comes of it. */
static void what_passes_is_repeated_once_is_once(void **state) {
  static const paper_fault passing[] = {PAPER_CONNECT, PAPER_RESET, PAPER_FAILURE, PAPER_THROTTLED};
  (void)state;
  repeats = true;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    for (size_t k = 0; k < sizeof passing / sizeof passing[0]; k++) {
      bool failed = true;
      for (size_t n = 0; failed; n++) {
        ekm_err err = {0};
        subject *s = make(&vault);
        paper_vault_fail(&vault, n, passing[k]);
        bool ok = rows[i].run(s, &err);
        bool changes = rows[i].run == create || rows[i].run == drop;
        failed = vault.failed;
        if (!ok && !changes) fail_msg("%s, %zu at %zu: %s", rows[i].name, k, n, err.detail);
        assert_in_range(vault.creates + vault.deletes, 0, 1);
        clear(s);
      }
    }
  }
  repeats = false;
}

static void a_keyring_with_replicas_without_memory(void **state) {
  const fault_layer layer = {&vault, make_with_replicas, clear, cold_rows, sizeof cold_rows / sizeof cold_rows[0]};
  (void)state;
  fault_loop_memory(&layer);
}

/* What a refusal means must not depend on memory: it is said, or that there was none. */
static void a_refusal_without_memory(void **state) {
  static const struct {
    bool (*run)(void *subject, ekm_err *err);
    ekm_err_id expected;
  } asked[] = {{connect_once, EKM_E_TOKEN_REFUSED}, {by_name, EKM_E_VAULT_ROLE}};
  (void)state;
  for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
    memory_gate gate = {0};
    for (size_t n = 0; memory_gate_next(&gate, n); n++) {
      ekm_err err = {0};
      memory_gate_rest(&gate);
      subject *s = i == 0 ? make_cold(&vault) : make(&vault);
      paper_vault_fail(&vault, i == 0 ? 1 : 0, PAPER_REFUSED);
      memory_gate_go_on(&gate);
      assert_false(asked[i].run(s, &err));
      memory_gate_check(&gate, err.id == asked[i].expected, &err);
      clear(s);
    }
  }
}

/* --- what is kept ------------------------------------------------------------------------------------------------- */

enum { KEEP_MS = 86400000, TOKEN_IS_OVER_MS = 3600000 };

static bool sign_in_anew(subject *s, ekm_err *err) {
  return connect_once(s, err);
}

static bool list(subject *s, ekm_err *err) {
  uint32_t id;
  return keyring_next_id(s->ring, 0, &s->call, &id, err);
}

static bool search(subject *s, ekm_err *err) {
  keyring_key *key = NULL;
  uint8_t thumb[KEYRING_THUMB_BYTES] = {1};
  return keyring_by_thumb(s->ring, ekm_view_of(thumb, sizeof thumb), &s->call, &key, err);
}

static bool ask_name(subject *s, ekm_err *err) {
  return by_name(s, err);
}

/* Whichever request it is that meets the refusal of the secret: what is kept goes with it. */
static void a_refused_sign_in_ends_what_is_kept(void **state) {
  static bool (*const requests[])(subject * s, ekm_err * err) = {sign_in_anew, list, search, ask_name};
  (void)state;
  keep_ms = KEEP_MS;
  for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
    ekm_err err = {0};
    subject *s = make(&vault);
    assert_true(open_it(s, &err));
    fake_clock_pass(&s->clock, TOKEN_IS_OVER_MS);
    paper_vault_fail(&vault, SIZE_MAX, PAPER_CONNECT);
    assert_true(open_it(s, &err));
    assert_int_equal(vault.asked, 0);
    paper_vault_fail(&vault, 0, PAPER_REFUSED);
    assert_false(requests[i](s, &err));
    assert_int_equal(err.id, EKM_E_TOKEN_REFUSED);
    ekm_err_clear(&err);
    if (open_it(s, &err)) fail_msg("%zu", i);
    assert_int_equal(err.id, EKM_E_TOKEN_REFUSED);
    clear(s);
  }
  keep_ms = 0;
}

/* Who may not list may unwrap. */
static void a_forbidden_list_ends_nothing(void **state) {
  ekm_err err = {0};
  (void)state;
  keep_ms = KEEP_MS;
  subject *s = make(&vault);
  assert_true(open_it(s, &err));
  paper_vault_fail(&vault, 0, PAPER_REFUSED);
  assert_false(list(s, &err));
  assert_int_equal(err.id, EKM_E_VAULT_ROLE);
  paper_vault_fail(&vault, 0, PAPER_REFUSED);
  ekm_err_clear(&err);
  assert_true(open_it(s, &err));
  assert_int_equal(vault.asked, 0);
  clear(s);
  keep_ms = 0;
}

static int set_up(void **state) {
  (void)state;
  paper_vault_init(&vault);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_operation_fails_well),
      cmocka_unit_test(what_passes_is_repeated_once_is_once),
      cmocka_unit_test(a_keyring_with_replicas_without_memory),
      cmocka_unit_test(a_refusal_without_memory),
      cmocka_unit_test(a_refused_sign_in_ends_what_is_kept),
      cmocka_unit_test(a_forbidden_list_ends_nothing),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
