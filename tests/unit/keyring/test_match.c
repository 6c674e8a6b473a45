/* Which thumbprints mean a key: its own, those of Microsoft's connector, its packed name. */
#include "keyring/match.h"

#include <stdio.h>
#include <string.h>

#include "keyring/blob.h"
#include "keyring/foreign.h"
#include "keyring/key.h"
#include "support/cmocka_all.h"
#include "support/memory_gate.h"

enum { THUMBS_MAX = 16, HASH_FORMS = KEYRING_BLOB_FORMS };

typedef struct fixture {
  ekm_crypto *crypto;
  keyring_record record;
  uint8_t own[KEYRING_THUMB_BYTES];
} fixture;

static int set_up(void **state) {
  static fixture f;
  ekm_err err = {0};
  *state = &f;
  keyring_record_init(&f.record);
  (void)snprintf(f.record.name, sizeof f.record.name, "Tde-1");
  f.record.is_rsa = true;
  uint8_t *n = ekm_buf_extend(&f.record.n, 256);
  memset(n, 0xA5, 256);
  ekm_buf_append(&f.record.e, "\x01\x00\x01", 3);
  if (!ekm_crypto_new(&f.crypto, &err)) return -1;
  return keyring_thumb(f.crypto, ekm_buf_view(&f.record.n), ekm_buf_view(&f.record.e), f.own, &err) ? 0 : -1;
}

static int tear_down(void **state) {
  fixture *f = *state;
  keyring_record_clear(&f->record);
  ekm_crypto_free(&f->crypto);
  return 0;
}

static void each_thumbprint_is_told(void **state) {
  fixture *f = *state;
  ekm_err err = {0};
  keyring_key *key = NULL;
  ekm_buf bytes[HASH_FORMS + 1];
  ekm_view thumbs[THUMBS_MAX];
  keyring_match matches[THUMBS_MAX];
  size_t count = 0;
  assert_true(keyring_key_new(f->crypto, &f->record, &key, &err));
  thumbs[count++] = ekm_view_of(f->own, sizeof f->own);
  for (int form = 0; form < HASH_FORMS; form++) {
    ekm_buf_init(&bytes[form], 64);
    assert_true(keyring_foreign_hash(f->crypto, key, (keyring_blob_form)form, &bytes[form], &err));
    thumbs[count++] = ekm_buf_view(&bytes[form]);
  }
  ekm_buf_init(&bytes[HASH_FORMS], 64);
  assert_true(keyring_foreign_pack("tde-1", &bytes[HASH_FORMS])); /* as somebody else spelt it */
  thumbs[count++] = ekm_buf_view(&bytes[HASH_FORMS]);
  thumbs[count++] = ekm_view_of(f->own, sizeof f->own - 1);
  thumbs[count++] = ekm_view_of("\x50\x41\x40", 3); /* "tde" */
  thumbs[count++] = ekm_view_of("", 0);
  assert_true(keyring_match_thumbs(f->crypto, &f->record, thumbs, count, matches, &err));
  for (size_t i = 0; i < 1 + HASH_FORMS; i++) assert_int_equal(matches[i], KEYRING_MATCH_KEY);
  assert_int_equal(matches[1 + HASH_FORMS], KEYRING_MATCH_NAME);
  for (size_t i = 2 + HASH_FORMS; i < count; i++) assert_int_equal(matches[i], KEYRING_MATCH_NONE);
  for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) ekm_buf_clear(&bytes[i]);
  keyring_key_unref(&key);
}

static void keys_of_other_kinds_mean_nothing(void **state) {
  fixture *f = *state;
  ekm_err err = {0};
  ekm_view thumb = ekm_view_of(f->own, sizeof f->own);
  keyring_match match = KEYRING_MATCH_KEY;
  f->record.is_rsa = false;
  assert_true(keyring_match_thumbs(f->crypto, &f->record, &thumb, 1, &match, &err));
  assert_int_equal(match, KEYRING_MATCH_NONE);
  assert_int_equal(err.id, EKM_E_OK);
  assert_true(keyring_match_thumbs(f->crypto, &f->record, NULL, 0, NULL, &err));
}

/* An AES key is known by its name and version; nothing of Microsoft's connector is one. */
static void aes_keys_have_their_own_thumbprint_only(void **state) {
  fixture *f = *state;
  ekm_err err = {0};
  keyring_key *key = NULL;
  keyring_match matches[3];
  f->record.is_rsa = false;
  f->record.is_aes = true;
  f->record.bits = 256;
  (void)snprintf(f->record.version, sizeof f->record.version, "0123456789abcdef0123456789abcdef");
  assert_true(keyring_key_new(f->crypto, &f->record, &key, &err));
  ekm_buf packed;
  ekm_buf_init(&packed, 64);
  assert_true(keyring_foreign_pack("Tde-1", &packed));
  ekm_view thumbs[] = {keyring_key_thumb(key), ekm_view_of(f->own, sizeof f->own), ekm_buf_view(&packed)};
  assert_true(keyring_match_thumbs(f->crypto, &f->record, thumbs, 3, matches, &err));
  assert_int_equal(matches[0], KEYRING_MATCH_KEY);
  assert_int_equal(matches[1], KEYRING_MATCH_NONE);
  assert_int_equal(matches[2], KEYRING_MATCH_NONE);
  ekm_buf_clear(&packed);
  keyring_key_unref(&key);
}

static void survives_without_memory(void **state) {
  fixture *f = *state;
  memory_gate gate = {0};
  uint8_t other[KEYRING_THUMB_BYTES] = {1};
  ekm_view thumbs[] = {ekm_view_of(other, sizeof other), ekm_view_of(f->own, sizeof f->own)};
  for (size_t n = 0; memory_gate_next(&gate, n); n++) {
    keyring_match matches[2];
    ekm_err err = {0};
    bool ok = keyring_match_thumbs(f->crypto, &f->record, thumbs, 2, matches, &err);
    memory_gate_check(&gate, ok, &err);
    if (ok) assert_int_equal(matches[1], KEYRING_MATCH_KEY);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(each_thumbprint_is_told, set_up, tear_down),
      cmocka_unit_test_setup_teardown(keys_of_other_kinds_mean_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(aes_keys_have_their_own_thumbprint_only, set_up, tear_down),
      cmocka_unit_test_setup_teardown(survives_without_memory, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
